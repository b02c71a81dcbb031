"""The files of cases: their tables, which one builds on another, and the forms of what is in them."""

from __future__ import annotations

import copy
import datetime
import tomllib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from specguard.errors import nearest
from specguard.testing.repository import Step, plain_bytes

_STEP_MESSAGES = {"base": "chore: base", "commits": "feat: change", "staged": "", "worktree": ""}
"""The keys that hold steps, with the default message; what is not committed is one step, and has none."""

_TARGETS = ("symlinks", "rename")
_PATHS = ("delete", "executable", "files", "submodules", *_TARGETS)
_BEFORE_KEYS = ("like", "after")
"""The keys that name another case of the folder."""

_EARLIER_KEYS = (*_BEFORE_KEYS, "edits", "name")
"""The keys of a case that are read before its others."""

_MAX_LIKE_DEPTH = 5
_KIND_NAMES = {str: "text", dict: "a table", list: "a list", int: "a whole number"}
_KINDS = {"Sequence": list, "Mapping": dict, "Texts": dict, "Ids": dict, "int": int}
"""The type of a field's values, by the beginning of its annotation; other fields are texts."""


class CaseError(ValueError):
    """A case is not in the format.

    Args:
        problem: the problem, with the key that has it.
        where: the dotted key with the problem; empty if no key has it.
        name: the name of the case; empty if it is not known.
    """

    def __init__(self, problem: str, where: str = "", name: str = "") -> None:
        super().__init__(f"{name}: {problem}" if name else problem)
        self.problem = problem
        self.where = where


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Name the case in the errors of the block."""
    try:
        yield
    except CaseError as error:
        raise CaseError(error.problem, error.where, name) from None


def _check_form(value: Any, form: str, where: str) -> None:
    """Check that a value, and each part of it, matches a field's annotation; steps are checked when read."""
    if "Step" in form:
        return
    kind = next((kind for begins, kind in _KINDS.items() if form.startswith(begins)), str)
    _check_kind(value, kind, where)
    if kind in (list, dict) and "Any" not in form and "Grant" not in form:
        for name, part in value.items() if kind is dict else enumerate(value):
            _check_kind(part, str, f"{where}.{name}")


def checked_table(table: Any, forms: Mapping[str, str], where: str = "") -> dict[str, Any]:
    """Return a table whose keys are known, and whose values match their annotations.

    Args:
        table: the table.
        forms: the annotations of the values, by key.
        where: its dotted key; empty for that of a case.

    Raises:
        CaseError: the table has other keys or values.
    """
    _check_kind(table, dict, where)
    for key, value in table.items():
        place = f"{where}.{key}" if where else key
        if key not in forms:
            known = {*forms, *(() if where else _EARLIER_KEYS)}
            problem = f"unknown key {key!r}; {nearest(key, known - {key})}"
            raise CaseError(f"{where}: {problem}" if where else problem, place)
        _check_form(value, forms[key], place)
    return dict(table)


def _parse(text: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of a case or a file of cases, parsed if it is a text.

    Raises:
        CaseError: the text is not TOML.
    """
    try:
        return tomllib.loads(text) if isinstance(text, str) else dict(text)
    except tomllib.TOMLDecodeError as error:
        raise CaseError(str(error)) from None


def split_cases(text: str | Mapping[str, Any], name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the cases of a file by name: the file itself, or its `cases` merged over the file's keys.

    Args:
        text: the file's text, or its parsed table.
        name: the name of the case if the file is one.

    Raises:
        CaseError: the text is not TOML, or `cases` is not a list of tables with unique names.
    """
    shared = _parse(text)
    listed = shared.pop("cases", None)
    if listed is None:
        return [(name, shared)]
    if not isinstance(listed, list) or not listed:
        raise CaseError("cases must be a list with a case in it", "cases")
    split: dict[str, dict[str, Any]] = {}
    for position, case in enumerate(listed):
        where = f"cases.{position}"
        _check_kind(case, dict, where)
        own = dict(case)
        called = own.pop("name", "")
        _check_kind(called, str, f"{where}.name")
        if not called or called in split:
            raise CaseError(f"{where} needs a `name` that no other case of the file has", where)
        split[called] = {**shared, **own}
    return list(split.items())


def read_table(text: str | Mapping[str, Any], folder: Path | None, depth: int = 0) -> dict[str, Any]:
    """Return the keys of a case, merged over those of the case that it is like."""
    table = _parse(text)
    edits = table.pop("edits", {})
    _check_kind(edits, dict, "edits")
    for key in _BEFORE_KEYS:
        named = table.pop(key, None)
        if named is None:
            continue
        _check_kind(named, str, key)
        if folder is None or depth > _MAX_LIKE_DEPTH or not (folder / named).is_file():
            raise CaseError(f"there is no case {named!r} that it could be {key}", key)
        path = folder / named
        other = read_table(path.read_text(encoding="utf-8"), path.parent, depth + 1)
        if key == "after":
            base = list(_steps(other, ("base", "commits")))
            other = {**({"policy": other["policy"]} if "policy" in other else {}), "base": base}
        table = {**other, **table}
    for path, edit in edits.items():
        _edit(table, path, edit)
    return table


def _edit(table: dict[str, Any], path: str, edit: Any) -> None:
    """Change a file: replace it in the change, replace parts of it in each step that has it, or remove it."""
    table.update({key: copy.deepcopy(table[key]) for key in _STEP_MESSAGES if key in table})
    steps = list(_steps(table, _STEP_MESSAGES))
    for step in steps:
        _check_kind(step.get("files", {}), dict, "edits: the files of a step")
    having = [step for step in steps if path in step.get("files", {})]
    if isinstance(edit, str) and steps:
        change = list(_steps(table, ("commits", "staged", "worktree"))) or steps
        for step in [step for step in change if path in step.get("files", {})] or change[-1:]:
            step.setdefault("files", {})[path] = edit
    elif edit is False and having:
        for step in having:
            del step["files"][path]
    elif isinstance(edit, dict) and having:
        for step in having:
            _check_kind(step["files"][path], str, f"edits: what {path!r} is now")
        for old, new in edit.items():
            _check_kind(new, str, f"edits, {path!r}")
            if not any(old in step["files"][path] for step in having):
                raise CaseError(f"edits: {path!r} has no {old!r}", "edits")
            for step in having:
                step["files"][path] = step["files"][path].replace(old, new)
    else:
        raise CaseError(f"edits: no step has {path!r}, or what becomes of it is not said", "edits")


def _steps(table: Mapping[str, Any], keys: Collection[str]) -> Iterator[dict[str, Any]]:
    for key in keys:
        value = table.get(key, [])
        steps = value if isinstance(value, list) else [value]
        yield from (step for step in steps if isinstance(step, dict))


def _check_kind(value: object, kind: type, where: str) -> None:
    if not isinstance(value, kind) or isinstance(value, (bool, datetime.datetime)):
        raise CaseError(f"{where} must be {_KIND_NAMES[kind]}", where)


def read_steps(value: Any, key: str) -> Step | list[Step]:
    """Return the steps that a key holds, or the one step of what is not committed.

    Raises:
        CaseError: a key or value is not in the format.
    """
    message = _STEP_MESSAGES[key]
    if isinstance(value, list) and message:
        return [_step(table, f"{key}.{at}", message) for at, table in enumerate(value)]
    step = _step(value, key, message)
    return [step] if message else step


def _step(table: Any, where: str, message: str) -> Step:
    values = {"message": message, **checked_table(table, Step.__annotations__, where)}
    values["message"] = plain_bytes(values["message"])
    for key in [key for key in _PATHS if key in values]:
        given = values[key]
        values[key] = checked = paths = [plain_bytes(path) for path in given]
        if isinstance(given, dict):
            texts = [plain_bytes(text) if key in _TARGETS else text for text in given.values()]
            values[key] = dict(zip(paths, texts, strict=True))
            checked = [*paths, *texts] if key in _TARGETS else paths
        if any(b"\0" in path for path in checked):
            raise CaseError(f"{where}: a path has a NUL, which no path has", where)
    return Step(**values)
