"""One record of the log of approvals, and what it is worth where it is looked at."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, Literal

    from specguard.approvals.log import Filed, Use
    from specguard.approvals.record import Revocation

    State = Literal["holds", "unsigned", "untrusted", "future", "expired", "revoked"]

STATES: Final = ("revoked", "expired", "untrusted", "future", "unsigned", "holds")
"""The states of an approval; of several that it is in, the first is told."""


class Logged:
    """A record of the log, and what it is worth here.

    Attributes:
        filed: the record with its places and signatures.
        path: its file.
        state: one of `STATES`; `holds` says nothing yet about a change that it is for.
        reasons: why it is not worth more, each as a clause.
        key: the approver's key that signed it; empty where none did.
        revocations: the records that revoke it.
        uses: the checks in which it lifted something, the oldest first.
    """

    __slots__ = ("filed", "key", "path", "reasons", "revocations", "state", "uses")

    def __init__(self, filed: Filed, path: bytes) -> None:
        self.filed = filed
        self.path = path
        self.state: State = "holds"
        self.reasons: list[str] = []
        self.key = ""
        self.revocations: Sequence[tuple[Filed, Revocation]] = ()
        self.uses: Sequence[Use] = ()

    @property
    def proof(self) -> str:
        """What proves that it was given: `signature`, `base` (the trusted base has it), `local` (nothing)."""
        if self.key:
            return "signature"
        return "base" if "base" in self.filed.places else "local"

    def weigh(self, states: Sequence[tuple[State, str]]) -> None:
        """Take the states that it is in, each with its reason."""
        found = sorted(states, key=lambda one: STATES.index(one[0]))
        self.state = found[0][0] if found else "holds"
        self.reasons = [reason for _, reason in found]

    def __repr__(self) -> str:
        return f"Logged({self.filed.id[:12]}, {self.state})"
