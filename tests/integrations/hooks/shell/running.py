"""Runs a command in a scratch folder, and tells what changed in it."""

import os
import resource
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specguard.integrations.hooks.shell_programs import read_command
from specguard.integrations.hooks.tool_calls import Effects
from specguard.testing.repository import clean_environment
from tests.rows import recorded

COMMANDS: Mapping[str, Any] = tomllib.loads(Path(__file__).with_name("commands.toml").read_text("utf-8"))
"""Commands, and what is told of them."""

FILES = recorded(__file__, "files")  # fmt: skip


def scratch(folder: Path) -> Path:
    """A folder with the files that the commands speak of, and an empty home beside it."""
    shutil.rmtree(folder, ignore_errors=True)
    work = folder / "work"
    for name, text in FILES.items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    os.symlink("locked", work / "link")
    (folder / "home").mkdir()
    return work


def snapshot(folder: Path) -> Mapping[bytes, tuple[int, bytes]]:
    """Each file's mode and content or target, by its name from the folder."""
    root = os.fsencode(folder)
    found: dict[bytes, tuple[int, bytes]] = {}
    for place, folders, names in os.walk(root):
        for name in [*names, *(each for each in folders if os.path.islink(os.path.join(place, each)))]:
            path = os.path.join(place, name)
            mode = os.lstat(path).st_mode
            if os.path.islink(path):
                content = os.readlink(path)
            elif os.path.isfile(path):
                with open(path, "rb") as stream:
                    content = stream.read()
            else:
                content = b""
            found[os.path.relpath(path, root)] = (mode, content)
    return found


def run(command: str, work: Path, shell: str = "bash") -> str:
    """Run a command; gives what it says on its standard error."""
    environment = {**clean_environment(), "HOME": str(work.parent / "home"), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [shell, "-c", command.encode("utf-8", "surrogateescape")],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        preexec_fn=_limited,
        check=False,
    )
    return done.stderr.decode("utf-8", "replace")


def _limited() -> None:
    """Keep a command that reads what it writes, or calls itself, from filling the machine."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
    resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000, 1_000_000_000))


def told(command: str, work: Path) -> Effects:
    """What is told of a command that would run in a scratch folder."""
    return read_command(command, os.fsencode(work), {"HOME": str(work.parent / "home")})
