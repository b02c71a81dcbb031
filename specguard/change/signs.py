"""Cheap signs of whether what is judged has changed since it was looked at last.

Files are told by what the file system says of them and never read. Git is asked for refs and the index only
where their files changed, so that a program that merely writes them anew is no change.
"""

from __future__ import annotations

import os
import time

from specguard.change.repository import Repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from specguard.change.process import Process
    from specguard.change.request import Request


class Signs:
    """Looks at what a request asks to have judged.

    Args:
        request: of what can change the working tree, the index and branches count, and the files it names.
        apart: files that are written while it is judged, and are no sign.

    Raises:
        SpecguardError: there is no repository, or no working tree where that is to be judged.
    """

    def __init__(self, request: Request, apart: Iterable[str] = ()) -> None:
        self._repository = Repository.locate(request.directory, request.environment)
        self._top = self._repository.work_tree() if request.worktree else ""
        self._index = request.staged or request.worktree
        self._named = [
            name
            for name in (request.authority, request.event_file, request.body_file, request.reviews_file)
            if name
        ]
        self._apart = {os.path.realpath(os.fsencode(name)) for name in apart}
        self._known: dict[str, tuple[Any, bytes]] = {}

    def look(self) -> tuple[Any, ...]:
        """What is there now: equal to an earlier look where nothing was seen to change.

        Raises:
            SpecguardError: git cannot be run.
        """
        # What is out of date is so from midnight on.
        signs: list[Any] = [time.gmtime()[:3], self._refs()]
        signs += [_stat(name) for name in self._named]
        if self._index:
            signs.append(self._meant("index", _stat(self._repository.index), "ls-files", "-s", "-t", "-z"))
        if self._top:
            signs.append(tuple(self._files()))
        return tuple(signs)

    def _refs(self) -> tuple[bytes, bytes]:
        repository = self._repository
        places = [f"{repository.git_dir}/HEAD", f"{repository.common}/HEAD"]
        places += [f"{repository.common}/{name}" for name in ("packed-refs", "config", "shallow")]
        found = [_stat(place) for place in places]
        for folder in {repository.git_dir, repository.common}:
            for name in ("refs", "reftable"):
                found += _below(f"{folder}/{name}")
        mark = tuple(found)
        return (
            self._meant("head", mark, "rev-parse", "HEAD", "--symbolic-full-name", "HEAD"),
            self._meant("refs", mark, "for-each-ref", "--format=%(refname) %(objectname) %(symref)"),
        )

    def _meant(self, what: str, mark: Any, *arguments: str) -> bytes:
        """What git says, asked again only where the files that it would read have another mark."""
        known = self._known.get(what)
        if known is None or known[0] != mark:
            known = self._known[what] = mark, _said(self._repository.in_place(*arguments))
        return known[1]

    def _files(self) -> Iterator[tuple[Any, ...]]:
        """The files of the working tree that are tracked or not ignored."""
        said = _said(
            self._repository.in_place(
                "-C", self._top, "ls-files", "-c", "-o", "-z", "--exclude-per-directory=.gitignore"
            )
        )
        top = os.path.realpath(os.fsencode(self._top))
        for name in said.split(b"\0"):
            place = os.path.join(top, name)
            if place not in self._apart:
                yield name, _stat(place)


def _said(process: Process) -> bytes:
    """What a program prints and how it ends; that it fails is a sign like any other."""
    pieces: list[bytes] = []
    try:
        while data := process.chunk():
            pieces.append(data)
        pieces.append(b"\0%d" % process.wait())
    finally:
        process.stop()
    return b"".join(pieces)


def _stat(name: str | bytes) -> tuple[int, ...]:
    try:
        found = os.lstat(name)
    except (OSError, ValueError):
        return ()
    if os.path.isdir(name):
        # A nested repository or a submodule: what is in it is not judged.
        return (found.st_mode,)
    return found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _below(folder: str) -> list[tuple[Any, ...]]:
    """The files below a folder, in an order that stays the same."""
    places = [f"{where}/{name}" for where, _, names in os.walk(folder) for name in names]
    return [(place, _stat(place)) for place in sorted(places)]
