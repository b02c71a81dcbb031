"""What sed would write: the files that it edits in their place, where its script does nothing else."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.integrations.hooks.shell.call import Call
    from specguard.integrations.hooks.shell.field import Field

_ADDRESS: Final = r"(?:[0-9]+(?:~[0-9]+)?|\$|/(?:\\.|\[\^?\]?[^\]\n]*\]|[^/\\\n\[])*/[IM]*|\+[0-9]+|~[0-9]+)"
_SED: Final = re.compile(rf"(?:{_ADDRESS}(?:[ \t]*,[ \t]*{_ADDRESS})?)?[ \t]*!?[ \t]*([A-Za-z={{}}:#])")


def run_sed(call: Call) -> str | None:
    """Follow a call of sed; it prints what is not known."""
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
                scripts.append(tail(word, value) if "=" in text or at >= len(words) else words[at])
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
                    value_word = tail(word, left) if left or at >= len(words) else words[at]
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


def tail(word: Field, text: str) -> Field:
    """The end of a word as a word."""
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
