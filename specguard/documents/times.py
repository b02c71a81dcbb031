"""The times of a document's entries: what heads a line of a log, with a date of its own or one above it.

An entry is a heading, a list item, a line of a paragraph or a table row that begins with a time, or has one
behind a label such as `Time:`; a heading may also end with it. What stands within a sentence, in code blocks,
in quotes and in the front matter is somebody else's time. `docs/documents.md` lists the forms.
"""

from __future__ import annotations

import datetime
import re

from specguard.documents.blocks import Heading, List, Paragraph, Table
from specguard.documents.dates import day_at, days, moment_at, moment_behind, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.documents.blocks import AnyBlock, Text
    from specguard.documents.dates import Day, Moment
    from specguard.documents.document import Document

_HEAD: Final = 160
"""So many characters of a line are looked at: a time that heads an entry stands at its beginning."""

_MARKS: Final = re.compile(r"[\W_]*(?:[xX]\][\W_]*)?")
_LABEL: Final = re.compile(
    r"(?:timestamp|date ?/ ?time|datetime|time|date|when|at|started|start|created|logged|recorded|opened|"
    r"closed|finished|ended|end)(?: ?\([^()]{1,20}\))?[\s*_`]{0,6}:[\W_]{0,8}",
    re.IGNORECASE,
)
_TITLES: Final = frozenset({"timestamp", "date/time", "datetime", "time", "date", "when", "at", "logged"})
# Behind a leading time of the day a word, a mark or nothing follows; a ratio or a verse goes on otherwise.
_ENDS: Final = re.compile(r"[\s\])*_`>.,;:|~\u2013\u2014-]*(?:$|\s|[\])*_`|\u2014\u2013:-])")
_TAIL: Final = re.compile(r"[\s\])*_`.]*$")
# "Data of 2026-01-31" is not of that day.
_NOT_BEFORE_TAIL: Final = re.compile(
    r"\b(?:after|before|by|due|for|from|of|since|to|until|vs|with)[\W_]*$", re.IGNORECASE
)

MOST_AHEAD: Final = datetime.timedelta(hours=14)
"""How far the clocks of places are ahead of UTC at most, and so a time without an offset."""

MOST_BEHIND: Final = datetime.timedelta(hours=12)


class Stamp:
    """The time of an entry.

    Attributes:
        at: the entry's line, from 1.
        text: the time as it is written, without what is around it.
        moment: aware where an offset is written, else without one; at midnight where only a day is.
        day_only: whether only a day is written.
        exact: whether seconds are written.
        labelled: whether it stands behind a label, as `Time:`.
    """

    __slots__ = ("at", "day_only", "exact", "labelled", "moment", "text")

    def __init__(
        self,
        at: int,
        text: str,
        moment: datetime.datetime,
        *,
        exact: bool,
        day_only: bool = False,
        labelled: bool = False,
    ) -> None:
        self.labelled = labelled
        self.at = at
        self.text = text
        self.moment = moment
        self.exact = exact
        self.day_only = day_only

    @property
    def last(self) -> datetime.datetime:
        """The last moment that it may mean: of a day or a minute its end."""
        if self.day_only:
            return self.moment + datetime.timedelta(days=1, seconds=-1)
        return self.moment if self.exact else self.moment + datetime.timedelta(seconds=59)

    def before(self, other: Stamp) -> bool:
        """Whether it is surely earlier than another one of its document.

        Times without an offset are taken to be of one clock; where only one of two has an offset, the other
        clock may be anywhere on earth.
        """
        one, two = self.last, other.moment
        if (one.tzinfo is None) == (two.tzinfo is None):
            return one < two
        if one.tzinfo is None:
            return as_utc(one) + MOST_BEHIND < two
        return one < as_utc(two) - MOST_AHEAD

    def __repr__(self) -> str:
        return f"Stamp({self.at}, {self.text!r})"


class Loose:
    """What is written like an entry's time and does not say which moment it is.

    Attributes:
        at: its line.
        text: what is written.
        problem: why, and what would settle it, as a clause.
    """

    __slots__ = ("at", "problem", "text")

    def __init__(self, at: int, text: str, problem: str) -> None:
        self.at = at
        self.text = text
        self.problem = problem


class Times:
    """The times of a document.

    Attributes:
        stamps: the times of entries, in the order in which they are written.
        days: entries with a day and no time of it, likewise.
        loose: times that cannot be told.
        without: the lines of items that have none, in lists whose other items begin with one.
    """

    __slots__ = ("days", "loose", "stamps", "without")

    def __init__(self) -> None:
        self.stamps: list[Stamp] = []
        self.days: list[Stamp] = []
        self.loose: list[Loose] = []
        self.without: list[int] = []


def stamps(document: Document) -> Sequence[Stamp]:
    """The times of a document's entries, in the order in which they are written."""
    return read_times(document).stamps


def read_times(document: Document) -> Times:
    """All times of a document's entries, also those that are no more than a day or cannot be told."""
    reader = _Reader()
    reader.blocks(document.blocks, None)
    return reader.times


class _Reader:
    """Goes through a document with the day that is above each entry."""

    def __init__(self) -> None:
        self.times = Times()
        self._headings: list[tuple[int, datetime.date | None]] = []

    def blocks(self, blocks: Sequence[AnyBlock], day: datetime.date | None) -> None:
        for block in blocks:
            if isinstance(block, Heading):
                day = self._heading(block)
            elif isinstance(block, Paragraph):
                for line, text in _lines(block.text):
                    found = self._entry(line, text, day)
                    # A line that says nothing but a day is as good as a heading.
                    day = found if found and _alone(text) else day
            elif isinstance(block, List):
                self._list(block, day)
            elif isinstance(block, Table):
                self._table(block, day)

    def _list(self, block: List, day: datetime.date | None) -> None:
        known = self.times
        begins = False
        bare: list[int] = []
        for item in block.items:
            before = len(known.stamps)
            said = before + len(known.days) + len(known.loose)
            own = day
            for line, text in _lines(item.text):
                own = self._entry(line, text, day) or day
                # What stands behind a label is a field, and its list no log.
                begins = begins or (len(known.stamps) > before and not _labelled(text))
                break
            if len(known.stamps) + len(known.days) + len(known.loose) == said:
                bare.append(item.line)
            self.blocks(item.rest, own)
        if begins:
            known.without += bare

    def _heading(self, heading: Heading) -> datetime.date | None:
        """Read a heading; the day that holds beneath it."""
        while self._headings and self._headings[-1][0] >= heading.level:
            self._headings.pop()
        above = self._headings[-1][1] if self._headings else None
        text = plain(heading.text.plain)
        day = self._entry(heading.line, text, above, tail=True) or above
        self._headings.append((heading.level, day))
        return day

    def _table(self, table: Table, day: datetime.date | None) -> None:
        columns = [
            position
            for position, cell in enumerate(table.header)
            if cell.plain.strip().casefold().partition(" (")[0] in _TITLES
        ]
        date = next((it for it in columns if table.header[it].plain.strip().casefold() == "date"), None)
        wanted = columns[0] if columns else 0
        for row in table.rows:
            text = plain(row[wanted].raw) if wanted < len(row) else ""
            if date is not None and len(columns) > 1 and date < len(row):
                # A date and a time in columns of their own.
                other = next(it for it in columns if it != date)
                text = f"{plain(row[date].raw)} {plain(row[other].raw) if other < len(row) else ''}"
            if row:
                self._entry(row[0].line, text, day, cell=bool(columns))

    def _entry(
        self, line: int, text: str, above: datetime.date | None, *, tail: bool = False, cell: bool = False
    ) -> datetime.date | None:
        """Take up the time that an entry begins with, or ends with where it is a heading; its day."""
        start = _start(text)
        found = day_at(text, start)
        if found is None and above is not None and (moment := moment_at(text, start, above)):
            if _ENDS.match(text, moment.end):
                self._add(line, text, start, moment)
            return None
        if found is None and tail:
            found = _last(text)
            start = found.start if found else start
        if found is None:
            self._without_day(line, text, start, cell)
            return None
        if found.date is None:
            self.times.loose.append(Loose(line, text[start : found.end], found.problem))
            return None
        moment = moment_behind(text, found)
        if moment is not None:
            self._add(line, text, start, moment)
        elif _ENDS.match(text, found.end):
            midnight = datetime.datetime(found.date.year, found.date.month, found.date.day)
            stamp = Stamp(line, text[start : found.end], midnight, exact=False, day_only=True)
            self.times.days.append(stamp)
        else:
            return None
        return found.date

    def _add(self, line: int, text: str, start: int, moment: Moment) -> None:
        stamp = Stamp(
            line,
            text[start : moment.end],
            moment.time,
            exact=moment.exact,
            labelled=_labelled(text[:start]),
        )
        self.times.stamps.append(stamp)

    def _without_day(self, line: int, text: str, start: int, cell: bool) -> None:
        """A time of the day with no day above it; a ratio or the like is none."""
        moment = moment_at(text, start, datetime.date(2000, 1, 1))
        if moment and _ENDS.match(text, moment.end) and (cell or text[start + 1 : start + 2] != ":"):
            written = text[start : moment.end]
            problem = (
                f"has no date: write it as 2026-01-31 {written}, or put it below a heading with its date"
            )
            self.times.loose.append(Loose(line, written, problem))


def _lines(text: Text) -> Iterator[tuple[int, str]]:
    """The lines of a text that are not empty, each with its number and at most its beginning."""
    for number, line in enumerate(text.raw.split("\n"), start=text.line):
        if line.strip():
            yield number, plain(line[:_HEAD])


def _start(text: str) -> int:
    """Where the time of an entry stands: behind marks, a checkbox and a label."""
    marks = _MARKS.match(text)
    start = marks.end() if marks else 0
    label = _LABEL.match(text, start)
    return label.end() if label else start


def _labelled(text: str) -> bool:
    """Whether a label stands before a line's time."""
    marks = _MARKS.match(text)
    return _LABEL.match(text, marks.end() if marks else 0) is not None


def _alone(text: str) -> bool:
    """Whether a line says a day and nothing else."""
    found = day_at(text, _start(text))
    return found is not None and not text[found.end :].strip(" *_`:.~])")


def _last(text: str) -> Day | None:
    """The day, or the day and time, that a heading ends with."""
    tail = text[-_HEAD:]
    shift = len(text) - len(tail)
    for found in days(tail):
        found.start += shift
        found.end += shift
        moment = moment_behind(text, found)
        end = moment.end if moment else found.end
        if _TAIL.match(text, end) and not _NOT_BEFORE_TAIL.search(
            text[max(0, found.start - 20) : found.start]
        ):
            return found
    return None


def as_utc(moment: datetime.datetime) -> datetime.datetime:
    """A time; one without an offset as if it were UTC's."""
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
