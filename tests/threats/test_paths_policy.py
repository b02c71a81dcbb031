"""Changes that try to be judged by another policy than the base's, or to loosen it in passing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.testing import Outcome, Repository, run_here
from tests.threats.cases import threat
from tests.threats.guarded import LOCKED, errors, fails

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTHORITY = """\
# Authority

```toml specguard
base = "main"

[rules.locked-path]
paths = ["locked/"]
```
"""
UNLOCKED = AUTHORITY.replace('"locked/"', '"nothing/"')


@pytest.fixture
def repo(repository: Repository) -> Repository:
    """A base with a locked file, and a branch to work on."""
    files = {"SPEC_AUTHORITY.md": AUTHORITY, "locked/p": "policy\n", "src/a": "a\n"}
    repository.commit("chore: base", files=files)
    repository.branch("work")
    return repository


def check(repo: Repository, *arguments: str, env: Mapping[str, str] | None = None) -> Outcome:
    """Judge by the rules about paths."""
    return run_here("check", "--select=PTH", "--output-format=json", *arguments, directory=repo.path, env=env)


@threat(
    "T72", "an authority or settings loosened, emptied or deleted by the change", "exit 1: PTH002, PTH004"
)
@pytest.mark.parametrize(
    ("files", "delete", "policy"),
    [
        ({"SPEC_AUTHORITY.md": UNLOCKED}, [], "SPEC_AUTHORITY.md"),
        ({"SPEC_AUTHORITY.md": "# Nothing\n"}, [], "SPEC_AUTHORITY.md"),
        ({"SPEC_AUTHORITY.md": "\xff\xfe"}, [], "SPEC_AUTHORITY.md"),
        ({}, ["SPEC_AUTHORITY.md"], "SPEC_AUTHORITY.md"),
        ({"specguard.toml": "[rules.locked-path]\nexclude = ['locked/p']\n"}, [], "specguard.toml"),
        ({"pyproject.toml": "[tool.specguard.rules.locked-path]\nseverity = 'off'\n"}, [], "pyproject.toml"),
    ],
)
def test_a_change_is_judged_by_the_policy_that_it_alters(
    repo: Repository, files: dict[str, str], delete: list[str], policy: str
) -> None:
    repo.commit("feat: x", files={"locked/p": "EVIL\n", **files}, delete=delete)
    outcome = check(repo)
    assert LOCKED in errors(outcome)
    assert ("PTH004", policy) in errors(outcome), outcome
    assert outcome.exit_code == 1


@threat("T72", "an authority loosened and put back in between", "exit 1: PTH002")
def test_a_policy_altered_and_put_back_has_no_say_in_between(repo: Repository) -> None:
    repo.commit("chore: unlock", files={"SPEC_AUTHORITY.md": UNLOCKED})
    repo.commit("feat: x", files={"locked/p": "EVIL\n"})
    repo.commit("chore: lock", files={"SPEC_AUTHORITY.md": AUTHORITY})
    fails(check(repo), LOCKED)


def test_the_staged_policy_has_no_say_about_what_is_staged(repo: Repository) -> None:
    repo.write("SPEC_AUTHORITY.md", UNLOCKED)
    repo.write("locked/p", "EVIL\n")
    repo.stage()
    assert {LOCKED, ("PTH004", "SPEC_AUTHORITY.md")} <= errors(check(repo, "--staged"))


@threat("T76", "settings and an authority below the root", "exit 1: PTH002")
@pytest.mark.parametrize("path", ["src/specguard.toml", "locked/specguard.toml", "src/SPEC_AUTHORITY.md"])
def test_settings_below_the_root_have_no_say(repo: Repository, path: str) -> None:
    repo.commit("feat: x", files={"locked/p": "EVIL\n", path: "[rules.locked-path]\nseverity = 'off'\n"})
    outcome = check(repo)
    assert LOCKED in errors(outcome)
    assert outcome.exit_code == 1


@threat("T76", "variables that look like settings", "exit 1: PTH002")
@pytest.mark.parametrize(
    "name", ["SPECGUARD_CONFIG", "SPECGUARD_AUTHORITY", "SPECGUARD_IGNORE", "SPECGUARD_BASE"]
)
def test_the_environment_has_no_say(repo: Repository, name: str) -> None:
    (repo.path / "other.md").write_text(UNLOCKED)
    repo.commit("feat: x", files={"locked/p": "EVIL\n"})
    fails(check(repo, env={name: "other.md"}), LOCKED)


@threat("T76", "another authority, which the report calls untrusted", "exit 0")
def test_another_authority_is_said_in_the_report(repo: Repository) -> None:
    other = repo.path.parent / "other.md"
    other.write_text(UNLOCKED)
    repo.commit("feat: x", files={"locked/p": "EVIL\n"})
    outcome = check(repo, "--authority", str(other))
    assert errors(outcome) == set()
    assert outcome.exit_code == 0
    assert outcome.report["authority"]["trusted"] is False
    assert any("other.md" in note for note in outcome.report["notes"])


@threat("T72", "a workflow of the platform that stops to run specguard", "exit 1: PTH004")
def test_a_workflow_that_stops_to_run_specguard(repo: Repository) -> None:
    repo.checkout("main")
    workflow = "on: [pull_request]\njobs:\n  guard:\n    steps:\n    - run: specguard check --enforce\n"
    repo.commit("ci: guard", files={".github/workflows/guard.yml": workflow})
    repo.branch("later")
    repo.commit(
        "ci: x", files={".github/workflows/guard.yml": workflow.replace("guard:", "guard:\n    if: false")}
    )
    fails(check(repo), ("PTH004", ".github/workflows/guard.yml"))
