"""Commits and their messages."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from specguard.change.entry import Entry


def is_filed(entry: Entry, folder: bytes) -> bool:
    """Whether an entry adds a record to the log of approvals, or its signature, as a plain file.

    Args:
        entry: the entry.
        folder: as `is_record`.
    """
    return entry.added and entry.new_mode == 0o100644 and is_record(entry.path, folder)


def is_in_log(entry: Entry, folder: bytes) -> bool:
    """Whether an entry is in the log of approvals, or takes the place of its folder or of one above it.

    Args:
        entry: the entry.
        folder: as `is_record`.
    """
    return entry.path.startswith(folder) or (not entry.deleted and folder.startswith(entry.path + b"/"))


def is_record(path: bytes, folder: bytes) -> bool:
    """Whether a path is one of a record in the log of approvals, or of its signature.

    Args:
        path: the path.
        folder: what the paths of the log begin with, a slash at its end.
    """
    return path.startswith(folder) and bool(
        re.fullmatch(rb"[0-9a-f]{64}\.json(\.sig)?", path.removeprefix(folder))
    )


class Message:
    r"""The message of a commit, of one being written, or the title that a squash merge will land.

    Lines are split at `\n` alone, as git does.

    Attributes:
        raw: its bytes.
        text: the same as text; bytes that are not UTF-8 are kept as surrogate escapes.
        commit: the commit's full object id; None for a message that is no commit yet.
        source: `commit`, `file` (a message being written) or `title`.
        encoding: the name in the commit's encoding header; empty where there is none.
        merge: whether it is a merge commit's, or will be.
        author: of a message being written, who git says will be the commit's author, as `Name <address>`;
            empty where it does not say.
        staged: gives what the commit that is being written changes; None where that is not known.
    """

    __slots__ = ("author", "commit", "encoding", "merge", "raw", "source", "staged", "text")

    def __init__(
        self,
        raw: bytes,
        *,
        commit: str | None = None,
        source: str = "commit",
        encoding: str = "",
        merge: bool = False,
        author: str = "",
    ) -> None:
        self.author = author
        self.staged: Callable[[], Sequence[Entry]] | None = None
        self.raw = raw
        self.text = raw.decode("utf-8", "surrogateescape")
        self.commit = commit
        self.source = source
        self.encoding = encoding
        self.merge = merge

    @property
    def squashes(self) -> bool:
        """Whether `git rebase --autosquash` would squash the commit into another one."""
        return self.subject.startswith(("fixup!", "squash!", "amend!"))

    @property
    def lines(self) -> list[str]:
        """The message's lines, without the newline that ends it."""
        return self.text.rstrip("\n").split("\n")

    @property
    def subject(self) -> str:
        """The first line."""
        return self.text.split("\n", 1)[0]

    @property
    def body(self) -> str:
        """What follows the first line, without the blank lines around it."""
        return self.text.partition("\n")[2].strip("\n")

    @property
    def valid(self) -> bool:
        """Whether the bytes are UTF-8."""
        return self.text.isascii() or not any("\udc80" <= char <= "\udcff" for char in self.text)

    @property
    def field(self) -> str:
        """The field of a finding about the first line."""
        return "pull_request.title" if self.source == "title" else "commit.subject"


class Commit:
    """One commit of the judged change.

    Attributes:
        oid: its full object id.
        tree: its tree's full object id.
        parents: its parents' full object ids; several make it a merge.
        author, committer: name and e-mail address as they are recorded, e.g. `Ann <ann@x.org>`; anyone can
            write anything there.
        message: its message.
    """

    __slots__ = ("_diffs", "author", "committer", "message", "oid", "parents", "tree")

    def __init__(
        self,
        oid: str,
        *,
        tree: str,
        parents: Sequence[str],
        author: str,
        committer: str,
        message: Message,
        diffs: Sequence[Sequence[Entry]] | Callable[[], Sequence[Sequence[Entry]]],
    ) -> None:
        self.oid = oid
        self.tree = tree
        self.parents = parents
        self.author = author
        self.committer = committer
        self.message = message
        self._diffs = diffs

    def differs_by(self, entries: Callable[[], Sequence[Entry]]) -> None:
        """Take its diff against its one parent from elsewhere, where that comparison is made anyway."""
        self._diffs = lambda: [entries()]

    @property
    def diffs(self) -> Sequence[Sequence[Entry]]:
        """What it changes against each of its parents in turn (against nothing for a root commit), by path.

        Raises:
            MissingFact: a tree is not there.
        """
        if callable(self._diffs):
            self._diffs = self._diffs()
        return self._diffs

    @property
    def is_merge(self) -> bool:
        """Whether it has several parents."""
        return len(self.parents) > 1

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing against its one parent."""
        return len(self.parents) <= 1 and not any(self.diffs)

    def files_approvals(self, folder: bytes) -> bool:
        """Whether it adds records to the log of approvals and does nothing else: bookkeeping, nobody's work.

        Args:
            folder: what the paths of the log begin with, a slash at its end.
        """
        if len(self.parents) != 1 or not self.diffs or not self.diffs[0]:
            return False
        return all(is_filed(entry, folder) for entry in self.diffs[0])

    @property
    def own_entries(self) -> Sequence[Entry]:
        """What the commit itself brings: its diff, and for a merge what differs from every parent."""
        if not self.is_merge:
            return self.diffs[0] if self.diffs else ()
        others = [{entry.path for entry in diff} for diff in self.diffs[1:]]
        return [entry for entry in self.diffs[0] if all(entry.path in paths for paths in others)]

    def __repr__(self) -> str:
        return f"Commit({self.oid[:12]} {self.message.subject!r})"
