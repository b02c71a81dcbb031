"""Dates and times of ISO 8601, and the times of a document's entries.

An entry is a heading, a list item, a line of a paragraph or a table row that begins with a time. A label such
as `Time:` may precede the time. A heading may also end with its time. Times within a sentence, in code
blocks, in quotes and in the front matter belong to somebody else. `docs/documents.md` lists the forms.
"""

from __future__ import annotations

import datetime
import re

from specguard.documents.blocks import AnyBlock, Heading, List, Paragraph, Table, Text
from specguard.documents.inline import replaced
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.documents.document import Document


LONGEST: Final = 1000
"""A longer text, in characters, is not searched for a date: a value with a date is short."""

# A day is a word of its own: not part of a version, a longer number or a name.
_DAY: Final = re.compile(r"(?<![^\W_]|[./-])(?<![a-zA-Z0-9./-]_)\d{4}-\d\d-\d\d(?!\d|-\d)", re.ASCII)
# Writers who do not know the second write `12:00:xx`; `24:00` is a time of which `datetime` knows nothing.
_CLOCK: Final = re.compile(
    r"(?!24:00)(?P<clock>(?:[0-9]{2}|xx|hh|\?\?):(?:[0-9]{2}|xx|mm|\?\?))"
    r"(?::(?:(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?|xx))?"
    r"(?!:?[0-9]| ?[ap]\.?m\b)"
    r"(?: ?(?P<zone>(?:Z|UTC|GMT)(?![a-z0-9+-])|[+-][0-9]{2}:?[0-9]{2}(?!:?[0-9])))?",
    re.IGNORECASE | re.ASCII,
)
_TIME_SEPARATOR: Final = re.compile("[Tt]|,? ")
# Other forms that a reader takes for a day.
_LIKE_DAY: Final = re.compile(
    r"\b(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{4}|[0-9]{8}"
    r"|(?:[0-9]{1,2}(?:st|nd|rd|th)?[ -])?(?:jan|feb|mar|apr|may|ju[nl]|aug|sep|oct|nov|dec)[a-z]{0,6}\.?[ -]"
    r"(?:[0-9]{1,2}(?:st|nd|rd|th)?,? )?[0-9]{4})(?=$|t[0-9]|\W|_)",
    re.IGNORECASE | re.ASCII,
)
# Text often has typographic dashes, minus signs and spaces in place of plain ones.
_PLAIN_CHARS: Final = {
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212"), "-"),
    **dict.fromkeys(map(ord, "\u00a0\u2009\u202f\t"), " "),
}
_MARKS: Final = " \n\"'`*_<>[]()~"
# A remark behind a date: "(approved by X)", "- by X", "; see ...".
_REMARK: Final = re.compile(r"[\s\"'`*_>\])~]*(?:$|[-.,;:(|\u2014])")
_ANY_DAY: Final = datetime.date(2000, 1, 1)


class Day(Record):
    """A parsed day, with the time behind it.

    Attributes:
        date: the day; None if the calendar does not have it.
        start: the position where its text begins.
        end: the position where its text ends, including the time.
        time: the day with its time, timezone-aware if the text has an offset; None without a time.
        last: the latest moment it can mean, such as the end of a minute; None without a time.
    """

    date: datetime.date | None
    start: int
    end: int
    time: datetime.datetime | None = None
    last: datetime.datetime | None = None


def plain(text: str) -> str:
    """Return the text with plain hyphens and spaces; positions do not change."""
    return text if text.isascii() and "\t" not in text else text.translate(_PLAIN_CHARS)


def parse_date(text: str) -> datetime.date | None:
    """Parse a value as a date, in UTC if it has a time with an offset; None if it is not a date.

    Args:
        text: a value, such as the text after `last_review:`. Marks around the date and a remark after it are
            ignored.
    """
    return _parse_value(text)[0]


def date_problem(text: str) -> str:
    """Return the reason why a value is not a date, and the fix, as a clause; empty if it is a date."""
    return _parse_value(text)[1]


def is_future(day: datetime.date, text: str, today: datetime.date) -> bool:
    """True if a day is in the future; tomorrow counts only with an offset.

    East of Greenwich, tomorrow may have begun already, and the text without an offset may be written there.

    Args:
        day: the result of `parse_date`.
        text: the source text of the day.
        today: the UTC date.
    """
    if (day - today).days != 1:
        return day > today
    return any(one.time is not None and one.time.tzinfo for one in days(text))


def days(text: str) -> Iterator[Day]:
    """Yield every day-like text in order, including days that the calendar does not have."""
    if len(text) <= LONGEST:
        line = plain(text)
        yield from (_parse_day(line, match) for match in _DAY.finditer(line))


def strip_dates(text: str) -> str:
    """Return a text on one line, without its days and times; unchanged if it is longer than `LONGEST`."""
    if len(text) > LONGEST:
        return text
    line = " ".join(plain(text).split())
    found = ((match, _parse_time_after(line, match, _ANY_DAY)) for match in _LIKE_DAY.finditer(line))
    return replaced(line, ((match.start(), day.end if day else match.end(), " ") for match, day in found))


def _parse_value(text: str) -> tuple[datetime.date | None, str]:
    if len(text) > LONGEST:
        return None, "is too long for a date: write it as 2026-01-31"
    text = plain(text).lstrip(_MARKS)
    match = _DAY.match(text)
    if match is None:
        return None, "is not a date: write it as 2026-01-31"
    day = _parse_day(text, match)
    if day.date is None:
        return None, f"is not a calendar day: {match[0]}"
    if not _REMARK.match(text, day.end):
        return None, "is more than a date: write it as 2026-01-31, with remarks in brackets behind it"
    if {other.date for other in days(text[day.end :]) if other.date} - {day.date}:
        return None, f"has several dates: write only {day.date}, if that one is meant"
    if day.time is not None and day.time.tzinfo:
        return day.time.astimezone(datetime.UTC).date(), ""
    return day.date, ""


def _parse_day(text: str, match: re.Match[str]) -> Day:
    try:
        date = datetime.date.fromisoformat(match[0])
    except ValueError:
        date = datetime.date.min
    # In another time zone, a day at either end of the calendar may be outside of it.
    if not datetime.MINYEAR < date.year < datetime.MAXYEAR:
        return Day(None, match.start(), match.end())
    return _parse_time_after(text, match, date) or Day(date, match.start(), match.end())


def _parse_time_after(text: str, match: re.Match[str], date: datetime.date) -> Day | None:
    """Return the day with the time directly after it, as in `2026-01-31T12:00Z`; None without a time."""
    join = _TIME_SEPARATOR.match(text, match.end())
    return _parse_time(text, join.end(), date, match.start(), join[0] in "Tt") if join else None


def _parse_time(text: str, at: int, date: datetime.date, start: int, joined: bool = False) -> Day | None:
    """Return the day with the time at a position of the text; None without a time of day there."""
    match = _CLOCK.match(text, at)
    if match is None:
        return None
    zone, second, end = match["zone"] or "", match["second"], match.end()
    # "08:50-09:03" is a span of time; "08:50 -09:00", "08:50:00-09:00" and "T08:50-09:00" have an offset.
    if zone.startswith("-") and not (joined or second or text[match.start("zone") - 1] == " "):
        zone, end = "", match.start("zone")
    offset = "Z" if zone.isalpha() else zone
    try:
        time = datetime.datetime.fromisoformat(f"{date}T{match['clock']}:{second or '00'}{offset}")
    except ValueError:
        return None
    return Day(date, start, end, time, time + datetime.timedelta(seconds=0 if second else 59))


_LONGEST_HEAD: Final = 160
"""The maximum number of characters searched per line: the time of an entry is at its beginning."""

_ENTRY_START: Final = re.compile(
    r"[\W_]*(?:[xX]\][\W_]*)?"
    r"((?:timestamp|time|date|when|logged|started|ended)(?: ?\([^()]{1,20}\))?[\s*_`]{0,6}:[\W_]{0,8})?",
    re.IGNORECASE,
)
_TITLES: Final = frozenset({"timestamp", "time", "date", "when"})
# A leading time of day is followed by a word, a mark or nothing; a ratio or a Bible verse is not.
_TIME_END: Final = re.compile(r"[\s\])*_`>.,;:|~\u2013\u2014-]*(?:$|\s|[\])*_`|\u2014\u2013:-])")
# "Data of 2026-01-31" is not an entry of that day.
_NOT_BEFORE_TAIL: Final = re.compile(
    r"\b(?:after|before|by|due|for|from|of|since|to|until|vs|with)[\W_]*$", re.IGNORECASE
)

MOST_AHEAD: Final = datetime.timedelta(hours=14)
"""The maximum offset of local clocks ahead of UTC, and so of a time without an offset."""

_MOST_BEHIND: Final = datetime.timedelta(hours=12)


class Stamp(Record):
    """The time of an entry.

    Attributes:
        at: the entry's line, from 1.
        text: the time as it is written, without surrounding text.
        moment: timezone-aware if an offset is written; midnight if only a day is written.
        last: the latest moment it can mean, such as the end of a day or a minute.
        labelled: True if it follows a label such as `Time:`.
    """

    at: int
    text: str
    moment: datetime.datetime
    last: datetime.datetime
    labelled: bool = False

    def before(self, other: Stamp) -> bool:
        """True if it is certainly earlier than another time of the same document.

        Times without an offset are assumed to share a clock. If only one of two times has an offset, the
        other clock may be in any time zone.
        """
        one, two = self.last, other.moment
        if (one.tzinfo is None) == (two.tzinfo is None):
            return one < two
        if one.tzinfo is None:
            return as_utc(one) + _MOST_BEHIND < two
        return one < as_utc(two) - MOST_AHEAD


class UnclearTime(Record):
    """A text that looks like an entry's time but does not give an exact moment.

    Attributes:
        at: its line.
        text: the text as it is written.
        problem: the reason, and the fix, as a clause.
    """

    at: int
    text: str
    problem: str


class Times(Record):
    """The times of a document.

    Attributes:
        stamps: the times of entries, in document order.
        days: entries with a day but without a time of day, in document order.
        unclear: times without an exact moment.
        untimed: the lines of items and rows without a time, in lists and tables whose others have one.
    """

    stamps: list[Stamp] = []
    days: list[Stamp] = []
    unclear: list[UnclearTime] = []
    untimed: list[int] = []

    def __len__(self) -> int:
        """Return the number of times of all three kinds."""
        return len(self.stamps) + len(self.days) + len(self.unclear)


def read_times(document: Document) -> Times:
    """Read all times of a document's entries, including plain days and times without an exact moment."""
    times = Times()
    _read_blocks(times, document.blocks, None)
    return times


def _read_blocks(times: Times, blocks: Sequence[AnyBlock], day: datetime.date | None) -> None:
    """Collect the times of blocks; `day` is the date above them."""
    above: list[tuple[int, datetime.date | None]] = [(0, day)]
    for block in blocks:
        if isinstance(block, Heading):
            while above[-1][0] >= block.level:
                above.pop()
            day = _add(times, block.line, plain(block.text.plain), above[-1][1], at_end=True) or above[-1][1]
            above.append((block.level, day))
        elif isinstance(block, Paragraph):
            for line, text in _entry_lines(block.text):
                found = _add(times, line, text, day)
                # A line with only a day counts as a heading.
                rest = _ENTRY_START.sub("", text, count=1)[len("2026-01-31") :]
                day = found if found and not rest.strip(" *_`:.~])") else day
        elif isinstance(block, List):
            _read_list(times, block, day)
        elif isinstance(block, Table):
            titles = [cell.plain.strip().casefold().partition(" (")[0] for cell in block.header]
            # Date and time may have separate columns.
            columns = [at for at, title in enumerate(titles) if title in _TITLES]
            stamps_before, untimed = len(times.stamps), []
            for row in block.rows:
                count_before = len(times)
                _add(times, row[0].line, plain(" ".join(row[at].raw for at in columns or [0])), day)
                untimed += [row[0].line] if columns and len(times) == count_before else []
            times.untimed.extend(untimed if len(times.stamps) > stamps_before else ())


def _read_list(times: Times, block: List, day: datetime.date | None) -> None:
    is_log = False
    untimed: list[int] = []
    for item in block.items:
        stamps_before, count_before = len(times.stamps), len(times)
        item_day = day
        for line, text in list(_entry_lines(item.text))[:1]:
            item_day = _add(times, line, text, day) or day
            # A time after a label is a field, and its list is not a log.
            is_log = is_log or (len(times.stamps) > stamps_before and not times.stamps[-1].labelled)
        if len(times) == count_before:
            untimed.append(item.line)
        _read_blocks(times, item.rest, item_day)
    times.untimed.extend(untimed if is_log else ())


def _add(
    times: Times, line: int, text: str, day_above: datetime.date | None, *, at_end: bool = False
) -> datetime.date | None:
    """Record the time at an entry's beginning, or at the end of a heading; return the entry's own day."""
    head = _ENTRY_START.match(text)
    start, labelled = (head.end(), head[1] is not None) if head else (0, False)
    match = _DAY.match(text, start)
    found = _parse_day(text, match) if match else _trailing_day(text) if at_end else None
    # The entry's own day takes precedence over the day above; without a day, the time is unclear.
    is_unclear = match is None and (found is None or day_above)
    clock = _parse_time(text, start, day_above or _ANY_DAY, start) if is_unclear else None
    if clock is not None and _TIME_END.match(text, clock.end):
        found = clock
    if found is None:
        return None
    source, problem = text[found.start : found.end], ""
    join = _TIME_SEPARATOR.match(text, found.end)
    if found is clock and day_above is None:
        problem = f"has no date: write it as 2026-01-31 {source}, or put it below a heading with its date"
    elif found.date is None:
        problem = f"is not a calendar day: {source}"
    elif found.time is None and join and (no_time := _CLOCK.match(text, join.end())):
        source, problem = text[found.start : no_time.end()], f"is not a time of day: {no_time[0]}"
    if problem:
        times.unclear.append(UnclearTime(line, source, problem))
    elif found.time and found.last:
        times.stamps.append(Stamp(line, source, found.time, found.last, labelled))
    elif found.date and _TIME_END.match(text, found.end):
        midnight = datetime.datetime.combine(found.date, datetime.time())
        times.days.append(Stamp(line, source, midnight, midnight + datetime.timedelta(days=1, seconds=-1)))
    else:
        return None
    return day_above if found is clock else found.date


def _entry_lines(text: Text) -> Iterator[tuple[int, str]]:
    """Yield the non-empty lines of a text with their numbers, each cut to `_LONGEST_HEAD` characters."""
    for number, line in enumerate(text.raw.split("\n"), start=text.line):
        if line.strip():
            yield number, plain(line[:_LONGEST_HEAD])


def _trailing_day(text: str) -> Day | None:
    """Return the day, with or without a time, at the end of a heading; None without a day there."""
    for match in _DAY.finditer(text, max(0, len(text) - _LONGEST_HEAD)):
        found = _parse_day(text, match)
        before = text[max(0, found.start - 20) : found.start]
        if not text[found.end :].strip(" ])*_`.") and not _NOT_BEFORE_TAIL.search(before):
            return found
    return None


def as_utc(moment: datetime.datetime) -> datetime.datetime:
    """Return a time with a timezone; UTC is assumed for a time without an offset."""
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
