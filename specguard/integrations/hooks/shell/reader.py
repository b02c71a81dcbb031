"""The simple commands of a shell text whose words are written out.

The text is read up to the first thing that is no list of simple commands: a compound command, a function, a
substitution that cannot be read. What comes after it is not read.
"""

from __future__ import annotations

import re

from specguard.declaration.rule import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

LONGEST: Final = 1_000_000
"""Texts of more characters than this are not read."""

_DEEPEST: Final = 8
_BLANK: Final = " \t"
_META: Final = " \t\n;&|<>()"
_COMPOUND: Final = frozenset(
    [
        "if", "then", "elif", "else", "fi", "for", "select", "while", "until", "do", "done", "case", "esac",
        "function", "coproc", "{", "}", "[[", "alias", "unalias", "eval", "source", ".", "trap",
    ]
)  # fmt: skip
"""Words after which a command need not be what it looks like."""

_ASSIGNED: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\+?=")
_DELIMITER: Final = re.compile(r"""<<(-?)[ \t]*(?:'([\w.-]+)'|"([\w.-]+)"|\\?([\w.-]+))(?=[\s;&|<>()]|$)""")
_REDIRECT: Final = re.compile(r"(?:[0-9]+|\{\w+\})?(&>>|&>|>>|>\||>&|<>|<&|<<<|<<|>|<)")
_VARIABLE: Final = re.compile(r"\$(?:\w+|[-@*#?$!]|\{[^{}'\"`$]*\}|\(\([^()'\"`$]*\)\))")
_ANSI: Final = re.compile(r"\$'((?:[^'\\]|\\[nt\\'\"])*)'")
_ESCAPES: Final = {"n": "\n", "t": "\t"}


class Word(Record):
    """A word.

    Attributes:
        text: what the program is given; None where that is not written out.
        pattern: whether `*`, `?` or `[` in it stand for names of files.
    """

    text: str | None
    pattern: bool = False


class Command:
    """A simple command.

    Attributes:
        words: the program and its arguments.
        assigned: variables that are set before it, each with its value.
        writes: the files that its redirections write.
        given: what it reads from its standard input; None where that is not written out.
        apart: whether it runs in a shell of its own, such as in a pipe.
        otherwise: whether it only runs where the one before it fails.
    """

    __slots__ = ("apart", "assigned", "given", "otherwise", "words", "writes")

    def __init__(self, *, apart: bool, otherwise: bool) -> None:
        self.words: list[Word] = []
        self.assigned: dict[str, str | None] = {}
        self.writes: list[Word] = []
        self.given: str | None = None
        self.apart = apart
        self.otherwise = otherwise


class _Unread(Exception):
    """What comes next is not read."""


def read_commands(text: str, home: str = "") -> list[Command]:
    """The simple commands of a text, in order, up to what cannot be read.

    Args:
        text: the text, as `bash -c` takes it.
        home: what `~` stands for; empty where that is not known.
    """
    reader = _Reader(text, home)
    if len(text) <= LONGEST and "\0" not in text:
        try:
            reader.run()
        except _Unread:
            return reader.commands
    return reader.commands


class _Reader:
    def __init__(self, text: str, home: str, at: int = 0, depth: int = 0) -> None:
        self.text = text
        self.home = home
        self.at = at
        self.depth = depth
        self.commands: list[Command] = []
        self._documents: list[tuple[Command, str, bool, bool]] = []

    def run(self) -> None:
        """Read to the end of the text; within a substitution, to the parenthesis that closes it."""
        mark = ""
        while True:
            command = Command(apart=self.depth > 0 or mark == "|", otherwise=mark == "||")
            mark = self._command(command)
            if mark in ("|", "&"):
                command.apart = True
            if command.words or command.assigned or command.writes:
                self.commands.append(command)
            if mark in ("", ")"):
                return

    def _command(self, command: Command) -> str:
        """Read one command; gives the mark that ends it: empty at the end of the text."""
        while True:
            self._skip()
            rest = self.text[self.at : self.at + 2]
            if not rest:
                if self.depth or self._documents:
                    raise _Unread
                return ""
            if rest[0] == "\n":
                self.at += 1
                self._read_documents()
                return ";"
            if rest in ("&&", "||", "|&", ";;") or rest[0] in ";|":
                mark = rest if rest in ("&&", "||") else rest[0]
                self.at += len(mark) + (rest == "|&")
                if rest == ";;":
                    raise _Unread
                return mark
            redirect = _REDIRECT.match(self.text, self.at)
            if redirect:
                self._redirect(command, redirect)
            elif rest[0] == "&":
                self.at += 1
                return "&"
            elif rest[0] == ")" and self.depth:
                self.at += 1
                return ")"
            elif rest[0] in "()":
                raise _Unread
            else:
                self._take(command)

    def _take(self, command: Command) -> None:
        """Take a word for an assignment or an argument."""
        start = self.at
        word = self._word()
        assigned = None if command.words else _ASSIGNED.match(self.text, start)
        if assigned and assigned.end() <= self.at:
            command.assigned[assigned[1]] = None if word.text is None else word.text.partition("=")[2]
            return
        if not command.words and word.text in _COMPOUND:
            raise _Unread
        if not (word.text == "!" and not command.words):
            command.words.append(word)

    def _skip(self) -> None:
        """Pass over blanks, continued lines and comments."""
        while self.at < len(self.text):
            if self.text[self.at] in _BLANK:
                self.at += 1
            elif self.text.startswith("\\\n", self.at):
                self.at += 2
            elif self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = end if end >= 0 else len(self.text)
            else:
                return

    # Redirections

    def _redirect(self, command: Command, found: re.Match[str]) -> None:
        mark = found[1]
        if mark == "<<":
            delimiter = _DELIMITER.match(self.text, found.start(1))
            if delimiter is None:
                raise _Unread
            self.at = delimiter.end()
            plain = delimiter[4] is not None and "\\" not in delimiter[0]
            name = delimiter[2] or delimiter[3] or delimiter[4]
            self._documents.append((command, name, bool(delimiter[1]), plain))
            return
        self.at = found.end()
        self._skip()
        if self.text[self.at : self.at + 1] in (*_META, ""):
            raise _Unread
        word = self._word()
        number = word.text is not None and re.fullmatch(r"[0-9]*-?", word.text)
        if mark == "<<<":
            command.given = None if word.text is None else word.text + "\n"
        elif mark in ("<", "<&"):
            command.given = None
        elif not (mark == ">&" and number):
            command.writes.append(word)

    def _read_documents(self) -> None:
        """Read the here-documents that begin at this line."""
        for command, name, tabs, plain in self._documents:
            lines: list[str] = []
            while True:
                if self.at >= len(self.text):
                    raise _Unread
                end = self.text.find("\n", self.at)
                line = self.text[self.at : end if end >= 0 else len(self.text)]
                self.at += len(line) + 1
                line = line.lstrip("\t") if tabs else line
                if line == name:
                    break
                lines.append(line + "\n")
            text = "".join(lines)
            command.given = None if plain and re.search(r"[$`\\]", text) else text
        self._documents.clear()

    # Words

    def _word(self) -> Word:
        parts: list[str | None] = []
        start = self.at
        pattern = False
        while self.at < len(self.text) and self.text[self.at] not in _META:
            char = self.text[self.at]
            if char == "'":
                end = self.text.find("'", self.at + 1)
                if end < 0:
                    raise _Unread
                parts.append(self.text[self.at + 1 : end])
                self.at = end + 1
            elif char == '"':
                self.at += 1
                parts += self._quoted()
            elif char == "\\":
                parts.append(self.text[self.at + 1 : self.at + 2].replace("\n", ""))
                self.at += 2
            elif char in "$`":
                parts.append(self._expanded())
            else:
                pattern = pattern or char in "*?["
                # Of braces and `~` within a word each shell makes something of its own.
                odd = (char == "{" and self.text[self.at + 1 : self.at + 2] != "}") or (
                    char == "~" and self.at == start and not self._is_home()
                )
                home = char == "~" and self.at == start
                parts.append(None if odd else self.home if home else char)
                self.at += 1
        if self.text[self.at : self.at + 1] == "(":
            raise _Unread
        known = [part for part in parts if part is not None]
        return Word("".join(known) if len(known) == len(parts) else None, pattern=pattern)

    def _is_home(self) -> bool:
        return bool(self.home) and self.text[self.at + 1 : self.at + 2] in ("/", *_META, "")

    def _quoted(self) -> list[str | None]:
        """What double quotes hold."""
        parts: list[str | None] = []
        while True:
            found = re.compile(r'[^"\\$`]*').match(self.text, self.at)
            assert found is not None  # noqa: S101 -- it matches nothing too
            parts.append(found[0])
            self.at = found.end()
            char = self.text[self.at : self.at + 1]
            if not char:
                raise _Unread
            if char == '"':
                self.at += 1
                return parts
            if char == "\\":
                following = self.text[self.at + 1 : self.at + 2]
                parts.append(
                    {"\n": ""}.get(following, following if following in '$`"\\' else "\\" + following)
                )
                self.at += 2
            elif self.text.startswith("$'", self.at):
                parts.append("$")
                self.at += 1
            else:
                parts.append(self._expanded())

    def _expanded(self) -> str | None:
        """What begins with `$` or a backtick; None where its value is not written out."""
        text = self.text
        if text[self.at] == "`":
            end = text.find("`", self.at + 1)
            if end < 0 or "\\" in text[self.at : end]:
                raise _Unread
            self.at = end + 1
            return None
        ansi = _ANSI.match(text, self.at)
        if ansi:
            self.at = ansi.end()
            return re.sub(r"\\(.)", lambda one: _ESCAPES.get(one[1], one[1]), ansi[1])
        variable = _VARIABLE.match(text, self.at)
        if variable:
            self.at = variable.end()
            return None
        if text.startswith("$(", self.at):
            return self._substituted()
        if text.startswith(("${", "$'"), self.at):
            raise _Unread
        self.at += 1
        return "" if text[self.at : self.at + 1] == '"' else "$"

    def _substituted(self) -> str | None:
        """`$(…)`: its commands are read too; what it prints is known of `cat` with a here-document."""
        if self.depth >= _DEEPEST:
            raise _Unread
        inner = _Reader(self.text, self.home, self.at + 2, self.depth + 1)
        inner.run()
        self.at = inner.at
        self.commands += inner.commands
        if len(inner.commands) == 1:
            [one] = inner.commands
            if [word.text for word in one.words] == ["cat"] and one.given is not None and not one.writes:
                return one.given.rstrip("\n")
        return None
