"""The judged change with its facts; each fact is read once, when it is first needed."""

from __future__ import annotations

from functools import cached_property

from specguard.change.base import FoundBase, find_branch_below, named_base, paper_tree
from specguard.change.check_request import Event, Request
from specguard.change.entries import FILE, Commit, Entry, Message, is_filed, is_record, sha256
from specguard.change.repository import Branch, PastCommit, short_branch, short_name
from specguard.change.tree import Documents, Tree
from specguard.errors import MissingFact, Needed, NotApplicable, if_applicable, if_known
from specguard.model import TYPE_CHECKING, Record, grouped, path_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
    from typing import Any, ClassVar, Final, Self

    from specguard.change.base import Base, BranchMatcher
    from specguard.change.git import Git, History
    from specguard.change.lines import Lines
    from specguard.change.ranges import Merges, OpenMerge
    from specguard.change.repository import PullRequest, Push, Ref, Remote
    from specguard.model import Finding, Stage


NO_TITLE: Final = 'with merge = "squash" the pull request\'s title is judged, once there is one'
"""The reason why a message is not judged that the pull request's title will replace."""


class Bookkeeping(Record):
    """Separates the commits and files of a change that are bookkeeping from those that are work.

    Bookkeeping is the log of approvals. If the policy has runs committed (`[runs] keep = "tree"`), it
    includes files that the change adds to the folder of runs. Files that the base already has there are the
    evidence of others. Whoever alters them is judged as for any other file.

    Attributes:
        change: the change.
        log: the path prefix of the log of approvals, with a slash at its end.
        runs: returns the path prefix of the folder of runs; empty if runs are not committed.
        squash: True if a branch lands as one commit, in which work and bookkeeping cannot be separated.
    """

    change: Change
    log: bytes
    runs: Callable[[], bytes]
    squash: bool

    @property
    def is_squash(self) -> bool:
        """True if a squash lands the change on the base, with a message that its platform writes.

        In GitLab's merge train, whose event has a branch, that branch's own commits are judged.
        """
        event, titles = self.change.event, getattr(self.change, "landed_titles", None)
        return self.squash and bool(titles or (event.kind == "merge_group" and event.branch is None))

    @property
    def lacks_texts(self) -> bool:
        """True if a queue or a squash lands the change without all texts of its pull request."""
        return self.is_squash or self.change.event.kind == "merge_group"

    def is_all_of(self, commit: Commit | Message) -> bool:
        """True if a commit only files approvals and runs, or takes the branch's own approvals out.

        Args:
            commit: a commit of the change, or the message of one that is being written.

        Raises:
            MissingFact: its files are not there.
        """
        if isinstance(commit, Message):
            # A command may stage more. That is judged again after it, as a commit.
            entries = self.change.draft_entries()
            run_paths = self._added_to_runs(entries)
        else:
            entries = commit.diffs[0] if len(commit.parents) == 1 and commit.diffs else ()
            # Only files that the change adds as a whole, or that the base has by now, count as a run's files.
            run_paths = self._run_paths | self._added_to_runs(filter(self.change.restores_base, entries))
        return bool(entries) and all(self.files(one) or one.path in run_paths for one in entries)

    def files(self, entry: Entry) -> bool:
        """True if an entry adds a record to the log of approvals, or takes out one that the base lacks."""
        is_taken = entry.deleted and is_record(entry.path, self.log) and self.change.restores_base(entry)
        return is_taken or is_filed(entry, self.log)

    def has(self, entry: Entry) -> bool:
        """True if an entry is a run's file that the change adds, and that no commit with work touches.

        Every added file counts if the change is not committed yet, or lands as one commit. But files that an
        agent edits, or that it has made in the place of a run, do not count. A run files its own evidence,
        not the agent's account of it.

        Args:
            entry: an entry of the change.

        Raises:
            MissingFact: the files of a commit are not there.
        """
        is_added = self.change.stage not in ("edit", "run") and entry.path in self._run_paths
        return is_added and (self.squash or entry.path not in self._work_paths)

    def advise(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Yield findings, each about a run's file that the change adds with the advice to commit it apart."""
        for one in findings:
            if self.change.stage not in ("edit", "run") and one.path in self._run_paths:
                one.help = "Keep the run in a commit of its own."
            yield one

    def trees_of(self, commit: Commit) -> Sequence[str]:
        """Return the tree of a commit, and those that runs saw before they and approvals were filed in it.

        Only if a branch lands as one commit are there others.

        Raises:
            MissingFact: its files are not there.
        """
        entries = commit.own_entries if self.squash else ()
        runs = [entry.path for entry in entries if entry.path in self._run_paths]
        filed = [*runs, *(entry.path for entry in entries if self.files(entry))]
        others = [self.change.git.tree_without(commit.tree, paths) for paths in (runs, filed) if paths]
        return [commit.tree, *others]

    @cached_property
    def _run_paths(self) -> Set[bytes]:
        return self._added_to_runs(self.change.entries) if self.runs() else frozenset()

    def _added_to_runs(self, entries: Iterable[Entry]) -> Set[bytes]:
        """Return the paths of the run's files that these entries add as plain files."""
        runs = self.runs()
        added = [entry for entry in (entries if runs else ()) if entry.added and entry.new_mode == FILE]
        return {entry.path for entry in added if entry.path.startswith(runs)}

    @cached_property
    def _work_paths(self) -> Set[bytes]:
        """The paths that the commits with work touch."""
        work = (one for one in if_applicable(lambda: self.change.commits, ()) if not self.is_all_of(one))
        return {entry.path for commit in work for entry in commit.own_entries}


BASELINE: Final = b".specguard/baseline.json"
"""The file that counts the findings that a repository began with."""


class Change(Record, frozen=False):
    """A change to judge. The subclasses define their entries, commits and trees.

    A property that a kind of change does not have raises `NotApplicable`; one that cannot be read raises
    `MissingFact`. Rules ask for many of them as facts.

    Attributes:
        git: the repository to read.
        request: the request for the check.
        found: the base, and how it was found.
        event: the platform's event, with the values of the request's flags and files in place of its own.
        remote: the remote whose branches count.
        source: `range`, `staged`, `worktree`, `patch`, `edit` or `commit-message`.
        stage: the moment of the check.
        item_branches: returns, for the judged branch's name, the test that recognises branches of other
            items; None if stacks are not searched for.
        item_base: the branch that is named as the base, if it is an item's; empty for any other.
        pushed: the ref that is being pushed; None if nothing is.
        on_disk: the files on disk, in which an error of the base may be corrected; None: the judged files.
        unread_merge: a sentence on a merge whose files are judged as the author's; empty without one.
        policy_base: the base that the policy names, also if the caller named another one; empty without one.
        counted: the paths whose findings count; None: all of them.
        notes: sentences about the change that a reader of the verdict must see.
    """

    git: Git
    request: Request
    found: FoundBase
    event: Event = Event()
    remote: str = "origin"
    source: str = "range"
    stage: Stage = "range"
    item_branches: Callable[[str], BranchMatcher] | None = None
    item_base: FoundBase = FoundBase()
    pushed: Push | None = None
    on_disk: Tree | None = None
    unread_merge: str = ""
    policy_base: str = ""
    counted: ClassVar[Collection[bytes] | None] = None

    @cached_property
    def whole(self) -> bool:
        """True if the whole tree is judged (`--all`), and not only what the change touches."""
        return self.request.all

    def with_base(self, name: str) -> Self:
        """Return the change, compared with the base that a policy names.

        Args:
            name: the policy's `base`; empty if it has none.

        Returns:
            This change itself if the caller or the platform named the base, if the change has no base on
            purpose, if the base is the same commit, or if `HEAD` replaces the base in a repository without
            branches, such as the place of a run.

        Raises:
            SpecguardError: the base does not exist.
        """
        self.policy_base = name
        if not name or self.found.given or self.found.how == "none":
            return self
        with Needed():
            if self.found.how == "head" and self.git.repository.is_place:
                return self
            found = named_base(self.git, name, "policy", remote=self.remote)
        if self.found.how == "local":
            # The policy of a base that only this machine suggests cannot prove another base.
            found.how = "local"
        is_same = found.oid == self.found.oid and self.found.how != "head"
        return self if is_same else self.with_values(found=found)

    def on_branch_of_item(self, default: FoundBase) -> Self:
        """Return the change with the default branch as base, and the named base as the branch below it.

        Args:
            default: the default branch, which everything trusted is read from.
        """
        other = self.with_values(found=default)
        other.item_base = self.found
        return other

    @property
    def target_branch(self) -> str:
        """The short name of the branch that is named as the base; empty if no name is known."""
        return short_branch(self.found.ref) or self.event.base or ""

    def with_whole_tree(self, counted: Collection[bytes]) -> Self:
        """Return the change, with the whole tree to judge.

        Args:
            counted: the paths whose findings count; rules may leave out others.
        """
        other = object.__new__(type(self))
        vars(other).update(vars(self), whole=True, counted=counted)
        return other

    def among_counted(self, paths: Sequence[bytes]) -> Sequence[bytes]:
        """Return those of some paths whose findings count."""
        return paths if self.counted is None else [path for path in paths if path in self.counted]

    # Facts that every change has

    @property
    def policy_files(self) -> Tree:
        """The files that the policy is read from: the base's, or without a base the judged ones."""
        return self.base_files if self.found.oid else self.head_files

    @cached_property
    def base_files(self) -> Tree:
        """The files of the base's tip; empty without a base."""
        return self.git.tree_at(self.found.oid)

    @cached_property
    def stacked_on(self) -> FoundBase:
        """The branch below the change that the base does not contain yet; empty if there is none.

        A base that the caller or the platform names is obeyed. Then this is that base if it is an item's
        branch, and empty for any other.
        """
        if self.item_base or self.item_branches is None or self._stack_head is None:
            return self.item_base
        given = self.found.given and self.found.how != "pin"
        if given or not self.found.trusted or self.request.enforce:
            return FoundBase()

        # On a detached HEAD, `branch` reads the entries, which would read this property again.
        vars(self)["stacked_on"] = FoundBase()
        try:
            own, of = self.branch.name, self.item_branches
            if own == short_branch(self.found.ref):
                return FoundBase()
            # Here, the branch that is pushed may have another name than at the remote.
            names = {own, self.pushed.local_ref.removeprefix("refs/heads/")} if self.pushed else {own}
            return find_branch_below(self, self._stack_head, names, lambda: of(own))
        except (MissingFact, NotApplicable):
            # The whole change is judged then.
            return FoundBase()

    @cached_property
    def branches_below(self) -> Collection[str]:
        """The short names of the branches of the stack below the change.

        Raises:
            MissingFact: the history or a ref cannot be read.
        """
        below = self.stacked_on
        if below.oid is None:
            return ()
        oids = set(self.git.revisions(below.oid, self.found.oid))
        refs = [*self.git.repository.branches(), *self.git.repository.rebased_branches()]
        return {short_branch(below.ref), *(ref.short for ref in refs if ref.oid in oids)}

    @property
    def known_stacked_on(self) -> FoundBase:
        """`stacked_on` as far as it was read; the start of an uncommitted change does not depend on it."""
        return self.stacked_on if self.source == "range" else vars(self).get("stacked_on", self.item_base)

    @property
    def _stack_head(self) -> str | None:
        """The commit whose history is searched for the branch below; None if there is none."""
        return self.git.repository.head

    @cached_property
    def paper_files(self) -> Tree:
        """The files that items, their lists and documents are read from: the base's, or else the judged ones.

        At a path that the base does not have, the files of the branch below the change count.
        """
        below = self.stacked_on
        if below.oid is None or self.found.oid is None:
            return self.policy_files

        return paper_tree(self.git, self.found.oid, below.oid)

    @cached_property
    def documents(self) -> Documents:
        """The documents of the judged tree, each parsed once."""
        return Documents(self.head_files)

    @cached_property
    def start_documents(self) -> Documents:
        """The documents before the change, each parsed once."""
        return Documents(self.start_files)

    @cached_property
    def history(self) -> History:
        """The messages of the base's history, and of the branch below the change."""
        from specguard.change.git import History

        return History(self.git, self.found.oid, self.stacked_on.oid)

    def mentioning(self, words: Sequence[str]) -> Iterator[PastCommit]:
        """Yield the commits of the head's history whose message contains one of some words, newest first."""
        for commit in reversed(self.commits):
            text = commit.message.text
            if any(word.casefold() in text.casefold() for word in words):
                yield PastCommit(commit.oid, text)
        yield from self.history.mentioning(words)

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
        """The change's merge commits, each merged again on request."""
        from specguard.change.ranges import Merges

        return Merges(self.git)

    @cached_property
    def plain_merges(self) -> set[str]:
        """The merges of the change with what the base has, if they are what git does by itself."""
        judged = {one.oid for one in self.commits}
        merges = [one for one in self.commits if len(one.parents) == 2 and not judged.issuperset(one.parents)]
        pairs = [(one.parents[0], one.parents[1]) for one in merges]
        results = if_known(lambda: self.merges.merge(pairs), ())
        return {one.oid for one, done in zip(merges, results, strict=False) if done == (one.tree, set())}

    @property
    def open_merge(self) -> OpenMerge | None:
        """The merge or pick that is being concluded; None if there is none."""
        return None

    def restores_base(self, entry: Entry) -> bool:
        """True if an entry leaves at its path what the trusted base has there, which may be nothing.

        Raises:
            MissingFact: a tree object is not there.
        """
        return self.found.trusted and self.found.oid is not None and self.base_files.has(entry)

    @cached_property
    def branch(self) -> Branch:
        """The judged branch."""
        if self.request.branch:
            return Branch(self.request.branch.removeprefix("refs/heads/"), "option")
        if self.event.branch:
            return Branch(self.event.branch, "event")
        if self.event.kind == "merge_group":
            raise NotApplicable("a merge queue's branch is the platform's own")
        if self.event.kind == "push":
            raise NotApplicable("what the platform's event is about is not a branch")
        return self._own_branch()

    def _own_branch(self) -> Branch:
        if self.pushed is not None:
            ref = self.pushed.remote_ref
            if ref.startswith("refs/heads/"):
                return Branch(ref.removeprefix("refs/heads/"), "push")
            raise NotApplicable(f"{ref or 'what is pushed'} is not a branch")
        repository = self.git.repository
        names = [repository.branch] if repository.branch else repository.branches_of_detached()
        if not names:
            if self.empty:
                raise NotApplicable("HEAD is detached, and nothing has changed whose branch could be known")
            if self.stage in ("edit", "staged", "commit-msg") or self.request.by_agent:
                raise NotApplicable("HEAD is detached, and before a push no branch has to be known")
            message = "HEAD is detached, so no branch is known"
            raise MissingFact(message, "specguard check --branch NAME", code="detached-head")
        *others, own = map(short_name, names)
        # In a stack that is rebased, a commit belongs to the item's branch that is moved next.
        moved = filter(self.item_branches(own), others) if others and self.item_branches else iter(())
        return Branch(next(moved, own), "HEAD")

    @cached_property
    def pull_request(self) -> PullRequest:
        """The pull request's text."""
        if self.event.kind == "merge_group":
            raise NotApplicable("in a merge queue there is no pull request's text")
        raise NotApplicable("there is no pull request at this stage")

    def review_notes(self) -> Iterable[tuple[str, str]]:
        """Return the accounts whose approvals on the platform do not count, each with a note on it."""
        return ()

    @property
    def reviewers(self) -> frozenset[str]:
        """The accounts that approve exactly this head; empty if no platform names them.

        Their spelling is the platform's; a comparison ignores case.
        """
        return frozenset()

    @property
    def author_login(self) -> str:
        """The account of the pull request's author; empty if no platform names it."""
        return ""

    @property
    def push(self) -> Push:
        """The ref that is being pushed."""
        if self.pushed is None:
            raise NotApplicable("nothing is being pushed")
        return self.pushed

    # Facts that only some kinds of changes have

    @property
    def _missing_reason(self) -> str:
        """The reason why this kind of change does not have one of the facts below."""
        return "what is judged is not a commit yet"

    @property
    def entries(self) -> Sequence[Entry]:
        """All entries that the change adds, modifies and deletes, by path."""
        raise NotApplicable(self._missing_reason)

    @property
    def commits(self) -> Sequence[Commit]:
        """The change's commits, oldest first."""
        raise NotApplicable(self._missing_reason)

    @cached_property
    def touching(self) -> Mapping[bytes, Sequence[Commit]]:
        """The commits that change each path, oldest first."""
        return grouped((entry.path, commit) for commit in self.commits for entry in commit.own_entries)

    def messages(self, merge: str) -> Sequence[Message]:  # noqa: ARG002 - not every kind has messages
        """Return the commit messages to judge, for the policy's `merge`: `rebase`, `merge` or `squash`."""
        raise NotApplicable(self._missing_reason)

    def draft_entries(self) -> Sequence[Entry]:
        """Return what the index has for the commit that is being written; empty without such a commit."""
        return ()

    @property
    def base(self) -> Base:
        """The base that the change is compared with."""
        raise NotApplicable(self._missing_reason)

    @cached_property
    def start_files(self) -> Tree:
        """The files before the change."""
        return self.git.tree_at(self.base.start)

    @property
    def head_files(self) -> Tree:
        """The files after the change."""
        raise NotApplicable(self._missing_reason)

    # For reports

    @property
    def notes(self) -> list[str]:
        """Sentences about the change that a reader of the verdict must see."""
        if self.found.how in ("head", "none"):
            where = "HEAD's" if self.found.oid else "the judged tree's own"
            note = f"There is no base: {where} policy judges, and is not trusted."
            if self.stage == "push":
                way = "set the hook up later" if self.request.pre_receive else "push once with --no-verify"
                note += f" All files count as added; to publish a history as it is, {way}."
            return [note]
        if self.found.how == "local":
            base = if_known(lambda: self.base, None)
            what = "the base, and is not trusted"
            if base and base.head and base.is_landing:
                what = "the base itself, so nothing is judged against it"
            return [f"{self.found.name} is taken for {what}; name one with --base."]
        asks = not self.found.given and self.stage in ("range", "push")
        commits = if_known(lambda: self.commits, ()) if asks else ()
        if len(commits) > 1 and self.found.ref:
            # A fork is often older than the repository that its branches begin at.
            refs = f"refs/remotes/*/{short_branch(self.found.ref)}"
            words = ("for-each-ref", "--count=1", f"--contains={commits[0].oid}", "--format=%(refname)", refs)
            if name := short_name(self.git.repository.spawn(*words).drain().decode(errors="replace").strip()):
                from shlex import quote

                way = "in the hook `specguard check --push" if self.stage == "push" else "`specguard check"
                way += f" --base {quote(name)}` leaves them out"
                return [f"{name} has commits that {self.found.name} lacks; {way}."]
        return [self.unread_merge] if self.unread_merge else []

    @property
    def empty(self) -> bool:
        """True if there is nothing to judge: neither entries nor commits."""
        known = if_known(lambda: not self.entries, False)
        return known and if_known(lambda: not if_applicable(lambda: self.commits, ()), False)

    def fingerprint(self, log: bytes = b"", paths: Collection[bytes] | None = None) -> str:
        """Return an identity of the change that does not depend on its commits, as hexadecimal digits.

        It is a sha256 over `specguard-change-v1`, the object format and then the entries, in order. Each
        entry has its modes, object ids, status and path, each ended by NUL.

        Args:
            log: the folder of the log of approvals. Records added there are left out, because an approval
                would change the change that it approves. Empty: nothing is left out.
            paths: the paths whose entries count; None for all.

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
        return sha256(b"".join(parts))

    def summary(self, log: bytes = b"", *, identify: bool = True) -> dict[str, Any]:
        """Return the `change` object of the JSON report, without its work item; unknown values are None.

        Args:
            log: the folder of the log of approvals, which the fingerprint leaves out.
            identify: True to compute the fingerprint, which costs as much as a rule.
        """
        base = if_known(lambda: self.base, None)
        branch = if_known(lambda: self.branch, None)
        commits = if_known(lambda: self.commits, None)
        entries = if_known(lambda: self.entries, None)
        return {
            "source": self.source,
            "stage": self.stage,
            "base": self.found.oid,
            "head": base.head if base else None,
            "merge_base": base.start if base else None,
            "stacked_on": self.known_stacked_on.name or None,
            "branch": path_text(branch.name.encode("utf-8", "surrogateescape")) if branch else None,
            "commits": None if commits is None else len(commits),
            "entries": None if entries is None else len(entries),
            "fingerprint": self.fingerprint(log) if identify and entries is not None else None,
        }
