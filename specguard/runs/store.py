"""Runs as their users see them: each with its process, the runs in a folder, and moves from old layouts.

The folders of runs are `<kind>-<id>/<run-id>/`. Older ones are `<task>/<run-id>/`, `local-mcp/<run-id>/` and
`<id>/mcp/<run-id>/`. Links are not followed: a run that was moved leaves a link at its old path.

A migration moves `local-<tool>/<run-id>/`, which holds the runs of all items, to `<id>/<tool>/<run-id>/`.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from specguard.documents.data import Data
from specguard.errors import MissingFact, SpecguardError, nearest
from specguard.model import Record
from specguard.runs.files import RUN_MARKS, LocalFiles, command_words, folder_name, is_run, reporting_errors
from specguard.runs.manifests import HEARTBEAT, LOG, RunFolder
from specguard.runs.record import LOG_KEYS, SCHEMA, RunRecord, first_of
from specguard.runs.settings import RunSettings, seconds

_TAIL_BYTES: Final = 1 << 16


class RunView(RunRecord):
    """A run in a local folder.

    Args:
        files: the files of all runs.
        folder: its folder among them.
        path: its folder, absolute.
        settings: the statuses that are a success, and the time without a heartbeat after which a run is dead.
        root: the folder of all runs, if commands have to name it (`--run-root`); empty: the policy's.

    Attributes:
        path: its folder.
        root: as above.
        layout: `specguard.run/1`, or the name of the file with its record: `manifest.json`, `meta.json`;
            empty if the record is missing.
        problem: why its record cannot be read, as a sentence; empty if it can.
    """

    def __init__(self, files: LocalFiles, folder: bytes, path: str, settings: RunSettings, root: str) -> None:
        self.path = path
        self.root = root
        super().__init__(files, folder, settings)
        self.layout = SCHEMA if self.native else self.file.decode()
        if self.problem and self.file:
            self.problem = f"{self.layout}: {self.problem}"
        elif self.native and self.manifest is None:
            self.problem = f"the manifest does not fit its schema: {self.misfit}"

    def _read_record(self, name: bytes) -> tuple[bytes, Data, str]:
        try:
            return super()._read_record(name)
        except MissingFact as missing:
            return b"", Data(None), missing.reason

    @property
    def heartbeat(self) -> Mapping[str, Any]:
        """The data of the heartbeat; empty if it is missing or unreadable."""
        try:
            return super().heartbeat
        except MissingFact:
            return {}

    @property
    def label(self) -> str:
        """The work item's name in messages."""
        return self.item if self.manifest is None else self.manifest.item.label

    @property
    def state(self) -> str:
        """The state as written in the record; `unreadable` or `unknown` without one."""
        return super().state or ("unreadable" if self.problem else "unknown")

    @property
    def reason(self) -> str:
        """The reason why the run did not succeed; empty if it is unknown."""
        value = first_of(self.value, ("reason", "error", "message"))
        return value if isinstance(value, str) else self.problem

    @property
    def duration(self) -> float | None:
        """The duration so far, in seconds; None if it is unknown."""
        started, ended = self.started, self.ended
        if started is None or (ended is None and not self.running):
            return None
        return ((ended or datetime.now(UTC)) - started).total_seconds()

    @property
    def step(self) -> str:
        """The current step, or the one that the run ended with; empty if it is not recorded."""
        # Every run that ends has a report as its last step.
        names = [one.name for one in self.manifest.steps if one.name != "report"] if self.manifest else []
        return names[-1] if names else ""

    @property
    def heartbeat_age(self) -> float | None:
        """The seconds since the last heartbeat; None without a heartbeat."""
        if (beat := self.heartbeat_at) is not None:
            return max(0.0, (datetime.now(UTC) - beat).total_seconds())
        try:
            return max(0.0, time.time() - os.stat(os.path.join(self.path, HEARTBEAT)).st_mtime)
        except OSError:
            return None

    @property
    def pid(self) -> int | None:
        """The process that runs or ran the run; None if it is not recorded."""
        value = self.manifest.pid if self.manifest else None
        # A runner that only starts another process records the live process in its heartbeat.
        value = value or first_of({**self.value, **self.heartbeat}, ("pid", "process_id"))
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None

    @property
    def is_process_alive(self) -> bool | None:
        """True if the process is alive; None if it is unknown. A later process may have the same number.

        A zombie is listed until its parent waits for it, which may never happen in a container.
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
        # Heartbeats have a precision of one second.
        return age is None or created <= time.time() - age + 1

    @property
    def alive(self) -> bool:
        """True if the state is running, the process may be alive, and the heartbeat is not stale."""
        age = self.heartbeat_age
        is_recent = age is not None and age <= seconds(self._settings.stale_after)
        return self.running and self.is_process_alive is not False and is_recent

    @property
    def stale(self) -> bool:
        """True if the state is running, but the run is not alive."""
        return self.running and not self.alive

    @property
    def log(self) -> str:
        """The path of the log in the run's folder: the last command's, else the run's; empty without one."""
        names = [first_of(self.value, LOG_KEYS), *(one.log for one in self.commands[-1:])]
        for name in (*names, LOG, "runner.log"):
            # A change may have added the record, and must not have another file shown.
            inside = self._path_of(name) if isinstance(name, str) else None
            file = self.path + os.fsdecode(inside.removeprefix(self.folder)) if inside else ""
            if inside and self._files.is_there(inside) and os.path.isfile(file):
                return file
        return ""

    def tail(self, lines: int = 20) -> str:
        """Return the last lines of the log; empty without a log."""
        try:
            with open(self.log, "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return "\n".join(text.rstrip("\n").split("\n")[-lines:] if lines else ())

    @property
    def rerun(self) -> Sequence[str]:
        """The words of the command that resumes, repeats or gives up the run; empty if none is possible.

        A run whose item is done, or that is still alive, is not started again.
        """
        manifest = self.manifest
        if manifest is None:
            value = first_of(self.value, ("command", "cmd", "argv", "rerun", "resume"))
            words = ["sh", "-c", value] if isinstance(value, str) else value
            return words if isinstance(words, list) and all(isinstance(one, str) for one in words) else []
        if self.stale and (self.is_process_alive or manifest.item.kind in ("gates", "eval")):
            # A process that hangs keeps its item, and a new run leaves processes of the dead one as they are.
            return command_words("stop", manifest.run_id, self.root)
        if manifest.item.kind == "eval":
            return ["specguard", "eval"]
        more = ["--timeout", str(2 * manifest.timeout)] if manifest.state == "timed-out" else []
        limit = RunFolder(self.path).data_or_empty(OPTIONS_FILE).get("command_timeout") if more else 0
        if isinstance(limit, int) and 0 < limit <= sum(one.duration or 0 for one in manifest.commands[-1:]):
            more = ["--command-timeout", str(2 * limit)]
        if manifest.item.kind == "gates":
            extra = dict.fromkeys(one.command for one in manifest.commands if one.source == "flag")
            flags = [word for one in extra for word in ("--command", one)]
            return [*command_words("gates", "", self.root), *flags, *more]
        # While somebody else has the branch, a run that has not pushed ends the same way again.
        is_taken = manifest.state == "remote-moved" and not manifest.pushed
        if manifest.state == "succeeded" or is_taken or self.alive:
            return []
        return [*command_words("resume", manifest.run_id, self.root), *(more or manifest.more_attempts)]

    @property
    def data(self) -> dict[str, Any]:
        """The run as JSON-compatible data."""
        started, ended, age = self.started, self.ended, self.heartbeat_age
        texts = ("state", "reason", "layout", "problem", "path", "step")
        return {
            "run_id": self.run_id,
            "item": self.label,
            **{name: getattr(self, name) or None for name in texts},
            "attempts": self.manifest.attempts if self.manifest else None,
            "pid": self.pid,
            "process": self.is_process_alive,
            "alive": self.alive,
            "heartbeat_age": None if age is None else round(age, 1),
            "started_at": None if started is None else started.isoformat(),
            "ended_at": None if ended is None else ended.isoformat(),
            "log": self.log or None,
            "again": list(self.rerun),
        }


OPTIONS_FILE: Final = "control/asked.json"
"""The file with the options of a run, in its folder; a run writes it first, and only once."""


class RunStore:
    """The runs in a folder.

    Args:
        root: the folder of all runs, absolute; it may be missing.
        settings: the policy's settings of runs; None: the defaults.
        given: True if the folder is not the policy's own, so that commands have to name it.
    """

    def __init__(self, root: str, settings: RunSettings | None = None, *, given: bool = False) -> None:
        self.root = root
        self._named_root = root if given else ""
        self._settings = settings or RunSettings()
        self._files = LocalFiles(root)

    def folders(self) -> Iterator[str]:
        """Return the folder of each run, from `root`; links are not followed.

        Logs alone do not make a committed run: git may ignore them, and leave them on other branches.
        """
        marks = [one for one in RUN_MARKS if one.endswith(b".json") or self._settings.keep != "tree"]
        return map(os.fsdecode, self._files.folders(marks))

    def runs(self) -> Sequence[RunView]:
        """Return all runs, the newest last, including those with a broken record."""
        return sorted(map(self.view, self.folders()), key=_start_key)

    def view(self, folder: str) -> RunView:
        """Return the run in a folder below `root`, absolute or from there."""
        path = os.path.join(self.root, folder)
        inside = os.fsencode(os.path.relpath(path, self.root))
        return RunView(self._files, inside, path, self._settings, self._named_root)

    def find(self, prefix: str) -> RunView:
        """Return the run whose id begins with a prefix.

        Args:
            prefix: the beginning of its id, optionally after `<kind>-<id>/`; or the path of its folder from
                `root`, also the one from before a move.

        Raises:
            SpecguardError: no run or several runs match.
        """
        place = os.path.realpath(os.path.join(self.root, prefix))
        inside = os.path.relpath(place, os.path.realpath(self.root))
        if prefix and not inside.startswith("..") and is_run(os.fsencode(place)):
            return self.view(inside)
        above, _, begin = prefix.rpartition("/")
        known = {path: os.path.split(path) for path in self.folders()}
        found = [path for path, (own, name) in known.items() if name.startswith(begin) and above in ("", own)]
        found = [path for path in found if known[path][1] == begin] or found
        if len(found) == 1:
            return self.view(found[0])
        if found:
            text = f"several runs begin with {prefix!r}: {', '.join(sorted(found)[:5])}"
            raise SpecguardError(text, help="give more of it", code="unknown-name")
        help = nearest(prefix, [name for _, name in known.values()], "specguard run list")
        raise SpecguardError(f"there is no run {prefix!r}", path=self.root, help=help, code="unknown-name")

    def select(self, prefix: str) -> Sequence[RunView]:
        """Return the run whose id begins with a prefix; without one, the running runs, else the latest.

        Raises:
            SpecguardError: no run or several runs match.
        """
        if prefix:
            return [self.find(prefix)]
        return [run for run in self.runs() if run.running] or [self.latest()]

    def latest(self) -> RunView:
        """Return the run that started last.

        Raises:
            SpecguardError: the folder has no runs.
        """
        runs = self.runs()
        if not runs:
            help = "specguard run KIND -- COMMAND"
            raise SpecguardError("there are no runs", path=self.root, help=help, code="unknown-name")
        return next((run for run in reversed(runs) if run.started), runs[-1])


def _start_key(run: RunView) -> tuple[str, int, str]:
    """Return the sort key for starts of runs: the recorded second or the id, and the first file's time."""
    try:
        written = os.stat(os.path.join(run.path, OPTIONS_FILE)).st_mtime_ns
    except OSError:
        written = 0
    started = run.started.strftime("%Y-%m-%dT%H-%M-%SZ") if run.started else run.run_id
    return started, written, run.path


_OLD_FOLDER: Final = re.compile(r"local-(?P<name>[A-Za-z0-9_.-]+)")


class Move(Record):
    """A run folder that could be moved.

    Attributes:
        old: its path, from the folder of all runs.
        new: its new path, from the folder of all runs.
        problem: why it cannot be moved; empty if it can.
    """

    old: str
    new: str = ""
    problem: str = ""


def find_moves(store: RunStore) -> Sequence[Move]:
    """Return the folders in an older layout, each with its new path."""
    tools = ((path, _OLD_FOLDER.fullmatch(os.path.dirname(path))) for path in sorted(store.folders()))
    return [_plan_move(store, path, tool["name"]) for path, tool in tools if tool]


def move_run(store: RunStore, move: Move) -> None:
    """Move a run folder, and leave a link at the old path.

    Raises:
        SpecguardError: the folder cannot be moved; it stays at the old path.
    """
    old, new = (os.path.join(store.root, path) for path in (move.old, move.new))
    with reporting_errors(old):
        os.makedirs(os.path.dirname(new), exist_ok=True)
        # It replaces no run, nor a link: both are errors. `find_moves` has told of them.
        os.rename(old, new)
        try:
            os.symlink(os.path.relpath(new, os.path.dirname(old)), old, target_is_directory=True)
        except OSError:
            os.rename(new, old)
            raise


def _plan_move(store: RunStore, old: str, tool: str) -> Move:
    run = store.view(old)
    if run.alive:
        return Move(old=old, problem="it is under way")
    item = run.item
    if run.problem or not item or item == os.path.dirname(old):
        return Move(old=old, problem=run.problem or "its record does not say what it worked on")
    new = os.path.join(folder_name(item), tool, run.run_id)
    if os.path.lexists(os.path.join(store.root, new)):
        return Move(old=old, problem=f"{new} is there already")
    return Move(old=old, new=new)
