"""Changes that are commits: a branch since its merge base, a range, a pull request, a ref being pushed."""

from __future__ import annotations

import re
from functools import cached_property

from specguard.change.change import Change
from specguard.change.commit import Message
from specguard.change.facts import Base, Branch, PullRequest
from specguard.change.given import read_body
from specguard.change.tree import Tree
from specguard.errors import MissingFact, NotApplicable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    from specguard.change.base import Found
    from specguard.change.commit import Commit
    from specguard.change.entry import Entry
    from specguard.change.event import Event
    from specguard.change.facts import Push
    from specguard.change.git import Git
    from specguard.change.request import Request
    from specguard.change.reviews import Review
    from specguard.change.revision import Revision
    from specguard.change.worktree import WorkTree

_WITH_PULL_REQUEST: Final = ("pull-request", "run")
_SQUASH_SUFFIX: Final = re.compile(r" \(#[0-9]+\)$")


class RangeChange(Change):
    """The commits of a head that its base does not have.

    Args:
        git, request, found, event, remote: as for `Change`.
        head: the judged commit.
        named: how the head was named; empty for `HEAD`.

    Raises:
        SpecguardError: the file with the pull request's body, or the one with its reviews, cannot be read.
    """

    source = "range"

    def __init__(
        self,
        git: Git,
        request: Request,
        found: Found,
        *,
        head: Revision,
        named: str = "",
        event: Event | None = None,
        remote: str = "origin",
    ) -> None:
        super().__init__(git, request, found, event=event, remote=remote)
        self._head = head
        self._named = named
        self._body = read_body(request.body_file) if request.body_file else None
        self._reviews = _reviews(request, event)
        if _has_pull_request(request, event):
            self.stage = "pull-request"

    def _own_branch(self) -> Branch:
        ref = self._head.ref
        if self._named in ("", "HEAD", "@"):
            return super()._own_branch()
        if ref.startswith("refs/heads/"):
            return Branch(ref.removeprefix("refs/heads/"), "head")
        if ref.startswith("refs/remotes/") and ref.count("/") > 2:
            return Branch(ref.split("/", 3)[3], "head")
        raise NotApplicable(f"the head {self._named} is no branch")

    @cached_property
    def base(self) -> Base:
        """What the change is compared with: the tip of what it stands on, and where the head left it."""
        # What an agent has made may be such a branch: its guard sees all since the base.
        whole = self.request.by_agent and not self.request.own_part
        against = (None if whole else self.stacked_on) or self.found
        tip, head = against.oid, self._head.oid
        if tip is None:
            return Base(self, name=self.found.name, tip=None, start=None, head=head, trusted=False)
        merge_bases = self.git.merge_bases(tip, head)
        if not merge_bases:
            raise MissingFact(
                f"{against.name} and the head have no common ancestor",
                "specguard check --root",
                code="no-common-ancestor",
            )
        return Base(
            self,
            name=against.name,
            tip=tip,
            start=merge_bases[0],
            head=head,
            trusted=self.found.trusted,
            merge_bases=merge_bases,
            stacked=against is not self.found,
            of_files=self.source == "worktree",
        )

    @property
    def _branches_from(self) -> str | None:
        return self._head.oid

    def is_put_back(self, entry: Entry) -> bool:
        """Whether an entry leaves at its path what the trusted base has there, or had when it began."""
        began = len(self.base.merge_bases) == 1 and not self.base.stacked
        return super().is_put_back(entry) or (began and self.start_files.has(entry))

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """What differs between the merge base and the head.

        Two branches that were merged into each other have several merge bases: what differs from the merge of
        these counts, and where they conflict what differs from any of them. What is as the base's tip has it
        is no change.
        """
        base = self.base
        if len(base.merge_bases) < 2:
            return self._without_merged(self._since(base.start))
        ahead = {entry.path for entry in self._since(base.tip)}
        since = [
            {entry.path: entry for entry in self._since(start) if entry.path in ahead}
            for start in base.merge_bases
        ]
        found = {path: entry for entries in reversed(since) for path, entry in entries.items()}
        if any(entries != found for entries in since):
            found = self._since_merged(base.merge_bases, found, ahead)
        return self._without_merged([found[path] for path in sorted(found)])

    def _since_merged(
        self, bases: Sequence[str], found: dict[bytes, Entry], ahead: set[bytes]
    ) -> dict[bytes, Entry]:
        """What differs from the merge of several merge bases; in a conflict, what was found already."""
        from specguard.change.merges import Merges, in_conflict

        try:
            merged, conflicts = Merges(self.git).virtual_base(bases)
        except MissingFact:
            # Then what differs from any of them counts, which is never less.
            return found
        kept = {path: entry for path, entry in found.items() if in_conflict(path, conflicts)}
        own = {entry.path: entry for entry in self._since(merged) if entry.path in ahead}
        return {path: entry for path, entry in own.items() if not in_conflict(path, conflicts)} | kept

    def _without_merged(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """What is not the trusted base's own, merged since the branch below left it."""
        base, trusted = self.base, self.found.oid
        if base.tip == trusted or base.start is None or trusted is None:
            return entries
        before = self.git.merge_bases(trusted, base.start)
        since = self.git.merge_bases(trusted, self._head.oid)
        if before == since or not before:
            return entries
        merged = {(one.path, one.new_mode, one.new) for one in self.git.diff_trees(before[0], since[0])}
        return [one for one in entries if (one.path, one.new_mode, one.new) not in merged]

    def _since(self, start: str | None) -> Sequence[Entry]:
        """What differs between a commit, or nothing, and the head."""
        if self.request.enforce:
            # Where a verdict is final, not even the repository's objects are believed.
            before = self.git.commit(start).tree if start else ""
            self.git.measure([(before, self.git.commit(self._head.oid).tree)], "the change's entries")
        return self.git.diff_trees(start or self.git.empty_tree, self._head.oid)

    @cached_property
    def commits(self) -> Sequence[Commit]:
        """The commits of the head that the base does not have, every parent before its children."""
        # Unrelated histories have no range, although git would list one.
        base = self.base
        bases = [oid for oid in (base.tip, self.found.oid) if oid]
        commits = self.git.commits(self.git.revisions(self._head.oid, *dict.fromkeys(bases)))
        if len(commits) == 1 and commits[0].parents == [base.start]:
            commits[0].differs_by(lambda: self.entries)
        return commits

    def messages(self, merge: str) -> Sequence[Message]:
        """Each commit's message; with `squash` the title that will land."""
        if merge != "squash":
            return [commit.message for commit in self.commits]
        if self.stage not in _WITH_PULL_REQUEST:
            raise NotApplicable(
                'with merge = "squash" the pull request\'s title is judged, once there is one'
            )
        title = self.pull_request.title
        if title is None:
            raise MissingFact(
                "the pull request's title is not known", "specguard check --pr-title TEXT", code="not-told"
            )
        plain = _SQUASH_SUFFIX.sub("", title)
        return [Message(plain.encode("utf-8", "surrogateescape"), source="title")]

    @cached_property
    def pull_request(self) -> PullRequest:
        """The pull request's text, from flags or else from the platform."""
        if self.stage not in _WITH_PULL_REQUEST:
            return super().pull_request
        event, title, body = self._event, self.request.title, self._body
        if event is None or event.kind != "pull_request":
            return PullRequest(title=title, body=body)
        return PullRequest(
            title=event.title if title is None else title,
            body=event.body if body is None else body,
            base=event.base,
            number=event.number,
        )

    @cached_property
    def reviewers(self) -> frozenset[str]:
        """Those who approve exactly this head, as the platform's reviews say."""
        if not self._reviews:
            return frozenset()
        from specguard.change.raw import read_commit_time
        from specguard.change.reviews import NEVER, approving

        head = self._head.oid
        _, content = self.git.object(head)
        committed = read_commit_time(content)
        return approving(self._reviews, head, NEVER if committed is None else committed)

    @property
    def author_login(self) -> str:
        """The account of the pull request's author, as the platform's event says."""
        return (self._event.author if self._event is not None else None) or ""

    @cached_property
    def head_files(self) -> Tree:
        """The files of the head."""
        return self._files(self._head.oid)


class BranchWithWorkTree(RangeChange):
    """The commits of the branch that is checked out, and on top of them the working tree as it is.

    Args:
        git, request, found, head, named, event: as for `RangeChange`.
        work: the working tree.
    """

    source = "worktree"

    def __init__(self, git: Git, request: Request, found: Found, *, work: WorkTree, **more: Any) -> None:
        super().__init__(git, request, found, **more)
        self._work = work

    def _since(self, start: str | None) -> Sequence[Entry]:
        entries = self.git.diff_trees(start or self.git.empty_tree, self._work.tree)
        return sorted([*entries, *self._work.nested], key=lambda entry: entry.path)

    @cached_property
    def commits(self) -> Sequence[Commit]:
        """The commits of the branch that the base does not have; what is on top of them is none."""
        return self.git.commits(self.git.revisions(self._head.oid, self.base.tip))

    @cached_property
    def head_files(self) -> Tree:
        """The files of the working tree."""
        return Tree(self.git, self._work.tree, self._work.nested)


class RunChange(RangeChange):
    """What a run is about to commit: a commit that is on no branch yet, with the names that it will have.

    Args:
        git, request, found, head: as for `RangeChange`.
        branch: the branch that it will be pushed to; empty where the item has none.
        title, body: the pull request's; empty where the item has none.
    """

    source = "worktree"

    def __init__(
        self, git: Git, request: Request, found: Found, *, head: Revision, branch: str, title: str, body: str
    ) -> None:
        super().__init__(git, request, found, head=head, named=head.oid)
        self.stage = "run"
        self._names = branch, title, body

    def _own_branch(self) -> Branch:
        if not self._names[0]:
            raise NotApplicable("the run has no branch")
        return Branch(self._names[0], "run")

    @cached_property
    def pull_request(self) -> PullRequest:
        """The text that the pull request will have."""
        _, title, body = self._names
        if not title:
            raise NotApplicable("the run opens no pull request")
        return PullRequest(title=title, body=body, base=(self.stacked_on or self.found).name)


class PushedChange(RangeChange):
    """The commits that a push brings to one ref of a remote."""

    stage = "push"

    def __init__(self, git: Git, request: Request, found: Found, *, head: Revision, push: Push) -> None:
        super().__init__(git, request, found, head=head, named=push.local_ref, remote=push.remote)
        self.stage = "push"
        self._push = push

    def _own_branch(self) -> Branch:
        return _pushed_branch(self._push)

    @property
    def own_names(self) -> frozenset[str]:
        """The names of the branch here and at the remote."""
        return super().own_names | {self._push.local_ref.removeprefix("refs/heads/")}

    @property
    def push(self) -> Push:
        """The ref that is being pushed."""
        return self._push


class DeletedRef(Change):
    """The deletion of a ref of a remote: it has no entries and no commits, and is judged as a push alone."""

    stage = "push"

    def __init__(self, git: Git, request: Request, found: Found, *, push: Push) -> None:
        super().__init__(git, request, found, remote=push.remote)
        self._push = push

    @property
    def _branches_from(self) -> str | None:
        return None

    def _own_branch(self) -> Branch:
        return _pushed_branch(self._push)

    @property
    def push(self) -> Push:
        """The ref that is being deleted."""
        return self._push

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """None: the ref is deleted."""
        raise self._absent()

    @cached_property
    def commits(self) -> Sequence[Commit]:
        """None: the ref is deleted."""
        raise self._absent()

    def messages(self, merge: str) -> Sequence[Message]:  # noqa: ARG002 - no way to merge gives one
        """None: the ref is deleted."""
        raise self._absent()

    @cached_property
    def base(self) -> Base:
        """The base's tip, with which nothing is compared."""
        tip = self.found.oid
        return Base(self, name=self.found.name, tip=tip, start=tip, head=None, trusted=self.found.trusted)

    @cached_property
    def head_files(self) -> Tree:
        """None: the ref is deleted."""
        raise self._absent()

    def _absent(self) -> NotApplicable:
        return NotApplicable(f"{self._push.remote_ref} is deleted")


def _pushed_branch(push: Push) -> Branch:
    if push.remote_ref.startswith("refs/heads/"):
        return Branch(push.remote_ref.removeprefix("refs/heads/"), "push")
    raise NotApplicable(f"{push.remote_ref or 'what is pushed'} is no branch")


def _reviews(request: Request, event: Event | None) -> Sequence[Review]:
    """What reviewers said: a file that is given is newer than the event, and has all of it."""
    if not request.reviews_file:
        return event.reviews if event is not None else ()
    from specguard.change.reviews import read_reviews

    return read_reviews(request.reviews_file)


def _has_pull_request(request: Request, event: Event | None) -> bool:
    if event is not None and event.kind == "merge_group":
        return False
    given = request.title is not None or bool(request.body_file)
    return given or (event is not None and event.kind == "pull_request")
