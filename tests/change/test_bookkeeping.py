"""Commits that only bring runs are no work where the policy has runs committed, and no way around it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from specguard.change.change import Bookkeeping
from specguard.testing import Case, Step, run_case

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

POLICY = """
[runs]
keep = "tree"

[work.phase]
branch = "phase-{number}"
commits = 1
commit = "feat(phase{number}): implement phase {number}"
scope = ["src/"]

[rules.oversized-change]
entries = 2
bytes = 20
lines = 3
"""
RUN = ".runs/phase-12/1"
WORK = Step("feat(phase12): implement phase 12", files={"src/a": "b\n"})
KEPT = Step("chore: the run", files={f"{RUN}/{name}": "some of it\n" for name in ("a", "b", "c")})
RULES = "--select=CMT001,CMT002,PTH003,PTH008"


def judged(directory: Path, *commits: Step, expect: tuple[str, ...] = (), **more: Any) -> None:
    findings = [{"code": code} for code in expect]
    case: dict[str, Any] = {"policy": POLICY, "branch": "phase-12", "args": [RULES], **more}
    run_case(Case(commits=commits, expect=findings, **case), directory / "case", installed=False)


def test_a_commit_of_runs_behind_the_work_is_neither_counted_nor_out_of_scope(tmp_path: Path) -> None:
    judged(tmp_path, WORK, KEPT)


def test_it_may_be_put_right_by_another_one(tmp_path: Path) -> None:
    judged(tmp_path, WORK, KEPT, Step("chore: again", files={f"{RUN}/a": "more\n"}))


def test_nothing_of_that_holds_where_runs_are_not_committed(tmp_path: Path) -> None:
    policy = POLICY.replace('keep = "tree"', 'keep = "local"')
    expect = ("CMT001", "CMT002", "PTH003", "PTH003", "PTH003", "PTH008", "PTH008", "PTH008")
    judged(tmp_path, WORK, KEPT, expect=expect, policy=policy)


@pytest.mark.parametrize(
    ("other", "expect"),
    [
        # Beside a run something else changes: the commit works.
        (
            Step("chore: x", files={f"{RUN}/a": "x\n", "src/b": "x\n"}),
            ("CMT001", "CMT002", "PTH003", "PTH008"),
        ),
        # No plain file of a run.
        (Step("chore: x", symlinks={f"{RUN}/a": "x"}), ("CMT001", "CMT002", "PTH003")),
        (
            Step("chore: x", files={f"{RUN}/a": "x\n"}, executable=[f"{RUN}/a"]),
            ("CMT001", "CMT002", "PTH003"),
        ),
        # The folder's name is only the beginning of another one's.
        (Step("chore: x", files={".runsx/a": "x\n"}), ("CMT001", "CMT002", "PTH003")),
        # The base has it: evidence of others.
        (Step("chore: x", files={".runs/phase-11/1/a": "x\n"}), ("CMT001", "CMT002", "PTH003")),
        (Step("chore: x", delete=[".runs/phase-11/1/a"]), ("CMT001", "CMT002", "PTH003")),
    ],
)
def test_it_is_no_way_around(tmp_path: Path, other: Step, expect: tuple[str, ...]) -> None:
    base: Mapping[str, Any] = {"base": [Step("chore: base", files={".runs/phase-11/1/a": "a\n"})]}
    judged(tmp_path, WORK, other, expect=expect, **base)


def test_a_merge_of_runs_is_a_commit_as_any_other(tmp_path: Path) -> None:
    work, kept = replace(WORK, id="work"), replace(KEPT, id="kept", parents=["base"])
    merge = Step("chore: bring the runs", parents=["work", "kept"])
    judged(tmp_path, work, kept, merge, expect=("CMT001",))


@pytest.mark.parametrize(
    ("stage", "books"), [("range", True), ("staged", True), ("edit", False), ("run", False)]
)
def test_what_an_agent_writes_itself_is_no_run(stage: str, books: bool) -> None:
    entry = SimpleNamespace(path=f"{RUN}/a".encode(), added=True, new_mode=0o100644)
    change: Any = SimpleNamespace(stage=stage, entries=[entry], commits=[])
    kept = Bookkeeping(change, log=b"approvals/", runs=lambda: b".runs/", squash=False)
    assert kept.has(cast("Any", entry)) is books


def test_a_run_in_the_commit_that_works_is_out_of_scope(tmp_path: Path) -> None:
    work = Step(WORK.message, files={"src/a": "b\n", f"{RUN}/manifest.json": "{}\n"})
    judged(tmp_path, work, expect=("PTH003",))


def test_where_a_branch_lands_as_one_commit_its_runs_are_in_it(tmp_path: Path) -> None:
    work = Step(WORK.message, files={"src/a": "b\n", f"{RUN}/manifest.json": "{}\n"})
    judged(tmp_path, work, policy=f'merge = "squash"\n{POLICY}')


def test_what_is_staged_of_a_run_is_in_scope(tmp_path: Path) -> None:
    judged(tmp_path, WORK, staged=KEPT, args=[RULES, "--staged"])
