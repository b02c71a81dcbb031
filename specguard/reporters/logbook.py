"""The log of approvals for people and for programs; the JSON is `specguard.approvals/1`."""

from __future__ import annotations

from specguard.approvals.record import Approval
from specguard.model import listed, path_text, shortened
from specguard.reporters.escape import cut_path
from specguard.reporters.json import fields_of, path_data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

    from specguard.engine.logbook import Logbook, Logged, Verification

SCHEMA: Final = "specguard.approvals/1"

SHOWN: Final = 3
"""How many files of an approval a list names."""

_PLACES: Final = {"base": "the base", "head": "HEAD", "local": "the working tree"}
_PROOFS: Final = {"signature": "signed", "base": "in the base", "local": "unsigned"}


def all_lines(book: Logbook, *, over: bool) -> Iterator[str]:
    """The approvals of a log, each in a few lines.

    Args:
        book: the log.
        over: whether those that are expired or revoked are listed too.
    """
    shown = book.approvals(over=over)
    for logged in shown:
        yield from _listed(logged)
    if hidden := len(book.log.approvals) - len(shown):
        yield f"{hidden} {'is' if hidden == 1 else 'are'} over: specguard approvals list --all"
    if not book.log.approvals:
        yield f"there are no approvals in {path_text(book.log.folder)}"
    if broken := len({broken.path for broken in book.log.broken}):
        what = "a file is no record" if broken == 1 else f"{broken} files are no records"
        yield f"{what}: specguard approvals verify"


def _listed(logged: Logged) -> Iterator[str]:
    record = logged.filed.record
    assert isinstance(record, Approval)  # noqa: S101 - approvals alone are listed
    files = listed([cut_path(path_text(path)) for path in record.paths], SHOWN)
    what = f"{', '.join(record.rules)} {files}".rstrip()
    yield f"{logged.filed.id[:12]} {logged.state:<9} {shortened(record.approver)}: {what}"
    ticket = f" ({shortened(record.ticket)})" if record.ticket else ""
    yield f"  {shortened(record.reason, 300) or 'no reason is given'}{ticket}"
    used = "not used yet, as far as is known here"
    if logged.uses:
        last, count = logged.uses[-1], len(logged.uses)
        often = "once" if count == 1 else f"{count} times, last"
        used = f"used {often} by a check of {last.stage} on {last.time}"
    yield f"  until {record.expires_at:%Y-%m-%d}, {_PROOFS[logged.proof]}, {used}"
    yield from (f"  {reason}" for reason in logged.reasons)


def lines_of(logged: Logged) -> Iterator[str]:
    """A record with all that it says, and what it is worth here."""
    record = logged.filed.record
    approval = record if isinstance(record, Approval) else None
    yield f"{'approval' if approval else 'revocation'} {logged.filed.id}"
    rows: list[tuple[str, str | Sequence[str]]] = [
        ("state", "; ".join([logged.state, *logged.reasons])),
        ("approver", record.approver),
        ("reason", record.reason or "none"),
    ]
    if isinstance(record, Approval):
        whole = record.scope == "change"
        rows += [
            ("ticket", record.ticket),
            ("rules", record.rules),
            ("files", [path_text(path) for path in record.paths]),
            ("findings", record.findings),
            ("bound to", "the whole change" if whole else "these files of the change"),
            ("fingerprint", record.fingerprint),
            ("target", record.target),
            ("policy", record.policy_id),
            ("repository", record.repository),
            ("work item", " ".join(record.work_item or ())),
        ]
    else:
        rows.append(("revokes", record.revokes))
    rows.append(("issued", f"{record.issued_at:%Y-%m-%d %H:%M:%S} UTC"))
    rows.append(("holds until", f"{approval.expires_at:%Y-%m-%d %H:%M:%S} UTC" if approval else ""))
    rows += [
        ("nonce", record.nonce),
        ("file", path_text(logged.path)),
        ("is in", ", ".join(_PLACES[place] for place in _places(logged))),
        ("signed by", logged.key or ("no known key" if logged.filed.signatures else "nobody")),
    ]
    rows += [("revoked by", f"{one.approver} in {filed.id}") for filed, one in logged.revocations]
    if approval:
        rows.append(("used", f"{len(logged.uses)} times" if len(logged.uses) != 1 else "once"))
        for use in logged.uses:
            stage = f"{use.stage} --enforce" if use.enforce else use.stage
            rows.append(
                ("", " ".join(filter(None, (use.time, stage, use.verdict, use.head[:12], use.branch))))
            )
    for name, value in rows:
        for at, one in enumerate([value] if isinstance(value, str) else value):
            if one:
                yield f"  {'' if at else name:<12} {one}".rstrip()


def verified_lines(found: Verification) -> Iterator[str]:
    """What does not hold of a log, each with the next step, or how much does."""
    for problem in found.problems:
        yield f"error: {cut_path(path_text(problem.path))}: {problem.reason}"
        yield f"  next {problem.help}"
    yield from (f"note: {note}" for note in found.notes)
    log = found.book.log
    count, revocations = len(log.filed), len(log.revocations)
    if wrong := len(found.problems):
        yield f"the log does not hold: {wrong} {'file is' if wrong == 1 else 'files are'} wrong"
    elif count:
        some = f", {revocations} of them revocations" if revocations else ""
        yield f"{count} record{' holds' if count == 1 else 's hold'}{some}"
    else:
        yield f"there are no approvals in {path_text(log.folder)}"


def data_of(book: Logbook, records: Sequence[Logged]) -> dict[str, Any]:
    """Records of a log as JSON can hold them."""
    return {
        "schema": SCHEMA,
        "folder": path_text(book.log.folder),
        "approvals": [_data(one) for one in records if isinstance(one.filed.record, Approval)],
        "revocations": [_data(one) for one in records if not isinstance(one.filed.record, Approval)],
        "broken": [
            {**path_data(one.path), "reason": one.reason, "place": one.place} for one in book.log.broken
        ],
    }


def verified_data(found: Verification) -> dict[str, Any]:
    """What does not hold of a log as JSON can hold it."""
    return {
        "schema": SCHEMA,
        "folder": path_text(found.book.log.folder),
        "holds": not found.problems,
        "records": len(found.book.log.filed),
        "problems": [
            {**path_data(one.path), "reason": one.reason, "help": one.help} for one in found.problems
        ],
        "notes": found.notes,
    }


def written_data(name: str, paths: Sequence[str]) -> dict[str, Any]:
    """What was written for a record as JSON can hold it."""
    return {"schema": SCHEMA, "id": name, "written": list(paths)}


def _places(logged: Logged) -> list[str]:
    return [place for place in _PLACES if place in logged.filed.places]


def _data(logged: Logged) -> dict[str, Any]:
    return {
        "id": logged.filed.id,
        **path_data(logged.path),
        **fields_of(logged, "state", "reasons", "proof"),
        "key": logged.key or None,
        "places": _places(logged),
        "revoked_by": [filed.id for filed, _ in logged.revocations],
        "uses": [
            {
                **fields_of(use, "time", "source", "stage", "enforce", "verdict", "findings"),
                "head": use.head or None,
                "branch": use.branch or None,
            }
            for use in logged.uses
        ],
        "record": dict(logged.filed.record.data),
    }
