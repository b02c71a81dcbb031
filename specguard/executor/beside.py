"""Runs of several tasks of one plan at once: each in its own place, as long as their files keep apart."""

from __future__ import annotations

import os
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from specguard.errors import SpecguardError
from specguard.executor.branches import shares
from specguard.executor.claiming import claim_file
from specguard.executor.overlaps import overlap
from specguard.executor.tasks import task_of
from specguard.runs.store import RunStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specguard.executor.starting import Start
    from specguard.plans.task import Task
    from specguard.runs.model import Manifest

_WAIT: Final = 30.0
"""So many seconds a run waits for another one that begins."""

_OPEN: Final = frozenset({"pending", "running"})


@contextmanager
def kept_apart(start: Start, root: str, remote: str) -> Iterator[None]:
    """Within it no other run of a task of the same plan begins; and those under way do not get in its way.

    Args:
        start: where the run starts.
        root: the folder of all runs.
        remote: the address of the canonical repository, as manifests have it.

    Raises:
        SpecguardError: a run under way may change the same files, or has the same branch.
        MissingFact: the plan cannot be read.
    """
    task = task_of(start.policy, start.item)
    if task is None:
        yield
        return
    name = sha256(remote.encode("utf-8", "surrogateescape") + b"\0" + task.plan.path).hexdigest()[:12]
    try:
        os.makedirs(root, mode=0o755, exist_ok=True)
        with FileLock(os.path.join(root, f".plan-{name}.lock"), timeout=_WAIT):
            for manifest in _under_way(root, remote, task):
                _check(start, task, manifest)
            yield
    except Timeout:
        raise SpecguardError(
            f"another run of the plan {task.plan.name} has been beginning for {_WAIT:g} seconds",
            help="specguard run status",
            code="item-taken",
        ) from None
    except OSError as error:
        raise SpecguardError(
            f"the folder of runs cannot be written to: {error.strerror}",
            path=root,
            help="name another one with --run-root",
            code="unwritable-file",
        ) from error


def _under_way(root: str, remote: str, task: Task) -> Iterator[Manifest]:
    """The runs of other tasks of the plan whose process has their claim."""
    plan = os.fsdecode(task.plan.path)
    for view in RunStore(root).runs():
        manifest = view.manifest
        if manifest is None or manifest.state not in _OPEN or manifest.item.plan != plan:
            continue
        if (manifest.repository.remote or "") != remote or manifest.item.id == task.id:
            continue
        lock = FileLock(claim_file(os.path.dirname(view.path), remote, manifest.branch or ""))
        try:
            lock.acquire(blocking=False)
        except Timeout:
            yield manifest
        else:
            # It has died: nobody works on it.
            lock.release()


def _check(start: Start, task: Task, manifest: Manifest) -> None:
    other = task.plan.task(manifest.item.id)
    ends = f"specguard run status {manifest.run_id}; start this one when it has ended"
    if (
        start.item is not None
        and manifest.branch in start.item.branches
        and not shares(start.policy, start.item)
    ):
        raise SpecguardError(
            f"another run works on the branch {manifest.branch}, for {manifest.item.id}: {manifest.run_id}",
            help=f'{ends}; or have a branch hold a whole plan, with `unit = "commit"`',
            code="item-taken",
        )
    mine = task.expected_paths
    theirs = other.expected_paths if other is not None else None
    if not mine or not theirs:
        which = task.id if not mine else manifest.item.id
        raise SpecguardError(
            f"{which} does not say which files it is expected to touch, and {manifest.run_id} is under way",
            help=ends,
            code="item-taken",
        )
    found = overlap(mine, theirs)
    if found is not None:
        raise SpecguardError(
            f"{task.id} may change {found[0]}, and {manifest.item.id}, which {manifest.run_id} works on, "
            f"{found[1]}",
            help=ends,
            path=os.fsdecode(task.plan.path),
            line=task.line,
            code="item-taken",
        )
