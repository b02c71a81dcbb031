"""The date and time of a check."""

from __future__ import annotations

from specguard.errors import MissingFact, SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import date, datetime
    from typing import Final, Self

    from specguard.change.request import Request

OLDEST: Final = 2026
"""A clock that says an earlier year was never set: this program is not older."""


class Clock:
    """The date and time of the check.

    Args:
        said: what `--today` said; empty: the clock's UTC date.
    """

    def __init__(self, said: str) -> None:
        self._said = said

    @classmethod
    def of(cls, request: Request) -> Self:
        """The clock that a request asks for.

        Raises:
            SpecguardError: `--today` is no date.
        """
        clock = cls(request.today)
        if request.today:
            try:
                clock.today()
            except ValueError:
                raise SpecguardError(
                    f"--today {request.today!r} is no date", help="write it as 2026-01-31", code="usage"
                ) from None
        return clock

    def today(self) -> date:
        """The UTC date."""
        import datetime

        if self._said:
            return datetime.date.fromisoformat(self._said)
        return datetime.datetime.now(datetime.UTC).date()

    def now(self) -> datetime:
        """The UTC time; the end of the day that `--today` says.

        Raises:
            MissingFact: the clock cannot be right.
        """
        import datetime

        if self._said:
            return datetime.datetime.combine(self.today(), datetime.time(23, 59, 59), tzinfo=datetime.UTC)
        now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        if now.year < OLDEST:
            raise MissingFact(
                f"the clock says {now:%Y-%m-%d}, so it was never set", "set the clock", code="clock-unset"
            )
        return now
