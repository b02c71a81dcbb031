"""The difference between a name and the expected one, in words, and texts cut to a length for messages."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

SHOWN: Final = 100
"""How many characters of a text a message quotes."""

# Compiled where a name differs, so that a hook with nothing to say does not wait for it.
_PADDED: Final = r"(?<![0-9])0+(?=[0-9])"
_SEPARATORS: Final = r"[-_/. ]+"
_UNSEEN: Final = r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]|^\s+|\s+$"


def quoted(text: str) -> str:
    """A text between quotes, cut after `SHOWN` characters with the number of those left out."""
    if len(text) <= SHOWN:
        return f"'{text}'"
    return f"'{text[:SHOWN]}...' ({len(text) - SHOWN} more characters)"


def alternatives(names: Sequence[str]) -> str:
    """Names to choose from: `'a'`, or `'a' or 'b'`."""
    return " or ".join(quoted(name) for name in names)


def near_miss(actual: str, expected: Sequence[str]) -> str:
    """The only difference between a text and one of those expected, behind a colon; empty if there are more.

    Args:
        actual: the text, which is none of those expected.
        expected: the texts that would be right.
    """
    for name in filter(None, expected):
        if re.sub(_UNSEEN, "", actual) == name:
            return ": it has white space around it, or invisible characters"
        if _loose(actual) == _loose(name):
            return ": only case, padding and separators differ"
        if actual.startswith(name):
            return f": it goes on with {quoted(actual[len(name) :])}"
        if actual.endswith(name):
            return f": it has {quoted(actual[: -len(name)])} before it"
    return ""


def _loose(text: str) -> str:
    return re.sub(_SEPARATORS, "-", re.sub(_PADDED, "", text.casefold()))
