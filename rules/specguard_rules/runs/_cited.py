"""The runs that a change's commits name, and those that it brings."""

from __future__ import annotations

from specguard.rules import MissingFact
from specguard_rules.trailers import Trailers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from specguard.rules import Commit, Finding, RunProof, RunRecords
    from specguard.runs.proof import Claim
    from specguard.runs.record import RunRecord


class Cited:
    """A run that a commit names.

    Attributes:
        commit: the commit.
        name: what its trailer says.
    """

    __slots__ = ("commit", "name")

    def __init__(self, commit: Commit, name: str) -> None:
        self.commit = commit
        self.name = name


def cited(commits: Sequence[Commit] | None, records: RunRecords) -> list[Cited]:
    """The runs that commits name, in order; but the one that is under way and judges its own commit."""
    key = records.settings.trailer
    return [
        Cited(commit, trailer.value)
        for commit in commits or ()
        if commit.oid != records.under_way
        for trailer in Trailers(commit.message.lines).of(key)
    ]


def item_under_way(commits: Sequence[Commit] | None, records: RunRecords) -> str:
    """The item, as `<kind>-<id>`, whose run is under way and judges its own commit; empty where none is."""
    key = records.settings.trailer
    own = [one for one in commits or () if one.oid == records.under_way]
    names = [trailer.value for commit in own for trailer in Trailers(commit.message.lines).of(key)]
    return names[0].rpartition("/")[0] if names else ""


def names_run(commit: Commit, records: RunRecords) -> bool:
    """Whether a commit names a run."""
    return bool(Trailers(commit.message.lines).of(records.settings.trailer))


def judged(
    commits: Sequence[Commit] | None,
    records: RunRecords,
    judge: Callable[[RunRecord, Commit | None], Iterator[Finding]],
    *,
    whole: bool,
) -> Iterator[Finding]:
    """What is found in the runs that commits name and in those that the change brings; each run once.

    Args:
        commits: the change's; None where it has none.
        records: the runs.
        judge: what is found in a run, with the first commit that names it.
        whole: whether every run counts.

    Raises:
        MissingFact: one of them cannot be seen from here; told after all that is found in the others.
    """
    missing: MissingFact | None = None
    found: dict[bytes, tuple[RunRecord, Commit | None]] = {}
    for one in cited(commits, records):
        try:
            run = records.named(one.name)
        except MissingFact as fact:
            missing = missing or fact
            continue
        if run is not None:
            found.setdefault(run.folder, (run, one.commit))
    for run in records.all if whole else records.touched:
        found.setdefault(run.folder, (run, None))
    for _, (run, commit) in sorted(found.items()):
        try:
            yield from judge(run, commit)
        except MissingFact as fact:
            missing = missing or fact
    if missing is not None:
        raise missing


def gate_of(commit: Commit, gate: str, proof: RunProof) -> Claim:
    """The claim that a gate succeeded for a commit, whose tree counts."""
    least = proof.records.settings.grade or "re-run"
    return proof.claim(f"the tree of commit {commit.oid[:12]}", gate, (commit.tree,), least=least)


def only_runs(commit: Commit, records: RunRecords) -> bool:
    """Whether a commit brings the evidence of runs and nothing else: nobody's work, so no run made it."""
    entries = commit.diffs[0] if commit.diffs else ()
    return bool(entries) and all(entry.path.startswith(records.settings.folder) for entry in entries)
