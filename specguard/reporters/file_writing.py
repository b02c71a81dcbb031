"""Writing files: anew by a rename, or at the end of a log that others write to as well."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress

from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final

_PATIENCE: Final = 10.0
"""How many seconds another writer of a log is waited for."""


@contextmanager
def writing(path: str, help: str = "", what: str = "it") -> Iterator[None]:
    """Say of a file that could not be written what the system says, and the next step.

    Raises:
        SpecguardError: within, a system call failed.
    """
    try:
        yield
    except OSError as error:
        said = f"{what} cannot be written: {error.strerror}"
        raise SpecguardError(said, path=path, help=help, code="unwritable-file") from error


def place_in(top: str, path: str, help: str) -> str:
    """The place of a file in a working tree, where no link leads: git has none below a link.

    Raises:
        SpecguardError: it is a link, or a folder on the way to it is one.
    """
    place = os.path.join(os.path.realpath(top), path)
    if os.path.realpath(place) != place:
        said = "it is a link, or in a folder that is one, and is not written"
        raise SpecguardError(said, path=path, help=help, code="outside-repository")
    return place


def already_there(path: str, help: str) -> SpecguardError:
    """That something is there already."""
    return SpecguardError(
        "it is there already, and is never overwritten", path=path, help=help, code="never-overwritten"
    )


def replace_file(file: str, content: str | bytes) -> None:
    """Write a file, or write it anew, by a rename: it is never half there. Its mode stays what it was.

    Raises:
        OSError: it cannot be written.
    """
    partial = f"{file}.{os.getpid()}"
    # One of that name that is there already is somebody else's, and is not taken away.
    stream = open(partial, "xb")  # noqa: SIM115
    try:
        with stream:
            stream.write(content.encode("utf-8") if isinstance(content, str) else content)
        if os.path.exists(file):
            os.chmod(partial, os.stat(file).st_mode & 0o777)
        os.replace(partial, file)
    except OSError:
        with suppress(OSError):
            os.unlink(partial)
        raise


def write_files(top: str, contents: Mapping[str, str]) -> None:
    """Write files below a root, with the folders that they are in; when one cannot be, none is.

    Args:
        top: the root.
        contents: their texts, by their paths from the root.

    Raises:
        SpecguardError: one is there, is in a folder that is a link, cannot be written, or would not be UTF-8.
    """
    nothing = "nothing was written"
    places: dict[str, tuple[str, bytes]] = {}
    for path, text in contents.items():
        place = place_in(top, path, "take the link away, or write it elsewhere; nothing was written")
        if os.path.lexists(place):
            raise already_there(path, nothing)
        try:
            places[place] = path, text.encode("utf-8")
        except UnicodeEncodeError as error:
            help = "give names and texts in UTF-8"
            raise SpecguardError("it would not be UTF-8", path=path, help=help, code="usage") from error
    begun: list[str] = []
    try:
        for place, (path, content) in places.items():
            with writing(path, nothing):
                os.makedirs(os.path.dirname(place), exist_ok=True)
                with open(place, "xb") as stream:
                    begun.append(place)
                    stream.write(content)
    except BaseException:
        # An interruption leaves nothing behind either.
        for place in begun:
            with suppress(OSError):
                os.unlink(place)
        raise


def append_lines(file: str, lines: str) -> None:
    """Write lines at the end of a file, all of them or none, beside other writers that do it like this.

    A file that ends within a line, as a crash may leave it, gets the end of that line first.

    Args:
        file: its name; it is made where it is not there.
        lines: whole lines, in ASCII.

    Raises:
        OSError: it cannot be written, or another writer holds it for longer than ten seconds.
    """
    # A pipe that nobody reads is refused at once.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(file, flags, 0o666)
    try:
        _lock(descriptor)
        size = os.fstat(descriptor).st_size
        data = lines.encode("ascii")
        if size and _last_byte(file, size) != b"\n":
            data = b"\n" + data
        try:
            while data:
                data = data[os.write(descriptor, data) :]
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _last_byte(file: str, size: int) -> bytes:
    """The last of so many bytes; a newline where the file may be written but not read."""
    try:
        with open(file, "rb") as stream:
            stream.seek(size - 1)
            return stream.read(1)
    except PermissionError:
        return b"\n"


def _lock(descriptor: int) -> None:
    """Take the file for oneself; closing it gives it back."""
    import fcntl
    import time

    end = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise
            time.sleep(0.01)
        else:
            return
