"""RUN002: runs whose required gates did not succeed on the tree that is committed."""

from __future__ import annotations

from specguard.rules import Finding, MissingFact, Origin, Rule
from specguard_rules.runs._cited import cited, gate_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Commit, Naming, PlannedGate, Policy, RunProof, RunRecords, Stage, Work


class FailedGate(Rule):
    r"""A run's last result of a required gate, for the tree that is committed, is not a success.

    A gate that passed proves something of the files that it ran on and of no others. So of the run that a
    commit names, each required gate must have a result for the commit's own tree, by its object id; of
    several the last counts. A green result for another tree is none: whoever edits a file after the gates,
    amends the commit or rebases it runs them again.

    **Required are** the gates that the policy has for the kind of the commit's work item, those that the
    item's document names in the trusted base, and those that `gates` of `[runs]` names. A gate with `when`,
    `on` or `each` counts where the commit's changes ask for it; formatters and teardowns do not.

    **A result is a success** where each of its commands ended with 0 within its time, and its grade is at
    least `grade` of `[runs]` (`re-run` where that is empty): a result that an agent claims is none.

    A run that is under way judges its commit before it is made, and shows its gates itself.

    How to put it right: run the gates on what is committed, as `specguard run resume RUN` does.

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
                naming = namings.get(one.commit.oid) or (work.naming if work is not None else None)
                required, unresolved = _required(one.commit, work, naming, policy)
                missing = missing or unresolved
            except MissingFact as fact:
                missing = missing or fact
                continue
            origins = {gate.name: gate for gate in required}
            for gate in dict.fromkeys((*origins, *run_records.settings.gates)):
                flaw = run_proof.flaw(run, gate_of(one.commit, gate, run_records))
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


def _required(
    commit: Commit, work: Work | None, naming: Naming | None, policy: Policy
) -> tuple[Sequence[PlannedGate], MissingFact | None]:
    """The gates that a commit's changes have to get through, and why there may be more.

    Raises:
        MissingFact: the item's document cannot be read.
    """
    if work is None or naming is None:
        return (), None
    from specguard.rules import Unresolved, gate_selection, gates

    item = work.resolve(naming.kind, naming.id, naming.number, naming.fields)
    missing: MissingFact | None = None
    # The gates of its kind are known in spite of it, and those that its document names are not.
    if isinstance(item, Unresolved):
        missing = work.missing(naming, item)
        planned: Sequence[PlannedGate] = gates.joined(
            gates.gates_of_kind(naming.kind, work.kinds[naming.kind], policy.origins)
        )
    else:
        planned = gates.gates_of(item, policy.origins).gates
    judging = [gate for gate in planned if gate.kind == "gate"]
    entries = commit.diffs[0] if commit.diffs else ()
    chosen = gate_selection.selected(judging, entries)
    return [one.gate for one in chosen if not one.skipped], missing
