"""Files that are about to be written, judged before they are: what a tool call would make of `HEAD`."""

from __future__ import annotations

import os

from specguard.change.entry import EXECUTABLE, Entry
from specguard.change.request import FileEdit
from specguard.change.snapshots import SnapshotChange
from specguard.change.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.change.base import Found
    from specguard.change.git import Git
    from specguard.change.request import Request
    from specguard.change.tree import TreeEntry
    from specguard.model import Stage

_FILE: Final = 0o100644
_UNKNOWN_DIGIT: Final = "f"


class EditedChange(SnapshotChange):
    """`HEAD` with some files written or removed, and nothing else of the working tree.

    What gives a file back what the pinned base has, or `HEAD` had when the session began, changes nothing.

    Rules read the new contents as any other. A content that nobody knows yet is an object id that no store
    has: rules about paths judge the entry, and rules that read it are indeterminate.

    Args:
        git, request, found: as for `Change`; the request's `edits` are what is judged.
        root: the root of the working tree, whose files tell which of them can be executed; empty for none.
    """

    source = "edit"
    stage: Stage = "edit"

    def __init__(self, git: Git, request: Request, found: Found, *, root: str) -> None:
        super().__init__(git, request, found)
        self._edits: Sequence[FileEdit] = request.edits
        self._root = os.fsencode(root)
        self._made: Sequence[Entry] | None = None
        self._judged: Sequence[Entry] | None = None
        pinned = [found.oid, request.began] if request.pinned else []
        self._trusted = [oid for oid in dict.fromkeys(pinned) if oid and oid != git.repository.head]

    @property
    def entries(self) -> Sequence[Entry]:
        """What the edits change of `HEAD`, by path; one that writes what is there already changes nothing."""
        if self._judged is None:
            trees = [self._files(oid) for oid in self._trusted]
            self._judged = [entry for entry in self._all() if not any(tree.has(entry) for tree in trees)]
        return self._judged

    @property
    def head_files(self) -> Tree:
        """The files of `HEAD` as they would be then."""
        if self._after is None:
            head = self.git.repository.head
            self._after = Tree(self.git, self.git.commit(head).tree if head else None, self._all())
        return self._after

    _after: Tree | None = None

    def _all(self) -> Sequence[Entry]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def _make(self) -> Sequence[Entry]:
        last: dict[bytes, FileEdit] = {}
        for edit in self._edits:
            old = self.start_files.find(edit.path)
            if old is not None and old.is_directory and edit.known and edit.content is None:
                below = edit.path + b"/" if edit.path else b""
                for path in self.start_files.paths():
                    if path.startswith(below):
                        last[path] = FileEdit(path=path)
                for path in [path for path in last if path.startswith(below) and path != edit.path]:
                    last[path] = FileEdit(path=path)
            elif edit.path:
                last[edit.path] = edit
        made = [self._entry(edit) for edit in last.values()]
        return sorted([entry for entry in made if entry is not None], key=lambda entry: entry.path)

    def _entry(self, edit: FileEdit) -> Entry | None:
        """What an edit makes of its path; None where that is what `HEAD` has."""
        digits = self.git.repository.hexadecimal
        zeros = "0" * digits
        old = self.start_files.find(edit.path)
        if old is not None and old.is_directory:
            # A file in place of a folder: what the folder holds is judged where it is taken away.
            old = None
        if edit.known and edit.content is None:
            return None if old is None else Entry(edit.path, "D", old.mode, 0, old.oid, zeros)
        if edit.known:
            new = self.git.give(edit.content or b"")
        else:
            new = _UNKNOWN_DIGIT * digits
            self.git.unknown = new
        mode = self._mode(edit.path, old)
        if edit.executable is not None and mode in (EXECUTABLE, _FILE):
            mode = EXECUTABLE if edit.executable else _FILE
        if old is None:
            return Entry(edit.path, "A", 0, mode, zeros, new)
        if old.oid == new and old.mode == mode:
            return None
        return Entry(edit.path, "M" if old.is_file else "T", old.mode, mode, old.oid, new)

    def _mode(self, path: bytes, old: TreeEntry | None) -> int:
        """The mode of a file that is written: writing does not change whether it can be executed."""
        if old is not None and old.is_file:
            return old.mode
        try:
            return EXECUTABLE if os.stat(os.path.join(self._root, path)).st_mode & 0o100 else _FILE
        except (OSError, ValueError):
            return _FILE
