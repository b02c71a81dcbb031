from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.documents.blocks import Footnote, Html, List, Paragraph, Quote, Table, all_texts, fences, texts
from specguard.documents.document import MAX_CHARACTERS, MAX_LINES, Document, limit_problem
from specguard.documents.fields import normal_title
from tests.outcomes import there
from tests.rows import rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.documents.blocks import AnyBlock, Text

SAMPLES = Path(__file__).parent / "samples"
TEXT = (SAMPLES / "document.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_a_document_is_sections_lists_tables_and_fences_with_their_lines(ending: str) -> None:
    document = Document("\ufeff" + TEXT.replace("\n", ending))
    found = [(one.heading.level, one.heading.text.plain, one.heading.line) for one in document.sections]
    assert found == [(1, "Title", 1), (2, "1. First (draft)", 5), (3, "Sub", 25), (2, "Last", 31)]
    # A section reaches to the next heading of its level.
    section = there(document.section("First"))
    assert (section.line, section.end, there(document.section("last")).end) == (5, 30, 31)
    assert document.section("none") is None
    items, quote, _, _, table = section.blocks
    assert isinstance(items, List)
    assert isinstance(quote, Quote)
    assert isinstance(table, Table)
    assert [item.text.raw for item in items.items] == ["`a/` one", "c"]
    inner = items.items[0].rest[0]
    assert isinstance(inner, List)
    assert (inner.ordered, inner.items[0].number, inner.items[0].line) == (True, 1, 8)
    fence, text = fences(document.blocks)
    assert (fence.info, fence.content, fence.line, fence.first) == ("toml specguard", "x = 1\n", 9, 10)
    assert (fence.nested, text.info, text.nested) == (True, "text", False)
    assert [[cell.plain for cell in row] for row in table.rows] == [["d/", "e"]]
    assert table.rows[0][0].line == 29


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


def test_deep_nesting_loses_nothing_and_quotes_are_no_running_text() -> None:
    text = "".join(f"{'  ' * depth}- level {depth}\n" for depth in range(60))
    assert [text.raw for text in texts(Document(text).blocks)] == [f"level {depth}" for depth in range(60)]
    assert [text.raw for text in texts(Document("> You must not.\n\nYou may.\n").blocks)] == ["You may."]


def test_titles_are_compared_by_their_words() -> None:
    for title, normal in rows(__file__, "titles"):
        assert normal_title(title) == normal


def test_checkboxes_have_their_state() -> None:
    text = "- [ ] a\n- [x] b\n- [X] c\n- [-] d\n- e [x]\n- [x]f\n- [x]\n1. [x] g\n   - [ ] h\n* [x](y.md)\n"
    lists = [block for block in Document(text).blocks if isinstance(block, List)]
    items = [item for block in lists for item in block.items]
    [inner] = [block for item in items for block in item.rest if isinstance(block, List)]
    states = [item.text.checked for item in [*items[:8], *inner.items, *items[8:]]]
    assert states == [False, True, True, None, None, None, True, True, False, None]
    assert [item.line for item in items] == [1, 2, 3, 4, 5, 6, 7, 8, 10]


def test_footnotes_are_content_and_no_definitions() -> None:
    document = Document(
        "a[^1] b[^two]\n\n[^1]: src/a.py:12\n\n[^two]: text\n\n    ```\n    code\n    ```\n\nend\n"
    )
    notes = [block for block in document.blocks if isinstance(block, Footnote)]
    assert [(note.label, note.line) for note in notes] == [("1", 3), ("two", 5)]
    assert [text.raw for text in texts(document.blocks)] == ["a[^1] b[^two]", "src/a.py:12", "text", "end"]
    assert [fence.content for fence in fences(document.blocks)] == ["code\n"]
    assert not document.definitions


def test_footnotes_that_nothing_refers_to_are_on_no_page() -> None:
    document = Document(
        "a[^B] `[^code]` <!-- [^comment] -->\n\n[^b]: seen[^c]\n\n[^c]: seen\n\n[^d]: one[^e]\n\n"
        "[^e]: two[^d]\n\n- x\n\n  [^f]: in a list\n\n[^code]: code\n\n[^comment]: comment\n"
    )
    assert [text.raw for text in texts(document.blocks)] == ["a[^B] `[^code]` ", "seen[^c]", "seen", "x"]
    assert [block.line for block in document.unseen_footnotes] == [7, 9, 13, 15, 17]
    assert not document.hidden_blocks


def test_bytes_that_are_no_text_make_a_document_with_a_problem() -> None:
    for content, message, line in (
        (b"# T\n\n\xff\n", "it is not UTF-8", 3),
        (b"# T\n\0\n", "it is a binary file: it has a NUL byte", 2),
        ("# T\n".encode("utf-16"), "it is a binary file: it has a NUL byte", 1),
        (b"- " * 300 + b"x", "lists and quotes are nested too deeply", 1),
        (b"a\n" * (MAX_LINES + 1), f"it has more than {MAX_LINES} lines", MAX_LINES + 1),
        (b"a" * (MAX_CHARACTERS + 1), f"it has more than {MAX_CHARACTERS} characters", 1),
    ):
        document = Document.of(content)
        problem = there(document.problem)
        assert (problem.message, problem.line) == (message, line)
        assert not document.blocks
        assert not document.sections
        assert (document.properties.value, document.section("T")) == (None, None)
    assert Document.of(b"").problem is None
    assert Document.of(b"# T\r\n").sections[0].heading.text.raw == "T"


BLOCKS = st.sampled_from(rows(__file__, "parts"))


@given(
    st.lists(BLOCKS, max_size=12),
    st.sampled_from(["\n\n", "\n", "\n\n\n"]),
    st.sampled_from(["", "---\nkey: value\n---\n", "+++\nkey = 1\n+++\n"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_lines_point_where_they_say(parts: list[str], between: str, matter: str, ending: str) -> None:
    # Every part says its own number, so what is read can be found again in the source.
    numbered = [part.replace("{}", f"n{number}n") for number, part in enumerate(parts)]
    document = Document((matter + between.join(numbered)).replace("\n", ending))
    assert document.problem is None
    source = document.source_lines

    check_lines(document.blocks, source)
    check_lines(document.hidden_blocks, source)
    for section in document.sections:
        assert section.line <= section.end <= document.last_line
        assert section.heading.text.raw in source[section.line - 1]
        assert section.own == section.blocks[: len(section.own)]
    for comment in document.hidden_parts:
        assert comment.what != "comment" or "<!--" in source[(comment.line or 0) - 1]


def check_lines(blocks: Sequence[AnyBlock], source: Sequence[str]) -> None:
    assert all(1 <= block.line <= len(source) for block in blocks)
    for text in all_texts(blocks):
        found = words(text)
        assert found <= set("\n".join(source[text.line - 1 : text.line + 20]).split())
        assert not found or found & set(source[text.line - 1].split())
    for fence in fences(blocks):
        for number, line in enumerate(fence.content.split("\n")[:-1], fence.first - 1):
            assert line in source[number]


def words(text: Text) -> set[str]:
    return {word for word in text.raw.split() if word.startswith("n") and word.endswith("n")}


def test_what_is_too_much_is_told_with_its_line() -> None:
    row = "|" * 1000
    problem = there(limit_problem(["a | b", "-|-", *[row] * 200]))
    assert (problem.message, problem.line) == ("its tables have more than 200000 cells", 202)
    assert limit_problem(["a" + row] * 201) is None
    # Lines that only continue deep quotes are counted.
    deep = ">" * 90 + " a\n"
    assert Document.of((deep + "b\n" * 1000).encode()).problem is None
    beyond = there(Document.of((deep + "b\n" * 20_000).encode()).problem)
    assert "nested too deeply over too many lines" in beyond.message
    # Indentation alone opens nothing, and a blank line ends what a line may continue.
    assert limit_problem([" " * 80 + "x"] * 20_000) is None
    assert limit_problem([deep.strip(), "", *["b"] * 20_000]) is None
