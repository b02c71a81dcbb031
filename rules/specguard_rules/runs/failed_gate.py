"""RUN002: runs whose required gates did not succeed on the tree that is committed."""

from __future__ import annotations

from specguard.rules import Finding, MissingFact, Origin, Rule
from specguard_rules.runs._cited import cited, gate_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Commit, Policy, RunProof, RunRecords, Stage, Work
    from specguard.work.gates import PlannedGate


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
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
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
        missing: MissingFact | None = None
        namings = {naming.commit: naming for naming in work.commits} if work is not None else {}
        for one in cited(commits, run_records):
            try:
                run = run_records.named(one.name)
                # RUN001 says what is wrong with it.
                if run is None or run.problem:
                    continue
                required: Sequence[PlannedGate] = ()
                naming = namings.get(one.commit.oid) or (work.naming if work is not None else None)
                if naming is not None and work is not None:
                    required, unresolved = work.gates_of(naming, one.commit, policy.origins)
                    missing = missing or unresolved
            except MissingFact as fact:
                missing = missing or fact
                continue
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
