"""Sections: a heading and what stands below it."""

from __future__ import annotations

from specguard.documents.blocks import Heading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.documents.blocks import AnyBlock


class Section:
    """A heading and all below it up to the next heading of its level or a higher one.

    Args:
        heading: its heading.
        blocks: the blocks of which it has a part.
        start: the position of the first block behind the heading.
        parent: the section it lies in.

    Attributes:
        heading: its heading.
        end: the last line, from 1.
        parent: the section it lies in; None at the top.
        children: the sections that lie in it, without those that lie in one of them.
    """

    __slots__ = ("_blocks", "_own", "_start", "_stop", "children", "end", "heading", "parent")

    def __init__(
        self, heading: Heading, blocks: Sequence[AnyBlock], start: int, parent: Section | None
    ) -> None:
        self.heading = heading
        self.end = 0
        self.parent = parent
        self.children: list[Section] = []
        self._blocks = blocks
        self._start = start
        self._own = self._stop = len(blocks)
        if parent is not None:
            parent.children.append(self)
            parent._own = min(parent._own, start - 1)

    def close(self, stop: int, end: int) -> None:
        """Say where it ends.

        Args:
            stop: the position of the first block behind it.
            end: its last line.
        """
        self._stop = stop
        self._own = min(self._own, stop)
        self.end = end

    @property
    def line(self) -> int:
        """The heading's line."""
        return self.heading.line

    @property
    def level(self) -> int:
        """The heading's level, from 1 to 6."""
        return self.heading.level

    @property
    def blocks(self) -> Sequence[AnyBlock]:
        """What it holds, the headings of its subsections among it."""
        return self._blocks[self._start : self._stop]

    @property
    def own(self) -> Sequence[AnyBlock]:
        """What it holds up to its first subsection."""
        return self._blocks[self._start : self._own]

    def __repr__(self) -> str:
        return f"Section({self.heading!r}, {self.line}-{self.end})"


def sections_of(blocks: Sequence[AnyBlock], last_line: int) -> list[Section]:
    """The sections that headings divide blocks into, in order, those within others behind these.

    Args:
        blocks: a document's blocks.
        last_line: its last line.
    """
    sections: list[Section] = []
    above: list[Section] = []
    for position, block in enumerate(blocks):
        if not isinstance(block, Heading):
            continue
        while above and above[-1].level >= block.level:
            above.pop().close(position, block.line - 1)
        section = Section(block, blocks, position + 1, above[-1] if above else None)
        sections.append(section)
        above.append(section)
    for section in above:
        section.close(len(blocks), last_line)
    return sections
