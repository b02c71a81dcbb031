"""The approvals of one change: those that lift findings, and what is wrong with the others."""

from __future__ import annotations

from specguard.approvals.decide import Decision, Judge
from specguard.approvals.log import read_log
from specguard.approvals.removals import removed_revocations
from specguard.change.entries import is_in_log
from specguard.errors import MissingFact, NotApplicable
from specguard.model import Lift

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Final

    from specguard.approvals.binding import Bond
    from specguard.approvals.decide import Kind, Refusal
    from specguard.approvals.log import Log
    from specguard.approvals.record import Approval
    from specguard.approvals.settings import ApprovalSettings
    from specguard.authority.policy import Policy
    from specguard.change.change import Change
    from specguard.model import Judged, RuleResult

_TOLD: Final = 10
"""Of how many approvals a finding says that they did not count, the newest: each has findings of its own."""

_OUTDATED: Final = frozenset({("replayed", "fingerprint"), ("replayed", "policy_id")})
"""What speaks against an approval once its own change, or the policy that judges it, has moved on."""

_UNJUDGED: Final = ("off", "not-applicable", "indeterminate")


class Approvals:
    """The approvals of one change, decided on once the other rules have judged.

    Args:
        bond: what approvals of this change are bound to.
        policy: what it is judged by.
        settings: `[approvals]` of that policy.
        results: what became of the rules; those that an approval lifts are altered.
        enforce: whether an approval must be proven.
        now: the time; MissingFact without a clock.

    Attributes:
        settings: as given.
        log: the log.
        decisions: what became of each approval that this change brings, and of those of the base that match.
        entries: what the change does in the log's folder.
        old: the paths of the files there that are no record in the base already.
        broken: the other files there that are no record.

    Raises:
        MissingFact: the log cannot be read.
    """

    def __init__(
        self,
        bond: Bond,
        policy: Policy,
        settings: ApprovalSettings,
        results: Sequence[RuleResult],
        *,
        enforce: bool,
        now: Callable[[], datetime],
    ) -> None:
        self.settings = settings
        self._results = results
        self._bond = bond
        self._open = {
            judged.fingerprint: judged
            for result in results
            for judged in result.findings
            if judged.state == "open"
        }
        self.log = log_of(bond.change, bond.folder)
        self.entries = [entry for entry in bond.change.entries if is_in_log(entry, bond.folder)]
        # What the base has and is no record was never one that counted: it may be mended or go.
        self.old = {broken.path for broken in self.log.broken if broken.place == "base"}
        self.broken = [broken for broken in self.log.broken if broken.path not in self.old]
        revoked = {
            record.revokes: record.reason or "no reason is given" for _, record in self.log.revocations
        }
        self._judge = Judge(settings, policy, bond, enforce=enforce, now=now, revoked=revoked)
        self.decisions = list(self._decide())

    @property
    def empty(self) -> bool:
        """Whether there is nothing to say of approvals."""
        return not (self.decisions or self.broken or self.entries)

    @property
    def removed(self) -> Iterator[tuple[bytes, str]]:
        """The revocations that a commit of the change takes away, each by its path and the commit.

        Raises:
            NotApplicable: the change has no commits.
            MissingFact: an object is not there.
        """
        change, folder = self._bond.change, self._bond.folder
        yield from removed_revocations(change.commits, folder, change.head_files, self.log)

    @property
    def strangers(self) -> Iterator[tuple[bytes, str, str]]:
        """What the change brings beside approvals that is not by the approver who is named there.

        A revocation may be unsigned, since it only takes away. But what has a wrong signature could never be
        put right once it is in the base, nor could anybody sign an approval there that has one already.

        Yields:
            The path of the revocation or signature, what is wrong, as a clause, and the next step.

        Raises:
            MissingFact: nobody can tell whether a signature holds.
        """
        from specguard.approvals.signatures import signer

        brought = {entry.path for entry in self.entries if entry.added}
        decided = {decision.filed.id for decision in self.decisions}
        for filed in self.log.filed.values():
            path, who = self.log.path(filed.id), filed.record.approver
            if filed.id in decided or brought.isdisjoint((path, path + b".sig")):
                continue
            approver = self.settings.named(who)
            if approver is None and path in brought:
                yield path, f"is a revocation by {who}, who is no approver", "Let an approver revoke it."
            elif approver is None or not all(
                signer(filed.record.content, one, approver.keys) for one in filed.signatures
            ):
                yield path + b".sig", f"is a signature by no key of {who}", f"Only {who} can sign it."

    def missing(self, kind: Kind) -> MissingFact | None:
        """What could not be told of approvals; None where all could."""
        return self._judge.missing.get(kind)

    @property
    def superseded(self) -> Mapping[str, Decision]:
        """The newer approval that took the place of one of an earlier state of this change, by that one's id.

        All that the older one names is approved now, by whoever may.
        """
        counting = [one for one in self.decisions if one.counts and one.matches]
        found = {}
        for old in self.decisions:
            outdated = {(one.kind, one.field) for one in old.refusals}
            if not old.added or not outdated or not outdated <= _OUTDATED:
                continue
            done = all(judged.state == "approved" for judged in old.matches)
            newer = [
                new
                for new in counting
                if new.approval.issued_at >= old.approval.issued_at
                and not set(new.approval.rules).isdisjoint(old.approval.rules)
            ]
            if done and newer:
                found[old.filed.id] = newer[-1]
        return found

    def refused(self, kind: Kind) -> Iterator[tuple[Decision, Refusal]]:
        """The approvals that something of a kind speaks against, without those that were superseded."""
        superseded = self.superseded
        for decision in self.decisions:
            if decision.filed.id in superseded:
                continue
            for refusal in decision.refusals:
                if refusal.kind == kind:
                    yield decision, refusal

    def lift(self) -> None:
        """Mark the findings that approvals lift as `approved`, and say of each finding which name it."""
        by_finding: dict[str, list[Decision]] = {}
        for decision in self.decisions:
            for judged in decision.matches:
                by_finding.setdefault(judged.fingerprint, []).append(decision)
        for fingerprint, decisions in by_finding.items():
            judged = self._open[fingerprint]
            counting = [decision for decision in decisions if decision.counts]
            persons = self.settings.persons_for(judged.code, judged.name)
            enough = len({decision.approval.approver for decision in counting}) >= persons
            if counting and enough:
                judged.state = "approved"
            lacks = () if enough else (f"{judged.code} needs the approvals of {persons} persons",)
            refused = [decision for decision in decisions if not decision.counts][-_TOLD:]
            judged.lifts = [
                *(_lift(decision, lacks) for decision in counting),
                *(_lift(one, [refusal.reason for refusal in one.refusals]) for one in refused),
            ]

    def name_approvers(self) -> None:
        """Say of each rule with open errors who may approve them, and how many persons must.

        Whoever has approved all of them already, where two persons must, is not asked again.
        """
        given: dict[str, set[str]] = {}
        for decision in self.decisions:
            for judged in decision.matches if decision.counts else ():
                given.setdefault(judged.fingerprint, set()).add(decision.approval.approver)
        for result in self._results:
            open_ones = [
                judged.fingerprint
                for judged in result.findings
                if judged.severity == "error" and judged.state == "open"
            ]
            if open_ones:
                done = set.intersection(*(given.get(fingerprint, set()) for fingerprint in open_ones))
                result.approvers = [name for name in self._judge.approvers(result.code) if name not in done]
                result.persons = self.settings.persons_for(result.code, result.name) - len(done)

    def _decide(self) -> Iterator[Decision]:
        brought = {entry.path for entry in self.entries if entry.added}
        unjudged = {result.code for result in self._results if result.state in _UNJUDGED}
        for filed, approval in self.log.approvals:
            matches = self._matches(approval)
            decision = Decision(filed, approval, self.log.path(filed.id), matches)
            if not decision.added and not matches:
                continue
            self._judge.decide(decision)
            # The base's log is the past: what was approved then and is found again is another change. So is
            # what lies about in the working tree for another change.
            if decision.bound or (decision.added and (matches or decision.path in brought)):
                decision.judged = unjudged.isdisjoint(approval.rules) and not self._bond.files_approvals
                yield decision

    def _matches(self, approval: Approval) -> list[Judged]:
        found = []
        paths = frozenset(approval.paths)
        for fingerprint in approval.findings:
            judged = self._open.get(fingerprint)
            if judged is None or judged.code not in approval.rules:
                continue
            path = judged.finding.path
            if path is None or (path in paths and not self._bond.puts_back(judged.finding)):
                found.append(judged)
        return found


def log_of(change: Change, folder: bytes) -> Log:
    """The log as the trusted base, the judged tree and the working tree of a change have it.

    Raises:
        MissingFact: it cannot be read.
    """
    try:
        head = change.head_files
    except NotApplicable:
        head = None
    base = change.base_files if change.found.trusted else None
    return read_log(folder, base=base, head=head, work_tree=change.git.repository.work_tree_if_any())


def _lift(decision: Decision, refusals: Sequence[str]) -> Lift:
    approval = decision.approval
    return Lift(
        decision.filed.id,
        approver=approval.approver,
        reason=approval.reason,
        ticket=approval.ticket,
        expires_at=f"{approval.expires_at:%Y-%m-%dT%H:%M:%SZ}",
        proof=decision.proof,
        refusals=refusals,
    )
