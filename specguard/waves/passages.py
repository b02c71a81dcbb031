"""The passages of a document that speak of a work item, found through the words that they have."""

from __future__ import annotations

import re

from specguard.documents.blocks import Heading, List, Paragraph, Table, texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.documents.blocks import AnyBlock
    from specguard.documents.document import Document
    from specguard.work.listed import Listed

_WORD: Final = re.compile(r"[^\W\d_]+|[0-9]+")
_SHORTEST_TITLE: Final = 8


class Passage:
    """A section, an item of a list, a paragraph or a row of a table.

    Attributes:
        line: where it begins.
        key: what tells which item it speaks of: a section's title, an item's own text, a row's cells.
        blocks: all that is in it.
        within: the position of the item that it stands in; None where it stands in none.
    """

    __slots__ = ("blocks", "key", "line", "within")

    def __init__(self, line: int, key: str, blocks: Sequence[AnyBlock], within: int | None) -> None:
        self.line = line
        self.key = key
        self.blocks = blocks
        self.within = within

    @property
    def text(self) -> str:
        """All that it says; of a table each cell behind the head of its column."""
        said = [self.key, *(text.rendered for text in texts(self.blocks))]
        said += [block.text.rendered for block in self.blocks if isinstance(block, Heading)]
        said += [
            f"{name.rendered}: {cell.rendered}"
            for table in _tables(self.blocks)
            for row in table.rows
            for name, cell in zip(table.header, row, strict=False)
        ]
        return "\n".join(said)


class Passages:
    """The passages of a document.

    Args:
        document: whose passages they are.
    """

    def __init__(self, document: Document) -> None:
        self._all: list[Passage] = []
        self._by_word: dict[str, list[int]] = {}
        for section in document.sections:
            self._add(Passage(section.line, section.heading.text.rendered, section.blocks, None))
        self._read(document.blocks, None)

    def of(self, item: Listed) -> Iterator[Passage]:
        """Those that speak of an item; what stands within one of them is left out."""
        mention = _mention(item)
        told: set[int] = set()
        for position in sorted({*self._with(item.id), *self._with(item.title)}):
            passage = self._all[position]
            if mention.search(passage.key) and not self._is_within(passage, told):
                told.add(position)
                yield passage

    def _with(self, text: str) -> Sequence[int]:
        """Passages among which are all that have some words: those with the rarest of them."""
        words = _words(text)
        if text and not words:
            return range(len(self._all))
        return min((self._by_word.get(word, []) for word in words), key=len, default=[])

    def _is_within(self, passage: Passage, told: set[int]) -> bool:
        above = passage.within
        while above is not None:
            if above in told:
                return True
            above = self._all[above].within
        return False

    def _add(self, passage: Passage) -> int:
        position = len(self._all)
        self._all.append(passage)
        for word in _words(passage.key):
            self._by_word.setdefault(word, []).append(position)
        return position

    def _read(self, blocks: Sequence[AnyBlock], within: int | None) -> None:
        for position, block in enumerate(blocks):
            if isinstance(block, Paragraph):
                # What a paragraph ends with may be in the list behind it.
                following = [one for one in blocks[position + 1 : position + 2] if isinstance(one, List)]
                self._add(Passage(block.line, block.text.rendered, [block, *following], within))
            elif isinstance(block, List):
                for item in block.items:
                    own = self._add(Passage(item.line, item.text.rendered, item.blocks, within))
                    self._read(item.rest, own)
            elif isinstance(block, Table):
                for row in filter(None, block.rows):
                    key = "\n".join(cell.rendered for cell in row)
                    line = row[0].line
                    self._add(Passage(line, key, [Table(block.header, [row], line)], within))


def _tables(blocks: Sequence[AnyBlock]) -> Iterator[Table]:
    for block in blocks:
        if isinstance(block, Table):
            yield block
        elif isinstance(block, List):
            for item in block.items:
                yield from _tables(item.blocks)


def _mention(item: Listed) -> re.Pattern[str]:
    """What a text has that speaks of an item: its id as a word, behind the kind's where it is a number.

    A title that is long enough to be no other's counts, too. Both end where a word ends, as they must to be
    found through the words.
    """
    name = rf"(?<![\w./\\-]){re.escape(item.id)}(?![\w/\\]|[-.]\w)"
    if item.id.isdigit():
        name = rf"\b{re.escape(item.source.kind)}[\s#_-]{{0,3}}0*{re.escape(item.id)}(?!\w)"
    words = item.title.split()
    if len(" ".join(words)) >= _SHORTEST_TITLE:
        title = r"\s+".join(map(re.escape, words))
        name += rf"|(?<!\w){title}(?!\w)"
    return re.compile(name, re.IGNORECASE)


def _words(text: str) -> set[str]:
    """The words and numbers of a text for comparison; the padding of numbers does not count."""
    return {word.lstrip("0") or "0" for word in _WORD.findall(text.casefold())}
