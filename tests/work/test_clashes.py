"""Templates of two kinds that read one name equally well are a policy error."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.errors import MissingFact
from specguard.work.kinds import TELLING, Names, WorkKind, clashes
from specguard.work.name_templates import Template


def found(first: str, second: str, key: str = "branch", other: str = "") -> bool:
    templates: list[dict[str, Any]] = [{key: first}, {other or key: second}]
    kinds = {name: WorkKind(**own) for name, own in zip("ab", templates, strict=True)}
    return bool(list(clashes(kinds)))


def test_templates_that_clash() -> None:
    for first, second in (
        ("p-{number}", "p-{number}"),
        ("p-{number}", "p-{id}"),
        ("p-{number}-{slug}", "p-{number}-{name}"),
        ("a-{slug}", "{slug}-b"),
        ("{number}-x", "0-{slug}"),
        ("{slug:upper}-1", "A-{number}"),
        # What only resembles a template is read by its word.
        ("phase-{number}", "phase/{number}"),
    ):
        assert found(first, second)
        assert found(second, first)


def test_templates_that_do_not() -> None:
    for first, second in (
        ("p-{number}", "p-{number}-{slug}"),
        ("p{slug}x", "p-{slug}"),
        ("{slug:upper}-1", "a-{number}"),
        ("x-{number}", "{name}-y"),
        ("a/{number}", "{number}/"),
    ):
        assert not found(first, second)
        assert not found(second, first)


def test_a_commit_and_a_title_of_two_kinds_can_clash_but_not_with_a_branch() -> None:
    assert found("x {number}", "x {number}", "commit", "pull_request")
    assert not found("x {number}", "x {number}", "commit", "branch")
    kind = WorkKind(commit="x {number}", pull_request="x {number}")
    assert not list(clashes({"a": kind}))


def test_a_name_that_resembles_two_kinds_by_chance_gives_no_verdict() -> None:
    kinds = {"a": WorkKind(branch="x-1.phase-{number}"), "b": WorkKind(branch="x-{number}-zzzzzzz")}
    assert not list(clashes(kinds))
    with pytest.raises(MissingFact, match=r"work\.a\.branch and work\.b\.branch"):
        Names(kinds).read("branch", "x-1.phase-2/y")


@st.composite
def templates(draw: st.DrawFn) -> str:
    parts = st.sampled_from(["a", "-", "/", "0", "{number}", "{slug}", "{id}", "{x}"])
    return "".join(draw(st.lists(parts, min_size=1, max_size=4)))


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
