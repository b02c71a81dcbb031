"""The hunks of `git diff-tree -p -U0 --text`, out of a stream of any length.

In such a diff every line of a hunk begins with `+`, `-` or a backslash, so a line that begins with `@@ ` or
`diff --git ` is git's own and cannot be forged by a file's content; `--- ` and `+++ ` can, and are never
looked for. Names are not read either: the compared trees have numbers for names.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final, Literal

_MARK: Final = (
    rb"\n(?:@@ -([0-9]{1,18})(?:,[0-9]+)? \+([0-9]{1,18})(?:,[0-9]+)? @@[^\n]*"
    rb"|diff --git a/([0-9]{1,18}) b/[0-9]+|\\[^\n]*)(?=\n)"
)


class Piece:
    """Lines next to each other that one hunk removes or adds; a large hunk comes in several pieces.

    Attributes:
        number: the name of the compared file, as a number.
        hunk: counts the hunks of the stream.
        side: `-` for removed lines, `+` for added ones; empty for a hunk's beginning, which has no lines.
        line: the number of the first line in its file, from 1. For a hunk's beginning it is that of the first
            removed line, and `other` that of the first added one; of a side without lines it is the line
            before it.
        block: the lines, without the mark that the diff puts before them and without the last newline.
    """

    __slots__ = ("block", "hunk", "line", "number", "other", "side")

    def __init__(
        self, number: int, hunk: int, side: Literal["", "-", "+"], line: int, block: bytes, other: int = 0
    ) -> None:
        self.number = number
        self.hunk = hunk
        self.side = side
        self.line = line
        self.block = block
        self.other = other


def pieces(blocks: Iterable[bytes], *, removed: bool = True) -> Iterator[Piece]:
    """Walk a diff.

    Args:
        blocks: the diff, cut after newlines.
        removed: whether removed lines are wanted.

    Yields:
        For each hunk its beginning, then its removed lines if they are wanted, then its added lines.
    """
    find = re.compile(_MARK).search
    number = hunk = old = new = 0
    inside = False
    for block in blocks:
        # Each line is looked for with the newline before it, so that the search is for one plain byte.
        text = b"\n" + block
        start, last = 0, len(text) - 1
        while True:
            mark = find(text, start)
            end = mark.start() if mark else last
            if inside and start < end:
                plus = text.find(b"\n+", start, end)
                middle = end if plus < 0 else plus
                if removed and start < middle:
                    lines = text[start + 2 : middle].replace(b"\n-", b"\n")
                    yield Piece(number, hunk, "-", old, lines)
                    # Only a hunk that goes on in the next block is counted on.
                    old += 0 if mark else lines.count(b"\n") + 1
                if middle < end:
                    lines = text[middle + 2 : end].replace(b"\n+", b"\n")
                    yield Piece(number, hunk, "+", new, lines)
                    new += 0 if mark else lines.count(b"\n") + 1
            if mark is None:
                break
            start = mark.end()
            if mark[1]:
                inside, hunk, old, new = True, hunk + 1, int(mark[1]), int(mark[2])
                yield Piece(number, hunk, "", old, b"", new)
            elif mark[3]:
                inside, number = False, int(mark[3])
