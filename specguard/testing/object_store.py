"""A repository's objects and index, written as git writes them, without a process."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Tree = dict[bytes, tuple[bytes, bytes]]
    """Mode and content by path; a submodule's content is its commit's id."""

    Folder = dict[bytes, "tuple[bytes, str] | Folder"]

FILE, EXECUTABLE, SYMLINK, SUBMODULE = b"100644", b"100755", b"120000", b"160000"
_FOLDER = b"40000"


class Store:
    """Objects of a repository, each a file of its own.

    Args:
        git_dir: the git directory.
        object_format: `sha1` or `sha256`.
    """

    def __init__(self, git_dir: str | os.PathLike[str], object_format: str) -> None:
        self._git_dir = os.fspath(git_dir)
        self._format = object_format
        self._blobs: dict[bytes, str] = {}

    def add(self, kind: str, content: bytes) -> str:
        """Store an object, and return its id."""
        data = b"%s %d\0%s" % (kind.encode(), len(content), content)
        oid = hashlib.new(self._format, data).hexdigest()
        folder = os.path.join(self._git_dir, "objects", oid[:2])
        place = os.path.join(folder, oid[2:])
        if not os.path.exists(place):
            os.makedirs(folder, exist_ok=True)
            with open(place, "wb", opener=lambda path, flags: os.open(path, flags, 0o444)) as file:
                file.write(zlib.compress(data, 1))
        return oid

    def add_tree(self, tree: Tree) -> str:
        """Store a tree with all below it; of a file and a folder of one name the earlier is taken out."""
        root: Folder = {}
        hidden: set[bytes] = set()
        for path, (mode, content) in tree.items():
            *folders, name = path.split(b"/")
            place = root
            for depth, folder in enumerate(folders, start=1):
                below = place.get(folder)
                if not isinstance(below, dict):
                    if below is not None:
                        hidden.add(b"/".join(folders[:depth]))
                    place[folder] = below = {}
                place = below
            if isinstance(place.get(name), dict):
                hidden.update(one for one in tree if one.startswith(path + b"/"))
            place[name] = (mode, self._leaf(mode, content))
        for path in hidden:
            del tree[path]
        return self._add_folder(root)

    def _leaf(self, mode: bytes, content: bytes) -> str:
        if mode == SUBMODULE:
            return content.decode()
        if content not in self._blobs:
            self._blobs[content] = self.add("blob", content)
        return self._blobs[content]

    def _add_folder(self, entries: Folder) -> str:
        lines = []
        for name, entry in entries.items():
            mode, oid = (_FOLDER, self._add_folder(entry)) if isinstance(entry, dict) else entry
            line = b"%s %s\0%s" % (mode, name, bytes.fromhex(oid))
            # A folder's name is sorted as if it ended with a slash.
            lines.append((name + b"/" * (mode == _FOLDER), line))
        return self.add("tree", b"".join(line for _, line in sorted(lines)))

    def write_index(self, tree: Tree, work_tree: bytes) -> None:
        """Write the index of a tree that is checked out."""
        out = [b"DIRC" + struct.pack(">II", 2, len(tree))]
        for path, (mode, content) in sorted(tree.items()):
            found = os.lstat(os.path.join(work_tree, path))
            seconds = (*divmod(found.st_ctime_ns, 10**9), *divmod(found.st_mtime_ns, 10**9))
            numbers = (
                *seconds,
                found.st_dev,
                found.st_ino,
                int(mode, 8),
                found.st_uid,
                found.st_gid,
                found.st_size,
            )
            entry = struct.pack(">10I", *(number & 0xFFFFFFFF for number in numbers))
            entry += (
                bytes.fromhex(self._leaf(mode, content)) + struct.pack(">H", min(len(path), 0xFFF)) + path
            )
            out.append(entry + b"\0" * (8 - len(entry) % 8))
        content = b"".join(out)
        with open(os.path.join(self._git_dir, "index"), "wb") as file:
            file.write(content + hashlib.new(self._format, content).digest())
