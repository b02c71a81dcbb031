"""However a guarded file is named, an edit of it is refused; and what is not guarded may be edited."""

import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Repository
from specguard.testing.repository import clean_environment
from tests.integrations.hooks.asking import ask, bash, call, edit, guarded, write
from tests.scripts import play, scripts


def test_it_is_guarded_from_wherever_the_agent_is(project: Repository, tmp_path: Path) -> None:
    os.symlink(project.path / "docs", tmp_path / "elsewhere")
    environment = {"CLAUDE_PROJECT_DIR": str(project.path)}
    for event, start, more in (
        (write(str(tmp_path / "elsewhere/api/x.yaml"), tmp_path), project.path, {}),
        (write("x.yaml", project.path / "docs/api"), project.path, {}),
        (write(f"{project.path}/docs/api/x.yaml", tmp_path), tmp_path, environment),
    ):
        assert "PTH001" in ask("claude", event, start, environment=more).refusal
    assert ask("claude", write("x.yaml", project.path / "src"), project.path).kind == "pass"


def test_a_worktree_is_guarded_like_the_rest(project: Repository, tmp_path: Path) -> None:
    project.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    inside = project.path / ".claude/worktrees/one"
    project.git("worktree", "add", "-q", "-b", "third", str(inside))
    for directory, start in (
        (tmp_path / "tree", tmp_path / "tree"),
        (project.path, tmp_path / "tree"),
        (project.path, inside),
    ):
        asked = ask("claude", write(f"{start}/docs/api/x.yaml", directory), directory)
        assert "PTH001" in asked.refusal, (directory, start)
        assert ask("claude", write(f"{start}/src/a.py", directory), directory).kind == "pass"


def test_git_in_another_repository_is_not_judged_by_this_policy(project: Repository, tmp_path: Path) -> None:
    for path in ("other", "repository/sub/module", "repository/made"):
        Repository(tmp_path / path)
    project.git("worktree", "add", "-q", "-b", "linked", str(tmp_path / "linked"))
    project.git("init", "-q", "--bare", "../bare.git")
    (tmp_path / "plain").mkdir()
    tables = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    long = "git commit -m 'feat: a title that is much longer than fifty characters are'"
    for answer, folders in tables["elsewhere"]["folders"].items():
        for start in folders:
            for command in (long, *tables["elsewhere"]["commands"]):
                words = command.replace("git ", f"git {start[4:]} ", 1) if start.startswith("git ") else ""
                asked = bash(project, words or f"{start} && {command}")
                # The message of a commit is judged after it, which is too late for all else.
                expected = answer if answer != "unknown" else "pass" if command == long else "refuse"
                assert asked.kind == expected, (start, command, asked)
    for command in tables["elsewhere"]["everywhere"]:
        assert bash(project, command).kind == "refuse", command
    environment = {"CLAUDE_PROJECT_DIR": str(project.path)}
    for command in tables["elsewhere"]["commands"]:
        for enter, answer in (("", "pass"), ("cd ../repository/src && ", "refuse")):
            given = {"command": enter + command, "workdir": "../other"}
            for agent, start in (("claude", tmp_path / "other"), ("codex", project.path)):
                asked = ask(agent, call("Bash", given, start), project.path, environment=environment)
                assert asked.kind == answer, (agent, given)
    project.write("docs/api/x.yaml", "changed\n")
    after = call("Bash", given, project.path, hook_event_name="PostToolUse")
    assert "PTH001" in ask("codex", after, project.path).refusal


def test_a_repository_made_around_a_guarded_file_does_not_take_it_out(project: Repository) -> None:
    Repository(project.path / "docs/api")
    start, environment = project.path / "docs/api", {"CLAUDE_PROJECT_DIR": str(project.path)}
    assert "PTH001" in edit(project, "docs/api/x.yaml").refusal
    assert "PTH001" in ask("claude", write("x.yaml", start), start, environment=environment).refusal


def test_in_a_worktree_the_shared_git_folder_is_refused(project: Repository, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    project.git("worktree", "add", "-q", "-b", "other", str(tree))
    for path in (f"{project.path}/.git/hooks/pre-push", ".git", f"{project.path}/.git/worktrees/tree/HEAD"):
        assert ask("claude", write(path, tree), tree).kind == "refuse"


def test_the_cache_and_the_installation_are_refused(tmp_path: Path) -> None:
    import specguard

    repository, cache = guarded(tmp_path / "repository"), tmp_path / "cache/specguard"
    repository.git("worktree", "add", "-q", "--detach", str(cache / "1"))
    for at in (repository, Repository(cache / "1", create=False)):
        for path in (cache / "1/x.json", f"{os.path.dirname(specguard.__file__)}/model.py"):
            assert edit(at, path, environment={"XDG_CACHE_HOME": str(tmp_path / "cache")}).kind == "refuse"


def test_nothing_is_left_in_the_repository(project: Repository) -> None:

    def files() -> list[str]:
        """All but what the hook remembers in git's own folder."""
        found = sorted(str(path.relative_to(project.path)) for path in project.path.rglob("*"))
        return [name for name in found if not name.startswith(".git/specguard")]

    before = files()
    edit(project, "src/a.py")
    edit(project, "docs/api/x.yaml")
    assert files() == before
    done = subprocess.run(["git", "fsck"], cwd=project.path, env=clean_environment(), check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("script", scripts(__file__))
def test_however_it_is_reached(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)
