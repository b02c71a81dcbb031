"""Hashing the working tree into a temporary object store, so that it can be judged as a tree.

Neither the user's index nor the user's store is written to. The tree is built from the files themselves and
from nothing that an index remembers about them, so that files marked as unchanged are seen. No command is
run here that would enter a nested repository: git runs the programs that a nested configuration names.
"""

from __future__ import annotations

import os

from specguard.change.entry import SUBMODULE, Entry
from specguard.errors import MissingFact
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.change.git import Git

FILE_LIMIT: Final = 2 << 30
"""How large a file of the working tree may be, in bytes."""


class WorkTree:
    """A working tree that was hashed.

    Attributes:
        tree: the object id of its tree; the object is in the scratch store of the `Git` that hashed it.
        nested: entries for repositories within it that are no submodules, added with an object id of zeros;
            they were not entered.
    """

    __slots__ = ("nested", "tree")

    def __init__(self, tree: str, nested: list[Entry]) -> None:
        self.tree = tree
        self.nested = nested


def hash_work_tree(git: Git, start: str) -> WorkTree:
    """Hash the working tree as a commit of all of it would have it.

    Files that `.gitignore` files of the tree leave out are left out, unless they are tracked; the user's own
    lists of ignored files are not honoured, so more is seen and never less. Submodules are taken as the index
    has them.

    Args:
        git: what hashes; it keeps new objects in its scratch store from then on.
        start: the tree or commit that the working tree is compared with.

    Raises:
        SpecguardError: there is no working tree.
        MissingFact: a file cannot be read, or changed meanwhile.
    """
    root = git.repository.work_tree()
    git.use_scratch()
    index = f"{git.folder}/index"
    before = _in_tree(git, start)
    listed = _in_index(git)
    present, nested = _walk(os.fsencode(root), before | listed)
    git.read(git.start("read-tree", start, index=index), "the files of HEAD")
    # What is no file of the working tree is taken as the index has it: submodules, and what a sparse
    # checkout leaves out.
    kept = {
        path: item
        for path, item in listed.items()
        if path not in present and (item.absent or (item.module and not _is_file_above(path, present)))
    }
    gone = [
        path
        for path, item in before.items()
        if path not in present and path not in kept and not (item.module and _is_there(root, path))
    ]
    _update(git, index, root, ["--force-remove"], gone)
    _take(git, index, kept)
    others = git.read(
        git.start("ls-files", "-o", "-z", "--exclude-per-directory=.gitignore", index=index, work_tree=root),
        "the files that are not tracked",
    )
    files = present.intersection(before)
    files.update(present.intersection(listed))
    files.update(present.intersection(others.split(b"\0")))
    _update(git, index, root, ["--add", "--replace"], sorted(files))
    tree = git.read(git.start("write-tree", "--missing-ok", index=index), "the working tree").decode().strip()
    zeros = "0" * git.repository.hexadecimal
    return WorkTree(
        tree,
        [Entry(path, "A", 0, SUBMODULE, zeros, zeros) for path in not_ignored(git, index, root, nested)],
    )


def uncommitted(git: Git) -> Sequence[dict[bytes, str]]:
    """What the working tree and the index have at each path at which `HEAD` has something else.

    Only files that the index does not know as they are now are read, and none of them is kept.

    Returns:
        The working tree's paths, the index's, and those that git does not track; each with mode and id.

    Raises:
        SpecguardError: there is no working tree.
        MissingFact: a file or the index cannot be read.
    """
    root, start = git.repository.work_tree(), git.repository.head or git.empty_tree
    index = f"{git.folder}/uncommitted"
    if os.path.exists(git.repository.index):
        with open(git.repository.index, "rb") as source, open(index, "xb") as target:
            target.write(source.read())
    options = ("--name-only", "-z", "--ignore-submodules=all")
    changed = git.start("diff-files", *options, index=index, work_tree=root)
    others = git.start(
        "ls-files", "-o", "-z", "--exclude-per-directory=.gitignore", index=index, work_tree=root
    )
    staged = git.index_diff(start)
    known = set(git.read(changed, "the index").split(b"\0"))
    new = set(git.read(others, "the index").split(b"\0")) - known
    # A folder that is a repository of its own ends with a slash.
    paths = sorted(name for name in known | new if name and not name.endswith(b"/"))
    _update(git, index, root, ["--add", "--remove", "--replace", "--info-only"], paths)
    found = git.index_diff(start, git.start_index_diff(start, index)) if paths else staged
    tracked = [one for one in found if one.path not in new]
    return [
        {one.path: f"{one.new_mode:o} {one.new}" for one in entries}
        for entries in (tracked, staged, [one for one in found if one.path in new])
    ]


class _Item:
    """What a tree or an index has at a path."""

    __slots__ = ("absent", "mode", "oid")

    def __init__(self, mode: int, oid: str, absent: bool = False) -> None:
        self.mode = mode
        self.oid = oid
        self.absent = absent

    @property
    def module(self) -> bool:
        return self.mode == SUBMODULE


def _in_tree(git: Git, start: str) -> dict[bytes, _Item]:
    # What is checked out is no more than what the index has, which is there as a whole.
    spare = git.repository.indexed()
    found = {}
    for record in git.list_tree(start, "the files of HEAD", spare=spare):
        header, _, path = record.partition(b"\t")
        mode, _, oid = header.split(b" ")
        found[path] = _Item(int(mode, 8), oid.decode())
    return found


def _in_index(git: Git) -> dict[bytes, _Item]:
    """The user's index; `absent` are the files that it leaves out of a checkout."""
    if not os.path.exists(git.repository.index):
        return {}
    process = git.start("ls-files", "-s", "-t", "-z", index=git.repository.index)
    found = {}
    for record in git.read(process, "the index").split(b"\0")[:-1]:
        header, _, path = record.partition(b"\t")
        tag, mode, oid, _ = header.split(b" ")
        found[path] = _Item(int(mode, 8), oid.decode(), tag == b"S")
    return found


def _is_there(root: str, path: bytes) -> bool:
    return os.path.isdir(os.path.join(os.fsencode(root), path))


def _is_file_above(path: bytes, present: set[bytes]) -> bool:
    """Whether a file stands where a directory of the path would have to be."""
    while b"/" in path:
        path = path.rpartition(b"/")[0]
        if path in present:
            return True
    return False


def _walk(root: bytes, tracked: Mapping[bytes, _Item]) -> tuple[set[bytes], list[bytes]]:
    """The files and links below a folder, and the folders in it that are repositories of their own."""
    known: set[bytes] = set()
    for path in tracked:
        directory = path.rpartition(b"/")[0]
        while directory and directory not in known:
            known.add(directory)
            directory = directory.rpartition(b"/")[0]
    present: set[bytes] = set()
    nested: list[bytes] = []
    ahead = [b""]
    while ahead:
        directory = ahead.pop()
        try:
            with os.scandir(root + b"/" + directory) as found:
                entries = list(found)
            # Any spelling: on many disks `.GIT` is the same folder.
            if directory and any(entry.name.lower() == b".git" for entry in entries):
                nested.append(directory)
                if directory not in known:
                    continue
            for entry in entries:
                if entry.name.lower() == b".git":
                    continue
                path = directory + b"/" + entry.name if directory else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if path not in tracked or not tracked[path].module:
                        ahead.append(path)
                elif entry.is_symlink():
                    present.add(path)
                elif entry.is_file(follow_symlinks=False):
                    present.add(path)
                    if entry.stat(follow_symlinks=False).st_size > FILE_LIMIT:
                        raise MissingFact(
                            f"{path_text(path)} is larger than {FILE_LIMIT >> 30} GiB and is not hashed",
                            f"add {path_text(path)} to .gitignore",
                            code="size-limit",
                        )
        except OSError as error:
            name = path_text(directory) or "the working tree"
            raise MissingFact(
                f"{name} cannot be read: {error.strerror}", "chmod -R u+rX .", code="unreadable-file"
            ) from error
    return present, sorted(nested)


def _take(git: Git, index: str, items: Mapping[bytes, _Item]) -> None:
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
        git.read(process, "the working tree")


def not_ignored(git: Git, index: str, root: str, paths: Sequence[bytes]) -> list[bytes]:
    """Of these untracked folders those that no `.gitignore` of the working tree leaves out, none entered."""
    if not paths:
        return []
    # Of a folder that is ignored as a whole its own name is listed, with a slash.
    data = git.read(
        git.start(
            "ls-files", "-o", "-i", "--directory", "-z", "--exclude-per-directory=.gitignore",
            index=index, work_tree=root,
        ),
        "the list of ignored folders",
    )  # fmt: skip
    ignored = tuple(path for path in data.split(b"\0") if path.endswith(b"/"))
    return [path for path in paths if not (path + b"/").startswith(ignored)]
