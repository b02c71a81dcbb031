"""What is said of a guarded path: what happened to it, in which commit, and what puts it back."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Case, Repository, Step, run_case, run_here

if TYPE_CHECKING:
    from collections.abc import Sequence

POLICY = "[rules.locked-path]\npaths = ['kept/']\n"


def judge(*commits: Step, base: Step | None = None, policy: str = POLICY) -> Sequence[dict[str, Any]]:
    """The findings of PTH002."""
    case = Case(
        args=("--select=PTH002",), policy=policy, base=(base or Step(),), commits=commits, expect=None
    )
    findings: list[dict[str, Any]] = run_case(case, installed=False).report["findings"]
    return findings


@pytest.mark.parametrize(
    "path", [b"kept/a", b"kept/a b", b"kept/[a]*?", b":(top)kept", b"kept/it's", b"kept/\\a\n", b"kept/\xff"]
)
@pytest.mark.parametrize("done", ["added", "modified", "deleted"])
def test_the_command_that_puts_it_back_does_that(repository: Repository, path: bytes, done: str) -> None:
    policy = "[rules.locked-path]\npaths = ['kept/', '/:(top)kept']\n"
    repository.write("SPEC_AUTHORITY.md", f"# Authority\n\n```toml specguard\n{policy}```\n")
    # A pattern of git's would take these too.
    repository.write("kept/aa", "a\n")
    if done != "added":
        repository.write(path, "a\n")
    repository.commit("chore: base")
    repository.branch("work")
    if done == "deleted":
        repository.delete(path)
    else:
        repository.write(path, "b\n")
    repository.stage()
    words = ("check", "--staged", "--select=PTH002", "--output-format=json")
    [found] = run_here(*words, directory=repository.path).report["findings"]
    step, command, rest = found["help"].split("`")
    assert step == ("Take it out with " if done == "added" else "Put it back with ")
    assert "commit" not in rest
    subprocess.run(["bash", "-c", command], cwd=repository.path, check=True, capture_output=True)
    outcome = run_here(*words, directory=repository.path)
    assert (outcome.exit_code, outcome.report["findings"]) == (0, [])


BROUGHT = Step("feat: b", files={"kept/b": "b\n", "src/c": "c\n"})
TAKEN_BACK = Step("fix: no b", delete=["kept/b"])


def test_what_one_commit_brings_and_another_takes_back_lands_with_both() -> None:
    commits = (Step("feat: a", files={"src/a": "a\n"}), BROUGHT, TAKEN_BACK)
    case = Case(args=("--select=PTH002",), policy=POLICY, commits=commits, expect=None)
    report = run_case(case, installed=False).report
    [found] = report["findings"]
    commit = found["location"]["commit"]
    assert found["message"] == (
        f"kept/b was added in commit {commit[:12]} and put back later; kept/ is locked"
    )
    assert found["help"].startswith("Take it out of that commit with `")
