"""Whether a plan's file has the shape of a plan, with the line of everything that has not."""

from __future__ import annotations

import re

from specguard.artifacts.sections import describes
from specguard.artifacts.skeletons import OWED
from specguard.documents.content import owes
from specguard.documents.data import dotted
from specguard.documents.fields import normal_name
from specguard.model import Finding, path_text, shortened
from specguard.plans.settings import KEYS, close, near_keys, other_key
from specguard.plans.task import element_text, expectation, expects_all
from specguard.work.kinds import normal_id
from specguard.work.templates import PathTemplate, Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.tree import Documents
    from specguard.model import Severity
    from specguard.plans.plans import Plan
    from specguard.plans.settings import PlanKind
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


LISTS: Final = ("depends_on", "expected_files", "verify", "done_criteria")
"""What is a list of texts."""

KINDS: Final = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list"}


def task_flaws(task: Task) -> Iterator[Finding]:
    """What is wrong with a task as such."""
    yield from _missing(task)
    yield from _id(task)
    yield from _texts(task)
    yield from _status(task)
    for name in LISTS:
        yield from _list(task, name)
    yield from _files(task)
    yield from _near_keys(task)


def _missing(task: Task) -> Iterator[Finding]:
    for name in task.plan.settings.required:
        if task.find(name) is not None or (name == "id" and task.id):
            continue
        key = task.plan.settings.keys_of(name)[0]
        other = other_key(task, name)
        yield task_finding(
            task,
            f"{task.name} has no {key}" + (f"; it has {other!r}" if other else ""),
            f"Rename {other!r}, or set {task.plan.setting('keys')} so that it is read."
            if other
            else f"Add `{key}` to it.",
            name,
            "missing",
            setting="required",
        )


def _id(task: Task) -> Iterator[Finding]:
    found = task.find("id")
    if found is None and not task.id:
        return
    template = Template(task.plan.settings.id_format)
    if found is not None and (not isinstance(found[1], (str, int)) or isinstance(found[1], bool)):
        yield _typed(task, "id", found[1], "a text")
    elif template.read(task.id) is None:
        example = template.render(dict.fromkeys(template.names, "001"))
        yield task_finding(
            task,
            f"the id {shortened(task.id)!r} is not of the form {task.plan.settings.id_format!r}",
            f"Give it an id such as {example}.",
            "id",
            "form",
            setting="id_format",
        )


def _texts(task: Task) -> Iterator[Finding]:
    for name in ("title", "domain"):
        found = task.find(name)
        if found is None:
            continue
        if not isinstance(found[1], str):
            yield _typed(task, name, found[1], "a text")
        elif not found[1].strip():
            yield task_finding(task, f"the {found[0]} of {task.name} is empty", "Say it.", name, "empty")
        elif owes(found[1]):
            yield _owed(task, name, found[0], found[1])


def _status(task: Task) -> Iterator[Finding]:
    found = task.find("status")
    if found is None:
        return
    key, value = found
    statuses = task.plan.settings.statuses
    if not isinstance(value, str):
        yield _typed(task, "status", value, "a text")
    elif normal_name(value) not in {normal_name(status) for status in statuses}:
        near = close(value, statuses)
        yield task_finding(
            task,
            f"{task.name} has the {key} {shortened(value)!r}, which is not one of {', '.join(statuses)}",
            f"Did you mean {near!r}?" if near else "Give it one of these.",
            "status",
            "unknown",
            setting="statuses",
        )


def _list(task: Task, name: str) -> Iterator[Finding]:
    found = task.find(name)
    if found is None:
        return
    key, values = found
    if not isinstance(values, list):
        yield _typed(task, name, values, "a list of texts")
        return
    if not values and name == "done_criteria" and name in task.plan.settings.required:
        yield task_finding(
            task,
            f"{task.name} has no {key}",
            "Say what holds when it is done.",
            name,
            "empty",
            setting="required",
        )
    for position, value in enumerate(values):
        text = element_text(name, value)
        # A pattern may be without a letter, and a placeholder among commands matters once the task is done.
        if name != "verify" and any(map(str.isalnum, text)) and owes(text):
            yield _owed(task, name, f"{key}.{position}", text, position)
        if not text:
            said = "is empty" if value == "" else f"is {kind_of(value)}, not a text"
            yield task_finding(
                task,
                f"{key}.{position} of {task.name} {said}",
                "Write it as a text, or take it out.",
                name,
                f"element:{said}",
                below=position,
            )


def _files(task: Task) -> Iterator[Finding]:
    for place, text in task.listed("expected_files"):
        expected = expectation(text, task.plan.settings.code)
        wide = not expected.problem and expects_all(expected)
        if expected.problem or wide:
            yield task_finding(
                task,
                f"{task.name} expects {shortened(text)!r}, which "
                + ("is every file there is" if wide else expected.problem),
                "Name the files or folders that the task is to touch, from "
                + (f"{task.plan.settings.code!r}." if task.plan.settings.code else "the repository's root."),
                "expected_files",
                text,
                below=place[1],
            )


def _near_keys(task: Task) -> Iterator[Finding]:
    """Keys that are all but one that is read, which their author may take for read."""
    for key, near in near_keys(task):
        yield task_finding(
            task,
            f"{task.name} has {key!r}, which is not read; {near!r} is",
            "Rename it, or take it out.",
            key,
            "near",
            key=key,
            severity="warning",
        )


def _owed(task: Task, name: str, what: str, text: str, below: int | None = None) -> Finding:
    return task_finding(
        task,
        f"{what} of {task.name} only has a placeholder: {shortened(text)!r}",
        "Say it." if name != "depends_on" else "Name the task, or take it out.",
        name,
        f"owed:{text[:60]}",
        below=below,
    )


def _typed(task: Task, name: str, value: Any, wanted: str) -> Finding:
    found = task.find(name)
    key = found[0] if found else name
    return task_finding(
        task,
        f"{key} of {task.name} is {kind_of(value)}, not {wanted}",
        f"Write it as {wanted}.",
        name,
        "type",
    )


def task_finding(
    task: Task,
    message: str,
    help: str,
    name: str,
    what: str,
    *,
    key: str = "",
    below: str | int | None = None,
    setting: str = "",
    severity: Severity | None = None,
) -> Finding:
    """A finding about something of a task, at its line."""
    found = task.find(name) if name in KEYS else None
    place: Sequence[str | int] = (key or (found[0] if found else ""),)
    place = [part for part in (*place, below) if part not in ("", None)]
    return Finding(
        message,
        help=help,
        path=task.plan.path,
        line=task.line_of(*place) if place else task.line,
        field=task.field(*place),
        key=f"{task.id or '?'}:{name}:{what}",
        severity=severity,
        setting=task.plan.setting(setting) if setting else "",
    )


def kind_of(value: Any) -> str:
    """What kind of value something is, for messages."""
    if value is None:
        return "nothing"
    return "a mapping" if isinstance(value, dict) else KINDS.get(type(value), "something else")


def skeleton(kinds: Mapping[str, PlanKind], path: bytes) -> Any:
    """The value of a file that lists a plan's tasks; None for a path that is no such file.

    Args:
        kinds: the policy's kinds of plans by name.
        path: the file.
    """
    for kind in kinds.values():
        if PathTemplate(f"{kind.folder}/{kind.plan}").read(path) is not None:
            return _plan(kind)
    return None


def _plan(kind: PlanKind) -> Any:
    value: Any = [_task(kind)]
    for key in reversed(kind.tasks.split(".") if kind.tasks else ()):
        value = {key: value}
    if kind.option and isinstance(value, dict):
        top: dict[str, Any] = {}
        inner = top
        *above, last = kind.option.split(".")
        for key in above:
            inner[key] = inner = {}
        inner[last] = OWED
        value = {**top, **value}
    return value


def _task(kind: PlanKind) -> dict[str, Any]:
    template = Template(kind.id_format)
    values = {
        "id": template.render(dict.fromkeys(template.names, "001")),
        "title": OWED,
        "domain": OWED,
        "status": kind.statuses[0],
        "depends_on": [],
        "expected_files": [OWED],
        "verify": [OWED],
        "done_criteria": [OWED],
    }
    return {kind.keys_of(name)[0]: value for name, value in values.items() if name in kind.required}
