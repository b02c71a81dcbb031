"""The run's own place: a disposable repository that borrows the user's objects.

A linked worktree would share refs, configuration and hooks with the user's repository, and a clone knows the
way back to it. The place has a `.git` with no remote and no ref, `HEAD` detached at the pinned base, and
borrows objects. Beside it is specguard's own folder for it, whose store takes what specguard hashes and
commits. It is isolated from accidents, not from malice: for that `[runs] sandbox` is there.

The agent writes its place's `.git` as it likes. What specguard runs there has a git directory of its own
(see `specguard.change.object_store`), an environment made from nothing, no hooks, transport or filters; it
takes from the place the working files alone. The user's own store is not written to.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import Final

from specguard.change.git import Git
from specguard.change.process import CommandError, Process
from specguard.change.repository import NO_CONFIGURATION, QUIET, Repository, is_oid, search_path
from specguard.errors import SpecguardError
from specguard.executor.run import Run

OWN: Final = ".specguard"
"""What the name of specguard's own folder for a place has behind the place's."""

RUN_REFS: Final = "refs/specguard/runs/"
"""Where in the user's repository the bases of runs are kept from being pruned."""

_A_PLACE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[0-9a-f]{4}")
_CHECKED_OUT: Final = "checked-out"
_FLAGS: Final = (
    "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
    "-c", "core.attributesFile=/dev/null", "-c", "core.useReplaceRefs=false", "-c", "protocol.allow=never",
)  # fmt: skip


class PlaceRepository(Repository):
    """A place as specguard sees it; it is described from what specguard knows, and git is not asked."""

    def __init__(self, path: str, base: str, environment: Mapping[str, str]) -> None:
        super().__init__(path, environment)
        self.git_dir = self.common = path + OWN
        self.objects = os.path.join(self.common, "objects")
        self.index = os.path.join(self.common, "index")
        self.format = "sha256" if len(base) == 64 else "sha1"
        self.shallow = self.bare = False
        self.head = base

    def work_tree(self) -> str:
        """The folder of the working files."""
        return self.directory

    def in_place(self, *arguments: str, user: bool = False) -> Process:  # noqa: ARG002 - nobody's is read
        """Start git on specguard's own git directory; there are no refs in it and no configuration."""
        own = {"GIT_DIR": self.git_dir, "GIT_WORK_TREE": self.directory}
        environment = {"PATH": search_path(self.program), **QUIET, **NO_CONFIGURATION, **own}
        return Process(self.program, [*_FLAGS, *arguments], environment, label=["git", *arguments])


class PlaceGit(Git):
    """Git on a place: its working files, specguard's own store for it, and the user's objects."""

    def use_scratch(self) -> str:
        """The store that is written to: it belongs to the place already."""
        return self.repository.objects

    def run(self, *arguments: str, stdin: bytes = b"", index: str = "", files: bool = False) -> bytes:
        """Run a git command that runs no other program, and give what it prints.

        Args:
            arguments: the command and its arguments, all of them specguard's own words or object ids.
            stdin: its standard input.
            index: the index file that it uses; none by default.
            files: whether it may see the working files.

        Raises:
            CommandError: it failed or complained.
        """
        where = self.repository.directory if files else ""
        return self.start(*arguments, stdin=stdin, index=index, work_tree=where).read()

    def counts(self, before: str, after: str) -> dict[bytes, tuple[str, str]]:
        """The numbers of lines that each path gains and loses between two trees; `-` in a binary file."""
        words = ("-r", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", before, after, "--")
        lines = self.run("diff-tree", "--numstat", *words).split(b"\0")[:-1]
        found = (line.split(b"\t", 2) for line in lines)
        return {path: (added.decode("ascii"), removed.decode("ascii")) for added, removed, path in found}


class Place:
    """The place of a run.

    Args:
        path: the folder of its working files, absolute.
        base: the pinned commit.
        environment: the caller's environment; the process's where it is not given.

    Attributes:
        own: specguard's own folder for it: a bare git directory that knows the base and what was hashed
            here, from which a commit can be pushed by its object id.
        objects: the store of what specguard hashes and commits; it borrows the user's.
        index: the index of the place's `.git`.
    """

    def __init__(self, path: str, *, base: str, environment: Mapping[str, str] | None = None) -> None:
        self.path = path
        self.base = base
        self.own = path + OWN
        self.objects = os.path.join(self.own, "objects")
        self.index = os.path.join(path, ".git", "index")
        self._environment = os.environ if environment is None else environment

    @cached_property
    def git(self) -> PlaceGit:
        """Git on it, which has nothing to do with the place's own `.git`."""
        return PlaceGit(PlaceRepository(self.path, self.base, self._environment))

    def made(self, oid: str) -> bool:
        """True if the place's own `.git` has an object: the user's are borrowed, so it was made there."""
        if not is_oid(oid, len(self.base)):
            return False
        objects = os.path.join(self.path, ".git", "objects")
        packs = os.path.join(objects, "pack")
        if os.path.lexists(os.path.join(objects, oid[:2], oid[2:])):
            return True
        for name in os.listdir(packs) if os.path.isdir(packs) else ():
            path = os.path.join(packs, name)
            # A pipe would never end.
            if name.endswith(".idx") and os.path.isfile(path):
                with open(path, "rb") as index:
                    if bytes.fromhex(oid) in index.read():
                        return True
        return False

    def reset_index(self) -> None:
        """Make the index in the place's `.git` that of the base: what changed since is not staged."""
        temporary = os.path.join(self.own, "index.new")
        shutil.copyfile(os.path.join(self.own, _CHECKED_OUT), temporary)
        # Renamed over it, since it may be a link by now.
        os.replace(temporary, self.index)
        with suppress(FileNotFoundError):
            os.unlink(self.index + ".lock")

    def write(self, name: str, data: bytes) -> str:
        """Write a file into specguard's own folder, out of the agent's way: its absolute path."""
        path = os.path.join(self.own, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def check_out(self, tree: str, paths: Iterable[bytes], folder: str) -> None:
        """Write files of a tree into a folder, as a checkout makes them.

        Args:
            tree: the tree or commit.
            paths: the files.
            folder: it; the place's own, or one that has nothing of the agent's, such as attributes.
        """
        index = os.path.join(self.own, "written")
        self.git.run("read-tree", tree, index=index)
        given = b"".join(path + b"\0" for path in paths)
        words = ("checkout-index", "-f", "-q", "-z", "--stdin")
        self.git.start(*words, stdin=given, index=index, work_tree=folder).read()

    def stage(self, tree: str) -> None:
        """Stage a tree that was hashed here, as hooks want to see what is about to be committed."""
        self.reset_index()
        # Entries that stay the same keep what is known of their files, and need not be read again.
        self.git.run("read-tree", "-i", "-m", tree, index=self.index, files=True)
        words = ("update-index", "-q", "--ignore-submodules", "--refresh")
        self.git.start(*words, index=self.index, work_tree=self.path).wait()


def place_of(run: Run) -> Place:
    """The place of a run that has one."""
    assert run.place is not None  # noqa: S101 - each step behind `place` has it
    return run.place


def new_place(run: Run) -> Place:
    """Make the place of a run, with the base checked out; what is left of an earlier one is removed first.

    In the user's repository one ref is written, `refs/specguard/runs/<run id>`.

    Args:
        run: its `manifest.repository.start` is checked out; `place` is set.

    Raises:
        SpecguardError: nobody is known who commits, or the base cannot be checked out.
    """
    repository, base = run.git.repository, run.manifest.repository.start
    if run.item is not None:
        identity(repository, run.manifest.started_at)
    parent = places_folder(repository.environment, repository.work_tree())
    place = Place(os.path.join(parent, run.folder.run_id), base=base, environment=repository.environment)
    # Recorded first, so that whoever cleans up knows of it.
    run.manifest.place = place.path
    run.save()
    remove_place(place.path)
    update_ref(repository, RUN_REFS + run.folder.run_id, base)
    stores = [repository.objects, place.objects]
    _make_repository(place.path, ".git", base, stores, repository)
    _make_repository(place.own, "", base, stores[:1], repository)
    try:
        words = ("-c", "checkout.workers=2", "read-tree", "--reset", "-u", base)
        place.git.run(*words, index=place.index, files=True)
        place.git.run("read-tree", base, index=place.git.repository.index)
    except CommandError as error:
        raise SpecguardError(
            f"the base cannot be checked out: {error.first_line}",
            help="git fetch --refetch --no-filter origin, if objects are missing",
            code="git-failed",
        ) from error
    shutil.copyfile(place.index, os.path.join(place.own, _CHECKED_OUT))
    run.place = place
    return place


def _make_repository(folder: str, inside: str, base: str, stores: list[str], repository: Repository) -> None:
    """Make a repository with nothing in it, whose `HEAD` is detached at the base and that borrows objects."""
    os.mkdir(folder, 0o700)
    environment = {"PATH": search_path(repository.program), **QUIET, **NO_CONFIGURATION}
    words = [
        "init", "-q", "--template=", "--initial-branch=none", f"--object-format={repository.format}",
        *([] if inside else ["--bare"]), "--", folder,
    ]  # fmt: skip
    Process(repository.program, words, environment).read()
    folder = os.path.join(folder, inside)
    os.makedirs(os.path.join(folder, "objects", "info"), exist_ok=True)
    with open(os.path.join(folder, "objects", "info", "alternates"), "wb") as file:
        file.write(b"".join(os.fsencode(store) + b"\n" for store in stores))
    with open(os.path.join(folder, "HEAD"), "w", encoding="ascii") as head:
        head.write(f"{base}\n")
    with open(os.path.join(folder, "config"), "a", encoding="ascii") as config:
        # What nothing refers to yet must stay.
        config.write("[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n")
    shallow = os.path.join(repository.common, "shallow")
    if os.path.isfile(shallow):
        shutil.copyfile(shallow, os.path.join(folder, "shallow"))


def known_place(run: Run) -> Place:
    """The place of a run that is resumed; `place` is set.

    Raises:
        SpecguardError: it is gone.
    """
    repository, path = run.git.repository, run.manifest.place
    if path is None or not stands(path, run.folder.run_id):
        raise SpecguardError(
            "the run's place is gone",
            help="start a new run: what it had not pushed is lost",
            code="place-spoiled",
        )
    run.place = Place(path, base=run.manifest.repository.start, environment=repository.environment)
    return run.place


def stands(path: str | None, run_id: str = "") -> bool:
    """True if the place of a run is there, with specguard's own folder for it, so that it can be taken up.

    Args:
        path: as manifests have it.
        run_id: of the run that it has to be of; empty: any.
    """
    return (
        path is not None
        and is_place(path, run_id)
        and not os.path.islink(path)
        and os.path.isdir(os.path.join(path, ".git"))
        and os.path.isfile(os.path.join(path + OWN, _CHECKED_OUT))
        and os.path.isfile(os.path.join(path + OWN, BEFORE))
    )


BEFORE: Final = "before.json"
"""What `specguard.executor.side_effects` remembers, in specguard's own folder."""


def update_ref(repository: Repository, *arguments: str) -> None:
    """Write or remove a ref of the user's repository; one to remove that is not there does not matter.

    Raises:
        SpecguardError: it cannot be written, or is no longer what it was.
    """
    flags = ("-c", "core.hooksPath=/dev/null", "-c", "core.logAllRefUpdates=false")
    try:
        repository.in_place(*flags, "update-ref", "--no-deref", *arguments).read()
    except CommandError as error:
        raise SpecguardError(
            f"a ref cannot be written: {error.first_line}",
            help="git fsck in your repository tells what is wrong",
            code="unwritable-file",
        ) from error


def places_folder(environment: Mapping[str, str], checkout: str) -> str:
    """The folder of all places: the user's alone, and in no checkout.

    Args:
        environment: the caller's environment.
        checkout: the root of the user's working files.

    Raises:
        SpecguardError: none can be made.
    """
    home = environment.get("HOME", "")
    temporary = environment.get("TMPDIR") or "/tmp"  # noqa: S108 - the folder is the user's alone, or refused
    candidates = [
        os.path.join(environment.get("XDG_CACHE_HOME", ""), "specguard", "places"),
        os.path.join(home, ".cache", "specguard", "places") if home else "",
        os.path.join(temporary, f"specguard-{os.geteuid()}", "places"),
    ]
    inside = os.path.realpath(checkout)
    for folder in candidates:
        # Git separates folders of objects by colons and lines.
        if not os.path.isabs(folder) or ":" in folder or "\n" in folder:
            continue
        if os.path.commonpath([inside, os.path.realpath(folder)]) == inside:
            continue
        with suppress(OSError):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            found = os.lstat(folder)
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022:
                return os.path.realpath(folder)
    raise SpecguardError(
        "there is no folder for the run's place",
        help="set XDG_CACHE_HOME to a folder of yours that is in no checkout",
    )


def is_place(path: str, run_id: str = "") -> bool:
    """True if a path is one that a place can have; it need not be there.

    Manifests are files like others, and a change may bring some: what they name is not removed, or worked in,
    before it is seen to be no other folder.

    Args:
        path: the folder of working files that a manifest names.
        run_id: the run whose place it has to be; empty: any.
    """
    parent, name = os.path.split(path)
    above, places = os.path.split(parent)
    return (
        os.path.isabs(path)
        and os.path.normpath(path) == path
        and places == "places"
        and os.path.basename(above).startswith("specguard")
        and os.path.realpath(parent) == parent
        and run_id in ("", name)
    )


def strays(folder: str) -> list[str]:
    """Files in the folder of places that belong to no run: an agent that leaves its place by `..` gets there.

    Args:
        folder: the folder of places; it need not be there.
    """
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted(name for name in names if not _A_PLACE.fullmatch(name.removesuffix(OWN)))


def remove_place(path: str) -> None:
    """Remove a place and specguard's folder for it; what is gone already does not matter.

    Args:
        path: the folder of its working files, as manifests have it.

    Raises:
        SpecguardError: it is no folder that `new_place` made.
    """
    if not is_place(path):
        raise SpecguardError("this is no place of a run, and is not removed", path=path)
    for folder in (path, path + OWN):
        with suppress(OSError):
            if os.path.islink(folder) or os.path.isfile(folder):
                os.unlink(folder)
            os.chmod(folder, 0o700)
            # Tools leave folders in their caches that may not be written to.
            for inside, names, _ in os.walk(folder):
                for own in (os.path.join(inside, name) for name in names):
                    if not os.path.islink(own):
                        os.chmod(own, 0o700)
        shutil.rmtree(folder, ignore_errors=True)
        # A broken removal must not be taken for one that was done.
        if os.path.lexists(folder):
            help = shlex.join(["rm", "-rf", folder])
            raise SpecguardError("it cannot be removed", path=folder, help=help, code="unwritable-file")


def identity(repository: Repository, when: str) -> tuple[str, str]:
    """The author and the committer of a commit, as git writes them into it.

    Args:
        repository: the user's: `GIT_AUTHOR_NAME` and its kind in its environment come first, then
            `author.name`, `user.name` and their kind in its configuration and the user's.
        when: the time, as manifests have it.

    Raises:
        SpecguardError: git knows no name or no address; it does not guess one.
    """
    time = f"{datetime.fromisoformat(when).timestamp():.0f} +0000"
    return f"{_who(repository, 'author')} {time}", f"{_who(repository, 'committer')} {time}"


def _who(repository: Repository, role: str) -> str:
    flags = ["-c", "user.useConfigOnly=true"]
    for part in ("name", "email"):
        value = repository.environment.get(f"GIT_{role.upper()}_{part.upper()}")
        if value:
            flags += ["-c", f"{role}.{part}={value}"]
    try:
        said = repository.in_place(*flags, "var", f"GIT_{role.upper()}_IDENT", user=True).read()
    except CommandError as error:
        raise SpecguardError(
            "git knows no name or address for the commit",
            help='git config user.name "Your Name" and git config user.email you@example.org',
            code="no-identity",
        ) from error
    # A name, an address, a time and a zone: git-var(1) prints no other form.
    return said.decode("utf-8", "surrogateescape").rstrip("\n").rsplit(" ", 2)[0]
