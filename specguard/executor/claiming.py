"""A run's claim on its item: one run at a time, and none while an earlier one has not ended."""

from __future__ import annotations

import os
import shlex
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from specguard.errors import SpecguardError
from specguard.executor.place_files import places_folder
from specguard.runs.folder import MANIFEST, RunFolder, new_run_id
from specguard.runs.root import about_run, item_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specguard.change.repository import Repository
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
