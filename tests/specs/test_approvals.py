"""The forms in which people record approvals."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.documents.data import read_data
from specguard.documents.document import Document
from specguard.specs.settings import ApprovalFields
from specguard.specs.spec_fields import ApprovalReader, SpecApproval, is_name
from tests.rows import rows

DAY = date(2026, 1, 31)


def in_section(text: str) -> list[SpecApproval]:
    document = Document(f"## Approvals\n\n{text}\n")
    return list(ApprovalReader(ApprovalFields(), b"x.md").of_blocks(document.sections[0].blocks))


def in_data(value: Any) -> list[SpecApproval]:
    data = read_data(json.dumps({"approvals": value}, indent=1), "json")
    return list(ApprovalReader(ApprovalFields(), b"x.json").of_data(value, data, ("approvals",)))


@pytest.mark.parametrize(("text", "who"), rows(__file__, "forms_in_a_section"))
def test_forms_in_a_section(text: str, who: str) -> None:
    complete = [one for one in in_section(text) if one.complete]
    assert [(one.who, one.when) for one in complete] == [(who, DAY)]


@pytest.mark.parametrize("text", rows(__file__, "what_is_no_record_in_a_section"))
def test_what_is_no_record_in_a_section(text: str) -> None:
    assert [one for one in in_section(text) if one.complete] == []


@pytest.mark.parametrize("value", rows(__file__, "forms_in_data"), ids=str)
def test_forms_in_data(value: Any) -> None:
    assert [(one.who, one.when, one.complete) for one in in_data(value)] == [("Ann Example", DAY, True)]


@pytest.mark.parametrize("value", rows(__file__, "what_is_no_record_in_data"), ids=str)
def test_what_is_no_record_in_data(value: Any) -> None:
    assert [one for one in in_data(value) if one.complete] == []


def test_lines() -> None:
    assert [one.written.line for one in in_section("- Ann (2026-01-31)\n- Bob (2026-01-31)")] == [3, 4]
    assert [one.written.line for one in in_data([{"by": "Ann", "date": "x"}, {"by": "Bob"}])] == [3, 7]


def test_several_records_stay_several() -> None:
    found = in_section("- Approvals\n  - Ann Example (2026-01-31)\n  - Bob Example (2026-01-30)")
    assert [one.who for one in found if one.complete] == ["Ann Example", "Bob Example"]
    assert len({one.key for one in in_data([{"by": by, "date": "2026-01-31"} for by in ("ann", "Ann")])}) == 1


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
    assert not any(one.complete for one in in_data([{"by": long, "date": long}]))
