"""Preflight: everything that must hold before a run begins, each with the command that fixes it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final

from specguard.authority.policy import Policy
from specguard.change.git import Git
from specguard.change.worktree import worktrees
from specguard.engine.check import judge_change
from specguard.engine.facts import Facts
from specguard.engine.trusted_policy import Policies
from specguard.errors import Needed, NotApplicable, SpecguardError, if_known
from specguard.executor.agent import resolve_agent
from specguard.executor.check import change_of, is_enforced
from specguard.executor.commit import scope_of
from specguard.executor.gates import check_gates
from specguard.executor.item_choice import Start, item_taken, task_in, task_of
from specguard.executor.place import identity
from specguard.executor.remote import PlatformError, RemoteGit
from specguard.executor.run import Run, RunOptions, check_origin, new_manifest
from specguard.executor.start_point import Canonical, ItemLock, plan_lock, start_from
from specguard.model import listed, path_text
from specguard.plans.papers import PaperItem
from specguard.reporters.text import deciding_line
from specguard.runs import manifests
from specguard.runs.files import committed_folder, write_gitignore
from specguard.runs.manifests import RunFolder
from specguard.waves.stage_order import too_early
from specguard.work.item import unready
from specguard.work.kinds import LIST_KEYS


class DraftRun(Run, frozen=False, kw_only=True):
    """A run as it would begin, which preflight checks; its id is a placeholder until it begins.

    Attributes:
        start: the start of the run.
        source: the canonical repository.
    """

    start: Start
    source: Canonical

    def owns_branch(self, branch: str) -> bool:
        """True if a branch belongs to the item, by its name."""
        # A fact is missing if the name only resembles the branches of two kinds.
        naming = if_known(lambda: self.start.work.names.read("branch", branch), None)
        return branch in self.item.branches or (naming is not None and self.item.told_by(naming))


def check(draft: DraftRun) -> list[str]:
    """Check everything that must hold before a run begins, as far as it is known.

    Returns:
        Notes about checks that were not possible.

    Raises:
        SpecguardError: a check failed.
        MissingFact: something that must be read is missing.
    """
    for run_check in _CHECKS:
        run_check(draft)
    check_gates(draft, draft.git.tree_at(draft.manifest.repository.start))
    # The pull request of a shared branch belongs to all its items.
    is_first = draft.source.remote is not None and draft.manifest.repository.tip is None
    return _check_requests(draft) if is_first else []


def _check_contradictions(draft: DraftRun) -> None:
    """Check that the item's document does not contradict a higher one."""
    document, rule = draft.item.document, draft.policy.active_rule("contradicted-authority")
    if document is None or rule is None or (rule.exclude and rule.exclude.matches(document)):
        return
    for one in draft.policy.contradictions(draft.start.documents, document.__eq__):
        if one.lower.path == document:
            path, line = path_text(document), one.lower.line
            help = "the authority wins: have the document corrected in the base"
            raise SpecguardError(one.message, help=help, path=path, line=line, code="contradiction")


def _check_in_branch(draft: DraftRun) -> None:
    """Check that a paper's subject is on the branch that it starts from, and a task as the base has it."""
    pinned, item, git, branch = draft.manifest.repository, draft.item, draft.git, draft.item.branches[0]
    task = task_of(draft.policy, item)
    if isinstance(item, PaperItem):
        item.check_recorded_files(git.tree_at(pinned.tip or pinned.base_oid), branch)
    if task is None or pinned.tip is None or draft.start.work.own is not None:
        return
    # The rules take the task from where the branch begins.
    begin = next(iter(git.merge_bases(pinned.base_oid, pinned.tip)), pinned.tip)
    there = task_in(draft.policy, git, begin, task)
    if there is not None and all(there.texts_of(key) == task.texts_of(key) for key in LIST_KEYS):
        return
    remote, name, base = map(shlex.quote, (draft.options.remote, branch, pinned.base))
    raise item_taken(
        f"{item} is in {path_text(task.plan.path)} of {pinned.base}, and not{' the same' if there else ''} "
        f"in that of {branch}, which it goes on from",
        f"merge {pinned.base} into {branch} first: git fetch {remote} && git switch {name} && "
        f"git merge --ff-only {remote}/{name} && git merge {remote}/{base} && git push {remote} {name}",
    )


_EARLY_RULES: Final = "work-item-mismatch", "conflicting-document", "process-kill-by-name", "commit-message"
"""The rules whose result does not depend on the agent's work."""


def _check_rules(draft: DraftRun) -> None:
    """Check that the rules accept the item's pointer, its document, its title and the order of stages.

    For a branch that the run goes on from, its commits are checked, too: the agent cannot fix those.
    """
    policy, item, pinned = draft.policy, draft.item, draft.manifest.repository
    goes_on, select = pinned.tip is not None, () if pinned.tip else _EARLY_RULES
    change = change_of(draft, draft.git, pinned.start, whole_branch=goes_on, select=select)
    policies = Policies(change.request, draft.git.repository)
    for result in judge_change(change, policies).findings:
        finding, is_early = result.finding, result.name in _EARLY_RULES
        # Even if the policy only warns about such a document, no run begins: the authority wins.
        asks = result.name == "conflicting-document" and finding.severity is None
        stops = finding.commit or (is_early and not _is_approvable(policy, result.name))
        if result.state == "open" and (asks or (stops and result.severity == "error")):
            message = f"{finding.message} ({deciding_line(result)})"
            error = unready(message, finding.help, finding.path, finding.line)
            error.code = "contradiction" if result.name == "conflicting-document" else error.code
            raise error
    rule = "wave-stage-out-of-order"
    if item.listed is None or not is_enforced(draft, rule) or _is_approvable(policy, rule):
        return
    changed, judging, _ = policies.choose(change)
    with suppress(NotApplicable):
        for flaw in too_early(Facts(changed, judging).get("waves"), branch=item.branches[0], item=item):
            raise unready(flaw.message, flaw.help, item.listed.source.path, item.listed.line)


def _is_approvable(policy: Policy, name: str) -> bool:
    """True if somebody may lift the findings of a rule by an approval."""
    rule = policy.rule(name)
    return rule is not None and bool(policy.declared("approval_settings").able(rule))


def landed_error(draft: DraftRun) -> SpecguardError | None:
    """Return the error for an item that a commit of the base, or of the branch below, did; else None.

    A paper may be rewritten.
    """
    pinned, item = draft.manifest.repository, draft.item
    landed = None if isinstance(item, PaperItem) else draft.start.work.landed(item, draft.start.history)
    if landed is None:
        return None
    in_base = pinned.below is None or draft.git.is_ancestor(landed.oid, pinned.base_oid)
    where = pinned.base if in_base else pinned.below
    is_current = str(draft.start.work.current(item.kind)) == str(item)
    step = "have its pointer moved on, and pushed" if is_current else "take another one"
    message = f"{item} is in {where} already: commit {landed.oid[:10]} {landed.subject!r}"
    return item_taken(message, f"{step}, or revert that commit first")


def _check_not_done(draft: DraftRun) -> None:
    """Check that neither a commit of the base nor a local branch has the item; a paper may be rewritten."""
    pinned, item, git = draft.manifest.repository, draft.item, draft.git
    if isinstance(item, PaperItem):
        return
    if landed := landed_error(draft):
        raise landed
    for ref in git.repository.branches():
        if not ref.name.startswith("refs/heads/") or not draft.owns_branch(ref.short):
            continue
        remote_oid = pinned.branch_oid if ref.short == item.branches[0] else None
        known = any(git.is_ancestor(ref.oid, oid) for oid in (pinned.base_oid, remote_oid) if oid)
        if task_of(draft.policy, item) is None or not known:
            if remote_oid and git.is_ancestor(remote_oid, ref.oid):
                push = shlex.join(["git", "push", draft.options.remote, ref.short])
                raise item_taken(f"{ref.short} has commits that {draft.options.remote} lacks", push)
            keep = shlex.join(["git", "branch", "-m", ref.short, f"old/{ref.short}"])
            diverged = f", which has diverged from that of {draft.options.remote}" if remote_oid else ""
            taken = f"there is a branch of {item} already: {ref.short}{diverged}"
            raise item_taken(taken, f"to keep it under another name: {keep}")


def _check_not_checked_out(draft: DraftRun) -> None:
    """Without a remote, check that the item's branch is not checked out: the run's commit goes there."""
    for worktree in worktrees(draft.git.repository) if draft.source.address.is_local else ():
        if worktree.branch in draft.item.branches:
            switch = shlex.join(["git", "-C", worktree.path, "switch", "--detach"])
            taken = f"{worktree.branch} is checked out in {worktree.path}, and the run's commit goes there"
            raise item_taken(taken, f"until it has ended: {switch}")


def _check_not_at_remote(draft: DraftRun) -> None:
    """Check that the canonical repository has no branch of the item, except one that the run may share."""
    item, shared = draft.item, draft.manifest.repository.branch_oid is not None
    remote = shlex.quote(draft.options.remote)
    for name in draft.source.heads.branches:
        if draft.owns_branch(name) and not (shared and name == item.branches[0]):
            delete = f"git push {remote} --delete {shlex.quote(name)}"
            delete += "" if draft.source.remote else f"; if it is gone: git fetch --prune {remote}"
            taken = f"{draft.source.address.shown} has a branch of {item} already: {name}"
            see = f"see its pull request or run (specguard run list); if nothing of it is needed: {delete}"
            raise item_taken(taken, see)


BOUND_FACTS: Final = ("item", "base", "base_oid", "policy_id", "branch", "scope", "gates")
"""The facts of a run that the approval of its plan is bound to."""


def bound_facts(draft: DraftRun) -> dict[str, Any]:
    """Return the facts that the approval of a run's plan is bound to, as data for JSON."""
    scope = scope_of(draft.policy, draft.item)
    return {
        "item": draft.manifest.item.model_dump(),
        "base": draft.manifest.repository.base,
        "base_oid": draft.manifest.repository.base_oid,
        "policy_id": draft.policy.policy_id,
        "branch": draft.manifest.branch,
        "scope": None if scope is None else list(scope.patterns),
        "gates": [
            {
                **{name: getattr(gate, name) for name in ("name", "run", "kind", "named", "each")},
                **{name: list(getattr(gate, name)) for name in ("on", "wrapper")},
                "when": list(gate.when.patterns),
                "timeout": gate.timeout or None,
            }
            for gate in draft.gates.gates
        ],
    }


def _check_approved(draft: DraftRun) -> None:
    """Check that the plan that was approved has the item, as it is now."""
    if draft.options.approved is None:
        return
    item, facts = draft.item, bound_facts(draft)
    planned = draft.options.approved.get(f"{item.kind} {item.id}", {})
    if changed := [name for name in BOUND_FACTS if planned.get(name) != facts[name]]:
        what = f"differs in {listed(changed)} from" if planned else "is not in"
        help = "plan it again with --dry-run --output-format json, and have that approved"
        raise SpecguardError(f"{item} {what} the approved plan", help=help, code="item-unready")


_CHECKS: Final = (
    _check_contradictions, _check_in_branch, _check_rules, _check_not_done,
    _check_not_checked_out, _check_not_at_remote, _check_approved,
)  # fmt: skip
"""The checks before a run begins, in their order."""


def _check_requests(draft: DraftRun) -> list[str]:
    """Check that the item has no open pull request, and return notes about checks that were not possible."""
    address = draft.source.address
    platform, why = address.platform(draft.git.repository)
    if platform is None:
        return [f"Open pull requests were not looked for: {why}."]
    try:
        requests = [one for branch in draft.item.branches for one in platform.requests(branch)]
    except PlatformError as error:
        message = f"open pull requests cannot be looked for: {error.reason}"
        help = f"see whether this answers: {platform.command} auth status --hostname {address.host}"
        raise SpecguardError(message, help=help, code="remote-unreachable") from error
    for request in requests:
        if request.state == "open":
            taken = f"there is an open pull request of {draft.item} already: {request.url}"
            raise item_taken(taken, "wait until it is merged, or close it")
    return []


def prepare(options: RunOptions) -> Run:
    """Check that a run may begin, and make its folder and manifest.

    No ref, file or setting of the user's repository is written; fetched objects go to its store.

    Args:
        options: the options of the run.

    Returns:
        The run, with the step `preflight` done and its item locked. Its `git` is open.

    Raises:
        SpecguardError: the run may not begin, or not yet; it has no folder then.
    """
    repository = options.checkout()
    with ExitStack() as cleanup, Needed():
        git = cleanup.enter_context(Git(repository))
        with RemoteGit(repository, timeout=options.command_timeout) as remote:
            run = _draft(git, options, remote)
        start, source, manifest = run.start, run.source, run.manifest
        notes = check(run) + ([start.work.own.note] if start.work.own else [])
        agent = resolve_agent(start.policy, options)
        identity(repository, manifest.started_at)
        runs = options.runs_folder(start.policy, repository)
        committed = committed_folder(run.settings, repository, runs)
        write_gitignore(runs, committed=bool(committed))
        lock = ItemLock(runs, manifest, repository, given=bool(options.run_root))
        cleanup.callback(lock.close)
        with plan_lock(start, runs, source.address.shown):
            run.folder = folder = lock.new_folder(options.reuse_run)
            manifest.run_id, manifest.notes = folder.run_id, notes
            manifest.kept = f"{committed}/{manifest.item.folder}/{folder.run_id}" if committed else None
            run.item_lock, run.heads = lock, source.heads.refs
            # Before the manifest, which makes the folder a run: a run must have the options for resuming it.
            agent.record(run)
            run.take_over()
        with run.step("preflight") as step:
            pinned = manifest.repository
            step.detail = f"{run.item} from {pinned.base} at {pinned.base_oid[:10]} of {pinned.remote}"
        cleanup.pop_all()
    return run


RUN_ID: Final = "<run-id>"
"""The placeholder for a run id before the run begins."""


@contextmanager
def draft_run(options: RunOptions) -> Iterator[DraftRun]:
    """Provide the run that preflight would check, based on the last fetch; nothing is written.

    Raises:
        SpecguardError: the item or the policy is missing, or the item lacks data that a run needs.
    """
    with Git(options.checkout()) as git, Needed():
        yield _draft(git, options)


def _draft(git: Git, options: RunOptions, remote: RemoteGit | None = None) -> DraftRun:
    source = Canonical(git, options, remote)
    start = start_from(source)
    policy, item = start.policy, start.item
    plan = os.fsdecode(item.listed.source.path) if item.listed else None
    entry = manifests.Item.model_validate({**item.summary(), "plan": plan})
    manifest = new_manifest(policy, options, RUN_ID, entry, start.pinned)
    manifest.branch = item.branches[0]
    manifest.max_attempts = options.max_attempts or policy.declared("run_settings").max_attempts
    root = options.runs_folder(policy, git.repository)
    folder = RunFolder(os.path.join(root, manifest.item.folder, RUN_ID))
    return DraftRun(
        options, folder, manifest, git=git, policy=policy, work_item=item, start=start, source=source
    )


def reopen(options: RunOptions, folder: RunFolder) -> Run:
    """Reopen a recorded run, with the base and the policy that it was pinned to; nothing is fetched.

    Args:
        options: the options of the run; kind, item and plan are those of the manifest.
        folder: the run's folder.

    Returns:
        The run, with its item locked. Its `git` is open.

    Raises:
        SpecguardError: its process is alive, its manifest cannot be read, its base is gone, or a change may
            have added its folder.
    """
    repository = options.checkout()
    with ExitStack() as cleanup, Needed():
        git = cleanup.enter_context(Git(repository))
        check_origin(git, folder)
        root = os.path.dirname(os.path.dirname(folder.path))
        lock = ItemLock(root, folder.read_manifest(), repository, given=bool(folder.root))
        cleanup.callback(lock.close)
        # Read again, because only the lock keeps others from writing it.
        manifest = folder.read_manifest()
        tip = manifest.repository.branch_oid
        start = Start(git, options, manifest.repository, lambda _: tip)
        cleanup.pop_all()
    manifest.timeout = max(manifest.timeout, options.timeout)
    manifest.max_attempts = max(manifest.max_attempts, options.max_attempts)
    return Run(options, folder, manifest, git=git, policy=start.policy, work_item=start.item, item_lock=lock)
