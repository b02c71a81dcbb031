"""A run's claim on its item: one run at a time, and none while an earlier one has not ended."""

from __future__ import annotations

import os
import re
import shlex
from contextlib import ExitStack, contextmanager
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from specguard.errors import SpecguardError
from specguard.executor.item import shares, taken, task_of
from specguard.executor.place import places_folder
from specguard.runs.files import about_run, item_folder
from specguard.runs.manifests import MANIFEST, RunFolder, new_run_id, recording
from specguard.runs.views import RunStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.change.repository import Repository
    from specguard.declaration.patterns import Covering
    from specguard.executor.start.base import Start
    from specguard.plans.task import Task
    from specguard.runs.manifests import Manifest


EARLIER: Final = "earlier"
"""In a folder that is used again: what the run before it left."""

_NOT_ENDED: Final = frozenset({"pending", "running"})
_WAIT: Final = 30.0
"""So many seconds a run waits for another one that begins."""


class ItemLock:
    """The claim on an item, held until the process ends or `release` is called.

    Args:
        root: the folder of all runs.
        manifest: of the run: its item, its branch, and the canonical repository, which tells items of several
            repositories apart.
        repository: the user's, where a run with another folder of runs is to be seen as well.
        given: whether the folder is not the policy's own, so that commands have to name it.

    Raises:
        SpecguardError: another run has the claim, or the folder cannot be written to or is a link, which a
            change may have brought.
    """

    def __init__(
        self, root: str, manifest: Manifest, repository: Repository | None = None, *, given: bool = False
    ) -> None:
        item, branch, remote = manifest.item, manifest.branch or "", manifest.repository.remote or ""
        self._given = root if given else ""
        self.folder = os.path.join(root, item_folder(item.kind, item.id))
        self._item = item
        self._of = (branch, remote)
        files = [_lock_file(self.folder, remote, branch)]
        if os.path.islink(self.folder):
            raise SpecguardError(
                "the folder of the item's runs is a link, and is not written to",
                path=self.folder,
                help="remove the link",
                code="outside-repository",
            )
        if repository is not None:
            places = places_folder(repository.environment, repository.work_tree())
            name = _digest(os.path.realpath(repository.common), remote, item.kind, item.id, branch)[:24]
            files.append(os.path.join(os.path.dirname(places), "claims", f"{name}.lock"))
        try:
            with ExitStack() as locks, recording(self.folder):
                os.makedirs(self.folder, mode=0o755, exist_ok=True)
                for file in files:
                    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
                    locks.enter_context(FileLock(file, timeout=0))
                self._locks = locks.pop_all()
        except Timeout:
            running = [manifest.run_id for manifest in self._mine() if manifest.state in _NOT_ENDED]
            run_id, root = (running[-1], self._given) if running else ("", "")
            which = f": {run_id}" if run_id else ", whose folder is not here" if repository else ""
            status, stop = (shlex.join(about_run(verb, run_id, root)) for verb in ("status", "stop"))
            status += "" if run_id else ", with its --run-root"
            raise taken(
                f"another run works on {item.label}{which}", f"{status}, and to end it: {stop}"
            ) from None

    def release(self) -> None:
        """Give the claim up."""
        self._locks.close()

    def new_folder(self, reused: str = "") -> RunFolder:
        """The folder of a new run.

        Args:
            reused: the id of an earlier run, or what it begins with, whose folder is used again; what is in
                it is moved to `earlier/`. Empty: none.

        Raises:
            SpecguardError: an earlier run of the item has not ended, or there is not one with that id.
        """
        found = [one for one in self._ids() if one.startswith(reused)] if reused else [new_run_id()]
        if len(found) != 1:
            raise SpecguardError(
                f"{'several runs' if found else 'no run'} of {self._item.label} with the id {reused}",
                path=self.folder,
                help=shlex.join(about_run("list", "", self._given)),
                code="item-taken",
            )
        for manifest in self._mine():
            # Whoever has the claim knows that a run which says it is running has died.
            if manifest.state in _NOT_ENDED and manifest.run_id != found[0]:
                died = RunFolder(os.path.join(self.folder, manifest.run_id), self._given)
                raise taken(
                    f"an earlier run of {self._item.label} died: {manifest.run_id}",
                    f"{died.command('resume')}; to give it up: {died.command('stop')}",
                )
        folder = RunFolder(os.path.join(self.folder, found[0]), self._given)
        if not reused:
            return folder
        with recording(folder.path):
            before = os.path.join(folder.path, EARLIER)
            os.makedirs(before, exist_ok=True)
            target = os.path.join(before, f"{len(os.listdir(before)) + 1:02d}")
            os.mkdir(target)
            for name in os.listdir(folder.path):
                if name != EARLIER:
                    os.rename(os.path.join(folder.path, name), os.path.join(target, name))
        return folder

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
            if (manifest.branch or "", manifest.repository.remote or "") == self._of:
                yield manifest


def _digest(*texts: str) -> str:
    return sha256("\0".join(texts).encode("utf-8", "surrogateescape")).hexdigest()


def _lock_file(folder: str, remote: str, branch: str) -> str:
    """The file that is locked while a run of an item is under way, in the folder of the item's runs."""
    return os.path.join(folder, f".{_digest(remote, branch)[:12]}.lock")


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
    name = f".plan-{_digest(remote, os.fsdecode(task.plan.path))[:12]}.lock"
    try:
        with recording(root):
            os.makedirs(root, mode=0o755, exist_ok=True)
            lock = FileLock(os.path.join(root, name), timeout=_WAIT)
            lock.acquire()
    except Timeout:
        raise taken(
            f"another run of the plan {task.plan.name} has been beginning for {_WAIT:g} seconds",
            "specguard run status",
        ) from None
    try:
        for manifest in _under_way(root, remote, task):
            _check(start, task, manifest)
        yield
    finally:
        lock.release()


def _under_way(root: str, remote: str, task: Task) -> Iterator[Manifest]:
    """The runs of other tasks of the plan whose process has their claim."""
    for view in RunStore(root).runs():
        manifest = view.manifest
        if manifest is None or not view.running or manifest.item.plan != os.fsdecode(task.plan.path):
            continue
        if (manifest.repository.remote or "") != remote or manifest.item.id == task.id:
            continue
        try:
            with FileLock(_lock_file(os.path.dirname(view.path), remote, manifest.branch or ""), timeout=0):
                # It has died: nobody works on it.
                continue
        except Timeout:
            yield manifest


def _check(start: Start, task: Task, manifest: Manifest) -> None:
    other = task.plan.task(manifest.item.id)
    mine, theirs = task.expected_paths, other.expected_paths if other is not None else None
    help = f"specguard run status {manifest.run_id}; start this one when it has ended"
    if manifest.branch in start.item.branches and not shares(start.policy, start.item):
        said = f"another run works on the branch {manifest.branch}, for {manifest.item.id}: {manifest.run_id}"
        help += '; or have a branch hold a whole plan, with `unit = "commit"`'
    elif not mine or not theirs:
        which = task.id if not mine else manifest.item.id
        said = f"{which} does not say which files it is expected to touch, and {manifest.run_id} is under way"
    elif (found := overlap(mine, theirs)) is not None:
        said = f"{task.id} may change {found[0]}, and {manifest.item.id}, which {manifest.run_id} works on, "
        said += found[1]
    else:
        return
    path = os.fsdecode(task.plan.path)
    raise SpecguardError(said, help=help, path=path, line=task.line, code="item-taken")


_SPECIAL: Final = re.compile(r"[*?\[\\]")
_BEHIND: Final = re.compile(r"[^*?\[\]\\]*\Z")


def overlap(one: Covering, other: Covering) -> tuple[str, str] | None:
    """A pattern of each that could match one path; None where none could.

    Each pattern covers all below its match. Of two segments with wildcards, what stands before the first and
    behind the last wildcard decides, so a few that have nothing in common are said to.
    """
    pairs = ((pattern, second) for pattern in one.patterns for second in other.patterns)
    return next((pair for pair in pairs if meet(*pair)), None)


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
    if not _SPECIAL.search(one) and not _SPECIAL.search(other):
        return one == other
    before = sorted((_SPECIAL.split(segment)[0] for segment in (one, other)), key=len)
    behind = sorted((match[0] for one in (one, other) if (match := _BEHIND.search(one))), key=len)
    return before[1].startswith(before[0]) and behind[1].endswith(behind[0])
