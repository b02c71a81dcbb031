"""CMT005: what was not meant to stay, and what only looks so."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from specguard.testing import Step
from tests.rules.items import judge, step

if TYPE_CHECKING:
    from pathlib import Path

OID = "1234567890" * 4
judged = partial(judge, "CMT005")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("fixup! feat: x", "waits to be squashed (fixup!)"),
        ("squash! feat: x", "(squash!)"),
        ("amend! feat: x", "(amend!)"),
        ("WIP", "not done"),
        ("wip: x", "not done"),
        ("[WIP] x", "not done"),
        ("Work in progress", "not done"),
        ("feat: wip", "not done"),
        ("feat(a): [WIP]", "not done"),
        ("Draft: x", "not done"),
        ("[Draft] x", "not done"),
        ("DO NOT MERGE: x", "not done"),
        ("Draft the release notes", ""),
        ("feat: wiping the cache", ""),
        ("feat: limit the WIP of a board", ""),
        ("wipe the cache", ""),
        ("fix: what fixup! does", ""),
        (f'Revert "feat: x"\n\nThis reverts commit {OID}.\n', "gives no reason"),
        (
            f'Revert "feat: x"\n\nThis reverts commit {OID}, reversing\nchanges made to {OID}.\n',
            "gives no reason",
        ),
        ('Revert "feat: x"', "gives no reason"),
        ('Revert "feat: x"\n\nReverts team/repo#12\n\nSigned-off-by: Ann <a@x>\n', "gives no reason"),
        ("revert: feat: x\n\nRefs: 1234567", "gives no reason"),
        (f'Revert "feat: x"\n\nThis reverts commit {OID}.\n\nIt broke the build.\n', ""),
        (f'Revert "feat: x"\n\nThis reverts commit {OID} because it broke the build.\n', ""),
        ("revert(a): feat: x\n\nNobody wants it.", ""),
        ("fix: revert to the old parser", ""),
    ],
)
def test_subjects_and_reverts(message: str, said: str, tmp_path: Path) -> None:
    expect = [{"message": said}] if said else []
    judged(tmp_path, commits=[step(message)], expect=expect)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("autosquash = 'allow'", "fixup! feat: x"),
        ("wip = 'allow'", "WIP"),
        ("reverts = 'allow'", 'Revert "feat: x"'),
        ("empty = 'allow'", ""),
    ],
)
def test_each_is_a_setting(setting: str, message: str, tmp_path: Path) -> None:
    commit = step(message) if message else Step("chore: empty")
    judged(tmp_path / "1", policy=f"[rules.unfinished-commit]\n{setting}", commits=[commit])
    judged(tmp_path / "2", commits=[commit], expect=[{}])


def test_a_team_has_marks_of_its_own(tmp_path: Path) -> None:
    policy = "[rules.unfinished-commit]\nmarkers = ['^temp', '(?i)xxx']"
    expect = [{"message": "matches '(?i)xxx'", "authority": "SPEC_AUTHORITY.md:5"}]
    judged(tmp_path, policy=policy, commits=[step("feat: Xxx")], expect=expect)


def test_empty_commits(tmp_path: Path) -> None:
    commits = [
        step("feat: one", id="one"),
        Step("chore: run again", id="empty"),
        step("feat: side", "side", parents=["base"], id="side"),
        Step("Merge side", parents=["empty", "side"]),
    ]
    expect = [{"message": "'chore: run again' changes no file", "commit": "{empty}"}]
    judged(tmp_path, commits=commits, expect=expect)


def test_a_message_being_written(tmp_path: Path) -> None:
    judged(tmp_path, commit_message="wip\n", found={"field": "commit.subject"})


def test_with_squash_the_title_is_judged(tmp_path: Path) -> None:
    commits = [step("wip"), Step("empty")]
    found = {"field": "pull_request.title"}
    judged(tmp_path, policy="merge = 'squash'", commits=commits, title="WIP: a page", found=found)


def test_a_hostile_subject_takes_no_time(tmp_path: Path) -> None:
    message = 'Revert "x"\n\n' + "\n".join(
        start + piece * 20_000
        for start in ("Reverts ", "This reverts commit ", "")
        for piece in ("a", "1", "-", "/")
    )
    subjects = ["(" * 60_000 + "wi", "a" * 60_000, "feat: " + " (" * 30_000]
    commits = [step(message), *(step(subject, content=subject[:9]) for subject in subjects)]
    judged(tmp_path, commits=commits)
