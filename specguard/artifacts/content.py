"""What a reader finds in blocks: content, a bare "None", placeholders, or nothing at all."""

from __future__ import annotations

from specguard.documents.blocks import Fence, Footnote, Html, List, Paragraph, Quote, Table
from specguard.documents.content import bare_nothing, has_content, is_content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Literal

    from specguard.documents.blocks import AnyBlock, Text

    Kind = Literal["content", "nothing", "placeholder", "blank"]


class Content:
    """What blocks come to for a reader.

    Attributes:
        kind: `content`; `nothing` where they only say that there is none, without a reason; `placeholder`
            where all that is there is still owed; `blank` where nothing is to be seen.
        text: the line that decides it, as a reader sees it; empty where there is none.
        line: its number, from 1; None where there is none.
    """

    __slots__ = ("kind", "line", "text")

    def __init__(self, kind: Kind, text: str = "", line: int | None = None) -> None:
        self.kind = kind
        self.text = text
        self.line = line

    def __repr__(self) -> str:
        return f"Content({self.kind!r}, {self.text!r}, {self.line})"


def content_of(blocks: Sequence[AnyBlock], own: Sequence[str] = ()) -> Content:
    """What blocks come to for a reader; headings among them are no content.

    Args:
        blocks: what is looked through.
        own: texts that are no content, such as those of a template.
    """
    shown = has_content(blocks, own)
    nothing: Content | None = None
    for text, line in _lines(blocks):
        words = " ".join(text.split())
        if not words:
            continue
        if not shown:
            return Content("placeholder", words, line)
        if not bare_nothing(words):
            if is_content(words, own):
                return Content("content", words, line)
        elif nothing is None:
            nothing = Content("nothing", words, line)
    # A picture is content without a word.
    return nothing or Content("content" if shown else "blank")


def content_of_text(text: str, own: Sequence[str] = (), line: int | None = None) -> Content:
    """The same of one line of running text."""
    words = " ".join(text.split())
    if not is_content(words, own):
        return Content("placeholder" if words else "blank", words, line)
    return Content("nothing" if bare_nothing(words) else "content", words, line)


def _lines(blocks: Iterable[AnyBlock]) -> Iterator[tuple[str, int]]:
    """The lines of text that a reader sees, each with its number; a row of a table is one."""
    for block in blocks:
        if isinstance(block, Paragraph):
            yield from _numbered(block.text.rendered, block.line)
        elif isinstance(block, List):
            for item in block.items:
                yield from _lines(item.blocks)
        elif isinstance(block, Table):
            for row in block.rows:
                if row:
                    yield _row(row), row[0].line
        elif isinstance(block, Quote | Footnote):
            yield from _lines(block.blocks)
        elif isinstance(block, Fence):
            yield from _numbered(block.content, block.first)
        elif isinstance(block, Html):
            yield from _numbered(block.text, block.line)


def _numbered(text: str, first: int) -> Iterator[tuple[str, int]]:
    for number, line in enumerate(text.split("\n"), first):
        yield line, number


def _row(row: Sequence[Text]) -> str:
    cells = [cell for one in row if (cell := " ".join(one.rendered.split()))]
    return cells[0] if cells and all(map(bare_nothing, cells)) else " | ".join(cells)
