"""Reading a shell command: the grammar of POSIX's shell and of bash's.

This reader is for commands that an agent is about to run: each word keeps which of its pieces are quoted and
which are expanded, so that what a command writes can be told, and a text that is no command is refused. The
reader of `specguard_rules.content` serves another end: it finds the programs that scripts and documents name,
line by line, forgives what is no shell at all, and never refuses a text; the two share no more than a
grammar's outline.
"""

from __future__ import annotations

import re

from specguard.integrations.hooks.shell_words import (
    Branches,
    Function,
    Group,
    Line,
    Loop,
    Part,
    Redirect,
    Simple,
    Test,
    Unreadable,
    Word,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.integrations.hooks.shell_words import Command, Script

DEPTH: Final = 30
"""Commands nested deeper than this are not read."""

_PLAIN: Final = re.compile(r"[^ \t\n;&|()<>'\"\\$`#?*+@!=-]+|[?*+@!=-](?!\()|#")
_BLANK: Final = re.compile(r"(?:[ \t]|\\\n)+")
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\[[^\]\n$`]*\])?(\+?)=")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*#?$!-]")
_BRACED: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])\}")
_SETS: Final = re.compile(r"!?([A-Za-z_][A-Za-z0-9_]*)(?:\[[^\]\n]*\])?:?=")
_REDIRECT: Final = re.compile(
    r"([0-9]+|\{[A-Za-z_][A-Za-z0-9_]*\})?(<<<|<<-|<<|<&|<>|<(?!\()|>>|>&|>\||>(?!\()|&>>|&>)"
)
_KEYWORD: Final = re.compile(
    r"(?:if|then|elif|else|fi|for|select|while|until|do|done|case|esac|function|time|coproc|\{|\}|!|\[\[)"
    r"(?=[ \t\n;&|()<>]|\\\n|$)"
)
_COMMANDS: Final = re.compile(r"[A-Za-z_]\w*[ \t\n]+(?:[A-Za-z_.'\"]|[-/$][A-Za-z])")
"""What stands in no expression: a word behind a word."""
_CLOSERS: Final = frozenset(["then", "elif", "else", "fi", "do", "done", "esac", "}"])
_ESCAPES: Final = re.compile(
    r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|c(.)|(.))", re.DOTALL
)
_LETTERS: Final = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v",
}  # fmt: skip


def read_script(text: str, depth: int = 0) -> tuple[Script, str]:
    """The commands of a text, and why it cannot be read to its end; the second is empty where it can.

    Args:
        text: the command, without NUL.
        depth: how deep it is nested within other commands.
    """
    reader = _Reader(text, depth)
    found: list[Line] = []
    try:
        reader.script(found)
    except Unreadable as error:
        return found, str(error)
    return found, ""


class _Reader:
    """Reads one text from its beginning; `at` is the position."""

    def __init__(self, text: str, depth: int) -> None:
        self.text = text
        self.size = len(text)
        self.at = 0
        self.depth = depth
        self.waiting: list[tuple[Redirect, str, bool, bool]] = []

    # Lists

    def script(self, found: list[Line] | None = None, stops: Sequence[str] = (), closing: str = "") -> Script:
        """The commands up to one of these keywords or a closing mark, neither of which is passed."""
        lines: list[Line] = [] if found is None else found
        self.depth += 1
        if self.depth > DEPTH:
            raise Unreadable("it is nested too deeply")
        while True:
            self._separators()
            if self.at >= self.size:
                if stops or closing:
                    raise Unreadable(f"`{closing or ' or '.join(stops)}` is missing")
                break
            if closing and self.text[self.at] == closing:
                break
            keyword = _KEYWORD.match(self.text, self.at)
            if keyword and keyword[0] in stops:
                break
            if ";;" in stops and self.text.startswith((";;", ";&"), self.at):
                break
            lines.append(self._line())
        self.depth -= 1
        return lines

    def _separators(self) -> None:
        """Pass blanks, newlines, comments, `;` and `&`."""
        text = self.text
        while self.at < self.size:
            char = text[self.at]
            if char == "\n":
                self._newline()
            elif char == "#":
                self._comment()
            elif char == "&" or (char == ";" and not text.startswith((";;", ";&"), self.at)):
                if text.startswith("&>", self.at):
                    return
                self.at += 1
            elif not self._blanks():
                return

    def _blanks(self) -> bool:
        blank = _BLANK.match(self.text, self.at)
        if blank:
            self.at = blank.end()
        return blank is not None

    def _comment(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = self.size if end < 0 else end

    def _newline(self) -> None:
        """Pass a newline, and the here-documents that begin behind it."""
        self.at += 1
        waiting, self.waiting = self.waiting, []
        for redirect, delimiter, tabs, quoted in waiting:
            rows: list[str] = []
            ended = False
            while self.at < self.size and not ended:
                end = self.text.find("\n", self.at)
                stop = self.size if end < 0 else end
                row = self.text[self.at : stop]
                self.at = min(stop + 1, self.size)
                row = row.lstrip("\t") if tabs else row
                ended = row == delimiter
                if not ended:
                    rows.append(row + "\n")
            body = "".join(rows)
            parts = [Part("text", body, quoted=True)]
            if not quoted:
                parts = _Reader(body, self.depth + 1).expansions()
            if not ended:
                # Shells differ in what they make of a text without its end.
                parts.append(Part("odd", quoted=True))
            redirect.word = Word(parts, body)

    def _lines_end(self) -> None:
        """Pass blanks, comments and newlines after a mark that asks for another command."""
        while self.at < self.size:
            char = self.text[self.at]
            if char == "\n":
                self._newline()
            elif char == "#":
                self._comment()
            elif not self._blanks():
                return

    def _line(self) -> Line:
        pipelines: list[tuple[str, Sequence[Command]]] = []
        mark = ""
        while True:
            pipelines.append((mark, self._pipeline()))
            self._blanks()
            mark = self.text[self.at : self.at + 2]
            if mark not in ("&&", "||"):
                break
            self.at += 2
            self._lines_end()
        background = mark[:1] == "&"
        return Line(pipelines, background=background)

    def _pipeline(self) -> Sequence[Command]:
        commands: list[Command] = []
        while True:
            while True:
                self._blanks()
                keyword = _KEYWORD.match(self.text, self.at)
                if keyword is None or keyword[0] not in ("!", "time", "coproc"):
                    break
                self.at = keyword.end()
                option = re.compile(r"[ \t]+-p(?=[ \t])").match(self.text, self.at)
                if keyword[0] == "time" and option:
                    self.at = option.end()
            commands.append(self._command())
            self._blanks()
            if not self.text.startswith("|", self.at) or self.text.startswith("||", self.at):
                return commands
            self.at += 2 if self.text.startswith("|&", self.at) else 1
            self._lines_end()

    # Commands

    def _command(self) -> Command:
        keyword = _KEYWORD.match(self.text, self.at)
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

    def _until(self, closing: str) -> Script:
        found = self.script(closing=closing)
        self.at += 1
        return found

    def _stop(self, *stops: str) -> tuple[Script, str]:
        """The commands up to one of these keywords, and that keyword, which is passed."""
        found = self.script(stops=stops)
        keyword = _KEYWORD.match(self.text, self.at)
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
        self.depth += 1
        if self.depth > DEPTH:
            raise Unreadable("it is nested too deeply")
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
        keyword = _KEYWORD.match(self.text, self.at)
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
            keyword = _KEYWORD.match(self.text, self.at)
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
            assignment = None if command.words else _ASSIGNMENT.match(self.text, self.at)
            if assignment:
                self.at = assignment.end()
                value = self._value()
                # An element of an array is not the variable.
                parts = [Part("odd", scripts=_scripts(value))] if assignment[2] else value.parts
                command.assigned.append((assignment[1], Word(parts, value.raw), bool(assignment[3])))
            else:
                command.words.append(self._word())
        if self.at == start:
            raise Unreadable(f"a command is missing before `{self.text[start : start + 1] or 'its end'}`")
        return command

    def _pass(self, mark: str) -> None:
        if not self.text.startswith(mark, self.at):
            raise Unreadable(f"`{mark}` is missing")
        self.at += len(mark)

    def _value(self) -> Word:
        """What a variable is set to: a word, an array, or nothing."""
        if self.text.startswith("(", self.at):
            return self._array()
        if self.text[self.at : self.at + 1] in ("", " ", "\t", "\n", ";", "&", "|", ")", "<", ">"):
            return Word([], "")
        return self._word()

    def _array(self) -> Word:
        start = self.at
        self.at += 1
        scripts: list[Script] = []
        while True:
            self._lines_end()
            if self.at >= self.size:
                raise Unreadable("`)` is missing")
            if self.text[self.at] == ")":
                break
            scripts += _scripts(self._word(test=True))
        self.at += 1
        return Word([Part("odd", scripts=scripts)], self.text[start : self.at])

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

    # Words

    def _word(self, *, test: bool = False) -> Word:
        """The word that begins here; one must.

        Args:
            test: whether marks such as `;` and `&` are part of it where no word can end: within `[[ ]]`.
        """
        start = self.at
        parts: list[Part] = []
        text = self.text
        while self.at < self.size:
            plain = _PLAIN.match(text, self.at)
            if plain:
                parts.append(Part("text", plain[0]))
                self.at = plain.end()
                continue
            char = text[self.at]
            if char in "<>" and text.startswith("(", self.at + 1):
                self.at += 2
                parts.append(Part("process", char, scripts=[self._until(")")]))
            elif char == "(" and _ASSIGNMENT.fullmatch(text, start, self.at):
                parts += self._array().parts
            elif char in "?*+@!" or (char in "=-" and text.startswith("(", self.at + 1)):
                self._pattern(parts)
            elif char in " \t\n;&|()<>":
                if self.at == start and test and char not in " \t\n)":
                    self.at += 1
                    parts.append(Part("text", char, quoted=True))
                break
            elif text.startswith("\\\n", self.at):
                self.at += 2
            else:
                self._piece(parts)
        if self.at == start:
            raise Unreadable(f"a word is missing before `{text[start : start + 1] or 'its end'}`")
        return Word(parts, text[start : self.at])

    def _pattern(self, parts: list[Part]) -> None:
        """A pattern of bash's such as `@(a|b)`, or a mark before `(`."""
        mark = self.text[self.at]
        self.at += 1
        if mark in "=-":
            parts.append(Part("text", mark))
            return
        parts.append(Part("odd", scripts=[]))
        depth = 0
        while self.at < self.size:
            char = self.text[self.at]
            self.at += 1
            if char == "\\":
                self.at += 1
            elif char in "$`'\"":
                self.at -= 1
                inner: list[Part] = []
                self._piece(inner)
                parts.append(Part("odd", scripts=_scripts(Word(inner, ""))))
            elif char == "(":
                depth += 1
            elif char == ")":
                depth -= 1
                if depth == 0:
                    return
        raise Unreadable("`)` is missing")

    def _piece(self, parts: list[Part]) -> None:
        """A quoted, escaped or expanded piece."""
        text = self.text
        char = text[self.at]
        if char == "'":
            end = text.find("'", self.at + 1)
            if end < 0:
                raise Unreadable("a quote is not closed")
            parts.append(Part("text", text[self.at + 1 : end], quoted=True))
            self.at = end + 1
        elif char == '"':
            self.at += 1
            parts.append(Part("text", "", quoted=True))
            self._double(parts)
        elif char == "\\":
            parts.append(Part("text", text[self.at + 1 : self.at + 2] or "\\", quoted=True))
            self.at = min(self.at + 2, self.size)
        elif text.startswith("$'", self.at):
            self._escaped(parts)
        elif text.startswith('$"', self.at):
            self.at += 1
            self._piece(parts)
        else:
            self._expansion(parts, quoted=False)

    def _escaped(self, parts: list[Part]) -> None:
        """A `$'…'` string."""
        start = self.at + 2
        end = start
        while end < self.size and self.text[end] != "'":
            end += 2 if self.text[end] == "\\" else 1
        if end >= self.size:
            raise Unreadable("a quote is not closed")
        self.at = end + 1
        parts.append(Part("text", unescape(self.text[start:end]), quoted=True))

    def _double(self, parts: list[Part], closing: str = '"') -> None:
        """The pieces up to a closing double quote, which is passed; without one, up to the text's end."""
        text = self.text
        plain = re.compile(r'[^"\\$`]+' if closing else r"[^\\$`]+")
        while self.at < self.size:
            match = plain.match(text, self.at)
            if match:
                parts.append(Part("text", match[0], quoted=True))
                self.at = match.end()
                continue
            char = text[self.at]
            if char == closing:
                self.at += 1
                return
            if char == "\\":
                follower = text[self.at + 1 : self.at + 2]
                self.at = min(self.at + 2, self.size)
                if follower != "\n":
                    special = follower in '"\\$`' if closing else follower in "\\$`"
                    parts.append(Part("text", follower if special else "\\" + follower, quoted=True))
            else:
                self._expansion(parts, quoted=True)
        if closing:
            raise Unreadable("a quote is not closed")

    def expansions(self) -> list[Part]:
        """The pieces of a text that is expanded as in double quotes, in which those themselves are text."""
        parts: list[Part] = []
        if self.depth > DEPTH:
            raise Unreadable("it is nested too deeply")
        self._double(parts, "")
        return parts

    def _expansion(self, parts: list[Part], *, quoted: bool) -> None:
        """What begins with `$` or a backquote."""
        text = self.text
        if text[self.at] == "`":
            parts.append(Part("output", scripts=[self._backquoted()], quoted=quoted))
            return
        if text.startswith("$((", self.at) and self._arithmetic_end(self.at + 3) is not None:
            self.at += 3
            inner = self._arithmetic()
            parts.append(Part("odd", "", quoted=quoted, scripts=_scripts(inner)))
            parts += [Part("odd", part.text, quoted=quoted) for part in inner.parts if _sets(part)]
            return
        self.at += 1
        if text.startswith("(", self.at):
            self.at += 1
            parts.append(Part("output", scripts=[self._until(")")], quoted=quoted))
        elif text.startswith("{", self.at):
            self._braced(parts, quoted=quoted)
        elif text.startswith("[", self.at):
            raise Unreadable("`$[` is not read")
        else:
            name = _NAME.match(text, self.at)
            if name:
                self.at = name.end()
                parts.append(Part("name", name[0], quoted=quoted))
            else:
                parts.append(Part("text", "$", quoted=True))

    def _braced(self, parts: list[Part], *, quoted: bool) -> None:
        whole = _BRACED.match(self.text, self.at)
        if whole:
            self.at = whole.end()
            parts.append(Part("name", whole[1], quoted=quoted))
            return
        self.at += 1
        self.depth += 1
        if self.depth > DEPTH:
            raise Unreadable("it is nested too deeply")
        sets = _SETS.match(self.text, self.at)
        inner: list[Part] = []
        while True:
            if self.at >= self.size:
                raise Unreadable("`}` is missing")
            char = self.text[self.at]
            if char == "}":
                break
            if char in '$`"\\' or (char == "'" and not quoted):
                self._piece(inner)
            else:
                self.at += 1
        self.at += 1
        self.depth -= 1
        parts.append(Part("odd", sets[1] if sets else "", quoted=quoted, scripts=_scripts(Word(inner, ""))))

    def _backquoted(self) -> Script:
        end = self.at + 1
        while end < self.size and self.text[end] != "`":
            end += 2 if self.text[end] == "\\" else 1
        if end >= self.size:
            raise Unreadable("a backquote is not closed")
        inner = re.sub(r"\\([\\`$])", r"\1", self.text[self.at + 1 : end])
        self.at = end + 1
        return _Reader(inner, self.depth + 1).script()

    def _arithmetic_end(self, start: int) -> int | None:
        """Where the `))` is that closes an expression; None where the parentheses are those of subshells."""
        depth = 0
        for match in re.compile(r"\\.|'[^']*'|[()]", re.DOTALL).finditer(self.text, start):
            if match[0] == "(":
                depth += 1
            elif match[0] == ")":
                depth -= 1
                if depth < 0:
                    return match.start() if self.text.startswith("))", match.start()) else None
        return None

    def _arithmetic(self) -> Word:
        """An expression up to its `))`, which is passed."""
        end = self._arithmetic_end(self.at)
        if end is None:
            raise Unreadable("`))` is missing")
        raw = self.text[self.at : end]
        self.at = end + 2
        parts = _Reader(raw, self.depth + 1).expansions()
        return Word([*parts, *(Part("odd", name) for name in _counted(raw))], raw)


def unescape(text: str) -> str:
    """A text with the escapes of `$'…'`; bytes that are no UTF-8 become lone surrogates."""
    if "\\" not in text:
        return text

    def one(match: re.Match[str]) -> str:
        octal, two, four, eight, control, letter = match.groups()
        if octal or two:
            return bytes([int(octal, 8) & 255 if octal else int(two, 16)]).decode("latin-1")
        if four or eight:
            return _wide(int(four or eight, 16))
        if control:
            return chr(ord(control[0].upper()) & 31)
        return _LETTERS.get(letter, letter if letter in "\\'\"?" else "\\" + letter)

    if not re.search(r"\\[0-7x]", text):
        return _ESCAPES.sub(one, text)
    made = bytearray()
    at = 0
    for match in _ESCAPES.finditer(text):
        made += text[at : match.start()].encode("utf-8", "surrogatepass")
        raw = match[1] or match[2]
        made += one(match).encode("latin-1" if raw else "utf-8", "surrogatepass")
        at = match.end()
    made += text[at:].encode("utf-8", "surrogatepass")
    return made.decode("utf-8", "surrogateescape")


def _wide(code: int) -> str:
    return chr(code) if code <= 0x10FFFF else "\ufffd"


def _scripts(word: Word) -> list[Script]:
    """The commands that are run to make a word."""
    return [script for part in word.parts for script in part.scripts]


def _sets(part: Part) -> bool:
    """Whether a piece sets a variable."""
    return part.kind == "odd" and bool(part.text)


def _counted(text: str) -> Sequence[str]:
    """The variables that an arithmetic expression sets."""
    sets = r"([A-Za-z_][A-Za-z0-9_]*)\s*(?:(?:[-+*/%&|^]|<<|>>)?=(?!=)|\+\+|--)|(?:\+\+|--)\s*([A-Za-z_]\w*)"
    return [match[1] or match[2] for match in re.finditer(sets, text)]
