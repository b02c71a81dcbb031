"""Texts for messages: how a name differs from the expected one, and quotations of limited length."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

QUOTED_LENGTH: Final = 100
"""The number of characters of a text that a message quotes."""

# Compiled only when a name differs, so that a hook without findings does not wait for it.
_PADDED: Final = r"(?<![0-9])0+(?=[0-9])"
_SEPARATORS: Final = r"[-_/. ]+"
_UNSEEN: Final = r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]|^\s+|\s+$"


def quote(text: str) -> str:
    """Return a text in quotes, cut after `QUOTED_LENGTH` characters with the number of the omitted ones."""
    if len(text) <= QUOTED_LENGTH:
        return f"'{text}'"
    return f"'{text[:QUOTED_LENGTH]}...' ({len(text) - QUOTED_LENGTH} more characters)"


def alternatives(names: Sequence[str]) -> str:
    """Join names into a choice: `'a'`, or `'a' or 'b'`."""
    return " or ".join(quote(name) for name in names)


def near_miss(actual: str, expected: Sequence[str]) -> str:
    """Return the only difference between a text and an expected one as `: clause`; empty if there are more.

    Args:
        actual: the text, which is not one of those expected.
        expected: the texts that would be right.
    """
    for name in filter(None, expected):
        if re.sub(_UNSEEN, "", actual) == name:
            return ": it has white space around it, or invisible characters"
        if _normalize(actual) == _normalize(name):
            return ": only case, padding and separators differ"
        if actual.startswith(name):
            return f": it goes on with {quote(actual[len(name) :])}"
        if actual.endswith(name):
            return f": it has {quote(actual[: -len(name)])} before it"
    return ""


def _normalize(text: str) -> str:
    return re.sub(_SEPARATORS, "-", re.sub(_PADDED, "", text.casefold()))
