"""Making sure that the trees a comparison reads are what their ids say.

Whoever can write below `.git` can put another content in the place of an object, and git believes it. Of two
trees git reads those directories that differ; when each of them has the hash it is named by, up from the
commits, the entries that git tells are the true ones.
"""

from __future__ import annotations

from itertools import zip_longest

from specguard.change.raw import FormatError, read_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from specguard.change.git import Git

_DIRECTORY = 0o040000


def verify_trees(git: Git, old: str, new: str) -> None:
    """Read all directories in which two trees differ, each compared with its id.

    Args:
        git: where they are read.
        old: the object id of one tree.
        new: that of the other one.

    Raises:
        MissingFact: one of them is not there, or has another content than its id says.
    """
    pairs = {(old, new)}
    while pairs:
        oids = sorted({oid for pair in pairs for oid in pair if oid})
        trees = {oid: _directories(git, oid, content) for oid, _, content in git.objects(oids)}
        below: set[tuple[str, str]] = set()
        for before, after in pairs:
            below.update(_differing(trees.get(before, ()), trees.get(after, ())))
        pairs = below


def _directories(git: Git, oid: str, content: bytes) -> set[tuple[bytes, str]]:
    try:
        return {
            (name, tree) for name, mode, tree in read_tree(content, len(oid)) if mode & 0o170000 == _DIRECTORY
        }
    except FormatError as error:
        raise git.missing(f"tree {oid}", str(error)) from error


def _differing(
    old: Collection[tuple[bytes, str]], new: Collection[tuple[bytes, str]]
) -> Iterator[tuple[str, str]]:
    """The directories that one side alone has, each beside that of its name on the other, or nothing."""
    names: dict[bytes, tuple[list[str], list[str]]] = {}
    for side, found in enumerate((set(old).difference(new), set(new).difference(old))):
        for name, oid in sorted(found):
            names.setdefault(name, ([], []))[side].append(oid)
    for olds, news in names.values():
        yield from zip_longest(olds, news, fillvalue="")
