"""Finding the base, the commit that everything trusted is read from, and how a change lands on it.

The head's policy has no say in the choice. First come the names from the caller and from the platform. Then
the remote's default branch, `main` and `master`; last a branch that only this machine suggests. Each name is
resolved once to an object id.

A stack consists of branches whose names a policy recognises as those of items. A branch that has gone on
since the head left it counts if the commits that it shares with the head are its own.

The parent of a branch that Graphite or git records, also in the branch's log, can be written by anybody in
this clone. So only local checks read it, and it can only move the start of the change nearer to its head,
never farther away.
"""

from __future__ import annotations

import os
from functools import cached_property

from specguard.change.check_request import Event, Request, base_refs, is_invalid, resolve
from specguard.change.entries import read_commit_time
from specguard.change.object_store import stdin_lines
from specguard.change.repository import USUAL_BASES, Ref, short_branch, short_name
from specguard.change.tree import Documents, Tree
from specguard.errors import MissingFact, SpecguardError, if_known
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from typing import Final, Literal, Protocol

    from specguard.change.change import Change
    from specguard.change.entries import Commit, Entry
    from specguard.change.git import Git

    How = Literal["option", "event", "server", "pin", "usual", "local", "policy", "stack", "head", "none"]

    class BranchMatcher(Protocol):
        """A test that recognises lower branches of a stack by their names and their commits' subjects."""

        def __call__(self, name: str) -> bool:
            """True if the branch belongs to another item."""

        def owns(self, name: str, subjects: Sequence[str]) -> bool:
            """True if the commits that it shares with the judged branch, oldest first, are its own."""


_AUTHORITIES: Final = (b"SPEC_AUTHORITY.md", b"specguard.toml")


class FoundBase(Record, frozen=False):
    """A base, and how it was found; false if there is none.

    Attributes:
        name: its name for people, e.g. `origin/main`; a revision as the caller wrote it, if it is not a ref.
        oid: the commit's full object id; None if nothing can be trusted (`--root`, a first commit).
        how: who named it: `option` (the caller), `event` (the platform), `server` (the repository that is
            pushed to) or `policy` (the policy of another base). Or where it was found: `usual` (the remote's
            default branch, `main` or `master`), `stack` (a branch below the judged one). `pin`: an agent's
            session began with it. `local`: only this machine suggests it. `head`: `HEAD` replaces a missing
            base. `none`: the change has no base.
        ref: the full name of its ref; empty if it has none.
    """

    name: str = ""
    oid: str | None = None
    how: How = "none"
    ref: str = ""

    def __bool__(self) -> bool:
        return self.oid is not None

    @property
    def trusted(self) -> bool:
        """True if this is a base, and neither this machine's guess nor a replacement for one."""
        return self.how not in ("local", "head", "none")

    @property
    def given(self) -> bool:
        """True if the base was named or pinned, so that a policy cannot name another one."""
        return self.how in ("option", "event", "server", "pin")


class Base(Record):
    """The base of a change, and how the change lands on it.

    Attributes:
        change: the change.
        against: the branch to compare with: the trusted base, or an item's branch below the change.
        start: the object id whose tree the entries are compared with (the merge base); None: the empty tree.
        head: the judged commit's object id; None if the head is not a commit (an index, a tree).
        merge_bases: all merge bases of `tip` and `head`, if both are commits.
    """

    change: Change
    against: FoundBase
    start: str | None
    head: str | None
    merge_bases: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The short name, e.g. `origin/main`."""
        return self.against.name

    @property
    def tip(self) -> str | None:
        """The object id of the tip of `against`; None if it has no commit."""
        return self.against.oid

    @property
    def trusted(self) -> bool:
        """True if this was found as a base, and is not `HEAD`, the head or the file from `--authority`."""
        return self.change.found.trusted

    @property
    def stacked(self) -> bool:
        """True if this is not the trusted base itself, but an item's branch below the change."""
        return self.against is not self.change.found

    @property
    def of_files(self) -> bool:
        """True if files of the working tree are judged, unknown to git or not, as a run commits them."""
        change = self.change
        return change.source in ("worktree", "edit") or (self.head is None and change.git.repository.is_place)

    def is_branch(self, name: str) -> bool:
        """True if this is the base of that name, here or at `origin`."""
        return self.name in (name, f"origin/{name}")

    def is_shared(self, name: str) -> bool:
        """True for the name of this base, and of one that the policy or a remote names: it stays as it is."""
        usual = map(self.change.git.repository.target_of, USUAL_BASES)
        return self.is_branch(name) or name in {self.change.policy_base, *map(short_branch, usual)}

    def has(self, entry: Entry) -> bool:
        """True if an entry leaves at its path what the trusted base has there, so nothing needs restoring."""
        return self.change.restores_base(entry)

    def drops(self, commit: Commit) -> bool:
        """True if a rebase onto the base drops a commit, whose content is there, and alters no merge."""
        merges = {one.oid for one in self.commits if one.is_merge}
        there = [self.has(one) and self.touching(one.path)[:1] == [commit] for one in commit.own_entries]
        return any(there) and all(there) and not self.stacked and merges <= self.change.plain_merges

    def origin(self, entry: Entry) -> str | None:
        """Return the commit whose content to restore at an entry's path; None if there is none."""
        merge = self.change.open_merge
        return (merge.origin(entry) if merge else None) or self.start

    @property
    def commits(self) -> Sequence[Commit]:
        """The judged commits, oldest first; empty if the change is not committed yet."""
        return () if self.head is None or self.of_files else self.change.commits

    def touching(self, path: bytes) -> Sequence[Commit]:
        """Return the judged commits that change a path, oldest first."""
        return self.change.touching.get(path, ()) if self.commits else ()

    @property
    def is_landing(self) -> bool:
        """True if the judged commits have landed on the base itself, or a queue is about to land them there.

        A fork's pull request may come from a branch with the base's name; its commits are not on the base.
        """
        branch = if_known(lambda: self.change.branch, None)
        kind = self.change.event.kind
        if kind == "merge_group" or branch is None:
            return kind == "merge_group"
        landed = kind == "push" and branch.source == "event"
        return self.is_branch(branch.name) and (landed or self.head == self.tip)

    def landing(self, prefixes: tuple[bytes, ...]) -> tuple[Documents, Documents]:
        """Return the documents that the change is merged into, and those that the merge leaves.

        Without commits, without changes of the base at `prefixes` since, and on a conflict, these are the
        files before and after the change. After a conflict the change goes on, and is judged again.

        Args:
            prefixes: how the paths of the files begin that are to be read.

        Raises:
            MissingFact: git is too old to merge, or an object is not there.
        """
        change = self.change
        if any(entry.path.startswith(prefixes) for entry in self._since_start) and self._merged:
            return Documents(change.base_files), Documents(Tree(change.git, self._merged))
        return change.start_documents, change.documents

    @cached_property
    def _since_start(self) -> Sequence[Entry]:
        """The trusted base's changes since the change's start; empty if no commits are judged."""
        tip = self.change.found.oid
        judged = self.start and self.head and tip and self.trusted and not self.stacked
        return self.change.git.diff_trees(self.start or "", tip or "") if judged else ()

    @cached_property
    def _merged(self) -> str:
        """The tree that a merge of the change leaves; empty if it has conflicts."""
        ((tree, conflicts),) = self.change.merges.merge([(self.change.found.oid or "", self.head or "")])
        return "" if conflicts else tree

    @cached_property
    def carried(self) -> Sequence[Entry]:
        """The changes of a merge at paths that no entry names, as the base has moved files there since.

        Git finds the moved files by their content.

        Raises:
            MissingFact: as `landing`.
        """
        change, own = self.change, {one.path for one in self.change.entries}
        kept = (one.path for one in change.entries if not (one.added or one.deleted))
        if not self._since_start or all(map(change.base_files.find, kept)) or not self._merged:
            return ()
        merged = change.git.diff_trees(change.found.oid or "", self._merged)
        return [one for one in merged if one.path not in own]

    @cached_property
    def _replayed(self) -> Sequence[Entry]:
        """The differences of a rebase from a merge, in paths that the base changes; none with conflicts."""
        if not self._merged:
            return ()
        change, paths = self.change, {one.path for one in self._since_start}
        tree = change.git.commit(change.found.oid or "").tree
        for commit in change.commits:
            if not commit.is_merge and any(one.path in paths for one in commit.own_entries):
                onto = change.merges.commit(tree, *commit.parents)
                ((tree, conflicts),) = change.merges.merge([(onto, commit.oid)])
                if not paths.isdisjoint(conflicts):
                    return ()
        return [one for one in change.git.diff_trees(self._merged, tree) if one.path in paths]

    def undone(self, is_judged: Callable[[bytes], bool]) -> Sequence[Entry]:
        """Return what a rebase changes otherwise than a merge, in files that commits and the base change.

        A rebase drops a commit that does what the base has done since, and keeps one that takes this back.

        Args:
            is_judged: a test for the paths that matter, as a rebase takes time for each commit.

        Raises:
            MissingFact: as `landing`.
        """
        touching = self.change.touching if self._since_start else {}
        shared = [one for one in self._since_start if len(touching.get(one.path, ())) > 1]
        # What the base has moved may be judged by its new name.
        if not any(one.deleted or is_judged(one.path) for one in shared):
            return ()
        try:
            found = self._replayed
        except MissingFact as missing:
            if missing.code != "program-missing":
                raise
            found = list(self._put_back(one.path for one in shared))
        return [one for one in found if is_judged(one.path)]

    def _put_back(self, paths: Iterable[bytes]) -> Iterator[Entry]:
        """Yield what a rebase undoes by whole files, for a git that cannot merge trees."""
        for path in paths:
            entries = [one for commit in self.change.touching[path] for one in commit.own_entries]
            states = [(one, self.has(one)) for one in entries if one.path == path]
            if any(is_in_base for _, is_in_base in states) and not states[-1][1]:
                yield states[-1][0]


def find_base(
    git: Git, request: Request, event: Event | None = None, *, remote: str = "origin", without: str = ""
) -> FoundBase:
    """Find the base of a change.

    Args:
        git: the repository to search.
        request: the request for the check.
        event: the platform's event.
        remote: the remote whose branches to search.
        without: the full name of a ref that cannot be the base: the one being pushed.

    Returns:
        An empty one if nobody names a base and the usual branches do not exist.

    Raises:
        SpecguardError: the named base does not exist; or no base is named, with `enforce`.
        MissingFact: its ref or object is broken.
    """
    if request.pinned:
        name, oid, ref, how = request.pinned
        return FoundBase(name, git.commit(oid).oid, "head" if how == "head" else "pin", ref)
    if request.base:
        return named_base(git, request.base, "option", remote=remote)
    if event is not None and (event.base or event.base_oid):
        return _event_base(git, event, remote)
    if request.enforce:
        if request.bootstrap and git.repository.head is None:
            # Before the first commit, nobody can name a base.
            return FoundBase()
        message = "--enforce judges against a base that is given, and none is"
        help = "Name it with `--base REF`, or give the platform's event with `--pr-event FILE`."
        raise SpecguardError(message, help=help, code="no-base")
    return usual_base(git, remote=remote, without=without) or local_base(git, remote=remote, without=without)


def default_base(git: Git, request: Request, event: Event, *, remote: str) -> FoundBase:
    """Find the default branch: the one that the platform names, or else the usual one.

    Returns:
        An empty one if nobody names a branch and the usual ones do not exist.

    Raises:
        SpecguardError: the named branch does not exist.
        MissingFact: its ref or object is broken.
    """
    name = event.default or request.environment.get("CI_DEFAULT_BRANCH")
    return named_base(git, name, "event", remote=remote) if name else usual_base(git, remote=remote)


def usual_base(git: Git, *, remote: str = "origin", without: str = "") -> FoundBase:
    """Find the remote's default branch, or a branch with a usual name.

    In a bare repository that is a local branch, as anyone may push other refs.

    Returns:
        An empty one if the remote and the repository have no such branch.

    Raises:
        MissingFact: its ref or object is broken.
    """
    start = "refs/heads/" if git.repository.served else ""
    names = [name for name in _usual_refs(remote) if name != without and name.startswith(start)]
    existing = git.repository.refs_named(names)
    for name in names:
        target = git.repository.target_of(name)
        # Git makes `HEAD` symbolic; a plain one was fetched from somebody's branch of that name.
        is_branch = target != name or not name.endswith("/HEAD")
        if name in existing and target != without and is_branch:
            return FoundBase(short_name(target), git.commit(existing[name]).oid, "usual", target)
    return FoundBase()


def local_base(git: Git, *, remote: str = "origin", without: str = "") -> FoundBase:
    """Find the branch to use as base if no branch has a usual name; nothing proves that it is the base.

    This is the `init.defaultBranch` of the user's settings. Otherwise it is the branch that the authorities
    of all local branches name, or the only local branch that has one. If they name different ones, nothing
    is returned. As with usual names, the remote's branch counts before the local one.

    Returns:
        An empty one if no branch qualifies, or only the one in `without`.

    Raises:
        MissingFact: a ref or object is broken.
    """
    refs = {ref.name: ref for ref in git.repository.branches()}

    def find(name: str) -> Ref | None:
        return next(filter(None, map(refs.get, git.repository.in_order(base_refs(name, remote)))), None)

    found = find(git.repository.user_setting("init.defaultBranch") or "")
    if found is None:
        named: dict[str, str] = {}
        for ref in (one for one in refs.values() if one.name.startswith("refs/heads/")):
            tree = git.tree_at(ref.oid)
            content = next((text for path in _AUTHORITIES if (text := tree.read(path)) is not None), None)
            if content is not None:
                named[ref.short] = _stated_base(content) or ref.short
        found = find(min(named.values())) if len(set(named.values())) == 1 else None
        if found is None and len(named) == 1:
            # The base that an only authority names may be gone.
            found = refs[f"refs/heads/{min(named)}"]
    if found is None or found.name == without:
        return FoundBase()
    return FoundBase(short_name(found.name), found.oid, "local", found.name)


def _stated_base(content: bytes) -> str:
    """Return the base from the line `base = "main"` of an authority, as `init` writes it; empty if absent."""
    lines = [line.split(b'"') for line in content.split(b"\n") if line.startswith(b'base = "')]
    names = [parts[1] for parts in lines if len(parts) == 3 and not parts[2].strip(b" \t\r")]
    return next(filter(None, names), b"").decode("utf-8", "surrogateescape")


def named_base(git: Git, name: str, how: How, *, remote: str = "origin") -> FoundBase:
    """Resolve a name to a base.

    Raises:
        SpecguardError: the commit does not exist.
        MissingFact: its ref or object is broken.
    """
    try:
        revision = resolve(git, name, lambda plain: base_refs(plain, remote))
    except SpecguardError as error:
        what = "the base that the policy names" if how == "policy" else "the base"
        help, plain = error.help, name.partition("~")[0]
        branch = plain.removeprefix(f"{remote}/")
        fetched = any(one.startswith(f"{remote}/") for one in git.repository.names())
        if git.repository.refs_named([f"refs/tags/{plain}"]):
            help = f"Write the full name of the tag: refs/tags/{plain}."
        elif error.code == "unknown-revision" and fetched and not is_invalid(branch):
            fetch = _fetch_command(remote, branch)
            help = f"Fetch it: {fetch}." if help.startswith("Give") else f"{help} Or fetch it: {fetch}."
        if how == "policy":
            other = "If it is gone, name another with `--base REF`, and correct `base` in the policy."
            help = other if help.startswith("Give") else f"{help} {other}"
        raise SpecguardError(f"{what} cannot be found: {error.message}", help=help, code="no-base") from error
    return FoundBase(short_name(revision.ref) if revision.ref else name, revision.oid, how, revision.ref)


def _fetch_command(remote: str, branch: str) -> str:
    """Return the command that fetches a branch; in a clone of one branch, a bare name would store no ref."""
    from shlex import quote

    return f"`git fetch {remote} {quote(f'{branch}:refs/remotes/{remote}/{branch}')}`"


def no_base_error(remote: str = "origin") -> SpecguardError:
    """Return the error about a base that is neither named nor found under the usual names."""
    message = f"there is no base to compare with: tried {', '.join(_usual_refs(remote))}"
    return SpecguardError(message, help="Name it with `--base REF`, or fetch one of these.", code="no-base")


def _usual_refs(remote: str) -> tuple[str, ...]:
    return tuple(name.replace("refs/remotes/origin/", f"refs/remotes/{remote}/") for name in USUAL_BASES)


def event_commit(git: Git, oid: str) -> str:
    """Return the object id of a commit that the platform names.

    Raises:
        SpecguardError: it was not fetched, as after a forced push or in a shallow clone.
    """
    try:
        return git.commit(oid).oid
    except MissingFact as missing:
        message = f"the commit {oid} that the platform names was not fetched"
        help = f"Fetch it with `git fetch origin {oid}`, or check out with the whole history."
        raise SpecguardError(message, help=help, code="shallow-clone") from missing


def _event_base(git: Git, event: Event, remote: str) -> FoundBase:
    """Return the tip of the branch that the platform names; if it was not fetched, the commit it names."""
    names = (f"refs/remotes/{remote}/{event.base}", f"refs/heads/{event.base}")
    first, other = git.repository.in_order(names)
    existing = git.repository.refs_named(names)
    if first in existing and event.base and not event.exact:
        return FoundBase(short_name(first), git.commit(existing[first]).oid, "event", first)
    if event.base_oid:
        return FoundBase(event.base or event.base_oid, event_commit(git, event.base_oid), "event")
    if other in existing:
        return FoundBase(short_name(other), git.commit(existing[other]).oid, "event", other)
    message = f"the base branch {event.base!r} that the platform names was not fetched"
    help = f"Fetch it with {_fetch_command(remote, event.base or '')}, or check out the whole history."
    raise SpecguardError(message, help=help, code="no-base")


def find_branch_below(
    change: Change, head: str, own: Collection[str], find_items: Callable[[], BranchMatcher]
) -> FoundBase:
    """Find the nearest branch below a change in its stack that the trusted base does not contain.

    Local branches count, and those of the change's remote.

    Args:
        change: the change.
        head: the commit whose history is searched.
        own: the short names of the judged branch.
        find_items: returns the test for items' branches; called only if some branch is not a recorded parent.

    Returns:
        An empty one if no branch qualifies.

    Raises:
        MissingFact: the history or a ref cannot be read.
    """
    git, base = change.git, change.found
    # A branch whose tip is the head counts if the change is not committed yet, or a rebase onto it has only
    # begun. Otherwise only a local recorded parent, or a branch that a rebase has passed, may leave it empty.
    onto = map(git.repository.read_merge_head, ("rebase-merge/onto", "rebase-apply/onto"))
    at_head = change.source != "range" or ([head] in onto and not (change.pushed or git.repository.branch))
    places = {oid: place for place, oid in enumerate(git.revisions(head, base.oid))}
    parents = set(_recorded_parents(git, own)) if places else set[str]()
    rebased = git.repository.rebased_branches()
    if len(places) < 2 and not (places and (at_head or parents - {base.ref} or rebased)):
        return FoundBase()
    others = [
        ref
        for ref in [*git.repository.branches(), *rebased]
        if ref.short not in own
        and ref.short != short_branch(base.ref)
        and ref.name.startswith(("refs/heads/", f"refs/remotes/{change.remote}/"))
    ]
    recorded = [ref for ref in others if ref.short in parents or ref.name in parents]
    item_branches = find_items() if len(recorded) < len(others) else None
    known: list[tuple[int, Ref]] = []
    diverged: list[Ref] = []
    for ref in others:
        place = places.get(ref.oid, -1)
        if ref in recorded:
            place = max((places.get(oid, -1) for oid in git.merge_bases(ref.oid, head)), default=-1)
        elif item_branches is None or not item_branches(ref.short):
            continue
        elif place < 0 and (at_head or len(places) > 1):
            # Of one commit, such a branch may not share the last.
            diverged.append(ref)
        if place >= 0 and (at_head or place < len(places) - 1 or ref in rebased or ref.short in parents):
            known.append((place, ref))
    nearest, found = max(known, key=lambda one: one[0], default=(-1, None))
    forks = _fork_points(git, places, base, diverged) if diverged and item_branches else ()
    later = [one for one in forks if one[0] > nearest]
    for place, ref in sorted(later, key=lambda one: -one[0]):
        shared = [commit.message.subject for commit in git.commits([*places][: place + 1])]
        if item_branches and (at_head or place < len(places) - 1) and item_branches.owns(ref.short, shared):
            found = ref
            break
    return FoundBase(short_name(found.name), found.oid, "stack", found.name) if found else FoundBase()


def _fork_points(
    git: Git, places: Mapping[str, int], base: FoundBase, diverged: Sequence[Ref]
) -> Iterator[tuple[int, Ref]]:
    """Yield, for each branch outside the head's history, the position of the last commit that both share.

    Without such a commit, this is -1. One walk finds all these commits. The walk ends at commits older than
    the head's first one, however old the branches are.
    """
    oldest = read_commit_time(git.object(next(iter(places)))[1]) or 0
    revisions = stdin_lines([f"^{base.oid}", *dict.fromkeys(ref.oid for ref in diverged)])
    words = ("rev-list", "--parents", f"--max-age={int(oldest)}", "--stdin")
    lines = git.ask("the history of other branches", *words, stdin=revisions).decode("ascii").splitlines()
    parents = {oid: above for oid, *above in map(str.split, lines)}
    for ref in diverged:
        reached, pending = {ref.oid}, [ref.oid]
        while pending:
            oid = pending.pop()
            new = [one for one in parents.get(oid, ()) if oid not in places and one not in reached]
            reached.update(new)
            pending += new
        yield max(places.get(oid, -1) for oid in reached), ref


def paper_tree(git: Git, base: str, below: str) -> Tree:
    """Return the files of a base, with the files that only an unmerged branch below the change has.

    Raises:
        MissingFact: one of the two commits cannot be read.
    """
    return git.tree_at(base, [entry for entry in git.diff_trees(base, below) if entry.added])


def _recorded_parents(git: Git, own: Collection[str]) -> Iterator[str]:
    """Yield the names of the parents that Graphite and git record for a branch; full for a remote's one."""
    values = dict(git.repository.settings(r"^branch\..*\.(remote|merge)$", user=False))
    for name in own:
        yield from _graphite_parent(os.path.join(git.repository.common, ".graphite_metadata.db"), name)
        # With a remote, this is the branch to push to; with `.`, the branch that it was made from.
        if values.get(f"branch.{name}.remote") == ".":
            yield short_name(values.get(f"branch.{name}.merge", ""))
        if "/" in (made_from := git.repository.created_from(f"refs/heads/{name}")):
            yield "refs/remotes/" + made_from.removeprefix("refs/").removeprefix("remotes/")


def _graphite_parent(file: str, name: str) -> Iterator[str]:
    """Yield the parent of a branch in Graphite's database, if it is recorded."""
    if not os.path.isfile(file):
        return
    import sqlite3
    from contextlib import closing, suppress
    from urllib.parse import quote

    # `immutable`: SQLite writes no file next to the database and waits for no lock.
    address = f"file:{quote(file)}?mode=ro&immutable=1"
    # A name that is not UTF-8 cannot be asked for.
    with suppress(sqlite3.Error, UnicodeError), closing(sqlite3.connect(address, uri=True)) as database:
        query = "SELECT parent_branch_name FROM branch_metadata WHERE branch_name = ?"
        yield from (row[0] for row in database.execute(query, (name,)) if isinstance(row[0], str))
