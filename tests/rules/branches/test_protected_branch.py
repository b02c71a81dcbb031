"""BRN004: commits on protected branches, and pushes to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.rules.branches.pushing import deletion_of, push_of
from tests.rules.items import judge, step

if TYPE_CHECKING:
    from pathlib import Path

POLICY = "[rules.protected-branch]\nbranches = ['main', 'release/*', 'refs/tags/v*']"


@pytest.mark.parametrize(
    ("branch", "fails"),
    [("work", False), ("main", True), ("release/1.0", True), ("Release/1.0", True), ("maintenance", False)],
)
def test_commits_on_a_branch(branch: str, fails: bool, tmp_path: Path) -> None:
    expect = [{"message": f"commits are made on '{branch}'", "field": "branch"}] if fails else []
    judge("BRN004", tmp_path, policy=POLICY, branch=branch, commits=[step()], expect=expect)


@pytest.mark.parametrize(("branch", "fails"), [("work", False), ("main", True)])
def test_a_commit_to_come(branch: str, fails: bool, tmp_path: Path) -> None:
    expect = [{"message": "commits would be made on 'main'", "help": "git switch -c"}] if fails else []
    judge("BRN004", tmp_path, policy=POLICY, branch=branch, staged=step(), expect=expect)


def test_a_protected_branch_with_nothing_of_its_own(tmp_path: Path) -> None:
    judge("BRN004", tmp_path, policy=POLICY, branch="main")


@pytest.mark.parametrize(
    ("push", "said"),
    [
        (push_of("work"), ""),
        (push_of("work", "main"), "the push would write to 'main'"),
        (push_of("HEAD", "release/2"), "the push would write to 'release/2'"),
        (push_of("main", "work"), ""),
        (deletion_of("refs/heads/main"), "the push would delete 'main'"),
        (deletion_of("refs/heads/work"), ""),
        (push_of("refs/tags/v1", "refs/tags/v1"), "the push would write to 'refs/tags/v1'"),
        (push_of("refs/tags/x1", "refs/tags/x1"), ""),
        (push_of("refs/tags/main", "refs/tags/main"), ""),
    ],
)
def test_pushes(push: dict[str, Any], said: str, tmp_path: Path) -> None:
    expect = [{"message": said, "field": "branch"}] if said else []
    judge("BRN004", tmp_path, policy=POLICY, commits=[step()], **push, expect=expect)


def test_a_plain_repository_protects_nothing(tmp_path: Path) -> None:
    judge("BRN004", tmp_path, branch="main", commits=[step()], states={"BRN004": "not-applicable"})
