"""`specguard init` in a repository that has a past: what it proposes, and that what it advises works."""

import re
from pathlib import Path
from typing import Any

import pytest

from specguard.audit.judging import PastChange, PastGit, judge_as_merged
from specguard.authority.policy import Policy
from specguard.errors import SpecguardError
from specguard.model import Verdict
from specguard.testing import Outcome, Repository, run_here
from specguard.testing.repository import clean_environment
from tests.cli.running import on_a_terminal
from tests.outcomes import data_of, ended
from tests.scripts import play, scripts

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIM2YHx0V4/ZcQJJU2wqXfGelx3/q4THMljpcJncSsziP alice@desk #1"
FILE = "SPEC_AUTHORITY.md"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A public key."""
    file = tmp_path / "alice.pub"
    file.write_text(f"{KEY}\n")
    return file


def init(repository: Repository, *words: str) -> Outcome:
    return run_here("init", *words, directory=repository.path)


def checked(repository: Repository, *words: str) -> str:
    """The verdict of a check, as one word."""
    return str(
        run_here("check", "--output-format", "json", *words, directory=repository.path).report["verdict"]
    )


def typed(repository: Repository, outcome: Outcome) -> list[str]:
    """Type the commands that were printed, each on a line of its own."""
    lines = [line.strip() for line in outcome.stdout.splitlines() if line.startswith("  ")]
    for line in lines:
        if line.startswith("git "):
            repository.git("-c", "alias.x=!sh -c", "x", line)
    return lines


def test_on_a_terminal_it_asks_who_may_approve(repository: Repository, key: Path) -> None:
    repository.commit("chore: start", files={"a": "a\n"})
    code, shown = on_a_terminal(
        "init",
        directory=repository.path,
        env=clean_environment(),
        question="Who may approve",
        answer=f"alice\n{key}\n",
    )
    assert code == 0, shown
    assert 'name = "alice"' in repository.read(FILE).decode()


def test_on_trunk_without_a_remote_checks_work_right_after_it(tmp_path: Path, key: Path) -> None:
    repository = Repository(tmp_path / "work", branch="trunk")
    repository.commit("chore: start", files={"LICENSE": "mine\n"})
    typed(repository, init(repository))
    assert 'base = "trunk"' in repository.read(FILE).decode()
    assert run_here("doctor", directory=repository.path).exit_code == 0
    on_base = data_of(repository, "check")
    assert on_base["authority"]["trusted"] is False
    assert on_base["notes"] == ["trunk is taken for the base itself, so nothing is judged against it."]
    repository.branch("approver")
    typed(repository, init(repository, "--approver", f"alice={key}"))
    assert checked(repository) == "accepted"
    assert checked(repository, "--authority", FILE) != "accepted"
    repository.checkout("trunk")
    repository.branch("feature")
    repository.commit("feat: mine", files={"LICENSE": "yours\n"})
    assert checked(repository) == "failed"
    assert init(repository).exit_code == 2
    assert run_here("check", "--enforce", directory=repository.path).exit_code == 2


def test_what_git_has_is_found_and_stands_once(repository: Repository) -> None:
    licences = ("LICENSE.txt", "license.md", "LICENSE-MIT", "COPYING", "LICENCE")
    files = {"docs/api/a.yaml": "a\n", ".gitignore": "docs/product/\n", "src/license.py": "a\n"}
    repository.commit("chore: start", files={**files, **dict.fromkeys(licences, "mine\n")})
    for folder in (".github/workflows", ".circleci", "docs/product"):
        (repository.path / folder).mkdir(parents=True)
    (repository.path / "docs/product/x").write_text("x\n")
    ended(init(repository, "--forbid", "docs/api", "--lock", FILE))
    text = repository.read(FILE).decode()
    assert not re.search(r"workflows|circleci|product|license\.py", text)
    assert all(f"- `{name}`: the licence." in text for name in licences)
    assert text.count("- `docs/api") == text.count(f"- `{FILE}`") == 1


def test_a_setting_that_was_only_tried_is_not_written(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(22):
        repository.commit(f"ci: set {number}", files={"Jenkinsfile": f"{number}\n"})

    def judge(git: PastGit, policy: Policy, change: PastChange) -> Verdict:
        if "rules.locked-path.pins" in policy.origins:
            raise SpecguardError("the disk is gone")
        return judge_as_merged(git, policy, change)

    monkeypatch.setattr("specguard.cli.proposed_authority.judge_as_merged", judge)
    assert "not looked at: the disk is gone" in ended(init(repository)).stdout
    assert "pins" not in repository.read(FILE).decode()


@pytest.mark.parametrize("script", scripts(__file__))
def test_what_is_proposed(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)
