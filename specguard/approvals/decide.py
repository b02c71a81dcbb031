"""Whether an approval counts: each thing that speaks against it is a refusal, and none is forgiven."""

from __future__ import annotations

import re

from specguard.approvals.people import part_of, people_of
from specguard.approvals.reasons import says_nothing
from specguard.declaration.rule import Record
from specguard.errors import MissingFact
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Final, Literal

    from specguard.approvals.binding import Bond
    from specguard.approvals.log import Filed
    from specguard.approvals.people import Person
    from specguard.approvals.record import Approval
    from specguard.approvals.settings import ApprovalSettings, Approver
    from specguard.authority.policy import Policy
    from specguard.model import Judged

    Kind = Literal["untrusted", "expired", "self", "replayed", "broad", "reason", "revoked", "undecided"]
    Proof = Literal["signature", "platform", "base", "local"]

SKEW: Final = 300
"""By how many seconds two machines' clocks may differ."""

_WILD: Final = re.compile(rb"[*?\[]|/\Z")


class Refusal(Record):
    """Something that speaks against an approval.

    Attributes:
        kind: what it is about; each kind but `revoked` and `undecided` is reported by a rule.
        reason: what it is, as a clause.
        help: what to do.
        field: the field of the record that it is about; empty where it is about none.
    """

    kind: Kind
    reason: str
    help: str
    field: str = ""


class Decision:
    """What became of an approval in one check.

    Attributes:
        filed: the record.
        approval: what it says.
        path: its file.
        added: whether the change brings it, or it is not committed yet; else the trusted base has it.
        matches: the findings that it names and that are there.
        proof: what proves that the approver gave it.
        refusals: what speaks against it; it counts where nothing does.
        judged: whether every rule that it names was judged, so that it can be said to match nothing.
    """

    __slots__ = ("added", "approval", "filed", "judged", "matches", "path", "proof", "refusals")

    def __init__(self, filed: Filed, approval: Approval, path: bytes, matches: Sequence[Judged]) -> None:
        self.filed = filed
        self.approval = approval
        self.path = path
        self.added = "base" not in filed.places
        self.matches = matches
        self.proof: Proof = "local"
        self.refusals: Sequence[Refusal] = ()
        self.judged = True

    @property
    def counts(self) -> bool:
        """Whether it lifts what it matches."""
        return not self.refusals

    @property
    def bound(self) -> bool:
        """Whether it is for this change."""
        return all(refusal.kind != "replayed" for refusal in self.refusals)

    def __repr__(self) -> str:
        return f"Decision({self.filed.id[:12]}: {[refusal.reason for refusal in self.refusals]})"


class Judge:
    """Decides on approvals.

    Args:
        settings: `[approvals]` of the policy that judges.
        policy: that policy.
        bond: what approvals of this change are bound to.
        enforce: whether an approval must be proven.
        now: the time; MissingFact without a clock.
        revoked: the reason of each revocation by the approval's id.

    Attributes:
        missing: what could not be told, by the kind of refusal that depends on it.
    """

    def __init__(
        self,
        settings: ApprovalSettings,
        policy: Policy,
        bond: Bond,
        *,
        enforce: bool,
        now: Callable[[], datetime],
        revoked: Mapping[str, str],
    ) -> None:
        self._settings = settings
        self._policy = policy
        self._bond = bond
        self._enforce = enforce
        self._now = now
        self._revoked = revoked
        self._people: Sequence[Person] | MissingFact | None = None
        self._parts: dict[str, str] = {}
        self.missing: dict[Kind, MissingFact] = {}

    @property
    def people(self) -> Sequence[Person]:
        """Those who made the change.

        Raises:
            MissingFact: nobody can tell.
        """
        if self._people is None:
            squashed = self._policy.merge == "squash"
            try:
                self._people = people_of(self._bond.change, self._bond.folder, squashed=squashed)
            except MissingFact as missing:
                self._people = missing
        if isinstance(self._people, MissingFact):
            raise self._people
        return self._people

    def decide(self, decision: Decision) -> None:
        """Fill in a decision's proof and refusals."""
        found: list[Refusal] = []
        # What is filed for a change to come is for another one; but it lifts nothing of this one.
        if decision.matches or not self._bond.files_approvals:
            found += [
                Refusal(kind="replayed", reason=why, help=step, field=field)
                for field, why, step in self._bond.breaks(decision.approval)
            ]
        found += self._broad(decision)
        found += self._reason(decision.approval)
        if not any(refusal.kind == "replayed" for refusal in found):
            judges: tuple[tuple[Kind, Callable[[Decision], Iterable[Refusal]]], ...] = (
                ("untrusted", self._untrusted),
                ("self", self._own),
                ("expired", self._expired),
            )
            for kind, judge in judges:
                try:
                    found += judge(decision)
                except MissingFact as missing:
                    self.missing.setdefault(kind, missing)
                    found.append(Refusal(kind="undecided", reason=missing.reason, help=missing.command))
        if decision.filed.id in self._revoked:
            found.append(
                Refusal(kind="revoked", reason=f"it was revoked: {self._revoked[decision.filed.id]}", help="")
            )
        decision.refusals = found

    def approvers(self, code: str) -> Sequence[str]:
        """Those who may approve a rule's findings and did not make the change."""
        rule = self._policy.rule(code)
        if rule is None or not rule.approvable:
            return ()
        able = [
            one for one in self._settings.approver if one.covers(rule.code, rule.name, by_name=rule.signed)
        ]
        try:
            return [one.name for one in able if not self._part_of(one)]
        except MissingFact:
            return [one.name for one in able]

    def _part_of(self, approver: Approver) -> str:
        """The part that an approver had in the change, as a clause; empty where none is known."""
        if approver.name not in self._parts:
            self._parts[approver.name] = part_of(approver, self.people)
        return self._parts[approver.name]

    def _untrusted(self, decision: Decision) -> Iterator[Refusal]:
        approval = decision.approval
        if self._enforce and not self._policy.trusted:
            yield _untrusted("no trusted base says who may approve", "Bring the authority to the base first.")
            return
        approver = self._settings.named(approval.approver)
        if approver is None:
            known = ", ".join(one.name for one in self._settings.approver) or "nobody"
            yield _untrusted(
                f"{approval.approver} is no approver", f"The policy lets {known} approve.", "approver"
            )
            return
        signed = False
        for code in approval.rules:
            rule = self._policy.rule(code)
            if rule is None or not rule.approvable:
                continue
            signed = signed or rule.signed
            if not approver.covers(rule.code, rule.name, by_name=rule.signed):
                able = ", ".join(self.approvers(code)) or "nobody"
                named = " by that name" if rule.signed else ""
                yield _untrusted(f"{approver.name} may not approve {code}{named}", f"{able} may.", "rules")
        decision.proof, problem = self._proof(decision, approver)
        if problem:
            yield problem
        elif signed and decision.proof in ("base", "local"):
            yield _untrusted("it is not signed, and only a signature lifts this rule", _sign(decision))
        elif self._enforce and decision.proof == "local":
            yield _untrusted("nothing proves it: it is not signed", _sign(decision))
        elif self._enforce and decision.filed.places == {"local"}:
            yield _untrusted("it is not committed", f"Commit {path_text(decision.path)} and its signature.")

    def _proof(self, decision: Decision, approver: Approver) -> tuple[Proof, Refusal | None]:
        filed = decision.filed
        if filed.signatures:
            from specguard.approvals.signatures import signer

            content = filed.record.content
            if any(signer(content, signature, approver.keys) for signature in filed.signatures):
                return "signature", None
        logins = {login.casefold() for login in self._bond.change.reviewers}
        if not logins.isdisjoint(login.casefold() for login in approver.logins):
            return "platform", None
        if filed.signatures:
            return "local", _untrusted(f"its signature is by no key of {approver.name}", _sign(decision))
        return ("local" if decision.added else "base"), None

    def _own(self, decision: Decision) -> Iterator[Refusal]:
        approver = self._settings.named(decision.approval.approver)
        part = self._part_of(approver) if approver else ""
        if part:
            step = "Ask somebody who had no part in the change."
            yield Refusal(kind="self", reason=part, help=step, field="approver")

    def _expired(self, decision: Decision) -> Iterator[Refusal]:
        approval, most = decision.approval, self._settings.max_days
        now = self._now()
        again = "Ask for a new approval."
        if now > approval.expires_at:
            yield _expired(f"it held until {approval.expires_at:%Y-%m-%d}", again)
        if (approval.issued_at - now).total_seconds() > SKEW:
            yield _expired(
                f"it is from {approval.issued_at:%Y-%m-%d %H:%M}, which is to come", again, "issued_at"
            )
        if (approval.expires_at.date() - approval.issued_at.date()).days > most:
            yield _expired(
                f"it is to hold until {approval.expires_at:%Y-%m-%d}, longer than {most} days",
                f"The policy lets an approval hold for {most} days; give one of that length.",
            )

    def _broad(self, decision: Decision) -> Iterator[Refusal]:
        approval = decision.approval
        rules = {code: self._policy.rule(code) for code in approval.rules}
        unknown = [code for code, rule in rules.items() if rule is None or rule.code != code]
        if unknown:
            said = f"it names {unknown[0]}, which is no rule's code{_and_more(unknown)}"
            yield _broad(said, "Name each rule by its code.", "rules")
        for code, rule in rules.items():
            if rule is not None and rule.code == code and not rule.approvable:
                yield _broad(f"no approval lifts {code}", "Put right what the rule found.", "rules")
        there = {judged.finding.path for judged in decision.matches}
        wild = [path for path in approval.paths if path not in there and _WILD.search(path)]
        if wild:
            said = f"it names {path_text(wild[0])}, which is no file{_and_more(wild)}"
            yield _broad(said, "Name each file by its path.", "paths")
        if approval.scope not in self._settings.scopes:
            yield _broad(
                f"it is bound to {'its paths alone' if approval.scope == 'paths' else 'the whole change'}",
                f"The policy takes approvals that are bound to {' or '.join(self._settings.scopes)}.",
                "scope",
            )

    def _reason(self, approval: Approval) -> Iterator[Refusal]:
        said = says_nothing(approval.reason, self._policy, approval.rules)
        if said:
            step = "Say why this change needs what the rule forbids."
            yield Refusal(kind="reason", reason=said, help=step, field="reason")


def _and_more(names: Sequence[object]) -> str:
    return f", and {len(names) - 1} more such" if len(names) > 1 else ""


def _untrusted(reason: str, step: str, field: str = "") -> Refusal:
    return Refusal(kind="untrusted", reason=reason, help=step, field=field)


def _expired(reason: str, step: str, field: str = "expires_at") -> Refusal:
    return Refusal(kind="expired", reason=reason, help=step, field=field)


def _broad(reason: str, step: str, field: str) -> Refusal:
    return Refusal(kind="broad", reason=reason, help=step, field=field)


def _sign(decision: Decision) -> str:
    who = decision.approval.approver
    return f"{who} signs it with `specguard approvals sign {decision.filed.id[:12]} --key FILE`."
