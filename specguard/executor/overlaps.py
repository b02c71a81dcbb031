"""Whether two sets of paths, given as patterns, can have a path in common."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.declaration.patterns import Covering

_SPECIAL: Final = re.compile(r"[*?\[\\]")
_AFTER: Final = re.compile(r"[^*?\[\]\\]*\Z")


def overlap(one: Covering, other: Covering) -> tuple[str, str] | None:
    """A pattern of each that could match one path; None where none could.

    Each pattern covers all below its match. Of two segments with wildcards, what stands before the first and
    behind the last wildcard decides, so a few that have nothing in common are said to.
    """
    for pattern in one.patterns:
        for second in other.patterns:
            if meet(pattern, second):
                return pattern, second
    return None


def meet(one: str, other: str) -> bool:
    """Whether two patterns could match one path."""
    left, right = _segments(one), _segments(other)

    @cache
    def from_here(i: int, j: int) -> bool:
        if i == len(left) and j == len(right):
            return True
        # `**` takes no folder, or the next one of the other side.
        if i < len(left) and left[i] == "**":
            return from_here(i + 1, j) or (j < len(right) and from_here(i, j + 1))
        if j < len(right) and right[j] == "**":
            return from_here(i, j + 1) or (i < len(left) and from_here(i + 1, j))
        if i == len(left) or j == len(right):
            return False
        return _segments_meet(left[i], right[j]) and from_here(i + 1, j + 1)

    return from_here(0, 0)


def _segments(pattern: str) -> Sequence[str]:
    parts = [part for part in pattern.removeprefix("./").split("/") if part]
    while parts and parts[-1] == "**":
        parts.pop()
    return [*parts, "**"]


def _segments_meet(one: str, other: str) -> bool:
    first, second = _SPECIAL.search(one), _SPECIAL.search(other)
    if first is None and second is None:
        return one == other
    before = (one[: first.start()] if first else one, other[: second.start()] if second else other)
    after = (_after(one), _after(other))
    short, long = sorted(before, key=len)
    if not long.startswith(short):
        return False
    short, long = sorted(after, key=len)
    return long.endswith(short)


def _after(segment: str) -> str:
    """What stands behind the last wildcard; all of a segment without one."""
    match = _AFTER.search(segment)
    return match[0] if match else ""
