"""A cache of compiled policies and of rules' findings, in the user's own cache folder.

A file's name is a hash of its inputs. The file holds plain data after a checksum, and is written by a rename.
The format is `marshal`, that of Python's compiled files, as importing `json` costs a hook a millisecond. Any
fault of a file or its folder is a cache miss. The judged change cannot write here, nor choose the folder.
"""

from __future__ import annotations

import marshal
import os
import sys
from functools import cache

from specguard import __version__
from specguard.change.entries import sha1

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

LAYOUT: Final = "1"
"""The version of the cache's layout, and the name of its folder."""

MAX_SIZE: Final = 64 << 20
"""The most bytes of all files together; the oldest are removed first."""


class Cache:
    """The cache of one repository.

    Args:
        environment: the process's environment.
        parts: the repository's identity: its object format and its common directory.
        work_tree: the working tree, which must not contain the cache; empty if there is none.
    """

    def __init__(self, environment: Mapping[str, str], parts: Sequence[str], *, work_tree: str = "") -> None:
        # Installing, removing or replacing a distribution changes an import folder.
        self._parts = [*parts, __version__, *(f"{path}:{_stamp(path)}" for path in sys.path)]
        self._folder = user_folder(environment, LAYOUT, work_tree)

    def read(self, inputs: Mapping[str, str]) -> Mapping[str, Any] | None:
        """Return the data that is stored for these inputs; None if there is none.

        Args:
            inputs: the inputs of the data: for a policy the identity of each document, by its path.
        """
        if not self._folder or not is_own(self._folder):
            return None
        try:
            with open(self._file(inputs), "rb") as file:
                checksum, _, body = file.read().partition(b"\n")
            if checksum.decode("ascii") != sha1(body).hexdigest():
                return None
            stored = marshal.loads(body)  # noqa: S302  # the folder is the user's alone, as compiled files are
            if not isinstance(stored, dict) or any(_stamp(path) != stamp for path, stamp in stored["files"]):
                return None
            data: Mapping[str, Any] = stored["kept"]
        except (OSError, ValueError, KeyError, TypeError, EOFError):
            return None
        return data

    def write(self, inputs: Mapping[str, str], data: Mapping[str, Any], packages: Iterable[str]) -> None:
        """Store data; do nothing if that is not possible.

        Args:
            inputs: the inputs of the data.
            data: texts, numbers, bytes, lists, tuples and tables.
            packages: the packages whose code made the data, besides specguard's own.
        """
        if not self._folder:
            return
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            if not is_own(self._folder):
                return
            body = marshal.dumps({"files": _source_stamps(frozenset(["specguard", *packages])), "kept": data})
            if len(body) > MAX_SIZE:
                return
            target = os.fsencode(self._file(inputs))
            replace_own(target, sha1(body).hexdigest().encode("ascii") + b"\n" + body)
            self._clean()
        except (OSError, ValueError):
            return

    def _file(self, inputs: Mapping[str, str]) -> str:
        named = [f"{name}={inputs[name]}" for name in sorted(inputs)]
        key = "\0".join([*self._parts, *named]).encode("utf-8", "surrogateescape")
        return os.path.join(self._folder, f"{sha1(key).hexdigest()}.cache")

    def _clean(self) -> None:
        """Remove the files that were written first, beyond `MAX_SIZE` bytes."""
        with os.scandir(self._folder) as entries:
            stats = [(entry.stat(follow_symlinks=False), entry.path) for entry in entries]
        size = 0
        for found, path in sorted(stats, key=lambda one: -one[0].st_mtime_ns):
            size += found.st_size
            if size > MAX_SIZE:
                os.unlink(path)


def replace_own(file: bytes, content: bytes) -> None:
    """Write or replace a file that only the user may read, by an atomic rename.

    Raises:
        OSError: the file cannot be written.
    """
    partial = file + b".%d" % os.getpid()
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    os.replace(partial, file)


def development_stamp(packages: Sequence[str]) -> str:
    """Return a stamp of the source files of editable packages; empty if none is editable."""
    for package in packages:
        __import__(package)
    stamps = "\n".join(map(":".join, _source_stamps(frozenset(packages))))
    return f"edited {sha1(stamps.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}" if stamps else ""


def _stamp(path: str) -> str:
    try:
        found = os.stat(path)
    except OSError:
        return "-"
    return f"{found.st_mtime_ns}:{found.st_ino}:{found.st_size}"


def user_folder(environment: Mapping[str, str], name: str, work_tree: str) -> str:
    """Return the path of a folder of specguard's in the user's cache; empty if no folder can be used.

    Args:
        environment: the process's environment.
        name: the folder's own name.
        work_tree: the working tree, which must not contain the folder; empty if there is none.
    """
    home = environment.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(home):
        user = environment.get("HOME", "")
        if not os.path.isabs(user):
            return ""
        home = os.path.join(user, ".cache")
    folder = os.path.join(home, "specguard", name)
    if work_tree:
        inside = os.path.realpath(work_tree)
        if os.path.commonpath([inside, os.path.realpath(folder)]) == inside:
            return ""
    return folder


def is_own(folder: str) -> bool:
    """Return True if the user owns a folder, and nobody else can read it or write to it."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return found.st_mode & 0o170077 == 0o040000 and found.st_uid == os.geteuid()


@cache
def _source_stamps(packages: frozenset[str]) -> list[tuple[str, str]]:
    """Return the source files of packages that are installed as editable, each with its stamp.

    A regular install changes the time of its import folder; an edit of a development install does not. The
    files are looked at once in a process, whose code stays as it was imported.
    """
    modules = [sys.modules[name] for name in sorted(packages & sys.modules.keys())]
    places = [place for module in modules for place in getattr(module, "__path__", [module.__file__ or ""])]
    installed = {"site-packages", "dist-packages"}
    edited = [place for place in places if os.path.basename(os.path.dirname(place)) not in installed]
    return [(path, _stamp(path)) for place in edited for path in [*_files(place)] or [place]]


def _files(folder: str) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        yield from (os.path.join(parent, name) for name in sorted(names))
