"""At the end of a turn the working tree is judged, and an agent is held up for it so often and no more."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import run_here
from tests.integrations.hooks.asking import ask, begun, stop

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.testing import Repository

ENDS: dict[str, dict[str, Any]] = {
    "claude": {"hook_event_name": "Stop", "stop_hook_active": False},
    "codex": {"hook_event_name": "Stop", "turn_id": "t", "stop_hook_active": False},
    "gemini": {"hook_event_name": "AfterAgent", "stop_hook_active": False},
}


@pytest.fixture
def repository(project: Repository) -> Repository:
    """One in which a guarded file is changed."""
    project.write("docs/api/x.yaml", "changed\n")
    return project


@pytest.mark.parametrize("agent", ENDS)
def test_an_end_is_held_up_three_times_in_a_row(agent: str, repository: Repository) -> None:
    event = {**ENDS[agent], "session_id": "s", "cwd": str(repository.path)}
    kinds = [ask(agent, event, repository.path).kind]
    kinds += [ask(agent, {**event, "stop_hook_active": True}, repository.path).kind for _ in range(4)]
    assert kinds == ["refuse", "refuse", "refuse", "tell", "tell"]
    assert ask(agent, event, repository.path).kind == "refuse", "a new turn is a new one"


def test_what_is_left_is_said_and_counted(repository: Repository) -> None:
    event = {**ENDS["claude"], "cwd": str(repository.path)}
    refusal = ask("claude", event, repository.path).refusal
    assert "1 finding left" in refusal
    assert "PTH001 forbidden-path: docs/api/x.yaml" in refusal
    assert 'SPEC_AUTHORITY.md:7: paths = ["docs/api/"]' in refusal
    assert "git checkout" in refusal
    for number in range(30):
        repository.write(f"docs/api/{number}", "x")
    refusal = ask("claude", event, repository.path).refusal
    assert "31 findings left" in refusal
    assert "; likewise docs/api/1, docs/api/10, docs/api/11, " in refusal
    assert len(refusal.split()) <= 120


def test_what_a_commit_has_is_said_once_with_the_command_that_shows_it(project: Repository) -> None:
    project.commit("feat: x", files={"docs/api/x.yaml": "changed\n"})
    event = {**ENDS["claude"], "session_id": "s", "cwd": str(project.path)}
    told = ask("claude", event, project.path).refusal
    assert "the commits of the branch" in told
    assert "`specguard check` shows it again" in told
    assert "PTH001" in run_here("check", directory=project.path).stdout
    assert ask("claude", event, project.path).kind == "pass"


def test_without_a_sign_of_a_new_turn_the_session_counts(repository: Repository) -> None:
    event = stop(repository.path)
    assert [ask("claude", event, repository.path).kind for _ in range(4)] == ["refuse"] * 3 + ["tell"]
    repository.write("docs/api/x.yaml", "a\n")
    assert ask("claude", event, repository.path).kind == "pass"
    repository.write("docs/api/x.yaml", "b\n")
    assert ask("claude", event, repository.path).kind == "refuse"


def test_cursor_counts_for_itself(repository: Repository) -> None:

    def stop(loops: int) -> dict[str, Any]:
        return {"hook_event_name": "stop", "loop_count": loops, "workspace_roots": [str(repository.path)]}

    answers = [ask("cursor", stop(loops), repository.path) for loops in (0, 2, 3, 5)]
    assert ["followup_message" in one.data for one in answers] == [True, True, False, False]
    assert answers[-1].data == {}
    assert "PTH001" not in answers[-1].stdout


def test_sessions_and_agents_are_counted_apart(repository: Repository, tmp_path: Path) -> None:
    for session in ("a", "b", "../../x", ""):
        event = {"hook_event_name": "Stop", "session_id": session, "cwd": str(repository.path)}
        assert "1 of 3" in ask("claude", event, repository.path).refusal
    assert not (tmp_path / "x").exists()


def test_a_git_folder_that_cannot_be_written_is_no_endless_loop(repository: Repository) -> None:
    (repository.git_dir / "specguard").write_text("a file in its place")
    event = {**ENDS["claude"], "session_id": "s", "cwd": str(repository.path)}
    assert ask("claude", event, repository.path).kind == "refuse"
    assert ask("claude", {**event, "stop_hook_active": True}, repository.path).kind == "tell"


def test_what_is_remembered_may_be_anything(repository: Repository) -> None:
    event = stop(repository.path)
    ask("claude", event, repository.path)
    [file] = (repository.git_dir / "specguard/sessions").iterdir()
    for content in (
        b"", b"[]", b"{", b'{"stops": "x", "told": []}', b'{"stops": 1e999, "told": [1]}', b"[" * 100_000
    ):  # fmt: skip
        file.write_bytes(content)
        assert "1 of 3" in ask("claude", event, repository.path).refusal, content[:50]


def test_nothing_is_written_through_a_link(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", repository.git_dir / "specguard")
    event = {**ENDS["claude"], "session_id": "s", "cwd": str(repository.path)}
    assert ask("claude", event, repository.path).kind == "refuse"
    assert not os.listdir(tmp_path / "elsewhere")


def test_after_a_command_what_is_new_is_told_once(project: Repository) -> None:
    event = {
        "hook_event_name": "PostToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": "python3 x.py"},
        "tool_response": {},
        "session_id": "s",
        "cwd": str(project.path),
    }
    begun(project)
    assert ask("claude", event, project.path).kind == "pass"
    project.write("docs/api/x.yaml", "changed\n")
    first = ask("claude", event, project.path)
    assert "PTH001" in first.refusal
    assert ask("claude", event, project.path).kind == "pass"
    project.write("src/a.py", "DO NOT COMMIT\n")
    second = ask("claude", event, project.path)
    assert "CNT001" in second.refusal
    assert "PTH001" not in second.refusal


def test_after_a_command_gemini_keeps_what_the_tool_said(repository: Repository) -> None:
    event = {
        "hook_event_name": "AfterTool",
        "tool_name": "run_shell_command",
        "tool_input": {"command": "x"},
        "cwd": str(repository.path),
    }
    asked = ask("gemini", event, repository.path)
    assert "decision" not in asked.data
    assert "PTH001" in asked.told


def test_the_end_of_a_turn_in_a_worktree_judges_that_one(project: Repository, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    project.git("worktree", "add", "-q", "-b", "other", str(tree))
    (tree / "docs/api/x.yaml").write_text("changed\n")
    event = {**ENDS["claude"], "session_id": "s"}
    begun(project)
    assert ask("claude", {**event, "cwd": str(project.path)}, project.path).kind == "pass"
    assert ask("claude", {**event, "cwd": str(tree)}, tree).kind == "refuse"
    environment = {"CLAUDE_PROJECT_DIR": str(project.path)}
    asked = ask("claude", {**event, "cwd": str(tree)}, project.path, environment=environment)
    assert asked.kind == "refuse", "the agent has gone to a worktree of its project"
