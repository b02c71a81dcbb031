"""The ticked items of a document's checklists, each with all that stands in it."""

from __future__ import annotations

import re

from specguard.documents.blocks import Fence, Heading, List, Paragraph, Quote, Table
from specguard.documents.written_paths import unescaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.documents.blocks import AnyBlock

# What a reader takes for a tick, whether Markdown makes a checkbox of it or not; the last ones of the first
# group are Cyrillic, Roman and wide.
_TICKED: Final = re.compile(
    r"[*_`]{0,3}(?:"
    r"\\?\[ ?[xXvV\u00d7\u2713\u2714\u2611\u2705\u0445\u0425\u2169\u2179\uff58\uff38]\ufe0f? ?\\?\]"
    r"|[\u2611\u2705\u2714]\ufe0f?)(?!\()"
)
_BOX: Final = re.compile(r"[*_`]{0,3}\\?\[[^\[\]\n]?\]")
_SEPARATOR: Final = re.compile(r"[\s`\"'<>()\[\],;|*{}\u201c\u201d\u2018\u2019]+")


MOST_TEXT: Final = 1 << 20
"""So many characters of an item are read, what stands below it included."""


class Ticked:
    """A ticked item of a checklist, or a ticked row of a table.

    Attributes:
        line: its line, from 1.
        words: its own words, without box and marks.
    """

    __slots__ = ("_blocks", "line", "words")

    def __init__(self, line: int, words: str, blocks: Sequence[AnyBlock]) -> None:
        self.line = line
        self.words = words
        self._blocks = blocks

    @property
    def text(self) -> str:
        """All that stands in it but for items below it that are not ticked, on one line.

        It is put together when it is asked for and not kept: items lie in one another.
        """
        parts: list[str] = []
        left = MOST_TEXT
        for text in _texts(self._blocks):
            parts.append(text[:left])
            left -= len(text)
            if left <= 0:
                break
        return " ".join(" ".join(parts).split())

    @property
    def names(self) -> Iterator[str]:
        """Everything in it that could be a path, without the marks around it; of a test its file."""
        for word in _SEPARATOR.split(self.text):
            name = word.rstrip(".:!?").partition("::")[0]
            for text in dict.fromkeys((unescaped(name), name)):
                path = text.replace("\\", "/")
                if "/" in path or "." in path:
                    yield path

    def __repr__(self) -> str:
        return f"Ticked({self.line}, {self.words!r})"


def ticked_items(blocks: Sequence[AnyBlock]) -> Iterator[Ticked]:
    """The ticked items among blocks, in order, also in tables and quotes; code has none."""
    for block in blocks:
        if isinstance(block, List):
            for item in block.items:
                if _TICKED.match(item.text.raw):
                    yield Ticked(item.line, _words(item.text.plain.partition("\n")[0]), item.blocks)
                yield from ticked_items(item.rest)
        elif isinstance(block, Table):
            for row in block.rows:
                if any(_TICKED.match(cell.raw.strip()) for cell in row):
                    shown = [cell.plain.strip() for cell in row]
                    words = ", ".join(cell for cell in shown if cell and not _TICKED.fullmatch(cell))
                    yield Ticked(row[0].line, _words(words), [Table(row, (), row[0].line)])
        elif isinstance(block, Quote):
            yield from ticked_items(block.blocks)


def _words(text: str) -> str:
    """Words without the box before them."""
    return " ".join(_TICKED.sub("", text, count=1).split())


def _texts(blocks: Sequence[AnyBlock]) -> Iterator[str]:
    """All that a reader sees in an item, without what belongs to items below it that are not ticked."""
    for block in blocks:
        if isinstance(block, Paragraph | Heading):
            yield block.text.raw
        elif isinstance(block, List):
            for item in block.items:
                open_box = _BOX.match(item.text.raw) and not _TICKED.match(item.text.raw)
                if not open_box:
                    yield from _texts(item.blocks)
        elif isinstance(block, Table):
            for row in [block.header, *block.rows]:
                for cell in row:
                    yield cell.raw
        elif isinstance(block, Fence):
            yield block.content
        elif isinstance(block, Quote):
            yield from _texts(block.blocks)
