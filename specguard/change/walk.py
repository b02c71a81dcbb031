"""How much there is to compare between trees, told before git is let compare them to the end.

Git keeps every difference of two trees in memory before it prints the first, and follows a directory under
each of its names: ten trees that share theirs have 10^10 paths in a repository of a few hundred kilobytes.
Here a directory is read once, whatever its names are, and what lies below it is counted and not listed. Each
is compared with its id: whoever can write below `.git` can put another content in the place of an object, and
git believes it.
"""

from __future__ import annotations

from itertools import chain, islice, zip_longest

from specguard.change.git import DEPTH, NAME_BYTES
from specguard.change.raw import FormatError, read_tree
from specguard.errors import MissingFact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

    from specguard.change.git import Git

    Pair = tuple[str, str]

_DIRECTORY: Final = 0o040000

READ: Final = 64
"""How many times the limit of entries directories may have that are read to compare them."""


class _Differences:
    """In what one directory differs from another one: files and what else is no directory, and directories.

    Attributes:
        files: how many files.
        size: the bytes of their names.
        folders: the two sides of each directory, with the bytes of its name.
    """

    __slots__ = ("files", "folders", "size")

    def __init__(self, old: set[tuple[bytes, int, str]], new: set[tuple[bytes, int, str]]) -> None:
        files: set[bytes] = set()
        folders: dict[bytes, tuple[list[str], list[str]]] = {}
        for side, found in enumerate((old - new, new - old)):
            for name, mode, oid in sorted(found):
                if mode & 0o170000 == _DIRECTORY:
                    folders.setdefault(name, ([], []))[side].append(oid)
                else:
                    files.add(name)
        self.files = len(files)
        self.size = sum(map(len, files))
        self.folders = [
            (pair, len(name) + 1)
            for name, (olds, news) in folders.items()
            for pair in zip_longest(olds, news, fillvalue="")
        ]


def measure(git: Git, pairs: Iterable[Pair], what: str, *, spare: int = 0) -> None:
    """Read all directories in which trees differ, and refuse more of them than may be compared.

    Args:
        git: where they are read, and how many entries there may be.
        pairs: the object ids of two trees each; an empty one stands for nothing.
        what: what is compared, for the sentence about a limit.
        spare: how many entries there may be beyond the limit.

    Raises:
        MissingFact: there is more than may be, or a directory is not there or has another content than its id
            says.
    """
    limit = git.max_entries + spare
    known: dict[Pair, _Differences] = {}
    files = folders = size = 0
    # In how many ways each pair is reached, and how many bytes the paths of these ways have together.
    level: dict[Pair, tuple[int, int]] = {}
    for pair in pairs:
        level[pair] = level.get(pair, (0, 0))[0] + 1, 0
    read = _Reader(git, what, limit)
    for _ in range(DEPTH + 1):
        below: dict[Pair, tuple[int, int]] = {}
        again = [(pair, known[pair]) for pair in level if pair in known]
        new = read.each([pair for pair in level if pair not in known and pair[0] != pair[1]])
        for pair, found in chain(again, new):
            known[pair] = found
            ways, length = level[pair]
            files += ways * found.files
            size += ways * found.size + length * found.files
            folders += ways * len(found.folders)
            for count, kind in ((files, "entries"), (folders, "directories")):
                if count > limit:
                    raise beyond(what, f"more than {limit:,} {kind}", "max_entries")
            if size > limit * NAME_BYTES:
                raise beyond(what, f"more than {limit * NAME_BYTES:,} bytes of names", "max_entries")
            for folder, name in found.folders:
                others, before = below.get(folder, (0, 0))
                below[folder] = others + ways, before + length + ways * name
        if not below:
            return
        level = below
    raise beyond(what, f"more than {DEPTH:,} directories within each other")


def beyond(what: str, there: str, setting: str = "") -> MissingFact:
    """The fact that there is more than may be.

    Args:
        what: where.
        there: what there is.
        setting: the setting of the base's policy that is the limit; empty where nothing changes it.
    """
    limit = f"the limit, which {setting!r} of the base's policy sets" if setting else "the limit of depth"
    return MissingFact(f"{what} cannot be read: {there}, {limit}", code="size-limit")


class _Reader:
    """Reads the two sides of pairs, one pair after the other, up to so many entries of directories in all."""

    def __init__(self, git: Git, what: str, limit: int) -> None:
        self._git = git
        self._what = what
        self._limit = limit
        self._left = limit * READ

    def each(self, pairs: Sequence[Pair]) -> Iterator[tuple[Pair, _Differences]]:
        """The differences of each pair.

        Raises:
            MissingFact: as `measure`.
        """
        # Only one pair at a time is kept: many large directories can be small as differences of one.
        objects = self._git.objects([oid for pair in pairs for oid in pair if oid])
        for pair in pairs:
            old, new = (self._names(next(objects)) if oid else set() for oid in pair)
            yield pair, _Differences(old, new)

    def _names(self, found: tuple[str, str, bytes]) -> set[tuple[bytes, int, str]]:
        oid, kind, content = found
        if kind != "tree":
            raise self._git.missing(f"tree {oid}", f"it is a {kind}")
        try:
            names = set(islice(read_tree(content, len(oid)), self._limit + 1))
        except FormatError as error:
            raise self._git.missing(f"tree {oid}", str(error)) from error
        self._left -= len(names)
        if self._left < 0 or len(names) > self._limit:
            many = self._limit * READ if self._left < 0 else self._limit
            raise beyond(self._what, f"more than {many:,} entries in what is compared", "max_entries")
        return names
