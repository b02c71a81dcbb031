"""Write files: replace them by an atomic rename, or append to a log that other processes write too."""

from __future__ import annotations

import os
from contextlib import suppress

from specguard.errors import TYPE_CHECKING, Reported, SpecguardError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

_LOCK_WAIT: Final = 10.0
"""The time to wait for another writer of a log, in seconds."""


_WRITABLE: Final = "see that its folder is there, may be written and has room"


def writing(path: str, help: str = _WRITABLE, what: str = "it") -> Reported:
    """Return a context manager that reports why a file cannot be written."""
    return Reported(f"{what} cannot be written", help, path)


def path_in_tree(top: str, path: str, help: str) -> str:
    """Return the absolute path of a file in a working tree; git tracks no files behind a link.

    Raises:
        SpecguardError: the path is a link, or a folder on the way to it is one.
    """
    place = os.path.join(os.path.realpath(top), path)
    if os.path.realpath(place) != place:
        message = "it is a link, or in a folder that is one, and is not written"
        raise SpecguardError(message, path=path, help=help, code="outside-repository")
    return place


def refuse_links(file: str) -> None:
    """Refuse a file to which a link below the current folder leads: the judged change may have made it.

    Raises:
        SpecguardError: there is such a link.
    """
    path = os.path.relpath(file)
    if path.partition(os.sep)[0] not in (os.curdir, os.pardir):
        path_in_tree(os.getcwd(), path, "name a file outside the checkout, or remove the link")


def exists_error(path: str, help: str) -> SpecguardError:
    """Return the error that a file exists and is not overwritten."""
    message = "it is there already, and is never overwritten"
    return SpecguardError(message, path=path, help=help, code="never-overwritten")


def replace_file(
    file: str, content: str | bytes, report: Reported | None = None, *, with_folder: bool = False
) -> None:
    """Write or replace a file by an atomic rename, so that it is never incomplete; the file mode is kept.

    Args:
        file: its name.
        content: its content; surrogate escapes in a text become bytes again.
        report: how to report that it cannot be written, from `writing`; by default, under its name.
        with_folder: True to create its folder too.

    Raises:
        SpecguardError: it cannot be written, or is a device or a folder.
    """
    if os.path.exists(file) and not os.path.isfile(file):
        # Root could replace a device, such as /dev/null.
        help = "name a file, not a folder or device"
        raise SpecguardError("it is not a regular file", path=file, help=help, code="unwritable-file")
    with report or writing(file):
        if with_folder:
            os.makedirs(os.path.dirname(file), exist_ok=True)
        data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        partial = f"{file}.{os.getpid()}"
        # An existing file of that name belongs to somebody else, and must not be overwritten.
        stream = open(partial, "xb")  # noqa: SIM115
        try:
            with stream:
                stream.write(data)
            if os.path.exists(file):
                os.chmod(partial, os.stat(file).st_mode & 0o777)
            os.replace(partial, file)
        except BaseException:
            with suppress(OSError):
                os.unlink(partial)
            raise


def write_files(top: str, contents: Mapping[str, str]) -> None:
    """Write new files below a root, with their folders; if one file cannot be written, none is kept.

    Args:
        top: the root.
        contents: the texts of the files, by their paths from the root.

    Raises:
        SpecguardError: a file exists, is in a folder that is a link, cannot be written, or would not be
            UTF-8.
    """
    help_text = "nothing was written"
    places: dict[str, tuple[str, bytes]] = {}
    for path, text in contents.items():
        place = path_in_tree(top, path, "take the link away, or write it elsewhere; nothing was written")
        if os.path.lexists(place):
            raise exists_error(path, help_text)
        try:
            places[place] = path, text.encode("utf-8")
        except UnicodeEncodeError as error:
            help = "give names and texts in UTF-8"
            raise SpecguardError("it would not be UTF-8", path=path, help=help, code="usage") from error
    created: list[str] = []
    try:
        for place, (path, content) in places.items():
            with writing(path, help_text):
                os.makedirs(os.path.dirname(place), exist_ok=True)
                with open(place, "xb") as stream:
                    created.append(place)
                    stream.write(content)
    except BaseException:
        # After an interruption, the files are removed too.
        for place in created:
            with suppress(OSError):
                os.unlink(place)
        raise


def append_lines(file: str, lines: str) -> None:
    """Append lines to a file, all of them or none, safely beside other processes that use this function.

    If the file ends within a line, as after a crash, a newline is added first.

    Args:
        file: its name; a missing file is created.
        lines: whole lines, in ASCII.

    Raises:
        OSError: the file cannot be written, or another writer holds it for longer than ten seconds.
    """
    # Opening a pipe without a reader must fail at once, not block.
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
    try:
        _lock(descriptor)
        size = os.fstat(descriptor).st_size
        data = lines.encode("ascii")
        if size:
            with open(file, "rb") as stream:
                stream.seek(-1, os.SEEK_END)
                data = data if stream.read() == b"\n" else b"\n" + data
        try:
            while data:
                data = data[os.write(descriptor, data) :]
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Lock the file exclusively; closing it releases the lock."""
    import fcntl
    import time

    deadline, flags = time.monotonic() + _LOCK_WAIT, fcntl.LOCK_EX | fcntl.LOCK_NB
    while time.monotonic() < deadline:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, flags)
            return
        time.sleep(0.01)
    fcntl.flock(descriptor, flags)
