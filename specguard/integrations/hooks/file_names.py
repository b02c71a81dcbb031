"""Names of files as bytes: joined, made plain, and out of a text.

An agent's path may go through links and `..`, be spelled in another case, or lie in another worktree of the
repository. What counts is where the system would write, and also the name itself, since a program may
replace a link in place of following it.
"""

from __future__ import annotations

import os
import os.path

from specguard.declaration.rule import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Final


def joined(directory: bytes, path: bytes) -> bytes:
    """A path from a folder; the path alone where it is absolute or the folder is empty."""
    if path.startswith(b"/") or not directory:
        return path
    return directory if not path else directory.rstrip(b"/") + b"/" + path


def normal(path: bytes) -> bytes:
    """A path without `.` and with `..` taken back, as `cd` does it; empty for the folder itself."""
    made = os.path.normpath(path) if path else b""
    return b"" if made == b"." else made


def as_bytes(text: str) -> bytes:
    """A text's bytes; lone surrogates that stand for bytes become these."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


_BLANK: Final = (
    " \t\n\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029"
    "\u202f\u205f\u3000\ufeff"
)
"""What JavaScript's `trim` takes away, by which agents' programs read a path."""

_LONGEST: Final = 4096
"""More bytes of a `.git` file are not read."""


class Checkout(Record):
    """A working tree, as its folder tells.

    Attributes:
        root: its root, without links on the way.
        git_dir: its git directory, likewise.
        common: the git directory that its worktrees share, likewise.
    """

    root: bytes
    git_dir: bytes
    common: bytes


def names_of(path: bytes, directory: bytes, environment: Mapping[str, str], *, gone: bool) -> list[bytes]:
    """The absolute names of what a call would write, without `.` and `..`.

    Args:
        path: as the call has it.
        directory: the folder in which it runs.
        environment: where the home folder is found, which some programs let `~` stand for.
        gone: whether it would be removed: of a link that is the link itself.
    """
    # Some programs take white space away at the ends.
    text = path.decode("utf-8", "surrogateescape").strip(_BLANK)
    spellings = dict.fromkeys([path, text.encode("utf-8", "surrogateescape") or path])
    starts = [os.path.join(directory, one) for one in spellings]
    home = os.fsencode(environment.get("HOME", "/"))
    starts += [os.path.join(home, one[2:]) for one in spellings if one.startswith(b"~/")]
    names: list[bytes] = []
    for start in starts:
        plain = b"/" + os.path.normpath(start).lstrip(b"/")
        found = [plain]
        # The system follows links before it takes `..`, and many programs do it the other way round.
        for one in (start.rstrip(b"/") or b"/", plain):
            head, tail = os.path.split(one)
            named = tail not in (b"", b".", b"..")
            found += [] if gone and named else [os.path.realpath(one)]
            found += [os.path.join(os.path.realpath(head), tail)] if named else []
        names += found
    names += [spelled for name in names if (spelled := _as_on_disk(name)) != name]
    return list(dict.fromkeys(names))


def work_tree_at(folder: bytes) -> Checkout | None:
    """The working tree that a folder is in; None where it is in none."""
    for root in _above(os.path.realpath(folder)):
        found = _work_tree(root)
        if found is not None:
            return found
    return None


def locate(names: Iterable[bytes], homes: Sequence[Checkout], *, gone: bool) -> list[tuple[Checkout, bytes]]:
    """The working trees in which names lie, each with the path from its root.

    Args:
        names: absolute names of one file.
        homes: the working trees that are guarded; worktrees of the same repositories are too.
        gone: whether the names would be removed, and with a folder all that is in it.

    Returns:
        Pairs, each once; none for a file outside of all. A name in a nested repository has its path from the
        root of the one around it.
    """
    found: dict[tuple[bytes, bytes], tuple[Checkout, bytes]] = {}
    shared = {home.common for home in homes}
    for name in names:
        trees = [home for home in homes if is_below(name, home.root)]
        if gone:
            for home in homes:
                if is_below(home.root, name):
                    found[home.root, b""] = (home, b"")
        for root in _above(os.path.dirname(name)):
            if all(root != tree.root for tree in trees):
                tree = _work_tree(root)
                if tree is not None and (tree.common in shared or (not trees and _is_around(tree, homes))):
                    trees.append(tree)
        for tree in trees:
            path = name[len(tree.root) + 1 :]
            found[tree.root, path] = (tree, path)
    return list(found.values())


def _is_around(tree: Checkout, homes: Sequence[Checkout]) -> bool:
    """Whether a guarded working tree is around one in which an agent stands."""
    around = any(is_below(home.root, tree.root) for home in homes)
    return around and os.path.lexists(tree.root + b"/SPEC_AUTHORITY.md")


def is_below(name: bytes, folder: bytes) -> bool:
    """Whether a name is a folder's or lies in it."""
    return name == folder or name.startswith(folder + b"/")


def _above(folder: bytes) -> list[bytes]:
    """A folder and all above it, the innermost first."""
    found = [folder]
    while folder not in (b"/", b""):
        folder = os.path.dirname(folder)
        found.append(folder)
    return found


def _work_tree(root: bytes) -> Checkout | None:
    """The working tree whose root a folder is; None where it is none."""
    place = root.rstrip(b"/") + b"/.git"
    try:
        os.lstat(place)
    except (OSError, ValueError):
        return None
    git_dir = os.path.realpath(place)
    if not os.path.isdir(git_dir):
        said = _first_line(place)
        if not said.startswith(b"gitdir: "):
            return None
        git_dir = os.path.realpath(os.path.join(root, said[8:]))
    if not os.path.exists(git_dir + b"/HEAD"):
        return None
    shared = _first_line(git_dir + b"/commondir")
    common = os.path.realpath(os.path.join(git_dir, shared)) if shared else git_dir
    return Checkout(root=root, git_dir=git_dir, common=common)


def _first_line(file: bytes) -> bytes:
    try:
        with open(file, "rb") as stream:
            return stream.read(_LONGEST).split(b"\n", 1)[0].rstrip(b"\r")
    except (OSError, ValueError):
        return b""


def _as_on_disk(name: bytes) -> bytes:
    """A name as the disk has it, where the disk takes several spellings for one."""
    folder, tail = os.path.split(name)
    if not tail:
        return name
    place = os.path.join(_as_on_disk(folder), tail)
    folder = os.path.dirname(place)
    try:
        one, other = os.lstat(place), os.lstat(os.path.join(folder, tail.swapcase()))
        if tail.swapcase() != tail and (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino):
            tail = next((one for one in os.listdir(folder) if one.lower() == tail.lower()), tail)
    except (OSError, ValueError):
        pass
    return os.path.join(folder, tail)
