"""Reading a shell command: the grammar of POSIX's shell and of bash's.

This reader is for commands that an agent is about to run: each word keeps which of its pieces are quoted and
which are expanded, so that what a command writes can be told, and a text that is no command is refused. The
reader of `specguard_rules.content` serves another end: it finds the programs that scripts and documents name,
line by line, forgives what is no shell at all, and never refuses a text; the two share no more than a
grammar's outline.
"""

from __future__ import annotations

import re

from specguard.integrations.hooks.shell.command_reader import KEYWORD, CommandReader
from specguard.integrations.hooks.shell.syntax import Line, Unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.integrations.hooks.shell.syntax import Command, Script


def read_script(text: str, depth: int = 0) -> tuple[Script, str]:
    """The commands of a text, and why it cannot be read to its end; the second is empty where it can.

    Args:
        text: the command, without NUL.
        depth: how deep it is nested within other commands.
    """
    reader = _ScriptReader(text, depth)
    found: list[Line] = []
    try:
        reader.script(found)
    except Unreadable as error:
        return found, str(error)
    return found, ""


class _ScriptReader(CommandReader):
    """Reads lists of commands."""

    def script(self, found: list[Line] | None = None, stops: Sequence[str] = (), closing: str = "") -> Script:
        """The commands up to one of these keywords or a closing mark, neither of which is passed."""
        lines: list[Line] = [] if found is None else found
        self._deeper()
        while True:
            self._separators()
            if self.at >= self.size:
                if stops or closing:
                    raise Unreadable(f"`{closing or ' or '.join(stops)}` is missing")
                break
            if closing and self.text[self.at] == closing:
                break
            keyword = KEYWORD.match(self.text, self.at)
            if keyword and keyword[0] in stops:
                break
            if ";;" in stops and self.text.startswith((";;", ";&"), self.at):
                break
            lines.append(self._line())
        self.depth -= 1
        return lines

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
                keyword = KEYWORD.match(self.text, self.at)
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
