"""The runs that a change's commits name, and those that it brings."""

from __future__ import annotations

from specguard.rules import MissingFact, Record, judge_each
from specguard_rules.trailers import Trailers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Final

    from specguard.rules import Commit, Finding, RunProof, RunRecords
    from specguard.runs.proof import Claim
    from specguard.runs.record import RunRecord


TABLES: Final = ("runs.require", "runs.grade", "runs.gates", "runs.quick_gates", "runs.full_gates")
"""Where a policy asks for runs."""


class Cited(Record):
    """A run that a commit names.

    Attributes:
        commit: the commit.
        name: what its trailer says.
        run: the run; None where there is none of that name.
    """

    commit: Commit
    name: str
    run: RunRecord | None


def run_names(commit: Commit, records: RunRecords) -> list[str]:
    """The runs that a commit names."""
    return [trailer.value for trailer in Trailers(commit.message.lines).of(records.settings.trailer)]


def cited(commits: Sequence[Commit] | None, records: RunRecords) -> Iterator[Cited]:
    """The runs that commits name, in order; but the one that is under way and judges its own commit.

    Raises:
        MissingFact: after all others, one of them cannot be seen from here.
    """
    named = [
        (commit, name)
        for commit in commits or ()
        if commit.oid != records.under_way
        for name in run_names(commit, records)
    ]
    return judge_each(named, lambda pair: [Cited(*pair, records.named(pair[1]))])


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
    try:
        for one in cited(commits, records):
            if one.run is not None:
                found.setdefault(one.run.folder, (one.run, one.commit))
    except MissingFact as fact:
        missing = fact
    for run in records.all if whole else records.touched:
        found.setdefault(run.folder, (run, None))
    yield from judge_each(sorted(found.items()), lambda item: judge(*item[1]))
    if missing is not None:
        raise missing


def gate_of(commit: Commit, gate: str, proof: RunProof) -> Claim:
    """The claim that a gate succeeded for a commit, whose tree counts."""
    least = proof.records.settings.grade or "re-run"
    return proof.claim(f"the tree of commit {commit.oid[:12]}", gate, (commit.tree,), least=least)
