"""The statuses of specs, and the ways between them."""

from typing import Any

import pytest

from specguard.specs.settings import SpecSettings
from specguard.specs.spec import Spec
from specguard.specs.spec_fields import LONGEST_STATUS, StatusFlow, plain_status
from tests.rows import rows

STATUSES = ["Idea", "Draft", "In review", "Approved", "Retired"]
WAYS = StatusFlow(
    SpecSettings(
        statuses=STATUSES,
        transitions={
            "Idea": ["Draft"],
            "Draft": ["In review"],
            "In review": ["Draft", "Approved"],
            "Approved": ["Retired"],
        },
        approval_needed=["Approved"],
        terminal=["Retired"],
    )
)
NO_WAYS = StatusFlow(SpecSettings(statuses=STATUSES))
ANY = StatusFlow(SpecSettings())


class Large:
    """Documents whose text takes long: here it cannot be made."""

    def __repr__(self) -> str:
        raise AssertionError


def test_a_spec_is_hashed_without_what_it_was_read_from() -> None:
    documents: Any = Large()
    assert len({Spec(path, None, SpecSettings(), documents) for path in (b"a.md", b"b.md", b"a.md")}) == 2


@pytest.mark.parametrize(("text", "same"), rows(__file__, "one_status"))
def test_one_status_is_written_in_many_ways(text: str, same: str) -> None:
    assert plain_status(text) == plain_status(same) != ""


def test_other_statuses_are_not_the_same() -> None:
    assert plain_status("in progress") != plain_status("in review")
    # What stands in brackets alone is what a template has.
    assert plain_status("[done]") == ""
    assert plain_status("x" * LONGEST_STATUS)
    assert plain_status("x" * (LONGEST_STATUS + 1)) == ""


def test_the_ways_are_those_of_the_policy() -> None:
    assert WAYS.may_follow("draft", "in_review")
    assert WAYS.may_follow("In review", "draft")
    assert not WAYS.may_follow("Draft", "Approved")
    assert WAYS.may_follow("Approved", "approved")
    assert not WAYS.may_follow("Retired", "Draft")
    assert list(WAYS.after("in review")) == ["Draft", "Approved"]
    assert list(WAYS.after("retired")) == []
    assert NO_WAYS.may_follow("Retired", "Idea")
    assert NO_WAYS.may_begin("Approved")


def test_a_new_spec_begins_where_no_approval_was_passed() -> None:
    """The ways go round in a circle here, and the search for them ends all the same."""
    assert list(WAYS.first) == ["Idea"]
    assert [status for status in STATUSES if WAYS.may_begin(status)] == [
        "Idea",
        "Draft",
        "In review",
        "Approved",
    ]


def test_where_every_status_follows_another_the_first_one_begins() -> None:
    ways = StatusFlow(SpecSettings(statuses=["a", "b"], transitions={"a": ["b"], "b": ["a"]}))
    assert list(ways.first) == ["a"]
    assert ways.may_begin("b")
    assert not ways.may_begin("c")


def test_without_a_list_any_status_is_known() -> None:
    assert ANY.is_known("anything")
    assert not ANY.is_known(" ")
    assert not ANY.is_listed("anything")
    assert WAYS.is_terminal("retired (2026)")
    assert WAYS.needs_approval("APPROVED")
