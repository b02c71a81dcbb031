"""Reading a case from TOML, and what is said where it is not written as the format asks.

Nothing is refused here: an approval may be by anybody, past, copied or cut, since what is tested is what a
check makes of it.
"""

from __future__ import annotations

import copy
import datetime
import os
import tomllib
from dataclasses import MISSING, dataclass, field, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from specguard.testing.repository import Step, plain_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from specguard.approvals.record import Approval, Bond, Revocation
    from specguard.model import Judged


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
        if self.paths is None:
            paths = sorted({judged.finding.path for judged in of_rules if judged.finding.path is not None})
        else:
            paths = [plain_bytes(path) if isinstance(path, str) else path for path in self.paths]
        meant = sorted(
            {
                judged.fingerprint
                for judged in of_rules
                if judged.finding.path is None or judged.finding.path in paths
            }
        )
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
            findings=(meant or [_NO_FINDING]) if self.findings is None else self.findings,
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
