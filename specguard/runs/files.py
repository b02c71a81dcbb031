"""The files of runs, in the judged tree or in a local folder."""

from __future__ import annotations

import os
import re

from specguard.change.check_request import read_unlinked
from specguard.change.entries import SYMLINK, sha256
from specguard.errors import MissingFact, Reported, SpecguardError
from specguard.model import TYPE_CHECKING, Record, folders_of, path_text

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping
    from io import BufferedReader
    from typing import Final, TypeAlias, TypeVar

    from specguard.change.repository import Repository
    from specguard.change.tree import Documents
    from specguard.runs.settings import RunSettings

    Files: TypeAlias = "TreeFiles | LocalFiles"
    """Files by their paths relative to the folder of all runs."""

    _Read = TypeVar("_Read")


VARIABLE: Final = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::-([^{}]*))?\})", re.ASCII)
_NO_VARIABLE: Final = re.compile(r"(?:\$\{?([A-Za-z_]\w*)?|\{([A-Za-z_]\w*)?|[\0`\\\"']).{0,20}", re.ASCII)


def run_root(settings: RunSettings, repository: Repository, given: str = "") -> str:
    """Return the absolute path of the folder of all runs.

    Args:
        settings: `root`, absolute or relative to the work tree's root; if it is empty, `path`.
        repository: the user's repository, from whose environment `~` and variables are expanded.
        given: the value of `--run-root`, absolute or relative to the working directory; overrides the
            settings.

    Raises:
        SpecguardError: a variable has no value, a link leads `path` out of the working tree, or that is
            missing.
    """
    environment, work_tree = repository.environment, repository.work_tree()
    if given:
        return os.path.abspath(expand_path(given, environment))
    if settings.root:
        return os.path.normpath(os.path.join(work_tree, expand_path(settings.root, environment)))
    root = os.path.normpath(os.path.join(work_tree, settings.path))
    inside = os.path.realpath(work_tree)
    if os.path.commonpath([inside, os.path.realpath(root)]) != inside:
        raise SpecguardError(
            "the folder of runs leads out of the repository, and is not written to",
            path=root,
            help="remove the link, or name a folder outside with [runs] root or --run-root",
            code="outside-repository",
        )
    return root


def command_words(verb: str, run_id: str, root: str) -> list[str]:
    """Return the words of a command about a run.

    Args:
        verb: the subcommand, such as `resume`.
        run_id: the run's id; empty: the command names no run.
        root: the folder of all runs, if the command has to name it; empty: the policy's.
    """
    return ["specguard", "run", verb, *([run_id] if run_id else []), *(["--run-root", root] if root else [])]


def expand_path(text: str, environment: Mapping[str, str]) -> str:
    """Expand `~`, `$VAR`, `${VAR}` and `${VAR:-default}` in a path, as a shell does.

    Raises:
        SpecguardError: a variable has neither a value nor a default, the path begins with the home of another
            user, or it has other shell syntax.
    """
    plain = VARIABLE.sub(lambda match: VARIABLE.sub("_", match[3] or "_"), text)
    if rest := _NO_VARIABLE.search(plain):
        name = rest[1] or rest[2] or "VAR"
        help = f"write it as ${{{name}}} or ${{{name}:-default}}, with no other braces in the default"
        raise _error(f"{text!r} has something else than a variable at {rest[0]!r}", help)

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if not environment.get(name) and match[3] is None:
            help = f"set it, or write ${{{name}:-default}}"
            raise _error(f"{text!r} names the variable {name}, which is not set", help)
        return environment.get(name) or VARIABLE.sub(value, match[3])

    filled = VARIABLE.sub(value, text)
    if not filled.startswith("~"):
        return filled
    if filled[1:2] not in ("", "/"):
        help = "write ~/ for your own, ./~ for a folder of that name, or the whole path"
        raise _error(f"{text!r} begins with the home of somebody else", help)
    return VARIABLE.sub(value, "$HOME") + filled[1:]


def _error(message: str, help: str) -> SpecguardError:
    return SpecguardError(message, help=help, code="broken-authority")


def item_folder(kind: str, item_id: str) -> str:
    """Return the folder name for an item's runs, percent-encoded: `/` becomes `%2F`."""
    return folder_name(f"{kind}-{item_id}")


def folder_name(text: str) -> str:
    """Percent-encode a text as a folder name: `/` becomes `%2F`."""
    from urllib.parse import quote

    return quote(text, safe="", errors="surrogateescape").replace("~", "%7E")


RECORD_FILES: Final = (b"manifest.json", b"meta.json")
"""The names of the files with a run's record; the first one that exists counts."""

RUN_MARKS: Final = (*RECORD_FILES, b"run.log", b"runner.log", b"control/heartbeat.json", b"commands")
"""The files that identify the folder of a run, even if its record is missing."""

LARGEST: Final = 8 << 20
"""The highest number of bytes of a file that are read as text."""

_DEEPEST: Final = 4


class TreeFiles(Record):
    """The runs in the judged tree.

    Attributes:
        documents: the documents of the tree.
        folder: the folder of runs, with a slash at its end.
    """

    documents: Documents
    folder: bytes

    def read(self, path: bytes) -> bytes | None:
        """Return the bytes of a file, without a byte-order mark; None if the file is missing."""
        return self.documents.content(self.folder + path)

    def digest(self, path: bytes) -> str | None:
        """Return the sha256 of a file; None if the file is missing."""
        path, tree = self.folder + path, self.documents.tree
        return sha256(tree.read(path) or b"") if tree.has_file(path) else None

    def folders(self) -> Iterator[bytes]:
        """Return the folders with a run's record, in order."""
        inside = (path for path in self.documents.tree.paths() if path.startswith(self.folder))
        parts = (path.removeprefix(self.folder).rpartition(b"/") for path in inside)
        found = dict.fromkeys(folder for folder, _, name in parts if name in RECORD_FILES)
        # Records inside a run's folder belong to that run, such as those from before the folder was reused.
        return (folder for folder in found if not containing_folder(folder, found))

    def is_there(self, path: bytes) -> bool:
        """True if the path is a file or folder."""
        return self.documents.tree.find(self.folder + path) is not None

    def link(self, path: bytes) -> bytes | None:
        """Return the target of a symbolic link; None if the path is not a link."""
        entry = self.documents.tree.find(self.folder + path)
        if entry is None or entry.mode != SYMLINK:
            return None
        return self.documents.tree.read(self.folder + path)


class LocalFiles:
    """The runs in a local folder; links are not followed, as they could lead anywhere.

    Args:
        root: the folder of all runs, absolute.
    """

    def __init__(self, root: str) -> None:
        self._root = os.path.realpath(os.fsencode(root))

    def read(self, path: bytes) -> bytes | None:
        """Return the bytes of a file, without a byte-order mark; None if the file is missing."""
        return self._read_with(path, lambda file: file.read(LARGEST).removeprefix(b"\xef\xbb\xbf"))

    def digest(self, path: bytes) -> str | None:
        """Return the sha256 of a file; None if the file is missing."""
        import hashlib

        return self._read_with(path, lambda file: hashlib.file_digest(file, "sha256").hexdigest())

    def _read_with(self, path: bytes, read: Callable[[BufferedReader], _Read]) -> _Read | None:
        place = self._resolve(path)
        if place is None or not os.path.isfile(place):
            return None
        try:
            with open(place, "rb") as file:
                return read(file)
        except OSError as error:
            text, help = f"{path_text(place)} cannot be read: {error.strerror}", "ls -l, to see who may"
            raise MissingFact(text, help, code="unreadable-file") from error

    def folders(self, marks: Iterable[bytes] = RECORD_FILES) -> Iterator[bytes]:
        """Yield the folders with one of these marks of a run, in order; by default, with its record."""
        for folder, names, _ in os.walk(self._root):
            inside = os.path.relpath(folder, self._root)
            found = inside != b"." and is_run(folder, marks)
            # Records inside a run's folder belong to that run, such as those from before the folder was
            # reused.
            names[:] = [] if found or inside.count(b"/") == _DEEPEST - 1 else sorted(names)
            if found:
                yield inside

    def is_there(self, path: bytes) -> bool:
        """True if the path is a file or folder."""
        place = self._resolve(path)
        return place is not None and os.path.exists(place)

    def link(self, path: bytes) -> bytes | None:
        """Return the target of a symbolic link; None if the path is not a link."""
        place = os.path.join(self._root, path)
        above = os.path.dirname(place)
        return os.readlink(place) if os.path.realpath(above) == above and os.path.islink(place) else None

    def _resolve(self, path: bytes) -> bytes | None:
        place = os.path.join(self._root, path)
        return place if os.path.realpath(place) == place.rstrip(b"/") else None


def is_run(folder: bytes, marks: Iterable[bytes] = RUN_MARKS) -> bool:
    """True if a local folder is the folder of a run."""
    return any(os.path.lexists(os.path.join(folder, mark)) for mark in marks)


def containing_folder(path: bytes, folders: Container[bytes]) -> bytes:
    """Return the nearest of the given folders that contains a path; empty if none does."""
    return next((folder for folder in folders_of(path) if folder in folders), b"")


def folder_of(named: str) -> bytes | None:
    """Return the folder of a run from its name `<kind>-<id>/<run-id>`; None if the name is invalid."""
    above, slash, run_id = named.strip().rpartition("/")
    parts = [folder_name(part) for part in (above, run_id)]
    if not slash or any(part in ("", ".", "..") for part in parts):
        return None
    return "/".join(parts).encode("ascii", "surrogateescape")


IGNORE: Final = ".gitignore"

_IGNORED: Final = b"""\
# Runs are committed. What only this machine needs of them is not: locks, and what a run is resumed from.
.*.lock
*.tmp
**/control/*
!**/control/heartbeat.json
"""
_ALL: Final = b"*\n"


def committed_folder(settings: RunSettings, repository: Repository, runs: str) -> str:
    """Return the folder of all runs, relative to the repository's root; empty if runs are not committed.

    Args:
        settings: the policy's settings.
        repository: the user's repository.
        runs: the folder of all runs, absolute.
    """
    own = os.path.realpath(os.path.join(repository.work_tree(), settings.path))
    if settings.keep != "tree" or settings.root or own != os.path.realpath(runs):
        return ""
    return settings.path.strip("/")


def ignored_runs(repository: Repository, folder: str) -> Iterator[str]:
    """Yield a note if git ignores the folder of committed runs; none if `folder` is empty."""
    file = os.path.join(repository.work_tree(), folder, IGNORE)
    if folder and repository.ignores(f"{folder}/run") and not _ignores_all(file):
        yield f"Git ignores {folder}/, which has runs to commit: end {IGNORE} with the line !/{folder}/."


def _ignores_all(file: str) -> bool:
    """True if a `.gitignore` is the one of runs that are not committed."""
    return read_unlinked(file, len(_ALL) + 1) == _ALL


def write_gitignore(runs: str, *, committed: bool) -> bool:
    """Write a `.gitignore` in the folder of runs, unless there is one.

    Args:
        runs: the folder of all runs, absolute; created if it is missing.
        committed: True to ignore only local files of runs. False to ignore everything in a new folder: the
            next check would judge the runs as a part of the change. An existing folder may have other files.

    Returns:
        True if the file was written.

    Raises:
        SpecguardError: the file cannot be written.
    """
    file = os.path.join(runs, IGNORE)
    # The policy may have come to commit runs.
    if os.path.lexists(file) and not _ignores_all(file) if committed else os.path.lexists(runs):
        return False
    with reporting_errors(file):
        os.makedirs(runs, mode=0o755, exist_ok=True)
        with open(file, "wb") as stream:
            stream.write(_IGNORED if committed else _ALL)
    return True


def not_following(file: str, flags: int) -> int:
    """Open a run's file for `open`, as its `opener`; a link in its place is refused."""
    return os.open(file, flags | os.O_NOFOLLOW, 0o644)


def reporting_errors(file: str) -> Reported:
    """Return a context manager that reports why a run's file cannot be written."""
    help = "make it writable, make room, or name another --run-root"
    return Reported("the folder of runs cannot be written to", help, file)
