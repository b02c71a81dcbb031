"""The log of approvals: a folder of records, read from trees and from the working tree."""

from __future__ import annotations

import os
import re
import stat

from specguard.approvals.reading import LIMIT, RecordError, read_record
from specguard.approvals.record import Approval, Revocation
from specguard.change.revision import sha256
from specguard.errors import MissingFact
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final, Literal

    from specguard.change.tree import Tree

    Place = Literal["base", "head", "local"]

NAME: Final = re.compile(rb"([0-9a-f]{64})\.json(\.sig)?")
"""The names of a record and of its signature."""

MOST: Final = 1 << 25
"""How many bytes the records of one change may have together."""

TEMPORARY: Final = b"."
"""What the name of a file begins with while it is being written."""


class Filed:
    """A record of the log, and where it was found.

    Attributes:
        id: its name.
        record: what it says.
        signatures: the contents of the signatures beside it; none where it is unsigned.
        loose_signature: whether one of these is in the working tree alone.
        places: `base`, `head` (what is judged) and `local` (the working tree).
    """

    __slots__ = ("id", "loose_signature", "places", "record", "signatures")

    def __init__(self, name: str, record: Approval | Revocation) -> None:
        self.id = name
        self.record = record
        self.signatures: list[bytes] = []
        self.loose_signature = False
        self.places: set[Place] = set()

    def __repr__(self) -> str:
        return f"Filed({self.id[:12]} in {', '.join(sorted(self.places))})"


class Broken:
    """A file of the log's folder that is no record.

    Attributes:
        path: its path.
        reason: why it is none, as a clause.
        place: where it was found.
    """

    __slots__ = ("path", "place", "reason")

    def __init__(self, path: bytes, reason: str, place: Place) -> None:
        self.path = path
        self.reason = reason
        self.place = place

    def __repr__(self) -> str:
        return f"Broken({path_text(self.path)}: {self.reason})"


class Log:
    """What a log has.

    Attributes:
        folder: what the paths of its files begin with.
        filed: the records by id.
        broken: the files that are none.
    """

    def __init__(self, folder: bytes) -> None:
        self.folder = folder
        self.filed: dict[str, Filed] = {}
        self.broken: list[Broken] = []

    @property
    def approvals(self) -> list[tuple[Filed, Approval]]:
        """The approvals, oldest first."""
        found = [(one, one.record) for one in self.filed.values() if isinstance(one.record, Approval)]
        return sorted(found, key=lambda pair: (pair[1].issued_at, pair[0].id))

    @property
    def revocations(self) -> list[tuple[Filed, Revocation]]:
        """The revocations, oldest first."""
        found = [(one, one.record) for one in self.filed.values() if isinstance(one.record, Revocation)]
        return sorted(found, key=lambda pair: (pair[1].issued_at, pair[0].id))

    def path(self, name: str) -> bytes:
        """The path of the record of this id."""
        return self.folder + name.encode() + b".json"

    def add(self, place: Place, files: Mapping[bytes, bytes | None]) -> None:
        """Take the files of one place.

        Args:
            place: where they are.
            files: the content of each by its name; None for what is no regular file, or is too large.
        """
        signatures: dict[str, tuple[bytes, bytes]] = {}
        here: set[str] = set()
        for name, content in sorted(files.items()):
            match = NAME.fullmatch(name)
            if match is None or content is None:
                reason = "its name is not a record's" if match is None else "it is no file, or too large"
                self.broken.append(Broken(self.folder + name, reason, place))
                continue
            which = match[1].decode()
            if match[2]:
                signatures[which] = name, content
                continue
            reason = self._take(which, content, place)
            if reason:
                self.broken.append(Broken(self.folder + name, reason, place))
            here.add(which)
        for which, (name, content) in signatures.items():
            if which not in here:
                self.broken.append(Broken(self.folder + name, "there is no record that it signs", place))
            elif which in self.filed and content not in self.filed[which].signatures:
                self.filed[which].signatures.append(content)
                self.filed[which].loose_signature = place == "local"

    def _take(self, which: str, content: bytes, place: Place) -> str:
        """Take a record; the reason where it is none."""
        if sha256(content).hexdigest() != which:
            return "its name is not the sha256 of its content: it was changed, cut or renamed"
        try:
            record = read_record(content)
        except RecordError as error:
            return str(error)
        self.filed.setdefault(which, Filed(which, record)).places.add(place)
        return ""


def read_log(
    folder: bytes, *, base: Tree | None = None, head: Tree | None = None, work_tree: str | None = None
) -> Log:
    """The log as the trusted base, the judged tree and the working tree have it.

    Args:
        folder: what the paths of its files begin with, a slash at its end.
        base: the trusted base's tree.
        head: the judged tree.
        work_tree: the working tree's folder.

    Raises:
        MissingFact: an object is not there, or the judged tree adds more records than can be read.
    """
    log = Log(folder)
    known: dict[str, bytes | None] = {}
    if base is not None:
        log.add("base", _of_tree(base, folder, known))
    if head is not None:
        log.add("head", _of_tree(head, folder, known, MOST))
    if work_tree is not None:
        log.add("local", dict(_of_folder(work_tree, folder)))
    return log


def _of_tree(
    tree: Tree, folder: bytes, known: dict[str, bytes | None], most: int | None = None
) -> dict[bytes, bytes | None]:
    """The files of a tree's folder; contents that are read go to those that are known, by object id."""
    names = tree.names(folder.rstrip(b"/"))
    oids = {entry.oid for entry in names.values() if entry.is_file}
    size = 0
    for oid, content in tree.blobs(sorted(oids - known.keys()), LIMIT):
        size += len(content or b"")
        if most is not None and size > most:
            raise MissingFact(
                f"the change adds more than {most >> 20} MiB to {path_text(folder)}",
                "take what is no approval of this change out of it",
                code="size-limit",
            )
        known[oid] = content
    return {name: known.get(entry.oid) if entry.is_file else None for name, entry in names.items()}


def _of_folder(work_tree: str, folder: bytes) -> Iterator[tuple[bytes, bytes | None]]:
    """The files of the working tree's folder, without those that are just being written."""
    place = os.path.join(os.fsencode(work_tree), folder.rstrip(b"/"))
    try:
        names = sorted(os.listdir(place))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise MissingFact(
            f"{path_text(folder)} cannot be read: {error.strerror}", code="unreadable-file"
        ) from error
    for name in names:
        if not name.startswith(TEMPORARY):
            yield name, _content(os.path.join(place, name))


def _content(path: bytes) -> bytes | None:
    """The content of a regular file; None for anything else, and for what cannot be read or is too large."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        with os.fdopen(descriptor, "rb") as stream:
            content = stream.read(LIMIT + 1)
    except OSError:
        return None
    # A checkout may have given the lines other ends; the record itself has no such character.
    return content.replace(b"\r\n", b"\n") if len(content) <= LIMIT else None
