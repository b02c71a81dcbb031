"""The repositories of an audit: folders, patterns of folders, addresses to mirror, or lists of these."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import shlex
from typing import TYPE_CHECKING, Final

from filelock import FileLock

from specguard.authority.cache import user_folder
from specguard.change.check_request import read_bounded, read_input
from specguard.change.remotes import shown_address
from specguard.change.repository import Repository
from specguard.declaration.look_alikes import shell_word
from specguard.errors import Needed, Reported, SpecguardError, usage
from specguard.executor.remote import PROTOCOLS, RemoteGit, run_program, user_environment
from specguard.model import Record
from specguard.reporters.file_writing import path_in_tree
from specguard.reporters.json import json_safe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_ADDRESS: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://.+", re.DOTALL)
_SCP: Final = re.compile(r"(?P<host>[\w.-]+@[\w.-]+):(?P<path>[^/].*)")
_CLONE_SECONDS: Final = 3600.0
"""The timeout in seconds for fetching a whole history."""

_MAX_LIST_SIZE: Final = 64 << 20
"""The most bytes of a list of repositories."""


class NamedRepository(Record):
    """One repository as it was named.

    Attributes:
        name: its name in reports: its folder, or its address without secrets.
        folder: its folder; empty for an address.
        address: its address; empty for a folder.
    """

    name: str
    folder: str = ""
    address: str = ""

    def fetch(self, branch: str, mirrors: str, environment: Mapping[str, str]) -> tuple[str, str]:
        """Return the repository's folder and a branch; of an address, fetch the branch's tip into its mirror.

        Args:
            branch: the branch; empty for the default one, whose name is returned for an address.
            mirrors: the folder with the mirrors; empty for a folder in the user's cache.
            environment: the caller's environment, whose credentials are used.

        Raises:
            SpecguardError: the branch cannot be fetched, or the folder cannot be written.
        """
        if not self.address:
            return self.folder, branch
        mirrors = mirrors or user_folder(environment, "mirrors", "")
        kind = re.sub(r"[^A-Za-z0-9]+", "-", self.name).strip("-")[-60:]
        digest = hashlib.sha256(self.address.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        folder = os.path.join(mirrors, f"{kind}-{digest}.git")
        with Reported("mirrors cannot be kept", "Name another folder with --mirrors.", mirrors):
            os.makedirs(mirrors, exist_ok=True)
            with Needed(), FileLock(f"{folder}.lock"):
                return folder, self._fetch_branch(folder, branch, environment)

    def _fetch_branch(self, folder: str, wanted: str, environment: Mapping[str, str]) -> str:
        """Fetch the wanted or default branch, remove all other refs of the mirror, and return the branch."""
        git_environment = user_environment(environment)

        def run(*words: str) -> str:
            done = run_program(["git", *words], git_environment, cwd=os.curdir, limit=_CLONE_SECONDS)
            if done.code:
                # A git that was killed, with the whole machine, leaves locks.
                message = f"git cannot keep the mirror: {done.failure or ' '.join(done.stderr.split())}"
                help = shlex.join(["rm", "-rf", folder]) if ".lock" in message else ""
                raise SpecguardError(message, path=folder, help=help, code="git-failed")
            return done.stdout

        path_in_tree(*os.path.split(folder), help=f"Delete {folder}.")
        if not os.path.isfile(f"{folder}/HEAD"):
            run("init", "--quiet", "--bare", "--object-format=sha1", folder)
        repository = Repository.locate(folder, environment)
        with RemoteGit(repository, timeout=_CLONE_SECONDS, local=False) as remote:
            heads = remote.heads(self.address)
            name = wanted or heads.default
            if not heads.branches:
                message = f"{self.name} has no commit"
                raise SpecguardError(message, help="There is nothing to audit yet.", code="no-commit")
            if name not in heads.branches:
                lacks = f"has no branch {name!r}" if name else "names no default branch"
                message = f"{self.name} {lacks}"
                raise SpecguardError(message, help="Name one with --branch.", code="unknown-revision")
            tip = remote.fetch(self.address, name, [repository.head] if repository.head else [])
        ref = f"refs/heads/{name}"
        for other in run(f"--git-dir={folder}", "for-each-ref", "--format=%(refname)").split("\n"):
            if other not in ("", ref):
                run(f"--git-dir={folder}", "update-ref", "-d", other)
        run(f"--git-dir={folder}", "update-ref", ref, tip)
        run(f"--git-dir={folder}", "symbolic-ref", "HEAD", ref)
        return name


def named_repositories(words: Sequence[str], lists: Sequence[str]) -> list[NamedRepository]:
    """Return the named repositories, each once, in the order in which they are named.

    Args:
        words: folders, patterns of folders, and addresses.
        lists: files with one of these in each line; `-` is standard input. Empty lines and lines that begin
            with `#` are ignored.

    Raises:
        SpecguardError: a list cannot be read, or a word is invalid.
    """
    found = [one for word in words for one in _parse_name(word)]
    what = "the list of repositories"
    for file in lists:
        data = read_input(_MAX_LIST_SIZE, what) if file == "-" else read_bounded(file, _MAX_LIST_SIZE, what)
        lines = (data or b"").decode("utf-8-sig", "surrogateescape").splitlines()
        for number, line in enumerate(lines, start=1):
            word = os.path.expanduser(line.strip())
            if word and not word.startswith("#"):
                try:
                    found += _parse_name(word)
                except SpecguardError as error:
                    error.path, error.line = "standard input" if file == "-" else file, number
                    raise
    if not found:
        raise usage("no repository is named", "Write each folder or address in a line of its own.")
    return list({one.name: one for one in found}.values())


def _parse_name(word: str) -> list[NamedRepository]:
    if word.startswith("-") or "\0" in word:
        raise usage(f"{word!r} is not a repository", "Write one name a line, and a folder as `./-name`.")
    folders = [word]
    if not os.path.isdir(word):
        short, address = _SCP.fullmatch(word), _ADDRESS.fullmatch(word)
        if short or (address and address["scheme"] not in PROTOCOLS):
            message = f"{shown_address(word)} is not an address that is fetched from"
            known = f"Write it with one of {', '.join(PROTOCOLS)}."
            help = f"Write ssh://{short['host']}/{short['path']}." if short else known
            raise SpecguardError(message, help=help, code="remote-unsuitable")
        if address:
            return [NamedRepository(shown_address(word), address=word)]
        if any(char in word for char in "*?["):
            found = sorted(glob.glob(word))
            folders = [
                one for one in found if os.path.lexists(f"{one}/.git") or os.path.isfile(f"{one}/HEAD")
            ]
    if not folders:
        message = f"no repository has a name like {word!r}"
        raise SpecguardError(message, help="Check the pattern.", code="no-repository")
    return [NamedRepository(os.path.realpath(folder), folder=folder) for folder in folders]


def reason_of(error: SpecguardError, folder: str) -> str:
    """Return an error's message, and the command of git, if any, that supplies what a repository lacks.

    The command, in the error too, names the repository's folder, so that it can be typed anywhere.
    """
    if not error.help.startswith("git "):
        return json_safe(error.message)
    error.help = f"git -C {shell_word(os.path.realpath(folder))}{error.help.removeprefix('git')}"
    return json_safe(f"{error.message}: {error.help}")
