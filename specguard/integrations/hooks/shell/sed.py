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
    """Follow a call of sed; gives what it prints, None where that is not known."""
    words = _Words(call.resolved())
    if words.odd is not None:
        call.undecided(f"whether `{words.odd.raw}` makes sed write is not known")
    if words.others:
        call.undecided("what sed's script file does is not known")
    for script in words.scripts:
        if script.text is None:
            call.undecided(f"what sed's script `{script.raw}` does is not known")
        elif not _only_prints(script.text):
            call.undecided(f"what sed's script `{script.raw}` writes is not known")
    if not words.inside:
        return None
    for field in words.files:
        call.write(field)
        for path in call.paths(field) if words.backup else ():
            head, slash, name = path.rpartition(b"/")
            end = words.backup.encode("utf-8", "surrogateescape")
            kept = end.replace(b"*", name) if b"*" in end else name + end
            call.shell.telling.write(kept if b"/" in kept else head + slash + kept, None, known=False)
    return ""


class _Words:
    """The arguments of sed.

    Attributes:
        inside: whether files are edited in their place.
        backup: the ending of what they were; empty where that is not kept.
        scripts: the scripts that are given.
        others: whether a script is a file.
        files: the files.
        odd: an argument of which it is not known whether it is an option; None where there is none.
    """

    __slots__ = ("_at", "_words", "backup", "files", "inside", "odd", "others", "scripts")

    def __init__(self, words: Sequence[Field]) -> None:
        self.inside, self.backup, self.others = False, "", False
        self.scripts: list[Field] = []
        self.files: list[Field] = []
        self.odd: Field | None = None
        self._words = words
        self._at = 0
        while self._at < len(words):
            word = words[self._at]
            self._at += 1
            if word.text == "--":
                self.files += words[self._at :]
                break
            if word.start.startswith("--"):
                self._long(word)
            elif word.start.startswith("-") and len(word.start) > 1:
                self._short(word)
            else:
                if word.text is None and word.option and (self.files or self.scripts):
                    self.odd = self.odd or word
                self.files.append(word)
        files = self.files
        if self.inside and files and (files[0].text == "" or (files[0].start[:1] == "." and len(files) > 1)):
            # BSD's sed takes the ending of a backup as a word of its own.
            self.backup = self.backup or files[0].start
            del files[0]
        if not self.scripts and not self.others and files:
            self.scripts.append(files.pop(0))

    def _long(self, word: Field) -> None:
        name, equals, value = word.start[2:].partition("=")
        if word.text is None:
            self.odd = self.odd or word
        if name and "in-place".startswith(name):
            self.inside, self.backup = True, value
        elif name and "expression".startswith(name):
            self.scripts.append(self._value(word, value, attached=bool(equals)))
        elif name and ("file".startswith(name) or "line-length".startswith(name)):
            self.others = self.others or "file".startswith(name)
            self._value(word, value, attached=bool(equals))

    def _short(self, word: Field) -> None:
        text = word.start
        if word.text is None and not re.match(r"-[nErsuz]*[ef]", text):
            self.odd = self.odd or word
        for index, letter in enumerate(text[1:], start=2):
            left = text[index:]
            if letter in "iI":
                self.inside, self.backup = True, left
                return
            if letter in "efl":
                value = self._value(word, left, attached=bool(left))
                if letter == "e":
                    self.scripts.append(value)
                self.others = self.others or letter == "f"
                return

    def _value(self, word: Field, text: str, *, attached: bool) -> Field:
        """The value of an option: the rest of its word, or the next one."""
        if attached or self._at >= len(self._words):
            return tail(word, text)
        self._at += 1
        return self._words[self._at - 1]


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
