"""What a Markdown document is made of, each part with the line it begins on."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final


# A full stop ends a sentence where no small letter follows ("e.g. this" goes on); the ideographic one always.
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])[)\"'*_`]*\s+(?![a-z])|(?<=[。\uff01\uff1f])\s*")
_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
# Within a line a comment that is not closed is text, and so is one in a code span.
_SPAN_OR_COMMENT: Final = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)|<!--.*?-->", re.DOTALL)
_EMPHASIS: Final = re.compile(r"\*{1,3}|(?<!\w)_{1,3}|_{1,3}(?!\w)")
_CHECKBOX: Final = re.compile(r"\[([ xX])\](?:\s|$)")
_LINK: Final = re.compile(r"!?\[([^\[\]]*)\]\(\s*(<[^<>\n]*>|[^\s()]*)[^()]*\)")
_CODE: Final = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)


class Text:
    """Running text: a paragraph's, a table cell's or a heading's.

    Attributes:
        raw: the source, its lines without indentation, quote and list marks; comments are taken out.
        line: the line of its first character, from 1.
    """

    __slots__ = ("line", "raw")

    def __init__(self, raw: str, line: int) -> None:
        self.raw = _SPAN_OR_COMMENT.sub(_shown, raw) if "<!--" in raw else raw
        self.line = line

    @property
    def plain(self) -> str:
        """The text without the marks of emphasis and code; spans of code keep all their characters."""
        plain = ""
        end = 0
        for span in _CODE.finditer(self.raw):
            plain += _EMPHASIS.sub("", self.raw[end : span.start()]) + span[2].strip()
            end = span.end()
        return plain + _EMPHASIS.sub("", self.raw[end:])

    @property
    def spans(self) -> list[str]:
        """The contents of its code spans, in order."""
        return [span[2].strip().replace("\n", " ") for span in _CODE.finditer(self.raw)]

    @property
    def links(self) -> list[Link]:
        """Its links, in order."""
        return [
            Link(link[1], link[2].strip("<>"), self.line + self.raw.count("\n", 0, link.start()))
            for link in _LINK.finditer(self.raw)
        ]

    def sentences(self) -> Iterator[Text]:
        """Its sentences, each with its own line."""
        start = 0
        for end in [*_SENTENCE_END.finditer(self.raw), None]:
            part = self.raw[start : end.start() if end else None]
            stripped = part.lstrip()
            if stripped.strip():
                ahead = self.raw[: start + len(part) - len(stripped)]
                yield Text(stripped.rstrip(), self.line + ahead.count("\n"))
            start = end.end() if end else start

    def __repr__(self) -> str:
        return f"Text({self.raw!r}, {self.line})"


class Link:
    """A link.

    Attributes:
        text: what it says.
        target: where it leads, as written.
        line: its line, from 1.
    """

    __slots__ = ("line", "target", "text")

    def __init__(self, text: str, target: str, line: int) -> None:
        self.text = text
        self.target = target
        self.line = line

    def __repr__(self) -> str:
        return f"Link({self.text!r}, {self.target!r}, {self.line})"


class Heading:
    """A heading that stands in nothing else.

    Attributes:
        level: from 1 to 6.
        text: what it says.
        line: its line, from 1.
    """

    __slots__ = ("level", "line", "text")

    def __init__(self, level: int, text: Text, line: int) -> None:
        self.level = level
        self.text = text
        self.line = line

    def __repr__(self) -> str:
        return f"Heading({self.level}, {self.text.plain!r}, {self.line})"


class Paragraph:
    """A paragraph."""

    __slots__ = ("line", "text")

    def __init__(self, text: Text) -> None:
        self.text = text
        self.line = text.line


class List:
    """A list.

    Attributes:
        ordered: whether its items are numbered.
        items: its own items; a list within one of them is a block of that item.
    """

    __slots__ = ("items", "line", "ordered")

    def __init__(self, items: Sequence[Item], *, ordered: bool, line: int) -> None:
        self.items = items
        self.ordered = ordered
        self.line = line


class Item:
    """An item of a list.

    Attributes:
        number: the number it is written with; None in a list that has none.
        blocks: what it holds; its own text is the first one where that is a paragraph.
    """

    __slots__ = ("blocks", "line", "number")

    def __init__(self, blocks: Sequence[AnyBlock], *, number: int | None, line: int) -> None:
        self.blocks = blocks
        self.number = number
        self.line = line

    @property
    def checked(self) -> bool | None:
        """Whether its checkbox is ticked; None where it has none."""
        box = _CHECKBOX.match(self.text.raw)
        return None if box is None else box[1] != " "

    @property
    def text(self) -> Text:
        """The text it begins with, its checkbox included; empty where it begins with something else."""
        first = self.blocks[0] if self.blocks else None
        return first.text if isinstance(first, Paragraph) else Text("", self.line)

    @property
    def rest(self) -> Sequence[AnyBlock]:
        """The blocks behind the text it begins with."""
        return self.blocks[1:] if self.blocks and isinstance(self.blocks[0], Paragraph) else self.blocks


class Table:
    """A table; every cell has the line of its row."""

    __slots__ = ("header", "line", "rows")

    def __init__(self, header: Sequence[Text], rows: Sequence[Sequence[Text]], line: int) -> None:
        self.header = header
        self.rows = rows
        self.line = line


class Fence:
    """A block of code, fenced or (with no info) indented.

    Attributes:
        info: what stands behind the fence, e.g. `toml specguard`.
        content: its text, with a newline at the end of each line.
        line: the line of the fence.
        first: the line of the content's first line.
        nested: whether it stands in a list or a quote.
    """

    __slots__ = ("content", "first", "info", "line", "nested")

    def __init__(self, info: str, content: str, *, line: int, first: int, nested: bool) -> None:
        self.info = info
        self.content = content
        self.line = line
        self.first = first
        self.nested = nested


class Quote:
    """A block quote: somebody else's words."""

    __slots__ = ("blocks", "line")

    def __init__(self, blocks: Sequence[AnyBlock], line: int) -> None:
        self.blocks = blocks
        self.line = line


class Html:
    """HTML that a reader sees something of; a comment alone is none.

    Attributes:
        content: its source without comments.
    """

    __slots__ = ("content", "line")

    def __init__(self, content: str, line: int) -> None:
        self.content = content
        self.line = line


if TYPE_CHECKING:
    AnyBlock = Heading | Paragraph | List | Table | Fence | Quote | Html


def _shown(match: re.Match[str]) -> str:
    """A code span as it is; of a comment its newlines, so that what follows keeps its line."""
    return match[0] if match[1] else "\n" * match[0].count("\n")


def without_comments(html: str) -> str:
    """HTML without its comments; one that is never closed takes all that follows with it."""
    return _COMMENT.sub("", html)


def texts(blocks: Sequence[AnyBlock]) -> Iterator[Text]:
    """All running text in document order: paragraphs, items and cells, quotes left out."""
    for block in blocks:
        if isinstance(block, Paragraph):
            yield block.text
        elif isinstance(block, List):
            for item in block.items:
                yield from texts(item.blocks)
        elif isinstance(block, Table):
            for row in block.rows:
                yield from row


def fences(blocks: Sequence[AnyBlock]) -> Iterator[Fence]:
    """All blocks of code in document order, also in lists; those in quotes are left out."""
    for block in blocks:
        if isinstance(block, Fence):
            yield block
        elif isinstance(block, List):
            for item in block.items:
                yield from fences(item.blocks)
