"""Rules about what runs prove: gates, ticked items, and clean worktrees."""

from __future__ import annotations

from specguard.rules import Finding, MissingFact, Record, Rule, judge_each, path_text, setting, shortened
from specguard_rules.finding_texts import shell_quote
from specguard_rules.runs.records import cited_runs, run_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import ClassVar, Final

    from specguard.rules import (
        Artifacts,
        Bookkeeping,
        Breakdowns,
        Claims,
        Commit,
        Policy,
        RunProof,
        RunRecords,
        RunSettings,
        Tree,
        Work,
        WorkItem,
        Worktree,
    )
    from specguard.runs.proof import Claim
    from specguard.runs.record import RunRecord


class FailedGate(Rule):
    r"""A required gate did not succeed on the committed tree.

    Required are the gates of the item's kind, those in its document, and `gates` of `[runs]`. In the run that
    a commit names, each gate's last result on the commit's own tree counts, at the `grade` of `[runs]`. All
    its commands must end with 0.

    Why is this bad? A gate proves something only about the files it ran on.

    How to fix it: after an edit, amend or rebase, `specguard run gates`; name that run in the message.

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
    tables: ClassVar[tuple[str, ...]] = ("runs.require", "runs.gates")
    condition: ClassVar[str] = "every run got through its gates on the tree that is committed"

    def check(
        self,
        commits: Sequence[Commit],
        run_records: RunRecords,
        run_proof: RunProof,
        policy: Policy,
        bookkeeping: Bookkeeping,
        work: Work | None = None,
    ) -> Iterator[Finding]:
        """Look up the results of each required gate."""
        namings = {naming.commit: naming for naming in work.commits} if work is not None else {}
        where = f" --branch {shell_quote(work.branch)}" if work is not None and work.branch else ""

        def failed(one: tuple[Commit, str, RunRecord | None]) -> Iterator[Finding]:
            commit, name, run = one
            # RUN001 reports the run's problem.
            if run is None or run.problem:
                return
            naming = namings.get(commit.oid) or (work.naming if work else None)
            gates, missing = work.gates_of(naming, commit, policy.origins) if work and naming else ((), None)
            asked = {gate.name: gate.origin for gate in gates}
            for gate in dict.fromkeys((*asked, *run_records.settings.gates)):
                flaw = run_proof.flaw(run, _gate_claim(commit, gate, run_proof, bookkeeping))
                if flaw is not None:
                    message = f"the run {run.shown} {flaw.reason}"
                    step = f"Type `specguard run gates{where}` on that commit; name the run in its message."
                    found = run.finding(message, step, f"{gate} {name}", "commands", commit=commit.oid)
                    found.setting = f"work.{naming.kind}.gates" if naming and gate in asked else "runs.gates"
                    found.authority = asked.get(gate)
                    yield found
            if missing is not None:
                raise missing

        yield from judge_each(cited_runs(commits, run_records), failed)


def _gate_claim(commit: Commit, gate: str, proof: RunProof, bookkeeping: Bookkeeping) -> Claim:
    """Return the claim that a gate succeeded for a commit's tree."""
    label, trees = f"the tree of commit {commit.oid[:12]}", bookkeeping.trees_of(commit)
    return proof.claim(label, gate, trees, least=proof.records.settings.grade or "re-run")


class MissingGateRun(Rule):
    r"""No run shows the gates that a commit needs.

    `quick_gates` of `[runs]` must have succeeded on the tree of each commit, `full_gates` on the last tree,
    and before artifacts of a contract in `full_before`. Acceptance scenarios may name more. Any run counts:
    `specguard run gates` makes one without an agent. Merges and commits of only runs or approvals need none.
    With `keep = "local"` it is indeterminate without one, and skipped without any runs.

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
    tables: ClassVar[tuple[str, ...]] = ("runs.quick_gates", "runs.full_gates")
    condition: ClassVar[str] = "a run shows the gates for each commit and each tree that needs them"

    def check(
        self,
        commits: Sequence[Commit],
        run_records: RunRecords,
        run_proof: RunProof,
        policy: Policy,
        bookkeeping: Bookkeeping,
        breakdowns: Breakdowns,
        artifacts: Artifacts | None = None,
        work_item: WorkItem | None = None,
    ) -> Iterator[Finding]:
        """Look for runs of the required gates on each tree."""
        settings = run_records.settings
        work = [one for one in commits if not (one.is_merge or _is_filing(one, settings.folder, bookkeeping))]
        judged = [one for one in work if one.oid != run_records.under_way]
        needs = [_Need(gate, [one], "runs.quick_gates") for one in judged for gate in settings.quick_gates]
        if settings.full_gates and judged and work[-1] is judged[-1]:
            why = ", with which the change ends"
            accepted = _accepted_gates(policy, work_item, breakdowns)
            named = {gate: f"{why}: {shortened(text, 80)!r} names it" for gate, text in accepted.items()}
            for gate, reason in {**named, **dict.fromkeys(settings.full_gates, why)}.items():
                needs.append(_Need(gate, judged[-1:], "runs.full_gates", reason))
        if settings.full_gates and settings.full_before:
            needs += _needs_before(judged, commits, settings, artifacts)
        where = f" --branch {shell_quote(work_item.branches[0])}" if work_item and work_item.branches else ""
        # If a gate has several reasons to run on a commit, the first one is the strictest.
        first = {(need.gate, need.commits[0].oid): need for need in reversed(needs)}
        yield from judge_each(
            reversed(first.values()), lambda need: _missing_run(run_proof, need, bookkeeping, where)
        )


class _Need(Record):
    """A gate that a run must show to have succeeded on the tree of one of some commits."""

    gate: str
    commits: Sequence[Commit]
    setting: str
    why: str = ""


def _needs_before(
    judged: Sequence[Commit], commits: Sequence[Commit], settings: RunSettings, artifacts: Artifacts | None
) -> Iterator[_Need]:
    """Yield the full gates for each commit that writes an artifact of `full_before`, or for its parent."""
    by_id = {commit.oid: commit for commit in commits}
    for commit in judged:
        paths = [entry.path for entry in commit.own_entries if not entry.deleted]
        names = [one.name for path in paths for one in (artifacts.contracted(path) if artifacts else ())]
        if written := next((name for name in names if name in settings.full_before), ""):
            tried = [commit, *(by_id[parent] for parent in commit.parents if parent in by_id)]
            why = f", which writes the {written}, or of the one before it"
            yield from (_Need(gate, tried, "runs.full_before", why) for gate in settings.full_gates)


def _is_filing(commit: Commit, runs: bytes, bookkeeping: Bookkeeping) -> bool:
    """True if a commit only touches the folder of runs and files approvals, so that nothing in it runs."""
    entries = commit.diffs[0] if commit.diffs else ()
    return bool(entries) and all(one.path.startswith(runs) or bookkeeping.files(one) for one in entries)


def _accepted_gates(policy: Policy, item: WorkItem | None, breakdowns: Breakdowns) -> Mapping[str, str]:
    """Map the gates that the scenarios of an item's acceptance name to one of these scenarios each.

    Raises:
        MissingFact: a document cannot be read.
    """
    from specguard_rules.artifacts.contents import UnmappedAcceptance

    found = policy.active_rule(UnmappedAcceptance.code)
    rule = found.load() if found is not None else None
    listed = item.listed if item is not None else None
    if listed is None or not isinstance(rule, UnmappedAcceptance):
        return {}
    return dict(rule.gates_of(listed, breakdowns, policy.declared("work_kinds")))


def _missing_run(proof: RunProof, need: _Need, bookkeeping: Bookkeeping, where: str) -> Iterator[Finding]:
    """Yield the finding for a gate that no run shows; `where` is the option that names the item's branch.

    Raises:
        MissingFact: runs are not kept in the tree, and the available ones do not show the gate.
    """
    problem, records = "", proof.records
    for commit in need.commits:
        claim = _gate_claim(commit, need.gate, proof, bookkeeping)
        for run in records.all:
            flaw = proof.flaw(run, claim)
            if flaw is None:
                return
            if any(run.last(need.gate, tree) for tree in claim.on):
                problem = problem or f": the run {run.shown} {flaw.reason}"
    commit = need.commits[0]
    what = f"the gate {need.gate} for the tree of commit {commit.oid[:12]}"
    if not (problem or records.in_tree):
        raise records.unseen(f"a run of {what}")
    message = f"no run shows {what}{need.why}{problem}"
    where += f" --command {shell_quote(need.gate)}" if " " in need.gate else ""
    if records.in_tree:
        # Git does not replace the file that an earlier run has brought to the branch, unless it is staged.
        where += f"; git add {shell_quote(b':/' + records.settings.folder + b'.gitignore')}"
    step = f"Check the commit out, type `specguard run gates{where}`, and keep the run in a commit apart."
    key, field = f"{need.gate} {commit.message.subject}", "commit.subject"
    yield Finding(message, step, commit=commit.oid, field=field, key=key, setting=need.setting)


_RERUN: Final = "Run `specguard run gates` on the item's branch, with what is there now"
_LIST_ITEMS: Final = (
    "Run it again with a manifest that names the item. Or list the items in the authority's [work.<kind>], "
    "with `source` and `branch`: then `specguard run gates` on the item's branch names it."
)
# A list item that begins with a spec's id gives the spec's status, a heading does not.
_NAME_ITEM: Final = "Name the run's item in a heading above, as '## ID', or cite a run of the tick's item."


class UncoveredItem(Rule):
    r"""A done item lacks evidence of the required grade.

    An agent says so (`claimed`), a runner saw it (`observed`), or specguard ran it (`re-run`). `grade` of
    `[runs]` is the least that counts. Judged are items, tasks, specs in the index and ticked checklist items
    that the change closes. The run succeeded and names no other item. From `observed` up it names this one,
    and its tree must fit.

    Why is this bad? Everybody can say that something is done.

    How to fix it: name a run's manifest that shows it, or take the status back.

    See also: `unproven-checkbox`, `unverified-done`

    ```text
    error: slices.json:2: slice s1 is done, and no run shows it
    ```

    ```toml fails
    policy = '''
    [work.slice]
    source = "slices.json"
    branch = "slice-{id}"
    closed = ["done"]

    [runs]
    keep = "tree"
    grade = "observed"
    '''

    [[commits]]
    message = "docs: slices"

    [commits.files]
    ".runs/slice-s2/1/manifest.json" = '{"task_id": "s2", "status": "succeeded"}'
    "slices.json" = '''
    {"slices": [
      {"id": "s1", "status": "done"},
      {"id": "s2", "status": "done"},
      {"id": "s3", "status": "open"}]}
    '''

    [[expect]]
    code = "RUN007"
    path = "slices.json"
    line = 2
    message = "no run shows it"

    [[expect]]
    code = "RUN007"
    path = "slices.json"
    line = 3
    message = "is claimed and not observed"
    ```

    ```toml passes
    policy = '''
    [work.slice]
    source = "slices.json"
    branch = "slice-{id}"
    closed = ["done"]

    [runs]
    keep = "tree"
    grade = "observed"
    '''

    [[commits]]
    message = "docs: slices"

    [commits.files]
    ".runs/slice-s1/1/manifest.json" = '''
    {"task_id": "s1", "status": "succeeded", "tree": "7838acf372af973a8c675495457130ffad773dda"}
    '''
    ".runs/slice-s1/1/runner.log" = "started\n"
    "slices.json" = '{"slices": [{"id": "s1", "status": "done"}]}'
    ```
    """

    code: ClassVar[str] = "RUN007"
    judges_parts: ClassVar[bool] = True
    tables: ClassVar[tuple[str, ...]] = ("runs.grade",)
    condition: ClassVar[str] = "every item that is done has evidence of the grade that is asked for"

    def check(
        self, run_records: RunRecords, claims: Claims, policy: Policy, commits: Sequence[Commit] | None = None
    ) -> Iterator[Finding]:
        """Judge the evidence of done items, except of the item whose run is under way."""

        def uncovered(claim: Claim) -> Iterator[Finding]:
            plan, ticked, least = claims.plan_of(claim), claim.status == "ticked", claims.proof.least
            # PLN003 reports a task of a plan without any evidence, and ART006 a tick without any.
            is_told = policy.active_rule("PLN003") and not (claim.statement or claim.cited)
            if plan is not None and is_told and not any(claims.proof.run_flaws(claim)):
                return
            flaw = claims.proof.judge(claim)
            if flaw is not None and (flaw.unbound or not (ticked or plan)):
                label = repr(shortened(claim.label)) if ticked else claim.label
                message = f"{label} is {claim.status}, and {flaw}"
                named = least == "claimed" or claim.kind or (ticked and claims.proof.kinds)
                # No run of gates has the id of an entry of the index, or of an item that only the change
                # lists, and a tick needs a run that it names.
                rerun = _RERUN + ("" if claim.kind and least != "claimed" else ", and name its manifest here")
                if plan is not None and plan.settings.unit == "commit":
                    # The branch of the whole plan names no task to a run of gates.
                    verify = f"plan verify {shell_quote(claim.ids[0])} --plan {shell_quote(claim.plan)}"
                    rerun = f'Have a person verify it, `specguard {verify} --note "what was seen"`'
                step = _NAME_ITEM if not claim.ids else f"{rerun}, or take it back." if named else _LIST_ITEMS
                if run_records.in_tree and not ticked and (flaw.missing or not flaw.run):
                    step = f"Commit the manifest of its run, if it has one. {step}"
                yield Finding(message, step, claim.path, claim.line, key=claim.key, setting="runs.grade")

        under_way = [one for one in commits or () if one.oid == run_records.under_way]
        names = [name.rpartition("/")[0] for one in under_way for name in run_names(one, run_records)]
        done = [one for one in claims.done if not {f"{one.kind}-{item}" for item in one.ids} & {*names[:1]}]
        yield from judge_each([*done, *(claim for _, claim in claims.ticks)], uncovered)


class DirtyWorktree(Rule):
    r"""A wave is declared complete while a worktree is dirty.

    A document of a contract in `declared_by` needs every worktree clean. Untracked files count, except
    ignored ones and kept runs. If a worktree cannot be read, the rule is indeterminate: `git worktree prune`
    forgets missing ones.

    Why is this bad? What is left there is in no review.

    How to fix it: commit or discard it, then declare the wave complete.

    ```text
    error: FINAL_D_HANDOFF.md declares a wave complete, and the worktree /home/ann/repository has
      changes that are not committed
    ```

    ```toml fails
    policy = '''
    [artifacts.handoff]
    path = "FINAL_{x}_HANDOFF.md"

    [rules.dirty-worktree]
    declared_by = ["handoff"]
    '''
    staged = {files = {"FINAL_D_HANDOFF.md" = "Done.\n"}}
    worktree = {files = {"left.txt" = "x"}}

    [[expect]]
    code = "RUN008"
    path = "FINAL_D_HANDOFF.md"
    message = "has changes that are not committed"
    ```

    ```toml passes
    policy = '''
    [artifacts.handoff]
    path = "FINAL_{x}_HANDOFF.md"

    [rules.dirty-worktree]
    declared_by = ["handoff"]
    '''

    [[commits]]
    message = "docs: the wave is complete"
    files = {"FINAL_D_HANDOFF.md" = "Done.\n"}
    ```
    """

    code: ClassVar[str] = "RUN008"
    requires: ClassVar[tuple[str, ...]] = ("declared_by",)
    condition: ClassVar[str] = "no worktree has changes when {declared_by} declares a wave complete"

    declared_by: list[str] = setting(
        [], "the contracts that declare a wave complete", tightens="more", names=["artifacts"]
    )

    def check(
        self,
        worktrees: Sequence[Worktree],
        head_files: Tree,
        bookkeeping: Bookkeeping,
        artifacts: Artifacts | None = None,
    ) -> Iterator[Finding]:
        """Look for changes in every worktree once a wave is declared complete."""
        declared = [one for one in (artifacts.judged if artifacts else ()) if one.name in self.declared_by]

        def changes_in(tree: Worktree) -> Iterator[Finding]:
            if tree.problem:
                what = f"the worktree {tree.path} cannot be read: {tree.problem}"
                raise MissingFact(what, "git worktree prune")
            # A run is committed behind the commit that it is about.
            if tree.beside(head_files, bookkeeping.runs()) if tree.own else tree.dirty:
                what = f"the worktree {tree.path} has changes that are not committed"
                message = f"{path_text(declared[0].path)} declares a wave complete, and {what}"
                step = f"Commit or discard what `git -C {shell_quote(tree.folder)} status` lists."
                key = f"dirty {tree.branch}"
                yield Finding(message, step, declared[0].path, key=key, setting="declared_by")

        yield from judge_each(worktrees if declared else (), changes_in)
