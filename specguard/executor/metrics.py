"""What runs come to: how many, how long, how they ended, and which done items a reviewer has evidence of."""

from __future__ import annotations

import os
from collections import Counter
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from specguard.change.git import Git
from specguard.change.process import CommandError
from specguard.change.repository import Repository
from specguard.declaration.record import Record
from specguard.documents.fields import normal_name
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.options import RunOptions
from specguard.executor.starting import Known, Start
from specguard.runs.views import RunView, is_run
from specguard.work.landed import standing
from specguard.work.listing import meant
from specguard.work.naming import normal_id
from specguard.work.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from specguard.change.facts import PastCommit
    from specguard.runs.settings import RunSettings
    from specguard.runs.store import RunStore
    from specguard.work.kinds import WorkKind
    from specguard.work.listed import Listed

    _Key = tuple[str, bytes, str]

SCHEMA: Final = "specguard.run-metrics/1"

_GATES: Final = frozenset({"gate", "format", "teardown", "hook"})
_MANIFEST: Final = frozenset({"manifest", "run", "runmanifest", "path"})
_DEEPEST: Final = 6


class DoneItem(Record):
    """A work item that is done with.

    Attributes:
        label: what people call it.
        commit: the commit of the base that did it; empty where none is known.
        run: the run that it cites, as `<kind>-<id>/<run-id>` or as the path of a manifest; empty: none.
        problem: why that is no evidence a reviewer can go by; empty where it is.
    """

    label: str
    commit: str = ""
    run: str = ""
    problem: str = ""


def metrics(store: RunStore, directory: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """What the runs of a repository come to, as JSON can hold it.

    Args:
        store: the runs.
        directory: where to look for the repository.
        environment: the process's environment.

    Raises:
        SpecguardError: there is no trusted base, or it cannot be read.
    """
    runs = store.runs()
    items = list(_done_items(store, directory, environment))
    covered = [item for item in items if not item.problem]
    took = sorted(run.took for run in runs if run.took is not None and run.ended is not None)
    commands = [
        command
        for run in runs
        if run.manifest
        for command in run.manifest.commands
        if command.kind in _GATES and command.ended_at is not None
    ]
    attempts = [run.manifest.attempts for run in runs if run.manifest and run.manifest.attempts]
    return {
        "schema": SCHEMA,
        "runs": len(runs),
        "unreadable": sum(bool(run.problem) for run in runs),
        "states": dict(sorted(Counter(run.state for run in runs).items())),
        "seconds": {
            "total": round(sum(took), 1),
            "median": round(median(took), 1) if took else None,
            "longest": round(took[-1], 1) if took else None,
        },
        "gates": {
            name: {"passed": passed, "failed": failed}
            for name in sorted({command.name for command in commands})
            for passed in [sum(one.succeeded for one in commands if one.name == name)]
            for failed in [sum(not one.succeeded for one in commands if one.name == name)]
        },
        "attempts": {
            "mean": round(sum(attempts) / len(attempts), 2) if attempts else None,
            "most": max(attempts, default=None),
        },
        "coverage": {
            "percent": round(100 * len(covered) / len(items), 1) if items else None,
            "covered": [item.__dict__ for item in covered],
            "uncovered": [item.__dict__ for item in items if item.problem],
        },
    }


def _done_items(store: RunStore, directory: str, environment: Mapping[str, str]) -> Iterator[DoneItem]:
    """The items that the base has a commit of or lists as done, each with what it cites."""
    repository = Repository.locate(directory, environment)
    options = RunOptions(environment=environment, directory=directory)
    with Git(repository) as git:
        known = Known(git, options)
        if not known.oid:
            raise SpecguardError("there is no base to tell from what is done", help="git fetch origin")
        try:
            start = Start(git, options, known.base, known.oid)
            done = _Done(start, git, store, repository)
            yield from done.items()
        except MissingFact as missing:
            raise SpecguardError(missing.reason, help=missing.command) from missing


class _Done:
    """Finds the items that are done, and sees what they cite."""

    def __init__(self, start: Start, git: Git, store: RunStore, repository: Repository) -> None:
        self._start = start
        self._git = git
        self._store = store
        self._top = repository.work_tree()
        settings: RunSettings = start.policy.declared("run_settings")
        self._trailer = f"{settings.trailer}:".casefold()
        self._succeeded = frozenset(map(normal_name, settings.succeeded))
        self._kinds: Mapping[str, WorkKind] = start.policy.declared("work_kinds")

    def items(self) -> Iterator[DoneItem]:
        names = self._start.work.names
        words = [word for kind in self._kinds for word in names.words(kind)]
        sources = Sources(self._kinds, documents=self._start.documents)
        landed: dict[_Key, tuple[PastCommit, str]] = {}
        for commit, naming in standing(self._start.history.mentioning(words), names):
            found = meant(sources.of(naming.kind), naming.id, naming.fields)
            # A subject that could mean an item of several lists stands for itself.
            path = found[0].source.path if len(found) == 1 else b""
            landed.setdefault((naming.kind, path, normal_id(naming.id)), (commit, naming.item))
        listed = {
            (kind, source.path, normal_id(one.id)): one
            for kind in self._kinds
            for source in sources.of(kind)
            for one in source.items
        }
        for key in sorted({*landed, *(key for key, one in listed.items() if one.closed)}):
            done, label = landed.get(key, (None, ""))
            yield self._judged(str(listed[key]) if key in listed else label, done, listed.get(key))

    def _judged(self, label: str, commit: PastCommit | None, listed: Listed | None) -> DoneItem:
        cited = [*self._trailers(commit), *(_manifests(listed.value) if listed is not None else ())]
        oid = commit.oid if commit else ""
        problems = []
        for run in cited:
            problem = self._problem(run, oid)
            if not problem:
                return DoneItem(label=label, commit=oid, run=run)
            problems.append((run, problem))
        if problems:
            return DoneItem(label=label, commit=oid, run=problems[0][0], problem=problems[0][1])
        where = (
            "neither its commit nor its list cites a run" if listed is not None else "its commit cites no run"
        )
        return DoneItem(label=label, commit=oid, problem=where)

    def _trailers(self, commit: PastCommit | None) -> Iterator[str]:
        last = commit.message.rstrip("\n").rpartition("\n\n")[2].split("\n") if commit else ()
        for line in last:
            if line.casefold().startswith(self._trailer):
                yield line[len(self._trailer) :].strip()

    def _problem(self, cited: str, oid: str) -> str:
        """Why a run that is cited is no evidence for a commit; empty where it is."""
        folder = os.path.join(self._store.root, cited)
        if cited.endswith(".json"):
            folder = os.path.dirname(os.path.join(self._top, cited))
        inside = os.path.realpath(self._store.root)
        if os.path.commonpath([inside, os.path.realpath(folder)]) != inside or not is_run(folder):
            return "there is no such run"
        run = self._store.view(os.path.realpath(folder))
        if run.problem:
            return run.problem
        if normal_name(run.state) not in self._succeeded:
            return f"the run did not succeed: it is {run.state}"
        if not oid:
            return "no commit of the base did the item"
        return "" if self._fits(run, oid) else "the run made another commit"

    def _fits(self, run: RunView, oid: str) -> bool:
        """Whether a run made a commit: that one, its tree, or the same change, as after a rebase."""
        manifest = run.manifest
        said = manifest.commit if manifest else run.record.get("commit")
        if not isinstance(said, str) or not said:
            return False
        if oid.startswith(said) and len(said) >= 7:
            return True
        if manifest is None:
            return False
        commit = self._git.commit(oid)
        if commit.tree == manifest.tree:
            return True
        parent = next(iter(commit.parents), "")
        return bool(parent) and self._changes(parent, oid) == _patched(os.path.join(run.path, "diff.patch"))

    def _changes(self, one: str, other: str) -> set[bytes] | None:
        """What stands behind a change, file by file: the object ids before and after."""
        process = self._git.start("diff-tree", "-r", "--raw", "--no-renames", "--no-abbrev", one, other, "--")
        try:
            lines = process.read().splitlines()
        except CommandError as error:
            raise self._git.missing("a commit of the base", error.first_line) from error
        pairs = (line.split(b" ", 4)[2:4] for line in lines)
        return {b"..".join(pair) for pair in pairs if pair[0] != pair[1]}


def _patched(file: str) -> set[bytes] | None:
    """The same of a run's patch; None where that cannot be read."""
    try:
        with open(file, "rb") as stream:
            lines = [line.split() for line in stream if line.startswith(b"index ")]
    except OSError:
        return None
    return {words[1] for words in lines if len(words) > 1}


def _manifests(value: Any, deep: int = 0) -> Iterator[str]:
    """The manifests of runs that an entry of a list cites."""
    if deep > _DEEPEST:
        return
    if isinstance(value, list):
        for one in value:
            yield from _manifests(one, deep + 1)
    elif isinstance(value, dict):
        for key, one in value.items():
            if normal_name(str(key)) in _MANIFEST and isinstance(one, str) and one.endswith(".json"):
                yield one
            else:
                yield from _manifests(one, deep + 1)
