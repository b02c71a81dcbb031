"""Names of files as bytes: joined, made plain, and out of a text."""

from __future__ import annotations

import os.path


def joined(directory: bytes, path: bytes) -> bytes:
    """A path from a folder; the path alone where it is absolute or the folder is empty."""
    if path.startswith(b"/") or not directory:
        return path
    return directory if not path else directory.rstrip(b"/") + b"/" + path


def normal(path: bytes) -> bytes:
    """A path without `.` and with `..` taken back, as `cd` does it; empty for the folder itself."""
    made = os.path.normpath(path) if path else b""
    return b"" if made == b"." else made


def as_bytes(text: str) -> bytes:
    """A text's bytes; lone surrogates that stand for bytes become these."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
