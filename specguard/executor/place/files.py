"""The folders of a run's place: where they are, how they are made, and how they are removed.

The agent writes its place's `.git` as it likes. What specguard runs there has a git directory of its own
(see `specguard.change.store`), an environment made from nothing, no hooks, no transport and no filters; it
takes from the place the working files alone. New objects go to specguard's store beside the place, which
borrows the user's: the user's own store is not written to.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from specguard.change.git import Git
from specguard.change.process import CommandError, Process
from specguard.change.repository import NO_CONFIGURATION, QUIET, Repository, search_path
from specguard.errors import SpecguardError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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


RUN_REFS: Final = "refs/specguard/runs/"
"""Where in the user's repository the bases of runs are kept from being pruned."""

_FLAGS: Final = (
    "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
    "-c", "core.attributesFile=/dev/null", "-c", "core.useReplaceRefs=false", "-c", "protocol.allow=never",
)  # fmt: skip


class PlaceRepository(Repository):
    """A place as specguard sees it; it is described from what specguard knows, and git is not asked.

    Args:
        path: the folder of its working files.
        own: specguard's own folder for it, a bare git directory.
        base: the pinned commit.
        environment: the caller's environment.
    """

    def __init__(self, path: str, own: str, base: str, environment: Mapping[str, str]) -> None:
        super().__init__(path, environment)
        self.git_dir = self.common = own
        self.objects = os.path.join(own, "objects")
        self.index = os.path.join(own, "index")
        self.format = "sha256" if len(base) == 64 else "sha1"
        self.shallow = self.bare = False
        self.head = base

    def work_tree(self) -> str:
        """The folder of the working files."""
        return self.directory

    def in_place(self, *arguments: str, user: bool = False) -> Process:  # noqa: ARG002 - nobody's is read
        """Start git on specguard's own git directory; there are no refs in it and no configuration."""
        environment = {
            "PATH": search_path(self.program),
            **QUIET,
            **NO_CONFIGURATION,
            "GIT_DIR": self.git_dir,
            "GIT_WORK_TREE": self.directory,
        }
        return Process(self.program, [*_FLAGS, *arguments], environment, label=["git", *arguments])


class PlaceGit(Git):
    """Git on a place: its working files, specguard's own store for it, and the user's objects.

    Args:
        path: the folder of the working files.
        own: specguard's own folder for it.
        base: the pinned commit.
        environment: the caller's environment.
    """

    def __init__(self, path: str, own: str, *, base: str, environment: Mapping[str, str]) -> None:
        super().__init__(PlaceRepository(path, own, base, environment))

    def use_scratch(self) -> str:
        """The store that is written to: it belongs to the place already."""
        return self.repository.objects

    def run(self, *arguments: str, stdin: bytes = b"", index: str = "", files: bool = False) -> bytes:
        """Run a git command that runs no other program, and give what it prints.

        Args:
            arguments: the command and its arguments, all of them specguard's own words or object ids.
            stdin: its standard input.
            index: the index file that it uses; none by default.
            files: whether it may see the working files.

        Raises:
            SpecguardError: it failed or complained.
        """
        where = self.repository.directory if files else ""
        process = self.start(*arguments, stdin=stdin, index=index, work_tree=where)
        try:
            return process.read()
        except CommandError as error:
            raise SpecguardError(
                f"git {arguments[0]} in the run's place failed: {error.first_line}",
                help="git fsck in your repository tells whether objects are missing",
                code="git-failed",
            ) from error

    def agents_parents(self, oid: str) -> list[str] | None:
        """The parents of a commit in the place's own `.git`, as its maker has them; None without such a one.

        It is for telling what happened, and proves nothing.
        """
        environment = {
            **self._environment,
            "GIT_OBJECT_DIRECTORY": os.path.join(self.repository.directory, ".git", "objects"),
        }
        words = ["cat-file", "commit", oid]
        try:
            said = Process(self.repository.program, [*_FLAGS, *words], environment).read(limit=1 << 20)
        except CommandError:
            return None
        head = said.partition(b"\n\n")[0].decode("utf-8", "replace")
        return [line[7:] for line in head.split("\n") if line.startswith("parent ")]


_IDENT: Final = re.compile(r"(.*<.*>) [0-9]+ [-+][0-9]{4}\n?", re.DOTALL)
_ROLES: Final = ("author", "committer")


def identity(repository: Repository, when: str) -> tuple[str, str]:
    """The author and the committer of a commit, as git writes them into it.

    Args:
        repository: the user's: `GIT_AUTHOR_NAME` and its kind in its environment come first, then
            `author.name`, `user.name` and their kind in its configuration and the user's.
        when: the time, as manifests have it; `GIT_AUTHOR_DATE` and `GIT_COMMITTER_DATE` come before it.

    Raises:
        SpecguardError: git knows no name or no address; it does not guess one.
    """
    author, committer = (_ident(repository, role, when) for role in _ROLES)
    return author, committer


def _ident(repository: Repository, role: str, when: str) -> str:
    flags = ["-c", "user.useConfigOnly=true"]
    for part in ("name", "email"):
        value = repository.environment.get(f"GIT_{role.upper()}_{part.upper()}")
        if value:
            flags += ["-c", f"{role}.{part}={value}"]
    process = repository.in_place(*flags, "var", f"GIT_{role.upper()}_IDENT", user=True)
    try:
        said = process.read().decode("utf-8", "surrogateescape")
    except CommandError as error:
        raise SpecguardError(
            "git knows no name or address for the commit",
            help='git config user.name "Your Name" and git config user.email you@example.org',
            code="no-identity",
        ) from error
    match = _IDENT.fullmatch(said)
    if match is None:
        raise SpecguardError(f"git names nobody as the {role}: {said.strip()}", code="no-identity")
    date = repository.environment.get(f"GIT_{role.upper()}_DATE", "")
    return f"{match.group(1)} {_seconds(date) or _seconds(when)} +0000"


def _seconds(date: str) -> int | None:
    """Seconds since 1970 of a date as manifests or as git's raw format have it; None for any other."""
    raw = re.fullmatch(r"@?([0-9]{1,12})(?: [-+][0-9]{4})?", date)
    if raw:
        return int(raw.group(1))
    try:
        found = datetime.fromisoformat(date)
    except ValueError:
        return None
    return int(found.timestamp()) if found.tzinfo else None
