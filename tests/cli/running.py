"""A repository with a bare remote and a phase to work on, and the installed command on it."""

import json
import os
import pty
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from specguard.runs.store import RunStore
from specguard.testing import Outcome, run, run_here
from specguard.testing.running import command
from tests.executor.places import Setting

POLICY = """# Authority

```toml specguard
base = "main"

[rules.locked-path]
paths = ["locked/"]

[agents.good]
command = ["sh", "-c", "cat > /dev/null; echo b > src/b.py"]

[work.phase]
pointer = ["NEXT_PHASE.json"]
number = "next"
branch = "phase-{number}"
commit = "feat(phase{number}): implement phase {number}"
pull_request = "Phase {number}"

[[work.phase.gates]]
name = "there"
run = "test -f src/b.py"
```
"""
GOOD = "cat > /dev/null; echo b > src/b.py"


class Project(Setting):
    """The user's clone of a bare remote."""

    def __init__(self, folder: Path, policy: str = POLICY, files: Mapping[str, str] | None = None) -> None:
        super().__init__(folder, {"SPEC_AUTHORITY.md": policy, **(files or {})})

    @property
    def top(self) -> Path:
        return Path(self.user.path)

    @property
    def runs(self) -> Path:
        return self.top / ".runs"

    def specguard(
        self,
        *words: str,
        given: str = "",
        directory: Path | None = None,
        installed: bool = False,
        **variables: str,
    ) -> Outcome:
        """Run the command in the user's clone: in this process, or the installed one, which can detach."""
        environment = {**self.environment, "GIT_CONFIG_GLOBAL": str(self.home / ".gitconfig"), **variables}
        runner = run if installed or "--detach" in words else run_here
        return runner(*words, directory=directory or self.user.path, env=environment, stdin=given)

    def run_phase(self, script: str = GOOD, *words: str) -> Outcome:
        """Let a shell script work on the current phase."""
        return self.specguard("run", "phase", *words, "--", "sh", "-c", script)

    def take(self, branch: str) -> None:
        """Check out a branch of the remote that the user has not yet."""
        self.user.git("fetch", "-q", "origin", branch)
        self.user.git("switch", "-q", "-c", branch, "FETCH_HEAD")

    def land(self, what: str = "HEAD") -> None:
        """Make something the `main` of the remote, whatever that had, and fetch it."""
        self.user.git("push", "-qf", "origin", f"{what}:main")
        self.user.git("fetch", "-q", "origin")

    def manifests(self) -> list[dict[str, Any]]:
        """The manifests of all runs, in the order in which they began."""
        runs = RunStore(str(self.runs)).runs()
        return [json.loads(Path(run.path, "manifest.json").read_text()) for run in runs]

    def only_run(self) -> Path:
        """The folder of the only run."""
        [file] = self.runs.glob("*/*/manifest.json")
        return file.parent


def on_a_terminal(
    *words: str, directory: Path, env: Mapping[str, str], question: str = "", answer: str = ""
) -> tuple[int, str]:
    """The exit code of the installed command on a terminal, and what it shows; a question gets its answer."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [command(), *words], cwd=directory, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = ""
    # Reading fails, or gives nothing, once nobody writes to the terminal any more.
    with suppress(OSError):
        while data := os.read(ours, 1 << 16):
            shown += data.decode("utf-8", "replace")
            if question and question in shown:
                os.write(ours, answer.encode())
                question = ""
    os.close(ours)
    return process.wait(60), shown
