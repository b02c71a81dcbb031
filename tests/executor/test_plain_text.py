"""Output as text: nothing in it is obeyed, and nothing of it is lost."""

import pytest

from specguard.executor.command_output import PlainText


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        (b"plain\ttext\n", "plain\ttext\n"),
        ("caf\u00e9 \u4e2d\u6587\n".encode(), "caf\u00e9 \u4e2d\u6587\n"),
        (b"\x1b[31mred\x1b[0m \x1b[2K\x1b[1;1Hend", "red end"),
        (b"10%\r20%\r\n30%\n", "10%\n20%\n30%\n"),
        (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        (b"\x1b]8;;https://example.org\x1b\\link", "\\x1b]8;;https://example.org\\x1b\\link"),
        (b"a\x00b\x08c\x7f", "a\\x00b\\x08c\\x7f"),
        (b"\xff\xfe not UTF-8", "\\xff\\xfe not UTF-8"),
        ("\u202eevil \u200b \x9b31m".encode(), "\\u202eevil \\u200b \\x9b31m"),
        (b"\x1b", "\\x1b"),
        (b"\x1b[", "\\x1b["),
        (b"end\r", "end\n"),
        (b"\xe4\xb8", "\\xe4\\xb8"),
    ],
)
def test_output_becomes_text(printed: bytes, kept: str) -> None:
    plain = PlainText()
    assert (plain.feed(printed) + plain.finish()).decode() == kept
    for cut in range(len(printed)):
        plain = PlainText()
        pieces = plain.feed(printed[:cut]) + plain.feed(printed[cut:]) + plain.finish()
        assert pieces.decode() == kept
