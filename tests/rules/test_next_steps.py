"""What findings tell to do next is typed in, from the state in which it is told, and puts them right."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Case, Repository, Step
from specguard.testing.running import run_here
from specguard_rules.finding_texts import QUOTED_LENGTH, alternatives, quote
from tests.rules.items import type_in

COMMAND = re.compile(r"`((?:git|rm|mkdir|FILTER\w*=1) (?:[^`']|'[^']*')*)`")
CASES = {case.name: case for case in Case.load_all(Path(__file__).with_name("next_steps.toml"))}
LOCKED = '[rules.locked-path]\npaths = ["ci/"]\n'
CI = Step("chore: base", files={"ci/a": "1"})


def test_names_are_quoted_and_long_ones_cut_with_a_count() -> None:
    assert quote("a" * QUOTED_LENGTH) == f"'{'a' * QUOTED_LENGTH}'"
    assert quote("a" * (QUOTED_LENGTH + 7)) == f"'{'a' * QUOTED_LENGTH}...' (7 more characters)"
    assert alternatives(["a", "b"]) == "'a' or 'b'"


def typed(repository: Repository, help_: str, subject: str = "feat: one") -> None:
    """Type the command of a next step, without an editor."""
    found = COMMAND.search(help_)
    assert found, help_
    command = (
        found[1]
        .replace("<name>", "another")
        .replace("SUBJECT", f"'{subject}'")
        .replace("NEW_NAME", "renamed")
        .replace("REASON", "It broke the build.")
    )
    type_in(repository, command)


def judged(repository: Repository, words: list[str]) -> list[dict[str, Any]]:
    """The findings of a check, of a push of the branch if it is one."""
    pushed = f"refs/heads/work {repository.oid()} refs/heads/work {'0' * 40}\n"
    stdin = pushed if "--push" in words else ""
    outcome = run_here("check", "--output-format=json", *words, directory=repository.path, stdin=stdin)
    return list(outcome.report["findings"])


def left(repository: Repository) -> list[str]:
    """What is not committed, and what is put aside."""
    asked = ("status", "--porcelain", "--untracked-files=no"), ("stash", "list", "--format=%s")
    shown = ("show", ":notes"), ("show", ":new")
    return [repository.git(*words) for words in (*asked, *shown)]


@pytest.mark.parametrize("name", CASES)
def test_what_is_told_next_puts_it_right(name: str, tmp_path: Path) -> None:
    """Beside a step for a commit there is other work, which stays as it is."""
    case = CASES[name]
    earliest, *base = case.base
    files: dict[Any, Any] = {**earliest.files, "notes": "1\n"}
    case = replace(case, base=[replace(earliest, files=files), *base])
    repository = case.build(tmp_path / "repository")
    words = case.arguments(tmp_path, repository.names)
    if case.origin and "--select=BRN003" not in words:
        repository.git("remote", "set-url", "origin", str(repository.path))
    beside = case.staged is None and case.worktree is None
    if beside:
        repository.write("notes", "put aside before\n")
        repository.git("stash", "push", "-q")
        for path in ("notes", "new"):
            repository.write(path, "staged\n")
            repository.git("add", path)
            repository.write(path, "not staged\n")

    first, *others = judged(repository, words)
    kept = {branch: repository.oid(branch) for branch in ("main", "origin/main") if case.origin}
    before = left(repository) if beside else []
    guarded = ("ci", "docs", "configs")
    listed = {name for name in repository.git("ls-files").split("\n") if not name.startswith(guarded)}
    for finding in (first, *others):
        typed(repository, finding["help"], "task_001: a" if "--select=WRK001" in words else "feat: one")
    assert {branch: repository.oid(branch) for branch in kept} == kept
    assert listed - {"b"} <= set(repository.git("ls-files").split("\n"))
    assert judged(repository, words) == []
    if beside:
        assert left(repository) == before
        assert repository.read("notes") == repository.read("new") == b"not staged\n"
        assert "new" not in repository.git("log", "--format=", "--name-only").split("\n")


def guarded_by_both(path: Path) -> Repository:
    """A guarded file that the last commit changes beside another one, and further work on both of them."""
    commits = [Step("feat: a", files={"ci/a": "2\n", "b": "1\n"})]
    repository = Case(policy=LOCKED, base=[CI], commits=commits).build(path / "repository")
    repository.write("ci/a", "not committed\n")
    repository.write("b", "not committed\n")
    return repository


def test_what_is_not_committed_in_the_same_file_is_kept_by_git(tmp_path: Path) -> None:
    repository = guarded_by_both(tmp_path)
    [finding] = judged(repository, ["--select=PTH002"])
    with pytest.raises(AssertionError, match="git stash pop"):
        typed(repository, finding["help"])
    assert judged(repository, ["--select=PTH002"]) == []
    kept = [repository.git("show", f"stash@{{0}}:{path}") for path in ("ci/a", "b")]
    assert kept == ["not committed", "not committed"]


@pytest.mark.parametrize("environment", [{"CI": "true"}, {}])
def test_a_step_puts_aside_nothing_where_nothing_is_or_it_is_another_machines(
    environment: dict[str, str], tmp_path: Path
) -> None:
    repository = guarded_by_both(tmp_path)
    if not environment:
        repository.git("checkout", "-q", "--", ".")
        (repository.path / "b").touch()
        # Git need not see the mode of a file.
        repository.git("config", "core.fileMode", "false")
        (repository.path / "ci/a").chmod(0o755)
        repository.write("untracked", "1\n")
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{repository.oid()},module")
    outcome = run_here("check", directory=repository.path, env=environment)
    assert "&& git commit --amend --no-edit --allow-empty`" in outcome.stdout
    assert "stash" not in outcome.stdout


def test_a_step_that_was_kept_follows_what_is_not_committed(tmp_path: Path) -> None:
    repository = guarded_by_both(tmp_path)
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    words = ("check", "--all", "--base=main")
    assert "git stash" in run_here(*words, directory=repository.path, env=cache).stdout
    repository.git("checkout", "-q", "--", ".")
    later = run_here(*words, directory=repository.path, env=cache).stdout
    assert "--amend" in later
    assert "stash" not in later
