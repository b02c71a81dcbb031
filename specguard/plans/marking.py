"""Marking a task in the file of its plan: done, with what shows it, and nothing else of the file touched."""

from __future__ import annotations

import json
import re

from specguard.documents.data import data_kind
from specguard.errors import SpecguardError
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    from specguard.plans.task import Task

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder()


def marked(text: str, task: Task, *, status: str, evidence: Sequence[Any] = ()) -> str:
    """The text of a plan's file with another status of one task, and with evidence added to what it has.

    Args:
        text: the file as it is, which the task was read from.
        task: the task.
        status: its status from now on.
        evidence: further entries of its verification, as `specguard.plans.evidence` reads them.

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
