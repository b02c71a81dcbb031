"""A run's claim on its item: one run at a time, and none while an earlier one has not ended."""

from __future__ import annotations

import os
import re
import shlex
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from specguard.errors import SpecguardError
from specguard.executor.item import shares, task_of
from specguard.executor.place.files import places_folder
from specguard.runs.files import about_run, item_folder
from specguard.runs.folder import MANIFEST, RunFolder, new_run_id
from specguard.runs.views import RunStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.change.repository import Repository
    from specguard.declaration.patterns import Covering
    from specguard.executor.start.base import Start
    from specguard.plans.task import Task
    from specguard.runs.model import Item, Manifest


EARLIER: Final = "earlier"
"""In a folder that is used again: what the run before it left."""

_NOT_ENDED: Final = frozenset({"pending", "running"})


class Claim:
    """The claim on an item, held until the process ends or `release` is called.

    Args:
        root: the folder of all runs.
        item: the item.
        branch: the run's branch; empty for a run without one.
        remote: the canonical repository, which tells items of several repositories apart.
        also: a file that is locked as well, so that a run with another folder of runs is seen; empty: none.
        given: whether the folder is not the policy's own, so that commands have to name it.

    Raises:
        SpecguardError: another run has the claim, or the folder cannot be written to or is a link, which a
            change may have brought.
    """

    def __init__(
        self, root: str, item: Item, *, branch: str, remote: str, also: str = "", given: bool = False
    ) -> None:
        self._given = root if given else ""
        self.folder = os.path.join(root, item_folder(item.kind, item.id))
        self._item = item
        self._branch = branch
        self._remote = remote
        self._locks: list[FileLock] = []
        if os.path.islink(self.folder):
            raise SpecguardError(
                "the folder of the item's runs is a link, and is not written to",
                path=self.folder,
                help="remove the link",
                code="outside-repository",
            )
        try:
            os.makedirs(self.folder, mode=0o755, exist_ok=True)
            self._locks = [FileLock(claim_file(self.folder, remote, branch))]
            if also:
                os.makedirs(os.path.dirname(also), mode=0o700, exist_ok=True)
                self._locks.append(FileLock(also))
            for lock in self._locks:
                lock.acquire(blocking=False)
        except Timeout:
            self.release()
            running = [manifest.run_id for manifest in self._mine() if manifest.state in _NOT_ENDED]
            run_id = running[-1] if running else ""
            raise SpecguardError(
                f"another run works on {_label(item)}"
                + (f": {run_id}" if run_id else ", whose folder is not here" if also else ""),
                help=shlex.join(about_run("status", run_id, self._given if run_id else ""))
                + ("" if run_id else ", with its --run-root")
                + f", and to end it: {shlex.join(about_run('stop', run_id, self._given if run_id else ''))}",
                code="item-taken",
            ) from None
        except OSError as error:
            self.release()
            raise SpecguardError(
                f"the folder of runs cannot be written to: {error.strerror}",
                path=self.folder,
                help="name another one with --run-root",
                code="unwritable-file",
            ) from error

    def release(self) -> None:
        """Give the claim up."""
        for lock in self._locks:
            lock.release()

    def new_folder(self) -> RunFolder:
        """The folder of a new run.

        Raises:
            SpecguardError: an earlier run of the item has not ended.
        """
        self._check_earlier("")
        folder = RunFolder(os.path.join(self.folder, new_run_id()), self._given)
        while os.path.lexists(folder.path):
            folder = RunFolder(os.path.join(self.folder, new_run_id()), self._given)
        return folder

    def used_folder(self, run_id: str) -> RunFolder:
        """The folder of an earlier run, to be used again; what is in it is moved to `earlier/`.

        Args:
            run_id: the earlier run's id, or what it begins with.

        Raises:
            SpecguardError: there is none, or several, or an earlier run has not ended.
        """
        found = [one for one in self._ids() if one.startswith(run_id)]
        if len(found) != 1:
            which = "several runs" if found else "no run"
            raise SpecguardError(
                f"{which} of {_label(self._item)} with the id {run_id}",
                path=self.folder,
                help=shlex.join(about_run("list", "", self._given)),
                code="item-taken",
            )
        self._check_earlier(found[0])
        folder = RunFolder(os.path.join(self.folder, found[0]), self._given)
        try:
            before = os.path.join(folder.path, EARLIER)
            os.makedirs(before, exist_ok=True)
            target = os.path.join(before, f"{len(os.listdir(before)) + 1:02d}")
            os.mkdir(target)
            for name in os.listdir(folder.path):
                if name != EARLIER:
                    os.rename(os.path.join(folder.path, name), os.path.join(target, name))
        except OSError as error:
            raise SpecguardError(
                f"the run's folder cannot be used again: {error.strerror}",
                path=folder.path,
                code="unwritable-file",
            ) from error
        return folder

    def _check_earlier(self, reused: str) -> None:
        """Whoever has the claim knows that a run which says it is running has died."""
        for manifest in self._mine():
            if manifest.state in _NOT_ENDED and manifest.run_id != reused:
                died = RunFolder(os.path.join(self.folder, manifest.run_id), self._given)
                raise SpecguardError(
                    f"an earlier run of {_label(self._item)} died: {manifest.run_id}",
                    help=f"{died.command('resume')}; to give it up: {died.command('stop')}",
                    code="item-taken",
                )

    def _ids(self) -> list[str]:
        """The ids of the runs in the folder, the oldest first."""
        names = os.listdir(self.folder)
        return sorted(one for one in names if os.path.isfile(os.path.join(self.folder, one, MANIFEST)))

    def _mine(self) -> Iterator[Manifest]:
        """The manifests of earlier runs of this item in this repository; others share its name at most."""
        for run_id in self._ids():
            try:
                manifest = RunFolder(os.path.join(self.folder, run_id)).read_manifest()
            except SpecguardError:
                # One of an older layout, or a broken one, which `run doctor` tells of.
                continue
            same = (manifest.branch or "") == self._branch
            if same and (manifest.repository.remote or "") == self._remote:
                yield manifest


def claim_file(folder: str, remote: str, branch: str) -> str:
    """The file that is locked while a run of an item is under way.

    Args:
        folder: the folder of the item's runs.
        remote: the canonical repository.
        branch: the run's branch; empty for a run without one.
    """
    name = sha256(f"{remote}\0{branch}".encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return os.path.join(folder, f".{name}.lock")


def common_claim(repository: Repository, item: Item, *, branch: str, remote: str) -> str:
    """The file that is locked wherever the runs of an item of a repository are kept.

    Args:
        repository: the user's.
        item: the item.
        branch: the run's branch; empty for a run without one.
        remote: the canonical repository.

    Raises:
        SpecguardError: there is no folder for it.
    """
    places = places_folder(repository.environment, repository.work_tree())
    text = "\0".join((os.path.realpath(repository.common), remote, item.kind, item.id, branch))
    name = sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return os.path.join(os.path.dirname(places), "claims", f"{name}.lock")


def _label(item: Item) -> str:
    return item.id if item.id.casefold().startswith(item.kind.casefold()) else f"{item.kind} {item.id}"


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


_SPECIAL: Final = re.compile(r"[*?\[\\]")
_AFTER: Final = re.compile(r"[^*?\[\]\\]*\Z")


def overlap(one: Covering, other: Covering) -> tuple[str, str] | None:
    """A pattern of each that could match one path; None where none could.

    Each pattern covers all below its match. Of two segments with wildcards, what stands before the first and
    behind the last wildcard decides, so a few that have nothing in common are said to.
    """
    for pattern in one.patterns:
        for second in other.patterns:
            if meet(pattern, second):
                return pattern, second
    return None


def meet(one: str, other: str) -> bool:
    """Whether two patterns could match one path."""
    left, right = _segments(one), _segments(other)

    @cache
    def from_here(i: int, j: int) -> bool:
        if i == len(left) and j == len(right):
            return True
        # `**` takes no folder, or the next one of the other side.
        if i < len(left) and left[i] == "**":
            return from_here(i + 1, j) or (j < len(right) and from_here(i, j + 1))
        if j < len(right) and right[j] == "**":
            return from_here(i, j + 1) or (i < len(left) and from_here(i + 1, j))
        if i == len(left) or j == len(right):
            return False
        return _segments_meet(left[i], right[j]) and from_here(i + 1, j + 1)

    return from_here(0, 0)


def _segments(pattern: str) -> Sequence[str]:
    parts = [part for part in pattern.removeprefix("./").split("/") if part]
    while parts and parts[-1] == "**":
        parts.pop()
    return [*parts, "**"]


def _segments_meet(one: str, other: str) -> bool:
    first, second = _SPECIAL.search(one), _SPECIAL.search(other)
    if first is None and second is None:
        return one == other
    before = (one[: first.start()] if first else one, other[: second.start()] if second else other)
    after = (_after(one), _after(other))
    short, long = sorted(before, key=len)
    if not long.startswith(short):
        return False
    short, long = sorted(after, key=len)
    return long.endswith(short)


def _after(segment: str) -> str:
    """What stands behind the last wildcard; all of a segment without one."""
    match = _AFTER.search(segment)
    return match[0] if match else ""
