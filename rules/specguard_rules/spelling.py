"""How a name differs from the one that was expected, in words, and texts cut to a length for messages."""

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
_INVISIBLE: Final = r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
_PREFIX: Final = r"(?P<type>[^\s():!]+)(?:\((?P<scope>[^()]*)\))?(?P<mark>!?): (?P<rest>.*)"


def quoted(text: str) -> str:
    """A text between quotes, cut after `SHOWN` characters with the number of those left out."""
    if len(text) <= SHOWN:
        return f"'{text}'"
    return f"'{text[:SHOWN]}...' ({len(text) - SHOWN} more characters)"


def alternatives(names: Sequence[str]) -> str:
    """Names to choose from: `'a'`, or `'a' or 'b'`."""
    return " or ".join(quoted(name) for name in names)


def near_miss(actual: str, expected: Sequence[str]) -> str:
    """What alone sets a text apart from one of those expected, as a clause; empty where that is no one thing.

    Args:
        actual: the text, which is none of those expected.
        expected: the texts that would be right.
    """
    for name in expected:
        clause = _difference(actual, name)
        if clause:
            return clause
    return ""


def _difference(actual: str, expected: str) -> str:
    if not expected:
        return ""
    if actual.strip() == expected:
        return "it has white space around it"
    if actual.casefold() == expected.casefold():
        return "only the case differs"
    if re.sub(_INVISIBLE, "", actual) == expected:
        return "it has invisible characters"
    if _unpadded(actual) == _unpadded(expected):
        return "only the padding of its number differs"
    if actual.rstrip(" .") == expected:
        return "it ends with a dot"
    if re.sub(_SEPARATORS, "-", actual) == re.sub(_SEPARATORS, "-", expected):
        return "only the separators differ"
    if _loose(actual) == _loose(expected):
        return "only case, padding and separators differ"
    return _prefix_difference(actual, expected) or _surplus(actual, expected)


def _unpadded(text: str) -> str:
    return re.sub(_PADDED, "", text)


def _loose(text: str) -> str:
    return re.sub(_SEPARATORS, "-", _unpadded(text.strip().casefold()))


def _surplus(actual: str, expected: str) -> str:
    if actual.startswith(expected):
        return f"it goes on with {quoted(actual[len(expected) :])}"
    if actual.endswith(expected):
        return f"it has {quoted(actual[: -len(expected)])} before it"
    return ""


def _prefix_difference(actual: str, expected: str) -> str:
    """The type, the scope or the mark, where that is all in which two conventional subjects differ."""
    one, other = re.fullmatch(_PREFIX, actual), re.fullmatch(_PREFIX, expected)
    if one is None or other is None or one["rest"] != other["rest"]:
        return ""
    different = [part for part in ("type", "scope", "mark") if one[part] != other[part]]
    if different == ["type"]:
        return f"its type is {quoted(one['type'])} and not {quoted(other['type'])}"
    if different == ["scope"]:
        if other["scope"] is None:
            return f"it has the scope {quoted(one['scope'])}"
        has = "it has no scope" if one["scope"] is None else f"its scope is {quoted(one['scope'])}"
        return f"{has} and not {quoted(other['scope'])}"
    if different == ["mark"]:
        return "it has a '!' before the colon" if one["mark"] else "it has no '!' before the colon"
    return ""
