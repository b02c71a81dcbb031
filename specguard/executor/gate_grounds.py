"""Where gates run: the place of a run, or the user's own checkout."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from specguard.change.worktree import hash_work_tree
from specguard.executor.committing import hash_tree, patch
from specguard.executor.ending import RunEnded
from specguard.executor.inspecting import inspect
from specguard.executor.place import place_of
from specguard.model import path_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, Protocol

    from specguard.change.entry import Entry
    from specguard.change.git import Git
    from specguard.executor.run import Run

    class Ground(Protocol):
        """A working tree that gates run in.

        Attributes:
            path: its root.
            mends: whether what a gate changes there is undone; otherwise it is the user's own.
        """

        path: str
        mends: bool

        def tree(self) -> str:
            """The object id of its tree as it is now."""
            ...

        def changes(self, before: str, after: str) -> Sequence[Entry]:
            """What differs between two of its trees."""
            ...

        def entries(self, tree: str) -> Sequence[Entry]:
            """What a tree changes since the base."""
            ...

        def show(self, tree: str) -> None:
            """Have git there show a tree as what is staged."""
            ...

        def unchanged(self) -> bool:
            """Whether it is sure, at a glance, that it has the tree still that was shown."""
            ...

        def restore(self, tree: str, entries: Sequence[Entry]) -> None:
            """Make files as a tree has them."""
            ...

        def leave(self) -> None:
            """See that nothing else was done there than running gates."""
            ...


MOST: Final = 20
"""So many commits, and so many paths, a manifest highlights."""


class PlaceGround:
    """The place of a run.

    Args:
        run: its place is made.
    """

    mends = True

    def __init__(self, run: Run) -> None:
        self._run = run
        self._place = place_of(run)
        self._index = os.path.join(self._place.own, "gates")
        self._seen: dict[bytes, tuple[int, ...]] = {}
        self.path = self._place.path

    def tree(self) -> str:
        """The object id of its tree as it is now.

        Raises:
            RunEnded: it cannot be committed like this.
        """
        return hash_tree(self._run)

    def changes(self, before: str, after: str) -> Sequence[Entry]:
        """What differs between two of its trees."""
        return self._place.git.diff_trees(before, after)

    def entries(self, tree: str) -> Sequence[Entry]:
        """What a tree changes since the pinned base."""
        return self._place.git.diff_trees(self._place.base, tree)

    def show(self, tree: str) -> None:
        """Stage a tree, so that commands which ask git see new files, and an unchanged working tree."""
        self._place.stage(tree)
        git = self._place.git
        git.run("read-tree", tree, index=self._index)
        listed = git.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", tree)
        self._seen = {path: self._status(path) for path in listed.split(b"\0")[:-1]}

    def unchanged(self) -> bool:
        """Whether no file of the tree that was shown was written to, and no other one is there.

        Reading all files after each gate would take longer than most gates.
        """
        if not self._seen or any(self._status(path) != status for path, status in self._seen.items()):
            return False
        words = ("ls-files", "-o", "-z", "--exclude-per-directory=.gitignore")
        return not self._place.git.run(*words, index=self._index, files=True)

    def _status(self, path: bytes) -> tuple[int, ...]:
        try:
            found = os.lstat(os.path.join(os.fsencode(self.path), path))
        except OSError:
            return ()
        return found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino

    def restore(self, tree: str, entries: Sequence[Entry]) -> None:
        """Make files as a tree has them, byte for byte as a checkout makes them.

        Args:
            tree: the tree.
            entries: what was changed since it.
        """
        root = os.fsencode(self.path)
        for entry in entries:
            if entry.added:
                _remove(root, entry.path)
        gone = [entry.path for entry in entries if not entry.added and entry.old_mode & 0o170000 != 0o160000]
        if gone:
            index = os.path.join(self._place.own, "restored")
            git = self._place.git
            git.run("read-tree", tree, index=index)
            given = b"".join(path + b"\0" for path in gone)
            git.run("checkout-index", "-f", "-q", "-z", "--stdin", stdin=given, index=index, files=True)
            os.unlink(index)

    def leave(self) -> None:
        """See that the gates did nothing else in the place and in the user's repository.

        Raises:
            RunEnded: they did.
        """
        inspect(self._run, "a gate")


class CheckoutGround:
    """The user's own checkout: nothing in it is undone, and nothing staged.

    Args:
        git: reads it.
        base: the commit that its change is compared with.
        runs: what the paths in the folder of runs begin with, which grows meanwhile; empty: it is elsewhere.
    """

    mends = False

    def __init__(self, git: Git, base: str, *, runs: bytes = b"") -> None:
        self._git = git
        self._base = base
        self._runs = runs
        self.path = git.repository.work_tree()

    def tree(self) -> str:
        """The object id of its tree as it is now, the folder of runs as `HEAD` has it.

        The objects are kept in a scratch store.

        Raises:
            MissingFact: a file cannot be read.
        """
        git = self._git
        start = git.repository.head or git.empty_tree
        tree = hash_work_tree(git, start).tree
        runs = [one for one in git.diff_trees(start, tree) if self._runs and one.path.startswith(self._runs)]
        if not runs:
            return tree
        index = f"{git.folder}/without-runs"
        git.read(git.start("read-tree", tree, index=index), "the working tree")
        zeros = "0" * git.repository.hexadecimal
        # Mode 0 takes a path out.
        lines = [
            f"{one.old_mode:06o} {one.old if not one.added else zeros}\t".encode() + one.path for one in runs
        ]
        given = b"".join(line + b"\0" for line in lines)
        git.read(
            git.start("update-index", "-z", "--index-info", stdin=given, index=index), "the working tree"
        )
        return (
            git.read(git.start("write-tree", "--missing-ok", index=index), "the working tree")
            .decode()
            .strip()
        )

    def changes(self, before: str, after: str) -> Sequence[Entry]:
        """What differs between two of its trees."""
        return self._git.diff_trees(before, after)

    def entries(self, tree: str) -> Sequence[Entry]:
        """What a tree changes since the base."""
        return self._git.diff_trees(self._base, tree)

    def patch(self, tree: str) -> bytes:
        """What a tree changes since the base, but for the folder of runs."""
        return patch(self._git, self._base, tree, without=os.fsdecode(self._runs))

    def highlights(self, tree: str) -> Sequence[str]:
        """The subjects of the commits since the base, and the paths that a tree changes beside them."""
        git, head = self._git, self._git.repository.head or self._base
        commits = git.commits(git.revisions(head, self._base)[-MOST:])
        beside = [f"not committed: {path_text(one.path)}" for one in git.diff_trees(head, tree)[:MOST]]
        return [*(one.message.subject for one in commits), *beside]

    def show(self, tree: str) -> None:
        """Leave the user's index alone."""

    def unchanged(self) -> bool:
        """Never sure: what is the user's own is read anew."""
        return False

    def restore(self, tree: str, entries: Sequence[Entry]) -> None:  # noqa: ARG002 - as it is asked
        """Refuse: the files are the user's.

        Raises:
            RunEnded: always.
        """
        raise RunEnded("failed", "files of your own checkout are not for specguard to restore", code=2)

    def leave(self) -> None:
        """Leave the user's checkout as it is."""


def _remove(root: bytes, path: bytes) -> None:
    """Remove a file, and the folders that are empty without it."""
    with suppress(FileNotFoundError):
        os.unlink(os.path.join(root, path))
    folder = path.rpartition(b"/")[0]
    while folder:
        try:
            os.rmdir(os.path.join(root, folder))
        except OSError:
            return
        folder = folder.rpartition(b"/")[0]
