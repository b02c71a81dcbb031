"""The executor's own time in a run whose agent does next to nothing."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import time
from typing import TYPE_CHECKING

from measure import quartiles
from place import PLACE
from repositories import git
from rows import Result, Row

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
    results = []
    for row in RUNS:
        if row.number not in numbers:
            continue
        team = _Team(FILES[row.number], environment)
        figures, failure = [], ""
        for number in range(4 if quick else 16):
            seconds, failure = team.run(tools)
            if failure:
                break
            peer = 1.0 if row.against == "s" else team.clone(tools)
            # The first run fills caches.
            figures += [seconds / peer] if number else []
        if failure:
            results.append(Result(row, note=failure))
        else:
            results.append(Result(row, sorted(figures)[len(figures) // 2], quartiles(figures)))
    return results


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

    def run(self, tools: Tools) -> tuple[float, str]:
        """Run once; return the seconds of specguard's own work, and the reason for a failure, else empty."""
        self._clean()
        started = time.perf_counter()
        done = subprocess.run(
            [tools.specguard, "run", "phase", "--", str(self._agent)],
            cwd=self._user,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        if done.returncode:
            said = done.stderr.strip().splitlines()
            return 0.0, f"exit {done.returncode} where 0 is expected: {said[-1] if said else ''}"
        [file] = self._user.glob(".runs/phase-12/*/manifest.json")
        manifest = json.loads(file.read_text("utf-8"))
        if manifest["state"] != "succeeded" or len(manifest["commands"]) != len(("agent", "gate")):
            return 0.0, f"the run is {manifest['state']}"
        return seconds - sum(command["duration"] for command in manifest["commands"]), ""

    def clone(self, tools: Tools) -> float:
        """Return the seconds that git takes for a checkout that borrows the user's objects."""
        target = self._user.parent / "clone"
        shutil.rmtree(target, ignore_errors=True)
        started = time.perf_counter()
        subprocess.run(
            [tools.git, "clone", "-q", "--shared", str(self._user), str(target)],
            env=self._environment,
            check=True,
        )
        return time.perf_counter() - started

    def _clean(self) -> None:
        """Delete all results of the previous run."""
        shutil.rmtree(self._user / ".runs", ignore_errors=True)
        git(self._remote, "update-ref", "-d", "refs/heads/phase-12")
        for ref in git(self._user, "for-each-ref", "--format=%(refname)", "refs/specguard").split():
            git(self._user, "update-ref", "-d", ref)
        shutil.rmtree(PLACE / "cache" / "specguard" / "places", ignore_errors=True)
