"""The executor's own time in a run whose agent does next to nothing."""

from __future__ import annotations

import json
import shutil
import stat
from typing import TYPE_CHECKING

from measure import NoFigure, run_once
from place import PLACE
from repositories import git
from rows import Result, Row, measured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from place import Tools

RUNS = (
    Row("16", "own time of `run`, trivial agent, 200 files", "s", 1.0, 0.5),
    Row("16m", "the same, 2,000 files", "git clone --shared", 5.0, 2.0),
)
"""The time from start to end without the commands that the run starts: the agent and the gates.

With many files, most of the time is spent to write them once, which any separate place requires.
"""

FILES = {"16": 200, "16m": 2000}

AGENT = "#!/bin/sh\ncat > /dev/null\necho 'new = 1' > src/new.py\n"
POLICY = """# Authority

```toml specguard
base = "main"

[rules.locked-path]
paths = ["locked/"]

[work.phase]
pointer = ["NEXT_PHASE.json"]
number = "next"
branch = "phase-{number}"
commit = "feat(phase{number}): implement phase {number}"

[[work.phase.gates]]
name = "tests"
run = "test -f src/new.py"
```
"""


def measure_runs(
    tools: Tools, environment: Mapping[str, str], numbers: set[str], *, quick: bool
) -> list[Result]:
    """Measure row 16: the median of several runs, each without the remote branch and without earlier runs.

    The time includes fetching from and pushing to a bare repository on the same disk.
    """

    def measure(row: Row) -> list[float]:
        team = _Team(FILES[row.number], environment)
        figures = []
        for number in range(4 if quick else 16):
            seconds = team.run(tools)
            peer = 1.0 if row.against == "s" else team.clone(tools)
            # The first run fills caches.
            figures += [seconds / peer] if number else []
        return figures

    return measured(RUNS, numbers, measure)


class _Team:
    """A bare remote, a clone of it, and an agent.

    Args:
        files: the number of files in the base.
        environment: all environment variables of a run.
    """

    def __init__(self, files: int, environment: Mapping[str, str]) -> None:
        folder = PLACE / "repositories" / f"run-{files}"
        shutil.rmtree(folder, ignore_errors=True)
        self._remote, self._user = folder / "remote.git", folder / "user"
        self._user.mkdir(parents=True)
        git(folder, "init", "-q", "--bare", "--template=", "--initial-branch=main", str(self._remote))
        git(self._user, "init", "-q", "--template=", "--initial-branch=main")
        contents = {
            "SPEC_AUTHORITY.md": POLICY,
            "NEXT_PHASE.json": '{"next": 12}\n',
            ".gitignore": ".runs/\n",
        }
        contents |= {f"src/part{n % 20}/m{n}.py": f"value = {n}\n" * 50 for n in range(files - len(contents))}
        for name, text in contents.items():
            path = self._user / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        for key, value in (("user.name", "Ann"), ("user.email", "ann@example.org")):
            git(self._user, "config", key, value)
        git(self._user, "add", "--all")
        git(self._user, "commit", "-q", "-m", "chore: base")
        git(self._user, "remote", "add", "origin", str(self._remote))
        git(self._user, "push", "-q", "-u", "origin", "main")
        self._agent = folder / "agent.sh"
        self._agent.write_text(AGENT, "utf-8")
        self._agent.chmod(self._agent.stat().st_mode | stat.S_IXUSR)
        self._environment = dict(environment)

    def run(self, tools: Tools) -> float:
        """Run once; return the seconds of specguard's own work.

        Raises:
            NoFigure: the run failed.
        """
        self._clean()
        command = (tools.specguard, "run", "phase", "--", str(self._agent))
        seconds, _ = run_once(command, self._user, self._environment)
        [file] = self._user.glob(".runs/phase-12/*/manifest.json")
        manifest = json.loads(file.read_text("utf-8"))
        if manifest["state"] != "succeeded" or len(manifest["commands"]) != len(("agent", "gate")):
            raise NoFigure(f"the run is {manifest['state']}")
        spent: float = sum(command["duration"] for command in manifest["commands"])
        return seconds - spent

    def clone(self, tools: Tools) -> float:
        """Return the seconds that git takes for a checkout that borrows the user's objects."""
        target = self._user.parent / "clone"
        shutil.rmtree(target, ignore_errors=True)
        command = (tools.git, "clone", "-q", "--shared", str(self._user), str(target))
        return run_once(command, self._user, self._environment)[0]

    def _clean(self) -> None:
        """Delete all results of the previous run."""
        shutil.rmtree(self._user / ".runs", ignore_errors=True)
        git(self._remote, "update-ref", "-d", "refs/heads/phase-12")
        for ref in git(self._user, "for-each-ref", "--format=%(refname)", "refs/specguard").split():
            git(self._user, "update-ref", "-d", ref)
        shutil.rmtree(PLACE / "cache" / "specguard" / "places", ignore_errors=True)
