"""Whether an item may be begun: no conflict about it, and nothing that was done for it before."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from specguard.change.tree import Tree
from specguard.change.worktrees import worktrees
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.branches import is_within
from specguard.executor.conflicts import check_conflicts
from specguard.executor.papers import check_recorded, is_paper
from specguard.executor.platforms import PlatformError, find_platform
from specguard.executor.tasks import task_in, task_of
from specguard.model import path_text

if TYPE_CHECKING:
    from specguard.approvals.settings import ApprovalSettings
    from specguard.change.git import Git
    from specguard.executor.canonical import Address
    from specguard.executor.options import RunOptions
    from specguard.executor.remote_git import Heads
    from specguard.executor.starting import Start
    from specguard.work.item import WorkItem


def check_everywhere(
    start: Start,
    item: WorkItem,
    options: RunOptions,
    *,
    address: Address,
    heads: Heads,
    git: Git,
    root: str,
) -> list[str]:
    """Look for conflicts, and for what was done for the item already, here, at the remote and its platform.

    Args:
        start: where the run starts.
        item: its item.
        options: what was asked for.
        address: the canonical repository.
        heads: its branches.
        git: reads the user's repository.
        root: the root of the user's checkout.

    Returns:
        What could not be looked at, as notes.

    Raises:
        SpecguardError: there is a conflict, a commit, a branch or an open pull request, or its pointer names
            another item.
        MissingFact: the base's history is not there.
    """
    _check_current(start, item)
    check_known(start, item, git, options)
    check_free(address, item, git)
    for name in heads.branches:
        if _is_of(start, item, name) and not (start.shared is not None and name == item.branches[0]):
            raise SpecguardError(
                f"{address.shown} has a branch of {item} already: {name}",
                help="see its pull request; if nothing of it is needed: "
                + shlex.join(["git", "push", options.remote, "--delete", name]),
                code="item-taken",
            )
    if start.shared is not None and start.shared.tip is not None:
        # The pull request of the branch is of all its items.
        return []
    platform, why = find_platform(address, options.environment, root)
    if platform is None:
        return [f"Open pull requests were not looked for: {why}."]
    try:
        requests = [one for branch in item.branches for one in platform.requests(branch)]
    except PlatformError as error:
        raise SpecguardError(
            f"open pull requests cannot be looked for: {error.reason}",
            help=f"see whether this answers: {platform.command} auth status --hostname {address.host}",
            code="remote-unreachable",
        ) from error
    for request in requests:
        if request.state == "open":
            raise SpecguardError(
                f"there is an open pull request of {item} already: {request.url}",
                help="wait until it is merged, or close it",
                code="item-taken",
            )
    return []


def _check_current(start: Start, item: WorkItem) -> None:
    """See that an item with a pointer is the one that it names: the rule would not let its commit through."""
    settings = start.work.kinds.get(item.kind)
    if settings is None or not settings.pointer or item.number is None:
        return
    if not _stops(start, "work-item-mismatch"):
        return
    pointer = start.work.pointer(item.kind)
    if pointer.problem or pointer.number is None or pointer.number == item.number:
        return
    raise SpecguardError(
        f"{item} is not the current one, which is {item.kind} {pointer.id}",
        path=path_text(pointer.path or b""),
        line=pointer.line,
        help=f"specguard run {item.kind} {pointer.id} -- COMMAND; or have the pointer moved on in the base",
        code="item-unready",
    )


def check_known(start: Start, item: WorkItem, git: Git, options: RunOptions) -> None:
    """Look for conflicts, and for what was done for the item already, as far as that is known here.

    Raises:
        SpecguardError: its document asks for what is guarded, a commit of the base did it, it has a branch
            already, or the branch that it goes on from lacks it.
    """
    branch = item.branches[0]
    if branch.startswith("-") or git.repository.in_place("check-ref-format", f"refs/heads/{branch}").wait():
        raise SpecguardError(
            f"{branch!r} can be no branch, and {item.setting('branch')} gives {item} that name",
            help="have the template, or what its pointer or list fills in, corrected in the base",
            code="item-taken",
        )
    check_conflicts(item, start.policy, start.documents)
    if is_paper(start.policy, item.kind):
        # It may be written anew, and its branch has the plan's other papers.
        from_here = start.shared.tip if start.shared is not None else None
        check_recorded(start.policy, item, Tree(git, git.commit(from_here or start.oid).tree), branch)
        return
    _check_tip(start, item, git, options)
    _check_stage(start, item, git)
    landed = start.work.landed(item, start.history)
    if landed is not None:
        raise SpecguardError(
            f"{item} is in {start.base} already: commit {landed.oid[:10]} {landed.subject!r}",
            help="have its pointer moved on, or revert that commit first",
            code="item-taken",
        )
    for ref in git.repository.branches():
        if not ref.name.startswith("refs/heads/") or not _is_of(start, item, ref.short):
            continue
        there = start.shared.oid if start.shared is not None and ref.short == branch else None
        if task_of(start.policy, item) is None or not (
            is_within(git, ref.oid, start.oid) or (there and is_within(git, ref.oid, there))
        ):
            raise SpecguardError(
                f"there is a branch of {item} already: {ref.short}",
                help="to keep it under another name: "
                + shlex.join(["git", "branch", "-m", ref.short, f"old/{ref.short}"]),
                code="item-taken",
            )


def _check_stage(start: Start, item: WorkItem, git: Git) -> None:
    """See that the stages before an item's own are complete: the rule would not let its commit through.

    Raises:
        SpecguardError: one is not.
        MissingFact: something that must be read is not there.
    """
    if not _stops(start, "wave-stage-out-of-order") or item.listed is None:
        return
    from specguard.engine.run_check import too_early

    tip = start.shared.tip if start.shared is not None else None
    finding = too_early(
        git.repository,
        base=start.base,
        base_oid=start.oid,
        head=tip or start.oid,
        branch=item.branches[0],
        item=item,
    )
    if finding is not None:
        raise SpecguardError(
            finding.message,
            help=finding.help,
            path=path_text(item.listed.source.path),
            line=item.listed.line,
            code="item-unready",
        )


def _stops(start: Start, name: str) -> bool:
    """Whether a rule's finding ends a run for certain, and no approval may lift it."""
    rule = start.policy.rule(name)
    if rule is None or rule.severity != "error" or "run" not in rule.stages:
        return False
    approvals: ApprovalSettings = start.policy.declared("approval_settings")
    return not (rule.approvable and approvals.approver)


def check_free(address: Address, item: WorkItem, git: Git) -> None:
    """See that nobody has an item's branch checked out, where without a remote the run's commit goes there.

    Raises:
        SpecguardError: it is checked out.
    """
    for worktree in worktrees(git.repository) if address.here else ():
        if worktree.branch in item.branches:
            raise SpecguardError(
                f"{worktree.branch} is checked out in {worktree.path}, and without a remote the run's commit "
                "goes there",
                help=f"until it has ended: {shlex.join(['git', '-C', worktree.path, 'switch', '--detach'])}",
                code="item-taken",
            )


def _check_tip(start: Start, item: WorkItem, git: Git, options: RunOptions) -> None:
    """See that the branch which a task goes on from has the task in its plan, too.

    Raises:
        SpecguardError: it has not: the base has moved on meanwhile.
        MissingFact: the plan cannot be read there.
    """
    task, tip = task_of(start.policy, item), start.shared.tip if start.shared is not None else None
    if task is None or tip is None or task_in(start.policy, git, tip, task) is not None:
        return
    branch, plan = item.branches[0], path_text(task.plan.path)
    steps = [
        ["git", "fetch", options.remote],
        ["git", "switch", branch],
        ["git", "merge", "--ff-only", f"{options.remote}/{branch}"],
        ["git", "merge", f"{options.remote}/{start.base}"],
        ["git", "push", options.remote, branch],
    ]
    raise SpecguardError(
        f"{item} is in {plan} of {start.base}, and not in that of {branch}, which it goes on from",
        help=f"merge {start.base} into {branch} first: {' && '.join(map(shlex.join, steps))}",
        code="item-taken",
    )


def _is_of(start: Start, item: WorkItem, branch: str) -> bool:
    if branch in item.branches:
        return True
    try:
        naming = start.work.names.read("branch", branch)
    except MissingFact:
        # It merely resembles the branches of two kinds.
        return False
    return naming is not None and item.told_by(naming)
