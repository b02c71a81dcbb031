"""The way into approvals, once the rules have judged: giving one, and laying them over what was found."""

from __future__ import annotations

from specguard.change.entries import is_filed, is_in_log
from specguard.errors import MissingFact, NotApplicable, if_known
from specguard.model import state_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.change.sources import Change
    from specguard.engine.facts import Facts
    from specguard.model import RuleResult


_NONE: Final = "the change has no approvals"


def settle(facts: Facts, results: Sequence[RuleResult]) -> tuple[str, list[str]]:
    """Let approvals lift what they are for; the fact of the rules about approvals follows from it.

    Args:
        facts: the change, whose request may ask for an approval to be given, and the policy that judged.
        results: what became of the other rules; those that an approval lifts are altered.

    Returns:
        Why the rules about approvals have nothing to judge, empty where they have; and what a reader must
        see.

    Raises:
        SpecguardError: the approval that is asked for cannot be given.
    """
    change, policy = facts.change, facts.policy
    notes: list[str] = []
    if change.request.override:
        from specguard.approvals.granting import grant

        notes += grant(facts, results)
    # Nobody approves an edit before it is made, and a hook waits for what is imported.
    failed = {one.code for one in results if one.state == "failed" and change.stage != "edit"}
    if "PTH004" in failed:
        from specguard.approvals.approvers import accept_first_approvers

        notes += accept_first_approvers(facts, results)
    if "PTH002" in failed:
        from specguard.approvals.approvers import accept_owners

        notes += accept_owners(change, policy, results)
    undone = policy.merge != "squash" and _is_undone(change, policy.log_folder)
    if not undone and not _matter(change, policy.log_folder, results):
        return _NONE, notes
    from specguard.approvals.approvals import Approvals

    try:
        approvals = Approvals(facts, results)
    except NotApplicable:
        # A message that is being written has no content that an approval could be bound to.
        return "" if undone else _NONE, notes
    except MissingFact as missing:
        facts.let_approvals(missing)
        return "", notes
    facts.let_approvals(approvals)
    approvals.lift()
    for result in results:
        if result.state in ("failed", "warned"):
            result.state = state_of(result.findings)
    return _NONE if approvals.empty and not undone else "", [*notes, *approvals.remarks()]


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
        return any(is_in_log(entry, folder) for entry in change.entries)
    except NotApplicable:
        return False
    except MissingFact:
        # Whether the log is touched is not known then, and the rules about it say so.
        return True


def _is_undone(change: Change, folder: bytes) -> bool:
    """Whether a commit does more to the log than to add to it, which a later one may have hidden."""

    def undone() -> bool:
        return len(change.commits) > 1 and any(
            is_in_log(entry, folder) and not is_filed(entry, folder)
            for commit in change.commits
            for diff in commit.diffs
            for entry in diff
        )

    # Whoever asks for commits that are not there is told so.
    return if_known(undone, False)
