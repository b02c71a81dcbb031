"""The kinds of errors that a user can meet, each by the name that stands behind its message."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class ErrorKind(NamedTuple):
    """One kind of error.

    Attributes:
        name: its name, as it stands in brackets behind a message; it never changes.
        title: what has happened, as a heading.
        meaning: what it means, in Markdown.
        why: why specguard stops there, instead of going on.
        remedy: how it is mended, in Markdown.
        example: a message of this kind, without the place before it.
    """

    name: str
    title: str
    meaning: str
    why: str
    remedy: str
    example: str


def error_kinds() -> Mapping[str, Mapping[str, ErrorKind]]:
    """Every kind by its name, below the heading that it stands under."""
    from specguard.cli.error_kinds_checks import POLICY, REPOSITORY, WORDS
    from specguard.cli.error_kinds_work import APPROVALS, ENDINGS, PLANS, RUNS

    return {
        title: {kind.name: kind for kind in kinds}
        for title, kinds in (
            ("Commands and files", WORDS),
            ("Repository and change", REPOSITORY),
            ("Policy", POLICY),
            ("Approvals", APPROVALS),
            ("Plans and cases", PLANS),
            ("Before a run, and beside it", RUNS),
            ("How runs end", ENDINGS),
        )
    }
