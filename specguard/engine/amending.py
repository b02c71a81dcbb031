"""Adding to the log of approvals what needs no change: revocations, and signatures that are missing."""

from __future__ import annotations

import os

from specguard.approvals.log import write_record, write_signature
from specguard.approvals.record import Approval, Revocation
from specguard.approvals.signatures import sign_as
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.engine.clock import Clock
from specguard.engine.granting import approver_named
from specguard.engine.logbook import Logbook
from specguard.errors import MissingFact, SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from specguard.approvals.log import Filed
    from specguard.change.request import Request
    from specguard.engine.logged import Logged


def revoke(
    request: Request, name: str, *, approved_by: str, reason: str, key: str = ""
) -> tuple[Filed, Sequence[str]]:
    """Revoke an approval: write the record that ends it.

    Args:
        request: where the log is, and the base whose policy is asked.
        name: the approval, by its id or the beginning of it.
        approved_by: the approver who revokes it.
        reason: why.
        key: the file of their key; unsigned revocations hold as well.

    Returns:
        The approval, and the files that were written, from the working tree's folder.

    Raises:
        SpecguardError: there is no such approval, it is revoked already, or nothing can be written.
    """
    with Git(Repository.locate(request.directory, request.environment)) as git:
        book = Logbook(git, request)
        filed = book.named(name)
        if not isinstance(filed.record, Approval):
            raise SpecguardError(
                f"{filed.id[:12]} is a revocation, and holds for ever",
                help="give the approval anew",
                code="not-approvable",
            )
        earlier = book.revoking(filed.id)
        if earlier:
            by, when = earlier[0][1].approver, earlier[0][1].issued_at
            raise SpecguardError(
                f"{filed.id[:12]} is revoked already: {by} did so on {when:%Y-%m-%d}",
                help=f"`specguard approvals show {filed.id[:12]}` has it all",
                code="not-approvable",
            )
        approver = approver_named(approved_by, book.settings)
        text = " ".join(reason.split())
        if not text:
            raise SpecguardError(
                "a revocation needs a reason", help='say why with --reason "..."', code="not-approvable"
            )
        try:
            now = Clock.of(request).now()
        except MissingFact as missing:
            raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing
        record = Revocation(
            revokes=filed.id,
            approver=approver.name,
            reason=text,
            issued_at=now,
            nonce=os.urandom(16).hex(),
        )
        signature = sign_as(approver, record, key) if key else None
        path = write_record(git.repository.work_tree(), book.log.folder, record, signature)
        return filed, [path, f"{path}.sig"] if signature else [path]


def add_signature(request: Request, name: str, key: str, show: Callable[[Logged], None]) -> tuple[Filed, str]:
    """Sign a record that has no signature yet.

    Args:
        request: where the log is, and the base whose policy is asked.
        name: the record, by its id or the beginning of it.
        key: the file of the key of the approver that the record names.
        show: shows the record before it is signed: somebody else may have written it.

    Returns:
        The record, and the signature's file, from the working tree's folder.

    Raises:
        SpecguardError: there is no such record, it is signed, or the key is not its approver's.
    """
    with Git(Repository.locate(request.directory, request.environment)) as git:
        book = Logbook(git, request)
        filed = book.named(name)
        approver = approver_named(filed.record.approver, book.settings)
        if filed.signatures:
            raise SpecguardError(
                f"{filed.id[:12]} has a signature already",
                help=f"`specguard approvals show {filed.id[:12]}` tells whose it is",
                code="not-approvable",
            )
        if "local" not in filed.places:
            raise SpecguardError(
                f"{filed.id[:12]} is not in the working tree, so it cannot be signed there",
                help="check out a branch that has it",
                code="not-approvable",
            )
        show(book.logged(filed))
        signature = sign_as(approver, filed.record, key)
        work_tree = git.repository.work_tree()
        return filed, write_signature(work_tree, book.log.folder, filed.id, signature)
