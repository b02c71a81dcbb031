"""Reading words: quotes, variables, substitutions, patterns, arithmetic."""

from __future__ import annotations

import re

from specguard.integrations.hooks.shell.cursor import DEPTH, Cursor
from specguard.integrations.hooks.shell.syntax import Part, Unreadable, Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.integrations.hooks.shell.syntax import Script

_PLAIN: Final = re.compile(r"[^ \t\n;&|()<>'\"\\$`#?*+@!=-]+|[?*+@!=-](?!\()|#")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*#?$!-]")
_BRACED: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])\}")
_SETS: Final = re.compile(r"!?([A-Za-z_][A-Za-z0-9_]*)(?:\[[^\]\n]*\])?:?=")
ASSIGNMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\[[^\]\n$`]*\])?(\+?)=")
"""What sets a variable, up to its value."""


class WordReader(Cursor):
    """Reads words: what is quoted in them, and what is expanded."""

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
            elif char == "(" and ASSIGNMENT.fullmatch(text, start, self.at):
                parts += self._array().parts
            elif char in "?*+@!" or (char in "=-" and text.startswith("(", self.at + 1)):
                start_of_pattern = self.at
                self._pattern(parts)
                if not test and char not in "=-":
                    # What bash takes for a pattern on request alone, zsh takes for qualifiers, which may run.
                    parts.append(Part("again", text[start_of_pattern : self.at]))
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
                parts.append(Part("odd", scripts=scripts_of(Word(inner, ""))))
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
        from specguard.integrations.hooks.shell.escapes import unescape

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
            parts.append(Part("odd", "", quoted=quoted, scripts=scripts_of(inner)))
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
        self._deeper()
        begin = self.at
        sets = _SETS.match(self.text, begin)
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
        source = self.text[begin : self.at]
        self.at += 1
        self.depth -= 1
        if source.endswith("@P"):
            parts.append(Part("again", "${" + source + "}", quoted=quoted))
        parts.append(Part("odd", sets[1] if sets else "", quoted=quoted, scripts=scripts_of(Word(inner, ""))))

    def _backquoted(self) -> Script:
        end = self.at + 1
        while end < self.size and self.text[end] != "`":
            end += 2 if self.text[end] == "\\" else 1
        if end >= self.size:
            raise Unreadable("a backquote is not closed")
        inner = re.sub(r"\\([\\`$])", r"\1", self.text[self.at + 1 : end])
        self.at = end + 1
        return type(self)(inner, self.depth + 1).script()

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
            scripts += scripts_of(self._word(test=True))
        self.at += 1
        return Word([Part("odd", scripts=scripts)], self.text[start : self.at])

    def _value(self) -> Word:
        """What a variable is set to: a word, an array, or nothing."""
        if self.text.startswith("(", self.at):
            return self._array()
        if self.text[self.at : self.at + 1] in ("", " ", "\t", "\n", ";", "&", "|", ")", "<", ">"):
            return Word([], "")
        return self._word()

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
        parts = type(self)(raw, self.depth + 1).expansions()
        return Word([*parts, *(Part("odd", name) for name in _counted(raw))], raw)


def scripts_of(word: Word) -> list[Script]:
    """The commands that are run to make a word."""
    return [script for part in word.parts for script in part.scripts]


def _sets(part: Part) -> bool:
    """Whether a piece sets a variable."""
    return part.kind == "odd" and bool(part.text)


def _counted(text: str) -> Sequence[str]:
    """The variables that an arithmetic expression sets."""
    sets = r"([A-Za-z_][A-Za-z0-9_]*)\s*(?:(?:[-+*/%&|^]|<<|>>)?=(?!=)|\+\+|--)|(?:\+\+|--)\s*([A-Za-z_]\w*)"
    return [match[1] or match[2] for match in re.finditer(sets, text)]
