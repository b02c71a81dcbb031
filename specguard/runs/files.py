"""The files of runs, wherever runs are kept: in the judged tree, or in a folder beside the check."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress

from specguard.change.entries import SYMLINK
from specguard.errors import MissingFact, SpecguardError
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping
    from io import BufferedReader
    from typing import Final, TypeAlias, TypeVar

    from specguard.change.tree import Documents
    from specguard.runs.settings import RunSettings

    Files: TypeAlias = "TreeFiles | LocalFiles"
    """Files by their paths from the folder of all runs."""

    _Read = TypeVar("_Read")


VARIABLE: Final = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::-([^{}]*))?\})", re.ASCII)
_PLAIN: Final = re.compile(r"[^A-Za-z0-9._-]")


def run_root(
    settings: RunSettings, environment: Mapping[str, str], *, work_tree: str, given: str = ""
) -> str:
    """The absolute path of the folder of all runs.

    Args:
        settings: `root`, from the work tree's root where it is relative; without it `path`.
        environment: what `~` and variables are expanded from.
        work_tree: the root of the user's working tree.
        given: `--run-root`, which goes before; from the working directory where it is relative.

    Raises:
        SpecguardError: a variable has no value, or a link leads `path` out of the working tree.
    """
    if given:
        return os.path.abspath(expanded(given, environment))
    if settings.root:
        return os.path.normpath(os.path.join(work_tree, expanded(settings.root, environment)))
    root = os.path.normpath(os.path.join(work_tree, settings.path))
    inside = os.path.realpath(work_tree)
    if os.path.commonpath([inside, os.path.realpath(root)]) != inside:
        raise SpecguardError(
            "the folder of runs is a link out of the repository, and is not written to",
            path=root,
            help="remove the link, or name a folder outside with [runs] root or --run-root",
            code="outside-repository",
        )
    return root


def about_run(verb: str, run_id: str, root: str) -> list[str]:
    """The words of a command about a run.

    Args:
        verb: what it does, such as `resume`.
        run_id: the run's id; empty: none is named.
        root: the folder of all runs, where it has to be named; empty: the policy's.
    """
    named = [run_id] if run_id else []
    return ["specguard", "run", verb, *named, *(["--run-root", root] if root else [])]


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """A path with `~`, `$VAR`, `${VAR}` and `${VAR:-default}` filled in, as a shell does.

    Raises:
        SpecguardError: a variable has no value and no default, or there is anything else that a shell reads.
    """
    filled = _filled(text, environment, text)
    if not filled.startswith("~"):
        return filled
    home = environment.get("HOME", "")
    if filled != "~" and not filled.startswith("~/"):
        help = "write ~/ for your own, ./~ for a folder of that name, or the whole path"
        raise _broken(f"{text!r} begins with the home of somebody else", help)
    if not home:
        raise _broken(f"{text!r} begins with ~, and HOME is not set", "set HOME")
    return home + filled[1:]


def _broken(said: str, help: str) -> SpecguardError:
    return SpecguardError(said, help=help, code="broken-authority")


def _filled(text: str, environment: Mapping[str, str], whole: str) -> str:
    plain = VARIABLE.sub(lambda match: VARIABLE.sub("", match[3] or ""), text)
    rest = re.search(r"(?:\$\{?([A-Za-z_]\w*)?|[`\\\"']).{0,20}", plain)
    if rest is not None:
        name = rest[1] or "VAR"
        help = f"write it as ${{{name}}} or ${{{name}:-default}}, with no other braces in the default"
        raise _broken(f"{whole!r} has something else than a variable at {rest[0]!r}", help)

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if not environment.get(name) and match[3] is None:
            help = f"set it, or write ${{{name}:-default}}"
            raise _broken(f"{whole!r} names the variable {name}, which is not set", help)
        return environment.get(name) or _filled(match[3], environment, whole)

    return VARIABLE.sub(value, text)


def item_folder(kind: str, item_id: str) -> str:
    """The name of the folder of an item's runs; what a file name may not hold is written as `%2F`."""
    return folder_name(f"{kind}-{item_id}")


def folder_name(text: str) -> str:
    """A text as the name of a folder; what a file name may not hold is written as `%2F`."""
    return _PLAIN.sub(
        lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogateescape")), text
    )


RECORDS: Final = (b"manifest.json", b"meta.json")
"""The files that say what a run is, the first that is there."""

MARKS: Final = (*RECORDS, b"run.log", b"runner.log", b"control/heartbeat.json", b"commands")
"""What tells the folder of a run, also where its record is gone."""

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
        """A file's bytes; None if there is no such file."""
        return self._documents.content(self._folder + path)

    def digest(self, path: bytes) -> str | None:
        """The sha256 of a file; None if there is no such file."""
        import hashlib

        content = self.read(path)
        return None if content is None else hashlib.sha256(content).hexdigest()

    def folders(self) -> Iterator[bytes]:
        """The folders that hold a manifest, in order."""
        found: dict[bytes, None] = {}
        for path in self._documents.tree.paths():
            if path.startswith(self._folder) and path.rpartition(b"/")[2] in RECORDS:
                found[path.removeprefix(self._folder).rpartition(b"/")[0]] = None
        # What is in a run's folder is its own, such as what was there before it was used again.
        return (folder for folder in found if not holding(folder, found))

    def is_there(self, path: bytes) -> bool:
        """True if there is a file or folder."""
        return self._documents.tree.find(self._folder + path) is not None

    def link(self, path: bytes) -> bytes | None:
        """The target of a symbolic link; None if there is none."""
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
        """A file's bytes; None if there is no such file."""
        return self._of_file(path, lambda file: file.read(LARGEST))

    def digest(self, path: bytes) -> str | None:
        """The sha256 of a file; None if there is no such file."""
        import hashlib

        return self._of_file(path, lambda file: hashlib.file_digest(file, "sha256").hexdigest())

    def _of_file(self, path: bytes, read: Callable[[BufferedReader], _Read]) -> _Read | None:
        place = self._place(path)
        if place is None or not os.path.isfile(place):
            return None
        try:
            with open(place, "rb") as file:
                return read(file)
        except OSError as error:
            said, help = f"{path_text(place)} cannot be read: {error.strerror}", "ls -l, to see who may"
            raise MissingFact(said, help, code="unreadable-file") from error

    def folders(self, marks: Iterable[bytes] = RECORDS) -> Iterator[bytes]:
        """The folders that hold a manifest, or another mark of a run, in order."""
        for folder, names, _ in os.walk(self._root):
            inside = os.path.relpath(folder, self._root)
            found = inside != b"." and is_run(folder, marks)
            # What is in it is its own, such as what was there before its folder was used again.
            end = found or inside.count(b"/") == _DEEPEST - 1
            names[:] = [] if end else sorted(names)
            if found:
                yield inside

    def is_there(self, path: bytes) -> bool:
        """True if there is a file or folder."""
        place = self._place(path)
        return place is not None and os.path.exists(place)

    def link(self, path: bytes) -> bytes | None:
        """The target of a symbolic link; None if there is none."""
        place = os.path.join(self._root, path)
        above = os.path.dirname(place)
        return os.readlink(place) if os.path.realpath(above) == above and os.path.islink(place) else None

    def _place(self, path: bytes) -> bytes | None:
        place = os.path.join(self._root, path)
        return place if os.path.realpath(place) == place.rstrip(b"/") else None


def is_run(folder: bytes, marks: Iterable[bytes] = MARKS) -> bool:
    """True if a folder of this machine is that of a run."""
    return any(os.path.lexists(os.path.join(folder, mark)) for mark in marks)


def holding(path: bytes, folders: Container[bytes]) -> bytes:
    """The nearest of some folders that a path lies in; empty if it lies in none."""
    folder = path.rpartition(b"/")[0]
    while folder and folder not in folders:
        folder = folder.rpartition(b"/")[0]
    return folder


def place_of(named: str) -> bytes | None:
    """The folder of a run from what names it, `<kind>-<id>/<run-id>`; None if that names none."""
    above, slash, run_id = named.strip().rpartition("/")
    parts = [folder_name(part) for part in (above, run_id)]
    if not slash or any(part in ("", ".", "..") for part in parts):
        return None
    return "/".join(parts).encode("ascii", "surrogateescape")


IGNORE: Final = ".gitignore"

_TEXT: Final = """\
# Runs are committed. What only this machine needs of them is not: locks, and what a run is resumed from.
.*.lock
*.tmp
**/control/*
!**/control/heartbeat.json
"""


def committed_folder(settings: RunSettings, *, work_tree: str, runs: str) -> str:
    """The folder of all runs from the repository's root, where they are committed; empty if they are not.

    Args:
        settings: what the policy says.
        work_tree: the root of the user's working files.
        runs: the folder that runs are kept in, absolute.
    """
    own = os.path.realpath(os.path.join(work_tree, settings.path))
    if settings.keep != "tree" or settings.root or own != os.path.realpath(runs):
        return ""
    return settings.path.strip("/")


def ignore_local(runs: str) -> bool:
    """Have git ignore what is never committed of runs; a file that is there is left as it is.

    Args:
        runs: the folder of all runs, absolute; it is made where it is not there.

    Returns:
        Whether the file was written.

    Raises:
        SpecguardError: it cannot be written.
    """
    file = os.path.join(runs, IGNORE)
    with recording(file):
        os.makedirs(runs, mode=0o755, exist_ok=True)
        with suppress(FileExistsError):
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                stream.write(_TEXT)
            return True
    return False


@contextmanager
def recording(file: str) -> Iterator[None]:
    """Raise what keeps a file of a run from being written as an error that a person can mend.

    Raises:
        SpecguardError: in place of any `OSError` but that of a lock.
    """
    try:
        yield
    except TimeoutError:
        raise
    except OSError as error:
        raise SpecguardError(
            f"the folder of runs cannot be written to: {error.strerror}",
            path=file,
            help="make room, or name another --run-root",
            code="unwritable-file",
        ) from error
