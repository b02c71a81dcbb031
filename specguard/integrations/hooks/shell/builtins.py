"""What a shell does itself: where it goes, its variables, other commands that it reads and runs."""

from __future__ import annotations

import re

from specguard.integrations.hooks.pathnames import as_bytes, joined, normal
from specguard.integrations.hooks.shell.field import Field
from specguard.integrations.hooks.shell.variables import runs, tell_arguments, tell_setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from specguard.integrations.hooks.shell.call import Call

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORMAT: Final = re.compile(r"%(?:%|s|b|d|i)|%")


def _cd(call: Call) -> str | None:
    arguments = call.arguments(first=True)
    state, telling = call.state, call.shell.telling
    printed: str | None = ""
    if arguments.operands:
        field = arguments.operands[0]
    else:
        words = call.words[1:]
        dash = bool(words) and words[-1].text == "-"
        field = (
            words[-1]
            if dash
            else Field(state.value("HOME", telling.directory, telling.environment), "the home folder")
        )
    before = state.places
    if len(arguments.operands) > 1:
        after = None
    elif field.text == "-":
        after, printed = state.before, None
    elif field.text is None or (before is None and not field.text.startswith("/")):
        after = None
    else:
        path = as_bytes(field.text)
        after = tuple(dict.fromkeys(normal(joined(place, path)) for place in before or (b"",)))
    state.places, state.before = after, before
    sure = after is not None and not telling.changed and all(telling.is_folder(place) for place in after)
    made = after is not None and all(telling.absolute(place) in telling.folders for place in after)
    state.left = None if sure or made else before
    return printed


def _pushd(call: Call) -> str | None:
    before = call.state.places
    if len(call.words) != 2 or call.words[1].start.startswith(("+", "-")):
        call.state.places = None
        call.state.stack = []
        return None
    _cd(call)
    call.state.stack.append(before)
    return None


def _popd(call: Call) -> str | None:
    state = call.state
    state.places = state.stack.pop() if state.stack and len(call.words) == 1 else None
    return None


def _eval(call: Call) -> str | None:
    texts = [word.text for word in call.words[1:]]
    if None in texts:
        call.undecided(f"what `{call.name}` runs is not known")
        return None
    return call.run_text(" ".join(text for text in texts if text is not None))


def _trap(call: Call) -> str | None:
    words = [word for word in call.words[1:] if word.text != "--"]
    if len(words) < 2 or words[0].start in ("-", "-l", "-p", ""):
        if words and words[0].text is None:
            call.undecided("what `trap` sets to be run is not known")
        return ""
    text = words[0].text
    if text is None:
        call.undecided("what `trap` sets to be run is not known")
    else:
        # When that is, and where the shell stands then, is open.
        state = call.state.copy()
        state.variables = dict.fromkeys(state.variables)
        state.places = None
        call.shell.run_text(text, state)
    return ""


def _source(call: Call) -> str | None:
    name = call.words[1].raw if len(call.words) > 1 else ""
    call.undecided(f"what the script `{name}` does is not known")
    call.state.variables = dict.fromkeys(call.state.variables)
    return None


def _declare(call: Call) -> str | None:
    for word in call.words[1:]:
        name, equals, value = word.start.partition("=")
        known = word.text is not None
        name, more = name.removesuffix("+"), name.endswith("+")
        if _NAME.fullmatch(name) and equals:
            call.state.variables[name] = value if known and not more else None
            tell_setting(call.shell.telling, name, value if known else None)
        elif word.text is None and not name.startswith("-"):
            call.undecided(f"which variable `{word.raw}` sets is not known")
    return ""


def _unset(call: Call) -> str | None:
    for word in call.words[1:]:
        if word.text and _NAME.fullmatch(word.text):
            call.state.variables[word.text] = ""
            call.state.functions.pop(word.text, None)
        elif word.text is None:
            call.state.variables = dict.fromkeys(call.state.variables)
    return ""


def _forget(call: Call) -> str | None:
    """`read` and its like set the variables that they name to what is not known."""
    if call.given is not None and runs(call.given):
        call.undecided(f"what `{call.name}` reads would be run where it is evaluated")
    if call.name in ("mapfile", "readarray") and call.arguments("dnOsucC").has("C"):
        call.undecided(f"what `{call.name} -C` runs is not known")
    for word in call.words[1:]:
        name = re.match(r"-?\w*?([A-Za-z_][A-Za-z0-9_]*)", word.start)
        if word.text is None:
            call.state.variables = dict.fromkeys(call.state.variables)
        elif name and not word.start.startswith("-"):
            call.state.variables[name[1]] = None
    call.state.variables["REPLY"] = None
    call.state.variables["MAPFILE"] = None
    return "" if call.name != "let" else None


def _set(call: Call) -> str | None:
    words = call.words[1:]
    for at, word in enumerate(words):
        if word.text == "--" or not word.start.startswith(("-", "+")):
            call.state.arguments = words[at + (word.text == "--") :]
            tell_arguments(call.shell.telling, call.state.arguments)
            break
    return "" if words else None


def _shift(call: Call) -> str | None:
    arguments = call.state.arguments
    if arguments is not None and len(call.words) == 1 and not any(each.several for each in arguments):
        call.state.arguments = arguments[1:]
    else:
        call.state.arguments = None
    return ""


def _exit(call: Call) -> str | None:
    call.state.ended = True
    return ""


def _exec(call: Call) -> str | None:
    arguments = call.arguments("a", first=True)
    return call.run(arguments.operands) if arguments.operands else ""


def _command(call: Call) -> str | None:
    arguments = call.arguments(first=True)
    if arguments.has("v", "V"):
        return None
    if not arguments.operands:
        return ""
    if arguments.odd is not None:
        call.undecided(f"what `{arguments.odd.raw}` runs is not known")
        return None
    state = call.state
    functions, state.functions = state.functions, {}
    printed = call.run(arguments.operands)
    state.functions = {**functions, **state.functions}
    return printed


def _alias(call: Call) -> str | None:
    for word in call.words[1:]:
        if "=" in word.start or word.text is None:
            call.undecided(f"`{word.raw}` gives a command another meaning")
    return None


def _enable(call: Call) -> str | None:
    if len(call.words) > 1:
        call.undecided(f"`{call.name}` changes what commands mean")
    return None


def _echo(call: Call) -> str | None:
    words = list(call.words[1:])
    newline = "\n"
    if words and words[0].text == "-n":
        newline = ""
        words = words[1:]
    texts = [word.text for word in words]
    if None in texts:
        return None
    text = " ".join(each for each in texts if each is not None)
    # Shells differ in whether `echo` reads escapes, and in its other options.
    return None if "\\" in text or re.match(r"-[neE]", text) else text + newline


def _printf(call: Call) -> str | None:
    words = list(call.words[1:])
    if words and words[0].start.startswith("-v"):
        if len(words) > 1 and words[1].text and words[0].text == "-v":
            call.state.variables[words[1].text] = None
        else:
            call.state.variables = dict.fromkeys(call.state.variables)
        return ""
    if words and words[0].text == "--":
        words = words[1:]
    texts = [word.text for word in words]
    if not words or None in texts:
        return None
    form, *values = (text for text in texts if text is not None)
    marks = [mark for mark in _FORMAT.findall(form) if mark != "%%"]
    if any(mark not in ("%s", "%b") for mark in marks) or "\\c" in form or (not marks and values):
        return None
    if any("\\" in value for value in values) and "%b" in marks:
        return None
    rounds = max(1, -(-len(values) // len(marks))) if marks else 1
    if rounds * len(form) + sum(map(len, values)) > 1_000_000:
        return None
    from specguard.integrations.hooks.shell.escapes import unescape

    left = iter(values)

    def one(match: re.Match[str]) -> str:
        return "%" if match[0] == "%%" else next(left, "")

    made: list[str] = []
    for _ in range(rounds):
        call.shell.telling.step()
        pieces = re.split(r"(%%|%s|%b)", form)
        made += [
            unescape(piece) if index % 2 == 0 else _FORMAT.sub(one, piece)
            for index, piece in enumerate(pieces)
        ]
    return "".join(made)


def _pwd(call: Call) -> str | None:
    places = call.state.places
    if places is None or len(places) != 1 or len(call.words) > 1:
        return None
    return call.shell.telling.absolute(places[0]).decode("utf-8", "surrogateescape") + "\n"


def _nothing(_call: Call) -> str | None:
    return ""


def _history(call: Call) -> str | None:
    if len(call.words) > 1 and not re.fullmatch(r"[0-9]+", call.words[1].text or ""):
        call.undecided("which file `history` writes is not known")
    return None


def _jobs(call: Call) -> str | None:
    if len(call.words) > 1 and not re.fullmatch(r"-[lnprs]+|%.*", call.words[1].text or ""):
        call.undecided("what `jobs` runs is not known")
    return None


def _looks(_call: Call) -> str | None:
    return None


BUILTINS: Final[Mapping[str, Callable[[Call], str | None]]] = {
    **dict.fromkeys(["cd", "chdir"], _cd),
    "pushd": _pushd,
    "popd": _popd,
    "eval": _eval,
    "trap": _trap,
    **dict.fromkeys(["source", "."], _source),
    **dict.fromkeys(["export", "declare", "typeset", "local", "readonly"], _declare),
    "unset": _unset,
    **dict.fromkeys(["read", "mapfile", "readarray", "getopts", "let"], _forget),
    "set": _set,
    "shift": _shift,
    **dict.fromkeys(["exit", "return", "logout"], _exit),
    "exec": _exec,
    **dict.fromkeys(["command", "builtin"], _command),
    "alias": _alias,
    **dict.fromkeys(
        ["enable", "hash", "shopt", "setopt", "unsetopt", "bind", "complete", "compgen"], _enable
    ),
    "echo": _echo,
    "printf": _printf,
    "pwd": _pwd,
    "history": _history,
    "jobs": _jobs,
    **dict.fromkeys(["true", ":", "wait", "break", "continue", "umask", "ulimit", "unalias"], _nothing),
    **dict.fromkeys(["false", "test", "["], _nothing),
    **dict.fromkeys(["type", "dirs", "fg", "bg", "disown", "times", "kill", "suspend"], _looks),
}
"""The shell's own commands by their names."""
