"""BRN001: the item's branch, the policy's pattern, and names that are safe to use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.testing import Case, Step, run_here
from tests.rules.items import PHASES, PLAN, SUBJECT, judge, step

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("branch", "near"),
    [
        ("phase-12-persistence", "it goes on with '-persistence'"),
        ("Phase-12", "only the case differs"),
        ("phase-012", "only case, padding and separators differ"),
        ("phase_12", "only case, padding and separators differ"),
    ],
)
def test_the_items_branch_is_meant_exactly(branch: str, near: str, tmp_path: Path) -> None:
    judge(
        "BRN001",
        tmp_path,
        policy=PHASES,
        base=[PLAN],
        branch=branch,
        commits=[step(SUBJECT)],
        expect=[{"message": near, "help": "git branch -m phase-12", "field": "branch"}],
    )


def test_an_item_that_the_commit_names_has_its_branch(tmp_path: Path) -> None:
    case = {"policy": PHASES, "base": [PLAN], "commits": [step(SUBJECT)]}
    judge("BRN001", tmp_path / "1", **case, branch="phase-12")
    expect = [{"message": "the branch is 'work', and phase 12 has 'phase-12'"}]
    judge("BRN001", tmp_path / "2", **case, branch="work", expect=expect)
    expect = [{"message": "the branch is 'main', and phase 12 has 'phase-12'"}]
    judge("BRN001", tmp_path / "3", **case, branch="main", expect=expect)


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


@pytest.mark.parametrize("staged", [True, False])
def test_a_pattern_before_the_commit(staged: bool, tmp_path: Path) -> None:
    policy = "[rules.branch-name]\npattern = '^feature/'"
    change = {"staged": step()} if staged else {"commits": [step()]}
    judge("BRN001", tmp_path, policy=policy, branch="work", **change, expect=[{}])


def test_the_base_with_nothing_on_it_is_no_branch_of_a_change(tmp_path: Path) -> None:
    policy = "[rules.branch-name]\npattern = '^feature/'"
    judge("BRN001", tmp_path, policy=policy, branch="main")


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


def test_a_detached_head_has_no_name(tmp_path: Path) -> None:
    repository = Case(commits=[step()]).build(tmp_path / "repository")
    repository.checkout("HEAD", detach=True)
    options = ("check", "--select=BRN001", "--output-format=json")
    outcome = run_here(*options, directory=repository.path)
    assert (outcome.exit_code, outcome.state("BRN001")) == (2, "indeterminate")
    outcome = run_here(*options, "--branch=work", directory=repository.path)
    assert (outcome.exit_code, outcome.state("BRN001")) == (0, "passed")
    outcome = run_here(*options, "--branch=a;b", directory=repository.path)
    assert outcome.exit_code == 1


def test_a_head_that_is_no_branch(tmp_path: Path) -> None:
    case = {"commits": [step()], "args": ["--head={head}"]}
    judge("BRN001", tmp_path, **case, states={"BRN001": "not-applicable"})


def test_base_steps_are_real(tmp_path: Path) -> None:
    policy = "[rules.branch-name]\npattern = '^feature/'"
    base = [Step("chore: base"), Step("chore: more", files={"x": "x"})]
    judge("BRN001", tmp_path, policy=policy, base=base, branch="feature/x", commits=[step()])


@pytest.mark.parametrize(
    ("local", "step"),
    [
        ("HEAD", "git push origin HEAD:refs/heads/<name>"),
        ("refs/heads/odd", "git branch -m odd <name>"),
    ],
)
def test_before_a_push_what_is_pushed_is_named_otherwise(tmp_path: Path, local: str, step: str) -> None:
    judge(
        "BRN001",
        tmp_path,
        policy='[rules.branch-name]\npattern = "^feat/"',
        commits=[Step("feat: x", files={"x": "1"})],
        branch="odd",
        args=["--push"],
        stdin=f"{local} {{head}} refs/heads/odd {'0' * 40}\n",
        expect=[{"help": f"`{step}`"}],
    )
