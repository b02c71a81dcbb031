"""The commands of a shell text with their lines: quotes, pipes, substitutions and here-documents are read.

Nothing is run or expanded, and any text is read: what is not closed goes on to the end.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

DEPTH: Final = 20
"""Substitutions that are nested deeper than this are not read."""

SHELLS: Final = frozenset(["sh", "bash", "dash", "zsh", "ksh", "ash"])

_META: Final = " \t\r\n;&|()<>"
_SKIPPED: Final = re.compile(r"[ \t\r]+|\\\n|#[^\n]*")
_OPERATOR: Final = re.compile(r"\|\||[;&|()]")
_REDIRECT: Final = re.compile(r"[<>]\(|<<<|<<-?|[<>][>&|]?")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:=,@%+~^*?!\[\]{}-]+")
_SINGLE: Final = re.compile(r"'([^']*)'?")
_IN_DOUBLE: Final = re.compile(r'[^"\\$`]+')
_IN_ARRAY: Final = re.compile(r"[ \t\r\n;&|<>(]+|#[^\n]*")
_BRACES: Final = re.compile(r"\$\{\{(?:.*?\}\}|.*)|\$\{[^}]*\}?", re.DOTALL)
_NESTED: Final = re.compile(r"\\.|'[^']*'?|\"(?:[^\"\\]|\\.)*\"?|[()]", re.DOTALL)
_BACKQUOTED: Final = re.compile(r"(?:[^`\\]|\\.)*", re.DOTALL)
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[[^\]]*\])?\+?=")
_KEYWORDS: Final = frozenset(["if", "then", "elif", "else", "while", "until", "do", "!", "{", "time"])

# Programs that run another one, with those of their options that take a value.
_WRAPPERS: Final = {
    "sudo": "-u -g -h -p -C -D --user --group",
    "env": "-u -C --unset --chdir",
    "exec": "-a",
    "time": "-f -o",
    "nice": "-n",
    "ionice": "-c -n",
    "timeout": "-s -k --signal --kill-after",
    "stdbuf": "-i -o -e",
    "xargs": "-I -n -P -L -d -a -s -E",
    "retry": "-t -d -n",
    **dict.fromkeys(("command", "builtin", "nohup", "setsid"), ""),
}


class Command:
    """A simple command.

    Attributes:
        words: the program and its arguments, unquoted; `$()` stands for what a substitution gives.
        assigned: the variables that are set before it, with their values.
        targets: what it redirects to or from.
        line: where it begins.
        end_line: where it ends.
        here: its here-document.
        here_line: where that begins.
        told: whether the text tells to run it, and does not only speak of it.
        piped: whether it reads what the one before it writes.
        inner: the commands of its substitutions, which stand before it in the list as well.
    """

    def __init__(self, line: int, words: Iterable[str] = ()) -> None:
        self.words = list(words)
        self.assigned: list[tuple[str, str]] = []
        self.targets: list[str] = []
        self.line = self.end_line = self.here_line = line
        self.here = ""
        self.told = True
        self.piped = False
        self.inner: list[Command] = []

    @property
    def program(self) -> str:
        """The program's name without its folder."""
        return base_name(self.words)

    def unwrapped(self) -> Sequence[str]:
        """The words of the command that is run in the end, behind `sudo`, `env` and their like."""
        words = self.words
        while (wrapper := base_name(words)) in _WRAPPERS:
            valued = _WRAPPERS[wrapper].split()
            at = 1
            while at < len(words) and (words[at][:1] == "-" or (wrapper == "env" and "=" in words[at])):
                at += 2 if words[at] in valued else 1
            words = words[at + (wrapper == "timeout") :]
        return words


def base_name(words: Sequence[str]) -> str:
    """The name of the program that is the first of some words; empty where there is none."""
    return words[0].rpartition("/")[2] if words else ""


def commands(text: str, line: int = 1) -> list[Command]:
    """The commands of a text, those within `eval` and `sh -c` too.

    Args:
        text: the text.
        line: the line on which it begins.
    """
    found = _Reader(text.replace("\r\n", "\n"), line, 0).run()
    for command in list(found):
        nested = _Reader(_inner(command.unwrapped()), command.line, DEPTH // 2).run()
        for one in nested:
            one.line, one.end_line = command.line, command.end_line
        found += nested
    return found


def _inner(words: Sequence[str]) -> str:
    """The text that a command has run as one of a shell."""
    program = base_name(words)
    if program == "eval":
        return " ".join(words[1:])
    for at, word in enumerate(words[1:-1] if program in SHELLS else (), start=1):
        if re.fullmatch(r"-[a-z]*c[a-z]*", word):
            return words[at + 1]
        if not word.startswith(("-", "+")):
            break
    return ""


class _Reader:
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
        while self.at < len(self.text):
            skipped = _SKIPPED.match(self.text, self.at)
            operator = _OPERATOR.match(self.text, self.at)
            redirect = _REDIRECT.match(self.text, self.at)
            if skipped:
                self._move(skipped.end())
            elif self.text[self.at] == "\n":
                self._end()
                self._move(self.at + 1)
                self._read_here()
            elif operator:
                self._end()
                self._piped = self._piped or operator[0] == "|"
                self.at = operator.end()
            elif redirect:
                self._redirection(redirect)
            else:
                line = self.line
                self._take(self._word(), line)
        self._end()
        return self.found

    def _move(self, end: int) -> None:
        self.line += self.text.count("\n", self.at, end)
        self.at = min(end, len(self.text))

    def _read_here(self) -> None:
        """The here-documents that the line before asked for."""
        for command, delimiter, tabs in self._waiting:
            command.here_line, start = self.line, self.at
            end = re.compile(rf"^{chr(9) + '*' if tabs else ''}{re.escape(delimiter)}$\n?", re.MULTILINE)
            found = end.search(self.text, self.at)
            command.here = self.text[start : found.start() if found else len(self.text)]
            self._move(found.end() if found else len(self.text))
        self._waiting = []

    def _redirection(self, redirect: re.Match[str]) -> None:
        words = self._command.words
        if words and words[-1].isdigit() and self.text[self.at - 1].isdigit():
            words.pop()  # `2>`
        self.at = redirect.end()
        if redirect[0].endswith("("):
            self._substitution(")")
            self._take("$()", self.line)
        elif redirect[0] in ("<<", "<<-"):
            while self.text[self.at : self.at + 1] in (" ", "\t"):
                self.at += 1
            delimiter = self._word()
            if delimiter:
                self._waiting.append((self._command, delimiter, redirect[0] == "<<-"))
        else:
            self._redirected = True

    def _take(self, word: str, line: int) -> None:
        command = self._command
        if not command.words and not command.assigned and not command.targets:
            command.line = line
        assignment = _ASSIGNMENT.match(word)
        if self._redirected:
            self._redirected = False
            command.targets.append(word)
        elif assignment and not command.words:
            command.assigned.append((assignment[1], word[assignment.end() :]))
        elif command.words or word not in _KEYWORDS:
            command.words.append(word)

    def _end(self) -> None:
        command = self._command
        self._redirected = False
        waits = any(one is command for one, _, _ in self._waiting)
        if command.words or command.assigned or command.targets or waits:
            command.end_line = self.line
            command.piped, self._piped = self._piped, False
            self.found.append(command)
        self._command = Command(self.line)

    def _word(self, *, arrays: bool = True) -> str:
        parts: list[str] = []
        while char := self.text[self.at : self.at + 1]:
            plain = _PLAIN.match(self.text, self.at)
            single = _SINGLE.match(self.text, self.at)
            if plain:
                parts.append(plain[0])
                self.at = plain.end()
            elif char == "(" and arrays and _ASSIGNMENT.fullmatch("".join(parts)):
                parts.append(self._array())
            elif char in _META:
                break
            elif single:
                parts.append(single[1])
                self._move(single.end())
            elif char == '"':
                parts.append(self._double())
            elif char == "\\":
                parts.append(self.text[self.at + 1 : self.at + 2].strip("\n"))
                self._move(self.at + 2)
            elif char in "$`":
                parts.append(self._dollar())
            else:
                parts.append(char)
                self.at += 1
        return "".join(parts)

    def _array(self) -> str:
        self.at += 1
        words: list[str] = []
        while self.text[self.at : self.at + 1] not in ("", ")"):
            between = _IN_ARRAY.match(self.text, self.at)
            if between:
                self._move(between.end())
            else:
                words.append(self._word(arrays=False))
        self.at += 1
        return " ".join(filter(None, words))

    def _double(self) -> str:
        parts: list[str] = []
        self.at += 1
        while (char := self.text[self.at : self.at + 1]) not in ("", '"'):
            plain = _IN_DOUBLE.match(self.text, self.at)
            if plain:
                parts.append(plain[0])
                self._move(plain.end())
            elif char == "\\":
                follower = self.text[self.at + 1 : self.at + 2]
                parts.append(follower.strip("\n") if follower in '"\\$`\n' else "\\" + follower)
                self._move(self.at + 2)
            else:
                parts.append(self._dollar())
        self.at += 1
        return "".join(parts)

    def _dollar(self) -> str:
        """What stands behind a dollar or a backquote; `$()` for what a substitution gives."""
        text, start = self.text, self.at
        braces = _BRACES.match(text, start)
        if text.startswith("$((", start):
            self._move(_closing(text, start + 2) + 1)
        elif text[start] == "`" or text.startswith("$(", start):
            self.at += 1 if text[start] == "`" else 2
            self._substitution(")" if text[start] == "$" else "`")
            return "$()"
        else:
            self._move(braces.end() if braces else start + 1)
        return text[start : self.at]

    def _substitution(self, closing: str) -> None:
        backquoted = _BACKQUOTED.match(self.text, self.at) if closing == "`" else None
        end = backquoted.end() if backquoted else _closing(self.text, self.at)
        if self.depth < DEPTH:
            found = _Reader(self.text[self.at : end], self.line, self.depth + 1).run()
            self.found += found
            self._command.inner += found
        self._move(end + 1)


def _closing(text: str, at: int) -> int:
    """Where a parenthesis that is open is closed; the end of the text where it is not."""
    depth = 0
    for found in _NESTED.finditer(text, at):
        if found[0] == ")" and depth == 0:
            return found.start()
        depth += (found[0] == "(") - (found[0] == ")")
    return len(text)
