"""One record of the log: an approval, or the revocation of one, as a file has it.

A record is JSON of one form alone (two blanks of indentation, sorted keys, ASCII, a newline at the end), so
that the sha256 of the file, which is its name, changes with any change of it, and nothing can be said twice.
"""

from __future__ import annotations

import binascii
import json
from abc import ABC, abstractmethod
from datetime import UTC, datetime

from specguard.change.revision import sha256
from specguard.declaration.rule import Record
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final, Literal

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


class Approval(_Written):
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


class Revocation(_Written):
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
