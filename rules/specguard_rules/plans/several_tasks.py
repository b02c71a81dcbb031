"""PLN005: changes that finish more than one task."""

from __future__ import annotations

from specguard.rules import Finding, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.plans.task import Task
    from specguard.rules import Plans, Stage, Work


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
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
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
            shown = finished[1] if len(finished) > 1 else finished[0] if finished else tasks[1]
            yield Finding(
                f"{unit.label} finishes {_listed(tasks)}",
                help="Make it a change for one task, and do the others after it, each in its own.",
                path=shown.plan.path if finished else None,
                line=shown.line_of("status") if finished else None,
                commit=unit.commit,
                field=None if finished else "commit.subject",
                key="several",
                setting=tasks[0].plan.setting("unit"),
            )


def _listed(tasks: Sequence[Task]) -> str:
    """The tasks by name; with their plans, where there are several of these."""
    several = len({task.plan.path for task in tasks}) > 1
    names = [f"{task.name} of {task.plan.name}" if several else task.name for task in tasks]
    if len(names) > 6:
        names = [*names[:5], f"{len(names) - 5} more"]
    return ", ".join(names[:-1]) + f" and {names[-1]}"
