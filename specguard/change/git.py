"""Commits, histories and comparisons, as git tells of them on the objects of a repository alone."""

from __future__ import annotations

from specguard.change.process import CommandError
from specguard.change.raw import FormatError, read_commit, read_diffs, read_entries
from specguard.change.repository import is_oid
from specguard.change.store import Store, lines_of
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Final

    from specguard.change.commit import Commit
    from specguard.change.entry import Entry
    from specguard.change.process import Process
    from specguard.change.repository import Repository

RAW: Final = (
    "-r", "-z", "--raw", "--no-renames", "--full-index", "--ignore-submodules=none", "--no-ext-diff",
    "--no-textconv",
)  # fmt: skip
"""How trees are compared: every path under its own name, and a submodule's move is never left out."""

_EMPTY_TREES: Final = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}


class Git(Store):
    """What git says of a repository's commits and trees.

    Args:
        repository: whose objects are read.

    Attributes:
        empty_tree: the object id of the tree without entries.
    """

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository)
        self.empty_tree = _EMPTY_TREES[repository.format]
        self._commits: dict[str, Commit] = {}

    def commit(self, oid: str) -> Commit:
        """The commit of this object id, or the one that the tag of this id points to.

        Raises:
            MissingFact: it is not there.
            SpecguardError: it is neither a commit nor a tag of one.
        """
        known = self._commits.get(oid)
        if known is None:
            kind, content = self.object(oid)
            target = oid
            while kind == "tag" and content.startswith(b"object "):
                target = content[7 : 7 + len(oid)].decode("ascii", "replace")
                kind, content = self.object(target)
            if kind != "commit":
                raise SpecguardError(
                    f"object {oid} is a {kind} and no commit",
                    help="Name a commit or a branch.",
                    code="unknown-revision",
                )
            self._commits[oid] = known = self._parsed([(target, kind, content)])[0]
        return known

    def commits(self, oids: Sequence[str]) -> list[Commit]:
        """The commits of these object ids, in this order.

        Raises:
            MissingFact: one of them is not there, or is no commit.
        """
        if not oids:
            return []
        return self._parsed(self.objects(oids), compare=True)

    def _parsed(self, objects: Iterable[tuple[str, str, bytes]], *, compare: bool = False) -> list[Commit]:
        commits: list[Commit] = []
        diffs = _Diffs(self, commits)
        for oid, kind, content in objects:
            if kind != "commit":
                raise self.missing(f"commit {oid}", f"it is a {kind}")
            try:
                commits.append(read_commit(oid, content, diffs.loader(len(commits))))
            except FormatError as error:
                raise self.missing(f"commit {oid}", str(error)) from error
        if compare and len(commits) > 1:
            diffs.start()
        return commits

    # Revisions

    def resolve(self, text: str) -> str | None:
        """The commit that an object id names, in full or abbreviated, with `~n` and `^n` behind it.

        Args:
            text: hexadecimal digits, then any number of such suffixes; the caller has checked that.

        Returns:
            Its full object id; None where there is no such commit.

        Raises:
            SpecguardError: the abbreviation fits several objects.
        """
        process = self.start("rev-parse", "--verify", "--end-of-options", text + "^{commit}")
        try:
            oid = process.read().decode("ascii", "replace").rstrip("\n")
        except CommandError as error:
            if "ambiguous" in error.said:
                raise SpecguardError(
                    f"{text} is short for several objects", help="Give more digits.", code="unknown-revision"
                ) from error
            return None
        return oid if is_oid(oid, self.repository.hexadecimal) else None

    def merge_bases(self, one: str, other: str) -> list[str]:
        """All best common ancestors of two commits, first the one that `git merge-base` prints.

        Returns:
            Full object ids; none where the histories are unrelated.

        Raises:
            MissingFact: the history does not reach that far.
        """
        if one == other:
            return [one]
        process = self.start("merge-base", "--all", one, other)
        try:
            return process.read().decode("ascii").split()
        except CommandError as error:
            if error.code == 1 and not error.said:
                return []
            raise self.missing("the history up to where the change began", error.first_line) from error

    def revisions(self, head: str, without: str | None) -> list[str]:
        """The commits of a head that another commit does not have, every parent before its children.

        Args:
            head: a commit.
            without: the commit whose history is left out; None for the whole history of `head`.

        Raises:
            MissingFact: the history does not reach that far.
        """
        if head == without:
            return []
        rest = [f"^{without}"] if without else []
        process = self.start("rev-list", "--topo-order", "--reverse", head, *rest, "--")
        return self.read(process, "the change's commits").decode("ascii").split()

    # Comparisons

    def alterations(self, head: str, folder: bytes) -> list[tuple[str, list[Entry]]]:
        """What the commits of a history edit or take away below a folder, against any of their parents.

        A merge that leaves out what one of its sides has added takes it away. What is only added is not told.

        Args:
            head: the commit whose whole history is looked at.
            folder: its path, with or without a slash at its end.

        Returns:
            Commits that do, the newest first, each with the entries; a merge once for each such parent.

        Raises:
            MissingFact: the history is not there as a whole.
        """
        commits = self.read(self.start("rev-list", "--topo-order", head, "--"), "the history")
        path = folder.rstrip(b"/").decode("utf-8", "surrogateescape")
        process = self.start(
            "diff-tree", "--stdin", "-m", *RAW, "--diff-filter=a", "--", path, stdin=commits, wide=True
        )
        data = self.read(process, "the history")
        try:
            return read_diffs(data, self.repository.hexadecimal)
        except FormatError as error:
            raise self.missing("the history", str(error)) from error

    def diff_trees(self, old: str, new: str) -> list[Entry]:
        """What differs between two trees or commits, by path bytes.

        Raises:
            MissingFact: a tree is not there.
        """
        if old == new:
            return []
        return self.entries(self.start("diff-tree", *RAW, old, new, "--", wide=True))

    def start_index_diff(self, tree: str) -> Process:
        """Start comparing a tree or commit with the index; `entries` reads the result.

        Files that are marked to be added later (`git add --intent-to-add`) are no part of a commit, and
        not seen.
        """
        return self.start(
            "diff-index",
            "--cached",
            *RAW,
            "--ita-invisible-in-index",
            tree,
            "--",
            index=self.repository.index,
        )

    def entries(self, process: Process) -> list[Entry]:
        """The entries that a comparison prints, by path bytes.

        Raises:
            MissingFact: it failed, or printed something else.
        """
        data = self.read(process, "the change's entries")
        try:
            return read_entries(data, self.repository.hexadecimal)
        except FormatError as error:
            raise self.missing("the change's entries", str(error)) from error


class _Diffs:
    """What each of many commits changes against each of its parents, from one process for all of them."""

    def __init__(self, git: Git, commits: Sequence[Commit]) -> None:
        self._git = git
        self._commits = commits
        self._process: Process | None = None
        self._found: list[list[list[Entry]]] | None = None

    def start(self) -> Process:
        """Start the comparisons, so that they run while something else is read."""
        pairs = [f"{commit.oid} {parent}" for commit in self._commits for parent in commit.parents or ("",)]
        self._process = self._git.start(
            "diff-tree",
            "--stdin",
            "--always",
            "--root",
            *RAW,
            stdin=lines_of([pair.rstrip() for pair in pairs]),
            wide=True,
        )
        return self._process

    def loader(self, position: int) -> Callable[[], Sequence[Sequence[Entry]]]:
        """What the commit at a position asks for its diffs."""
        return lambda: self._all()[position]

    def _all(self) -> Sequence[Sequence[Sequence[Entry]]]:
        if self._found is None:
            data = self._git.read(self._process or self.start(), "the commits' entries")
            try:
                found = iter(read_diffs(data, self._git.repository.hexadecimal))
                self._found = [
                    [self._next(found, commit) for _ in commit.parents or ("",)] for commit in self._commits
                ]
            except FormatError as error:
                raise self._git.missing("the commits' entries", str(error)) from error
        return self._found

    @staticmethod
    def _next(found: Iterator[tuple[str, list[Entry]]], commit: Commit) -> list[Entry]:
        oid, entries = next(found, ("", []))
        if oid != commit.oid:
            raise FormatError(f"commit {commit.oid} is not among them")
        return entries
