"""The lines of positions in a text."""

from __future__ import annotations


class LineCounter:
    """The lines of positions in a text that go up.

    Args:
        text: the text.
        line: the line of its first character.
    """

    def __init__(self, text: str, line: int) -> None:
        self._text = text
        self._line = line
        self._position = 0

    def at(self, position: int) -> int:
        """The line of a position that is not before the last one that was asked for."""
        self._line += self._text.count("\n", self._position, position)
        self._position = position
        return self._line
