"""What a case may not do: it is data, whoever wrote it, and reaches nothing outside of its own repository."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specguard.documents.toml import KeyPath as Key
    from specguard.testing.case import Case

_ARGUMENTS = re.compile(r"-C|--output|--log-decisions|--traceback|--watch|--fix")
"""Options that write files, that look at another repository, or that wait for somebody."""

_OUTSIDE = re.compile(r"(?:--[a-z-]+=)?(?:/|~|(?:.*/)?\.\.(?:/|\Z))")
"""A file that is not in the repository: of an endless one, or of one that is private, nothing is read."""

_VARIABLES = re.compile(
    r"(?i)GIT_|LD_|DYLD_|PYTHON|XDG_|SSH_|(PATH|HOME|TMPDIR|SHELL|IFS|BASH_ENV|ENV|EDITOR|VISUAL|PAGER)\Z"
)
"""Variables by which git, Python or a loader would be led to run or write something else."""


def harm_of(case: Case) -> tuple[str, Key] | None:
    """What a case would do outside of its own repository, and the key that says so; None: nothing.

    Paths are the kit's to refuse: `specguard.testing.Repository.apply` writes none outside.
    """
    for position, argument in enumerate(case.args):
        if _ARGUMENTS.match(argument) or _OUTSIDE.match(argument):
            return f"a case cannot have the argument {argument!r}", ("args", position)
    for name in case.env:
        if _VARIABLES.match(name):
            return f"a case cannot set the variable {name}", ("env", name)
    return None
