"""Whether a plan's file has the shape of a plan, with the line of everything that has not."""

from __future__ import annotations

import re

from specguard.artifacts.sections import describes
from specguard.documents.data import dotted
from specguard.model import Finding, path_text, shortened
from specguard.plans.task_keys import close
from specguard.plans.task_shape import kind_of, task_finding, task_flaws
from specguard.work.naming import normal_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final

    from specguard.change.tree import Documents
    from specguard.plans.plan import Plan
    from specguard.plans.task import Task

_LABEL: Final = re.compile(
    r"(?:(?:option|plan)\s+)?(?P<label>.+?)\s*(?:$|[:.(\u2013\u2014]|-\s)", re.IGNORECASE
)


def flaws(plan: Plan, documents: Documents) -> Iterator[Finding]:
    """What is wrong with a plan as such; its dependencies and its verification are left to others.

    Args:
        plan: the plan.
        documents: those of the tree that it is in.

    Raises:
        MissingFact: the file that describes its options cannot be read.
    """
    name = path_text(plan.path)
    if plan.data.problem is not None:
        problem = plan.data.problem
        yield Finding(
            f"{name} is no plan: {problem.message}",
            help="Write it as a file that holds the tasks once each.",
            path=plan.path,
            line=problem.line,
            key="unread",
        )
        return
    listing = plan.listing
    if not isinstance(listing, (list, dict)) or not listing:
        yield _no_tasks(plan, listing)
        if not isinstance(listing, (list, dict)):
            return
    for place, value in listing.items() if isinstance(listing, dict) else enumerate(listing):
        if not isinstance(value, dict):
            key = (*plan.tasks_key, place)
            yield Finding(
                f"{dotted(key)} is {kind_of(value)}, where a task should be",
                help="Write the task as a mapping with an id, or take it out.",
                path=plan.path,
                line=plan.line(*key),
                field=dotted(key),
                key=f"{place}:no task",
            )
    for task in plan.tasks:
        yield from task_flaws(task)
    yield from _repeated(plan)
    yield from _option(plan, documents)


def _no_tasks(plan: Plan, listing: Any) -> Finding:
    where = plan.settings.tasks
    near = ""
    if listing is None and where and isinstance(plan.data.value, dict):
        near_key = close(where, [key for key in plan.data.value if isinstance(key, str)])
        near = f"; it has {near_key!r}" if near_key else ""
    said = f"has no {where!r}" if listing is None else f"has {kind_of(listing)} in {where!r}"
    if isinstance(listing, (list, dict)):
        said = "lists no task"
    return Finding(
        f"{path_text(plan.path)} {said}, which should be the list of its tasks{near}",
        help=f"List the tasks there, or set {plan.setting('tasks')} to where they are.",
        path=plan.path,
        line=plan.line(*plan.tasks_key),
        field=where or None,
        key="tasks",
        setting=plan.setting("tasks"),
    )


def _repeated(plan: Plan) -> Iterator[Finding]:
    seen: dict[str, Task] = {}
    for task in plan.tasks:
        if not task.id:
            continue
        first = seen.setdefault(normal_id(task.id), task)
        if first is not task:
            line = first.line
            yield task_finding(
                task,
                f"{task.id} is listed twice" + (f", first in line {line}" if line else "")
                if task.id == first.id
                else f"{task.id} and {first.id} are the same task: only the padding differs",
                "Give each task an id of its own.",
                "id",
                "repeated",
            )


def _option(plan: Plan, documents: Documents) -> Iterator[Finding]:
    """Whether the plan names the option that it was made from, and that is one which is described."""
    name = plan.settings.option
    if not name:
        return
    line = plan.line(*name.split("."))
    if not plan.option:
        yield Finding(
            f"{path_text(plan.path)} does not name the option that it was made from ({name!r})",
            help=f'Add `{name}` with the option that was chosen, such as "B".',
            path=plan.path,
            line=line,
            field=name,
            key="option",
            setting=plan.setting("option"),
        )
    elif plan.settings.options:
        path = plan.folder + b"/" + plan.settings.options.encode("utf-8")
        document = documents.read(path)
        label = _LABEL.match(plan.option[:200])
        if document is None or label is None or not describes(document, label["label"]):
            yield Finding(
                f"{path_text(path)} does not describe the option {shortened(plan.option)!r}",
                help="Name one that is described there, by its letter.",
                path=plan.path,
                line=line,
                field=name,
                key="option",
                setting=plan.setting("options"),
            )
