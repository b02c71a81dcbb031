"""Dates and times as people write them, and the times of a document's entries.

What could be two days is neither, and says which form would settle it. `docs/documents.md` lists the forms.

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

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAME: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
# A day stands alone: not within a version, a longer number or a name.
_BEFORE: Final = r"(?<![\w./-])"
_AFTER: Final = r"(?![0-9]|[-/.][0-9])"
_DAY: Final = re.compile(
    _BEFORE
    + r"(?:(?P<year>[0-9]{4})(?P<mark>[-/.])(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})"
    + r"|(?P<basic>[0-9]{8})(?=$|[Tt][0-9]|[^\w])"
    + r"|(?P<one>[0-9]{1,2})(?P<slash>[/.-])(?P<two>[0-9]{1,2})(?P=slash)(?P<last>[0-9]{4}|[0-9]{2})"
    + rf"|(?P<day1>[0-9]{{1,2}})(?:st|nd|rd|th)?[ -]?(?:of )?(?P<name1>{_NAME})[ -]?,? ?(?P<year1>[0-9]{{4}})"
    + rf"|(?P<name2>{_NAME}) ?(?P<day2>[0-9]{{1,2}})(?:st|nd|rd|th)?,? (?P<year2>[0-9]{{4}})"
    + rf"|(?P<name3>{_NAME}),? (?P<year3>[0-9]{{4}})"
    + r"|(?P<year4>[0-9]{4})-(?P<month4>[0-9]{2})(?![-\w])"
    + r")"
    + _AFTER,
    re.IGNORECASE | re.ASCII,
)
_LEAD: Final = re.compile(
    r"(?:on )?(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? )?", re.IGNORECASE
)
_ZONES: Final = {
    "Z": 0, "UTC": 0, "GMT": 0, "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360,
    "PST": -480, "PDT": -420, "CET": 60, "CEST": 120, "JST": 540, "KST": 540,
}  # fmt: skip
"""Minutes east of UTC: RFC 5322's names (section 4.3), and four that mean one offset alone.

Any other name, such as `IST` or `BST`, stands for several, and its time is read as one without an offset.
"""
_HALF: Final = r"(?: ?(?P<half>[ap])\.?m\b\.?)?"
_ZONED: Final = r"(?: ?(?P<zone>(?:UTC|GMT)?[+-][0-9]{1,2}(?::?[0-9]{2})?(?![0-9]|:[0-9])|[A-Za-z]{1,5}\b))?"
# Who does not know the second writes `12:00:xx`.
_CLOCK: Final = re.compile(
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?:(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?|xx|\?\?))?"
    r"(?![0-9]|:[0-9])" + _HALF + _ZONED,
    re.IGNORECASE | re.ASCII,
)
# "08:50-09:03" is a span of time, "08:50:00-09:00" a time with its offset.
_SPAN: Final = re.compile(
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
    + _HALF
    + r"(?: (?:-|to|until) |-)[0-9]{1,2}:[0-9]{2}(?(second):[0-9]{2}|(?!:?[0-9]))(?: ?[ap]\.?m\b\.?)?"
    + _ZONED,
    re.IGNORECASE | re.ASCII,
)
_BASIC_CLOCK: Final = re.compile(
    r"(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})?(?P<zone>Z|[+-][0-9]{2}:?(?:[0-9]{2})?)?(?!\w)",
    re.ASCII,
)
_JOIN: Final = re.compile(r"T|,? (?:at |@ ?)?|_", re.IGNORECASE)
_ZONE: Final = re.compile(r"(?:UTC|GMT)?(?P<sign>[+-])(?P<hours>[0-9]{1,2}):?(?P<minutes>[0-9]{2})?")
# Writers of text set dashes that are no hyphens, and a minus that is none.
_PLAIN: Final = {
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212"), "-"),
    **dict.fromkeys(map(ord, "\u00a0\u2009\u202f\t"), " "),
}
_MARKS: Final = " \"'`*_<>[]()~"
# A trailing remark: "(approved by X)", "- by X", ", at last", "; see ...", "by X".
_REMARK: Final = re.compile(
    r"[\s\"'`*_>\])~]*(?:$|[-.,;:(|\u2014\u00b7]|by\b|at\b|via\b|in\b)", re.IGNORECASE
)


class Day(Record, frozen=False):
    """A day that was read.

    Attributes:
        date: the day; None where what stands there is none.
        problem: why it is none, and what would settle it, as a clause; empty where it is one.
        start: where its text begins.
        end: where its text ends.
    """

    date: datetime.date | None
    problem: str
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
    if len(text) > LONGEST:
        return
    for match in _DAY.finditer(plain(text)):
        yield _day(match)


def undated(text: str) -> str:
    """A text on one line, without its days and the times behind them; one longer than `LONGEST` as it is."""
    if len(text) > LONGEST:
        return text
    line = " ".join(plain(text).split())
    kept: list[str] = []
    end = 0
    for day in days(line):
        kept.append(line[end : day.start])
        moment = moment_behind(line, day)
        end = moment.end if moment else day.end
    return " ".join([*kept, line[end:]])


def day_at(text: str, start: int = 0) -> Day | None:
    """The day that a text has at a place; None where nothing there is written like one.

    Args:
        text: plain text (see `plain`).
        start: the place.
    """
    match = _DAY.match(text, start)
    return _day(match) if match else None


def moment_at(text: str, start: int, day: datetime.date) -> Moment | None:
    """The moment of a day whose time a text has at a place; None where there is no time of the day.

    Args:
        text: plain text (see `plain`).
        start: the place.
        day: the day.
    """
    match = _SPAN.match(text, start) or _CLOCK.match(text, start)
    return _moment(match, day) if match else None


def moment_behind(text: str, day: Day) -> Moment | None:
    """The moment whose time stands right behind a day, as in `2026-01-31T12:00Z`; None where none does.

    Args:
        text: plain text (see `plain`).
        day: what was read there.
    """
    join = _JOIN.match(text, day.end)
    if join is None or day.date is None:
        return None
    match = _CLOCK.match(text, join.end())
    if join[0] not in {"T", "t"}:
        match = _SPAN.match(text, join.end()) or match
    elif match is None:
        match = _BASIC_CLOCK.match(text, join.end())
    return _moment(match, day.date) if match else None


def _read(text: str) -> tuple[datetime.date | None, str]:
    if len(text) > LONGEST:
        return None, "is too long for a date: write it as 2026-01-31"
    text = plain(text).strip()
    start = len(text) - len(text.lstrip(_MARKS))
    lead = _LEAD.match(text, start)
    day = day_at(text, lead.end() if lead else start)
    if day is None:
        return None, "is no date: write it as 2026-01-31"
    if day.date is None:
        return None, day.problem
    moment = moment_behind(text, day)
    end = moment.end if moment else day.end
    if not _REMARK.match(text, end):
        return None, "is more than a date: write it as 2026-01-31, with remarks in brackets behind it"
    others = {other.date for other in days(text[end:]) if other.date} - {day.date}
    if others:
        return None, f"has several dates: write only {day.date}, if that one is meant"
    if moment and moment.time.tzinfo:
        return moment.time.astimezone(datetime.UTC).date(), ""
    return day.date, ""


def _day(match: re.Match[str]) -> Day:
    """What a match of `_DAY` says."""
    date, problem = _date(match)
    return Day(date, problem, match.start(), match.end())


def _date(match: re.Match[str]) -> tuple[datetime.date | None, str]:
    part = match.groupdict()
    if part["year"]:
        return _calendar(part["year"], part["month"], part["day"])
    if part["basic"]:
        return _calendar(part["basic"][:4], part["basic"][4:6], part["basic"][6:])
    if part["one"]:
        return _numbers(match[0], part["one"], part["two"], part["last"])
    for which in "12":
        name = part[f"name{which}"]
        if name:
            month = str(_MONTHS.index(name[:3].lower()) + 1)
            return _calendar(part[f"year{which}"], month, part[f"day{which}"])
    return None, f"names no day: write {match[0]!r} with its day, as 2026-01-31"


def _numbers(written: str, one: str, two: str, last: str) -> tuple[datetime.date | None, str]:
    """A day whose year stands last; the day may stand first or second, where no month has that number."""
    if len(last) == 2:
        return None, f"has a year of two digits: write {written!r} as 2026-01-31"
    if int(one) > 12 or int(two) > 12 or int(one) == int(two):
        return _calendar(last, one, two) if int(two) > 12 else _calendar(last, two, one)
    readings = sorted({f"{last}-{int(two):02}-{int(one):02}", f"{last}-{int(one):02}-{int(two):02}"})
    return None, f"may be {' or '.join(readings)}: write the one that is meant"


def _calendar(year: str, month: str, day: str) -> tuple[datetime.date | None, str]:
    try:
        # A day at either end of the calendar may be beyond it by another clock.
        if datetime.MINYEAR < int(year) < datetime.MAXYEAR:
            return datetime.date(int(year), int(month), int(day)), ""
    except ValueError:
        pass
    return None, f"is no day of the calendar: {year}-{month}-{day}"


def _moment(match: re.Match[str], day: datetime.date) -> Moment | None:
    part = match.groupdict()
    hour = int(part["hour"])
    half = part.get("half")
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "pP" else 0)
    # A leap second has the number 60, which `datetime` does not know.
    second = min(int(part["second"] or 0), 59) if part["second"] != "60" else 59
    if hour > 23 or int(part["minute"]) > 59 or int(part["second"] or 0) > 60:
        return None
    zone = part["zone"] or ""
    minutes = _offset(zone)
    end = match.end()
    if zone and minutes is None and zone.isalpha() and not (zone.isupper() and len(zone) > 2):
        # A word of the text, and no zone's name.
        end = len(match.string[: match.start("zone")].rstrip(" "))
    offset = None if minutes is None else datetime.timezone(datetime.timedelta(minutes=minutes))
    time = datetime.datetime(day.year, day.month, day.day, hour, int(part["minute"]), second, tzinfo=offset)
    return Moment(time, bool(part["second"]), end)


def _offset(zone: str) -> int | None:
    """The minutes east of UTC that a zone says; None where it says none, or could mean several."""
    known = _ZONES.get(zone.upper() if zone == "z" else zone)
    if known is not None:
        return known
    match = _ZONE.fullmatch(zone.upper())
    if match is None:
        return None
    minutes = int(match["hours"]) * 60 + int(match["minutes"] or 0)
    return (minutes if match["sign"] == "+" else -minutes) if minutes <= 14 * 60 else None


_HEAD: Final = 160
"""So many characters of a line are looked at: a time that heads an entry stands at its beginning."""

_ENTRY_MARKS: Final = re.compile(r"[\W_]*(?:[xX]\][\W_]*)?")
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


class Stamp(Record):
    """The time of an entry.

    Attributes:
        at: the entry's line, from 1.
        text: the time as it is written, without what is around it.
        moment: aware where an offset is written, else without one; at midnight where only a day is.
        day_only: whether only a day is written.
        exact: whether seconds are written.
        labelled: whether it stands behind a label, as `Time:`.
    """

    at: int
    text: str
    moment: datetime.datetime
    exact: bool
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

    def __repr__(self) -> str:
        return f"Stamp({self.at}, {self.text!r})"


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
    marks = _ENTRY_MARKS.match(text)
    start = marks.end() if marks else 0
    label = _LABEL.match(text, start)
    return label.end() if label else start


def _labelled(text: str) -> bool:
    """Whether a label stands before a line's time."""
    marks = _ENTRY_MARKS.match(text)
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
