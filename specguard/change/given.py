"""Files that a caller or a repository names: what they hold, and how much of it is read."""

from __future__ import annotations

import os
import stat

from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

BODY_LIMIT: Final = 1 << 20
"""How large the file of a pull request's body may be, in bytes; GitHub takes 65,536 characters."""


def read_bounded(file: str, limit: int, what: str) -> bytes:
    """The content of a file that somebody named.

    Raises:
        SpecguardError: it cannot be read, or is larger than `limit` bytes.
    """
    try:
        with open(file, "rb") as stream:
            data = stream.read(limit + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SpecguardError(
            f"{what} cannot be read: {reason}", path=file, help="Check its name.", code="unreadable-file"
        ) from error
    if len(data) > limit:
        raise SpecguardError(
            f"{what} may have {limit >> 20} MiB, and this one is larger",
            path=file,
            help="Check that it is the one that is meant.",
            code="size-limit",
        )
    return data


def read_regular(file: str, limit: int, what: str) -> bytes:
    """The content of a file that a repository holds, which may be anything: nothing waits for it.

    Raises:
        SpecguardError: it is no regular file, cannot be read, or is larger than `limit` bytes.
    """
    try:
        regular = stat.S_ISREG(os.stat(file).st_mode)
    except (OSError, ValueError):
        # Why it cannot be read is said where it is.
        regular = True
    if not regular:
        raise SpecguardError(
            f"{what} is no regular file", path=file, help="Put a file in its place.", code="unreadable-file"
        )
    return read_bounded(file, limit, what)


def read_body(file: str) -> str:
    """A pull request's body from a file, with newlines alone at the ends of lines.

    Raises:
        SpecguardError: it cannot be read or is too large.
    """
    data = read_bounded(file, BODY_LIMIT, "the file with the pull request's body")
    return data.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
