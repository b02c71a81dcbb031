"""BRN001: the item's branch, the policy's pattern, and names that are safe to use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.testing import Case, run_here
from tests.rules.items import PHASES, PLAN, SUBJECT, judge, step

if TYPE_CHECKING:
    from pathlib import Path


def test_padded_numbers_can_be_allowed(tmp_path: Path) -> None:
    policy = PHASES.replace("[work.phase]", "[work.phase]\nnumber_format = ['{n}', '{n:03}']")
    judge("BRN001", tmp_path, policy=policy, base=[PLAN], branch="phase-012", commits=[step(SUBJECT)])


@pytest.mark.parametrize(
    ("branch", "fails"),
    [("feature/a", False), ("Feature/a", True), ("a", True), ("main", True), ("dependabot/x", False)],
)
def test_a_pattern(branch: str, fails: bool, tmp_path: Path) -> None:
    policy = "[rules.branch-name]\npattern = '^feature/'\nexclude_names = ['^dependabot/']"
    expect = [{"message": "does not match '^feature/'"}] if fails else []
    judge("BRN001", tmp_path, policy=policy, branch=branch, commits=[step()], expect=expect)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"a$(touch${IFS}ran)", "a shell acts on"),
        (b"a`id`", "a shell acts on"),
        (b"a;b", "a shell acts on"),
        (b"a'b", "a shell acts on"),
        ("a\u202eb".encode(), "change how text is shown"),
        ("a\u200bb".encode(), "change how text is shown"),
        (b"a\xffb", "not UTF-8"),
        (b"--output=x", "take it for an option"),
        (b"feature/#12-user@example+x=y", ""),
        ("caf\u00e9".encode(), ""),
    ],
)
def test_names_that_are_unsafe(name: bytes, said: str, tmp_path: Path) -> None:
    repository = Case(commits=[step()]).build(tmp_path / "repository")
    repository.ref(b"refs/heads/" + name)
    repository.git("symbolic-ref", "HEAD", b"refs/heads/" + name)
    outcome = run_here("check", "--select=BRN001", "--output-format=json", directory=repository.path)
    messages = [finding["message"] for finding in outcome.report["findings"]]
    assert len(messages) == bool(said), outcome
    assert said in "".join(messages)
    assert outcome.exit_code == bool(said)
    assert not (repository.path / "ran").exists()
    assert not (repository.path / "x").exists()


def test_a_team_may_take_any_characters(tmp_path: Path) -> None:
    policy = "[rules.branch-name]\ncharacters = 'any'"
    judge("BRN001", tmp_path, policy=policy, branch="don't", commits=[step()])
