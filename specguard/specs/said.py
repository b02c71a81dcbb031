"""A value that a spec or its index states, and where."""

from __future__ import annotations

from specguard.model import path_text


class Said:
    """A value and the place it stands in.

    Attributes:
        text: the value as text, without marks of emphasis and code.
        path: the file that states it.
        line: its line there, from 1; None where it is no line's.
        form: how it is written: `front matter`, `line`, `bullet`, `bold`, `table`, `data`, `index` or
            `section`.
    """

    __slots__ = ("form", "line", "path", "text")

    def __init__(self, text: str, path: bytes, line: int | None, form: str) -> None:
        self.text = text
        self.path = path
        self.line = line
        self.form = form

    @property
    def place(self) -> str:
        """The file and line, as messages name them."""
        return f"{path_text(self.path)}:{self.line}" if self.line else path_text(self.path)

    def line_in(self, path: bytes) -> int | None:
        """Its line, where it stands in a given file."""
        return self.line if self.path == path else None

    def __repr__(self) -> str:
        return f"Said({self.text!r}, {self.place})"
