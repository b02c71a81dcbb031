"""Approvals of a case: records for its own change, with what the case says otherwise.

Nothing is refused here: an approval may be by anybody, past, copied or cut, since what is tested is what a
check makes of it.
"""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from specguard.testing.stream import plain_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from specguard.approvals.binding import Bond
    from specguard.approvals.record import Approval, Revocation
    from specguard.model import Judged

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
