"""A repository and a first commit where there is none yet, for whoever asks for them by a flag.

This is the one place where specguard writes to the user's own checkout: git is run there as the user would
run it, with their settings and hooks, and nothing that is there is ever changed.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Final

from specguard.change.repository import INHERITED, Repository, find_program
from specguard.errors import SpecguardError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MESSAGE: Final = "chore: baseline"
"""The message of the first commit."""


def ensure_repository(
    directory: str, environment: Mapping[str, str], *, make: bool, commit: bool, base: str = ""
) -> Iterator[str]:
    """Make a repository, and a first commit of all files, where there is none.

    Args:
        directory: the folder; empty: the working directory.
        environment: the user's.
        make: whether a repository is made where the folder is in none.
        commit: whether the files are committed where there is no commit yet; `.gitignore` leaves out what it
            does.
        base: the first branch of a repository that is made; empty: `main`.

    Yields:
        What was done, in one sentence each.

    Raises:
        SpecguardError: git cannot do it.
    """
    folder = os.path.abspath(directory or os.curdir)
    if make and not _inside(folder):
        _git(folder, environment, "init", "-q", f"--initial-branch={base or 'main'}")
        yield f"made a git repository in {folder}"
    if commit:
        root = Repository.locate(directory, environment)
        if root.head is None:
            where = root.work_tree()
            _git(where, environment, "add", "--all")
            _git(where, environment, "commit", "-q", "--allow-empty", "-m", MESSAGE)
            yield f"committed the files of {where} as {MESSAGE!r}"


def _inside(folder: str) -> bool:
    """Whether a folder is in a repository, in the way in which git looks for one."""
    while True:
        if os.path.lexists(os.path.join(folder, ".git")):
            return True
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above


def _git(folder: str, environment: Mapping[str, str], *words: str) -> None:
    program = find_program("git", environment)
    if program is None:
        raise SpecguardError("git is not on the path", help="install git", code="program-missing")
    # A folder is meant, whatever a hook's environment says.
    own = {name: value for name, value in environment.items() if name not in INHERITED}
    done = subprocess.run(
        [program, "-C", folder, *words],
        env=own,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().split("\n")[0]
        raise SpecguardError(
            f"git {words[0]} failed: {said or f'it ended with {done.returncode}'}",
            path=folder,
            help=f"try it there: git {words[0]}",
            code="git-failed",
        )
