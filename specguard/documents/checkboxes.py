"""The ticked items of a document's checklists, each with all that stands in it."""

from __future__ import annotations

import re

from specguard.documents.blocks import Fence, Footnote, Heading, Html, List, Paragraph, Quote, Table, Text
from specguard.documents.html import text_of
from specguard.documents.written_paths import unescaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.documents.blocks import AnyBlock

# What a reader takes for a tick, whether Markdown makes a checkbox of it or not: in a box letters, words and
# signs, by itself a sign. A cross by itself says that something has failed.
_TICKED: Final = re.compile(
    r"[*_`]{0,3}(?:\\?\[ {0,3}(?P<mark>[^\[\]\s\\\ufe0f]{1,9})\ufe0f? {0,3}\\?\](?!\()"
    r"|(?P<sign>[\u2611\u2705\u2714\U0001f5f8\U0001f5f9]|<input checked>)\ufe0f?)"
)
_MARKS: Final = frozenset(
    "xvy\u00d7\u03c7\u04b3\u0445\u2611\u2612\u22a0\u2327\u2705\u2713\u2714\u2715\u2716\u2717\u2718\u2a09\u2a2f\u2bbd"
    "\u2bbe\U0001f5f4\U0001f5f5\U0001f5f6\U0001f5f7\U0001f5f8\U0001f5f9"
)
_WORDS: Final = frozenset({"checked", "complete", "completed", "done", "finished", "ok", "ticked", "yes"})
_COMPLETED: Final = re.compile(
    r"(?<![\w*])\*\*status(?::\*\*|\*\*:) {1,3}(?:completed?|done)\b", re.IGNORECASE
)
_EMPTY_BOX: Final = re.compile(r"\[ \](?!\()")
_BOX: Final = re.compile(r"[*_`]{0,3}\\?\[[^\[\]\n]?\]")
# What a reader takes for a box that is empty, or has another mark than a tick in it, or says no.
_OPEN: Final = re.compile(
    r"[*_`]{0,3}(?:\\?\[[^\[\]\n]{0,3}\\?\](?!\()|[\u2610\u25a1\u25fb\u26d4\u274c\u274e\u2717\u2718\u2b1c\U0001f532\U0001f6ab])"
)
_HTML_BOX: Final = re.compile(r"<input\b(?=[^<>]*\schecked[\s=/>])[^<>]*>", re.IGNORECASE)
_SEPARATOR: Final = re.compile(r"[\s`\"'<>()\[\],;|*{}\u201c\u201d\u2018\u2019]+")


MOST_TEXT: Final = 1 << 17
"""So many characters of an item are read, what stands below it included."""


class Ticked:
    """A ticked item of a checklist, or a ticked row of a table.

    Attributes:
        line: its line, from 1.
        words: its own words, without box and marks.
        above: the words of the items that it lies in, from the nearest.
    """

    __slots__ = ("_blocks", "above", "line", "words")

    def __init__(
        self, line: int, words: str, blocks: Sequence[AnyBlock], above: tuple[str, ...] = ()
    ) -> None:
        self.line = line
        self.words = words
        self.above = above
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


def ticked_items(blocks: Sequence[AnyBlock], above: tuple[str, ...] = ()) -> Iterator[Ticked]:
    """The ticked items among blocks, in order, also in tables, quotes and HTML; code has none.

    Args:
        blocks: the blocks.
        above: the words of the items that they lie in, from the nearest.
    """
    for block in blocks:
        if isinstance(block, List):
            for item in block.items:
                if is_ticked(item.text) or _is_completed(item.text):
                    yield Ticked(item.line, _own_words(item.text), item.blocks, above)
                yield from ticked_items(item.rest, (_own_words(item.text), *above))
        elif isinstance(block, Table):
            for row in block.rows:
                if any(map(is_ticked, row)):
                    shown = [cell.plain.strip() for cell in row]
                    words = ", ".join(cell for cell in shown if cell and _tick(cell) != cell)
                    yield Ticked(row[0].line, _words(words), [Table(row, (), row[0].line)], above)
        elif isinstance(block, Html):
            for number, line in enumerate(block.content.split("\n"), block.line):
                text = Text(text_of(_HTML_BOX.sub("[x] ", line)), number)
                if is_ticked(text):
                    yield Ticked(number, _own_words(text), [Paragraph(text)], above)
        elif isinstance(block, Quote | Footnote):
            yield from ticked_items(block.blocks, above)


def is_open(text: Text) -> bool:
    """Whether a text begins with a box that is not ticked, or with a sign that says no."""
    raw = text.raw.strip()
    begins = _OPEN.match(raw) or (raw[:1] in {"&", "<", "\\"} and _OPEN.match(text.rendered.strip()))
    return bool(begins) and not is_ticked(text)


def _is_completed(text: Text) -> bool:
    """Whether an item without a box says that it is done, as in `**Status:** Completed; see ...`."""
    return _COMPLETED.search(text.raw) is not None and not is_open(text)


def is_ticked(text: Text) -> bool:
    """Whether a text begins with a tick, as it is written or as a page shows it."""
    raw = text.raw.strip()
    return bool(raw) and bool(_tick(raw) or (raw[0] in "&<\\[" and _tick(text.rendered.strip())))


def _tick(text: str) -> str:
    """The tick that a text begins with; empty where it begins with none."""
    found = _TICKED.match(text)
    if found is None or found["sign"]:
        return found[0] if found else ""
    mark = found["mark"].casefold()
    if mark in _MARKS or mark in _WORDS:
        return found[0]
    if len(mark) > 1 or mark.isascii():
        return ""
    from specguard.declaration.look_alikes import reading

    return found[0] if reading(mark) in {"x", "v"} else ""


def without_box(raw: str) -> str:
    """A text without the box that it begins with, be it ticked or empty."""
    text = raw.strip()
    empty = _EMPTY_BOX.match(text)
    return (text[empty.end() :] if empty else text.removeprefix(_tick(text))).strip()


def _own_words(text: Text) -> str:
    """The words of a ticked text's first line."""
    plain = text.plain
    return _words((plain if _tick(plain.strip()) else text.rendered).strip().partition("\n")[0])


def _words(text: str) -> str:
    """Words without the box before them."""
    return " ".join(text.removeprefix(_tick(text)).split())


def _texts(blocks: Sequence[AnyBlock]) -> Iterator[str]:
    """All that a reader sees in an item, without what belongs to items below it that are not ticked."""
    for block in blocks:
        if isinstance(block, Paragraph | Heading):
            yield block.text.raw
        elif isinstance(block, List):
            for item in block.items:
                open_box = _BOX.match(item.text.raw) and not is_ticked(item.text)
                if not open_box:
                    yield from _texts(item.blocks)
        elif isinstance(block, Table):
            for row in [block.header, *block.rows]:
                for cell in row:
                    yield cell.raw
        elif isinstance(block, Fence):
            yield block.content
        elif isinstance(block, Quote | Footnote):
            yield from _texts(block.blocks)
