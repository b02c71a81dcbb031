"""At the end of a turn the working tree is judged, and an agent is held up for it so often and no more."""

import os
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import GitError, Repository
from tests.integrations.hooks.asking import Asked, Session, ask, begun
from tests.scripts import play, scripts


@pytest.fixture
def repository(project: Repository) -> Repository:
    """One in which a guarded file is changed."""
    project.write("docs/api/x.yaml", "changed\n")
    return project


@pytest.fixture
def session(repository: Repository) -> Session:
    return Session(repository)


@pytest.mark.parametrize("agent", ["claude", "codex", "gemini"])
def test_an_end_is_held_up_three_times_in_a_row(agent: str, repository: Repository) -> None:
    session = Session(repository, agent)
    kinds = [session.stop(again).kind for again in (False, True, True, True, True)]
    assert kinds == ["refuse", "refuse", "refuse", "tell", "tell"]
    assert session.stop().kind == "refuse", "a new turn is a new one"


def test_what_is_left_is_said_and_counted(session: Session) -> None:
    refusal = session.stop().refusal
    assert "1 finding left" in refusal
    assert "PTH001 forbidden-path: docs/api/x.yaml" in refusal
    assert 'SPEC_AUTHORITY.md:7: paths = ["docs/api/"]' in refusal
    assert "git checkout" in refusal
    for number in range(30):
        session.repository.write(f"docs/api/{number}", "x")
    refusal = session.stop().refusal
    assert "31 findings left" in refusal
    assert "; likewise docs/api/1, docs/api/10, docs/api/11, " in refusal
    assert len(refusal.split()) <= 120


def test_what_is_left_in_the_index_alone_is_shown_there(session: Session) -> None:
    session.repository.git("add", "--all")
    session.repository.git("restore", "--source=HEAD", "docs/api/x.yaml")
    assert "`specguard check --staged` shows it again" in session.stop().refusal


def test_a_conflict_of_a_merge_is_no_finding(project: Repository) -> None:
    session = Session(project)
    project.commit("feat: mine", files={"src/a": "mine\n"})
    mine = project.oid()
    project.branch("theirs", "HEAD~1")
    project.commit("feat: theirs", files={"src/a": "theirs\n"})
    with pytest.raises(GitError):
        project.git("merge", mine)
    assert project.git("status", "--porcelain").startswith("AA src/a")
    assert session.stop().kind == "pass"
    project.write("docs/api/x.yaml", "changed\n")
    assert "1 finding left" in session.stop().refusal


def test_without_a_sign_of_a_new_turn_the_session_counts(session: Session) -> None:
    assert [session.stop(None).kind for _ in range(4)] == ["refuse"] * 3 + ["tell"]
    for content, kind in (("a\n", "pass"), ("b\n", "refuse")):
        session.repository.write("docs/api/x.yaml", content)
        assert session.stop(None).kind == kind


def test_a_count_of_cursor_says_that_the_turn_goes_on(repository: Repository) -> None:
    def stop(loops: int) -> Asked:
        event = {"hook_event_name": "stop", "loop_count": loops, "workspace_roots": [str(repository.path)]}
        return ask("cursor", event, repository.path)

    answers = [stop(loops) for loops in (0, 1, 2, 3, 0)]
    assert ["followup_message" in one.data for one in answers] == [True, True, True, False, True]
    assert answers[3].data == {}


def test_sessions_and_agents_are_counted_apart(session: Session, tmp_path: Path) -> None:
    for name in ("a", "b", "../../x", ""):
        assert "1 of 3" in session.ask({"hook_event_name": "Stop"}, name).refusal
    assert not (tmp_path / "x").exists()


def test_a_git_folder_that_cannot_be_written_is_no_endless_loop(session: Session) -> None:
    (session.repository.git_dir / "specguard").write_text("a file in its place")
    assert [session.stop(again).kind for again in (False, True)] == ["refuse", "tell"]


def test_what_is_remembered_may_be_anything(session: Session) -> None:
    session.stop(None)
    [file] = (session.repository.git_dir / "specguard/sessions").iterdir()
    for content in (
        b"", b"[]", b"{", b'{"stops": "x", "told": []}', b'{"stops": 1e999, "told": [1]}', b"[" * 100_000
    ):  # fmt: skip
        file.write_bytes(content)
        assert "1 of 3" in session.stop(None).refusal, content[:50]


def test_nothing_is_written_through_a_link(session: Session, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", session.repository.git_dir / "specguard")
    assert session.stop().kind == "refuse"
    assert not os.listdir(tmp_path / "elsewhere")


def test_after_a_command_gemini_keeps_what_the_tool_said(repository: Repository) -> None:
    event = {"hook_event_name": "AfterTool", "tool_name": "run_shell_command", "tool_input": {"command": "x"}}
    asked = Session(repository, "gemini").ask(event)
    assert "decision" not in asked.data
    assert "PTH001" in asked.told


def test_the_end_of_a_turn_in_a_worktree_judges_that_one(project: Repository, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    project.git("worktree", "add", "-q", "-b", "other", str(tree))
    (tree / "docs/api/x.yaml").write_text("changed\n")
    assert begun(project).stop().kind == "pass"
    event = {"hook_event_name": "Stop", "stop_hook_active": False, "session_id": "s", "cwd": str(tree)}
    assert ask("claude", event, tree).kind == "refuse"
    environment = {"CLAUDE_PROJECT_DIR": str(project.path)}
    asked = ask("claude", event, project.path, environment=environment)
    assert asked.kind == "refuse", "the agent has gone to a worktree of its project"


@pytest.mark.parametrize("script", scripts(__file__))
def test_what_is_said_and_when(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)
