"""Runs that a team commits (`[runs] keep = "tree"`): where they are, and what is never committed of them."""

from __future__ import annotations

import os

from specguard.errors import SpecguardError
from specguard.runs.root import run_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from specguard.runs.settings import RunSettings

IGNORE: Final = ".gitignore"

_TEXT: Final = """\
# Runs are committed. What only this machine needs of them is not: locks, and what a run is resumed from.
.*.lock
*.tmp
**/control/*
!**/control/heartbeat.json
"""


def committed_folder(
    settings: RunSettings, environment: Mapping[str, str], *, work_tree: str, runs: str
) -> str:
    """The folder of all runs from the repository's root, where they are committed; empty where they are not.

    Args:
        settings: what the policy says.
        environment: what variables are expanded from.
        work_tree: the root of the user's working files.
        runs: the folder that runs are kept in, absolute.
    """
    if settings.keep != "tree" or settings.root:
        return ""
    if os.path.realpath(run_root(settings, environment, work_tree=work_tree)) != os.path.realpath(runs):
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
    try:
        os.makedirs(runs, mode=0o755, exist_ok=True)
        with open(
            os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="ascii"
        ) as stream:
            stream.write(_TEXT)
    except FileExistsError:
        return False
    except OSError as error:
        raise SpecguardError(
            f"the folder of runs cannot be written to: {error.strerror}",
            path=file,
            help="make room, or name another one with --run-root",
            code="unwritable-file",
        ) from error
    return True
