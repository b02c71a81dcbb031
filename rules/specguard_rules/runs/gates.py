"""Rules about gates: that the run that a commit names got through them, and that a run shows each."""

from __future__ import annotations

from specguard.rules import Finding, Origin, Record, Rule, judge_each, shortened
from specguard_rules.runs._cited import cited, gate_of

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
        Work,
        WorkItem,
        WorkKind,
    )
    from specguard_rules.runs._cited import Cited


class FailedGate(Rule):
    r"""A required gate did not succeed on the committed tree.

    Required are the gates of the item's kind, those in its document, and `gates` of `[runs]`. In the run that
    a commit names, each gate's last result on the commit's own tree counts, at the `grade` of `[runs]`. All
    its commands must end with 0. After an edit, amend or rebase, run them again.

    Why is this bad? A gate proves something only about the files it ran on.

    How to fix it: run the gates on what is committed: `specguard run resume RUN`.

    ```text
    error: .runs/phase-12/2026-03-01T10-00-00Z-a1b2/manifest.json:1: the run
      phase-12/2026-03-01T10-00-00Z-a1b2 has no result of the gate tests for the tree of commit
      4b45861da6: its last one is for tree 4b825dc642
    ```

    ```toml fails
    policy = '''
    [work.phase]
    commit = "feat(phase{number}): {text}"

    [[work.phase.gates]]
    name = "tests"
    run = "make test"

    [runs]
    keep = "tree"
    require = ["phase"]
    '''

    [[commits]]
    message = "feat(phase12): prices\n\nRun: phase-12/2026-03-01T10-00-00Z-a1b2\n"

    [commits.files]
    "a" = "c"
    ".runs/phase-12/2026-03-01T10-00-00Z-a1b2/manifest.json" = '''
    {"task_id": "12", "status": "succeeded", "commands": [
      {"name": "tests", "kind": "gate", "command": "make test", "exit_code": 0, "grade": "re-run",
       "tree": "4b825dc642cb6eb9a060e54bf8d69288fbee4904"}]}
    '''

    [[expect]]
    code = "RUN002"
    path = ".runs/phase-12/2026-03-01T10-00-00Z-a1b2/manifest.json"
    message = "for the tree of commit"
    ```

    ```toml passes
    policy = '''
    [work.phase]
    commit = "feat(phase{number}): {text}"

    [[work.phase.gates]]
    name = "tests"
    run = "make test"

    [runs]
    keep = "tree"
    require = ["phase"]
    '''

    [[commits]]
    message = "feat(phase12): prices\n\nRun: phase-12/2026-03-01T10-00-00Z-a1b2\n"
    files = {"a" = "c"}

    [[commits]]
    message = "docs: the run of phase 12"

    [commits.files]
    ".runs/phase-12/2026-03-01T10-00-00Z-a1b2/manifest.json" = '''
    {"task_id": "12", "status": "succeeded", "commands": [
      {"name": "tests", "kind": "gate", "command": "make test", "exit_code": 0, "grade": "re-run",
       "tree": "80c31e24f25fb88209b5fd9bfcb2ce38a75127f0"}]}
    '''
    ```
    """

    code: ClassVar[str] = "RUN002"
    name: ClassVar[str] = "failed-gate"
    tables: ClassVar[tuple[str, ...]] = ("runs.require", "runs.gates")
    condition: ClassVar[str] = "every run got through its gates on the tree that is committed"

    def check(
        self,
        commits: Sequence[Commit],
        run_records: RunRecords,
        run_proof: RunProof,
        policy: Policy,
        work: Work | None = None,
    ) -> Iterator[Finding]:
        """Look up the results of each required gate."""
        namings = {naming.commit: naming for naming in work.commits} if work is not None else {}

        def failed(one: Cited) -> Iterator[Finding]:
            run, missing = one.run, None
            # RUN001 says what is wrong with it.
            if run is None or run.problem:
                return
            origins = {}
            naming = namings.get(one.commit.oid) or (work.naming if work is not None else None)
            if naming is not None and work is not None:
                required, missing = work.gates_of(naming, one.commit, policy.origins)
                origins = {gate.name: gate for gate in required}
            for gate in dict.fromkeys((*origins, *run_records.settings.gates)):
                flaw = run_proof.flaw(run, gate_of(one.commit, gate, run_proof))
                origin = origins.get(gate)
                if flaw is not None:
                    yield Finding(
                        f"the run {run_records.shown(run)} {flaw.reason}",
                        help="Run the gate on what is committed, and keep the run that shows it.",
                        path=run_records.path(run),
                        line=run.line("commands"),
                        commit=one.commit.oid,
                        key=f"{gate} {one.name}",
                        setting=f"work.{naming.kind}.gates" if naming and origin else "runs.gates",
                        authority=Origin(origin.path, origin.line) if origin and origin.path else None,
                    )
            if missing is not None:
                raise missing

        yield from judge_each(cited(commits, run_records), failed)


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
        work = [one for one in commits if not one.is_merge and not _only_runs(one, run_records)]
        judged = [one for one in work if one.oid != run_records.under_way]
        needs = [_Need(gate, [one], "runs.quick_gates") for one in judged for gate in settings.quick_gates]
        if settings.full_gates and judged and work[-1] is judged[-1]:
            why = ", with which the change ends"
            accepted = _accepted(policy, work_item, breakdowns, work_kinds)
            named = {gate: f"{why}: {shortened(said, 80)!r} names it" for gate, said in accepted.items()}
            for gate, reason in {**named, **dict.fromkeys(settings.full_gates, why)}.items():
                needs.append(_Need(gate, judged[-1:], "runs.full_gates", reason))
        by_id = {commit.oid: commit for commit in commits}
        for commit in judged if settings.full_gates and settings.full_before else ():
            paths = [entry.path for entry in commit.own_entries if not entry.deleted]
            names = [one.name for path in paths for one in (artifacts.contracted(path) if artifacts else ())]
            written = next((name for name in names if name in settings.full_before), "")
            if written:
                tried = [commit, *(by_id[parent] for parent in commit.parents if parent in by_id)]
                why = f", which writes the {written}, or of the one before it"
                needs += [_Need(gate, tried, "runs.full_before", why) for gate in settings.full_gates]
        # Of several reasons to run a gate on a commit the first asks for most.
        first = {(need.gate, need.commits[0].oid): need for need in reversed(needs)}
        yield from judge_each(reversed(first.values()), lambda need: _look(run_proof, need))


class _Need(Record):
    """A gate of which a run must show that it succeeded on the tree of one of some commits."""

    gate: str
    commits: Sequence[Commit]
    setting: str
    why: str = ""


def _only_runs(commit: Commit, records: RunRecords) -> bool:
    """Whether a commit brings the evidence of runs and nothing else: nobody's work, so no run made it."""
    entries = commit.diffs[0] if commit.diffs else ()
    return bool(entries) and all(entry.path.startswith(records.settings.folder) for entry in entries)


def _accepted(
    policy: Policy, item: WorkItem | None, breakdowns: Breakdowns | None, kinds: Mapping[str, WorkKind]
) -> Mapping[str, str]:
    """The gates that the scenarios of an item's acceptance name, each with one of these.

    Raises:
        MissingFact: a document cannot be read.
    """
    from specguard_rules.artifacts.unmapped_acceptance import UnmappedAcceptance

    found = policy.rule(UnmappedAcceptance.code)
    rule = found.load() if found is not None and found.active else None
    listed = item.listed if item is not None else None
    if listed is None or breakdowns is None or not isinstance(rule, UnmappedAcceptance):
        return {}
    return dict(rule.gates_of(listed, breakdowns, kinds))


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
    what = f"the gate {need.gate} for the tree of commit {commit.oid[:12]}"
    if not (problem or records.in_tree):
        raise records.unseen(f"a run of {what}")
    message = f"no run shows {what}{need.why}{problem}"
    step = "Check the commit out, run `specguard run gates` on it, and keep the run."
    key, field = f"{need.gate} {commit.message.subject}", "commit.subject"
    yield Finding(message, help=step, commit=commit.oid, field=field, key=key, setting=need.setting)
