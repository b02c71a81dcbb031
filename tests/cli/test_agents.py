"""Agents' hooks: `init --agent` writes them beside what is there, `doctor` runs them and asks for trust."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from specguard.integrations.hooks.settings import HOSTS, probe
from specguard.testing import Outcome, Repository, run, run_here
from specguard.testing.repository import clean_environment
from specguard.testing.running import command
from tests.executor.places import program
from tests.integrations.hooks.asking import ask, guarded, write
from tests.outcomes import data_of, ended
from tests.rows import rows
from tests.scripts import play, scripts

SCRIPTS = str(Path(command()).parent)
BARE = "/usr/bin:/bin"
PATH = f"{SCRIPTS}:{BARE}"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with an authority on its base."""
    return guarded(tmp_path / "work")


def environment(repository: Repository, path: str) -> dict[str, str]:
    home = Path(repository.path).parent / "home"
    home.mkdir(exist_ok=True)
    return {"PATH": path, "HOME": str(home)}


def init(repository: Repository, *agents: str, path: str = PATH, **variables: str) -> Outcome:
    """Have agents' settings written."""
    words = [word for agent in agents for word in ("--agent", agent)]
    env = {**environment(repository, path), **variables}
    return ended(run_here("init", *words, directory=repository.path, env=env))


def doctor(repository: Repository, code: int = 0, path: str = PATH, **variables: str) -> dict[str, Any]:
    """What is said of each subject."""
    env = {**environment(repository, path), **variables}
    return {one["subject"]: one for one in data_of(repository, "doctor", code=code, **env)}


def change(repository: Repository, agent: Any, old: str, new: str) -> None:
    place = Path(repository.path) / HOSTS[agent].file
    text = place.read_text()
    assert old in text
    place.write_text(text.replace(old, new))


def install(folder: Path, name: str, text: str) -> str:
    """Put a program on a path, which is returned."""
    return f"{program(folder / 'tools' / name, text).parent}:{PATH}"


def settings(repository: Repository, agent: Any) -> Any:
    return json.loads((Path(repository.path) / HOSTS[agent].file).read_text())


@pytest.mark.parametrize("script", scripts(__file__))
def test_what_is_written_and_what_is_refused(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)


@pytest.mark.parametrize("agent", list(HOSTS))
def test_settings_are_shown_and_written_and_then_there_is_nothing_to_do(
    repository: Repository, agent: Any
) -> None:
    words = ("init", "--agent", agent, "--print")
    printed = ended(run_here(*words, directory=repository.path, env=environment(repository, PATH)))
    assert f"specguard hook {agent} || exit 2" in printed.stdout
    assert not (Path(repository.path) / HOSTS[agent].file).exists()
    first = init(repository, agent)
    assert f"+++ {HOSTS[agent].file}" in first.stdout
    assert f"git add {HOSTS[agent].file}" in first.stdout
    before = settings(repository, agent)
    assert f"{HOSTS[agent].file} has all it needs" in init(repository, agent).stdout
    assert settings(repository, agent) == before
    guard = json.dumps(before["hooks"][HOSTS[agent].events[0]])
    assert f'"specguard hook {agent} || exit 2"' in guard


def called(repository: Repository) -> str:
    """The command before an edit, as a shell has it."""
    return str(settings(repository, "claude")["hooks"]["PreToolUse"][0]["hooks"][0]["command"])


def shell(repository: Repository, event: bytes) -> subprocess.CompletedProcess[bytes]:
    """What the command before an edit answers where no path leads to specguard."""
    return subprocess.run(
        ["/bin/sh", "-c", called(repository)],
        cwd=repository.path,
        input=event,
        env={**clean_environment(), "PATH": BARE},
        capture_output=True,
        check=False,
    )


@pytest.mark.skipif(" " in SCRIPTS, reason="with a space it is named by its path")
def test_a_program_of_a_virtual_environment_is_found_when_that_is_not_active(repository: Repository) -> None:
    init(repository, "claude", VIRTUAL_ENV=str(Path(SCRIPTS).parent))
    assert called(repository) == f'PATH="$PATH:{SCRIPTS}" specguard hook claude || exit 2'
    bare = {**clean_environment(), "PATH": BARE}
    shown = run("init", "--agent", "codex", "--print", directory=repository.path, env=bare).stdout
    assert f'PATH=\\"$PATH:{SCRIPTS}\\" specguard hook codex || exit 2' in shown
    done = shell(repository, json.dumps(write("docs/api/x.yaml", Path(repository.path))).encode())
    assert b'"permissionDecision": "deny"' in done.stdout, done


def test_a_program_that_is_gone_refuses_every_edit(repository: Repository) -> None:
    init(repository, "claude")
    done = shell(repository, b"{}")
    assert done.returncode == 2
    assert b"specguard" in done.stderr


@pytest.mark.parametrize(("version", "written"), [("2.1.294", False), ("2.1.295", True), ("2.2.0", True)])
def test_claude_code_refuses_on_failure_where_it_knows_how(
    repository: Repository, tmp_path: Path, version: str, written: bool
) -> None:
    init(repository, "claude", path=install(tmp_path, "claude", f'echo "{version} (Claude Code)"'))
    assert ('"onFailure": "block"' in json.dumps(settings(repository, "claude"))) is written


def test_a_worktree_has_the_hooks_and_an_agent_cannot_take_them_out(
    repository: Repository, tmp_path: Path
) -> None:
    init(repository, "claude")
    repository.stage()
    repository.commit("chore: have agents ask specguard")
    tree = tmp_path / "tree"
    repository.git("worktree", "add", "-q", "-b", "other", str(tree))
    assert (tree / ".claude/settings.json").is_file()
    for root in (tree, Path(repository.path)):
        asked = ask("claude", write(str(tree / ".claude/settings.json"), root, "{}\n"), root)
        assert asked.kind == "refuse"
        assert "holds the settings by which an agent's program runs specguard" in asked.refusal


# What a doctor says of them


@pytest.mark.parametrize("agent", list(HOSTS))
def test_each_hook_is_run_and_mended_by_init_where_its_program_is_not_found(
    repository: Repository, agent: str
) -> None:
    init(repository, agent)
    said = doctor(repository)[f"hooks of {agent}"]
    assert said["status"] == "ok"
    assert "a probe was refused in " in said["said"]
    said = doctor(repository, code=1, path=BARE)[f"hooks of {agent}"]
    assert "not found" in said["said"]
    assert said["help"] == f"specguard init --agent {agent}"
    init(repository, agent, path=BARE)
    assert doctor(repository, path=BARE)[f"hooks of {agent}"]["status"] == "ok"


def test_an_agent_that_is_here_without_hooks_is_told(repository: Repository, tmp_path: Path) -> None:
    assert not [subject for subject in doctor(repository) if " of " in subject]
    said = doctor(repository, path=install(tmp_path, "gemini", "exit 1"))["hooks of gemini"]
    assert (said["status"], said["help"]) == ("note", "specguard init --agent gemini")


def test_a_record_that_cannot_be_written_stops_nothing(repository: Repository, tmp_path: Path) -> None:
    root = Path(repository.path)
    (tmp_path / "victim").mkdir()
    (root / ".git/specguard").symlink_to(tmp_path / "victim")
    assert ask("claude", write("docs/api/x.yaml", root), root).kind == "refuse"
    assert list((tmp_path / "victim").iterdir()) == []


def test_hooks_that_lack_something_are_named_with_the_command_that_mends_them(repository: Repository) -> None:
    init(repository, "claude")
    for old, new, event in (
        (" || exit 2", "", "PreToolUse"), ("|Write|", "|", "PreToolUse"), ('"Stop"', '"Stopped"', "Stop"),
    ):  # fmt: skip
        change(repository, "claude", old, new)
        said = doctor(repository, code=1)["hooks of claude"]
        assert said["status"] == "missing"
        assert event in said["said"]
        assert said["help"] == "specguard init --agent claude"
        init(repository, "claude")
    assert doctor(repository)["hooks of claude"]["status"] == "ok"


def test_a_policy_that_cannot_be_read_is_told_apart_from_a_refusal(repository: Repository) -> None:
    repository.git("switch", "-q", "main")
    repository.commit("chore: break", files={"SPEC_AUTHORITY.md": "```toml specguard\nbase = [\n```\n"})
    repository.git("switch", "-q", "work")
    init(repository, "claude")
    said = doctor(repository, code=1)["hooks of claude"]
    assert said["status"] == "missing"
    assert "for want of a judgement" in said["said"]
    assert said["help"].startswith("specguard ")


def test_another_command_is_not_run(repository: Repository, tmp_path: Path) -> None:
    init(repository, "claude")
    change(repository, "claude", "specguard hook claude", f"touch {tmp_path}/ran; specguard hook claude")
    said = doctor(repository)["hooks of claude"]
    assert said["status"] == "note"
    assert "not run" in said["said"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("agent", "text"),
    [("claude", '"disableAllHooks": true,'), ("gemini", '"hooksConfig": {"enabled": false},'),
     ("gemini", '"hooksConfig": {"disabled": ["specguard"]},')],
)  # fmt: skip
def test_hooks_that_are_switched_off_are_told(repository: Repository, agent: str, text: str) -> None:
    init(repository, agent)
    change(repository, agent, "{\n  ", "{\n  " + text + "\n  ")
    said = doctor(repository, code=1)[f"hooks of {agent}"]
    assert "switches hooks off" in said["said"]


# What can be told of trust.


def test_codex_is_asked_what_it_trusts(repository: Repository, tmp_path: Path) -> None:
    init(repository, "codex")
    for text, status, says in rows(__file__, "codex_is_asked_what_it_trusts"):
        said = doctor(repository, path=install(tmp_path, "codex", text))["trust of codex"]
        assert (said["status"], says in said["said"]) == (status, True), said
        assert (said["help"] == "") == (status == "ok")


def test_folders_that_gemini_trusts(repository: Repository) -> None:
    init(repository, "gemini")
    home = Path(environment(repository, "")["HOME"]) / ".gemini"
    home.mkdir()
    root = Path(repository.path).resolve()
    rows: list[tuple[dict[str, str], Any, str]] = [
        ({f"{root}": "TRUST_FOLDER"}, {}, "ok"),
        ({f"{root.parent}": "TRUST_FOLDER"}, {}, "ok"),
        ({f"{root.parent}": "TRUST_FOLDER", f"{root}": "DO_NOT_TRUST"}, {}, "note"),
        ({f"{root.parent}/other": "TRUST_PARENT"}, {}, "ok"),
        ({}, {"security": {"folderTrust": {"enabled": False}}}, "ok"),
        ({f"{root}": "TRUST_FOLDER"}, {"hooksConfig": {"enabled": False}}, "note"),
        ({}, {}, "note"),
    ]
    for folders, settings, status in rows:
        (home / "trustedFolders.json").write_text(json.dumps(folders))
        (home / "settings.json").write_text(json.dumps(settings))
        assert doctor(repository)["trust of gemini"]["status"] == status, folders
    assert doctor(repository, GEMINI_CLI_TRUST_WORKSPACE="true")["trust of gemini"]["status"] == "ok"


def test_folders_that_claude_code_trusts(repository: Repository) -> None:
    init(repository, "claude")
    root = str(Path(repository.path).resolve())
    rows: list[tuple[str, Any, str]] = [
        (".claude.json", {"projects": {root: {"hasTrustDialogAccepted": True}}}, "ok"),
        (".claude.json", {"projects": {root: {"hasTrustDialogAccepted": False}}}, "note"),
        (".claude.json", [], "note"),
        (".claude/settings.json", {"disableAllHooks": True}, "note"),
        ("../work/.claude/settings.local.json", {"disableAllHooks": True}, "note"),
    ]
    for file, data, status in rows:
        place = Path(environment(repository, "")["HOME"]) / file
        place.parent.mkdir(exist_ok=True)
        place.write_text(json.dumps(data))
        said = doctor(repository)["trust of claude"]
        assert said["status"] == status
        assert ("disableAllHooks" in said["help"]) == ("settings" in file)
        place.unlink()


def test_a_hook_that_hangs_is_ended(repository: Repository) -> None:
    init(repository, "claude")
    found = probe(HOSTS["claude"], "sleep 60 & sleep 60", str(repository.path), clean_environment(), 0.5)
    assert found.state == "passed"
    assert "more than 0.5 seconds" in found.reason
    assert found.seconds < 10


def test_what_an_agent_takes_for_a_refusal(repository: Repository) -> None:
    for words, state in rows(__file__, "what_an_agent_takes_for_a_refusal"):  # fmt: skip
        found = probe(HOSTS["claude"], words, str(repository.path), clean_environment(), 20)
        assert found.state == state, words


def test_settings_that_are_no_json_are_told(repository: Repository) -> None:
    init(repository, "cursor")
    change(repository, "cursor", "{\n", "{ // mine\n")
    assert "comment" in doctor(repository, code=1)["hooks of cursor"]["said"]
