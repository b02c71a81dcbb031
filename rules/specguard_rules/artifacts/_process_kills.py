"""Which commands end processes by what these are called, and not by the id of one that was started."""

from __future__ import annotations

import re

from specguard_rules.artifacts.process_kill_by_name import may_kill
from specguard_rules.content._shell import commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard_rules.content._shell import Command

NAMED: Final = re.compile(
    rb"(?<![\w-])(?:p?kill|killall|taskkill|stop-process|spps|wmic)(?![\w-])", re.IGNORECASE
)
"""What a text has that names such a command outright."""

_KILLERS: Final = frozenset(["killall", "pkill"])
# Programs that run a command which stands among their words, or as a text in one of them.
_CARRIERS: Final = frozenset(
    ["ssh", "su", "runuser", "trap", "parallel", "watch", "find", "flock", "concurrently", "npx", "cmd"]
)
_CARRIED: Final = 40
_DEPTH: Final = 5
# Short options that take a value; the long ones of all three, and those of them that pick by an id.
_VALUED: Final = {"pkill": "FgGPstuUqr", "pgrep": "FgGPstuUqrd", "killall": "souy"}
_LONG_VALUED: Final = frozenset(
    [
        "--signal", "--parent", "--pgroup", "--session", "--pidfile", "--group", "--terminal", "--euid",
        "--uid", "--user", "--ns", "--nslist", "--runstates", "--cgroup", "--queue", "--older-than",
        "--younger-than", "--context", "--delimiter",
    ]
)  # fmt: skip
_LONG_BY_ID: Final = frozenset(["--parent", "--pgroup", "--session", "--pidfile"])
_SHOWS: Final = frozenset(["-l", "-L", "--list", "-V", "--version", "-h", "--help"])
_SIGNAL: Final = re.compile(r"-(?:[0-9]{1,2}|(?:SIG)?[A-Z][A-Z0-9]{2,7})")
_PROBES: Final = re.compile(r"(?:-0|(?:-[sn]|--signal)[ =]?0|-l|--list|-t|--table)(?![\w.])")
"""How the arguments of a `kill` begin that ends nothing: the signal 0 asks whether a process is there."""
_FILTERS: Final = frozenset(["grep", "egrep", "fgrep", "rg", "awk", "gawk", "mawk", "sed", "findstr"])
_PICKS_IDS: Final = re.compile(r"-?[pq]|--p?pid(?:=.*)?|--quick-pid(?:=.*)?")
_DECLARES: Final = frozenset(["local", "export", "declare", "readonly", "typeset"])
_READS: Final = frozenset(["read", "mapfile", "readarray"])
_GETS: Final = re.compile(r"\b(?:get-process|gps)\b", re.IGNORECASE)
_VARIABLE: Final = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")


def process_kills(found: Sequence[Command], depth: int = 0) -> Iterator[Command]:
    """Those of a script's commands that end processes by name.

    A `kill` counts whose ids come from `pgrep`, `pidof` or a filtered `ps`, through a substitution, a pipe or
    a variable. What runs within a container ends nothing outside of it and does not count.

    Args:
        found: the commands, as `_shell.commands` gives them.
        depth: how many texts within texts have been read.
    """
    inside = {id(inner) for command in found for inner in command.inner}
    named: set[str] = set()
    pipeline = _Lookup()
    for command in found:
        if id(command) in inside:
            continue
        if command.inner:
            yield from process_kills(command.inner, depth + 1)
        if not command.piped:
            pipeline = _Lookup()
        words = command.unwrapped()
        _remember(command, words, pipeline, named)
        if _ends_by_name(command, words, pipeline, named) or _carries(words, depth):
            yield command
        pipeline.add(command)
        if len(words) == 1 and words[0].lower() in named:
            pipeline.gets_process = pipeline.by_name = True


def _program(word: str) -> str:
    """A program's name, without its folder and whatever Windows adds."""
    return re.split(r"[/\\]", word)[-1].lower().removesuffix(".exe").lstrip("@")


def _remember(command: Command, words: Sequence[str], pipeline: _Lookup, named: set[str]) -> None:
    """Note the variables that hold ids which were found by a name."""
    program = _program(words[0]) if words else ""
    if command.inner and _Lookup(command.inner).by_name:
        named.update(name for name, value in command.assigned if "$()" in value)
        if program in _DECLARES:
            named.update(word.partition("=")[0] for word in words[1:] if "$()" in word)
        elif program == "for" and len(words) > 1:
            named.add(words[1])
        elif program in _READS:
            named.update(word for word in words[1:] if not word.startswith("-"))
    elif program in _READS and pipeline.by_name:
        named.update(word for word in words[1:] if not word.startswith("-"))
    elif program.startswith("$"):
        # PowerShell: `$found = Get-Process node`; its variables go by any case.
        name, equals, value = " ".join(words).partition("=")
        if equals and _GETS.search(value) and _Lookup(commands(value)).gets_process:
            named.add(name.strip().lower())


def _ends_by_name(command: Command, words: Sequence[str], pipeline: _Lookup, named: set[str]) -> bool:
    if not words:
        return False
    program = _program(words[0])
    lower = [word.lower() for word in words[1:]]
    before = command.words[: len(command.words) - len(words)]
    fed = any(_program(word) in ("xargs", "parallel") for word in before)
    if program in _KILLERS:
        return fed or _selects_by_name(program, words[1:])
    if program == "taskkill":
        return any(re.fullmatch(r"[/-]{1,2}im|(?:imagename|windowtitle) .*", word) for word in lower)
    if program == "wmic":
        return (
            "process" in lower and not {"delete", "terminate"}.isdisjoint(lower) and "name" in "".join(lower)
        )
    if program in ("stop-process", "spps"):
        if any(re.fullmatch(r"-(?:n|na|nam|name|processname)(?::.*)?", word) for word in lower):
            return True
    elif program == "kill":
        if any(word in ("-name", "-processname") for word in lower):
            return True
        if _PROBES.match(" ".join(lower)):
            return False
    else:
        return False
    if any("$()" in word for word in words[1:]) and _Lookup(command.inner).by_name:
        return True
    used = [name for word in words[1:] for name in _VARIABLE.findall(word)]
    if any(name in named or f"${name}".lower() in named for name in used):
        return True
    if not command.piped:
        return False
    return pipeline.gets_process or (pipeline.by_name and (fed or program != "kill"))


class _Lookup:
    """Commands that may find the ids of processes, together.

    Attributes:
        by_name: whether they find them by what the processes are called.
        gets_process: whether PowerShell's `Get-Process` is among them, by anything but an id.
    """

    def __init__(self, found: Sequence[Command] = ()) -> None:
        self.by_name = False
        self.gets_process = False
        self._lists = False
        for command in found:
            self.add(command)

    def add(self, command: Command) -> None:
        """Take in the next one."""
        words = command.unwrapped()
        if not words:
            return
        program, arguments = _program(words[0]), words[1:]
        if program in ("get-process", "gps"):
            self.gets_process = self.gets_process or all(word.lower() != "-id" for word in arguments)
        elif program in ("ps", "tasklist"):
            self.by_name = self.by_name or any(re.fullmatch(r"-[A-Za-z]*C", word) for word in arguments)
            self._lists = self._lists or not any(_PICKS_IDS.fullmatch(word) for word in arguments)
        self.by_name = (
            self.by_name
            or self.gets_process
            or program == "pidof"
            or (program == "pgrep" and _selects_by_name(program, arguments))
            or (self._lists and program in _FILTERS)
        )


def _selects_by_name(program: str, arguments: Sequence[str]) -> bool:
    """Whether `pkill`, `pgrep` or `killall` picks processes by anything but an id, and does not only look."""
    valued = _VALUED[program]
    picks = False
    at = 0
    while at < len(arguments):
        word = arguments[at]
        at += 1
        if word == "--":
            picks = picks or at < len(arguments)
            break
        if word in _SHOWS and program != "pgrep":
            return False
        if word.startswith("--"):
            option, equals, value = word.partition("=")
            if option in _LONG_VALUED and not equals:
                value = arguments[at] if at < len(arguments) else ""
                at += 1
            if option == "--signal" and value == "0":
                return False
            picks = picks or (option in _LONG_VALUED and option not in _LONG_BY_ID and option != "--signal")
        elif word.startswith("-") and len(word) > 1:
            if word == "-0" and program != "pgrep":
                return False
            if _SIGNAL.fullmatch(word) and not (word[1] in valued and word[2:].isdigit()):
                continue
            letter = next((char for char in word[1:] if char in valued), "")
            if letter:
                value = word.partition(letter)[2]
                if not value:
                    value = arguments[at] if at < len(arguments) else ""
                    at += 1
                if program == "killall" and letter == "s" and value == "0":
                    return False
                picks = picks or (letter in "uU")
        else:
            picks = True
    return picks


def _carries(words: Sequence[str], depth: int) -> bool:
    """Whether the command that another one carries ends processes by name."""
    if depth >= _DEPTH or not words or _program(words[0]) not in _CARRIERS:
        return False
    for at, word in enumerate(words[1:_CARRIED], start=1):
        if _program(word) in (*_KILLERS, "taskkill"):
            inner = list(process_kills(commands(" ".join(words[at:])), depth + 1))
        elif " " in word and may_kill(word.encode("utf-8", "surrogateescape")):
            inner = list(process_kills(commands(word), depth + 1))
        else:
            continue
        if inner:
            return True
    return False
