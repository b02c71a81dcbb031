"""Programs that are given a program of their own: `sed`, `awk` and `perl`."""

from __future__ import annotations

import re

from specguard.integrations.hooks.shell.sed import run_sed, tail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from specguard.integrations.hooks.shell.call import Call
    from specguard.integrations.hooks.shell.field import Field

_SUBSTITUTE: Final = re.compile(
    r"\s*(?:s|tr|y)([/|#!,%~:])((?:(?!\1)[^\\\n]|\\.)*)\1((?:(?!\1)[^\\\n]|\\.)*)\1[gimsx]*\s*;?\s*"
)


def _awk(call: Call) -> str | None:
    arguments = call.arguments("FvfieElL", ["file", "source", "include", "load", "exec"], first=True)
    loads = arguments.has("f", "file", "i", "include", "l", "load", "E", "exec", "e", "source")
    program = arguments.operands[0].text if arguments.operands else None
    if arguments.odd is not None or loads or program is None or _awk_acts(program):
        call.undecided(f"what the program of {call.name} writes is not known")
    return None


def _awk_acts(program: str) -> bool:
    """Whether a program of awk's may write a file or run another program."""
    if re.search(r"system|getline|@|close|fflush", program):
        return True
    printed = program.find("print")
    if printed < 0:
        return False
    last = max(program.rfind(">"), _last_pipe(program))
    return last > printed


def _last_pipe(program: str) -> int:
    """Where the last `|` is that is none of `||`; -1 where there is none."""
    found = -1
    for match in re.finditer(r"\|+", program):
        found = match.start() if len(match[0]) != 2 else found
    return found


def _perl(call: Call) -> str | None:
    words = call.resolved()
    inside, backup = False, ""
    codes: list[Field] = []
    at = 0
    while at < len(words) and words[at].start.startswith("-") and words[at].start not in ("-", "--"):
        text = words[at].start
        at += 1
        if text in ("-v", "--version", "-h", "--help"):
            return None
        for index, letter in enumerate(text[1:], start=2):
            if letter == "i":
                inside, backup = True, text[index:]
                # A backup's ending cannot be told from more letters.
                break
            if letter in "eE":
                codes.append(
                    tail(words[at - 1], text[index:])
                    if text[index:]
                    else words[at]
                    if at < len(words)
                    else words[at - 1]
                )
                at += not text[index:]
                break
            if letter in "mMICxFl0":
                if letter in "mMI":
                    codes.append(tail(words[at - 1], "?"))
                break
    rest = words[at:]
    if inside and re.fullmatch(r"[pnlwe0-9]*e", backup):
        # `-pie` asks for a backup that ends with `e`, and takes the next word for a file.
        call.undecided(f"what `-i{backup}` means to perl is not known")
    if inside and not codes and rest:
        rest = rest[1:] + rest[:1]
    for field in rest if inside else []:
        call.write(field)
        if backup and "*" not in backup:
            for path in call.paths(field):
                call.shell.telling.write(path + backup.encode("utf-8", "surrogateescape"), None, known=False)
    if not codes or not all(code.text is not None and _plain_perl(code.text) for code in codes):
        call.undecided(f"what {call.name} runs is not known")
    return None


def _plain_perl(code: str) -> bool:
    """Whether the code is one substitution in which nothing else is run."""
    return _SUBSTITUTE.fullmatch(code) is not None and not re.search(r"@\{|\$\{|@\[|\(\?\??\{|`|@\w*\[", code)


INTERPRETERS: Final[Mapping[str, Callable[[Call], str | None]]] = {
    **dict.fromkeys(["sed", "gsed"], run_sed),
    **dict.fromkeys(["awk", "gawk", "mawk", "nawk", "original-awk"], _awk),
    "perl": _perl,
}
"""Programs of this module by their names."""
