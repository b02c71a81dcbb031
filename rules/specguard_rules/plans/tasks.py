"""Rules about plans and their tasks: their shape, and what the changes for tasks do."""

from __future__ import annotations

from specguard.rules import Finding, NotApplicable, Rule, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from typing import ClassVar

    from specguard.plans.plans import Plan, Unit
    from specguard.rules import Artifacts, Entry, Plans, Policy, RunProof, RunSettings, Sources, Stage, Work
    from specguard.work.sources import Source


class InvalidPlan(Rule):
    r"""A plan is unreadable, or its tasks have the wrong shape.

    `[plans.<name>]` says where plans are (JSON, YAML or TOML). `tasks` are a list or a table by id, with the
    keys in `required`:

    - `id`: unique, of the form `id_format`
    - `title`, `domain`: text
    - `status`: one of `statuses`
    - `depends_on`: ids
    - `expected_files`: relative paths and patterns
    - `verify`: commands
    - `done_criteria`: at least one text

    `keys` renames them; keys of other names are not read. With `option`, the plan names its
    option. Work breakdowns (`source` of `[work.<kind>]`) need unique ids and their own `required` keys.

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
    name: ClassVar[str] = "invalid-plan"
    tables: ClassVar[tuple[str, ...]] = ("plans", "work.*.source")
    condition: ClassVar[str] = "every plan can be read, and its tasks have the shape of tasks"

    def check(self, plans: Plans | None = None, sources: Sources | None = None) -> Iterator[Finding]:
        """Read the plans, and the work breakdowns."""
        if plans is not None:
            for plan in plans.judged:
                yield from plans.flaws(plan)
        if sources is not None:
            for source in _lists(plans, sources):
                yield from sources.flaws(source)


def _lists(plans: Plans | None, sources: Sources) -> list[Source]:
    """The lists of work items that are no plans."""
    return [one for one in sources.judged if plans is None or plans.at(one.path) is None]


class BrokenDependency(Rule):
    r"""A task's dependency is missing, circular or not done in time.

    A task starts with a status in `started` of `[plans.<name>]`, or a change for it. The tasks it needs must
    then be `done`. In breakdowns (`[work.<kind>]`), closed items and the change's own need their dependencies
    closed, landed, deferred or conditional.

    Why is this bad? A task that starts too early builds on nothing.

    How to fix it: correct the dependency, or finish the other task first.

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
    message = "task_004 needs 'task_05', which is no task of this plan"
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
    name: ClassVar[str] = "broken-dependency"
    tables: ClassVar[tuple[str, ...]] = ("plans", "work.*.source")
    condition: ClassVar[str] = "what a task needs exists, is no circle, and is done before it is begun"

    def check(
        self, plans: Plans | None = None, work: Work | None = None, sources: Sources | None = None
    ) -> Iterator[Finding]:
        """Follow the dependencies."""
        if plans is not None:
            for plan in plans.judged:
                yield from plan.broken()
            if work is not None:
                yield from plans.too_early(work)
        if sources is None:
            return
        listed = work.item.listed if work is not None and work.naming is not None else None
        if listed is not None and (plans is None or plans.holding(listed.source.path) is None):
            yield from sources.too_early(listed)
        for source in _lists(plans, sources):
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
       "verified_by": "manual", "verified_at": "2026-01-31T12:00:00Z", "verified_note": "device ok"}
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
    message = "what its `verification` says is no evidence"

    [[expect]]
    code = "PLN003"
    line = 6
    message = "has no verify commands"

    [[expect]]
    code = "PLN003"
    line = 8
    message = "names 'manual', who is no person"
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
    name: ClassVar[str] = "unverified-done"
    tables: ClassVar[tuple[str, ...]] = ("plans",)
    condition: ClassVar[str] = "every task that is done has evidence of its verification"

    def check(self, plans: Plans, run_proof: RunProof, today: date) -> Iterator[Finding]:
        """Weigh the evidence of every task that is done."""
        yield from plans.unverified(run_proof, today)


class UnexpectedFile(Rule):
    r"""A change for a task touches a file outside its `expected_files`.

    These files, folders and patterns are read from the trusted base, or with `trusted = "branch"` of
    `[plans.<name>]` from the branch's first commit. The commit's subject names the task, the branch the plan.
    With `unit = "commit"`, each commit is judged by itself. The plan's folder, runs and approvals do not
    count.

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
    name: ClassVar[str] = "unexpected-file"
    tables: ClassVar[tuple[str, ...]] = ("plans",)
    condition: ClassVar[str] = "a task's change touches only the files that its plan expects"

    def check(self, plans: Plans, work: Work, run_settings: RunSettings, policy: Policy) -> Iterator[Finding]:
        """Compare what is touched with what is expected."""
        for unit in plans.for_tasks(work):
            task = unit.task
            apart = (task.plan.folder + b"/", run_settings.folder, policy.log_folder)
            touched = [entry for entry in unit.entries if not entry.path.startswith(apart)]
            expected = task.expected_paths
            if touched and not expected:
                names = ", ".join(path_text(entry.path) for entry in touched[:3])
                more = ", ..." if len(touched) > 3 else ""
                message = (
                    f"{task.name} expects no files, and {unit.label} touches {len(touched)}: {names}{more}"
                )
                step, key = "Have the planner list them in `expected_files` beforehand.", f"{task.id}:none"
                path = task.plan.path
                yield Finding(message, help=step, path=path, line=task.line, commit=unit.commit, key=key)
                continue
            allowed = ", ".join(task.expected_files[:6]) + (", ..." if len(task.expected_files) > 6 else "")
            for entry in touched:
                if expected.find(entry.path) is None:
                    name = path_text(entry.path)
                    message = f"{unit.label} for {task.name} touches {name}; expected: {allowed}"
                    step = "Take it out of the change, or have the planner add it to `expected_files` first."
                    found = _about(unit, entry, message, step, f"{task.id}:unexpected")
                    found.authority = task.origin("expected_files")
                    yield found


def _about(unit: Unit, entry: Entry, message: str, step: str, key: str, setting: str = "") -> Finding:
    """A finding about what a unit does to a path."""
    path, side = entry.path, entry.side
    return Finding(message, help=step, path=path, side=side, commit=unit.commit, key=key, setting=setting)


class SeveralTasks(Rule):
    r"""A change finishes more than one task of a plan.

    A task is finished if its status becomes `done`, or if a commit names it (`task_003: ...`). With
    `unit = "commit"` of `[plans.<name>]`, a branch may hold several, one per commit.

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
    name: ClassVar[str] = "several-tasks"
    tables: ClassVar[tuple[str, ...]] = ("plans",)
    condition: ClassVar[str] = "the change finishes one task at most"

    def check(self, plans: Plans, work: Work | None = None) -> Iterator[Finding]:
        """Count the tasks that are named or finished."""
        for unit in plans.units(work):
            finished = list(unit.finished())
            found = {(task.plan.path, task.id): task for task in (*unit.named, *finished)}
            if len(found) < 2:
                continue
            tasks = sorted(found.values(), key=lambda task: (task.plan.path, task.number or 0, task.id))
            several = len({task.plan.path for task in tasks}) > 1
            names = [f"{task.name} of {task.plan.name}" if several else task.name for task in tasks]
            if len(names) > 6:
                names = [*names[:5], f"{len(names) - 5} more"]
            shown = finished[min(1, len(finished) - 1)] if finished else None
            yield Finding(
                f"{unit.label} finishes {', '.join(names[:-1])} and {names[-1]}",
                help="Make it a change for one task, and do the others after it, each in its own.",
                path=shown.plan.path if shown else None,
                line=shown.line_of("status") if shown else None,
                commit=unit.commit,
                field=None if shown else "commit.subject",
                key="several",
                setting=tasks[0].plan.setting("unit"),
            )


class MissingOption(Rule):
    """A document lacks an option that it must describe.

    `options` of `[artifacts.<name>]` lists them, such as `["A", "B", "C"]`. Each is a heading, list item,
    bold label, or table's row or column of that name, with words of its own and no placeholder.

    Why is this bad? Whoever considers one way weighs nothing.

    How to fix it: describe the missing option.

    ```text
    error: .plans/x/preplan/PLAN_OPTIONS.md has no option C
    ```

    ```toml fails
    policy = '''
    [artifacts.plan-options]
    path = ".plans/{name}/preplan/PLAN_OPTIONS.md"
    options = ["A", "B", "C"]
    '''

    [[commits]]
    message = "docs: options"

    [commits.files]
    ".plans/x/preplan/PLAN_OPTIONS.md" = '''
    ## Option A: keep the queue

    It works, and is slow.

    ## Option B: a new queue

    - TBD
    '''

    [[expect]]
    code = "PLN007"
    line = 5
    message = "option B is named, and nothing is said of it"

    [[expect]]
    code = "PLN007"
    message = "has no option C"
    authority = "SPEC_AUTHORITY.md:6"
    ```

    ```toml passes
    policy = '''
    [artifacts.plan-options]
    path = ".plans/{name}/preplan/PLAN_OPTIONS.md"
    options = ["A", "B", "C"]
    '''

    [[commits]]
    message = "docs: options"

    [commits.files]
    ".plans/x/preplan/PLAN_OPTIONS.md" = '''
    ## 1. Option A: keep the queue

    It works, and is slow.

    **Alternative B** - a new queue, which nobody has run yet.

    ### C) No queue

    - calls are direct
    '''
    ```
    """

    code: ClassVar[str] = "PLN007"
    name: ClassVar[str] = "missing-option"
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.options",)
    condition: ClassVar[str] = "every document of options describes those that it must"

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Look for the options."""
        for artifact in artifacts.judged:
            yield from artifact.flaws(self.name)


class AgentEditedPlan(Rule):
    r"""A change for a task edits the task's plan.

    During a run, the plan's folder may not change. In a range or pull request, the change may set its one
    task to `done`, with evidence. It may also append to `log` of `[plans.<name>]`. With `unit = "commit"`,
    commits that name no task may edit the plan.

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
    name: ClassVar[str] = "agent-edited-plan"
    tables: ClassVar[tuple[str, ...]] = ("plans",)
    condition: ClassVar[str] = "a task's change leaves its plan alone, but for finishing the task"

    def check(self, plans: Plans, work: Work, stage: Stage, run_settings: RunSettings) -> Iterator[Finding]:
        """Look at what is done in the plan's folder."""
        own, held = work.own, False
        for unit in plans.units(work):
            plan = unit.task.plan if unit.named else None
            if plan is None and own is not None and unit.commit not in (None, own.commit):
                # Whatever names no task alters nothing of a plan that the change brings itself.
                plan = plans.at(own.path, own.documents)
            if plan is None:
                continue
            held = True
            for entry in unit.entries:
                if not plan.holds(entry.path) or entry.path.startswith(run_settings.folder):
                    continue
                if stage != "run" and unit.named and entry.path == plan.path:
                    yield from _edited(unit, entry)
                elif stage == "run" or not _is_log(unit, plan, entry):
                    yield _touched(unit, plan, entry, "the agent's tree" if stage == "run" else unit.label)
        if not held:
            raise NotApplicable("the change is for no task of a plan")


def _edited(unit: Unit, entry: Entry) -> Iterator[Finding]:
    """What a unit does to the plan beyond finishing its task."""
    task = unit.task
    for edit in unit.edits():
        message = f"{unit.label} for {task.name} {edit.what}"
        step = "Take that out of the change; the planner edits the plan beforehand."
        found = _about(unit, entry, message, step, f"{task.id}:{edit.field}", task.plan.setting("folder"))
        found.line, found.field = edit.line, edit.field or None
        yield found


def _touched(unit: Unit, plan: Plan, entry: Entry, what: str) -> Finding:
    told = f" for {unit.task.name}" if unit.named else ", which is for no task,"
    did = "adds" if entry.added else "removes" if entry.deleted else "changes"
    message = f"{what}{told} {did} {path_text(entry.path)}, which is the planner's"
    step = "Take it out of the change; the planner edits the plan, and says what is done."
    key = f"{unit.task.id if unit.named else plan.name}:folder"
    return _about(unit, entry, message, step, key, plan.setting("folder"))


def _is_log(unit: Unit, plan: Plan, entry: Entry) -> bool:
    """Whether an entry only adds lines to the end of a file that is the plan's log."""
    logs = {plan.folder + b"/" + name.encode("utf-8") for name in plan.settings.log}
    if entry.path not in logs or not entry.is_file:
        return False
    old, new = unit.before.content(entry.path) or b"", unit.after.content(entry.path) or b""
    added = new.removeprefix(old) if new.startswith(old) else b""
    return bool(added) and (not old or old.endswith(b"\n") or added.startswith(b"\n"))
