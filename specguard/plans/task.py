"""A task of a plan, with lenient access to its values, and the flaws in the shape of tasks and plans."""

from __future__ import annotations

import json
import re
from functools import cached_property

from specguard.declaration.patterns import Covering, PatternError
from specguard.documents.completeness import is_bare_nothing, is_todo
from specguard.documents.data import JsonWalk, dotted, elements, whole_text
from specguard.documents.fields import DataEntry, Place, normal_name
from specguard.documents.list_items import looks_like_path, without_remark
from specguard.errors import nearest
from specguard.model import TYPE_CHECKING, Finding, Origin, Record, only_text, path_text, shortened
from specguard.runs.command_inspection import cannot_fail
from specguard.work.kinds import LIST_KEYS, normal_id, number_of
from specguard.work.name_templates import Template, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, Final

    from specguard.change.tree import Documents
    from specguard.documents.document import Document
    from specguard.plans.plans import Plan


_PLACEHOLDER: Final = re.compile(r"<[^<>]*>|\.{3}|\u2026|(?i:todo|tbd|fixme|n/?a|none)\b.*", re.DOTALL)


class Task(DataEntry):
    """A task of a plan.

    Attributes:
        plan: the plan that lists it.
    """

    plan: Plan

    @cached_property
    def id(self) -> str:
        """The id as it is written; empty if there is none. If tasks are stored by id, the key is the id."""
        value = self.value_of("id")
        if value is None and isinstance(self.key[-1], str):
            value = self.key[-1]
        return whole_text(value)

    @property
    def number(self) -> int | None:
        """The digits of the id as an integer; None if it has none."""
        return number_of(self.id)

    @property
    def name(self) -> str:
        """The task's name in messages: its id, or its place if it has none."""
        return f"task {self.id}" if self.id.isdigit() else self.id or f"the task at {self.field()}"

    @property
    def title(self) -> str:
        """The task's title, on one line; empty if it has none."""
        return " ".join(self.text("title").split())

    @property
    def status(self) -> str:
        """The status as it is written; empty if there is none."""
        return self.text("status")

    @property
    def open_needs(self) -> Sequence[tuple[str, Task | None]]:
        """The ids that it depends on and that are not done, each with its task; None if the plan lacks it."""
        needed = [(need, self.plan.task(need)) for _, need in self.texts_of("depends_on")]
        return [(one.id if one else need, one) for need, one in needed if one is None or not one.done]

    @property
    def expected_files(self) -> Sequence[str]:
        """The files, folders and patterns that the task is expected to touch."""
        return [text for _, text in self.texts_of("expected_files")]

    @property
    def done_criteria(self) -> Sequence[str]:
        """The conditions that hold when the task is done."""
        return [text for _, text in self.texts_of("done_criteria")]

    @property
    def commands(self) -> Sequence[tuple[Place, str]]:
        """The commands that verify the task, each with its place below it, without placeholders."""
        return [(place, text) for place, text in self.texts_of("verify") if not _PLACEHOLDER.fullmatch(text)]

    @property
    def proving_commands(self) -> Sequence[str]:
        """The commands that can fail, and so can prove something."""
        return [command for _, command in self.commands if not cannot_fail(command)]

    @property
    def lacks_commands(self) -> bool:
        """True if the plan asks for commands that verify the task, and none of its commands can."""
        return "verify" in self.plan.settings.required and not self.proving_commands

    @property
    def started(self) -> bool:
        """True if the status is a started one."""
        return self._has_status(self.plan.settings.started)

    @property
    def done(self) -> bool:
        """True if the status is a done one."""
        return self._has_status(self.plan.settings.done)

    @property
    def deferred(self) -> bool:
        """True if it is deferred or cancelled: stages do not wait for the task, but tasks that need it do."""
        return self._has_status(["deferred", "cancelled"])

    def state(self, *, waiting: bool) -> str:
        """Return how far the task is: `done`, `deferred`, `blocked`, `begun`, `waiting` or `ready`.

        Args:
            waiting: True if something else than the task has to be done first.
        """
        states = {
            "done": self.done,
            "deferred": self.deferred,
            "blocked": normal_name(self.status) == "blocked",
            "begun": self.started,
            "waiting": waiting or self.lacks_commands,
        }
        return next((state for state, holds in states.items() if holds), "ready")

    @property
    def line(self) -> int | None:
        """The task's line: that of its id, if it has one."""
        return self.line_of(*([] if self.value_of("id") is None else [self.key_of("id")]))

    def key_of(self, name: str) -> str:
        """Return the task's key for a property in `specguard.work.kinds.TASK_KEYS`."""
        return self.plan.settings.key_of(name)

    def value_of(self, name: str) -> Any:
        """Return the value of a task's property; None if the plan does not have it."""
        return self.value.get(self.key_of(name))

    def text(self, name: str) -> str:
        """Return a property as text; empty if it is not a text."""
        return only_text(self.value_of(name)).strip()

    def texts_of(self, name: str) -> Sequence[tuple[Place, str]]:
        """Return the texts of a property that is a list, each with its place below the task."""
        value, key = self.value_of(name), self.key_of(name)
        texts = [(at, whole_text(one)) for at, one in enumerate(value if isinstance(value, list) else ())]
        return [((key, at), text) for at, text in texts if text]

    @property
    def evidence(self) -> Sequence[Any]:
        """The entries of the task's verification, as they are written."""
        value = self.value_of("verification")
        return value if isinstance(value, list) else [] if value is None else [value]

    @property
    def expected_paths(self) -> Covering:
        """The paths that all `expected_files` cover; entries that are not valid patterns are left out."""
        code = self.plan.settings.code
        patterns = [text for one in self.expected_files for text in parse_expected(one, code).paths.patterns]
        return Covering(list(dict.fromkeys(patterns)))

    def origin(self, name: str) -> Origin:
        """Return the place of a property in the plan, for a citation.

        Args:
            name: one of `specguard.work.kinds.TASK_KEYS`.
        """
        line = self.line if self.value_of(name) is None else self.line_of(self.key_of(name))
        return Origin(path_text(self.plan.path), line or 0)

    def finding(self, message: str, help: str, key: str, *place: str | int, setting: str = "") -> Finding:
        """Return a finding about the task, or about a place within it.

        Args:
            message: the problem.
            help: the next step.
            key: the part of the finding's key that identifies it.
            place: the place below the task.
            setting: the key in the kind's table that requires it.
        """
        found = self.plan.finding(message, help, key, (*self.key, *place), setting)
        found.line = found.line if place else self.line
        return found

    def _has_status(self, statuses: Sequence[str]) -> bool:
        return bool(self.status) and normal_name(self.status) in map(normal_name, statuses)


_PROBES: Final = (b"\x01", b"\x01/\x02", b"\x02/\x01/\x02")
LONGEST_PATH: Final = 1000
"""The limit in characters for an expected path."""

# Empty, absolute, with `..`, with backslashes instead of slashes, or with control characters.
_BAD_PATH: Final = re.compile(
    r"\Z|[/~]|\[[^]]*\]\(|[A-Za-z]:[\\/]|(?:.*/)?\.\.(?:/|\Z)|[^/]*\\[^/]*\Z|.*[\0-\x1f\x7f]", re.DOTALL
)


class Expectation(Record):
    """The paths that one entry of `expected_files` covers.

    Attributes:
        paths: patterns from the repository's root; empty if the entry is invalid.
        problem: the reason why the entry is invalid, as a clause; empty for a valid one.
    """

    paths: Covering
    problem: str = ""


def parse_expected(text: str, code: str = "") -> Expectation:
    """Return the paths that an entry of `expected_files` covers: a file, a folder's content, or a pattern.

    A name also matches literally, so that `app/[id]/page.tsx` is that file. A remark after the path
    (`src/x.py (new)`) and a line number (`src/x.py:12`) are ignored.

    Args:
        text: the entry.
        code: the folder that the entry is relative to; empty for the repository's root.
    """
    if len(text) > LONGEST_PATH:
        return Expectation(Covering(), f"has more than {LONGEST_PATH} characters")
    path = without_remark(text)
    if _BAD_PATH.match(path):
        return Expectation(Covering(), "is not a path within the repository, with '/' between its parts")
    while path.startswith("./"):
        path = path[2:]
    if "," in path.partition("{")[2].partition("}")[0]:
        return Expectation(Covering(), "has a list in braces, which patterns do not have")
    if ", " in path and all(map(looks_like_path, path.split(", "))):
        return Expectation(Covering(), "names several paths, and each needs a text of its own")
    folder = escape(code.strip("/"))
    if path in {"", "."}:
        return Expectation(Covering([folder or "**"]))
    prefix = f"{folder}/" if folder else ""
    is_pattern = not Covering.problem_in(prefix + path)
    if not is_pattern and any(char in path for char in "*?"):
        return Expectation(Covering(), "is not a pattern")
    try:
        # What is not a pattern may still be the name of a file.
        return Expectation(Covering([*([prefix + path] if is_pattern else []), prefix + escape(path)]))
    except PatternError as error:
        return Expectation(Covering(), error.problem)


def covers_all(expected: Expectation) -> bool:
    """Return True if an entry covers every possible file."""
    has_star = any("*" in pattern for pattern in expected.paths.patterns)
    return has_star and all(map(expected.paths.matches, _PROBES))


def mark_task(text: str, task: Task, *, status: str, evidence: Sequence[Any] = ()) -> str:
    """Return the text of a plan's file with a new status of one task, and with further evidence.

    Args:
        text: the file's current text, which the task was read from.
        task: the task.
        status: the new status.
        evidence: entries to add to the verification, as `specguard.plans.verification` reads them.

    Returns:
        The text, unchanged except for these two values.
    """
    text = _set_key(text, task.key, task.key_of("status"), status)
    if not evidence:
        return text
    return _set_key(text, task.key, task.key_of("verification"), [*task.evidence, *evidence])


def _set_key(text: str, place: Place, key: str, value: Any) -> str:
    """Return JSON text in which one key of the object at a place has another value."""
    spans, within = JsonWalk(text).spans, tuple(map(str, place))
    start = spans[within][1]
    known = {path[-1]: span for path, span in spans.items() if path and path[:-1] == within}
    # The text before a key: a line break and the indentation.
    indentation = text[start + 1 : min(at for at, _, _ in known.values())] if known else ""
    new = json.dumps(value, ensure_ascii=False)
    if "\n" in indentation and isinstance(value, list) and value:
        inner = ",".join(f"{indentation}  {json.dumps(one, ensure_ascii=False)}" for one in value)
        new = f"[{inner}{indentation}]"
    if key in known:
        _, begin, end = known[key]
        return text[:begin] + new + text[end:]
    end = max((end for _, _, end in known.values()), default=start + 1)
    between = f",{indentation or ' '}" if known else ""
    return f"{text[:end]}{between}{json.dumps(key)}: {new}{text[end:]}"


_TYPES: Final = {
    type(None): "nothing", dict: "a mapping", str: "a text", bool: "true or false", int: "a number",
    list: "a list",
}  # fmt: skip


def flaws(plan: Plan, documents: Documents) -> Iterator[Finding]:
    """Yield the flaws of a plan itself; other functions check its dependencies and verification.

    Args:
        plan: the plan.
        documents: the documents of the plan's tree.

    Raises:
        MissingFact: the file that describes its options cannot be read.
    """
    if plan.data.problem is not None:
        message = f"{path_text(plan.path)} is not a plan: {plan.data.problem.message}"
        yield plan.finding(message, "Write it as a file that holds the tasks once each.", "unread")
        return
    yield from _list_flaws(plan)
    for task in plan.tasks:
        yield from task_flaws(task)
        first = plan.by_id[normal_id(task.id)] if task.id else task
        if first is not task:
            message = f"{task.id} is listed twice, first as {first.id} in line {first.line}"
            yield _finding(task, message, "Give each task an id of its own.", "id", "repeated")
    yield from option_flaws(plan, documents.read)


def _list_flaws(plan: Plan) -> Iterator[Finding]:
    """Yield the flaws of the list of tasks."""
    listing, where, top = plan.task_list, plan.settings.tasks, plan.tasks_key
    if not isinstance(listing, (list, dict)) or not listing:
        message = f"{path_text(plan.path)} lists no task in {where!r}"
        help = f"List the tasks there, or set {plan.setting('tasks')} to where they are."
        yield plan.finding(message, help, "tasks", top, "tasks")
    for place, value in elements(listing):
        if not isinstance(value, dict):
            message = f"{dotted((*top, place))} is {json_type(value)}, where a task should be"
            help = "Write the task as a mapping with an id, or take it out."
            yield plan.finding(message, help, f"{place}:no task", (*top, place))


def option_flaws(plan: Plan, read: Callable[[bytes], Document | None]) -> Iterator[Finding]:
    """Yield findings about the plan's option, which must be named and described.

    Args:
        plan: the plan.
        read: returns the document at a path; None if there is none.
    """
    name, options = plan.settings.option, plan.settings.options
    if name and not plan.option:
        message = f"{path_text(plan.path)} does not name the option that it was made from ({name!r})"
        help = f'Add `{name}` with the option that was chosen, such as "B".'
        yield plan.finding(message, help, "option", name.split("."), "option")
    elif name and options:
        from specguard.artifacts.sections import describes_option

        path = plan.folder + b"/" + options.encode("utf-8")
        document = read(path)
        if document is None or not describes_option(document, plan.option):
            message = f"{path_text(path)} does not describe the option {shortened(plan.option)!r}"
            help = "Name one that is described there, by its letter."
            yield plan.finding(message, help, "option", name.split("."), "options")


def task_flaws(task: Task) -> Iterator[Finding]:
    """Yield the flaws of a task itself."""
    for name in task.plan.settings.required:
        if task.value_of(name) is None and not (name == "id" and task.id):
            key = task.key_of(name)
            step = f"Add `{key}` to it, or say in {task.plan.setting('keys')} what it is called."
            yield _finding(task, f"{task.name} has no {key}", step, name, "missing", setting="required")
    for name in ("id", "title", "domain", "status", *LIST_KEYS):
        key, value = task.key_of(name), task.value_of(name)
        value = task.id or None if name == "id" and value is None else value
        if value is None:
            continue
        kinds = list if name in LIST_KEYS else (str, int) if name == "id" else str
        if not isinstance(value, kinds) or isinstance(value, bool):
            wanted = "a list of texts" if name in LIST_KEYS else "a text"
            message = f"{key} of {task.name} is {json_type(value)}, not {wanted}"
            yield _finding(task, message, f"Write it as {wanted}.", name, "type")
        elif isinstance(value, list):
            yield from _element_flaws(task, name, value)
        else:
            yield from _text_flaws(task, name, str(value))


def _text_flaws(task: Task, name: str, value: str) -> Iterator[Finding]:
    key, settings = task.key_of(name), task.plan.settings
    if name == "id":
        template = Template(settings.id_format)
        if template.read(task.id) is None:
            example = template.render(dict.fromkeys(template.names, "001"))
            text = f"the id {shortened(task.id)!r} is not of the form {settings.id_format!r}"
            yield _finding(task, text, f"Give it an id such as {example}.", "id", "form", setting="id_format")
    elif name == "status":
        if normal_name(value) not in map(normal_name, settings.statuses):
            among = f"which is not one of {', '.join(settings.statuses)}"
            text = f"{task.name} has the {key} {shortened(value)!r}, {among}"
            step = nearest(value, settings.statuses, "Give it one of these.")
            yield _finding(task, text, step, "status", "unknown", setting="statuses")
    elif not value.strip():
        yield _finding(task, f"the {key} of {task.name} is empty", "Say it.", name, "empty")
    elif _is_placeholder(name, value):
        yield _placeholder_flaw(task, name, value)


def _element_flaws(task: Task, name: str, values: Sequence[Any]) -> Iterator[Finding]:
    key, code = task.key_of(name), task.plan.settings.code
    if not values and name == "done_criteria" and name in task.plan.settings.required:
        message, step = f"{task.name} has no {key}", "Say what holds when it is done."
        yield _finding(task, message, step, name, "empty", setting="required")
    for position, value in enumerate(values):
        text = whole_text(value)
        if not text:
            why = "is empty" if isinstance(value, str) else f"is {json_type(value)}, not a text"
            message, step = f"{key}.{position} of {task.name} {why}", "Write it as a text, or take it out."
            yield _finding(task, message, step, name, f"element:{why}", position)
        elif _is_placeholder(name, text):
            yield _placeholder_flaw(task, name, text, position)
        elif name == "expected_files":
            expected = parse_expected(text, code)
            problem = expected.problem or ("is every file there is" if covers_all(expected) else "")
            message = f"{task.name} expects {shortened(text)!r}, which {problem}"
            step = f"Name the files or folders that the task is to touch, from {code or 'the root'}."
            if problem:
                yield _finding(task, message, step, name, text, position)


def _is_placeholder(name: str, text: str) -> bool:
    # A pattern may have no letter; placeholders among commands only matter when the task is done.
    if name == "expected_files":
        return any(map(str.isalnum, text)) and is_todo(text) and not looks_like_path(text)
    # What a line ends with, as in `Add the command with:`, may be in the lines below it.
    owed = is_todo(text.rstrip(":[]{}, "))
    return name != "verify" and (owed or (name == "done_criteria" and is_bare_nothing(text)))


def _placeholder_flaw(task: Task, name: str, text: str, *below: int) -> Finding:
    what = dotted((task.key_of(name), *below))
    message = f"{what} of {task.name} only has a placeholder: {shortened(text)!r}"
    step = "Say it." if name != "depends_on" else "Name the task, or take it out."
    return _finding(task, message, step, name, f"owed:{text[:60]}", *below)


def _finding(
    task: Task, message: str, help: str, name: str, what: str, *below: int, setting: str = ""
) -> Finding:
    """Return a finding about a property of a task, at the property's line."""
    place: Place = () if task.value_of(name) is None else (task.key_of(name), *below)
    return task.finding(message, help, f"{task.id or '?'}:{name}:{what}", *place, setting=setting)


def json_type(value: Any) -> str:
    """Return the kind of a value, for messages."""
    return _TYPES.get(type(value), "a number")
