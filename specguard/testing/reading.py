"""Reading a case from TOML, and what is said where it is not written as the format asks.

Nothing is refused here: an approval may be by anybody, past, copied or cut, since what is tested is what a
check makes of it.
"""

from __future__ import annotations

import copy
import datetime
import os
import tomllib
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from specguard.testing.repository import Step, plain_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from specguard.approvals.record import Approval, Bond, Revocation
    from specguard.model import Judged


_STEPS = {"base": "chore: base", "commits": "feat: change", "staged": "", "worktree": ""}
"""The keys that hold steps, with the message of a step that has none."""

_TO_PROCESSES = ("args", "env", "refs", "branch", "origin", "title")
_TARGETS = ("symlinks", "rename")
_PATHS = ("delete", "executable", "files", "submodules", *_TARGETS)
_EXPECTED = (
    "code", "name", "path", "line", "end_line", "commit", "field", "side", "severity", "state", "authority",
    "message", "help",
)  # fmt: skip
_LONGEST_LIKENESS = 5
_WORDS: dict[type, str] = {
    str: "text", dict: "a table", list: "a list", int: "a whole number",
    datetime.date: "a date, as in 2027-01-31",
}  # fmt: skip
_KINDS = {
    "Sequence": list, "tuple": list, "Mapping": dict, "Texts": dict, "Ids": dict, "int": int,
    "datetime.date": datetime.date,
}  # fmt: skip
"""The kind of a field's values, by the beginning of its annotation; other fields are texts."""


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
    text: str | Mapping[str, Any], forms: Mapping[str, str], name: str, folder: Path | None = None
) -> dict[str, Any]:
    """The values of a case, its steps made.

    Args:
        text: TOML, or what was read from it.
        forms: the keys there are, each with the annotation of its values.
        name: how the case is called in messages.
        folder: where it stands; None for a case that is in no file, and can be like no other.

    Raises:
        CaseError: it is no TOML, or a key or value is not the format's.
    """
    table = _table(text, name, folder)
    _check_keys(table, forms, name)
    for key, value in table.items():
        where = f"{name}: {key}"
        several = value if isinstance(value, list) else [value]
        if key in ("staged", "worktree"):
            table[key] = _step(value, where, "")
        elif key in _STEPS:
            table[key] = [_step(item, where, _STEPS[key]) for item in several]
        else:
            _check_form(value, forms[key], where)
        if key == "approvals":
            table[key] = [_grant(item, f"{where}.{position}") for position, item in enumerate(value)]
        elif key == "expect":
            table[key] = [_finding(item, f"{where}.{position}") for position, item in enumerate(value)]
        elif key == "env" and any(not variable or "=" in variable for variable in value):
            raise CaseError(f"{where}: no variable has such a name", where)
        words = [*value, *value.values()] if isinstance(value, dict) else several
        if key in _TO_PROCESSES and any("\0" in word for word in words):
            raise CaseError(f"{where} has a NUL, which no word of a command has", where)
    return table


def _check_form(value: Any, form: str, where: str) -> None:
    """See that a value is of a field's annotation, and each part of it too."""
    kind = next((kind for begins, kind in _KINDS.items() if form.startswith(begins)), str)
    _check_kind(value, kind, where)
    if kind in (list, dict) and "Any" not in form and "Grant" not in form:
        for name, part in value.items() if kind is dict else enumerate(value):
            _check_kind(part, str, f"{where}.{name}")


def fields_of(cls: type, table: Any, where: str) -> dict[str, Any]:
    """A table whose keys are the fields of a dataclass.

    Raises:
        CaseError: it has other keys, or values that are not as its fields are annotated.
    """
    _check_kind(table, dict, where)
    forms = {item.name: str(item.type) for item in fields(cls)}
    _check_keys(table, forms, where)
    for key, value in table.items():
        _check_form(value, forms[key], f"{where}.{key}")
    return dict(table)


def _finding(expected: Any, where: str) -> dict[str, Any]:
    if isinstance(expected, str):
        expected = {"code" if expected[:1].isupper() else "name": expected}
    _check_kind(expected, dict, where)
    _check_keys(expected, _EXPECTED, where)
    return dict(expected)


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
    table.update({key: copy.deepcopy(table[key]) for key in _STEPS if key in table})
    steps = list(_steps(table, _STEPS))
    for step in steps:
        _check_kind(step.get("files", {}), dict, f"{name}: edits: the files of a step")
    having = [step for step in steps if path in step.get("files", {})]
    if isinstance(edit, str):
        change = list(_steps(table, ("commits", "staged", "worktree"))) or steps
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
    if not isinstance(value, kind) or isinstance(value, (bool, datetime.datetime)):
        raise CaseError(f"{where} must be {_WORDS[kind]}", where)


def _grant(table: Any, where: str) -> Grant:
    values = fields_of(Grant, table, where)
    if values.get("place", PLACES[0]) not in PLACES:
        raise CaseError(f"{where}.place must be one of {', '.join(PLACES)}", f"{where}.place")
    return Grant(**values)


def _step(table: Any, where: str, message: str) -> Step:
    values = {"message": message, **fields_of(Step, table, where)}
    values["message"] = plain_bytes(values["message"])
    for key in [key for key in _PATHS if key in values]:
        paths = [plain_bytes(path) for path in values[key]]
        told = paths
        if isinstance(values[key], dict):
            texts = [plain_bytes(text) if key in _TARGETS else text for text in values[key].values()]
            values[key] = dict(zip(paths, texts, strict=True))
            told = [*paths, *texts] if key in _TARGETS else paths
        else:
            values[key] = paths
        if any(b"\0" in path for path in told):
            raise CaseError(f"{where}: a path has a NUL, which no path has", where)
    return Step(**values)


PLACES = ("head", "base", "local")
"""Where a record may be: in the judged change, in the base, or in the working tree alone."""

_NO_FINDING = "0" * 64


@dataclass(frozen=True)
class Grant:
    """One approval of a case, or the revocation of one.

    Attributes:
        approver: who gives it.
        rules: the codes of the rules whose findings it is for.
        paths: the files that it names; those of the findings where it is None.
        reason: why.
        ticket: where more is said.
        issued: on which day it was given, in days from today.
        expires: its last day, in days from today.
        scope: `change` or `paths`.
        target: the branch that it is for; the change's own where it is None, as for the next five.
        fingerprint: of the content that it is for.
        policy_id: of the policy.
        repository: the repository.
        work_item: kind and id of the work item, as `phase 12`.
        nonce: 32 hexadecimal digits.
        findings: the fingerprints of the findings; those of its rules in its files where it is None.
        sign: the name of the key that signs it, `key` or `other`; `""` leaves it unsigned.
        place: where it is: `head` (in the judged change), `base` or `local` (in the working tree alone).
        revokes: the `id` of an approval before it; it is then the revocation of that one.
        edits: texts in the file and what they are replaced by, once its name is made.
        id: what `{id}` stands for in expectations, which is the record's name; `approval` for the first one
            without an `id`, `approval2` for the next.
    """

    approver: str = "alice"
    rules: Sequence[str] = ()
    paths: Sequence[str | bytes] | None = None
    reason: str = "the partner needs the second version"
    ticket: str = ""
    issued: int = 0
    expires: int = 20
    scope: str = "change"
    target: str | None = None
    fingerprint: str | None = None
    policy_id: str | None = None
    repository: str | None = None
    work_item: str | None = None
    nonce: str | None = None
    findings: Sequence[str] | None = None
    sign: str = ""
    place: str = "head"
    revokes: str = ""
    edits: Mapping[str, str] = field(default_factory=dict)
    id: str = ""

    def record(self, bond: Bond, found: Sequence[Judged], names: Mapping[str, str]) -> Approval | Revocation:
        """The record.

        Args:
            bond: what approvals of the change are bound to.
            found: its open findings.
            names: the ids of the records before.
        """
        from specguard.approvals.record import Approval, Revocation

        nonce = os.urandom(16).hex() if self.nonce is None else self.nonce
        if self.revokes:
            return Revocation(
                revokes=names.get(self.revokes, self.revokes),
                approver=self.approver,
                reason=self.reason,
                issued_at=_day(self.issued),
                nonce=nonce,
            )
        of_rules = [judged for judged in found if judged.code in self.rules]
        paths = [plain_bytes(path) if isinstance(path, str) else path for path in self.paths or ()]
        if self.paths is None:
            paths = sorted({judged.finding.path for judged in of_rules if judged.finding.path is not None})
        meant = {one.fingerprint for one in of_rules if one.finding.path in (None, *paths)}
        scope: Any = self.scope
        item = None if self.work_item is None else self.work_item.split(" ", 1)
        return Approval(
            approver=self.approver,
            reason=self.reason,
            ticket=self.ticket,
            issued_at=_day(self.issued),
            expires_at=_day(self.expires).replace(hour=23, minute=59, second=59),
            rules=self.rules,
            paths=paths,
            findings=sorted(meant or [_NO_FINDING]) if self.findings is None else self.findings,
            scope=scope,
            fingerprint=bond.fingerprint(scope, paths) if self.fingerprint is None else self.fingerprint,
            target=bond.target if self.target is None else self.target,
            policy_id=bond.policy_id if self.policy_id is None else self.policy_id,
            repository=bond.repository if self.repository is None else self.repository,
            work_item=bond.work_item if item is None else (item[0], item[-1]),
            nonce=nonce,
        )


def _day(offset: int) -> datetime.datetime:
    """The beginning of a day, counted from today's, in UTC."""
    today = datetime.datetime.now(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + datetime.timedelta(days=offset)
