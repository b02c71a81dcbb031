"""Reading an index: which document its tables and lists give for a number."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.documents.blocks import AnyBlock, Item

_LINK = re.compile(r"\]\(\s*<?([^)>\s]+)>?[^)\n]*\)")
_SHOWN = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_FILE = re.compile(r"(?<![\w/.(<-])([\w./-]+\.(?:md|markdown|rst|txt))\b", re.IGNORECASE)
_CHECKBOX = re.compile(r"^\[[ xX]\]\s+")


class Row:
    """What an index says of one item.

    Attributes:
        line: its line, from 1.
        title: what it calls the item.
        links: the files and addresses it names, as they are written.
    """

    __slots__ = ("line", "links", "title")

    def __init__(self, line: int, title: str, links: Sequence[str]) -> None:
        self.line = line
        self.title = title
        self.links = links


def rows_for(text: str, kind: str, item_id: str, number: int | None) -> list[Row]:
    """The rows and list items of an index that are about one item.

    A row is about the item whose number (`5`, `05`, `Track 5`) or id is its first cell that holds one; a list
    item about the one whose number it begins with, is counted as, or whose file's name it links.

    Args:
        text: the index, in Markdown.
        kind: the kind's name, which may stand before a number.
        item_id: the item's id.
        number: its number; None where it has none.
    """
    from specguard.documents.blocks import List, Table
    from specguard.documents.document import Document

    wanted = re.escape(item_id) if number is None else rf"0*{number}"
    word = rf"(?:#|no\.?\s*|{re.escape(kind)}[-_ #]*)?"
    whole = re.compile(rf"{word}(?:{wanted}|{re.escape(item_id)})", re.IGNORECASE)
    any_number = re.compile(rf"{word}[0-9]+", re.IGNORECASE)
    start = re.compile(rf"{word}(?:{wanted}|{re.escape(item_id)})(?![0-9A-Za-z]|\.[0-9])", re.IGNORECASE)
    file = re.compile(rf"(?:^|/){re.escape(kind)}[-_]?0*{wanted}(?![0-9A-Za-z])", re.IGNORECASE)

    def from_item(item: Item) -> Iterator[Row]:
        links = links_in(item.text.raw)
        words = _words(item.text.raw)
        counted = number is not None and item.number == number and not any_number.match(words)
        if start.match(words) or counted or any(file.search(link) for link in links):
            yield Row(item.line, words, links)
        else:
            yield from from_blocks(item.rest)

    def from_blocks(blocks: Sequence[AnyBlock]) -> Iterator[Row]:
        for block in blocks:
            if isinstance(block, List):
                for item in block.items:
                    yield from from_item(item)
            elif isinstance(block, Table):
                for cells in block.rows:
                    words = [_words(cell.raw) for cell in cells]
                    first = next(
                        (cell for cell in words if any_number.fullmatch(cell) or whole.fullmatch(cell)), ""
                    )
                    if first and whole.fullmatch(first):
                        links = [link for cell in cells for link in links_in(cell.raw)]
                        title = next((cell for cell in words if cell and cell != first), first)
                        yield Row(cells[0].line, title, links)

    return list(from_blocks(Document(text).blocks))


def links_in(raw: str) -> list[str]:
    """The targets of a text's links, and the files it names in code spans or plainly."""
    links = dict.fromkeys(_LINK.findall(raw))
    plain = _SHOWN.sub(" ", raw).replace("`", " ")
    links.update(dict.fromkeys(_FILE.findall(plain)))
    return list(links)


def _words(raw: str) -> str:
    """A text as a reader sees it, without a checkbox before it."""
    return _CHECKBOX.sub("", _SHOWN.sub(r"\1", raw)).replace("`", "").replace("*", "").strip()
