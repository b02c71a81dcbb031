"""Records of the log: approvals and revocations, and the identities that bind an approval to a change.

A record is JSON in exactly one form: indented by two spaces, with sorted keys, in ASCII, with a final
newline. So one content has one form only, and any change alters the file's sha256, which is its name.
"""

from __future__ import annotations

import binascii
import json
from datetime import UTC, datetime
from functools import cached_property, partial

from specguard.change.base import named_base
from specguard.change.entries import Entry, sha256
from specguard.change.repository import short_branch
from specguard.errors import MissingFact, SpecguardError, if_applicable, if_known
from specguard.model import TYPE_CHECKING, Finding, Judged, Record, path_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from typing import Any, ClassVar, Final, Literal

    from specguard.authority.policy import Policy
    from specguard.change.change import Change
    from specguard.engine.facts import Facts

    Scope = Literal["change", "paths"]


SCHEMA: Final = "specguard.approval/1"

MAX_CLOCK_SKEW: Final = 300
"""The most seconds by which the clocks of two machines may differ."""


class _LogRecord(Record):
    """The common part of both kinds of records: their bytes, and the name derived from them."""

    kind: ClassVar[str]

    @property
    def data(self) -> Mapping[str, Any]:
        """The record as JSON data."""
        fields = {name: _json_value(name, getattr(self, name)) for name in self._fields}
        return {"schema": SCHEMA, "kind": self.kind, **fields}

    @property
    def content(self) -> bytes:
        """The bytes of the record's file."""
        return (json.dumps(self.data, indent=2, sort_keys=True, ensure_ascii=True) + "\n").encode("ascii")

    @property
    def id(self) -> str:
        """The sha256 of the file, which is its name without `.json`."""
        return sha256(self.content)


class Approval(_LogRecord, kw_only=True):
    """A permission for findings of one change.

    Attributes:
        approver: the approver's name.
        reason: the reason.
        ticket: a reference to more information; empty if there is none.
        issued_at, expires_at: the period in which it holds, in UTC.
        rules: the codes of the rules whose findings it lifts.
        paths: the files of these findings, as git has their names.
        findings: the fingerprints of these findings.
        scope: the part of the change that the fingerprint covers: all of it, or only its entries at `paths`.
        fingerprint: the fingerprint of the change's content; see
            `specguard.change.change.Change.fingerprint`.
        target: the short name of the branch to merge into; empty if it is not known.
        policy_id: the id of the policy that judged.
        repository: the canonical repository, as the policy names it; empty if it names none.
        work_item: the kind and id of the item that the change implements; None if there is none.
        nonce: 32 hexadecimal digits, unique to the record.
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

    kind: ClassVar[str] = "approve"

    def time_problems(self, now: datetime) -> Iterator[tuple[Literal["expired", "future"], str]]:
        """Yield the reasons why the approval does not hold at a time, as clauses."""
        if now > self.expires_at:
            yield "expired", f"it held until {self.expires_at:%Y-%m-%d}"
        if (self.issued_at - now).total_seconds() > MAX_CLOCK_SKEW:
            yield "future", f"it is from {self.issued_at:%Y-%m-%d %H:%M}, which is to come"


class Revocation(_LogRecord, kw_only=True):
    """The end of an approval before its expiry.

    Attributes:
        revokes: the id of the approval.
        approver: the name of the person who revokes it.
        reason: the reason.
        issued_at: the time of the revocation, in UTC.
        nonce: 32 hexadecimal digits, unique to the record.
    """

    revokes: str
    approver: str
    reason: str
    issued_at: datetime
    nonce: str

    kind: ClassVar[str] = "revoke"


def _json_value(name: str, value: Any) -> Any:
    """Return a field's value as JSON data."""
    if name in ("ticket", "target", "repository"):
        return value or None
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime(_TIME)
    if name == "work_item":
        return None if value is None else dict(zip(("kind", "id"), value, strict=True))
    if name == "paths":
        return [path_data(path) for path in value]
    return value if value is None or isinstance(value, str) else list(value)


def path_data(path: bytes) -> dict[str, str]:
    r"""Return a path for reports: bytes that are not UTF-8 as `\xNN`, and then the raw path in base64 too."""
    data = {"path": path_text(path)}
    if data["path"].encode() != path:
        data["path_bytes"] = binascii.b2a_base64(path, newline=False).decode("ascii")
    return data


LIMIT: Final = 1 << 18
"""The most bytes of a record."""

LONGEST: Final = 4096
"""The most characters of each text in a record, since reports repeat it with every finding it is for."""

_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


class RecordError(Exception):
    """A file is not a record; the message says why, as a clause."""


def read_record(content: bytes) -> Approval | Revocation:
    """Parse the bytes of a file into a record.

    Raises:
        RecordError: the bytes are not a record, or are not in the one form of records.
    """
    if len(content) > LIMIT:
        raise RecordError(f"it is larger than {LIMIT >> 10} KiB")
    try:
        data = json.loads(content.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise RecordError("it is not JSON, or is cut") from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise RecordError(f"its schema is not {SCHEMA!r}")
    cls: type[Approval | Revocation] = Revocation if data.get("kind") == "revoke" else Approval
    values = {}
    for name in cls._fields:
        try:
            values[name] = _FIELDS[name](data.get(name))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise RecordError(f"its {name!r} is not of the form that records have") from None
    record = cls(**values)
    # Any other difference, such as an unknown kind, makes the form differ.
    if record.content != content:
        raise RecordError("it is not written as specguard writes records")
    if isinstance(record, Approval) and record.scope == "paths" and not record.paths:
        raise RecordError("its 'scope' is paths, and it names none")
    return record


def _text(value: Any) -> str:
    """Return a text; raise ValueError if it is empty or too long, or cannot be encoded (a lone surrogate)."""
    if not value.encode("utf-8", "surrogateescape") or len(value) > LONGEST:
        raise ValueError
    return str(value)


def _any_text(value: Any) -> str:
    return _text(value) if value else ""


def _digits(value: Any, count: int = 64) -> str:
    if len(value) != count or value.strip("0123456789abcdef"):
        raise ValueError
    return str(value)


def _time(value: Any) -> datetime:
    return datetime.strptime(value, _TIME).replace(tzinfo=UTC)


def _path(value: Any) -> bytes:
    raw = value.get("path_bytes")
    path: bytes = value["path"].encode() if raw is None else binascii.a2b_base64(raw, strict_mode=True)
    if not path:
        raise ValueError
    return path


def _read_list(value: Any, read: Callable[[Any], Any], *, least: int = 1) -> list[Any]:
    """Read a list of distinct elements."""
    found = [read(one) for one in value]
    if not isinstance(value, list) or len(found) < least or len(set(found)) < len(found):
        raise ValueError
    return found


_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "approver": _text,
    "reason": _any_text,
    "ticket": _any_text,
    "issued_at": _time,
    "expires_at": _time,
    "rules": partial(_read_list, read=_text),
    "paths": partial(_read_list, read=_path, least=0),
    "findings": partial(_read_list, read=_digits),
    "scope": {"change": "change", "paths": "paths"}.__getitem__,
    "fingerprint": _digits,
    "target": _any_text,
    "policy_id": _digits,
    "repository": _any_text,
    "work_item": lambda value: None if value is None else (_text(value["kind"]), _text(value["id"])),
    "nonce": partial(_digits, count=32),
    "revokes": _digits,
}
"""The parser of each field of a record."""


class Bond:
    """The identities that approvals of one change are bound to.

    Args:
        facts: the change, and the policy that judges it.

    Attributes:
        change: the change.
        folder: the log's folder.
        target: the short name of the branch to merge into; empty if it is not known.
        policy_id: the id of the policy that judges the change.
        repository: the canonical repository, as that policy names it; empty if it names none.
        work_item: the kind and id of the item that the change implements; None if it names none.
    """

    def __init__(self, facts: Facts) -> None:
        change, policy = facts.change, facts.policy
        item = if_known(lambda: facts.get("work_item"), None)
        self.change = change
        self.folder = policy.log_folder
        self.target = target_of(change, policy)
        self.policy_id = policy.policy_id
        self.repository = policy.remote or ""
        self.work_item = (item.kind, str(item.id)) if item else None
        self._files = facts.bookkeeping.files

    @cached_property
    def only_files_approvals(self) -> bool:
        """True if the change only adds records to the log, for later changes, or takes its own out."""
        return bool(self._entries) and all(map(self._files, self._entries))

    def is_restored(self, finding: Finding) -> bool:
        """Return True if a finding is about a file that one commit changed and another one restored.

        The whole change then has no entry for the file, so an approval cannot be bound to its content.
        """
        undone = finding.path not in self.paths or finding.key == "undone"
        return None not in (finding.commit, finding.path) and undone

    def fingerprint(self, scope: Scope, paths: Collection[bytes]) -> str:
        """Return the fingerprint of the whole change, or of only its entries at some paths."""
        return self._whole if scope == "change" else self.change.fingerprint(self.folder, frozenset(paths))

    def suits_paths(self, findings: Iterable[Judged], scopes: Collection[Scope]) -> bool:
        """True if an approval of findings in files of the change is best bound to these files only.

        The whole change is stricter, but for what is not committed the branch's other commits end it.
        """
        wanted = self.change.stage == "staged" or "change" not in scopes
        return wanted and "paths" in scopes and self.paths.issuperset(one.finding.path for one in findings)

    def has_landed(self, target: str, path: bytes) -> bool:
        """True if another branch than this change's target, which an approval is for, is known to have it."""
        tip = (_find_tip(self.change, target) or "") if target not in ("", self.target) else ""
        return bool(tip) and if_known(lambda: self.change.git.tree_at(tip).has_file(path), False)

    def breaks(self, approval: Approval, out: str) -> Iterator[tuple[str, str, str]]:
        """Yield the reasons why an approval does not apply to this change.

        Args:
            approval: the approval.
            out: how to take it out, as the rest of a sentence.

        Yields:
            The reason as a clause, the next step as a sentence, and the field of the record that it is about.
        """
        again = f"Ask for an approval of the change as it is now, or take this one out{out}."
        gone = approval.scope == "paths" and not self.paths.issuperset(approval.paths)
        if gone or self.fingerprint(approval.scope, approval.paths) != approval.fingerprint:
            what = "the change" if approval.scope == "change" else "its paths"
            yield f"it was given for another content of {what}", again, "fingerprint"
        if approval.target != self.target:
            from shlex import quote

            into = f"Ask for an approval with `--base {quote(self.target)}`, and take this one out."
            step = into if self.target else "Name the base as a branch: `--base main`."
            rather = f"not for {self.target}" if self.target else "and this change's target is not known"
            yield f"it is for {approval.target or 'no branch that is known'}, {rather}", step, "target"
        if approval.policy_id != self.policy_id:
            yield "it was given under another policy, or by another version of specguard", again, "policy_id"
        if approval.repository != self.repository:
            yield f"it is for the repository {approval.repository or '(none named)'}", again, "repository"
        if self.work_item and approval.work_item and approval.work_item != self.work_item:
            items = f"it is for {' '.join(approval.work_item)}, not for {' '.join(self.work_item)}"
            yield items, again, "work_item"

    # Cached, since each approval needs these, and there may be thousands of approvals and entries.

    @cached_property
    def _entries(self) -> Sequence[Entry]:
        return if_applicable(lambda: self.change.entries, ())

    @cached_property
    def paths(self) -> frozenset[bytes]:
        """The files that the change touches."""
        return frozenset(entry.path for entry in self._entries)

    @cached_property
    def _whole(self) -> str:
        return self.change.fingerprint(self.folder)


def target_of(change: Change, policy: Policy) -> str:
    """Return the short name of the branch that a change is to be merged into; empty if it is unknown.

    A base given as an object id is the policy's base branch if it is its tip, or if the change has landed
    there.
    """
    found = change.found
    if found.ref.startswith(("refs/heads/", "refs/remotes/")):
        return short_branch(found.ref)
    if found.how == "event" and found.name != found.oid:
        return found.name
    tip = _find_tip(change, policy.base) if policy.base and found.trusted else None
    if tip is None:
        return ""
    head, git = change.base.head, change.git
    landed = found.oid == tip or if_known(lambda: head in git.merge_bases(tip, head or tip), False)
    return policy.base if policy.base and landed else ""


def _find_tip(change: Change, branch: str) -> str | None:
    """Return the commit that a branch ends with; None if that is not known."""
    try:
        return named_base(change.git, branch, "policy").oid
    except (SpecguardError, MissingFact):
        return None
