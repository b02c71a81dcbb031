from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.documents.blocks import Fence, Html, List, Paragraph, Quote, Table, fences
from specguard.documents.document import Document
from specguard.documents.titles import normal_title

TEXT = """\
# Title

Intro with `code`.

## 1. First (draft)

- `a/` one
  1) b/**
     ```toml specguard
     x = 1
     ```
- c

> ## quoted

```text
## fenced
```

<!-- ## hidden

## hidden too
-->

### Sub

| h | i |
|---|---|
| `d/` | e |

## Last
"""


def test_headings_are_those_that_divide_the_document() -> None:
    found = [(one.heading.level, one.heading.text.plain, one.heading.line) for one in Document(TEXT).sections]
    assert found == [(1, "Title", 1), (2, "1. First (draft)", 5), (3, "Sub", 25), (2, "Last", 31)]


def test_a_section_reaches_to_the_next_heading_of_its_level() -> None:
    document = Document(TEXT)
    section = document.section("First")
    assert section is not None
    assert (section.line, section.end, section.empty) == (5, 30, False)
    kinds = [type(block).__name__ for block in section.blocks]
    assert kinds == ["List", "Quote", "Fence", "Heading", "Table"]
    last = document.section("last")
    assert last is not None
    assert (last.empty, last.end) == (True, 31)
    assert document.section("none") is None


def test_items_tables_and_fences_have_their_lines() -> None:
    document = Document(TEXT)
    section = document.section("first")
    assert section is not None
    items = section.blocks[0]
    assert isinstance(items, List)
    assert [item.text.raw for item in items.items] == ["`a/` one", "c"]
    inner = items.items[0].rest[0]
    assert isinstance(inner, List)
    assert (inner.ordered, inner.items[0].number, inner.items[0].line) == (True, 1, 8)
    fence, text = fences(document.blocks)
    assert (fence.info, fence.content, fence.line, fence.first, fence.nested) == (
        "toml specguard",
        "x = 1\n",
        9,
        10,
        True,
    )
    assert (text.info, text.nested) == ("text", False)
    table = section.blocks[-1]
    assert isinstance(table, Table)
    assert [[cell.plain for cell in row] for row in table.rows] == [["d/", "e"]]
    assert table.rows[0][0].line == 29


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_a_byte_order_mark_and_carriage_returns_move_no_line(ending: str) -> None:
    document = Document("\ufeff" + TEXT.replace("\n", ending))
    assert [section.heading.line for section in document.sections] == [1, 5, 25, 31]
    assert next(fences(document.blocks)).content == "x = 1\n"


def test_front_matter_is_no_text() -> None:
    document = Document("---\ntitle: x\n---\n# T\n")
    assert document.front_matter == "title: x\n"
    assert document.sections[0].heading.line == 4
    unclosed = Document("---\ntitle: x\n\n# T\n")
    assert unclosed.front_matter is None
    assert [section.heading.text.raw for section in unclosed.sections] == ["T"]


def test_comments_are_not_seen() -> None:
    document = Document("a <!-- b\nc --> `<!-- d -->` e. F <!-- g\n\n<!-- all -->\n\n<p>x<!-- y --></p>\n")
    first, html = document.blocks
    assert isinstance(first, Paragraph)
    assert [(part.raw, part.line) for part in first.text.sentences()] == [
        ("a \n `<!-- d -->` e.", 1),
        ("F <!-- g", 2),
    ]
    assert isinstance(html, Html)
    assert html.content == "<p>x</p>\n"


def test_plain_text_keeps_what_is_in_code() -> None:
    (block,) = Document("**Never** touch `docs/**` or ``a`b``, my_file and _this_.\n").blocks
    assert isinstance(block, Paragraph)
    assert block.text.plain == "Never touch docs/** or a`b, my_file and this."
    assert block.text.spans == ["docs/**", "a`b"]


def test_deep_nesting_loses_nothing() -> None:
    text = "".join(f"{'  ' * depth}- level {depth}\n" for depth in range(60))
    found = [text.raw for text in Document(text).texts]
    assert found == [f"level {depth}" for depth in range(60)]


def test_quotes_are_left_out_of_running_text() -> None:
    document = Document("> You must not.\n\nYou may.\n")
    assert isinstance(document.blocks[0], Quote)
    assert [text.raw for text in document.texts] == ["You may."]


@pytest.mark.parametrize(
    ("title", "normal"),
    [
        ("3. LOCKED ZONES (immutable without authorization)", "locked zones"),
        ("Locked zones — do not modify", "locked zones"),
        ("Locked Zones (touched: 0)", "locked zones"),
        ("**Locked zones**:", "locked zones"),
        ("2.1 Conflict resolution", "conflict resolution"),
        ("IV. Forbidden paths", "forbidden paths"),
        ("a) Forbidden paths", "forbidden paths"),
        ("§4 Forbidden  paths", "forbidden paths"),
        ("Source-of-truth precedence (locked)", "source of truth precedence"),
        ("Authority Order\uff08権威順位\uff09", "authority order"),
        ("Unlocked zones", "unlocked zones"),
        ("矛盾時の裁定ルール", "矛盾時の裁定ルール"),
    ],
)
def test_titles_are_compared_by_their_words(title: str, normal: str) -> None:
    assert normal_title(title) == normal


@given(st.text(alphabet="#-*`>|1. \n\r\tab<!_[]~:", max_size=200))
def test_any_text_is_read_with_lines_within_it(text: str) -> None:
    document = Document(text)
    count = text.count("\n") + 1
    for block in document.blocks:
        assert 1 <= block.line <= count
        if isinstance(block, Fence):
            assert block.first <= count + 1
    for part in document.texts:
        for sentence in part.sentences():
            assert part.line <= sentence.line <= count
