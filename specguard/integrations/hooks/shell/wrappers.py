"""Programs that run others: shells, `sudo`, `env`, `xargs`, `find` and their like."""

from __future__ import annotations

import re

from specguard.integrations.hooks.shell.field import Field
from specguard.integrations.hooks.shell.variables import tell_setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from specguard.integrations.hooks.shell.call import Call


def _shell(call: Call) -> str | None:
    arguments = call.arguments("oO", ["init-file", "rcfile"], first=True)
    if arguments.odd is not None:
        call.unknown()
        return None
    state = call.state.copy()
    # What the shell has not exported, the new one does not see.
    state.variables = {**dict.fromkeys(state.variables), **call.assigned}
    state.functions = {}
    state.left = None
    operands = arguments.operands
    if arguments.has("init-file", "rcfile"):
        call.undecided(f"what {call.name} reads at its start is not known")
    if arguments.has("c"):
        if not operands or operands[0].text is None:
            call.unknown()
            return None
        # The first word after the text is the name of the shell itself.
        state.arguments = operands[2:]
        return call.shell.run_text(operands[0].text, state)
    if arguments.has("version", "help"):
        return None
    if operands and not arguments.has("s") and operands[0].text != "-":
        call.undecided(f"what the script `{operands[0].raw}` does is not known")
        return None
    if call.given is None:
        call.undecided(f"what {call.name} reads as commands is not known")
        return None
    state.arguments = operands
    return call.shell.run_text(call.given, state)


def _wrapper(valued: str, *longs: str, skipped: int = 0) -> Callable[[Call], str | None]:
    """A program that runs the one that follows its options, and a number of operands of its own."""

    def follow(call: Call) -> str | None:
        arguments = call.arguments(valued, longs, first=True)
        rest = arguments.operands[skipped:]
        if arguments.odd is not None or (call.name == "sudo" and arguments.has("s", "i", "e", "D")):
            call.unknown()
            return None
        if call.name == "time":
            for target in arguments.values("o", "output"):
                call.write(target)
        while call.name == "sudo" and rest and re.match(r"[A-Za-z_]\w*=", rest[0].start):
            name, _, value = rest[0].start.partition("=")
            tell_setting(call.shell.telling, name, None if rest[0].text is None else value)
            rest = rest[1:]
        return call.run(rest) if rest else None

    return follow


def _env(call: Call) -> str | None:
    arguments = call.arguments("uCS", ["unset", "chdir", "split-string"], first=True)
    if arguments.odd is not None:
        call.unknown()
        return None
    state = call.state.copy()
    for place in arguments.values("C", "chdir"):
        state.enter(place)
    rest = arguments.operands
    assigned = dict(call.assigned)
    split = arguments.values("S", "split-string")
    if split:
        call.undecided(f"what `env -S {split[0].raw}` runs is not known")
        return None
    while rest and (match := re.match(r"([A-Za-z_][A-Za-z0-9_]*)=", rest[0].start)):
        value = None if rest[0].text is None else rest[0].text[match.end() :]
        assigned[match[1]] = value
        tell_setting(call.shell.telling, match[1], value)
        rest = rest[1:]
    if not rest:
        return None
    if rest[0].text is None:
        call.undecided(f"what `{rest[0].raw}` runs is not known")
        return None
    inner = type(call)(call.shell, state, rest, call.given, assigned)
    from specguard.integrations.hooks.shell.programs import run_program

    # It knows neither functions nor builtins.
    return run_program(inner)


def _xargs(call: Call) -> str | None:
    arguments = call.arguments(
        "InPLdasE",
        ["replace", "max-args", "max-procs", "max-lines", "delimiter", "arg-file", "max-chars", "eof"],
        optional="iel",
        first=True,
    )
    if arguments.odd is not None:
        call.unknown()
        return None
    rest = list(arguments.operands) or [Field("echo", "echo")]
    marks = [value.text for value in arguments.values("I", "replace", "i")]
    marks += ["{}"] if arguments.has("i") or (arguments.has("replace") and not marks) else []
    state = call.state.copy()
    if marks:
        mark = marks[-1] or "{}"
        made = [_replaced(word, mark) for word in rest]
        return call.run(made, state)
    words = (call.given or "").split()
    plain = call.given is not None and not re.search(r"[\\'\"]", call.given) and len(words) <= 200
    if plain and not arguments.has("a", "arg-file", "d", "delimiter", "0", "null", "E", "eof"):
        return call.run([*rest, *(Field(word, word) for word in words)], state) if words else ""
    return call.run([*rest, Field(None, f"what xargs gives {rest[0].raw}", several=True)], state)


def _replaced(word: Field, mark: str) -> Field:
    """A word in which a mark stands for something unknown."""
    if word.text is None or mark not in word.text:
        return word
    return Field(None, word.raw, start=word.text.partition(mark)[0])


def _find(call: Call) -> str | None:
    words = list(call.words[1:])
    state = call.state.copy()
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word.text is None and word.option and not word.pattern:
            call.undecided(f"whether `{word.raw}` makes find write is not known")
        elif word.text == "-delete":
            call.undecided("which files `find -delete` removes is not known")
        elif word.text in ("-fprint", "-fprint0", "-fls", "-fprintf") and at < len(words):
            call.write(words[at])
        elif word.text in ("-exec", "-execdir", "-ok", "-okdir"):
            end = at
            while end < len(words) and words[end].text not in (";", "+"):
                end += 1
            inner = [_replaced(each, "{}") for each in words[at:end]]
            if word.text.endswith("dir"):
                state.places = None
            if inner:
                call.run(inner, state)
            at = end + 1
    return None


WRAPPERS: Final[Mapping[str, Callable[[Call], str | None]]] = {
    **dict.fromkeys(["sh", "bash", "dash", "zsh", "ksh", "ash", "rbash", "mksh"], _shell),
    "sudo": _wrapper("ugphCrtTUDR", "user", "group", "prompt", "host", "chdir", "chroot", "role", "type"),
    "nohup": _wrapper(""),
    "time": _wrapper("fo", "format", "output"),
    "nice": _wrapper("n", "adjustment"),
    "timeout": _wrapper("sk", "signal", "kill-after", skipped=1),
    "gtimeout": _wrapper("sk", "signal", "kill-after", skipped=1),
    "stdbuf": _wrapper("ioe", "input", "output", "error"),
    "setsid": _wrapper(""),
    "env": _env,
    "xargs": _xargs,
    "gxargs": _xargs,
    "find": _find,
    "gfind": _find,
}
"""Programs of this module by their names."""
