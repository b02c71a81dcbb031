"""Commands of a shell: what is told of them before they run, and what they altered after they have run."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from specguard.integrations.hooks.dialects import read, write
from specguard.integrations.hooks.shell_programs import read_command
from specguard.integrations.hooks.turn_end import judge_after
from specguard.testing import Repository
from specguard.testing.repository import clean_environment
from tests.integrations.hooks.asking import Asked, ask, call, guarded
from tests.integrations.hooks.shell.running import COMMANDS, run, scratch, snapshot, told
from tests.test_hook_imports import NEVER, imported


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scratch(tmp_path_factory.mktemp("place"))


def test_files_are_told(work: Path) -> None:
    home = str(work.parent / "home")
    for command, paths in COMMANDS["files"].items():
        told_paths = [os.fsdecode(edit.path) for edit in told(command, work).edits]
        # The files of a folder come in the order of the file system.
        assert sorted(told_paths) == sorted(path.format(home=home, work=work) for path in paths), command


def test_messages_are_told(work: Path) -> None:
    for command, message in COMMANDS["messages"].items():
        deeds = told(command, work)
        assert [text for _, text in deeds.messages] == ([message] if message else []), command
        assert not deeds.bypasses, command


def test_ways_past_the_guard_are_told_and_what_only_looks_like_one_is_none(work: Path) -> None:
    for name in ("past", "harmless"):
        for command in COMMANDS["lists"][name]:
            assert len(told(command, work).bypasses) == (name == "past"), command


@pytest.mark.threat("T130", "the executable bit of a guarded file, or of a hook", "refused")
@pytest.mark.parametrize("mode", ["+x", "755", "-x"])
def test_a_mode_alone_is_an_edit(mode: str, project: Repository) -> None:
    (project.path / "docs/api/x.yaml").chmod(0o755 if mode == "-x" else 0o644)
    project.git("add", "-A")
    project.commit("feat: a mode", files={"src/b.py": "y = 1\n"})
    project.git("branch", "-f", "main")
    project.git("config", "core.hooksPath", "tools/hooks")
    project.write("tools/hooks/pre-commit", "#!/bin/sh\nexec specguard check --staged\n")
    (project.path / "tools/hooks/pre-commit").chmod(0o755 if mode == "-x" else 0o644)
    for path in ("docs/api/x.yaml", "tools/hooks/pre-commit"):
        event = call("Bash", {"command": f"chmod {mode} {path}"}, project.path)
        assert ask("claude", event, project.path).kind == "refuse", path
    (project.path / "docs/api").chmod(0o644)
    for command in ("chmod +x src/a.py", "chmod u+x docs/api"):
        assert ask("claude", call("Bash", {"command": command}, project.path), project.path).kind == "pass"
    (project.path / "docs/api").chmod(0o755)


@pytest.mark.parametrize("parts", COMMANDS["lists"]["hostile"], ids=lambda parts: parts[0][0][:9])
def test_hostile_commands_come_to_an_end(parts: list[tuple[str, int]], work: Path) -> None:
    told("".join(text * count for text, count in parts), work)


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert not read_command("git commit -F pipe", os.fsencode(tmp_path), {}).messages


def test_without_a_home_the_home_is_not_known(tmp_path: Path) -> None:
    assert not read_command("rm ~/x; cd; rm x", os.fsencode(tmp_path), {}).edits


@pytest.mark.parametrize("command", ["cd sub && sed -i s/a/b/ x", "git commit -F - <<< x", "rm *; git rm x"])
def test_following_a_command_imports_little(command: str, tmp_path: Path) -> None:
    nothing = imported(["-c", "pass"], tmp_path, tmp_path)
    program = "from specguard.integrations.hooks.shell_programs import read_command as r; r({!r}, b'/', {{}})"
    assert (imported(["-c", program.format(command)], tmp_path, tmp_path) - nothing) & NEVER == set()


GUARDED = '# Authority\n\n```toml specguard\nbase = "main"\n[rules.forbidden-path]\npaths = ["**"]\n```\n'
AFTER: dict[str, tuple[str, str, dict[str, Any]]] = {
    "claude": ("PostToolUse", "Bash", {}),
    "codex": ("PostToolUse", "Bash", {"turn_id": "t"}),
    "gemini": ("AfterTool", "run_shell_command", {"timestamp": "1970-01-01T00:00:00Z"}),
    "cursor": ("postToolUse", "Shell", {"conversation_id": "s"}),
}
PLAIN, TRICKS, EVERYDAY = (COMMANDS["lists"][name] for name in ("plain", "tricks", "everyday"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("template") / "place"
    work = scratch(place)
    repository = Repository(work)
    for name in ("name", "email"):
        repository.git("config", f"user.{name}", "x@example.org")
    repository.git("add", "-A")
    repository.commit("feat: begin", files={"SPEC_AUTHORITY.md": GUARDED})
    repository.branch("work")
    return place


def altered(
    before: Mapping[bytes, tuple[int, bytes]], after: Mapping[bytes, tuple[int, bytes]]
) -> set[bytes]:
    """The files of the working tree that are not what they were, in what git keeps of them."""

    def kept(found: tuple[int, bytes] | None) -> object:
        return found and (found[0] & 0o170100, found[1])

    return {
        name
        for name in before.keys() | after.keys()
        if name.startswith(b"work/")
        and b".git" not in name.split(b"/")
        and kept(before.get(name)) != kept(after.get(name))
    }


def event(agent: str, work: Path, moment: int = 0) -> dict[str, Any]:
    """The event after a command; with another moment the one before it."""
    name, tool, more = AFTER[agent]
    if moment:
        name = name.replace("Post", "Pre").replace("After", "Before").replace("post", "pre")
        name = name.replace("after", "before")
    given = {"tool_input": {"command": "true"}, "session_id": "s", "cwd": str(work), **more}
    return {"hook_event_name": name, "tool_name": tool, **given}


@pytest.mark.threat("T130", "a command that writes what is guarded, in any way", "said after the command")
@pytest.mark.parametrize(("number", "command"), list(enumerate([*PLAIN, *TRICKS])))
def test_what_a_command_altered_is_named_after_it(
    number: int, command: str, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "place"
    shutil.copytree(template, place, symlinks=True)
    work = place / "work"
    monkeypatch.chdir(work)
    environment = {**clean_environment(), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    agent = list(AFTER)[number % len(AFTER)]
    before = snapshot(place)
    run(command, work)
    names = [os.fsdecode(name)[5:] for name in altered(before, snapshot(place))]
    after = read(event(agent, work), environment, agent)  # type: ignore[arg-type]  # a dialect by name
    text = write(after, judge_after(after, {})).stdout
    plain = [name for name in names if name.isascii() and name.isprintable() and '"' not in name]
    for name in plain if len(names) <= 9 else ():
        above = [name.rsplit("/", depth)[0] for depth in range(1, name.count("/") + 1)]
        assert any(one.replace("\\", "\\\\") in text for one in (name, *above)), (name, text)
    assert not names or "PTH" in text
    if command in TRICKS:
        assert "locked/p" in text


@pytest.mark.threat(
    "T130", "a command that alters what is guarded, in each dialect", "said after the command"
)
@pytest.mark.parametrize("agent", AFTER)
def test_each_dialect_says_it_once(agent: str, template: Path, tmp_path: Path) -> None:
    shutil.copytree(template, tmp_path / "place", symlinks=True)
    work = tmp_path / "place/work"
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}

    def asked(moment: int) -> Asked:
        return ask(agent, event(agent, work, moment), work, environment=environment)

    assert asked(1).kind == "pass"
    assert asked(0).stdout in ("", "{}\n")
    run(TRICKS[0], work)
    assert "locked/p" in asked(0).stdout
    assert asked(0).stdout in ("", "{}\n"), "once is enough"


def test_what_was_put_back_and_done_again_is_said_again(template: Path, tmp_path: Path) -> None:
    shutil.copytree(template, tmp_path / "place", symlinks=True)
    work = tmp_path / "place/work"
    ask("claude", event("claude", work, 1), work)
    for content, said in (("x", True), ("p\n", False), ("y", True)):
        (work / "locked/p").write_text(content)
        assert ("locked/p" in ask("claude", event("claude", work), work).stdout) == said


def test_most_everyday_commands_are_decided_before_they_run(tmp_path: Path) -> None:
    """Refused where they alter what is guarded, let through without a word where they do not."""
    decided = 0
    template = guarded(tmp_path / "template").path
    for number, command in enumerate(EVERYDAY):
        place = tmp_path / str(number)
        work = place / "work"
        shutil.copytree(template, work)
        given = call("Bash", {"command": command}, work)
        asked = ask("claude", given, work)
        before = snapshot(place)
        run(command, work)
        names = [name[5:] for name in altered(before, snapshot(place))]
        wrong = any(name.startswith((b"docs/api/", b"configs/")) for name in names)
        assert wrong or asked.kind == "pass", command
        decided += (asked.kind == "refuse") == wrong
    assert len(EVERYDAY) == 51
    assert decided >= 45
