"""Working trees: hashed so that they can be judged, listed, and watched for changes.

Neither the user's index nor the user's store is written to. The tree is built from the files themselves and
from nothing that an index remembers about them, so that files marked as unchanged are seen. No command is
run here that would enter a nested repository: git runs the programs that a nested configuration names.

What is watched is what git says of refs and the index, so that a program that merely writes their files anew
is no change, and what the file system says of the other files, which are never read.
"""

from __future__ import annotations

import os
import time
from functools import cached_property
from operator import attrgetter

from specguard.change.check_request import read_regular
from specguard.change.entries import SUBMODULE, Entry, read_listing, sha1
from specguard.change.git import Git
from specguard.change.object_store import DOCUMENT_LIMIT
from specguard.change.process import CommandError, Process
from specguard.change.repository import Repository
from specguard.change.tree import Tree, TreeEntry
from specguard.declaration.rule import Record
from specguard.errors import MissingFact, SpecguardError
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.check_request import Request


FILE_LIMIT: Final = 2 << 30
"""How large a file of the working tree may be, in bytes."""

_OTHERS: Final = ("ls-files", "-o", "-z", "--exclude-per-directory=.gitignore")


class WorkTree(Record):
    """A working tree that was hashed.

    Attributes:
        git: what hashed it; the tree is in its scratch store.
        tree: the object id of its tree.
        nested: entries for repositories within it that are no submodules, added with an object id of zeros;
            they were not entered.
    """

    git: Git
    tree: str
    nested: Sequence[Entry] = ()

    @property
    def files(self) -> Tree:
        """Its files, and what stands for repositories within it."""
        return Tree(self.git, self.tree, self.nested)

    def since(self, start: str) -> list[Entry]:
        """Its differences from a tree or commit, by path.

        Raises:
            MissingFact: a tree is not there, or more differs than may.
        """
        return sorted([*self.git.diff_trees(start, self.tree), *self.nested], key=attrgetter("path"))


class FolderTree(Tree):
    """The files of a folder as they are on the disk: nothing is left out, and each folder is listed once.

    Args:
        top: the folder.
        texts: files that hold another text, or are there with it alone, by their path from the folder.
    """

    def __init__(self, top: str, texts: Mapping[str, str] = {}) -> None:
        self._top = os.fsencode(top)
        self._texts = {os.fsencode(path): text for path, text in texts.items()}
        self._names: dict[bytes, Mapping[bytes, TreeEntry]] = {}

    def names(self, directory: bytes) -> Mapping[bytes, TreeEntry]:
        """The entries of a directory, by name; none if there is no such directory, or only through a link.

        Raises:
            MissingFact: it cannot be read.
        """
        if directory in self._names:
            return self._names[directory]
        above = self.find(directory) if directory else None
        found: dict[bytes, TreeEntry] = {}
        if not directory or (above is not None and above.is_directory):
            try:
                for entry in os.scandir(os.path.join(self._top, directory)):
                    found[entry.name] = TreeEntry(entry.stat(follow_symlinks=False).st_mode & 0o170000, "")
            except OSError as error:
                said = f"{path_text(directory)} cannot be read: {error.strerror}"
                raise MissingFact(said, "chmod -R u+rX .", code="unreadable-file") from error
        folders = map(os.path.split, self._texts)
        found.update((name, TreeEntry(0o100644, "")) for folder, name in folders if folder == directory)
        self._names[directory] = found
        return found

    def find(self, path: bytes) -> TreeEntry | None:
        """The entry at a path, of a file with its SHA-1; None if there is none."""
        entry = super().find(path)
        if entry is None or not entry.is_file:
            return entry
        content = self.read(path)
        return TreeEntry(entry.mode, sha1(b"blob %d\0" % len(content) + content).hexdigest())

    def read(self, path: bytes, limit: int = DOCUMENT_LIMIT) -> bytes:
        """The content of a file that is there.

        Raises:
            SpecguardError: it is no regular file, cannot be read, or is larger than `limit` bytes.
        """
        if path in self._texts:
            return self._texts[path].encode("utf-8", "surrogateescape")
        return read_regular(os.fsdecode(os.path.join(self._top, path)), limit, "the document")


def hash_work_tree(git: Git, start: str, *, without: bytes = b"") -> WorkTree:
    """Hash the working tree as a commit of all of it would have it.

    Files that `.gitignore` files of the tree leave out are left out, unless they are tracked; the user's own
    lists of ignored files are not honoured, so more is seen and never less. Submodules are taken as the index
    has them.

    Args:
        git: what hashes; it keeps new objects in its scratch store from then on.
        start: the tree or commit that the working tree is compared with.
        without: what the paths begin with that stay as `start` has them; empty: none do.

    Raises:
        SpecguardError: there is no working tree.
        MissingFact: a file cannot be read, or changed meanwhile.
    """

    def counts(path: bytes) -> bool:
        return not (without and path.startswith(without))

    root = git.repository.work_tree()
    git.use_scratch()
    index = f"{git.folder}/index"
    # What is checked out is no more than what the index has, which is there as a whole.
    lines = git.list_tree(start, "the files of HEAD", spare=git.repository.indexed())
    before = {path: TreeEntry(mode, oid) for path, mode, oid in read_listing(lines) if counts(path)}
    indexed, absent = _in_index(git)
    listed = {path: entry for path, entry in indexed.items() if counts(path)}
    found, nested = _walk(os.fsencode(root), before | listed)
    present = set(filter(counts, found))
    git.read(git.start("read-tree", start, index=index), "the files of HEAD")
    # What is no file of the working tree is taken as the index has it: submodules, and what a sparse
    # checkout leaves out.
    kept = {
        path: item
        for path, item in listed.items()
        if path not in present
        and (path in absent or (item.is_submodule and present.isdisjoint(_folders(path))))
    }
    missing = [path for path in before if path not in present and path not in kept]
    top = os.fsencode(root)
    modules = {path for path in missing if before[path].is_submodule}
    gone = [path for path in missing if path not in modules or not os.path.isdir(os.path.join(top, path))]
    _update(git, index, root, ["--force-remove"], gone)
    _take(git, index, kept)
    others = _read(git.start(*_OTHERS, index=index, work_tree=root), "the files that are not tracked")
    files = present.intersection(before)
    files.update(present.intersection(listed))
    files.update(present.intersection(others.split(b"\0")))
    _update(git, index, root, ["--add", "--replace"], sorted(files))
    tree = git.read(git.start("write-tree", "--missing-ok", index=index), "the working tree").decode().strip()
    zeros = "0" * git.repository.hexadecimal
    return WorkTree(
        git,
        tree,
        [Entry(path, "A", 0, SUBMODULE, zeros, zeros) for path in not_ignored(git, index, root, nested)],
    )


def uncommitted(git: Git) -> Sequence[dict[bytes, str]]:
    """The entries of the working tree and the index for each path that differs from `HEAD`.

    Only files that the index does not know as they are now are read, and none of them is kept.

    Returns:
        The working tree's paths, the index's, and those that git does not track; each with mode and id.

    Raises:
        SpecguardError: there is no working tree.
        MissingFact: a file or the index cannot be read.
    """
    root, start = git.repository.work_tree(), git.repository.head or git.empty_tree
    index = _copy_of_index(git)
    options = ("--name-only", "-z", "--ignore-submodules=all")
    changed = git.start("diff-files", *options, index=index, work_tree=root)
    others = git.start(*_OTHERS, index=index, work_tree=root)
    staged = git.index_diff(start)
    known = set(_read(changed, "the files that are tracked").split(b"\0"))
    new = set(_read(others, "the files that are not tracked").split(b"\0")) - known
    # A folder that is a repository of its own ends with a slash.
    paths = sorted(name for name in known | new if name and not name.endswith(b"/"))
    # What is beyond a link is gone, and git would refuse to look.
    top = os.fsencode(root)
    gone = {path for path in paths if any(os.path.islink(top + b"/" + one) for one in _folders(path))}
    _update(git, index, root, ["--force-remove"], sorted(gone))
    there = [path for path in paths if path not in gone]
    _update(git, index, root, ["--add", "--remove", "--replace", "--info-only"], there)
    found = git.index_diff(start, git.start_index_diff(start, index)) if paths else staged
    tracked = [one for one in found if one.path not in new]
    return [
        {one.path: f"{one.new_mode:o} {one.new}" for one in entries}
        for entries in (tracked, staged, [one for one in found if one.path in new])
    ]


def has_uncommitted(git: Git) -> bool:
    """True if `git stash` would put anything aside: no file that the index lacks, and no submodule."""
    root = git.repository.work_tree()
    if not all(entry.is_submodule for entry in git.index_diff(git.repository.head or git.empty_tree)):
        return True
    # What git remembers of the files is brought up to date.
    words = ("update-index", "--ignore-submodules", "--refresh")
    return git.start(*words, index=_copy_of_index(git), work_tree=root).wait() == 1


def _read(process: Process, what: str) -> bytes:
    """All that a command prints that reads no object, but files and folders of the working tree.

    Raises:
        MissingFact: it complained: one may not be read, or is a list of git's own and a link.
    """
    try:
        return process.read()
    except CommandError as error:
        raise MissingFact(
            f"{what} cannot be read: {error.first_line}",
            "make what it names a plain file, or a folder, that you may read",
            code="unreadable-file",
        ) from error


def _copy_of_index(git: Git) -> str:
    """The file of a copy of the user's index, which git may write to."""
    index = f"{git.folder}/copy-{os.urandom(4).hex()}"
    if os.path.exists(git.repository.index):
        with open(git.repository.index, "rb") as source, open(index, "xb") as target:
            target.write(source.read())
            written = os.fstat(source.fileno()).st_mtime_ns
        # Git reads a file that may be as old as the index, since its size and time then tell nothing.
        os.utime(index, ns=(written, written))
    return index


def _in_index(git: Git) -> tuple[dict[bytes, TreeEntry], set[bytes]]:
    """The user's index, and the files that it leaves out of a checkout."""
    found: dict[bytes, TreeEntry] = {}
    absent: set[bytes] = set()
    if not os.path.exists(git.repository.index):
        return found, absent
    process = git.start("ls-files", "-s", "-t", "-z", index=git.repository.index)
    for record in git.read(process, "the index").split(b"\0")[:-1]:
        header, _, path = record.partition(b"\t")
        tag, mode, oid, _ = header.split(b" ")
        found[path] = TreeEntry(int(mode, 8), oid.decode())
        if tag == b"S":
            absent.add(path)
    return found, absent


def _folders(path: bytes) -> Iterator[bytes]:
    """The folders that a path is in, the innermost first."""
    while b"/" in path:
        path = path.rpartition(b"/")[0]
        yield path


def _walk(root: bytes, tracked: Mapping[bytes, TreeEntry]) -> tuple[set[bytes], list[bytes]]:
    """The files and links below a folder, and the folders in it that are repositories of their own."""
    folders = {path.rpartition(b"/")[0] for path in tracked}
    known = folders.union(*map(_folders, folders))
    present: set[bytes] = set()
    nested: list[bytes] = []
    ahead = [b""]
    while ahead:
        directory = ahead.pop()
        try:
            with os.scandir(root + b"/" + directory) as found:
                # Any spelling: on many disks `.GIT` is the same folder.
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
                    if _is_content(entry, path):
                        present.add(path)
                elif path not in tracked or not tracked[path].is_submodule:
                    ahead.append(path)
        except OSError as error:
            where = path_text(directory) or "the working tree"
            raise MissingFact(
                f"{where} cannot be read: {error.strerror}", "chmod -R u+rX .", code="unreadable-file"
            ) from error
    return present, sorted(nested)


def _is_content(entry: os.DirEntry[bytes], path: bytes) -> bool:
    """True if it is a link, or a file that may be hashed; a pipe, socket or device is neither."""
    if entry.is_symlink():
        return True
    if entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_size > FILE_LIMIT:
        raise MissingFact(
            f"{path_text(path)} is larger than {FILE_LIMIT >> 30} GiB and is not hashed",
            f"add {path_text(path)} to .gitignore",
            code="size-limit",
        )
    return entry.is_file(follow_symlinks=False)


def _take(git: Git, index: str, items: Mapping[bytes, TreeEntry]) -> None:
    if items:
        info = [
            b"%06o %s\t%s\0" % (item.mode, item.oid.encode(), path) for path, item in sorted(items.items())
        ]
        process = git.start(
            "update-index", "--replace", "-z", "--index-info", stdin=b"".join(info), index=index
        )
        git.read(process, "the index")


def _update(git: Git, index: str, root: str, flags: Sequence[str], paths: Sequence[bytes]) -> None:
    if paths:
        process = git.start(
            # Of line ends that a checkout would make other ones, git would warn.
            "-c", "core.compression=0", "-c", "core.safecrlf=false", "update-index", *flags, "-z", "--stdin",
            stdin=b"".join([path + b"\0" for path in paths]), index=index, work_tree=root,
        )  # fmt: skip
        _read(process, "the working tree")


def not_ignored(git: Git, index: str, root: str, paths: Sequence[bytes]) -> list[bytes]:
    """Of these untracked folders those that no `.gitignore` of the working tree leaves out, none entered."""
    if not paths:
        return []
    # Of a folder that is ignored as a whole its own name is listed, with a slash.
    process = git.start(*_OTHERS, "-i", "--directory", index=index, work_tree=root)
    data = _read(process, "the list of ignored folders")
    ignored = tuple(path for path in data.split(b"\0") if path.endswith(b"/"))
    return [path for path in paths if not (path + b"/").startswith(ignored)]


class Worktree(Record):
    """A worktree of a repository.

    Attributes:
        folder: its folder.
        branch: the short name of the branch that is checked out there; empty if none is.
        own: whether it is the one that the check is made in.
        gone: why it is not there any more, as git says; empty if it is.
        environment: what git sees there.
    """

    folder: str
    branch: str
    own: bool
    gone: str
    environment: Mapping[str, str]

    @property
    def path(self) -> str:
        """Its folder, for a person."""
        return path_text(self.folder.encode("utf-8", "surrogateescape"))

    @property
    def dirty(self) -> bool | None:
        """True if it differs from its `HEAD`; new files count unless a `.gitignore` names them.

        None if that cannot be told; `problem` says why.
        """
        entries, problem = self._told
        return None if problem else bool(entries)

    def beside(self, judged: Tree) -> bool:
        """True if it has changes against its `HEAD` that are not in a tree, such as that of what is staged.

        Raises:
            MissingFact: the tree cannot be read.
        """
        return not all(judged.has(entry) for entry in self._told[0])

    @property
    def problem(self) -> str:
        """The reason why its state is not known; empty if it is."""
        return self._told[1]

    @cached_property
    def _told(self) -> tuple[Sequence[Entry], str]:
        if self.gone:
            return (), self.gone
        try:
            with Git(Repository.locate(self.folder, self.environment)) as git:
                start = git.repository.head or git.empty_tree
                return hash_work_tree(git, start).since(start), ""
        except SpecguardError as error:
            return (), error.message
        except MissingFact as error:
            return (), error.reason


def worktrees(repository: Repository) -> Sequence[Worktree]:
    """Every worktree of a repository, as `git worktree list` has them; a bare repository is none.

    Raises:
        MissingFact: git cannot list them.
    """
    process = repository.in_place("worktree", "list", "--porcelain", "-z")
    try:
        said = process.read().decode("utf-8", "surrogateescape")
    except CommandError as error:
        raise MissingFact(
            f"the worktrees cannot be listed: {error.first_line}", code="broken-repository"
        ) from None
    top = repository.work_tree_if_any()
    here = os.path.realpath(top) if top else ""
    found = []
    for record in said.split("\0\0"):
        values = {line.partition(" ")[0]: line.partition(" ")[2] for line in record.split("\0") if line}
        path = values.get("worktree")
        if path is not None and "bare" not in values:
            found.append(
                Worktree(
                    path,
                    branch=values.get("branch", "").removeprefix("refs/heads/"),
                    own=os.path.realpath(path) == here,
                    gone=values.get("prunable", ""),
                    environment=repository.environment,
                )
            )
    return found


class Signs:
    """Looks at what a request asks to have judged.

    Args:
        request: of what can change the working tree, the index and branches count, and the files it names.
        apart: files that are written while it is judged, and are no sign.

    Raises:
        SpecguardError: there is no repository, or no working tree where that is to be judged.
    """

    def __init__(self, request: Request, apart: Iterable[str] = ()) -> None:
        self._repository = Repository.locate(request.directory, request.environment)
        self._top = self._repository.work_tree() if request.worktree else ""
        self._index = request.staged or request.worktree
        named = (request.authority, request.event_file, request.body_file, request.reviews_file)
        self._named = [*filter(None, named)]
        self._apart = {os.path.realpath(os.fsencode(name)) for name in apart}

    def look(self) -> tuple[Any, ...]:
        """The present state: equal to an earlier one if no change was seen.

        Raises:
            SpecguardError: git cannot be run.
        """
        asked = [
            ("rev-parse", "HEAD", "--symbolic-full-name", "HEAD"),
            ("for-each-ref", "--format=%(refname) %(objectname) %(symref)"),
            *([("ls-files", "-s", "-t", "-z")] if self._index else []),
        ]
        started = [self._repository.in_place(*words) for words in asked]
        # That git fails is a sign like any other.
        said = [(process.drain(), process.code) for process in started]
        # What is out of date is so from midnight on.
        signs: list[Any] = [time.gmtime()[:3], *said, *map(_stat, self._named)]
        if self._top:
            signs += self._files()
        return tuple(signs)

    def _files(self) -> Iterator[tuple[Any, ...]]:
        """The files of the working tree that are tracked or not ignored."""
        words = ("-C", self._top, "ls-files", "-c", "-o", "-z", "--exclude-per-directory=.gitignore")
        process = self._repository.in_place(*words)
        said = process.drain()
        yield (process.code,)
        top = os.path.realpath(os.fsencode(self._top))
        for name in said.split(b"\0"):
            place = os.path.join(top, name)
            if place not in self._apart:
                yield name, _stat(place)


def _stat(name: str | bytes) -> tuple[int, ...]:
    try:
        found = os.lstat(name)
    except (OSError, ValueError):
        return ()
    if os.path.isdir(name):
        # A nested repository or a submodule: what is in it is not judged.
        return (found.st_mode,)
    return found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
