"""Dates and times of ISO 8601, and the times of a document's entries.

An entry is a heading, a list item, a line of a paragraph or a table row that begins with a time, or has one
behind a label such as `Time:`; a heading may also end with it. What stands within a sentence, in code blocks,
in quotes and in the front matter is somebody else's time. `docs/documents.md` lists the forms.
"""

from __future__ import annotations

import datetime
import re

from specguard.declaration.rule import Record
from specguard.documents.blocks import Heading, List, Paragraph, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.documents.blocks import AnyBlock, Text
    from specguard.documents.document import Document


LONGEST: Final = 1000
"""A longer text, in characters, is not read for a date: a value that says a day is short."""

# A day stands alone: not within a version, a longer number or a name.
_DAY: Final = re.compile(
    r"(?<![\w./-])(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})(?![0-9]|-[0-9])", re.ASCII
)
# Who does not know the second writes `12:00:xx`.
_CLOCK: Final = re.compile(
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?:(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?|xx))?"
    r"(?!:?[0-9]| ?[ap]\.?m\b)"
    r"(?: ?(?P<zone>(?:Z|UTC|GMT)(?![\w+-])"
    r"|(?P<sign>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2})(?!:?[0-9])))?",
    re.IGNORECASE | re.ASCII,
)
_JOIN: Final = re.compile("[Tt]|,? ")
# What else a reader takes for a day.
_LIKE_DAY: Final = re.compile(
    r"\b(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{4}|[0-9]{8}"
    r"|(?:[0-9]{1,2}(?:st|nd|rd|th)?[ -])?(?:jan|feb|mar|apr|may|ju[nl]|aug|sep|oct|nov|dec)[a-z]{0,6}\.?[ -]"
    r"(?:[0-9]{1,2}(?:st|nd|rd|th)?,? )?[0-9]{4})(?=$|t[0-9]|\W|_)",
    re.IGNORECASE | re.ASCII,
)
# Writers of text set dashes that are no hyphens, and a minus that is none.
_PLAIN: Final = {
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212"), "-"),
    **dict.fromkeys(map(ord, "\u00a0\u2009\u202f\t"), " "),
}
_MARKS: Final = " \"'`*_<>[]()~"
# A remark behind a date: "(approved by X)", "- by X", "; see ...".
_REMARK: Final = re.compile(r"[\s\"'`*_>\])~]*(?:$|[-.,;:(|\u2014])")


class Day(Record):
    """A day that was read.

    Attributes:
        date: the day; None where the calendar has none of that number.
        start: where its text begins.
        end: where its text ends.
    """

    date: datetime.date | None
    start: int
    end: int


class Moment(Record):
    """A day with a time of it.

    Attributes:
        time: aware where the text has an offset, else without one.
        exact: whether seconds are written; else any moment of that minute may be meant.
        end: where its text ends.
    """

    time: datetime.datetime
    exact: bool
    end: int


def plain(text: str) -> str:
    """The same with plain hyphens and spaces, character by character, so that places stay."""
    return text if text.isascii() and "\t" not in text else text.translate(_PLAIN)


def parse_date(text: str) -> datetime.date | None:
    """The day that a value says, in UTC where it has a time with an offset; None where it says none.

    Args:
        text: a value, such as what stands behind `last_review:`; marks around it and a remark behind it are
            left aside.
    """
    return _read(text)[0]


def date_problem(text: str) -> str:
    """Why a value is no date, and what would settle it, as a clause; empty where it is one."""
    return _read(text)[1]


def is_ahead(day: datetime.date, text: str, today: datetime.date) -> bool:
    """Whether a day is still to come; one without an offset begins east of Greenwich the day before.

    Args:
        day: what `parse_date` made of it.
        text: how it is written.
        today: the UTC date.
    """
    if (day - today).days != 1:
        return day > today
    line = plain(text)
    return any(moment.time.tzinfo for one in days(line) if (moment := moment_behind(line, one)))


def days(text: str) -> Iterator[Day]:
    """Everything in a text that is written like a day, in order."""
    if len(text) <= LONGEST:
        yield from map(_day, _DAY.finditer(plain(text)))


def undated(text: str) -> str:
    """A text on one line, without its days and the times behind them; one longer than `LONGEST` as it is."""
    if len(text) > LONGEST:
        return text
    line = " ".join(plain(text).split())
    kept: list[str] = []
    end = 0
    for match in _LIKE_DAY.finditer(line):
        kept.append(line[end : match.start()])
        moment = moment_behind(line, Day(datetime.date(2000, 1, 1), match.start(), match.end()))
        end = moment.end if moment else match.end()
    return " ".join([*kept, line[end:]])


def moment_behind(text: str, day: Day) -> Moment | None:
    """The moment whose time stands right behind a day, as in `2026-01-31T12:00Z`; None where none does.

    Args:
        text: plain text (see `plain`).
        day: what was read there.
    """
    join = _JOIN.match(text, day.end)
    return _moment(text, join.end(), day.date, join[0] in "Tt") if join and day.date else None


def _moment(text: str, start: int, day: datetime.date, joined: bool = False) -> Moment | None:
    """The moment of a day whose time a text has at a place; None where there is no time of the day."""
    match = _CLOCK.match(text, start)
    if match is None:
        return None
    zone, second = match["zone"], int(match["second"] or 0)
    # "08:50-09:03" is a span of time; "08:50 -09:00", "08:50:00-09:00" and "T08:50-09:00" have an offset.
    if match["sign"] == "-" and not (joined or match["second"] or text[match.start("sign") - 1] == " "):
        zone = None
    offset = datetime.timedelta(hours=int(match["hours"] or 0), minutes=int(match["minutes"] or 0))
    try:
        known = datetime.timezone(-offset if match["sign"] == "-" else offset) if zone else None
        # A leap second has the number 60, which `datetime` does not know.
        clock = datetime.time(
            int(match["hour"]), int(match["minute"]), 59 if second == 60 else second, tzinfo=known
        )
    except ValueError:
        return None
    end = match.end() if zone else match.start("zone") if match["zone"] else match.end()
    return Moment(datetime.datetime.combine(day, clock), bool(match["second"]), end)


def _read(text: str) -> tuple[datetime.date | None, str]:
    if len(text) > LONGEST:
        return None, "is too long for a date: write it as 2026-01-31"
    text = plain(text).strip()
    match = _DAY.match(text, len(text) - len(text.lstrip(_MARKS)))
    if match is None:
        return None, "is no date: write it as 2026-01-31"
    day = _day(match)
    if day.date is None:
        return None, f"is no day of the calendar: {match[0]}"
    moment = moment_behind(text, day)
    end = moment.end if moment else day.end
    if not _REMARK.match(text, end):
        return None, "is more than a date: write it as 2026-01-31, with remarks in brackets behind it"
    if {other.date for other in days(text[end:]) if other.date} - {day.date}:
        return None, f"has several dates: write only {day.date}, if that one is meant"
    if moment and moment.time.tzinfo:
        return moment.time.astimezone(datetime.UTC).date(), ""
    return day.date, ""


def _day(match: re.Match[str]) -> Day:
    date = None
    try:
        # A day at either end of the calendar may be beyond it by another clock.
        if datetime.MINYEAR < int(match["year"]) < datetime.MAXYEAR:
            date = datetime.date.fromisoformat(match[0])
    except ValueError:
        pass
    return Day(date, match.start(), match.end())


_HEAD: Final = 160
"""So many characters of a line are looked at: a time that heads an entry stands at its beginning."""

_ENTRY_MARKS: Final = re.compile(r"[\W_]*(?:[xX]\][\W_]*)?")
_LABEL: Final = re.compile(
    r"(?:timestamp|time|date|when|logged|started|ended)(?: ?\([^()]{1,20}\))?[\s*_`]{0,6}:[\W_]{0,8}",
    re.IGNORECASE,
)
_TITLES: Final = frozenset({"timestamp", "time", "date", "when"})
# Behind a leading time of the day a word, a mark or nothing follows; a ratio or a verse goes on otherwise.
_ENDS: Final = re.compile(r"[\s\])*_`>.,;:|~\u2013\u2014-]*(?:$|\s|[\])*_`|\u2014\u2013:-])")
# "Data of 2026-01-31" is not of that day.
_TAIL: Final = re.compile(r"[\s\])*_`.]*$")
_NOT_BEFORE_TAIL: Final = re.compile(
    r"\b(?:after|before|by|due|for|from|of|since|to|until|vs|with)[\W_]*$", re.IGNORECASE
)

MOST_AHEAD: Final = datetime.timedelta(hours=14)
"""How far the clocks of places are ahead of UTC at most, and so a time without an offset."""

MOST_BEHIND: Final = datetime.timedelta(hours=12)


class Stamp(Record):
    """The time of an entry.

    Attributes:
        at: the entry's line, from 1.
        text: the time as it is written, without what is around it.
        moment: aware where an offset is written, else without one; at midnight where only a day is.
        exact: whether seconds are written.
        day_only: whether only a day is written.
        labelled: whether it stands behind a label, as `Time:`.
    """

    at: int
    text: str
    moment: datetime.datetime
    exact: bool = False
    day_only: bool = False
    labelled: bool = False

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


class Loose(Record):
    """What is written like an entry's time and does not say which moment it is.

    Attributes:
        at: its line.
        text: what is written.
        problem: why, and what would settle it, as a clause.
    """

    at: int
    text: str
    problem: str


class Times(Record):
    """The times of a document.

    Attributes:
        stamps: the times of entries, in the order in which they are written.
        days: entries with a day and no time of it, likewise.
        loose: times that cannot be told.
        without: the lines of items that have none, in lists whose other items begin with one.
    """

    stamps: list[Stamp] = []
    days: list[Stamp] = []
    loose: list[Loose] = []
    without: list[int] = []


def stamps(document: Document) -> Sequence[Stamp]:
    """The times of a document's entries, in the order in which they are written."""
    return read_times(document).stamps


def read_times(document: Document) -> Times:
    """All times of a document's entries, also those that are no more than a day or cannot be told."""
    times = Times()
    _in_blocks(times, document.blocks, None)
    return times


def _in_blocks(times: Times, blocks: Sequence[AnyBlock], day: datetime.date | None) -> None:
    """Read blocks, with the day that is above them."""
    above: list[tuple[int, datetime.date | None]] = [(0, day)]
    for block in blocks:
        if isinstance(block, Heading):
            while above[-1][0] >= block.level:
                above.pop()
            day = _entry(times, block.line, plain(block.text.plain), above[-1][1], tail=True) or above[-1][1]
            above.append((block.level, day))
        elif isinstance(block, Paragraph):
            for line, text in _lines(block.text):
                found = _entry(times, line, text, day)
                # A line that says nothing but a day is as good as a heading.
                alone = found and not text[_start(text) + len("2026-01-31") :].strip(" *_`:.~])")
                day = found if alone else day
        elif isinstance(block, List):
            _in_list(times, block, day)
        elif isinstance(block, Table):
            titles = [cell.plain.strip().casefold().partition(" (")[0] for cell in block.header]
            # A date and a time may stand in columns of their own.
            columns = [at for at, title in enumerate(titles) if title in _TITLES]
            for row in block.rows:
                text = " ".join(plain(row[at].raw) for at in columns or [0])
                _entry(times, row[0].line, text, day)


def _in_list(times: Times, block: List, day: datetime.date | None) -> None:
    begins = False
    bare: list[int] = []
    for item in block.items:
        before, said = len(times.stamps), len(times.stamps) + len(times.days) + len(times.loose)
        own = day
        for line, text in list(_lines(item.text))[:1]:
            own = _entry(times, line, text, day) or day
            # What stands behind a label is a field, and its list no log.
            begins = begins or (len(times.stamps) > before and not times.stamps[-1].labelled)
        if len(times.stamps) + len(times.days) + len(times.loose) == said:
            bare.append(item.line)
        _in_blocks(times, item.rest, own)
    times.without.extend(bare if begins else ())


def _entry(
    times: Times, line: int, text: str, above: datetime.date | None, *, tail: bool = False
) -> datetime.date | None:
    """Take up the time that an entry begins with, or ends with where it is a heading; its day."""
    start = _start(text)
    match = _DAY.match(text, start)
    found = _day(match) if match else _last(text) if tail else None
    # An own day goes before the one above; without any, the time of the day is loose.
    if found is None or (match is None and _CLOCK.match(text, start) and above):
        moment = _moment(text, start, above or datetime.date(2000, 1, 1))
        if moment and _ENDS.match(text, moment.end):
            written = text[start : moment.end]
            problem = (
                f"has no date: write it as 2026-01-31 {written}, or put it below a heading with its date"
            )
            if above:
                times.stamps.append(_stamp(line, text, start, moment))
            else:
                times.loose.append(Loose(line, written, problem))
        return None
    if found.date is None:
        problem = f"is no day of the calendar: {text[found.start : found.end]}"
        times.loose.append(Loose(line, text[found.start : found.end], problem))
        return None
    moment = moment_behind(text, found)
    if moment is not None:
        times.stamps.append(_stamp(line, text, found.start, moment))
    elif _ENDS.match(text, found.end):
        midnight = datetime.datetime.combine(found.date, datetime.time())
        times.days.append(Stamp(line, text[found.start : found.end], midnight, day_only=True))
    else:
        return None
    return found.date


def _stamp(line: int, text: str, start: int, moment: Moment) -> Stamp:
    label = _LABEL.search(text[:start])
    return Stamp(line, text[start : moment.end], moment.time, moment.exact, labelled=label is not None)


def _lines(text: Text) -> Iterator[tuple[int, str]]:
    """The lines of a text that are not empty, each with its number and at most its beginning."""
    for number, line in enumerate(text.raw.split("\n"), start=text.line):
        if line.strip():
            yield number, plain(line[:_HEAD])


def _start(text: str) -> int:
    """Where the time of an entry stands: behind marks, a checkbox and a label."""
    marks = _ENTRY_MARKS.match(text)
    start = marks.end() if marks else 0
    label = _LABEL.match(text, start)
    return label.end() if label else start


def _last(text: str) -> Day | None:
    """The day, or the day and time, that a heading ends with."""
    for match in _DAY.finditer(text, max(0, len(text) - _HEAD)):
        found = _day(match)
        moment = moment_behind(text, found)
        before = text[max(0, found.start - 20) : found.start]
        if _TAIL.match(text, moment.end if moment else found.end) and not _NOT_BEFORE_TAIL.search(before):
            return found
    return None


def as_utc(moment: datetime.datetime) -> datetime.datetime:
    """A time; one without an offset as if it were UTC's."""
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
