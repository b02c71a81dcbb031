"""What an approval is bound to: the content of one change, its target, the policy and the repository."""

from __future__ import annotations

from functools import cached_property

from specguard.change.base import named_base
from specguard.change.entries import is_record
from specguard.declaration.rule import Record
from specguard.errors import MissingFact, NotApplicable, SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from specguard.approvals.record import Approval, Scope
    from specguard.authority.policy import Policy
    from specguard.change.change import Change
    from specguard.change.entries import Entry
    from specguard.model import Finding


class Bond(Record):
    """What approvals of one change are bound to.

    Attributes:
        change: the change.
        folder: the log's folder.
        target: the short name of the branch that it is to be merged into; empty where that is not known.
        policy_id: of the policy that judges it.
        repository: the canonical repository, as that policy names it; empty where it names none.
        work_item: the kind and id of the item that it implements; None where none is named.
    """

    change: Change
    folder: bytes
    target: str
    policy_id: str
    repository: str
    work_item: tuple[str, str] | None

    @classmethod
    def of(cls, change: Change, policy: Policy, work_item: tuple[str, str] | None) -> Bond:
        """The bond of a change under a policy."""
        return cls(
            change=change,
            folder=policy.log_folder,
            target=target_of(change, policy),
            policy_id=policy.policy_id,
            repository=policy.remote or "",
            work_item=work_item,
        )

    @cached_property
    def files_approvals(self) -> bool:
        """Whether the change does nothing but add records to the log, for changes that are still to come."""
        return bool(self._entries) and all(
            entry.added and entry.is_file and is_record(entry.path, self.folder) for entry in self._entries
        )

    def puts_back(self, finding: Finding) -> bool:
        """Whether a finding is about what one commit did to a file and another one put back.

        The change as a whole has nothing of it then, so nothing an approval is bound to says what it was.
        """
        path = finding.path
        return finding.commit is not None and all(entry.path != path for entry in self._entries)

    def fingerprint(self, scope: Scope, paths: Collection[bytes]) -> str:
        """The fingerprint of the whole change, or of those of its entries that are at some paths."""
        return self._whole if scope == "change" else self.change.fingerprint(self.folder, frozenset(paths))

    def breaks(self, approval: Approval) -> Iterator[tuple[str, str, str]]:
        """Why an approval is not one for this change.

        Yields:
            The field of the record that says so, the reason as a clause, and what to do as a sentence.
        """
        again = "Ask for an approval of the change as it is now."
        gone = approval.scope == "paths" and not self._paths.issuperset(approval.paths)
        if gone or self.fingerprint(approval.scope, approval.paths) != approval.fingerprint:
            what = "the change" if approval.scope == "change" else "its paths"
            yield "fingerprint", f"it was given for another content of {what}", again
        if approval.target != self.target:
            if self.target:
                yield (
                    "target",
                    f"it is for {approval.target or 'no branch that is known'}, not for {self.target}",
                    again,
                )
            else:
                yield (
                    "target",
                    f"it is for {approval.target}, and nobody can tell whether that is the base",
                    "Name the base as a branch: `--base main`.",
                )
        if approval.policy_id != self.policy_id:
            yield "policy_id", "it was given under another policy, or by another version of specguard", again
        if approval.repository != self.repository:
            where = approval.repository or "(none named)"
            yield "repository", f"it is for the repository {where}", again
        if self.work_item and approval.work_item and approval.work_item != self.work_item:
            items = f"it is for {' '.join(approval.work_item)}, not for {' '.join(self.work_item)}"
            yield "work_item", items, again

    # Asked for once an approval, and a change may bring thousands of both.

    @cached_property
    def _entries(self) -> Sequence[Entry]:
        try:
            return self.change.entries
        except NotApplicable:
            return ()

    @cached_property
    def _paths(self) -> frozenset[bytes]:
        return frozenset(entry.path for entry in self._entries)

    @cached_property
    def _whole(self) -> str:
        return self.change.fingerprint(self.folder)


def target_of(change: Change, policy: Policy) -> str:
    """The short name of the branch that a change is to be merged into; empty where nothing names it.

    A base that is given as an object id is the policy's, where it is that branch's tip.
    """
    found = change.found
    if found.ref.startswith("refs/heads/"):
        return found.ref.removeprefix("refs/heads/")
    if found.ref.startswith("refs/remotes/") and found.ref.count("/") > 2:
        return found.ref.split("/", 3)[3]
    if found.how == "event" and found.name != found.oid:
        return found.name
    if policy.base and found.trusted:
        try:
            if named_base(change.git, policy.base, "policy").oid == found.oid:
                return policy.base
        except (SpecguardError, MissingFact):
            return ""
    return ""
