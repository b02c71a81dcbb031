"""What the tasks of a plan need of each other: unknown ones, circles, and tasks that were begun too early."""

from __future__ import annotations

from specguard.model import Finding, shortened
from specguard.work.circles import circles_of, way_round
from specguard.work.naming import number_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.plans.plan import Plan
    from specguard.plans.task import Task

    Place = tuple[str | int, ...]


class Need:
    """One entry of a task's `depends_on`.

    Attributes:
        task: the task that needs.
        text: the id as it is written.
        place: where it stands, below the task.
        needed: the task that is needed; None where the plan has none of that id.
    """

    __slots__ = ("needed", "place", "task", "text")

    def __init__(self, task: Task, text: str, place: Place, needed: Task | None) -> None:
        self.task = task
        self.text = text
        self.place = place
        self.needed = needed


def needs(task: Task) -> Iterator[Need]:
    """What a task needs, in order."""
    for place, text in task.listed("depends_on"):
        yield Need(task, text, place, task.plan.task(text))


def broken(plan: Plan) -> Iterator[Finding]:
    """What is wrong with the dependencies of a plan's tasks."""
    for task in plan.tasks:
        for need in needs(task):
            if need.needed is None:
                yield _unknown(need)
            elif need.needed is task:
                yield _finding(need, f"{task.name} needs itself", "Take it out.", "self")
    for circle in circles(plan):
        need = next(need for need in needs(circle[0]) if need.needed is circle[1])
        yield _finding(
            need,
            f"tasks need each other in a circle: {way_round([task.name for task in circle])}",
            "Take out the dependency that is not one.",
            f"circle:{min(task.id for task in circle)}",
        )
    for task in plan.tasks:
        if task.started:
            yield from too_early(task)


def too_early(task: Task, *, why: str = "", base: Plan | None = None) -> Iterator[Finding]:
    """The dependencies of a task that was begun which are not done.

    Args:
        task: the task.
        why: what says that it was begun, as a clause; by default its status.
        base: the same plan in the trusted base, where a task may be done already.
    """
    said = why or f"is {task.status}"
    for need in needs(task):
        needed = need.needed
        if needed is None or needed is task or needed.done:
            continue
        before = base.task(needed.id) if base is not None else None
        if before is not None and before.done:
            continue
        state = f"is {needed.status}" if needed.status else "has no status"
        yield _finding(
            need,
            f"{task.name} {said}, and needs {needed.name}, which {state}",
            f"Finish {needed.name} first, or take it out of what {task.name} needs if that is a mistake.",
            f"early:{needed.id}",
            setting="started",
        )


def circles(plan: Plan) -> Iterator[Sequence[Task]]:
    """The circles in which tasks need each other: of each knot of tasks the shortest through its first one.

    A task that needs itself is no circle here.
    """
    graph = {
        position: list(
            dict.fromkeys(
                plan.positions[need.needed.key]
                for need in needs(task)
                if need.needed is not None and need.needed is not task
            )
        )
        for position, task in enumerate(plan.tasks)
    }
    for circle in circles_of(graph):
        yield [plan.tasks[position] for position in circle]


def _unknown(need: Need) -> Finding:
    near = need.task.plan.task_numbered(need.text, number_of(need.text))
    return _finding(
        need,
        f"{need.task.name} needs {shortened(need.text)!r}, which is no task of this plan",
        f"Did you mean {near.id}?" if near else "Name a task of the plan, or take it out.",
        f"unknown:{need.text}",
    )


def _finding(need: Need, message: str, help: str, what: str, *, setting: str = "") -> Finding:
    task = need.task
    return Finding(
        message,
        help=help,
        path=task.plan.path,
        line=task.line_of(*need.place),
        field=task.field(*need.place),
        key=f"{task.id}:{what}",
        setting=task.plan.setting(setting) if setting else "",
    )
