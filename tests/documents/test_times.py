import datetime

from specguard.documents.dates import LONGEST, date_problem, parse_date, read_times, strip_dates
from specguard.documents.document import Document
from tests.rows import rows


def test_a_value_is_a_day_or_says_what_would_settle_it() -> None:
    assert parse_date("2026-01-31T12:00:00Z") == datetime.date(2026, 1, 31)
    for text, problem in (("", "is not a date"), ("2026-01-31" * 200, "too long")):
        assert parse_date(text) is None
        assert problem in date_problem(text)


def test_a_line_without_its_days_and_their_times() -> None:
    for text, rest in {
        "Last review: 2026-01-31": "Last review:  ",
        "on 2026-01-31 12:00 UTC and 1 Feb 2026, all": "on   and  , all",
        "from 12:00": "from 12:00",
        "2026-13-45 x": "  x",
        "a  b\t2026-01-31   14:05 c": "a b   c",
        "2026-01-31 " * LONGEST: "2026-01-31 " * LONGEST,
    }.items():
        assert strip_dates(text) == rest


def test_other_times_are_no_entries() -> None:
    for text in ("---\ntime: 2026-01-31 12:00\n---\n", "## Data of 2026-01-31\n"):
        assert Document(text).stamps == []


def test_what_is_only_a_day_or_only_a_time_is_told_apart() -> None:
    text = "# Log\n\n- 2026-01-31: looked\n- 12:00 looked\n- 2026-02-30 12:00 looked\n- and so on\n"
    times = read_times(Document(text))
    assert [(stamp.at, stamp.text) for stamp in times.days] == [(3, "2026-01-31")]
    assert [(loose.at, loose.text) for loose in times.unclear] == [(4, "12:00"), (5, "2026-02-30")]
    assert "below a heading with its date" in times.unclear[0].problem
    assert "is not a calendar day" in times.unclear[1].problem
    assert (times.stamps, times.untimed) == ([], [])
    # The day that a heading ends with goes before the time it begins with.
    times = read_times(Document("## 11:05Z stand-up (2026-01-31)\n\n- 12:00 looked\n"))
    assert [str(stamp.moment) for stamp in times.stamps] == ["2026-01-31 12:00:00"]
    assert ([(stamp.at, stamp.text) for stamp in times.days], times.unclear) == ([(1, "2026-01-31")], [])


def test_an_item_without_a_time_in_a_log_is_named() -> None:
    text = "- 2026-01-31 12:00 a\n  - part of it\n- b\n\n- Time: 2026-01-31 12:00\n- Branch: x\n"
    times = read_times(Document(text))
    assert times.untimed == [3, 6]
    assert read_times(Document("- Time: 2026-01-31 12:00\n- Branch: x\n")).untimed == []


def test_one_time_is_before_another_where_that_is_sure() -> None:
    for one, two, before in rows(__file__, "before"):
        first, second = Document(f"- {one} a\n- {two} b\n").stamps
        assert first.before(second) is before


def test_days_at_the_ends_of_the_calendar_are_none() -> None:
    for text in ("0001-01-01T00:00+05:00", "9999-12-31T23:59:59-05:00", "0001-01-01", "0000-01-01"):
        assert parse_date(text) is None
        assert "is not a calendar day" in date_problem(text)
        assert not Document(f"- {text} x\n- {text[:10]} 12:00 x\n").stamps
