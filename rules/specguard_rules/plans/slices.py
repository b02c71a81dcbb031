"""Rules about the slices of a wave and its stages."""

from __future__ import annotations

from specguard.rules import Covering, Finding, NotApplicable, Origin, Rule, Selecting, path_text, setting
from specguard_rules.next_steps import to_branch
from specguard_rules.spelling import alternatives, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import (
        Base,
        Bookkeeping,
        Branch,
        Breakdowns,
        Commit,
        Entry,
        Plans,
        Policy,
        Stage,
        Waves,
        WorkItem,
    )
    from specguard.work.sources import Listed


class WaveStageOutOfOrder(Rule):
    r"""A wave's stage begins before an earlier one is complete.

    A stage of `[[wave.stages]]` is complete when its `requires` and `leaves` artifacts fulfil their
    contracts, its `fields` have the right values, and its `items` are closed. Findings are artifacts,
    branches, items and paths of later stages. `specguard status` shows what is missing.

    Why is this bad? Such work rests on decisions that nobody has made.

    How to fix it: complete the earlier stage first.

    ```text
    error: the branch 'build-d' is for the stage implementation of wave d, and the stage planning is not
      complete: waves/d/PLAN.md: Status is 'draft', which is not one of ready
    ```

    ```toml fails
    policy = '''
    [artifacts.plan]
    path = "waves/{x}/PLAN.md"
    fields = {status = "any"}

    [artifacts.report]
    path = "waves/{x}/REPORT.md"

    [wave]
    by = ["x"]
    stages = [
      {name = "planning", leaves = ["plan"], fields = {status = "ready"}},
      {name = "implementation", opens_after = ["planning"], leaves = ["report"], branch = "build-{x}"},
    ]
    '''
    base = {files = {"waves/d/PLAN.md" = "Status: draft\n"}}
    branch = "build-d"
    commits = [{message = "feat: x", files = {"waves/d/REPORT.md" = "Done.\n", "src/a" = "1"}}]

    [[expect]]
    code = "PLN008"
    field = "branch"
    message = "Status is 'draft', which is not one of ready"

    [[expect]]
    code = "PLN008"
    path = "waves/d/REPORT.md"
    ```

    ```toml passes
    policy = '''
    [artifacts.plan]
    path = "waves/{x}/PLAN.md"
    fields = {status = "any"}

    [wave]
    by = ["x"]
    stages = [
      {name = "planning", leaves = ["plan"], fields = {status = "ready"}},
      {name = "implementation", opens_after = ["planning"], branch = "build-{x}"},
    ]
    '''
    base = {files = {"waves/d/PLAN.md" = "Status: ready\n"}}
    branch = "build-d"
    commits = [{message = "feat: x", files = {"src/a" = "1"}}]
    ```
    """

    code: ClassVar[str] = "PLN008"
    name: ClassVar[str] = "wave-stage-out-of-order"
    tables: ClassVar[tuple[str, ...]] = ("wave.stages",)
    condition: ClassVar[str] = "every stage of a wave is begun after the stages before it are complete"

    def check(
        self,
        waves: Waves,
        whole: bool,
        stage: Stage,
        entries: Sequence[Entry] | None = None,
        commits: Sequence[Commit] | None = None,
        branch: Branch | None = None,
        work_item: WorkItem | None = None,
        base: Base | None = None,
    ) -> Iterator[Finding]:
        """Look at the waves that the change touches, and at the stage that it is for."""
        yield from waves.out_of_order(
            entries=entries or (),
            commits=commits or (),
            branch=branch.name if branch else "",
            item=work_item,
            landed=bool(base and branch and base.is_branch(branch, stage)),
            whole=whole,
        )


class SliceOutOfFiles(Rule):
    """A change leaves its slice, or touches another one's files.

    The slice's entry (`source` of `[work.<kind>]`) in the trusted base lists its `files`. While a wave's
    stage is open, changes that name no slice leave its slices' files alone, unless approved.

    Why is this bad? Owned files let several agents work beside each other.

    How to fix it: move the files to their slice's branch, or have the breakdown widened first.

    ```text
    error: src/b/y.ts is not one of the files of slice D1 (src/a/**); it belongs to slice D2
    ```

    ```toml fails
    policy = '''
    [work.slice]
    source = "plan/PHASE_*_WORKBREAKDOWN.yaml"
    branch = "phase-{phase}-{number}"
    '''
    branch = "phase-d-1"
    commits = [{message = "feat: x", files = {"src/a/x.ts" = "1", "src/b/y.ts" = "1"}}]

    [base.files]
    "plan/PHASE_D_WORKBREAKDOWN.yaml" = '''
    phase: d
    slices:
      - {id: D1, owner: ann, files: [src/a/**]}
      - {id: D2, owner: bob, files: [src/b/**]}
    '''

    [[expect]]
    code = "PLN010"
    path = "src/b/y.ts"
    message = "belongs to slice D2"
    authority = "plan/PHASE_D_WORKBREAKDOWN.yaml:3"
    ```

    ```toml fails
    policy = '''
    [work.slice]
    source = "plan/PHASE_{phase}_WORKBREAKDOWN.yaml"
    branch = "phase-{phase}-{number}"

    [artifacts.packet]
    path = "plan/PHASE_{phase}_PACKET.md"

    [wave]
    by = ["phase"]
    stages = [{name = "planning", leaves = ["packet"]}, {name = "implementation", items = "slice"}]
    '''
    branch = "tidy-up"
    commits = [{message = "refactor: tidy up", files = {"src/a/x.ts" = "1", "README.md" = "Hello."}}]

    [base.files]
    "plan/PHASE_D_WORKBREAKDOWN.yaml" = '''
    slices:
      - {id: D1, owner: ann, files: [src/a/**]}
    '''

    [[expect]]
    code = "PLN010"
    path = "src/a/x.ts"
    message = "is a file of slice D1, still to be done, and the change names no slice"
    help = "phase-D-1"
    ```

    ```toml passes
    policy = '''
    [work.slice]
    source = "plan/PHASE_*_WORKBREAKDOWN.yaml"
    branch = "phase-{phase}-{number}"

    [rules.slice-out-of-files]
    also = ["plan/reports/"]
    '''
    branch = "phase-d-1"
    commits = [{message = "feat: x", files = {"src/a/x.ts" = "1", "plan/reports/D1.md" = "Done."}}]

    [base.files]
    "plan/PHASE_D_WORKBREAKDOWN.yaml" = '''
    phase: d
    slices:
      - {id: D1, owner: ann, files: [src/a/**]}
    '''
    ```
    """

    code: ClassVar[str] = "PLN010"
    name: ClassVar[str] = "slice-out-of-files"
    tables: ClassVar[tuple[str, ...]] = ("work.*.source",)
    condition: ClassVar[str] = "every entry is one of the slice's files, and the branch is the slice's own"

    also: Covering = setting(Covering(), "what every slice may touch too", tightens="fewer")

    def check(
        self,
        entries: Sequence[Entry],
        policy: Policy,
        bookkeeping: Bookkeeping,
        stage: Stage,
        work_item: WorkItem | None = None,
        branch: Branch | None = None,
        base: Base | None = None,
        plans: Plans | None = None,
        waves: Waves | None = None,
    ) -> Iterator[Finding]:
        """Compare the entries with the slice's files, and the branch with its own."""
        listed = work_item.listed if work_item is not None else None
        why = f"{work_item} is not listed in a file with others"
        if work_item is None:
            why = "the change names no work item"
        elif (
            listed is not None
            and plans is not None
            and plans.holding(listed.source.path) == listed.source.path
        ):
            why = f"{path_text(listed.source.path)} is a plan, which PLN004 holds to its files"
            listed = None
        entries = [
            entry
            for entry in entries
            if self.also.find(entry.path) is None
            and not entry.path.startswith(policy.log_folder)
            and not bookkeeping.has(entry)
        ]
        if work_item is not None and listed is not None:
            if not listed.files:
                raise NotApplicable(f"{path_text(listed.source.path)} lists no files for {listed}")
            if branch and base and work_item.branches and branch.name not in work_item.branches:
                yield _elsewhere(work_item, listed, branch, base)
            yield from _beyond(work_item, listed, entries, staged=stage == "staged")
            return
        landed = base is not None and branch is not None and base.is_branch(branch, stage)
        kept = waves.kept if waves is not None and not landed else ()
        if waves is None or not kept:
            raise NotApplicable(why)
        for entry in entries:
            whose = [item for item in kept if item.scope.find(entry.path) is not None]
            if whose and not waves.is_paper(entry.path):
                yield _taken(entry, whose)


def _taken(entry: Entry, whose: Sequence[Listed]) -> Finding:
    """An entry that is a file of slices, in a change for none of them."""
    first = whose[0]
    names = " and ".join(str(item) for item in whose[:3])
    message = (
        f"{path_text(entry.path)} is a file of {names}, still to be done, and the change names no "
        f"{first.source.kind}"
    )
    named = f", {first.branch}" if first.branch else ""
    step = f"Change it on the branch of {first}{named}, or have it approved."
    return _about(entry, first, message, step, f"kept {first.id}", first.setting)


def _about(entry: Entry, listed: Listed, message: str, step: str, key: str, setting: str) -> Finding:
    """A finding about a path, of which the line that lists a slice decides."""
    line, path, side = Origin(path_text(listed.source.path), listed.line or 0), entry.path, entry.side
    return Finding(message, help=step, path=path, side=side, key=key, setting=setting, authority=line)


def _elsewhere(work_item: WorkItem, listed: Listed, branch: Branch, base: Base) -> Finding:
    """A slice's change on another branch than the slice's own."""
    return Finding(
        f"the change is for {listed}, and is on the branch {quoted(branch.name)}, which is not the "
        f"slice's own, {alternatives(work_item.branches)}",
        help=f"Take it there: `{to_branch(work_item.branches[0], branch, base)}`",
        field="branch",
        key="branch",
        same_as=("BRN001 item",),
        setting=work_item.setting("branch"),
    )


def _beyond(
    work_item: WorkItem, listed: Listed, entries: Sequence[Entry], *, staged: bool
) -> Iterator[Finding]:
    """What a slice's change touches beside the slice's files."""
    place = path_text(listed.source.path)
    others = [other for other in listed.source.items if other.id != listed.id and other.files]
    patterns = listed.scope.patterns
    files = ", ".join(patterns[:5]) + (", ..." if len(patterns) > 5 else "")
    for entry in entries:
        if listed.scope.find(entry.path) is not None:
            continue
        message = f"{path_text(entry.path)} is not one of the files of {listed} ({files})"
        step = f"Take it out, or have {place} list it for {listed} in the base first."
        owners = [other for other in others if other.scope.find(entry.path) is not None]
        if len(owners) == 1:
            message += f"; it belongs to {owners[0]}"
            stands = f"; if this one stands on it: git branch -u {owners[0].branch}"
            step = f"Change it on the branch of {owners[0]}" + (
                stands if owners[0].branch and not staged else "."
            )
        yield _about(entry, listed, message, step, listed.id, work_item.setting("source"))


class UndisposedSlice(Rule):
    """A conditional slice is neither decided nor deferred.

    When a `conditional` slice of `[work.<kind>]` is done, its change also edits one of `decisions`. Otherwise
    a `readiness` document names it, says `trigger: no` (in tables, in a column `Trigger` or `Triggered`), and
    cites evidence that exists.

    Why is this bad? The question is dropped in silence.

    How to fix it: add "D4: deferred, trigger: no (`scans/d4.json`)" to the readiness document, or do the
    slice.

    ```text
    error: plan/PHASE_D_READINESS.md: slice D4 is conditional, not done, and plan/PHASE_D_READINESS.md
      does not say that it is put off
    ```

    ```toml fails
    policy = '''
    [artifacts.readiness]
    path = "plan/PHASE_{phase}_READINESS.md"

    [work.slice]
    source = "plan/PHASE_{phase}_WORKBREAKDOWN.yaml"
    branch = "phase-{phase}-{number}"
    '''
    commits = [{message = "docs: readiness", files = {"plan/PHASE_D_READINESS.md" = "Posture: ready"}}]

    [base.files]
    "plan/PHASE_D_WORKBREAKDOWN.yaml" = '''
    slices:
      - {id: D1, status: done}
      - {id: D4, conditional: true}
    '''

    [[expect]]
    code = "PLN011"
    path = "plan/PHASE_D_READINESS.md"
    message = "slice D4 is conditional"
    ```

    ```toml fails
    policy = '''
    [work.slice]
    source = "plan/PHASE_{phase}_WORKBREAKDOWN.yaml"
    branch = "phase-{phase}-{number}"
    '''
    branch = "phase-D-4"
    commits = [{message = "feat: tighten", files = {"src/a" = "1"}}]

    [base.files]
    "plan/PHASE_D_WORKBREAKDOWN.yaml" = "slices: [{id: D4, conditional: true}]"

    [[expect]]
    code = "PLN011"
    field = "work_item"
    help = "DECISIONS.md"
    ```

    ```toml passes
    policy = '''
    [artifacts.readiness]
    path = "plan/PHASE_{phase}_READINESS.md"

    [work.slice]
    source = "plan/PHASE_{phase}_WORKBREAKDOWN.yaml"
    branch = "phase-{phase}-{number}"
    '''

    [[commits]]
    message = "docs: readiness"

    [commits.files]
    "plan/d4.json" = '{"triggered": false}'
    "plan/PHASE_D_READINESS.md" = '''
    Posture: ready

    - D4: deferred, trigger: no (`plan/d4.json`)
    '''

    [base.files]
    "plan/PHASE_D_WORKBREAKDOWN.yaml" = "slices: [{id: D4, conditional: true}]"
    ```
    """

    code: ClassVar[str] = "PLN011"
    name: ClassVar[str] = "undisposed-slice"
    tables: ClassVar[tuple[str, ...]] = ("work.*.source",)
    condition: ClassVar[str] = "every conditional slice is done, or put off in the readiness document"

    readiness: list[str] = setting(
        ["readiness"], "the contracts of readiness documents", tightens="more", names=["artifacts"]
    )
    decisions: Selecting = setting(
        Selecting.of("**/DECISIONS.md"), "the decisions documents, if any", tightens="only"
    )

    def check(
        self,
        breakdowns: Breakdowns,
        entries: Sequence[Entry] | None = None,
        work_item: WorkItem | None = None,
    ) -> Iterator[Finding]:
        """Look at the slice that the change does, and at the readiness documents that it touches."""
        listed = work_item.listed if work_item else None
        decided = any(self.decisions.find(entry.path) is not None for entry in entries or ())
        if listed is not None and listed.conditional and self.decisions and not decided:
            patterns = self.decisions.patterns
            message = (
                f"{listed} is conditional, and its change decides nothing: it leaves "
                f"{' and '.join(patterns)} as it is"
            )
            step = f"Record what triggered {listed}, and what is decided, in {patterns[0]}."
            yield Finding(message, help=step, field="work_item", key=listed.id, setting="decisions")
        yield from breakdowns.undisposed(self.readiness, "readiness")
