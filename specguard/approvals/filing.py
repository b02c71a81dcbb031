"""Writing records and signatures into the log's folder in the working tree.

Each file is written under another name, and gets its own in one step once all of it is on the disk. So it is
there whole or not at all, whatever else is written at the same time; no file that is there is ever touched.
"""

from __future__ import annotations

import os

from specguard.approvals.log import TEMPORARY
from specguard.approvals.reading import RecordError, read_record
from specguard.errors import SpecguardError
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.approvals.record import Approval, Revocation

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
    written: list[tuple[bytes, bytes]] = []
    made: list[bytes] = []
    try:
        place = _open_folder(work_tree, folder)
        for name, content in files:
            partial = TEMPORARY + name + b"." + os.urandom(8).hex().encode() + _PARTIAL
            written.append((partial, name))
            _write_file(place, partial, content)
        for partial, name in written:
            _give_name(place, partial, name)
            made.append(name)
        os.fsync(place)
    except OSError as error:
        for name in made:
            _remove(place, name)
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
        for partial, _ in written:
            _remove(place, partial)
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
    for path, name in _parts(folder):
        above = place
        try:
            _make_folder(name, above)
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


def _make_folder(name: bytes, above: int) -> None:
    try:
        os.mkdir(name, dir_fd=above)
    except FileExistsError:
        # It is there, or another writer made it just now.
        return


def _parts(folder: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each folder on the way, with its own name."""
    path = b""
    for name in folder.rstrip(b"/").split(b"/"):
        path = path + b"/" + name if path else name
        yield path, name


def _kind(name: bytes, above: int) -> str:
    """What stands where a folder is expected; empty for a folder, and for what cannot be told."""
    import stat

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
        if _is_there(name, place):
            raise
        os.rename(partial, name, src_dir_fd=place, dst_dir_fd=place)


def _is_there(name: bytes, place: int) -> bool:
    try:
        os.stat(name, dir_fd=place, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _remove(place: int, name: bytes) -> None:
    try:
        os.unlink(name, dir_fd=place)
    except OSError:
        # It was never made, or the disk is gone: there is nothing more that can be done.
        return
