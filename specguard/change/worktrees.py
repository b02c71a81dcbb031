"""The worktrees of a repository, and whether each has changes that are not committed."""

from __future__ import annotations

import os

from specguard.change.git import Git
from specguard.change.process import CommandError
from specguard.change.repository import Repository
from specguard.errors import MissingFact, SpecguardError
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from specguard.change.entry import Entry
    from specguard.change.tree import Tree


class Worktree:
    """A worktree of a repository.

    Args:
        path: its folder.
        branch: the short name of the branch that is checked out there; empty where none is.
        own: whether it is the one that the check is made in.
        gone: why it is not there any more, as git says; empty where it is.
        environment: what git sees there.

    Attributes:
        path: its folder, for a person.
        branch, own: the same.
    """

    def __init__(
        self, path: str, *, branch: str, own: bool, gone: str, environment: Mapping[str, str]
    ) -> None:
        self.path = path_text(path.encode("utf-8", "surrogateescape"))
        self.branch = branch
        self.own = own
        self._folder = path
        self._environment = environment
        self._known: tuple[_Changes | None, str] | None = (None, gone) if gone else None

    @property
    def dirty(self) -> bool | None:
        """Whether it differs from its `HEAD`; new files count unless a `.gitignore` names them.

        None where that cannot be told; `problem` says why.
        """
        changes = self._told[0]
        return None if changes is None else bool(changes.nested or changes.entries)

    def beside(self, judged: Tree) -> bool:
        """Whether it has changes against its `HEAD` that are not in a tree, such as that of what is staged.

        Raises:
            MissingFact: the tree cannot be read.
        """
        changes = self._told[0]
        if changes is None:
            return False
        for entry in changes.entries:
            there = judged.find(entry.path)
            if (None if entry.deleted else (entry.new_mode, entry.new)) != (
                None if there is None else (there.mode, there.oid)
            ):
                return True
        return bool(changes.nested)

    @property
    def problem(self) -> str:
        """Why it cannot be told; empty where it can."""
        return self._told[1]

    @property
    def _told(self) -> tuple[_Changes | None, str]:
        if self._known is None:
            try:
                self._known = _changes(self._folder, self._environment), ""
            except SpecguardError as error:
                self._known = None, error.message
            except MissingFact as error:
                self._known = None, error.reason
        return self._known

    def __repr__(self) -> str:
        return f"Worktree({self.path!r})"


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
    try:
        here = os.path.realpath(repository.work_tree())
    except SpecguardError:
        here = ""
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


class _Changes:
    """What a working tree has that its `HEAD` does not.

    Attributes:
        entries: what differs.
        nested: whether a repository lies within it.
    """

    def __init__(self, entries: Sequence[Entry], *, nested: bool) -> None:
        self.entries = entries
        self.nested = nested


def _changes(path: str, environment: Mapping[str, str]) -> _Changes:
    from specguard.change.worktree import hash_work_tree

    with Git(Repository.locate(path, environment)) as git:
        start = git.repository.head or git.empty_tree
        hashed = hash_work_tree(git, start)
        return _Changes(list(git.diff_trees(start, hashed.tree)), nested=bool(hashed.nested))
