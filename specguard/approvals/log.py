"""The log of approvals: a folder of records, read from trees and from the working tree.

Each file is written under another name, and gets its own in one step once all of it is on the disk. So it is
there whole or not at all, whatever else is written at the same time; no file that is there is ever touched.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections import Counter
from functools import cached_property

from specguard.approvals.record import LIMIT, Approval, RecordError, Revocation, read_record
from specguard.change.entries import Entry, is_record, sha256
from specguard.declaration.rule import Record
from specguard.errors import MissingFact, SpecguardError
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final, Literal

    from specguard.change.git import Git
    from specguard.change.tree import Tree

    Place = Literal["base", "head", "local"]


NAME: Final = re.compile(rb"([0-9a-f]{64})\.json(\.sig)?")
"""The names of a record and of its signature."""

MOST: Final = 1 << 25
"""How many bytes the records of one change may have together."""

TEMPORARY: Final = b"."
"""What the name of a file begins with while it is being written."""


class Filed(Record, frozen=False):
    """A record of the log, and where it was found.

    Attributes:
        id: its name.
        record: what it says.
        signatures: the contents of the signatures beside it; none if it is unsigned.
        loose_signature: whether one of these is in the working tree alone.
        places: `base`, `head` (what is judged) and `local` (the working tree).
    """

    id: str
    record: Approval | Revocation
    places: set[Place]
    signatures: list[bytes] = []
    loose_signature: bool = False


class Broken(Record):
    """A file of the log's folder that is no record.

    Attributes:
        path: its path.
        reason: why it is none, as a clause.
        place: where it was found.
    """

    path: bytes
    reason: str
    place: Place


class Log:
    """The contents of a log.

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
        return [(one, one.record) for one in self._by_age if isinstance(one.record, Approval)]

    @property
    def revocations(self) -> list[tuple[Filed, Revocation]]:
        """The revocations, oldest first."""
        return [(one, one.record) for one in self._by_age if isinstance(one.record, Revocation)]

    @cached_property
    def revoked(self) -> Mapping[str, Sequence[tuple[Filed, Revocation]]]:
        """The revocations of each record that has some, by its id, oldest first."""
        found: dict[str, list[tuple[Filed, Revocation]]] = {}
        for filed, record in self.revocations:
            found.setdefault(record.revokes, []).append((filed, record))
        return found

    @property
    def copies(self) -> Iterator[tuple[Filed, str]]:
        """The records that have the nonce of another one, and its id; those of the base are the first."""
        first: dict[str, str] = {}
        for filed in sorted(self._by_age, key=lambda filed: "base" not in filed.places):
            other = first.setdefault(filed.record.nonce, filed.id)
            if other != filed.id:
                yield filed, other

    @property
    def _by_age(self) -> list[Filed]:
        return sorted(self.filed.values(), key=lambda filed: (filed.record.issued_at, filed.id))

    def path(self, name: str) -> bytes:
        """The path of the record of this id."""
        return self.folder + name.encode() + b".json"

    def add(self, place: Place, files: Mapping[bytes, bytes | None]) -> None:
        """Take the files of one place.

        Args:
            place: where they are.
            files: the content of each by its name; None for what is no regular file, or is too large.
        """
        # A record comes before its signature.
        for name, content in sorted(files.items()):
            reason = self._take(place, name, content, files)
            if reason:
                self.broken.append(Broken(self.folder + name, reason, place))

    def _take(
        self, place: Place, name: bytes, content: bytes | None, files: Mapping[bytes, bytes | None]
    ) -> str:
        """Take a record or signature; the reason where it is none."""
        match = NAME.fullmatch(name)
        if match is None:
            return "its name is not a record's"
        if content is None:
            return "it is no file, or too large"
        which = match[1].decode()
        if match[2]:
            signed = self.filed.get(which)
            if signed is not None and content not in signed.signatures:
                signed.signatures.append(content)
                signed.loose_signature = place == "local"
            return "" if name.removesuffix(b".sig") in files else "there is no record that it signs"
        if sha256(content).hexdigest() != which:
            return "its name is not the sha256 of its content: it was changed, cut or renamed"
        try:
            record = read_record(content)
        except RecordError as error:
            return str(error)
        self.filed.setdefault(which, Filed(which, record, set())).places.add(place)
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
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
            content = stream.read(LIMIT + 1)
    except OSError:
        return None
    # A checkout may have given the lines other ends; the record itself has no such character.
    return content.replace(b"\r\n", b"\n") if len(content) <= LIMIT else None


_PARTIAL: Final = b".partial"
"""What the name of a file ends with while it is being written."""

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_record(
    work_tree: str, folder: bytes, record: Approval | Revocation, signature: bytes | None = None
) -> str:
    """Write a record, and its signature beside it.

    Args:
        work_tree: the working tree's folder.
        folder: the log's, with a slash at its end; it is made where it is missing.
        record: what is written.
        signature: over the record's content, armoured.

    Returns:
        The record's path from the working tree's folder.

    Raises:
        SpecguardError: it cannot be written, or is there already; then neither file is there. Nor is one
            written that no check would read.
    """
    try:
        read_record(record.content)
    except RecordError as error:
        raise SpecguardError(
            f"there can be no such record: {error}",
            help="say less, or approve fewer findings at once",
            code="not-approvable",
        ) from error
    name = f"{record.id}.json".encode()
    signatures = {} if signature is None else {name + b".sig": signature}
    return _write(work_tree, folder, {name: record.content, **signatures})


def write_signature(work_tree: str, folder: bytes, name: str, signature: bytes) -> str:
    """Write the signature of a record that is there.

    Args:
        work_tree: the working tree's folder.
        folder: the log's, with a slash at its end.
        name: the record's id.
        signature: over the record's content, armoured.

    Returns:
        Its path from the working tree's folder.

    Raises:
        SpecguardError: it cannot be written, or there is one already.
    """
    return _write(work_tree, folder, {f"{name}.json.sig".encode(): signature})


def leftovers(work_tree: str, folder: bytes) -> list[bytes]:
    """The names of files that a writer left half-written when it was killed."""
    try:
        names = os.listdir(os.path.join(os.fsencode(work_tree), folder))
    except OSError:
        return []
    return sorted(name for name in names if name.startswith(TEMPORARY) and name.endswith(_PARTIAL))


def _write(work_tree: str, folder: bytes, files: Mapping[bytes, bytes]) -> str:
    """Write files of these names and contents into the folder, all or none; the path of the first."""
    path = folder + next(iter(files))
    try:
        place = _open_folder(work_tree, folder)
        try:
            _put(place, files)
        finally:
            os.close(place)
    except FileExistsError as error:
        raise SpecguardError(
            "it is there already, and no file of the log is ever written anew",
            path=path_text(path),
            help="`specguard approvals verify` tells whether it holds",
            code="never-overwritten",
        ) from error
    except OSError as error:
        raise SpecguardError(
            f"it cannot be written: {error.strerror}",
            path=path_text(path),
            help=f"see to it that {path_text(folder)} is a folder with room that can be written",
            code="unwritable-file",
        ) from error
    return os.fsdecode(path)


def _open_folder(work_tree: str, folder: bytes) -> int:
    """A descriptor of the folder, which is made; no part of its path may be a symbolic link.

    Raises:
        OSError: it cannot be made or opened, or a part of it is one, or is a file.
    """
    place = os.open(os.fsencode(work_tree), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for name in folder.rstrip(b"/").split(b"/"):
        above = place
        try:
            try:  # noqa: SIM105 - contextlib costs a hook too much
                os.mkdir(name, dir_fd=above)
            except FileExistsError:
                # It is there, or another writer made it just now.
                pass
            place = os.open(name, _FOLDER, dir_fd=above)
        finally:
            os.close(above)
    return place


def _put(place: int, files: Mapping[bytes, bytes]) -> None:
    """Write files into an open folder; each gets its name once all of them are on the disk.

    Raises:
        FileExistsError: something has one of the names.
        OSError: they cannot be written.
    """
    partials: dict[bytes, bytes] = {}
    try:
        for name, content in files.items():
            partials[name] = TEMPORARY + name + b"." + os.urandom(8).hex().encode() + _PARTIAL
            descriptor = os.open(partials[name], _NEW, 0o666, dir_fd=place)
            with open(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(descriptor)
        # A move would replace what is there. No two writers have the same name, which is its content's hash.
        if not set(map(os.fsencode, os.listdir(place))).isdisjoint(files):
            raise FileExistsError
        for name, partial in partials.items():
            os.rename(partial, name, src_dir_fd=place, dst_dir_fd=place)
        os.fsync(place)
    finally:
        for partial in partials.values():
            try:  # noqa: SIM105 - contextlib costs a hook too much
                os.unlink(partial, dir_fd=place)
            except OSError:
                # It was never made, or has its name.
                pass


def taken_away(
    done: Iterable[tuple[str, Entry]], folder: bytes, files: Git | Tree
) -> Iterator[tuple[str, Entry, bytes]]:
    """What was changed or removed in a log: of each record and signature the first that was done to it.

    What was no record can be mended or removed, which takes nothing away.

    Args:
        done: entries, each with the commit that it is of.
        folder: the log's.
        files: where contents are read.

    Yields:
        The commit, its entry, and the content that a record had.

    Raises:
        MissingFact: an object is not there.
    """
    found: dict[bytes, list[tuple[str, Entry]]] = {}
    for commit, entry in done:
        if stat.S_ISREG(entry.old_mode) and is_record(entry.path, folder):
            found.setdefault(entry.path, []).append((commit, entry))
    records = {entry.old for several in found.values() for _, entry in several if _is_json(entry)}
    contents = dict(files.blobs(sorted(records), limit=LIMIT))
    for path, several in sorted(found.items()):
        name = path.removeprefix(folder).partition(b".")[0].decode("ascii")
        for commit, entry in several:
            content = contents.get(entry.old) or b""
            if not _is_json(entry) or sha256(content).hexdigest() == name:
                yield commit, entry, content
                break


def _is_json(entry: Entry) -> bool:
    return entry.path.endswith(b".json")


SCHEMA: Final = "specguard.decision/1"

PLACE: Final = "specguard/decisions.jsonl"
"""Within the git directory that working trees share: the checks in which an approval lifted something."""

LONGEST: Final = 1 << 24
"""A longer line, in bytes, is no decision."""


class Uses:
    """The uses that logs of decisions tell of: each is a check in which an approval lifted something.

    Args:
        common: the git directory whose own log is read, where there is one.
        files: more logs.

    Attributes:
        broken: how many of their lines are no decisions.

    Raises:
        SpecguardError: one of the files cannot be read.
    """

    def __init__(self, common: str, files: Sequence[str] = ()) -> None:
        self.broken = 0
        self._found: dict[str, list[Mapping[str, Any]]] = {}
        # What several logs have is one check; what one log has several times is several.
        lines = Counter(_lines(f"{common}/{PLACE}", own=True))
        for file in files:
            lines |= Counter(_lines(file))
        for line in lines.elements():
            try:
                uses = list(_uses(json.loads(line)))
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                self.broken += 1
                continue
            for name, use in uses:
                self._found.setdefault(name, []).append(use)
        for found in self._found.values():
            found.sort(key=lambda use: str(use["time"]))

    def of(self, name: str) -> Sequence[Mapping[str, Any]]:
        """The uses of the approval of this id, the oldest first.

        Each says at what time, source and stage a check was, whether it was enforced, its verdict, how many
        findings the approval lifted, and the commit and branch that were judged, None for what is none.
        """
        return self._found.get(name, ())


def _lines(file: str, *, own: bool = False) -> Iterator[bytes]:
    """The lines of a log of decisions; the repository's own one may be missing."""
    if own and not os.path.lexists(file):
        return
    # Whoever can write to the git directory can put there what has no end, or never begins.
    reason = "it is no regular file" if own and not os.path.isfile(file) else ""
    try:
        with open(os.devnull if reason else file, "rb") as stream:
            while line := stream.readline(LONGEST):
                if line.strip():
                    yield line.strip()
    except OSError as error:
        reason = f"it cannot be read: {error.strerror}"
    if reason:
        step = "name a file that --log-decisions wrote, or remove it"
        raise SpecguardError(reason, path=file, help=step, code="unreadable-file")


def _uses(data: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The approvals that a decision names, each with what it tells of the check."""
    if data["schema"] != SCHEMA:
        raise ValueError(data["schema"])
    change = data.get("change") or {}
    # A check that gave no verdict names none.
    for one in data.get("approvals", ()):
        yield (
            _text(one["id"]),
            {
                "time": _text(data["time"]),
                "source": _text(change.get("source")),
                "stage": _text(change.get("stage")),
                "enforce": bool(data.get("enforce")),
                "verdict": _text(data["verdict"]),
                "findings": len(one["findings"]),
                "head": _text(change.get("head")) or None,
                "branch": _text(change.get("branch")) or None,
            },
        )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
