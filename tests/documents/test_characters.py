"""Characters that show as nothing: where they are strange, and where writing needs them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.documents.characters import strange, visible

KINDS = {
    "a\u202eb": "bidirectional",
    "a\u2066b": "bidirectional",
    "a\u200eb": "bidirectional",
    "a\U000e0041b": "tag",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e0076\U000e0069\U000e006c\U000e007f": "tag",
    "a\u200bb": "zero-width",
    "a\ufeffb": "zero-width",
    "a\u200db": "zero-width",
    "a\u3164b": "blank",
    "a\u2800b": "blank",
    "a\ufe0fb": "selector",
    "1\ufe0f": "selector",
    "\u2764\ufe0f\ufe0f": "selector",
    "a\ufe01b": "selector",
    "a\U000e0101b": "selector",
    "\U0001f600\U000e0101": "selector",
    "a\u180eb": "selector",
    "co\u00adop": "hyphen",
    "a\x1b[8mb": "control",
    "a\x08b": "control",
}

MEANT = [
    "plain text, with \t tabs\nand \u00a0spaces \u3000 of kinds",
    "\u2764\ufe0f \u2714\ufe0f \u26a0\ufe0f \u2122\ufe0f \u2139\ufe0f \u24c2\ufe0f \u2194\ufe0f",
    "1\ufe0f\u20e3 #\ufe0f\u20e3",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u0915\u094d\u200d\u0937 \u0d9a\u0dca\u200d\u0dbb",
    "\u05e9\u05dc\u05d5\u05dd \u200e(ok)\u200f",
    "\u0e01\u200b\u0e02 \u1780\u200b\u1781",
    "**\u300c\u4e2d\u300d**\u200b\u6587",
    "\u845b\U000e0100 \u2229\ufe00 \uff01\ufe01",
    "\u0600\u0661",
]


@pytest.mark.parametrize(("text", "kind"), KINDS.items(), ids=ascii)
def test_what_shows_as_nothing_is_strange(text: str, kind: str) -> None:
    assert {one.what for one in strange(text)} == {kind}
    other = {one.what for one in strange(f"\u4e2d\u6587\n\n{text}\n\u05e9 x")}
    # A mark of direction alone has its business in a text that has letters of both directions.
    assert other == {kind} or text == "a\u200eb"


@pytest.mark.parametrize("text", MEANT, ids=ascii)
def test_what_writing_needs_is_not(text: str) -> None:
    assert list(strange(text)) == []
    assert visible(text) is text


@pytest.mark.parametrize(
    "text",
    ["\u05e9 \u202eabc\u202c", "\u05e9 \u2067abc", "\u05e9 \u2069abc\u2067", "\u05e9\n\u2067abc\u2069"],
    ids=ascii,
)
def test_turns_that_do_not_end_are_strange_in_any_script(text: str) -> None:
    assert {one.what for one in strange(text)} == {"bidirectional"}


def test_what_is_strange_has_its_place() -> None:
    text = "ab\u200bc\n\u202ed"
    assert [(one.position, one.char) for one in strange(text)] == [(2, "\u200b"), (5, "\u202e")]
    assert visible(text) == "abc\nd"


@given(st.text(alphabet="a1 *\n\u05e9\u4e2d\u0e01\u2764\ufe0f\u200b\u200d\u2067\u2069\u202e\u2800\U000e0041"))
def test_nothing_else_is_taken_out(text: str) -> None:
    places = {one.position for one in strange(text)}
    kept = "".join(char for position, char in enumerate(text) if position not in places)
    assert visible(text) == kept
