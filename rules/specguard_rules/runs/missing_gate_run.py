"""RUN009: trees for which no run of the gates is recorded."""

from __future__ import annotations

from specguard.rules import Finding, Rule, judge_each, shortened
from specguard_rules.runs._cited import gate_of, only_runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import ClassVar

    from specguard.rules import (
        Artifacts,
        Breakdowns,
        Commit,
        Policy,
        RunProof,
        RunRecords,
        Stage,
        WorkItem,
        WorkKind,
    )
    from specguard.work.sources import Listed


class MissingGateRun(Rule):
    r"""No run shows the gates that a commit needs.

    `quick_gates` of `[runs]` must have succeeded on the tree of each commit, `full_gates` on the last tree,
    and before artifacts of a contract in `full_before`. Acceptance scenarios may name more. Any run counts:
    `specguard run gates` makes one without an agent. Merges and commits that only add runs need none. With
    `keep = "local"`, the rule is indeterminate without runs.

    Why is this bad? Gates on other files say nothing about these.

    How to fix it: check out the commit, run the gates, and keep the run.

    See also: `failed-gate`

    ```text
    error: commit 0922fa3dcc: no run shows the gate lint for the tree of commit 0922fa3dcc
    ```

    ```toml fails
    policy = '''
    [runs]
    keep = "tree"
    quick_gates = ["lint"]
    full_gates = ["tests"]
    '''

    [[commits]]
    message = "feat: a"
    files = {"a" = "1"}

    [[expect]]
    code = "RUN009"
    message = "no run shows the gate lint"

    [[expect]]
    code = "RUN009"
    message = "no run shows the gate tests"
    ```

    ```toml passes
    policy = '''
    [runs]
    keep = "tree"
    quick_gates = ["lint"]
    '''

    [[commits]]
    message = "feat: a"
    files = {"a" = "1"}

    [[commits]]
    message = "docs: runs"

    [commits.files]
    ".runs/gates-/1/manifest.json" = '''
    {"status": "succeeded", "commands": [
      {"name": "lint", "kind": "gate", "command": "make lint", "exit_code": 0, "grade": "re-run",
       "tree": "1e7600ac3d16633616c9202bf5593a67318e1e07"}]}
    '''
    ```
    """

    code: ClassVar[str] = "RUN009"
    name: ClassVar[str] = "missing-gate-run"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("runs.quick_gates", "runs.full_gates")
    condition: ClassVar[str] = "a run shows the gates for each commit and each tree that needs them"

    def check(
        self,
        commits: Sequence[Commit],
        run_records: RunRecords,
        run_proof: RunProof,
        policy: Policy,
        work_kinds: Mapping[str, WorkKind],
        artifacts: Artifacts | None = None,
        work_item: WorkItem | None = None,
        breakdowns: Breakdowns | None = None,
    ) -> Iterator[Finding]:
        """Look for runs of the gates on each tree."""
        settings = run_records.settings
        work = [one for one in commits if not one.is_merge and not only_runs(one, run_records)]
        judged = [one for one in work if one.oid != run_records.under_way]
        needs = [_Need(gate, [one], "runs.quick_gates") for one in judged for gate in settings.quick_gates]
        if settings.full_gates and judged:
            if work[-1] is judged[-1]:
                why = ", with which the change ends"
                needs += [_Need(gate, work[-1:], "runs.full_gates", why) for gate in settings.full_gates]
                if work_item is not None and work_item.listed is not None and breakdowns is not None:
                    accepted = _accepted(policy, work_item.listed, breakdowns, work_kinds)
                    needs += [
                        _Need(gate, work[-1:], "runs.full_gates", f"{why}: {shortened(said, 80)!r} names it")
                        for gate, said in accepted.items()
                        if gate not in settings.full_gates
                    ]
            by_id = {commit.oid: commit for commit in commits}
            for commit in judged if settings.full_before else ():
                paths = [entry.path for entry in commit.own_entries if not entry.deleted]
                found = [one for path in paths for one in (artifacts.contracted(path) if artifacts else ())]
                names = [one.name for one in found]
                written = next((name for name in names if name in settings.full_before), "")
                if written:
                    before = [by_id[parent] for parent in commit.parents if parent in by_id]
                    why = f", which writes the {written}, or of the one before it"
                    needs += [
                        _Need(gate, [commit, *before], "runs.full_before", why)
                        for gate in settings.full_gates
                    ]
        # Of several reasons to run a gate on a commit the first asks for most.
        first = {(need.gate, need.commits[0].oid): need for need in reversed(needs)}
        yield from judge_each(reversed(first.values()), lambda need: _look(run_proof, need))


class _Need:
    """A gate of which a run must show that it succeeded on the tree of one of some commits.

    Attributes:
        gate: its name.
        commits: the commits, first the one that needs it.
        setting: the setting that asks for it.
        why: what that commit is, as the end of a clause.
    """

    def __init__(self, gate: str, commits: Sequence[Commit], setting: str, why: str = "") -> None:
        self.gate = gate
        self.commits = commits
        self.setting = setting
        self.why = why


def _accepted(
    policy: Policy, item: Listed, breakdowns: Breakdowns, kinds: Mapping[str, WorkKind]
) -> Mapping[str, str]:
    """The gates that the scenarios of an item's acceptance name, each with one of these.

    Raises:
        MissingFact: a document cannot be read.
    """
    from specguard_rules.artifacts.unmapped_acceptance import UnmappedAcceptance

    found = policy.rule(UnmappedAcceptance.code)
    rule = found.load() if found is not None and found.active else None
    return dict(rule.gates_of(item, breakdowns, kinds)) if isinstance(rule, UnmappedAcceptance) else {}


def _look(proof: RunProof, need: _Need) -> Iterator[Finding]:
    """What is found where no run shows a gate.

    Raises:
        MissingFact: runs are not kept in the tree, and none that is here shows anything of it.
    """
    problem, records = "", proof.records
    for commit in need.commits:
        claim = gate_of(commit, need.gate, proof)
        for run in records.all:
            flaw = proof.flaw(run, claim)
            if flaw is None:
                return
            if run.last(need.gate, commit.tree):
                problem = problem or f": the run {records.shown(run)} {flaw.reason}"
    commit = need.commits[0]
    if not (problem or records.in_tree):
        raise records.unseen(f"a run of the gate {need.gate} for the tree of commit {commit.oid[:12]}")
    message = f"no run shows the gate {need.gate} for the tree of commit {commit.oid[:12]}{need.why}{problem}"
    step = "Check the commit out, run `specguard run gates` on it, and keep the run."
    key = f"{need.gate} {commit.message.subject}"
    yield Finding(
        message, help=step, commit=commit.oid, field="commit.subject", key=key, setting=need.setting
    )
