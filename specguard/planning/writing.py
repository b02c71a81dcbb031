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
        SpecguardError: one is there, is in a folder that is a link, cannot be written, or would not be UTF-8.
    """
    for path in files:
        _check(top, path, over=path in over)
    contents = {path: _content(path, text) for path, text in files.items()}
    made: list[str] = []
    staged: list[tuple[str, str, str]] = []
    placed: list[tuple[str, bytes | None]] = []
    path = ""
    try:
        for path, content in contents.items():
            place = os.path.join(top, path)
            _make_folders(os.path.dirname(place), made)
            temporary = f"{place}.{secrets.token_hex(6)}.specguard"
            staged.append((path, place, temporary))
            with open(temporary, "xb") as stream:
                stream.write(content)
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
    except BaseException as error:
        # An interruption leaves nothing behind either.
        _undo(placed, [temporary for _, _, temporary in staged], made)
        if not isinstance(error, OSError):
            raise
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


def _content(path: str, text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise SpecguardError(
            "it would not be UTF-8", path=path, help="give names and texts in UTF-8", code="usage"
        ) from error


def _make_folders(folder: str, made: list[str]) -> None:
    """Make a folder and those above it, each told as it is made."""
    missing = []
    at = folder
    while at and not os.path.isdir(at):
        missing.append(at)
        at = os.path.dirname(at)
    for one in reversed(missing):
        os.mkdir(one)
        made.append(one)


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
