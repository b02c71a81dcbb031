"""One record of the log: an approval, or the revocation of one, as a file has it.

A record is JSON of one form alone (two blanks of indentation, sorted keys, ASCII, a newline at the end), so
that the sha256 of the file, which is its name, changes with any change of it, and nothing can be said twice.
"""

from __future__ import annotations

import binascii
import json
import re
from datetime import UTC, datetime

from specguard.change.digest import sha256
from specguard.declaration.record import Record
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Final, Literal, TypeGuard

    Scope = Literal["change", "paths"]

SCHEMA: Final = "specguard.approval/1"

LIMIT: Final = 1 << 18
"""How large a record may be, in bytes."""

LONGEST: Final = 4096
"""How long each text of a record may be, in characters: every report has it with each finding it is for."""

_HEX: Final = re.compile(r"[0-9a-f]{64}")
_NONCE: Final = re.compile(r"[0-9a-f]{32}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class RecordError(Exception):
    """A file that is no record; its text says why, as a clause."""


class Approval(Record):
    """A permission for findings of one change.

    Attributes:
        approver: the name of an approver.
        reason: why.
        ticket: where more is said; empty where nowhere is.
        issued_at, expires_at: from when and until when it holds, in UTC.
        rules: the codes of the rules whose findings it lifts.
        paths: the files that they are in, as git has their names.
        findings: their fingerprints.
        scope: what its fingerprint is of: the whole change, or those of its entries that are at `paths`.
        fingerprint: of the change's content; see `specguard.change.change.Change.fingerprint`.
        target: the short name of the branch that it is to be merged into; empty where that is not known.
        policy_id: of the policy that judged.
        repository: the canonical repository's host and path; empty where the policy names none.
        work_item: the item that the change implements, as its kind and id; None where there is none.
        nonce: 32 hexadecimal digits that no other record has.
    """

    approver: str
    reason: str
    ticket: str = ""
    issued_at: datetime
    expires_at: datetime
    rules: Sequence[str]
    paths: Sequence[bytes]
    findings: Sequence[str]
    scope: Scope
    fingerprint: str
    target: str
    policy_id: str
    repository: str
    work_item: tuple[str, str] | None
    nonce: str

    kind = "approve"

    @property
    def data(self) -> Mapping[str, Any]:
        """The record as JSON has it."""
        return {
            "schema": SCHEMA,
            "kind": self.kind,
            "approver": self.approver,
            "reason": self.reason,
            "ticket": self.ticket or None,
            "issued_at": _written(self.issued_at),
            "expires_at": _written(self.expires_at),
            "rules": list(self.rules),
            "paths": [_path_data(path) for path in self.paths],
            "findings": list(self.findings),
            "scope": self.scope,
            "fingerprint": self.fingerprint,
            "target": self.target or None,
            "policy_id": self.policy_id,
            "repository": self.repository or None,
            "work_item": dict(zip(("kind", "id"), self.work_item, strict=True)) if self.work_item else None,
            "nonce": self.nonce,
        }

    @property
    def content(self) -> bytes:
        """The file's bytes."""
        return _canonical(self.data)

    @property
    def id(self) -> str:
        """The sha256 of the file, which is its name without `.json`."""
        return sha256(self.content).hexdigest()


class Revocation(Record):
    """The end of an approval before its time.

    Attributes:
        revokes: the id of the approval.
        approver: the name of the person who revokes it.
        reason: why.
        issued_at: when, in UTC.
        nonce: 32 hexadecimal digits that no other record has.
    """

    revokes: str
    approver: str
    reason: str
    issued_at: datetime
    nonce: str

    kind = "revoke"

    @property
    def data(self) -> Mapping[str, Any]:
        """The record as JSON has it."""
        return {
            "schema": SCHEMA,
            "kind": self.kind,
            "revokes": self.revokes,
            "approver": self.approver,
            "reason": self.reason,
            "issued_at": _written(self.issued_at),
            "nonce": self.nonce,
        }

    @property
    def content(self) -> bytes:
        """The file's bytes."""
        return _canonical(self.data)

    @property
    def id(self) -> str:
        """The sha256 of the file, which is its name without `.json`."""
        return sha256(self.content).hexdigest()


def read_record(content: bytes) -> Approval | Revocation:
    """The record that a file's bytes are.

    Raises:
        RecordError: they are none, or are written in another way than the one there is.
    """
    if len(content) > LIMIT:
        raise RecordError(f"it is larger than {LIMIT >> 10} KiB")
    try:
        data = json.loads(content.decode("ascii"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        whole = content.rstrip().endswith(b"}")
        raise RecordError("it is no JSON" if whole else "it is no JSON, and seems to be cut") from error
    if not isinstance(data, dict):
        raise RecordError("it is no JSON object")
    if data.get("schema") != SCHEMA:
        raise RecordError(f"its schema is not {SCHEMA!r}")
    record = _revocation(_Reader(data)) if data.get("kind") == "revoke" else _approval(_Reader(data))
    if record.content != content:
        raise RecordError("it is not written as specguard writes records")
    return record


def _no_constant(name: str) -> None:
    raise ValueError(name)


class _Reader:
    """The fields of a record, each taken once."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data

    def text(self, key: str, *, empty: bool = False) -> str:
        """A text; with `empty` it may be null or have nothing in it."""
        value = self._data.get(key)
        if empty and (value is None or value == ""):
            return ""
        if not _is_text(value):
            raise RecordError(f"its {key!r} is no text")
        if len(value) > LONGEST:
            raise RecordError(f"its {key!r} is longer than {LONGEST} characters")
        return value

    def digits(self, key: str, form: re.Pattern[str] = _HEX) -> str:
        """Hexadecimal digits."""
        value = self.text(key)
        if not form.fullmatch(value):
            raise RecordError(f"its {key!r} is not of hexadecimal digits")
        return value

    def time(self, key: str) -> datetime:
        """A time in UTC."""
        value = self.text(key)
        if not _TIME.fullmatch(value):
            raise RecordError(f"its {key!r} is no time such as 2026-01-31T12:00:00Z")
        try:
            return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            raise RecordError(f"its {key!r} is no time that there is") from None

    def each(self, key: str, read: Callable[[Any], Any], *, least: int = 1) -> list[Any]:
        """A list of different things."""
        value = self._data.get(key)
        if not isinstance(value, list) or len(value) < least:
            raise RecordError(
                f"its {key!r} is no list" if not isinstance(value, list) else f"its {key!r} is empty"
            )
        found = [read(one) for one in value]
        if len(set(found)) < len(found):
            raise RecordError(f"its {key!r} has something twice")
        return found

    def one_of(self, key: str, known: Sequence[str]) -> Any:
        """One of some words."""
        value = self._data.get(key)
        if value not in known:
            raise RecordError(f"its {key!r} is none of {', '.join(known)}")
        return value

    def item(self) -> tuple[str, str] | None:
        """The work item."""
        value = self._data.get("work_item")
        if value is None:
            return None
        if not isinstance(value, dict) or set(value) != {"kind", "id"}:
            raise RecordError("its 'work_item' has not exactly a kind and an id")
        fields = _Reader(value)
        return fields.text("kind"), fields.text("id")


def _approval(fields: _Reader) -> Approval:
    fields.one_of("kind", ("approve", "revoke"))
    approval = Approval(
        approver=fields.text("approver"),
        reason=fields.text("reason", empty=True),
        ticket=fields.text("ticket", empty=True),
        issued_at=fields.time("issued_at"),
        expires_at=fields.time("expires_at"),
        rules=fields.each("rules", _word),
        paths=fields.each("paths", _path, least=0),
        findings=fields.each("findings", _digits),
        scope=fields.one_of("scope", ("change", "paths")),
        fingerprint=fields.digits("fingerprint"),
        target=fields.text("target", empty=True),
        policy_id=fields.digits("policy_id"),
        repository=fields.text("repository", empty=True),
        work_item=fields.item(),
        nonce=fields.digits("nonce", _NONCE),
    )
    if approval.scope == "paths" and not approval.paths:
        raise RecordError("its 'scope' is paths, and it names none")
    return approval


def _revocation(fields: _Reader) -> Revocation:
    return Revocation(
        revokes=fields.digits("revokes"),
        approver=fields.text("approver"),
        reason=fields.text("reason", empty=True),
        issued_at=fields.time("issued_at"),
        nonce=fields.digits("nonce", _NONCE),
    )


def _is_text(value: Any) -> TypeGuard[str]:
    """Whether a value is a text that is not empty, and that can be written: JSON has halves of characters."""
    if not isinstance(value, str):
        return False
    try:
        return bool(value.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return False


def _word(value: Any) -> str:
    if not _is_text(value):
        raise RecordError("one of its 'rules' is no text")
    return value


def _digits(value: Any) -> str:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise RecordError("one of its 'findings' is no fingerprint")
    return value


def _path(value: Any) -> bytes:
    if not isinstance(value, dict) or not isinstance(value.get("path"), str):
        raise RecordError("one of its 'paths' has no 'path'")
    raw = value.get("path_bytes")
    try:
        path = value["path"].encode() if raw is None else binascii.a2b_base64(raw, strict_mode=True)
    except (ValueError, TypeError):
        raise RecordError("one of its 'paths' cannot be read") from None
    if not path:
        raise RecordError("one of its 'paths' is empty")
    return path


def _path_data(path: bytes) -> dict[str, str]:
    r"""A path as reports have it: bytes that are not UTF-8 as `\xNN`, and then all of them in base64."""
    data = {"path": path_text(path)}
    if data["path"].encode() != path:
        data["path_bytes"] = binascii.b2a_base64(path, newline=False).decode("ascii")
    return data


def _written(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _canonical(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=2, sort_keys=True, ensure_ascii=True) + "\n").encode("ascii")
