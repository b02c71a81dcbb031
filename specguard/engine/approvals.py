"""Approvals in a check: giving one, laying them over what the rules found, and judging them in turn."""

from __future__ import annotations

from specguard.change.entries import is_filed, is_in_log
from specguard.engine.run import run_rules, state_of
from specguard.errors import MissingFact, NotApplicable
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.approvals.approvals import Approvals
    from specguard.approvals.record import Bond
    from specguard.authority.policy import Policy
    from specguard.change.request import Request
    from specguard.change.sources import Change
    from specguard.engine.check import Clock, Selection
    from specguard.engine.facts import Facts
    from specguard.model import RuleResult


_NONE: Final = "the change has no approvals"

_SHOWN: Final = 5
"""So many approvals are named in a note."""


def settle(
    request: Request,
    change: Change,
    policy: Policy,
    facts: Facts,
    selection: Selection,
    results: Sequence[RuleResult],
    clock: Clock,
) -> tuple[list[RuleResult], list[str]]:
    """Let approvals lift what they are for, and let the rules about approvals judge them.

    Args:
        request: what was asked for; it may ask for an approval to be given.
        change: what is judged.
        policy: by what.
        facts: what the rules about approvals ask for.
        selection: which rules were asked for.
        results: what became of the other rules; those that an approval lifts are altered.
        clock: until when an approval holds.

    Returns:
        What became of all rules, by code, and what a reader must see of approvals.

    Raises:
        SpecguardError: the approval that is asked for cannot be given.
    """
    notes: list[str] = []
    if request.override:
        from specguard.engine.granting import grant

        settings = policy.declared("approval_settings")
        notes += grant(request, policy, settings, bond_of(change, policy, facts), results, clock)
    if any(result.code == "PTH004" and result.state == "failed" for result in results):
        from specguard.engine.approvers import accept_first_approvers

        notes += accept_first_approvers(request, change, policy, facts, results)
    if any(result.code == "PTH002" and result.state == "failed" for result in results):
        from specguard.engine.approvers import accept_owners

        notes += accept_owners(request, change, policy, results)
    undone = policy.merge != "squash" and _is_undone(change, policy.log_folder)
    matter = undone or _matter(change, policy.log_folder, results)
    approvals = _approvals(request, change, policy, facts, results, clock) if matter else None
    if isinstance(approvals, MissingFact):
        facts.let_approvals(approvals)
    elif approvals is not None:
        facts.let_approvals(approvals)
        approvals.lift()
        approvals.name_approvers()
        for result in results:
            if result.state in ("failed", "warned"):
                result.state = state_of(result.findings)
        notes += _unproven(results)
        if not request.override:
            notes += _uncommitted(approvals)
        for old, new in approvals.superseded.items():
            which = new.filed.id[:12]
            notes.append(f"Approval {old[:12]} was for an earlier state; {which} has taken its place.")
    empty = approvals is None or (not isinstance(approvals, MissingFact) and approvals.empty)
    none = _NONE if empty and not undone else ""
    own = run_rules(policy, facts, selection, strict=request.strict, last=True, nothing=none)
    return sorted([*results, *own], key=lambda result: result.code), notes


def _approvals(
    request: Request,
    change: Change,
    policy: Policy,
    facts: Facts,
    results: Sequence[RuleResult],
    clock: Clock,
) -> Approvals | MissingFact | None:
    """The approvals of a change; None where it can have none; what is missing to tell of them."""
    from specguard.approvals.approvals import Approvals

    try:
        return Approvals(
            bond_of(change, policy, facts),
            policy,
            policy.declared("approval_settings"),
            results,
            enforce=request.enforce,
            now=clock.now,
        )
    except NotApplicable:
        # A message that is being written has no content that an approval could be bound to.
        return None
    except MissingFact as missing:
        return missing


def _matter(change: Change, folder: bytes, results: Sequence[RuleResult]) -> bool:
    """Whether approvals have to be looked at: something is open that one could lift, or the log is touched.

    A hook that has found nothing reads no log. Nor does one that judges an edit before it is made: nobody can
    have approved what is not there yet.
    """
    if change.stage != "edit" and any(
        judged.state == "open" for result in results for judged in result.findings
    ):
        return True
    try:
        entries = change.entries
    except NotApplicable:
        return False
    except MissingFact:
        # Whether the log is touched is not known then, and the rules about it say so.
        return True
    return any(is_in_log(entry, folder) for entry in entries)


def _is_undone(change: Change, folder: bytes) -> bool:
    """Whether a commit does more to the log than to add to it, which a later one may have hidden."""
    try:
        commits = change.commits
        return len(commits) > 1 and any(
            is_in_log(entry, folder) and not is_filed(entry, folder)
            for commit in commits
            for diff in commit.diffs
            for entry in diff
        )
    except (MissingFact, NotApplicable):
        # Whoever asks for the commits is told so.
        return False


def bond_of(change: Change, policy: Policy, facts: Facts) -> Bond:
    """What approvals of a change are bound to."""
    from specguard.approvals.record import Bond

    try:
        item = facts.get("work_item")
    except (MissingFact, NotApplicable):
        item = None
    return Bond.of(change, policy, (item.kind, str(item.id)) if item else None)


def _unproven(results: Sequence[RuleResult]) -> Iterator[str]:
    """What is said of approvals that hold here alone."""
    names = {
        lift.approver: lift.id[:12]
        for result in results
        for judged in result.findings
        if judged.state == "approved"
        for lift in judged.lifts
        if lift.proof == "local" and not lift.refusals
    }
    for name, which in sorted(names.items()):
        yield (
            f"Nothing proves that {name} gave approval {which}, so it holds only here. With --enforce, as in"
            f" CI, it counts once {name} signs it (specguard approvals sign {which} --key FILE) or approves "
            "the pull request on the platform."
        )


def _uncommitted(approvals: Approvals) -> Iterator[str]:
    """What is said of approvals that lift something here and that no clone would have."""
    missing = []
    for decision in approvals.decisions:
        if decision.counts and decision.matches:
            name = f"approval {decision.filed.id[:12]}"
            if decision.filed.places == {"local"}:
                missing.append(name)
            elif decision.filed.loose_signature:
                missing.append(f"the signature of {name}")
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        yield (
            f"Not committed, so CI will not see it: {', '.join(missing[:_SHOWN])}{more}. Add it to the commit"
            f" with git add {path_text(approvals.log.folder)}"
        )
