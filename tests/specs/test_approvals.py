"""The forms in which people record approvals."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.documents.data import read_data
from specguard.documents.document import Document
from specguard.specs.spec_fields import ApprovalFields, ApprovalReader, SpecApproval, is_name

DAY = date(2026, 1, 31)


def in_section(text: str) -> list[SpecApproval]:
    document = Document(f"## Approvals\n\n{text}\n")
    return list(ApprovalReader(ApprovalFields(), b"x.md").of_blocks(document.sections[0].blocks))


def in_data(value: Any) -> list[SpecApproval]:
    data = read_data(json.dumps({"approvals": value}, indent=1), "json")
    return list(ApprovalReader(ApprovalFields(), b"x.json").of_data(value, data, ("approvals",)))


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("- Ann Example (2026-01-31)", "Ann Example"),
        ("* [x] @ann 2026-01-31", "ann"),
        ("- Approved by Ann Example on 2026-01-31.", "Ann Example"),
        ("- **Product:** Approved 2026-01-31 (Jordan Lee)", "Product Jordan Lee"),
        ("- Reviewer: Ann Example, Date: 2026-01-31", "Ann Example"),
        ("| Reviewer | Date |\n| - | - |\n| Ann Example | 2026-01-31 |", "Ann Example"),
        ("| Date | Approver | Status |\n| - | - | - |\n| 2026-01-31 | `ann` | approved |", "ann"),
        ("1. \u5f20\u4f1f (2026-01-31)", "\u5f20\u4f1f"),
    ],
)
def test_forms_in_a_section(text: str, who: str) -> None:
    complete = [one for one in in_section(text) if one.complete]
    assert [(one.who, one.when) for one in complete] == [(who, DAY)]


@pytest.mark.parametrize(
    "text",
    [
        "- Ann Example",
        "- 2026-01-31",
        "- Approved 2026-01-31",
        "- Last updated: 2026-01-31",
        "- [ ] Ann Example (2026-01-31)",
        "- [ ] Approvals\n  - Ann Example (2026-01-31)",
        "- Ann Example: pending, asked 2026-01-31",
        "- Ann Example did not approve (2026-01-31)",
        "- TBD (2026-01-31)",
        "- N/A (2026-01-31)",
        "- Reviewer: pending\n- Date: 2026-01-31",
        "- Reviewer: Ann Example, Date: soon",
        "- Ann Example (01/02/2026)",
        "- \u200b\u2060 (2026-01-31)",
        "- <!-- Ann Example --> (2026-01-31)",
        "| Reviewer | Date | Status |\n| - | - | - |\n| Ann Example | 2026-01-31 | rejected |",
        "| Reviewer | Date |\n| - | - |\n| | 2026-01-31 |",
        "> - Ann Example (2026-01-31)",
        "```\n- Ann Example (2026-01-31)\n```",
        # Not read: fields over several items or lines, sentences, a header that names no field.
        "- Reviewer: Ann Example\n- Date: 2026-01-31",
        "- Reviewer: Ann Example\n  - Date: 2026-01-31",
        "Reviewer: Ann Example\nDate: 2026-01-31",
        "Approved by Ann Example on 2026-01-31.",
        "| Role | Name | Signed |\n| - | - | - |\n| QA | Ann Example | 2026-01-31 |",
    ],
)
def test_what_is_no_record_in_a_section(text: str) -> None:
    assert [one for one in in_section(text) if one.complete] == []


@pytest.mark.parametrize(
    "value",
    [
        {"reviewer": "Ann Example", "date": "2026-01-31"},
        [{"By": "Ann Example", "approved-on": "2026-01-31T10:00:00Z", "manifest": ".runs/1.json"}],
        {"docs_review": {"approver": "Ann Example", "date": "2026-01-31", "status": "succeeded"}},
        "Ann Example (2026-01-31)",
        ["Ann Example, 2026-01-31"],
        {"Ann Example": "2026-01-31"},
        {"reviewer": "Ann Example", "date": "2026-01-31", "approved": True},
        [{"approved_by": "Ann Example", "approved_on": "2026-01-31"}],
        {"signed_off_by": "Ann Example", "date": "2026-01-31"},
    ],
    ids=str,
)
def test_forms_in_data(value: Any) -> None:
    assert [(one.who, one.when, one.complete) for one in in_data(value)] == [("Ann Example", DAY, True)]


@pytest.mark.parametrize(
    "value",
    [
        {},
        True,
        {"reviewer": "Ann Example"},
        {"reviewer": ["Ann Example"], "date": "2026-01-31"},
        {"audit": {"decision": "hold-0.118.0", "date": "2026-01-31"}},
        {"reviewer": "Ann Example", "date": "2026-01-31", "outcome": "failed"},
        {"reviewer": "Ann Example", "date": "2026-01-31", "approved": False},
        {"reviewer": "Ann Example", "date": 20260131},
    ],
    ids=str,
)
def test_what_is_no_record_in_data(value: Any) -> None:
    assert [one for one in in_data(value) if one.complete] == []


def test_lines() -> None:
    assert [one.said.line for one in in_section("- Ann (2026-01-31)\n- Bob (2026-01-31)")] == [3, 4]
    assert [one.said.line for one in in_data([{"by": "Ann", "date": "x"}, {"by": "Bob"}])] == [3, 7]


def test_several_records_stay_several() -> None:
    found = in_section("- Approvals\n  - Ann Example (2026-01-31)\n  - Bob Example (2026-01-30)")
    assert [one.who for one in found if one.complete] == ["Ann Example", "Bob Example"]
    assert len({one.key for one in in_data({"ann example": "2026-01-31", "Ann Example": "2026-01-31"})}) == 1


@pytest.mark.parametrize(
    "text", ["", "x", "TODO", "tbd", "...", "-", "n/a", "None", "2026-01-31", "approved by"]
)
def test_what_is_no_name(text: str) -> None:
    assert not is_name(text)


@given(st.text(max_size=300))
def test_any_text_can_be_asked(text: str) -> None:
    for one in in_section(text):
        assert one.when is None or isinstance(one.when, date)


def test_long_texts_are_no_records_and_cost_nothing() -> None:
    long = "a, " * 500_000
    assert not any(one.complete for one in in_section(f"- {long} 2026-01-31"))
    assert not any(one.complete for one in in_data([long]))
