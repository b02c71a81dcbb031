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
