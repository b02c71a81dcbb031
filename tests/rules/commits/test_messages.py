"""Messages that no case can state: ones that are huge, a merge that is being made, and what is looked up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from specguard.testing import Case, run_here
from specguard_rules.commits import messages
from specguard_rules.next_steps import reword
from tests.rules.items import judge, step

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.rules import Message
    from specguard_rules.next_steps import CommitsById


def test_a_huge_message_is_reported_short(tmp_path: Path) -> None:
    found = {"message": "(20900 more characters)"}
    outcome = judge("CMT003", tmp_path, commits=[step("feat: x" * 3000)], found=found)
    assert len(json.dumps(outcome.report["findings"])) < 2_000


def test_a_body_is_at_most_64_kib_unless_the_policy_says_otherwise(tmp_path: Path) -> None:
    commits = [step(f"feat: x\n\n{'w' * 70_000}")]
    judge("CMT003", tmp_path / "1", commits=commits, found={"message": "the message has 700"})
    judge("CMT003", tmp_path / "2", commits=commits, policy="rules.commit-form.message_max = 0")


def test_a_hostile_subject_takes_no_time(tmp_path: Path) -> None:
    message = 'Revert "x"\n\n' + "\n".join(
        start + piece * 20_000
        for start in ("Reverts ", "This reverts commit ", "")
        for piece in ("a", "1", "-", "/")
    )
    subjects = ["(" * 60_000 + "wi", "a" * 60_000, "feat: " + " (" * 30_000]
    commits = [step(message), *(step(subject, content=subject[:9]) for subject in subjects)]
    judge("CMT005", tmp_path, commits=commits)


@pytest.mark.parametrize("merging", [True, False])
def test_a_merge_being_concluded_is_left_alone(merging: bool, tmp_path: Path) -> None:
    policy = "rules.commit-message.pattern = '^X-'"
    repository = Case(policy=policy).build(tmp_path / "repository")
    if merging:
        (repository.git_dir / "MERGE_HEAD").write_text(f"{repository.oid()}\n")
    (tmp_path / "message").write_text("Merge branch 'main'\n")
    words = ("check", "--select=CMT002", f"--commit-msg-file={tmp_path}/message")
    outcome = run_here(*words, directory=repository.path)
    assert outcome.exit_code == (not merging), outcome


def test_only_a_message_with_a_problem_is_looked_up_among_the_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def spied(message: Message, made: CommitsById, text: str = "") -> str:
        asked.append(message.subject)
        return reword(message, made, text)

    monkeypatch.setattr(messages, "reword", spied)
    commits = [step("feat: one"), step("two", content="c\n"), step("fix: three", content="d\n")]
    policy = "[rules.commit-message]\nconventional = true\npattern = '^[a-z]+: '\n"
    judge("CMT002", tmp_path, policy=policy, commits=commits, expect=[{}, {}])
    assert asked == ["two", "two"]
