"""Approvals in a check: giving one, laying them over what the rules found, and judging them in turn."""

from __future__ import annotations

from specguard.change.entries import is_filed, is_in_log
from specguard.engine.run import state_of
from specguard.errors import MissingFact, NotApplicable
from specguard.model import listed, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.approvals.approvals import Approvals
    from specguard.approvals.record import Bond
    from specguard.change.sources import Change
    from specguard.engine.facts import Facts
    from specguard.engine.run import Judging
    from specguard.model import RuleResult


_NONE: Final = "the change has no approvals"


def settle(judging: Judging, results: Sequence[RuleResult]) -> tuple[list[RuleResult], list[str]]:
    """Let approvals lift what they are for, and let the rules about approvals judge them.

    Args:
        judging: what was judged, and by what; its request may ask for an approval to be given.
        results: what became of the other rules; those that an approval lifts are altered.

    Returns:
        What became of all rules, by code, and what a reader must see of approvals.

    Raises:
        SpecguardError: the approval that is asked for cannot be given.
    """
    facts, policy = judging.facts, judging.policy
    change, override = facts.change, facts.change.request.override
    notes: list[str] = []
    if override:
        from specguard.engine.granting import grant

        notes += grant(facts, bond_of(facts), results)
    failed = {result.code for result in results if result.state == "failed"}
    if "PTH004" in failed:
        from specguard.engine.approvers import accept_first_approvers

        notes += accept_first_approvers(facts, results)
    if "PTH002" in failed:
        from specguard.engine.approvers import accept_owners

        notes += accept_owners(change, policy, results)
    undone = policy.merge != "squash" and _is_undone(change, policy.log_folder)
    nothing = "" if undone else _NONE
    if undone or _matter(change, policy.log_folder, results):
        approvals = _approvals(facts, results)
        facts.let_approvals(approvals)
        if isinstance(approvals, MissingFact):
            nothing = ""
        elif approvals is not None:
            nothing = nothing if approvals.empty else ""
            approvals.lift()
            approvals.name_approvers()
            for result in results:
                if result.state in ("failed", "warned"):
                    result.state = state_of(result.findings)
            notes += _unproven(results)
            notes += () if override else _uncommitted(approvals)
            notes += [
                f"Approval {old[:12]} was for an earlier state; {new.filed.id[:12]} has taken its place."
                for old, new in approvals.superseded.items()
            ]
    own = judging.run(last=True, nothing=nothing)
    return sorted([*results, *own], key=lambda result: result.code), notes


def _approvals(facts: Facts, results: Sequence[RuleResult]) -> Approvals | MissingFact | None:
    """The approvals of a change; None where it can have none; what is missing to tell of them."""
    from specguard.approvals.approvals import Approvals

    try:
        enforce = facts.change.request.enforce
        return Approvals(bond_of(facts), facts.policy, results, enforce=enforce, now=facts.clock.now)
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


def bond_of(facts: Facts) -> Bond:
    """What approvals of a change are bound to."""
    from specguard.approvals.record import Bond

    try:
        item = facts.get("work_item")
    except (MissingFact, NotApplicable):
        item = None
    return Bond.of(facts.change, facts.policy, (item.kind, str(item.id)) if item else None)


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
        yield (
            f"Not committed, so CI will not see it: {listed(missing)}. Add it to the commit with git add"
            f" {path_text(approvals.log.folder)}"
        )
