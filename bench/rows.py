"""The promises about speed and memory, and their results."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from measure import NoFigure, quartiles
from repositories import COMMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from measure import Timing


@dataclass(frozen=True)
class Row:
    """One promise about speed or memory.

    Attributes:
        number: its number in the table of targets.
        work: the measured work of specguard.
        against: the peer that it is compared with, or the unit.
        must: the largest value that keeps the promise.
        reach: a value that is known to be possible.
        subject: the contender whose median is divided.
        peer: the contender whose median is the divisor.
    """

    number: str
    work: str
    against: str
    must: float
    reach: float
    subject: str = ""
    peer: str = ""


@dataclass(frozen=True)
class Result:
    """The result of a row.

    Attributes:
        row: the promise.
        value: the ratio of the medians, or MiB; None without a figure.
        spread: the bounds of the middle half of the ratios of paired runs.
        note: the reason if the value is missing.
    """

    row: Row
    value: float | None = None
    spread: tuple[float, float] | None = None
    note: str = ""

    @property
    def outcome(self) -> str:
        """`reach`, `must` or `missed`; `no figure` without a value."""
        if self.value is None:
            return "no figure"
        if self.value <= self.row.reach:
            return "reach"
        return "must" if self.value <= self.row.must else "missed"


def measured(
    rows: Sequence[Row], numbers: Collection[str], measure: Callable[[Row], Sequence[float]]
) -> list[Result]:
    """Return the results of the rows with these numbers: the median of several figures of each."""
    results = []
    for row in rows:
        if row.number in numbers:
            try:
                figures = measure(row)
                results.append(Result(row, statistics.median(figures), quartiles(figures)))
            except NoFigure as error:
                results.append(Result(row, note=str(error)))
    return results


GROWTH = Row("9", "growth from 500 to 2,500 commits, start-up apart", "5 x", 5.5, 5.0)


def result(row: Row, timings: Mapping[str, Timing], why_missing: str) -> Result:
    """Return the result of a row.

    Args:
        row: the row, other than `GROWTH`.
        timings: the timings by contender.
        why_missing: the note if the peer took no part.
    """
    for name in (row.subject, row.peer):
        if name not in timings:
            return Result(row, note=why_missing)
        if timings[name].failure:
            return Result(row, note=f"{name}: {timings[name].failure}")
    subject, peer = timings[row.subject], timings[row.peer]
    # If one contender ran less often, its runs are paired with the first runs of the other.
    ratios = [mine / theirs for mine, theirs in zip(subject.seconds, peer.seconds, strict=False)]
    return Result(row, subject.median / peer.median, quartiles(ratios))


def growth(timings: Mapping[str, Timing]) -> Result:
    """Return row 9: the factor in time from 500 to 2,500 commits, without the time for one commit in both."""
    one, some, all_ = (timings[f"check --range, {count} commits"] for count in (1, 500, COMMITS))
    for timing in (one, some, all_):
        if timing.failure:
            return Result(GROWTH, note=timing.failure)
    ratios = [
        (most - first) / (part - first)
        for first, part, most in zip(one.seconds, some.seconds, all_.seconds, strict=True)
        if part > first
    ]
    if some.median <= one.median:
        return Result(GROWTH, note="the machine is too busy: 500 commits took no longer than one")
    value = (all_.median - one.median) / (some.median - one.median)
    return Result(GROWTH, value, quartiles(ratios) if ratios else None)
