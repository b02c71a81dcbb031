"""Names that git takes for `.git`, and where symbolic links lead, told from trees and never from the disk."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from specguard.rules import Tree


# What HFS+ passes over in names, as git has it (utf8.c, next_hfs_char).
_UNSEEN_BY_HFS: Final = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)


def is_git_name(segment: bytes) -> bool:
    r"""Whether one segment of a path is `.git`, or becomes it where files are checked out.

    `.GIT`, `git~1`, `.git.`, `.git ` and `.git:stream` do on Windows, `.g\u200cit` does on macOS.
    """
    if segment.isascii():
        name = segment.lower()
    else:
        name = (
            segment.decode("utf-8", "surrogateescape")
            .translate(_UNSEEN_BY_HFS)
            .lower()
            .encode("utf-8", "replace")
        )
    if b"git" not in name:
        return False
    name = name.partition(b":")[0].partition(b"\\")[0].rstrip(b" .")
    return name in {b".git", b"git~1"}


def has_git_name(path: bytes) -> bool:
    """Whether any segment of a path is such a name."""
    return any(map(is_git_name, path.split(b"/")))


HOPS: Final = 40


"""So many links are followed, as Linux does (path_resolution(7)); a longer chain leads nowhere."""


LONGEST: Final = 4096


"""The most bytes that a link's text can have on Linux (PATH_MAX); other systems allow less."""


_KIND: Final = 0o170000


_SYMLINK: Final = 0o120000


_ABSOLUTE: Final = rb"/|\\|[A-Za-z]:"


class Escape(Exception):
    """A link that leads out of the repository; the text says how, as a clause."""


def resolve(path: bytes, target: bytes, tree: Tree) -> bytes | None:
    """The path that a link leads to, by the links of a tree.

    Args:
        path: the link's own path.
        target: its text.
        tree: the tree that other links on the way are read from.

    Returns:
        The path, whether or not the tree has it, empty for the root; None for a circle.

    Raises:
        Escape: it is absolute, or leads above the root.
        MissingFact: the text of a link on the way is not there.
    """
    place = path.split(b"/")[:-1]
    left = _segments(target)
    hops = 0
    while left:
        segment = left.pop()
        if segment in {b"", b"."}:
            continue
        if segment == b"..":
            if not place:
                raise Escape("leads above the repository's root")
            place.pop()
            continue
        place.append(segment)
        here = b"/".join(place)
        found = tree.find(here)
        if found is None or found.mode & _KIND != _SYMLINK:
            continue
        hops += 1
        if hops > HOPS:
            return None
        text = tree.read(here)
        place.pop()
        left.extend(_segments(text or b""))
    return b"/".join(place)


def _segments(target: bytes) -> list[bytes]:
    """A link's text in segments, the last one first; like the system's call it ends at a NUL."""
    text = target.partition(b"\0")[0]
    if re.match(_ABSOLUTE, text):
        raise Escape("leads to an absolute path")
    return text.replace(b"\\", b"/").split(b"/")[::-1]
