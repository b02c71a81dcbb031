"""What counts as content: what a reader sees, and what is more than a placeholder."""

from __future__ import annotations

import re

from specguard.documents.blocks import Fence, Footnote, Html, List, Paragraph, Quote, Table
from specguard.documents.characters import visible
from specguard.documents.placeholders import owes, without

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

    from specguard.documents.blocks import AnyBlock, Text

_SIGN: Final = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]")


def has_content(blocks: Iterable[AnyBlock], placeholders: Sequence[str] = ()) -> bool:
    """Whether a reader sees content in blocks: more than headings, labels, placeholders and what is hidden.

    A picture and an emoji are content. Of a table, the header and a row whose first cell alone says something
    are labels; so is a line that ends with a colon.

    Args:
        blocks: what is looked at, with all that is in it.
        placeholders: texts that are no content, next to those that are none anywhere.
    """
    return any(_in_block(block, placeholders) for block in blocks)


def is_content(line: str, placeholders: Sequence[str] = ()) -> bool:
    """Whether a line of text says something.

    Args:
        line: as a reader sees it, without marks of emphasis and code.
        placeholders: as for `has_content`.
    """
    line = visible(line)
    return not owes(line, placeholders) or _SIGN.search(line) is not None


def _in_block(block: AnyBlock, placeholders: Sequence[str]) -> bool:
    if isinstance(block, Paragraph):
        return _in_text(block.text, placeholders)
    if isinstance(block, List):
        return any(has_content(item.blocks, placeholders) for item in block.items)
    if isinstance(block, Table):
        return any(_in_row(row, placeholders) for row in block.rows)
    if isinstance(block, Fence):
        return any(is_content(line, placeholders) for line in block.content.split("\n"))
    if isinstance(block, Html):
        return block.pictures or any(is_content(line, placeholders) for line in block.text.split("\n"))
    if isinstance(block, Quote | Footnote):
        return has_content(block.blocks, placeholders)
    return False


def _in_row(row: Sequence[Text], placeholders: Sequence[str]) -> bool:
    cells = [_in_text(cell, placeholders) for cell in row]
    return any(cells[1:]) if len(cells) > 1 else any(cells)


def _in_text(text: Text, placeholders: Sequence[str]) -> bool:
    if text.pictures:
        return True
    rendered = text.rendered
    lines = [line for line in rendered.split("\n") if is_content(line)]
    if not lines or not placeholders:
        return bool(lines)
    # A template's own words may go over several lines, and may begin with what is owed anyhow.
    for left in (rendered, "\n".join(lines)):
        for words in placeholders:
            left = without(left, words)
        if not any(is_content(line, placeholders) for line in left.split("\n")):
            return False
    return True
