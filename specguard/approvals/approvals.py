"""The approvals of one change: those that count and lift findings, and the problems with the others."""

from __future__ import annotations

import re
from functools import cached_property, partial

from specguard.approvals.log import FiledRecord, first_alterations, read_log
from specguard.approvals.people import find_part, find_people, signing_key, verify
from specguard.approvals.record import Approval, Bond
from specguard.change.entries import is_in_log, is_record, sha256
from specguard.documents.completeness import is_content
from specguard.errors import MissingFact, if_applicable, if_known
from specguard.model import (
    TYPE_CHECKING,
    ApprovalUse,
    Judged,
    Record,
    RuleResult,
    cached_method,
    grouped,
    listed,
    path_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Final, Literal

    from specguard.approvals.people import ApprovalSettings, Approver, Person
    from specguard.authority.policy import Policy
    from specguard.engine.facts import Facts

    Kind = Literal["untrusted", "expired", "self", "replayed", "broad", "reason", "revoked", "undecided"]

    Proof = Literal["signature", "platform", "base", "local"]

    Reason = tuple[str, str, str]
    """A reason against an approval: the reason, the next step, and the field of the record."""

    Judge = Callable[["Decision"], Iterator[Reason]]


_MIN_LETTERS: Final = 8
"""The least number of letters that a reason must have, besides empty words and the rule's own names."""

_EMPTY_WORDS: Final = re.compile(
    r"\b(approved?|approval|override|overridden|lgtm|ok(ay)?|yes|please|needed|required|requested|asked"
    r"|necessary|reviewed|exception|discussed|reason|above|as|for|of|the|this|is|by|it)\b"
)


def reason_problem(reason: str, policy: Policy, codes: Sequence[str]) -> str:
    """Return why an approval's reason is meaningless, as a clause; empty if it has a meaning.

    Args:
        reason: the reason.
        policy: the policy with the rules.
        codes: the rules that the approval is for.
    """
    text = " ".join(reason.split())
    if not text:
        return "it gives no reason"
    rest = text.casefold()
    for code in codes:
        rule = policy.rule(code)
        for word in {code, rule.code, rule.name, rule.name.replace("-", " ")} if rule else {code}:
            rest = rest.replace(word.casefold(), " ")
    rest = _EMPTY_WORDS.sub(" ", rest)
    # Chinese, for one, writes a word with one or two signs, so a sign beyond ASCII counts as three letters.
    letters = sum(1 if char.isascii() else 3 for char in rest if char.isalnum())
    if not is_content(text) or letters < _MIN_LETTERS:
        return f"its reason, {text[:60]!r}, says nothing"
    return ""


class Refusal(Record):
    """A reason against an approval.

    Attributes:
        kind: the kind of reason; rules report each kind except `revoked` and `undecided`.
        reason: the reason, as a clause.
        help: the next step.
        field: the field of the record that it is about; empty if there is none.
    """

    kind: Kind
    reason: str
    help: str = ""
    field: str = ""


class Decision(Record, frozen=False):
    """The outcome of an approval in one check.

    Attributes:
        filed: the record.
        approval: the record's content.
        matches: the open findings that it names.
        proof: the proof that the approver gave it.
        refusals: the reasons against it; it counts if there are none.
        judged: True if every rule that it names was judged, so that a lack of matches is certain.
    """

    filed: FiledRecord
    approval: Approval
    matches: Sequence[Judged]
    proof: Proof = "local"
    refusals: Sequence[Refusal] = ()
    judged: bool = True

    @property
    def added(self) -> bool:
        """True if the change adds it, or it is not committed yet; False if the trusted base has it."""
        return "base" not in self.filed.places

    @property
    def counts(self) -> bool:
        """True if it lifts the findings that it matches."""
        return not self.refusals


_MOST_REFUSED: Final = 10
"""The most refused approvals that a finding lists; the newest are kept."""

_OUTDATED: Final = frozenset({"fingerprint", "policy_id", "expires_at"})
"""Fields for which an approval is refused whose change, judging policy or time is another by now."""

_UNJUDGED: Final = ("off", "not-applicable", "indeterminate")


class Approvals:
    """The approvals of one change, decided after the other rules have judged.

    Args:
        facts: the change and the policy that judged.
        results: the results of the rules; findings that an approval lifts are changed in place.

    Attributes:
        settings: the policy's table `[approvals]`.
        log: the log in the trusted base, the judged tree and the working tree.
        entries: the change's entries in the log's folder.
        old: the paths of invalid files there that the base already has.
        broken: the other invalid files there.
        undecided: for each kind of refusal the fact whose absence prevented judging approvals for it.

    Raises:
        MissingFact: the log cannot be read.
        NotApplicable: the change has no content.
    """

    def __init__(self, facts: Facts, results: Sequence[RuleResult]) -> None:
        self._bond = bond = Bond(facts)
        self._policy = facts.policy
        self.settings: ApprovalSettings = self._policy.declared("approval_settings")
        self._results = results
        self._facts = facts
        self.undecided: dict[Kind, MissingFact] = {}
        findings = [one for result in results for one in result.findings]
        self._open_findings = {one.fingerprint: one for one in findings if one.state == "open"}
        change, head = bond.change, if_applicable(lambda: bond.change.head_files, None)
        base = change.base_files if change.found.trusted else None
        self.log = read_log(bond.folder, base=base, head=head, work_tree=change.git.repository.root)
        self.entries = [entry for entry in change.entries if is_in_log(entry, bond.folder)]
        # An invalid file of the base never counted, so a change may fix or remove it.
        self.old = {broken.path for broken in self.log.broken if broken.place == "base"}
        self.broken = [broken for broken in self.log.broken if broken.path not in self.old]

    def against(self, approval: Approval, findings: Sequence[Judged]) -> Refusal | None:
        """Return the first reason that remains once an approval is written and proven; None if there is none.

        Raises:
            MissingFact: a fact that the decision needs is missing.
        """
        decision = Decision(FiledRecord(approval.id, b"", approval, {"local"}), approval, findings)
        self._judge(decision)
        for missing in self.undecided.values():
            raise missing
        return next((one for one in decision.refusals if one.field or one.kind != "untrusted"), None)

    @cached_property
    def decisions(self) -> Sequence[Decision]:
        """The outcome of each approval that this change adds, and of those in the base that match."""
        return list(self._decide())

    @property
    def removed(self) -> Iterator[tuple[bytes, str]]:
        """The revocations that a commit of the change removes, each as its path and the commit.

        Raises:
            NotApplicable: the change has no commits.
            MissingFact: an object is missing.
        """
        change, folder = self._bond.change, self._bond.folder
        done = ((one.oid, entry) for one in change.commits for diff in one.diffs for entry in diff)
        for commit, entry, content in first_alterations(done, folder, change.git):
            filed = self.log.filed.get(sha256(content))
            if b'"kind": "revoke"' in content and (filed is None or "head" not in filed.places):
                yield entry.path, commit

    @property
    def strangers(self) -> Iterator[tuple[bytes, str, str]]:
        """Added revocations by people who are not approvers, and signatures not by the record's approver.

        A revocation may be unsigned, since it only takes a right away. But a wrong signature in the base
        could never be fixed, and it would block the approver's own signature.

        Yields:
            The path of the revocation or signature, the problem as a clause, and the next step.

        Raises:
            MissingFact: a signature cannot be verified.
        """
        added_paths = {entry.path for entry in self.entries if entry.added}
        decided = {decision.filed.id for decision in self.decisions}
        for filed in self.log.filed.values():
            path, who = filed.path, filed.record.approver
            if filed.id in decided or added_paths.isdisjoint((path, path + b".sig")):
                continue
            approver = self.settings.named(who)
            if approver is None and path in added_paths:
                # An added approval that is not decided came with the branch that it is for.
                if not isinstance(filed.record, Approval):
                    what = f"is a revocation by {who}, who is not an approver"
                    yield path, what, "Let an approver revoke it."
            elif approver is None or not all(
                verify(filed.record.content, one, approver.keys) for one in filed.signatures
            ):
                yield path + b".sig", f"is a signature by no key of {who}", f"Only {who} can sign it."

    @property
    def superseded(self) -> Iterator[tuple[Decision, Decision]]:
        """Approvals that have expired or are for an earlier state, each with the newer one that replaces it.

        The two share a rule and a path. Every finding of the older one is approved now, by any approval.
        """
        counting = [one for one in self.decisions if one.counts and one.matches]
        for old in self.decisions:
            # A review proves nothing of another state, and a record of one would count once it has landed.
            outdated = _OUTDATED & {"expires_at"} if old.proof == "platform" else _OUTDATED
            if old.added and old.refusals and outdated.issuperset(one.field for one in old.refusals):
                newer = [
                    new
                    for new in counting
                    if new.approval.issued_at >= old.approval.issued_at
                    and not set(new.approval.rules).isdisjoint(old.approval.rules)
                    and not (old.approval.paths and set(new.approval.paths).isdisjoint(old.approval.paths))
                ]
                if newer and all(judged.state == "approved" for judged in old.matches):
                    yield old, newer[-1]

    def refused(self, kind: Kind) -> Iterator[tuple[Decision, Refusal]]:
        """Yield the approvals with a refusal of a kind, except superseded and revoked ones.

        Those of the base that the change does not sign are left out too if others lift all that they match.
        """
        over = {*(old.filed.id for old, _ in self.superseded), *self.log.revoked}
        touched = {entry.path.removesuffix(b".sig") for entry in self.entries}
        for decision in self.decisions:
            is_open = decision.added or any(one.state != "approved" for one in decision.matches)
            if (is_open or decision.filed.path in touched) and decision.filed.id not in over:
                yield from ((decision, one) for one in decision.refusals if one.kind == kind)

    def lift(self) -> None:
        """Mark the findings that approvals lift as `approved`, and list on each the approvals that name it.

        For each rule with open errors, record who may approve them and how many persons must. If two persons
        must, an approver who has approved all of them already is left out.
        """
        by_finding = grouped((judged.fingerprint, one) for one in self.decisions for judged in one.matches)
        approvers_of: dict[str, set[str]] = {}
        for fingerprint, decisions in by_finding.items():
            judged = self._open_findings[fingerprint]
            counting = [decision for decision in decisions if decision.counts]
            approvers_of[fingerprint] = {decision.approval.approver for decision in counting}
            persons = self.settings.persons_for(judged.code, judged.name)
            shortfall = [f"{judged.code} needs the approvals of {persons} persons"]
            if len(approvers_of[fingerprint]) >= persons:
                judged.state, shortfall = "approved", []
            refused = [decision for decision in decisions if not decision.counts][-_MOST_REFUSED:]
            judged.approvals = [
                ApprovalUse(
                    one.filed.id, one.approval, one.proof, [why.reason for why in one.refusals] or shortfall
                )
                for one in (*counting, *refused)
            ]
        for result in self._results:
            if open_errors := list(filter(self._is_liftable, result.findings)):
                common = set.intersection(*(approvers_of.get(one.fingerprint, set()) for one in open_errors))
                result.approvers = [name for name in self._approvers(result.code) if name not in common]
                result.persons = self.settings.persons_for(result.code, result.name) - len(common)
                result.by_paths = self._bond.suits_paths(open_errors, self.settings.scopes)

    def _is_liftable(self, judged: Judged) -> bool:
        """Return True if an approval helps: not for a file that is as it was, nor for an altered record."""
        path = judged.finding.path or b""
        altered = is_record(path, self.log.folder) and path not in self.old
        return judged.is_open_error and not altered and not self._bond.is_restored(judged.finding)

    def remarks(self) -> Iterator[str]:
        """Yield notes on approvals that lack a proof or a giver, are not committed, or are superseded."""
        for one in self.decisions:
            approver, which = self.settings.named(one.approval.approver), one.filed.id[:12]
            lifts = one.counts and any(match.state == "approved" for match in one.matches)
            if approver is not None and lifts and one.proof == "local":
                yield (
                    f"Nothing proves that {approver.name} gave approval {which}, so it holds only here. With"
                    f" --enforce, as in CI, it counts once {approver.name} {approver.proof_of(which)}."
                )
            absent = one.filed.places == {"local"} or one.filed.local_signature
            # `specguard approve` has printed this already.
            if one.counts and one.matches and absent and not self._bond.change.request.override:
                yield (
                    f"Not committed, so CI will not see it: approval {which} or its signature. Add it to the"
                    f" commit with {self._git('add', one.filed)}"
                )
        for filed, approval in self.log.approvals:
            is_open, target = any(one.state == "open" for one in self._matches(approval)), approval.target
            if is_open and self._bond.has_landed(target, filed.path):
                yield f"Approval {filed.id[:12]} is for {target}, which has it, and counts nowhere else."
        stuck = [one.code for one in self._results if any(map(self._is_liftable, one.findings))]
        barred = (code for code in stuck if not self._approvers(code))
        able = grouped((listed([one.name for one in self._able(code)]), code) for code in barred)
        for names, codes in able.items():
            if names:
                why = "but took part in this change, so the authority must name another approver"
                yield f"{names} may approve {listed(codes)}, {why}."
        for old, new in self.superseded:
            step = "; remove its file, as CI refuses it unsigned" if old.proof == "local" else ""
            yield f"Approval {old.filed.id[:12]} counts no more; {new.filed.id[:12]} took its place{step}."

    def _git(self, verb: str, filed: FiledRecord) -> str:
        """Return the git command that only adds or removes a record and its signature."""
        from specguard.declaration.look_alikes import shell_word

        return f"git {verb} -f {shell_word(b':/' + self.log.folder + filed.id[:12].encode() + b'*')}"

    def _decide(self) -> Iterator[Decision]:
        change = self._bond.change
        added_paths = {entry.path for entry in self.entries if entry.added}
        unjudged = {result.code for result in self._results if result.state in _UNJUDGED}
        for filed, approval in self.log.approvals:
            decision = Decision(filed, approval, self._matches(approval))
            if not decision.added and not decision.matches:
                continue
            self._judge(decision)
            # An approval in the base, or in the branch that it is for, is for an earlier change, even if its
            # findings appear again. One in the working tree may be for another change too, and surely is if
            # another commit is checked out than the judged one.
            bound = all(refusal.kind != "replayed" for refusal in decision.refusals)
            # Anybody can push a branch whose name is that of a later release.
            known = filed.signatures or approval.target == self._policy.base or not change.request.enforce
            added = decision.added and not (known and self._bond.has_landed(approval.target, filed.path))
            ours = filed.places != {"local"} or change.base.head in (None, change.git.repository.head)
            if bound or (added and ((ours and decision.matches) or filed.path in added_paths)):
                decision.judged = unjudged.isdisjoint(approval.rules) and not self._bond.only_files_approvals
                yield decision

    def _matches(self, approval: Approval) -> list[Judged]:
        paths = {None, *approval.paths}
        open_findings = filter(None, map(self._open_findings.get, approval.findings))
        found = [one for one in open_findings if one.code in approval.rules and one.finding.path in paths]
        return [one for one in found if not self._bond.is_restored(one.finding)]

    def _judge(self, decision: Decision) -> None:
        """Set the proof and the refusals of a decision."""
        # An approval that is filed for a later change need not be bound to this one: it lifts nothing here.
        ours = bool(decision.matches) or not self._bond.only_files_approvals
        filed, bond = decision.filed, self._bond
        out = f" of its commit with `{self._git('rm', filed)}`" if "head" in filed.places else ""
        found = [Refusal("replayed", *one) for one in (bond.breaks(decision.approval, out) if ours else ())]
        judges: list[tuple[Kind, Judge]] = [("broad", self._too_broad), ("reason", self._empty_reason)]
        if decision.added or not found:
            # Once it has landed, its place in the base proves it to later changes.
            judges.append(("untrusted", self._untrusted))
        if not found:
            judges += [("self", self._took_part), ("expired", self._expired)]
        for kind, judge in judges:
            try:
                found += [Refusal(kind, *one) for one in judge(decision)]
            except MissingFact as missing:
                self.undecided.setdefault(kind, missing)
                found.append(Refusal("undecided", missing.reason, missing.command))
        for _, revocation in self.log.revoked.get(filed.id, ()):
            why = revocation.reason or "no reason is given"
            found.append(Refusal("revoked", f"{revocation.approver} revoked it: {why}"))
        decision.refusals = found

    def _approvers(self, code: str) -> Sequence[str]:
        """Return those who may approve a rule's findings and did not take part in the change."""
        return [one.name for one in self._able(code) if not if_known(partial(self._part_of, one), "")]

    def _able(self, code: str) -> Sequence[Approver]:
        rule = self._policy.rule(code)
        return self.settings.able(rule) if rule else ()

    @cached_property
    def _people(self) -> Sequence[Person]:
        return find_people(self._bond.change, self._bond.folder, squashed=self._policy.merge == "squash")

    @cached_method
    def _part_of(self, approver: Approver) -> str:
        """Return an approver's part in the change, as a clause; empty if none is known.

        Raises:
            MissingFact: the people who made the change cannot be determined.
        """
        return find_part(approver, self._people)

    def _untrusted(self, decision: Decision) -> Iterator[Reason]:
        approval, enforce = decision.approval, self._facts.change.request.enforce
        if enforce and not self._policy.trusted:
            yield "no trusted base says who may approve", "Bring the authority to the base first.", ""
            return
        approver = self.settings.named(approval.approver)
        if approver is None:
            known = ", ".join(one.name for one in self.settings.approver) or "nobody"
            yield f"{approval.approver} is not an approver", f"The policy lets {known} approve.", "approver"
            return
        rules = [rule for code in approval.rules if (rule := self._policy.rule(code)) and rule.approvable]
        for rule in rules:
            if not approver.covers(rule):
                able = ", ".join(self._approvers(rule.code))
                step = f"{able} may." if able else f"Add {rule.code} to a 'may' of the authority first."
                named = " by that name" if rule.signed else ""
                yield f"{approver.name} may not approve {rule.code}{named}", step, "rules"
        filed = decision.filed
        proof = decision.proof = self._proof(decision, approver)
        sign = f"{approver.name} {approver.proof_of(filed.id)}."
        if proof == "local" and filed.signatures:
            unsign = f"Remove {path_text(filed.path)}.sig in a commit; then {sign}"
            yield f"its signature is by no key of {approver.name}", unsign, ""
        elif proof in ("base", "local") and (signed := [rule.code for rule in rules if rule.signed]):
            yield f"it is not signed, and only a signature lifts {' and '.join(signed)}", sign, ""
        elif proof == "local" and (enforce or self._facts.change.stage == "edit"):
            yield "nothing proves it: it is not signed", sign, ""
        elif enforce and (filed.places == {"local"} or filed.local_signature):
            what = "it" if filed.places == {"local"} else "its signature"
            yield f"{what} is not committed", f"Commit both: `{self._git('add', filed)} && git commit`.", ""

    def _proof(self, decision: Decision, approver: Approver) -> Proof:
        """Return the proof that an approver gave an approval; never `base` if another key has signed it."""
        if signing_key(decision.filed, approver.keys):
            return "signature"
        logins = {login.casefold() for login in self._bond.change.reviewers}
        if not logins.isdisjoint(login.casefold() for login in approver.logins):
            return "platform"
        return "local" if decision.added or decision.filed.signatures else "base"

    def _took_part(self, decision: Decision) -> Iterator[Reason]:
        approver = self.settings.named(decision.approval.approver)
        if approver and (part := self._part_of(approver)):
            yield part, "Ask somebody who had no part in the change.", "approver"

    def _expired(self, decision: Decision) -> Iterator[Reason]:
        approval, most, now = decision.approval, self.settings.max_days, self._facts.clock.now()
        again, end = "Ask for a new approval.", f"{approval.expires_at:%Y-%m-%d}"
        for state, why in approval.time_problems(now):
            yield why, again, "expires_at" if state == "expired" else "issued_at"
        if (approval.expires_at.date() - approval.issued_at.date()).days > most:
            step = f"The policy lets an approval hold for {most} days; give one of that length."
            yield f"it is to hold until {end}, longer than {most} days", step, "expires_at"

    def _too_broad(self, decision: Decision) -> Iterator[Reason]:
        approval = decision.approval
        lifted = {rule.code for rule in self._policy.rules if rule.approvable}
        if others := [code for code in approval.rules if code not in lifted]:
            yield f"no approval lifts {listed(others)}", "Name each rule that one lifts by its code.", "rules"
        there = {judged.finding.path for judged in decision.matches}
        unknown = [path for path in approval.paths if path not in there]
        if wild := [path_text(path) for path in unknown if path.endswith(b"/") or {*b"*?["} & {*path}]:
            yield f"it names {listed(wild)}, which is not a file", "Name each file by its path.", "paths"
        if approval.scope not in self.settings.scopes:
            yield f"its scope is {approval.scope}", f"The policy takes {self.settings.scopes[0]}.", "scope"

    def _empty_reason(self, decision: Decision) -> Iterator[Reason]:
        if problem := reason_problem(decision.approval.reason, self._policy, decision.approval.rules):
            yield problem, "Say with --reason why this change needs what the rule forbids.", "reason"
