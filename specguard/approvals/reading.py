"""Reading a record of the log: bytes of the one form there is, or a clause that says why they are none."""

from __future__ import annotations

import binascii
import json
import re
from datetime import UTC, datetime

from specguard.approvals.record import SCHEMA, Approval, Revocation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Final, TypeGuard

LIMIT: Final = 1 << 18
"""How large a record may be, in bytes."""

LONGEST: Final = 4096
"""How long each text of a record may be, in characters: every report has it with each finding it is for."""

_HEX: Final = re.compile(r"[0-9a-f]{64}")
_NONCE: Final = re.compile(r"[0-9a-f]{32}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class RecordError(Exception):
    """A file that is no record; its text says why, as a clause."""


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
            raise RecordError(f"its {key!r} is not one of {', '.join(known)}")
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
