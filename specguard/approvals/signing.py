"""Signing a record as the approver that it names."""

from __future__ import annotations

from specguard.approvals.signatures import sign, signer
from specguard.errors import MissingFact, SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from specguard.approvals.record import Approval, Revocation
    from specguard.approvals.settings import Approver


def sign_as(approver: Approver, record: Approval | Revocation, key: str) -> bytes:
    """An approver's signature over a record.

    Args:
        approver: whose key it must be, by the policy.
        record: what is signed.
        key: the key's file, as `specguard.approvals.signatures.sign` takes it.

    Raises:
        SpecguardError: the key cannot sign, or is another one.
    """
    if not approver.keys:
        raise SpecguardError(
            f"the policy names no key of {approver.name}",
            help=f"add `key` to the table of {approver.name} in [approvals]",
            code="signing-failed",
        )
    signature = sign(record.content, key)
    try:
        known = signer(record.content, signature, approver.keys)
    except MissingFact as missing:
        raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing
    if known is None:
        raise SpecguardError(
            f"the policy names another key of {approver.name}",
            path=key,
            help=f"sign with the one that it names: {approver.keys[0][:60]}",
            code="signing-failed",
        )
    return signature
