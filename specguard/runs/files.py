"""The files of runs, wherever runs are kept: in the judged tree, or in a folder beside the check."""

from __future__ import annotations

import os

from specguard.change.entries import SYMLINK
from specguard.errors import MissingFact
from specguard.model import path_text
from specguard.runs.root import folder_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from typing import Final, Protocol

    from specguard.change.tree import Documents

    class Files(Protocol):
        """Files by their paths from the folder of all runs."""

        def read(self, path: bytes) -> bytes | None:
            """A file's bytes; None where there is no such file."""

        def digest(self, path: bytes) -> str | None:
            """The sha256 of a file; None where there is no such file."""

        def folders(self) -> Iterator[bytes]:
            """The folders that hold a manifest, in order."""

        def is_there(self, path: bytes) -> bool:
            """Whether there is a file or folder."""

        def link(self, path: bytes) -> bytes | None:
            """Where a symbolic link leads; None where there is none."""


RECORDS: Final = (b"manifest.json", b"meta.json")
"""The files that say what a run is, the first that is there."""

LARGEST: Final = 8 << 20
"""How many bytes of one file are read as text."""

_DEEPEST: Final = 4


class TreeFiles:
    """The runs that are part of the judged tree.

    Args:
        documents: the tree's.
        folder: the folder of runs, a slash at its end.
    """

    def __init__(self, documents: Documents, folder: bytes) -> None:
        self._documents = documents
        self._folder = folder

    def read(self, path: bytes) -> bytes | None:
        """A file's bytes; None where there is no such file."""
        return self._documents.content(self._folder + path)

    def digest(self, path: bytes) -> str | None:
        """The sha256 of a file; None where there is no such file."""
        import hashlib

        content = self.read(path)
        return None if content is None else hashlib.sha256(content).hexdigest()

    def folders(self) -> Iterator[bytes]:
        """The folders that hold a manifest, in order."""
        found: dict[bytes, None] = {}
        for path in self._documents.tree.paths():
            if path.startswith(self._folder) and path.rpartition(b"/")[2] in RECORDS:
                found[path.removeprefix(self._folder).rpartition(b"/")[0]] = None
        return (folder for folder in found if not _is_within(folder, found))

    def is_there(self, path: bytes) -> bool:
        """Whether there is a file or folder."""
        return self._documents.tree.find(self._folder + path) is not None

    def link(self, path: bytes) -> bytes | None:
        """Where a symbolic link leads; None where there is none."""
        entry = self._documents.tree.find(self._folder + path)
        if entry is None or entry.mode != SYMLINK:
            return None
        return self._documents.tree.read(self._folder + path)


class LocalFiles:
    """The runs of a folder of this machine; no link is followed, it could lead to anything.

    Args:
        root: the folder of all runs, absolute.
    """

    def __init__(self, root: str) -> None:
        self._root = os.path.realpath(os.fsencode(root))

    def read(self, path: bytes) -> bytes | None:
        """A file's bytes; None where there is no such file."""
        place = self._place(path)
        if place is None or not os.path.isfile(place):
            return None
        try:
            with open(place, "rb") as file:
                return file.read(LARGEST)
        except OSError as error:
            raise _unreadable(place, error) from error

    def digest(self, path: bytes) -> str | None:
        """The sha256 of a file; None where there is no such file."""
        import hashlib

        place = self._place(path)
        if place is None or not os.path.isfile(place):
            return None
        try:
            with open(place, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _unreadable(place, error) from error

    def folders(self) -> Iterator[bytes]:
        """The folders that hold a manifest, in order."""
        for folder, names, files in os.walk(self._root):
            inside = os.path.relpath(folder, self._root)
            names[:] = sorted(names) if inside.count(b"/") < _DEEPEST - 1 else []
            if inside != b"." and any(name in files for name in RECORDS):
                # What is in it is its own, such as what was there before its folder was used again.
                names[:] = []
                yield inside

    def is_there(self, path: bytes) -> bool:
        """Whether there is a file or folder."""
        place = self._place(path)
        return place is not None and os.path.exists(place)

    def link(self, path: bytes) -> bytes | None:
        """Where a symbolic link leads; None where there is none."""
        place = os.path.join(self._root, path)
        above = os.path.dirname(place)
        return os.readlink(place) if os.path.realpath(above) == above and os.path.islink(place) else None

    def _place(self, path: bytes) -> bytes | None:
        place = os.path.join(self._root, path)
        return place if os.path.realpath(place) == place.rstrip(b"/") else None


def _is_within(folder: bytes, runs: Container[bytes]) -> bool:
    """Whether a folder lies in that of a run, as what was there before a run's folder was used again."""
    above = folder.rpartition(b"/")[0]
    while above:
        if above in runs:
            return True
        above = above.rpartition(b"/")[0]
    return False


def _unreadable(place: bytes, error: OSError) -> MissingFact:
    return MissingFact(
        f"{path_text(place)} cannot be read: {error.strerror}",
        "ls -l, to see who may",
        code="unreadable-file",
    )


def place_of(named: str) -> bytes | None:
    """The folder of a run from what names it, `<kind>-<id>/<run-id>`; None where that names none."""
    above, slash, run_id = named.strip().rpartition("/")
    parts = [folder_name(part) for part in (above, run_id)]
    if not slash or any(part in ("", ".", "..") for part in parts):
        return None
    return "/".join(parts).encode("ascii", "surrogateescape")
