"""The record of one run, whatever layout its folder has, as plain data."""

from __future__ import annotations

import os
import re
from functools import cached_property

from specguard.declaration.rule import Record
from specguard.documents.citations import plain_path
from specguard.documents.data import Data, data_kind, data_of
from specguard.documents.fields import normal_name
from specguard.errors import MissingFact
from specguard.model import path_text
from specguard.runs.files import RECORDS, LocalFiles, TreeFiles, holding, place_of
from specguard.runs.settings import RunSettings, seconds

TYPE_CHECKING = False
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
"""How much a result proves, from least."""

GATES: Final = "gates"
"""The kind of item of a run of gates alone."""

ALL: Final = "all"
"""Its id where no work item is named: the gates of every kind are run."""

_OID: Final = re.compile("[0-9a-f]{7,64}")
_STATE: Final = ("status", "state", "result")
_ITEM: Final = ("task_id", "item_id", "task", "item", "id")
_SEVERAL: Final = ("task_ids", "item_ids", "tasks", "items")
_WORDS: Final = ("command", "cmd", "argv")
_CODE: Final = ("exit_code", "exitCode", "returncode", "code")
_VALIDATIONS: Final = "validations"
_COMMANDS: Final = ("commands", "gates", "checks", "steps", _VALIDATIONS)
_HEARTBEAT: Final = b"control/heartbeat.json"
_BEAT: Final = ("time", "timestamp", "updated_at", "at", "heartbeat")
_STARTED: Final = ("started_at", "started", "start_time", "created_at", "created", "time")
_ENDED: Final = ("ended_at", "ended", "finished_at", "finished", "completed_at", "end_time", "end")
_OPEN: Final = frozenset({"running", "inprogress", "pending", "started", "queued", "waiting"})


class RanCommand:
    """A command that a run ran.

    Attributes:
        name: what it is called; the command itself where it has no name.
        kind: `gate`, `agent` and so on; empty in older layouts.
        text: the command.
        exit_code: None if none is recorded.
        succeeded: whether it ended well: with 0, or where no code is recorded with a status that says so.
        tree: the tree that it ran on; empty if that is not recorded.
        grade: how much its result proves.
        log: its output's file, from the run's folder; empty if none is recorded.
        log_digest: the sha256 of it; empty if none is recorded.
        response: the file with its result; empty if there is none.
        started_at: when it began, as it is written.
    """

    __slots__ = (
        "exit_code", "grade", "kind", "log", "log_digest", "name", "response", "started_at", "succeeded",
        "text", "tree",
    )  # fmt: skip

    def __init__(self, said: Mapping[str, Any], grade: str, settings: RunSettings) -> None:
        words = first_of(said, _WORDS)
        self.text = " ".join(map(str, words)) if isinstance(words, list) else _text(words)
        self.name = _text(said.get("name")) or self.text
        self.kind = _text(said.get("kind"))
        code = first_of(said, _CODE)
        self.exit_code = code if isinstance(code, int) and not isinstance(code, bool) else None
        failed = said.get("problem") or said.get("timed_out")
        passed = _is_success(_text(first_of(said, _STATE)), settings) if code is None else self.exit_code == 0
        self.succeeded = passed and not failed
        self.tree = _oid(said.get("tree"))
        self.grade = _grade(said.get("grade"), grade)
        self.log = _text(first_of(said, ("log", "log_path", "log_file")))
        self.log_digest = _text(said.get("log_digest"))
        self.response = _text(said.get("response"))
        self.started_at = _text(said.get("started_at"))


class RunRecord:
    """A run.

    Args:
        files: where it is.
        folder: its folder there.
        settings: which statuses are a success.
        name: the file that says what it is; empty: the first of `manifest.json` and `meta.json`.

    Attributes:
        folder: the same.
        run_id: the folder's name.
        file: the file that says what it is, in the folder; empty if there is none.
        problem: why that cannot be read, as a clause; empty if it can.
        value: what it says; empty if it cannot be read.
    """

    def __init__(self, files: Files, folder: bytes, settings: RunSettings, name: bytes = b"") -> None:
        self.folder = folder
        self.run_id = folder.rpartition(b"/")[2].decode("utf-8", "surrogateescape")
        self.file = b""
        self.problem = "it is no regular file" if name else "there is neither manifest.json nor meta.json"
        self.value: Mapping[str, Any] = {}
        self._files = files
        self._settings = settings
        self._data = Data(None)
        if name and data_kind(name) is None:
            self.problem = "it is no JSON, YAML or TOML"
            return
        for one in [name] if name else RECORDS:
            content = files.read(folder + b"/" + one if folder else one)
            if content is not None:
                self.file = one
                self._data = data_of(content, data_kind(one) or "json")
                self.problem = self._data.problem.message if self._data.problem else "it holds no keys"
                if isinstance(self._data.value, dict):
                    self.value, self.problem = self._data.value, ""
                return

    def line(self, *key: str | int) -> int | None:
        """The line of a key in the file that says what it is."""
        return self._data.line(key)

    def read(self, name: str) -> bytes | None:
        """A file of its folder; None if there is no such file in it."""
        path = self._inside(name)
        return None if path is None else self._files.read(path)

    def digest(self, name: str) -> str | None:
        """The sha256 of a file of its folder; None if there is no such file in it."""
        path = self._inside(name)
        return None if path is None else self._files.digest(path)

    @property
    def item_folder(self) -> str:
        """The name of the folder that the runs of its item are in."""
        from specguard.runs.files import item_folder

        return item_folder(self.kind, self.item)

    @staticmethod
    def high_trust(words: Sequence[str], allowed: Sequence[str] = ()) -> list[str]:
        """The words of high trust in a command, but for those that are allowed."""
        from specguard.runs.proof import high_trust

        return high_trust(words, allowed)

    @property
    def agents(self) -> Iterator[tuple[str, Sequence[str], tuple[str | int, ...]]]:
        """The commands of its agents: the name that is told, the words, and where they stand."""
        agent, commands = self.value.get("agent"), self.value.get("commands")
        if isinstance(agent, dict):
            yield _text(agent.get("name")), words_of(agent.get("command")), ("agent", "command")
        for key in _WORDS:
            yield "", words_of(self.value.get(key)), (key,)
        for number, one in enumerate(commands if isinstance(commands, list) else ()):
            if isinstance(one, dict) and (one.get("kind") == "agent" or not self.native):
                said = next(filter(None, map(one.get, _WORDS)), None)
                yield "", words_of(said), ("commands", number)

    @property
    def native(self) -> bool:
        """True if specguard made it, by what it says."""
        return self.value.get("schema") == SCHEMA

    @property
    def misfit(self) -> str:
        """The part of its manifest that does not fit its schema, as a clause; empty if it fits.

        One of an older layout fits where it can be read and says how the run ended.
        """
        if self.problem:
            return self.problem
        schema = self.value.get("schema")
        if schema is None:
            return "" if self.state else "it does not say how the run ended"
        if schema != SCHEMA:
            return f"its schema {_text(schema)[:80]!r} is not {SCHEMA}"
        return self._fit[1]

    @property
    def manifest(self) -> Manifest | None:
        """Its manifest, where specguard made it and it fits its schema."""
        return self._fit[0] if self.native and not self.problem else None

    @cached_property
    def _fit(self) -> tuple[Manifest | None, str]:
        """The manifest as its schema has it, and how it does not fit."""
        from pydantic import ValidationError

        from specguard.runs.manifests import Manifest

        try:
            return Manifest.model_validate_json(self.read(self.file.decode("ascii")) or b""), ""
        except ValidationError as error:
            first = error.errors()[0]
            return None, f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"[:300]

    @property
    def state(self) -> str:
        """Its state, in its own words; empty if it has none.

        Without a status of its own it stands as its `validations` do.
        """
        told, said = _text(first_of(self.value, _STATE)), self.value.get(_VALIDATIONS)
        if told or not isinstance(said, list) or not said:
            return told
        ran = [RanCommand(one, "", self._settings) for one in said if isinstance(one, dict)]
        passed = len(ran) == len(said) and all(one.succeeded for one in ran)
        return self._settings.succeeded[0] if passed else "failed"

    @property
    def succeeded(self) -> bool:
        """True if it ended with one of the statuses of the policy's `succeeded`."""
        return _is_success(self.state, self._settings)

    @property
    def running(self) -> bool:
        """True if it says that it is under way."""
        return normal_name(self.state) in _OPEN

    @property
    def started(self) -> datetime | None:
        """The time when it began; None if it is not known."""
        return _moment(first_of(self.value, _STARTED))

    @property
    def ended(self) -> datetime | None:
        """The time when it ended; None if it has not, or if it is not known."""
        return _moment(first_of(self.value, _ENDED))

    @property
    def kind(self) -> str:
        """The kind of its item; empty if that is not told."""
        item = self.value.get("item")
        return _text(item.get("kind")) if isinstance(item, dict) else _text(self.value.get("kind"))

    @property
    def item(self) -> str:
        """The id of its item; what the folder above it is called, where it says nothing."""
        said = first_of(self.value, _ITEM)
        if isinstance(said, dict):
            said = first_of(said, ("id", "name", "title"))
        if isinstance(said, (str, int)) and not isinstance(said, bool):
            return str(said)
        return self.folder.split(b"/")[0].decode("utf-8", "surrogateescape")

    @property
    def items(self) -> Sequence[str]:
        """The ids of all items that it says it worked on."""
        for name in _SEVERAL:
            several = self.value.get(name)
            if isinstance(several, list):
                ids = [one.get("id") if isinstance(one, dict) else one for one in several]
                return list(dict.fromkeys(str(one) for one in ids if isinstance(one, (str, int))))
        return [self.item]

    @property
    def told(self) -> Sequence[str]:
        """The ids of the items that its manifest names; none if only its folder may tell."""
        named = first_of(self.value, (*_ITEM, *_SEVERAL)) is not None
        # A run of all gates is no item's.
        return [one for one in self.items if one != ALL or self.kind != GATES] if named else []

    @property
    def tree(self) -> str:
        """The tree that it judged last; empty if that is not told."""
        return _oid(self.value.get("tree"))

    @property
    def trees(self) -> frozenset[str]:
        """The trees that what it shows is of; none if that is not told."""
        gates = (one.tree for one in self.commands if one.kind in ("gate", ""))
        return frozenset([self.tree] if self.tree else filter(None, gates))

    @property
    def content(self) -> str:
        """The identity of `tree` without papers, as the run recorded it; empty if it did not."""
        return _text(self.value.get("content"))

    @property
    def commit(self) -> str:
        """The commit that it made; empty if that is not told."""
        return _oid(self.value.get("commit"))

    @property
    def commands(self) -> Sequence[RanCommand]:
        """The commands that it ran, in order."""
        lists = (self.value.get(name) for name in _COMMANDS)
        said: list[Any] = next((one for one in lists if isinstance(one, list)), [])
        # What the schema leaves at its default.
        grade = "re-run" if self.native else "observed" if self.observed else "claimed"
        return [RanCommand(one, grade, self._settings) for one in said if isinstance(one, dict)]

    @property
    def observed(self) -> bool:
        """True if a runner kept it, and not only a manifest stands there: a log or a heartbeat is beside."""
        return any(self.read(name) is not None for name in ("run.log", "runner.log", _HEARTBEAT.decode()))

    @property
    def grade(self) -> str:
        """The strength of its proof: the least of its gates."""
        if self.native:
            gates = [one.grade for one in self.commands if one.kind == "gate"]
            return min(gates, key=GRADES.index) if gates else "observed"
        return _grade(self.value.get("grade"), "observed" if self.observed else "claimed")

    @property
    def digests(self) -> Mapping[str, str]:
        """The sha256 of its files that it recorded, by their paths in its folder."""
        said = self.value.get("digests")
        return {name: _text(one) for name, one in said.items()} if isinstance(said, dict) else {}

    @property
    def heartbeat(self) -> Mapping[str, Any]:
        """The data of its heartbeat; empty if there is none that can be read."""
        content = self.read(_HEARTBEAT.decode())
        said = data_of(content, "json").value if content is not None else None
        return said if isinstance(said, dict) else {}

    @property
    def heartbeat_at(self) -> datetime | None:
        """The time of its heartbeat, as it says itself; None without one."""
        return _moment(first_of(self.heartbeat, _BEAT))

    @property
    def beat(self) -> datetime | None:
        """The last time when it said that it is alive; without a heartbeat, the last time that it has."""
        moment = self.heartbeat_at
        if moment is not None:
            return moment
        steps = self.value.get("steps")
        told = [self.value, *(steps if isinstance(steps, list) else ())]
        moments = [
            _moment(one.get(name)) for one in told if isinstance(one, dict) for name in (*_ENDED, *_STARTED)
        ]
        return max((one for one in moments if one is not None), default=None)

    def last(self, gate: str, tree: str) -> Sequence[RanCommand]:
        """The last result of each command of a gate that ran on a tree.

        Args:
            gate: its name.
            tree: the tree's object id. For one in which the plan was marked after the gates, those on the
                tree before count.
        """
        worked = _text(self.value.get("worked")) if self.tree == tree else ""
        found: dict[str, RanCommand] = {}
        for one in self.commands:
            if one.name == gate and one.kind in ("gate", "") and one.tree in (tree, worked or tree):
                found[one.text] = one
        return list(found.values())

    def _inside(self, name: str) -> bytes | None:
        written = name.encode("utf-8", "surrogateescape")
        parts = written.split(b"/")
        if b"" in parts or b"." in parts or b".." in parts or b"\0" in written:
            return None
        return self.folder + b"/" + written


def words_of(command: Any) -> list[str]:
    """The words of a command, which is a list of them or a text for a shell; none of anything else."""
    if not isinstance(command, str):
        return [str(word) for word in command] if isinstance(command, list) else []
    import shlex

    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def reaches(grade: str, least: str) -> bool:
    """True if a grade is at least another one."""
    return GRADES.index(grade) >= GRADES.index(least)


def _grade(said: Any, otherwise: str) -> str:
    """The grade in a manifest; `ci` counts as the other one, since any file can claim it."""
    return "re-run" if said == "ci" else str(said) if said in GRADES else otherwise


def first_of(value: Mapping[str, Any], names: Sequence[str]) -> Any:
    """The first of some keys' values that is there."""
    return next((value[name] for name in names if value.get(name) is not None), None)


def _is_success(status: str, settings: RunSettings) -> bool:
    return normal_name(status) in map(normal_name, settings.succeeded)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _oid(value: Any) -> str:
    """An object id, in full or abbreviated: what else is said would be read by git as it likes."""
    return value if isinstance(value, str) and _OID.fullmatch(value) else ""


def _moment(said: Any) -> datetime | None:
    """A time as ISO 8601 has it, or as seconds since 1970."""
    from datetime import UTC, datetime

    try:
        if isinstance(said, (int, float)) and not isinstance(said, bool):
            return datetime.fromtimestamp(said, UTC)
        if isinstance(said, str):
            moment = datetime.fromisoformat(said)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


class RunRecords(Record):
    """The runs of a repository.

    With `keep = "tree"` they are those of the judged tree, and what is not there does not exist. With `local`
    they are those beside the check, and of what is not there nobody can tell.

    Attributes:
        settings: where they are.
        documents: the documents of the judged tree.
        root: gives the folder of all runs beside the check; None if there is none.
        entries: what the change adds, modifies and deletes.
        now: gives the time.
        under_way: the commit that a run is about to make, which that run itself judges; empty: none is.
        known: the runs that were read, by their folders.
    """

    settings: RunSettings
    documents: Documents
    root: Callable[[], str | None]
    entries: Callable[[], Sequence[Entry]]
    now: Callable[[], datetime]
    under_way: str = ""
    known: dict[bytes, RunRecord] = {}

    @property
    def in_tree(self) -> bool:
        """True if they are part of the judged tree."""
        return self.settings.keep == "tree"

    @cached_property
    def all(self) -> Sequence[RunRecord]:
        """Every run that can be seen, by its folder.

        Raises:
            MissingFact: none can: they are not kept in the tree, and there is no folder of runs here.
        """
        return [self._at(folder) for folder in sorted(self._seen.folders())]

    @property
    def touched(self) -> Sequence[RunRecord]:
        """The runs of the tree that the change adds to or modifies; none if they are not kept there."""
        if not self.in_tree:
            return ()
        prefix = self.settings.folder
        paths = [entry.path for entry in self.entries() if entry.path.startswith(prefix)]
        if not paths:
            return ()
        folders = {run.folder for run in self.all}
        found = {holding(path.removeprefix(prefix), folders) for path in paths}
        return [self._at(folder) for folder in sorted(found) if folder]

    def altered(self, before: Documents) -> Sequence[tuple[RunRecord, Entry]]:
        """The files of ended runs of the tree that the change does not leave as they were before it.

        Args:
            before: the documents before the change.

        Returns:
            Each run as it was, with one of its files; none if runs are not kept in the tree.
        """
        if not self.in_tree:
            return ()
        prefix = self.settings.folder
        entries = [one for one in self.entries() if not one.added and one.path.startswith(prefix)]
        if not entries:
            return ()
        runs = {run.folder: run for run in self.of(before).all}
        found = []
        for entry in entries:
            folder = holding(entry.path.removeprefix(prefix), runs)
            if not folder or runs[folder].problem or runs[folder].running:
                continue
            there = self.documents.tree.find(prefix + self.moved(folder) + entry.path[len(prefix + folder) :])
            # A run that was moved, as it was, is where its link says.
            if not entry.deleted or there is None or there.oid != entry.old:
                found.append((runs[folder], entry))
        return found

    def of(self, documents: Documents) -> RunRecords:
        """The runs of another tree, by the same settings."""
        return RunRecords(self.settings, documents, self.root, self.entries, self.now)

    def named(self, name: str) -> RunRecord | None:
        """The run that a commit's trailer names.

        Args:
            name: `<kind>-<id>/<run-id>`.

        Returns:
            None if it does not exist, or where the name is none. One whose manifest is gone is there.

        Raises:
            MissingFact: it is not kept in the tree, and cannot be seen from here.
        """
        folder = place_of(name)
        if folder is None:
            return None
        files = self._seen
        folder = self.moved(folder)
        if files.is_there(folder):
            return self._at(folder)
        if self.in_tree:
            return None
        raise self.unseen(f"the run {path_text(folder)}")

    def at(self, path: bytes) -> RunRecord | None:
        """The run of a manifest, by its path from the repository's root; any file of data may be one.

        Returns:
            None if nothing is there. What is no regular file, or no data, has a `problem`.

        Raises:
            MissingFact: it is not kept in the tree, and cannot be seen from here.
        """
        folder, _, name = path.rpartition(b"/")
        beside = path.startswith(self.settings.folder)
        if beside and (self.in_tree or self.visible):
            inside = self.moved(folder.removeprefix(self.settings.folder))
            if self._seen.is_there(inside + b"/" + name):
                return (
                    self._at(inside)
                    if name in RECORDS
                    else RunRecord(self._seen, inside, self.settings, name)
                )
        if self.documents.tree.find(path) is not None:
            return RunRecord(TreeFiles(self.documents, b""), folder, self.settings, name)
        if self.in_tree or not beside:
            return None
        raise self.unseen(path_text(path))

    def is_there(self, path: bytes) -> bool:
        """True if there is a file or folder at a path from the repository's root, as far as can be seen."""
        if self.documents.tree.find(path) is not None:
            return True
        inside = path.removeprefix(self.settings.folder)
        return inside != path and self.visible and self._seen.is_there(self.moved(inside))

    def moved(self, folder: bytes) -> bytes:
        """The path of a run's folder: if `run migrate` has moved it, a link leads there.

        Args:
            folder: from the folder of all runs.
        """
        parts = folder.split(b"/")
        for end in range(1, len(parts) + 1):
            target = self._seen.link(b"/".join(parts[:end]))
            if target is not None:
                there = plain_path(b"/".join([*parts[: end - 1], target, *parts[end:]]))
                return there if there and not target.startswith(b"/") else folder
        return folder

    @property
    def visible(self) -> bool:
        """True if any run can be seen from here: they are kept in the tree, or their folder is here."""
        if self.in_tree:
            return True
        root = self.root()
        return root is not None and os.path.isdir(root)

    def path(self, run: RunRecord, name: str = "") -> bytes | None:
        """The path of a file of a run from the repository's root; None if runs are kept outside of it.

        Args:
            run: the run.
            name: the file in its folder; empty: its manifest.
        """
        if self.settings.root and not self.in_tree:
            return None
        inside = name.encode("utf-8", "surrogateescape") or run.file or RECORDS[0]
        return self.settings.folder + run.folder + b"/" + inside

    def shown(self, run: RunRecord) -> str:
        """A run as messages name it."""
        return path_text(run.folder)

    def silence(self, run: RunRecord) -> float | None:
        """The number of seconds since a run last said that it is alive; None if it never did."""
        beat = run.beat
        return None if beat is None else (self.now() - beat).total_seconds()

    @property
    def stale_after(self) -> int:
        """After how many seconds without a heartbeat a run has died."""
        return seconds(self.settings.stale_after)

    def unseen(self, what: str) -> MissingFact:
        """The error to raise if runs are not kept in the tree and one that is needed is not here."""
        where = self.settings.root or path_text(self.settings.folder.rstrip(b"/"))
        return MissingFact(
            f'{what} cannot be seen here: runs are kept with keep = "local", in {where}',
            'check where the run was made; or commit runs, with [runs] keep = "tree"',
            code="not-told",
        )

    @cached_property
    def _seen(self) -> Files:
        if self.in_tree:
            return TreeFiles(self.documents, self.settings.folder)
        root = self.root()
        if root is None or not self.visible:
            raise self.unseen("the runs")
        return LocalFiles(root)

    def _at(self, folder: bytes) -> RunRecord:
        if folder not in self.known:
            self.known[folder] = RunRecord(self._seen, folder, self.settings)
        return self.known[folder]
