"""Finding the lines that match a policy's expressions in large texts, in linear time.

All expressions are one RE2 program that runs over a megabyte at a time; only the lines it stops at are looked
at one by one. RE2 may not match a newline there, so that no match can hide a line by running over it.
"""

from __future__ import annotations

import re

from specguard.declaration.expressions import readable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

    from specguard.declaration.expressions import Expression

# What ties an expression to the start or end of the whole text, which a program over many lines cannot know.
_TEXT_ANCHOR: Final = r"\\[Az]|\(\?[a-zA-Z]*-[a-zA-Z]*m"
_EVERY_LINE: Final = "(?m)^"


class Scanner:
    """A set of expressions, to be looked for in blocks of lines.

    A line is matched without its newline and without a carriage return before it, as UTF-8; each byte that is
    no UTF-8 counts as one character, which `.` matches.
    """

    def __init__(self, expressions: Sequence[Expression]) -> None:
        self._expressions = expressions
        texts = [expression.text for expression in expressions]
        self._filter = _program(texts)
        self._set = _set(texts) if len(texts) > 1 else None

    def stops_at(self, block: bytes) -> bool:
        """Whether a line of the block may match; False is certain. A newline may end the block."""
        return self._filter.search(_plain(block)) is not None

    def lines(self, block: bytes, first: int) -> Iterator[tuple[int, str, int]]:
        """Each matching line with each expression that matches it.

        Args:
            block: lines with newlines between them, and none after the last one.
            first: the number of the first line.

        Yields:
            The line's number, its text with bytes that are no UTF-8 as surrogate escapes, and the position of
            the expression.
        """
        plain = _plain(block)
        original = block.split(b"\n") if len(plain) != len(block) else None
        number = first
        counted = position = 0
        # The program is asked again from the start of the next line on.
        while position <= len(plain):
            match = self._filter.search(plain, position)
            if match is None:
                return
            start = plain.rfind(b"\n", 0, match.start()) + 1
            end = plain.find(b"\n", match.start())
            if end < 0:
                end = len(plain)
            number += plain.count(b"\n", counted, start)
            counted = start
            line = plain[start:end]
            matching = self._matching(line)
            if matching:
                text = line if original is None else original[number - first].removesuffix(b"\r")
                for which in matching:
                    yield number, text.decode("utf-8", "surrogateescape"), which
            position = end + 1

    def _matching(self, line: bytes) -> list[int]:
        """The positions of the expressions that match one line."""
        # A set finds nothing where it lacks memory, so nothing found is asked again.
        found = self._set.Match(line) if self._set is not None else ()
        if found:
            return sorted(found)
        return [which for which, one in enumerate(self._expressions) if one.search(line)]


def _plain(block: bytes) -> bytes:
    """The block as valid UTF-8 with as many lines and no carriage returns at their ends."""
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n").removesuffix(b"\r")
    return readable(block)


def _program(texts: Sequence[str]) -> Any:
    """One compiled expression that stops at every line at which one of these would, and perhaps at others."""
    import re2

    options = re2.Options()
    options.never_nl = True
    options.never_capture = True
    options.log_errors = False
    if any(_is_tied(text) for text in texts):
        return re2.compile(_EVERY_LINE, options)
    try:
        return re2.compile("(?m)" + "|".join(f"(?:{text})" for text in texts), options)
    except re2.error:
        # Together they are too large, or two of them use one name for a group.
        return re2.compile(_EVERY_LINE, options)


def _is_tied(text: str) -> bool:
    # Most expressions have none of its beginnings, and it need not be compiled for them.
    may = "\\A" in text or "\\z" in text or "(?" in text
    return may and re.search(_TEXT_ANCHOR, text) is not None


def _set(texts: Sequence[str]) -> Any:
    """A program that says which of these expressions match a line."""
    import re2

    options = re2.Options()
    options.log_errors = False
    compiled = re2.Set.SearchSet(options)
    for text in texts:
        compiled.Add(text.encode("utf-8"))
    compiled.Compile()
    return compiled
