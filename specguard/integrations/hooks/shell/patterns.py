"""Patterns of pathnames, resolved as a shell does it before it runs the program."""

from __future__ import annotations

import os
import re

from specguard.integrations.hooks.pathnames import as_bytes, joined
from specguard.integrations.hooks.shell.field import Field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAMES: Final = 5000
"""Patterns are not resolved in folders of more names than this, all together."""
FIELDS: Final = 400
"""Patterns of more names than this are not told."""
_CLASS: Final = re.compile(r"[!^]?\]?[^\[\]\\/]*\]")


def resolved(field: Field, directory: bytes, place: bytes) -> list[Field] | None:
    """The names that a pattern stands for; the pattern as it is where it stands for none.

    Args:
        field: a field with a pattern.
        directory: the folder in which the command begins.
        place: the folder in which the shell stands, from that one.

    Returns:
        None where the names cannot be told.
    """
    parts = _segments(field.pattern)
    if parts is None:
        return None
    literal = "".join(text for text, _ in field.pattern)
    found = [as_bytes("/")] if literal.startswith("/") else [b""]
    looked = 0
    for text, expression in parts:
        if expression is None:
            found = [one + as_bytes(text) for one in found]
            continue
        more: list[bytes] = []
        for one in found:
            names = _names(joined(directory, joined(place, one)) or b".")
            looked += len(names or ())
            if names is None or looked > NAMES:
                return None
            more += [one + name + as_bytes(text) for name in names if _matches(name, expression)]
        if len(more) > FIELDS:
            return None
        found = more
    there = [one for one in found if os.path.lexists(joined(directory, joined(place, one)))]
    if not there:
        return [Field(literal, field.raw)]
    return [Field(one.decode("utf-8", "surrogateescape"), field.raw) for one in sorted(there)]


def _names(directory: bytes) -> Sequence[bytes] | None:
    found: list[bytes] = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                found.append(entry.name)
                if len(found) > NAMES:
                    return None
    except (NotADirectoryError, FileNotFoundError):
        return []
    except (OSError, ValueError):
        return None
    return found


def _matches(name: bytes, expression: str) -> bool:
    if name.startswith(b".") and not expression.startswith(r"\."):
        return False
    return re.fullmatch(expression, name.decode("utf-8", "surrogateescape"), re.DOTALL) is not None


def _segments(pattern: Sequence[tuple[str, bool]]) -> Sequence[tuple[str, str | None]] | None:
    """A pattern by folders: literal text with no expression, or what follows a name with its expression.

    None where it holds what is not resolved: `**`, or a class in brackets.
    """
    segments: list[tuple[str, str | None]] = []
    text: list[str] = []
    expression: list[str] = []
    special = False

    def end(slash: str) -> None:
        nonlocal special
        if special:
            segments.append((slash, "".join(expression)))
        else:
            segments.append(("".join(text) + slash, None))
        text.clear()
        expression.clear()
        special = False

    stars = 0
    for piece, quoted in pattern:
        at = 0
        while at < len(piece):
            char = piece[at]
            at += 1
            if char == "/":
                if text or expression:
                    end("/")
                continue
            text.append(char)
            if quoted or char not in "*?[":
                expression.append(re.escape(char))
                stars = 0
            elif char == "*":
                stars += 1
                if stars > 1:
                    return None
                special = True
                expression.append(".*")
            elif char == "?":
                special = True
                expression.append(".")
            else:
                close = _CLASS.match(piece, at)
                one_of = None if close is None else _one_of(close[0][:-1])
                if close is None or one_of is None:
                    return None
                expression.append(one_of)
                text.append(close[0])
                at = close.end()
                special = True
    if text or expression:
        end("")
    # Many stars in one name would make the expression's time grow.
    if any(each and each.count(".*") > 4 for _, each in segments):
        return None
    return segments


def _one_of(inside: str) -> str | None:
    """The expression of a class in brackets; None where shells differ in what it is."""
    if not inside.strip("!^") or "--" in inside or _backwards(inside):
        return None
    not_in = inside[:1] in ("!", "^")
    return f"[{'^' if not_in else ''}{_class(inside[not_in:])}]"


def _backwards(inside: str) -> bool:
    """Whether a class has a range that ends before it begins."""
    return any(match[1] > match[2] for match in re.finditer(r"(?=(.)-(.))", inside, re.DOTALL))


def _class(inside: str) -> str:
    return re.sub(r"([\\\]\[^&~|])", r"\\\1", inside)
