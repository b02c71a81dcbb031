"""The log of approvals for people and for programs; the JSON is `specguard.approvals/1`."""

from __future__ import annotations

import base64

from specguard.approvals.record import Approval
from specguard.model import path_text, shortened
from specguard.reporters.escape import cut_path, json_text, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

    from specguard.approvals.log import Use
    from specguard.engine.logbook import Logbook, Logged, Verification

SCHEMA: Final = "specguard.approvals/1"

SHOWN: Final = 3
"""How many files of an approval a list names."""

_PLACES: Final = {"base": "the base", "head": "HEAD", "local": "the working tree"}
_PROOFS: Final = {"signature": "signed", "base": "in the base", "local": "unsigned"}


def as_text(book: Logbook, *, over: bool) -> str:
    """The approvals of a log, each in a few lines.

    Args:
        book: the log.
        over: whether those that are expired or revoked are listed too.
    """
    shown = book.approvals(over=over)
    lines = [line for logged in shown for line in _listed(logged)]
    hidden = len(book.log.approvals) - len(shown)
    if hidden:
        lines.append(f"{hidden} {'is' if hidden == 1 else 'are'} over: specguard approvals list --all")
    if not book.log.approvals:
        lines.append(f"there are no approvals in {path_text(book.log.folder)}")
    if book.log.broken:
        count = len({broken.path for broken in book.log.broken})
        what = "a file is no record" if count == 1 else f"{count} files are no records"
        lines.append(f"{what}: specguard approvals verify")
    return _joined(lines)


def one_as_text(logged: Logged) -> str:
    """A record with all that it says, and what it is worth here."""
    record = logged.filed.record
    rows = [
        ("state", "; ".join([logged.state, *logged.reasons])),
        ("approver", record.approver),
        ("reason", record.reason or "none"),
    ]
    rows += _approval_rows(record) if isinstance(record, Approval) else [("revokes", record.revokes)]
    rows.append(("issued", f"{record.issued_at:%Y-%m-%d %H:%M:%S} UTC"))
    if isinstance(record, Approval):
        rows.append(("holds until", f"{record.expires_at:%Y-%m-%d %H:%M:%S} UTC"))
    rows += [
        ("nonce", record.nonce),
        ("file", path_text(logged.path)),
        ("is in", ", ".join(_PLACES[place] for place in _places(logged))),
        ("signed by", logged.key or ("no known key" if logged.filed.signatures else "nobody")),
    ]
    rows += [("revoked by", f"{one.approver} in {filed.id}") for filed, one in logged.revocations]
    if isinstance(record, Approval):
        rows.append(("used", f"{len(logged.uses)} times" if len(logged.uses) != 1 else "once"))
        rows += [("", " ".join(filter(None, _use_words(use)))) for use in logged.uses]
    kind = "approval" if isinstance(record, Approval) else "revocation"
    return _joined([f"{kind} {logged.filed.id}", *(f"  {name:<12} {value}".rstrip() for name, value in rows)])


def verified_as_text(found: Verification) -> str:
    """What does not hold of a log, each with the next step, or how much does."""
    lines: list[str] = []
    for problem in found.problems:
        lines += [f"error: {cut_path(path_text(problem.path))}: {problem.reason}", f"  next {problem.help}"]
    lines += [f"note: {note}" for note in found.notes]
    log = found.book.log
    if found.problems:
        count = len(found.problems)
        lines.append(f"the log does not hold: {count} {'file is' if count == 1 else 'files are'} wrong")
    elif log.filed:
        revocations = len(log.revocations)
        some = f", {revocations} of them revocations" if revocations else ""
        count = len(log.filed)
        lines.append(f"{count} record{' holds' if count == 1 else 's hold'}{some}")
    else:
        lines.append(f"there are no approvals in {path_text(log.folder)}")
    return _joined(lines)


def as_json(book: Logbook, records: Sequence[Logged]) -> str:
    """Records of a log as JSON."""
    return (
        json_text(
            {
                "schema": SCHEMA,
                "folder": path_text(book.log.folder),
                "approvals": [_data(one) for one in records if isinstance(one.filed.record, Approval)],
                "revocations": [_data(one) for one in records if not isinstance(one.filed.record, Approval)],
                "broken": [
                    {**_path_data(broken.path), "reason": broken.reason, "place": broken.place}
                    for broken in book.log.broken
                ],
            }
        )
        + "\n"
    )


def verified_as_json(found: Verification) -> str:
    """What does not hold of a log as JSON."""
    return (
        json_text(
            {
                "schema": SCHEMA,
                "folder": path_text(found.book.log.folder),
                "holds": not found.problems,
                "records": len(found.book.log.filed),
                "problems": [
                    {**_path_data(problem.path), "reason": problem.reason, "help": problem.help}
                    for problem in found.problems
                ],
                "notes": found.notes,
            }
        )
        + "\n"
    )


def written_as_json(name: str, paths: Sequence[str]) -> str:
    """What was written for a record as JSON."""
    return json_text({"schema": SCHEMA, "id": name, "written": list(paths)}) + "\n"


def _listed(logged: Logged) -> Iterator[str]:
    record = logged.filed.record
    assert isinstance(record, Approval)  # noqa: S101 - approvals alone are listed
    files = [cut_path(path_text(path)) for path in record.paths[:SHOWN]]
    if len(record.paths) > SHOWN:
        files.append(f"and {len(record.paths) - SHOWN} more")
    what = f"{', '.join(record.rules)} {', '.join(files)}".rstrip()
    yield f"{logged.filed.id[:12]} {logged.state:<9} {shortened(record.approver)}: {what}"
    ticket = f" ({shortened(record.ticket)})" if record.ticket else ""
    yield f"  {shortened(record.reason, 300) or 'no reason is given'}{ticket}"
    said = [f"until {record.expires_at:%Y-%m-%d}", _PROOFS[logged.proof], _used(logged)]
    yield f"  {', '.join(said)}"
    for reason in logged.reasons:
        yield f"  {reason}"


def _used(logged: Logged) -> str:
    if not logged.uses:
        return "not used yet, as far as is known here"
    last, count = logged.uses[-1], len(logged.uses)
    often = "once" if count == 1 else f"{count} times, last"
    return f"used {often} by a check of {last.stage} on {last.time}"


def _approval_rows(record: Approval) -> list[tuple[str, str]]:
    rows = [("ticket", record.ticket)] if record.ticket else []
    rows += _several("rules", record.rules)
    rows += _several("files", [path_text(path) for path in record.paths])
    rows += _several("findings", record.findings)
    item = " ".join(record.work_item) if record.work_item else ""
    rows += [
        (name, value)
        for name, value in (
            ("bound to", "the whole change" if record.scope == "change" else "these files of the change"),
            ("fingerprint", record.fingerprint),
            ("target", record.target),
            ("policy", record.policy_id),
            ("repository", record.repository),
            ("work item", item),
        )
        if value
    ]
    return rows


def _several(name: str, values: Sequence[str]) -> list[tuple[str, str]]:
    return [(name if position == 0 else "", value) for position, value in enumerate(values)]


def _use_words(use: Use) -> tuple[str, ...]:
    stage = f"{use.stage} --enforce" if use.enforce else use.stage
    return use.time, stage, use.verdict, use.head[:12], use.branch


def _places(logged: Logged) -> list[str]:
    return [place for place in _PLACES if place in logged.filed.places]


def _data(logged: Logged) -> dict[str, Any]:
    return {
        "id": logged.filed.id,
        **_path_data(logged.path),
        "state": logged.state,
        "reasons": logged.reasons,
        "proof": logged.proof,
        "key": logged.key or None,
        "places": _places(logged),
        "revoked_by": [filed.id for filed, _ in logged.revocations],
        "uses": [
            {
                "time": use.time,
                "source": use.source,
                "stage": use.stage,
                "enforce": use.enforce,
                "verdict": use.verdict,
                "head": use.head or None,
                "branch": use.branch or None,
                "findings": use.findings,
            }
            for use in logged.uses
        ],
        "record": dict(logged.filed.record.data),
    }


def _path_data(path: bytes) -> dict[str, str]:
    data = {"path": path_text(path)}
    if data["path"].encode() != path:
        data["path_bytes"] = base64.b64encode(path).decode("ascii")
    return data


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{visible(line)}\n" for line in lines)
