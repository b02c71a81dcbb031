"""The plans of a status: their tasks by status, and which can be done next."""

from __future__ import annotations

from specguard.documents.fields import normal_name
from specguard.engine.status.telling import missing
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from specguard.engine.status.telling import Telling
    from specguard.plans.plans import Plan
    from specguard.plans.task import Task
    from specguard.waves.waves import Waves


def plans_data(telling: Telling) -> list[dict[str, Any]]:
    """Every plan, with its tasks.

    Raises:
        MissingFact: something that must be read is not there.
    """
    plans = telling.fact("plans")
    if plans is None:
        return []
    waves: Waves | None = telling.fact("waves")
    waiting = telling.told(lambda: waiting_plans(waves), {})
    return [_plan(plan, waiting=plan.path in waiting) for plan in plans.all]


def waiting_plans(waves: Waves | None) -> dict[bytes, str]:
    """The plans whose tasks are of a stage that is not open, each with what they wait for."""
    return {
        plan.path: f"the stage {stage.waits_for[0].name}, which is not complete"
        if stage.waits_for
        else stage.lacking[0].what
        for wave in (waves.all if waves is not None else ())
        for stage in wave.stages
        if stage.settings.items
        and wave.waves.kind_of(stage.settings.items) == ""
        and (stage.waits_for or stage.lacking)
        for plan in wave.plans
    }


def undone(plans: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The tasks that are not done, and the plans that list none, where no wave says it."""
    found = []
    for plan in plans:
        path = plan["path"].encode("utf-8")
        if not plan["tasks"]:
            found.append(missing(f"{plan['path']} {plan['problem'] or 'lists no tasks'}", path=path))
        for task in plan["tasks"]:
            if task["state"] not in ("done", "deferred"):
                status = task["status"] or "without a status"
                found.append(
                    missing(f"{_called(task)} of {plan['name']} is {status}", path=path, line=task["line"])
                )
    return found


def next_tasks(plans: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The task of each plan that can be done now, and a few others that could be."""
    for plan in plans:
        ready = [_called(task) for task in plan["tasks"] if task["state"] == "ready"]
        if ready:
            others = f" (or {', '.join(ready[1:4])})" if ready[1:] else ""
            yield f"do {ready[0]} of {plan['name']}{others}"


def _called(task: Mapping[str, Any]) -> str:
    return task["id"] or (f'"{task["title"]}"' if task["title"] else "a task without an id")


def _plan(plan: Plan, *, waiting: bool) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for task in plan.tasks:
        counts[task.status or "none"] = counts.get(task.status or "none", 0) + 1
    return {
        "name": plan.name,
        "path": path_text(plan.path),
        "option": plan.option,
        "problem": plan.data.problem.message if plan.data.problem else "",
        "counts": counts,
        "tasks": [_task(task, waiting=waiting) for task in plan.tasks],
    }


def _task(task: Task, *, waiting: bool) -> dict[str, Any]:
    needed = [task.plan.task(need) for need in task.depends_on]
    waits = [other.id for other in needed if other is not None and not other.done]
    if task.done:
        state = "done"
    elif task.deferred:
        state = "deferred"
    elif waits or normal_name(task.status) == "blocked":
        state = "blocked"
    else:
        state = "waiting" if waiting else "ready"
    return {
        "id": task.id,
        "title": task.title,
        "status": task.status,
        "state": state,
        "needs": waits,
        "line": task.line,
    }
