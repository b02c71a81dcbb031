"""What a reader sees of HTML between Markdown, and what is hidden by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.documents.blocks import Html, Quote
from specguard.documents.document import Document
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


def test_comments_have_their_text_and_lines() -> None:
    text = "a <!-- one -->\n\n<!-- two\n\nlines -->\n\n- b\n\n  <!-- three -->\n\n`<!-- no -->`\n\n<!-- four"
    found = [(one.what, one.text, one.line) for one in Document(text).hidden_parts]
    comments = [("one", 1), ("two\n\nlines", 3), ("three", 9), ("four", 13)]
    assert found == [("comment", *one) for one in comments]


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
