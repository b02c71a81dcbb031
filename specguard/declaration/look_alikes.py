"""How letters look: those of other scripts, widths and styles brought back to the ones they resemble.

The table is taken from `confusables.txt` of Unicode Technical Standard 39, version 17.0
(https://www.unicode.org/Public/security/17.0.0/confusables.txt): the letters of Latin, Greek, Cyrillic,
Armenian and Cherokee that look like one ASCII letter, and the signs that look like a slash, a backslash or
a dot. It differs in one thing: the capitals that look like `I` become `I` and not `l`, as ASCII letters are
kept apart here.
"""

from __future__ import annotations

import unicodedata

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

_LETTERS: Final = {
    "LATIN": (
        "0131i 0192f 0251a 0261g 0263y 0269i 026ai 026fw 028bu 028fy 1d04c 1d0fo 1d11o 1d1cu 1d20v 1d21w "
        "1d22z 1d83g 1d8cy 1effy a731s a798F a799f a79fu a7b2J a7b3X a7b4B ab32e ab35f ab3do ab47r ab48r "
        "ab4eu ab52u ab5ay 018dg 0196I 01bds 01bfp 01c0l"
    ),
    "GREEK": (
        "037fJ 0391A 0392B 0395E 0396Z 0397H 0399I 039aK 039cM 039dN 039fO 03a1P 03a4T 03a5Y 03a7X 03b1a "
        "03b3y 03b9i 03bdv 03bfo 03c1p 03c3o 03c5u 03d2Y 03dcF 03f1p 03f2c 03f3j 03f8p 03f9C 03faM"
    ),
    "CYRILLIC": (
        "0405S 0406I 0408J 0410A 0412B 0415E 041cM 041dH 041aK 041eO 0420P 0421C 0422T 0423Y 0425X 042cb "
        "0430a 0433r 0435e 043eo 0440p 0441c 0443y 0445x 0448w 0455s 0456i 0458j 0461w 0474V 0475v 04aeY "
        "04afy 04bbh 04bde 04c0I 04cfl 0501d 050cG 051bq 051cW 051dw a647i"
    ),
    "ARMENIAN": ("054dU 054fS 0555O 0561w 0563q 0566q 0570h 0578n 057cn 057du 0581g 0582i 0584f 0585o"),
    "CHEROKEE": (
        "13a0D 13a1R 13a2T 13a5i 13aaA 13abJ 13acE 13b3W 13b7M 13bbH 13bdY 13c0G 13c2h 13c3Z 13cfb 13d2R "
        "13d4W 13d5S 13d9V 13daS 13deL 13dfC 13e2P 13e6K 13e7d 13f3G 13f4B ab75i ab81r ab83w ab93z aba9v "
        "abaas abafc"
    ),
}
"""For each script its letters by code point, each with the ASCII letter that it looks like."""

_SIGNS: Final = {
    "/": "\u1735\u2041\u2044\u2215\u2571\u27cb\u29f8\uff0f",
    "\\": "\u2216\u27cd\u29f5\u29f9\ufe68\uff3c",
    ".": "\u2024\ua4f8\uff0e",
    "..": "\u2025",
    "...": "\u2026",
}
"""Signs that stand where a path has its separators and dots. Of ideographs and numerals that do in the
standard's table, such as the Katakana letter no, there is none: they are read as what they are."""

_TABLE: Final = {int(pair[:4], 16): pair[4] for pairs in _LETTERS.values() for pair in pairs.split()} | {
    ord(sign): plain for plain, signs in _SIGNS.items() for sign in signs
}
_SEPARATORS: Final = frozenset(_SIGNS["/"] + _SIGNS["\\"])

# How the Unicode Character Database calls the ways in which a compatible character keeps the look of another.
_STYLES: Final = frozenset({"<wide>", "<narrow>", "<font>"})
_SAME_LOOK: Final = _STYLES | {"<compat>", "<noBreak>"}
# Joiners, marks of direction, variation selectors, tags and letters that show as nothing.
_UNSEEN: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
    + "".join(
        chr(code)
        for span in ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
        for code in range(span[0], span[1] + 1)
    )
)
_ZERO_WIDTH_JOINERS: Final = "\u200c\u200d"
_EMOJI_SELECTORS: Final = "\ufe0e\ufe0f"
_VIRAMA: Final = 9
"""The combining class of the signs after which Indic scripts use the joiners."""


def reading(text: str) -> str:
    """A text as an eye reads it, without regard to case: texts that look alike have equal readings.

    This is the skeleton of the standard, restricted to the table above, in lower case.
    """
    if text.isascii():
        return text.lower()
    seen = "".join(_plain(char) for char in text if not is_unseen(char))
    return unicodedata.normalize("NFC", seen.casefold())


def is_unseen(char: str) -> bool:
    """Whether a character shows as nothing, or only turns the direction of those around it."""
    return char in _UNSEEN or unicodedata.category(char) == "Cf"


def is_separator(char: str) -> bool:
    """Whether a character other than `/` and backslash looks like one of them."""
    return char in _SEPARATORS


def reads_like_special(text: str) -> str:
    """The name with a meaning to git or in a path that a text reads like; empty where there is none."""
    read = reading(text)
    return read if read in {".", "..", ".git"} else ""


def is_styled(char: str) -> bool:
    """Whether a character is an ASCII letter or digit in another width or style, such as fullwidth `a`."""
    if char.isascii() or _form(char) not in _STYLES:
        return False
    plain = unicodedata.normalize("NFKC", char)
    return plain.isascii() and plain.isalnum()


def unseen(text: str) -> Iterator[str]:
    """The characters of a text that show as nothing where they have no business.

    Emoji need joiners and selectors, and Persian and Indic scripts need joiners: there they are passed over.
    """
    for position, char in enumerate(text):
        if not is_unseen(char):
            continue
        before = text[position - 1] if position else " "
        after = text[position + 1] if position + 1 < len(text) else " "
        if char in _EMOJI_SELECTORS and (
            unicodedata.category(before) in {"So", "Sk", "Sm", "Po"} or before.isdigit()
        ):
            continue
        if char in _ZERO_WIDTH_JOINERS and _joined(before, after):
            continue
        yield char


def mixed(text: str) -> tuple[str, str, str] | None:
    """A word of a text that mixes scripts with letters of the one that look like those of another.

    Returns:
        The letter that looks like another, and the names of the two scripts; None where there is no such
        word.
    """
    scripts: dict[str, str] = {}
    for char in f"{text} ":
        if not char.isalpha() and not unicodedata.combining(char):
            if len(scripts) > 1:
                alike = next((one for one in scripts.items() if one[1]), None)
                if alike:
                    other = next(script for script in scripts if script != alike[0])
                    return alike[1], alike[0], other
            scripts.clear()
            continue
        script = "LATIN" if char.isascii() else unicodedata.name(char, "?").partition(" ")[0]
        if script in _LETTERS:
            confusing = char if script != "LATIN" and ord(char) in _TABLE else ""
            scripts[script] = scripts.get(script) or confusing
    return None


def described(char: str) -> str:
    """A character for a message, by its code point and name: `U+043E CYRILLIC SMALL LETTER O`."""
    return f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip()


def _plain(char: str) -> str:
    known = _TABLE.get(ord(char))
    if known is not None:
        return known
    if _form(char) in _SAME_LOOK:
        return unicodedata.normalize("NFKC", char)
    return char


def _form(char: str) -> str:
    """How a compatible character differs from what it stands for, such as `<wide>`."""
    return unicodedata.decomposition(char).partition(" ")[0]


def _joined(before: str, after: str) -> bool:
    """Whether a zero-width joiner or non-joiner stands where writing needs it."""
    if unicodedata.combining(before) == _VIRAMA:
        return True
    if unicodedata.bidirectional(before) == "AL" and unicodedata.bidirectional(after) == "AL":
        return True
    pictures = {"So", "Sk"}
    return unicodedata.category(after) in pictures and (
        before in _EMOJI_SELECTORS or unicodedata.category(before) in pictures
    )
