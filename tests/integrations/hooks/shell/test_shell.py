"""What is told of commands before they run: their files, messages, ways past the guard, and refs."""

import os
from pathlib import Path

import pytest

from specguard.integrations.hooks.shell import read_command
from specguard.testing import Repository
from tests.integrations.hooks.asking import ask, call
from tests.integrations.hooks.shell.running import COMMANDS, scratch, told
from tests.test_hook_imports import NEVER, imported


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scratch(tmp_path_factory.mktemp("place"))


def test_files_are_told(work: Path) -> None:
    home = str(work.parent / "home")
    for command, paths in COMMANDS["files"].items():
        told_paths = [os.fsdecode(edit.path) for edit in told(command, work).edits]
        # The files of a folder come in the order of the file system.
        assert sorted(told_paths) == sorted(path.format(home=home) for path in paths), command


def test_messages_are_told(work: Path) -> None:
    for command, message in COMMANDS["messages"].items():
        deeds = told(command, work)
        assert list(deeds.messages) == ([message] if message else []), command
        assert not deeds.bypasses, command


def test_ways_past_the_guard_are_told_and_what_only_looks_like_one_is_none(work: Path) -> None:
    for name in ("past", "harmless"):
        for command in COMMANDS["lists"][name]:
            assert bool(told(command, work).bypasses) == (name == "past"), command


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
    event = call("Bash", {"command": "chmod +x src/a.py"}, project.path)
    assert ask("claude", event, project.path).kind == "pass"


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
    program = "from specguard.integrations.hooks.shell import read_command as r; r({!r}, b'/x', {{}})"
    assert (imported(["-c", program.format(command)], tmp_path, tmp_path) - nothing) & NEVER == set()
