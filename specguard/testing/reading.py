"""Reading a case from TOML, and what is said where it is not written as the format asks."""

from __future__ import annotations

import copy
import tomllib
from dataclasses import MISSING, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from specguard.testing.grants import PLACES, Grant
from specguard.testing.stream import Step, plain_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

_STEPS = ("base", "commits")
_STEP = ("staged", "worktree")
_TABLES = ("refs", "event", "env", "states", "report")
_LISTS = ("args", "expect", "notes", "reviews")
_NUMBERS = ("exit_code",)
_OF_WORDS = ("args", "notes", "env", "refs", "states")
_TO_PROCESSES = ("args", "env", "refs", "branch", "origin", "title")
_GRANTS = "approvals"
_OF_GRANTS: dict[str, type] = {
    "rules": list, "paths": list, "findings": list, "issued": int, "expires": int, "edits": dict,
}  # fmt: skip
_EXPECTED = (
    "code", "name", "path", "line", "end_line", "commit", "field", "side", "severity", "state", "authority",
    "message", "help",
)  # fmt: skip
_LONGEST_LIKENESS = 5
_WORDS: dict[type, str] = {str: "text", dict: "a table", list: "a list", int: "a whole number"}


class CaseError(ValueError):
    """A case that is not written as the format asks.

    Args:
        message: what is wrong.
        where: the dotted key that is wrong, with the case's name and `: ` before it; empty where none is.
    """

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.where = where


def read_case(
    text: str | Mapping[str, Any], known: Collection[str], name: str, folder: Path | None = None
) -> dict[str, Any]:
    """The values of a case, its steps made.

    Args:
        text: TOML, or what was read from it.
        known: the keys there are.
        name: how the case is called in messages.
        folder: where it stands; None for a case that is in no file, and can be like no other.

    Raises:
        CaseError: it is no TOML, or a key or value is not the format's.
    """
    table = _table(text, name, folder)
    _check_keys(table, known, name)
    for key, value in table.items():
        where = f"{name}: {key}"
        if key in _STEPS:
            listed = value if isinstance(value, list) else [value]
            table[key] = [
                _step(item, where, "chore: base" if key == "base" else "feat: change") for item in listed
            ]
        elif key in _STEP:
            table[key] = _step(value, where, "")
        elif key == _GRANTS:
            _check_kind(value, list, where)
            table[key] = [_grant(item, f"{where}.{position}") for position, item in enumerate(value)]
        else:
            kinds = {
                **dict.fromkeys(_TABLES, dict),
                **dict.fromkeys(_LISTS, list),
                **dict.fromkeys(_NUMBERS, int),
            }
            _check_kind(value, kinds.get(key, str), where)
            _check_words(key, value, where)
    if "expect" in table:
        table["expect"] = [
            {"code" if one[:1].isupper() else "name": one} if isinstance(one, str) else one
            for one in table["expect"]
        ]
    for position, expected in enumerate(table.get("expect", ())):
        _check_kind(expected, dict, f"{name}: expect.{position}")
        _check_keys(expected, _EXPECTED, f"{name}: expect.{position}")
    return table


def _check_words(key: str, value: Any, where: str) -> None:
    """See that what a process is given can be given to one: no word of it has a NUL."""
    if key in _OF_WORDS:
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            _check_kind(part, str, f"{where}.{name}")
    if key == "env" and any(not name or "=" in name for name in value):
        raise CaseError(f"{where}: no variable has such a name", where)
    if key not in _TO_PROCESSES:
        return
    words = (
        value.items()
        if isinstance(value, dict)
        else [("", value)]
        if isinstance(value, str)
        else enumerate(value)
    )
    if any("\0" in f"{name}{word}" for name, word in words):
        raise CaseError(f"{where} has a NUL, which no word of a command has", where)


def _table(text: str | Mapping[str, Any], name: str, folder: Path | None, depth: int = 0) -> dict[str, Any]:
    """The keys of a case, those of the case that it is like among them."""
    try:
        table = tomllib.loads(text) if isinstance(text, str) else dict(text)
    except tomllib.TOMLDecodeError as error:
        raise CaseError(f"{name}: {error}") from None
    edits = table.pop("edits", {})
    _check_kind(edits, dict, f"{name}: edits")
    for key in ("like", "after"):
        named = table.pop(key, None)
        if named is None:
            continue
        _check_kind(named, str, f"{name}: {key}")
        if folder is None or depth > _LONGEST_LIKENESS or not (folder / named).is_file():
            raise CaseError(f"{name}: there is no case {named!r} that it could be {key}", f"{name}: {key}")
        path = folder / named
        other = _table(path.read_text(encoding="utf-8"), name, path.parent, depth + 1)
        if key == "after":
            steps = [other.get("base", []), other.get("commits", [])]
            base = [step for value in steps for step in (value if isinstance(value, list) else [value])]
            other = {**({"policy": other["policy"]} if "policy" in other else {}), "base": base}
        table = {**other, **table}
    for path, edit in edits.items():
        _edit(table, path, edit, name)
    return table


def _edit(table: dict[str, Any], path: str, edit: Any, name: str) -> None:
    """Change a file: its whole content in the change, parts of it wherever a step has it, or leave it out."""
    for key in (*_STEPS, *_STEP):
        if key in table:
            table[key] = copy.deepcopy(table[key])
    steps = list(_steps(table, (*_STEPS, *_STEP)))
    for step in steps:
        _check_kind(step.get("files", {}), dict, f"{name}: edits: the files of a step")
    having = [step for step in steps if path in step.get("files", {})]
    if isinstance(edit, str):
        change = list(_steps(table, ("commits", *_STEP))) or steps
        for step in [step for step in change if path in step.get("files", {})] or change[-1:]:
            step.setdefault("files", {})[path] = edit
    elif edit is False and having:
        for step in having:
            del step["files"][path]
    elif isinstance(edit, dict) and having:
        for step in having:
            _check_kind(step["files"][path], str, f"{name}: edits: what {path!r} is now")
        for old, new in edit.items():
            _check_kind(new, str, f"{name}: edits, {path!r}")
            if not any(old in step["files"][path] for step in having):
                raise CaseError(f"{name}: edits: {path!r} has no {old!r}", f"{name}: edits")
            for step in having:
                step["files"][path] = step["files"][path].replace(old, new)
    else:
        raise CaseError(
            f"{name}: edits: no step has {path!r}, or what becomes of it is not said", f"{name}: edits"
        )


def _steps(table: Mapping[str, Any], keys: Collection[str]) -> Iterator[dict[str, Any]]:
    for key in keys:
        value = table.get(key, [])
        yield from (
            step for step in (value if isinstance(value, list) else [value]) if isinstance(step, dict)
        )


def _check_keys(table: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for key in table:
        if key not in known:
            near = get_close_matches(key, sorted(known), 1)
            hint = f"did you mean {near[0]!r}?" if near else f"keys are {', '.join(sorted(known))}"
            raise CaseError(
                f"{where}: unknown key {key!r}; {hint}", f"{where}{'.' if ': ' in where else ': '}{key}"
            )


def _check_kind(value: object, kind: type, where: str) -> None:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise CaseError(f"{where} must be {_WORDS[kind]}", where)


def _grant(table: Any, where: str) -> Grant:
    _check_kind(table, dict, where)
    _check_keys(table, {item.name for item in fields(Grant)}, where)
    for key, value in table.items():
        kind = _OF_GRANTS.get(key, str)
        _check_kind(value, kind, f"{where}.{key}")
        for part in value.values() if kind is dict else value if kind is list else ():
            _check_kind(part, str, f"{where}.{key}, each part,")
    if table.get("place", PLACES[0]) not in PLACES:
        raise CaseError(f"{where}.place must be one of {', '.join(PLACES)}", f"{where}.place")
    return Grant(**table)


def _step(table: Any, where: str, message: str) -> Step:
    _check_kind(table, dict, where)
    _check_keys(table, {item.name for item in fields(Step)}, where)
    values: dict[str, Any] = {"message": message, **table}
    for item in fields(Step):
        if item.name not in values:
            continue
        value = values[item.name]
        kind = dict if item.default_factory is not MISSING else str if isinstance(item.default, str) else list
        _check_kind(value, kind, f"{where}.{item.name}")
        for part in value.values() if kind is dict else value if kind is list else ():
            _check_kind(part, str, f"{where}.{item.name}, each part,")
    values["message"] = plain_bytes(values["message"])
    for key in ("delete", "executable"):
        values[key] = [plain_bytes(path) for path in table.get(key, ())]
    for key in ("files", "submodules"):
        values[key] = {plain_bytes(path): text for path, text in table.get(key, {}).items()}
    for key in ("symlinks", "rename"):
        values[key] = {plain_bytes(path): plain_bytes(text) for path, text in table.get(key, {}).items()}
    paths = (
        *values.get("delete", ()), *values.get("executable", ()), *values.get("files", ()),
        *values.get("submodules", ()), *values.get("symlinks", {}), *values.get("symlinks", {}).values(),
        *values.get("rename", {}), *values.get("rename", {}).values(),
    )  # fmt: skip
    if any(b"\0" in path for path in paths):
        raise CaseError(f"{where}: a path has a NUL, which no path has", where)
    return Step(**values)
