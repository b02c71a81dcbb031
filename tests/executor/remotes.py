"""A team's bare remote, a user's clone of it, and stand-ins for the command lines of platforms."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specguard.executor.preflight import prepare
from specguard.executor.run import Run, RunOptions
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
        self.close(run)
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

    def close(self, run: Run) -> None:
        """End what a run holds open."""
        run.git.close()
        if run.claim is not None:
            run.claim.release()
