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
_DAY: Final = re.compile(r"(?<![\w./-])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9]|-[0-9])", re.ASCII)
# Who does not know the second writes `12:00:xx`.
_CLOCK: Final = re.compile(
    r"(?P<clock>[0-9]{2}:[0-9]{2})(?::(?:(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?|xx))?"
    r"(?!:?[0-9]| ?[ap]\.?m\b)"
    r"(?: ?(?P<zone>(?:Z|UTC|GMT)(?![\w+-])|[+-][0-9]{2}:?[0-9]{2}(?!:?[0-9])))?",
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
_MARKS: Final = " \n\"'`*_<>[]()~"
# A remark behind a date: "(approved by X)", "- by X", "; see ...".
_REMARK: Final = re.compile(r"[\s\"'`*_>\])~]*(?:$|[-.,;:(|\u2014])")
_ANY_DAY: Final = datetime.date(2000, 1, 1)


class Day(Record):
    """A day that was read, with the time behind it.

    Attributes:
        date: the day; None if the calendar has none of that number.
        start: where its text begins.
        end: where its text ends, that of its time included.
        time: the day with its time, aware where the text has an offset; None without a time.
        last: the last moment that it may mean: of a minute its end; None without a time.
    """

    date: datetime.date | None
    start: int
    end: int
    time: datetime.datetime | None = None
    last: datetime.datetime | None = None


def plain(text: str) -> str:
    """The same with plain hyphens and spaces, character by character, so that places stay."""
    return text if text.isascii() and "\t" not in text else text.translate(_PLAIN)


def parse_date(text: str) -> datetime.date | None:
    """The day that a value says, in UTC where it has a time with an offset; None if it says none.

    Args:
        text: a value, such as what stands behind `last_review:`; marks around it and a remark behind it are
            left aside.
    """
    return _read(text)[0]


def date_problem(text: str) -> str:
    """The reason why a value is no date, and the fix, as a clause; empty if it is one."""
    return _read(text)[1]


def is_ahead(day: datetime.date, text: str, today: datetime.date) -> bool:
    """True if a day is still to come; one without an offset begins east of Greenwich the day before.

    Args:
        day: what `parse_date` made of it.
        text: how it is written.
        today: the UTC date.
    """
    if (day - today).days != 1:
        return day > today
    return any(one.time is not None and one.time.tzinfo for one in days(text))


def days(text: str) -> Iterator[Day]:
    """Everything in a text that is written like a day, in order."""
    if len(text) <= LONGEST:
        line = plain(text)
        yield from (_day(line, match) for match in _DAY.finditer(line))


def undated(text: str) -> str:
    """A text on one line, without its days and the times behind them; one longer than `LONGEST` as it is."""
    if len(text) > LONGEST:
        return text
    line = " ".join(plain(text).split())
    kept: list[str] = []
    end = 0
    for match in _LIKE_DAY.finditer(line):
        kept.append(line[end : match.start()])
        timed = _behind(line, match, _ANY_DAY)
        end = timed.end if timed else match.end()
    return " ".join([*kept, line[end:]])


def _read(text: str) -> tuple[datetime.date | None, str]:
    if len(text) > LONGEST:
        return None, "is too long for a date: write it as 2026-01-31"
    text = plain(text).lstrip(_MARKS)
    match = _DAY.match(text)
    if match is None:
        return None, "is no date: write it as 2026-01-31"
    day = _day(text, match)
    if day.date is None:
        return None, f"is no day of the calendar: {match[0]}"
    if not _REMARK.match(text, day.end):
        return None, "is more than a date: write it as 2026-01-31, with remarks in brackets behind it"
    if {other.date for other in days(text[day.end :]) if other.date} - {day.date}:
        return None, f"has several dates: write only {day.date}, if that one is meant"
    if day.time is not None and day.time.tzinfo:
        return day.time.astimezone(datetime.UTC).date(), ""
    return day.date, ""


def _day(text: str, match: re.Match[str]) -> Day:
    try:
        date = datetime.date.fromisoformat(match[0])
    except ValueError:
        date = datetime.date.min
    # A day at either end of the calendar may be beyond it by another clock.
    if not datetime.MINYEAR < date.year < datetime.MAXYEAR:
        return Day(None, match.start(), match.end())
    return _behind(text, match, date) or Day(date, match.start(), match.end())


def _behind(text: str, match: re.Match[str], date: datetime.date) -> Day | None:
    """A day with the time right behind it, as in `2026-01-31T12:00Z`; None if there is none."""
    join = _JOIN.match(text, match.end())
    return _timed(text, join.end(), date, match.start(), join[0] in "Tt") if join else None


def _timed(text: str, at: int, date: datetime.date, start: int, joined: bool = False) -> Day | None:
    """A day whose time a text has at a place; None if there is no time of the day."""
    match = _CLOCK.match(text, at)
    if match is None:
        return None
    zone, second, end = match["zone"] or "", match["second"], match.end()
    # "08:50-09:03" is a span of time; "08:50 -09:00", "08:50:00-09:00" and "T08:50-09:00" have an offset.
    if zone.startswith("-") and not (joined or second or text[match.start("zone") - 1] == " "):
        zone, end = "", match.start("zone")
    # A leap second has the number 60, which `datetime` does not know.
    seconds = "59" if second == "60" else second or "00"
    offset = "Z" if zone.isalpha() else zone
    try:
        time = datetime.datetime.fromisoformat(f"{date}T{match['clock']}:{seconds}{offset}")
    except ValueError:
        return None
    return Day(date, start, end, time, time + datetime.timedelta(seconds=0 if second else 59))


_HEAD: Final = 160
"""So many characters of a line are looked at: a time that heads an entry stands at its beginning."""

_START: Final = re.compile(
    r"[\W_]*(?:[xX]\][\W_]*)?"
    r"((?:timestamp|time|date|when|logged|started|ended)(?: ?\([^()]{1,20}\))?[\s*_`]{0,6}:[\W_]{0,8})?",
    re.IGNORECASE,
)
_TITLES: Final = frozenset({"timestamp", "time", "date", "when"})
# Behind a leading time of the day a word, a mark or nothing follows; a ratio or a verse goes on otherwise.
_ENDS: Final = re.compile(r"[\s\])*_`>.,;:|~\u2013\u2014-]*(?:$|\s|[\])*_`|\u2014\u2013:-])")
# "Data of 2026-01-31" is not of that day.
_NOT_BEFORE_TAIL: Final = re.compile(
    r"\b(?:after|before|by|due|for|from|of|since|to|until|vs|with)[\W_]*$", re.IGNORECASE
)

MOST_AHEAD: Final = datetime.timedelta(hours=14)
"""How far the clocks of places are ahead of UTC at most, and so a time without an offset."""

_MOST_BEHIND: Final = datetime.timedelta(hours=12)


class Stamp(Record):
    """The time of an entry.

    Attributes:
        at: the entry's line, from 1.
        text: the time as it is written, without what is around it.
        moment: aware where an offset is written, else without one; at midnight where only a day is.
        last: the last moment that it may mean: of a day or a minute its end.
        labelled: whether it stands behind a label, as `Time:`.
    """

    at: int
    text: str
    moment: datetime.datetime
    last: datetime.datetime
    labelled: bool = False

    def before(self, other: Stamp) -> bool:
        """True if it is surely earlier than another one of its document.

        Times without an offset are taken to be of one clock; where only one of two has an offset, the other
        clock may be anywhere on earth.
        """
        one, two = self.last, other.moment
        if (one.tzinfo is None) == (two.tzinfo is None):
            return one < two
        if one.tzinfo is None:
            return as_utc(one) + _MOST_BEHIND < two
        return one < as_utc(two) - MOST_AHEAD


class Loose(Record):
    """A text like an entry's time that does not give an exact moment.

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

    def __len__(self) -> int:
        """The number of times, whatever is known of them."""
        return len(self.stamps) + len(self.days) + len(self.loose)


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
                rest = _START.sub("", text, count=1)[len("2026-01-31") :]
                day = found if found and not rest.strip(" *_`:.~])") else day
        elif isinstance(block, List):
            _in_list(times, block, day)
        elif isinstance(block, Table):
            titles = [cell.plain.strip().casefold().partition(" (")[0] for cell in block.header]
            # A date and a time may stand in columns of their own.
            columns = [at for at, title in enumerate(titles) if title in _TITLES] or [0]
            for row in block.rows:
                _entry(times, row[0].line, plain(" ".join(row[at].raw for at in columns)), day)


def _in_list(times: Times, block: List, day: datetime.date | None) -> None:
    begins = False
    bare: list[int] = []
    for item in block.items:
        stamped, known = len(times.stamps), len(times)
        own = day
        for line, text in list(_lines(item.text))[:1]:
            own = _entry(times, line, text, day) or day
            # What stands behind a label is a field, and its list no log.
            begins = begins or (len(times.stamps) > stamped and not times.stamps[-1].labelled)
        if len(times) == known:
            bare.append(item.line)
        _in_blocks(times, item.rest, own)
    times.without.extend(bare if begins else ())


def _entry(
    times: Times, line: int, text: str, above: datetime.date | None, *, tail: bool = False
) -> datetime.date | None:
    """Take up the time that an entry begins with, or ends with where it is a heading; its own day."""
    head = _START.match(text)
    start, labelled = (head.end(), head[1] is not None) if head else (0, False)
    match = _DAY.match(text, start)
    found = _day(text, match) if match else _last(text) if tail else None
    # An own day goes before the one above; without any, the time of the day is loose.
    loose = match is None and (found is None or above)
    clock = _timed(text, start, above or _ANY_DAY, start) if loose else None
    if clock is not None and clock.time and clock.last and _ENDS.match(text, clock.end):
        written = text[start : clock.end]
        if above:
            times.stamps.append(Stamp(line, written, clock.time, clock.last, labelled))
        else:
            advice = f"write it as 2026-01-31 {written}, or put it below a heading with its date"
            times.loose.append(Loose(line, written, f"has no date: {advice}"))
        return None
    if found is None:
        return None
    written = text[found.start : found.end]
    if found.date is None:
        times.loose.append(Loose(line, written, f"is no day of the calendar: {written}"))
    elif found.time and found.last:
        times.stamps.append(Stamp(line, written, found.time, found.last, labelled))
    elif _ENDS.match(text, found.end):
        midnight = datetime.datetime.combine(found.date, datetime.time())
        times.days.append(Stamp(line, written, midnight, midnight + datetime.timedelta(days=1, seconds=-1)))
    else:
        return None
    return found.date


def _lines(text: Text) -> Iterator[tuple[int, str]]:
    """The lines of a text that are not empty, each with its number and at most its beginning."""
    for number, line in enumerate(text.raw.split("\n"), start=text.line):
        if line.strip():
            yield number, plain(line[:_HEAD])


def _last(text: str) -> Day | None:
    """The day, or the day and time, that a heading ends with."""
    for match in _DAY.finditer(text, max(0, len(text) - _HEAD)):
        found = _day(text, match)
        before = text[max(0, found.start - 20) : found.start]
        if not text[found.end :].strip(" ])*_`.") and not _NOT_BEFORE_TAIL.search(before):
            return found
    return None


def as_utc(moment: datetime.datetime) -> datetime.datetime:
    """A time; one without an offset as if it were UTC's."""
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
