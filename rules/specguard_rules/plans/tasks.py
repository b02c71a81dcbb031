"""Rules about plans: slices and their wave stages, then the tasks of plans."""

from __future__ import annotations

from specguard.rules import Covering, Finding, NotApplicable, Origin, Rule, Selecting, path_text, setting
from specguard_rules.finding_texts import alternatives, quote, shell_quote, take_there
from specguard_rules.paths.scope import has_new_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from typing import ClassVar

    from specguard.plans.plans import Plan, Unit
    from specguard.rules import (
        Base,
        Bookkeeping,
        Branch,
        Breakdowns,
        Commit,
        Entry,
        Plans,
        Policy,
        RunProof,
        RunSettings,
        Sources,
        Stage,
        Waves,
        Work,
        WorkItem,
    )
    from specguard.work.item_lists import Listed, Source


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
    tables: ClassVar[tuple[str, ...]] = ("wave.stages",)
    condition: ClassVar[str] = "every stage of a wave is begun after the stages before it are complete"

    def check(
        self,
        waves: Waves,
        bookkeeping: Bookkeeping,
        base: Base,
        entries: Sequence[Entry] | None = None,
        commits: Sequence[Commit] | None = None,
        branch: Branch | None = None,
        work_item: WorkItem | None = None,
    ) -> Iterator[Finding]:
        """Judge the waves that the change touches, and the stage that it belongs to."""
        name, landed = branch.name if branch else "", base.is_landing
        judged = [entry for entry in entries or () if not bookkeeping.has(entry)]
        work = [commit for commit in commits or () if not bookkeeping.is_all_of(commit)]
        yield from bookkeeping.advise(waves.out_of_order(judged, work, name, work_item, landed=landed))


class SliceOutOfFiles(Rule):
    """A change leaves its slice, or touches another one's files.

    The slice's entry (`source` of `[work.<kind>]`) in the trusted base lists its `files`. Until a wave's
    slice is closed, changes that name no slice leave its files alone, unless approved. A conditional slice
    may touch its decisions document (PLN011). A slice deletes none of the base's papers under `also`.

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
    message = "is a file of slice D1, still to be done, and the change is for none"
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
    tables: ClassVar[tuple[str, ...]] = ("work.*.source",)
    condition: ClassVar[str] = "every entry is one of the slice's files, and the branch is the slice's own"

    also: Covering = setting(Covering(), "what every slice may touch too", tightens="fewer")

    def check(
        self,
        entries: Sequence[Entry],
        policy: Policy,
        bookkeeping: Bookkeeping,
        stage: Stage,
        base: Base,
        work_item: WorkItem | None = None,
        branch: Branch | None = None,
        plans: Plans | None = None,
        waves: Waves | None = None,
    ) -> Iterator[Finding]:
        """Compare the entries with the slice's files, and the branch with the slice's own."""
        listed = work_item.listed if work_item is not None else None
        # PLN004 compares the tasks of a plan with their files.
        own = listed.source.path if listed is not None else b""
        listed = None if plans is not None and own and plans.holding(own) == own else listed
        also = listed.also_allowed(policy) if listed else [self.also]
        entries = [one for one in entries if not (one.path.startswith(policy.log_folder) or base.has(one))]
        # What the base has is another agent's; a commit on the way may take back what the branch added.
        papers = waves if stage not in ("edit", "staged") else None
        theirs = {one.path for one in entries if one.deleted and papers and papers.is_paper(one.path)}
        allowed = {path for one in also for path in one.among([entry.path for entry in entries])} - theirs
        entries = [one for one in entries if one.path not in allowed and not bookkeeping.has(one)]
        if work_item is not None and listed is not None:
            if not listed.files:
                raise NotApplicable(f"{path_text(listed.source.path)} lists no files for {listed}")
            if branch and not base.is_landing and branch.name not in (work_item.branches or [branch.name]):
                yield _branch_flaw(work_item, listed, branch, base)
            outside = _outside_files(listed, entries, None if stage == "staged" else base)
            yield from bookkeeping.advise(outside)
            return
        work = [one for one in entries if waves is not None and not waves.is_paper(one.path)]
        if waves is None or base.is_landing or not (work and (kept := waves.kept)):
            raise NotApplicable("the change is for no item that is listed in a file with others")
        how = "Land it by the request of" if branch and base.is_branch(branch.name) else "Change it on"
        for entry in work:
            if not (slices := [item for item in kept if item.scope.matches(entry.path)]):
                continue
            first, names = slices[0], " and ".join(str(item) for item in slices[:3])
            what = f"is a file of {names}, still to be done, and the change is for none"
            step = f"{how} {first.branch or f'the branch of {first}'}, or have it approved."
            yield _slice_flaw(entry, first, f"{path_text(entry.path)} {what}", step, f"kept {first.id}")


def _slice_flaw(entry: Entry, listed: Listed, message: str, step: str, key: str) -> Finding:
    """Build a finding about a path that cites the line which lists the slice."""
    source, setting = listed.source, f"work.{listed.source.kind}.source"
    line = Origin(path_text(source.path), listed.line or 0)
    return Finding(message, step, entry.path, side=entry.side, key=key, setting=setting, authority=line)


def _branch_flaw(work_item: WorkItem, listed: Listed, branch: Branch, base: Base) -> Finding:
    """Build a finding about a slice's change on a branch that is not the slice's own."""
    own, setting = alternatives(work_item.branches), work_item.setting("branch")
    message = f"the change is for {listed}, whose branch is {own}, and is on {quote(branch.name)}"
    step = take_there(work_item.branches[0], branch, base)
    return Finding(message, step, field="branch", key="branch", setting=setting, same_as=("BRN001 item",))


def _outside_files(listed: Listed, entries: Sequence[Entry], base: Base | None) -> Iterator[Finding]:
    """Yield a finding for each path outside the slice's files."""
    others = [other for other in listed.source.items if other.id != listed.id and other.files]
    patterns = [file.text for file in listed.files]
    files = ", ".join(patterns[:5]) + (", ..." if len(patterns) > 5 else "")
    for entry in entries:
        if listed.scope.matches(entry.path):
            continue
        message = f"{path_text(entry.path)} is not one of the files of {listed} ({files})"
        step = f"Take it out, or have {path_text(listed.source.path)} list it for {listed} in the base first."
        owners = [other for other in others if other.scope.matches(entry.path)]
        if len(owners) == 1:
            [owner] = owners
            message += f"; it belongs to {owner}"
            below = "."
            if base and owner.branch and owner.branch not in base.change.branches_below:
                below = "; if this one starts from it, merge that first, or for checks without "
                below += f"--base, --range or --enforce: git branch -u {shell_quote(owner.branch)}"
            step = f"Change it on the branch of {owner}{below}"
        yield _slice_flaw(entry, listed, message, step, listed.id)


class UndisposedSlice(Rule):
    """A conditional slice is neither decided nor deferred.

    When a `conditional` slice of `[work.<kind>]` is done, its commits also edit one of `decisions`. Otherwise
    a `readiness` document names it, says `trigger: no` (in tables, in a column `Trigger` or `Triggered`), and
    cites evidence that exists.

    Why is this bad? The question is dropped in silence.

    How to fix it: add "D4: deferred, trigger: no (`scans/d4.json`)" to the readiness document, or do the
    slice.

    ```text
    error: plan/PHASE_D_READINESS.md: slice D4 is conditional, not done, and plan/PHASE_D_READINESS.md
      does not answer its trigger with yes or no
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
        commits: Sequence[Commit] | None = None,
        work_item: WorkItem | None = None,
    ) -> Iterator[Finding]:
        """Judge the slice that the change implements, and the readiness documents that it touches."""
        listed = work_item.listed if work_item else None
        # What is not committed may follow a commit of the slice that has the decision.
        decisions = [one for one in entries or () if self.decisions.matches(one.path)]
        decided = commits is None or any(has_new_words(one, breakdowns.change.base) for one in decisions)
        if listed is not None and listed.conditional and self.decisions and not decided:
            patterns = self.decisions.patterns
            message = f"{listed} is conditional, and its change decides nothing in {' and '.join(patterns)}"
            step = f"Record what triggered {listed}, and what is decided, in {patterns[0]}."
            yield Finding(message, step, field="work_item", key=listed.id, setting="decisions")
        yield from breakdowns.undisposed(self.readiness)


class InvalidPlan(Rule):
    r"""A plan is unreadable, or its tasks have the wrong shape.

    `[plans.<name>]` says where plans are. `tasks` are a list or a table by id, with the keys in `required`:

    - `id`: unique, like `id_format`
    - `title`, `domain`: text
    - `status`: one of `statuses`
    - `depends_on`: ids
    - `expected_files`: relative paths and patterns
    - `verify`: commands
    - `done_criteria`: at least one text

    `keys` renames them; other keys are not read. With `option`, the plan names its
    option. Work breakdowns (`source` of `[work.<kind>]`) need unique ids that `ids` reads, valid `files` and
    `stage`, and their `required` keys.

    Why is this bad? A typo hides a task, or calls it done.

    How to fix it: correct the line of each finding.

    ```text
    error: .plans/cart/plan.json:2: task_001 has no depends_on
    ```

    ```toml fails
    policy = '''
    [plans.default]
    '''

    [[commits]]
    message = "docs: plan the cart"

    [commits.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [
      {"id": "task_001", "title": "Add the cart", "status": "finished", "depend_on": [],
       "expected_files": ["../cart.py"], "verify": "pytest -q", "done_criteria": ["the cart holds items"]}
    ]}
    '''

    [[expect]]
    code = "PLN001"
    path = ".plans/cart/plan.json"
    line = 2
    field = "tasks.0.status"
    message = "task_001 has the status 'finished'"

    [[expect]]
    code = "PLN001"
    path = ".plans/cart/plan.json"
    line = 2
    message = "task_001 has no depends_on"

    [[expect]]
    code = "PLN001"
    path = ".plans/cart/plan.json"
    line = 3
    field = "tasks.0.expected_files.0"

    [[expect]]
    code = "PLN001"
    path = ".plans/cart/plan.json"
    line = 3
    field = "tasks.0.verify"
    ```

    ```toml passes
    policy = '''
    [plans.default]
    '''

    [[commits]]
    message = "docs: plan the cart"

    [commits.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [
      {"id": "task_001", "title": "Add the cart", "status": "pending", "depends_on": [],
       "expected_files": ["src/cart.py"], "verify": ["pytest -q"], "done_criteria": ["the cart holds items"]}
    ]}
    '''
    ```
    """

    code: ClassVar[str] = "PLN001"
    tables: ClassVar[tuple[str, ...]] = ("plans", "work.*.source")
    condition: ClassVar[str] = "every plan can be read, and its tasks have the shape of tasks"

    def check(
        self, plans: Plans | None = None, sources: Sources | None = None, waves: Waves | None = None
    ) -> Iterator[Finding]:
        """Yield the flaws of the judged plans, and of the other lists of work items."""
        if plans is not None:
            for plan in plans.judged:
                yield from plans.flaws(plan)
        if sources is not None:
            for source in _item_lists(plans, sources):
                yield from sources.flaws(source)
                yield from waves.unknown_stages(source) if waves is not None else ()


def _item_lists(plans: Plans | None, sources: Sources) -> list[Source]:
    """Return the judged lists of work items that are not plans."""
    return [one for one in sources.judged if plans is None or plans.at(one.path) is None]


class BrokenDependency(Rule):
    r"""A task's dependency is missing, circular or not done in time.

    A task starts with a status in `started` of `[plans.<name>]`, or a change for it. What it needs must then
    be `done`. In breakdowns (`[work.<kind>]`), closed items and the change's own need their dependencies
    closed, landed, deferred, conditional or below in the stack.

    Why is this bad? A task that starts too early builds on nothing.

    How to fix it: correct the dependency, or finish it first.

    ```text
    error: .plans/cart/plan.json:2: tasks need each other in a circle: task_001 -> task_002 -> task_001
    ```

    ```toml fails
    policy = '''
    [plans.default]
    required = ["id", "status"]
    '''

    [[commits]]
    message = "docs: plan the cart"

    [commits.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [
      {"id": "task_001", "status": "pending", "depends_on": ["task_002"]},
      {"id": "task_002", "status": "pending", "depends_on": ["task_001"]},
      {"id": "task_003", "status": "in_progress", "depends_on": ["task_001", "task_4"]},
      {"id": "task_004", "status": "pending", "depends_on": ["task_05"]}
    ]}
    '''

    [[expect]]
    code = "PLN002"
    path = ".plans/cart/plan.json"
    line = 2
    message = "task_001 -> task_002 -> task_001"

    [[expect]]
    code = "PLN002"
    line = 4
    field = "tasks.2.depends_on.0"
    message = "task_003 is in_progress, and needs task_001, which is pending"

    [[expect]]
    code = "PLN002"
    line = 4
    message = "needs task_004, which is pending"

    [[expect]]
    code = "PLN002"
    line = 5
    message = "task_004 needs 'task_05', which is not listed"
    ```

    ```toml passes
    policy = '''
    [plans.default]
    required = ["id", "status"]
    '''

    [[commits]]
    message = "docs: plan the cart"

    [commits.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [
      {"id": "task_001", "status": "done", "depends_on": []},
      {"id": "task_002", "status": "in_progress", "depends_on": ["task_001"]},
      {"id": "task_003", "status": "pending", "depends_on": ["task_002"]}
    ]}
    '''
    ```
    """

    code: ClassVar[str] = "PLN002"
    tables: ClassVar[tuple[str, ...]] = ("plans", "work.*.source")
    condition: ClassVar[str] = "what a task needs exists, is not a circle, and is done before it is begun"

    def check(
        self, plans: Plans | None = None, work: Work | None = None, sources: Sources | None = None
    ) -> Iterator[Finding]:
        """Follow the dependencies of tasks and listed items."""
        if plans is not None:
            for plan in plans.judged:
                yield from plan.dependency_flaws()
            if work is not None:
                yield from plans.too_early(work)
        if sources is None:
            return
        listed = work.item.listed if work is not None and work.naming is not None else None
        if listed is not None and (plans is None or plans.holding(listed.source.path) is None):
            yield from sources.too_early(listed)
        for source in _item_lists(plans, sources):
            yield from sources.broken(source)


class UnverifiedDone(Rule):
    r"""Nothing shows that a done task was verified.

    A done task of `[plans.<name>]` has evidence under `verification`:

    - `{"command": "pytest -q", "exit_code": 0}`: every command of `verify` ended with 0
    - `{"manifest": ".runs/task_001/1/manifest.json"}`: the run succeeded and belongs to this task
    - `{"note": "works", "by": "Ann Lee", "at": "2026-01-31"}`: a person signed, with all three

    Without a person, it needs `verify` commands that can fail. With `[runs] keep = "local"` and no runs here,
    only exit codes count.

    Why is this bad? An agent's "done" is a claim.

    How to fix it: run the commands and record their exit codes, or take the status back.

    See also: `uncovered-item`

    ```text
    error: .plans/cart/plan.json:2: task_001 is done, and nothing says how that was verified
    ```

    ```toml fails
    policy = '''
    [plans.default]
    required = ["id", "status"]
    '''

    [[commits]]
    message = "docs: cart"

    [commits.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [
      {"id": "task_001", "status": "done", "verify": ["pytest -q"]},
      {"id": "task_002", "status": "done", "verify": ["pytest -q"],
       "verification": [{"command": "pytest -q", "exit_code": 1}]},
      {"id": "task_003", "status": "done", "verify": ["pytest -q"], "verification": true},
      {"id": "task_004", "status": "done", "verify": []},
      {"id": "task_005", "status": "done", "verify": ["pytest -q"],
       "verification": {"note": "device ok", "by": "manual", "at": "2026-01-31T12:00:00Z"}}
    ]}
    '''

    [[expect]]
    code = "PLN003"
    path = ".plans/cart/plan.json"
    line = 2
    field = "tasks.0.status"

    [[expect]]
    code = "PLN003"
    line = 4
    message = "'pytest -q' ended with 1"

    [[expect]]
    code = "PLN003"
    line = 5
    message = "what its `verification` says is not evidence"

    [[expect]]
    code = "PLN003"
    line = 6
    message = "has no verify commands"

    [[expect]]
    code = "PLN003"
    line = 8
    message = "lacks a person"
    ```

    ```toml passes
    policy = '''
    [plans.default]
    required = ["id", "status"]

    [runs]
    keep = "tree"
    '''

    [[commits]]
    message = "docs: cart"

    [commits.files]
    ".runs/task_002/1/manifest.json" = '{"status": "succeeded"}'
    ".plans/cart/plan.json" = '''
    {"tasks": [
      {"id": "task_001", "status": "done", "verify": ["pytest -q"],
       "verification": [{"command": "pytest -q", "exit_code": 0}]},
      {"id": "task_002", "status": "done", "verify": ["pytest -q"],
       "verification": {"manifest": ".runs/task_002/1/manifest.json"}},
      {"id": "task_003", "status": "done", "verify": [],
       "verification": {"note": "works on the device", "by": "Ann Lee", "at": "2020-01-31"}},
      {"id": "task_004", "status": "agent_done", "verify": []}
    ]}
    '''
    ```
    """

    code: ClassVar[str] = "PLN003"
    tables: ClassVar[tuple[str, ...]] = ("plans",)
    condition: ClassVar[str] = "every task that is done has evidence of its verification"

    def check(self, plans: Plans, run_proof: RunProof, today: date) -> Iterator[Finding]:
        """Judge the evidence of every task that is done."""
        yield from plans.unverified(run_proof, today)


class UnexpectedFile(Rule):
    r"""A change for a task touches a file outside its `expected_files`.

    These files, folders and patterns are read from the trusted base, or with `trusted = "branch"` of
    `[plans.<name>]` from the branch's first commit. The commit's subject names the task, the branch the plan.
    With `unit = "commit"`, each commit is judged by itself, and what merges by hand change beside them. The
    plan's folder, runs and approvals do not count.

    Why is this bad? Expected files let several tasks run side by side.

    How to fix it: take it out, or have the planner add it in the base first.

    See also: `agent-edited-plan`

    ```text
    error: src/till.py: the change for task_001 touches src/till.py; expected: src/cart.py, tests/
    ```

    ```toml fails
    policy = '''
    [plans.default]

    [work.task]
    source = ".plans/{name}/plan.json"
    number = "id"
    number_format = ["{n:03}"]
    branch = "pr/{name}"
    commit = "task_{number}: {text}"
    '''
    branch = "pr/cart"
    commits = [{message = "task_001: add the cart", files = {"src/cart.py" = "a", "src/till.py" = "b"}}]

    [base.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [{"id": "task_001", "status": "pending", "expected_files": ["src/cart.py", "tests/"]}]}
    '''

    [[expect]]
    code = "PLN004"
    path = "src/till.py"
    authority = ".plans/cart/plan.json:1"
    ```

    ```toml passes
    policy = '''
    [plans.default]

    [work.task]
    source = ".plans/{name}/plan.json"
    number = "id"
    number_format = ["{n:03}"]
    branch = "pr/{name}"
    commit = "task_{number}: {text}"
    '''
    branch = "pr/cart"
    commits = [{message = "task_001: add the cart", files = {"src/cart.py" = "a", "tests/cart.py" = "b"}}]

    [base.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [{"id": "task_001", "status": "pending", "expected_files": ["src/cart.py", "tests/"]}]}
    '''
    ```
    """

    code: ClassVar[str] = "PLN004"
    tables: ClassVar[tuple[str, ...]] = ("plans",)
    condition: ClassVar[str] = "a task's change touches only the files that its plan expects"

    def check(self, plans: Plans, work: Work, run_settings: RunSettings, policy: Policy) -> Iterator[Finding]:
        """Compare the touched files with the expected ones."""
        units = [unit for unit in (*plans.units(work), *plans.by_hand(work)[:1]) if unit.tasks]
        if not units:
            raise NotApplicable("the change is for no task of a plan that the base has")
        for unit in units:
            task, own = unit.task, unit.own_tasks
            excluded = (*(one.plan.folder + b"/" for one in own), run_settings.folder, policy.log_folder)
            touched = [entry for entry in unit.entries if not entry.path.startswith(excluded)]
            paths = [one.expected_paths for one in own]
            files = [text for one in own for text in one.expected_files]
            allowed = ", ".join(files[:6]) + (", ..." if len(files) > 6 else "") or "no files"
            for entry in (one for one in touched if not any(each.matches(one.path) for each in paths)):
                message = f"{unit.label} for {task.name} touches {path_text(entry.path)}; expected: {allowed}"
                step = f"Take it out, or have the planner add it to `{task.key_of('expected_files')}` first."
                found = _unit_flaw(unit, entry, message, step, f"{task.id}:unexpected")
                found.authority = task.origin("expected_files")
                yield found


def _unit_flaw(unit: Unit, entry: Entry, message: str, step: str, key: str, setting: str = "") -> Finding:
    """Build a finding about a unit's change of a path."""
    return Finding(message, step, entry.path, side=entry.side, commit=unit.commit, key=key, setting=setting)


class SeveralTasks(Rule):
    r"""A change finishes more than one task of a plan.

    A task is finished if its status becomes `done`, or if a commit names it (`task_003: ...`). With
    `unit = "commit"` of `[plans.<name>]`, a branch may hold several, one per commit until a squash lands it.

    Why is this bad? Two tasks cannot be reviewed or reverted apart.

    How to fix it: split the change, one branch per task.

    ```text
    error: .plans/cart/plan.json:2: the change finishes task_001 and task_002
    ```

    ```toml fails
    policy = '''
    [plans.default]
    '''

    [base.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [{"id": "task_001", "status": "pending"},
               {"id": "task_002", "status": "pending"}]}
    '''

    [[commits]]
    message = "feat: cart and till"

    [commits.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [{"id": "task_001", "status": "done"},
               {"id": "task_002", "status": "done"}]}
    '''

    [[expect]]
    code = "PLN005"
    path = ".plans/cart/plan.json"
    line = 2
    message = "the change finishes task_001 and task_002"
    ```

    ```toml passes
    policy = '''
    [plans.default]
    '''

    [base.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [{"id": "task_001", "status": "done"},
               {"id": "task_002", "status": "pending"}]}
    '''

    [[commits]]
    message = "feat: till"

    [commits.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [{"id": "task_001", "status": "done"},
               {"id": "task_002", "status": "done"}]}
    '''
    ```
    """

    code: ClassVar[str] = "PLN005"
    tables: ClassVar[tuple[str, ...]] = ("plans",)
    condition: ClassVar[str] = "the change finishes one task at most"

    def check(self, plans: Plans, bookkeeping: Bookkeeping, work: Work | None = None) -> Iterator[Finding]:
        """Count the tasks that are named or finished."""
        for unit in plans.units(work):
            finished = list(unit.finished())
            found = {(task.plan.path, task.id): task for task in (*unit.tasks, *finished)}
            if len(found) < 2 or (unit.commit and bookkeeping.is_squash):
                continue
            tasks = sorted(found.values(), key=lambda task: (task.plan.path, task.number or 0, task.id))
            several = len({task.plan.path for task in tasks}) > 1
            names = [f"{task.name} of {task.plan.name}" if several else task.name for task in tasks]
            message = f"{unit.label} finishes {', '.join(names[:-1])} and {names[-1]}"
            step = "Make it a change for one task, and do the others after it, each in its own."
            if unit.commit and plans.change.base.is_landing and not bookkeeping.squash:
                step = 'If a squash landed the branch, write `merge = "squash"` in the authority.'
            finding = Finding(message, step, commit=unit.commit, key="several")
            finding.field, finding.setting = "commit.subject", tasks[0].plan.setting("unit")
            for shown in finished[:2][-1:]:
                finding.path, finding.field = shown.plan.path, None
                finding.line = shown.line_of(shown.key_of("status"))
            yield finding


class AgentEditedPlan(Rule):
    r"""A change for a task edits the task's plan.

    During a run, the plan's folder may not change. In a range or pull request, the change may set its one
    task to `done`, with evidence. It may append to `log` of `[plans.<name>]`. With `unit = "commit"`, commits
    without a task may edit a plan of the base, and merges may not.

    Why is this bad? An agent could weaken its checks or call itself done.

    How to fix it: take the plan's folder out; the planner edits it in the base.

    See also: `unexpected-file`

    ```text
    error: .plans/cart/CONTEXT.md: the change for task_001 changes .plans/cart/CONTEXT.md, which is the
      planner's
    ```

    ```toml fails
    policy = '''
    [plans.default]

    [work.task]
    source = ".plans/{name}/plan.json"
    number = "id"
    number_format = ["{n:03}"]
    branch = "pr/{name}"
    commit = "task_{number}: {text}"
    '''
    branch = "pr/cart"

    [base.files]
    ".plans/cart/CONTEXT.md" = "# Cart\n"
    ".plans/cart/plan.json" = '''
    {"tasks": [{"id": "task_001", "status": "pending", "verify": ["pytest -q"]},
               {"id": "task_002", "status": "pending"}]}
    '''

    [[commits]]
    message = "task_001: add the cart"

    [commits.files]
    ".plans/cart/CONTEXT.md" = "# Cart\n\nAnything goes.\n"
    ".plans/cart/plan.json" = '''
    {"tasks": [{"id": "task_001", "status": "agent_done", "verify": ["true"]},
               {"id": "task_002", "status": "deferred"}]}
    '''

    [[expect]]
    code = "PLN009"
    path = ".plans/cart/CONTEXT.md"

    [[expect]]
    code = "PLN009"
    path = ".plans/cart/plan.json"
    line = 1
    field = "tasks.0.status"
    message = "moves task_001 from pending to agent_done"

    [[expect]]
    code = "PLN009"
    line = 1
    message = "changes verify of task_001"

    [[expect]]
    code = "PLN009"
    line = 2
    message = "moves task_002 from pending to deferred"
    ```

    ```toml passes
    policy = '''
    [plans.default]
    log = ["MASTER.md"]

    [work.task]
    source = ".plans/{name}/plan.json"
    number = "id"
    number_format = ["{n:03}"]
    branch = "pr/{name}"
    commit = "task_{number}: {text}"
    '''
    branch = "pr/cart"

    [base.files]
    ".plans/cart/MASTER.md" = "# Log\n"
    ".plans/cart/plan.json" = '''
    {"tasks": [{"id": "task_001", "status": "pending", "verify": ["pytest -q"]},
               {"id": "task_002", "status": "pending"}]}
    '''

    [[commits]]
    message = "task_001: add the cart"

    [commits.files]
    ".plans/cart/MASTER.md" = "# Log\n- task_001 verified\n"
    ".plans/cart/plan.json" = '''
    {"tasks": [{"id": "task_001", "status": "done", "verify": ["pytest -q"],
                "verification": [{"command": "pytest -q", "exit_code": 0}]},
               {"id": "task_002", "status": "pending"}]}
    '''
    ```
    """

    code: ClassVar[str] = "PLN009"
    tables: ClassVar[tuple[str, ...]] = ("plans",)
    condition: ClassVar[str] = "a task's change leaves its plan alone, but for finishing the task"

    def check(self, plans: Plans, work: Work, stage: Stage, run_settings: RunSettings) -> Iterator[Finding]:
        """Judge the changes in the plan's folder."""
        own, applies = work.own, False
        for unit in (*plans.units(work), *plans.by_hand(work)):
            plan = unit.task.plan if unit.tasks else None
            if plan is None and own is not None and unit.commit not in (None, own.commit):
                # A commit that names no task must not alter a plan that the change itself adds.
                plan = plans.at(own.path, own.documents)
            if plan is None:
                continue
            applies = True
            for entry in unit.entries:
                if not plan.owns(entry.path) or entry.path.startswith(run_settings.folder):
                    continue
                if stage != "run" and unit.tasks and entry.path == plan.path:
                    yield from _edit_flaws(unit, entry)
                elif stage == "run" or not _appends_to_log(unit, plan, entry):
                    yield _plan_flaw(unit, plan, entry, "the agent's tree" if stage == "run" else unit.label)
        if not applies:
            raise NotApplicable("the change is for no task of a plan")


def _edit_flaws(unit: Unit, entry: Entry) -> Iterator[Finding]:
    """Yield a finding for each edit that a unit makes to the plan, except those that finish its task."""
    task = unit.task
    for edit in unit.edits():
        message = f"{unit.label} for {task.name} {edit.what}"
        step = "Take that out of the change; the planner edits the plan beforehand."
        found = _unit_flaw(unit, entry, message, step, f"{task.id}:{edit.field}", task.plan.setting("folder"))
        found.line, found.field = edit.line, edit.field or None
        yield found


def _plan_flaw(unit: Unit, plan: Plan, entry: Entry, what: str) -> Finding:
    purpose = f" for {unit.task.name}" if unit.tasks else ", which is for no task,"
    verb = "adds" if entry.added else "removes" if entry.deleted else "changes"
    message = f"{what}{purpose} {verb} {path_text(entry.path)}, which is the planner's"
    step = "Take it out; the planner edits the plan on the base, or in the commit that brought it."
    key = f"{unit.task.id if unit.tasks else plan.name}:folder"
    return _unit_flaw(unit, entry, message, step, key, plan.setting("folder"))


def _appends_to_log(unit: Unit, plan: Plan, entry: Entry) -> bool:
    """True if an entry only appends lines to the plan's log."""
    if not entry.is_file or entry.path[len(plan.folder) + 1 :] not in map(str.encode, plan.settings.log):
        return False
    old, new = unit.before.content(entry.path) or b"", unit.after.content(entry.path) or b""
    if unit.merged:
        # Where both sides appended lines, either may come first.
        lines = iter(new.splitlines())
        return all(line in lines for line in old.splitlines())
    return old != new and new.startswith(old if old[-1:] in b"\n" else (old + b"\n", old + b"\r\n"))
