"""Look-alike characters: those of other scripts, widths and styles, mapped to the ASCII ones they resemble.

Unicode defines which characters look alike: the confusables of Technical Standard 39, from the package
`confusable_homoglyphs`, and compatible forms (NFKC). The package is imported for the first text beyond ASCII.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from specguard.declaration.characters import invisible_positions, is_invisible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

# Scripts whose letters people confuse, by the first word of the letters' names.
_SCRIPTS: Final = frozenset(
    ["LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "CANADIAN", "DESERET"]
)
# ASCII characters that the standard puts in one class, and that differ here.
_STROKES: Final = "li1|"
_RINGS: Final = "o0"
# The tags in the Unicode Character Database of compatible characters that look like another one.
_STYLES: Final = frozenset({"<wide>", "<narrow>", "<font>"})


def reading(text: str) -> str:
    """Return a text as a person reads it, without regard to case: texts that look alike have equal readings.

    This is the skeleton of the standard, case-folded, but ASCII characters stay as they are.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", "".join(map(_ascii_look, text)).casefold())


def readings(text: str) -> Iterator[str]:
    """Yield all readings of a text, the one from `reading` first; an ASCII text has only that one.

    A stroke may be an l, an I or a 1, and a ring an O or a 0. The shape does not show which is meant.
    """
    yield reading(text)
    looks = [(_ascii_look(char).casefold(), char.isascii()) for char in text if _ascii_look(char)]
    if all(typed or look not in f"{_STROKES}{_RINGS}" for look, typed in looks):
        return
    for stroke in _STROKES:
        for ring in _RINGS:
            seen = "".join(
                look if typed else stroke if look in _STROKES else ring if look in _RINGS else look
                for look, typed in looks
            )
            yield unicodedata.normalize("NFC", seen.casefold())


def is_typable(text: str) -> bool:
    """True if typing a path as it is read gives this one: composed, and in each part unlike an ASCII name."""
    alike = any(reading(part).isascii() for part in text.split("/") if not part.isascii())
    return not alike and unicodedata.is_normalized("NFC", text) and not any(map(is_invisible, text))


def shell_word(word: str | bytes) -> str:
    r"""Quote a text as one word of a command, which bash, zsh and ksh read as exactly these bytes.

    Args:
        word: the word, in which bytes that are not UTF-8 are surrogate escapes.

    Returns:
        The word as it is if no shell needs quotes for it. In single quotes if a person can read and type it,
        unless a job would obey it (`##[error]`). Otherwise with escapes, as POSIX 2024 has them: `$'a\xff'`.
    """
    raw = word.encode("utf-8", "surrogateescape") if isinstance(word, str) else word
    text = raw.decode("utf-8", "surrogateescape")
    if raw.translate(None, b"_@%+,./:=-").isalnum() and raw[0] not in b"%+,=-":
        return text
    if text.isprintable() and "'" not in text and "##" not in text and is_typable(text):
        return f"'{text}'"
    escaped = (chr(byte) if 0x20 <= byte < 0x7F and byte not in b"'\\#" else f"\\x{byte:02x}" for byte in raw)
    return f"$'{''.join(escaped)}'"


def is_separator(char: str) -> bool:
    """True if a character other than `/` and backslash looks like one of them."""
    return not char.isascii() and _ascii_char(char) in {"/", "\\"}


def reads_like_special(text: str) -> str:
    """Return the special name of git or of paths that a text reads like; empty if there is none."""
    return next((read for read in readings(text) if read in {".", "..", ".git"}), "")


def is_styled(char: str) -> bool:
    """True if a character is an ASCII letter or digit in another width or style, such as fullwidth `a`."""
    if char.isascii() or unicodedata.decomposition(char).partition(" ")[0] not in _STYLES:
        return False
    plain = unicodedata.normalize("NFKC", char)
    return plain.isascii() and plain.isalnum()


def unseen(text: str) -> Iterator[str]:
    """Yield the invisible characters of a text that writing does not need there."""
    return (text[position] for position in invisible_positions(text))


def mixed(text: str) -> tuple[str, str, str] | None:
    """Find a word that mixes scripts, with letters of one that look like those of another.

    Returns:
        The letter that looks like another, and the names of the two scripts; None if every word is fine.
    """
    scripts: dict[str, str] = {}
    for char in f"{text} ":
        if not char.isalpha() and not unicodedata.combining(char):
            if len(scripts) > 1 and (alike := next((one for one in scripts.items() if one[1]), None)):
                return alike[1], alike[0], next(script for script in scripts if script != alike[0])
            scripts.clear()
            continue
        script = "LATIN" if char.isascii() else unicodedata.name(char, "?").partition(" ")[0]
        if script in _SCRIPTS:
            confusing = char if script != "LATIN" and _ascii_char(char).isascii() else ""
            scripts[script] = scripts.get(script) or confusing
    return None


def described(char: str) -> str:
    """Return a character's code point and name for a message: `U+043E CYRILLIC SMALL LETTER O`."""
    return f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip()


@lru_cache(maxsize=4096)
def _ascii_look(char: str) -> str:
    """Return the ASCII character that a character resembles in either case; nothing for an invisible one."""
    plain = "" if is_invisible(char) else _ascii_char(char)
    upper = _ascii_char(char.upper()) if len(char.upper()) == 1 else plain
    return upper if upper.isascii() and not plain.isascii() else plain


@lru_cache(maxsize=4096)
def _ascii_char(char: str) -> str:
    """Return the ASCII character that one resembles; itself if there is none."""
    if char.isascii():
        return char
    alike = _look_class(char)
    if not alike.isascii():
        other = unicodedata.normalize("NFKC", char)
        parts = "".join(one if one.isascii() or one == char else _look_class(one) for one in other)
        alike = parts if parts.isascii() or alike == char else alike
    if unicodedata.category(char)[0] in "LN" and not alike.isalnum():
        # Letters and numerals of other scripts that look like a stroke or a slash keep their own reading.
        return char
    return alike


def _look_class(char: str) -> str:
    """Return the character that represents all look-alikes of this one; among ASCII, a single character.

    The table maps each character to those it is confused with. For most characters that is their
    representative, and for a representative all the others.
    """
    from confusable_homoglyphs.confusables import confusables_data as table

    others: list[str] = [one["c"] for one in table.get(char, ())]
    if len(others) != 1:
        return char
    alias = others[0]
    if len(alias) > 1 and alias.isascii():
        alias = next(
            (one["c"] for one in table.get(alias, ()) if len(one["c"]) == 1 and one["c"].isascii()), alias
        )
    if len(table.get(alias, ())) == 1 and not alias.isascii():
        return min(char, alias)
    return alias
