"""PLN009: changes for a task that edit its plan."""

from __future__ import annotations

from specguard.rules import Finding, NotApplicable, Rule, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.plans.difference import Unit
    from specguard.plans.plans import Plan
    from specguard.rules import Documents, Entry, Plans, RunSettings, Stage, Work


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
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
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
                if stage == "run":
                    yield _touched(unit, plan, entry, "the agent's tree")
                elif entry.path == plan.path and unit.named:
                    yield from _edited(unit, entry)
                elif not _is_log(unit, plan, entry):
                    yield _touched(unit, plan, entry, unit.label)
        if not held:
            raise NotApplicable("the change is for no task of a plan")


def _edited(unit: Unit, entry: Entry) -> Iterator[Finding]:
    """What a unit does to the plan beyond finishing its task."""
    task = unit.task
    for edit in unit.edits():
        yield Finding(
            f"{unit.label} for {task.name} {edit.what}",
            help="Take that out of the change; the planner edits the plan beforehand.",
            path=entry.path,
            line=edit.line,
            side="base" if entry.deleted else None,
            commit=unit.commit,
            field=edit.field or None,
            key=f"{task.id}:{edit.field}",
            setting=task.plan.setting("folder"),
        )


def _touched(unit: Unit, plan: Plan, entry: Entry, what: str) -> Finding:
    told = f" for {unit.task.name}" if unit.named else ", which is for no task,"
    did = "adds" if entry.added else "removes" if entry.deleted else "changes"
    return Finding(
        f"{what}{told} {did} {path_text(entry.path)}, which is the planner's",
        help="Take it out of the change; the planner edits the plan, and says what is done.",
        path=entry.path,
        side="base" if entry.deleted else None,
        commit=unit.commit,
        key=f"{unit.task.id if unit.named else plan.name}:folder",
        setting=plan.setting("folder"),
    )


def _is_log(unit: Unit, plan: Plan, entry: Entry) -> bool:
    """Whether an entry only adds to the end of a file that is the plan's log."""
    logs = {plan.folder + b"/" + name.encode("utf-8") for name in plan.settings.log}
    return entry.path in logs and entry.is_file and _grows(entry.path, unit.before, unit.after)


def _grows(path: bytes, before: Documents, after: Documents) -> bool:
    old, new = before.content(path) or b"", after.content(path) or b""
    return (
        new.startswith(old)
        and len(new) > len(old)
        and (not old or old.endswith(b"\n") or new[len(old)] == 10)
    )
