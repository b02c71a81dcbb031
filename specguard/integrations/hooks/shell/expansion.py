"""Words of a command with what their variables hold and what commands within them print."""

from __future__ import annotations

from specguard.integrations.hooks.shell.field import Field, Piece
from specguard.integrations.hooks.shell.fields import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.integrations.hooks.shell.shell import Shell
    from specguard.integrations.hooks.shell.state import State
    from specguard.integrations.hooks.shell.syntax import Part, Word

VALUE: Final = 100_000
"""What a variable holds of more characters than this is taken as unknown."""


class Expansion:
    """Expands words, and follows the commands within them.

    Args:
        shell: follows these.
    """

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.telling = shell.telling

    def fields(self, word: Word, state: State) -> list[Field]:
        """The fields of a word, whose substitutions are followed."""
        self.telling.step()
        parts = [part for part in word.parts if part.kind != "text" or part.text]
        if len(parts) == 1 and parts[0].kind == "name" and parts[0].text == "@" and parts[0].quoted:
            if state.arguments is not None:
                return list(state.arguments)
            return [Field(None, word.raw, several=True)]
        home = state.value("HOME", self.telling.directory, self.telling.environment)
        found = fields(word, self._pieces(word.parts, state), home)
        self.telling.step(len(found), size=sum(len(field.start) for field in found))
        return found

    def text(self, word: Word, state: State) -> str | None:
        """A word's text where it is neither split nor a pattern; None where it is not known."""
        pieces = self._pieces(word.parts, state)
        texts = [piece.text for piece in pieces]
        if None in texts:
            return None
        self.telling.step(size=sum(len(text or "") for text in texts))
        return "".join(text for text in texts if text is not None)

    def value(self, word: Word, state: State, appended: str) -> str | None:
        """What a variable is set to; `appended` is its name where that is put behind what it holds."""
        text = self.text(word, state)
        first = word.parts[0] if word.parts else None
        if text is not None and first is not None and not first.quoted and text.startswith("~"):
            home = state.value("HOME", self.telling.directory, self.telling.environment)
            if home is None or not (text == "~" or text.startswith("~/")):
                return None
            text = home + text[1:]
        if appended and text is not None:
            before = state.value(appended, self.telling.directory, self.telling.environment)
            text = None if before is None else before + text
        return text if text is None or len(text) <= VALUE else None

    def _pieces(self, parts: Sequence[Part], state: State) -> list[Piece]:
        made: list[Piece] = []
        for part in parts:
            self.telling.step()
            if part.kind == "text":
                made.append(Piece(part.text, quoted=part.quoted, written=not part.quoted))
            elif part.kind == "name":
                made.append(Piece(self._variable(part.text, state), quoted=part.quoted))
            elif part.kind == "output":
                printed = self.shell.run(part.scripts[0], state.copy())
                made.append(Piece(None if printed is None else printed.rstrip("\n"), quoted=part.quoted))
            elif part.kind == "process":
                self.shell.run(part.scripts[0], state.copy())
                made.append(Piece("/dev/fd/63", quoted=True))
            elif part.kind == "again":
                self.telling.undecided(f"what `{part.text[:60]}` runs is not known")
                made.append(Piece(None, quoted=part.quoted))
            else:
                for script in part.scripts:
                    self.shell.run(script, state.copy())
                if part.text:
                    state.variables[part.text] = None
                made.append(Piece(None, quoted=part.quoted))
        return made

    def _variable(self, name: str, state: State) -> str | None:
        if name.isdigit() and name != "0":
            if state.arguments is None or any(each.several for each in state.arguments):
                return None
            number = int(name)
            return state.arguments[number - 1].text if number <= len(state.arguments) else ""
        if name in ("@", "*") and state.arguments is not None and "IFS" not in state.variables:
            texts = [each.text for each in state.arguments]
            return None if None in texts else " ".join(text for text in texts if text is not None)
        return state.value(name, self.telling.directory, self.telling.environment)
