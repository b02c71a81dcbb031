"""What the rules about approvals say of one that something speaks against."""

from __future__ import annotations

from specguard.rules import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Literal

    from specguard.rules import Approvals, Decision

    Kind = Literal["untrusted", "expired", "self", "replayed", "broad", "reason"]


def refused(approvals: Approvals, kind: Kind, settings: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """A finding for each thing of a kind that speaks against an approval.

    Args:
        approvals: those of the change.
        kind: the kind.
        settings: the setting that is cited, by the field of the record; the approver's own table where it is
            `approvals.approver`.

    Raises:
        MissingFact: after all findings, where it could not be told of every approval.
    """
    for decision, refusal in approvals.refused(kind):
        setting = (settings or {}).get(refusal.field, "approvals")
        if setting == "approvals.approver":
            setting = _table(approvals, decision)
        yield Finding(
            f"{called(decision)} does not count: {refusal.reason}",
            help=refusal.help,
            path=decision.path,
            line=line_of(decision, refusal.field),
            field=refusal.field or None,
            key=f"{decision.filed.id} {refusal.field}",
            setting=setting,
        )
    missing = approvals.missing(kind)
    if missing is not None:
        raise missing


def called(decision: Decision) -> str:
    """How an approval is called in messages."""
    return f"approval {decision.filed.id[:12]} by {decision.approval.approver}"


def line_of(decision: Decision, field: str) -> int | None:
    """The line of a field in the approval's file; None where it is about none."""
    start = f'  "{field}": '.encode()
    for number, line in enumerate(decision.approval.content.split(b"\n"), start=1):
        if line.startswith(start):
            return number
    return None


def _table(approvals: Approvals, decision: Decision) -> str:
    """The key of the approver's table, or of the list of them where there is none of that name."""
    names = [approver.name for approver in approvals.settings.approver]
    name = decision.approval.approver
    return f"approvals.approver.{names.index(name)}" if name in names else "approvals.approver"
