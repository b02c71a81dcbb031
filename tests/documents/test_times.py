from __future__ import annotations

import datetime

import pytest

from specguard.documents.dates import LONGEST, date_problem, parse_date, read_times, undated
from specguard.documents.document import Document

DAY = datetime.date(2026, 1, 31)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        *((text, "") for text in (
            "`2026-01-31`", '"2026-01-31"', "2026-01-31 - by Ann", "2026-01-31.", "2026\u201101\u201131",
            "2026-01-31T12:00:00Z", "2026-02-01T00:30+02:00",
        )),
        ("2026-01", "is no date"),
        ("", "is no date"),
        ("not since 2026-01-31", "is no date"),
        ("12026-01-31", "is no date"),
        ("\uff12\uff10\uff12\uff16-01-31", "is no date"),
        ("2026-01-31" * 200, "too long"),
    ],
)  # fmt: skip
def test_a_value_is_a_day_or_says_what_would_settle_it(text: str, problem: str) -> None:
    assert parse_date(text) == (None if problem else DAY)
    assert problem in date_problem(text)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Last review: 2026-01-31", "Last review:  "),
        ("on 2026-01-31 12:00 UTC and 1 Feb 2026, all", "on   and  , all"),
        ("from 12:00", "from 12:00"),
        ("2026-13-45 x", "  x"),
        ("a  b\t2026-01-31   14:05 c", "a b   c"),
    ],
)
def test_a_line_without_its_days_and_their_times(text: str, rest: str) -> None:
    assert undated(text) == rest
    long = "2026-01-31 " * LONGEST
    assert undated(long) == long


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("## Day 2 - 2026-01-31 12:00 UTC", "2026-01-31 12:00:00+00:00"),
        ("**Date:** 2026-01-31\n\n- 12:00 looked", "2026-01-31 12:00:00"),
        ("- 2026-01-31T12:00:01: looked", "2026-01-31 12:00:01"),
        ("- 2026-01-31T12:00:01+02:00: looked", "2026-01-31 12:00:01+02:00"),
        ("- \u23f0 2026-01-31 12:00 looked", "2026-01-31 12:00:00"),
        ("**Time:** 2026-01-31 12:00 UTC+2", "2026-01-31 12:00:00"),
        ("- 2026-01-31T08:50-09:00 looked", "2026-01-31 08:50:00-09:00"),
        ("- 2026-01-31 23:59:60Z looked", "2026-01-31 23:59:59+00:00"),
        ("## Log of work, 2026-01-31\n\n### Morning\n\n- [08:00Z] looked", "2026-01-31 08:00:00+00:00"),
        ("| Date | Time | What |\n|---|---|---|\n| 2026-01-31 | 12:00 | x |", "2026-01-31 12:00:00"),
    ],
)
def test_an_entry_has_its_time(text: str, moment: str) -> None:
    assert [str(stamp.moment) for stamp in Document(text).stamps] == [moment]


@pytest.mark.parametrize(
    "text",
    [
        "---\ntime: 2026-01-31 12:00\n---\n", "<!-- 2026-01-31 12:00 looked -->", "## Data of 2026-01-31\n",
        "- the file is of 2026-01-31 12:00", "- Deadline: 2026-01-31 12:00", "- 2:1 is a ratio",
        "- 2026-01-31 25:00 looked",
    ],
)  # fmt: skip
def test_other_times_are_no_entries(text: str) -> None:
    assert Document(text).stamps == []


def test_what_is_only_a_day_or_only_a_time_is_told_apart() -> None:
    times = read_times(
        Document("# Log\n\n- 2026-01-31: looked\n- 12:00 looked\n- 2026-02-30 12:00 looked\n- and so on\n")
    )
    assert [(stamp.at, stamp.text) for stamp in times.days] == [(3, "2026-01-31")]
    assert [(loose.at, loose.text) for loose in times.loose] == [(4, "12:00"), (5, "2026-02-30")]
    assert "below a heading with its date" in times.loose[0].problem
    assert "is no day of the calendar" in times.loose[1].problem
    assert (times.stamps, times.without) == ([], [])


def test_the_day_that_a_heading_ends_with_goes_before_the_time_it_begins_with() -> None:
    times = read_times(Document("## 11:05Z stand-up (2026-01-31)\n\n- 12:00 looked\n"))
    assert [str(stamp.moment) for stamp in times.stamps] == ["2026-01-31 12:00:00"]
    assert [(stamp.at, stamp.text) for stamp in times.days] == [(1, "2026-01-31")]
    assert times.loose == []


def test_an_item_without_a_time_in_a_log_is_named() -> None:
    times = read_times(
        Document("- 2026-01-31 12:00 a\n  - part of it\n- b\n\n- Time: 2026-01-31 12:00\n- Branch: x\n")
    )
    assert times.without == [3, 6]
    assert read_times(Document("- Time: 2026-01-31 12:00\n- Branch: x\n")).without == []


@pytest.mark.parametrize(
    ("one", "two", "before"),
    [
        ("2026-01-31 12:00", "2026-01-31 12:01", True),
        ("2026-01-31 12:00", "2026-01-31 12:00:30", False),
        ("2026-01-31T12:00:00Z", "2026-01-31T13:30:00+02:00", False),
        ("2026-01-30 10:00", "2026-01-31T23:00Z", True),
        ("2026-01-31T00:00Z", "2026-01-31 14:00", False),
        ("2026-01-31T00:00Z", "2026-01-31 14:02", True),
    ],
)
def test_one_time_is_before_another_where_that_is_sure(one: str, two: str, before: bool) -> None:
    first, second = Document(f"- {one} a\n- {two} b\n").stamps
    assert first.before(second) is before


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00+05:00", "9999-12-31T23:59:59-05:00", "0001-01-01", "0000-01-01"]
)
def test_days_at_the_ends_of_the_calendar_are_none(text: str) -> None:
    assert parse_date(text) is None
    assert "is no day of the calendar" in date_problem(text)
    assert not Document(f"- {text} x\n- {text[:10]} 12:00 x\n").stamps
