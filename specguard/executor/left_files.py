"""Files by which an agent says something, at the root of its place: taken out, and never committed."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from typing import Final

NO_FILE: Final = b"(no file)"
"""What is read of something that is no file."""


def left_file(place: str, name: str, largest: int) -> bytes | None:
    """What a file says; None where there is none. Of a link, a folder or a pipe nothing is read.

    Args:
        place: the folder of the place.
        name: the file's name.
        largest: so many bytes are read at most.
    """
    path = os.path.join(place, name)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError:
        return NO_FILE if os.path.lexists(path) else None
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return _read(descriptor, largest) if regular else NO_FILE
    finally:
        os.close(descriptor)


def take_away(place: str, name: str) -> None:
    """Take a file out of a place, whatever it is."""
    path = os.path.join(place, name)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(FileNotFoundError):
        os.unlink(path)


def _read(descriptor: int, largest: int) -> bytes:
    pieces: list[bytes] = []
    while largest > 0 and (piece := os.read(descriptor, largest)):
        pieces.append(piece)
        largest -= len(piece)
    return b"".join(pieces)
