from __future__ import annotations

import pytest

from specguard.documents.content import without_box
from specguard.documents.document import Document


def ticked(text: str) -> list[tuple[int, str]]:
    return [(item.line, item.words) for item in Document(text).ticked]


@pytest.mark.parametrize(
    "box",
    [
        "[ x ]", "[\u2714\ufe0f]", "[\u0445]", "[\uff38]", "\\[x\\]", "**[x]**", "[v]", "[done]", "[OK]",
        "[\u2612]", "[\U0001d5d1]", "&#91;x]", "[&check;]", "<b>[x]</b>", "<input type='checkbox' checked>",
    ],
)  # fmt: skip
def test_what_a_reader_takes_for_a_tick_is_one(box: str) -> None:
    assert ticked(f"- {box} Build\n") == [(1, "Build")]


@pytest.mark.parametrize(
    "box", ["[/]", "[]", "[x](a.md)", "(x)", "[xyz]", "[1]", "\u274c", "\u2717", "<input type=checkbox>"]
)
def test_other_marks_are_none(box: str) -> None:
    assert ticked(f"- {box} Build\n") == []


def test_ticks_are_found_in_lists_tables_and_quotes() -> None:
    text = """1. [x] a
   - b
     - [X] c

> - [x] d

| Done | Task |
|---|---|
| [x] | e |
| [ ] | f |

```
- [x] g
```
<!-- - [x] h -->
"""
    assert ticked(text) == [(1, "a"), (3, "c"), (5, "d"), (9, "e")]


def test_ticks_are_found_in_html_and_footnotes() -> None:
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


def test_a_row_is_all_of_its_cells() -> None:
    assert ticked("| What | Path | Done |\n| - | - | - |\n| GET | /api | \u2705 |\n") == [(3, "GET, /api")]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("a\\_b/c.json", "a_b/c.json"),
        ("`a\\b\\c.json`", "a/b/c.json"),
        ("tests/test_a.py::TestB::test_c", "tests/test_a.py"),
    ],
)
def test_a_name_is_a_path_as_it_is_meant(said: str, name: str) -> None:
    [item] = Document(f"- [x] Build: {said}\n").ticked
    assert name in list(item.names)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" [ ] still owed ", "still owed"),
        ("done [x] twice", "done [x] twice"),
        ("[ ](a.md)", "[ ](a.md)"),
        ("[x]", ""),
    ],
)
def test_the_box_before_a_text_is_taken_away(text: str, words: str) -> None:
    assert without_box(text) == words
