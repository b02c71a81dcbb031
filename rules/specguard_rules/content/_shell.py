"""Commands of shell scripts: words, without running or expanding anything.

This reads what rules need of the POSIX shell's grammar and of bash's: quotes, comments, continued lines,
substitutions, arrays, here-documents. What is no shell at all gives words that match nothing.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

DEPTH: Final = 20
"""Substitutions nested deeper than this are taken as text."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:=,@%+~^*?!\[\]{}-]+")
_BLANK: Final = re.compile(r"[ \t\r]+")
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[[^\]]*\])?\+?=")
_KEYWORDS: Final = frozenset(["if", "then", "elif", "else", "while", "until", "do", "!", "{", "time"])

SHELLS: Final = frozenset(["sh", "bash", "dash", "zsh", "ksh", "ash"])

# Programs that run another one, with those of their options that take a value.
_WRAPPERS: Final = {
    "sudo": "-u -g -h -p -C -D --user --group",
    "env": "-u -C --unset --chdir",
    "command": "",
    "builtin": "",
    "exec": "-a",
    "nohup": "",
    "time": "-f -o",
    "nice": "-n",
    "ionice": "-c -n",
    "timeout": "-s -k --signal --kill-after",
    "stdbuf": "-i -o -e",
    "setsid": "",
    "xargs": "-I -n -P -L -d -a -s -E",
    "retry": "-t -d -n",
}


class Command:
    """One simple command.

    Attributes:
        words: the program and its arguments, without quotes; `$NAME` and `${NAME}` as they are written, and
            `$()` in place of a command substitution, whose commands are commands of their own.
        assigned: the variables set before the program, or by a command that only sets them.
        targets: the files and host strings of redirections.
        line, end_line: where it is, from the line number given to `commands`.
        here: the text of its here-document, and the line at which that begins.
        told: whether it is to be run; False where a document only speaks of it.
        piped: whether it reads what the command before it in the list writes.
        inner: the commands of the substitutions in its words and variables.
    """

    __slots__ = (
        "assigned", "end_line", "here", "here_line", "inner", "line", "piped", "targets", "told", "words",
    )  # fmt: skip

    def __init__(self, line: int) -> None:
        self.words: list[str] = []
        self.assigned: list[tuple[str, str]] = []
        self.targets: list[str] = []
        self.line = line
        self.end_line = line
        self.here = ""
        self.here_line = line
        self.told = True
        self.piped = False
        self.inner: list[Command] = []

    @property
    def program(self) -> str:
        """The program's name without its folder; empty where there is none."""
        return self.words[0].rpartition("/")[2] if self.words else ""

    def unwrapped(self) -> Sequence[str]:
        """The words without `sudo`, `env A=b`, `timeout 10` and their like, which run what follows them."""
        words = self.words
        while words and words[0].rpartition("/")[2] in _WRAPPERS:
            wrapper = words[0].rpartition("/")[2]
            valued = _WRAPPERS[wrapper].split()
            at = 1
            while at < len(words) and (words[at][:1] == "-" or (wrapper == "env" and "=" in words[at])):
                at += 2 if words[at] in valued else 1
            if wrapper == "timeout":
                at += 1
            words = words[at:]
        return words


def commands(text: str, line: int = 1) -> list[Command]:
    """The commands of a script, in the order in which they end.

    The script of a `bash -c TEXT` or `eval TEXT` is read as well, its commands on the line of the whole.

    Args:
        text: the script.
        line: the number of its first line.
    """
    found = _Reader(text.replace("\r\n", "\n"), line, 0).run()
    for command in list(found):
        inner = _inner(command.unwrapped())
        if inner:
            nested = _Reader(inner, command.line, DEPTH // 2).run()
            for one in nested:
                one.line, one.end_line = command.line, command.end_line
            found += nested
    return found


def _inner(words: Sequence[str]) -> str:
    """The script that a command carries in its words."""
    if not words:
        return ""
    program = words[0].rpartition("/")[2]
    if program == "eval":
        return " ".join(words[1:])
    if program in SHELLS:
        for at, word in enumerate(words[1:-1], start=1):
            if re.fullmatch(r"-[a-z]*c[a-z]*", word):
                return words[at + 1]
            if not word.startswith(("-", "+")):
                break
    return ""


class _Reader:
    """Reads one text; `found` collects its commands and those of its substitutions."""

    def __init__(self, text: str, line: int, depth: int) -> None:
        self.text = text
        self.at = 0
        self.line = line
        self.depth = depth
        self.found: list[Command] = []
        self._command = Command(line)
        self._waiting: list[tuple[Command, str, bool]] = []
        self._redirected = False
        self._piped = False

    def run(self) -> list[Command]:
        text, size = self.text, len(self.text)
        while self.at < size:
            char = text[self.at]
            if char in " \t\r":
                blank = _BLANK.match(text, self.at)
                self.at = blank.end() if blank else self.at + 1
            elif char == "\n":
                self._end()
                self._newline()
            elif text.startswith("||", self.at):
                self._end()
                self.at += 2
            elif char in ";&|()":
                self._end()
                self._piped = self._piped or char == "|"
                self.at += 1
            elif char == "#":
                end = text.find("\n", self.at)
                self.at = size if end < 0 else end
            elif char in "<>":
                self._redirection()
            elif text.startswith("\\\n", self.at):
                self.at += 1
                self._newline(heredocs=False)
            else:
                start = self.line
                self._take(self._word(), start)
        self._end()
        return self.found

    def _newline(self, *, heredocs: bool = True) -> None:
        self.at += 1
        self.line += 1
        while heredocs and self._waiting:
            command, delimiter, tabs = self._waiting.pop(0)
            command.here_line = self.line
            start = self.at
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                stop = len(self.text) if end < 0 else end
                row = self.text[self.at : stop]
                here = self.at
                self.at = min(stop + 1, len(self.text))
                self.line += 1
                if (row.lstrip("\t") if tabs else row) == delimiter:
                    command.here = self.text[start:here]
                    break
            else:
                command.here = self.text[start:]

    def _redirection(self) -> None:
        text = self.text
        words = self._command.words
        if words and words[-1].isdigit() and text[self.at - 1].isdigit():
            words.pop()  # `2>`
        if text.startswith(("<(", ">("), self.at):
            self.at += 2
            self._substitution(")")
            self._take("$()", self.line)
        elif text.startswith("<<<", self.at):
            self.at += 3
            self._redirected = True
        elif text.startswith("<<", self.at):
            tabs = text.startswith("<<-", self.at)
            self.at += 3 if tabs else 2
            blank = _BLANK.match(text, self.at)
            self.at = blank.end() if blank else self.at
            delimiter = self._word()
            if delimiter:
                self._waiting.append((self._command, delimiter, tabs))
        else:
            self.at += 2 if text[self.at + 1 : self.at + 2] in (">", "&", "|") else 1
            self._redirected = True

    def _take(self, word: str, line: int) -> None:
        command = self._command
        if not command.words and not command.assigned and not command.targets:
            command.line = line
        if self._redirected:
            self._redirected = False
            command.targets.append(word)
            return
        assignment = _ASSIGNMENT.match(word)
        if assignment and not command.words:
            command.assigned.append((assignment[1], word[assignment.end() :]))
        elif command.words or word not in _KEYWORDS:
            command.words.append(word)

    def _end(self) -> None:
        command = self._command
        self._redirected = False
        if (
            command.words
            or command.assigned
            or command.targets
            or any(c is command for c, _, _ in self._waiting)
        ):
            command.end_line = self.line
            command.piped, self._piped = self._piped, False
            self.found.append(command)
        self._command = Command(self.line)

    def _word(self, *, arrays: bool = True) -> str:
        """The word that begins here, without its quotes; the position is after it."""
        parts: list[str] = []
        text, size = self.text, len(self.text)
        while self.at < size:
            plain = _PLAIN.match(text, self.at)
            if plain:
                parts.append(plain[0])
                self.at = plain.end()
                continue
            char = text[self.at]
            if char == "(" and arrays and parts and _ASSIGNMENT.fullmatch("".join(parts)):
                parts.append(self._array())
                continue
            if char in " \t\r\n;&|()<>":
                break
            if char == "'":
                parts.append(self._single())
            elif char == '"':
                parts.append(self._double())
            elif char == "\\":
                if text[self.at + 1 : self.at + 2] == "\n":
                    self.at += 1
                    self._newline(heredocs=False)
                else:
                    parts.append(text[self.at + 1 : self.at + 2])
                    self.at += 2
            elif char in "$`":
                parts.append(self._dollar())
            else:
                parts.append(char)
                self.at += 1
        return "".join(parts)

    def _array(self) -> str:
        self.at += 1
        words: list[str] = []
        while self.at < len(self.text) and self.text[self.at] != ")":
            char = self.text[self.at]
            if char == "\n":
                self._newline(heredocs=False)
            elif char == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif char in " \t\r;&|<>(":
                self.at += 1
            else:
                word = self._word(arrays=False)
                words += [word] if word else []
        self.at += 1
        return " ".join(words)

    def _single(self) -> str:
        end = self.text.find("'", self.at + 1)
        end = len(self.text) if end < 0 else end
        inner = self.text[self.at + 1 : end]
        self.line += inner.count("\n")
        self.at = end + 1
        return inner

    def _double(self) -> str:
        parts: list[str] = []
        self.at += 1
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == '"':
                self.at += 1
                break
            if char == "\\":
                follower = self.text[self.at + 1 : self.at + 2]
                self.at += 2
                if follower == "\n":
                    self.line += 1
                else:
                    parts.append(follower if follower in '"\\$`' else "\\" + follower)
            elif char in "$`":
                parts.append(self._dollar())
            else:
                self.line += char == "\n"
                parts.append(char)
                self.at += 1
        return "".join(parts)

    def _dollar(self) -> str:
        """A `$…` or backquoted part: variables stay as they are, substitutions become `$()`."""
        text = self.text
        if text[self.at] == "`":
            self.at += 1
            self._substitution("`")
            return "$()"
        if text.startswith("$((", self.at):
            return self._through(_closing(text, self.at + 2, ")") + 1)
        for opening, closing in (("${{", "}}"), ("${", "}")):
            if text.startswith(opening, self.at):
                end = text.find(closing, self.at)
                return self._through(len(text) if end < 0 else end + len(closing))
        if text.startswith("$(", self.at):
            self.at += 2
            self._substitution(")")
            return "$()"
        self.at += 1
        return "$"

    def _through(self, end: int) -> str:
        """The text up to a position, which becomes the present one."""
        part = self.text[self.at : end]
        self.line += part.count("\n")
        self.at = min(end, len(self.text))
        return part

    def _substitution(self, closing: str) -> None:
        """Read the commands up to a closing mark, which is passed."""
        start = self.at
        self.at = end = _closing(self.text, start, closing)
        inner = self.text[start:end]
        if self.depth < DEPTH:
            found = _Reader(inner, self.line, self.depth + 1).run()
            self.found += found
            self._command.inner += found
        self.line += inner.count("\n")
        self.at = end + 1


def _closing(text: str, at: int, closing: str) -> int:
    """Where a substitution ends: its closing mark outside quotes and inner parentheses, or the text's end."""
    depth = 0
    quote = ""
    while at < len(text):
        char = text[at]
        if char == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"" and closing != "`":
            quote = char
        elif char == closing and depth == 0:
            return at
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        at += 1
    return len(text)
