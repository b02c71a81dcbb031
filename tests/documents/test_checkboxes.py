from __future__ import annotations

from specguard.documents.content import without_box
from specguard.documents.document import Document


def ticked(text: str) -> list[tuple[int, str]]:
    return [(item.line, item.words) for item in Document(text).ticked]


def test_what_a_reader_takes_for_a_tick_is_one() -> None:
    for box in ("\\[x\\]", "<b>[x]</b>", "\u2714\ufe0f"):
        assert ticked(f"- {box} Build\n") == [(1, "Build")]


def test_ticks_are_found_wherever_a_page_has_them() -> None:
    text = """1. [x] a
   - b
     - [X] c

> - [x] d

| Done | What | Path |
|---|---|---|
| [x] | GET | /e |
| [ ] | GET | /f |

```
- [x] g
```
<!-- - [x] h -->
"""
    assert ticked(text) == [(1, "a"), (3, "c"), (5, "d"), (9, "GET, /e")]
    text = """<ul>
<li><input type="checkbox" checked disabled> a
<li>[x] b: c/1.json
<li><input type="checkbox"> d
</ul>

e[^1]

[^1]: - [x] f

[^2]: - [x] seen nowhere
"""
    assert ticked(text) == [(2, "a"), (3, "b: c/1.json"), (9, "f")]
    assert [list(item.names) for item in Document(text).ticked] == [[], ["c/1.json"], []]


def test_an_item_names_what_stands_in_it_but_for_what_is_not_ticked() -> None:
    text = """- [x] Build, see `a/1.json`.
  - Evidence: [run](b/2.json) (c/3.json)
  - [ ] later d/4.json
  - [x] now e/5.json

  | Run |
  |---|
  | f/6.json |

  ```
  g/7.json
  ```
  <!-- h/8.json -->
- [x] Other i/9.json
"""
    first, inner, other = Document(text).ticked
    names = [name for name in first.names if "/" in name]
    assert names == ["a/1.json", "b/2.json", "c/3.json", "e/5.json", "f/6.json", "g/7.json"]
    assert list(inner.names) == ["e/5.json"]
    assert list(other.names) == ["i/9.json"]


def test_names_are_paths_as_they_are_meant_and_words_have_no_box() -> None:
    for said, name in (
        ("a\\_b/c.json", "a_b/c.json"),
        ("`a\\b\\c.json`", "a/b/c.json"),
        ("tests/test_a.py::TestB::test_c", "tests/test_a.py"),
    ):
        [item] = Document(f"- [x] Build: {said}\n").ticked
        assert name in list(item.names)
    boxes = {" [ ] still owed ": "still owed", "a [x] b": "a [x] b", "[ ](a.md)": "[ ](a.md)", "[x]": ""}
    for text, words in boxes.items():
        assert without_box(text) == words
