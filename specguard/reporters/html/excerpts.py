"""The lines of a change that a finding is about, cut to what is read beside it."""

from __future__ import annotations

from bisect import bisect_right

from specguard.declaration.rule import Record
from specguard.reporters.escape import cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from specguard.model import Finding

MOST: Final = 8
"""So many lines are shown where the finding is about the file."""

AROUND: Final = 3
"""So many lines of the same hunk are shown on either side of those that the finding is about."""

_LONGEST: Final = 240


class Line(Record):
    """A line of a change.

    Attributes:
        added: whether it is added, else it is removed.
        number: its number in the file on that side, from 1.
        text: the line, of which a long one is cut; bytes that are not UTF-8 as surrogate escapes.
        meant: whether the finding names it.
        apart: whether unchanged lines, or lines that are not shown, are before it.
    """

    added: bool
    number: int
    text: str
    meant: bool = False
    apart: bool = False


class Excerpt(Record):
    """Some lines of a change of one file.

    Attributes:
        lines: the lines; never empty.
        rest: how many more lines of the file the change removes and adds.
    """

    lines: Sequence[Line]
    rest: int


class Excerpts:
    """The excerpts of one change; the files are looked through once, however many findings are about them.

    Args:
        hunks: what the change does to the files, by path.
    """

    def __init__(self, hunks: Mapping[bytes, Sequence[Any]]) -> None:
        self._hunks = hunks
        self._sizes: dict[bytes, int] = {}
        self._starts: dict[tuple[bytes, bool], list[int]] = {}

    def of(self, finding: Finding) -> Excerpt | None:
        """The lines that a finding is about; None where the change does nothing to them."""
        path = finding.path
        hunks = self._hunks.get(path) if path is not None else None
        if path is None or not hunks:
            return None
        lines = self._at(path, hunks, finding) if finding.line else _first(hunks)
        if not lines:
            return None
        if path not in self._sizes:
            self._sizes[path] = sum(map(_size, hunks))
        return Excerpt(lines=lines, rest=self._sizes[path] - len(lines))

    def _at(self, path: bytes, hunks: Sequence[Any], finding: Finding) -> list[Line]:
        """The named lines with those around them in their hunk; none where the change does not touch them."""
        added = finding.side != "base"
        starts = self._starts.get((path, added))
        if starts is None:
            starts = [hunk.new_start if added else hunk.old_start for hunk in hunks]
            self._starts[path, added] = starts
        first = finding.line or 1
        position = bisect_right(starts, first) - 1
        if position < 0:
            return []
        hunk = hunks[position]
        offset = first - starts[position]
        side = hunk.added if added else hunk.removed
        if offset >= len(side):
            return []
        count = min((finding.end_line or first) - first + 1, MOST, len(side) - offset)
        begin = offset + (len(hunk.removed) if added else 0)
        window = range(max(0, begin - AROUND), min(_size(hunk), begin + count + AROUND))
        return [_line(hunk, index, meant=begin <= index < begin + count) for index in window]


def _first(hunks: Sequence[Any]) -> list[Line]:
    lines: list[Line] = []
    for hunk in hunks:
        for index in range(min(_size(hunk), MOST - len(lines))):
            lines.append(_line(hunk, index, apart=bool(lines) and not index))
        if len(lines) == MOST:
            break
    return lines


def _size(hunk: Any) -> int:
    return len(hunk.removed) + len(hunk.added)


def _line(hunk: Any, index: int, *, meant: bool = False, apart: bool = False) -> Line:
    """A line of a hunk, in which what is removed stands before what is added."""
    new = index - len(hunk.removed)
    raw = hunk.added[new] if new >= 0 else hunk.removed[index]
    number = hunk.new_start + new if new >= 0 else hunk.old_start + index
    # Cut as bytes first: a line may have millions.
    text = raw[: 4 * _LONGEST + 4].decode("utf-8", "surrogateescape")
    return Line(added=new >= 0, number=number, text=cut(text, _LONGEST), meant=meant, apart=apart)
