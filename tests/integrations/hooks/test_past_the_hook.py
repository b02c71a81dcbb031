"""Ways past an agent's hook that lead round it: other settings, other programs, other names of the event."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from specguard.integrations.hooks import answering
from specguard.testing.running import command
from tests.integrations.hooks.asking import ask, call, edit, guarded, stop, write

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = '{"hooks": {"PreToolUse": [{"hooks": [{"command": "specguard hook claude || exit 2"}]}]}}\n'


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".claude/settings.local.json", '{"disable\\u0041llHooks": true}'),
        (".claude/settings.local.json", '{"env": {"PATH": "/tmp/other"}}'),
        (".claude/settings.local.json", '{"hooks": {"PreToolUse": [{"hooks": [{"command": "./other"}]}]}}'),
        (".claude/settings.local.json", '{"enabledPlugins": {"other": true}}'),
        (".claude/settings.local.json", "{"),
        (".claude/settings.local.json", '{"a": 1, "a": {"disableAllHooks": true}}'),
        ("~/.claude.json", '{"projects": {"/repository": {"hasTrustDialogAccepted": false}}}'),
        (".codex/config.toml", "[features]\nhooks \t= \tfalse\n"),
        (".codex/config.toml", '[features]\n"h\\u006foks" = false\n'),
        (".codex/config.toml", "features = {hooks = false}\n"),
        (".codex/config.toml", 'profile = "other"\n'),
        (".gemini/settings.json", '{"hooks\\u0043onfig": {"enabled": false}}'),
        (".gemini/settings.json", '// a comment\n{"hooksConfig": {"enabled": false}}'),
        (".gemini/.env", "PATH=/tmp/other\n"),
        ("~/.gemini/trustedFolders.json", '{"/repository": "DO_NOT_TRUST"}'),
        (".cursor/hooks.json", '{"version": 1, "hooks": {"preToolUse": [{"command": "./other"}]}}'),
        ("/etc/claude-code/managed-settings.json", "{}"),
        (".claude", "not a folder any more"),
        ("~/.gitconfig", "[core]\n\thooksPath = /dev/null\n"),
        ("~/.config/git/config", "[core]\n\thooksPath = /dev/null\n"),
        ("/etc/gitconfig", "[core]\n\thooksPath = /dev/null\n"),
    ],
)
@pytest.mark.threat("T126", "an agent's settings, or git's, by which no hook of specguard runs", "refused")
def test_settings_that_lead_past_the_hook_are_refused(path: str, content: str, tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    (tmp_path / "home").mkdir()
    environment = {"HOME": str(tmp_path / "home")}
    event = write(path, repository.path, content)
    assert ask("claude", event, repository.path, environment=environment).kind == "refuse"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".claude/settings.local.json", '{"permissions": {"allow": ["Bash(ls)"]}}'),
        (".claude/agents/one.md", "an agent\n"),
        (".codex/config.toml", 'model = "x"\n'),
        (".gemini/settings.json", '{"theme": "x"}'),
    ],
)
def test_settings_that_do_not_are_the_agents_own(path: str, content: str, tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    assert edit(repository, path, content).kind == "pass"


@pytest.mark.threat("T126", "the file that a link of an agent's settings leads to", "refused")
def test_settings_that_are_a_link_are_known_by_where_it_leads(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    home = tmp_path / "home"
    repository.write("plain.json", SETTINGS)
    (home / ".claude").mkdir(parents=True)
    (home / ".claude/settings.json").symlink_to(repository.path / "plain.json")
    environment = {"HOME": str(home)}
    asked = edit(repository, "plain.json", "{}", environment=environment)
    assert asked.kind == "refuse"


@pytest.mark.threat(
    "T126", "the folder of an agent's settings replaced by a link, moved or removed", "refused"
)
@pytest.mark.parametrize(
    "text",
    ["mv .claude old", "rm -rf .claude", "ln -s /tmp/other .codex", "rm -rf .", "chmod 000 .claude"],
)
def test_the_folder_of_settings_stays(text: str, tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    repository.write(".claude/settings.json", SETTINGS)
    event = call("Bash", {"command": text}, repository.path)
    assert ask("claude", event, repository.path).kind == "refuse"
    gone = call("Delete", {"path": ".claude"}, repository.path)
    assert ask("claude", gone, repository.path).kind == "refuse"


@pytest.mark.threat(
    "T127", "another specguard or git in a folder of `PATH`, or among its packages", "refused"
)
def test_what_the_hook_consists_of_is_not_written(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    programs = tmp_path / "programs"
    programs.mkdir()
    environment = {"PATH": f"{programs}:{os.environ['PATH']}"}
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    for path in (programs / "specguard", programs / "git", f"{packages}/click/core.py", command()):
        asked = edit(repository, path, environment=environment)
        assert asked.kind == "refuse", path
    asked = edit(repository, str(programs / "other"))
    assert asked.kind == "pass"


@pytest.mark.threat("T128", "a path as only one process sees it (`/proc/self/cwd`)", "refused")
@pytest.mark.parametrize(
    "path", ["/proc/self/cwd/api/x.yaml", "/proc/thread-self/cwd/api/x.yaml", "/proc/1/cwd/x", "/dev/fd/3/x"]
)
def test_a_path_of_one_process_is_refused(path: str, tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    event = call("Write", {"file_path": path, "content": "x"}, repository.path / "docs")
    assert ask("claude", event, repository.path).kind == "refuse"


@pytest.mark.threat("T128", "blanks around a path, which agents' programs take away", "refused")
def test_blanks_around_a_path_count_for_nothing(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    for path in (" docs/api/x.yaml", f"\t{repository.path}/docs/api/x.yaml", "\ufeffconfigs/c", "\u00a0~/x"):
        environment = {"HOME": str(repository.path / "docs/api")}
        asked = edit(repository, path, environment=environment)
        assert asked.kind == "refuse", path


@pytest.mark.threat("T128", "a file of the guarded tree, from a repository made within it", "refused")
def test_a_repository_within_does_not_lead_out(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    inner = guarded(repository.path / "inner", policy='# A\n\n```toml specguard\nbase = "main"\n```\n')
    for path in ("../docs/api/x.yaml", f"{repository.path}/docs/api/x.yaml"):
        event = {**write(path, inner.path), "turn_id": "1"}
        assert ask("codex", event, inner.path).kind == "refuse"
    assert ask("codex", {**write("a", inner.path), "turn_id": "1"}, inner.path).kind == "pass"
    # A repository around that has no authority is nobody's business.
    (repository.path / "SPEC_AUTHORITY.md").unlink()
    shutil.rmtree(repository.path / ".git")
    assert ask("codex", {**write("../a", inner.path), "turn_id": "1"}, inner.path).kind == "pass"


@pytest.mark.threat("T129", "an event of a name that is not known, or as another agent's", "refused")
@pytest.mark.parametrize("agent", ["claude", "codex", "gemini", "cursor"])
@pytest.mark.parametrize("name", ["PRETOOLUSE", "pre_tool_use", "PreToolUse ", "ToolUse", "PreToolUse"])
def test_a_call_of_an_unknown_event_is_judged(name: str, agent: str, tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    event = {**write("docs/api/x.yaml", repository.path), "hook_event_name": name, "timestamp": "now"}
    asked = ask(agent, event, repository.path, environment={"GEMINI_SESSION_ID": "x"})
    assert asked.kind == "refuse"
    after = {**event, "hook_event_name": "PostToolUseFailure"}
    assert ask(agent, after, repository.path).kind == "pass"


@pytest.mark.threat("T129", "what is remembered of a session, forged", "refused three times at most")
def test_a_forged_count_holds_nobody_up_for_ever(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    repository.write("docs/api/x.yaml", "changed\n")
    event = stop(repository.path, stop_hook_active=True)
    assert ask("claude", event, repository.path).kind == "refuse"
    [file] = (repository.path / ".git/specguard/sessions").iterdir()
    file.write_text(json.dumps({"stops": -1000, "told": []}))
    kinds = [ask("claude", event, repository.path).kind for _ in range(4)]
    assert kinds == ["refuse", "refuse", "refuse", "tell"]


@pytest.mark.threat("T129", "a command beside one that repairs, where the guard is broken", "refused")
def test_only_the_command_that_repairs_is_let_through(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository", policy="# Authority\n\n```toml specguard\nbroken\n```\n")
    repair = {"command": "specguard doctor"}
    assert ask("claude", call("Bash", repair, repository.path), repository.path).kind == "pass"
    for given in (
        {**repair, "cmd": "rm docs/api/x.yaml"},
        {"command": "specguard doctor; rm x"},
        {"command": "specguard init > docs/api/x.yaml"},
        {"command": "specguard init\nrm x"},
        {"command": ["sh", "-c", "specguard doctor; rm x"]},
        {"command": "git -c core.hooksPath=x fetch"},
    ):
        assert ask("claude", call("Bash", given, repository.path), repository.path).kind == "refuse", given
    # What is not certain to write is let through, and what is broken is said after it.
    event = call("Bash", {"command": "./specguard doctor"}, repository.path)
    assert ask("claude", event, repository.path).kind == "pass"
    event["hook_event_name"] = "PostToolUse"
    assert "specguard cannot check the working tree" in ask("claude", event, repository.path).refusal


def test_what_ends_a_hook_in_time_is_no_error_that_a_rule_could_have() -> None:
    assert not issubclass(answering._Late, Exception)


@pytest.mark.threat("T129", "an encoding of the answer that no agent's program reads", "refused")
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "ascii", "cp037"])
def test_the_answer_is_in_utf8_whatever_the_environment_says(encoding: str, tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    event = write("docs/api/\u00e9.yaml", repository.path)
    environment = {"PYTHONIOENCODING": encoding}
    assert ask("claude", event, repository.path, environment=environment).kind == "refuse"
    asked = ask("claude", b"\xff", repository.path, environment=environment)
    assert asked.code == 2
    assert "not UTF-8" in asked.stderr
