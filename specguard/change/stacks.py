"""Stacked branches: the branch that a change stands on, where that is not merged yet.

Branches that a policy knows as items' are taken from their names. What Graphite and git record of a branch's
parent is somebody's word in this clone: it is only asked locally, and can bring the start of the change
nearer to its head, never farther away.
"""

from __future__ import annotations

import os

from specguard.change.base import Found
from specguard.change.process import CommandError
from specguard.change.repository import short_branch, short_name
from specguard.change.tree import Tree
from specguard.errors import MissingFact, SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import Final

    from specguard.change.git import Git

_GRAPHITE: Final = ".graphite_metadata.db"
_RECORD_LIMIT: Final = 1 << 20


def branch_below(
    git: Git,
    head: str,
    base: Found,
    *,
    own: Collection[str],
    remote: str,
    items: Callable[[], Callable[[str], bool]],
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
    is_items: Callable[[str], bool] | None = None
    parents = set(_recorded(git, own))
    nearest, found = -1, None
    for ref in git.repository.branches():
        if ref.short in own or ref.short == short_branch(base.ref):
            continue
        if not ref.name.startswith(("refs/heads/", f"refs/remotes/{remote}/")):
            continue
        place = places.get(ref.oid, -1)
        if ref.short in parents:
            place = max((places.get(oid, -1) for oid in git.merge_bases(ref.oid, head)), default=-1)
        elif place < 0 or (ref.oid == head and not at_head):
            continue
        else:
            is_items = is_items or items()
            if not is_items(ref.short):
                continue
        if place > nearest:
            nearest, found = place, Found(short_name(ref.name), ref.oid, "stack", ref.name)
    return found


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
