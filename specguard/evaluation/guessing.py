"""Paths that a pattern covers, and lines that an expression matches: what a canary is made of."""

from __future__ import annotations

import re

# The tree that `re` makes of an expression is in no documented module; what comes of it is compared with the
# expression itself, so that a wrong guess is none.
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from specguard.declaration.expressions import Expression
    from specguard.declaration.patterns import Covering, Patterns

_CLASS = re.compile(r"\[(?P<not>[!^])?(?P<first>[^]])[^]]*\]")
_PARTS = re.compile(r"(\*+|\?)")
_WORD = "canary"
_CATEGORIES = {"CATEGORY_DIGIT": "7", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "w"}
_OTHERS = {"CATEGORY_NOT_DIGIT": "d", "CATEGORY_NOT_SPACE": "s", "CATEGORY_NOT_WORD": "-"}


def path_in(patterns: Patterns, position: int, exclude: Covering | None = None) -> bytes | None:
    """A path that one of some patterns matches; None where none can be guessed.

    Args:
        patterns: the patterns.
        position: which of them.
        exclude: paths that will not do.
    """
    pattern = patterns.patterns[position]
    plain = _CLASS.sub(lambda found: "~" if found["not"] else found["first"], pattern).lstrip("/")
    for word in (_WORD, "canary.md", "c"):
        filled = "".join(
            "q" if part == "?" else word if "*" in part else part for part in _PARTS.split(plain)
        )
        for end in (_WORD, "canary.md", ""):
            path = f"{filled.rstrip('/')}/{end}" if end and filled.endswith("/") else filled.rstrip("/")
            data = path.replace("\\", "").encode("utf-8", "surrogateescape")
            if data and patterns.find(data) is not None and not (exclude and exclude.find(data) is not None):
                return data
    return None


def apart(paths: Iterable[bytes]) -> list[bytes]:
    """Those paths that can be in one tree: none of them is a folder of another, in letters of either case."""
    kept: list[bytes] = []
    for path in paths:
        low = path.lower()
        if not any(
            low == other or low.startswith(other + b"/") or other.startswith(low + b"/")
            for other in (one.lower() for one in kept)
        ):
            kept.append(path)
    return kept


def line_of(expression: Expression) -> str | None:
    """A line that an expression matches; None where none can be guessed."""
    try:
        tree = parser.parse(expression.text.replace(r"\z", r"\Z"))
        line = "".join(_sample(item) for item in tree)
    except (re.error, RecursionError, OverflowError, KeyError, LookupError):
        return None
    for guess in (line, f" {line} ", f"{_WORD} {line}", f"{line}.", f"{line}{_WORD}"):
        if "\n" not in guess and "\0" not in guess and expression.search(guess):
            return guess
    return None


def _sample(item: tuple[Any, Any]) -> str:
    """A text for one node of an expression's tree."""
    kind, value = item
    name = str(kind)
    if name == "LITERAL":
        return chr(value)
    if name == "NOT_LITERAL":
        return "a" if value != ord("a") else "b"
    if name == "ANY":
        return "a"
    if name == "IN":
        return _member(value)
    if name == "BRANCH":
        return "".join(_sample(part) for part in value[1][0])
    if name == "SUBPATTERN":
        return "".join(_sample(part) for part in value[-1])
    if name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        least, _most, inner = value
        return "".join(_sample(part) for part in inner) * min(int(least), 10_000)
    if name == "AT":
        return ""
    raise KeyError(name)


def _member(options: list[tuple[Any, Any]]) -> str:
    """A character of a set."""
    unlike = str(options[0][0]) == "NEGATE"
    if unlike:
        inside = {char for option in options[1:] for char in _characters(option)}
        return next(char for char in "aZ7-_ .~" if char not in inside)
    return _characters(options[0])[0]


def _characters(option: tuple[Any, Any]) -> str:
    kind, value = option
    if kind is constants.LITERAL:
        return chr(value)
    if kind is constants.RANGE:
        return "".join(map(chr, range(value[0], min(value[1], value[0] + 255) + 1)))
    return {**_CATEGORIES, **_OTHERS}[str(value)]
