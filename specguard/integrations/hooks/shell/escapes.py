"""The escapes of `$'…'` and of `printf`."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_ESCAPES: Final = re.compile(
    r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|c(.)|(.))", re.DOTALL
)
_LETTERS: Final = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v",
}  # fmt: skip


def unescape(text: str) -> str:
    """A text with the escapes of `$'…'`; bytes that are no UTF-8 become lone surrogates."""
    if "\\" not in text:
        return text

    def one(match: re.Match[str]) -> str:
        octal, two, four, eight, control, letter = match.groups()
        if octal or two:
            return bytes([int(octal, 8) & 255 if octal else int(two, 16)]).decode("latin-1")
        if four or eight:
            return _wide(int(four or eight, 16))
        if control:
            return chr(ord(control[0].upper()) & 31)
        return _LETTERS.get(letter, letter if letter in "\\'\"?" else "\\" + letter)

    if not re.search(r"\\[0-7x]", text):
        return _ESCAPES.sub(one, text)
    made = bytearray()
    at = 0
    for match in _ESCAPES.finditer(text):
        made += text[at : match.start()].encode("utf-8", "surrogatepass")
        raw = match[1] or match[2]
        made += one(match).encode("latin-1" if raw else "utf-8", "surrogatepass")
        at = match.end()
    made += text[at:].encode("utf-8", "surrogatepass")
    return made.decode("utf-8", "surrogateescape")


def _wide(code: int) -> str:
    return chr(code) if code <= 0x10FFFF else "\ufffd"
