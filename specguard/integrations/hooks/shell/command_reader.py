"""Reading one command: a program with its arguments, or `if`, `for`, `case` and their like."""

from __future__ import annotations

import re

from specguard.integrations.hooks.shell.syntax import (
    Branches,
    Function,
    Group,
    Loop,
    Part,
    Redirect,
    Simple,
    Test,
    Unreadable,
    Word,
)
from specguard.integrations.hooks.shell.word_reader import ASSIGNMENT, WordReader, scripts_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from specguard.integrations.hooks.shell.syntax import Command, Script

KEYWORD: Final = re.compile(
    r"(?:if|then|elif|else|fi|for|select|while|until|do|done|case|esac|function|time|coproc|\{|\}|!|\[\[)"
    r"(?=[ \t\n;&|()<>]|\\\n|$)"
)
"""What begins, parts or ends a compound command, where a command may begin."""
_REDIRECT: Final = re.compile(
    r"([0-9]+|\{[A-Za-z_][A-Za-z0-9_]*\})?(<<<|<<-|<<|<&|<>|<(?!\()|>>|>&|>\||>(?!\()|&>>|&>)"
)
_COMMANDS: Final = re.compile(r"[A-Za-z_]\w*[ \t\n]+(?:[A-Za-z_.'\"]|[-/$][A-Za-z])")
"""What stands in no expression: a word behind a word."""
_CLOSERS: Final = frozenset(["then", "elif", "else", "fi", "do", "done", "esac", "}"])


class CommandReader(WordReader):
    """Reads commands: programs with their arguments and redirections, and what is made of commands."""

    def _command(self) -> Command:
        keyword = KEYWORD.match(self.text, self.at)
        command: Command
        if keyword:
            word = keyword[0]
            if word in _CLOSERS:
                raise Unreadable(f"`{word}` closes nothing")
            self.at = keyword.end()
            command = self._compound(word)
        elif self.text.startswith("((", self.at) and self._arithmetic_end(self.at + 2) is not None:
            self.at += 2
            expression = self._arithmetic()
            if _COMMANDS.search(expression.raw):
                raise Unreadable("`((` is read in different ways by shells")
            command = Test([expression])
        elif self.text.startswith("(", self.at):
            self.at += 1
            command = Group(self._until(")"), subshell=True)
        else:
            return self._simple()
        if not isinstance(command, Function):
            self._redirects(command.redirects)
        return command

    def _stop(self, *stops: str) -> tuple[Script, str]:
        """The commands up to one of these keywords, and that keyword, which is passed."""
        found = self.script(stops=stops)
        keyword = KEYWORD.match(self.text, self.at)
        assert keyword is not None  # noqa: S101 -- the script ended before it
        self.at = keyword.end()
        return found, keyword[0]

    def _compound(self, keyword: str) -> Command:
        if keyword == "{":
            return Group(self._stop("}")[0], subshell=False)
        if keyword == "if":
            return self._if()
        if keyword in ("while", "until"):
            condition, _ = self._stop("do")
            body, _ = self._stop("done")
            return Loop("", None, [*condition, *body])
        if keyword in ("for", "select"):
            return self._for()
        if keyword == "case":
            return self._case()
        if keyword == "[[":
            return self._test()
        self._blanks()
        name = self._word()
        self._blanks()
        if self.text.startswith("(", self.at):
            self.at += 1
            self._blanks()
            self._pass(")")
        return self._function(name)

    def _function(self, name: Word) -> Function:
        self._lines_end()
        self._deeper()
        body = self._command()
        self.depth -= 1
        return Function(name.literal() or name.raw, body)

    def _if(self) -> Branches:
        first, _ = self._stop("then")
        rest: list[Script] = []
        while True:
            body, keyword = self._stop("elif", "else", "fi")
            rest.append(body)
            if keyword == "elif":
                rest.append(self._stop("then")[0])
            elif keyword == "else":
                rest.append(self._stop("fi")[0])
                break
            else:
                break
        return Branches([], first, rest)

    def _for(self) -> Loop:
        self._blanks()
        words: list[Word] | None = None
        name = ""
        if self.text.startswith("((", self.at):
            self.at += 2
            words = [self._arithmetic()]
        else:
            name = self._word().raw
            self._lines_end()
            if re.compile(r"in(?=[ \t\n;\\])").match(self.text, self.at):
                self.at += 2
                words = []
                while self._blanks() or self.text[self.at : self.at + 1] not in ("", "\n", ";", "&"):
                    if self.text[self.at : self.at + 1] in ("", "\n", ";", "&"):
                        break
                    words.append(self._word())
        self._separators()
        keyword = KEYWORD.match(self.text, self.at)
        if keyword is None or keyword[0] not in ("do", "{"):
            raise Unreadable("`do` is missing")
        self.at = keyword.end()
        body, _ = self._stop("done" if keyword[0] == "do" else "}")
        return Loop(name, words, body)

    def _case(self) -> Branches:
        self._blanks()
        words = [self._word()]
        self._lines_end()
        if not self.text.startswith("in", self.at):
            raise Unreadable("`in` is missing")
        self.at += 2
        rest: list[Script] = []
        while True:
            self._lines_end()
            keyword = KEYWORD.match(self.text, self.at)
            if keyword and keyword[0] == "esac":
                self.at = keyword.end()
                return Branches(words, [], rest)
            if self.text.startswith("(", self.at):
                self.at += 1
            while not self.text.startswith(")", self.at):
                self._blanks()
                if self.text.startswith("|", self.at):
                    self.at += 1
                elif self.text.startswith(")", self.at):
                    break
                else:
                    words.append(self._word())
                self._blanks()
            self.at += 1
            rest.append(self.script(stops=("esac", ";;")))
            ends = re.compile(r";;&|;;|;&").match(self.text, self.at)
            self.at = ends.end() if ends else self.at

    def _test(self) -> Test:
        """The words up to `]]`; marks between them are words too."""
        words: list[Word] = []
        while True:
            self._lines_end()
            if self.at >= self.size:
                raise Unreadable("`]]` is missing")
            if re.compile(r"\]\](?=[ \t\n;&|()<>]|$)").match(self.text, self.at):
                self.at += 2
                return Test(words)
            if self.text[self.at] in "()<>|&;" and not self.text.startswith(("<(", ">("), self.at):
                self.at += 1
            else:
                words.append(self._word(test=True))

    def _simple(self) -> Command:
        command = Simple()
        start = self.at
        while True:
            self._blanks()
            char = self.text[self.at : self.at + 1]
            if char in ("", "\n", ";", "|", ")"):
                break
            if char == "&" and not self.text.startswith("&>", self.at):
                break
            if char == "#":
                self._comment()
                break
            if self._redirect(command.redirects):
                continue
            if char == "(":
                if len(command.words) == 1 and not command.assigned:
                    self.at += 1
                    self._blanks()
                    self._pass(")")
                    return self._function(command.words[0])
                raise Unreadable("`(` stands where none can")
            assignment = None if command.words else ASSIGNMENT.match(self.text, self.at)
            if assignment:
                self.at = assignment.end()
                value = self._value()
                # An element of an array is not the variable.
                parts = [Part("odd", scripts=scripts_of(value))] if assignment[2] else value.parts
                command.assigned.append((assignment[1], Word(parts, value.raw), bool(assignment[3])))
            else:
                command.words.append(self._word())
        if self.at == start:
            raise Unreadable(f"a command is missing before `{self.text[start : start + 1] or 'its end'}`")
        return command

    def _redirects(self, found: list[Redirect]) -> None:
        while True:
            self._blanks()
            if not self._redirect(found):
                return

    def _redirect(self, found: list[Redirect]) -> bool:
        match = _REDIRECT.match(self.text, self.at)
        if match is None:
            return False
        self.at = match.end()
        self._blanks()
        mark = match[2]
        word = self._word()
        redirect = Redirect("<<" if mark == "<<-" else mark, match[1] or "", word)
        if redirect.mark == "<<":
            quoted = any(part.quoted for part in word.parts)
            delimiter = "".join(part.text for part in word.parts) if quoted else word.raw
            self.waiting.append((redirect, delimiter, mark == "<<-", quoted))
            redirect.word = Word([], "")
        found.append(redirect)
        return True
