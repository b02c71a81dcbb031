"""What runs come to: how many, how long, how they ended, and which done items a reviewer has evidence of."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from specguard.change.base import Found
from specguard.change.git import Git
from specguard.change.ranges import RangeChange
from specguard.change.repository import PastCommit, Repository
from specguard.change.request import Request, Revision
from specguard.change.tree import Documents
from specguard.declaration.rule import Record
from specguard.engine.facts import Facts
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.run import JUDGING, RunOptions, as_error
from specguard.executor.start.base import Known, policy_at
from specguard.model import path_text
from specguard.runs.files import place_of
from specguard.runs.proof import Claim, Flaw, RunProof
from specguard.work.changes import standing
from specguard.work.kinds import Names, WorkKind, normal_id
from specguard.work.sources import Listed, Sources, meant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.authority.policy import Policy
    from specguard.engine.claims import Claims
    from specguard.runs.record import RunRecord
    from specguard.runs.views import RunStore

    _Key = tuple[str, bytes, str]

SCHEMA: Final = "specguard.run-metrics/1"


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
        if command.kind in JUDGING and command.ended_at is not None
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
    """What the base has done or ticked, as the rules count it, each with what shows it."""
    repository = Repository.locate(directory, environment)
    options = RunOptions(environment=environment, directory=directory)
    with Git(repository) as git:
        known = Known(git, options)
        if not known.oid:
            raise SpecguardError(
                "there is no base to tell from what is done", help="git fetch origin", code="no-base"
            )
        with as_error():
            policy = policy_at(git, options, known.base, known.oid)
            request = Request(directory=directory, environment=environment, all=True)
            found = Found(known.base, known.oid, "option", f"refs/heads/{known.base}")
            change = RangeChange(git, request, found, head=Revision(known.oid))
            facts = Facts(change, policy)
            facts.root = store.root
            # Where nothing is asked of evidence, it is still that of the item's commit.
            facts.least = policy.declared("run_settings").grade or "observed"
            yield from _Done(facts, change, policy).items()


class _Done:
    """Finds what is done, and asks the rules' function what shows it."""

    def __init__(self, facts: Facts, change: RangeChange, policy: Policy) -> None:
        self._claims: Claims = facts.get("claims")
        self._proof: RunProof = facts.get("run_proof")
        self._change = change
        self._kinds: Mapping[str, WorkKind] = policy.declared("work_kinds")

    def items(self) -> Iterator[DoneItem]:
        names = Names(self._kinds)
        words = [word for kind in self._kinds for word in names.words(kind)]
        sources = Sources(self._kinds, documents=Documents(self._change.head_files))
        landed: dict[_Key, tuple[PastCommit, str]] = {}
        for commit, naming in standing(self._change.history.mentioning(words), names):
            found = self._meant(meant(sources.of(naming.kind), naming.id, naming.fields), commit)
            # A subject that could mean an item of several lists stands for itself.
            path, item_id = (found[0].source.path, found[0].id) if len(found) == 1 else (b"", naming.id)
            landed.setdefault((naming.kind, path, normal_id(item_id)), (commit, naming.item))
        listed = {
            (one.source.kind, one.source.path, normal_id(one.id)): one
            for source in sources.all for one in source.items
        }  # fmt: skip
        for key, (commit, label) in sorted(landed.items()):
            cited, one = list(self._cited(commit)), listed.get(key)
            yield self._judged(
                self._claims.of_listed(one, cited, commit.oid) if one
                else Claim(label=label, kind=key[0], ids=[key[2]], cited=cited, commit=commit.oid)
            )  # fmt: skip
        rest = (one for one in self._claims.done if (one.kind, one.path, normal_id(one.ids[0])) not in landed)
        yield from map(self._judged, [*rest, *(claim for _, claim in self._claims.ticks)])

    def _meant(self, found: Sequence[Listed], commit: PastCommit) -> Sequence[Listed]:
        """Of the items that a commit's subject could mean those in the plan that its run was for, if any."""
        if len(found) <= 1:
            return found
        runs = [run for _, path in self._cited(commit) if (run := self._at(path)) is not None]
        plans = {item.get("plan") for run in runs if isinstance(item := run.value.get("item"), dict)}
        return [one for one in found if path_text(one.source.path) in plans] or found

    def _judged(self, claim: Claim) -> DoneItem:
        try:
            flaw = self._proof.judge(claim)
        except MissingFact as missing:
            reason = "there is no such run" if claim.cited else "no run shows it"
            flaw = Flaw(reason if missing.code == "not-told" else missing.reason)
            flaw.run = claim.cited[0][0] if claim.cited else ""
        good = (name for name, path in claim.cited if not self._proof.flaw(self._at(path), claim))
        # A tick names its run among its words.
        label = claim.label.partition(claim.cited[0][0])[0] if claim.cited else claim.label
        return DoneItem(
            label=label.rstrip(" :(`") or claim.label, commit=claim.commit,
            run=next(good, "") if flaw is None else flaw.run, problem=flaw.reason if flaw else "",
        )  # fmt: skip

    def _at(self, path: bytes) -> RunRecord | None:
        try:
            return self._proof.records.at(path)
        except MissingFact:
            return None

    def _cited(self, commit: PastCommit) -> Iterator[tuple[str, bytes]]:
        """The runs that a commit's trailers name, each with the path of its manifest."""
        settings = self._proof.records.settings
        for line in commit.message.rstrip("\n").rpartition("\n\n")[2].split("\n"):
            key, _, name = line.partition(":")
            place = place_of(name) if key.casefold() == settings.trailer.casefold() else None
            if place:
                yield name.strip(), settings.folder + place + b"/manifest.json"
