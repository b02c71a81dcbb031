"""Dates and times as people write them, read from short texts.

What could be two days is neither, and says which form would settle it. `docs/documents.md` lists the forms.
"""

from __future__ import annotations

import datetime
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

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


class Day:
    """A day that was read.

    Attributes:
        date: the day; None where what stands there is none.
        problem: why it is none, and what would settle it, as a clause; empty where it is one.
        start: where its text begins.
        end: where its text ends.
    """

    __slots__ = ("date", "end", "problem", "start")

    def __init__(self, date: datetime.date | None, problem: str, start: int, end: int) -> None:
        self.date = date
        self.problem = problem
        self.start = start
        self.end = end


class Moment:
    """A day with a time of it.

    Attributes:
        time: aware where the text has an offset, else without one.
        exact: whether seconds are written; else any moment of that minute may be meant.
        end: where its text ends.
    """

    __slots__ = ("end", "exact", "time")

    def __init__(self, time: datetime.datetime, exact: bool, end: int) -> None:
        self.time = time
        self.exact = exact
        self.end = end


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
