"""Programs that are given a program of their own: `sed`, `awk`, `perl`, and interpreters."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final

    from specguard.integrations.hooks.shell_call import Call
    from specguard.integrations.hooks.shell_state import Field

_ADDRESS: Final = r"(?:[0-9]+(?:~[0-9]+)?|\$|/(?:\\.|\[\^?\]?[^\]\n]*\]|[^/\\\n\[])*/[IM]*|\+[0-9]+|~[0-9]+)"
_SED: Final = re.compile(rf"(?:{_ADDRESS}(?:[ \t]*,[ \t]*{_ADDRESS})?)?[ \t]*!?[ \t]*([A-Za-z={{}}:#])")
_SUBSTITUTE: Final = re.compile(
    r"\s*(?:s|tr|y)([/|#!,%~:])((?:(?!\1)[^\\\n]|\\.)*)\1((?:(?!\1)[^\\\n]|\\.)*)\1[gimsx]*\s*;?\s*"
)


def _sed(call: Call) -> str | None:
    inside, backup, scripts, files, odd, others = _sed_words(call.resolved())
    if odd is not None:
        call.undecided(f"whether `{odd.raw}` makes sed write is not known")
    if others:
        call.undecided("what sed's script file does is not known")
    for script in scripts:
        if script.text is None:
            call.undecided(f"what sed's script `{script.raw}` does is not known")
        elif not _only_prints(script.text):
            call.undecided(f"what sed's script `{script.raw}` writes is not known")
    if not inside:
        return None
    for field in files:
        call.write(field)
        if backup:
            for path in call.paths(field):
                head, slash, tail = path.rpartition(b"/")
                end = backup.encode("utf-8", "surrogateescape")
                name = end.replace(b"*", tail) if b"*" in end else tail + end
                call.shell.telling.write(name if b"/" in name else head + slash + name, None, known=False)
    return ""


def _sed_words(
    words: Sequence[Field],
) -> tuple[bool, str, list[Field], list[Field], Field | None, bool]:
    """The arguments of sed.

    Returns:
        Whether files are edited; a backup's ending; scripts; files; what is odd; whether scripts are files.
    """
    inside, backup, others = False, "", False
    scripts: list[Field] = []
    rest: list[Field] = []
    odd: Field | None = None
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        text = word.start
        if text == "--" and word.text is not None:
            rest += words[at:]
            break
        if text.startswith("--"):
            name, _, value = text[2:].partition("=")
            if word.text is None:
                odd = odd or word
            if name and "in-place".startswith(name):
                inside, backup = True, value
            elif name and "expression".startswith(name):
                scripts.append(_tail(word, value) if "=" in text or at >= len(words) else words[at])
                at += "=" not in text
            elif name and "file".startswith(name):
                others = True
                at += "=" not in text
            elif name and "line-length".startswith(name):
                at += "=" not in text
        elif text.startswith("-") and len(text) > 1:
            if word.text is None and not re.match(r"-[nErsuz]*[ef]", text):
                odd = odd or word
            for index, letter in enumerate(text[1:], start=2):
                left = text[index:]
                if letter in "iI":
                    inside, backup = True, left
                    break
                if letter in "efl":
                    value_word = _tail(word, left) if left or at >= len(words) else words[at]
                    at += not left
                    if letter == "e":
                        scripts.append(value_word)
                    others = others or letter == "f"
                    break
        else:
            if word.text is None and word.option and (rest or scripts):
                odd = odd or word
            rest.append(word)
    if inside and rest and (rest[0].text == "" or (rest[0].start.startswith(".") and len(rest) > 1)):
        # BSD's sed takes the ending of a backup as a word of its own.
        backup = backup or rest[0].start
        rest = rest[1:]
    if not scripts and not others and rest:
        scripts.append(rest[0])
        rest = rest[1:]
    return inside, backup, scripts, rest, odd, others


def _tail(word: Field, text: str) -> Field:
    return type(word)(None if word.text is None else text, word.raw, start=text)


def _only_prints(script: str) -> bool:
    """Whether each command of a sed script is read, and neither writes a file nor runs a program."""
    at, size = 0, len(script)
    while at < size:
        if script[at] in " \t\n;":
            at += 1
            continue
        command = _SED.match(script, at)
        if command is None:
            return False
        letter, at = command[1], command.end()
        if letter in "weWrRvF" and letter not in "rF":
            return False
        if letter in "sy":
            end = _after_substitution(script, at)
            if end is None:
                return False
            flags = re.compile(r"[gpiIMm0-9]*[ \t]*(?=[;}\n#]|$)").match(script, end)
            if flags is None:
                return False
            at = flags.end()
        elif letter in "aic":
            # The text goes up to a line's end that no backslash stands before.
            ends = re.compile(r"(?:[^\\\n]|\\.)*", re.DOTALL).match(script, at)
            at = ends.end() if ends else size
        elif letter in "r:btT#":
            end = script.find("\n", at)
            semicolon = script.find(";", at) if letter in ":btT" else -1
            ends_at = [each for each in (end, semicolon) if each >= 0]
            at = min(ends_at) if ends_at else size
        elif letter not in "{}=dDgGhHlnNpPqQxzF":
            return False
        elif letter in "lqQ":
            number = re.compile(r"[ \t]*[0-9]*").match(script, at)
            at = number.end() if number else at
    return True


def _after_substitution(script: str, at: int) -> int | None:
    """The position behind the third delimiter of `s` or `y`."""
    if at >= len(script) or script[at] in "\\\n":
        return None
    mark = script[at]
    at += 1
    for _ in range(2):
        while at < len(script) and script[at] != mark:
            at += 2 if script[at] == "\\" else 1
        if at >= len(script):
            return None
        at += 1
    return at


def _awk(call: Call) -> str | None:
    arguments = call.arguments("FvfieElL", ["file", "source", "include", "load", "exec"], first=True)
    operands = arguments.operands
    inplace = any((value.text or "").startswith("inplace") for value in arguments.values("i", "include"))
    program = operands[0] if operands and not arguments.has("f", "file", "e", "source", "E", "exec") else None
    if inplace:
        for field in operands[1:] if program else operands:
            if not re.match(r"[A-Za-z_]\w*=", field.start):
                call.write(field)
    loads = (
        arguments.has("f", "file", "i", "include", "l", "load", "E", "exec", "e", "source") and not inplace
    )
    unread = arguments.odd is not None or loads or program is None or program.text is None
    if unread or _awk_acts((program.text if program else None) or ""):
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
                    _tail(words[at - 1], text[index:])
                    if text[index:]
                    else words[at]
                    if at < len(words)
                    else words[at - 1]
                )
                at += not text[index:]
                break
            if letter in "mMICxFl0":
                if letter in "mMI":
                    codes.append(_tail(words[at - 1], "?"))
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


def _interpreter(call: Call) -> str | None:
    words = [word.text for word in call.words[1:]]
    if words in (["--version"], ["-V"], ["-v"], ["--help"], ["-h"]) and not call.name.startswith("tcl"):
        return None
    call.undecided(f"what {call.name} runs is not known")
    return None


TEXTS: Final[Mapping[str, Callable[[Call], str | None]]] = {
    **dict.fromkeys(["sed", "gsed"], _sed),
    **dict.fromkeys(["awk", "gawk", "mawk", "nawk", "original-awk"], _awk),
    "perl": _perl,
    **dict.fromkeys(
        [
            "python",
            "python2",
            "python3",
            "node",
            "nodejs",
            "deno",
            "bun",
            "ruby",
            "php",
            "lua",
            "Rscript",
            "osascript",
        ],
        _interpreter,
    ),
}
"""Programs of this module by their names."""
