"""What a tree must not hold that came about in a run's place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from specguard.executor.ending import RunEnded
from specguard.model import path_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.change.entry import Entry
    from specguard.executor.place import Place

_POINTER: Final = (b"version https://git-lfs.github.com/spec/", b"version http://git-media.io/v/")
_POINTER_LIMIT: Final = 1024
"""Larger ones are no pointers: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md."""


def check_contents(place: Place, tree: str) -> None:
    """See that no new link leads out of a tree, and that what LFS keeps is left as a pointer.

    Args:
        place: where it was hashed.
        tree: its object id.

    Raises:
        RunEnded: one of them is wrong, which the reason names.
        MissingFact: an object cannot be read, or was forged.
    """
    entries = [entry for entry in place.git.diff_trees(place.base, tree) if not entry.deleted]
    _check_links(place, [entry for entry in entries if entry.is_symlink])
    files = [entry for entry in entries if entry.is_file]
    _check_pointers(place, tree, files)
    # Git does not write an object that is there: one that was forged before would stand for the file.
    for _ in place.git.blobs([entry.new for entry in files]):
        pass


def _check_links(place: Place, entries: Sequence[Entry]) -> None:
    targets = place.git.blobs([entry.new for entry in entries])
    for entry, (_, target) in zip(entries, targets, strict=True):
        if target is None or _leads_out(entry.path, target):
            where = path_text(target or b"...")
            raise RunEnded(
                "failed",
                f"{path_text(entry.path)} is a link that leads out of the run's place, to {where}",
                help="let it lead to a file of the repository, by a relative path",
                error="outside-repository",
            )


def _leads_out(path: bytes, target: bytes) -> bool:
    if target.startswith(b"/"):
        return True
    depth = path.count(b"/")
    for name in target.split(b"/"):
        if name == b"..":
            depth -= 1
            if depth < 0:
                return True
        elif name not in (b"", b"."):
            depth += 1
    return False


def _check_pointers(place: Place, tree: str, entries: Sequence[Entry]) -> None:
    if not entries:
        return
    index = os.path.join(place.git.folder, "attributes-index")
    place.git.run("read-tree", tree, index=index)
    said = place.git.run(
        "check-attr", "--cached", "-z", "--stdin", "filter",
        stdin=b"".join(entry.path + b"\0" for entry in entries), index=index,
    )  # fmt: skip
    fields = said.split(b"\0")
    kept = {path for path, value in zip(fields[::3], fields[2::3], strict=False) if value == b"lfs"}
    wanted = [entry for entry in entries if entry.path in kept]
    blobs = place.git.blobs([entry.new for entry in wanted], limit=_POINTER_LIMIT)
    for entry, (_, content) in zip(wanted, blobs, strict=True):
        # LFS leaves an empty file as it is.
        if content is None or (content and not content.startswith(_POINTER)):
            raise RunEnded(
                "failed",
                f"{path_text(entry.path)} is kept by LFS, and what was left there is no pointer to it",
                help="commit it by hand with git lfs; a run commits files as they are",
                error="outside-repository",
            )
