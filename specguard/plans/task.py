"""A task of a plan, as far as it can be read, and what is wrong with the shape of tasks and their plan."""

from __future__ import annotations

import json
import re
from functools import cached_property

from specguard.declaration.patterns import Covering, PatternError
from specguard.declaration.rule import Record
from specguard.documents.completeness import owes
from specguard.documents.data import data_kind, dotted, members, written
from specguard.documents.fields import DataEntry, elements, normal_name
from specguard.errors import SpecguardError, nearest
from specguard.model import Finding, Origin, path_text, shortened
from specguard.work.kinds import LISTS, normal_id, number_of
from specguard.work.name_templates import Template, escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

    from specguard.change.tree import Documents
    from specguard.documents.fields import Place
    from specguard.plans.plans import Plan


class Task(DataEntry):
    """A task of a plan.

    Attributes:
        plan: the plan that lists it.
    """

    plan: Plan

    @cached_property
    def id(self) -> str:
        """Its id as it is written; empty if it has none. Where tasks are kept by id, it is their key."""
        value = self.said("id")
        if value is None and isinstance(self.key[-1], str):
            value = self.key[-1]
        return written(value).strip() if isinstance(value, (str, int)) else ""

    @property
    def number(self) -> int | None:
        """The digits of the id as an integer; None if it has none."""
        return number_of(self.id)

    @property
    def name(self) -> str:
        """Its name in messages: its id, or its place if it has none."""
        if self.id.isdigit():
            return f"task {self.id}"
        return self.id or f"the task at {self.field()}"

    @property
    def title(self) -> str:
        """Its title; empty if it has none."""
        return self.text("title")

    @property
    def status(self) -> str:
        """Its status as it is written; empty if it has none."""
        return self.text("status")

    @property
    def depends_on(self) -> Sequence[str]:
        """The ids of the tasks that it needs."""
        return [text for _, text in self.listed("depends_on")]

    @property
    def expected_files(self) -> Sequence[str]:
        """The files, folders and patterns that it is to touch."""
        return [text for _, text in self.listed("expected_files")]

    @property
    def done_criteria(self) -> Sequence[str]:
        """The conditions that hold when it is done."""
        return [text for _, text in self.listed("done_criteria")]

    @property
    def started(self) -> bool:
        """True if its status says that it was begun."""
        return self._has(self.plan.settings.started)

    @property
    def done(self) -> bool:
        """True if its status says that it is done."""
        return self._has(self.plan.settings.done)

    @property
    def deferred(self) -> bool:
        """True if its status says that it is put off, so that nothing waits for it."""
        return self._has(["deferred"])

    @property
    def line(self) -> int | None:
        """The line at which it stands: that of its id, where it has one."""
        return self.line_of(*([] if self.said("id") is None else [self.key_of("id")]))

    def key_of(self, name: str) -> str:
        """The key under which something of it stands, or would: one of `specguard.work.kinds.KEYS`."""
        return self.plan.settings.key_of(name)

    def said(self, name: str) -> Any:
        """The value of something that plans say of tasks; None if nothing is said."""
        return self.value.get(self.key_of(name))

    def text(self, name: str) -> str:
        """A text that the plan has for a task; empty if it has none."""
        value = self.said(name)
        return value.strip() if isinstance(value, str) else ""

    def listed(self, name: str) -> Sequence[tuple[Place, str]]:
        """The texts of a list that the plan has for a task, each with its place below the task."""
        value, key = self.said(name), self.key_of(name)
        texts = [(at, element_text(one)) for at, one in enumerate(value if isinstance(value, list) else ())]
        return [((key, at), text) for at, text in texts if text]

    @property
    def expected_paths(self) -> Covering:
        """The paths that its `expected_files` cover together; entries without a meaning are left out."""
        code = self.plan.settings.code
        patterns = [text for one in self.expected_files for text in expectation(one, code).paths.patterns]
        return Covering(list(dict.fromkeys(patterns)))

    def origin(self, name: str) -> Origin:
        """The place of a field in the plan, for a citation.

        Args:
            name: one of `specguard.work.kinds.KEYS`.
        """
        line = self.line if self.said(name) is None else self.line_of(self.key_of(name))
        return Origin(path_text(self.plan.path), line or 0)

    def finding(
        self,
        message: str,
        help: str,
        key: str,
        *place: str | int,
        setting: str = "",
    ) -> Finding:
        """A finding about it, or about something within it.

        Args:
            message: what is wrong.
            help: the next step.
            key: what tells it from others.
            place: where it is, below the task.
            setting: the key of its kind's table that asks for it.
        """
        found = self.plan.finding(message, help, key, (*self.key, *place), setting)
        found.line = found.line if place else self.line
        return found

    def _has(self, statuses: Sequence[str]) -> bool:
        return bool(self.status) and normal_name(self.status) in map(normal_name, statuses)


def element_text(value: Any) -> str:
    """The text of an element of a list; empty if it is none."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


# A remark and a line behind a path: `src/x.py (new)`, `src/x.py:12`.
_REMARK: Final = re.compile(r"(?<!\s)\s+(?:\([^()]*\)|#.*|(?:--?|\u2013|\u2014)\s.*)$")
_LINES: Final = re.compile(r"(?::[0-9]+(?:[-:][0-9]+)?|#L[0-9]+(?:-L?[0-9]+)?)$")
_PROBES: Final = (b"\x01", b"\x01/\x02", b"\x02/\x01/\x02")
LONGEST: Final = 1000
"""How many characters an expected path has at most."""

# What is nothing, absolute, climbs out of its folder, has backslashes for slashes, or control characters.
_NO_PATH: Final = re.compile(
    r"\Z|[/~]|[A-Za-z]:[\\/]|(?:.*/)?\.\.(?:/|\Z)|[^/]*\\[^/]*\Z|.*[\0-\x1f\x7f]", re.DOTALL
)


class Expectation(Record):
    """The paths that one entry of `expected_files` covers.

    Attributes:
        paths: patterns from the repository's root; empty if the entry means none.
        problem: why it means none, as a clause; empty if it does.
    """

    paths: Covering
    problem: str = ""


def expectation(text: str, code: str = "") -> Expectation:
    """The paths that an entry of `expected_files` covers: a file, a folder with its content, or a pattern.

    A name is also taken as it stands, so that `app/[id]/page.tsx` is that file. A remark behind the path
    (`src/x.py (new)`) and a line (`src/x.py:12`) are left out.

    Args:
        text: the entry.
        code: the folder that it is relative to; empty for the repository's root.
    """
    path = text.strip()
    if len(path) > LONGEST:
        return Expectation(Covering(), f"has more than {LONGEST} characters")
    path = _LINES.sub("", _REMARK.sub("", path, count=1)).strip("`'\"")
    if _NO_PATH.match(path):
        return Expectation(Covering(), "is no path within the repository, with '/' between its parts")
    while path.startswith("./"):
        path = path[2:]
    folder = escape(code.strip("/"))
    if path in {"", "."}:
        return Expectation(Covering([folder or "**"]))
    ahead = f"{folder}/" if folder else ""
    try:
        return Expectation(Covering([ahead + escape(path), ahead + path]))
    except PatternError:
        # As a name it may still be one; as a pattern it is none.
        if not any(char in path for char in "*?"):
            return Expectation(Covering([ahead + escape(path)]))
        return Expectation(Covering(), "is no pattern")


def expects_all(expected: Expectation) -> bool:
    """True if an entry covers every file there is."""
    if not any("*" in pattern for pattern in expected.paths.patterns):
        return False
    return all(expected.paths.find(probe) is not None for probe in _PROBES)


def marked(text: str, task: Task, *, status: str, evidence: Sequence[Any] = ()) -> str:
    """The text of a plan's file with another status of one task, and with evidence added to what it has.

    Args:
        text: the file as it is, which the task was read from.
        task: the task.
        status: its status from now on.
        evidence: further entries of its verification, as `specguard.plans.verification` reads them.

    Returns:
        The text; all but these two values is left as it is written.

    Raises:
        SpecguardError: the file is no JSON.
    """
    if data_kind(task.plan.path) != "json":
        said, help = "specguard marks tasks only in plans that are JSON", "mark it by hand, with its evidence"
        raise SpecguardError(said, path=path_text(task.plan.path), help=help)
    text = _with(text, task.key, task.key_of("status"), status)
    if not evidence:
        return text
    known = task.said("verification")
    known = known if isinstance(known, list) else [] if known is None else [known]
    return _with(text, task.key, task.key_of("verification"), [*known, *evidence])


def _with(text: str, place: Place, key: str, value: Any) -> str:
    """A text of JSON in which one key of the object at a place has another value."""
    start = min(at for at in map(text.find, "[{") if at >= 0)
    for part in place:
        # Of a key that is there twice the file could not be read.
        start = next(begin for name, _, begin, _ in members(text, start) if name == part)
    known = members(text, start)
    # What stands before a key, with its line's indentation.
    lead = text[start + 1 : known[0][1]] if known else ""
    new = json.dumps(value, ensure_ascii=False)
    if "\n" in lead and isinstance(value, list) and value:
        inner = ",".join(f"{lead}  {json.dumps(one, ensure_ascii=False)}" for one in value)
        new = f"[{inner}{lead}]"
    same = next((member for member in known if member[0] == key), None)
    if same is not None:
        return text[: same[2]] + new + text[same[3] :]
    end = known[-1][3] if known else start + 1
    between = f",{lead or ' '}" if known else ""
    return f"{text[:end]}{between}{json.dumps(key)}: {new}{text[end:]}"


_KINDS: Final = {
    type(None): "nothing", dict: "a mapping", str: "a text", bool: "true or false", int: "a number",
    list: "a list",
}  # fmt: skip


def flaws(plan: Plan, documents: Documents) -> Iterator[Finding]:
    """The flaws of a plan itself; its dependencies and its verification are checked elsewhere.

    Args:
        plan: the plan.
        documents: those of the tree that it is in.

    Raises:
        MissingFact: the file that describes its options cannot be read.
    """
    if plan.data.problem is not None:
        said = f"{path_text(plan.path)} is no plan: {plan.data.problem.message}"
        yield plan.finding(said, "Write it as a file that holds the tasks once each.", "unread")
        return
    yield from _listing(plan)
    seen: dict[str, Task] = {}
    for task in plan.tasks:
        yield from task_flaws(task)
        first = seen.setdefault(normal_id(task.id), task) if task.id else task
        if first is not task:
            said = f"{task.id} is listed twice, first as {first.id} in line {first.line}"
            yield _of_task(task, said, "Give each task an id of its own.", "id", "repeated")
    yield from _option(plan, documents)


def _listing(plan: Plan) -> Iterator[Finding]:
    """The flaws of the list of tasks."""
    listing, where, top = plan.listing, plan.settings.tasks, plan.tasks_key
    if not isinstance(listing, (list, dict)) or not listing:
        said = f"{path_text(plan.path)} lists no task in {where!r}"
        help = f"List the tasks there, or set {plan.setting('tasks')} to where they are."
        yield plan.finding(said, help, "tasks", top, "tasks")
    for place, value in elements(listing):
        if not isinstance(value, dict):
            said = f"{dotted((*top, place))} is {kind_of(value)}, where a task should be"
            help = "Write the task as a mapping with an id, or take it out."
            yield plan.finding(said, help, f"{place}:no task", (*top, place))


def _option(plan: Plan, documents: Documents) -> Iterator[Finding]:
    """The findings about the plan's option: it must be named, and one that is described."""
    name, options = plan.settings.option, plan.settings.options
    if name and not plan.option:
        said = f"{path_text(plan.path)} does not name the option that it was made from ({name!r})"
        help = f'Add `{name}` with the option that was chosen, such as "B".'
        yield plan.finding(said, help, "option", name.split("."), "option")
    elif name and options:
        from specguard.artifacts.sections import describes

        path = plan.folder + b"/" + options.encode("utf-8")
        document = documents.read(path)
        if document is None or not describes(document, plan.option):
            said = f"{path_text(path)} does not describe the option {shortened(plan.option)!r}"
            help = "Name one that is described there, by its letter."
            yield plan.finding(said, help, "option", name.split("."), "options")


def task_flaws(task: Task) -> Iterator[Finding]:
    """The flaws of a task itself."""
    for name in task.plan.settings.required:
        if task.said(name) is None and not (name == "id" and task.id):
            key = task.key_of(name)
            step = f"Add `{key}` to it, or say in {task.plan.setting('keys')} what it is called."
            yield _of_task(task, f"{task.name} has no {key}", step, name, "missing", setting="required")
    for name in ("id", "title", "domain", "status", *LISTS):
        key, value = task.key_of(name), task.said(name)
        value = task.id or None if name == "id" and value is None else value
        if value is None:
            continue
        kinds = list if name in LISTS else (str, int) if name == "id" else str
        if not isinstance(value, kinds) or isinstance(value, bool):
            wanted = "a list of texts" if name in LISTS else "a text"
            said = f"{key} of {task.name} is {kind_of(value)}, not {wanted}"
            yield _of_task(task, said, f"Write it as {wanted}.", name, "type")
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
            yield _of_task(task, said, f"Give it an id such as {example}.", "id", "form", setting="id_format")
    elif name == "status":
        if normal_name(value) not in map(normal_name, settings.statuses):
            among = f"which is not one of {', '.join(settings.statuses)}"
            said = f"{task.name} has the {key} {shortened(value)!r}, {among}"
            step = nearest(value, settings.statuses, "Give it one of these.")
            yield _of_task(task, said, step, "status", "unknown", setting="statuses")
    elif not value.strip():
        yield _of_task(task, f"the {key} of {task.name} is empty", "Say it.", name, "empty")
    elif owes(value):
        yield _owed(task, name, value)


def _list(task: Task, name: str, values: Sequence[Any]) -> Iterator[Finding]:
    key, code = task.key_of(name), task.plan.settings.code
    if not values and name == "done_criteria" and name in task.plan.settings.required:
        said, step = f"{task.name} has no {key}", "Say what holds when it is done."
        yield _of_task(task, said, step, name, "empty", setting="required")
    for position, value in enumerate(values):
        text = element_text(value)
        if not text:
            why = "is empty" if value == "" else f"is {kind_of(value)}, not a text"
            said, step = f"{key}.{position} of {task.name} {why}", "Write it as a text, or take it out."
            yield _of_task(task, said, step, name, f"element:{why}", position)
        # A pattern may be without a letter, and a placeholder among commands matters once the task is done.
        elif name != "verify" and any(map(str.isalnum, text)) and owes(text):
            yield _owed(task, name, text, position)
        elif name == "expected_files":
            expected = expectation(text, code)
            problem = expected.problem or ("is every file there is" if expects_all(expected) else "")
            said = f"{task.name} expects {shortened(text)!r}, which {problem}"
            step = f"Name the files or folders that the task is to touch, from {code or 'the root'}."
            if problem:
                yield _of_task(task, said, step, name, text, position)


def _owed(task: Task, name: str, text: str, *below: int) -> Finding:
    what = dotted((task.key_of(name), *below))
    said = f"{what} of {task.name} only has a placeholder: {shortened(text)!r}"
    step = "Say it." if name != "depends_on" else "Name the task, or take it out."
    return _of_task(task, said, step, name, f"owed:{text[:60]}", *below)


def _of_task(
    task: Task, message: str, help: str, name: str, what: str, *below: int, setting: str = ""
) -> Finding:
    """A finding about something of a task, at its line."""
    place: Place = () if task.said(name) is None else (task.key_of(name), *below)
    return task.finding(message, help, f"{task.id or '?'}:{name}:{what}", *place, setting=setting)


def kind_of(value: Any) -> str:
    """The kind of a value, for messages."""
    return _KINDS.get(type(value), "a number")
