"""The commands of a shell text with their lines: quotes, pipes, substitutions and here-documents are parsed.

Nothing is run or expanded. Any text is accepted: an unclosed quote or bracket extends to the end.
The grammar tree-sitter-bash finds no command after the valid expansion `${a%%]*}`. It is not used here,
because forbidden commands would be missed.
"""

from __future__ import annotations

import re

from specguard.rules import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

DEPTH: Final = 20
"""The deepest nesting that is parsed; deeper text is read as if it were not nested."""

SHELLS: Final = frozenset(["sh", "bash", "dash", "zsh", "ksh", "ash"])

_BLANK: Final = re.compile(r"(?:[ \t\r]|\\\n)*(?:#[^\n]*)?")
_MARK: Final = re.compile(r"[0-9]*(?:<<<|<<-?|[<>](?!\()[>&|]?)|\|\||[\n;&|()]")
# The counts bound what is read again where a bracket is not closed.
_BRACES: Final = r"\$\{(?:[^}$\\]|\\.|\$(?![{(](?!'))|\$\{[^{}]*\}|\$\((?:[^()]|\([^()]*\)){,400}\)){,400}\}"
_EXPANSION: Final = (
    rf"(?P<kept>\$\{{\{{(?:.*?\}}\}}|.*)|\$\(\((?:[^()]|\([^()]*\))*\)\)|\$(?![({{]))|(?P<braces>{_BRACES}|\$\{{[^}}]*\}}?)"
    r"|`(?P<backquoted>(?:[^`\\]|\\.)*)`?|(?P<double>\")|(?P<opens>[$<>]\()"
)
_PART: Final = re.compile(
    r"(?P<plain>[^ \t\r\n;&|()<>'\"\\$`]+)|'(?P<single>[^']*)'?|\\(?P<escaped>.?)|" + _EXPANSION, re.DOTALL
)
_QUOTED: Final = re.compile(
    r"(?P<plain>[^\"\\$`]+)|\\(?P<escaped>[\"\\$`\n])|(?P<slash>\\)|" + _EXPANSION, re.DOTALL
)
_BETWEEN: Final = re.compile(r"[ \t\r\n;&|<>(]+|#[^\n]*")
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[[^\]]*\])?\+?=")
_KEYWORDS: Final = frozenset(["if", "then", "elif", "else", "while", "until", "do", "!", "{", "time"])

# The arguments of a shell, each with a blank behind it, that have no script: `-euo pipefail`, `-s -- x`.
_READS_INPUT: Final = r"(?:[-+]\w*[oO] \w+ |[-+]\S* )*?(?:-\w*s |/dev/stdin |$)"
_DECLARING: Final = frozenset(["declare", "export", "local", "readonly", "typeset"])

# Programs that run another one, with those of their options that take a value.
WRAPPERS: Final = {
    **dict.fromkeys(("doas", "sudo"), "-u -g -h -p -C -D --user --group"),
    "env": "-u -C --unset --chdir",
    "exec": "-a",
    "time": "-f -o",
    "nice": "-n",
    "ionice": "-c -n",
    "timeout": "-s -k --signal --kill-after",
    "stdbuf": "-i -o -e",
    "xargs": "-I -n -P -L -d -a -s -E",
    "retry": "-t -d -n",
    **dict.fromkeys(("busybox", "builtin", "command", "nohup", "setsid", "call", "CALL"), ""),
}


class Command(Record, frozen=False):
    """A simple command.

    Attributes:
        words: the program and its arguments, unquoted; `$()` replaces the output of a substitution.
        assignments: the variables that are set before it, with their values.
        targets: the files that it redirects to or from.
        line: the line where it begins.
        end_line: the line where it ends.
        heredoc: its here-document.
        heredoc_line: the line where the here-document begins.
        is_instruction: True if the text says to run the command; False if the text only mentions it.
        reads_pipe: True if it reads the output of the command before it.
        nested: the commands of its substitutions, which are also listed before it.
        ending: the sign behind it outside of brackets: `(` of a function's name, `)` of a pattern of `case`.
    """

    line: int
    words: list[str] = []
    end_line: int = 0
    assignments: list[tuple[str, str]] = []
    targets: list[str] = []
    heredoc: str = ""
    heredoc_line: int = 0
    is_instruction: bool = True
    reads_pipe: bool = False
    nested: list[Command] = []
    ending: str = ""

    def add(self, word: str, line: int, inner: Sequence[Command], *, target: bool) -> None:
        """Add a word and the commands of its substitutions; a `target` is the target of a redirection."""
        if not self.words and not self.assignments and not self.targets:
            self.line = line
        assignment = _ASSIGNMENT.match(word)
        if target:
            self.targets.append(word)
        elif assignment and not self.words:
            self.assignments.append((assignment[1], word[assignment.end() :]))
        elif self.words or word not in _KEYWORDS:
            self.words.append(word)
        self.nested += inner

    @property
    def variables(self) -> list[tuple[str, str]]:
        """The variables that it sets, with values: by assignments before it, by `export` and by `env`."""
        declares = self.program in _DECLARING or "env" in (base_name([word]) for word in self.words)
        parts = [word.partition("=") for word in self.words if declares and "=" in word]
        return [*self.assignments, *((name, value) for name, _, value in parts)]

    @property
    def program(self) -> str:
        """The program's name without its folder."""
        return base_name(self.words)

    def unwrap(self, last: str = "") -> Sequence[str]:
        """Return the words of the command that finally runs, without `sudo`, `env` and others over `last`."""
        words = self.words
        while (wrapper := base_name(words)) in WRAPPERS and wrapper != last:
            valued = WRAPPERS[wrapper].split()
            at = 1
            while at < len(words) and (words[at][:1] == "-" or (wrapper == "env" and "=" in words[at])):
                at += 2 if words[at] in valued else 1
            words = words[at + (wrapper == "timeout") :]
        return words


def base_name(words: Sequence[str]) -> str:
    """Return the name of the program in a command's first word; empty without words."""
    return words[0].rpartition("/")[2] if words else ""


def parse_commands(text: str, line: int = 1) -> list[Command]:
    """Parse the commands of a text, including those within `eval`, `sh -c` and here-documents of shells.

    Args:
        text: the text.
        line: the line on which it begins.
    """
    found = _Reader(text.replace("\r\n", "\n"), line).commands()
    for command in list(found):
        words = command.unwrap()
        nested = _Reader(_shell_text(words), command.line, DEPTH // 2).commands()
        for one in nested:
            one.line, one.end_line = command.line, command.end_line
        found += nested
        if base_name(words) in SHELLS and re.match(_READS_INPUT, " ".join([*words[1:], ""])):
            found += _Reader(command.heredoc, command.heredoc_line, DEPTH // 2).commands()
    return found


def _shell_text(words: Sequence[str]) -> str:
    """Return the text that a command runs as a shell script; empty if there is none."""
    program = base_name(words)
    if program == "eval":
        return " ".join(words[1:])
    for at, word in enumerate(words[1:-1] if program in SHELLS else (), start=1):
        if word.startswith("-") and word[1:].isalpha() and "c" in word:
            return words[at + 1]
        if not word.startswith(("-", "+")):
            break
    return ""


class _Reader:
    """Reads a text once, from its beginning to its end."""

    def __init__(self, text: str, line: int, depth: int = 0) -> None:
        self._text = text
        self._position = 0
        self._line = line
        self._depth = depth
        self._nested: list[Command] = []

    def commands(self, *, nested: bool = False) -> list[Command]:
        """Return the commands up to the end; `nested`: up to the closing parenthesis of a substitution."""
        found: list[Command] = []
        heredocs: list[tuple[Command, str, str]] = []
        command, target, piped, level = Command(self._line), False, False, 0
        while True:
            self._match(_BLANK)
            line = self._line
            mark = self._match(_MARK)
            sign = mark[0].lstrip("0123456789") if mark else ""
            if sign in ("<<", "<<-"):
                self._match(_BLANK)
                start, delimiter = self._position, self._read_word()
                if self._position > start:
                    heredocs.append((command, delimiter, sign))
            elif sign.startswith(("<", ">")):
                target = True
            elif not mark and self._position < len(self._text):
                word = self._read_word()
                found += self._nested
                command.add(word, line, self._nested, target=target)
                self._nested, target = [], False
            else:
                if command.words or command.assignments or command.targets:
                    command.end_line = line
                    command.reads_pipe, piped = piped, False
                    command.ending = "" if nested or level else sign
                    found.append(command)
                    at = len(found) - 1 if command.ending == ")" else 0
                    while at and found[at - 1].ending == "|":
                        at -= 1
                        found[at].ending = ")"
                command, target, piped = Command(self._line), False, piped or sign == "|"
                if not mark or (nested and sign == ")" and not level):
                    return found
                level = max(0, level + (sign == "(") - (sign == ")"))
                if sign == "\n":
                    self._read_heredocs(heredocs, nested=nested)
                    heredocs = []

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Match a pattern at the position, and advance past the match."""
        found = pattern.match(self._text, self._position)
        if found:
            self._line += found[0].count("\n")
            self._position = found.end()
        return found

    def _skip(self, sign: str) -> bool:
        """True if the text continues with a sign; advance past it then."""
        found = self._text.startswith(sign, self._position)
        self._position += found
        return found

    def _read_heredocs(self, waiting: Sequence[tuple[Command, str, str]], *, nested: bool) -> None:
        """Read the here-documents that the line before began; in a substitution, `)` may follow the word."""
        end = r"(?:$\n?|(?=\)))" if nested else r"$\n?"
        for command, delimiter, sign in waiting:
            tabs = "\t*" if sign == "<<-" else ""
            command.heredoc_line = self._line
            body = self._match(re.compile(rf"(?ms)(.*?)(?:^{tabs}{re.escape(delimiter)}{end}|\Z)"))
            command.heredoc = body[1] if body else ""

    def _read_word(self, *, quoted: bool = False) -> str:
        """Read a word, or with `quoted` the text up to the next double quote."""
        parts: list[str] = []
        while part := self._match(_QUOTED if quoted else _PART):
            kind = part.lastgroup or ""
            if kind == "double" and quoted:
                break
            if kind == "double":
                parts.append(self._read_word(quoted=True))
            elif kind == "escaped":
                parts.append(part[kind].strip("\n"))
            elif self._depth < DEPTH and kind in ("opens", "backquoted"):
                parts.append("$()")
                self._nested += self._read_substitution(part["backquoted"])
            else:
                parts.append(part[kind])
            if kind == "braces" and self._depth < DEPTH:
                inner = _Reader(part[kind][2:], self._line - part[kind].count("\n"), self._depth + 1)
                while inner._position < len(inner._text):
                    inner._read_word(quoted=True)
                self._nested += inner._nested
        word = "".join(parts)
        if not quoted and self._depth < DEPTH and _ASSIGNMENT.fullmatch(word) and self._skip("("):
            word += self._read_array()
        return word

    def _read_substitution(self, backquoted: str | None) -> list[Command]:
        """Return the commands of a substitution."""
        if backquoted is not None:
            return _Reader(backquoted, self._line - backquoted.count("\n"), self._depth + 1).commands()
        outer, self._nested = self._nested, []
        self._depth += 1
        found = self.commands(nested=True)
        self._depth -= 1
        self._nested = outer
        return found

    def _read_array(self) -> str:
        words: list[str] = []
        self._depth += 1
        while self._position < len(self._text) and not self._skip(")"):
            if not self._match(_BETWEEN):
                words.append(self._read_word())
        self._depth -= 1
        return " ".join(filter(None, words))
