"""Changes that are no commits yet: the index, the working tree, a patch, a message being written."""

from __future__ import annotations

from functools import cached_property

from specguard.change.change import Change
from specguard.change.facts import Base
from specguard.change.repository import UNDER_WAY
from specguard.change.tree import Tree
from specguard.errors import MissingFact, NotApplicable
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.change.base import Found
    from specguard.change.commit import Commit, Message
    from specguard.change.entry import Entry
    from specguard.change.event import Event
    from specguard.change.git import Git
    from specguard.change.merges import Joined
    from specguard.change.process import Process
    from specguard.change.request import Request
    from specguard.model import Stage


class SnapshotChange(Change):
    """A tree that is compared with `HEAD`; nothing of it reads history."""

    stage: Stage = "staged"

    @cached_property
    def base(self) -> Base:
        """The base's tip, which is trusted, and `HEAD`, which the change is compared with."""
        return Base(
            self,
            name=self.found.name,
            tip=self.found.oid,
            start=self.git.repository.head,
            head=None,
            trusted=self.found.trusted,
            of_files=self.source in ("worktree", "edit"),
        )

    @cached_property
    def joined(self) -> Joined | None:
        """The merge or pick that is being concluded, as far as it brings commits of the trusted base."""
        if self.source in ("patch", "edit") or self.request.enforce or not self.found.trusted:
            return None
        if self.found.oid is None or not any(map(self.git.repository.bringing, UNDER_WAY)):
            return None
        from specguard.change.merges import joined

        try:
            return joined(self.git, self.found.oid)
        except MissingFact as missing:
            # Then all that it brings is judged as the author's.
            self._not_joined = missing.reason
            return None

    _not_joined = ""

    @property
    def notes(self) -> list[str]:
        """Sentences about the change that a reader of the verdict must see."""
        notes = super().notes
        if self._not_joined:
            notes.append(f"What a merge brings is judged as if you had made it: {self._not_joined}.")
        return notes

    def is_put_back(self, entry: Entry) -> bool:
        """Whether an entry leaves at its path what the trusted base has there, or had when `HEAD` left it."""
        if super().is_put_back(entry):
            return True
        head, tip = self.git.repository.head, self.found.oid
        if self.joined or head is None or tip is None or not self.found.trusted:
            return False
        left = self.git.merge_bases(tip, head)
        return len(left) == 1 and left[0] != head and self._files(left[0]).has(entry)

    @cached_property
    def start_files(self) -> Tree:
        """The files of `HEAD`, and what a merge brings to them."""
        return Tree(self.git, self.joined.tree) if self.joined else self._files(self.git.repository.head)

    @cached_property
    def commits(self) -> Sequence[Commit]:
        """None: it is no commit yet."""
        raise NotApplicable("what is judged is no commit yet")

    def messages(self, merge: str) -> Sequence[Message]:  # noqa: ARG002 - no way to merge gives one
        """None: it has no message yet."""
        raise NotApplicable("what is judged has no message yet")


class StagedChange(SnapshotChange):
    """What is staged: `HEAD` against the index.

    Args:
        git, request, found, event: as for `Change`.
        comparison: the comparison of `HEAD` with the index that `Git.start_index_diff` started.
    """

    source = "staged"

    def __init__(
        self,
        git: Git,
        request: Request,
        found: Found,
        *,
        comparison: Process | None = None,
        event: Event | None = None,
    ) -> None:
        super().__init__(git, request, found, event=event)
        self._comparison = comparison
        self._staged: Sequence[Entry] | None = None

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """What differs between `HEAD` and the index, without what a merge brings."""
        return self._changed()

    def _changed(self) -> Sequence[Entry]:
        staged = self._read_index()
        return self.joined.own(self.git.index_diff(self.joined.tree)) if self.joined else staged

    @cached_property
    def head_files(self) -> Tree:
        """The files of the index."""
        head = self.git.repository.head
        return Tree(self.git, self.git.commit(head).tree if head else None, self._read_index())

    def _read_index(self) -> Sequence[Entry]:
        if self._staged is None:
            head = self.git.repository.head or self.git.empty_tree
            comparison, self._comparison = self._comparison, None
            entries = self.git.index_diff(head, comparison)
            unmerged = next((entry.path for entry in entries if entry.status == "U"), None)
            if unmerged is not None:
                raise MissingFact(
                    f"{path_text(unmerged)} is not merged", "git mergetool", code="unmerged-file"
                )
            self._staged = entries
        return self._staged


class MessageChange(StagedChange):
    """The message of a commit that is being written; the paths of that commit are not judged with it.

    Args:
        git, request, found, event: as for `Change`.
        message: the message.
    """

    source = "commit-message"
    stage = "commit-msg"

    def __init__(
        self, git: Git, request: Request, found: Found, message: Message, *, event: Event | None = None
    ) -> None:
        super().__init__(git, request, found, event=event)
        self._message = message

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """None: they are judged before the message is written."""
        raise NotApplicable("a message has no paths")

    def messages(self, merge: str) -> Sequence[Message]:
        """The message; with `squash` none, since only the pull request's title will land."""
        if merge == "squash":
            raise NotApplicable(
                'with merge = "squash" the pull request\'s title is judged, once there is one'
            )
        if self._message.squashes:
            raise NotApplicable("what is to be squashed into another commit is judged before it is pushed")
        if self.request.message_file:
            self._message.staged = self._changed
        return [self._message]

    @property
    def empty(self) -> bool:
        """Never: there is a message, even if it says nothing."""
        return False


class WholeTree(SnapshotChange):
    """A tree that is judged as it is, with nothing that it is compared with.

    Args:
        git, request, found: as for `Change`.
        tree: the object id of the tree.
        nested: entries that the tree cannot have: repositories within the working tree.
    """

    source = "worktree"

    def __init__(
        self, git: Git, request: Request, found: Found, *, tree: str, nested: Sequence[Entry] = ()
    ) -> None:
        super().__init__(git, request, found)
        self._tree = tree
        self._nested = nested

    @property
    def entries(self) -> Sequence[Entry]:
        """None: nothing changes."""
        return ()

    @cached_property
    def start_files(self) -> Tree:
        """The files of the tree."""
        return self.head_files

    @cached_property
    def head_files(self) -> Tree:
        """The files of the tree, and what stands in it for repositories within the working tree."""
        return Tree(self.git, self._tree, self._nested)


class TreeChange(SnapshotChange):
    """A tree that was made for the check: the working tree's, or the one that a patch makes of `HEAD`.

    Args:
        git, request, found, event: as for `Change`.
        source: `worktree` or `patch`.
        tree: the object id of the tree.
        nested: entries that the tree cannot have: repositories within the working tree.
    """

    def __init__(
        self,
        git: Git,
        request: Request,
        found: Found,
        *,
        source: str,
        tree: str,
        nested: Sequence[Entry] = (),
        event: Event | None = None,
    ) -> None:
        super().__init__(git, request, found, event=event)
        self.source = source
        self._tree = tree
        self._nested = nested

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """What differs between `HEAD` and the tree, without what a merge brings."""
        start = self.git.repository.head or self.git.empty_tree
        entries = self.git.diff_trees(self.joined.tree if self.joined else start, self._tree)
        if self.joined:
            entries = self.joined.own(entries)
        return sorted([*entries, *self._nested], key=lambda entry: entry.path) if self._nested else entries

    @cached_property
    def head_files(self) -> Tree:
        """The files of the tree, and what stands in it for repositories within the working tree."""
        return Tree(self.git, self._tree, self._nested)
