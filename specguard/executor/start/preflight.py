"""Preflight: everything that must hold before a run begins, each with the command that mends it."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from specguard import __version__
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.tree import Documents, Tree
from specguard.change.worktree import worktrees
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.agent import Agent, resolve_agent
from specguard.executor.commit import left_out
from specguard.executor.gates import check_tools, planned_gates, program_of
from specguard.executor.item import (
    below_of,
    check_recorded,
    is_paper,
    is_within,
    paper_path,
    task_in,
    task_of,
)
from specguard.executor.remote.git import TIMEOUT, Address, Heads, RemoteGit
from specguard.executor.remote.pull_request import PlatformError, find_platform
from specguard.executor.run import Run, RunOptions, check_own, record
from specguard.executor.start.base import FromRemote, Start, start_from
from specguard.executor.start.claim import Claim, common_claim, kept_apart
from specguard.model import path_text
from specguard.runs import model
from specguard.runs.files import committed_folder, ignore_local, item_folder, run_root
from specguard.runs.folder import RunFolder, now_text
from specguard.runs.settings import RunSettings, seconds
from specguard.work.gates import Gates, flag_gates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specguard.approvals.settings import ApprovalSettings
    from specguard.authority.policy import Policy
    from specguard.work.item import WorkItem


def prepare(options: RunOptions) -> Run:
    """Find out whether a run may begin, and make its folder and manifest.

    No ref, file or setting of the user's repository is written; objects that are fetched go to its store.

    Args:
        options: what was asked for.

    Returns:
        The run, with the step `preflight` done, and the claim on its item. Its `git` is open.

    Raises:
        SpecguardError: it may not, or not yet; there is no folder of it then.
    """
    repository, root = find_checkout(options)
    git = Git(repository)
    try:
        with RemoteGit(repository, timeout=options.command_timeout or TIMEOUT) as remote:
            source = FromRemote(git, options, remote)
            start, address = start_from(source, root=root)
        notes = []
        if start.item is not None:
            notes = check_everywhere(
                start, start.item, options, address=address, heads=source.heads, git=git, root=root
            )
            notes += left_out(repository, start.documents.tree)
            notes += [start.work.own.note] if start.work.own else []
        settings: RunSettings = start.policy.declared("run_settings")
        agent = resolve_agent(start.policy, options) if start.item is not None else None
        check_tools(programs(start, options), start.documents.tree, options.environment)
        item = item_of(start)
        branch = start.item.branches[0] if start.item else ""
        runs = run_root(settings, options.environment, work_tree=root, given=options.run_root)
        also = common_claim(repository, item, branch=branch, remote=address.shown)
        claim = Claim(
            runs, item, branch=branch, remote=address.shown, also=also, given=bool(options.run_root)
        )
        try:
            with kept_apart(start, runs, address.shown):
                kept = committed_folder(settings, options.environment, work_tree=root, runs=runs)
                if kept:
                    ignore_local(runs)
                run = _begun(
                    claim, start, options, git=git, address=address, notes=notes, agent=agent, kept=kept
                )
                run.heads = source.heads.refs
            with run.step("preflight") as step:
                step.detail = _done(start, address)
        except BaseException:
            claim.release()
            raise
    except MissingFact as missing:
        git.close()
        raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing
    except BaseException:
        git.close()
        raise
    return run


def _begun(
    claim: Claim,
    start: Start,
    options: RunOptions,
    *,
    git: Git,
    address: Address,
    notes: list[str],
    agent: Agent | None,
    kept: str,
) -> Run:
    """Make the run's folder, and take it."""
    folder = claim.used_folder(options.reuse_run) if options.reuse_run else claim.new_folder()
    manifest = new_manifest(start, options, folder.run_id, address)
    manifest.notes = notes
    manifest.kept = (
        f"{kept}/{item_folder(manifest.item.kind, manifest.item.id)}/{folder.run_id}" if kept else None
    )
    run = Run(options, folder, manifest, git=git, policy=start.policy, item=start.item)
    run.claim = claim
    manifest.agent = agent.recorded(run) if agent else None
    # Before the manifest, without which it is no run yet: what was asked for is needed to resume it.
    record(run)
    run.take()
    return run


def reopen(options: RunOptions, folder: RunFolder) -> Run:
    """Take up a run that is recorded, from the base and the policy that it was pinned to; nothing is fetched.

    Args:
        options: what was asked for; kind, item and plan are those of the manifest.
        folder: the run's folder.

    Returns:
        The run, with the claim on its item. Its `git` is open.

    Raises:
        SpecguardError: its process is alive, its manifest cannot be read, its base is gone, or its folder is
            one that a change may have brought.
    """
    repository, top = find_checkout(options)
    manifest = folder.read_manifest()
    git = Git(repository)
    try:
        check_own(git, top, folder)
        start = Start(
            git,
            options,
            manifest.repository.base,
            manifest.repository.base_oid,
            lambda _: manifest.repository.branch_oid,
            below_of(manifest.repository),
        )
        branch, remote = manifest.branch or "", manifest.repository.remote or ""
        claim = Claim(
            os.path.dirname(os.path.dirname(folder.path)),
            manifest.item,
            branch=branch,
            remote=remote,
            also=common_claim(repository, manifest.item, branch=branch, remote=remote),
            given=bool(folder.root),
        )
    except MissingFact as missing:
        git.close()
        raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing
    except BaseException:
        git.close()
        raise
    try:
        # Read anew, since only now nobody else writes it.
        manifest = folder.read_manifest()
        manifest.timeout = max(manifest.timeout, options.timeout)
        manifest.max_attempts = max(manifest.max_attempts, options.max_attempts)
    except BaseException:
        claim.release()
        git.close()
        raise
    run = Run(options, folder, manifest, git=git, policy=start.policy, item=start.item)
    run.claim = claim
    return run


def find_checkout(options: RunOptions) -> tuple[Repository, str]:
    """The user's repository, and the root of the checkout that the run is started from.

    Raises:
        SpecguardError: there is none, or it is bare.
    """
    repository = Repository.locate(options.directory, options.environment)
    if repository.bare:
        raise SpecguardError(
            f"{repository.common} is a bare repository, which has no checkout to run from",
            help=f"{shlex.join(['git', 'clone', repository.common])}, and run there",
            code="no-repository",
        )
    return repository, repository.work_tree()


def new_manifest(start: Start, options: RunOptions, run_id: str, address: Address) -> model.Manifest:
    """The manifest of a run that begins.

    Args:
        start: where it starts.
        options: what was asked for.
        run_id: its id.
        address: the canonical repository's.
    """
    settings: RunSettings = start.policy.declared("run_settings")
    return model.Manifest(
        run_id=run_id,
        tool=__version__,
        item=item_of(start),
        state="running",
        pid=os.getpid(),
        repository=model.Repository(
            remote=address.shown,
            remote_name="" if address.here else options.remote,
            base=start.base,
            base_oid=start.oid,
            below=start.below.name if start.below else None,
            below_oid=start.below.oid if start.below else None,
            tip=start.shared.tip if start.shared else None,
            branch_oid=start.shared.oid if start.shared else None,
            object_format="sha256" if len(start.oid) == 64 else "sha1",
        ),
        policy=model.PolicyMade(
            policy_id=start.policy.policy_id, ref=start.oid, documents=dict(start.policy.documents)
        ),
        branch=start.item.branches[0] if start.item else None,
        max_attempts=options.max_attempts or settings.max_attempts,
        started_at=now_text(),
        timeout=options.timeout or seconds(settings.timeout),
    )


def programs(start: Start, options: RunOptions) -> Iterator[tuple[str, str]]:
    """Each program that gates begin with, and what needs it; that of the agent is looked for elsewhere."""
    for gate in gates_from(start, options).gates:
        yield program_of(gate.wrapper or gate.run), f"the {gate.kind} {gate.name!r} of {gate.named}"


def gates_from(start: Start, options: RunOptions) -> Gates:
    """The gates of the policy, of the item's document, and of the command line."""
    if start.item is None:
        return Gates(flag_gates(options.commands))
    return planned_gates(start.policy, start.item, commands=options.commands)


def item_of(start: Start) -> model.Item:
    """The item as manifests have it."""
    item = start.item
    if item is None:
        return model.Item(kind="gates", id=start.base)
    told = item.summary()
    paper = paper_path(start.policy, item)
    written = None if paper is None else path_text(paper)
    plan = item.listed.source.path.decode("utf-8", "surrogateescape") if item.listed else None
    document = told["document"] or written
    return model.Item(kind=item.kind, id=item.id, slug=item.slug, document=document, plan=plan)


def _done(start: Start, address: Address) -> str:
    what = f"{start.item} from {start.base}" if start.item else f"gates on {start.base}"
    return f"{what} at {start.oid[:10]} of {address.shown}"


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
    from specguard.engine.ranges import too_early

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


def check_conflicts(item: WorkItem, policy: Policy, documents: Documents) -> None:
    """Stop before any work is lost: whoever follows such a document breaks the authority.

    Args:
        item: its document is read from the base.
        policy: the base's.
        documents: the base's.

    Raises:
        SpecguardError: the document asks for a guarded path, or contradicts a higher document.
        MissingFact: a document cannot be read.
    """
    document = item.document
    if document is None:
        return
    if _judges(policy, "conflicting-document", document):
        _check_asks(item, policy, path_text(document))
    if _judges(policy, "contradicted-authority", document):
        for one in policy.contradictions(documents, document.__eq__):
            if one.lower.path == document:
                raise SpecguardError(
                    f"{one.lower.place} says that {one.name} is {one.lower.value!r}, and {one.higher.place}, "
                    f"which goes before it, that it is {one.higher.value!r}",
                    help="the authority wins: have the document corrected in the base",
                    path=path_text(document),
                    line=one.lower.line,
                    code="contradiction",
                )


def _check_asks(item: WorkItem, policy: Policy, place: str) -> None:
    for ask, guard in item.conflicts(policy.guards):
        if ask.how == "named":
            continue
        origin = policy.origin(guard.key)
        asks = "lists it as allowed" if ask.how == "listed" else "asks to change it"
        where = f"{origin.path}:{origin.line}" if origin else "the policy"
        raise SpecguardError(
            f"{place}:{ask.line} {asks}: {ask.path}, and {where} guards it with '{guard.pattern}' "
            f"({guard.rule})",
            help="the authority wins: have the document corrected in the base",
            path=place,
            line=ask.line,
            code="contradiction",
        )


def _judges(policy: Policy, name: str, document: bytes) -> bool:
    rule = policy.rule(name)
    if rule is None or not rule.active:
        return False
    return rule.exclude is None or rule.exclude.find(document) is None
