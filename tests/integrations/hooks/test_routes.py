"""However a guarded file is named, an edit of it is refused; and what is not guarded may be edited."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Repository
from specguard.testing.repository import clean_environment
from tests.integrations.hooks.asking import POLICY, ask, bash, call, edit, guarded, stop, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "path",
    [
        "docs/api/x.yaml",
        "{root}/docs/api/x.yaml",
        "src/../docs/api/x.yaml",
        "DOCS/Api/X.yaml",
        "linked/x.yaml",
        "linked/../api/x.yaml",
        "docs/link.yaml",
        "chain/x.yaml",
        "configs/c",
        "//{root}/docs/api/x.yaml",
        "docs/api",
    ],
)
def test_every_name_of_a_guarded_file_is_refused(path: str, tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    repository.symlink("linked", "docs/api")
    repository.symlink("chain", "linked")
    repository.symlink("docs/link.yaml", "api/x.yaml")
    asked = edit(repository, path.replace("{root}", str(repository.path)))
    assert asked.kind == "refuse", asked
    assert "PTH001" in asked.refusal or "PTH002" in asked.refusal


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


def test_files_outside_are_not_ours(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    for path in (tmp_path / "docs/api/x.yaml", tmp_path / "notes.md"):
        assert edit(repository, str(path)).kind == "pass"


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


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("Write", {"file_path": "src/a.py", "path": "docs/api/x.yaml", "content": "x"}),
        ("Edit", {"file_path": "docs/api/x.yaml", "old_string": "a", "new_string": "b", "edits": []}),
        ("MultiEdit", {"file_path": "docs/api/x.yaml", "old_string": "a", "new_string": "b", "edits": []}),
        ("Edit", {"file_path": "docs/api/x.yaml", "old_string": "zz", "old_str": "a", "new_string": "zz"}),
        ("Write", {"file_path": "docs/api/x.yaml", "content": "a\n", "contents": "b"}),
        (
            "apply_patch",
            {"command": "", "input": "*** Begin Patch\n*** Delete File: docs/api/x.yaml\n*** End Patch"},
        ),
        ("Bash", {"command": "ls", "cmd": "rm docs/api/x.yaml"}),
        ("run_in_terminal", {"command": "rm docs/api/x.yaml"}),
        ("shell", {"command": ["bash", "-lc", "rm docs/api/x.yaml"]}),
        ("shell", {"command": ["rm", "docs/api/x.yaml"]}),
        ("mcp__fs__move_file", {"source": "docs/api/x.yaml", "destination": "src/x"}),
        ("mcp__fs__edit_files", {"paths": ["src/a.py", "docs/api/x.yaml"]}),
    ],
)
def test_a_call_is_read_in_every_way_that_a_program_may_read_it(
    tool: str, given: dict[str, Any], tmp_path: Path
) -> None:
    repository = guarded(tmp_path / "repository")
    asked = ask("claude", call(tool, given, repository.path), repository.path)
    assert "PTH001" in asked.refusal, asked


@pytest.mark.parametrize(
    "command", ["rm -rf {root}", "rm -rf ..", "mv {root} {root}-old", "cd .. && rm -r repository"]
)
def test_the_repository_itself_is_not_removed(command: str, tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    words = command.replace("{root}", str(repository.path))
    asked = bash(repository, words)
    assert "PTH001" in asked.refusal, asked
    assert "git's own folder" in asked.refusal


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


@pytest.mark.parametrize(
    "path",
    [
        ".git/hooks/pre-commit",
        ".git/config",
        ".git",
        ".git/specguard/sessions/x",
        "linked-git/config",
        ".claude/settings.json",
        ".claude/settings.local.json",
    ],
)
def test_what_the_guard_stands_on_is_refused(path: str, tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    repository.symlink("linked-git", ".git")
    for name in ("settings.json", "settings.local.json"):
        repository.write(
            f".claude/{name}", '{"hooks": {"PreToolUse": [{"command": "specguard hook claude"}]}}'
        )
    asked = edit(repository, path)
    assert asked.kind == "refuse", asked


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


def test_a_message_for_git_may_be_written(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    assert edit(repository, ".git/COMMIT_EDITMSG").kind == "pass"


def test_the_folder_of_hooks_that_git_is_told_is_protected(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    repository.git("config", "core.hooksPath", "tools/hooks")
    repository.write("tools/hooks/pre-commit", "#!/bin/sh\nexec specguard check --staged\n")
    assert edit(repository, "tools/hooks/pre-commit").kind == "refuse"
    assert edit(repository, "tools/hooks/README.md").kind == "pass"


def test_hooks_are_not_switched_off(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    home = tmp_path / "home"
    environment = {"HOME": str(home)}
    content = '{"disableAllHooks": true}'
    for path in (".claude/settings.local.json", f"{home}/.claude/settings.json", "~/.claude/settings.json"):
        asked = edit(repository, path, content, environment=environment)
        assert "switch" in asked.refusal, path
    assert edit(repository, ".claude/settings.local.json", "{}").kind == "pass"


def test_the_cache_and_the_installation_are_refused(tmp_path: Path) -> None:
    import specguard

    repository = guarded(tmp_path / "repository")
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    for path in (tmp_path / "cache/specguard/1/x.json", f"{os.path.dirname(specguard.__file__)}/model.py"):
        asked = edit(repository, path, environment=environment)
        assert asked.kind == "refuse"


def test_an_edit_that_puts_a_guarded_file_back_is_allowed(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    repository.write("docs/api/x.yaml", "changed\n")
    assert edit(repository, "docs/api/x.yaml", "a\n").kind == "pass"


def test_ignored_files_are_judged_by_the_guards_alone(tmp_path: Path) -> None:
    policy = POLICY.replace('["docs/api/"]', '["docs/api/", ".env"]')
    repository = guarded(tmp_path / "repository", policy=policy)
    repository.write(".gitignore", "/src/out/\n.env\n")
    content = "DO NOT COMMIT\n"
    assert edit(repository, "src/out/x", content).kind == "pass"
    assert edit(repository, "src/x", content).kind == "refuse"
    assert "PTH001" in edit(repository, ".env").refusal


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("cd docs && echo x >> api/x.yaml", "PTH001"),
        ("rm -rf .", "PTH001"),
        ("mv docs old", "PTH001"),
        ("cp src/a.py configs/c", "PTH002"),
        ("git apply <<'E'\n--- a/docs/api/x.yaml\n+++ b/docs/api/x.yaml\n@@ -1 +1 @@\n-a\n+b\nE\n", "PTH001"),
        (
            "apply_patch <<'E'\n*** Begin Patch\n*** Delete File: docs/api/x.yaml\n*** End Patch\nE\n",
            "PTH001",
        ),
        ("git commit -m 'feat: a title that is much longer than fifty characters are'", "CMT003"),
        ("git commit --no-verify -m 'feat: a'", "no-verify"),
        ("rm -rf .git/hooks", "git's own folder"),
    ],
)
def test_a_command_that_can_be_told_is_refused(command: str, said: str, tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    asked = bash(repository, command)
    assert asked.kind == "refuse", asked
    assert said in asked.refusal


@pytest.mark.parametrize("command", ["python3 make.py", "./build.sh", 'eval "$x"', "echo x > $target"])
def test_a_command_that_cannot_be_told_is_let_through_without_a_word(command: str, tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    asked = bash(repository, command)
    assert asked.kind == "pass", asked


def test_a_finding_is_not_hidden_behind_what_is_unknown(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    patch = (
        "*** Begin Patch\n*** Update File: src/0.py\n@@\n-nowhere\n+y\n"
        "*** Add File: src/b.py\n+DO NOT COMMIT\n*** End Patch\n"
    )
    repository.write("src/0.py", "z = 1\n")
    asked = ask("codex", call("apply_patch", {"command": patch}, repository.path), repository.path)
    assert "CNT001" in asked.refusal


def test_a_write_through_a_hard_link_is_told_at_the_end(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    os.link(repository.path / "docs/api/x.yaml", repository.path / "src/x.yaml")
    assert edit(repository, "src/x.yaml").kind == "pass"
    (repository.path / "src/x.yaml").write_text("new\n")
    said = ask("claude", stop(repository.path), repository.path).refusal
    assert "docs/api/x.yaml" in said


def test_a_companion_may_come_with_a_later_edit(tmp_path: Path) -> None:
    policy = POLICY.replace(
        "[rules.commit-form]",
        '[[rules.missing-companion.companions]]\nwhen = ["src/**"]\nrequire = ["CHANGELOG.md"]\n\n'
        "[rules.commit-form]",
    )
    repository = guarded(tmp_path / "repository", policy=policy)
    assert edit(repository, "src/a.py").kind == "pass"
    repository.write("src/a.py", "new\n")
    said = ask("claude", stop(repository.path, stop_hook_active=False), repository.path).refusal
    assert "PTH007" in said


def test_a_sha256_repository_is_judged_too(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository", object_format="sha256")
    repository.commit("feat: begin", files={"SPEC_AUTHORITY.md": POLICY, "docs/api/x.yaml": "a\n"})
    repository.branch("work")
    assert edit(repository, "src/a.py").kind == "pass"
    asked = edit(repository, "src/a.py", "DO NOT COMMIT")
    assert "CNT001" in asked.refusal
    assert "PTH001" in edit(repository, "docs/api/x.yaml").refusal


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


@pytest.mark.parametrize("command", ["ls -la", "git status", "cat docs/api/x.yaml", "grep -r x src"])
def test_a_command_that_looks_is_let_through(command: str, tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    asked = ask("claude", call("Bash", {"command": command}, repository.path), repository.path)
    assert asked.kind == "pass", asked
