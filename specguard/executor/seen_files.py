"""What is seen of files, for telling later whether they changed."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

State = dict[str, str]
"""What was seen, by what it is called: `ref refs/heads/main`, `git config`, `file src/a.py`."""

DIGESTED: Final = 4 << 20
"""A file up to this size, in bytes, is compared by its content, a larger one by its size and times."""


def content_of(path: str) -> str:
    """What tells a file's content from any other; empty where there is none."""
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            end = os.path.realpath(path)
            # A link that leads in a circle has no end.
            return f"link {os.readlink(path)} {'' if os.path.islink(end) else content_of(end)}"
        if not stat.S_ISREG(status.st_mode) or status.st_size > DIGESTED:
            return status_of(os.fsencode(path))
        with open(path, "rb") as file:
            return f"{status.st_mode:o} {hashlib.sha256(file.read()).hexdigest()}"
    except OSError:
        return ""


def status_of(path: bytes) -> str:
    """What changes with a file, without reading it; empty where there is none."""
    try:
        status = os.lstat(path)
    except OSError:
        return ""
    return f"{status.st_mode:o} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def files_below(top: str) -> Iterator[str]:
    """The files and links below a folder, from there; links to folders are not followed."""
    for folder, folders, files in os.walk(top):
        for name in files + [one for one in folders if os.path.islink(os.path.join(folder, one))]:
            yield os.path.relpath(os.path.join(folder, name), top)


class Survey:
    """A walk over all of a place.

    Args:
        path: the folder of its working files.

    Attributes:
        size: the bytes that it takes on the disk, its `.git` too.
        nested: the folders in it that have a `.git` of their own, in any spelling.
        special: what git reads as it walks, such as a `.gitignore`, and is no file: it would wait there.
    """

    def __init__(self, path: str) -> None:
        self.size = 0
        self.nested: list[bytes] = []
        self.special: list[bytes] = []
        root = os.fsencode(path)
        ahead = [root]
        while ahead:
            folder = ahead.pop()
            try:
                with os.scandir(folder) as found:
                    entries = list(found)
            except OSError:
                # What cannot be read is told of where it is hashed; what is gone needs no telling.
                continue
            for entry in entries:
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                self.size += status.st_blocks * 512
                if entry.name.lower() == b".git" and folder != root:
                    self.nested.append(os.path.relpath(folder, root))
                if entry.name.startswith(b".git") and stat.S_ISFIFO(status.st_mode):
                    self.special.append(os.path.relpath(entry.path, root))
                if stat.S_ISDIR(status.st_mode):
                    ahead.append(entry.path)
