"""What has become of a run's base since it began: it stays pinned to that, and whoever looks is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.change.request import Request
from specguard.change.tree import Tree
from specguard.engine.policies import Policies
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.ending import RunEnded
from specguard.executor.remote_git import TIMEOUT, RemoteError, RemoteGit
from specguard.work.item import Unresolved
from specguard.work.items import Work

if TYPE_CHECKING:
    from specguard.authority.policy import Policy
    from specguard.executor.remote_git import Heads
    from specguard.executor.run import Run


def note_base(run: Run, heads: Heads) -> str:
    """Say that the base has moved on; what the run did was judged on the one that it began with.

    Args:
        run: its `manifest.notes` are added to.
        heads: the canonical repository's branches.

    Returns:
        The note; empty where the base is as it was.
    """
    base = run.manifest.repository.base
    now = heads.branches.get(base, "")
    began = run.manifest.repository.base_oid
    if now == began:
        return ""
    where = f"is at {now[:10]} now" if now else "is gone"
    return _note(run, f"The base {base} was at {began[:10]} when the run began, and {where}.")


def note_moved(run: Run) -> list[str]:
    """Say what has moved since a run began that goes on now: its base, and the pointer that named its item.

    Nothing here keeps the run from going on: where the remote cannot be asked, its push says so.

    Args:
        run: its `manifest.notes` are added to.

    Returns:
        The notes.
    """
    from specguard.executor.pushing import pinned_address

    try:
        timeout = run.options.command_timeout or TIMEOUT
        with RemoteGit(run.git.repository, timeout=timeout) as remote:
            address = pinned_address(run, remote)
            heads = remote.heads(address.fetch)
            moved = note_base(run, heads)
            base, began = run.manifest.repository.base, run.manifest.repository.base_oid
            if not moved or base not in heads.branches:
                return [moved] if moved else []
            now = remote.fetch(address.fetch, base, [began])
    except (RemoteError, RunEnded, SpecguardError):
        return []
    return [moved, *_pointer(run, now)]


def _pointer(run: Run, now: str) -> list[str]:
    """Where the pointer named the run's item when it began, and another one now."""
    kind, repository = run.options.kind, run.manifest.repository
    before = _current(run, run.policy, repository.base_oid, kind)
    if run.item is None or before != run.item.id:
        return []
    try:
        request = Request(directory=run.options.directory, environment=run.options.environment)
        policy = Policies(request, run.git.repository).load(Tree(run.git, run.git.commit(now).tree))
    except (SpecguardError, MissingFact):
        policy = None
    after = _current(run, policy or run.policy, now, kind)
    if after == before:
        return []
    named = f"names {after}" if after else "names none"
    return [_note(run, f"The run is of {run.item}, and the pointer of {repository.base} {named} now.")]


def _current(run: Run, policy: Policy, oid: str, kind: str) -> str:
    """The id of the item that a commit's pointer names; empty where it names none."""
    kinds = policy.declared("work_kinds")
    if kind not in kinds or not kinds[kind].pointer:
        return ""
    try:
        tree = Tree(run.git, run.git.commit(oid).tree)
        work = Work(kinds, (), tree=lambda: tree, base=policy.base or "", remote=policy.remote or "")
        found = work.current(kind)
    except (SpecguardError, MissingFact):
        return ""
    return "" if isinstance(found, Unresolved) else found.id


def _note(run: Run, note: str) -> str:
    if note not in run.manifest.notes:
        run.manifest.notes.append(note)
    return note
