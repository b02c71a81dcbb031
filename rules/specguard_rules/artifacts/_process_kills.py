"""Commands that end processes by name, whoever started them."""

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
"""What is in every text that ends processes."""

_KILLERS: Final = ("killall", "pkill", "taskkill")
# Programs that run a command which stands among their words, or as a text in one of them.
_CARRIERS: Final = frozenset(
    ["ssh", "su", "runuser", "trap", "parallel", "watch", "find", "flock", "concurrently", "npx", "cmd"]
)
_CARRIED: Final = 40
_DEPTH: Final = 5
# Options of `pkill`, `pgrep` and `killall` that take a value, those that pick by a user, and those that end
# nothing.
_VALUED: Final = frozenset([
    "-F", "-g", "-G", "-P", "-s", "-t", "--signal", "--parent", "--pgroup", "--session",
    "--pidfile", "--group", "--terminal", "--ns", "--nslist", "--runstates", "--cgroup", "--queue",
    "--older-than", "--younger-than", "--context", "--delimiter",
])  # fmt: skip
_OF_USER: Final = re.compile(r"-[uU].*|--(?:e?uid|user)(?:=.*)?")
_PROBES: Final = re.compile(
    r" (?:-0|(?:-[sn]|--signal)[ =]?0|-[lLVht]|--(?:list|version|help|table))(?![\w.-])", re.IGNORECASE
)
_FILTERS: Final = frozenset(["grep", "egrep", "fgrep", "rg", "awk", "gawk", "mawk", "sed", "findstr"])
_PICKS_IDS: Final = re.compile(r"-?[pq]|--p?pid(?:=.*)?|--quick-pid(?:=.*)?")
_READS: Final = frozenset(["read", "mapfile", "readarray"])
_NAMES: Final = frozenset([*_READS, "local", "export", "declare", "readonly", "typeset", "for"])
# PowerShell's way to hold what it found: `$found = Get-Process node`.
_TAKES: Final = re.compile(r"(?i)\$(\w+)\s*=(?!.* -id\b).*\b(?:get-process|gps)\b")
_VARIABLE: Final = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")


def process_kills(found: Sequence[Command], depth: int = 0) -> Iterator[Command]:
    """Those of some commands that end processes by name.

    Args:
        found: the commands of a text, in their order.
        depth: how many commands carry them.
    """
    inside = {id(inner) for command in found for inner in command.inner}
    named: set[str] = set()
    pipeline: list[Command] = []
    for command in found:
        if id(command) in inside:
            continue
        yield from process_kills(command.inner, depth + 1)
        # A pipeline is looked at as far back as people write one.
        pipeline = pipeline[-_CARRIED:] if command.piped else []
        words = command.unwrapped()
        assigned = _TAKES.match(" ".join(words))
        if assigned:
            named.add(assigned[1].lower())
        elif _by_name(command.inner) or (_program(words) in _READS and _by_name(pipeline)):
            # What these variables hold was looked up by name.
            named.update(name.lower() for name, value in command.assigned if "$()" in value)
            if _program(words) in _NAMES:
                named.update(word.partition("=")[0].lower() for word in words[1:])
        if _ends_by_name(command, words, pipeline, named) or _carries(words, depth):
            yield command
        pipeline.append(command)


def _program(words: Sequence[str]) -> str:
    """The program's name, as Windows or a makefile may write it too."""
    return re.split(r"[/\\]", words[0])[-1].lower().removesuffix(".exe").lstrip("@") if words else ""


def _ends_by_name(
    command: Command, words: Sequence[str], pipeline: Sequence[Command], named: set[str]
) -> bool:
    program = _program(words)
    said = " ".join(["", *words[1:]]).lower()
    before = command.words[: len(command.words) - len(words)]
    fed = any(_program([word]) in ("xargs", "parallel") for word in before)
    if program in ("killall", "pkill"):
        return fed or (_PROBES.search(said) is None and _selects_by_name(program, words[1:]))
    if program == "taskkill":
        return re.search(r" [/-]{1,2}im\b| (?:imagename|windowtitle) ", said) is not None
    if program == "wmic":
        return re.search(r" process\b.*name.* (?:delete|terminate)\b", said) is not None
    if program not in ("kill", "stop-process", "spps") or (program == "kill" and _PROBES.match(said)):
        return False
    if re.search(r" -(?:name|processname)\b" if program == "kill" else r" -(?:na?m?e?|processname)\b", said):
        return True
    given = [*words[1:], *(word for one in pipeline for word in one.words)]
    used = {name.lower() for word in given for name in _VARIABLE.findall(word)}
    if used & named or ("$()" in said and _by_name(command.inner)):
        return True
    if program == "kill" and not fed:
        # PowerShell's own `kill` takes processes from a pipe, and the other one takes nothing.
        pipeline = [one for one in pipeline if _program(one.unwrapped()) in ("get-process", "gps")]
    return command.piped and _by_name(pipeline)


def _by_name(found: Sequence[Command]) -> bool:
    """Whether commands look processes up by name."""
    lists = False
    for command in found:
        words = command.unwrapped()
        program, arguments = _program(words), words[1:]
        if program in ("ps", "tasklist"):
            lists = lists or not any(_PICKS_IDS.fullmatch(word) for word in arguments)
        if (
            program == "pidof"
            or (program == "pgrep" and _selects_by_name(program, arguments))
            or (program in ("get-process", "gps") and all(word.lower() != "-id" for word in arguments))
            or (program == "ps" and any(re.fullmatch(r"-[A-Za-z]*C", word) for word in arguments))
            or (lists and program in _FILTERS)
        ):
            return True
    return False


def _selects_by_name(program: str, arguments: Sequence[str]) -> bool:
    """Whether `pgrep`, `pkill` or `killall` picks by a name or a user, and not only by an id."""
    left = iter(arguments)
    for word in left:
        if word == "--":
            return next(left, None) is not None
        if not word.startswith("-") or _OF_USER.fullmatch(word):
            return True
        # `killall -g` takes no value.
        if word in _VALUED and (program != "killall" or word in ("-s", "--signal")):
            next(left, None)
    return False


def _carries(words: Sequence[str], depth: int) -> bool:
    """Whether a command runs such a command that stands among its words."""
    if depth >= _DEPTH or _program(words) not in _CARRIERS:
        return False
    texts = [
        " ".join(words[at:]) if _program([word]) in _KILLERS else word
        for at, word in enumerate(words[1:_CARRIED], start=1)
    ]
    # A single word is no command that ends anything.
    found = [text for text in texts if " " in text and may_kill(text.encode("utf-8", "surrogateescape"))]
    return any(any(process_kills(commands(text), depth + 1)) for text in found)
