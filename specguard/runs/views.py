"""A run as whoever looks after it sees it: what it recorded, and what can be seen of its process."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from specguard.errors import MissingFact
from specguard.runs.files import LocalFiles
from specguard.runs.folder import COMMANDS, HEARTBEAT, LOG, MANIFEST
from specguard.runs.meta import META
from specguard.runs.model import SCHEMA
from specguard.runs.record import RunRecord
from specguard.runs.root import about_run
from specguard.runs.settings import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from specguard.runs.settings import RunSettings

RUNNER_LOG: Final = "runner.log"
"""The log of an older layout."""

UNREADABLE: Final = "unreadable"
"""The state of a run whose record cannot be read."""

_TAIL: Final = 1 << 16
_AGAIN: Final = ("command", "cmd", "argv", "rerun", "resume")


class RunView:
    """A run.

    Args:
        path: its folder, absolute.
        settings: which statuses are a success, and after how long without a heartbeat a run has died.
        root: the folder of all runs, where commands have to name it (`--run-root`); empty: the policy's.

    Attributes:
        path: its folder.
        root: as above.
        run_id: its id, which is the folder's name.
        record: what it recorded, as the rules read it; None where a file of it cannot be read.
        manifest: its manifest; None for one of an older layout, and where it cannot be read.
        layout: `specguard.run/1`, else the name of the file that is its record: `manifest.json`, `meta.json`;
            empty where there is none.
        problem: why its record cannot be read, as a sentence; empty where it can.
    """

    def __init__(self, path: str, *, settings: RunSettings, root: str = "") -> None:
        self.path = path
        self.root = root
        self.run_id = os.path.basename(path)
        self.record: RunRecord | None = None
        self.layout = ""
        self._settings = settings
        above = os.path.dirname(path)
        folder = os.path.join(os.path.basename(above), self.run_id)
        try:
            record = RunRecord(LocalFiles(os.path.dirname(above)), os.fsencode(folder), settings)
            self.heartbeat: Mapping[str, Any] = record.heartbeat
        except MissingFact as missing:
            self.problem = missing.reason
            self.manifest, self.heartbeat = None, {}
            return
        self.record = record
        self.layout = SCHEMA if record.native else record.file.decode()
        self.manifest = record.manifest
        self.problem = (
            f"{self.layout}: {record.problem}" if record.problem and record.file else record.problem
        )
        if record.native and not self.problem and self.manifest is None:
            self.problem = f"the manifest does not fit its schema: {record.misfit}"

    @property
    def said(self) -> Mapping[str, Any]:
        """What its record says; empty where it cannot be read."""
        return self.record.value if self.record is not None else {}

    @property
    def kind(self) -> str:
        """The kind of its item; empty where that is not told."""
        return self.manifest.item.kind if self.manifest else ""

    @property
    def item(self) -> str:
        """What it works on, for a person."""
        if self.manifest is not None:
            item = self.manifest.item
            own = item.id.casefold().startswith(item.kind.casefold())
            return item.id if own else f"{item.kind} {item.id}"
        return self.record.item if self.record is not None else os.path.basename(os.path.dirname(self.path))

    @property
    def state(self) -> str:
        """How it stands, in the words of its record."""
        said = self.record.state if self.record is not None else ""
        return said or (UNREADABLE if self.problem else "unknown")

    @property
    def succeeded(self) -> bool:
        """Whether it ended with one of the statuses of the policy's `succeeded`."""
        return self.record is not None and self.record.succeeded

    @property
    def reason(self) -> str:
        """Why it is not succeeded; empty where that is not told."""
        said = self.manifest.reason if self.manifest else _first(self.said, ("reason", "error", "message"))
        return said if isinstance(said, str) else self.problem

    @property
    def open(self) -> bool:
        """Whether it says that it has not ended."""
        return self.record is not None and self.record.running

    @property
    def started(self) -> datetime | None:
        """When it began; None where that is not told."""
        return self.record.started if self.record is not None else None

    @property
    def ended(self) -> datetime | None:
        """When it ended; None while it has not, or where that is not told."""
        return self.record.ended if self.record is not None else None

    @property
    def took(self) -> float | None:
        """How many seconds it took, or has taken so far; None where that cannot be told."""
        started, ended = self.started, self.ended
        if started is None or (ended is None and not self.open):
            return None
        return ((ended or datetime.now(UTC)) - started).total_seconds()

    @property
    def step(self) -> str:
        """The step that it is in, or was in last; empty where that is not told."""
        if self.manifest is not None and self.manifest.steps:
            return self.manifest.steps[-1].name
        said = _first({**self.said, **self.heartbeat}, ("step", "phase", "stage"))
        return said if isinstance(said, str) else ""

    @property
    def heartbeat_age(self) -> float | None:
        """How many seconds ago it last said that it is alive; None where it never did."""
        said = self.record.heartbeat_at if self.record is not None else None
        if said is not None:
            return max(0.0, (datetime.now(UTC) - said).total_seconds())
        try:
            return max(0.0, time.time() - os.stat(os.path.join(self.path, HEARTBEAT)).st_mtime)
        except OSError:
            return None

    @property
    def pid(self) -> int | None:
        """The process that runs it, or ran it; None where that is not told."""
        said = self.manifest.pid if self.manifest else None
        said = said or _first({**self.said, **self.heartbeat}, ("pid", "process_id"))
        return said if isinstance(said, int) and not isinstance(said, bool) and said > 0 else None

    @property
    def process_runs(self) -> bool | None:
        """Whether that process runs; None where none is told. One that came later has only its number.

        One that has ended stays listed until its parent asks for it, which in a container may be never.
        """
        if self.pid is None:
            return None
        import psutil

        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            created = process.create_time()
        except psutil.NoSuchProcess:
            return False
        except psutil.Error:
            return True
        age = self.heartbeat_age
        # Heartbeats are told to the second.
        return age is None or created <= time.time() - age + 1

    @property
    def alive(self) -> bool:
        """Whether it is under way: it says so, its process is there, and its heartbeat is not stale."""
        age = self.heartbeat_age
        return (
            self.open
            and self.process_runs is not False
            and age is not None
            and age <= seconds(self._settings.stale_after)
        )

    @property
    def stale(self) -> bool:
        """Whether it says that it is under way and is not."""
        return self.open and not self.alive

    @property
    def log(self) -> str:
        """Its log, absolute: that of the command that ran last, else the run's; empty where there is none."""
        names = [LOG, RUNNER_LOG]
        if self.manifest is not None and self.manifest.commands:
            names.insert(0, self.manifest.commands[-1].log)
        said = _first(self.said, ("log", "log_path", "log_file"))
        if isinstance(said, str):
            names.insert(0, said)
        for name in names:
            file = os.path.join(self.path, name)
            if os.path.isfile(file):
                return file
        return ""

    def tail(self, lines: int = 20) -> str:
        """The last lines of its log; empty where there is none."""
        if not self.log:
            return ""
        try:
            with open(self.log, "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return "\n".join(text.rstrip("\n").split("\n")[-lines:])

    @property
    def again(self) -> Sequence[str]:
        """The words of the command that goes on with it, or runs it anew; empty where that is not told."""
        manifest = self.manifest
        if manifest is None:
            said = _first(self.said, _AGAIN)
            if isinstance(said, str):
                return ["sh", "-c", said]
            plain = isinstance(said, list) and all(isinstance(one, str) for one in said)
            return said if plain and isinstance(said, list) else []
        if manifest.item.kind == "eval":
            return ["specguard", "eval"]
        if manifest.state != "succeeded" and (manifest.item.kind != "gates" or self.open):
            return about_run("resume", manifest.run_id, self.root)
        if manifest.item.kind == "gates":
            return about_run("gates", "", self.root)
        words = ["specguard", "run", "item", manifest.item.kind, manifest.item.id]
        words += ["--run-root", self.root] if self.root else []
        agent = manifest.agent
        if agent is not None:
            words += ["--agent", agent.name] if agent.name else ["--", *agent.command]
        return words

    @property
    def data(self) -> dict[str, Any]:
        """What is told of it, as JSON can hold it."""
        started, ended, age = self.started, self.ended, self.heartbeat_age
        return {
            "run_id": self.run_id,
            "item": self.item,
            "state": self.state,
            "reason": self.reason or None,
            "layout": self.layout or None,
            "problem": self.problem or None,
            "path": self.path,
            "step": self.step or None,
            "attempts": self.manifest.attempts if self.manifest else None,
            "pid": self.pid,
            "process": self.process_runs,
            "alive": self.alive,
            "heartbeat_age": None if age is None else round(age, 1),
            "started_at": None if started is None else started.isoformat(),
            "ended_at": None if ended is None else ended.isoformat(),
            "log": self.log or None,
            "again": list(self.again),
        }

    def __repr__(self) -> str:
        return f"RunView({self.run_id!r}, {self.state!r})"


def is_run(path: str) -> bool:
    """Whether a folder is that of a run, also where its record is gone."""
    return any(
        os.path.lexists(os.path.join(path, name))
        for name in (MANIFEST, META, LOG, RUNNER_LOG, HEARTBEAT, COMMANDS)
    )


def _first(record: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((record[name] for name in names if record.get(name) is not None), None)
