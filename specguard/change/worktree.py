"""Working trees: hashed so that they can be judged, listed, and watched for changes.

This module writes neither to the user's index nor to the user's object store. The tree is built from the
files themselves, not from what an index remembers about them. So files that are marked as unchanged are seen.
No git command enters a nested repository here, because git runs programs that a nested configuration names.

Watching uses git's answers about refs and the index, so that a program that only rewrites their files causes
no change. For other files it uses only file system metadata, and never reads them.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from functools import cached_property
from operator import attrgetter
from shlex import quote

from specguard.change.check_request import Request, read_regular
from specguard.change.entries import SUBMODULE, Entry, object_id, read_listing, states_of
from specguard.change.git import Git
from specguard.change.object_store import DOCUMENT_LIMIT
from specguard.change.process import CommandError, Process
from specguard.change.repository import Repository
from specguard.change.tree import Tree, TreeEntry
from specguard.errors import MissingFact, Needed, SpecguardError
from specguard.model import TYPE_CHECKING, Record, cached_method, folders_of, path_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final


FILE_LIMIT: Final = 2 << 30
"""The maximum size of a file of the working tree, in bytes."""

LFS_POINTER: Final = (b"version https://git-lfs.github.com/spec/", b"version http://git-media.io/v/")
"""The beginnings of a pointer, which Git LFS keeps in the repository in place of a file."""

_READ_BY_GIT: Final = frozenset({b".gitignore", b".gitattributes", b".gitmodules"})
_UNTRACKED: Final = ("ls-files", "-o", "-z", "--exclude-per-directory=.gitignore")


class HashedTree(Record):
    """A working tree that was hashed.

    Attributes:
        git: the repository; the tree is in its scratch store.
        tree: the object id of the tree.
        nested: entries for nested repositories that are not submodules, added with an object id of zeros;
            they were not entered.
    """

    git: Git
    tree: str
    nested: Sequence[Entry] = ()

    @property
    def files(self) -> Tree:
        """The files, with the entries for nested repositories."""
        return Tree(self.git, self.tree, self._foreign)

    def since(self, start: str) -> list[Entry]:
        """Return the differences from a tree or commit, by path.

        Raises:
            MissingFact: a tree is not there, or a limit is exceeded.
        """
        return sorted([*self.git.diff_trees(start, self.tree), *self._foreign], key=attrgetter("path"))

    @cached_property
    def _foreign(self) -> list[Entry]:
        """The nested repositories but this one's own worktrees, which agents make in `.claude/worktrees`."""
        own = {one.folder for one in worktrees(self.git.repository)} if self.nested else ()
        top = os.path.realpath(self.git.repository.work_tree()) if self.nested else ""
        return [one for one in self.nested if os.path.join(top, os.fsdecode(one.path)) not in own]


class FolderTree(Tree):
    """The files of a folder on disk, without exclusions; each folder is listed once.

    Args:
        top: the folder.
        texts: texts that replace or add files, by their path from the folder.
    """

    def __init__(self, top: str, texts: Mapping[str, str] = {}) -> None:
        self._top = os.fsencode(top)
        self._texts = {os.fsencode(path): text for path, text in texts.items()}

    @cached_method
    def names(self, directory: bytes) -> Mapping[bytes, TreeEntry]:
        """Return the entries of a directory, by name; empty if it does not exist, or only through a link.

        Raises:
            MissingFact: it cannot be read.
        """
        parent = self.find(directory) if directory else None
        found: dict[bytes, TreeEntry] = {}
        if not directory or (parent is not None and parent.is_directory):
            try:
                for entry in os.scandir(os.path.join(self._top, directory)):
                    found[entry.name] = TreeEntry(entry.stat(follow_symlinks=False).st_mode & 0o170000, "")
            except OSError as error:
                raise _unreadable(directory, error) from error
        folders = map(os.path.split, self._texts)
        found.update((name, TreeEntry(0o100644, "")) for folder, name in folders if folder == directory)
        return found

    def find(self, path: bytes) -> TreeEntry | None:
        """Return the entry at a path, with the SHA-1 of a file; None if there is none."""
        entry = super().find(path)
        if entry is None or not entry.is_file:
            return entry
        return TreeEntry(entry.mode, object_id("blob", self.read(path), 40))

    def read(self, path: bytes, limit: int = DOCUMENT_LIMIT) -> bytes:
        """Return the content of an existing file.

        Raises:
            SpecguardError: it is not a regular file, cannot be read, or is larger than `limit` bytes.
        """
        if path in self._texts:
            return self._texts[path].encode("utf-8", "surrogateescape")
        return read_regular(os.fsdecode(os.path.join(self._top, path)), limit, "the document")


def copy_ignore_lists(git: Git, *names: str) -> str:
    """Copy the user's list of ignored files to the private git directory, below the contents of other lists.

    The repository's own settings may not name it. The return value is the name of the copy.
    """
    repository, copied = git.repository, f"{git.folder}/info/exclude"
    named = repository.user_setting("core.excludesFile", "--path")
    home = repository.environment.get("HOME", "")
    settings = repository.environment.get("XDG_CONFIG_HOME") or f"{home}/.config"
    os.makedirs(os.path.dirname(copied), exist_ok=True)
    with open(copied, "wb") as copy:
        for one in (f"{settings}/git/ignore" if named is None else named, *names):
            with suppress(SpecguardError):
                copy.write(read_regular(one, DOCUMENT_LIMIT, "the list of ignored files") + b"\n")
    return copied


def hash_work_tree(git: Git, *, excluded: bytes = b"", user_list: bool = False) -> HashedTree:
    """Hash the working tree as a commit of all its files would contain it.

    Files that the tree's `.gitignore` files ignore are left out, unless they are tracked. Submodules whose
    folders exist are taken from the index; as for git, one without a folder is deleted.

    Args:
        git: the repository; from then on it stores new objects in its scratch store.
        excluded: the prefix of the paths that are taken from `HEAD`; empty: none.
        user_list: True to leave out what the user's own list ignores, too.

    Raises:
        SpecguardError: the repository has no working tree.
        MissingFact: a file cannot be read, or changed during the call.
    """

    def is_included(path: bytes) -> bool:
        return not (excluded and path.startswith(excluded))

    root, start = git.repository.work_tree(), git.checked_out
    git.use_scratch()
    # With an index of git's own name, `git diff-tree -p` takes files from the current folder, with the line
    # ends of that folder.
    index = f"{git.folder}/checkout"
    # A checkout has no more files than the index, so the index's size is permitted beyond the limit.
    lines = git.list_tree(start, "the files of HEAD", spare=git.repository.max_indexed())
    before = {path: TreeEntry(mode, oid) for path, mode, oid in read_listing(lines) if is_included(path)}
    indexed, sparse = _read_index(git)
    listed = {path: entry for path, entry in indexed.items() if is_included(path)}
    top = os.fsencode(root)
    # If the index has it no more, its folder has files, unless its repository is still there.
    modules = {
        path
        for path, entry in (before | listed).items()
        if entry.is_submodule
        and os.path.exists(os.path.join(top, path, b"." if path in listed else b".git"))
        and not any(os.path.islink(os.path.join(top, one)) for one in (path, *folders_of(path)))
    }
    found, nested = _find_files(top, before | listed, modules)
    present = set(filter(is_included, found))
    git.ask("the files of HEAD", "read-tree", start, index=index)
    # Entries that are not files of the working tree are taken from the index: submodules, and paths that a
    # sparse checkout leaves out.
    kept = modules | (sparse - present)
    from_index = {path: entry for path, entry in listed.items() if path in kept}
    _update_index(git, index, root, ["--force-remove"], sorted(before.keys() - present - kept))
    # Where files have no modes, git keeps those of the index.
    modes = {
        path: listed[path]
        for path in present.intersection(before, listed)
        if listed[path].mode != before[path].mode
    }
    _add_entries(git, index, modes | from_index)
    lists = [f"--exclude-from={copy_ignore_lists(git)}"] if user_list else []
    process = git.start(*_UNTRACKED, *lists, index=index, work_tree=root)
    untracked = _read(process, "the files that are not tracked")
    files = sorted(present.intersection([*before, *listed, *untracked.split(b"\0")]))
    _check_sizes(top, files)
    _update_index(git, index, root, ["--add", "--replace"], files)
    if any(path.endswith(b".gitattributes") for path in files):
        _add_entries(git, index, dict(_find_untouched(git, top, git.index_diff(start, index))))
    tree = git.ask("the working tree", "write-tree", "--missing-ok", index=index).decode().strip()
    zeros = "0" * git.repository.oid_digits
    kept_nested = not_ignored(git, index, root, nested, *lists)
    return HashedTree(git, tree, [Entry(path, "A", 0, SUBMODULE, zeros, zeros) for path in kept_nested])


def _find_untouched(git: Git, top: bytes, changes: Iterable[Entry]) -> Iterator[tuple[bytes, TreeEntry]]:
    """Yield the path and the old version of each file that differs only by what git makes of its bytes.

    No filter runs here, so a file of Git LFS differs from its pointer, which has the digest of its content.
    Line ends of an untouched file are converted if `.gitattributes` asks for others than it has.
    """
    modified = [one for one in changes if one.status == "M" and one.is_file]
    for entry, (_, old) in zip(modified, git.blobs([one.old for one in modified]), strict=True):
        # A file that is gone by now counts as touched.
        with suppress(OSError), open(os.path.join(top, entry.path), "rb") as file:
            if old and old.startswith(LFS_POINTER):
                from hashlib import file_digest

                is_same = file_digest(file, "sha256").hexdigest().encode() in old
            else:
                is_same = old is not None and file.read(len(old) + 1) == old
            if is_same:
                yield entry.path, TreeEntry(entry.new_mode, entry.old)


def read_uncommitted(git: Git) -> Sequence[dict[bytes, str]]:
    """Return the entries of the working tree and the index for each path that differs from `HEAD`.

    Only files whose present state the index does not know are read, and their contents are not stored.

    Returns:
        The working tree's paths, the index's, and those that git does not track; each with mode and id.

    Raises:
        SpecguardError: the repository has no working tree.
        MissingFact: a file or the index cannot be read.
    """
    root, start = git.repository.work_tree(), git.checked_out
    index = _copy_of_index(git)
    options = ("--name-only", "-z", "--ignore-submodules=all")
    changed = git.start(*git.repository.file_options, "diff-files", *options, index=index, work_tree=root)
    untracked = git.start(*_UNTRACKED, index=index, work_tree=root)
    staged = git.index_diff(start)
    known = set(_read(changed, "the files that are tracked").split(b"\0"))
    new = set(_read(untracked, "the files that are not tracked").split(b"\0")) - known
    # The path of a nested repository ends with a slash.
    paths = sorted(name for name in known | new if name and not name.endswith(b"/"))
    # A path beyond a symbolic link is gone, and git refuses to follow the link.
    top = os.fsencode(root)
    removed = {path for path in paths if any(os.path.islink(top + b"/" + one) for one in folders_of(path))}
    _update_index(git, index, root, ["--force-remove"], sorted(removed))
    existing = [path for path in paths if path not in removed]
    _update_index(git, index, root, ["--add", "--remove", "--replace", "--info-only"], existing)
    found = git.index_diff(start, index) if paths else staged
    tracked = [one for one in found if one.path not in new]
    added = [one for one in found if one.path in new]
    states = [states_of(entries) for entries in (tracked, staged, added)]
    nested = f"{SUBMODULE:o} {'0' * git.repository.oid_digits}"
    states[2].update((name[:-1], nested) for name in new if name.endswith(b"/"))
    return states


def has_uncommitted(git: Git) -> bool:
    """True if `git stash` would stash anything; untracked files and submodules do not count."""
    root = git.repository.work_tree()
    if not all(entry.is_submodule for entry in git.index_diff(git.checked_out)):
        return True
    # Refresh the cached file metadata first.
    words = (*git.repository.file_options, "update-index", "--ignore-submodules", "--refresh")
    return git.start(*words, index=_copy_of_index(git), work_tree=root).wait() == 1


def _read(process: Process, what: str) -> bytes:
    """Return all output of a command that reads files and folders of the working tree, not objects.

    Raises:
        MissingFact: the command complained: a file is not readable, or one such as `.gitignore` is a link.
    """
    try:
        return process.read()
    except CommandError as error:
        step = "see that there is room, and that what it names is a plain file or folder that you may read"
        message = f"{what} cannot be read: {error.first_line}"
        raise MissingFact(message, step, code="unreadable-file") from error


def _copy_of_index(git: Git) -> str:
    """Copy the user's index to a file that git may write to, and return its name."""
    index, folder = f"{git.folder}/copy-{os.urandom(4).hex()}", os.path.dirname(git.repository.index)
    if os.path.exists(git.repository.index):
        with open(git.repository.index, "rb") as source, open(index, "xb") as target:
            target.write(source.read())
            written = os.fstat(source.fileno()).st_mtime_ns
        # Git reads files that may be as new as the index, since their size and time then prove nothing.
        os.utime(index, ns=(written, written))
        # Most of a split index is in another file, which git looks for beside it and does not write to.
        for name in [one for one in os.listdir(folder) if one.startswith("sharedindex.")]:
            with suppress(FileExistsError):
                os.symlink(os.path.join(folder, name), os.path.join(git.folder, name))
    return index


def _read_index(git: Git) -> tuple[dict[bytes, TreeEntry], set[bytes]]:
    """Return the entries of the user's index, and the files that it leaves out of a checkout."""
    found: dict[bytes, TreeEntry] = {}
    sparse: set[bytes] = set()
    listed = git.ask("the index", "ls-files", "-s", "-t", "-z", index=git.repository.index)
    for record in listed.split(b"\0")[:-1]:
        header, _, path = record.partition(b"\t")
        tag, mode, oid, _ = header.split(b" ")
        found[path] = TreeEntry(int(mode, 8), oid.decode())
        if tag == b"S":
            sparse.add(path)
    return found, sparse


def _find_files(top: bytes, tracked: Iterable[bytes], modules: set[bytes]) -> tuple[set[bytes], list[bytes]]:
    """Return the files and links below a folder, and the nested repositories in it."""
    folders = {path.rpartition(b"/")[0] for path in tracked}
    known = folders.union(*map(folders_of, folders))
    present: set[bytes] = set()
    nested: list[bytes] = []
    ahead = [b""]
    while ahead:
        directory = ahead.pop()
        try:
            with os.scandir(top + b"/" + directory) as found:
                # Any case: on many disks `.GIT` is the same folder.
                entries = {entry.name: entry for entry in found}
            own = {name for name in entries if name.lower() == b".git"}
            if directory and own:
                nested.append(directory)
                if directory not in known:
                    continue
            for name, entry in entries.items():
                path = directory + b"/" + name if directory else name
                if name in own:
                    continue
                if not entry.is_dir(follow_symlinks=False):
                    # Not a pipe, socket or device.
                    if entry.is_symlink() or entry.is_file(follow_symlinks=False):
                        present.add(path)
                elif path not in modules:
                    ahead.append(path)
        except OSError as error:
            raise _unreadable(directory, error) from error
    return present, sorted(nested)


def _unreadable(directory: bytes, error: OSError) -> MissingFact:
    """Return the error about a folder that cannot be listed; its command works in any folder."""
    command = f"chmod -R u+rX {quote(os.fsdecode(error.filename or os.curdir))}"
    message = f"{path_text(directory) or 'the working tree'} cannot be read: {error.strerror}"
    return MissingFact(message, command, code="unreadable-file")


def _check_sizes(top: bytes, paths: Iterable[bytes]) -> None:
    """Check that no file is too large to be hashed."""
    for path in paths:
        # Git tells of a file that is gone by now.
        with suppress(OSError):
            if os.lstat(os.path.join(top, path)).st_size > FILE_LIMIT:
                message = f"{path_text(path)} is larger than {FILE_LIMIT >> 30} GiB and is not hashed"
                raise MissingFact(message, f"add {path_text(path)} to .gitignore", code="size-limit")


def check_lists(top: bytes) -> None:
    """Check that no pipe is where git reads a file of a working tree: it would wait forever."""
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if name != b".git"]
        for file in (os.path.join(folder, name) for name in _READ_BY_GIT.intersection(names)):
            # A file that is gone by now, or out of reach, holds git up no longer.
            with suppress(OSError):
                if stat.S_ISFIFO(os.lstat(file).st_mode):
                    message = f"{path_text(os.path.relpath(file, top))} is a pipe, and git reads it"
                    raise MissingFact(message, f"rm {quote(os.fsdecode(file))}", code="unreadable-file")


def _add_entries(git: Git, index: str, items: Mapping[bytes, TreeEntry]) -> None:
    if items:
        info = (b"%06o %s\t%s\0" % (one.mode, one.oid.encode(), path) for path, one in sorted(items.items()))
        words = ("update-index", "--replace", "-z", "--index-info")
        git.ask("the index", *words, stdin=b"".join(info), index=index)


def _update_index(git: Git, index: str, root: str, flags: Sequence[str], paths: Sequence[bytes]) -> None:
    if paths:
        process = git.start(
            # Git would warn about line ends that it converts.
            "-c", "core.compression=0", "-c", "core.safecrlf=false", *git.repository.file_options,
            "update-index", *flags, "-z", "--stdin", stdin=b"".join([path + b"\0" for path in paths]),
            index=index, work_tree=root,
        )  # fmt: skip
        _read(process, "the working tree")


def not_ignored(git: Git, index: str, root: str, paths: Sequence[bytes], *lists: str) -> list[bytes]:
    """Return the untracked folders that no `.gitignore` of the working tree ignores, without entering any.

    Args:
        git: the repository.
        index: the index with the tracked files.
        root: the root of the working tree.
        paths: the folders.
        lists: git's options that name further lists.
    """
    if not paths:
        return []
    # For a folder that is ignored as a whole, git lists its name with a slash.
    process = git.start(*_UNTRACKED, *lists, "-i", "--directory", index=index, work_tree=root)
    data = _read(process, "the list of ignored folders")
    ignored = tuple(path for path in data.split(b"\0") if path.endswith(b"/"))
    return [path for path in paths if not (path + b"/").startswith(ignored)]


class Worktree(Record):
    """A worktree of a repository.

    Attributes:
        folder: its folder.
        branch: the short name of the branch that is checked out there; empty if none is.
        own: True if the check is made in this worktree.
        gone: the reason from git why it no longer exists; empty if it does.
        environment: the environment variables for git there.
    """

    folder: str
    branch: str
    own: bool
    gone: str
    environment: Mapping[str, str]

    @property
    def path(self) -> str:
        """The folder, as text for a person."""
        return path_text(self.folder.encode("utf-8", "surrogateescape"))

    @property
    def dirty(self) -> bool | None:
        """True if the worktree differs from its `HEAD`; new files count unless a `.gitignore` names them.

        None if that is not known; `problem` has the reason.
        """
        return None if self.problem else bool(self._state[0])

    def beside(self, judged: Tree, runs: bytes) -> bool:
        """True if the worktree has changes that a tree, such as the staged one, does not contain.

        Args:
            judged: the tree.
            runs: the path prefix of the folder of runs, whose new files do not count; empty for none.

        Raises:
            MissingFact: the tree cannot be read.
        """
        others = [one for one in self._state[0] if not (runs and one.added and one.path.startswith(runs))]
        return not all(judged.has(entry) for entry in others)

    @property
    def problem(self) -> str:
        """The reason why the state is not known; empty if it is."""
        return self._state[1]

    @cached_property
    def _state(self) -> tuple[Sequence[Entry], str]:
        if self.gone:
            return (), self.gone
        try:
            with Needed(), Git(Repository.locate(self.folder, self.environment)) as git:
                return hash_work_tree(git).since(git.checked_out), ""
        except SpecguardError as error:
            return (), error.message


def worktrees(repository: Repository) -> Sequence[Worktree]:
    """Return every worktree of a repository, as `git worktree list` prints them, except a bare repository.

    Raises:
        MissingFact: git cannot list them.
    """
    # Git has `-z` here since version 2.36. Without it, a path with a newline is cut, and then not found.
    process = repository.spawn("worktree", "list", "--porcelain")
    try:
        output = process.read().decode("utf-8", "surrogateescape")
    except CommandError as error:
        message = f"the worktrees cannot be listed: {error.first_line}"
        raise MissingFact(message, code="broken-repository") from None
    here = os.path.realpath(repository.root) if repository.root else ""
    found = []
    for position, record in enumerate(output.split("\n\n")):
        values = {line.partition(" ")[0]: line.partition(" ")[2] for line in record.split("\n")}
        # Git lists the main one of a submodule by its git directory. A bare repository is listed first.
        path = (not position and repository.git_dir == repository.common and here) or values.get("worktree")
        if path is not None and (position or "bare" not in values):
            branch = values.get("branch", "").removeprefix("refs/heads/")
            own, gone = os.path.realpath(path) == here, values.get("prunable", "")
            found.append(Worktree(path, branch, own, gone, repository.environment))
    return found


class Watcher:
    """Detects changes in what a request would judge.

    Args:
        request: the request, which decides whether the working tree and the index count; refs and the files
            that it names always do.
        ignored: files to ignore, because they are written during the check.

    Raises:
        SpecguardError: the repository is missing, or its working tree if that is to be judged.
    """

    def __init__(self, request: Request, ignored: Iterable[str] = ()) -> None:
        self._repository = Repository.locate(request.directory, request.environment)
        self._top = self._repository.work_tree() if request.worktree else ""
        self._index = request.staged or request.worktree
        named = (request.authority, request.event_file, request.body_file, request.reviews_file)
        self._named = [*filter(None, named)]
        self._ignored = {os.path.realpath(os.fsencode(name)) for name in ignored}

    def read_state(self) -> tuple[Any, ...]:
        """Return the present state, which equals an earlier one if nothing has changed.

        Raises:
            SpecguardError: git cannot be run.
        """
        commands = [
            ("rev-parse", "HEAD", "--symbolic-full-name", "HEAD"),
            ("for-each-ref", "--format=%(refname) %(objectname) %(symref)"),
            *([("ls-files", "-s", "-t", "-z")] if self._index else []),
        ]
        started = [self._repository.spawn(*words) for words in commands]
        # A failure of git is part of the state.
        outputs = [(process.drain(), process.code) for process in started]
        # The date is part of the state, because dates in documents expire at midnight.
        state: list[Any] = [time.gmtime()[:3], *outputs, *map(_stat, self._named)]
        if self._top:
            state += self._files()
        return tuple(state)

    def _files(self) -> Iterator[tuple[Any, ...]]:
        """Yield the state of the working tree's files that are tracked or not ignored."""
        words = ("-C", self._top, "ls-files", "-c", "-o", "-z", "--exclude-per-directory=.gitignore")
        process = self._repository.spawn(*words)
        output = process.drain()
        yield (process.code,)
        top = os.path.realpath(os.fsencode(self._top))
        for name in output.split(b"\0"):
            place = os.path.join(top, name)
            if place not in self._ignored:
                yield name, _stat(place)


def _stat(name: str | bytes) -> tuple[int, ...]:
    try:
        found = os.lstat(name)
    except (OSError, ValueError):
        return ()
    if os.path.isdir(name):
        # A nested repository or a submodule, whose content is not judged.
        return (found.st_mode,)
    return found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
