"""Whether a plan's file has the shape of a plan, with the line of everything that has not."""

from __future__ import annotations

from specguard.artifacts.sections import describes
from specguard.artifacts.skeletons import OWED
from specguard.documents.content import owes
from specguard.documents.data import dotted
from specguard.documents.fields import elements, normal_name
from specguard.errors import nearest
from specguard.model import Finding, path_text, shortened
from specguard.plans.settings import KEYS
from specguard.plans.task import element_text, expectation, expects_all
from specguard.work.kinds import normal_id
from specguard.work.name_templates import PathTemplate, Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.tree import Documents
    from specguard.documents.fields import Place
    from specguard.plans.plans import Plan
    from specguard.plans.settings import PlanKind
    from specguard.plans.task import Task


LISTS: Final = ("depends_on", "expected_files", "verify", "done_criteria")
"""What is a list of texts."""

_KINDS: Final = {
    type(None): "nothing", dict: "a mapping", str: "a text", bool: "true or false", int: "a number",
    list: "a list",
}  # fmt: skip


def flaws(plan: Plan, documents: Documents) -> Iterator[Finding]:
    """What is wrong with a plan as such; its dependencies and its verification are left to others.

    Args:
        plan: the plan.
        documents: those of the tree that it is in.

    Raises:
        MissingFact: the file that describes its options cannot be read.
    """
    if plan.data.problem is not None:
        said = f"{path_text(plan.path)} is no plan: {plan.data.problem.message}"
        yield _of_plan(plan, said, "Write it as a file that holds the tasks once each.", "unread")
        return
    yield from _listing(plan)
    seen: dict[str, Task] = {}
    for task in plan.tasks:
        yield from task_flaws(task)
        first = seen.setdefault(normal_id(task.id), task) if task.id else task
        if first is not task:
            line = f", first in line {first.line}" if first.line else ""
            said = f"{task.id} and {first.id} are the same task: only the padding differs"
            said = f"{task.id} is listed twice{line}" if task.id == first.id else said
            yield _finding(task, said, "Give each task an id of its own.", "id", "repeated")
    yield from _option(plan, documents)


def _listing(plan: Plan) -> Iterator[Finding]:
    """What is wrong with the list of tasks."""
    listing, where, top = plan.listing, plan.settings.tasks, plan.tasks_key
    if not isinstance(listing, (list, dict)) or not listing:
        said = f"has no {where!r}" if listing is None else f"has {kind_of(listing)} in {where!r}"
        said = "lists no task" if isinstance(listing, (list, dict)) else said
        said = f"{path_text(plan.path)} {said}, which should be the list of its tasks"
        help = f"List the tasks there, or set {plan.setting('tasks')} to where they are."
        yield _of_plan(plan, said, help, "tasks", top, setting="tasks")
    for place, value in elements(listing):
        if not isinstance(value, dict):
            said = f"{dotted((*top, place))} is {kind_of(value)}, where a task should be"
            help = "Write the task as a mapping with an id, or take it out."
            yield _of_plan(plan, said, help, f"{place}:no task", (*top, place))


def _option(plan: Plan, documents: Documents) -> Iterator[Finding]:
    """Whether the plan names the option that it was made from, and that is one which is described."""
    name, options = plan.settings.option, plan.settings.options
    if name and not plan.option:
        said = f"{path_text(plan.path)} does not name the option that it was made from ({name!r})"
        help = f'Add `{name}` with the option that was chosen, such as "B".'
        yield _of_plan(plan, said, help, "option", name.split("."), setting="option")
    elif name and options:
        path = plan.folder + b"/" + options.encode("utf-8")
        document = documents.read(path)
        if document is None or not describes(document, plan.option):
            said = f"{path_text(path)} does not describe the option {shortened(plan.option)!r}"
            help = "Name one that is described there, by its letter."
            yield _of_plan(plan, said, help, "option", name.split("."), setting="options")


def _of_plan(
    plan: Plan, message: str, help: str, key: str, place: Sequence[str | int] = (), setting: str = ""
) -> Finding:
    return Finding(
        message,
        help=help,
        path=plan.path,
        line=plan.data.line(place),
        field=dotted(place) or None,
        key=key,
        setting=plan.setting(setting) if setting else "",
    )


def task_flaws(task: Task) -> Iterator[Finding]:
    """What is wrong with a task as such."""
    for name in task.plan.settings.required:
        if task.said(name) is None and not (name == "id" and task.id):
            key = task.key_of(name)
            step = f"Add `{key}` to it, or say in {task.plan.setting('keys')} what it is called."
            yield _finding(task, f"{task.name} has no {key}", step, name, "missing", setting="required")
    for name in ("id", "title", "domain", "status", *LISTS):
        key, value = task.key_of(name), task.said(name)
        value = task.id or None if name == "id" and value is None else value
        if value is None:
            continue
        kinds = list if name in LISTS else (str, int) if name == "id" else str
        if not isinstance(value, kinds) or isinstance(value, bool):
            wanted = "a list of texts" if name in LISTS else "a text"
            said = f"{key} of {task.name} is {kind_of(value)}, not {wanted}"
            yield _finding(task, said, f"Write it as {wanted}.", name, "type")
        elif isinstance(value, list):
            yield from _list(task, name, value)
        else:
            yield from _text(task, name, str(value))


def _text(task: Task, name: str, value: str) -> Iterator[Finding]:
    key, settings = task.key_of(name), task.plan.settings
    if name == "id":
        template = Template(settings.id_format)
        if template.read(task.id) is None:
            example = template.render(dict.fromkeys(template.names, "001"))
            said = f"the id {shortened(task.id)!r} is not of the form {settings.id_format!r}"
            yield _finding(task, said, f"Give it an id such as {example}.", "id", "form", setting="id_format")
    elif name == "status":
        if normal_name(value) not in map(normal_name, settings.statuses):
            among = f"which is not one of {', '.join(settings.statuses)}"
            said = f"{task.name} has the {key} {shortened(value)!r}, {among}"
            step = nearest(value, settings.statuses, "Give it one of these.")
            yield _finding(task, said, step, "status", "unknown", setting="statuses")
    elif not value.strip():
        yield _finding(task, f"the {key} of {task.name} is empty", "Say it.", name, "empty")
    elif owes(value):
        yield _owed(task, name, value)


def _list(task: Task, name: str, values: Sequence[Any]) -> Iterator[Finding]:
    key, code = task.key_of(name), task.plan.settings.code
    if not values and name == "done_criteria" and name in task.plan.settings.required:
        said, step = f"{task.name} has no {key}", "Say what holds when it is done."
        yield _finding(task, said, step, name, "empty", setting="required")
    for position, value in enumerate(values):
        text = element_text(value)
        if not text:
            why = "is empty" if value == "" else f"is {kind_of(value)}, not a text"
            said, step = f"{key}.{position} of {task.name} {why}", "Write it as a text, or take it out."
            yield _finding(task, said, step, name, f"element:{why}", position)
            continue
        # A pattern may be without a letter, and a placeholder among commands matters once the task is done.
        if name != "verify" and any(map(str.isalnum, text)) and owes(text):
            yield _owed(task, name, text, position)
        expected = expectation(text, code) if name == "expected_files" else None
        if expected is not None and (expected.problem or expects_all(expected)):
            problem = expected.problem or "is every file there is"
            said = f"{task.name} expects {shortened(text)!r}, which {problem}"
            where = f"{code!r}" if code else "the repository's root"
            step = f"Name the files or folders that the task is to touch, from {where}."
            yield _finding(task, said, step, name, text, position)


def _owed(task: Task, name: str, text: str, *below: int) -> Finding:
    what = dotted((task.key_of(name), *below))
    said = f"{what} of {task.name} only has a placeholder: {shortened(text)!r}"
    step = "Say it." if name != "depends_on" else "Name the task, or take it out."
    return _finding(task, said, step, name, f"owed:{text[:60]}", *below)


def _finding(
    task: Task, message: str, help: str, name: str, what: str, *below: int, setting: str = ""
) -> Finding:
    """A finding about something of a task, at its line."""
    place: Place = () if task.said(name) is None else (task.key_of(name), *below)
    return task.finding(message, help, f"{task.id or '?'}:{name}:{what}", *place, setting=setting)


def kind_of(value: Any) -> str:
    """What kind of value something is, for messages."""
    return _KINDS.get(type(value), "a number")


def skeleton(kinds: Mapping[str, PlanKind], path: bytes) -> Any:
    """The value of a file that lists a plan's tasks; None for a path that is no such file.

    Args:
        kinds: the policy's kinds of plans by name.
        path: the file.
    """
    for kind in kinds.values():
        if PathTemplate(f"{kind.folder}/{kind.plan}").read(path) is not None:
            tasks = nested(kind.tasks, [_task(kind)])
            return {**nested(kind.option, OWED), **tasks} if kind.option and kind.tasks else tasks
    return None


def nested(key: str, value: Any) -> Any:
    """A value under a dotted key; the value itself where there is none."""
    for part in reversed(key.split(".") if key else ()):
        value = {part: value}
    return value


def _task(kind: PlanKind) -> dict[str, Any]:
    template = Template(kind.id_format)
    values = {name: [OWED] if name in LISTS else OWED for name in KEYS}
    values["id"] = template.render(dict.fromkeys(template.names, "001"))
    values["status"] = kind.statuses[0]
    values["depends_on"] = []
    return {kind.key_of(name): value for name, value in values.items() if name in kind.required}
