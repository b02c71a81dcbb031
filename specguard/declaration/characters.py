"""Characters that are invisible or change the text direction, in places where writing does not need them.

The set of characters follows the Unicode Character Database: Default_Ignorable_Code_Point, Bidi_Control and
the blank letters of Hangul and Braille. The exceptions follow the way people write. Emoji need joiners and
selectors. Persian and Indic scripts need joiners. Ideographs have selectors. Khmer and Thai have line-break
opportunities. Right-to-left text has direction marks. In these places the characters are intended.
"""

from __future__ import annotations

import re
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

# All these patterns are compiled when a text first needs them; few texts do.
_INVISIBLE: Final = (
    "\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# A carriage return within a line ends the line for a renderer; most editors do not show it.
_SEARCH: Final = rf"[{_INVISIBLE}]|\r(?![\r\n]|\Z)"
_HIDDEN: Final = f"[{_INVISIBLE}]"

_RIGHT_TO_LEFT: Final = (
    "[\u05d0-\u05ea\u05ef-\u05f2\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0710-\u072f\u074d-\u07ea\u0800-\u0815"
    "\u0840-\u0858\u0860-\u08c9\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
# Scripts whose letters join or stack.
_JOINING_CHAR: Final = (
    "[\u0590-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\ua840-\uaadf\ufb1d-\ufdff\ufe70-\ufefc"
    "\U00010a00-\U00010fff\U00011000-\U00011fff\U0001e800-\U0001efff]"
)
# Scripts that put no spaces between words, but for ideographs and kana.
_UNSPACED: Final = "[\u0e00-\u109f\u1780-\u17b3\u17b6-\u17ff]"
_IDEOGRAPH: Final = "[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_PICTURE: Final = (
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u25a0-\u27bf\u2900-\u297f"
    "\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_DIRECTIONS: Final = "\u202a\u202b\u202c\u2066\u2067\u2068\u2069"
_SKIN: Final = "[\U0001f3fb-\U0001f3ff]"


def invisible_positions(text: str) -> Iterator[int]:
    """Yield the positions of the invisible characters that writing does not need there, in linear time."""
    # Nearly no text has any character that may be invisible.
    if re.search(_SEARCH, text) is None:
        return
    start = 0
    for line in text.split("\n"):
        for found in re.finditer(_SEARCH, line):
            if not _is_needed(text, line, found.start()):
                yield start + found.start()
        start += len(line) + 1


def is_invisible(char: str) -> bool:
    """True if a character is invisible, or only changes the direction of those around it, wherever it is."""
    # These show nothing beside letters other than Syriac ones and hieroglyphs.
    return _matches(f"{_HIDDEN}|[\u070f\U00013430-\U0001343f]", char)


def strip_invisible(text: str) -> str:
    """Return a text without the invisible characters that writing does not need."""
    if text.isascii():
        return text
    gone = set(invisible_positions(text))
    return "".join(char for at, char in enumerate(text) if at not in gone) if gone else text


def kind_of(char: str) -> str:
    """Return the kind of an invisible character.

    The kinds are `bidirectional`, `tag`, `zero-width`, `blank`, `selector`, `hyphen` and `control`.
    """
    code = ord(char)
    if code < 0xA0:
        return "control"
    if code == 0xAD:
        return "hyphen"
    if code in {0x61C, 0x200E, 0x200F} or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069:
        return "bidirectional"
    if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or 0x180B <= code <= 0x180F:
        return "selector"
    if 0xE0000 <= code <= 0xE0FFF:
        return "tag"
    return "blank" if code in {0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0} else "zero-width"


@lru_cache(maxsize=16)
def _occurs(pattern: str, text: str) -> bool:
    """True if a pattern matches in a text; cached."""
    return re.search(pattern, text) is not None


@lru_cache(maxsize=4)
def _is_balanced(line: str) -> bool:
    """True if every direction change in a line is closed within the line."""
    depth = 0
    for char in filter(_DIRECTIONS.__contains__, line):
        depth += -1 if char in "\u202c\u2069" else 1
        if depth < 0:
            return False
    return depth == 0


def _matches(pattern: str, char: str) -> bool:
    """True if a character matches a pattern."""
    return re.match(pattern, char) is not None


def _is_needed(text: str, line: str, position: int) -> bool:
    """True if writing needs the character at this position of a line."""
    char = line[position]
    before = line[position - 1] if position else " "
    after = line[position + 1] if position + 1 < len(line) else " "
    if char in "\u200c\u200d":
        return _is_needed_joiner(char, before, after)
    if char in "\ufe0e\ufe0f":
        if before in "0123456789#*":
            return after == "\u20e3"
        is_plain = before.isalnum() or before.isspace() or is_invisible(before)
        return _matches(_PICTURE, before) or (before > "\xa9" and not is_plain)
    if char in "\u061c\u200e\u200f":
        return _occurs(_RIGHT_TO_LEFT, text)
    if char == "\u200b":
        return _matches(_UNSPACED, before) or _matches(_UNSPACED, after)
    if "\ufe00" <= char <= "\ufe02" or "\U000e0100" <= char <= "\U000e01ef":
        return _matches(_IDEOGRAPH, before)
    return char in _DIRECTIONS and _occurs(_RIGHT_TO_LEFT, line) and _is_balanced(line)


def _is_needed_joiner(char: str, before: str, after: str) -> bool:
    """True if a joiner or non-joiner is between letters that join, or between pictures."""
    if is_invisible(after) or (is_invisible(before) and before not in "\ufe0e\ufe0f"):
        return False
    if _matches(_JOINING_CHAR, before) or _matches(_JOINING_CHAR, after):
        return True
    pictures = before in "\ufe0e\ufe0f" or _matches(_PICTURE, before) or _matches(_SKIN, before)
    return char == "\u200d" and pictures and _matches(_PICTURE, after)
