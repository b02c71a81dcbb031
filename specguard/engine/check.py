"""A check from what was asked to its verdicts: repository, base, policy, change, facts, rules."""

from __future__ import annotations

from specguard.change.change import BASELINE
from specguard.change.git import Git
from specguard.change.repository import Looking
from specguard.change.sources import open_changes
from specguard.engine.approving import settle
from specguard.engine.clock import Clock
from specguard.engine.facts import Facts
from specguard.engine.policies import Policies, compare_policies, touches_policy
from specguard.engine.run import run_rules, tell_once
from specguard.engine.selection import Selection
from specguard.errors import MissingFact, NotApplicable, SpecguardError
from specguard.model import Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence
    from typing import Any, Final

    from specguard.authority.difference import PolicyChange
    from specguard.authority.policy import Policy
    from specguard.change.request import Request
    from specguard.change.sources import Change
    from specguard.change.tree import Tree
    from specguard.engine.kept import Kept
    from specguard.model import RuleResult, Stage

_LOOSENING: Final = {
    "authority": "--authority",
    "select": "--select",
    "ignore": "--ignore",
    "dry_run": "--dry-run",
    "today": "--today",
    "override": "--override",
}
"""What `--enforce` refuses: each could turn a red verdict green."""


def check(
    request: Request,
    *,
    needs: Container[str] = ("fingerprint",),
    looking: Looking | None = None,
    git: Git | None = None,
) -> list[Verdict]:
    """Judge what is asked for.

    Args:
        request: what is judged, and against what.
        needs: what reports need beside the findings; see `specguard.reporters.formats.Format`.
        looking: git looking for the repository already, where the caller has begun that.
        git: the repository, where the caller has found it; it is closed.

    Returns:
        One verdict; for a push one for each ref.

    Raises:
        SpecguardError: no verdict can be given.
    """
    if request.enforce:
        for name, flag in _LOOSENING.items():
            if getattr(request, name):
                final = "--pre-receive" if request.pre_receive else "--enforce"
                raise SpecguardError(
                    f"{final} does not go with {flag}, which could loosen the verdict",
                    help=f"leave {flag} out, or {final} where nothing depends on the verdict",
                    code="usage",
                )
    clock = Clock.of(request)
    with git or Git((looking or Looking.of(request)).repository()) as git:
        policies = Policies(request, git.repository)
        return [
            judge_change(change, request, policies, clock, needs=needs)
            for change in open_changes(git, request)
        ]


def judge_change(
    change: Change,
    request: Request,
    policies: Policies,
    clock: Clock,
    *,
    needs: Container[str] = ("fingerprint",),
) -> Verdict:
    """Judge one change.

    Args:
        change: the change.
        request: what was asked for.
        policies: the policies of this check.
        clock: the date and time.
        needs: what reports need beside the findings, as for `check`.

    Raises:
        SpecguardError: no verdict can be given.
    """
    change, policy, notes = policies.of(change)
    selection = Selection(
        policy.rules, select=request.select, ignore=request.ignore, extend=request.extend_select
    )
    compared: list[PolicyChange] = []

    def policy_change() -> PolicyChange:
        compared.append(compare_policies(policy, change))
        return compared[0]

    facts = Facts(change, policy, today=clock.today, policy_change=policy_change)
    kept = _kept(change, policy, policies, clock) if request.all else None
    results = run_rules(policy, facts, selection, strict=request.strict, kept=kept)
    if kept:
        kept.save()
    # The baseline is as trusted as the policy, and comes from the same tree.
    trusted = change.head_files if policy.adopted else change.policy_files
    if _has_baseline(trusted):
        from specguard.engine.baseline import accept

        def recount(codes: Sequence[str]) -> Sequence[RuleResult]:
            asked = [rule.code for rule in policy.rules if rule.code in codes and rule.load().judges_parts]
            if not asked:
                return []
            whole = Facts(change.as_whole(), policy, today=clock.today, policy_change=policy_change)
            wanted = Selection(policy.rules, select=asked, extend=asked)
            return run_rules(policy, whole, wanted, strict=request.strict)

        accept(results, trusted, None if change.whole else recount)
    if policy.declares("authors"):
        from specguard.approvals.people import exempt

        exempt(results, change, policy.declared("authors"))
    results, said = settle(request, change, policy, facts, selection, results, clock)
    tell_once(results)
    # The log of decisions names the change in which an approval lifted something.
    identify = "fingerprint" in needs or any(
        judged.state == "approved" for result in results for judged in result.findings
    )
    if not compared and touches_policy(change, policy):
        policy_change()
    hunks = None
    if "quotes" in needs or "hunks" in needs or "rules" in needs:
        from specguard.engine.quoting import describe, hunks_of, quote

        if "quotes" in needs:
            quote(results, policy, change)
        if "rules" in needs:
            describe(results, policy)
        if "hunks" in needs:
            hunks = hunks_of(results, change)
    fixes: Sequence[Any] = ()
    if "fixes" in needs:
        from specguard.engine.fixing import propose

        fixes = propose(results, policy, facts, change)
    return Verdict(
        change={
            **change.summary(policy.log_folder, identify=identify),
            "whole": request.all,
            "work_item": _work_item(facts),
        },
        authority={
            "documents": [path for path, _ in policy.documents],
            "ref": policy.ref,
            "blobs": dict(policy.documents),
            "policy_id": policy.policy_id,
            "trusted": policy.trusted,
            "plugins": list(policy.plugins),
        },
        results=results,
        notes=[
            *change.notes,
            *notes,
            *facts.remarks(),
            *said,
            *_unread(compared, results),
            *_left_to_ci(change, policy),
            *_stack_notes(change, facts),
        ],
        empty=not request.all and change.empty,
        dry_run=request.dry_run,
        enforce=request.enforce,
        policy_change=[difference.data for one in compared for difference in one.differences],
        hunks=hunks,
        fixes=fixes,
        touched=_touched(change) if any(result.findings for result in results) else (),
    )


def _touched(change: Change) -> Sequence[bytes]:
    try:
        return [entry.path for entry in change.entries]
    except (MissingFact, NotApplicable):
        return ()


def _unread(compared: Sequence[PolicyChange], results: Sequence[RuleResult]) -> Iterator[str]:
    """That a change leaves no policy that can be read, where no finding about the authority says it."""
    if not any(result.code == "PTH004" and result.findings for result in results):
        for one in compared:
            if one.problem:
                yield f"After this change no policy can be read: {one.problem}"


def _stack_notes(change: Change, facts: Facts) -> Iterator[str]:
    if change.known_below is None:
        return iter(())
    from specguard.engine.stacks import stack_notes

    return stack_notes(change, facts)


def _left_to_ci(change: Change, policy: Policy) -> Iterator[str]:
    """What a push cannot be judged by, since only the check of a pull request has the facts."""
    if change.stage != "push" or not change.base.head:
        return
    titled = any(kind.pull_request for kind in policy.declared("work_kinds").values())
    later = [
        rule.code
        for rule in policy.rules
        if rule.active and is_left_to_ci(rule.stages) and (rule.configured or titled)
    ]
    if policy.merge == "squash":
        later.append("the title as the message of the squashed commit")
    if later:
        yield f"Left to the pull request's check: {', '.join(later)}."


def is_left_to_ci(stages: Sequence[Stage]) -> bool:
    """Whether a rule of these stages judges in CI what no push hook has judged."""
    return "push" not in stages and ("range" in stages or "pull-request" in stages)


def _kept(change: Change, policy: Policy, policies: Policies, clock: Clock) -> Kept | None:
    """What rules found in the same tree before."""
    from specguard.engine.kept import Kept, names_of

    names = names_of(change, policy, clock.today())
    if policies.cache is None or names is None:
        return None
    return Kept(policies.cache, names, policy.has_fact)


def _has_baseline(tree: Tree) -> bool:
    try:
        return tree.find(BASELINE) is not None
    except MissingFact as missing:
        raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing


def _work_item(facts: Facts) -> Any:
    try:
        return facts.get("work_item").summary()
    except (MissingFact, NotApplicable):
        return None
