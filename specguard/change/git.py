"""Commits, histories and comparisons, as git reports them from the repository's objects only.

Git keeps every difference of two trees in memory before it prints the first, and follows a directory under
each of its names. Thus ten trees that share subtrees have 10^10 paths in a repository of a few hundred
kilobytes.

This module reads a directory once, whatever its names are, and counts its contents instead of listing them.
Each directory's content is compared with its id. Whoever can write below `.git` can replace the content of an
object, and git believes it.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from itertools import chain, islice, zip_longest

from specguard.change.entries import DIRECTORY, object_id, read_commit, read_diffs, read_entries, read_tree
from specguard.change.object_store import Reading, Store, stdin_lines
from specguard.change.process import CommandError
from specguard.change.repository import PastCommit, Repository, is_oid
from specguard.change.tree import SizedCache, Tree
from specguard.errors import MissingFact, SpecguardError, if_known
from specguard.model import TYPE_CHECKING, Record, cached_method, grouped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Final

    from specguard.change.entries import Commit, Entry

    Pair = tuple[str, str]
    """The object ids of two trees that are compared; an empty id is an empty tree."""

    Pairs = Callable[[], Iterable[Pair]]
    """Returns the pairs of trees that a command compares, which are measured if it takes long."""


RAW: Final = (
    "-r", "-z", "--raw", "--no-renames", "--full-index", "--ignore-submodules=none", "--no-ext-diff",
    "--no-textconv",
)  # fmt: skip
"""Options for comparing trees: every path under its own name; a submodule's new commit is never left out."""

MAX_ENTRIES: Final = 1_000_000
"""The maximum number of entries in a walk of trees, unless the policy sets another."""

MAX_DEPTH: Final = 1000
"""The maximum depth of nested directories."""

MEAN_NAME: Final = 512
"""The maximum average length of the entries' names, in bytes, at the maximum number of entries."""

PER_PROCESS: Final = 700
"""The number of commits that one process compares with their parents, while others run."""

_PARTS_AHEAD: Final = 4
"""The number of such processes that are started before the output of the first is needed."""

_FILES: Final = ("ls-tree", "-r", "-z", "--full-tree")
_INDEX_DIFF: Final = ("diff-index", "--cached", *RAW, "--ita-invisible-in-index")
_EACH_PARENT: Final = ("--always", "--root", *RAW)


class Git(Store):
    """Commits and trees of a repository, as git reports them.

    Args:
        repository: the repository whose objects to read.

    Attributes:
        empty_tree: the object id of the tree without entries.
        max_entries: the maximum number of entries in a walk of trees; set by the policy, once it is known.
        contents: the contents of the files that were read last, by object id.
        parsed: the documents and folders that were parsed last, by object id and format; their size is the
            object's.
    """

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository)
        self.empty_tree = object_id("tree", b"", repository.oid_digits)
        self.max_entries = MAX_ENTRIES
        self.contents, self.parsed = SizedCache(32 << 20), SizedCache(8 << 20)
        self._refusals: dict[tuple[object, ...], MissingFact] = {}

    @property
    def checked_out(self) -> str:
        """The object id of the commit that is checked out, or of an empty tree before the first commit."""
        return self.repository.head or self.empty_tree

    @cached_method
    def commit(self, oid: str) -> Commit:
        """Return the commit of this object id, or the commit that the tag of this id points to.

        Raises:
            MissingFact: it is not there.
            SpecguardError: it is neither a commit nor a tag of one.
        """
        kind, content = self.object(oid)
        target = oid
        while kind == "tag" and content.startswith(b"object "):
            target = content[7 : 7 + len(oid)].decode("ascii", "replace")
            kind, content = self.object(target)
        if kind != "commit":
            message = f"object {oid} is a {kind} and no commit"
            raise SpecguardError(message, help="Name a commit or a branch.", code="unknown-revision")
        return self._parse([(target, kind, content)])[0]

    def tree_at(self, oid: str | None, changes: Sequence[Entry] = ()) -> Tree:
        """Return the files of a commit, or none without a commit, after some changes to them.

        Args:
            oid: the object id of the commit, or of a tag of it; None for no commit.
            changes: entries that are applied to the commit's tree.

        Raises:
            MissingFact, SpecguardError: as for `commit`.
        """
        return Tree(self, self.commit(oid).tree if oid else None, changes)

    def commits(self, oids: Sequence[str]) -> list[Commit]:
        """Return the commits of these object ids, in this order.

        Raises:
            MissingFact: an object is not there, or is not a commit.
        """
        return self._parse(self.objects(oids), compare=True)

    def _parse(self, objects: Iterable[tuple[str, str, bytes]], *, compare: bool = False) -> list[Commit]:
        commits: list[Commit] = []
        diffs = _Diffs(self, commits)
        for oid, kind, content in objects:
            if kind != "commit":
                raise self.missing(f"commit {oid}", f"it is a {kind}")
            with Reading(self, f"commit {oid}"):
                commits.append(read_commit(oid, content, diffs.reader(len(commits))))
                if compare and not len(commits) % PER_PROCESS:
                    diffs.start(len(commits) - PER_PROCESS)
        if compare and len(commits) > 1:
            diffs.start(len(commits) // PER_PROCESS * PER_PROCESS)
        return commits

    # Revisions

    def resolve(self, text: str) -> str | None:
        """Resolve a full or abbreviated object id, with optional `~n` and `^n` suffixes, to a commit.

        Args:
            text: hexadecimal digits, then any number of suffixes; the caller has checked this.

        Returns:
            The commit's full object id; None if the commit does not exist.

        Raises:
            SpecguardError: the abbreviation matches several objects.
        """
        process = self.start("rev-parse", "--verify", "--end-of-options", text + "^{commit}")
        try:
            oid = process.read().decode("ascii", "replace").rstrip("\n")
        except CommandError as error:
            if "ambiguous" in error.message:
                message, help = f"{text} is short for several objects", "Give more digits."
                raise SpecguardError(message, help=help, code="unknown-revision") from error
            return None
        return oid if is_oid(oid, self.repository.oid_digits) else None

    @cached_method
    def merge_bases(self, one: str, other: str) -> list[str]:
        """Return all best common ancestors of two commits; the first is the one that `git merge-base` prints.

        Returns:
            Full object ids; none if the histories are unrelated.

        Raises:
            MissingFact: the history does not go back far enough, as in a shallow clone.
        """
        if one == other or one in self.commit(other).parents:
            return [one]
        try:
            return self.start("merge-base", "--all", one, other).read().decode("ascii").split()
        except CommandError as error:
            if error.code == 1 and not error.message:
                return []
            raise self.missing("the history up to where the change began", error.first_line) from error

    def is_ancestor(self, oid: str, descendant: str) -> bool:
        """Return True if a commit is in the history of another one; False if a commit is missing."""
        return if_known(lambda: self.merge_bases(oid, descendant), []) == [oid]

    @cached_method
    def revisions(self, head: str, *without: str | None) -> list[str]:
        """Return the commits of a head that other commits do not have, every parent before its children.

        Args:
            head: a commit.
            without: the commits whose histories are left out; None leaves out nothing.

        Raises:
            MissingFact: the history does not go back far enough, as in a shallow clone.
        """
        known = [oid for oid in without if oid]
        if head in known:
            return []
        if self.commit(head).parents == known:
            return [head]
        stdin = stdin_lines([head, *(f"^{oid}" for oid in known)])
        process = self.start("rev-list", "--topo-order", "--reverse", "--stdin", stdin=stdin, wide=True)
        return self.read(process, "the change's commits").decode("ascii").split()

    def start_names(self, tree: str) -> None:
        """Start to list a tree's files for a later call of `list_tree`; their number is limited already."""
        self.start_early(*_FILES, "--name-only", tree)

    # Walks of trees

    def walk(
        self, what: str, *arguments: str, pairs: Pairs, stdin: bytes = b"", index: str = "", spare: int = 0
    ) -> list[bytes]:
        """Run a git command that walks trees, within the limits, and return the fields of its output.

        Args:
            what: what the command reads, for the error message.
            arguments: the command, which ends each field with NUL.
            pairs: a tree that the command lists is paired with an empty id.
            stdin: its standard input.
            index: the index file that it uses; none by default.
            spare: the number of entries that are permitted beyond the limit.

        Raises:
            MissingFact: the command failed or complained, or a limit is exceeded.
        """

        def look() -> None:
            self.measure(list(pairs()), what, spare=spare)

        limit = self.max_entries + spare
        key = limit, arguments, stdin
        if key in self._refusals:
            raise self._refusals[key]
        process = self.start(*arguments, stdin=stdin, index=index, wide=True)
        process.watch(look)
        max_fields = limit if arguments[0] == "ls-tree" else 2 * limit
        pieces: list[bytes] = []
        fields = size = 0
        try:
            for piece in process.chunks():
                pieces.append(piece)
                fields += piece.count(b"\0")
                size += len(piece)
                if fields > max_fields or size > limit * MEAN_NAME:
                    raise limit_error(what, f"more than {limit:,} entries", "max_entries")
            found = b"".join(pieces).split(b"\0")
            if max(map(len, found)) > 2 * MAX_DEPTH:
                look()
        except CommandError as error:
            if error.code < 0 or "depth" in error.message:
                # The trees may be too deep for git, whose message about that depends on its version.
                look()
            raise self.missing(what, error.first_line) from error
        except MissingFact as missing:
            self._refusals[key] = missing
            raise
        return found

    def measure(self, pairs: Sequence[Pair], what: str, *, spare: int = 0) -> None:
        """Raise an error for trees that differ in more than the limits permit; each refusal is computed once.

        Raises:
            MissingFact: as for `specguard.change.git.measure`.
        """
        key = self.max_entries + spare, *pairs
        if key in self._refusals:
            raise self._refusals[key]
        try:
            measure(self, pairs, what, spare=spare)
        except MissingFact as missing:
            self._refusals[key] = missing
            raise

    def mentioning(self, words: Sequence[str], tips: Sequence[str]) -> Iterable[PastCommit]:
        """Yield the commits of a history whose message contains one of some words, newest first.

        Raises:
            MissingFact: the history is incomplete.
        """
        process = self.start(
            "log", "-z", "--format=%H%n%B", "--encoding=UTF-8", "-F", "-i",
            *[f"--grep={word}" for word in words], *tips, "--",
        )  # fmt: skip
        rest = b""
        with Reading(self, "the base's history"):
            for chunk in process.chunks():
                *records, rest = (rest + chunk).split(b"\0")
                for record in records:
                    oid, _, message = record.decode("utf-8", "surrogateescape").partition("\n")
                    yield PastCommit(oid, message.rstrip("\n"))

    def list_tree(self, tree: str, what: str, *options: str, spare: int = 0) -> list[bytes]:
        """Return the lines of `ls-tree -r` for each file, symbolic link and submodule of a tree.

        Args:
            tree: the object id of a tree or commit.
            what: what is listed, for the error message.
            options: more options of `ls-tree`.
            spare: the number of entries that are permitted beyond the limit.

        Raises:
            MissingFact: a tree object is not there, or a limit is exceeded.
        """
        arguments = (*_FILES, *options, tree)
        return self.walk(what, *arguments, pairs=lambda: [("", self._tree_of(tree))], spare=spare)[:-1]

    def tree_entries(self, oid: str, kind: str, content: bytes) -> Iterator[tuple[bytes, int, str]]:
        """Yield the name, mode and object id of each entry of a tree object that was read.

        Raises:
            MissingFact: the object is not a tree.
        """
        if kind != "tree":
            raise self.missing(f"tree {oid}", f"it is a {kind}")
        with Reading(self, f"tree {oid}"):
            yield from read_tree(content, len(oid))

    def tree_without(self, tree: str, paths: Iterable[bytes]) -> str:
        """Return the object id that a tree has without some of its files; empty if no file is left.

        Raises:
            MissingFact: a tree object is not there.
        """
        below = grouped((name, rest) for name, _, rest in (path.partition(b"/") for path in paths))
        kept = []
        for name, mode, oid in self.tree_entries(tree, *self.object(tree, limit=1 << 30)):
            if name in below:
                oid = self.tree_without(oid, below[name]) if mode == DIRECTORY else ""
            if oid:
                kept.append(b"%o %s\0" % (mode, name) + bytes.fromhex(oid))
        return object_id("tree", b"".join(kept), len(tree)) if kept else ""

    def _tree_of(self, oid: str) -> str:
        """Return the tree of a commit; a tree itself."""
        kind, content = self.object(oid, limit=1 << 30)
        return content[5 : 5 + len(oid)].decode("ascii", "replace") if kind == "commit" else oid

    def find_alterations(self, head: str, folder: bytes) -> Iterator[tuple[str, list[Entry]]]:
        """Yield changes and deletions below a folder by a history's commits, against any of their parents.

        A merge that leaves out what one of its sides has added deletes it. Additions are left out.

        Args:
            head: the commit whose whole history is searched.
            folder: the folder's path, with or without a slash at its end.

        Yields:
            The commits with such changes, the newest first, each with the entries; a merge once for each
            parent with differences.

        Raises:
            MissingFact: the history is incomplete.
        """

        def below(commit: str) -> str:
            found = self.tree_at(commit).find(path)
            return found.oid if found is not None and found.is_directory else ""

        path = folder.rstrip(b"/")
        oids = self.ask("the history", "rev-list", "--topo-order", head, "--").decode().split()
        options = ("-m", *RAW, "--diff-filter=a", "--", path.decode("utf-8", "surrogateescape"))
        for start in range(0, len(oids), PER_PROCESS):
            part = oids[start : start + PER_PROCESS]

            def pairs(some: Sequence[str] = part) -> Iterator[Pair]:
                for oid in some:
                    for parent in self.commit(oid).parents or ("",):
                        yield (below(parent) if parent else ""), below(oid)

            yield from self.commit_diffs("the history", *options, pairs=pairs, stdin=stdin_lines(part))

    def commit_diffs(
        self, what: str, *options: str, pairs: Pairs, stdin: bytes
    ) -> list[tuple[str, list[Entry]]]:
        """Return the diffs of many commits, each with its object id."""
        found = self.walk(what, "diff-tree", "--stdin", *options, pairs=pairs, stdin=stdin)
        with Reading(self, what):
            return read_diffs(found, self.repository.oid_digits)

    def diff_trees(self, old: str, new: str) -> list[Entry]:
        """Return the differences between two trees or commits, by path bytes.

        Raises:
            MissingFact: a tree is not there, or a limit is exceeded.
        """
        if old == new:
            return []
        return self._entries("diff-tree", *RAW, old, new, "--", trees=(old, new))

    def start_index_diff(self, tree: str) -> None:
        """Start to compare a tree or commit with the user's index, for a later call of `index_diff`."""
        self.start_early(*_INDEX_DIFF, tree, "--", index=self.repository.index)

    def index_diff(self, tree: str, index: str = "") -> list[Entry]:
        """Return the differences between a tree or commit and an index, by path bytes.

        Files that are marked for later addition (`git add --intent-to-add`) belong to no commit, and are left
        out.

        Args:
            tree: its object id.
            index: the index file; empty: the user's.

        Raises:
            MissingFact: the comparison failed, or a limit is exceeded.
        """
        index, spare = index or self.repository.index, self.repository.max_indexed()
        return self._entries(*_INDEX_DIFF, tree, "--", trees=("", tree), index=index, spare=spare)

    def _entries(self, *arguments: str, trees: Pair, index: str = "", spare: int = 0) -> list[Entry]:
        def pairs() -> Iterator[Pair]:
            yield self._tree_of(trees[0]) if trees[0] else "", self._tree_of(trees[1])

        what = "the change's entries"
        found = self.walk(what, *arguments, pairs=pairs, index=index, spare=spare)
        with Reading(self, what):
            return read_entries(found, self.repository.oid_digits)


class _Diffs(Record, frozen=False):
    """The changes of many commits against each of their parents; one process compares `PER_PROCESS` commits.

    Attributes:
        git: the repository that compares them.
        commits: the commits.
    """

    git: Git
    commits: Sequence[Commit]

    def start(self, at: int) -> None:
        """Start the process for the commits from a position on, before its output is needed."""
        if at < len(self.commits):
            stdin = _diff_input(self.commits[at : at + PER_PROCESS])
            self.git.start_early("diff-tree", "--stdin", *_EACH_PARENT, stdin=stdin)

    def reader(self, position: int) -> Callable[[], Sequence[Sequence[Entry]]]:
        """Return the function that reads the changes of the commit at a position."""
        return lambda: self._all[position]

    @cached_property
    def _all(self) -> Sequence[Sequence[Sequence[Entry]]]:
        return [found for at in range(0, len(self.commits), PER_PROCESS) for found in self._part(at)]

    def _part(self, at: int) -> list[list[list[Entry]]]:
        def trees() -> Iterator[Pair]:
            for commit, parent in pairs:
                yield (self.git.commit(parent).tree if parent else ""), commit.tree

        commits = self.commits[at : at + PER_PROCESS]
        what, pairs = "the commits' entries", _with_parents(commits)
        self.start(at + _PARTS_AHEAD * PER_PROCESS)
        found = self.git.commit_diffs(what, *_EACH_PARENT, pairs=trees, stdin=_diff_input(commits))
        if [oid for oid, _ in found] != [commit.oid for commit, _ in pairs]:
            raise self.git.missing(what, "other commits are told of")
        entries = iter(found)
        return [[next(entries)[1] for _ in commit.parents or ("",)] for commit in commits]


def _with_parents(commits: Sequence[Commit]) -> list[tuple[Commit, str]]:
    """Return each commit with each of its parents; with an empty one if it has none."""
    return [(commit, parent) for commit in commits for parent in commit.parents or ("",)]


def _diff_input(commits: Sequence[Commit]) -> bytes:
    """Return the input of `diff-tree --stdin` that compares commits with each of their parents."""
    return stdin_lines([f"{commit.oid} {parent}".rstrip() for commit, parent in _with_parents(commits)])


READ_FACTOR: Final = 64
"""The factor of the limit of entries that bounds the entries of all directories read for a comparison."""


class _Differences(Record):
    """The differences between two directories: subdirectories, and files and other entries.

    Attributes:
        files: the number of differing entries that are not directories.
        name_bytes: the bytes of their names.
        folders: the two sides of each differing subdirectory, with the bytes of its name.
    """

    files: int
    name_bytes: int
    folders: Sequence[tuple[Pair, int]]


def _compare_folders(old: set[tuple[bytes, int, str]], new: set[tuple[bytes, int, str]]) -> _Differences:
    files: set[bytes] = set()
    folders: dict[bytes, tuple[list[str], list[str]]] = {}
    for side, found in enumerate((old - new, new - old)):
        for name, mode, oid in sorted(found):
            if mode & 0o170000 == DIRECTORY:
                folders.setdefault(name, ([], []))[side].append(oid)
            else:
                files.add(name)
    pairs = [
        (pair, len(name) + 1) for name, sides in folders.items() for pair in zip_longest(*sides, fillvalue="")
    ]
    return _Differences(len(files), sum(map(len, files)), pairs)


def measure(git: Git, pairs: Iterable[Pair], what: str, *, spare: int = 0) -> None:
    """Read all directories in which trees differ, and raise an error if a limit is exceeded.

    Args:
        git: the repository to read; it has the limit of entries.
        pairs: pairs of object ids of trees; an empty id means an empty tree.
        what: what is compared, for the error message.
        spare: the number of entries that are permitted beyond the limit.

    Raises:
        MissingFact: a limit is exceeded, or a directory is not there or its content does not match its id.
    """
    limit = git.max_entries + spare
    compared: dict[Pair, _Differences] = {}
    files = folders = size = 0
    # For each pair the number of paths that lead to it, and the total bytes of these paths.
    level = {pair: (count, 0) for pair, count in Counter(pairs).items()}
    reader = _PairReader(git, what, limit, limit * READ_FACTOR, SizedCache(1 << 14))
    for _ in range(MAX_DEPTH + 1):
        below: dict[Pair, tuple[int, int]] = {}
        again = [(pair, compared[pair]) for pair in level if pair in compared]
        new = reader.read_pairs([pair for pair in level if pair not in compared and pair[0] != pair[1]])
        for pair, found in chain(again, new):
            compared[pair] = found
            ways, length = level[pair]
            files += ways * found.files
            size += ways * found.name_bytes + length * found.files
            folders += ways * len(found.folders)
            for count, kind in ((files, "entries"), (folders, "directories")):
                if count > limit:
                    raise limit_error(what, f"more than {limit:,} {kind}", "max_entries")
            if size > limit * MEAN_NAME:
                raise limit_error(what, f"more than {limit * MEAN_NAME:,} bytes of names", "max_entries")
            for folder, name in found.folders:
                others, before = below.get(folder, (0, 0))
                below[folder] = others + ways, before + length + ways * name
        if not below:
            return
        level = below
    raise limit_error(what, f"more than {MAX_DEPTH:,} directories within each other")


def limit_error(what: str, excess: str, setting: str = "") -> MissingFact:
    """Return the error about an exceeded limit.

    Args:
        what: what cannot be read.
        excess: the excess, such as `more than 1,000 entries`.
        setting: the setting of the base's policy that is the limit; empty if no setting changes it.
    """
    limit = f"the limit, which {setting!r} of the base's policy sets" if setting else "the limit of depth"
    return MissingFact(f"{what} cannot be read: {excess}, {limit}", code="size-limit")


class _PairReader(Record, frozen=False):
    """Reads the two sides of pairs, one pair after the other, within a total number of directory entries."""

    git: Git
    what: str
    limit: int
    remaining: int
    known: SizedCache

    def read_pairs(self, pairs: Sequence[Pair]) -> Iterator[tuple[Pair, _Differences]]:
        """Yield the differences of each pair.

        Raises:
            MissingFact: as for `measure`.
        """
        # Few are kept at a time: deltas of one directory store many large ones in little space.
        objects = self.git.objects([oid for pair in pairs for oid in pair if oid])
        for pair in pairs:
            old, new = (self._read_names(*next(objects)) if oid else set() for oid in pair)
            # Git checks out the last entry of a name; what is read here is the first.
            if len({name for name, _, _ in new}) < len(new):
                raise MissingFact(f"{self.what} cannot be read: tree {pair[1]} has a name twice", "git fsck")
            yield pair, _compare_folders(old, new)

    def _read_names(self, oid: str, kind: str, content: bytes) -> set[tuple[bytes, int, str]]:
        # What one commit left in a directory is what the next one finds there.
        if oid not in self.known:
            found = set(islice(self.git.tree_entries(oid, kind, content), self.limit + 1))
            self.known.add(oid, found, len(found))
        names: set[tuple[bytes, int, str]] = self.known[oid]
        self.remaining -= len(names)
        if self.remaining < 0 or len(names) > self.limit:
            many = self.limit * READ_FACTOR if self.remaining < 0 else self.limit
            raise limit_error(self.what, f"more than {many:,} entries in what is compared", "max_entries")
        return names


class History:
    """The history of the trusted base's tip, and of the branch below the change.

    Args:
        git: the repository to read.
        tips: the object ids of the tips; None if there is none, and so no history.
    """

    def __init__(self, git: Git, *tips: str | None) -> None:
        self._git = git
        self._tips = [tip for tip in tips if tip]

    def added_by(self, merge: str, before: str, revert: str) -> Sequence[str]:
        """Return the object ids of the commits that a reverted merge added to a parent; empty if unknown."""
        known = all(is_oid(oid, self._git.repository.oid_digits) for oid in (merge, before))
        if not known or not if_known(lambda: self.takes_back(revert, merge, before), False):
            return ()
        return if_known(lambda: self._git.revisions(merge, before), ())

    def takes_back(self, revert: str, oid: str, before: str = "") -> bool:
        """Return True if a commit changes any file that an earlier one changed, or that one's are elsewhere.

        Args:
            revert: the commit's object id.
            oid: the object id of the earlier commit.
            before: the object id of the earlier commit's parent; empty for its first parent.

        Raises:
            MissingFact: one of them is not there.
        """
        later, done = self._git.commits([revert, oid])
        if before and before not in done.parents:
            return False
        entries = done.diffs[done.parents.index(before) if before else 0]
        changed, files = {entry.path for entry in later.diffs[0]}, Tree(self._git, later.tree)
        # The revert of a file that was moved changes it at its new place.
        left = any((files.find(entry.path) is None) == entry.deleted for entry in entries)
        return not left or any(entry.path in changed for entry in entries)

    def mentioning(self, words: Sequence[str]) -> Iterable[PastCommit]:
        """Return the commits whose message contains one of these words, newest first.

        Args:
            words: plain text, found anywhere in the message; case is ignored for ASCII letters only.

        Raises:
            MissingFact: the history is incomplete.
        """
        patterns = [word for word in words if word]
        return self._git.mentioning(patterns, self._tips) if patterns and self._tips else ()

    @cached_method
    def changed_since(self, paths: tuple[bytes, ...]) -> Sequence[Entry]:
        """Return the differences of the first tip from the first commit that has one of some files.

        Only first parents are followed.

        Raises:
            MissingFact: the history is incomplete.
        """
        names = [path.decode("utf-8", "surrogateescape") for path in paths]
        if not self._tips or not names:
            return ()
        words = ("log", "--first-parent", "--no-renames", "--diff-filter=A", "--format=%H", self._tips[0])
        found = self._git.ask("the history", *words, "--", *names).decode("ascii").split()
        return self._git.diff_trees(found[-1], self._tips[0]) if found else ()

    def changed_by(self, commits: Sequence[PastCommit]) -> Iterator[Sequence[Entry]]:
        """Yield the differences between each of some commits and its first parent, from few processes.

        Raises:
            MissingFact: one of them is not there.
        """
        for commit in self._git.commits([one.oid for one in commits]):
            yield commit.diffs[0]
