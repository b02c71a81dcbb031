"""The run's own place: a disposable repository that borrows the user's objects.

A linked worktree would share refs, configuration and hooks with the user's repository. A clone knows the way
back to it. The place has a `.git` without remotes and refs, whose `HEAD` is detached at the pinned base, and
which borrows objects. Next to it is specguard's own folder for the place. The object store in that folder
takes the objects that specguard hashes and commits. The place protects from accidents, not from malice: for
that, use `[runs] sandbox`.

The agent can write anything into the `.git` of its place. The git commands that specguard runs there
therefore use a separate git directory (see `specguard.change.object_store`). Their environment is built from
nothing, without hooks, transports or filters. From the place they take only the working files. Nothing is
written to the user's own store.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Final

from specguard.authority.cache import is_own, user_folder
from specguard.change.entries import Entry
from specguard.change.git import Git
from specguard.change.process import CommandError, Process
from specguard.change.repository import NO_HOOKS, SUFFIX, Repository, is_oid
from specguard.change.worktree import worktrees
from specguard.errors import SpecguardError
from specguard.executor.run import Run
from specguard.model import Record, cached_method
from specguard.runs.manifests import Manifest
from specguard.runs.store import RunView

RECORD: Final = "record"
"""The file, in specguard's own folder, with the path of the run's folder."""

RUN_REFS: Final = "refs/specguard/runs/"
"""The refs, in the user's repository, that keep the bases of runs from being pruned."""

_PLACE_NAME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[0-9a-f]{4}")
_BASE_INDEX: Final = "checked-out"


class PlaceGit(Git):
    """Git on a place: its working files, specguard's own store for it, and the user's objects."""

    def use_scratch(self) -> str:
        """Return the store for new objects: the place has one of its own."""
        return self.repository.objects

    def run(self, *arguments: str, stdin: bytes = b"", index: str = "", files: bool = False) -> bytes:
        """Run a git command that runs no other program, and return its stdout.

        Args:
            arguments: the command and its arguments, all of them specguard's own words or object ids.
            stdin: the data for standard input.
            index: the index file to use; empty: none.
            files: True if the command may see the working files.

        Raises:
            CommandError: the command failed or printed to stderr.
        """
        where = self.repository.directory if files else ""
        return self.start(*arguments, stdin=stdin, index=index, work_tree=where).read()

    @cached_method
    def diff_trees(self, old: str, new: str) -> list[Entry]:
        """Return the differences between two trees or commits, by path bytes; asked for by each step."""
        return super().diff_trees(old, new)

    def with_entries(self, tree: str, entries: bytes) -> str:
        """Return a tree with some other entries, given as for `git update-index -z --index-info`."""
        index = os.path.join(self.folder, "edited-index")
        self.run("read-tree", tree, index=index)
        self.run("update-index", "--replace", "-z", "--index-info", stdin=entries, index=index)
        return self.run("write-tree", "--missing-ok", index=index).decode("ascii").strip()

    def binary_files(self, before: str, after: str) -> set[bytes]:
        """Return the paths of the binary files that differ between two trees."""
        words = ("-r", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", before, after, "--")
        lines = self.run("diff-tree", "--numstat", *words).split(b"\0")[:-1]
        return {line.split(b"\t", 2)[2] for line in lines if line.startswith(b"-")}


class Place(Repository):
    """The place of a run, as a repository; its properties come from what specguard knows, without asking git.

    Args:
        path: the folder of the working files, absolute.
        base: the pinned commit.
        environment: the caller's environment variables.

    Attributes:
        own_folder: specguard's own folder for the place.
        objects: the store of the objects that specguard hashes and commits; it borrows the user's.
        index: specguard's own index, with the base as it was checked out.
        shown_index: the index of the place's `.git`.
    """

    def __init__(self, path: str, *, base: str, environment: Mapping[str, str] = os.environ) -> None:
        super().__init__(path, environment)
        self.path = self.root = path
        self.base = self.head = base
        self.own_folder = self.git_dir = self.common = path + SUFFIX
        self.objects = os.path.join(self.own_folder, "objects")
        self.index = os.path.join(self.own_folder, _BASE_INDEX)
        self.shown_index = os.path.join(path, ".git", "index")
        self.format = "sha256" if len(base) == 64 else "sha1"
        self.shallow = self.bare = self._is_bare = False

    def spawn(self, *arguments: str, user: bool = False) -> Process:  # noqa: ARG002 - no user's configuration is read
        """Start git on the private git directory of the place, with what `git init` found of its disk."""
        return self.git.start("-c", f"include.path={self.own_folder}/config", *arguments)

    @cached_property
    def git(self) -> PlaceGit:
        """Git on the place, independent of the place's own `.git`."""
        return PlaceGit(self)

    def has_made(self, oid: str) -> bool:
        """True if the place's own `.git` has an object that it did not fetch, so that it was made there."""
        fetched = Path(self.path, ".git", "FETCH_HEAD")
        if not is_oid(oid, len(self.base)) or (fetched.is_file() and oid.encode() in fetched.read_bytes()):
            return False
        objects = os.path.join(self.path, ".git", "objects")
        packs = os.path.join(objects, "pack")
        if os.path.lexists(os.path.join(objects, oid[:2], oid[2:])):
            return True
        names = os.listdir(packs) if os.path.isdir(packs) else []
        indexes = (Path(packs, name) for name in names if name.endswith(".idx"))
        # Reading a pipe would never end.
        return any(bytes.fromhex(oid) in index.read_bytes() for index in indexes if index.is_file())

    def reset_index(self) -> None:
        """Reset the index in the place's `.git` to the base: later changes are not staged."""
        temporary = os.path.join(self.own_folder, "index.new")
        shutil.copyfile(self.index, temporary)
        # Replaced by a rename, since the agent may have made it a link.
        os.replace(temporary, self.shown_index)
        with suppress(FileNotFoundError):
            os.unlink(self.shown_index + ".lock")

    def write(self, name: str, data: bytes) -> str:
        """Write a file into specguard's own folder, out of the agent's way, and return its absolute path."""
        path = os.path.join(self.own_folder, name)
        Path(path).write_bytes(data)
        return path

    def check_out(self, tree: str, paths: Iterable[bytes], folder: str) -> None:
        """Write files of a tree into a folder, as a checkout does.

        Args:
            tree: the tree or commit.
            paths: the files.
            folder: the target: the place's working files, or a folder without files of the agent, such as
                `.gitattributes`.
        """
        index = os.path.join(self.own_folder, "written")
        self.git.run("read-tree", tree, index=index)
        stdin = b"".join(path + b"\0" for path in paths)
        words = ("checkout-index", "-f", "-q", "-z", "--stdin")
        self.git.start(*words, stdin=stdin, index=index, work_tree=folder).read()

    def stage(self, tree: str) -> None:
        """Stage a tree that was hashed here, because hooks expect the next commit in the index."""
        self.reset_index()
        # Unchanged entries keep their cached file status, so their files need not be read again.
        self.git.run("read-tree", "-i", "-m", tree, index=self.shown_index, files=True)
        words = ("update-index", "-q", "--ignore-submodules", "--refresh")
        self.git.start(*words, index=self.shown_index, work_tree=self.path).wait()


def new_place(run: Run) -> Place:
    """Make the place of a run, with the base checked out; an earlier place of the run is removed first.

    One ref is written in the user's repository: `refs/specguard/runs/<run id>`.

    Args:
        run: the run; its `manifest.repository.start` is checked out, and its `made_place` is set. Its
            manifest loses the tree and the commit of an earlier place.

    Raises:
        SpecguardError: the base cannot be checked out.
    """
    repository, base = run.git.repository, run.manifest.repository.start
    parent = places_folder(repository.environment, repository.work_tree())
    place = Place(os.path.join(parent, run.folder.run_id), base=base, environment=repository.environment)
    # Recorded first, so that a later cleanup finds it; what an earlier place had goes with that.
    run.manifest.place = place.path
    run.manifest.worked = run.manifest.tree = run.manifest.commit = None
    run.save()
    remove_place(place.path)
    update_ref(repository, RUN_REFS + run.folder.run_id, base)
    _make_repository(place.path, base, repository)
    os.mkdir(place.own_folder, 0o700)
    shutil.copyfile(f"{place.path}/.git/config", f"{place.own_folder}/config")
    _borrow(f"{place.path}/.git/objects", repository.objects, place.objects)
    _borrow(place.objects, repository.objects)
    place.write(RECORD, os.fsencode(run.folder.path))
    try:
        words = ("-c", "checkout.workers=2", "read-tree", "--reset", "-u", base)
        place.git.run(*words, index=place.shown_index, files=True)
    except CommandError as error:
        message = f"the base cannot be checked out: {error.first_line}"
        fetch, resume = run.git.missing("the base", error.first_line).command, run.folder.command("resume")
        help = f"{fetch}, for missing objects; else make room; then: {resume}"
        raise SpecguardError(message, help=help, code="git-failed") from error
    shutil.copyfile(place.shown_index, place.index)
    run.made_place = place
    return place


def _make_repository(folder: str, base: str, repository: Repository) -> None:
    """Make a repository without objects, with `HEAD` detached at the base."""
    os.mkdir(folder, 0o700)
    words = ["--template=", "--initial-branch=none", f"--object-format={repository.format}", "--", folder]
    Process(repository.program, ["init", "-q", *words], repository.own_environment).read()
    Path(folder, ".git", "HEAD").write_text(f"{base}\n", encoding="ascii")
    with open(os.path.join(folder, ".git", "config"), "a", encoding="ascii") as config:
        # Unreferenced objects must not be pruned.
        config.write("[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n")
    with suppress(FileNotFoundError):
        shutil.copyfile(os.path.join(repository.common, "shallow"), os.path.join(folder, ".git", "shallow"))


def _borrow(objects: str, *stores: str) -> None:
    """Let an object store have the objects of others, too."""
    os.makedirs(os.path.join(objects, "info"), exist_ok=True)
    Path(objects, "info", "alternates").write_bytes(b"".join(os.fsencode(store) + b"\n" for store in stores))


def place_exists(path: str | None, run_id: str) -> bool:
    """True if the place of a run exists with specguard's own folder for it, so that a run can continue there.

    Args:
        path: the place's path as recorded in a manifest.
        run_id: the run that the place must belong to.
    """
    if path is None or not is_place(path, run_id) or os.path.islink(path):
        return False
    files = (os.path.join(path + SUFFIX, name) for name in (_BASE_INDEX, BEFORE))
    return os.path.isdir(os.path.join(path, ".git")) and all(map(os.path.isfile, files))


BEFORE: Final = "before.json"
"""The file, in specguard's own folder, in which `specguard.executor.side_effects` keeps the state before the
agent began.
"""


def update_ref(repository: Repository, *arguments: str) -> None:
    """Write or remove a ref of the user's repository; removing a missing ref is not an error.

    Raises:
        SpecguardError: the ref cannot be written, or its value has changed meanwhile.
    """
    flags = (*NO_HOOKS, "-c", "core.logAllRefUpdates=false")
    try:
        repository.spawn(*flags, "update-ref", "--no-deref", *arguments).read()
    except CommandError as error:
        message = f"a ref cannot be written: {error.first_line}"
        help = "see that .git can be written, and remove a .lock file that a killed git left there"
        raise SpecguardError(message, help=help, code="unwritable-file") from error


def places_folder(environment: Mapping[str, str], checkout: str) -> str:
    """Return the folder of all places: it belongs only to the user, and lies outside of the checkout.

    Args:
        environment: the caller's environment variables.
        checkout: the root of the user's working files.

    Raises:
        SpecguardError: no such folder can be made.
    """
    folder = user_folder(environment, "places", checkout)
    with suppress(OSError):
        # Git separates object folders by colons and newlines.
        if folder and ":" not in folder and "\n" not in folder:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            if is_own(folder):
                return os.path.realpath(folder)
    help = "set XDG_CACHE_HOME to a folder that only you can use, in no checkout and without a colon"
    raise SpecguardError("there is no folder for the run's place", help=help)


def is_place(path: str, run_id: str = "") -> bool:
    """True if a path has the form of a place's path; it need not exist.

    A manifest is an ordinary file, and a change may add one. Before specguard removes or enters the folder
    that a manifest names, this check ensures that the folder can only be a place.

    Args:
        path: the folder of working files that a manifest names.
        run_id: the run that the place must belong to; empty: any run.
    """
    parent, name = os.path.split(path)
    grandparent, places = os.path.split(parent)
    is_plain = os.path.isabs(path) and os.path.normpath(path) == path
    of_runs = places == "places" and os.path.basename(grandparent).startswith("specguard")
    return is_plain and of_runs and os.path.realpath(parent) == parent and run_id in ("", name)


def strays(folder: str) -> list[str]:
    """Return files in the folder of places that belong to no run: an agent that uses `..` writes there.

    Args:
        folder: the folder of places; it need not exist.
    """
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted(name for name in names if not _PLACE_NAME.fullmatch(name.removesuffix(SUFFIX)))


def remove_place(path: str) -> None:
    """Remove a place and specguard's folder for it; a missing folder is not an error.

    Args:
        path: the folder of its working files, as recorded in a manifest.

    Raises:
        SpecguardError: the folder cannot be one that `new_place` made, or it cannot be removed.
    """
    if not is_place(path):
        raise SpecguardError("this is not a place of a run, and is not removed", path=path)
    for folder in (path, path + SUFFIX):
        with suppress(OSError):
            if os.path.islink(folder) or os.path.isfile(folder):
                os.unlink(folder)
            os.chmod(folder, 0o700)
            # Tools leave read-only folders in their caches.
            for parent, names, _ in os.walk(folder):
                for own in (os.path.join(parent, name) for name in names):
                    if not os.path.islink(own):
                        os.chmod(own, 0o700)
        shutil.rmtree(folder, ignore_errors=True)
        # An incomplete removal must not pass for a complete one.
        if os.path.lexists(folder):
            help = shlex.join(["rm", "-rf", folder])
            raise SpecguardError("it cannot be removed", path=folder, help=help, code="unwritable-file")


class Leftover(Record):
    """Something that an ended run has left behind.

    Attributes:
        description: a description for a person.
        remove: removes the leftover, and returns sentences about that, or None.
    """

    description: str
    remove: Callable[[], Sequence[str] | None]


def leftovers_without_folder(ref: str, repository: Repository) -> Iterator[Leftover]:
    """Yield what a run left whose folder went with its worktree, or is only on another branch."""
    run_id = ref.removeprefix(RUN_REFS)
    place = os.path.join(places_folder(repository.environment, repository.work_tree()), run_id)
    if os.path.lexists(place + SUFFIX):
        record = Path(place + SUFFIX, RECORD)
        if not record.is_file() or os.path.lexists(os.fsdecode(record.read_bytes())):
            return
        yield Leftover(f"place {place} of {run_id}, whose folder is gone", partial(remove_place, place))
    yield Leftover(f"ref {ref} of {run_id}, whose folder is gone", partial(update_ref, repository, "-d", ref))


def leftovers_of(
    run: RunView, manifest: Manifest, label: str, repository: Repository, refs: Mapping[str, str]
) -> Iterator[Leftover]:
    """Yield what an ended run left: its place, the ref of its base, and its branch if that was merged."""
    place, ref = manifest.place, RUN_REFS + run.run_id
    if place and is_place(place, run.run_id) and any(map(os.path.lexists, (place, place + SUFFIX))):
        warning = "" if run.state == "succeeded" else ", which begins anew if it is resumed"
        yield Leftover(f"place {place} of {label}{warning}", partial(remove_place, place))
    if ref in refs:
        yield Leftover(f"ref {ref} of {label}", partial(update_ref, repository, "-d", ref))
    # The run's branch in the user's repository, if it is at the run's commit and was merged.
    branch, commit, of = f"refs/heads/{manifest.branch}", manifest.commit, manifest.repository
    if not commit or refs.get(branch) != commit:
        return
    upstreams = {f"refs/remotes/{of.remote_name}/{of.base}", f"refs/heads/{of.base}"}.intersection(refs)
    with Git(repository) as git:
        merged = any(git.is_ancestor(commit, refs[upstream]) for upstream in upstreams)
    if merged and manifest.branch not in {one.branch for one in worktrees(repository)}:
        remove = partial(update_ref, repository, "-d", branch, commit)
        yield Leftover(f"branch {manifest.branch} of {label}", remove)


def identity(repository: Repository, when: str) -> tuple[str, str]:
    """Return the author and the committer of a commit, in the form that git writes into it.

    Args:
        repository: the user's repository. The variables `GIT_AUTHOR_NAME` and its kind in its environment
            come first. Then come `author.name`, `user.name` and their kind in the repository's and the user's
            configuration.
        when: the time, in the format of manifests.

    Raises:
        SpecguardError: git knows no name or no address, and does not guess one.
    """
    time = f"{datetime.fromisoformat(when).timestamp():.0f} +0000"
    return f"{_ident(repository, 'author')} {time}", f"{_ident(repository, 'committer')} {time}"


@lru_cache(maxsize=2)
def _ident(repository: Repository, role: str) -> str:
    flags = ["-c", "user.useConfigOnly=true"]
    for part in ("name", "email"):
        if value := repository.environment.get(f"GIT_{role.upper()}_{part.upper()}"):
            flags += ["-c", f"{role}.{part}={value}"]
    try:
        output = repository.spawn(*flags, "var", f"GIT_{role.upper()}_IDENT", user=True).read()
    except CommandError as error:
        message = "git knows no name or address for the commit"
        help = 'git config user.name "Your Name" && git config user.email you@example.org'
        raise SpecguardError(message, help=help, code="no-identity") from error
    # A name, an address, a time and a time zone: git-var(1) prints no other form.
    return output.decode("utf-8", "surrogateescape").rstrip("\n").rsplit(" ", 2)[0]
