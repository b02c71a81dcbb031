"""The run's own place: a disposable repository that borrows the user's objects.

A linked worktree would share refs, configuration and hooks with the user's repository, and a clone knows the
way back to it. The place has a `.git` with no remote and no ref, `HEAD` detached at the pinned base, and
borrows objects. Beside it is specguard's own folder for it, whose store takes what specguard hashes and
commits. It is isolated from accidents, not from malice: for that `[runs] sandbox` is there.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from specguard.change.process import CommandError
from specguard.change.repository import is_oid
from specguard.errors import SpecguardError
from specguard.executor.ending import RunEnded
from specguard.executor.git import RUN_REFS, PlaceGit
from specguard.executor.identity import identity
from specguard.executor.place_files import (
    OWN,
    is_place,
    make_repositories,
    places_folder,
    remove_place,
)
from specguard.executor.watching import remember, remember_user, was_remembered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from specguard.change.repository import Repository
    from specguard.executor.run import Run


class Place:
    """The place of a run.

    Args:
        path: the folder of its working files, absolute.
        base: the pinned commit.
        environment: the caller's environment; the process's where it is not given.

    Attributes:
        own: specguard's own folder for it: a bare git directory that knows the base and what was hashed
            here, from which a commit can be pushed by its object id.
    """

    def __init__(self, path: str, *, base: str, environment: Mapping[str, str] | None = None) -> None:
        self.path = path
        self.base = base
        self.own = path + OWN
        self._environment = os.environ if environment is None else environment

    @property
    def objects(self) -> str:
        """The store of what specguard hashes and commits; it borrows the user's."""
        return os.path.join(self.own, "objects")

    @property
    def index(self) -> str:
        """The index of the place's `.git`."""
        return os.path.join(self.path, ".git", "index")

    @cached_property
    def git(self) -> PlaceGit:
        """Git on it, which has nothing to do with the place's own `.git`."""
        return PlaceGit(self.path, self.own, base=self.base, environment=self._environment)

    def made(self, oid: str) -> bool:
        """Whether the place's own `.git` has an object: the user's are borrowed, so it was made there."""
        if not is_oid(oid, len(self.base)):
            return False
        objects = os.path.join(self.path, ".git", "objects")
        packs = os.path.join(objects, "pack")
        if os.path.lexists(os.path.join(objects, oid[:2], oid[2:])):
            return True
        for name in os.listdir(packs) if os.path.isdir(packs) else ():
            if name.endswith(".idx"):
                with open(os.path.join(packs, name), "rb") as index:
                    if bytes.fromhex(oid) in index.read():
                        return True
        return False

    def reset_index(self) -> None:
        """Make the index in the place's `.git` that of the base: what changed since is not staged.

        Raises:
            RunEnded: it cannot be written.
        """
        temporary = os.path.join(self.own, "index.new")
        try:
            shutil.copyfile(os.path.join(self.own, "checked-out"), temporary)
            # Renamed over it, since it may be a link by now.
            os.replace(temporary, self.index)
            with suppress(FileNotFoundError):
                os.unlink(self.index + ".lock")
        except OSError as error:
            raise _unwritable(error) from error

    def write(self, name: str, data: bytes) -> str:
        """Write a file into specguard's own folder, out of the agent's way.

        Returns:
            Its absolute path.

        Raises:
            RunEnded: it cannot be written.
        """
        path = os.path.join(self.own, name)
        try:
            with open(path, "wb") as file:
                file.write(data)
        except OSError as error:
            raise _unwritable(error) from error
        return path

    def stage(self, tree: str) -> None:
        """Stage a tree in the place's `.git`, as hooks want to see what is about to be committed.

        Args:
            tree: one that was hashed here.

        Raises:
            SpecguardError: git failed.
            RunEnded: the index cannot be written.
        """
        self.reset_index()
        # Entries that stay the same keep what is known of their files, and need not be read again.
        self.git.run("read-tree", "-i", "-m", tree, index=self.index, files=True)
        self.git.start(
            "update-index", "-q", "--ignore-submodules", "--refresh", index=self.index, work_tree=self.path
        ).wait()


def place_of(run: Run) -> Place:
    """The place of a run.

    Raises:
        RunEnded: it has none yet.
    """
    if run.place is None:
        raise RunEnded("failed", "the run has no place yet", code=2)
    return run.place


def make_place(run: Run) -> None:
    """Make the place of a run, with the base checked out; what is left of an earlier one is removed first.

    In the user's repository one ref is written, `refs/specguard/runs/<run id>`.

    Args:
        run: its `manifest.repository.start` is checked out; `place` is set.

    Raises:
        RunEnded: the repository is bare, nobody is known who commits, or the base cannot be checked out.
    """
    repository = run.git.repository
    if repository.bare:
        raise RunEnded(
            "failed",
            "a bare repository has no checkout to run from",
            help="clone it, and run there",
            code=2,
            error="no-repository",
        )
    base = run.manifest.repository.start
    try:
        if run.item is not None:
            identity(repository, run.manifest.started_at)
        parent = places_folder(repository.environment, repository.work_tree())
        place = Place(os.path.join(parent, run.folder.run_id), base=base, environment=repository.environment)
        earlier = run.manifest.place
        if earlier and earlier != place.path and is_place(earlier, run.folder.run_id):
            remove_place(earlier)
        # Recorded first, so that whoever cleans up knows of it.
        run.manifest.place = place.path
        run.save()
        remove_place(place.path)
        keep_base(repository, run.folder.run_id, base)
        make_repositories(place.path, base, repository)
        _check_out(place)
        remember(run, place)
    except SpecguardError as error:
        raise RunEnded("failed", error.message, help=error.help, code=2, error=error.code) from error
    except OSError as error:
        raise RunEnded(
            "failed", f"the run's place cannot be made: {error}", code=2, error="unwritable-file"
        ) from error
    run.place = place


def open_place(run: Run) -> None:
    """Take up the place of a run that is resumed.

    What the agent did there is still compared with how it was; the user's repository with how it is now.

    Args:
        run: its `manifest.place`; `place` is set.

    Raises:
        RunEnded: the place is gone.
    """
    path = run.manifest.place
    place = Place(
        path or "",
        base=run.manifest.repository.start,
        environment=run.git.repository.environment,
    )
    if (
        not path
        or not is_place(path, run.folder.run_id)
        or not os.path.isfile(os.path.join(place.own, "checked-out"))
    ):
        raise RunEnded(
            "failed",
            "the run's place is gone",
            help="start a new run: what it had not pushed is lost",
            code=2,
            error="place-spoiled",
        )
    run.place = place
    remember_user(run, place)


def stands(path: str | None) -> bool:
    """Whether the place of a run is there, with specguard's own folder for it, so that it can be taken up.

    Args:
        path: as manifests have it.
    """
    return (
        path is not None
        and is_place(path)
        and not os.path.islink(path)
        and os.path.isdir(os.path.join(path, ".git"))
        and os.path.isfile(os.path.join(path + OWN, "checked-out"))
        and was_remembered(path + OWN)
    )


def keep_base(repository: Repository, run_id: str, base: str) -> None:
    """Keep a base from being pruned from the user's repository while a run borrows it.

    Raises:
        SpecguardError: the ref cannot be written.
    """
    _update_ref(repository, RUN_REFS + run_id, base)


def forget_base(repository: Repository, run_id: str) -> None:
    """Remove the ref that `keep_base` wrote; one that is not there does not matter.

    Raises:
        SpecguardError: it cannot be removed.
    """
    _update_ref(repository, "-d", RUN_REFS + run_id)


def _unwritable(error: OSError) -> RunEnded:
    return RunEnded(
        "failed",
        f"the run's place cannot be written: {error.strerror}",
        help="make room on its disk, then: specguard run resume, with the run's id",
        code=2,
        error="unwritable-file",
    )


def _update_ref(repository: Repository, *arguments: str) -> None:
    flags = ("-c", "core.hooksPath=/dev/null", "-c", "core.logAllRefUpdates=false")
    try:
        repository.in_place(*flags, "update-ref", "--no-deref", *arguments).read()
    except CommandError as error:
        raise SpecguardError(
            f"the ref that keeps the run's base cannot be written: {error.first_line}",
            help="git fsck in your repository tells what is wrong",
            code="unwritable-file",
        ) from error


def _check_out(place: Place) -> None:
    try:
        words = ("-c", "checkout.workers=2", "read-tree", "--reset", "-u", place.base)
        place.git.run(*words, index=place.index, files=True)
        place.git.run("read-tree", place.base, index=place.git.repository.index)
    except SpecguardError as error:
        raise SpecguardError(
            error.message,
            help="git fetch --refetch --no-filter origin, if objects are missing",
            code=error.code,
        ) from error
    shutil.copyfile(place.index, os.path.join(place.own, "checked-out"))
