"""Files that are all written, or none: each as a whole, and none over one that says something else."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from specguard.errors import SpecguardError

if TYPE_CHECKING:
    from collections.abc import Mapping


def write_files(top: str, files: Mapping[str, str], *, over: frozenset[str] = frozenset()) -> None:
    """Write files below a root, with the folders that they are in; when one cannot be, none is.

    Args:
        top: the root.
        files: their texts, by their paths from the root.
        over: those of them that may take the place of a regular file.

    Raises:
        SpecguardError: one is there, is in a folder that is a link, or cannot be written.
    """
    for path in files:
        _check(top, path, over=path in over)
    made: list[str] = []
    placed: list[tuple[str, bytes | None]] = []
    path = ""
    try:
        staged = []
        for path, text in files.items():
            place = os.path.join(top, path)
            made += _folders(os.path.dirname(place))
            temporary = f"{place}.{secrets.token_hex(6)}.specguard"
            staged.append((path, place, temporary))
            with open(temporary, "x", encoding="utf-8", newline="") as stream:
                stream.write(text)
        for path, place, temporary in staged:
            before = None
            if path in over and os.path.lexists(place):
                with open(place, "rb") as old:
                    before = old.read()
                os.chmod(temporary, os.stat(place).st_mode & 0o777)
                os.replace(temporary, place)
            else:
                # Unlike a renaming a link fails where somebody has written the file meanwhile.
                os.link(temporary, place)
                os.unlink(temporary)
            placed.append((place, before))
    except OSError as error:
        _undo(placed, [temporary for _, _, temporary in staged], made)
        said = (
            "it is there already"
            if isinstance(error, FileExistsError)
            else f"it cannot be written: {error.strerror}"
        )
        raise SpecguardError(said, path=path, help="nothing was written", code="unwritable-file") from error


def _check(top: str, path: str, *, over: bool) -> None:
    root = os.path.realpath(top)
    place = os.path.join(top, path)
    real = os.path.realpath(os.path.dirname(place))
    if real != os.path.normpath(os.path.join(root, os.path.dirname(path))):
        raise SpecguardError(
            "its folder is a link, or in one",
            path=path,
            help="put a folder of its own there; nothing was written",
            code="outside-repository",
        )
    if os.path.lexists(place) and not (over and os.path.isfile(place) and not os.path.islink(place)):
        raise SpecguardError(
            "it is there already, and is never overwritten",
            path=path,
            help="nothing was written",
            code="never-overwritten",
        )


def _folders(folder: str) -> list[str]:
    """Make a folder and those above it; which were made, the outermost first."""
    missing = []
    at = folder
    while at and not os.path.isdir(at):
        missing.append(at)
        at = os.path.dirname(at)
    for one in reversed(missing):
        os.mkdir(one)
    return missing[::-1]


def _undo(placed: list[tuple[str, bytes | None]], staged: list[str], made: list[str]) -> None:
    """Take back what was written; what cannot be taken back stays, and the error that led here is told."""
    for place, before in placed:
        try:
            if before is None:
                os.unlink(place)
            else:
                with open(place, "wb") as stream:
                    stream.write(before)
        except OSError:
            continue
    for temporary in staged:
        if os.path.lexists(temporary):
            os.unlink(temporary)
    for folder in reversed(made):
        try:
            os.rmdir(folder)
        except OSError:
            continue
