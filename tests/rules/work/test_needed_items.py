"""PLN002 where the change is for an item of a list, and not for a task of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specguard.testing import Step
from tests.rules.items import judge

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """
[work.slice]
source = "waves/slices.yaml"
number = "id"
branch = "slice-{id}"
commit = "{id}: {text}"
"""
LIST = "waves/slices.yaml"
EARLY = {"path": LIST, "message": "slice C2 is what the change is for, and needs C1, which is open"}
WORK = Step("C2: the second", files={"b": "2"})


def slices(first: str = "open", more: str = "") -> str:
    return f"slices:\n  - {{id: C1, status: {first}{more}}}\n  - {{id: C2, status: open, depends_on: [C1]}}\n"


def judged(directory: Path, *commits: Step, base: list[Step] | None = None, **case: Any) -> None:
    case.setdefault("branch", "slice-C2")
    base = base or [Step("docs: plan", files={LIST: slices()})]
    judge("PLN002", directory, commits=commits, base=base, policy=POLICY, **case)


def test_a_slice_waits_for_what_it_needs(tmp_path: Path) -> None:
    judged(tmp_path, WORK, expect=[EARLY])


def test_a_status_that_the_change_sets_itself_does_not_help(tmp_path: Path) -> None:
    step = Step("C2: the second", files={"b": "2", LIST: slices("done")})
    judged(tmp_path, step, expect=[EARLY])


def test_what_is_done_put_off_or_conditional_is_not_waited_for(tmp_path: Path) -> None:
    for name, text in {
        "done": slices("done"),
        "deferred": slices("deferred"),
        "conditional": slices(more=", conditional: true"),
    }.items():
        judged(tmp_path / name, WORK, base=[Step("docs: plan", files={LIST: text})], state="passed")
    landed = [Step("docs: plan", files={LIST: slices()}), Step("C1: the first", files={"a": "1"})]
    judged(tmp_path / "landed", WORK, base=landed, state="passed")


def test_what_a_commit_of_the_change_did_is_done(tmp_path: Path) -> None:
    first = Step("C1: the first", files={"a": "1"})
    judged(tmp_path, first, WORK, state="passed")
