"""CMT004: merges in a linear history, and what merges bring of their own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from specguard.testing import Step
from tests.rules.items import judge, step

if TYPE_CHECKING:
    from pathlib import Path

BASE = Step("chore: base", files={"a": "a\n", "b": "b\n", "gone": "gone\n"})
SIDES = (
    step("feat: one", content="one\n", id="one"),
    step("feat: two", "b", "two\n", parents=["base"], id="two"),
)
judged = partial(judge, "CMT004")


def merge(**more: object) -> list[Step]:
    return [*SIDES, Step("Merge two", parents=["one", "two"], **more)]  # type: ignore[arg-type]  # a test's own keys


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ("", "passed"),
        ("[rules.merge-commit]\nlinear = true", "failed"),
        ("merge = 'squash'\n[rules.merge-commit]\nlinear = true", "passed"),
    ],
)
def test_a_clean_merge(settings: str, state: str, tmp_path: Path) -> None:
    expect = [{"message": "is a merge commit", "field": "commit.subject"}] if state == "failed" else []
    policy = f"base = 'main'\n{settings}"
    judged(tmp_path, policy=policy, base=[BASE], commits=merge(), expect=expect, state=state)


def test_content_of_the_merges_own(tmp_path: Path) -> None:
    judged(
        tmp_path,
        base=[BASE],
        commits=merge(files={"c": "own\n", "a": "own\n"}, delete=["gone"]),
        expect=[
            {"path": "a", "message": "has content here", "severity": "error", "commit": "{head}"},
            {"path": "c", "message": "adds this file"},
            {"path": "gone", "message": "deletes this file", "side": "base"},
        ],
    )


@pytest.mark.parametrize(("setting", "severity"), [("allow", None), ("warn", "warning"), ("forbid", "error")])
def test_a_resolved_conflict(setting: str, severity: str | None, tmp_path: Path) -> None:
    commits = [
        step("feat: one", content="one\n", id="one"),
        step("feat: two", content="two\n", parents=["base"], id="two"),
        Step("Merge two", files={"a": "both\n"}, parents=["one", "two"]),
    ]
    expect = [{"path": "a", "message": "resolves a conflict", "severity": severity}] if severity else []
    judged(
        tmp_path,
        policy=f"[rules.merge-commit]\nresolutions = '{setting}'",
        base=[BASE],
        commits=commits,
        expect=expect,
        exit_code=1 if severity == "error" else 0,
    )


@pytest.mark.parametrize(
    ("resolved", "shown"),
    [
        ("one\ntwo\n", False),
        ("two\none\n", False),
        ("one\ntwo\nthree\n", True),
        ("two\n\n", True),
        ("one\n=======\ntwo\n", True),
        ("<<<<<<< mine\none\ntwo\n", True),
    ],
)
def test_a_conflict_of_which_both_sides_are_kept(resolved: str, shown: bool, tmp_path: Path) -> None:
    commits = [
        step("docs: one", content="one\n", id="one"),
        step("docs: two", content="two\n", parents=["base"], id="two"),
        Step("Merge two", files={"a": resolved}, parents=["one", "two"]),
    ]
    expect = [{"path": "a", "message": "resolves a conflict", "severity": "warning"}] if shown else []
    judged(tmp_path, base=[BASE], commits=commits, expect=expect, exit_code=0)


def test_a_change_without_merges(tmp_path: Path) -> None:
    judged(tmp_path, commits=[step()], state="not-applicable")


def test_a_merge_of_the_base(tmp_path: Path) -> None:
    judged(
        tmp_path,
        base=[BASE, step("feat: later", "b", "later\n")],
        commits=[step("feat: one", parents=["start"], id="one"), Step("Merge main", parents=["one", "base"])],
    )
