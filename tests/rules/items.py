"""What the tests of rules about names share: a policy with phases, and a way to judge by one rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Case, Outcome, Step, run_case

if TYPE_CHECKING:
    from pathlib import Path

PHASES = """
[work.phase]
pointer = ["configs/NEXT_PHASE.json"]
number = "next"
document = ["docs/phase-{number}.md"]
branch = "phase-{number}"
commits = 1
commit = "feat(phase{number}): implement phase {number}"
pull_request = "Phase {number}"
pull_request_body = "Implements {document}."
"""
PLAN = Step(
    "chore: base",
    files={"configs/NEXT_PHASE.json": '{"next": 12}', "docs/phase-12.md": "# Phase 12\n", "a": "a\n"},
)
SUBJECT = "feat(phase12): implement phase 12"


def judge(code: str, directory: Path, *, state: Any = "", found: Any = None, **case: Any) -> Outcome:
    """Judge a case by one rule; `args` are added to the selection.

    `state` is the rule's own, which ends with 2 where it is indeterminate; `found` is its only finding,
    which ends with 0 where it is a warning.
    """
    if state:
        case["states"] = {code: state}
    if found:
        case["expect"] = [found]
    if state == "indeterminate" or (found and found.get("severity") == "warning"):
        case.setdefault("exit_code", 2 if state else 0)
    args = (f"--select={code}", *case.pop("args", ()))
    expect = [{"code": code, **finding} for finding in case.pop("expect", ())]
    return run_case(Case(args=args, expect=expect, **case), directory, installed=False)


def row(what: str, *commits: Step, **case: Any) -> Any:
    """A row of a table of changes: what it is, its commits, and the rest of its case."""
    return pytest.param(commits, case, id=what)


def step(message: str | bytes = "feat: change", path: str = "a", content: str = "b\n", **more: Any) -> Step:
    """A commit that changes one file."""
    return Step(message, files={path: content}, **more)
