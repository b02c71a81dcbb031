"""Grant, revoke and sign approvals: for named findings of one change, with a reason and an expiry date."""

from __future__ import annotations

import datetime
import os

from specguard.approvals.approvals import Approvals
from specguard.approvals.log import FiledRecord, Log, write_files, write_record
from specguard.approvals.people import ApprovalSettings, Approver, sign_as
from specguard.approvals.record import Approval, Bond, Revocation
from specguard.errors import Needed, NotApplicable, SpecguardError, nearest, unknown_rule
from specguard.model import TYPE_CHECKING, Judged, RuleResult, listed, path_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.approvals.log_verification import Logbook
    from specguard.approvals.record import Scope
    from specguard.authority.policy import Policy, RuleInPolicy
    from specguard.change.change import Change
    from specguard.engine.facts import Facts


def grant(facts: Facts, results: Sequence[RuleResult]) -> list[str]:
    """Write the approval that a request asks for.

    Args:
        facts: the change, and the policy that judged it. Its request has the approver, the rules and the
            reason.
        results: the findings of the rules.

    Returns:
        Notes for the reader of the report.

    Raises:
        SpecguardError: the approval cannot be given; nothing is written then.
    """
    request, policy, bond = facts.change.request, facts.policy, Bond(facts)
    if facts.change.whole and facts.change.empty:
        message = "there is no content that an approval could be bound to: nothing differs from the base"
        raise refusal(message, "put it right, or record what is there with `specguard baseline`")
    settings: ApprovalSettings = policy.declared("approval_settings")
    approver = find_approver(request.approved_by, settings)
    rules = [_rule(name, policy) for name in request.override]
    findings, description = _requested_findings(facts.change, rules, results)
    if not findings:
        return [f"{description} is in the baseline already, and needs no approval."]
    for judged in findings:
        if judged.finding.path is not None and bond.is_restored(judged.finding):
            raise refusal(
                f"commit {(judged.finding.commit or '')[:12]} changes {path_text(judged.finding.path)}, "
                "and a later one puts it back: nothing is left that an approval could be bound to",
                "fold these commits into one, with `git rebase --interactive`",
            )
    with Needed():
        record = _record(facts, bond, approver, findings)
        approvals = Approvals(facts, results)
        flaw = approvals.against(record, findings)
    if flaw is not None:
        raise refusal(f"this approval would not count: {flaw.reason}", flaw.help)
    if (known := _find_same(record, approvals.log)) is not None:
        proof = "" if known.signatures else f" Next {approver.name} {approver.proof_of(known.id)}."
        return [f"{approver.name} approved this already, with {known.id[:12]}; nothing is written.{proof}"]
    if request.dry_run:
        return [f"{approver.name} can approve this; a dry run writes nothing."]
    signature = sign_as(approver, record, request.key) if request.key else None
    file = write_record(bond.change.git.repository.work_tree(), bond.folder, record, signature)
    notes = [f"Approval {record.id[:12]} by {approver.name} is written to {file}; commit it with the change."]
    if bond.change.stage == "staged":
        by_paths = bond.suits_paths(findings, settings.scopes)
        rather = "; with --scope paths only those of the same files" if by_paths else ""
        whole = f"the branch end it{rather}"
        notes.append(f"Other commits of {whole if record.scope == 'change' else 'the same files end it'}.")
    if bond.change.found.trusted and not record.target:
        notes.append("It is for no branch that is known; for one, give --base BRANCH and no --range.")
    strict = sorted({rule.code for rule in rules if rule.signed and rule.code in record.rules})
    if strict and not signature:
        proves = f"{approver.name} {approver.proof_of(record.id)}"
        notes.append(f"Nothing lifts {' and '.join(strict)} without a proof, so this counts once {proves}.")
    return notes


def _record(facts: Facts, bond: Bond, approver: Approver, findings: Sequence[Judged]) -> Approval:
    """Return the approval of some findings, bound to the current state of the change."""
    request, now = facts.change.request, facts.clock.now()
    scope: Scope = "paths" if request.scope == "paths" else "change"
    paths = sorted({judged.finding.path for judged in findings if judged.finding.path is not None})
    if scope == "paths" and any(judged.finding.path not in bond.paths for judged in findings):
        message = "a finding in no file of the change cannot be approved only for its paths"
        raise refusal(message, "leave out --scope paths")
    try:
        fingerprint = bond.fingerprint(scope, paths)
    except NotApplicable as error:
        raise refusal(
            f"there is no content that an approval could be bound to: {error.reason}",
            "put the message right, or approve the branch once the commit is there",
        ) from error
    return Approval(
        approver=approver.name,
        reason=" ".join(request.reason.split()),
        ticket=request.ticket,
        issued_at=now,
        expires_at=_expiry(request.expires, now, facts.policy.declared("approval_settings").max_days),
        rules=sorted({judged.code for judged in findings}),
        paths=paths,
        findings=sorted({judged.fingerprint for judged in findings}),
        scope=scope,
        fingerprint=fingerprint,
        target=bond.target,
        policy_id=bond.policy_id,
        repository=bond.repository,
        work_item=bond.work_item,
        nonce=os.urandom(16).hex(),
    )


def refusal(message: str, step: str, code: str = "not-approvable") -> SpecguardError:
    """Return the error that something cannot be approved, with the next step."""
    return SpecguardError(message, help=step, code=code)


def _find_same(record: Approval, log: Log) -> FiledRecord | None:
    """Return a logged approval with the content of a new one that is not revoked, and expires no earlier."""
    own = dict.fromkeys(("issued_at", "expires_at", "nonce"))
    for filed, approval in log.approvals:
        same = {**approval.data, **own} == {**record.data, **own}
        if same and approval.expires_at >= record.expires_at and filed.id not in log.revoked:
            return filed
    return None


def find_approver(name: str, settings: ApprovalSettings) -> Approver:
    """Return the approver with this name.

    Raises:
        SpecguardError: the policy does not have such an approver.
    """
    if approver := settings.named(name):
        return approver
    step = "specguard init --approver NAME=KEYFILE adds who may, in a change of its own"
    if names := [one.name for one in settings.approver]:
        step = nearest(name, names, f"name one of {', '.join(names)} with --approved-by")
    if not name:
        raise refusal("no approver is named", step)
    raise refusal(f"{name} is not an approver", step, "unknown-name")


def _rule(name: str, policy: Policy) -> RuleInPolicy:
    """Return the rule with this code or name; raise an error if no approval may lift its findings."""
    rule = policy.rule(name)
    if rule is None:
        raise unknown_rule(name, {text for one in policy.rules for text in (one.code, one.name)})
    if not rule.approvable:
        raise refusal(f"no approval lifts {rule.code} {rule.name}", "put right what it found")
    return rule


_LISTING: Final = "`specguard approve` (or with --staged, --worktree) shows what could be approved"


def _requested_findings(
    change: Change, rules: Sequence[RuleInPolicy], results: Sequence[RuleResult]
) -> tuple[list[Judged], str]:
    """Return the open findings that a request means, and a text that describes them.

    Raises:
        SpecguardError: there are none, or the request does not name their files.
    """
    codes = {rule.code for rule in rules}
    rule_names = " and ".join(sorted(codes))
    found = [judged for result in results if result.code in codes for judged in result.findings]
    for one in results:
        if one.code in codes and one.reason and not one.findings:
            raise refusal(f"{one.code} was not judged: {one.reason}", one.command or _LISTING)
    wanted = [os.fsencode(path) for path in change.request.override_paths]
    named = {judged.finding.path for judged in found if judged.finding.path is not None}
    for path in wanted:
        if path not in named:
            step = nearest(path_text(path), map(path_text, named), _LISTING)
            raise refusal(f"{rule_names} found nothing in {path_text(path)}", step)
    there = [one for one in found if not wanted or one.finding.path in wanted]
    requested = [one for one in there if one.state == "open"]
    paths = sorted({path_text(one.finding.path) for one in requested if one.finding.path is not None})
    if paths and not wanted:
        step = f"give --path for each: {listed(paths)}; plain `specguard approve` prints them all"
        raise refusal("an approval names the files that it is for", step)
    if idle := sorted(codes - {judged.code for judged in there}):
        raise refusal(f"{idle[0]} finds nothing in what is to be approved", _LISTING)
    return requested, f"What {rule_names} finds there"


def _expiry(text: str, now: datetime.datetime, max_days: int) -> datetime.datetime:
    """Return when an approval expires: the end of the requested day, or of the last day that is allowed."""
    last = datetime.date.fromordinal(min(now.toordinal() + max_days, datetime.date.max.toordinal()))
    try:
        day = datetime.date.fromisoformat(text) if text else last
    except ValueError:
        raise refusal(f"--expires {text!r} is not a date", f"write it as {last}", "usage") from None
    if not now.date() <= day <= last:
        what = f"--expires {text} is past, or further away than the policy's {max_days} days"
        raise refusal(what, f"an approval may hold until {last}", "usage")
    return datetime.datetime.combine(day, datetime.time(23, 59, 59), tzinfo=datetime.UTC)


def revoke(
    book: Logbook, name: str, *, approved_by: str, reason: str, key: str = ""
) -> tuple[FiledRecord, Sequence[str]]:
    """Revoke an approval: write the record that ends it.

    Args:
        book: the log; the `Git` that it was read with must be open.
        name: the approval's id, or the beginning of it.
        approved_by: the approver who revokes it.
        reason: the reason.
        key: the file of the approver's key; an unsigned revocation is valid too.

    Returns:
        The approval, and the paths of the written files from the working tree's folder.

    Raises:
        SpecguardError: the approval does not exist, is revoked already, or the record cannot be written.
    """
    filed = book.find_record(name)
    if not isinstance(filed.record, Approval):
        raise refusal(f"{filed.id[:12]} is a revocation, and holds for ever", "give the approval anew")
    if filed.id in book.log.revoked:
        step = f"`specguard approvals show {filed.id[:12]}` says by whom"
        raise refusal(f"{filed.id[:12]} is revoked already", step)
    approver = find_approver(approved_by, book.settings)
    text = " ".join(reason.split())
    record = Revocation(
        revokes=filed.id, approver=approver.name, reason=text, issued_at=book.now, nonce=os.urandom(16).hex()
    )
    signature = sign_as(approver, record, key) if key else None
    path = write_record(book.git.repository.work_tree(), book.log.folder, record, signature)
    return filed, [path, f"{path}.sig"] if signature else [path]


def add_signature(book: Logbook, filed: FiledRecord, key: str) -> str:
    """Sign a record that has no signature yet.

    Args:
        book: the log; the `Git` that it was read with must be open.
        filed: the record.
        key: the key file of the approver that the record names.

    Returns:
        The signature's path from the working tree's folder.

    Raises:
        SpecguardError: the record is signed or not in the working tree, or the key is not its approver's.
    """
    approver = find_approver(filed.record.approver, book.settings)
    if filed.signatures:
        step = f"`specguard approvals show {filed.id[:12]}` says whose it is"
        raise refusal(f"{filed.id[:12]} has a signature already", step)
    if "local" not in filed.places:
        raise refusal(f"{filed.id[:12]} is not in the working tree", "check out a branch that has it")
    files = {f"{filed.id}.json.sig".encode(): sign_as(approver, filed.record, key)}
    return write_files(book.git.repository.work_tree(), book.log.folder, files)
