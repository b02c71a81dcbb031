"""The log of approvals: a folder of records, read from trees and from the working tree.

Each file is written under another name, and gets its own in one step once all of it is on the disk. So it is
there whole or not at all, whatever else is written at the same time; no file that is there is ever touched.
"""

from __future__ import annotations

import json
import os
import re
import stat

from specguard.approvals.record import LIMIT, Approval, RecordError, Revocation, read_record
from specguard.change.entries import is_record, sha256
from specguard.declaration.rule import Record
from specguard.errors import MissingFact, SpecguardError
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final, Literal

    from specguard.change.entries import Commit
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
    files = [(name, record.content)]
    if signature is not None:
        files.append((name + b".sig", signature))
    return _write(work_tree, folder, files)


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
    return _write(work_tree, folder, [(f"{name}.json.sig".encode(), signature)])


def leftovers(work_tree: str, folder: bytes) -> list[bytes]:
    """The names of files that a writer left half-written when it was killed."""
    try:
        names = os.listdir(os.path.join(os.fsencode(work_tree), folder))
    except OSError:
        return []
    return sorted(name for name in names if name.startswith(TEMPORARY) and name.endswith(_PARTIAL))


def _write(work_tree: str, folder: bytes, files: Sequence[tuple[bytes, bytes]]) -> str:
    """Write files of these names and contents into the folder, all or none; the path of the first."""
    path = folder + files[0][0]
    place = -1
    partials: list[bytes] = []
    made: list[bytes] = []
    try:
        place = _open_folder(work_tree, folder)
        for name, content in files:
            partials.append(TEMPORARY + name + b"." + os.urandom(8).hex().encode() + _PARTIAL)
            _write_file(place, partials[-1], content)
        for partial, (name, _) in zip(partials, files, strict=True):
            _give_name(place, partial, name)
            made.append(name)
        os.fsync(place)
    except OSError as error:
        _remove(place, made)
        if isinstance(error, FileExistsError):
            raise SpecguardError(
                "it is there already, and no file of the log is ever written anew",
                path=path_text(path),
                help="`specguard approvals verify` tells whether it holds",
                code="never-overwritten",
            ) from error
        raise SpecguardError(
            f"it cannot be written: {error.strerror}",
            path=path_text(path),
            help=f"see to it that {path_text(folder)} is a folder with room that can be written",
            code="unwritable-file",
        ) from error
    finally:
        _remove(place, partials)
        if place >= 0:
            os.close(place)
    return os.fsdecode(path)


def _open_folder(work_tree: str, folder: bytes) -> int:
    """A descriptor of the folder, which is made; no part of its path may be a symbolic link.

    Raises:
        SpecguardError: a part of it is one, or is a file.
        OSError: it cannot be made or opened.
    """
    place = os.open(os.fsencode(work_tree), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    path = b""
    for name in folder.rstrip(b"/").split(b"/"):
        above, path = place, path + b"/" + name if path else name
        try:
            try:  # noqa: SIM105 - contextlib costs a hook too much
                os.mkdir(name, dir_fd=above)
            except FileExistsError:
                # It is there, or another writer made it just now.
                pass
            place = os.open(name, _FOLDER, dir_fd=above)
        except OSError as error:
            kind = _kind(name, above)
            if not kind:
                raise
            raise SpecguardError(
                f"the log cannot be written: {path_text(path)} is a {kind}",
                help="remove it, or name another folder in `[approvals] log`",
                code="unwritable-file",
            ) from error
        finally:
            os.close(above)
    return place


def _kind(name: bytes, above: int) -> str:
    """The kind of entry found in place of a folder; empty for a folder, and if it cannot be determined."""
    try:
        mode = os.stat(name, dir_fd=above, follow_symlinks=False).st_mode
    except OSError:
        return ""
    if stat.S_ISLNK(mode):
        return "symbolic link"
    return "" if stat.S_ISDIR(mode) else "file"


def _write_file(place: int, name: bytes, content: bytes) -> None:
    descriptor = os.open(name, _NEW, 0o666, dir_fd=place)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _give_name(place: int, partial: bytes, name: bytes) -> None:
    """Give a written file its name.

    Raises:
        FileExistsError: something has the name.
        OSError: it cannot have it.
    """
    try:
        os.link(partial, name, src_dir_fd=place, dst_dir_fd=place, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        # Some file systems have no second names. A move would replace what is there, so that is looked at
        # first; a record's name is its content's hash, and no two writers have the same one.
        if os.fsdecode(name) in os.listdir(place):
            raise
        os.rename(partial, name, src_dir_fd=place, dst_dir_fd=place)


def _remove(place: int, names: Sequence[bytes]) -> None:
    for name in names:
        try:
            os.unlink(name, dir_fd=place)
        except OSError:
            # It was never made, or the disk is gone: there is nothing more that can be done.
            continue


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
            was_file = stat.S_ISREG(entry.old_mode)
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
    try:
        named = content is not None and sha256(content).hexdigest() == name
        return named and isinstance(read_record(content or b""), Revocation)
    except RecordError:
        return False


SCHEMA: Final = "specguard.decision/1"

PLACE: Final = "specguard/decisions.jsonl"
"""Within the git directory that working trees share: the checks in which an approval lifted something."""

LONGEST: Final = 1 << 24
"""A longer line, in bytes, is no decision."""


class Use(Record):
    """A check in which an approval lifted something.

    Attributes:
        time: when, as it is written there.
        source: what was judged: `range`, `staged` and so on.
        stage: at which moment.
        enforce: whether the check was enforced.
        verdict: what came of it.
        head: the commit that was judged; empty for what was none.
        branch: the branch that was judged; empty if none is named.
        findings: how many findings it lifted.
    """

    time: str
    source: str
    stage: str
    enforce: bool
    verdict: str
    head: str
    branch: str
    findings: int


class Uses:
    """The uses that logs of decisions tell of.

    Args:
        common: the git directory whose own log is read, where there is one.
        files: more logs.

    Attributes:
        files: those that were read.
        broken: how many of their lines are no decisions.

    Raises:
        SpecguardError: one of the files cannot be read.
    """

    def __init__(self, common: str, files: Sequence[str] = ()) -> None:
        self.broken = 0
        self.files: list[str] = []
        self._found: dict[str, list[Use]] = {}
        taken: dict[bytes, int] = {}
        for file, wanted in [(f"{common}/{PLACE}", False), *((file, True) for file in files)]:
            here: dict[bytes, int] = {}
            for line in self._lines(file, wanted=wanted):
                here[line] = here.get(line, 0) + 1
                # What several logs have is one check; what one log has several times is several.
                if here[line] > taken.get(line, 0):
                    taken[line] = here[line]
                    self._take(line)
        for uses in self._found.values():
            uses.sort(key=lambda use: use.time)

    def of(self, name: str) -> Sequence[Use]:
        """The uses of the approval of this id, the oldest first."""
        return self._found.get(name, ())

    def _lines(self, file: str, *, wanted: bool) -> Iterator[bytes]:
        try:
            # Whoever can write to the git directory can put there what has no end, or never begins.
            if not wanted and not stat.S_ISREG(os.lstat(file).st_mode):
                raise SpecguardError(
                    "it is no regular file", path=file, help="remove it", code="unreadable-file"
                )
            with open(file, "rb") as stream:
                self.files.append(file)
                while line := stream.readline(LONGEST):
                    if line.strip():
                        yield line.strip()
        except FileNotFoundError as error:
            if wanted:
                raise _unread(file, error) from error
        except OSError as error:
            raise _unread(file, error) from error

    def _take(self, line: bytes) -> None:
        try:
            uses = list(_uses(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self.broken += 1
            return
        for name, use in uses:
            self._found.setdefault(name, []).append(use)


def _uses(data: Any) -> Iterator[tuple[str, Use]]:
    """The approvals that a decision names, each with what it tells of the check."""
    if data["schema"] != SCHEMA:
        raise ValueError(data["schema"])
    change = data.get("change") or {}
    # A check that gave no verdict names none.
    for one in data.get("approvals", ()):
        texts = {name: _text(change.get(name)) for name in ("source", "stage", "head", "branch")}
        time, verdict = _text(data["time"]), _text(data["verdict"])
        enforce, count = bool(data.get("enforce")), len(one["findings"])
        yield _text(one["id"]), Use(time=time, verdict=verdict, enforce=enforce, findings=count, **texts)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _unread(file: str, error: OSError) -> SpecguardError:
    return SpecguardError(
        f"it cannot be read: {error.strerror}",
        path=file,
        help="name a file that --log-decisions wrote",
        code="unreadable-file",
    )
