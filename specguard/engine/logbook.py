"""The log of approvals as a whole: what each record is worth here, and which checks used it."""

from __future__ import annotations

import os
import re

from specguard.approvals.approvals import SKEW
from specguard.approvals.log import Uses, read_log
from specguard.approvals.record import Approval
from specguard.change.base import find_base, named_base
from specguard.change.tree import Tree
from specguard.engine.clock import Clock
from specguard.engine.logged import Logged
from specguard.engine.policies import open_policy
from specguard.errors import MissingFact, SpecguardError, nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.approvals.log import Filed
    from specguard.approvals.record import Revocation
    from specguard.approvals.settings import ApprovalSettings
    from specguard.authority.policy import Policy
    from specguard.change.git import Git
    from specguard.change.request import Request
    from specguard.engine.logged import State

LEAST_DIGITS: Final = 7
"""With how few digits a record can be named."""

_SHOWN: Final = 5


class Logbook:
    """The log of approvals, as the trusted base, `HEAD` and the working tree have it.

    Args:
        git: where it is read; it must stay open as long as the history is looked at.
        request: its directory, environment, `base` and `today` count.
        decisions: files of decisions, beside the one that checks here write.

    Attributes:
        policy: what would judge here; it says who may approve.
        settings: `[approvals]` of it.
        work_tree: the working tree's folder; None in a bare repository.
        base: the trusted base's tree; None where there is no trusted base.
        head: the tree of `HEAD`; None before the first commit.
        log: the records.
        uses: the checks that used them.

    Raises:
        SpecguardError: there is no policy, or the log cannot be read.
    """

    def __init__(self, git: Git, request: Request, decisions: Sequence[str] = ()) -> None:
        repository = git.repository
        self.git = git
        self.policy = open_policy(request)
        self.settings: ApprovalSettings = self.policy.declared("approval_settings")
        self.work_tree = repository.work_tree_if_any()
        try:
            trusted = _trusted_base(git, request, self.policy)
            self.base = Tree(git, git.commit(trusted).tree) if trusted else None
            self.head = Tree(git, git.commit(repository.head).tree) if repository.head else None
            self.log = read_log(
                self.policy.log_folder, base=self.base, head=self.head, work_tree=self.work_tree
            )
            self._now = Clock.of(request).now()
        except MissingFact as missing:
            raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing
        self.uses = Uses(repository.common, decisions)
        self._revoking: dict[str, list[tuple[Filed, Revocation]]] = {}
        for filed, record in self.log.revocations:
            self._revoking.setdefault(record.revokes, []).append((filed, record))

    def approvals(self, *, over: bool = True) -> list[Logged]:
        """The approvals, the oldest first.

        Args:
            over: whether those that are expired or revoked are among them.

        Raises:
            SpecguardError: nobody can tell whether a signature holds.
        """
        # To verify a signature takes time, and most of an old log is over.
        return [
            self.logged(filed)
            for filed, record in self.log.approvals
            if over or not self._is_over(filed, record)
        ]

    def revocations(self) -> list[Logged]:
        """The revocations, the oldest first.

        Raises:
            SpecguardError: nobody can tell whether a signature holds.
        """
        return [self.logged(filed) for filed, _ in self.log.revocations]

    def named(self, name: str) -> Filed:
        """The record that an id, the beginning of one, or the path of its file names.

        Raises:
            SpecguardError: there is none, or there are several.
        """
        digits = os.path.basename(name).partition(".")[0].lower()
        if len(digits) < LEAST_DIGITS or not re.fullmatch("[0-9a-f]{1,64}", digits):
            raise SpecguardError(
                f"{name!r} names no record",
                help=f"give {LEAST_DIGITS} or more digits of its id; `specguard approvals list --all` has it",
                code="unknown-name",
            )
        found = sorted(one for one in self.log.filed if one.startswith(digits))
        if len(found) > 1:
            known = ", ".join(one[: _telling(found)] for one in found[:_SHOWN])
            raise SpecguardError(
                f"{name} is short for {len(found)} records", help=f"there is {known}", code="unknown-name"
            )
        if not found:
            length = max(len(digits), LEAST_DIGITS)
            raise SpecguardError(
                f"no record of the log is {name}",
                help=nearest(
                    digits,
                    {one[:length] for one in self.log.filed},
                    "`specguard approvals list --all` lists them",
                ),
                code="unknown-name",
            )
        return self.log.filed[found[0]]

    def logged(self, filed: Filed) -> Logged:
        """What a record is worth here.

        Raises:
            SpecguardError: nobody can tell whether its signature holds.
        """
        record = filed.record
        logged = Logged(filed, self.log.path(filed.id))
        states = list(self._trust(logged))
        if isinstance(record, Approval):
            logged.revocations = self.revoking(filed.id)
            logged.uses = self.uses.of(filed.id)
            states += self._ends(record, logged.revocations)
        logged.weigh(states)
        return logged

    def revoking(self, revoked: str) -> list[tuple[Filed, Revocation]]:
        """The revocations of an approval."""
        return self._revoking.get(revoked, [])

    def _is_over(self, filed: Filed, record: Approval) -> bool:
        states = {state for state, _ in self._ends(record, self.revoking(filed.id))}
        return not states.isdisjoint({"revoked", "expired"})

    def _ends(
        self, record: Approval, revocations: Sequence[tuple[Filed, Revocation]]
    ) -> Iterator[tuple[State, str]]:
        """Whether an approval is over, or has not begun."""
        for _, revocation in revocations:
            why = f": {revocation.reason}" if revocation.reason else ""
            yield "revoked", f"{revocation.approver} revoked it on {revocation.issued_at:%Y-%m-%d}{why}"
        if self._now > record.expires_at:
            yield "expired", f"it held until {record.expires_at:%Y-%m-%d}"
        if (record.issued_at - self._now).total_seconds() > SKEW:
            yield "future", f"it is from {record.issued_at:%Y-%m-%d %H:%M}, which is to come"

    def _trust(self, logged: Logged) -> Iterator[tuple[State, str]]:
        """What speaks against it that its approver gave it, and might; its key is noted."""
        filed, record = logged.filed, logged.filed.record
        approver = self.settings.named(record.approver)
        if approver is None:
            yield "untrusted", f"{record.approver} is no approver in the policy"
            return
        for code in record.rules if isinstance(record, Approval) else ():
            rule = self.policy.rule(code)
            if rule is not None and not approver.covers(rule.code, rule.name, by_name=rule.signed):
                yield "untrusted", f"{approver.name} may not approve {code}"
        logged.key = signing_key(record, filed.signatures, approver.keys) or ""
        if not logged.key and filed.signatures:
            yield "untrusted", f"its signature is by no key of {approver.name}"
        elif not logged.key and "base" not in filed.places:
            yield "unsigned", "it has no signature"


def signing_key(
    record: Approval | Revocation, signatures: Sequence[bytes], keys: Sequence[str]
) -> str | None:
    """The first of some public keys by which one of some signatures over a record is.

    Raises:
        SpecguardError: nobody can tell.
    """
    from specguard.approvals.signatures import signer

    try:
        found = (signer(record.content, signature, keys) for signature in signatures)
        return next(filter(None, found), None)
    except MissingFact as missing:
        raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing


def _trusted_base(git: Git, request: Request, policy: Policy) -> str | None:
    """The commit of the trusted base, where the policy is from there; None where it is from elsewhere."""
    found = find_base(git, request)
    if found is None or policy.ref is None:
        return None
    known = {found.oid}
    if policy.base and not found.given:
        known.add(named_base(git, policy.base, "policy").oid)
    return policy.ref if policy.ref in known else None


def _telling(names: Sequence[str]) -> int:
    """With how many digits each of some ids can be told from the others."""
    return next(size for size in range(12, 65) if len({name[:size] for name in names}) == len(names))
