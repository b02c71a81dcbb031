"""The record of a run as plain data, for all layouts of run folders."""

from __future__ import annotations

import os
from functools import cached_property

from specguard.change.entries import OBJECT_ID
from specguard.documents.data import Data, data_kind, data_of
from specguard.documents.fields import normal_name
from specguard.errors import MissingFact
from specguard.model import TYPE_CHECKING, Finding, Record, cached_method, only_text, path_text, plain_path
from specguard.runs.files import RECORD_FILES, LocalFiles, TreeFiles, containing_folder, folder_of
from specguard.runs.settings import RunSettings, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Any, Final

    from specguard.change.entries import Entry
    from specguard.change.tree import Documents
    from specguard.runs.files import Files
    from specguard.runs.manifests import Manifest


SCHEMA: Final = "specguard.run/1"
GRADES: Final = ("claimed", "observed", "re-run")
"""The grades of evidence, weakest first."""

GATES: Final = "gates"
"""The item kind of a run of gates only."""

ALL: Final = "all"
"""The item id of a run of gates without a work item: it runs the gates of every kind."""

STATE_KEYS: Final = ("status", "state", "result")
"""The keys of a run's or a command's state, in order of preference."""

_ITEM_KEYS: Final = ("task_id", "item_id", "task", "item", "id")
_ITEMS_KEYS: Final = ("task_ids", "item_ids", "tasks", "items")
_WORDS_KEYS: Final = ("command", "cmd", "argv")
_CODE_KEYS: Final = ("exit_code", "exitCode", "returncode", "code")
LOG_KEYS: Final = ("log", "log_path", "log_file")
_COMMANDS_KEYS: Final = ("commands", "gates", "checks", "steps", "validations")
_HEARTBEAT: Final = "control/heartbeat.json"
_BEAT_KEYS: Final = ("time", "timestamp", "updated_at", "at", "heartbeat")
_STARTED: Final = ("started_at", "started", "start_time", "created_at", "created", "time")
_ENDED: Final = ("ended_at", "ended", "finished_at", "finished", "completed_at", "end_time", "end")
_SIGNS: Final = ("heartbeat_at", "updated_at", *_ENDED, *_STARTED)
FAILURES: Final = frozenset({"failed", "fail", "failure", "error", "errored", "timedout"})
"""The states of what has failed, as `normal_name` returns them."""

_OPEN_STATES: Final = frozenset({"running", "inprogress", "pending", "started", "queued", "waiting"})
CUT_SHORT: Final = _OPEN_STATES | {"aborted", "canceled", "cancelled", "interrupted", "notrun", "skipped"}
"""The states of what did not run to its end, likewise."""


class RanCommand:
    """A command that a run ran.

    Attributes:
        name: its name; without one, the command itself.
        kind: `gate`, `agent` and so on; empty in older layouts.
        text: the command.
        exit_code: None if it is not recorded.
        succeeded: True if its exit code is 0 or, without a recorded code, its status is a success. False if
            it failed, has a problem, was timed out, or says that it did not run to its end.
        failed: True if its status is a failure or, without one that tolerates it, its exit code is not 0.
        tree: the tree that it ran on; empty if it is not recorded.
        grade: the grade of its result as evidence.
        log: the file with its output, as written; empty if it is not recorded.
        log_digest: the sha256 of the log; empty if it is not recorded.
        response: the file with its result; empty if it is not recorded.
        started_at: when it started, as written.
    """

    def __init__(self, data: Mapping[str, Any], grade: str, settings: RunSettings) -> None:
        words = first_of(data, _WORDS_KEYS)
        self.text = " ".join(map(str, words)) if isinstance(words, list) else only_text(words)
        self.name = only_text(data.get("name")) or self.text
        self.kind = only_text(data.get("kind"))
        code = first_of(data, _CODE_KEYS)
        self.exit_code = code if isinstance(code, int) and not isinstance(code, bool) else None
        state = only_text(first_of(data, STATE_KEYS))
        is_cut = normal_name(state) in CUT_SHORT
        passed = _is_success(state, settings) if code is None or is_cut else self.exit_code == 0
        claims = not state or _is_success(state, settings)
        self.failed = bool(self.exit_code) if claims else normal_name(state) in FAILURES
        self.succeeded = passed and not (self.failed or data.get("problem") or data.get("timed_out"))
        self.tree = _oid(data.get("tree"))
        self.grade = _grade(data.get("grade"), grade)
        self.log = only_text(first_of(data, LOG_KEYS))
        self.log_digest = only_text(data.get("log_digest"))
        self.response = only_text(data.get("response"))
        self.started_at = only_text(data.get("started_at"))


class RunRecord:
    """A run.

    Args:
        files: the files of all runs.
        folder: the run's folder among them.
        settings: define which statuses are a success.
        name: the file with the record; empty: the first of `manifest.json` and `meta.json` that exists.

    Attributes:
        folder: the run's folder.
        run_id: the folder's name.
        file: the file with the record, in the folder; empty if it is missing.
        problem: why the record cannot be read, as a clause; empty if it can.
        value: the data of the record; empty if it cannot be read.
        native: True if the record has the schema of specguard's own runs.
        kind: the kind of the item; empty if it is not recorded.
        plan: the file of the plan that lists the item; empty if the manifest names none.
        tree: the tree that was judged last; empty if it is not recorded.
        content: the identity of `tree` without papers, as recorded; empty if it is not recorded.
        commit: the commit of the run; empty if it is not recorded.
        started: the start time; None if it is unknown.
        ended: the end time; None if the run is still open, or if the time is unknown.
        digests: the recorded sha256 of the run's files, by their paths in its folder.
    """

    def __init__(self, files: Files, folder: bytes, settings: RunSettings, name: bytes = b"") -> None:
        self.folder = folder
        self.run_id = folder.rpartition(b"/")[2].decode("utf-8", "surrogateescape")
        self._files = files
        self._settings = settings
        self.file, self._data, self.problem = self._read_record(name)
        value: Mapping[str, Any] = {} if self.problem else self._data.value
        item, digests = value.get("item"), value.get("digests")
        self.value = value
        self.native = value.get("schema") == SCHEMA
        self.kind = only_text((item if isinstance(item, dict) else value).get("kind"))
        self.plan = str(item.get("plan") or "") if isinstance(item, dict) else ""
        self.tree = _oid(value.get("tree"))
        self.content = only_text(value.get("content"))
        self.commit = _oid(value.get("commit"))
        self.started = _to_time(first_of(value, _STARTED))
        self.ended = _to_time(first_of(value, _ENDED))
        recorded = digests.items() if isinstance(digests, dict) else ()
        self.digests: Mapping[str, str] = {name: only_text(one) for name, one in recorded}

    def _read_record(self, name: bytes) -> tuple[bytes, Data, str]:
        """Return the file with the record, its data, and the problem with them; empty without one."""
        if name and data_kind(name) is None:
            return b"", Data(None), "it is not JSON, YAML or TOML"
        for one in [name] if name else RECORD_FILES:
            content = self._files.read(self.folder + b"/" + one if self.folder else one)
            if content is not None:
                data = data_of(content, data_kind(one) or "json")
                problem = data.problem.message if data.problem else "it holds no keys"
                return one, data, "" if isinstance(data.value, dict) else problem
        missing = "it is not a regular file" if name else "there is neither manifest.json nor meta.json"
        return b"", Data(None), missing

    @property
    def shown(self) -> str:
        """The run's name in messages."""
        return path_text(self.folder)

    def file_path(self, name: str = "") -> bytes | None:
        """Return the path of a file from the repository's root; None if runs are kept outside of it.

        Args:
            name: the file in its folder; empty: its manifest.
        """
        if self._settings.root and self._settings.keep != "tree":
            return None
        inside = name.encode("utf-8", "surrogateescape") or self.file or RECORD_FILES[0]
        return self._settings.folder + self.folder + b"/" + inside

    def finding(self, message: str, help: str, key: str, *place: str | int, **more: Any) -> Finding:
        """Return a finding about the manifest, at the line of a place in it."""
        more = {"setting": "runs.require", "path": self.file_path(), "line": self.line(*place), **more}
        return Finding(message, help, key=key, **more)

    def line(self, *key: str | int) -> int | None:
        """Return the line of a key in the record; None if it is unknown."""
        return self._data.line(key)

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file in the run's folder; None if the file is missing."""
        path = self._path_of(name)
        return None if path is None else self._files.read(path)

    def digest(self, name: str) -> str | None:
        """Return the sha256 of a file in the run's folder; None if the file is missing."""
        path = self._path_of(name)
        return None if path is None else self._files.digest(path)

    def table(self, name: str) -> Mapping[str, Any]:
        """Return the data of a JSON file in the run's folder; empty if it is missing or not an object."""
        data = data_of(self.read(name) or b"", "json").value
        return data if isinstance(data, dict) else {}

    @property
    def item_folder(self) -> str:
        """The name of the folder with the runs of this run's item."""
        from specguard.runs.files import item_folder

        return item_folder(self.kind, self.item)

    @staticmethod
    def high_trust(words: Sequence[str], allowed: Sequence[str] = ()) -> list[str]:
        """Return the words of high trust in a command, except the allowed ones."""
        from specguard.runs.command_inspection import high_trust

        return high_trust(words, allowed)

    @property
    def agents(self) -> Iterator[tuple[str, Sequence[str], tuple[str | int, ...]]]:
        """The commands of the run's agents: the agent's name, the words, and the key in the record."""
        from specguard.runs.command_inspection import words_of

        agent, commands = self.value.get("agent"), self.value.get("commands")
        if isinstance(agent, dict):
            yield only_text(agent.get("name")), words_of(agent.get("command")), ("agent", "command")
        for key in _WORDS_KEYS:
            yield "", words_of(self.value.get(key)), (key,)
        for number, one in enumerate(commands if isinstance(commands, list) else ()):
            if isinstance(one, dict) and (one.get("kind") == "agent" or not self.native):
                yield "", words_of(first_of(one, _WORDS_KEYS)), ("commands", number)

    @property
    def misfit(self) -> str:
        """The part of the manifest that does not fit its schema, as a clause; empty if it fits.

        A record in an older layout fits if it is readable and has a status.
        """
        if self.problem:
            return self.problem
        schema = self.value.get("schema")
        if schema is None:
            return "" if self.state else "it does not say how the run ended"
        if schema != SCHEMA:
            return f"its schema {only_text(schema)[:80]!r} is not {SCHEMA}"
        return self._validated[1]

    @property
    def manifest(self) -> Manifest | None:
        """The validated manifest; None if another tool made the run, or the schema does not fit."""
        return self._validated[0] if self.native and not self.problem else None

    @cached_property
    def _validated(self) -> tuple[Manifest | None, str]:
        """The validated manifest or None, and the first validation error or an empty string."""
        from pydantic import ValidationError

        from specguard.runs.manifests import Manifest, problem_in

        try:
            return Manifest.model_validate_json(self.read(self.file.decode("ascii")) or b""), ""
        except ValidationError as error:
            return None, problem_in(error)[:300]

    @property
    def state(self) -> str:
        """The state, as written; empty if it is missing.

        A success of another tool's run also names the command whose last result contradicts it.
        """
        status = only_text(first_of(self.value, STATE_KEYS))
        if self.native or not _is_success(status, self._settings):
            return status
        last = {one.text or one.name: one for one in self._ran(_COMMANDS_KEYS)}
        failed = [one.name or "a command" for one in last.values() if one.failed and one.kind != "agent"]
        return f"{status}, but {failed[0]} failed" if failed else status

    @property
    def succeeded(self) -> bool:
        """True if the state is one of the statuses in the policy's `succeeded`."""
        return _is_success(self.state, self._settings)

    @property
    def failed(self) -> bool:
        """True if the state is a failure, or a success that a command contradicts."""
        failed = normal_name(self.state).endswith(tuple(FAILURES))
        return failed or (self.native and not (self.succeeded or self.running))

    @property
    def running(self) -> bool:
        """True if the state says that the run is still open."""
        return normal_name(self.state) in _OPEN_STATES

    @property
    def item(self) -> str:
        """The id of the item; if it is not recorded, the name of the topmost folder of its path."""
        value = first_of(self.value, _ITEM_KEYS)
        if isinstance(value, dict):
            value = first_of(value, ("id", "name", "title"))
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            return str(value)
        return self.folder.split(b"/")[0].decode("utf-8", "surrogateescape")

    @property
    def items(self) -> Sequence[str]:
        """The ids of all items that the record lists; if it lists none, only `item`."""
        for name in _ITEMS_KEYS:
            several = self.value.get(name)
            if isinstance(several, list):
                ids = [one.get("id") if isinstance(one, dict) else one for one in several]
                return list(dict.fromkeys(str(one) for one in ids if isinstance(one, (str, int))))
        return [self.item]

    @property
    def ids(self) -> Sequence[str]:
        """The ids of the items that the manifest names; empty if only the folder's name has one."""
        named = first_of(self.value, (*_ITEM_KEYS, *_ITEMS_KEYS)) is not None
        # A run of all gates belongs to no item.
        return [one for one in self.items if one != ALL or self.kind != GATES] if named else []

    @property
    def trees(self) -> frozenset[str]:
        """The trees that the results apply to; empty if they are not recorded."""
        gates = (one.tree for one in self.commands if one.kind in ("gate", ""))
        return frozenset([self.tree] if self.tree else filter(None, gates))

    @property
    def commands(self) -> Sequence[RanCommand]:
        """The commands that the run ran, in order."""
        names = [name for name in _COMMANDS_KEYS if isinstance(self.value.get(name), list)]
        # The grade of commands that record none.
        return self._ran(names[:1], "re-run" if self.native else "observed" if self.observed else "claimed")

    def _ran(self, names: Sequence[str], grade: str = "") -> list[RanCommand]:
        lists = [self.value.get(name) for name in names]
        entries = [one for entries in lists if isinstance(entries, list) for one in entries]
        return [RanCommand(one, grade, self._settings) for one in entries if isinstance(one, dict)]

    @property
    def observed(self) -> bool:
        """True if a runner kept the run: a log or a heartbeat exists next to the manifest."""
        return any(self.read(name) is not None for name in ("run.log", "runner.log", _HEARTBEAT))

    @property
    def grade(self) -> str:
        """The grade of the run's proof: the lowest grade of its gates, or what another tool's run records."""
        if self.native:
            gates = [one.grade for one in self.commands if one.kind == "gate"]
            return min(gates, key=GRADES.index) if gates else "observed"
        return _grade(self.value.get("grade"), "observed" if self.observed else "claimed")

    @property
    def heartbeat(self) -> Mapping[str, Any]:
        """The data of the heartbeat; empty if it is missing or not a JSON object.

        Raises:
            MissingFact: the file cannot be read.
        """
        return self.table(_HEARTBEAT)

    @property
    def heartbeat_at(self) -> datetime | None:
        """The time in the heartbeat, or else the record's `heartbeat_at`; None without a heartbeat."""
        return _to_time(first_of(self.heartbeat, _BEAT_KEYS)) or _to_time(self.value.get("heartbeat_at"))

    @property
    def last_sign(self) -> datetime | None:
        """The time in the heartbeat; without one, the last time of a sign of life in the record."""
        moments = [_to_time(self.value.get(name)) for name in _SIGNS]
        return _to_time(first_of(self.heartbeat, _BEAT_KEYS)) or max(filter(None, moments), default=None)

    def last(self, gate: str, tree: str) -> Sequence[RanCommand]:
        """Return the last result of each command of a gate that ran on a tree.

        Args:
            gate: the gate's name, or its command.
            tree: the tree's object id. If the plan was marked in it after the gates, results on the tree
                before count, too.
        """
        worked = only_text(self.value.get("worked")) if self.tree == tree else ""
        named = (one for one in self.commands if gate in (one.name, one.text) and one.kind in ("gate", ""))
        return list({one.text: one for one in named if one.tree in (tree, worked or tree)}.values())

    def _path_of(self, name: str) -> bytes | None:
        """Return the path of a file in the run's folder, named from there or from the repository's root."""
        folder = self.folder + b"/"
        written = name.encode("utf-8", "surrogateescape").removeprefix(self._settings.folder + folder)
        is_plain = b"\0" not in written and {b"", b".", b".."}.isdisjoint(written.split(b"/"))
        return folder + written if is_plain else None


def reaches(grade: str, least: str) -> bool:
    """True if a grade is at least another grade."""
    return GRADES.index(grade) >= GRADES.index(least)


def _grade(value: Any, otherwise: str) -> str:
    """Return the grade in a manifest; `ci` counts as `re-run`, since any file can claim it."""
    return "re-run" if value == "ci" else str(value) if value in GRADES else otherwise


def first_of(value: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Return the value of the first of some keys that is present; None if all are missing."""
    return next((value[name] for name in names if value.get(name) is not None), None)


def _is_success(status: str, settings: RunSettings) -> bool:
    return normal_name(status) in map(normal_name, settings.succeeded)


def _oid(value: Any) -> str:
    """Return an object id, full or abbreviated; empty for other texts, which git could read as revisions."""
    return value if isinstance(value, str) and OBJECT_ID.fullmatch(value) else ""


def _to_time(value: Any) -> datetime | None:
    """Return a time in ISO 8601, in UTC; None if it is invalid."""
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, TypeError):
        return None


class RunRecords(Record):
    """The runs of a repository.

    With `keep = "tree"`, runs are in the judged tree, and a run that is missing there does not exist. With
    `local`, they are in a local folder, and nothing is known about a run that is missing there.

    Attributes:
        settings: the settings with the location of runs.
        documents: the documents of the judged tree.
        root: returns the local folder of all runs, which may be missing; None if its path is unknown.
        entries: returns the additions, modifications and deletions of the change.
        now: returns the time.
        under_way: the commit that a run is about to make and judges itself; empty outside of a run.
        whole: True if all runs are judged, and not only those that the change touches.
        lost: the folders of runs that were looked up by their names, and cannot be seen here.
    """

    settings: RunSettings
    documents: Documents
    root: Callable[[], str | None]
    entries: Callable[[], Sequence[Entry]]
    now: Callable[[], datetime]
    under_way: str = ""
    whole: bool = False
    lost: set[bytes] = set()

    @property
    def in_tree(self) -> bool:
        """True if runs are part of the judged tree."""
        return self.settings.keep == "tree"

    @cached_property
    def all(self) -> Sequence[RunRecord]:
        """All visible runs, sorted by folder.

        Raises:
            MissingFact: runs are not kept in the tree, and the local folder of runs is missing.
        """
        return [self._run_at(folder, b"") for folder in sorted(self._files.folders())]

    @property
    def judged(self) -> Sequence[RunRecord]:
        """The runs that the change touches, or all of them if all are judged.

        Raises:
            MissingFact: as for `all`.
        """
        return self.all if self.whole else self.touched

    @property
    def touched(self) -> Sequence[RunRecord]:
        """The runs in the tree whose files the change touches; empty if runs are not kept there."""
        found = {run.folder: run for run, _ in self._changes_in(self)}
        return [found[folder] for folder in sorted(found)]

    def altered(self, before: Documents) -> Sequence[tuple[RunRecord, Entry]]:
        """Return the files of ended runs in the tree that the change alters or deletes.

        Args:
            before: the documents before the change.

        Returns:
            Each run before the change, with one of its changed files; empty if runs are not kept in the tree.
        """
        found, prefix = [], self.settings.folder
        for run, entry in self._changes_in(self.of(before), added=False):
            inside = entry.path.removeprefix(prefix + run.folder)
            there = self.documents.tree.find(prefix + self.moved(run.folder) + inside)
            # A run that was moved unchanged is at the target of its link.
            unmoved = not entry.deleted or there is None or there.oid != entry.old
            if unmoved and not (run.problem or run.running):
                found.append((run, entry))
        return found

    def _changes_in(self, runs: RunRecords, *, added: bool = True) -> Iterator[tuple[RunRecord, Entry]]:
        """Yield the entries of the change in the folders of runs in the tree, with or without added ones."""
        prefix = self.settings.folder
        entries = [one for one in self.entries() if added or not one.added] if self.in_tree else []
        entries = [one for one in entries if one.path.startswith(prefix)]
        by_folder = {run.folder: run for run in (runs.all if entries else ())}
        for entry in entries:
            if run := by_folder.get(containing_folder(entry.path.removeprefix(prefix), by_folder)):
                yield run, entry

    def of(self, documents: Documents) -> RunRecords:
        """Return the runs of another tree, with the same settings."""
        return RunRecords(self.settings, documents, self.root, self.entries, self.now)

    def named(self, name: str) -> RunRecord | None:
        """Return the run that a commit's trailer names.

        Args:
            name: `<kind>-<id>/<run-id>`.

        Returns:
            The run, even if its manifest is missing; None if it does not exist or the name is invalid.

        Raises:
            MissingFact: runs are not kept in the tree, and this one is not visible from here.
        """
        if (folder := folder_of(name)) is None:
            return None
        folder = self.moved(folder)
        if self._files.is_there(folder):
            return self._run_at(folder, b"")
        if self.in_tree:
            return None
        self.lost.add(folder)
        raise self.unseen(f"the run {path_text(folder)}")

    def at(self, path: bytes) -> RunRecord | None:
        """Return the run with a manifest at a path from the repository's root; any data file may be one.

        Returns:
            The run; None if the path does not exist. A file that is not regular or not data has a `problem`.

        Raises:
            MissingFact: runs are not kept in the tree, and this one is not visible from here.
        """
        folder, _, name = path.rpartition(b"/")
        in_runs = path.startswith(self.settings.folder)
        if in_runs and self.visible:
            inside = self.moved(folder.removeprefix(self.settings.folder))
            if self._files.is_there(inside + b"/" + name):
                return self._run_at(inside, b"" if name in RECORD_FILES else name)
        if self.documents.tree.find(path) is not None:
            return RunRecord(TreeFiles(self.documents, b""), folder, self.settings, name)
        if self.in_tree or not in_runs:
            return None
        raise self.unseen(path_text(path))

    def record_in(self, folder: bytes) -> bytes:
        """Return the path of a run's record: `manifest.json`, or `meta.json` if its folder has only that."""
        files = [folder + b"/" + one for one in RECORD_FILES]
        return next(filter(self.is_there, files), files[0])

    def is_there(self, path: bytes) -> bool:
        """True if a file or folder is visible at a path from the repository's root."""
        if self.documents.tree.find(path) is not None:
            return True
        inside = path.removeprefix(self.settings.folder)
        return inside != path and self.visible and self._files.is_there(self.moved(inside))

    def moved(self, folder: bytes) -> bytes:
        """Return the path of a run's folder, following the link that `run migrate` leaves.

        Args:
            folder: the path from the folder of all runs.
        """
        parts = folder.split(b"/")
        for end in range(1, len(parts) + 1):
            target = self._files.link(b"/".join(parts[:end]))
            if target is not None:
                there = plain_path(b"/".join([*parts[: end - 1], target, *parts[end:]]))
                return there if there and not target.startswith(b"/") else folder
        return folder

    @property
    def visible(self) -> bool:
        """True if runs are visible from here: they are kept in the tree, or their local folder exists."""
        return self.in_tree or os.path.isdir(self.root() or "")

    def silence(self, run: RunRecord) -> float | None:
        """Return the seconds since a run's last sign of life; None if there was none."""
        return (self.now() - beat).total_seconds() if (beat := run.last_sign) else None

    @property
    def stale_after(self) -> int:
        """The number of seconds without a heartbeat after which a run is dead."""
        return seconds(self.settings.stale_after)

    def unseen(self, what: str) -> MissingFact:
        """Return the error for a required run that is neither in the tree nor in the local folder."""
        where = self.settings.root or path_text(self.settings.folder.rstrip(b"/"))
        return MissingFact(
            f'{what} cannot be seen here: runs are kept with keep = "local", in {where}',
            'check where the run was made; or commit runs, with [runs] keep = "tree"',
            code="not-told",
        )

    @cached_property
    def _files(self) -> Files:
        if self.in_tree:
            return TreeFiles(self.documents, self.settings.folder)
        root = self.root()
        if root is None or not self.visible:
            raise self.unseen("the runs")
        return LocalFiles(root)

    @cached_method
    def _run_at(self, folder: bytes, name: bytes) -> RunRecord:
        return RunRecord(self._files, folder, self.settings, name)
