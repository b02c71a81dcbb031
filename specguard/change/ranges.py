"""Changes that are commits: a branch since its merge base, a range, a pull request, a ref being pushed.

A file that both sides changed differs from every parent although nobody edited it in the merge. So comparing
trees cannot separate a clean merge from one with its own content: the merge must be made again. Git does this
(`git merge-tree`, which writes no commit and runs nothing) in a temporary object store.

A merge or pick that is being concluded is made again in the same way, for the commits of the trusted base
that it adds. Other content of the index or the working tree is then the author's work.
"""

from __future__ import annotations

from functools import cached_property
from shlex import quote
from time import monotonic

from specguard.change.base import Base
from specguard.change.change import NO_TITLE, Change
from specguard.change.check_request import Event, Request, Revision, read_body
from specguard.change.entries import Commit, Entry, Message, read_commit_time, strip_pull_number
from specguard.change.process import CommandError
from specguard.change.repository import MERGE_HEADS, Branch, PullRequest, Push, Remote, short_branch
from specguard.change.tree import TreeEntry
from specguard.errors import MissingFact, NotApplicable, SpecguardError
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.base import FoundBase
    from specguard.change.git import Git
    from specguard.change.tree import Tree
    from specguard.change.worktree import HashedTree


def read_description(request: Request, event: Event) -> Event:
    """Return the platform's event, with the values of flags and files in place of its own.

    Raises:
        SpecguardError: the file with the pull request's body, or the one with its reviews, cannot be read.
    """
    values: dict[str, Any] = {} if request.title is None else {"title": request.title}
    if request.body_file:
        values["body"] = read_body(request.body_file)
    if request.reviews_file:
        # The file is newer than the event.
        from specguard.change.platform_event import read_reviews

        values["reviews"] = read_reviews(request.reviews_file)
    return event.with_values(**values)


_WITH_PULL_REQUEST: Final = ("pull-request", "run")


class RangeChange(Change, frozen=False, kw_only=True):
    """The commits of a head that its base does not have.

    Attributes:
        head: the judged commit.
        named: the head's name in the request; empty for `HEAD`.
    """

    head: Revision
    named: str = ""

    def _own_branch(self) -> Branch:
        ref = self.head.ref
        if self.named in ("", "HEAD", "@"):
            return super()._own_branch()
        if ref.startswith(("refs/heads/", "refs/remotes/")):
            return Branch(short_branch(ref), "head")
        raise NotApplicable(f"the head {self.named} is not a branch")

    @cached_property
    def base(self) -> Base:
        """The base of the change: the branch below or the trusted base, and the merge base with the head."""
        # The agent may have made the branch below too, so its guard judges everything since the base.
        whole = self.request.by_agent and not self.request.own_part
        against = self.found if whole else self.stacked_on or self.found
        head = self.head.oid
        if against.oid is None:
            return Base(self, against, start=None, head=head)
        merge_bases = self.git.merge_bases(against.oid, head)
        if not merge_bases:
            step = f"specguard check{f' --head {quote(self.named)}' if self.named else ''} --root"
            if self.stage == "push" and not self.request.pre_receive:
                step = "if that is meant, as of a page's branch: git push --no-verify"
            what = f"{against.name} and the head have no common ancestor"
            raise MissingFact(what, step, code="no-common-ancestor")
        to_server = against.how == "server" and self.push.remote_ref == against.ref
        if to_server or (against.how == "event" and self.event.exact):
            # A forced push to the base drops commits after the merge base, which only its old tip shows.
            merge_bases = [against.oid]
        return Base(self, against, start=merge_bases[0], head=head, merge_bases=merge_bases)

    @property
    def _stack_head(self) -> str | None:
        return self.head.oid

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """The differences between the merge base and the head.

        Two branches that were merged into each other have several merge bases. Then the differences from the
        merge of these count; if they conflict, the differences from any of them. Content that equals the
        base's tip is not a change.
        """
        base = self.base
        if len(base.merge_bases) < 2:
            return self._drop_merged(self._diff_from(base.start))
        tip_paths = {entry.path for entry in self._diff_from(base.tip)}
        since = [
            {entry.path: entry for entry in self._diff_from(start) if entry.path in tip_paths}
            for start in base.merge_bases
        ]
        found = {path: entry for entries in reversed(since) for path, entry in entries.items()}
        if any(entries != found for entries in since):
            found = self._diff_merged(base.merge_bases, found, tip_paths)
        return self._drop_merged([found[path] for path in sorted(found)])

    def _diff_merged(
        self, bases: Sequence[str], found: dict[bytes, Entry], tip_paths: set[bytes]
    ) -> dict[bytes, Entry]:
        """Return the differences from the merge of several merge bases, which git uses to merge the head.

        On a conflict, the differences found before count, which are never fewer. So do they if git cannot
        merge the bases, or if there are more than `BASES_MAX`.
        """
        if len(bases) > BASES_MAX:
            return found
        try:
            tree, conflicts = self.merges.merge_all(bases)
            merged = self.merges.commit(tree, *bases)
        except MissingFact:
            return found
        conflicting = {path: entry for path, entry in found.items() if path in conflicts}
        own = {entry.path: entry for entry in self._diff_from(merged) if entry.path in tip_paths}
        return {path: entry for path, entry in own.items() if path not in conflicts} | conflicting

    def _drop_merged(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Leave out entries that merges of the trusted base added since the head left the branch below."""
        base, trusted = self.base, self.found.oid
        if base.tip == trusted or base.start is None or trusted is None:
            # Rules list the files next. Only the comparison with trusted files has limited their number.
            self.git.start_names(self.git.commit(self.head.oid).tree)
            return entries
        before = self.git.merge_bases(trusted, base.start)
        since = self.git.merge_bases(trusted, self.head.oid)
        if before == since or not before:
            return entries
        merged = {(one.path, one.new_mode, one.new) for one in self.git.diff_trees(before[0], since[0])}
        return [one for one in entries if (one.path, one.new_mode, one.new) not in merged]

    def _diff_from(self, start: str | None) -> Sequence[Entry]:
        """Return the differences between a commit, or an empty tree, and the head."""
        if self.request.enforce:
            # For a final verdict, not even the repository's objects are trusted.
            before = self.git.commit(start).tree if start else ""
            self.git.measure([(before, self.git.commit(self.head.oid).tree)], "the change's entries")
        return self.git.diff_trees(start or self.git.empty_tree, self.head.oid)

    @cached_property
    def commits(self) -> Sequence[Commit]:
        """The commits of the head that neither the base nor the branch below has, parents before children."""
        # Unrelated histories have no range, although git would list one.
        bases = dict.fromkeys([self.base.tip, self.found.oid])
        commits = self.git.commits(self.git.revisions(self.head.oid, *bases))
        if len(commits) == 1 and commits[0].parents == [self.base.start] and self.source == "range":
            # Without a working tree on top, the entries of the change are the same comparison.
            commits[0].read = lambda: [self.entries]
        return commits

    def messages(self, merge: str) -> Sequence[Message]:
        """Return each commit's message; with `squash` the title that will land, or those that have landed."""
        if merge != "squash":
            return [commit.message for commit in self.commits]
        if not self.landed_titles and self.stage not in _WITH_PULL_REQUEST:
            raise NotApplicable(NO_TITLE)
        titles = self.landed_titles or {"": self.pull_request.require("title")}
        texts = {oid: strip_pull_number(one, landed=bool(oid)) for oid, one in titles.items()}
        read = [(oid, one.encode(errors="surrogateescape")) for oid, one in texts.items()]
        return [Message(raw, source="title", landed=oid or None) for oid, raw in read]

    @cached_property
    def landed_titles(self) -> Mapping[str, str]:
        """The subjects of the first-parent line by their commits, if it has landed, oldest first.

        A merge was not squashed, so has none.
        """
        known = {one.oid: one for one in self.commits} if self.event.kind == "push" else {}
        oid, line = self.head.oid, []
        while oid in known and self.base.is_landing:
            line.append(known[oid])
            oid = next(iter(known[oid].parents), "")
        return {one.oid: one.message.subject for one in reversed(line) if not one.is_merge}

    @cached_property
    def pull_request(self) -> PullRequest:
        """The pull request's text, from flags or else from the platform."""
        if self.stage not in _WITH_PULL_REQUEST:
            return super().pull_request
        event = self.event
        base = event.base if event.kind == "pull_request" else None
        return PullRequest(title=event.title, body=event.body, base=base, number=event.number)

    @cached_property
    def reviewers(self) -> frozenset[str]:
        """The accounts that approve exactly this head, from the platform's reviews."""
        if not self.event.reviews:
            return frozenset()
        from specguard.change.platform_event import NEVER, approvers

        committed = read_commit_time(self.git.object(self.head.oid)[1])
        return approvers(self.event.reviews, self.head.oid, NEVER if committed is None else committed)

    def review_notes(self) -> Iterator[tuple[str, str]]:
        """Yield the account of each approval that is not about this head, and a note on it."""
        if self.event.reviews:
            from specguard.change.platform_event import approvers

            head, reviews = self.head.oid, self.event.reviews
            for commit in dict.fromkeys(review.commit for review in reviews):
                what = "older than the commit" if commit == head else f"of {commit[:12]}, not of {head[:12]}"
                for login in sorted(approvers(reviews, commit) - self.reviewers):
                    yield login, f"The review by {login} is {what}: it does not count. Ask for a new one."

    @property
    def author_login(self) -> str:
        """The account of the pull request's author, from the platform's event."""
        return self.event.author or ""

    @cached_property
    def head_files(self) -> Tree:
        """The files of the head."""
        return self.git.tree_at(self.head.oid)


class BranchWithWorkTree(RangeChange, frozen=False, kw_only=True):
    """The commits of the checked-out branch, with the working tree on top of them.

    Attributes:
        hashed: the working tree.
    """

    source = "worktree"
    hashed: HashedTree

    def _diff_from(self, start: str | None) -> Sequence[Entry]:
        return self.hashed.since(start or self.git.empty_tree)

    @cached_property
    def head_files(self) -> Tree:
        """The files of the working tree."""
        return self.hashed.files


class RunChange(RangeChange, frozen=False, kw_only=True):
    """A run's change before its commit: it is on no branch yet, but the run knows its names.

    Attributes:
        pushed_to: the branch that it will be pushed to; empty if the item has none.
        title, body: the pull request's; empty if the item has none.
    """

    source = "worktree"
    stage = "run"
    pushed_to: str
    title: str = ""
    body: str = ""

    def _own_branch(self) -> Branch:
        if not self.pushed_to:
            raise NotApplicable("the run has no branch")
        return Branch(self.pushed_to, "run")

    @cached_property
    def origin(self) -> Remote:
        """The remote that the run pushes to, whatever its name."""
        from specguard.change.remotes import read_remote

        return read_remote(self.git.repository, self.remote)

    @cached_property
    def pull_request(self) -> PullRequest:
        """The text that the pull request will have."""
        if not self.title:
            raise NotApplicable("the run opens no pull request")
        return PullRequest(self.title, self.body, base=(self.stacked_on or self.found).name)


def change_of_push(git: Git, request: Request, found: FoundBase, push: Push) -> Change:
    """Return the change that one ref of a push makes.

    Raises:
        SpecguardError: the pushed object is not a commit, or a file of the request cannot be read.
        MissingFact: the object is not there.
    """
    if push.new is None:
        return RefAlone(git, request, found, remote=push.remote, pushed=push)
    return RangeChange(
        git, request, found, read_description(request, Event()), push.remote,
        stage="push", head=Revision(git.commit(push.new).oid), pushed=push,
    )  # fmt: skip


class RefAlone(Change, frozen=False, kw_only=True):
    """A push that changes no content, as it deletes a ref or only names commits: judged only as a push.

    Attributes:
        empty: True if the push only names commits that the remote has.
    """

    stage = "push"
    empty: bool = False
    _stack_head = None

    @property
    def _missing_reason(self) -> str:
        return f"{self.push.remote_ref} {'brings nothing new' if self.push.new else 'is deleted'}"

    @cached_property
    def base(self) -> Base:
        """The base's tip, with which nothing is compared."""
        return Base(self, self.found, start=self.found.oid, head=None)


PARENTS_MAX: Final = 1000
"""The maximum total of parents of merges with more than two: each parent needs its own processes."""

BASES_MAX: Final = 8
"""The maximum number of merge bases that are merged."""

MERGE_SECONDS: Final = 60
"""The time for git to make a change's merges, and a second more for each; crossing ones take for ever."""

# `merge-tree --stdin` came with git 2.39.
_MERGE: Final = ("merge-tree", "--stdin", "-z", "--name-only", "--no-messages", "--allow-unrelated-histories")
_COMMIT: Final = ("-c", "user.name=specguard", "-c", "user.email=specguard", "commit-tree", "-m", "redone")


class Redone(Record):
    """A merge commit, with its differences from the automatic merge of its parents.

    Entries lead from the automatic merge to the commit.

    Attributes:
        commit: the merge.
        own: the paths with content that no parent has, and that merging them does not give.
        resolved: such paths in which its parents conflict.
    """

    commit: Commit
    own: Sequence[Entry]
    resolved: Sequence[Entry]


class Merges(Record, frozen=False):
    """The merges of a change, each made again on request.

    Attributes:
        git: reads the repository's objects.
    """

    git: Git
    _seconds: float = MERGE_SECONDS

    def redo(self, commits: Sequence[Commit]) -> Iterator[Redone]:
        """Make those merges again that differ from all their parents somewhere; others add no content.

        Args:
            commits: merge commits.

        Raises:
            MissingFact: git is too old, or an object is not there.
        """
        suspects = [commit for commit in commits if commit.own_entries]
        if not suspects:
            return
        plain = [commit for commit in suspects if len(commit.parents) == 2]
        others = [commit for commit in suspects if len(commit.parents) > 2]
        if sum(len(commit.parents) for commit in others) > PARENTS_MAX:
            what = f"merges of more than two cannot be done again: more than {PARENTS_MAX:,} parents together"
            raise MissingFact(what, code="size-limit")
        made = self.merge([(commit.parents[0], commit.parents[1]) for commit in plain])
        merged = {one.oid: (tree, in_conflict(paths)) for one, (tree, paths) in zip(plain, made, strict=True)}
        merged.update((commit.oid, self.merge_all(commit.parents)) for commit in others)
        pairs = [(merged[commit.oid][0], commit.tree) for commit in suspects]
        for commit, entries in zip(suspects, self._compare(pairs), strict=True):
            mine = {entry.path for entry in commit.own_entries}
            differing, conflicts = [entry for entry in entries if entry.path in mine], merged[commit.oid][1]
            resolved = [entry for entry in differing if entry.path in conflicts]
            sides = [self.git.tree_at(parent) for parent in commit.parents[1:]]
            own = [one for one in differing if one.path not in conflicts and not _is_moved(one, sides)]
            yield Redone(commit, own, resolved)

    def merge(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, set[bytes]]]:
        """Return the tree of each automatic merge, and the paths in which it has conflicts.

        Raises:
            MissingFact: git is too old, or an object is not there.
        """
        if not pairs:
            return []
        self.git.use_scratch()
        lines = "".join(f"{one} {other}\n" for one, other in pairs).encode("ascii")
        process = self.git.start(*_MERGE, stdin=lines)
        began = monotonic()
        self._seconds += len(pairs)
        process.watch(_refuse_merge, self._seconds)
        try:
            # Two NULs end a merge, because no path is empty.
            merges = [one.split(b"\0") for one in process.read().split(b"\0\0")[:-1]]
        except CommandError as error:
            if error.code == 129:
                what = "a merge must be done again, and only git 2.39 or later can do that"
                raise MissingFact(what, code="program-missing") from error
            raise self.git.missing("what a merge joins", error.first_line) from error
        finally:
            self._seconds -= monotonic() - began
        if len(merges) != len(pairs) or any(one[0] not in (b"0", b"1") for one in merges):
            raise self.git.missing("what a merge joins", "git could not do the merge again")
        return [(tree.decode("ascii"), set(paths)) for _, tree, *paths in merges]

    def merge_all(self, parents: Sequence[str]) -> tuple[str, set[bytes]]:
        """Merge more than two parents, one after the other as git's own strategy does.

        Returns:
            The tree, and the paths in conflict, as `in_conflict`.
        """
        head, conflicts, tree = parents[0], set[bytes](), ""
        for position, other in enumerate(parents[1:], start=2):
            [(tree, found)] = self.merge([(head, other)])
            conflicts |= found
            if position < len(parents):
                head = self.commit(tree, head, other)
        return tree, in_conflict(conflicts)

    def commit(self, tree: str, *parents: str) -> str:
        """Return a new commit in the temporary object store."""
        named = [word for parent in parents for word in ("-p", parent)]
        return self.git.ask("what a merge joins", *_COMMIT, *named, tree).decode("ascii").strip()

    def _compare(self, pairs: Sequence[Sequence[str]]) -> list[list[Entry]]:
        """Return the differences of each pair of trees, from one comparison of two trees that contain all."""
        what, sides = "what a merge brings", zip(*pairs, strict=True)
        # An empty line ends a tree.
        lines = "".join(
            "".join(f"040000 tree {oid}\t{at:08}\n" for at, oid in enumerate(side)) + "\n" for side in sides
        )
        old, new = self.git.ask(what, "mktree", "--batch", stdin=lines.encode("ascii")).decode().split()
        found: list[list[Entry]] = [[] for _ in pairs]
        for entry in self.git.diff_trees(old, new):
            at, _, entry.path = entry.path.partition(b"/")
            found[int(at)].append(entry)
        return found


def _refuse_merge() -> None:
    raise MissingFact(f"git needs more than {MERGE_SECONDS} seconds to merge", code="time-limit")


def _is_moved(entry: Entry, trees: Sequence[Tree]) -> bool:
    """True if a tree has an entry's content outside of some of the folders, as before a subtree merge."""
    names, left = entry.path.split(b"/"), TreeEntry(entry.new_mode, entry.new)
    places = [b"/".join(names[depth:]) for depth in range(1, len(names))]
    return any(tree.find(place) == left for tree in trees for place in places)


class OpenMerge(Record):
    """The result of the merge or pick that is being concluded, without any manual change.

    Attributes:
        git: the repository to read.
        head: the commit that is checked out.
        commits: the commits that are merged or picked.
        tree: the resulting tree.
        conflicts: the paths in conflict; there the tree has both sides, with git's marks.
        is_pick: True for a pick, whose author may leave out any part.
    """

    git: Git
    head: str
    commits: Sequence[str]
    tree: str
    conflicts: set[bytes]
    is_pick: bool

    @cached_property
    def _sides(self) -> list[Tree]:
        """The files of `HEAD`, and of each of the commits."""
        return [self.git.tree_at(oid) for oid in (self.head, *self.commits)]

    def author_entries(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return the author's entries among those that lead from the tree to the judged files."""
        return [entry for entry in entries if not self._is_theirs(entry)]

    def _is_theirs(self, entry: Entry) -> bool:
        head, *theirs = self._sides
        conflict = entry.path in self.conflicts
        if any(tree.has(entry) for tree in theirs):
            # If their side did not change the path since, its content is older than that of `HEAD`.
            return conflict or self.origin(entry) is not None or head.has(entry)
        return head.has(entry) and (conflict or self.is_pick)

    def origin(self, entry: Entry) -> str | None:
        """Return the commit whose content to restore at an entry's path; None if that is `HEAD`."""
        was = self._sides[0].find(entry.path)
        if (was.mode, was.oid) == (entry.old_mode, entry.old) if was else not entry.old_mode:
            return None
        return self.commits[-1]


def find_open_merge(git: Git, tip: str) -> OpenMerge | None:
    """Return the merge or pick that is being concluded, for the commits of the trusted base that it adds.

    The files in which git records these commits can be written by anybody. So only commits count that the
    base's history has and that of `HEAD` lacks. Nothing older can come in this way, and nothing that was not
    let into the base. Of another branch that is merged, those count that it has from the base.

    Args:
        git: the repository to read.
        tip: the trusted base's tip.

    Returns:
        None if there is none.

    Raises:
        MissingFact: git is too old to make it, or an object is not there.
    """
    head = onto = git.repository.head or ""
    for name in MERGE_HEADS if head else ():
        picked = name != MERGE_HEADS[0]
        named = git.repository.read_merge_head(name)
        others = [oid for one in named for oid in _from_base(git, one, head, tip, picked=picked)]
        if not others:
            continue
        git.use_scratch()
        merges = Merges(git)
        if picked:
            # A pick is a merge whose common ancestor is the commit's parent.
            onto = merges.commit(git.commit(head).tree, *git.commit(others[0]).parents[:1])
        return OpenMerge(git, head, others, *merges.merge_all([onto, *others]), picked)
    return None


def _from_base(git: Git, oid: str, head: str, tip: str, *, picked: bool) -> list[str]:
    """Return what the base has of a commit's history and `HEAD` lacks; of a picked commit only itself."""
    try:
        oid = git.commit(oid).oid
        shared = git.merge_bases(oid, tip)
        return [one for one in shared if not picked or one == oid if git.merge_bases(one, head) != [one]]
    except (MissingFact, SpecguardError):
        return []


def in_conflict(paths: set[bytes]) -> set[bytes]:
    """Return paths in conflict, also without the `~` and name that git adds where a file meets a folder."""
    return paths | {path.rpartition(b"~")[0] for path in paths}
