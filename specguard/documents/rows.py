"""The lines of a document that say something each: items of lists, rows of tables, lines of text."""

from __future__ import annotations

from specguard.documents.blocks import Heading, List, Paragraph, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from specguard.documents.blocks import AnyBlock


class Row:
    """An item, a row of a table, a heading or a line of a paragraph, as a reader sees it.

    Attributes:
        line: where it begins, from 1.
        cells: its cells; of what is no row of a table the one text.
        header: the titles of the table's columns; none for what is no row of a table.
    """

    __slots__ = ("cells", "header", "line")

    def __init__(self, line: int, cells: Sequence[str], header: Sequence[str] = ()) -> None:
        self.line = line
        self.cells = cells
        self.header = header

    def cell(self, title: str) -> str:
        """The cell below a title, compared without case and spaces around it; empty where there is none."""
        wanted = title.casefold().strip()
        for cell, name in zip(self.cells, self.header, strict=False):
            if name.casefold().strip() == wanted:
                return cell
        return ""

    def __repr__(self) -> str:
        return f"Row({self.line}, {list(self.cells)!r})"


def rows(blocks: Iterable[AnyBlock]) -> Iterator[Row]:
    """The rows of blocks in document order; quotes, code and HTML have none."""
    for block in blocks:
        if isinstance(block, Heading):
            yield Row(block.line, [_one_line(block.text.rendered)])
        elif isinstance(block, Paragraph):
            for number, line in enumerate(block.text.rendered.split("\n"), block.line):
                if line.strip():
                    yield Row(number, [line.strip()])
        elif isinstance(block, List):
            for item in block.items:
                text = _one_line(item.text.rendered)
                if text:
                    yield Row(item.line, [text])
                yield from rows(item.rest)
        elif isinstance(block, Table):
            header = [_one_line(cell.rendered) for cell in block.header]
            for cells in block.rows:
                if cells:
                    yield Row(cells[0].line, [_one_line(cell.rendered) for cell in cells], header)


def _one_line(text: str) -> str:
    return " ".join(text.split())
