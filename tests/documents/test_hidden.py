"""What a reader does not see: characters that show as nothing, and what HTML between Markdown hides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.declaration.characters import invisible_positions, kind_of, strip_invisible
from specguard.documents.blocks import Heading, Html, Quote, Text
from specguard.documents.document import Document, find_hidden
from specguard.documents.inline import Hiding
from tests.rows import rows


@pytest.mark.parametrize(("text", "kind"), rows(__file__, "strange"), ids=ascii)
def test_what_shows_as_nothing_is_strange(text: str, kind: str) -> None:
    assert {kind_of(text[at]) for at in invisible_positions(text)} == {kind}
    whole = f"\u4e2d\u6587\n\n{text}\n\u05e9 x"
    other = {kind_of(whole[at]) for at in invisible_positions(whole)}
    # A mark of direction alone has its business in a text that has letters of both directions.
    assert other == {kind} or text == "a\u200eb"


@pytest.mark.parametrize("text", rows(__file__, "meant"), ids=ascii)
def test_what_writing_needs_is_not(text: str) -> None:
    assert list(invisible_positions(text)) == []
    assert strip_invisible(text) is text


@pytest.mark.parametrize(
    "text",
    ["\u05e9 \u202eabc\u202c", "\u05e9 \u2067abc", "\u05e9 \u2069abc\u2067", "\u05e9\n\u2067abc\u2069"],
    ids=ascii,
)
def test_turns_that_do_not_end_are_strange_in_any_script(text: str) -> None:
    assert {kind_of(text[at]) for at in invisible_positions(text)} == {"bidirectional"}


def test_what_is_strange_has_its_place() -> None:
    text = "ab\u200bc\n\u202ed"
    assert [(at, text[at]) for at in invisible_positions(text)] == [(2, "\u200b"), (5, "\u202e")]
    assert strip_invisible(text) == "abc\nd"


@given(st.text(alphabet="a1 *\n\u05e9\u4e2d\u0e01\u2764\ufe0f\u200b\u200d\u2067\u2069\u202e\u2800\U000e0041"))
def test_nothing_else_is_taken_out(text: str) -> None:
    places = set(invisible_positions(text))
    kept = "".join(char for position, char in enumerate(text) if position not in places)
    assert strip_invisible(text) == kept


SHOWN = "Some text.\n\n## Risks\n\nOne risk.\n"


def titles(text: str) -> list[str]:
    return [section.heading.text.rendered for section in Document(text).sections]


@pytest.mark.parametrize("before", rows(__file__, "before_no_heading"))
def test_headings_in_hidden_html_are_none(before: str) -> None:
    assert titles(SHOWN) == ["Risks"]
    assert titles(before + SHOWN) == []


@pytest.mark.parametrize("before", rows(__file__, "before_a_heading"))
def test_headings_behind_other_html_are_headings(before: str) -> None:
    assert titles(before + SHOWN)[-1:] == ["Risks"]


def test_a_heading_directly_below_a_tag_is_html() -> None:
    document = Document("<details>\n## Risks\n\ntext\n")
    assert not document.sections
    (html, _) = document.blocks
    assert isinstance(html, Html)
    assert html.text == "\n## Risks\n"


def test_html_is_seen_without_what_is_hidden_in_it() -> None:
    document = Document("<p>a<!-- b --><span hidden>c</span> &amp; <b>d</b></p>\n")
    (block,) = document.blocks
    assert isinstance(block, Html)
    assert (block.content, block.text) == ("<p>a &amp; <b>d</b></p>\n", "a & d\n")
    assert not block.has_pictures
    assert not Document("<p hidden>a</p>\n").blocks
    for picture in ('<img src="x.png">', "<video src='x'>none</video>", "<svg><path/></svg>"):
        (block,) = Document(f"<p>{picture}</p>\n").blocks
        assert isinstance(block, Html)
        assert block.has_pictures
    assert Text("a <video src='x'>none <img src='y'></video> b", 1).raw == "a <video></video> b"


def test_hidden_blocks_are_kept_apart() -> None:
    document = Document("a\n\n<div hidden>\n\n## B\n\n> c\n\n</div>\n\nd\n")
    assert {type(one): one.line for one in document.hidden_blocks} == {Heading: 5, Quote: 7}
    assert not any(isinstance(block, Quote) for block in document.blocks)


@given(st.text(alphabet="<>!-/?abdivhen \n\"'=", max_size=200))
def test_any_html_keeps_its_lines(html: str) -> None:
    hiding = Hiding()
    assert hiding.block(html, 1).count("\n") == html.count("\n")
    assert hiding.block(html, 1).count("\n") == html.count("\n")
    assert Hiding().inline(html, 1).count("\n") == html.count("\n")


def found(text: str) -> list[list[str | int | None]]:
    content = text.encode()
    return [[one.what, one.line, one.text] for one in find_hidden(content, lambda: Document.of(content))]


@pytest.mark.parametrize(("text", "expected"), rows(__file__, "told"))
def test_what_is_hidden_is_told_with_its_line(text: str, expected: list[list[str | int]]) -> None:
    assert found(text) == expected
    if "\r" not in text:
        assert [one[:2] for one in found(text.replace("\n", "\r\n"))] == [one[:2] for one in expected]


def test_what_cannot_be_read_may_hide_anything() -> None:
    (one,) = find_hidden(b"a\n\xff\n")
    assert (one.what, one.line, one.text) == ("unread", 2, "it is not UTF-8")
    deep = b"<b>\n\n" + b"- " * 300 + b"x"
    (one,) = find_hidden(deep, lambda: Document.of(deep))
    assert (one.what, one.line) == ("unread", 3)


def test_a_file_that_can_hide_nothing_is_not_parsed() -> None:
    def parse() -> Document:
        raise AssertionError

    assert list(find_hidden("# Plain\n\n- [x] a\n- \u00e9\n".encode(), parse)) == []
    assert list(find_hidden(b"x: <b hidden>y</b>\n")) == []
