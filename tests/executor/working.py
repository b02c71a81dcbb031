"""Runs through the command: a team, an agent that is a small script, and what came of it."""

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from specguard.runs.manifests import Manifest
from specguard.testing import Outcome, run_here
from tests.executor.places import DATA, everything, program
from tests.executor.remotes import Hosted

TOKEN = "ghp_" + "Zx9" * 12

POLICY = DATA.joinpath("workshop.md").read_text()
GOOD = "echo 'new = 1' > src/new.py"


def wait_for(what: Callable[[], object], most: float = 60) -> None:
    """Wait until something holds."""
    until = time.monotonic() + most
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)


class Workshop(Hosted):
    """A team whose remote is on a platform, and its runs of phase 12.

    Args:
        folder: an empty one.
        policy: the authority.
        files: what the base has beside.
    """

    def __init__(self, folder: Path, policy: str = POLICY, files: Mapping[str, str] | None = None) -> None:
        super().__init__(folder, files={"SPEC_AUTHORITY.md": policy, "src/a.py": "a = 1\n", **(files or {})})
        self.runs = self.user.path / ".runs" / "phase-12"
        self.before = self.users()

    def agent(self, script: str) -> Path:
        """The agent: what it does once it has read its brief, which it leaves beside itself."""
        rounds = self.folder / "rounds"
        rounds.mkdir(exist_ok=True)
        begins = f"set -e\nROUND=$(($(ls {rounds} | wc -l) + 1))\ncat > {rounds}/$ROUND\n"
        return program(self.folder / "agent.sh", begins + script)

    @property
    def told(self) -> list[str]:
        """What the agent has read, round by round."""
        folder = self.folder / "rounds"
        return [(folder / name).read_text() for name in sorted(os.listdir(folder), key=int)]

    def words(self, script: str = GOOD, *options: str) -> list[str]:
        """The command line of a run with an agent."""
        return ["run", "phase", "-C", str(self.user.path), *options, "--", f"../{self.agent(script).name}"]

    def work(
        self,
        script: str = GOOD,
        *options: str,
        environment: Mapping[str, str] | None = None,
        ends: int | None = None,
    ) -> Outcome:
        """Run phase 12 with an agent that does as a script says; it has to end with an exit code."""
        done = self.specguard(*self.words(script, *options), environment=environment)
        assert ends in (None, done.exit_code), done
        return done

    def resume(self, *options: str, ends: int | None = None) -> Outcome:
        """Resume the run."""
        done = self.specguard("run", "resume", self.run_id, "-C", str(self.user.path / "src"), *options)
        assert ends in (None, done.exit_code), done
        return done

    def specguard(self, *words: str, environment: Mapping[str, str] | None = None) -> Outcome:
        """The command, in this process; `start` has the installed one, for what is ended from outside."""
        own = {"GIT_CONFIG_GLOBAL": str(self.home / ".gitconfig")}
        given = {**self.environment, **own, **(environment or {})}
        return run_here(*words, directory=self.user.path, env=given)

    @property
    def folder_of_run(self) -> Path:
        """The folder of the only run."""
        [found] = [one for one in self.runs.iterdir() if (one / "manifest.json").exists()]
        return found

    @property
    def run_id(self) -> str:
        return self.folder_of_run.name

    @property
    def manifest(self) -> Manifest:
        return Manifest.model_validate_json((self.folder_of_run / "manifest.json").read_bytes())

    @property
    def error(self) -> dict[str, Any]:
        """Why the run ended early."""
        found: dict[str, Any] = json.loads((self.folder_of_run / "error.json").read_text())
        return found

    def sleeping(self) -> list[psutil.Process]:
        """What agents of this workshop have left running, and not those of a test beside it."""
        found = []
        for one in psutil.process_iter():
            with suppress(psutil.Error):
                if one.name() == "sleep" and one.environ().get("HOME") == str(self.home):
                    found.append(one)
        return found

    def users(self) -> dict[str, tuple[int, bytes]]:
        """Each file of the user's checkout and of its `.git`, but for the runs and the objects."""
        return {
            name: value
            for name, value in everything(self.user.path).items()
            if not name.startswith((".runs/", ".git/objects/", ".git/refs/specguard/"))
        }

    def commits(self) -> list[str]:
        """The commits that the remote's branch of the phase has beyond the base; none without the branch."""
        if not self.remote.git("for-each-ref", "refs/heads/phase-12"):
            return []
        return self.remote.git("rev-list", f"{self.base}..refs/heads/phase-12").split()

    def kept(self) -> dict[str, bytes]:
        """Each file of the run's folder."""
        return {name: content for name, (_, content) in everything(self.folder_of_run).items()}

    def check_done(self) -> None:
        """The run has done all of it, once, and has touched nothing else."""
        manifest = self.manifest
        assert manifest.state == "succeeded", manifest.reason
        [commit] = self.commits()
        assert commit == manifest.commit == manifest.pushed
        tree = self.remote.git("rev-parse", f"{commit}^{{tree}}").strip()
        assert tree == manifest.tree == manifest.judgements[-1].tree
        assert manifest.judgements[-1].exit_code == 0
        [request] = self.state["requests"]
        assert request["headRefOid"] == commit
        assert len(self.calls("create")) == 1
        assert self.users() == self.before
        self.check_evidence()

    def check_evidence(self) -> None:
        """All is there that a reader follows a run by, and it agrees with itself."""
        manifest, kept = self.manifest, self.kept()
        expected = {"manifest.json", "run.log", "brief.md", "report.md", "control/heartbeat.json"}
        assert expected <= kept.keys()
        assert ("error.json" in kept) == (manifest.state not in ("succeeded",))
        assert not [name for name in kept if name.endswith(".tmp")]
        assert manifest.ended_at
        assert set(manifest.digests) == {
            name for name in kept if name != "manifest.json" and not name.startswith("control/")
        }
        for command in manifest.commands:
            if command.ended_at is not None:
                assert json.loads(kept[command.response])["exit_code"] == command.exit_code
                assert command.log in kept
