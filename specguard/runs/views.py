"""A run as whoever looks after it sees it, whatever layout its folder has."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from specguard.errors import SpecguardError
from specguard.runs.folder import COMMANDS, HEARTBEAT, LOG, MANIFEST, RunFolder
from specguard.runs.meta import META
from specguard.runs.model import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from specguard.runs.model import Manifest

RUNNER_LOG: Final = "runner.log"
"""The log of an older layout."""

UNREADABLE: Final = "unreadable"
"""The state of a run whose record cannot be read."""

_LARGEST: Final = 8 << 20
_TAIL: Final = 1 << 16
_OPEN: Final = frozenset({"pending", "running", "in-progress", "started", "queued", "waiting"})
_STATE: Final = ("status", "state", "result")
_STARTED: Final = ("started_at", "started", "start_time", "created_at", "created", "time")
_ENDED: Final = ("ended_at", "ended", "finished_at", "finished", "completed_at", "end_time", "end")
_TASK: Final = ("task", "task_id", "item", "id")
_AGAIN: Final = ("command", "cmd", "argv", "rerun", "resume")


class RunView:
    """A run.

    Args:
        path: its folder, absolute.
        stale_after: after how many seconds without a heartbeat a run that is running has died.

    Attributes:
        path: its folder.
        run_id: its id, which is the folder's name.
        manifest: its record; None for one of an older layout, and where it cannot be read.
        record: the record as it stands there; empty where it cannot be read.
        layout: `specguard.run/1`, else the name of the file that is its record: `manifest.json`, `meta.json`;
            empty where there is none.
        problem: why its record cannot be read, as a sentence; empty where it can.
    """

    def __init__(self, path: str, *, stale_after: float) -> None:
        self.path = path
        self.run_id = os.path.basename(path)
        self.manifest: Manifest | None = None
        self.record: Mapping[str, Any] = {}
        self.layout = ""
        self.problem = ""
        self._stale_after = stale_after
        self._heartbeat = _read(os.path.join(path, HEARTBEAT))[0]
        self._read_record()

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
        said = _first(self.record, _TASK)
        if isinstance(said, dict):
            said = _first(said, ("id", "name", "title"))
        above = os.path.basename(os.path.dirname(self.path))
        return str(said) if isinstance(said, (str, int)) else above

    @property
    def state(self) -> str:
        """How it stands, in the words of its record."""
        if self.manifest is not None:
            return self.manifest.state
        said = _first(self.record, _STATE)
        return said if isinstance(said, str) and said else UNREADABLE if self.problem else "unknown"

    @property
    def reason(self) -> str:
        """Why it is not succeeded; empty where that is not told."""
        said = self.manifest.reason if self.manifest else _first(self.record, ("reason", "error", "message"))
        return said if isinstance(said, str) else self.problem

    @property
    def open(self) -> bool:
        """Whether it says that it has not ended."""
        return self.state.casefold().replace("_", "-") in _OPEN

    @property
    def started(self) -> datetime | None:
        """When it began; None where that is not told."""
        return _moment(self.manifest.started_at if self.manifest else _first(self.record, _STARTED))

    @property
    def ended(self) -> datetime | None:
        """When it ended; None while it has not, or where that is not told."""
        return _moment(self.manifest.ended_at if self.manifest else _first(self.record, _ENDED))

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
        said = _first({**self.record, **self._heartbeat}, ("step", "phase", "stage"))
        return said if isinstance(said, str) else ""

    @property
    def heartbeat_age(self) -> float | None:
        """How many seconds ago it last said that it is alive; None where it never did."""
        said = _moment(_first(self._heartbeat, ("time", "timestamp", "updated_at", "at", "heartbeat")))
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
        said = said or _first({**self.record, **self._heartbeat}, ("pid", "process_id"))
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
        return self.open and self.process_runs is not False and age is not None and age <= self._stale_after

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
        said = _first(self.record, ("log", "log_path", "log_file"))
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
            said = _first(self.record, _AGAIN)
            if isinstance(said, str):
                return ["sh", "-c", said]
            plain = isinstance(said, list) and all(isinstance(one, str) for one in said)
            return said if plain and isinstance(said, list) else []
        if manifest.state != "succeeded" and (manifest.item.kind != "gates" or self.open):
            return ["specguard", "run", "resume", manifest.run_id]
        if manifest.item.kind == "gates":
            return ["specguard", "run", "gates"]
        words = ["specguard", "run", "item", manifest.item.kind, manifest.item.id]
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

    def _read_record(self) -> None:
        for name in (MANIFEST, META):
            record, problem = _read(os.path.join(self.path, name))
            if problem is None:
                continue
            self.layout = name
            self.record, self.problem = record, problem
            if record.get("schema") == SCHEMA:
                self.layout = SCHEMA
                try:
                    self.manifest = RunFolder(self.path).read_manifest()
                except SpecguardError as error:
                    self.problem = error.message
            return
        self.problem = "it has no record: neither manifest.json nor meta.json"

    def __repr__(self) -> str:
        return f"RunView({self.run_id!r}, {self.state!r})"


def is_run(path: str) -> bool:
    """Whether a folder is that of a run, also where its record is gone."""
    return any(
        os.path.lexists(os.path.join(path, name))
        for name in (MANIFEST, META, LOG, RUNNER_LOG, HEARTBEAT, COMMANDS)
    )


def _read(file: str) -> tuple[Mapping[str, Any], str | None]:
    """A JSON file with keys, and why it cannot be read: empty where it can, None where it is not there."""
    try:
        with open(file, "rb") as stream:
            content = stream.read(_LARGEST)
        data = json.loads(content)
    except FileNotFoundError:
        return {}, None
    except OSError as error:
        return {}, f"{os.path.basename(file)} cannot be read: {error.strerror}"
    except (ValueError, RecursionError) as error:
        return {}, f"{os.path.basename(file)} is no JSON: {str(error)[:200]}"
    if not isinstance(data, dict):
        return {}, f"{os.path.basename(file)} holds no keys"
    return data, ""


def _first(record: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((record[name] for name in names if record.get(name) is not None), None)


def _moment(said: Any) -> datetime | None:
    """A time as records of any layout have it: as ISO 8601, or as seconds since 1970."""
    try:
        if isinstance(said, (int, float)) and not isinstance(said, bool):
            return datetime.fromtimestamp(said, UTC)
        if isinstance(said, str):
            moment = datetime.fromisoformat(said)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
