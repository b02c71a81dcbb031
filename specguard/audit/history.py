"""A branch's history as the changes that landed on it, and git that answers for many of them at once.

Each commit of the first-parent line is one change: what it brought is what a check of the range from its
first parent to it judges. The changes of a slice are read by a few processes of git for all of them; what was
not read beforehand is asked for as by any check.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from specguard.change.git import Git
from specguard.declaration.rule import Record
from specguard.errors import MissingFact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from specguard.change.entries import Commit
    from specguard.change.repository import Repository


_LATEST: Final = 253_402_300_799
"""The last second of the year 9999, after which no date is told."""


class PastChange(Record):
    """One change of a branch's history.

    Attributes:
        head: the commit that landed, as a full object id.
        base: its first parent; empty for the first commit of all.
        at: its committer time, in seconds since 1970; 0 for one before that or after the year 9999.
    """

    head: str
    base: str
    at: int


def past_changes(git: Git, tip: str, *, without: str = "", most: int = 0) -> list[PastChange]:
    """The changes of a first-parent line, the newest first.

    Args:
        git: where they are read, by one process.
        tip: the newest commit.
        without: a commit whose history is left out; empty: none.
        most: how many at most; 0: all.

    Raises:
        MissingFact: the history does not reach that far, as in a shallow clone.
    """
    some = [f"--max-count={most}"] if most else []
    rest = [f"^{without}"] if without else []
    process = git.start("rev-list", "--first-parent", "--parents", "--timestamp", *some, tip, *rest, "--")
    changes = []
    for line in git.read(process, "the branch's history").decode("ascii").splitlines():
        at, head, *parents = line.split(" ")
        # Git has a time before 1970 as a huge number.
        time = int(at) if int(at) <= _LATEST else 0
        changes.append(PastChange(head, parents[0] if parents else "", time))
    return changes


_BRANCHES: Final = re.compile(
    r"Merge pull request #[0-9]+ from [^\s/]+/(?P<github>\S+)"
    r"|Merge (?:remote-tracking )?branch '(?P<git>[^']+)'(?! of )(?: into (?P<into>.*))?"
    r"|Merged in (?P<bitbucket>\S+) \(pull request #[0-9]+\)"
)
"""The subjects that GitHub, git and GitLab, and Bitbucket give to the merge of a branch."""


def merged_branch(commit: Commit, audited: str) -> str:
    """The branch that a merge says it has merged; empty where it says none.

    Args:
        commit: a commit of the audited branch's line.
        audited: that branch. A merge of it, or into another one, was made elsewhere and tells nothing.
    """
    found = _BRANCHES.fullmatch(commit.message.subject) if len(commit.parents) == 2 else None
    if found is None or (found["into"] or audited).strip("'") != audited:
        return ""
    name = (found["github"] or found["git"] or found["bitbucket"]).removeprefix("origin/")
    return "" if name == audited else name


class PastGit(Git):
    """Git on the changes of one slice of a history, whose commits and comparisons are read beforehand.

    Args:
        repository: whose history.
        changes: the slice, oldest first, each the base of the next one.

    Raises:
        MissingFact: the history is not all there.
    """

    def __init__(self, repository: Repository, changes: Sequence[PastChange]) -> None:
        super().__init__(repository.without_work_tree())
        self._past: dict[str, Commit] = {}
        self._listed: dict[str, list[bytes]] = {}
        base, tip = changes[0].base, changes[-1].head
        rest = [f"^{base}"] if base else []
        process = self.start("rev-list", "--topo-order", "--reverse", "--parents", tip, *rest, "--")
        lines = self.read(process, "the branch's history").decode("ascii").splitlines()
        parents = {oid: others for oid, *others in (line.split(" ") for line in lines)}
        self._brought = _brought_by(changes, parents)
        self._past = {commit.oid: commit for commit in super().commits(list(parents))}
        self._landed = [self._past[change.head] for change in changes]
        self._place = {commit.tree: place for place, commit in reversed([*enumerate(self._landed)])}

    def commit(self, oid: str) -> Commit:
        """The commit of this object id, as for any repository."""
        return self._past.get(oid) or super().commit(oid)

    def commits(self, oids: Sequence[str]) -> list[Commit]:
        """The commits of these object ids, in this order."""
        if all(oid in self._past for oid in oids):
            return [self._past[oid] for oid in oids]
        return super().commits(oids)

    def revisions(self, head: str, *without: str | None) -> list[str]:
        """The commits of a head that other commits do not have, every parent before its children."""
        brought = self._brought.get(head)
        if brought is not None and self._past[head].parents[:1] == list(without):
            return list(brought)
        return super().revisions(head, *without)

    def list_tree(self, tree: str, what: str, *options: str, spare: int = 0) -> list[bytes]:
        """The lines of `ls-tree -r`; a list of names follows from that of an earlier change."""
        if options != ("--name-only",):
            return super().list_tree(tree, what, *options, spare=spare)
        names = self._listed.get(tree) or self._names_in(tree)
        if names is None or len(names) > self.max_entries + spare:
            names = super().list_tree(tree, what, *options, spare=spare)
        names.sort()
        # Rules compare the files of a change with those of its base.
        self._listed = dict([*self._listed.items()][-1:]) | {tree: names}
        return [*names]

    def _names_in(self, tree: str) -> list[bytes] | None:
        """The names in the tree of a change, from those of an earlier change and what has come since."""
        for known, names in self._listed.items():
            first, last = self._place.get(known), self._place.get(tree)
            if first is None or last is None or first > last:
                continue
            try:
                entries = [entry for one in self._landed[first + 1 : last + 1] for entry in one.diffs[0]]
            except MissingFact:
                # What one change does is too much to be read; its files may be listed all the same.
                return None
            there = dict.fromkeys(names)
            for entry in entries:
                if entry.deleted:
                    there.pop(entry.path, None)
                elif entry.added:
                    there[entry.path] = None
            return [*there]
        return None


def _brought_by(
    changes: Sequence[PastChange], parents: Mapping[str, Sequence[str]]
) -> Mapping[str, Sequence[str]]:
    """The commits that each change brought, by its head, where only one order of them is possible."""
    found: dict[str, list[str]] = {change.head: [] for change in changes}
    owner: dict[str, str] = {}
    for change in changes:
        left = [change.head]
        while left:
            oid = left.pop()
            if oid in parents and oid not in owner:
                owner[oid] = change.head
                left += parents[oid]
    forked = set()
    for oid, others in parents.items():
        head = owner[oid]
        found[head].append(oid)
        if sum(owner.get(other) == head for other in others) > 1:
            forked.add(head)
    return {head: oids for head, oids in found.items() if head not in forked}
