"""Finding the base, the commit that everything trusted is read from, also below a stack of branches.

It is found without the head's policy, in this order: what the caller names, what the platform names, the
remote's default branch, `main`, `master`, and last what this machine alone says. Each is resolved once to an
object id.

Branches that a policy knows as items' are taken from their names. One that has gone on since counts where the
commits that it shares with the head are its own. What Graphite and git record of a branch's parent is
somebody's word in this clone: it is only asked locally, and can bring the start of the change nearer to its
head, never farther away.
"""

from __future__ import annotations

import os

from specguard.change.check_request import Request, base_refs, resolve
from specguard.change.entries import read_commit_time
from specguard.change.object_store import lines_of
from specguard.change.process import CommandError
from specguard.change.repository import USUAL_BASES, Ref, short_branch, short_name
from specguard.change.tree import Tree
from specguard.declaration.rule import Record
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from typing import Final, Literal, Protocol

    from specguard.change.git import Git
    from specguard.change.platform_event import Event

    How = Literal[
        "option", "event", "server", "pin", "usual", "local", "policy", "stack", "head", "none"
    ]  # fmt: skip

    class Lower(Protocol):
        """The names and subjects by which a branch is recognised as one to stand on."""

        def __call__(self, name: str) -> bool:
            """True if a branch is another item's."""

        def owns(self, name: str, subjects: Sequence[str]) -> bool:
            """True if the commits that it shares with the judged branch, oldest first, are its own."""


_AUTHORITIES: Final = (b"SPEC_AUTHORITY.md", b"specguard.toml")


class Found(Record, frozen=False):
    """A base, and how it was found.

    Attributes:
        name: as people call it, e.g. `origin/main`.
        oid: the commit's full object id; None if there is nothing to trust (`--root`, a first commit).
        how: `option` (the caller named it), `event` (the platform did), `server` (the repository that is
            pushed to has it), `pin` (an agent's session began with it), `usual` (the remote's default branch,
            `main` or `master`), `local` (only this machine says that it is one), `policy` (the policy of
            another base named it), `stack` (a branch that the judged one stands on), `head` (`HEAD` stands in
            for a base that is not there) or `none`.
        ref: the full name of its ref; empty if it has none.
    """

    name: str
    oid: str | None
    how: How
    ref: str = ""

    @property
    def trusted(self) -> bool:
        """True if it is a base, and not what stands in for one."""
        return self.how not in ("local", "head", "none")

    @property
    def given(self) -> bool:
        """True if it was named or pinned, so that no policy may name another."""
        return self.how in ("option", "event", "server", "pin")


def find_base(
    git: Git, request: Request, event: Event | None = None, *, remote: str = "origin", without: str = ""
) -> Found | None:
    """The base of a change.

    Args:
        git: where it is looked up.
        request: what was asked for.
        event: what the platform says.
        remote: the remote whose branches are meant.
        without: the full name of a ref that is no base: the one being pushed.

    Returns:
        None if nobody names one and none of the usual ones is there.

    Raises:
        SpecguardError: the one that is named is not there; or with `enforce` none is named.
        MissingFact: its ref or object is broken.
    """
    if request.pinned:
        name, oid, ref, how = request.pinned
        return Found(name, git.commit(oid).oid, "head" if how == "head" else "pin", ref)
    if request.base:
        return named_base(git, request.base, "option", remote=remote)
    if event is not None and (event.base or event.base_oid):
        return _of_event(git, event, remote)
    if request.enforce:
        if request.bootstrap and git.repository.head is None:
            # Before the first commit there is no base that could be given.
            return None
        raise SpecguardError(
            "--enforce judges against a base that is given, and none is",
            help="Name it with `--base REF`, or give the platform's event with `--pr-event FILE`.",
            code="no-base",
        )
    return usual_base(git, remote=remote, without=without) or local_base(git, without=without)


def default_base(
    git: Git, request: Request, event: Event | None = None, *, remote: str = "origin"
) -> Found | None:
    """The default branch: the one that the platform names, else the usual one.

    Raises:
        SpecguardError: the one that is named is not there.
        MissingFact: its ref or object is broken.
    """
    name = (event.default if event else None) or request.environment.get("CI_DEFAULT_BRANCH")
    if name:
        return named_base(git, name, "event", remote=remote)
    return usual_base(git, remote=remote)


def usual_base(git: Git, *, remote: str = "origin", without: str = "") -> Found | None:
    """The remote's default branch, or a branch of a usual name; None if none is there.

    Raises:
        MissingFact: its ref or object is broken.
    """
    names = [name for name in _usual(remote) if name != without]
    existing = git.repository.refs_named(names)
    for name in names:
        target = git.repository.target_of(name)
        if name.endswith("/HEAD") and target == name:
            # Git makes it symbolic; a ref of its own was fetched from somebody's branch of that name.
            continue
        if name in existing and target != without:
            return Found(short_name(target), git.commit(existing[name]).oid, "usual", target)
    return None


def local_base(git: Git, *, without: str = "") -> Found | None:
    """The branch that stands in for a base where none has a usual name; nothing proves that it is one.

    It is the `init.defaultBranch` of the user's settings. Else it is the only local branch that has an
    authority, or the one that the authorities of all of them name. A branch whose authority names another one
    leaves none.

    Raises:
        MissingFact: a ref or object is broken.
    """
    heads = {ref.short: ref for ref in git.repository.branches() if ref.name.startswith("refs/heads/")}
    name = _default_of_user(git)
    if name not in heads:
        named: dict[str, str] = {}
        for short, ref in heads.items():
            tree = Tree(git, git.commit(ref.oid).tree)
            content = next((text for path in _AUTHORITIES if (text := tree.read(path)) is not None), None)
            if content is not None:
                named[short] = _stated(content) or short
        names = set(named if len(named) == 1 else named.values())
        name = names.pop() if len(names) == 1 else ""
    found = heads.get(name)
    if found is None or found.name == without:
        return None
    return Found(found.short, found.oid, "local", found.name)


def _stated(content: bytes) -> str:
    """The base that an authority names in the line that `init` writes, `base = "main"`; empty for none."""
    lines = [line.split(b'"') for line in content.split(b"\n") if line.startswith(b'base = "')]
    names = [parts[1] for parts in lines if len(parts) == 3 and not parts[2].strip(b" \t\r")]
    return next(filter(None, names), b"").decode("utf-8", "surrogateescape")


def _default_of_user(git: Git) -> str:
    """The user's or the system's `init.defaultBranch`, whatever the repository's own configuration has."""
    words = ("config", "-z", "--show-scope", "--get-all", "init.defaultBranch")
    try:
        said = git.repository.in_place(*words, user=True).read().decode("utf-8", "surrogateescape")
    except CommandError:
        return ""
    fields = said.split("\0")
    pairs = [*zip(fields[::2], fields[1::2], strict=False)]
    return next((name for scope, name in reversed(pairs) if scope in ("global", "system")), "")


def named_base(git: Git, name: str, how: How, *, remote: str = "origin") -> Found:
    """The base of this name.

    Raises:
        SpecguardError: there is no such commit.
        MissingFact: its ref or object is broken.
    """
    try:
        revision = resolve(git, name, lambda plain: base_refs(plain, remote))
    except SpecguardError as error:
        help = error.help
        names = git.repository.names()
        if error.code == "unknown-revision" and any(one.startswith(f"{remote}/") for one in names):
            fetch = _fetching(remote, name.partition("~")[0].removeprefix(f"{remote}/"))
            help = f"{help} Or fetch it: {fetch}" if help.startswith("did you") else f"Fetch it: {fetch}"
        raise SpecguardError(
            f"the base cannot be found: {error.message}", help=help, code="no-base"
        ) from error
    return Found(short_name(revision.ref) if revision.ref else name, revision.oid, how, revision.ref)


def _fetching(remote: str, branch: str) -> str:
    """The command that fetches a branch; by its name alone it leaves none in a clone of one branch."""
    from shlex import quote

    return f"`git fetch {remote} {quote(f'{branch}:refs/remotes/{remote}/{branch}')}`"


def no_base(remote: str = "origin") -> SpecguardError:
    """The error about a base that nobody names and that none of the usual places has."""
    return SpecguardError(
        f"there is no base to compare with: tried {', '.join(_usual(remote))}",
        help="Name it with `--base REF`, or fetch one of these.",
        code="no-base",
    )


def _usual(remote: str) -> tuple[str, ...]:
    if remote == "origin":
        return USUAL_BASES
    return tuple(name.replace("refs/remotes/origin/", f"refs/remotes/{remote}/") for name in USUAL_BASES)


def _of_event(git: Git, event: Event, remote: str) -> Found:
    """The tip of the branch that the platform names; where it was not fetched, the commit it names."""
    fetched, local = f"refs/remotes/{remote}/{event.base}", f"refs/heads/{event.base}"
    there = git.repository.refs_named([fetched, local])
    if fetched in there and event.base and not event.exact:
        return Found(short_name(fetched), git.commit(there[fetched]).oid, "event", fetched)
    if event.base_oid:
        return Found(event.base or event.base_oid, git.commit(event.base_oid).oid, "event")
    if local in there:
        return Found(short_name(local), git.commit(there[local]).oid, "event", local)
    raise SpecguardError(
        f"the base branch {event.base!r} that the platform names was not fetched",
        help=f"Fetch it with {_fetching(remote, event.base or '')}, or check out with fetch-depth: 0.",
        code="no-base",
    )


_GRAPHITE: Final = ".graphite_metadata.db"


def branch_below(
    git: Git,
    head: str,
    base: Found,
    *,
    own: Collection[str],
    remote: str,
    items: Callable[[], Lower],
    at_head: bool = False,
) -> Found | None:
    """The nearest branch that a head stands on and that the base does not have; None if there is none.

    Args:
        git: where everything is read.
        head: the judged commit.
        base: the trusted base.
        own: the short names of the judged branch.
        remote: the remote whose branches count beside the local ones.
        items: gives what tells by its name whether a branch is another item's; called where one may be.
        at_head: whether a branch whose tip is the head counts: what is judged is no commit yet. Otherwise
            only a recorded parent may leave the change empty.

    Raises:
        MissingFact: the history or a ref cannot be read.
    """
    places = {oid: place for place, oid in enumerate(git.revisions(head, base.oid))}
    if not places or (len(places) == 1 and not at_head):
        return None
    parents = set(_recorded(git, own))
    others = [
        ref
        for ref in git.repository.branches()
        if ref.short not in own
        and ref.short != short_branch(base.ref)
        and ref.name.startswith(("refs/heads/", f"refs/remotes/{remote}/"))
        and (at_head or ref.oid != head or ref.short in parents)
    ]
    is_items = items() if any(ref.short not in parents for ref in others) else None
    known: list[tuple[int, Ref]] = []
    apart: list[Ref] = []
    for ref in others:
        place = places.get(ref.oid, -1)
        if ref.short in parents:
            place = max((places.get(oid, -1) for oid in git.merge_bases(ref.oid, head)), default=-1)
        elif is_items is None or not is_items(ref.short):
            continue
        elif place < 0:
            apart.append(ref)
        if place >= 0:
            known.append((place, ref))
    nearest, found = max(known, key=lambda one: one[0], default=(-1, None))
    oids = list(places)
    left = _left(git, places, base, apart) if apart and is_items else ()
    for place, ref in sorted(left, key=lambda one: -one[0]):
        if place <= nearest:
            break
        shared = [commit.message.subject for commit in git.commits(oids[: place + 1])]
        if is_items and (at_head or oids[place] != head) and is_items.owns(ref.short, shared):
            found = ref
            break
    return Found(short_name(found.name), found.oid, "stack", found.name) if found else None


def _left(
    git: Git, places: Mapping[str, int], base: Found, apart: Sequence[Ref]
) -> Iterator[tuple[int, Ref]]:
    """The commits at which a head left branches outside its history: the last one that it shares with each.

    One walk finds them all, and ends at commits older than the head's first one, however old branches are.
    """
    oldest = read_commit_time(git.object(next(iter(places)))[1]) or 0
    wanted = lines_of([f"^{base.oid}", *dict.fromkeys(ref.oid for ref in apart)])
    walk = git.start("rev-list", "--parents", f"--max-age={int(oldest)}", "--stdin", stdin=wanted)
    lines = git.read(walk, "the history of other branches").decode("ascii").splitlines()
    parents = {oid: above for oid, *above in map(str.split, lines)}
    for ref in apart:
        reached, todo = {ref.oid}, [ref.oid]
        while todo:
            oid = todo.pop()
            above = [one for one in parents.get(oid, ()) if oid not in places and one not in reached]
            reached.update(above)
            todo += above
        place = max(places.get(oid, -1) for oid in reached)
        if place >= 0:
            yield place, ref


def papers_of(git: Git, base: str, below: str) -> Tree:
    """The files of a base, and where it has nothing at a path, those of a branch that is not merged yet.

    Raises:
        MissingFact: one of the two cannot be read.
    """
    added = [entry for entry in git.diff_trees(base, below) if entry.added]
    return Tree(git, git.commit(base).tree, added)


def _recorded(git: Git, own: Collection[str]) -> Iterator[str]:
    """The names of the parents that Graphite and git record for a branch."""
    process = git.repository.in_place("config", "-z", "--get-regexp", r"^branch\..*\.(remote|merge)$")
    said = process.drain().decode("utf-8", "surrogateescape")
    values = dict(line.partition("\n")[::2] for line in said.split("\0"))
    for name in own:
        yield from _of_graphite(os.path.join(git.repository.common, _GRAPHITE), name)
        # A branch of a remote is where this one is pushed to; a local one is what it was made from.
        if values.get(f"branch.{name}.remote") == ".":
            yield short_name(values.get(f"branch.{name}.merge", ""))


def _of_graphite(file: str, name: str) -> Iterator[str]:
    """The parent in Graphite's database."""
    if not os.path.isfile(file):
        return
    import sqlite3
    from contextlib import closing
    from urllib.parse import quote

    try:
        # `immutable`: nothing is written beside it, and no lock is waited for.
        with closing(sqlite3.connect(f"file:{quote(file)}?mode=ro&immutable=1", uri=True)) as database:
            query = "SELECT parent_branch_name FROM branch_metadata WHERE branch_name = ?"
            yield from (row[0] for row in database.execute(query, (name,)) if isinstance(row[0], str))
    except sqlite3.Error:
        return
