"""CMT001: which commits count, and whose number holds."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import pytest

from specguard.testing import Step
from tests.rules.items import PHASES, PLAN, SUBJECT, judge, step

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO, THREE = step("feat: one"), step("feat: two", "b"), step("feat: three", "c")
APPROVAL = Step("chore: approve", files={f".specguard/approvals/{'1' * 64}.json": "{}"})
MERGED = (
    step("feat: one", id="one"),
    step("feat: side", "side", parents=["base"], id="side"),
    Step("Merge side", parents=["one", "side"]),
)
judged = partial(judge, "CMT001")


@pytest.mark.parametrize(
    ("settings", "commits", "said"),
    [
        ("exactly = 2", [ONE, TWO], ""),
        ("exactly = 2", [ONE, TWO, THREE], "a change has exactly 2 commits, and this one has 3: "),
        ("exactly = 2", [ONE], "exactly 2 commits, and this one has 1: "),
        ("at_most = 2", [ONE], ""),
        ("at_most = 2", [ONE, TWO, THREE], "at most 2 commits, and this one has 3"),
        ("at_least = 2", [ONE], "at least 2 commits, and this one has 1"),
        ("at_least = 2\nat_most = 2", [ONE, TWO, THREE], "2 to 2 commits"),
        ("exactly = 1", [ONE, APPROVAL], ""),
        ("exactly = 1", [ONE, Step("chore: approve", files={".specguard/approvals": "{}"})], "has 2"),
        ("exactly = 1\nignore = ['^feat: t']", [ONE, TWO, THREE], ""),
        ("exactly = 1\nignore = ['']", [], "is empty"),
        ("exactly = 1\nignore = ['^feat']", [ONE, TWO], "this one has 0 that count"),
        ("exactly = 2", MERGED, "this one has 3"),
        ("exactly = 2\nmerges = 'ignore'", MERGED, ""),
    ],
)
def test_the_number_of_commits(settings: str, commits: list[Step], said: str, tmp_path: Path) -> None:
    policy = f"[rules.commit-count]\n{settings}"
    if not commits:
        judged(tmp_path, policy=policy, commits=[ONE], error=said, exit_code=2)
        return
    expect = [{"message": said}] if said else []
    judged(tmp_path, policy=policy, commits=commits, expect=expect)


def test_the_finding_names_the_commits_and_the_way_back(tmp_path: Path) -> None:
    outcome = judged(
        tmp_path,
        policy="[rules.commit-count]\nexactly = 1",
        commits=[step("feat: one", id="first"), TWO],
        found={"message": "'feat: one', ", "commit": None, "authority": "SPEC_AUTHORITY.md:5"},
    )
    finding = outcome.report["findings"][0]
    start = outcome.report["change"]["merge_base"]
    first = re.search(r"git commit -C (\w+)`", finding["help"])
    assert first
    assert f"git reset --soft {start[:12]} && " in finding["help"]
    assert f"{first[1][:10]} 'feat: one'" in finding["message"]
    assert outcome.report["change"]["head"][:10] in finding["message"]


def test_what_no_command_squashes_is_told_in_words(tmp_path: Path) -> None:
    policy = "[rules.commit-count]\nat_most = 2\nmerges = 'ignore'\n"
    found = {"help": "Squash 1 of them; merges or other commits stand between"}
    judged(tmp_path, policy=policy, commits=[ONE, *MERGED], found=found)


def test_an_item_says_how_many_it_has(tmp_path: Path) -> None:
    policy = f"[rules.commit-count]\nat_most = 9\n{PHASES}"
    counted = partial(judged, policy=policy, base=[PLAN], branch="phase-12")
    counted(tmp_path / "1", commits=[step(SUBJECT)])
    found = {"message": "phase 12 has exactly 1 commit, and this one has 2"}
    counted(tmp_path / "2", commits=[step(SUBJECT), TWO], found=found)
    counted(tmp_path / "3", branch="other", commits=[ONE, TWO])


def test_an_item_can_leave_commits_out(tmp_path: Path) -> None:
    policy = PHASES.replace(
        "commits = 1", "commits = {at_most = 1, ignore = ['^fixup! '], merges = 'ignore'}"
    )
    commits = [step(SUBJECT), step(f"fixup! {SUBJECT}", "b"), APPROVAL]
    judged(tmp_path, policy=policy, base=[PLAN], branch="phase-12", commits=commits)


@pytest.mark.parametrize(
    ("policy", "commits", "reason"),
    [
        ("", [ONE, TWO], "sets no exactly or at_most or at_least or [work]"),
        ("merge = 'squash'\n[rules.commit-count]\nexactly = 1", [ONE, TWO], "land as one"),
        ("[rules.commit-count]\nexactly = 1", [APPROVAL], "but those that file approvals"),
    ],
)
def test_where_nothing_is_counted(policy: str, commits: list[Step], reason: str, tmp_path: Path) -> None:
    judged(
        tmp_path, policy=f"base = 'main'\n{policy}", commits=commits, state="not-applicable", notes=[reason]
    )
