"""What a document says, apart from the dates of its reviews and from what no reader sees."""

from __future__ import annotations

import json
import re

from specguard.documents.blocks import Fence, Heading, Html, List, Paragraph, Quote, Table, Text
from specguard.documents.characters import visible
from specguard.documents.content import has_content
from specguard.documents.dates import LONGEST, days, plain
from specguard.documents.fields import find_fields, normal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import Any, Final

    from specguard.documents.blocks import AnyBlock
    from specguard.documents.data import Data
    from specguard.documents.document import Document
    from specguard.documents.fields import Field
    from specguard.documents.sections import Section

_CLOCK: Final = re.compile(r"[Tt]?\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?\s*(?:[zZ]|UTC|[+-]\d{2}:?\d{2})?")


def essence(
    document: Document | None,
    data: Data,
    fields: Sequence[Field],
    dates: Sequence[str],
    left_out: Sequence[str],
    sections: Sequence[Section] = (),
) -> str:
    """What a document and its data say, in a form in which the same is equal.

    Args:
        document: the document; None where there is data alone.
        data: its front matter, or the structured data that it is.
        fields: the document's fields.
        dates: the names of fields whose dates do not count.
        left_out: the names of keys that do not count with all they hold.
        sections: sections that do not count with all they hold.
    """
    names = {normal_name(name) for name in (*dates, *left_out)}
    parts = [canonical(data.value, names) if data.value else ""]
    if document is not None:
        lines = {
            line
            for field in find_fields(fields, *dates)
            if field.form not in {"front matter", "data"}
            # What stands behind a label may stand on the next line.
            for line in (field.line, field.line + 1)
        }
        passed = {line for section in sections for line in range(section.line, section.end + 1)}
        parts += [
            without_space(Text(_undated(text) if line in lines else text, line).plain)
            for line, text in visible_lines(document.blocks)
            if line not in passed
        ]
    return "\n".join(part for part in parts if part)


def canonical(value: Any, left_out: Collection[str] = ()) -> str:
    """Data as text, in which the order of keys and the layout do not count.

    Args:
        value: the data.
        left_out: keys of a table that do not count, as `normal_name` has them.
    """
    if isinstance(value, dict):
        value = {key: inner for key, inner in value.items() if normal_name(key) not in left_out}
    return without_space(json.dumps(value, sort_keys=True, ensure_ascii=False))


def visible_lines(blocks: Sequence[AnyBlock]) -> Iterator[tuple[int, str]]:
    """The lines that a reader of the rendered page sees, with their numbers; layout is not kept."""
    for block in blocks:
        if isinstance(block, (Heading, Paragraph)):
            for number, line in enumerate(block.text.raw.split("\n"), block.text.line):
                yield number, line
        elif isinstance(block, List):
            for item in block.items:
                yield from visible_lines(item.blocks)
        elif isinstance(block, Quote):
            yield from visible_lines(block.blocks)
        elif isinstance(block, Table):
            for row in (block.header, *block.rows):
                for cell in row:
                    yield cell.line, cell.raw
        elif isinstance(block, Fence):
            for number, line in enumerate(block.content.split("\n"), block.first):
                yield number, line
        elif isinstance(block, Html) and has_content([block], ()):
            yield block.line, block.content


def without_space(text: str) -> str:
    """A text without white space and without what no reader sees."""
    return "".join(visible(text).split())


def _undated(text: str) -> str:
    """A line without its days and times."""
    if len(text) > LONGEST:
        return text
    text = plain(text)
    kept = ""
    end = 0
    for day in days(text):
        kept += text[end : day.start]
        clock = _CLOCK.match(text[day.end :].lstrip())
        end = day.end
        if clock:
            end = len(text) - len(text[day.end :].lstrip()) + clock.end()
    return kept + text[end:]
