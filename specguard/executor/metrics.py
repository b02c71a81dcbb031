"""What runs come to: how many, how long, how they ended, and which done items a reviewer has evidence of."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from specguard.change.git import Git
from specguard.change.process import CommandError
from specguard.change.repository import Repository
from specguard.declaration.record import Record
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.options import RunOptions
from specguard.executor.starting import Known, Start
from specguard.model import path_text
from specguard.runs.evidence import cited_manifests, spoken_for, texts_in
from specguard.runs.record import reaches
from specguard.runs.records import RunRecords
from specguard.specs.catalogue import Catalogue
from specguard.work.landed import standing
from specguard.work.listing import meant
from specguard.work.naming import normal_id
from specguard.work.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from specguard.change.facts import PastCommit
    from specguard.runs.record import RunRecord
    from specguard.runs.settings import RunSettings
    from specguard.runs.store import RunStore
    from specguard.specs.index import IndexEntry
    from specguard.specs.settings import SpecSettings
    from specguard.work.kinds import WorkKind
    from specguard.work.listed import Listed

    _Key = tuple[str, bytes, str]

SCHEMA: Final = "specguard.run-metrics/1"

_GATES: Final = frozenset({"gate", "format", "teardown", "hook"})


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
            raise SpecguardError(
                "there is no base to tell from what is done", help="git fetch origin", code="no-base"
            )
        try:
            start = Start(git, options, known.base, known.oid)
            done = _Done(start, git, store)
            yield from done.items()
        except MissingFact as missing:
            raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing


class _Done:
    """Finds the items that are done, and sees what they cite."""

    def __init__(self, start: Start, git: Git, store: RunStore) -> None:
        self._start = start
        self._git = git
        settings: RunSettings = start.policy.declared("run_settings")
        self._trailer = f"{settings.trailer}:".casefold()
        self._least = settings.grade
        self._records = RunRecords(
            settings,
            documents=start.documents,
            root=lambda: store.root,
            entries=lambda: (),
            now=lambda: datetime.now(UTC),
        )
        self._kinds: Mapping[str, WorkKind] = start.policy.declared("work_kinds")

    def items(self) -> Iterator[DoneItem]:
        names = self._start.work.names
        words = [word for kind in self._kinds for word in names.words(kind)]
        sources = Sources(self._kinds, documents=self._start.documents)
        landed: dict[_Key, tuple[PastCommit, str]] = {}
        for commit, naming in standing(self._start.history.mentioning(words), names):
            found = self._meant(meant(sources.of(naming.kind), naming.id, naming.fields), commit)
            # A subject that could mean an item of several lists stands for itself.
            path, item_id = (found[0].source.path, found[0].id) if len(found) == 1 else (b"", naming.id)
            landed.setdefault((naming.kind, path, normal_id(item_id)), (commit, naming.item))
        listed = {
            (kind, source.path, normal_id(one.id)): one
            for kind in self._kinds
            for source in sources.of(kind)
            for one in source.items
        }
        for key in sorted({*landed, *(key for key, one in listed.items() if one.closed)}):
            done, label = landed.get(key, (None, ""))
            yield self._judged(str(listed[key]) if key in listed else label, done, listed.get(key))
        if self._start.policy.declares("spec_settings"):
            settings: SpecSettings = self._start.policy.declared("spec_settings")
            catalogue = Catalogue(settings, self._start.documents)
            for entry in catalogue.done if settings.index else ():
                yield self._entry(entry, settings, catalogue.index_path)

    def _meant(self, found: Sequence[Listed], commit: PastCommit) -> Sequence[Listed]:
        """Of the items that a commit's subject could mean those in the plan that its run was for, if any."""
        if len(found) <= 1:
            return found
        runs = [run for name in self._trailers(commit) if (run := self._named(name)) is not None]
        plans = {item.get("plan") for run in runs if isinstance(item := run.value.get("item"), dict)}
        return [one for one in found if path_text(one.source.path) in plans] or found

    def _judged(self, label: str, commit: PastCommit | None, listed: Listed | None) -> DoneItem:
        oid = commit.oid if commit else ""
        cited = [(name, self._named(name)) for name in self._trailers(commit)]
        if listed is not None:
            cited += self._cited(listed.value, listed.source.path)
        found = self._best(label, oid, cited, lambda run: self._unfit(run, oid))
        if found is not None:
            return found
        if listed is not None and spoken_for(listed.value)[1]:
            # A person verified it, and says so by name.
            return DoneItem(label=label, commit=oid)
        where = (
            "neither its commit nor its list cites a run" if listed is not None else "its commit cites no run"
        )
        return DoneItem(label=label, commit=oid, problem=where)

    def _entry(self, entry: IndexEntry, settings: SpecSettings, path: bytes) -> DoneItem:
        """An entry of the index of specs: no commit is known to have done it."""
        value = {
            key: said for key, said in entry.value.items() if key not in (settings.approvals, settings.review)
        }
        found = self._best(entry.label, "", self._cited(value, path), lambda _: "")
        by_hand = spoken_for(value)[1]
        return found or DoneItem(label=entry.label, problem="" if by_hand else "the index cites no run of it")

    def _best(
        self,
        label: str,
        oid: str,
        cited: Sequence[tuple[str, RunRecord | None]],
        unfit: Callable[[RunRecord], str],
    ) -> DoneItem | None:
        """An item with the first run that it cites which shows it, else with why the first one does not."""
        problems = []
        for name, run in cited:
            problem = self._problem(run) or (unfit(run) if run is not None else "")
            if not problem:
                return DoneItem(label=label, commit=oid, run=name)
            problems.append(DoneItem(label=label, commit=oid, run=name, problem=problem))
        return problems[0] if problems else None

    def _cited(self, value: Mapping[str, Any], path: bytes) -> list[tuple[str, RunRecord | None]]:
        """The runs that an entry of a list cites by their manifests."""
        places = cited_manifests(texts_in(value), path, None, self._records)
        found = [(path_text(place), self._at(place)) for place in places]
        # A text that names nothing from the root may be meant from the document's own folder.
        return [one for one in found if one[1] is not None] or found

    def _named(self, name: str) -> RunRecord | None:
        try:
            return self._records.named(name)
        except MissingFact:
            return None

    def _at(self, place: bytes) -> RunRecord | None:
        try:
            return self._records.at(place)
        except MissingFact:
            return None

    def _trailers(self, commit: PastCommit | None) -> Iterator[str]:
        last = commit.message.rstrip("\n").rpartition("\n\n")[2].split("\n") if commit else ()
        for line in last:
            if line.casefold().startswith(self._trailer):
                yield line[len(self._trailer) :].strip()

    def _problem(self, run: RunRecord | None) -> str:
        """Why a run that is cited is no evidence; empty where it is."""
        if run is None:
            return "there is no such run"
        if run.misfit:
            return f"its manifest does not fit its schema: {run.misfit}"
        if not run.succeeded:
            return f"the run did not succeed: it is {run.state}"
        if self._least and not reaches(run.grade, self._least):
            return f"what shows it is {run.grade}, and not {self._least}"
        return ""

    def _unfit(self, run: RunRecord, oid: str) -> str:
        """Why a run that succeeded does not show the commit of an item; empty where it does."""
        if not oid:
            return "no commit of the base did the item"
        return "" if self._fits(run, oid) else "the run made another commit"

    def _fits(self, run: RunRecord, oid: str) -> bool:
        """Whether a run made a commit: that one, its tree, or the same change, as after a rebase."""
        if not run.commit:
            return False
        if oid.startswith(run.commit) and len(run.commit) >= 7:
            return True
        if not run.native:
            return False
        commit = self._git.commit(oid)
        if commit.tree == run.tree:
            return True
        parent = next(iter(commit.parents), "")
        return bool(parent) and self._changes(parent, oid) == _patched(run.read("diff.patch"))

    def _changes(self, one: str, other: str) -> set[bytes] | None:
        """What stands behind a change, file by file: the object ids before and after."""
        process = self._git.start("diff-tree", "-r", "--raw", "--no-renames", "--no-abbrev", one, other, "--")
        try:
            lines = process.read().splitlines()
        except CommandError as error:
            raise self._git.missing("a commit of the base", error.first_line) from error
        pairs = (line.split(b" ", 4)[2:4] for line in lines)
        return {b"..".join(pair) for pair in pairs if pair[0] != pair[1]}


def _patched(patch: bytes | None) -> set[bytes] | None:
    """The same of a run's patch; None where it has none."""
    if patch is None:
        return None
    lines = [line.split() for line in patch.split(b"\n") if line.startswith(b"index ")]
    return {words[1] for words in lines if len(words) > 1}
