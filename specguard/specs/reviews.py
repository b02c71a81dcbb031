"""The dates of last reviews, and the fields that hold them."""

from __future__ import annotations

from specguard.documents.dates import date_problem, is_ahead, parse_date
from specguard.documents.fields import normal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from collections.abc import Sequence
    from typing import Final

    from specguard.specs.said import Said
    from specguard.specs.settings import SpecSettings

CHANGED: Final = (
    "updated", "last_updated", "updated_at", "modified", "last_modified", "date_modified", "next_review",
    "next_review_date", "review_by", "review_due", "due_for_review",
)  # fmt: skip
"""Fields that say when a document was last written to, or is due again: bumping one says no more than bumping
the review."""


class Review:
    """A date of a last review as it is written.

    Attributes:
        said: what is written, and where.
        date: the day; None where it is none.
        problem: why it is none, as a clause; empty where it is one.
    """

    __slots__ = ("date", "problem", "said")

    def __init__(self, said: Said) -> None:
        self.said = said
        self.date: datetime.date | None = parse_date(said.text)
        self.problem = "" if self.date else "is empty" if not said.text else date_problem(said.text)

    def is_ahead(self, today: datetime.date) -> bool:
        """Whether the day is still to come."""
        return self.date is not None and is_ahead(self.date, self.said.text, today)

    def __repr__(self) -> str:
        return f"Review({self.said!r})"


def dates_of(settings: SpecSettings) -> Sequence[str]:
    """The fields whose dates say no more than that somebody was there."""
    return (*review_names(settings.review), *CHANGED)


def review_names(name: str) -> tuple[str, ...]:
    """The names of the field for the last review: as the policy has it, and in its other usual form.

    `last_review` is also written `last_reviewed`, and the reverse.
    """
    if not name:
        return ()
    other = name.removesuffix("ed") if normal_name(name).endswith("reviewed") else f"{name}ed"
    return (name, other) if normal_name(name).endswith(("review", "reviewed")) else (name,)
