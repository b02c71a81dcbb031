"""Whether a task has the shape of a task, with the line and the key of everything that has not."""

from __future__ import annotations

from specguard.documents.content import owes
from specguard.documents.fields import normal_name
from specguard.model import Finding, shortened
from specguard.plans.expected import expectation, expects_all
from specguard.plans.settings import KEYS
from specguard.plans.task import element_text
from specguard.plans.task_keys import close, near_keys, other_key
from specguard.work.templates import Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

    from specguard.model import Severity
    from specguard.plans.task import Task

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
