"""What is wrong with a document or with structured data as a whole."""

from __future__ import annotations

from specguard.errors import MissingFact


class Problem:
    """Why something cannot be read.

    Attributes:
        message: what is wrong, as a clause that can follow the file's name: `it is not UTF-8`.
        line: where, from 1; None where it is no line's fault.
    """

    __slots__ = ("line", "message")

    def __init__(self, message: str, line: int | None = None) -> None:
        self.message = message
        self.line = line

    def __repr__(self) -> str:
        return f"Problem({self.message!r}, {self.line})"


def not_utf8(error: UnicodeDecodeError) -> Problem:
    """Why bytes are no text, with the line of the first that are not."""
    return Problem("it is not UTF-8", error.object.count(b"\n", 0, error.start) + 1)


class UnreadDocument(MissingFact):
    """A document that is not parsed.

    Attributes:
        problem: why.
    """

    def __init__(self, problem: Problem) -> None:
        where = f" in line {problem.line}" if problem.line else ""
        super().__init__(f"the document cannot be read: {problem.message}{where}", code="unreadable-file")
        self.problem = problem
