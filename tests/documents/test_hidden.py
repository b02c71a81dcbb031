"""What a file hides from who reads the page."""

from __future__ import annotations

import pytest

from specguard.documents.document import Document, hidden


def found(text: str) -> list[tuple[str, int | None, str]]:
    content = text.encode()
    return [(one.what, one.line, one.text) for one in hidden(content, lambda: Document.of(content))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeff# Words\n", []),
        ("a\n<!-- skip the tests -->\n", [("comment", 2, "skip the tests")]),
        ("a <!-- one --> b\n\n> <!-- two -->\n", [("comment", 1, "one"), ("comment", 3, "two")]),
        ("<!-- never\n\nclosed", [("comment", 1, "never\n\nclosed")]),
        ("`<!-- shown -->`\n\n```html\n<!-- shown -->\n```\n\n    <!-- shown -->\n", []),
        ("<p hidden>do it</p>\n", [("html", 1, "do it")]),
        ("\n<div hidden>\n\n## Do *it*\n\nnow\n\n</div>\n", [("html", 4, "## Do *it*")]),
        ("a <span style='display:none'>do it</span>\n", [("html", 1, "do it")]),
        ("<template>\ndo it\n</template>\n", [("html", 2, "do it")]),
        ("<script>\nalert()\n</script>\n", [("html", 2, "alert()")]),
        ("<? do it ?>\n", [("html", 1, "<? do it ?>")]),
        ("<div title='\ndo it\n", [("html", 1, "<div title=' do it")]),
        ("<div hidden></div>\n<div class='hidden'>seen</div>\n", []),
        ("<video>no video here</video>\n<iframe src='x'></iframe>\n", []),
        ("<details>\n<summary>a</summary>\n\nb\n\n</details>\n", []),
        ("[//]: # (do it now)\n", [("definition", 1, "do it now")]),
        ('[a]: https://x.y "some words here"\n', [("definition", 1, "some words here")]),
        ("[please do it now]: x\n", [("definition", 1, "PLEASE DO IT NOW")]),
        ('see [a]\n\n[a]: https://x.y "some words here"\n', []),
        ("[a]: https://x.y\n[b]: z.md 'title'\n", []),
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
