"""Whether a plan's file has the shape of a plan, with the line of everything that has not."""

from __future__ import annotations

import re

from specguard.artifacts.options import describes
from specguard.documents.fields import normal_name
from specguard.documents.placeholders import owes
from specguard.model import Finding, path_text
from specguard.plans.expected import expectation, expects_all
from specguard.plans.settings import KEYS
from specguard.plans.task import element_text, normal_id
from specguard.work.templates import Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

    from specguard.change.documents import Documents
    from specguard.plans.plan import Plan
    from specguard.plans.task import Task

LISTS: Final = ("depends_on", "expected_files", "verify", "done_criteria")
"""What is a list of texts."""

OTHER_NAMES: Final = {
    "depends_on": ("dependencies", "dependson", "deps", "needs", "requires", "blockedby", "prerequisites"),
    "expected_files": ("files", "filepaths", "filestotouch", "filesscope", "targetfiles", "paths", "scope"),
    "verify": ("verificationcommands", "verifycommands", "tests", "testcommands", "checks", "teststrategy"),
    "done_criteria": ("acceptancecriteria", "acceptance", "criteria", "definitionofdone", "successcriteria"),
    "status": ("state",),
    "title": ("name", "summary", "goal", "subject"),
    "id": ("key", "number"),
}
"""What other tools call these, as `normal_name` gives it; named where the plan's own key is missing."""

_KINDS: Final = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list"}
_CLOSE: Final = 0.85
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
                f"{'.'.join(map(str, key))} is {_what(value)}, where a task should be",
                help="Write the task as a mapping with an id, or take it out.",
                path=plan.path,
                line=plan.line(*key),
                field=".".join(map(str, key)),
                key=f"{place}:no task",
            )
    for task in plan.tasks:
        yield from _of_task(task)
    yield from _repeated(plan)
    yield from _option(plan, documents)


def _of_task(task: Task) -> Iterator[Finding]:
    yield from _missing(task)
    yield from _id(task)
    yield from _texts(task)
    yield from _status(task)
    for name in LISTS:
        yield from _list(task, name)
    yield from _files(task)
    yield from _near_keys(task)


def _no_tasks(plan: Plan, listing: Any) -> Finding:
    where = plan.settings.tasks
    near = ""
    if listing is None and where and isinstance(plan.data.value, dict):
        close = _close(where, [key for key in plan.data.value if isinstance(key, str)])
        near = f"; it has {close!r}" if close else ""
    said = f"has no {where!r}" if listing is None else f"has {_what(listing)} in {where!r}"
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


def _missing(task: Task) -> Iterator[Finding]:
    for name in task.plan.settings.required:
        if task.find(name) is not None or (name == "id" and task.id):
            continue
        key = task.plan.settings.keys_of(name)[0]
        other = _other_key(task, name)
        yield _finding(
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
        yield _finding(
            task,
            f"the id {_shown(task.id)} is not of the form {task.plan.settings.id_format!r}",
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
            yield _finding(task, f"the {found[0]} of {task.name} is empty", "Say it.", name, "empty")
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
        close = _close(value, statuses)
        yield _finding(
            task,
            f"{task.name} has the {key} {_shown(value)}, which is none of {', '.join(statuses)}",
            f"Did you mean {close!r}?" if close else "Give it one of these.",
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
        yield _finding(
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
            said = "is empty" if value == "" else f"is {_what(value)}, not a text"
            yield _finding(
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
            yield _finding(
                task,
                f"{task.name} expects {_shown(text)}, which "
                + ("is every file there is" if wide else expected.problem),
                "Name the files or folders that the task is to touch, from "
                + (f"{task.plan.settings.code!r}." if task.plan.settings.code else "the repository's root."),
                "expected_files",
                text,
                below=place[1],
            )


def _near_keys(task: Task) -> Iterator[Finding]:
    """Keys that are all but one that is known, which their author may take for read."""
    settings = task.plan.settings
    known = {key: name for name in KEYS for key in settings.keys_of(name)}
    for key in task.raw:
        if not isinstance(key, str) or key in known or key in _OWN:
            continue
        close = _close(key, list(known))
        if close and not (task.find(known[close]) is None and known[close] in settings.required):
            yield _finding(
                task,
                f"{task.name} has {key!r}, which is not read; {close!r} is",
                "Rename it, or take it out.",
                key,
                "near",
                key=key,
                severity="warning",
            )


def _repeated(plan: Plan) -> Iterator[Finding]:
    seen: dict[str, Task] = {}
    for task in plan.tasks:
        if not task.id:
            continue
        first = seen.setdefault(normal_id(task.id), task)
        if first is not task:
            line = first.line
            yield _finding(
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
                f"{path_text(path)} does not describe the option {_shown(plan.option)}",
                help="Name one that is described there, by its letter.",
                path=plan.path,
                line=line,
                field=name,
                key="option",
                setting=plan.setting("options"),
            )


def _owed(task: Task, name: str, what: str, text: str, below: int | None = None) -> Finding:
    return _finding(
        task,
        f"{what} of {task.name} only has a placeholder: {_shown(text)}",
        "Say it." if name != "depends_on" else "Name the task, or take it out.",
        name,
        f"owed:{text[:60]}",
        below=below,
    )


def _typed(task: Task, name: str, value: Any, wanted: str) -> Finding:
    found = task.find(name)
    key = found[0] if found else name
    return _finding(
        task, f"{key} of {task.name} is {_what(value)}, not {wanted}", f"Write it as {wanted}.", name, "type"
    )


def _finding(
    task: Task,
    message: str,
    help: str,
    name: str,
    what: str,
    *,
    key: str = "",
    below: str | int | None = None,
    setting: str = "",
    severity: Any = None,
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


def _other_key(task: Task, name: str) -> str:
    """The key under which a task may have what is missing."""
    keys = [key for key in task.raw if isinstance(key, str)]
    others = OTHER_NAMES.get(name, ())
    named = next((key for key in keys if normal_name(key) in others), "")
    read = {key for one in KEYS for key in task.plan.settings.keys_of(one)}
    close = _close(task.plan.settings.keys_of(name)[0], [key for key in keys if key not in read])
    return close or named


def _close(word: str, known: Sequence[str]) -> str:
    """The one that a word is but for a letter or so, its case or its separators; empty where none is."""
    same = next((one for one in known if normal_name(one) == normal_name(word)), "")
    if same or len(word) > 60:
        return same
    from difflib import get_close_matches

    close = get_close_matches(word.casefold(), [one.casefold() for one in known], 1, _CLOSE)
    return next((one for one in known if close and one.casefold() == close[0]), "")


_OWN: Final = frozenset({"verified_at", "verified_by", "verified_note", "verify_notes"})
"""Keys of a task that resemble others and are none of them."""


def _what(value: Any) -> str:
    if value is None:
        return "nothing"
    return "a mapping" if isinstance(value, dict) else _KINDS.get(type(value), "something else")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:60]}...")
