"""A team's bare remote and a clone of it: here, or on a platform that is a stand-in behind one for ssh."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from specguard.executor.commit import hash_tree, make_commit
from specguard.executor.preflight import prepare
from specguard.executor.run import Run, RunOptions
from specguard.executor.side_effects import make_place
from tests.executor.places import DATA, Setting, program

POLICY = DATA.joinpath("team.md").read_text()
FILES = {
    "SPEC_AUTHORITY.md": POLICY,
    "configs/NEXT_PHASE.json": '{"next": 12}\n',
    "docs/phases/phase-12.md": "# Phase 12\n\nBuild the thing.\n",
    "locked/a.txt": "locked\n",
    ".gitignore": ".runs/\n",
}


class Team(Setting):
    """A setting whose maintainer moves the remote on."""

    begun = FILES

    def configure(self, text: str) -> None:
        """Add to the user's own configuration."""
        with open(self.home / ".gitconfig", "a") as file:
            file.write(text)

    def move_on(self, files: Mapping[str, str], message: str = "feat: on", branch: str = "main") -> str:
        """Commit as a maintainer, and push."""
        oid = self.maker.commit(message, files=files)
        self.maker.git("push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return oid

    def options(self, **values: Any) -> RunOptions:
        """What a user asks for: a phase, by an agent that does nothing."""
        asked = {"kind": "phase", "command": ["true"], "directory": str(self.user.path), **values}
        return RunOptions(environment=self.environment, **asked)

    def prepare(self, **values: Any) -> Run:
        """Preflight with such options."""
        return prepare(self.options(**values))

    def prepared(self, **values: Any) -> Run:
        """One that is over when it was looked at: nothing of it is open."""
        run = self.prepare(**values)
        run.close()
        return run

    def install(self, name: str, script: str) -> Path:
        """Put a program on the path, before all others."""
        folder = self.folder / "bin"
        if str(folder) not in self.path.split(":"):
            self.path = f"{folder}:{self.path}"
        return program(folder / name, script)

    def refs(self) -> str:
        """Every ref of the user's repository, with HEAD."""
        return self.user.git("for-each-ref") + self.user.git("rev-parse", "HEAD")


STAND_IN = Path(__file__).parent / "stand_ins" / "platform.py"

_SSH = """#!/bin/sh
for last; do :; done
program=${{last%% *}}
{before}
exec "$program" {remote}
"""


class Hosted(Team):
    """A team whose remote is on a platform."""

    def __init__(
        self,
        folder: Path,
        host: str = "github.com",
        *,
        command: str = "gh",
        files: Mapping[str, str | None] | None = None,
    ) -> None:
        super().__init__(folder, files)
        self.ssh()
        self.configure(f"[core]\n\tsshCommand = {folder / 'bin' / 'ssh-stand-in'}\n")
        self.user.git("remote", "set-url", "origin", f"git@{host}:team/project.git")
        self.file = folder / "platform.json"
        self.state = {"signed_in": [host], "requests": [], "calls": []}
        # To Python the second line is a string, to a shell a command; `#!` takes no path with a space.
        self.install(command, f'#!/bin/sh\n"exec" "{sys.executable}" "-IS" "$0" "$@"\n{STAND_IN.read_text()}')

    def ssh(self, before: str = "") -> None:
        """Have the stand-in for ssh do something first."""
        self.install("ssh-stand-in", _SSH.format(remote=self.remote.path, before=before))

    @property
    def environment(self) -> dict[str, str]:
        more = {
            "FAKE_PLATFORM": str(self.file),
            "FAKE_REMOTE": str(self.remote.path),
            "GIT_SSH_VARIANT": "ssh",
        }
        return {**super().environment, **more}

    @property
    def state(self) -> dict[str, Any]:
        """What the stand-in keeps."""
        found: dict[str, Any] = json.loads(self.file.read_text())
        return found

    @state.setter
    def state(self, value: dict[str, Any]) -> None:
        self.file.write_text(json.dumps(value))

    def calls(self, verb: str) -> list[list[str]]:
        """With what the stand-in was called, to do this."""
        return [call for call in self.state["calls"] if call[1] == verb]


@contextmanager
def committed(team: Team, **options: Any) -> Iterator[Run]:
    """A run of phase 12 whose agent has made a file, and whose commit is there."""
    run = team.prepare(**options)
    make_place(run)
    change(run, "src/new.py", "new = 1\n")
    yield run
    run.close()


def change(run: Run, name: str, text: str) -> None:
    """Let a file of the place be what an agent left, and make the commit of it."""
    file = Path(run.place.path, name)
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    run.manifest.tree = hash_tree(run)
    run.manifest.commit = make_commit(run, run.manifest.tree)
    run.save()
