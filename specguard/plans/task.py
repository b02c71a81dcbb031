"""A task of a plan, as far as it can be read; what is wrong with its shape is said elsewhere."""

from __future__ import annotations

import json
import re

from specguard.declaration.patterns import Covering, PatternError
from specguard.declaration.rule import Record
from specguard.documents.data import data_kind, dotted, written
from specguard.documents.fields import normal_name
from specguard.errors import SpecguardError
from specguard.model import Origin, path_text
from specguard.work.kinds import number_of
from specguard.work.templates import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from specguard.plans.plans import Plan


TEXT_KEYS: Final = {
    "depends_on": ("id", "task", "task_id"),
    "expected_files": ("path", "file"),
    "verify": ("command", "cmd", "run"),
    "done_criteria": ("text", "criterion", "description", "title"),
}
"""Of a list's element that is a mapping, the keys that hold its text."""

_PUT_OFF: Final = "deferred"


class Task:
    """A task of a plan.

    Attributes:
        plan: the plan that lists it.
        key: its place in the plan's file: the keys and positions from the top.
        raw: its mapping.
        id: its id as it is written; empty where it has none.
        number: the digits of the id as an integer; None where it has none.
    """

    __slots__ = ("id", "key", "number", "plan", "raw")

    def __init__(self, plan: Plan, key: Sequence[str | int], raw: Mapping[str, Any]) -> None:
        self.plan = plan
        self.key = tuple(key)
        self.raw = raw
        found = self.find("id")
        # Where tasks are kept by id, the id is their key.
        value = found[1] if found else key[-1] if isinstance(key[-1], str) else ""
        self.id = written(value).strip() if isinstance(value, (str, int)) else ""
        self.number = number_of(self.id)

    @property
    def name(self) -> str:
        """What messages call it: its id, or its place where it has none."""
        if self.id.isdigit():
            return f"task {self.id}"
        return self.id or f"the task at {self.field()}"

    @property
    def title(self) -> str:
        """Its title; empty where it has none."""
        return self.text("title")

    @property
    def status(self) -> str:
        """Its status as it is written; empty where it has none."""
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
    def verify(self) -> Sequence[str]:
        """The commands that verify it."""
        return [text for _, text in self.listed("verify")]

    @property
    def done_criteria(self) -> Sequence[str]:
        """What holds when it is done."""
        return [text for _, text in self.listed("done_criteria")]

    @property
    def started(self) -> bool:
        """Whether its status says that it was begun."""
        return self._has(self.plan.settings.started)

    @property
    def done(self) -> bool:
        """Whether its status says that it is done."""
        return self._has(self.plan.settings.done)

    @property
    def deferred(self) -> bool:
        """Whether its status says that it is put off, so that nothing waits for it."""
        return self._has([_PUT_OFF])

    @property
    def line(self) -> int | None:
        """The line at which it stands: that of its id, where it has one."""
        found = self.find("id")
        return self.plan.data.line((*self.key, found[0]) if found else self.key)

    def find(self, name: str) -> tuple[str, Any] | None:
        """The key and the value of something that plans say of tasks; None where nothing, or `null`, is said.

        Args:
            name: one of `specguard.plans.settings.KEYS`.
        """
        for key in self.plan.settings.keys_of(name):
            if self.raw.get(key) is not None:
                return key, self.raw[key]
        return None

    def text(self, name: str) -> str:
        """A text that the plan has for a task; empty where it has none."""
        found = self.find(name)
        return found[1].strip() if found and isinstance(found[1], str) else ""

    def listed(self, name: str) -> Sequence[tuple[tuple[str | int, ...], str]]:
        """The texts of a list that the plan has for a task, each with its place below the task."""
        found = self.find(name)
        if found is None or not isinstance(found[1], list):
            return []
        key, values = found
        texts = [((key, position), element_text(name, value)) for position, value in enumerate(values)]
        return [(place, text) for place, text in texts if text]

    def line_of(self, *below: str | int) -> int | None:
        """The line of something within it."""
        return self.plan.data.line((*self.key, *below))

    def field(self, *below: str | int) -> str:
        """The dotted key of the task, or of something within it."""
        return dotted((*self.key, *below))

    @property
    def expected_paths(self) -> Covering:
        """What its `expected_files` cover, from the repository's root."""
        return expected_paths(self.expected_files, self.plan.settings.code)

    def origin(self, name: str) -> Origin:
        """Where the plan says something of it, for a citation.

        Args:
            name: one of `specguard.plans.settings.KEYS`.
        """
        found = self.find(name)
        line = self.line_of(found[0]) if found else self.line
        return Origin(path_text(self.plan.path), line or 0)

    def _has(self, statuses: Sequence[str]) -> bool:
        status = normal_name(self.status)
        return bool(status) and any(normal_name(one) == status for one in statuses)

    def __repr__(self) -> str:
        return f"Task({self.id!r}, {self.status!r})"


def element_text(name: str, value: Any) -> str:
    """The text of an element of a list; empty where it has none."""
    if isinstance(value, dict):
        value = next((value[key] for key in TEXT_KEYS[name] if key in value), None)
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


_REMARK: Final = re.compile(r"(?<!\s)\s+(?:\([^()]*\)|#.*|(?:--?|\u2013|\u2014)\s.*)$")
_LINES: Final = re.compile(r"(?::[0-9]+(?:[-:][0-9]+)?|#L[0-9]+(?:-L?[0-9]+)?)$")
_PROBES: Final = (b"\x01", b"\x01/\x02", b"\x02/\x01/\x02")
LONGEST: Final = 1000
"""How many characters an expected path has at most."""


class Expectation(Record):
    """What one entry of `expected_files` covers.

    Attributes:
        text: the entry as it is written.
        paths: patterns from the repository's root; empty where the entry means none.
        problem: why it means none, as a clause; empty where it does.
    """

    text: str
    paths: Covering
    problem: str = ""


def expectation(text: str, code: str = "") -> Expectation:
    """What an entry of `expected_files` covers: a file, a folder with all below it, or a pattern.

    A name is also taken as it stands, so that `app/[id]/page.tsx` is that file. A remark behind the path
    (`src/x.py (new)`) and a line (`src/x.py:12`) are left out.

    Args:
        text: the entry.
        code: the folder that it is relative to; empty for the repository's root.
    """
    path = text.strip()
    if len(path) <= LONGEST:
        path = _LINES.sub("", _REMARK.sub("", path, count=1)).strip("`'\"")
    problem = _problem(path)
    if problem:
        return Expectation(text, Covering(), problem)
    while path.startswith("./"):
        path = path[2:]
    folder = code.strip("/")
    if path in {"", "."}:
        return Expectation(text, Covering([escape(folder)] if folder else ["**"]))
    ahead = f"{escape(folder)}/" if folder else ""
    patterns = [ahead + escape(path)]
    problem = ""
    try:
        Covering.translate(ahead + path)
    except PatternError as error:
        # As a name it may still be one; as a pattern it is none.
        problem = "" if _is_name(path) else _clause(error)
    else:
        patterns.append(ahead + path)
    try:
        return Expectation(text, Covering(patterns), problem)
    except PatternError as error:
        return Expectation(text, Covering(), _clause(error))


def expected_paths(texts: Sequence[str], code: str = "") -> Covering:
    """What a task's `expected_files` cover together; entries that mean nothing are left out."""
    patterns = [pattern for text in texts for pattern in expectation(text, code).paths.patterns]
    return Covering(list(dict.fromkeys(patterns)))


def expects_all(expected: Expectation) -> bool:
    """Whether an entry covers every file there is."""
    if not any("*" in pattern for pattern in expected.paths.patterns):
        return False
    return all(expected.paths.find(probe) is not None for probe in _PROBES)


def _problem(path: str) -> str:
    if not path:
        return "is no path"
    if len(path) > LONGEST:
        return f"has more than {LONGEST} characters"
    if path.startswith(("/", "~")) or re.match("[A-Za-z]:[\\\\/]", path):
        return "is an absolute path, which is another one on every machine"
    if ".." in path.split("/"):
        return "climbs out of the folder that it is relative to"
    if "\\" in path and "/" not in path:
        return "is written with backslashes"
    if any(char < " " or char == "\x7f" for char in path):
        return "has a control character"
    return ""


def _is_name(path: str) -> bool:
    return not any(char in path for char in "*?")


def _clause(error: PatternError) -> str:
    """What is wrong with a pattern, without the pattern."""
    text = str(error)
    return text.partition("' ")[2] or text


_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder()


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
        raise SpecguardError(
            "specguard marks tasks only in plans that are JSON",
            path=path_text(task.plan.path),
            help="mark it by hand, with what it was verified by",
        )
    found = task.find("status")
    key = found[0] if found else task.plan.settings.keys_of("status")[0]
    text = _with(text, task.key, key, status)
    if not evidence:
        return text
    said = task.find("verification")
    name = said[0] if said else task.plan.settings.keys_of("verification")[0]
    before = said[1] if said else []
    known = before if isinstance(before, list) else [before]
    return _with(text, task.key, name, [*known, *evidence])


def _with(text: str, place: Sequence[str | int], key: str, value: Any) -> str:
    """A text of JSON in which one key of the object at a place has another value."""
    start = _find(text, 0, place)
    members = list(_members(text, start))
    same = next((member for member in members if member[0] == key), None)
    if same is not None:
        _, at, begin, end = same
        return text[:begin] + _written(text, at, value) + text[end:]
    if not members:
        return f"{text[: start + 1]}{json.dumps(key)}: {_written(text, start, value)}{text[start + 1 :]}"
    _, at, _, end = members[-1]
    line = _indent(text, at)
    # On a line of its own where the last key has one.
    alone = text[:at].endswith(line) and text[: at - len(line)].endswith("\n")
    between = f",{_line_end(text)}{line}" if alone else ", "
    return f"{text[:end]}{between}{json.dumps(key)}: {_written(text, at, value)}{text[end:]}"


def _written(text: str, at: int, value: Any) -> str:
    """A value as JSON: a list with a line for each element, further in than the line of its key."""
    plain = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, list) or not value:
        return plain
    line = _indent(text, at)
    step = "\t" if line.startswith("\t") else "  "
    end = _line_end(text)
    inner = f",{end}{line}{step}".join(json.dumps(one, ensure_ascii=False) for one in value)
    return f"[{end}{line}{step}{inner}{end}{line}]"


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _indent(text: str, at: int) -> str:
    """What stands before the first word of the line of a position."""
    begin = text.rfind("\n", 0, at) + 1
    return text[begin : begin + len(text[begin:at]) - len(text[begin:at].lstrip(" \t"))]


def _find(text: str, at: int, place: Sequence[str | int]) -> int:
    """Where the value at a place begins."""
    at = _over_space(text, at or int(text.startswith("\ufeff")))
    if not place:
        return at
    first, *rest = place
    if text[at] == "{":
        # Of a key that is there twice the file could not be read.
        begin = next(begin for name, _, begin, _ in _members(text, at) if name == str(first))
        return _find(text, begin, rest)
    at = _over_space(text, at + 1)
    for _ in range(int(first)):
        _, end = _DECODER.raw_decode(text, at)
        at = _over_space(text, _over_space(text, end) + 1)
    return _find(text, at, rest)


def _members(text: str, start: int) -> Sequence[tuple[str, int, int, int]]:
    """The members of an object: the key, where it begins, and where its value begins and ends."""
    found = []
    at = _over_space(text, start + 1)
    while text[at] != "}":
        key, end = _DECODER.raw_decode(text, at)
        begin = _over_space(text, _over_space(text, end) + 1)
        _, end = _DECODER.raw_decode(text, begin)
        found.append((key, at, begin, end))
        at = _over_space(text, end)
        if text[at] == ",":
            at = _over_space(text, at + 1)
    return found


def _over_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
