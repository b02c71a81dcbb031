"""Writing files: anew by a rename, or at the end of a log that others write to as well."""

from __future__ import annotations

import contextlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_PATIENCE: Final = 10.0
"""How many seconds another writer of a log is waited for."""


def replace_file(file: str, text: str) -> None:
    """Write a file, or write it anew, by a rename: it is never half there. Its mode stays what it was.

    Raises:
        OSError: it cannot be written.
    """
    replace_bytes(file, text.encode("utf-8"))


def replace_bytes(file: str, content: bytes) -> None:
    """The same as `replace_file`, with bytes.

    Raises:
        OSError: it cannot be written.
    """
    partial = f"{file}.{os.getpid()}"
    try:
        with open(partial, "xb") as stream:
            stream.write(content)
        if os.path.exists(file):
            os.chmod(partial, os.stat(file).st_mode & 0o777)
        os.replace(partial, file)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(partial)
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
            with contextlib.suppress(OSError):
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
