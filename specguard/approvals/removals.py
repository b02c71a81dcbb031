"""Revocations that a change's own commits take away again, which its net difference does not show."""

from __future__ import annotations

from specguard.approvals.reading import LIMIT, RecordError, read_record
from specguard.approvals.record import Revocation
from specguard.change.entries import is_record
from specguard.change.revision import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.approvals.log import Log
    from specguard.change.entries import Commit
    from specguard.change.tree import Tree

_KIND: Final = 0o170000
_FILE: Final = 0o100000


def removed_revocations(
    commits: Sequence[Commit], folder: bytes, tree: Tree, log: Log
) -> Iterator[tuple[bytes, str]]:
    """The revocations that a commit deletes or edits, and that the head does not have.

    Args:
        commits: the change's commits. What a merge has lost of one of its parents counts, too.
        folder: the log's.
        tree: any tree, whose objects are read.
        log: what the head has.

    Yields:
        The path, and the object id of the commit.

    Raises:
        MissingFact: an object is not there.
    """
    gone: dict[bytes, list[tuple[str, str]]] = {}
    for commit in commits:
        for entry in (entry for diff in commit.diffs for entry in diff):
            was_file = entry.old_mode & _KIND == _FILE
            if was_file and entry.old != entry.new and is_record(entry.path, folder):
                gone.setdefault(entry.path, []).append((entry.old, commit.oid))
    contents = dict(tree.blobs(sorted({blob for found in gone.values() for blob, _ in found}), LIMIT))
    for path, found in sorted(gone.items()):
        name = path.removeprefix(folder).removesuffix(b".json").decode()
        filed = log.filed.get(name)
        if filed is not None and "head" in filed.places:
            continue
        oid = next((commit for blob, commit in found if _is_revocation(name, contents[blob])), None)
        if oid is not None:
            yield path, oid


def _is_revocation(name: str, content: bytes | None) -> bool:
    if content is None or sha256(content).hexdigest() != name:
        return False
    try:
        return isinstance(read_record(content), Revocation)
    except RecordError:
        return False
