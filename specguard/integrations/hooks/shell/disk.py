"""The files that a command finds, looked at without waiting for any."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

READ: Final = 2_000_000
"""Files of more bytes than this are not read."""


def kind_of(path: bytes, *, follow: bool = False) -> int:
    """The kind of what is at a path; 0 where nothing is."""
    try:
        return stat.S_IFMT((os.stat if follow else os.lstat)(path).st_mode)
    except (OSError, ValueError):
        return 0


def read_regular(path: bytes) -> bytes | None:
    """A regular file's content; None where there is none or it is too large."""
    try:
        at = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        found = os.fstat(at)
        if not stat.S_ISREG(found.st_mode) or found.st_size > READ:
            return None
        parts: list[bytes] = []
        left = READ + 1
        while left > 0:
            part = os.read(at, left)
            if not part:
                return b"".join(parts)
            parts.append(part)
            left -= len(part)
    except OSError:
        return None
    finally:
        os.close(at)
    return None
