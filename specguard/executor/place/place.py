"""The run's own place: a disposable repository that borrows the user's objects.

A linked worktree would share refs, configuration and hooks with the user's repository, and a clone knows the
way back to it. The place has a `.git` with no remote and no ref, `HEAD` detached at the pinned base, and
borrows objects. Beside it is specguard's own folder for it, whose store takes what specguard hashes and
commits. It is isolated from accidents, not from malice: for that `[runs] sandbox` is there.

Whoever runs in the place may edit files in it and nothing else. Commits are specguard's to make, so `HEAD`,
refs, configuration, hooks and the rest of the place's `.git` stay as they were. So do the configuration and
hooks of the user, and none of their refs comes to hold what was made in the place. What else changes in their
checkout may be their own work, and is noted. Nothing that was left in the place is run by looking at it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Final

from specguard.change.process import CommandError
from specguard.change.repository import Repository, is_oid
from specguard.change.worktree import not_ignored
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.place.files import (
    OWN,
    RUN_REFS,
    PlaceGit,
    identity,
    is_place,
    make_repositories,
    places_folder,
    remove_place,
)
from specguard.executor.place.watch import (
    State,
    Survey,
    misbehaviour,
    read_before,
    remember,
    remember_user,
    user_state,
    was_remembered,
)
from specguard.executor.run import Run, RunEnded
from specguard.model import listed, path_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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
        raise RunEnded("the run has no place yet", code=2)
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
        raise RunEnded(error.message, help=error.help, code=2, error=error.code) from error
    except OSError as error:
        raise RunEnded(f"the run's place cannot be made: {error}", code=2, error="unwritable-file") from error
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


_MOST: Final = 5
"""So many misbehaviours are named in one sentence; of the rest there is the number."""


def inspect(run: Run, by: str = "the agent") -> None:
    """See that whoever worked in the place changed files in it and nothing else.

    All processes of it must have ended. The index in the place's `.git` is made that of the base again.

    Args:
        run: the run; `remember` (which `make_place` calls) kept how everything was before.
        by: who worked there, such as `the gate tests`.

    Raises:
        RunEnded: it did something else, which the reason names.
        SpecguardError: the user's repository cannot be read.
    """
    place = place_of(run)
    before = read_before(place)
    there = os.path.isdir(place.path)
    done = list(misbehaviour(place, before.place)) if there else ["deleted its place"]
    outside = _outside(run, place, before.user, user_state(run))
    if done or outside:
        said = [f"{by} {listed(done, _MOST, '; ')}"] if done else []
        said += [f"while {by} worked, {listed(outside, _MOST, '; ')}"] if outside else []
        help = f"look at {place.path}: files are the agent's to edit, and all else is specguard's"
        if outside:
            help = f"undo what was not you; where it was you, go on with: {run.folder.command('resume')}"
        elif not there:
            help = "start a new run"
        raise RunEnded("; ".join(said), help=help, error="place-spoiled")
    survey = Survey(place.path)
    filled = _filled(run, survey.size - before.size, by)
    if filled is not None:
        raise filled
    check_survey(place, survey, by)
    place.reset_index()


def watch_place(run: Run, by: str = "the agent") -> Callable[[], RunEnded | None]:
    """What tells while somebody works in the place that it has grown by more than it may.

    Args:
        run: the run.
        by: who works there.
    """
    place = place_of(run)

    def look() -> RunEnded | None:
        try:
            before = read_before(place).size
        except RunEnded as end:
            return end
        return _filled(run, Survey(place.path).size - before, by)

    return look


def _filled(run: Run, grown: int, by: str) -> RunEnded | None:
    """How a run ends whose place has grown by so many bytes; None where it may."""
    limit = run.policy.declared("run_settings").place_limit
    if grown <= limit << 20:
        return None
    return RunEnded(
        f"{by} filled its place with {grown >> 20} MiB, and [runs] place_limit allows {limit}",
        state="budget-spent",
        help="raise [runs] place_limit, or tell the agent what not to keep",
        error="size-limit",
    )


def check_survey(place: Place, survey: Survey, by: str = "the agent") -> None:
    """See that no repository was made within a place, apart from ignored folders, which nothing enters.

    Args:
        place: the place.
        survey: the walk over it.
        by: who worked there.

    Raises:
        RunEnded: there is one.
    """
    if survey.special:
        names = ", ".join(map(path_text, survey.special[:_MOST]))
        raise RunEnded(
            f"{by} made a pipe where git reads a file, {names}",
            help="remove it",
            error="place-spoiled",
        )
    if not survey.nested:
        return
    try:
        found = not_ignored(place.git, place.git.repository.index, place.path, survey.nested)
    except MissingFact:
        # Where it cannot be told, none is taken for ignored.
        found = survey.nested
    if found:
        raise RunEnded(
            f"{by} made a repository within its place, at {', '.join(map(path_text, found[:_MOST]))}",
            help="remove it, or have .gitignore leave its folder out",
            error="place-spoiled",
        )


def _outside(run: Run, place: Place, before: State, after: State) -> list[str]:
    """What was done to the user's repository and settings; what may be the user's own doing is noted."""
    done, meanwhile, guarded = [], [], []
    for name in sorted(before.keys() | after.keys(), key=lambda one: (one.startswith("file "), one)):
        old, new = before.get(name, ""), after.get(name, "")
        what, _, rest = name.partition(" ")
        if old == new or (what == "beside" and not new):
            continue
        verb = "was changed" if old and new else "appeared" if new else "is gone"
        rest = path_text(os.fsencode(rest))
        told = f"{_OUTSIDE[what].format(rest)} {verb}"
        if what == "ref" and (place.made(new.split(" ")[0]) or rest.startswith("refs/replace/")):
            done.append(told)
        elif what in _USERS_OWN:
            meanwhile.append(told)
            if what == "file" and (guard := run.policy.guards.find(os.fsencode(name[5:]))):
                guarded.append(f"{rest} {verb} ({guard.rule})")
        else:
            done.append(told)
    if meanwhile:
        run.note(f"{_MEANWHILE}{listed(meanwhile, _MOST, '; ')}.", instead_of=_MEANWHILE)
    if guarded:
        run.note(f"{_GUARDED}{listed(guarded, _MOST_GUARDED, '; ')}.", instead_of=_GUARDED)
    return done


_MEANWHILE: Final = "In your checkout, while the run went on: "
_GUARDED: Final = "Guarded paths of your checkout, while the run went on: "
_MOST_GUARDED: Final = 50
_USERS_OWN: Final = frozenset({"ref", "git", "index", "file"})
_OUTSIDE: Final = {
    "ref": "your ref {}",
    "config": ".git/{} of your repository",
    "git": ".git/{} of your repository",
    "hook": "your hook {}",
    "home": "your {}",
    "index": "your index",
    "file": "your file {}",
    "beside": "{}, beside the place,",
}
