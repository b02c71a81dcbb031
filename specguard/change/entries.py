"""Paths and commits of a change, git's formats that describe them, and the hashes for their object ids.

All values are bytes until a field is known to be text. This module trusts no name: a path may hold any byte
but NUL, and every header is checked for its exact shape.

`hashlib` has the hashes of OpenSSL, which are several times as fast. It is imported once there is enough to
hash.
"""

from __future__ import annotations

import re
import sys
from functools import cache, cached_property
from itertools import takewhile
from operator import attrgetter

from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from hashlib import sha1 as sha1
    from typing import Any, Final, Literal
else:
    try:
        from _sha1 import sha1
    except ImportError:
        from hashlib import sha1


SYMLINK: Final = 0o120000
SUBMODULE: Final = 0o160000
DIRECTORY: Final = 0o040000
FILE: Final = 0o100644
EXECUTABLE: Final = 0o100755
OBJECT_ID: Final = re.compile("[0-9a-f]{7,64}")
"""An object id, full or abbreviated."""


class Entry:
    """A path that a change adds, modifies or deletes; a rename is a deletion and an addition.

    Attributes:
        path: the path in git, in bytes.
        status: `A` added, `D` deleted, `M` content or mode modified, `T` type changed, `U` unmerged.
        old_mode: the mode before (0 if the path is added), e.g. `0o100644`.
        new_mode: the mode after (0 if the path is deleted).
        old: the full object id before; zeros if the path is added.
        new: the full object id after; zeros if the path is deleted.
    """

    __slots__ = ("new", "new_mode", "old", "old_mode", "path", "status")

    def __init__(self, path: bytes, status: str, old_mode: int, new_mode: int, old: str, new: str) -> None:
        self.path = path
        self.status = status
        self.old_mode = old_mode
        self.new_mode = new_mode
        self.old = old
        self.new = new

    @property
    def added(self) -> bool:
        """True if the path is new."""
        return self.status == "A"

    @property
    def deleted(self) -> bool:
        """True if the path is gone."""
        return self.status == "D"

    @property
    def side(self) -> Literal["base"] | None:
        """The `side` of findings about the path: `base` if it is gone."""
        return "base" if self.deleted else None

    @property
    def is_file(self) -> bool:
        """True if the path is a regular file after the change."""
        return self.new_mode & 0o170000 == 0o100000

    @property
    def was_file(self) -> bool:
        """True if the path was a regular file before the change."""
        return self.old_mode & 0o170000 == 0o100000

    @property
    def has_new_content(self) -> bool:
        """True if the path is a regular file whose content the change adds or alters, or that was a link."""
        # A large change asks it of each path several times, so one property is written out.
        return self.new_mode & 0o170000 == 0o100000 and (self.old != self.new or not self.was_file)

    @property
    def is_symlink(self) -> bool:
        """True if the path is a symbolic link after the change."""
        return self.new_mode == SYMLINK

    @property
    def is_submodule(self) -> bool:
        """True if the path is a submodule (gitlink) after the change."""
        return self.new_mode == SUBMODULE

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and all(getattr(self, n) == getattr(other, n) for n in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.path, self.status, self.new))


def is_filed(entry: Entry, folder: bytes) -> bool:
    """True if an entry adds an approval's record or signature to the log of approvals, as a plain file.

    Args:
        entry: the entry.
        folder: as for `is_record`.
    """
    return entry.added and entry.new_mode == FILE and is_record(entry.path, folder)


def is_in_log(entry: Entry, folder: bytes) -> bool:
    """True if an entry is in the log of approvals, or replaces its folder or a folder above it.

    Args:
        entry: the entry.
        folder: as for `is_record`.
    """
    return entry.path.startswith(folder) or (not entry.deleted and folder.startswith(entry.path + b"/"))


def states_of(entries: Iterable[Entry]) -> dict[bytes, str]:
    """Return the mode and object id that each entry leaves at its path."""
    return {entry.path: f"{entry.new_mode:o} {entry.new}" for entry in entries}


def paths_in_state(entries: Iterable[Entry], known: Sequence[Mapping[bytes, str]]) -> set[bytes]:
    """Return the paths that the entries leave in one of the known states, each in the form of `states_of`."""
    return {path for path, state in states_of(entries).items() if state in [one.get(path) for one in known]}


def is_record(path: bytes, folder: bytes) -> bool:
    """True if a path has the form of an approval's record or signature in the log of approvals.

    Args:
        path: the path.
        folder: the path prefix of the log, with a slash at its end.
    """
    digest, _, kind = path.removeprefix(folder).partition(b".")
    known = len(digest) == 64 and not digest.strip(b"0123456789abcdef") and kind in (b"json", b"json.sig")
    return known and path.startswith(folder)


class Message(Record, frozen=False):
    r"""The message of a commit, of a commit being written, or the title that a squash merge will land.

    Lines are split only at `\n`, as in git.

    Attributes:
        raw: its bytes.
        commit: the commit's full object id; None if the commit does not exist yet.
        source: `commit`, `file` (a message being written) or `title`.
        encoding: the name in the commit's encoding header; empty if there is none.
        merge: True if the commit is or will be a merge.
        author: for a message being written, the author that git names, as `Name <address>`; empty if git
            names none.
        staged: returns the entries of the commit that is being written; None if they are not known.
        landed: for a title of several that have landed, the commit's full object id; else None.
    """

    raw: bytes
    commit: str | None = None
    source: str = "commit"
    encoding: str = ""
    merge: bool = False
    author: str = ""
    staged: Callable[[], Sequence[Entry]] | None = None
    landed: str | None = None

    @cached_property
    def text(self) -> str:
        """The message as text, with bytes that are not UTF-8 as surrogate escapes."""
        return self.raw.decode("utf-8", "surrogateescape")

    @property
    def squashes(self) -> bool:
        """True if `git rebase --autosquash` would squash the commit into another one."""
        return self.subject.rstrip().startswith(("fixup! ", "squash! ", "amend! "))

    @property
    def lines(self) -> list[str]:
        """The message's lines, without the newline at its end."""
        return self.text.rstrip("\n").split("\n")

    @property
    def subject(self) -> str:
        """The first line."""
        return self.text.split("\n", 1)[0]

    @property
    def label(self) -> str:
        """The name of the first line in messages."""
        return "title" if self.source == "title" else "subject"

    @property
    def is_numbered(self) -> bool:
        """True if the subject has a pull request's number: that of a squash, or of one that it reverts."""
        return strip_pull_number(subject := self.subject.rstrip("\"'")) != subject

    @property
    def body(self) -> str:
        """The text after the first line, without the blank lines around it."""
        return self.text.partition("\n")[2].strip("\n")

    @property
    def valid(self) -> bool:
        """True if the bytes are UTF-8."""
        return self.text.isascii() or not any("\udc80" <= char <= "\udcff" for char in self.text)

    @property
    def field(self) -> str:
        """The field of a finding about the first line."""
        return "pull_request.title" if self.source == "title" else "commit.subject"


class Commit(Record, frozen=False):
    """A commit of the judged change.

    Attributes:
        oid: its full object id.
        tree: its tree's full object id.
        parents: its parents' full object ids; a merge has several.
        author, committer: the recorded name and e-mail address, e.g. `Ann <ann@x.org>`; anyone can write
            anything there.
        message: its message.
        read: reads its diffs.
    """

    oid: str
    tree: str
    parents: Sequence[str]
    author: str
    committer: str
    message: Message
    read: Callable[[], Sequence[Sequence[Entry]]]

    @cached_property
    def diffs(self) -> Sequence[Sequence[Entry]]:
        """The changes against each parent in turn (against nothing for a root commit), by path.

        Raises:
            MissingFact: a tree is not there.
        """
        return self.read()

    @property
    def is_merge(self) -> bool:
        """True if the commit has several parents."""
        return len(self.parents) > 1

    @property
    def is_empty(self) -> bool:
        """True if the commit changes nothing against its one parent."""
        return len(self.parents) <= 1 and not any(self.diffs)

    @cached_property
    def own_entries(self) -> Sequence[Entry]:
        """The commit's own changes: its diff, and for a merge the entries that differ from every parent."""
        if not self.is_merge:
            return self.diffs[0] if self.diffs else ()
        others = [{entry.path for entry in diff} for diff in self.diffs[1:]]
        return [entry for entry in self.diffs[0] if all(entry.path in paths for paths in others)]


# Compiled on first use: few checks ask for a time.
_TIME: Final = rb"(?m)^committer .*> ([0-9]{1,18}) [+-][0-9]{4}$"


class FormatError(ValueError):
    """Bytes that do not have git's format."""

    @property
    def first_line(self) -> str:
        """The error message; named like that of `CommandError`."""
        return str(self)


def read_entries(fields: Sequence[bytes], digits: int) -> list[Entry]:
    """Parse the entries of a `--raw -z` stream, and sort them by path bytes.

    Args:
        fields: records `:<mode> <mode> <oid> <oid> <status>NUL<path>NUL`, split at each NUL.
        digits: the length of a full object id.

    Raises:
        FormatError: the fields have another form.
    """
    if len(fields) % 2 != 1 or fields[-1]:
        raise FormatError("a list of entries that ends within an entry")
    return _entries(fields, 0, len(fields) - 1, digits)


def read_diffs(fields: Sequence[bytes], digits: int) -> list[tuple[str, list[Entry]]]:
    """Parse the entries of each pair that `diff-tree --stdin --always -z` compared, in that order.

    Args:
        fields: for each pair the commit's object id and NUL, then its entries, split at each NUL.
        digits: the length of a full object id.

    Raises:
        FormatError: the fields have another form.
    """
    if fields[-1]:
        raise FormatError("a list of commits that ends within an entry")
    last, end = len(fields) - 1, 0
    found: list[tuple[str, list[Entry]]] = []
    while end < last:
        oid = fields[end]
        if len(oid) != digits or oid.strip(b"0123456789abcdef"):
            raise FormatError("a commit's object id is expected")
        end = start = end + 1
        # A path follows each header that begins with a colon, so a path is never taken for a header.
        while end < last and fields[end][:1] == b":":
            end += 2
        found.append((oid.decode("ascii"), _entries(fields, start, end, digits)))
    return found


def _entries(fields: Sequence[bytes], start: int, end: int, digits: int) -> list[Entry]:
    # `:100644 100755 <oid> <oid> M`: every field has a fixed position.
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
    entries.sort(key=attrgetter("path"))
    return entries


def read_tree(data: bytes, digits: int) -> Iterator[tuple[bytes, int, str]]:
    """Yield the name, mode and object id of each entry of a tree object, as recorded there.

    Raises:
        FormatError: the data is not a tree object, or a name in it has a slash.
    """
    # Where no entry begins, the rest is taken at once: each place in it may look like the beginning of one.
    for found in re.finditer(rb"([0-7]{1,7}) ([^/\0]*+)\0(.{%d})|.+" % (digits // 2), data, re.DOTALL):
        if found[1] is None:
            raise FormatError("a tree object with something that is not an entry")
        yield found[2], int(found[1], 8), found[3].hex()


def read_listing(lines: Iterable[bytes]) -> Iterator[tuple[bytes, int, str]]:
    """Yield the path, mode and object id of each line of a recursive `ls-tree`."""
    for line in lines:
        header, _, path = line.partition(b"\t")
        mode, _, oid = header.decode("ascii").split(" ")
        yield path, int(mode, 8), oid


def read_commit(oid: str, data: bytes, read: Callable[[], Sequence[Sequence[Entry]]]) -> Commit:
    """Parse a commit object; a malformed field is left empty, except the tree.

    Args:
        oid: its object id.
        data: the object's bytes.
        read: reads the commit's changes against each of its parents.

    Raises:
        FormatError: the commit names no tree.
    """
    header, _, raw = data.partition(b"\n\n")
    lines = header.split(b"\n")
    if not lines[0].startswith(b"tree "):
        raise FormatError("a commit without a tree")
    named = takewhile(lambda line: line.startswith(b"parent "), lines[1:])
    parents = [line[7:].decode("ascii", "replace") for line in named]
    fields: dict[bytes, bytes] = {}
    for line in lines[1 + len(parents) :]:
        # The first header of a name counts, as in git; continuation lines of signatures begin with a space.
        name, _, value = line.partition(b" ")
        fields.setdefault(name, value)
    encoding = fields.get(b"encoding", b"").decode("utf-8", "surrogateescape")
    return Commit(
        oid,
        tree=lines[0][5:].decode("ascii", "replace"),
        parents=parents,
        author=_identity(fields.get(b"author", b"")),
        committer=_identity(fields.get(b"committer", b"")),
        message=Message(raw, commit=oid, encoding=encoding, merge=len(parents) > 1),
        read=read,
    )


def strip_pull_number(subject: str, *, landed: bool = True) -> str:
    """Return a subject without the pull request's number that a squash merge adds.

    GitHub, Gitea and Forgejo append ` (#12)`. Azure Repos begins with `Merged PR 12: `, and Bitbucket Data
    Center with `Pull request #12: `. Before it lands, a title begins with what its author wrote.
    """
    begin = "^(?:Merged PR |Pull request #)[0-9]{1,18}: |" if landed else ""
    return re.sub(rf"{begin} \(#[0-9]{{1,18}}\)$", "", subject)


def read_commit_time(data: bytes) -> int | None:
    """Return a commit's time in seconds since 1970, parsed from its object; None if it has none.

    Anyone can write any time there.
    """
    found = re.search(_TIME, data.partition(b"\n\n")[0])
    return int(found[1]) if found else None


def _identity(line: bytes) -> str:
    """Return `Name <address>` without what is after it; the first address counts, as in git."""
    end = line.find(b">", line.find(b"<") + 1)
    return (line[: end + 1] if end >= 0 else line).decode("utf-8", "surrogateescape")


HASHLIB_FROM: Final = 1 << 20
"""After this number of hashed bytes, `hashlib` saves more time than its import costs."""


def object_id(kind: str, content: bytes, digits: int, *, fast: bool = False) -> str:
    """Return the object id that git gives to a content.

    Args:
        kind: `blob`, `tree`, `commit` or `tag`.
        content: the object's bytes.
        digits: 40 for a SHA-1 repository, 64 for a SHA-256 one.
        fast: True to import `hashlib`, which pays off after `HASHLIB_FROM` bytes.
    """
    algorithm: Any = sha1 if digits == 40 else _find_sha256()
    if fast:
        import hashlib

        algorithm = hashlib.sha1 if digits == 40 else hashlib.sha256
    state = algorithm(b"%s %d\0" % (kind.encode(), len(content)), usedforsecurity=False)
    state.update(content)
    return str(state.hexdigest())


def sha256(content: bytes) -> str:
    """Return the SHA-256 of a content, as hexadecimal digits."""
    return str(_find_sha256()(content).hexdigest())


def text_digest(*texts: str) -> str:
    """Return the SHA-256 of some texts with a NUL between them, as hexadecimal digits."""
    return sha256("\0".join(texts).encode("utf-8", "surrogateescape"))


@cache
def _find_sha256() -> Any:
    # Few checks need a SHA-256, so only those pay for the import.
    try:
        return __import__("_sha2" if sys.version_info >= (3, 12) else "_sha256").sha256
    except ImportError:
        import hashlib

        return hashlib.sha256
