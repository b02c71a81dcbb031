"""A repository and a first commit where there is none yet, for whoever asks for them by a flag.

This is the one place where specguard writes to the user's own checkout: git is run there as the user would
run it, with their settings and hooks, and nothing that is there is ever changed.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING, Final

from specguard.authority.sources import DEFAULTS
from specguard.change.repository import INHERITED, Repository, find_program
from specguard.errors import SpecguardError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MESSAGE: Final = "chore: baseline"
"""The message of the first commit."""


def ensure_repository(
    directory: str,
    environment: Mapping[str, str],
    *,
    make: bool,
    commit: bool,
    base: str = "",
    only_say: bool = False,
) -> Iterator[str]:
    """Make a repository, and a first commit of all files, where there is none.

    Args:
        directory: the folder; empty: the working directory.
        environment: the user's.
        make: whether a repository is made where the folder is in none.
        commit: whether the files are committed where there is no commit yet; `.gitignore` leaves out what it
            does.
        base: the first branch of a repository that is made; empty: `main`.
        only_say: whether it is only said what would be done.

    Yields:
        What was done, or would be, in one sentence each.

    Raises:
        SpecguardError: git cannot do it, or no run could begin from what is there; nothing is made then.
    """
    folder = os.path.abspath(directory or os.curdir)
    would = "would have " if only_say else ""
    new = make and not _inside(folder)
    if new and not commit:
        raise SpecguardError(
            f"{folder} is in no git repository, and a run begins from a commit",
            help="--baseline-commit makes the first one, beside --ensure-git",
            code="no-repository",
        )
    if not commit:
        return
    root = None if new else Repository.locate(directory, environment)
    if root is not None and root.head is not None:
        return
    where = folder if root is None else root.work_tree()
    if not any(os.path.lexists(os.path.join(where, name)) for name in DEFAULTS):
        steps = [["git", "init", "-q", f"--initial-branch={base or 'main'}"]] if new else []
        words = [["cd", where], *steps, ["specguard", "init", "--preset", "planner-pipeline"]]
        raise SpecguardError(
            f"there is no authority in {where}, and nothing was made",
            help=f"write one first: {' && '.join(map(shlex.join, words))}",
            code="no-authority",
        )
    _git(folder, environment, "var", "GIT_COMMITTER_IDENT")
    if new:
        if not only_say:
            _git(folder, environment, "init", "-q", f"--initial-branch={base or 'main'}")
        yield f"{would}made a git repository in {folder}"
    if not only_say:
        _git(where, environment, "add", "--all")
        _git(where, environment, "commit", "-q", "--allow-empty", "-m", MESSAGE)
    yield f"{would}committed the files of {where} as {MESSAGE!r}"


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
