"""Preflight: everything that must hold before a run begins, each with the command that mends it."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from specguard import __version__
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.agents import resolve_agent
from specguard.executor.asked import check_own, record
from specguard.executor.beside import kept_apart
from specguard.executor.branches import below_of
from specguard.executor.claiming import Claim, common_claim
from specguard.executor.done_before import check_everywhere
from specguard.executor.gate_plans import planned_gates
from specguard.executor.hooks import left_out
from specguard.executor.papers import paper_path
from specguard.executor.remote_git import TIMEOUT, RemoteGit
from specguard.executor.run import Run
from specguard.executor.starting import Start, start_from_remote
from specguard.executor.tools import check_tools, program_of
from specguard.model import path_text
from specguard.runs import model
from specguard.runs.committed import committed_folder, ignore_local
from specguard.runs.folder import now_text
from specguard.runs.root import item_folder, run_root
from specguard.runs.settings import seconds
from specguard.work.gates import Gates, flag_gates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specguard.executor.agents import Agent
    from specguard.executor.canonical import Address
    from specguard.executor.options import RunOptions
    from specguard.runs.folder import RunFolder
    from specguard.runs.settings import RunSettings


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
            start, address, heads = start_from_remote(git, options, remote, root=root)
        notes = []
        if start.item is not None:
            notes = check_everywhere(
                start, start.item, options, address=address, heads=heads, git=git, root=root
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
                run.heads = heads.refs
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
