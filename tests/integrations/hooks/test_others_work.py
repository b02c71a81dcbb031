"""What a person has not committed is no business of the agent's; what it gives back it may give back."""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from specguard.change.git import Git
from specguard.testing import Repository
from tests.integrations.hooks.asking import Session, begun, guarded, write
from tests.scripts import play, scripts


def edited(path: Path) -> Repository:
    """A repository with edits of a person in guarded files, staged and not, and a new file."""
    repository = guarded(path)
    repository.write("configs/c", "a person's\n")
    repository.git("add", "configs/c")
    repository.write("docs/api/x.yaml", "a person's\n")
    repository.write("docs/api/new.yaml", "a person's\n")
    repository.write("src/unfinished.py", "x = 1  # DO NOT COMMIT\n")
    return repository


@pytest.mark.parametrize("agent", ["claude", "codex"])
def test_what_was_there_before_blocks_nobody(agent: str, tmp_path: Path) -> None:
    session = begun(edited(tmp_path / "repository"), agent)
    assert session.run("echo 'y = 1' > src/b.py").kind == "pass"
    assert session.run("git stash -q && git stash pop -q --index").kind == "pass"
    assert session.run("git add -A").kind == "pass"
    assert session.stop().kind == "pass"
    session.repository.git("commit", "-q", "-m", "feat: all of it")
    assert "PTH001" in session.after().refusal, "a commit is judged whole"


def test_so_it_is_in_the_main_worktree_for_a_session_that_comes_there_from_another(tmp_path: Path) -> None:
    session, folder = Session(edited(tmp_path / "repository")), tmp_path / "side"
    session.repository.git("worktree", "add", "-q", str(folder))
    session.ask({"hook_event_name": "SessionStart", "source": "startup", "cwd": str(folder)})
    assert session.run("true").kind == "pass"
    assert "not by you" in session.before("git checkout docs/api/x.yaml").refusal
    session.repository.write("docs/api/x.yaml", "the agent's\n")
    assert "by hand" in session.after().refusal
    for record in (session.repository.path / ".git/specguard/sessions").iterdir():
        record.unlink()
    assert session.before("true").kind == "pass"
    assert "docs/api/x.yaml" in session.stop().refusal


def test_what_a_command_has_left_there_as_the_session_comes_may_be_its_own(tmp_path: Path) -> None:
    session, folder = Session(edited(tmp_path / "repository")), tmp_path / "side"
    session.repository.git("worktree", "add", "-q", str(folder))
    session.ask({"hook_event_name": "SessionStart", "source": "startup", "cwd": str(folder)})
    assert "docs/api/x.yaml" in session.after().refusal
    session.repository.git("stash", "-q", "--include-untracked")
    assert session.after().kind == "pass"
    session.repository.git("stash", "pop", "-q")
    assert session.before("true").kind == "pass"
    assert "docs/api/x.yaml" in session.stop().refusal


@pytest.mark.parametrize("path", ["configs/c", "docs/api/x.yaml", "docs/api/new.yaml", "src/unfinished.py"])
def test_once_it_is_altered_it_is_judged(path: str, tmp_path: Path) -> None:
    session = begun(edited(tmp_path / "repository"))
    content = (session.repository.path / path).read_text()
    session.repository.write(path, f"another # {content}")
    said = session.after().refusal
    assert path in said
    assert ("Take out by hand what you wrote there" in said) is (path != "src/unfinished.py")
    if path in session.repository.git("ls-tree", "-r", "--name-only", "HEAD").split("\n"):
        assert "not by you" in session.before(f"git checkout HEAD -- {path}").refusal
    session.repository.write(path, content)
    assert session.after().kind == "pass"
    (session.repository.path / path).chmod(0o755)
    assert path in session.stop().refusal


def test_an_edit_of_the_same_size_and_second_as_the_commit_is_seen(project: Repository) -> None:
    time.sleep(1 - time.time() % 1)
    project.commit("feat: x", files={"src/a.py": "x = 2\n"})
    project.write("src/a.py", "x = 3\n")
    time.sleep(1 - time.time() % 1)
    session = begun(project)
    assert "src/a.py: edited before" in session.before("git checkout src/a.py").refusal


def test_an_edit_that_is_stashed_is_guarded_once_it_is_back(project: Repository) -> None:
    project.write("configs/c", "a person's\n")
    session = begun(project)
    session.run("git stash -q")
    project.write("configs/c", "the agent's\n")
    [step] = re.findall(r"next: .*?`(git checkout [^`]+)`", session.after().refusal)
    assert session.run(step).kind == "pass"
    assert session.run("git stash pop -q").kind == "pass"
    project.write("configs/c", "a person's and the agent's\n")
    assert "Take out by hand" in session.after().refusal
    for command in ("git stash -q", "git stash pop -q"):
        session.run(command)
        assert ("configs/c: edited before" in session.before(step).refusal) is ("stash -q" not in command)


def broken(repository: Repository, how: str) -> None:
    """Break the rule in one of the ways that have steps of their own."""
    repository.write("docs/api/x.yaml", "b\n")
    if "add" in how:
        repository.write("docs/api/new.yaml", "b\n")
    if "delete" in how:
        (repository.path / "docs/api/x.yaml").unlink()
    if "move" in how:
        repository.write("docs/api/x.yaml", "a\n")
        repository.git("mv", "docs/api/x.yaml", "src/x.yaml")
    if "many" in how:
        for number in range(20):
            repository.write(f"docs/api/more/{number}", f"{number}\n")
    if "staged" in how:
        repository.git("add", "-A")


@pytest.mark.parametrize("staged", ["", " staged"])
@pytest.mark.parametrize("how", ["modify", "add", "delete", "move", "many"])
def test_every_step_that_is_said_may_be_taken_and_helps(how: str, staged: str, tmp_path: Path) -> None:
    session = begun(guarded(tmp_path / "repository"))
    how += staged
    broken(session.repository, how)
    said = session.after().refusal
    assert "PTH001" in said
    assert len(said.split()) <= 120
    for command in re.findall(r"next: .*?`([^`]+)`", said):
        session.run(command)
    assert session.stop().kind == "pass", how


def test_a_commit_of_the_session_is_taken_back_with_what_it_said(tmp_path: Path) -> None:
    session = begun(guarded(tmp_path / "repository"))
    names = ("docs/api/x.yaml", "docs/api/new.yaml", "src/b.py")
    session.repository.commit("feat: x", files=dict.fromkeys(names, "b\n"))
    steps = re.findall(r"next: .*?`([^`]+)`", session.after().refusal)
    assert any(step.startswith("git checkout ") for step in steps)
    for step in steps:
        session.run(step)
    assert session.before("git commit --amend --no-edit -q").kind == "pass"
    session.repository.git("commit", "--amend", "--no-edit", "-q")
    (session.repository.path / "docs/api/new.yaml").unlink(missing_ok=True)
    assert session.after().kind == "pass"


def test_thousands_of_files_that_are_not_committed_are_bounded(project: Repository) -> None:
    for number in range(2_000):
        project.write(f"docs/api/{number % 100}/{number}", f"{number}\n")
    began = time.monotonic()
    session = begun(project)
    assert time.monotonic() - began < 20
    assert session.stop().kind == "pass"
    project.write("docs/api/x.yaml", "b\n")
    assert "1 finding left" in session.stop().refusal


@pytest.mark.parametrize("known", [False, True])
def test_a_content_that_no_commit_has_is_not_looked_for_where_the_branch_left(
    known: bool, project: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    if known:
        project.git("hash-object", "-w", "--stdin", stdin=b"another\n")
    session = begun(project)
    asked: list[str] = []
    bases = Git.merge_bases

    def merge_bases(git: Git, one: str, other: str) -> Sequence[str]:
        asked.append(one)
        return bases(git, one, other)

    monkeypatch.setattr(Git, "merge_bases", merge_bases)
    assert session.ask(write("docs/api/x.yaml", project.path, "another\n")).refusal
    assert bool(asked) is known


@pytest.mark.parametrize("script", scripts(__file__))
def test_a_persons_work(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)
