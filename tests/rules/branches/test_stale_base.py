"""BRN002: whether a branch stands on the tip of its base."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.testing import Step
from tests.rules.branches.pushing import push_of
from tests.rules.items import judge, step

if TYPE_CHECKING:
    from pathlib import Path

BASE = [Step("chore: base"), step("feat: later", "later")]
OLD = [step(parents=["start"])]
FRESH = [step()]
MERGED = [step(parents=["start"], id="one"), Step("Merge main", parents=["one", "base"])]
FRESH_MERGE = [
    step(id="one"),
    step("feat: b", "b", parents=["base"], id="two"),
    Step("M", parents=["one", "two"]),
]


@pytest.mark.parametrize(
    ("require", "commits", "said"),
    [
        ("contains", FRESH, ""),
        ("contains", MERGED, ""),
        ("contains", OLD, "does not contain origin/main at "),
        ("starts-at", FRESH, ""),
        ("starts-at", FRESH_MERGE, ""),
        ("starts-at", MERGED, "and did not start there"),
        ("starts-at", OLD, "does not contain origin/main at "),
    ],
)
def test_a_fresh_base(require: str, commits: list[Step], said: str, tmp_path: Path) -> None:
    judge(
        "BRN002",
        tmp_path,
        policy=f"[rules.stale-base]\nrequire = '{require}'",
        base=BASE,
        commits=commits,
        **push_of("work"),
        expect=[{"message": said, "field": "branch", "help": "git rebase origin/main"}] if said else [],
    )


def test_nothing_is_asked_by_default(tmp_path: Path) -> None:
    judge("BRN002", tmp_path, base=BASE, commits=OLD, **push_of("work"), states={"BRN002": "not-applicable"})


def test_it_is_asked_when_something_is_pushed(tmp_path: Path) -> None:
    policy = "[rules.stale-base]\nrequire = 'contains'"
    judge("BRN002", tmp_path, policy=policy, base=BASE, commits=OLD, states={"BRN002": "not-applicable"})
