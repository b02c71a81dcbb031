"""What a document says, apart from the dates of its reviews and from what no reader sees."""

from __future__ import annotations

import json
import re

from specguard.documents.blocks import Fence, Footnote, Heading, Html, List, Paragraph, Quote, Table
from specguard.documents.characters import visible
from specguard.documents.content import has_content
from specguard.documents.data import written
from specguard.documents.dates import undated
from specguard.documents.fields import find_fields, normal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import Any, Final

    from specguard.documents.blocks import AnyBlock, Section, Text
    from specguard.documents.data import Data
    from specguard.documents.document import Document
    from specguard.documents.fields import Field


# Signs beside a space or an end of the text, and those to which each font gives its own look.
_STOP: Final = "[.,;:!?\u3002\"'\u2018-\u201f]"
_STOPS: Final = re.compile(f"(?:(?<=\\s)|^){_STOP}++|(?<!{_STOP}){_STOP}++(?=\\s|$)|[\ue000-\uf8ff]")


def essence(
    document: Document | None,
    data: Data,
    fields: Sequence[Field],
    dates: Sequence[str],
    left_out: Sequence[str],
    sections: Sequence[Section] = (),
) -> str:
    """What a document and its data say, in a form in which the same is equal.

    Layout does not count, and neither do letters that only look alike, their case, and marks of emphasis.

    Args:
        document: the document; None where there is data alone.
        data: its front matter, or the structured data that it is.
        fields: the document's fields.
        dates: the names of fields whose dates do not count, and which say nothing with a date alone.
        left_out: the names of keys that do not count with all they hold.
        sections: sections that do not count with all they hold.
    """
    names = {normal_name(name) for name in dates}
    said = [_of_data(data.value, {*names, *(normal_name(name) for name in left_out)})]
    if document is not None:
        lines = {
            line
            for field in find_fields(fields, *dates)
            if field.form not in {"front matter", "data"}
            # What stands behind a label may stand on the next line.
            for line in (field.line, field.line + 1)
        }
        passed = {line for section in sections for line in range(section.line, section.end + 1)}
        for line, text, code in _shown(document.blocks):
            if line in passed:
                continue
            shown = text
            if line in lines:
                shown = undated(text)
                shown = "" if normal_name(shown.strip(" \t:*_`|-")) in names else shown
            said.append(without_space(shown if code else _read(shown)))
    return "".join(said)


def shown_text(blocks: Sequence[AnyBlock]) -> str:
    """What a reader of the rendered page reads, in a form in which the same is equal; see `essence`."""
    return "".join(without_space(text if code else _read(text)) for _, text, code in _shown(blocks))


def canonical(value: Any) -> str:
    """Data as text, in which the order of keys and the layout do not count."""
    return without_space(json.dumps(value, sort_keys=True, ensure_ascii=False))


def _of_data(value: Any, left_out: Collection[str] = ()) -> str:
    """What data says: how a value is quoted does not count, and neither does a key without one."""
    if isinstance(value, dict):
        parts = [
            f"{key}:{said};"
            for key, inner in sorted(value.items())
            if normal_name(key) not in left_out and (said := _of_data(inner))
        ]
        return f"{{{''.join(parts)}}}" if parts else ""
    if isinstance(value, list):
        parts = [f"{said};" for inner in value if (said := _of_data(inner))]
        return f"[{''.join(parts)}]" if parts else ""
    return "" if value is None else without_space(_read(written(value)))


def _read(text: str) -> str:
    """A text as an eye reads it; what only ends a sentence or a part of one says nothing."""
    if text.isascii():
        text = text.lower()
    else:
        from specguard.declaration.look_alikes import reading

        text = reading(text)
    return _STOPS.sub("", text)


def _shown(blocks: Sequence[AnyBlock]) -> Iterator[tuple[int, str, bool]]:
    """The lines of what a page shows, each with its number, and whether it is code."""
    for block in blocks:
        if isinstance(block, (Heading, Paragraph)):
            yield from _lines(block.text)
        elif isinstance(block, List):
            for item in block.items:
                yield from _shown(item.blocks)
        elif isinstance(block, (Quote, Footnote)):
            yield from _shown(block.blocks)
        elif isinstance(block, Table):
            for row in (block.header, *block.rows):
                for cell in row:
                    yield from _lines(cell)
        elif isinstance(block, Fence):
            for number, line in enumerate(block.content.split("\n"), block.first):
                yield number, line, True
        elif isinstance(block, Html):
            yield block.line, block.content if block.pictures else block.text, False


def _lines(text: Text) -> Iterator[tuple[int, str, bool]]:
    """The lines of a text as a page shows them; where links and pictures lead is said, too."""
    rendered = text.rendered
    if rendered.count("\n") == text.raw.count("\n"):
        for number, line in enumerate(rendered.split("\n"), text.line):
            yield number, line, False
    else:
        yield text.line, rendered, False
    for link in text.links:
        if link.target and link.target not in rendered:
            yield link.line, link.target, True


def visible_lines(blocks: Sequence[AnyBlock]) -> Iterator[tuple[int, str]]:
    """The lines that a reader of the rendered page sees, with their numbers; layout is not kept."""
    for block in blocks:
        if isinstance(block, (Heading, Paragraph)):
            for number, line in enumerate(block.text.raw.split("\n"), block.text.line):
                yield number, line
        elif isinstance(block, List):
            for item in block.items:
                yield from visible_lines(item.blocks)
        elif isinstance(block, (Quote, Footnote)):
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
