"""What the tests of rules share: a way to judge by one rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specguard.testing import Case, Outcome, Step, run_case

if TYPE_CHECKING:
    from pathlib import Path


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


def step(message: str | bytes = "feat: change", path: str = "a", content: str = "b\n", **more: Any) -> Step:
    """A commit that changes one file."""
    return Step(message, files={path: content}, **more)
