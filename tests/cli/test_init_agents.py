"""`specguard init --agent`: an agent's settings, written beside what is there."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from specguard.integrations.hooks.settings import HOSTS
from specguard.testing import Outcome, Repository, run, run_here
from specguard.testing.repository import clean_environment
from specguard.testing.running import command
from tests.integrations.hooks.asking import ask, guarded, write
from tests.outcomes import ended


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with an authority on its base."""
    return guarded(tmp_path / "work")


def init(repository: Repository, *words: str, path: str | None = None, **variables: str) -> Outcome:
    """Run `init`."""
    environment = {**clean_environment(), **variables}
    environment["PATH"] = path if path is not None else f"{Path(command()).parent}:{environment['PATH']}"
    return run_here("init", *words, directory=repository.path, env=environment)


def settings(repository: Repository, agent: Any) -> Any:
    return json.loads((Path(repository.path) / HOSTS[agent].file).read_text())


@pytest.mark.parametrize("agent", list(HOSTS))
def test_settings_are_shown_and_written_and_then_there_is_nothing_to_do(
    repository: Repository, agent: Any
) -> None:
    printed = ended(init(repository, "--agent", agent, "--print"))
    assert f"specguard hook {agent} || exit 2" in printed.stdout
    assert not (Path(repository.path) / HOSTS[agent].file).exists()
    first = ended(init(repository, "--agent", agent))
    assert f"+++ {HOSTS[agent].file}" in first.stdout
    assert f"git add {HOSTS[agent].file}" in first.stdout
    before = settings(repository, agent)
    assert f"{HOSTS[agent].file} has all it needs" in ended(init(repository, "--agent", agent)).stdout
    assert settings(repository, agent) == before
    guard = json.dumps(before["hooks"][HOSTS[agent].before])
    assert f'"specguard hook {agent} || exit 2"' in guard


def test_an_authority_is_written_too_where_there_is_none_and_locks_the_settings(tmp_path: Path) -> None:
    from specguard.testing import Repository

    repository = Repository(tmp_path / "new")
    repository.commit("feat: begin", files={"a": "a\n"})
    said = ended(init(repository, "--agent", "gemini", "--agent", "cursor"))
    text = (Path(repository.path) / "SPEC_AUTHORITY.md").read_text()
    assert "- `.gemini/settings.json`: the hooks that run" in text
    assert "- `.cursor/hooks.json`: the hooks that run" in text
    assert settings(repository, "gemini")["hooks"]
    assert "trusted" in said.stdout


def test_all_or_nothing(repository: Repository) -> None:
    (Path(repository.path) / ".gemini").mkdir()
    (Path(repository.path) / ".gemini/settings.json").write_text("{\n  // mine\n}\n")
    said = ended(init(repository, "--agent", "claude", "--agent", "gemini"), 2)
    assert "line 2: it is no JSON" in said.stderr
    assert "it may have no comment" in said.stderr
    assert '"BeforeTool": [' in said.stdout
    assert not (Path(repository.path) / ".claude").exists()
    assert (Path(repository.path) / ".gemini/settings.json").read_text() == "{\n  // mine\n}\n"
    (Path(repository.path) / ".cursor").write_text("a file\n")
    said = ended(init(repository, "--agent", "claude", "--agent", "cursor"), 2)
    assert ".cursor/hooks.json: the file of settings cannot be read: Not a directory" in said.stderr
    assert not (Path(repository.path) / ".claude").exists()


@pytest.mark.parametrize("link", [".claude", ".claude/settings.json"])
def test_a_link_is_refused(repository: Repository, tmp_path: Path, link: str) -> None:
    repository.symlink(link, str(tmp_path / "elsewhere"))
    said = ended(init(repository, "--agent", "claude"), 2)
    assert "error: .claude/settings.json: it is a link, or in a folder that is one" in said.stderr
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("content", [b"\xff\xfe", None], ids=["bytes", "folder"])
def test_what_is_no_text_is_refused(repository: Repository, content: bytes | None) -> None:
    place = Path(repository.path) / ".cursor/hooks.json"
    place.parent.mkdir()
    place.mkdir() if content is None else place.write_bytes(content)
    assert ".cursor/hooks.json" in ended(init(repository, "--agent", "cursor"), 2).stderr


def test_settings_that_git_ignores_are_told(repository: Repository) -> None:
    (Path(repository.path) / ".gitignore").write_text(".claude/\n")
    assert "git ignores .claude/settings.json" in init(repository, "--agent", "claude").stdout


def called(repository: Repository) -> str:
    """The command before an edit, as a shell has it."""
    return str(settings(repository, "claude")["hooks"]["PreToolUse"][0]["hooks"][0]["command"])


def shell(repository: Repository, event: bytes) -> subprocess.CompletedProcess[bytes]:
    """What the command before an edit answers where no path leads to specguard."""
    return subprocess.run(
        ["/bin/sh", "-c", called(repository)],
        cwd=repository.path,
        input=event,
        env={**clean_environment(), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )


def test_a_program_of_a_virtual_environment_is_found_when_that_is_not_active(repository: Repository) -> None:
    folder = Path(command()).parent
    init(repository, "--agent", "claude", VIRTUAL_ENV=str(folder.parent))
    assert called(repository) == f'PATH="$PATH:{folder}" specguard hook claude || exit 2'
    bare = {**clean_environment(), "PATH": "/usr/bin:/bin"}
    shown = run("init", "--agent", "codex", "--print", directory=repository.path, env=bare).stdout
    assert f'PATH=\\"$PATH:{folder}\\" specguard hook codex || exit 2' in shown
    done = shell(repository, json.dumps(write("docs/api/x.yaml", Path(repository.path))).encode())
    assert b'"permissionDecision": "deny"' in done.stdout, done


def test_a_program_that_is_gone_refuses_every_edit(repository: Repository) -> None:
    init(repository, "--agent", "claude")
    done = shell(repository, b"{}")
    assert done.returncode == 2
    assert b"specguard" in done.stderr


@pytest.mark.parametrize(("version", "written"), [("2.1.294", False), ("2.1.295", True), ("2.2.0", True)])
def test_claude_code_refuses_on_failure_where_it_knows_how(
    repository: Repository, tmp_path: Path, version: str, written: bool
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "claude").write_text(f'#!/bin/sh\necho "{version} (Claude Code)"\n')
    (tools / "claude").chmod(0o755)
    init(repository, "--agent", "claude", path=f"{tools}:{Path(command()).parent}:/usr/bin:/bin")
    assert ('"onFailure": "block"' in json.dumps(settings(repository, "claude"))) is written


def test_a_worktree_has_the_hooks_and_an_agent_cannot_take_them_out(
    repository: Repository, tmp_path: Path
) -> None:
    init(repository, "--agent", "claude")
    repository.stage()
    repository.commit("chore: have agents ask specguard")
    tree = tmp_path / "tree"
    repository.git("worktree", "add", "-q", "-b", "other", str(tree))
    assert (tree / ".claude/settings.json").is_file()
    for root in (tree, Path(repository.path)):
        asked = ask("claude", write(str(tree / ".claude/settings.json"), root, "{}\n"), root)
        assert asked.kind == "refuse"
        assert "holds the settings by which an agent's program runs specguard" in asked.refusal
