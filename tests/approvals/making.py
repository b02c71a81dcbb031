"""Records as tests want them."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from specguard.approvals.record import Approval, Revocation

FOLDER = b".specguard/approvals/"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def approval(approver: str = "alice", **fields: Any) -> Approval:
    """An approval of one file, with a nonce of its own."""
    values: dict[str, Any] = {
        "reason": "the vendor's file is wrong",
        "ticket": "ABC-1",
        "issued_at": NOW,
        "expires_at": datetime.now(UTC).replace(microsecond=0) + timedelta(days=20),
        "rules": ["PTH002"],
        "paths": [b"docs/api/x.yaml"],
        "findings": ["f" * 64],
        "scope": "change",
        "fingerprint": "c" * 64,
        "target": "main",
        "policy_id": "d" * 64,
        "repository": "",
        "work_item": None,
        "nonce": os.urandom(16).hex(),
    }
    return Approval(approver=approver, **{**values, **fields})


def revocation(revokes: str, approver: str = "alice", **fields: Any) -> Revocation:
    """The revocation of an approval."""
    values: dict[str, Any] = {"reason": "no longer wanted", "issued_at": NOW, "nonce": os.urandom(16).hex()}
    return Revocation(revokes=revokes, approver=approver, **{**values, **fields})
