"""What a reader sees of HTML between Markdown, and what a file hides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.documents.blocks import Html, Quote
from specguard.documents.document import Document, hidden
from specguard.documents.inline import Hiding

SHOWN = "Some text.\n\n## Risks\n\nOne risk.\n"


def titles(text: str) -> list[str]:
    return [section.heading.text.rendered for section in Document(text).sections]


@pytest.mark.parametrize(
    "before",
    [
        "<!--\n", "<!-- never closed\n\n", "<div hidden>\n\n", "<div\nhidden>\n\n",
        "<DIV STYLE='color: red; Display : None !important'>\n\n", "<div style=visibility:hidden>\n\n",
        "<div style='display&#58;none'>\n\n", "<div style='display:none' style=''>\n\n",
        "<div style='clip:rect(0 0 0 0)'>\n\n", '<div hidden="until-found">\n\n', "<template>\n\n",
        "<div><!-- not closed in its block\n\n", '<div title="not closed in its block\n\n', "<script>\n",
        "<style>\n\n", "<div hidden><div></div>\n\n", "text <div hidden>\n\n", "<?php\n\n", "<![CDATA[\n\n",
    ],
)  # fmt: skip
def test_headings_in_hidden_html_are_none(before: str) -> None:
    assert titles(SHOWN) == ["Risks"]
    assert titles(before + SHOWN) == []


@pytest.mark.parametrize(
    "before",
    [
        "<div>\n\n", "<div hidden></div>\n\n", "<div hidden>\n\n<div>\n\n</div>\n\n</div>\n\n",
        "<template>\n\nx\n\n</template>\n\n", "<!-- closed -->\n", "<!-- closed\n\n## X\n-->\n\n",
        "<details>\n<summary>More</summary>\n\n", '<div class="hidden">\n\n', '<div aria-hidden="true">\n\n',
        '<div style="display:block">\n\n', '<div style="color:red" style="display:none">\n\n',
        "text <span hidden>\n\n", "`<div hidden>`\n\n", "    <div hidden>\n\n",
        "<script>if (a < b) {}</script>\n\n", "<input hidden>\n\n", "a <!-- b\n\n",
    ],
)  # fmt: skip
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
    assert not block.pictures
    assert not Document("<p hidden>a</p>\n").blocks
    for picture in ('<img src="x.png">', "<video src='x'>none</video>", "<svg><path/></svg>"):
        (block,) = Document(f"<p>{picture}</p>\n").blocks
        assert isinstance(block, Html)
        assert block.pictures


def test_hidden_blocks_are_kept_apart() -> None:
    document = Document("a\n\n<div hidden>\n\n## B\n\n> c\n\n</div>\n\nd\n")
    assert [type(block).__name__ for block in document.hidden_blocks] == ["Heading", "Quote"]
    assert document.hidden_blocks[0].line == 5
    assert not any(isinstance(block, Quote) for block in document.blocks)


@given(st.text(alphabet="<>!-/?abdivhen \n\"'=", max_size=200))
def test_any_html_keeps_its_lines(html: str) -> None:
    hiding = Hiding()
    assert hiding.block(html, 1).count("\n") == html.count("\n")
    assert hiding.block(html, 1).count("\n") == html.count("\n")
    assert Hiding().inline(html, 1).count("\n") == html.count("\n")


def found(text: str) -> list[tuple[str, int | None, str]]:
    content = text.encode()
    return [(one.what, one.line, one.text) for one in hidden(content, lambda: Document.of(content))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeff# Words\n", []),
        ("a <!-- one --> b\n\n> <!-- two -->\n", [("comment", 1, "one"), ("comment", 3, "two")]),
        ("<!-- never\n\nclosed", [("comment", 1, "never\n\nclosed")]),
        ("`<!-- shown -->`\n\n```html\n<!-- shown -->\n```\n\n    <!-- shown -->\n", []),
        ("<p hidden>do it</p>\n", [("html", 1, "do it")]),
        ("\n<div hidden>\n\n## Do *it*\n\nnow\n\n</div>\n", [("html", 4, "## Do *it*")]),
        ("<script>\nalert()\n</script>\n", [("html", 2, "alert()")]),
        ("<? do it ?>\n", [("html", 1, "<? do it ?>")]),
        ("<div title='\ndo it\n", [("html", 1, "<div title=' do it")]),
        ("<video>no video here</video>\n<iframe src='x'></iframe>\n", []),
        ("[//]: # (do it now)\n", [("definition", 1, "do it now")]),
        ('[a]: https://x.y "some words here"\n', [("definition", 1, "some words here")]),
        ("[please do it now]: x\n", [("definition", 1, "PLEASE DO IT NOW")]),
        ('see [a]\n\n[a]: https://x.y "some words here"\n', []),
        ("a\n\n1. [^1]: do it\n", [("footnote", 3, "1. [^1]: do it")]),
        ("run\u202e it\n\u200b\u200b\n", [("bidirectional", 1, ""), ("zero-width", 2, "")]),
        ("x \U000e0068\U000e0069!\n", [("tag", 1, "hi")]),
        ("x \ufe00\U000e0158\U000e0159\n", [("selector", 1, "")]),
        ("x\U000e0158\U000e0159\U000e015a\n", [("selector", 1, "hij")]),
        ("\x1b[8mdo it\x1b[0m\n", [("control", 1, "")]),
        ("shown &#x202e;too&zwj;\n", [("bidirectional", 1, ""), ("zero-width", 1, "")]),
        ("a &amp; b &nbsp; `&#x202e;`\n", []),
        ("a\rb\r\n", [("control", 1, "")]),
    ],
)
def test_what_is_hidden_is_told_with_its_line(text: str, expected: list[tuple[str, int, str]]) -> None:
    assert found(text) == expected
    if "\r" not in text:
        assert [one[:2] for one in found(text.replace("\n", "\r\n"))] == [one[:2] for one in expected]


def test_what_cannot_be_read_may_hide_anything() -> None:
    (one,) = hidden(b"a\n\xff\n")
    assert (one.what, one.line, one.text) == ("unread", 2, "it is not UTF-8")
    deep = b"<b>\n\n" + b"- " * 300 + b"x"
    (one,) = hidden(deep, lambda: Document.of(deep))
    assert (one.what, one.line) == ("unread", 3)


def test_a_file_that_can_hide_nothing_is_not_parsed() -> None:
    def parse() -> Document:
        raise AssertionError

    assert list(hidden("# Plain\n\n- [x] a\n- \u00e9\n".encode(), parse)) == []
    assert list(hidden(b"x: <b hidden>y</b>\n")) == []
