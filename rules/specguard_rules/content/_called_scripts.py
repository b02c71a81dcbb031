"""Which scripts of the repository a command runs, and which runners hide what they run."""

from __future__ import annotations

import posixpath
import re

from specguard_rules.content._local_hosts import inside
from specguard_rules.content._shell import SHELLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard_rules.content._local_hosts import Shell

_INTERPRETERS: Final = re.compile(
    r"(?:python[0-9.]*|pypy3?|node|deno|bun|ruby|perl|php|pwsh|powershell|lua|tsx|ts-node)$"
)
# Options after which the program is no file: its text, a module, or standard input.
_SHELL_TEXT: Final = re.compile(r"-|-[a-z]*[cs]")
_CODE_TEXT: Final = re.compile(r"-|-[a-z]*[cemp]|--eval|--print")
# Programs that start another one of their arguments.
_STARTERS: Final = frozenset(
    ["npx", "uv", "poetry", "pipenv", "pdm", "rye", "hatch", "bundle", "run", "exec", "x"]
)
_RUNNERS: Final = frozenset(
    ["make", "gmake", "just", "task", "rake", "npm", "pnpm", "yarn", "tox", "nox", "invoke"]
)
# What these runners do by themselves, with no target of the repository.
_MANAGES: Final = frozenset(
    [
        "add",
        "audit",
        "cache",
        "ci",
        "config",
        "dlx",
        "i",
        "install",
        "link",
        "login",
        "pack",
        "publish",
        "version",
        "--version",
        "-v",
        "list",
        "ls",
        "set",
        "view",
        "whoami",
    ]
)
_ROOT: Final = re.compile(
    r"^(?:\$\{?(?:GITHUB_WORKSPACE|CI_PROJECT_DIR|PWD)\}?|\$\{\{\s*github\.workspace\s*\}\})/"
)
_ACTION: Final = re.compile(r"^(?:\$\{?GITHUB_ACTION_PATH\}?|\$\{\{\s*github\.action_path\s*\}\})/")


class Called:
    """A script or target that a command runs.

    Attributes:
        line: the command's line.
        name: as it is written.
        path: where it would be in the repository; None where that cannot be told from the text.
        target: whether it is no file but a target of a runner such as `make`.
    """

    __slots__ = ("line", "name", "path", "target")

    def __init__(self, line: int, name: str, path: bytes | None, *, target: bool = False) -> None:
        self.line = line
        self.name = name
        self.path = path
        self.target = target


def called_scripts(shell: Shell, folder: str, action: str = "") -> Iterator[Called]:
    """What the commands of a shell run.

    Args:
        shell: the commands with their variables.
        folder: the working directory, relative to the root.
        action: the folder of a composite action's own file.
    """
    for command in shell.commands:
        words = [shell.expand(word) for word in command.unwrapped()]
        if not words or inside(words):
            continue
        program = posixpath.basename(words[0])
        if program == "cd" and len(words) > 1:
            moved = _place(words[1], folder, action)
            folder = moved if moved is not None else folder
        elif program in _RUNNERS:
            if not _MANAGES.intersection(words[1:3]):
                yield Called(command.line, " ".join(words[:3]), None, target=True)
        else:
            name = _script(words)
            if name:
                place = _place(name, folder, action)
                path = None if place is None else place.encode("utf-8", "surrogateescape")
                yield Called(command.line, name, path)


def _script(words: Sequence[str]) -> str:
    """The script that a command runs, as it is written; empty where it runs none."""
    program = posixpath.basename(words[0])
    while program in _STARTERS and len(words) > 1:
        words = words[1:]
        while len(words) > 1 and words[0].startswith("-"):
            words = words[1:]
        program = posixpath.basename(words[0])
    if program in SHELLS or program in ("source", "."):
        return _first_file(words, _SHELL_TEXT)
    if _INTERPRETERS.match(program):
        return _first_file(words, _CODE_TEXT)
    # A pattern of `case` looks like a program too.
    if "/" in words[0] and not words[0].startswith(("/", "~")) and not re.search(r"://|[*?]", words[0]):
        return words[0]
    return ""


def _first_file(words: Sequence[str], text: re.Pattern[str]) -> str:
    """The first argument that is no option; empty where an option gives the program's text in its stead."""
    for word in words[1:]:
        if text.fullmatch(word):
            return ""
        if not word.startswith(("-", "+")) and word != "run":
            return word
    return ""


def _place(name: str, folder: str, action: str) -> str | None:
    """A name as a path from the repository's root; None where a variable or the outside is in it."""
    for pattern, start in ((_ROOT, ""), (_ACTION, action)):
        rest = pattern.sub("", name)
        if rest != name:
            name, folder = rest, start
    if "$" in name or "$" in folder or name.startswith(("/", "~")):
        return None
    path = posixpath.normpath(posixpath.join(folder or ".", name or "."))
    if path.startswith(("../", "/")) or path == "..":
        return None
    return "" if path == "." else path
