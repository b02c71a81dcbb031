"""Stacked branches: the branch that a change stands on, where that is not merged yet.

Branches that a policy knows as items' are taken from their names. One that has gone on since counts where the
commits that it shares with the head are its own. What Graphite and git record of a branch's parent is
somebody's word in this clone: it is only asked locally, and can bring the start of the change nearer to its
head, never farther away.
"""

from __future__ import annotations

import os

from specguard.change.base import Found
from specguard.change.process import CommandError
from specguard.change.raw import read_commit_time
from specguard.change.repository import short_branch, short_name
from specguard.change.store import lines_of
from specguard.change.tree import Tree
from specguard.errors import MissingFact, SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from typing import Final, Protocol

    from specguard.change.facts import Ref
    from specguard.change.git import Git

    class Lower(Protocol):
        """What tells by names and subjects whether a branch is one to stand on."""

        def __call__(self, name: str) -> bool:
            """Whether a branch is another item's."""

        def owns(self, name: str, subjects: Sequence[str]) -> bool:
            """Whether the commits that it shares with the judged branch, oldest first, are its own."""


_GRAPHITE: Final = ".graphite_metadata.db"
_RECORD_LIMIT: Final = 1 << 20


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
    """The nearest branch that a head stands on and that the base does not have; None where there is none.

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
    is_items: Lower | None = None
    parents = set(_recorded(git, own))
    nearest, found = -1, None
    apart: list[Ref] = []
    for ref in git.repository.branches():
        if ref.short in own or ref.short == short_branch(base.ref):
            continue
        if not ref.name.startswith(("refs/heads/", f"refs/remotes/{remote}/")):
            continue
        place = places.get(ref.oid, -1)
        if ref.short in parents:
            place = max((places.get(oid, -1) for oid in git.merge_bases(ref.oid, head)), default=-1)
        elif ref.oid == head and not at_head:
            continue
        else:
            is_items = is_items or items()
            if not is_items(ref.short):
                continue
            if place < 0:
                apart.append(ref)
        if place > nearest:
            nearest, found = place, Found(short_name(ref.name), ref.oid, "stack", ref.name)
    if apart and is_items:
        oids = list(places)
        for place, ref in sorted(_left(git, places, base, apart), key=lambda one: -one[0]):
            if place <= nearest:
                break
            shared = [commit.message.subject for commit in git.commits(oids[: place + 1])]
            if (at_head or oids[place] != head) and is_items.owns(ref.short, shared):
                return Found(short_name(ref.name), ref.oid, "stack", ref.name)
    return found


def _left(
    git: Git, places: Mapping[str, int], base: Found, apart: Sequence[Ref]
) -> Iterator[tuple[int, Ref]]:
    """Where a head left branches that are not in its history: its last commit that each of them has.

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
    for name in own:
        yield from _of_graphite(git, name)
        process = git.repository.in_place("config", "-z", "--get-regexp", r"^branch\..*\.(remote|merge)$")
        try:
            said = process.read().decode("utf-8", "surrogateescape")
        except CommandError:
            continue
        values = dict(line.partition("\n")[::2] for line in said.split("\0"))
        # A branch of a remote is where this one is pushed to; a local one is what it was made from.
        if values.get(f"branch.{name}.remote") == ".":
            yield short_name(values.get(f"branch.{name}.merge", ""))


def _of_graphite(git: Git, name: str) -> Iterator[str]:
    """The parent in Graphite's database, or in the blobs of refs that its older versions wrote."""
    import json

    file = os.path.join(git.repository.common, _GRAPHITE)
    if os.path.isfile(file):
        yield from _of_database(file, name)
    ref = f"refs/branch-metadata/{name}"
    try:
        oid = git.repository.refs_named([ref]).get(ref)
        parent = json.loads(git.object(oid, limit=_RECORD_LIMIT)[1])["parentBranchName"] if oid else None
    except (MissingFact, SpecguardError, ValueError, KeyError, TypeError, RecursionError):
        return
    if isinstance(parent, str):
        yield parent


def _of_database(file: str, name: str) -> Iterator[str]:
    import sqlite3
    from urllib.parse import quote

    try:
        # `immutable`: nothing is written beside it, and no lock is waited for.
        database = sqlite3.connect(f"file:{quote(file)}?mode=ro&immutable=1", uri=True)
        try:
            query = "SELECT parent_branch_name FROM branch_metadata WHERE branch_name = ?"
            yield from (row[0] for row in database.execute(query, (name,)) if isinstance(row[0], str))
        finally:
            database.close()
    except sqlite3.Error:
        return
