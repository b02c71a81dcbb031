"""Reading git's formats that carry facts: `--raw -z` streams, tree objects and commit objects.

All of them are bytes until a field is known to be text. Nothing here trusts a name: a path may hold any byte
but NUL, and every header is checked for its exact shape.
"""

from __future__ import annotations

import re
from operator import attrgetter

from specguard.change.commit import Commit, Message
from specguard.change.entry import Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Final

# Compiled by its first use: few checks ask for a time.
_TIME: Final = rb"> ([0-9]{1,18}) [+-][0-9]{4}$"


class FormatError(ValueError):
    """Bytes that are not what git writes."""


def read_entries(fields: Sequence[bytes], digits: int) -> list[Entry]:
    """The entries of a `--raw -z` stream, by path bytes.

    Args:
        fields: records `:<mode> <mode> <oid> <oid> <status>NUL<path>NUL`, split at each NUL.
        digits: the length of a full object id.

    Raises:
        FormatError: it is no such stream.
    """
    if len(fields) % 2 != 1 or fields[-1]:
        raise FormatError("a list of entries that ends within an entry")
    entries = _entries(fields, 0, len(fields) - 1, digits)
    entries.sort(key=attrgetter("path"))
    return entries


def read_diffs(fields: Sequence[bytes], digits: int) -> list[tuple[str, list[Entry]]]:
    """The entries of each pair that `diff-tree --stdin --always -z` was asked to compare, in that order.

    Args:
        fields: for each pair the commit's object id and NUL, then its entries, split at each NUL.
        digits: the length of a full object id.

    Raises:
        FormatError: it is no such stream.
    """
    if fields[-1]:
        raise FormatError("a list of commits that ends within an entry")
    last = len(fields) - 1
    found: list[tuple[str, list[Entry]]] = []
    at = 0
    while at < last:
        oid = fields[at]
        if len(oid) != digits or oid.strip(b"0123456789abcdef"):
            raise FormatError("a commit's object id is expected")
        end = start = at + 1
        # A path follows each header that begins with a colon, so no path is ever taken for a header.
        while end < last and fields[end][:1] == b":":
            end += 2
        entries = _entries(fields, start, end, digits)
        entries.sort(key=attrgetter("path"))
        found.append((oid.decode("ascii"), entries))
        at = end
    return found


def _entries(fields: Sequence[bytes], start: int, end: int, digits: int) -> list[Entry]:
    # `:100644 100755 <oid> <oid> M`: everything has its place.
    middle, size = 15 + digits, 2 * digits + 18
    old, new = slice(15, middle), slice(middle + 1, size - 2)
    known: dict[str, tuple[int, int]] = {}
    entries = []
    try:
        for at in range(start, end, 2):
            header = fields[at].decode("ascii")
            if len(header) != size or header[0] != ":":
                raise FormatError("an entry is expected")
            if not header[14] == header[middle] == header[-2] == " ":
                raise FormatError("an entry's fields stand one space apart")
            modes = header[1:14]
            if modes not in known:
                if modes[6] != " " or (modes[:6] + modes[7:]).strip("01234567"):
                    raise FormatError("an entry's modes are six octal digits each")
                known[modes] = int(modes[:6], 8), int(modes[7:], 8)
            before, after = known[modes]
            entries.append(Entry(fields[at + 1], header[-1], before, after, header[old], header[new]))
    except (ValueError, IndexError) as error:
        raise FormatError(str(error)) from error
    return entries


def read_tree(data: bytes, digits: int) -> Iterator[tuple[bytes, int, str]]:
    """The name, mode and object id of each entry of a tree object, as it stands there.

    Raises:
        FormatError: it is no tree object.
    """
    width = digits // 2
    at, end = 0, len(data)
    known: dict[bytes, int] = {}
    while at < end:
        space = data.find(b" ", at, at + 8)
        stop = data.find(b"\0", space) if space > 0 else -1
        if stop < 0 or stop + 1 + width > end:
            raise FormatError("a tree object that ends within an entry")
        mode = data[at:space]
        if mode not in known:
            # It has seven digits at most, since the space after it was found.
            if not mode or mode.strip(b"01234567"):
                raise FormatError("a tree object with a mode that is no number")
            known[mode] = int(mode, 8)
        at = stop + 1 + width
        yield data[space + 1 : stop], known[mode], data[stop + 1 : at].hex()


def read_commit(oid: str, data: bytes, diffs: Callable[[], Sequence[Sequence[Entry]]]) -> Commit:
    """A commit from the bytes of its object; what is malformed in it is left empty, except its tree.

    Args:
        oid: its object id.
        data: the object's bytes.
        diffs: supplies what the commit changes against each of its parents.

    Raises:
        FormatError: it names no tree.
    """
    header, _, raw = data.partition(b"\n\n")
    parents = []
    author = committer = encoding = b""
    lines = header.split(b"\n")
    if not lines[0].startswith(b"tree "):
        raise FormatError("a commit without a tree")
    after = 1
    while after < len(lines) and lines[after].startswith(b"parent "):
        parents.append(lines[after][7:].decode("ascii", "replace"))
        after += 1
    for line in lines[after:]:
        # The first of each counts, as for git; continuation lines of signatures begin with a space.
        if line.startswith(b"author ") and not author:
            author = line[7:]
        elif line.startswith(b"committer ") and not committer:
            committer = line[10:]
        elif line.startswith(b"encoding ") and not encoding:
            encoding = line[9:]
    return Commit(
        oid,
        tree=lines[0][5:].decode("ascii", "replace"),
        parents=parents,
        author=_person(author),
        committer=_person(committer),
        message=Message(
            raw,
            commit=oid,
            encoding=encoding.decode("utf-8", "surrogateescape"),
            merge=len(parents) > 1,
        ),
        diffs=diffs,
    )


def read_commit_time(data: bytes) -> int | None:
    """When a commit was made, in seconds since 1970, as the bytes of its object say; None where they do not.

    Anyone can write any time there.
    """
    for line in data.partition(b"\n\n")[0].split(b"\n"):
        if line.startswith(b"committer "):
            found = re.search(_TIME, line)
            return int(found[1]) if found else None
    return None


def _person(line: bytes) -> str:
    """`Name <address>` without the time after it."""
    end = line.rfind(b">")
    return (line[: end + 1] if end >= 0 else line).decode("utf-8", "surrogateescape")
