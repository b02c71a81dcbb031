"""Pointers: JSON files of the trusted base that name the current work item and hold its fields."""

from __future__ import annotations

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from specguard.change.tree import Tree
    from specguard.work.kinds import WorkKind

LARGEST: Final = 1 << 20
"""A pointer of more bytes is none."""

_ID = re.compile("(?:[A-Za-z]{1,40}[-_ ]?)?([0-9]{1,18})")
"""A number as text, alone or behind its word: `12`, `task_003`."""

_FILE_TYPES: Final = {0o120000: "a symbolic link", 0o160000: "a submodule", 0o040000: "a directory"}


class Tried:
    """One place that was looked at, and what was there.

    Attributes:
        place: a path, or a template that could not be filled in.
        outcome: what came of it, e.g. `is not there`.
    """

    __slots__ = ("outcome", "place")

    def __init__(self, place: str, outcome: str) -> None:
        self.place = place
        self.outcome = outcome

    def __str__(self) -> str:
        return f"{self.place} {self.outcome}"

    def __repr__(self) -> str:
        return f"Tried({str(self)!r})"


class Pointer:
    """The file that an item is resolved by: one that names the current item, or one that lists all of them.

    Attributes:
        path: its path; None where there is no such file.
        data: its JSON object.
        number: the number of the item it names; None for a file that lists all.
        id: the same as text, as the file has it.
        line: the line of the number's key, or of the item's entry, from 1; None where it cannot be told.
        tried: every place that was looked at.
        problem: what is wrong, in one sentence; empty where nothing is.
    """

    __slots__ = ("data", "id", "line", "number", "path", "problem", "tried")

    def __init__(self, *, path: bytes | None, tried: Sequence[Tried], problem: str = "") -> None:
        self.path = path
        self.tried = tried
        self.problem = problem
        self.data: Any = None
        self.number: int | None = None
        self.id = ""
        self.line: int | None = None


class Shape(Exception):
    """A JSON value that is not of the shape a kind asks for."""


def read_pointer(kind: WorkKind, tree: Tree) -> Pointer:
    """The pointer of a kind.

    Args:
        kind: its `pointer` and `number`.
        tree: the trusted base's files.

    Raises:
        MissingFact: the tree or the file cannot be read.
    """
    places = kind.pointer
    tried: list[Tried] = []
    for place in places:
        path = place.encode("utf-8")
        entry = tree.find(path)
        if entry is None:
            tried.append(Tried(place, "is not there"))
            continue
        pointer = Pointer(path=path, tried=tried)
        try:
            text = _read(tree, path, entry.mode)
            pointer.data = _parse(text)
            pointer.id, pointer.number = number_in(pointer.data, kind.number)
            pointer.line = line_of(text, kind.number)
        except Shape as problem:
            tried.append(Tried(place, str(problem)))
            pointer.problem = f"{place} {problem}"
        else:
            tried.append(Tried(place, "was read"))
        return pointer
    return Pointer(path=None, tried=tried, problem=f"none of {', '.join(places)} exists" if places else "")


def number_in(data: Any, field: str) -> tuple[str, int]:
    """The number that a field of a JSON object holds, as text and as an integer.

    Raises:
        Shape: it is no object, the field is missing, or it holds no number.
    """
    if not isinstance(data, dict):
        raise Shape("holds no JSON object")
    value = value_at(data, field)
    if value is None:
        raise Shape(f"has no {field!r}, which should hold the number of the current item")
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18:
        return str(value), value
    match = _ID.fullmatch(value) if isinstance(value, str) else None
    if match:
        return value, int(match.group(1))
    raise Shape(
        f"has {json.dumps(value)[:60]} in {field!r}, which should hold the number of the current item"
    )


def value_at(data: Any, path: str) -> Any:
    """The value at a dotted path of a JSON value; None where there is none (or `null`)."""
    if not path:
        return data
    for key in path.split("."):
        if not isinstance(data, dict):
            return None
        data = data.get(key)
    return data


def text_at(data: Any, path: str) -> str | None:
    """The text or integer at a dotted path, as text; None where there is none.

    Raises:
        Shape: something else is there, or a text that no name can hold.
    """
    value = value_at(data, path)
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        if any(char < " " or char == "\x7f" for char in value) or len(value) > 500:
            raise Shape(f"has a text in {path!r} that no name can hold")
        return value
    raise Shape(f"has {json.dumps(value)[:60]} in {path!r}, which should hold a text or a number")


def same_id(one: str, other: str) -> bool:
    """Whether two ids are the same, or the same number padded differently."""
    if one.isascii() and other.isascii() and one.isdigit() and other.isdigit():
        return one.lstrip("0") == other.lstrip("0")
    return one == other


def line_of(text: str, field: str) -> int | None:
    """The line of a field's key in a JSON text, where its last key stands there only once."""
    key = json.dumps(field.rpartition(".")[2])
    lines = [
        number for number, line in enumerate(text.split("\n"), 1) if re.search(re.escape(key) + r"\s*:", line)
    ]
    return lines[0] if len(lines) == 1 else None


def file_type(mode: int) -> str:
    """What an entry of a tree is where it is no regular file; empty for one."""
    return _FILE_TYPES.get(mode & 0o170000, "")


def _read(tree: Tree, path: bytes, mode: int) -> str:
    kind = file_type(mode)
    if kind:
        raise Shape(f"is {kind}, not a file")
    data = tree.read(path) or b""
    if len(data) > LARGEST:
        raise Shape(f"has {len(data)} bytes, more than the {LARGEST} that are read")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Shape("is not UTF-8") from None


def _parse(text: str) -> Any:
    try:
        data = json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise Shape("is nested too deeply to be read") from None
    except json.JSONDecodeError as error:
        raise Shape(f"is not JSON: {error.msg} in line {error.lineno}") from None
    except ValueError as error:
        raise Shape(f"is not JSON: {error}") from None
    if not isinstance(data, (dict, list)):
        raise Shape("holds no JSON object")
    return data


def _unique(pairs: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
    """An object whose keys stand once each: which of two would count is anyone's guess."""
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands in it twice")
    return result
