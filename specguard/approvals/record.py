"""One record of the log: an approval, or the revocation of one, as a file has it.

A record is JSON of one form alone (two blanks of indentation, sorted keys, ASCII, a newline at the end), so
that the sha256 of the file, which is its name, changes with any change of it, and nothing can be said twice.
"""

from __future__ import annotations

import binascii
import json
import re
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from functools import cached_property

from specguard.change.base import named_base
from specguard.change.entries import is_record
from specguard.change.revision import sha256
from specguard.declaration.rule import Record
from specguard.errors import MissingFact, NotApplicable, SpecguardError
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from typing import Any, Final, Literal, TypeGuard

    from specguard.authority.policy import Policy
    from specguard.change.change import Change
    from specguard.change.entries import Entry
    from specguard.model import Finding

    Scope = Literal["change", "paths"]


SCHEMA: Final = "specguard.approval/1"


class _Written(Record, ABC):
    """What both kinds of records have: their bytes, and the name that follows from them."""

    @property
    @abstractmethod
    def data(self) -> Mapping[str, Any]:
        """The record as JSON has it."""

    @property
    def content(self) -> bytes:
        """The file's bytes."""
        text = json.dumps(self.data, indent=2, sort_keys=True, ensure_ascii=True) + "\n"
        return text.encode("ascii")

    @property
    def id(self) -> str:
        """The sha256 of the file, which is its name without `.json`."""
        return sha256(self.content).hexdigest()


class Approval(_Written, kw_only=True):
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
        repository: the canonical repository, as the policy names it; empty where it names none.
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


class Revocation(_Written, kw_only=True):
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


def _path_data(path: bytes) -> dict[str, str]:
    r"""A path as reports have it: bytes that are not UTF-8 as `\xNN`, and then all of them in base64."""
    data = {"path": path_text(path)}
    if data["path"].encode() != path:
        data["path_bytes"] = binascii.b2a_base64(path, newline=False).decode("ascii")
    return data


def _written(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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


class Bond(Record):
    """What approvals of one change are bound to.

    Attributes:
        change: the change.
        folder: the log's folder.
        target: the short name of the branch that it is to be merged into; empty where that is not known.
        policy_id: of the policy that judges it.
        repository: the canonical repository, as that policy names it; empty where it names none.
        work_item: the kind and id of the item that it implements; None where none is named.
    """

    change: Change
    folder: bytes
    target: str
    policy_id: str
    repository: str
    work_item: tuple[str, str] | None

    @classmethod
    def of(cls, change: Change, policy: Policy, work_item: tuple[str, str] | None) -> Bond:
        """The bond of a change under a policy."""
        return cls(
            change=change,
            folder=policy.log_folder,
            target=target_of(change, policy),
            policy_id=policy.policy_id,
            repository=policy.remote or "",
            work_item=work_item,
        )

    @cached_property
    def files_approvals(self) -> bool:
        """Whether the change does nothing but add records to the log, for changes that are still to come."""
        return bool(self._entries) and all(
            entry.added and entry.is_file and is_record(entry.path, self.folder) for entry in self._entries
        )

    def puts_back(self, finding: Finding) -> bool:
        """Whether a finding is about what one commit did to a file and another one put back.

        The change as a whole has nothing of it then, so nothing an approval is bound to says what it was.
        """
        path = finding.path
        return finding.commit is not None and all(entry.path != path for entry in self._entries)

    def fingerprint(self, scope: Scope, paths: Collection[bytes]) -> str:
        """The fingerprint of the whole change, or of those of its entries that are at some paths."""
        return self._whole if scope == "change" else self.change.fingerprint(self.folder, frozenset(paths))

    def breaks(self, approval: Approval) -> Iterator[tuple[str, str, str]]:
        """Why an approval is not one for this change.

        Yields:
            The field of the record that says so, the reason as a clause, and what to do as a sentence.
        """
        again = "Ask for an approval of the change as it is now, or take this one out."
        gone = approval.scope == "paths" and not self._paths.issuperset(approval.paths)
        if gone or self.fingerprint(approval.scope, approval.paths) != approval.fingerprint:
            what = "the change" if approval.scope == "change" else "its paths"
            yield "fingerprint", f"it was given for another content of {what}", again
        if approval.target != self.target:
            if self.target:
                yield (
                    "target",
                    f"it is for {approval.target or 'no branch that is known'}, not for {self.target}",
                    again,
                )
            else:
                yield (
                    "target",
                    f"it is for {approval.target}, and nobody can tell whether that is the base",
                    "Name the base as a branch: `--base main`.",
                )
        if approval.policy_id != self.policy_id:
            yield "policy_id", "it was given under another policy, or by another version of specguard", again
        if approval.repository != self.repository:
            where = approval.repository or "(none named)"
            yield "repository", f"it is for the repository {where}", again
        if self.work_item and approval.work_item and approval.work_item != self.work_item:
            items = f"it is for {' '.join(approval.work_item)}, not for {' '.join(self.work_item)}"
            yield "work_item", items, again

    # Asked for once an approval, and a change may bring thousands of both.

    @cached_property
    def _entries(self) -> Sequence[Entry]:
        try:
            return self.change.entries
        except NotApplicable:
            return ()

    @cached_property
    def _paths(self) -> frozenset[bytes]:
        return frozenset(entry.path for entry in self._entries)

    @cached_property
    def _whole(self) -> str:
        return self.change.fingerprint(self.folder)


def target_of(change: Change, policy: Policy) -> str:
    """The short name of the branch that a change is to be merged into; empty where nothing names it.

    A base that is given as an object id is the policy's, where it is that branch's tip.
    """
    found = change.found
    if found.ref.startswith("refs/heads/"):
        return found.ref.removeprefix("refs/heads/")
    if found.ref.startswith("refs/remotes/") and found.ref.count("/") > 2:
        return found.ref.split("/", 3)[3]
    if found.how == "event" and found.name != found.oid:
        return found.name
    if policy.base and found.trusted:
        try:
            if named_base(change.git, policy.base, "policy").oid == found.oid:
                return policy.base
        except (SpecguardError, MissingFact):
            return ""
    return ""
