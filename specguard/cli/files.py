"""Writing the files of a working tree."""

from __future__ import annotations

import contextlib
import os


def replace_file(file: str, text: str) -> None:
    """Write a file, or write it anew, by a rename: it is never half there. Its mode stays what it was.

    Raises:
        OSError: it cannot be written.
    """
    partial = f"{file}.{os.getpid()}"
    try:
        with open(partial, "x", encoding="utf-8", newline="") as stream:
            stream.write(text)
        if os.path.exists(file):
            os.chmod(partial, os.stat(file).st_mode & 0o777)
        os.replace(partial, file)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise
