"""A place in a shell command that is being read: blanks, comments, lines, here-documents."""

from __future__ import annotations

import re

from specguard.integrations.hooks.shell.syntax import Part, Unreadable, Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.integrations.hooks.shell.syntax import Line, Redirect, Script

DEPTH: Final = 30
"""Commands nested deeper than this are not read."""

_BLANK: Final = re.compile(r"(?:[ \t]|\\\n)+")


class Cursor:
    """A place in a text that is read from its beginning.

    What is within words and what is within commands needs each other, so readers of both are made on this.

    Attributes:
        text: the text.
        size: its length.
        at: the position of what is read next.
        depth: how deep it is nested within other commands.
        waiting: the here-documents that begin behind the next newline: the redirection, what ends the text,
            whether tabs are taken away, and whether the text is taken as it is.
    """

    def __init__(self, text: str, depth: int) -> None:
        self.text = text
        self.size = len(text)
        self.at = 0
        self.depth = depth
        self.waiting: list[tuple[Redirect, str, bool, bool]] = []

    def script(self, found: list[Line] | None = None, stops: Sequence[str] = (), closing: str = "") -> Script:
        """The commands up to one of these keywords or a closing mark, neither of which is passed."""
        raise NotImplementedError

    def expansions(self) -> list[Part]:
        """The pieces of a text that is expanded as in double quotes, in which those themselves are text."""
        raise NotImplementedError

    def _until(self, closing: str) -> Script:
        """The commands up to a closing mark, which is passed."""
        found = self.script(closing=closing)
        self.at += 1
        return found

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > DEPTH:
            raise Unreadable("it is nested too deeply")

    def _pass(self, mark: str) -> None:
        if not self.text.startswith(mark, self.at):
            raise Unreadable(f"`{mark}` is missing")
        self.at += len(mark)

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
                parts = type(self)(body, self.depth + 1).expansions()
            if not ended:
                # Shells differ in what they make of a text without its end.
                parts.append(Part("odd", quoted=True))
            redirect.word = Word(parts, body)
