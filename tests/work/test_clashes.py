"""Templates of two kinds that read one name equally well are a policy error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.errors import MissingFact
from specguard.testing import Case, run_case
from specguard.work.kinds import TELLING, Names, WorkKind, clashes
from specguard.work.name_templates import Template


def found(first: str, second: str, key: str = "branch", other: str = "") -> bool:
    templates: list[dict[str, Any]] = [{key: first}, {other or key: second}]
    kinds = {name: WorkKind(**own) for name, own in zip("ab", templates, strict=True)}
    return bool(list(clashes(kinds)))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("p-{number}", "p-{number}"),
        ("p-{number}", "p-{id}"),
        ("p-{number}-{slug}", "p-{number}-{name}"),
        ("a-{slug}", "{slug}-b"),
        ("{number}-x", "0-{slug}"),
        ("{slug:upper}-1", "A-{number}"),
        # What only resembles a template is read by its word.
        ("phase-{number}", "phase/{number}"),
    ],
)
def test_templates_that_clash(first: str, second: str) -> None:
    assert found(first, second)
    assert found(second, first)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("p-{number}", "p-{number}-{slug}"),
        ("phase-{number}", "track-{number}"),
        ("{number}-x", "{number}-y"),
        ("p{slug}x", "p-{slug}"),
        ("{slug:upper}-1", "a-{number}"),
        ("x-{number}", "{name}-y"),
        ("a/{number}", "{number}/"),
    ],
)
def test_templates_that_do_not(first: str, second: str) -> None:
    assert not found(first, second)
    assert not found(second, first)


def test_a_commit_and_a_title_can_clash_but_not_with_a_branch() -> None:
    assert found("x {number}", "x {number}", "commit", "pull_request")
    assert not found("x {number}", "x {number}", "commit", "branch")


def test_one_kind_does_not_clash_with_itself() -> None:
    kind = WorkKind(commit="x {number}", pull_request="x {number}")
    assert not list(clashes({"a": kind}))


def test_the_policy_is_refused_with_both_keys_and_the_line() -> None:
    run_case(
        Case(
            policy='[work.phase]\nbranch = "w-{number}"\n[work.task]\nbranch = "w-{id}"\n',
            error="SPEC_AUTHORITY.md:7: `work.task.branch` reads names that `work.phase.branch` reads",
            exit_code=2,
        ),
        installed=False,
    )


def test_both_presets_go_together() -> None:
    run_case(Case(policy='extends = ["phase-runner", "track-runner"]'), installed=False)


def test_a_name_that_resembles_two_kinds_by_chance_gives_no_verdict() -> None:
    kinds = {"a": WorkKind(branch="x-1.phase-{number}"), "b": WorkKind(branch="x-{number}-zzzzzzz")}
    assert not list(clashes(kinds))
    with pytest.raises(MissingFact, match=r"work\.a\.branch and work\.b\.branch"):
        Names(kinds).read("branch", "x-1.phase-2/y")


@st.composite
def templates(draw: st.DrawFn) -> str:
    parts = draw(
        st.lists(
            st.sampled_from(["a", "-", "/", "0", "{number}", "{slug}", "{id}", "{x}"]),
            min_size=1,
            max_size=4,
        )
    )
    return "".join(parts)


@given(first=templates(), second=templates(), text=st.text("a-/0b1", min_size=1, max_size=6))
def test_no_text_is_read_equally_well_by_templates_that_do_not_clash(
    first: str, second: str, text: str
) -> None:
    one, other = Template(first), Template(second)
    fields, others = one.read(text), other.read(text)
    if fields is None or others is None or one.literal != other.literal:
        return
    if one.names & TELLING and other.names & TELLING:
        assert found(first, second)
