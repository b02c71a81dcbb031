"""Running text: code spans, links, cited places, what is hidden in it, and what a reader is left with."""

import html
import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from specguard.documents.blocks import Paragraph, Text
from specguard.documents.citations import citations
from specguard.documents.document import Document
from specguard.documents.inline import Inline
from specguard.model import plain_path
from tests.rows import rows


def test_what_is_a_link() -> None:
    for text, targets in rows(__file__, "links"):
        assert [link.target for link in Text(text, 1).links] == targets


def test_links_may_refer_to_definitions_anywhere() -> None:
    text = "[the map][m], [src], [none].\n\n> [quoted]: q.md\n\n[M]: a/map.md#L3\n[src]: <b c.py> 'title'\n"
    document = Document(text)
    (paragraph,) = [block for block in document.blocks if isinstance(block, Paragraph)]
    links = [(link.text, link.target) for link in paragraph.text.links]
    assert links == [("the map", "a/map.md#L3"), ("src", "b%20c.py")]
    assert paragraph.text.labels == {"M", "SRC", "NONE"}
    assert [(one.label, one.target, one.title, one.line) for one in document.definitions] == [
        ("QUOTED", "q.md", "", 3),
        ("M", "a/map.md#L3", "", 5),
        ("SRC", "b%20c.py", "title", 6),
    ]


def test_what_a_reader_sees_of_a_text() -> None:
    for text, rendered in rows(__file__, "rendered"):
        assert Text(text, 1).rendered == rendered
    # What is escaped stands for itself.
    for raw, plain in rows(__file__, "plain"):
        assert Text(raw, 1).plain == plain


@pytest.mark.parametrize(("text", "raw"), rows(__file__, "hidden"))
def test_what_is_hidden_in_a_text_is_taken_out(text: str, raw: str) -> None:
    assert Text(text, 1).raw == raw


def test_sentences_have_their_lines() -> None:
    text = Text("One <!-- a\nb --> is.\nTwo is.  Three\nis e.g. this.", 5)
    assert [(one.raw, one.line) for one in text.sentences()] == [
        ("One \n is.", 5),
        ("Two is.", 7),
        ("Three\nis e.g. this.", 7),
    ]


PARTS = st.sampled_from(rows(__file__, "parts"))


@given(st.lists(PARTS, max_size=14).map("".join))
def test_code_and_links_are_those_of_markdown_it(text: str) -> None:
    # CommonMark lets a comment end at the first `-->`, markdown-it not at one behind another hyphen.
    text = re.sub("-{3,}", "--", text)
    codes: list[str] = []
    targets: list[str] = []
    for token in MarkdownIt("commonmark").parseInline(text)[0].children or []:
        for one in [token, *(token.children or [])]:
            if one.type == "code_inline":
                codes.append(one.content.strip())
            elif one.type in {"link_open", "image"}:
                target = one.attrs.get("href") or one.attrs.get("src") or ""
                targets.append(unquote(str(target)))
    found = Inline(text, {})
    assert [code.content.split() for code in found.codes] == [one.split() for one in codes]
    assert [unquote(html.unescape(link.target)) for link in found.links if link.target] == list(
        filter(None, targets)
    )


def test_a_place_has_its_own_line_and_kind() -> None:
    found = list(
        citations(Document("# T\n\nSee `a/b.py:1`\nand `/c/d.py:2`\n\n| x |\n|---|\n| `~/e.py:3` |\n").blocks)
    )
    assert [(one.at, one.path, one.kind) for one in found] == [
        (3, "a/b.py", "relative"),
        (4, "/c/d.py", "absolute"),
        (8, "~/e.py", "absolute"),
    ]


def test_a_path_has_no_dots() -> None:
    for path, plain in {
        b"a/b.py": b"a/b.py",
        b"./a//b/./c/": b"a/b/c",
        b"a/../b": b"b",
        b"a/b/../../c": b"c",
        b"/a/b": b"a/b",
        b"..a/...": b"..a/...",
    }.items():
        assert plain_path(path) == plain
    for path in (b"..", b"a/../../b", b"a/..", b"", b"./"):
        assert plain_path(path) is None
