"""Which versions of a tool may be used: `>=0.40,<0.50`."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# Not compiled here: settings name this module, and each hook reads those.
_CLAUSE: Final = r"(?P<by>>=|<=|==|!=|>|<|=)?\s*(?P<version>v?[0-9]+(?:\.[0-9]+){0,5})(?P<any>\.\*)?"
# A number with a dot at least, and what marks it as one before the release: `0.50.0-alpha.3`, `1.0rc1`.
_VERSION: Final = (
    r"(?<![0-9A-Za-z.])v?(?P<numbers>[0-9]+(?:\.[0-9]+){1,5})"
    r"(?P<before>-[0-9A-Za-z][0-9A-Za-z.-]*|(?:a|b|rc|\.?dev)[0-9]+)?(?P<after>\+[0-9A-Za-z.-]+)?"
)


class VersionError(ValueError):
    """A text that says nothing about versions; it says which, and how to write it."""


class Version:
    """A version: its numbers, and whether it comes before the release of these numbers.

    Args:
        text: as the tool writes it.
        numbers: its numbers.
        early: whether it is an alpha, a preview or a candidate.
    """

    __slots__ = ("early", "numbers", "text")

    def __init__(self, text: str, numbers: tuple[int, ...], *, early: bool) -> None:
        self.text = text
        self.numbers = numbers
        self.early = early


def find_version(output: str) -> Version | None:
    """The version that a tool prints for `--version`; the first that stands there, None where none does."""
    found = re.search(_VERSION, output)
    if found is None:
        return None
    numbers = tuple(int(number) for number in found["numbers"].split("."))
    return Version(found[0].removeprefix("v"), numbers, early=found["before"] is not None)


def check_versions(text: str) -> str:
    """A text that says which versions may be used; empty: any.

    Raises:
        VersionError: it does not.
    """
    _clauses(text)
    return text


def fits(version: Version, wanted: str) -> bool:
    """Whether a version may be used.

    An alpha of 0.50 is neither below 0.50 nor 0.50 itself, so only a clause that lies on one side of both
    lets it pass.

    Raises:
        VersionError: `wanted` says nothing about versions.
    """
    return all(_fits(version, by, bound, any_=any_) for by, bound, any_ in _clauses(wanted))


def _fits(version: Version, by: str, bound: tuple[int, ...], *, any_: bool) -> bool:
    if by in ("=", "==", "!="):
        numbers = _same_length(version.numbers, bound)
        same = numbers[0][: len(bound)] == bound if any_ else numbers[0] == numbers[1]
        if by == "!=":
            return not same
        return same and (any_ or not version.early)
    mine, other = _same_length(version.numbers, bound)
    if mine == other and version.early:
        return False
    return {">": mine > other, ">=": mine >= other, "<": mine < other, "<=": mine <= other}[by]


def _same_length(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    length = max(len(one), len(other))
    return one + (0,) * (length - len(one)), other + (0,) * (length - len(other))


def _clauses(text: str) -> list[tuple[str, tuple[int, ...], bool]]:
    clauses = []
    for clause in text.split(",") if text.strip() else ():
        found = re.fullmatch(_CLAUSE, clause.strip())
        by = (found["by"] or "==") if found else ""
        if found is None or (found["any"] and by not in ("=", "==", "!=")):
            raise VersionError(
                f"{clause.strip()!r} does not say which versions may be used: write it as in '>=0.40,<0.50', "
                "'==2.1.*' or '!=0.41.2'"
            )
        numbers = tuple(int(number) for number in found["version"].removeprefix("v").split("."))
        clauses.append((by, numbers, found["any"] is not None))
    return clauses
