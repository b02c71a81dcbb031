"""The change that is judged, with its facts; each is read once, when it is first needed."""

from __future__ import annotations

from functools import cached_property

from specguard.change.base import Found, branch_below, default_base, named_base, papers_of
from specguard.change.entries import Commit, Entry, Message, is_filed, sha256
from specguard.change.repository import Base, Branch, PullRequest, Push, Ref, Remote, short_branch, short_name
from specguard.change.tree import Tree
from specguard.declaration.rule import Record
from specguard.errors import MissingFact, Needed, NotApplicable, if_known
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence, Set
    from typing import Any, Final, Self

    from specguard.change.base import Lower
    from specguard.change.check_request import Request
    from specguard.change.git import Git, History
    from specguard.change.lines import Lines
    from specguard.change.platform_event import Event
    from specguard.change.ranges import Joined, Merges
    from specguard.model import Stage


_PLAIN_FILE = 0o100644


class Bookkeeping(Record):
    """Tells the commits and files of a change that keep its books from those that are its work.

    Books are the log of approvals, and, where the policy has runs committed (`[runs] keep = "tree"`), the
    folder of runs: what is added there beside the work. What the base has there already is evidence of
    others, and whoever alters it is judged as for any other file.

    Attributes:
        change: the change.
        log: what the paths of the log of approvals begin with, a slash at its end.
        runs: gives the same of the folder of runs; empty if runs are not committed.
        squash: whether a branch lands as one commit, in which work and books are not told apart.
    """

    change: Change
    log: bytes
    runs: Callable[[], bytes]
    squash: bool

    def is_all_of(self, commit: Commit) -> bool:
        """True if a commit does nothing but file approvals and runs.

        Args:
            commit: one of the change's.

        Raises:
            MissingFact: its files are not there.
        """
        entries = commit.diffs[0] if len(commit.parents) == 1 and commit.diffs else ()
        # A run's files are those that the change adds in the end.
        return bool(entries) and all(
            is_filed(entry, self.log) or bool(self.runs() and entry.path in self._filed) for entry in entries
        )

    def has(self, entry: Entry) -> bool:
        """True if an entry is a run's file that the change adds, and no commit that works adds it.

        Where there are no commits yet, any that is added counts; but none that an agent edits, or has made in
        the place of a run: a run files its own evidence, and not what the agent says of it.

        Args:
            entry: one of the change's.

        Raises:
            MissingFact: the files of a commit are not there.
        """
        if not self.runs() or self.change.stage in ("edit", "run") or entry.path not in self._filed:
            return False
        return self.squash or entry.path not in self._work

    @cached_property
    def _filed(self) -> Set[bytes]:
        """The run's files that the change adds, as plain files."""
        runs = self.runs()
        return {
            entry.path
            for entry in self.change.entries
            if entry.added and entry.new_mode == _PLAIN_FILE and entry.path.startswith(runs)
        }

    @cached_property
    def _work(self) -> Set[bytes]:
        """The paths that commits touch which are not bookkeeping."""
        try:
            commits = [commit for commit in self.change.commits if not self.is_all_of(commit)]
        except NotApplicable:
            commits = []
        return {entry.path for commit in commits for entry in commit.own_entries}


BASELINE: Final = b".specguard/baseline.json"
"""Where the findings are counted that a repository had when it began."""


class Change(Record, frozen=False):
    """A change to judge. The subclasses define their entries, commits and trees.

    A property that a kind of change does not have raises `NotApplicable`, one that cannot be read raises
    `MissingFact`; see `specguard.engine.facts.Facts` for what each means.

    Attributes:
        git: where everything is read.
        request: what was asked for.
        found: the base, and how it was found.
        event: what the platform says about the change, and what the request says in its place.
        remote: the remote whose branches are meant.
        source: `range`, `staged`, `worktree`, `patch`, `edit` or `commit-message`.
        stage: the moment of the check.
        item_branches: for a judged branch, what tells by its name whether another one is an item's; None
            where stacks are not looked for.
        below: the branch that is given as the base, where that is an item's; None for any other.
        notes: sentences about the change that a reader of the verdict must see.
    """

    git: Git
    request: Request
    found: Found
    event: Event | None = None
    remote: str = "origin"
    source: str = "range"
    stage: Stage = "range"
    item_branches: Callable[[str], Lower] | None = None
    below: Found | None = None

    @cached_property
    def whole(self) -> bool:
        """True if the whole tree is judged (`--all`), and not only what the change touches."""
        return self.request.all

    def with_base(self, name: str) -> Self:
        """The same change, taken against the base that a policy names.

        Args:
            name: the policy's `base`; empty if it has none.

        Returns:
            The change itself where the caller or the platform named the base, where there is none on purpose,
            or where it is the same commit.

        Raises:
            SpecguardError: there is no such base.
        """
        if not name or self.found.given or self.found.how == "none":
            return self
        with Needed():
            found = named_base(self.git, name, "policy", remote=self.remote)
        if self.found.how == "local":
            # What only this machine takes for a base proves no other one.
            found.how = "local"
        if found.oid == self.found.oid and self.found.how != "head":
            return self
        return self._moved(found)

    def on_branch_of_item(self, default: Found) -> Self:
        """The same change where the base that is given is an item's branch: that is what it stands on.

        Args:
            default: the default branch, which everything trusted is read from.
        """
        other = self._moved(default)
        other.below = self.found
        return other

    def default_base(self) -> Found | None:
        """The default branch; None if none is told, and none of the usual ones is there.

        Raises:
            SpecguardError: the one that the platform names is not there.
        """
        with Needed():
            return default_base(self.git, self.request, self.event, remote=self.remote)

    @property
    def into(self) -> str:
        """The short name of the branch that is given as the base; empty if no name is."""
        return short_branch(self.found.ref) or (self.event.base if self.event is not None else None) or ""

    def _moved(self, found: Found) -> Self:
        other = object.__new__(type(self))
        # What is cached under a fact's name may depend on the base; what was begun goes on.
        own = vars(self).items()
        facts = (property, cached_property)
        kept = {name: value for name, value in own if not isinstance(getattr(Change, name, None), facts)}
        vars(other).update(kept)
        other.found = found
        return other

    def as_whole(self) -> Self:
        """The same change, where the whole tree is judged."""
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        other.whole = True
        return other

    # Facts that every change has

    @property
    def policy_files(self) -> Tree:
        """The files that the policy is read from: the base's, or the judged ones where there is no base."""
        return self.base_files if self.found.oid else self.head_files

    @cached_property
    def base_files(self) -> Tree:
        """The files of the base's tip; none if there is no base."""
        return self._files(self.found.oid)

    @cached_property
    def stacked_on(self) -> Found | None:
        """The branch that the change stands on and that the base does not have yet; None if there is none.

        Where the base is given, that is what the change is judged against.
        """
        if self.below is not None or self.item_branches is None or self._branches_from is None:
            return self.below
        if not self.found.trusted or self.request.enforce:
            return None
        if self.found.given and self.found.how != "pin":
            return None

        # Whether a detached HEAD has a branch to tell depends on its entries, which then are those of all.
        vars(self)["stacked_on"] = None
        try:
            own, own_names, of = self.branch.name, self.own_names, self.item_branches
            return branch_below(
                self.git, self._branches_from, self.found,
                own=own_names, remote=self.remote, items=lambda: of(own), at_head=self.source != "range",
            )  # fmt: skip
        except (MissingFact, NotApplicable):
            # Without it the whole change is judged.
            return None

    @property
    def known_below(self) -> Found | None:
        """The same, as far as it was asked for: what is no commit yet has its start whatever it stands on."""
        return self.stacked_on if self.source == "range" else vars(self).get("stacked_on", self.below)

    @property
    def own_names(self) -> frozenset[str]:
        """The short names of the branch that is judged."""
        return frozenset([self.branch.name])

    @property
    def _branches_from(self) -> str | None:
        """The commit whose history tells what the change stands on."""
        return self.git.repository.head

    @cached_property
    def paper_files(self) -> Tree:
        """The files that items, their lists and their documents are read from.

        They are the base's; where it has nothing at a path, those of the branch that the change stands on.
        """
        below = self.stacked_on
        if below is None or below.oid is None or self.found.oid is None:
            return self.base_files

        return papers_of(self.git, self.found.oid, below.oid)

    @cached_property
    def history(self) -> History:
        """The messages of the base's history, and of the branch that the change stands on."""
        from specguard.change.git import History

        below = self.stacked_on
        return History(self.git, self.found.oid, *([below.oid] if below else []))

    @cached_property
    def origin(self) -> Remote:
        """The remote named `origin`."""
        from specguard.change.remotes import read_remote

        return read_remote(self.git.repository)

    @cached_property
    def refs(self) -> Sequence[Ref]:
        """The branches of the repository and of its remotes."""
        return self.git.repository.branches()

    @cached_property
    def lines(self) -> Lines:
        """The lines that the change adds and removes."""
        from specguard.change.lines import Lines

        return Lines(self.git)

    @cached_property
    def merges(self) -> Merges:
        """The change's merge commits, each done again when it is asked for."""
        from specguard.change.ranges import Merges

        return Merges(self.git)

    @property
    def joined(self) -> Joined | None:
        """The merge or pick that is being concluded; None if what is judged is nothing of the kind."""
        return None

    def is_put_back(self, entry: Entry) -> bool:
        """True if an entry leaves at its path what the trusted base has there.

        Raises:
            MissingFact: a tree object is not there.
        """
        return self.found.trusted and self.found.oid is not None and self.base_files.has(entry)

    @cached_property
    def branch(self) -> Branch:
        """The branch that is judged."""
        if self.request.branch:
            return Branch(self.request.branch.removeprefix("refs/heads/"), "option")
        if self.event is not None:
            if self.event.branch:
                return Branch(self.event.branch, "event")
            if self.event.kind == "merge_group":
                raise NotApplicable("a merge queue's branch is the platform's own")
            if self.event.kind == "push":
                raise NotApplicable("what the platform's event is about is no branch")
        return self._own_branch()

    def _own_branch(self) -> Branch:
        name = self.git.repository.branch or self.git.repository.rebased()
        if name is None:
            if self.empty:
                raise NotApplicable("HEAD is detached, and nothing has changed whose branch could be known")
            if self.stage in ("edit", "staged", "commit-msg") or self.request.by_agent:
                raise NotApplicable("HEAD is detached, and before a push no branch has to be known")
            raise MissingFact(
                "HEAD is detached, so no branch is known",
                "specguard check --branch NAME",
                code="detached-head",
            )
        return Branch(short_name(name), "HEAD")

    @cached_property
    def pull_request(self) -> PullRequest:
        """The pull request's text."""
        if self.event is not None and self.event.kind == "merge_group":
            raise NotApplicable("in a merge queue there is no pull request's text")
        raise NotApplicable("there is no pull request at this stage")

    @property
    def reviewers(self) -> frozenset[str]:
        """The accounts that approve exactly this head; none if no platform says so.

        They are written as the platform has them, and are the same in either case.
        """
        return frozenset()

    @property
    def author_login(self) -> str:
        """The account of the pull request's author; empty if no platform says whose it is."""
        return ""

    @property
    def push(self) -> Push:
        """The ref that is being pushed."""
        raise NotApplicable("nothing is being pushed")

    # What the kinds of changes have

    @property
    def _lacking(self) -> str:
        """Why a kind of change has none of the following that it does not tell of."""
        return "what is judged is no commit yet"

    @property
    def entries(self) -> Sequence[Entry]:
        """All entries that the change adds, modifies and deletes, by path."""
        raise NotApplicable(self._lacking)

    @property
    def commits(self) -> Sequence[Commit]:
        """The change's commits, oldest first."""
        raise NotApplicable(self._lacking)

    @cached_property
    def touching(self) -> Mapping[bytes, Sequence[Commit]]:
        """The commits that change each path, oldest first."""
        found: dict[bytes, list[Commit]] = {}
        for commit in self.commits:
            for entry in commit.own_entries:
                found.setdefault(entry.path, []).append(commit)
        return found

    def messages(self, merge: str) -> Sequence[Message]:  # noqa: ARG002 - not every kind has one
        """The commit messages to judge, by the policy's way to merge: `rebase`, `merge` or `squash`."""
        raise NotApplicable(self._lacking)

    @property
    def base(self) -> Base:
        """The base that the change is compared with."""
        raise NotApplicable(self._lacking)

    @cached_property
    def start_files(self) -> Tree:
        """The files before the change."""
        return self._files(self.base.start)

    @property
    def head_files(self) -> Tree:
        """The files after the change."""
        raise NotApplicable(self._lacking)

    def _files(self, commit: str | None, changes: Sequence[Entry] = ()) -> Tree:
        return Tree(self.git, self.git.commit(commit).tree if commit else None, changes)

    # What a report says

    @property
    def notes(self) -> list[str]:
        """Sentences about the change that a reader of the verdict must see."""
        if self.found.how in ("head", "none"):
            where = "HEAD's" if self.found.oid else "the judged tree's own"
            return [f"There is no base: {where} policy judges, and is not trusted."]
        if self.found.how == "local":
            name = self.found.name
            branch, base = if_known(lambda: self.branch, None), if_known(lambda: self.base, None)
            if branch and base and base.head and base.is_branch(branch, self.stage):
                return [f"{name} is taken for the base itself, so nothing is judged against it."]
            return [f"{name} is taken for the base, and is not trusted; name one with --base."]
        return []

    @property
    def empty(self) -> bool:
        """True if there is nothing to judge: neither entries nor commits."""
        if if_known(lambda: self.entries, True):
            return False
        try:
            return not self.commits
        except NotApplicable:
            return True
        except MissingFact:
            return False

    def fingerprint(self, log: bytes = b"", paths: Collection[bytes] | None = None) -> str:
        """An identity of the change that does not depend on its commits, as hexadecimal digits.

        It is the sha256 over `specguard-change-v1`, the object format and then of each entry, in order, its
        modes, object ids, status and path, each ended by NUL.

        Args:
            log: the folder of the log of approvals; records added there are left out, or an approval would
                change what it approves. Empty: nothing is.
            paths: the paths whose entries are meant; None for all.

        Raises:
            MissingFact, NotApplicable: as `entries`.
        """
        parts = [b"specguard-change-v1\0", self.git.repository.format.encode(), b"\0"]
        rows = sorted(
            (entry.path, entry.old_mode, entry.new_mode, entry.old, entry.new, entry.status)
            for entry in self.entries
            if (paths is None or entry.path in paths) and not (log and is_filed(entry, log))
        )
        for path, old_mode, new_mode, old, new, status in rows:
            parts += (f"{old_mode:06o}\0{new_mode:06o}\0{old}\0{new}\0{status}\0".encode(), path, b"\0")
        return sha256(b"".join(parts)).hexdigest()

    def summary(self, log: bytes = b"", *, identify: bool = True) -> dict[str, Any]:
        """The `change` object of the JSON report, without its work item; what is not known is None.

        Args:
            log: the folder of the log of approvals, which the fingerprint leaves out.
            identify: whether the fingerprint is wanted, which costs as much as a rule.
        """
        base = if_known(lambda: self.base, None)
        branch = if_known(lambda: self.branch, None)
        commits = if_known(lambda: self.commits, None)
        entries = if_known(lambda: self.entries, None)
        below = self.known_below
        return {
            "source": self.source,
            "stage": self.stage,
            "base": self.found.oid,
            "head": base.head if base else None,
            "merge_base": base.start if base else None,
            "stacked_on": below.name if below else None,
            "branch": path_text(branch.name.encode("utf-8", "surrogateescape"))
            if branch is not None
            else None,
            "commits": None if commits is None else len(commits),
            "entries": None if entries is None else len(entries),
            "fingerprint": self.fingerprint(log) if identify and entries is not None else None,
        }
