"""However a guarded file is named, an edit of it is refused; and what is not guarded may be edited."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Repository
from specguard.testing.repository import clean_environment
from tests.integrations.hooks.asking import ask, edit, guarded, write
from tests.scripts import play, scripts

if TYPE_CHECKING:
    from pathlib import Path


def test_a_link_from_outside_lands_inside(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    os.symlink(repository.path / "docs", tmp_path / "elsewhere")
    asked = ask("claude", write(str(tmp_path / "elsewhere/api/x.yaml"), tmp_path), repository.path)
    assert "PTH001" in asked.refusal


def test_the_folder_of_the_call_is_what_a_name_starts_from(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    asked = ask("claude", write("x.yaml", repository.path / "docs/api"), repository.path)
    assert "PTH001" in asked.refusal
    assert ask("claude", write("x.yaml", repository.path / "src"), repository.path).kind == "pass"


def test_the_project_is_guarded_from_wherever_the_agent_is(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    environment = {"CLAUDE_PROJECT_DIR": str(repository.path)}
    event = write(f"{repository.path}/docs/api/x.yaml", tmp_path)
    assert "PTH001" in ask("claude", event, tmp_path, environment=environment).refusal


def test_a_worktree_is_guarded_like_the_rest(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    repository.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    inside = repository.path / ".claude/worktrees/one"
    repository.git("worktree", "add", "-q", "-b", "third", str(inside))
    for directory, start in (
        (tmp_path / "tree", tmp_path / "tree"),
        (repository.path, tmp_path / "tree"),
        (repository.path, inside),
    ):
        asked = ask("claude", write(f"{start}/docs/api/x.yaml", directory), directory)
        assert "PTH001" in asked.refusal, (directory, start)
        assert ask("claude", write(f"{start}/src/a.py", directory), directory).kind == "pass"


def test_a_repository_made_around_a_guarded_file_does_not_take_it_out(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    Repository(repository.path / "docs/api")
    asked = edit(repository, "docs/api/x.yaml")
    assert "PTH001" in asked.refusal
    asked = ask(
        "claude",
        write("x.yaml", repository.path / "docs/api"),
        repository.path / "docs/api",
        environment={"CLAUDE_PROJECT_DIR": str(repository.path)},
    )
    assert "PTH001" in asked.refusal


def test_in_a_worktree_the_shared_git_folder_is_refused(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    tree = tmp_path / "tree"
    repository.git("worktree", "add", "-q", "-b", "other", str(tree))
    for path in (
        f"{repository.path}/.git/hooks/pre-push",
        ".git",
        f"{repository.path}/.git/worktrees/tree/HEAD",
    ):
        assert ask("claude", write(path, tree), tree).kind == "refuse"


def test_the_cache_and_the_installation_are_refused(tmp_path: Path) -> None:
    import specguard

    repository = guarded(tmp_path / "repository")
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    for path in (tmp_path / "cache/specguard/1/x.json", f"{os.path.dirname(specguard.__file__)}/model.py"):
        asked = edit(repository, path, environment=environment)
        assert asked.kind == "refuse"


def test_nothing_is_left_in_the_repository(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")

    def files() -> list[str]:
        """All but what the hook remembers in git's own folder."""
        found = sorted(str(path.relative_to(repository.path)) for path in repository.path.rglob("*"))
        return [name for name in found if not name.startswith(".git/specguard")]

    before = files()
    edit(repository, "src/a.py")
    edit(repository, "docs/api/x.yaml")
    assert files() == before
    done = subprocess.run(["git", "fsck"], cwd=repository.path, env=clean_environment(), check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("script", scripts(__file__))
def test_however_it_is_reached(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)
