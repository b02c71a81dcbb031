"""Merge commits done again, to tell what they bring of their own.

A file in which both sides changed differs from every parent although nobody touched it, so comparing trees
does not tell a clean merge from one with content of its own: the merge has to be made again. Git does it
(`git merge-tree`, which writes no commit and runs nothing), into an object store that is thrown away.

A merge or a pick that is being concluded is made in the same way, as far as it brings commits of the trusted
base: what the index or the working tree then has otherwise is what its author did.
"""

from __future__ import annotations

from specguard.change.process import CommandError
from specguard.change.raw import FormatError, read_entries
from specguard.change.repository import UNDER_WAY
from specguard.change.tree import Tree
from specguard.errors import MissingFact, SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.change.commit import Commit
    from specguard.change.entry import Entry
    from specguard.change.git import Git

JOINED: Final = 1000
"""So many parents may merges of more than two have together: each is merged by processes of its own."""

CROSSED: Final = 8
"""So many merge bases are merged at most."""

# `merge-tree --stdin` came with git 2.39.
_MERGE: Final = ("merge-tree", "--stdin", "-z", "--name-only", "--no-messages", "--allow-unrelated-histories")
_COMMIT: Final = ("-c", "user.name=specguard", "-c", "user.email=specguard", "commit-tree", "-m", "redone")


class Redone:
    """A merge commit, and what in it is not the automatic merge of its parents.

    Entries lead from the automatic merge to the commit.

    Attributes:
        commit: the merge.
        own: paths where it has content that no parent has, and that merging them does not give.
        resolved: such paths in which its parents conflict.
    """

    __slots__ = ("commit", "own", "resolved")

    def __init__(self, commit: Commit, own: Sequence[Entry], resolved: Sequence[Entry]) -> None:
        self.commit = commit
        self.own = own
        self.resolved = resolved


class Merges:
    """The merges of a change, each done again when it is asked for.

    Args:
        git: reads the repository's objects.
    """

    def __init__(self, git: Git) -> None:
        self._git = git

    def redo(self, commits: Sequence[Commit]) -> Iterator[Redone]:
        """Do merges again that differ from all their parents somewhere; others bring nothing of their own.

        Args:
            commits: merge commits.

        Raises:
            MissingFact: git is too old for it, or an object is not there.
        """
        suspects = [commit for commit in commits if commit.own_entries]
        if not suspects:
            return
        self._git.use_scratch()
        plain = [commit for commit in suspects if len(commit.parents) == 2]
        merged = dict(
            zip(
                [commit.oid for commit in plain],
                self._merge([(commit.parents[0], commit.parents[1]) for commit in plain]),
                strict=True,
            )
        )
        others = [commit for commit in suspects if commit.oid not in merged]
        if sum(len(commit.parents) for commit in others) > JOINED:
            raise MissingFact(
                f"merges of more than two cannot be done again: more than {JOINED:,} parents together",
                code="size-limit",
            )
        for commit in others:
            merged[commit.oid] = self._merge_all(commit.parents)
        pairs = [(merged[commit.oid][0], commit.tree) for commit in suspects]
        for commit, entries in zip(suspects, self._compare(pairs), strict=True):
            conflicts = merged[commit.oid][1]
            mine = {entry.path for entry in commit.own_entries}
            differing = [entry for entry in entries if entry.path in mine]
            resolved = [entry for entry in differing if in_conflict(entry.path, conflicts)]
            own = [entry for entry in differing if entry not in resolved]
            yield Redone(commit, self._not_moved(commit, own), resolved)

    def _merge(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, set[bytes]]]:
        """The tree of each automatic merge, and the paths in which it has conflicts."""
        if not pairs:
            return []
        lines = "".join(f"{one} {other}\n" for one, other in pairs).encode("ascii")
        process = self._git.start(*_MERGE, stdin=lines)
        try:
            fields = process.read().split(b"\0")
        except CommandError as error:
            if error.code == 129:
                raise MissingFact(
                    "a merge differs from all its parents, and only git 2.39 or later can do it again",
                    code="program-missing",
                ) from error
            raise self._git.missing("what a merge joins", error.first_line) from error
        found: list[tuple[str, set[bytes]]] = []
        at = 0
        while at + 2 < len(fields):
            status, tree = fields[at], fields[at + 1]
            at += 2
            paths = set()
            while fields[at]:
                paths.add(fields[at])
                at += 1
            at += 1
            if status not in {b"0", b"1"}:
                break
            found.append((tree.decode("ascii"), paths))
        if len(found) != len(pairs):
            raise self._git.missing("what a merge joins", "git could not do the merge again")
        return found

    def _merge_all(self, parents: Sequence[str]) -> tuple[str, set[bytes]]:
        """The same for more than two parents, one after the other, as git's own strategy goes about it."""
        head, conflicts, tree = parents[0], set[bytes](), ""
        for position, other in enumerate(parents[1:], start=2):
            [(tree, found)] = self._merge([(head, other)])
            conflicts |= found
            if position < len(parents):
                head = self._commit(tree, head, other)
        return tree, conflicts

    def _commit(self, tree: str, *parents: str) -> str:
        """A commit in the store that is thrown away."""
        named = [word for parent in parents for word in ("-p", parent)]
        process = self._git.start(*_COMMIT, *named, tree)
        return self._git.read(process, "what a merge joins").decode("ascii").strip()

    def joined(self, head: str, others: Sequence[str], *, picked: bool) -> Joined:
        """What a merge or a pick would make of `HEAD` without anybody's doing.

        Args:
            head: the commit that is checked out.
            others: the commits that are merged, or the one that is picked.
            picked: whether it is picked.

        Raises:
            MissingFact: git is too old for it, or an object is not there.
        """
        self._git.use_scratch()
        onto = head
        if picked:
            # To pick is to merge where the commit's parent is what both sides come from.
            parents = self._git.commit(others[0]).parents[:1]
            onto = self._commit(self._git.commit(head).tree, *parents)
        tree, conflicts = self._merge_all([onto, *others])
        return Joined(self._git, head, others, tree=tree, conflicts=conflicts, picked=picked)

    def virtual_base(self, bases: Sequence[str]) -> tuple[str, set[bytes]]:
        """The merge of several merge bases, as git makes it where it merges what has them.

        Args:
            bases: the merge bases, at most `CROSSED`.

        Returns:
            A commit in the store that is thrown away, and the paths in conflict.

        Raises:
            MissingFact: there are too many, git is too old for it, or an object is not there.
        """
        if len(bases) > CROSSED:
            raise MissingFact(f"more than {CROSSED} merge bases are not merged", code="size-limit")
        self._git.use_scratch()
        tree, conflicts = self._merge_all(bases)
        return self._commit(tree, *bases), conflicts

    def _compare(self, pairs: Sequence[tuple[str, str]]) -> list[list[Entry]]:
        """What differs between the trees of each pair."""
        from specguard.change.git import RAW

        lines = "".join(f"{one} {other}\n" for one, other in pairs).encode("ascii")
        data = self._git.read(
            self._git.start("diff-tree", "--stdin", *RAW, stdin=lines), "what a merge brings"
        )
        digits = self._git.repository.hexadecimal
        found: list[list[Entry]] = []
        fields = data.split(b"\0")
        try:
            for at in range(0, len(fields), 2):
                # A pair's header is a line of its own, in front of its first entry or of the next header.
                *headers, entry = fields[at].split(b"\n")
                found.extend([] for _ in headers)
                if entry:
                    found[-1].extend(read_entries([entry, fields[at + 1], b""], digits))
        except (FormatError, IndexError) as error:
            raise self._git.missing("what a merge brings", str(error)) from error
        if len(found) != len(pairs):
            raise self._git.missing("what a merge brings", "a comparison is missing")
        return found

    def _not_moved(self, commit: Commit, entries: Sequence[Entry]) -> list[Entry]:
        """Those of these entries that no parent has in another folder, as a subtree merge puts them."""
        if not any(b"/" in entry.path and entry.new_mode for entry in entries):
            return list(entries)
        moved: set[bytes] = set()
        for parent in commit.parents[1:]:
            files = _listing(self._git.list_tree(parent, "what a merge joins"))
            for entry in entries:
                folders = entry.path.split(b"/")
                suffixes = (b"/".join(folders[depth:]) for depth in range(1, len(folders)))
                if any(files.get(suffix) == (entry.new_mode, entry.new) for suffix in suffixes):
                    moved.add(entry.path)
        return [entry for entry in entries if entry.path not in moved]


class Joined:
    """What `HEAD` becomes by a merge or a pick that is being concluded, without anybody's doing.

    Args:
        git: where everything is read.
        head: the commit that is checked out.
        commits: those that are merged or picked.
        tree: the tree that comes of it.
        conflicts: the paths in conflict; there the tree has both sides, with git's marks.
        picked: whether it is a pick, of which its author may leave out what they like.

    Attributes:
        commits, tree: as given.
    """

    def __init__(
        self, git: Git, head: str, commits: Sequence[str], *, tree: str, conflicts: set[bytes], picked: bool
    ) -> None:
        self.commits = commits
        self.tree = tree
        self._head = Tree(git, git.commit(head).tree)
        self._theirs = [Tree(git, git.commit(oid).tree) for oid in commits]
        self._conflicts = conflicts
        self._picked = picked

    def own(self, entries: Sequence[Entry]) -> list[Entry]:
        """The author's among the entries that lead from the tree to what is judged."""
        return [entry for entry in entries if not self._is_theirs(entry)]

    def _is_theirs(self, entry: Entry) -> bool:
        conflict = in_conflict(entry.path, self._conflicts)
        if any(tree.has(entry) for tree in self._theirs):
            # Where their side changed nothing since, this would take an older content for a newer one.
            return conflict or self.origin(entry) is not None or self._head.has(entry)
        return self._head.has(entry) and (conflict or self._picked)

    def origin(self, entry: Entry) -> str | None:
        """The commit that has what is to be put back at an entry's path; None where that is `HEAD`."""
        was = self._head.find(entry.path)
        if (was.mode, was.oid) == (entry.old_mode, entry.old) if was else not entry.old_mode:
            return None
        return self.commits[-1]


def joined(git: Git, tip: str) -> Joined | None:
    """The merge or pick that is being concluded, as far as it brings commits of the trusted base.

    What is written where git keeps it need not be true, so only that counts which the base's history has and
    `HEAD`'s has not: nothing older can be brought by it, and nothing that nobody let into the base.

    Args:
        git: where everything is read.
        tip: the trusted base's.

    Returns:
        None where there is none.

    Raises:
        MissingFact: git is too old to make it, or an object is not there.
    """
    head = git.repository.head
    for name in UNDER_WAY if head else ():
        others = [oid for oid in git.repository.bringing(name) if _is_brought(git, oid, str(head), tip)]
        if others:
            return Merges(git).joined(str(head), others, picked=name != UNDER_WAY[0])
    return None


def _is_brought(git: Git, oid: str, head: str, tip: str) -> bool:
    """Whether the trusted base's history has a commit and that of `HEAD` has not."""
    try:
        oid = git.commit(oid).oid
        return git.merge_bases(oid, tip) == [oid] and git.merge_bases(oid, head) != [oid]
    except (MissingFact, SpecguardError):
        return False


def in_conflict(path: bytes, conflicts: set[bytes]) -> bool:
    """Whether a path is in conflict; where a file and a folder are, git adds `~` and a name to the file's."""
    return path in conflicts or any(other.startswith(path + b"~") for other in conflicts)


def _listing(lines: Sequence[bytes]) -> dict[bytes, tuple[int, str]]:
    """The mode and object id of each path of a recursive `ls-tree`."""
    files: dict[bytes, tuple[int, str]] = {}
    for line in lines:
        header, _, path = line.partition(b"\t")
        mode, _, oid = header.decode("ascii").split(" ")
        files[path] = int(mode, 8), oid
    return files
