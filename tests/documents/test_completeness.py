"""What counts as content: ticked items, placeholders, rows; not what is hidden, not headings and labels."""

from pathlib import Path

from specguard.documents.blocks import rows
from specguard.documents.completeness import content_of, is_bare_nothing, is_todo
from specguard.documents.document import Document
from specguard.documents.list_items import without_box


def seen(body: str, *placeholders: str) -> bool:
    document = Document(f"# T\n\n## Risks\n\n{body}\n\n## Other\n\nwords\n")
    section = document.section("Risks")
    assert section is not None
    return content_of(section.blocks, placeholders).kind in ("content", "nothing")


def test_the_words_of_a_template_are_no_content() -> None:
    template = "Describe what may go wrong, and how bad it is."
    assert seen(template)
    assert not seen(template, template)
    assert not seen(f"- {template.upper()}", template)
    broken = template.replace("wrong, ", "wrong,\n")
    assert not seen(f"*{broken}*", broken)
    assert seen(f"{template} The cache is cold.", template)
    # What is owed stays so where it is a template's.
    own = ["TBD - made by archiving", "Say the purpose\nof it."]
    assert not seen("TBD - made by archiving x. Say more later.", *own)
    assert not seen("TBD - made by archiving x.\nSay the purpose\nof it.", *own)
    assert seen("TBD - made by archiving x.\nRuns are kept.", *own)
    assert seen("Say the purpose\nof it. Runs are kept.", *own)


def test_a_section_ends_where_the_next_begins_that_it_does_not_hold() -> None:
    text = "# A\n\na\n\n### B\n\nb\n\n## C\n\nc\n\n#### D\n\n# E\n"
    sections = Document(text).sections
    names = [section.heading.text.raw for section in sections]
    assert names == ["A", "B", "C", "D", "E"]
    lines = [(one.line, one.end, one.level) for one in sections]
    assert lines == [(1, 14, 1), (5, 8, 3), (9, 14, 2), (13, 14, 4), (15, 15, 1)]
    assert [len(one.own) for one in sections] == [1, 1, 1, 0, 0]
    assert [len(one.blocks) for one in sections] == [6, 1, 2, 0, 0]


def test_nothing_without_a_reason_is_bare() -> None:
    assert all(map(is_bare_nothing, ["none.", "N/A", "- None", "**None**", "Not applicable."]))
    assert all(map(is_bare_nothing, ["None remaining.", "No risks identified.", "There are no risks."]))
    assert all(map(is_bare_nothing, ["No risks were identified.", "No significant risks", "Nothing so far."]))
    assert not any(map(is_bare_nothing, ["No risks: nothing reads it.", "No risks are left to the reader."]))
    assert seen("None.")


def test_a_line_owes_what_a_page_takes_for_html_or_a_rule_and_not_what_it_takes_for_a_definition() -> None:
    assert [text for text in ("<name>", "___", "[Risk]: text") if is_todo(text)] == ["<name>", "___"]


def test_a_template_has_words_of_its_own() -> None:
    own = ["What could go wrong,  and how likely is it?"]
    assert is_todo("What could go wrong, and  how likely is it?", own)
    assert is_todo("Risks: what could go wrong, and how likely is it? ...", own)
    assert not is_todo("What could go wrong, and how likely is it? The cache.", own)
    assert is_todo("TBD - made by x. Say more later.", ["TBD - made by"])


def ticked(text: str) -> list[tuple[int, str]]:
    return [(item.line, item.words) for item in Document(text).ticked]


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
    assert list(*(item.names for item in Document("- [x] a: [run](/c/1.json)\n").ticked)) == ["c/1.json"]
    for box in ("\\[x\\]", "<b>[x]</b>", "\u2714\ufe0f"):
        assert ticked(f"- {box} Build\n") == [(1, "Build")]
    for done in ("Build ✅", "**Build ✔\ufe0f**\n  more", "Status: Completed", "**Status: done**"):
        assert [line for line, _ in ticked(f"- {done}\n")] == [1]
    assert ticked("- [ ] Build ✅\n- See ✅ there\n- It says Status: done\n") == []
    assert ticked("- Status: done / open\n- Status: done when it passes\n- Open: none, done: ✅\n") == []
    assert ticked("- [x] Build\n  - Status: Done\n") == [(1, "Build")]


def test_a_sign_makes_no_content_of_a_placeholder() -> None:
    assert not any(map(seen, ["🚧 TODO", "⚠\ufe0f TBD"]))
    assert all(map(seen, ["✅", "Tests: ✅"]))


def test_an_item_names_what_stands_in_it_but_for_what_is_not_ticked() -> None:
    text = """- [x] Build, see `a/1.json`.
  - Evidence: [run](b/2.json) (c/3.json)
  - [ ] later d/4.json
  - \u274c failed d/5.json
  - [x](e/6.json) is a link
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
    assert names == ["a/1.json", "b/2.json", "c/3.json", "e/6.json", "e/5.json", "f/6.json", "g/7.json"]
    assert list(inner.names) == ["e/5.json"]
    assert list(other.names) == ["i/9.json"]


def test_names_are_paths_as_they_are_meant_and_words_have_no_box() -> None:
    for said, name in {
        "a\\_b/c.json": "a_b/c.json",
        "`a\\b\\c.json`": "a/b/c.json",
        "tests/test_a.py::TestB::test_c": "tests/test_a.py",
    }.items():
        [item] = Document(f"- [x] Build: {said}\n").ticked
        assert name in list(item.names)
    boxes = {" [ ] still owed ": "still owed", "a [x] b": "a [x] b", "[ ](a.md)": "[ ](a.md)", "[x]": ""}
    for text, words in boxes.items():
        assert without_box(text) == words


TEXT = (Path(__file__).parent / "samples" / "rows.md").read_text(encoding="utf-8")


def test_rows() -> None:
    found = [(row.line, row.cells) for row in rows(Document(TEXT).blocks)]
    assert found == [
        (1, ["Agents"]),
        (3, ["First line,"]),
        (4, ["second  line."]),
        (6, ["P1: aligned and more"]),
        (8, ["nested"]),
        (9, ["deeper"]),
        (13, ["P2", "stale"]),
        (14, ["P3", ""]),
    ]


def test_cells_are_found_by_their_column() -> None:
    row = next(row for row in rows(Document(TEXT).blocks) if row.header)
    assert row.cell(" state ") == "stale"
    assert row.cell("Other") == ""
    assert next(rows(Document("x").blocks)).cell("x") == ""
