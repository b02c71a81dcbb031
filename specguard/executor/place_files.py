"""The folders of a run's place: where they are, how they are made, and how they are removed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import sys
from typing import TYPE_CHECKING, Final

from specguard.change.process import CommandError, Process
from specguard.change.repository import NO_CONFIGURATION, QUIET, search_path
from specguard.errors import SpecguardError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from specguard.change.repository import Repository

OWN: Final = ".specguard"
"""What the name of specguard's own folder for a place has behind the place's."""


_A_PLACE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[0-9a-f]{4}")


def places_folder(environment: Mapping[str, str], checkout: str) -> str:
    """The folder of all places: the user's alone, and in no checkout.

    Args:
        environment: the caller's environment.
        checkout: the root of the user's working files.

    Raises:
        SpecguardError: none can be made.
    """
    home = environment.get("HOME", "")
    temporary = environment.get("TMPDIR") or "/tmp"  # noqa: S108 - the folder is the user's alone, or refused
    candidates = [
        os.path.join(environment.get("XDG_CACHE_HOME", ""), "specguard", "places"),
        os.path.join(home, ".cache", "specguard", "places") if home else "",
        os.path.join(temporary, f"specguard-{os.geteuid()}", "places"),
    ]
    inside = os.path.realpath(checkout)
    for folder in candidates:
        # Git separates folders of objects by colons and lines.
        if not os.path.isabs(folder) or ":" in folder or "\n" in folder:
            continue
        if os.path.commonpath([inside, os.path.realpath(folder)]) == inside:
            continue
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            found = os.lstat(folder)
        except OSError:
            continue
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022:
            return os.path.realpath(folder)
    raise SpecguardError(
        "there is no folder for the run's place",
        help="set XDG_CACHE_HOME to a folder of yours that is in no checkout",
    )


def make_repositories(path: str, base: str, repository: Repository) -> None:
    """Make two repositories with nothing in them that read the user's objects: the place, and specguard's.

    Args:
        path: the folder of the place's working files.
        base: where their `HEAD` is, detached.
        repository: the user's.

    Raises:
        SpecguardError: git cannot make them.
        OSError: they cannot be written.
    """
    own = path + OWN
    objects = os.path.join(own, "objects")
    environment = {"PATH": search_path(repository.program), **QUIET, **NO_CONFIGURATION}
    for folder, bare in ((path, []), (own, ["--bare"])):
        os.mkdir(folder, 0o700)
        words = [
            "init", "-q", "--template=", "--initial-branch=none", f"--object-format={repository.format}",
            *bare, "--", folder,
        ]  # fmt: skip
        try:
            Process(repository.program, words, environment).read()
        except CommandError as error:
            raise SpecguardError(
                f"git cannot make the run's place: {error.first_line}", code="unwritable-file"
            ) from error
        inside = folder if bare else os.path.join(folder, ".git")
        stores = [repository.objects] if bare else [repository.objects, objects]
        os.makedirs(os.path.join(inside, "objects", "info"), exist_ok=True)
        with open(os.path.join(inside, "objects", "info", "alternates"), "wb") as file:
            file.write(b"".join(os.fsencode(store) + b"\n" for store in stores))
        with open(os.path.join(inside, "HEAD"), "w", encoding="ascii") as file:
            file.write(f"{base}\n")
        with open(os.path.join(inside, "config"), "a", encoding="ascii") as file:
            # What nothing refers to yet must stay.
            file.write("[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n")
        shallow = os.path.join(repository.common, "shallow")
        if os.path.isfile(shallow):
            shutil.copyfile(shallow, os.path.join(inside, "shallow"))


def is_place(path: str, run_id: str = "") -> bool:
    """Whether a path is one that a place can have; it need not be there.

    Manifests are files like others, and a change may bring some: what they name is not removed, or worked in,
    before it is seen to be no other folder.

    Args:
        path: the folder of working files that a manifest names.
        run_id: the run whose place it has to be; empty: any.
    """
    parent, name = os.path.split(path)
    above, places = os.path.split(parent)
    return (
        os.path.isabs(path)
        and os.path.normpath(path) == path
        and places == "places"
        and os.path.basename(above).startswith("specguard")
        and os.path.realpath(parent) == parent
        and run_id in ("", name)
    )


def strays(folder: str) -> list[str]:
    """What is in the folder of places and is no run's: an agent that leaves its place by `..` comes there.

    Args:
        folder: the folder of places; it need not be there.

    Returns:
        The names, in order.
    """
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted(name for name in names if not _A_PLACE.fullmatch(name.removesuffix(OWN)))


def remove_stray(path: str) -> None:
    """Remove something that `strays` named.

    Raises:
        SpecguardError: it is nothing of that kind, or cannot be removed.
    """
    if not is_place(path) or os.path.basename(path) not in strays(os.path.dirname(path)):
        raise SpecguardError("this is nothing that was left beside the places of runs", path=path)
    _remove(path)


def remove_place(path: str) -> None:
    """Remove a place and specguard's folder for it; what is gone already does not matter.

    Args:
        path: the folder of its working files, as manifests have it.

    Raises:
        SpecguardError: it is no folder that `make_place` made.
    """
    if not is_place(path):
        raise SpecguardError("this is no place of a run, and is not removed", path=path)
    for folder in (path, path + OWN):
        _remove(folder)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        _remove_tree(path)
    elif os.path.lexists(path):
        os.unlink(path)
    # A broken removal must not be taken for one that was done.
    if os.path.lexists(path):
        raise SpecguardError(
            "it cannot be removed", path=path, help=shlex.join(["rm", "-rf", path]), code="unwritable-file"
        )


def _remove_tree(folder: str) -> None:
    if sys.version_info >= (3, 12):
        shutil.rmtree(folder, onexc=_writable)
    else:
        shutil.rmtree(folder, onerror=_writable)


def _writable(remove: Callable[[str], Any], path: str, _: object) -> None:
    """Remove what is in a folder that may not be written to, as tools leave them in their caches."""
    try:
        os.chmod(os.path.dirname(path), 0o700)
        if os.path.isdir(path) and not os.path.islink(path):
            os.chmod(path, 0o700)
            shutil.rmtree(path, ignore_errors=True)
        else:
            remove(path)
    except OSError:
        # What is left is seen afterwards.
        return
