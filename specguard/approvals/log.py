"""The log of approvals: a folder of records, read from trees and from the working tree.

Each file is written under a temporary name, and renamed once all of it is on the disk. So it is there whole
or not at all, even with concurrent writers. Existing files are never changed.
"""

from __future__ import annotations

import json
import os
from functools import cached_property

from specguard.approvals.record import LIMIT, Approval, RecordError, Revocation, read_record
from specguard.change.check_request import read_unlinked
from specguard.change.entries import Entry, is_record, sha256
from specguard.errors import MissingFact, Reported, SpecguardError
from specguard.model import TYPE_CHECKING, Record, grouped, only_text, path_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final, Literal

    from specguard.change.git import Git
    from specguard.change.tree import Tree

    Place = Literal["base", "head", "local"]


MOST: Final = 1 << 25
"""The most bytes that a change may add to the log."""

NO_RECORD: Final = "there is no record that it signs"
"""Why a signature without its record is broken."""

TEMPORARY: Final = b"."
"""The prefix of a file's name while it is being written."""


class FiledRecord(Record, frozen=False):
    """A record of the log, and where it was found.

    Attributes:
        id: its name.
        path: its file.
        record: its content.
        signatures: the contents of its signature files; empty if it is unsigned.
        local_signature: True if one of these is only in the working tree.
        places: `base`, `head` (the judged tree) and `local` (the working tree).
    """

    id: str
    path: bytes
    record: Approval | Revocation
    places: set[Place]
    signatures: list[bytes] = []
    local_signature: bool = False


class BrokenFile(Record):
    """A file of the log's folder that is not a record.

    Attributes:
        path: its path.
        reason: why it is not a record, as a clause.
        place: where it was found.
    """

    path: bytes
    reason: str
    place: Place


class Log:
    """The contents of a log.

    Attributes:
        folder: the log's folder, with a slash at its end.
        filed: the records by id.
        broken: the files that are not records.
        local: the names of all files of the working tree's folder, also of those that are being written.
    """

    def __init__(self, folder: bytes, local: Sequence[bytes] = ()) -> None:
        self.folder = folder
        self.local = local
        self.filed: dict[str, FiledRecord] = {}
        self.broken: list[BrokenFile] = []

    @property
    def approvals(self) -> list[tuple[FiledRecord, Approval]]:
        """The approvals, oldest first."""
        return [(one, one.record) for one in self._by_age if isinstance(one.record, Approval)]

    @property
    def revocations(self) -> list[tuple[FiledRecord, Revocation]]:
        """The revocations, oldest first."""
        return [(one, one.record) for one in self._by_age if isinstance(one.record, Revocation)]

    @cached_property
    def revoked(self) -> Mapping[str, Sequence[tuple[FiledRecord, Revocation]]]:
        """The revocations of each revoked record, by its id, oldest first."""
        return grouped((record.revokes, (filed, record)) for filed, record in self.revocations)

    @property
    def copies(self) -> Iterator[tuple[FiledRecord, str]]:
        """The records that reuse a nonce, with the id of the original: in the base, signed, or older."""
        first: dict[str, str] = {}
        for filed in sorted(self._by_age, key=lambda one: ("base" not in one.places, not one.signatures)):
            other = first.setdefault(filed.record.nonce, filed.id)
            if other != filed.id:
                yield filed, other

    @property
    def _by_age(self) -> list[FiledRecord]:
        return sorted(self.filed.values(), key=lambda filed: (filed.record.issued_at, filed.id))

    @property
    def leftovers(self) -> Iterator[bytes]:
        """The paths of files that a killed writer left incomplete."""
        partial = (name for name in self.local if name.startswith(TEMPORARY))
        return (self.folder + name for name in partial if name.endswith(_PARTIAL))

    def path(self, name: str) -> bytes:
        """Return the path of the record with this id."""
        return self.folder + name.encode() + b".json"

    def add(self, place: Place, files: Mapping[bytes, bytes | None]) -> None:
        """Add the files of one place.

        Args:
            place: where they are.
            files: the content of each file by its name; None if it is not a regular file, or is too large.
        """
        # Sorting puts a record before its signature.
        for name, content in sorted(files.items()):
            if reason := self._add_file(place, name, content, files):
                self.broken.append(BrokenFile(self.folder + name, reason, place))

    def _add_file(
        self, place: Place, name: bytes, content: bytes | None, files: Mapping[bytes, bytes | None]
    ) -> str:
        """Add a record or signature; return why the file is neither, or an empty string."""
        if not is_record(self.folder + name, self.folder):
            return "its name is not a record's"
        if content is None:
            return "it is not a file, or too large"
        which, _, kind = name.decode("ascii").partition(".")
        if kind == "json.sig":
            signed = self.filed.get(which)
            if signed is not None and content not in signed.signatures:
                signed.signatures.append(content)
                signed.local_signature = place == "local"
            return "" if name.removesuffix(b".sig") in files else NO_RECORD
        if sha256(content) != which:
            return "its name is not the sha256 of its content: it was changed, cut, renamed or formatted"
        try:
            record = read_record(content)
        except RecordError as error:
            return str(error)
        self.filed.setdefault(which, FiledRecord(which, self.folder + name, record, set())).places.add(place)
        return ""


def read_log(folder: bytes, *, base: Tree | None, head: Tree | None, work_tree: str | None) -> Log:
    """Read the log from the trusted base, the judged tree and the working tree.

    Args:
        folder: the log's folder, with a slash at its end.
        base: the trusted base's tree.
        head: the judged tree.
        work_tree: the working tree's folder.

    Raises:
        MissingFact: an object is missing, or the judged tree adds more than `MOST` bytes.
    """
    place = os.path.join(os.fsencode(work_tree or ""), folder)
    log = Log(folder, _list_folder(place, folder) if work_tree is not None else ())
    known: dict[str, bytes | None] = {}
    if base is not None:
        log.add("base", _read_tree_folder(base, folder, known))
    if head is not None:
        log.add("head", _read_tree_folder(head, folder, known, MOST))
    # The files of a folder that a link leads to, from the log's place or above it, are not the log's.
    linked = os.path.realpath(place) != os.path.join(
        os.path.realpath(place.removesuffix(folder)), folder[:-1]
    )
    written = (name for name in log.local if not linked and not name.startswith(TEMPORARY))
    log.add("local", {name: _read_regular_file(place + name) for name in written})
    return log


def _read_tree_folder(
    tree: Tree, folder: bytes, contents: dict[str, bytes | None], most: int | None = None
) -> dict[bytes, bytes | None]:
    """Return the files of a tree's folder; add the contents that are read to `contents`, by object id."""
    names = tree.names(folder.rstrip(b"/"))
    oids = {entry.oid for entry in names.values() if entry.is_file}
    size = 0
    for oid, content in tree.git.blobs(sorted(oids - contents.keys()), limit=LIMIT):
        size += len(content or b"")
        if most is not None and size > most:
            reason = f"the change adds more than {most >> 20} MiB to {path_text(folder)}"
            step = "take what is not an approval of this change out of it"
            raise MissingFact(reason, step, code="size-limit")
        contents[oid] = content
    return {name: contents.get(entry.oid) if entry.is_file else None for name, entry in names.items()}


def _list_folder(place: bytes, folder: bytes) -> list[bytes]:
    """Return the names of the files of the working tree's folder, which may be missing."""
    try:
        return sorted(os.listdir(place))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise MissingFact(
            f"{path_text(folder)} cannot be read: {error.strerror}", code="unreadable-file"
        ) from error


def _read_regular_file(path: bytes) -> bytes | None:
    """Return the content of a regular file; None for anything else, and if it is unreadable or too large."""
    content = read_unlinked(path, LIMIT + 1)
    # A checkout may have converted the line ends; a record never contains a carriage return.
    return content.replace(b"\r\n", b"\n") if content is not None and len(content) <= LIMIT else None


_PARTIAL: Final = b".partial"
"""The suffix of a file's name while it is being written."""

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_record(
    work_tree: str, folder: bytes, record: Approval | Revocation, signature: bytes | None = None
) -> str:
    """Write a record, and its signature beside it.

    Args:
        work_tree: the working tree's folder.
        folder: the log's folder, with a slash at its end; it is created if it is missing.
        record: the record.
        signature: the signature over the record's content, armoured.

    Returns:
        The record's path from the working tree's folder.

    Raises:
        SpecguardError: the record cannot be written, exists already, or could not be read back. Then neither
            file is written.
    """
    try:
        read_record(record.content)
    except RecordError as error:
        message, help = f"there can be no such record: {error}", "say less, or approve fewer findings at once"
        raise SpecguardError(message, help=help, code="not-approvable") from error
    name = f"{record.id}.json".encode()
    signatures = {} if signature is None else {name + b".sig": signature}
    return write_files(work_tree, folder, {name: record.content, **signatures})


def write_files(work_tree: str, folder: bytes, files: Mapping[bytes, bytes]) -> str:
    """Write all files, given by name, into the folder, or none; return the path of the first.

    Raises:
        SpecguardError: a file cannot be written, or exists already.
    """
    path = folder + next(iter(files))
    help = f"see to it that {path_text(folder)} is a folder with room that can be written"
    with Reported("it cannot be written", help, path_text(path)):
        place = _open_folder(work_tree, folder)
        try:
            _write_all(place, files, path)
        finally:
            os.close(place)
    return os.fsdecode(path)


def _open_folder(work_tree: str, folder: bytes) -> int:
    """Create and open the folder, and return its descriptor; no part of its path may be a symbolic link.

    Raises:
        OSError: the folder cannot be created or opened, or a part of its path is a link or a file.
    """
    from contextlib import suppress

    place = os.open(os.fsencode(work_tree), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for name in folder.rstrip(b"/").split(b"/"):
        above = place
        try:
            # It exists, or another writer has just created it.
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=above)
            place = os.open(name, _FOLDER, dir_fd=above)
        finally:
            os.close(above)
    return place


def _write_all(place: int, files: Mapping[bytes, bytes], path: bytes) -> None:
    """Write files into an open folder; each gets its name once all of them are on the disk.

    Raises:
        SpecguardError: one of the names is taken; it names the path of the first file.
        OSError: the files cannot be written.
    """
    from contextlib import suppress

    partials: dict[bytes, bytes] = {}
    try:
        for name, content in files.items():
            partials[name] = TEMPORARY + name + b"." + os.urandom(8).hex().encode() + _PARTIAL
            descriptor = os.open(partials[name], _NEW, 0o666, dir_fd=place)
            with open(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(descriptor)
        # A rename would replace an existing file. Two writers never share a name: it is the content's hash.
        if not set(map(os.fsencode, os.listdir(place))).isdisjoint(files):
            message = "it is there already, and no file of the log is ever written anew"
            help = "`specguard approvals verify` says whether it holds"
            raise SpecguardError(message, path=path_text(path), help=help, code="never-overwritten")
        for name, partial in partials.items():
            os.rename(partial, name, src_dir_fd=place, dst_dir_fd=place)
        os.fsync(place)
    finally:
        for partial in partials.values():
            # It was never created, or is renamed already.
            with suppress(OSError):
                os.unlink(partial, dir_fd=place)


def first_alterations(
    changes: Iterable[tuple[str, Entry]], folder: bytes, git: Git
) -> Iterator[tuple[str, Entry, bytes]]:
    """Yield for each record and signature of a log the first of some entries that changes or removes it.

    A change of a file that is not a valid record is left out: fixing or removing it loses nothing.

    Args:
        changes: entries, each with its commit.
        folder: the log's folder.
        git: reads contents.

    Yields:
        The commit, its entry, and the previous content of a record; empty for a signature.

    Raises:
        MissingFact: an object is missing.
    """
    files_before = [one for one in changes if one[1].was_file and is_record(one[1].path, folder)]
    found = grouped((one[1].path, one) for one in files_before)
    records = {entry.old for _, entry in files_before if entry.path.endswith(b".json")}
    contents = dict(git.blobs(sorted(records), limit=LIMIT))
    for path, several in sorted(found.items()):
        name = path.removeprefix(folder).partition(b".")[0].decode("ascii")
        for commit, entry in several:
            content = contents.get(entry.old) or b""
            if not path.endswith(b".json") or sha256(content) == name:
                yield commit, entry, content
                break


SCHEMA: Final = "specguard.decision/1"

DECISIONS_FILE: Final = "specguard/decisions.jsonl"
"""The log of decisions in the common git directory: the checks in which an approval lifted a finding."""

LONGEST: Final = 1 << 24
"""The most bytes of a line in a log of decisions; a longer line is not a decision."""


class Uses:
    """The recorded uses of approvals: each is a check in which an approval lifted a finding.

    Args:
        common: the git directory, whose log of decisions is read if it exists.

    Attributes:
        broken: the number of lines that are not decisions.

    Raises:
        SpecguardError: the log cannot be read.
    """

    def __init__(self, common: str) -> None:
        self.broken = 0
        found: list[tuple[str, Mapping[str, Any]]] = []
        for line in _lines(f"{common}/{DECISIONS_FILE}"):
            try:
                found += list(_uses(json.loads(line)))
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                self.broken += 1
        self._found = grouped(sorted(found, key=lambda one: str(one[1]["time"])))

    def of(self, name: str) -> Sequence[Mapping[str, Any]]:
        """Return the uses of the approval with this id, the oldest first.

        Each has the check's time, source, stage and verdict, whether it was enforced, and the number of
        findings that the approval lifted. The judged `head` and `branch` are None if there is none.
        """
        return self._found.get(name, ())


def _lines(file: str) -> Iterator[bytes]:
    """Yield the lines of a log of decisions, which may be missing."""
    if not os.path.lexists(file):
        return
    step = "remove it"
    # Anyone who can write to the git directory can put an endless or blocking file there.
    if not os.path.isfile(file):
        raise SpecguardError("it is not a regular file", path=file, help=step, code="unreadable-file")
    with Reported("it cannot be read", step, file, code="unreadable-file"), open(file, "rb") as stream:
        while line := stream.readline(LONGEST):
            if line.strip():
                yield line.strip()


def _uses(data: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the approvals that a decision names, each with its data about the check."""
    if data["schema"] != SCHEMA:
        raise ValueError(data["schema"])
    change = data.get("change") or {}
    # A check without a verdict has no approvals.
    for one in data.get("approvals", ()):
        use = {
            "time": only_text(data["time"]),
            "source": only_text(change.get("source")),
            "stage": only_text(change.get("stage")),
            "enforce": bool(data.get("enforce")),
            "verdict": only_text(data["verdict"]),
            "findings": len(one["findings"]),
            "head": only_text(change.get("head")) or None,
            "branch": only_text(change.get("branch")) or None,
        }
        yield only_text(one["id"]), use
