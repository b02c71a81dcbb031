"""Whether the programs that a run needs are there, before anything is begun."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

from specguard.change.repository import find_program
from specguard.errors import SpecguardError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from specguard.change.tree import Tree

PRE_COMMIT: Final = b".pre-commit-config.yaml"

_SHELL: Final = frozenset(
    (
        "!", ".", ":", "[", "[[", "{", "(", "alias", "bg", "break", "case", "cd", "command",
        "continue", "echo", "eval", "exec", "exit", "export", "false", "fg", "for", "function",
        "getopts", "hash", "if", "jobs", "kill", "let", "printf", "pwd", "read", "readonly",
        "return", "set", "shift", "source", "test", "time", "times", "trap", "true", "type",
        "ulimit", "umask", "unset", "until", "wait", "while",
    )
)  # fmt: skip
"""What a shell does itself."""

_ASSIGNMENT: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_PLAIN_NAME: Final = re.compile("[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_ADVICE: Final = {
    "pre-commit": "pip install pre-commit, since the base has .pre-commit-config.yaml",
    "git": "install git 2.31 or later",
}


def check_tools(
    wanted: Iterable[tuple[str, str]], tree: Tree, environment: Mapping[str, str]
) -> Sequence[str]:
    """Look for programs on the path, and name all that are missing at once.

    Args:
        wanted: each program with what needs it, as `the gate 'tests'`; an empty one is passed over.
        tree: the base's files: with a configuration of pre-commit, that is needed too.
        environment: whose `PATH` is searched.

    Returns:
        The programs that are there, each once.

    Raises:
        SpecguardError: one is missing.
    """
    needs: dict[str, list[str]] = {}
    for program, need in wanted:
        if program:
            needs.setdefault(program, []).append(need)
    if tree.find(PRE_COMMIT) is not None:
        needs.setdefault("pre-commit", []).append(PRE_COMMIT.decode())
    missing = [program for program in needs if find_program(program, environment) is None]
    if missing:
        named = "; ".join(f"{program} (for {', '.join(needs[program])})" for program in missing)
        raise SpecguardError(
            f"not on the path: {named}",
            help=remedy(missing[0], named),
            code="program-missing",
        )
    return list(needs)


def remedy(program: str, named: str) -> str:
    """What helps where a program is not on the path.

    Args:
        program: its name.
        named: what needs it, as a text that says of a gate where it is named.
    """
    # Else it is a gate of the project's own, which knows why.
    kept = " of preset:" in named
    instead = ", or give the kind gates of your own: they go before the preset's" if kept else ""
    return _ADVICE.get(program, f"install {program}, or see that PATH has it{instead}")


def program_of(command: str | Sequence[str]) -> str:
    """The program that a command needs on the path; empty where none can be told.

    Args:
        command: its words; or a text for a shell, of which the first command counts. A path is none: the
            change itself may bring such a file.
    """
    if isinstance(command, str):
        try:
            words = shlex.split(command.strip().split("\n", 1)[0], comments=True)
        except ValueError:
            return ""
    else:
        words = list(command)
    words = [word for word in words if not _ASSIGNMENT.fullmatch(word)] if isinstance(command, str) else words
    word = words[0].rstrip(";") if words else ""
    return word if _PLAIN_NAME.fullmatch(word) and word not in _SHELL else ""
