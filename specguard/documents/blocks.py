"""The parts of a Markdown document, each with its first line: blocks, sections and rows."""

from __future__ import annotations

import re
from html import unescape

from specguard.declaration.characters import strip_invisible
from specguard.documents.inline import Code, Hiding, Inline, LineCounter, Reference, html_text, replaced
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Final


# A full stop before a lower-case letter ends no sentence ("e.g. this"); an ideographic one always does.
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])[)\"'*_`]*+\s+(?![a-z])|(?<=[。\uff01\uff1f])\s*")
# An escaped character is not a mark; it keeps only itself.
# The wildcards of a path, as in `lib/*.py` and `lib/**/x`, are no emphasis.
_EMPHASIS: Final = re.compile(
    r"\\([!-/:-@\[-`{-~])|(?<![/*])(?!(?<!\w)\*\*/\*)\*+|(?<=/)\*+(?![*/]|[._-][\w{*])"
    r"|(?<!\w)(?<!/\*)_{1,3}|_{1,3}(?!\w)"
)
_CHECKBOX: Final = re.compile(r"\[([ xX])\](?:\s|$)")
_NO_REFERENCES: Final[Mapping[str, str]] = {}


class Text:
    """Running text of a paragraph, a table cell or a heading.

    Attributes:
        raw: the source lines without indentation, quote marks and list marks. Text that a reader does not see
            is removed: comments, hidden HTML, and invisible characters that writing does not need.
        line: the line of its first character, from 1.
        has_invisible: True if such invisible characters were removed.
    """

    __slots__ = ("_inline", "_references", "has_invisible", "line", "raw")

    def __init__(self, raw: str, line: int, references: Mapping[str, str] = _NO_REFERENCES) -> None:
        self.line = line
        self._references = references
        self._inline: Inline | None = None
        # Hidden parts keep their newlines, so that the following text keeps its line.
        unhidden = Hiding().inline(raw, 1) if "<" in raw else raw
        self.raw = strip_invisible(unhidden)
        self.has_invisible = self.raw != unhidden

    @property
    def _parts(self) -> Inline:
        if self._inline is None:
            self._inline = Inline(self.raw, self._references)
        return self._inline

    @property
    def checked(self) -> bool | None:
        """True if the checkbox at its beginning is ticked; None if it has no checkbox."""
        box = _CHECKBOX.match(self.raw)
        return None if box is None else box[1] != " "

    @property
    def codes(self) -> Sequence[Code]:
        """The code spans in order, with their positions in `raw`."""
        return self._parts.codes if "`" in self.raw else ()

    @property
    def references(self) -> Sequence[Reference]:
        """The links, pictures and `<url>` autolinks in order, with their positions in `raw`."""
        return self._parts.links if "[" in self.raw or "<" in self.raw else ()

    @property
    def plain(self) -> str:
        """The text without the marks of emphasis, code and escapes; code spans keep all their characters."""
        codes = ((span.start, span.end, span.content.strip()) for span in self.codes)
        return replaced(self.raw, codes, _unmarked)

    @property
    def rendered(self) -> str:
        """The text as a reader sees it, without marks: the words of links, the descriptions of pictures."""
        raw = self.raw
        if not _MARKED.search(raw):
            return raw
        parts = self._parts
        cuts = [(span.start, span.end, span.content.strip()) for span in parts.codes]
        cuts += [(tag.start, tag.end, "\n" if tag.name == "br" else "") for tag in parts.tags]
        cuts += [(position, position + 2, raw[position + 1]) for position in parts.escapes]
        for link in parts.links:
            cuts += [(link.start, link.text_start, ""), (link.text_end, link.end, "")]
        return replaced(raw, sorted(cuts), _plain)

    @property
    def spans(self) -> list[str]:
        """The contents of the code spans, in order."""
        return [span.content.strip().replace("\n", " ") for span in self.codes]

    @property
    def links(self) -> list[Link]:
        """The links and pictures in order, including `<url>` and links that refer to a definition."""
        lines = LineCounter(self.raw, self.line)
        return [
            Link(_plain(self.raw[one.text_start : one.text_end]), one.target, lines.line_at(one.start))
            for one in self.references
        ]

    @property
    def labels(self) -> set[str]:
        """The normalized texts in square brackets without a target, which may name a definition."""
        return self._parts.labels if "[" in self.raw else set()

    @property
    def has_pictures(self) -> bool:
        """True if the text shows a picture."""
        shown = any(link.picture and link.target for link in self.references)
        return shown or ("<" in self.raw and any(tag.is_picture for tag in self._parts.tags))

    def sentences(self) -> Iterator[Text]:
        """Yield the sentences, each as a `Text` with its own line."""
        start = 0
        lines = LineCounter(self.raw, self.line)
        for end in [*_SENTENCE_END.finditer(self.raw), None]:
            part = self.raw[start : end.start() if end else None]
            stripped = part.lstrip()
            if stripped.strip():
                line = lines.line_at(start + len(part) - len(stripped))
                yield Text(stripped.rstrip(), line, self._references)
            start = end.end() if end else start

    def __repr__(self) -> str:
        return f"Text({self.raw!r}, {self.line})"


class Link(Record):
    """A link.

    Attributes:
        text: the link text.
        target: the target as it is written.
        line: its line, from 1.
    """

    text: str
    target: str
    line: int


class Heading(Record):
    """A heading outside of lists, quotes and footnotes.

    Attributes:
        level: from 1 to 6.
        text: the heading text.
        line: its line, from 1.
    """

    level: int
    text: Text
    line: int


class Paragraph:
    """A paragraph."""

    __slots__ = ("line", "text")

    def __init__(self, text: Text) -> None:
        self.text = text
        self.line = text.line


class List(Record):
    """A list.

    Attributes:
        items: the items of this list. A nested list is a block of its item.
        ordered: True if the items are numbered.
    """

    items: Sequence[ListItem]
    ordered: bool
    line: int


class ListItem(Record):
    """An item of a list.

    Attributes:
        blocks: the content of the item. If the first block is a paragraph, it is the item's own text.
        number: the number as it is written; None in an unnumbered list.
    """

    blocks: Sequence[AnyBlock]
    number: int | None
    line: int

    @property
    def text(self) -> Text:
        """The text at the beginning of the item, with its checkbox; empty if another block begins it."""
        first = self.blocks[0] if self.blocks else None
        return first.text if isinstance(first, Paragraph) else Text("", self.line)

    @property
    def rest(self) -> Sequence[AnyBlock]:
        """The blocks after the text at the beginning of the item."""
        return self.blocks[1:] if self.blocks and isinstance(self.blocks[0], Paragraph) else self.blocks


class Table(Record):
    """A table; every cell has the line of its row, and every row as many cells as the header."""

    header: Sequence[Text]
    rows: Sequence[Sequence[Text]]
    line: int


class Fence(Record):
    """A code block, fenced or indented; an indented one has an empty `info`.

    Attributes:
        info: the text after the opening fence, e.g. `toml specguard`.
        content: the code, with a newline at the end of each line.
        line: the line of the fence.
        first: the line of the content's first line.
        nested: True if the block is in a list or a quote.
    """

    info: str
    content: str
    line: int
    first: int
    nested: bool


class Quote(Record):
    """A block quote: somebody else's words."""

    blocks: Sequence[AnyBlock]
    line: int


class Html(Record):
    """HTML with a visible part; a comment by itself does not count.

    Attributes:
        content: the source without the hidden parts.
    """

    content: str
    line: int

    @property
    def text(self) -> str:
        """The text that a reader sees."""
        return _entities(html_text(self.content))

    @property
    def has_pictures(self) -> bool:
        """True if the HTML shows a picture."""
        return any(tag.is_picture for tag in Hiding().tags(self.content))


class Footnote(Record, frozen=False):
    """The text of a footnote; a reader sees it at the end of the page.

    Attributes:
        label: the label that the text uses for it, without brackets and caret.
        blocks: the content. Empty if no text refers to the footnote, since then no reader sees it.
    """

    label: str
    blocks: Sequence[AnyBlock]
    line: int


ENCLOSING: Final = (Quote, Footnote)
"""Blocks that only enclose others, besides lists."""

AnyBlock = Heading | Paragraph | List | Table | Fence | Quote | Html | Footnote
"""A block of a document."""


_MARKED: Final = re.compile(r"[`<\\\[*_&]")


def _plain(text: str) -> str:
    """Return text without the marks of emphasis, with entities replaced by their characters."""
    return _entities(_unmarked(text))


def _unmarked(text: str) -> str:
    """Return text without the marks of emphasis; an escaped character loses its backslash."""
    mark = (lambda found: found[1] or "") if "\\" in text else ""
    return _EMPHASIS.sub(mark, text) if _MARKED.search(text) else text


def _entities(text: str) -> str:
    return unescape(text) if "&" in text else text


def flatten(blocks: Iterable[AnyBlock], *, quotes: bool = False) -> Iterator[AnyBlock]:
    """Yield blocks in document order; the blocks of list items and footnotes replace the list or footnote.

    Args:
        blocks: the blocks.
        quotes: True to include the blocks of quotes, which are left out otherwise.
    """
    for block in blocks:
        if isinstance(block, List):
            for item in block.items:
                yield from flatten(item.blocks, quotes=quotes)
        elif isinstance(block, Footnote) or (quotes and isinstance(block, Quote)):
            yield from flatten(block.blocks, quotes=quotes)
        elif not isinstance(block, Quote):
            yield block


def texts(blocks: Iterable[AnyBlock]) -> Iterator[Text]:
    """Yield running text in document order: paragraphs, list items and table cells.

    Headings, quotes and table headers are left out.
    """
    for block in flatten(blocks):
        if isinstance(block, Paragraph):
            yield block.text
        elif isinstance(block, Table):
            yield from (cell for row in block.rows for cell in row)


def fences(blocks: Iterable[AnyBlock]) -> Iterator[Fence]:
    """Return all code blocks in document order, including those in lists. Those in quotes are left out."""
    return (block for block in flatten(blocks) if isinstance(block, Fence))


def tables(blocks: Iterable[AnyBlock]) -> Iterator[Table]:
    """Return all tables in document order, including those in lists. Those in quotes are left out."""
    return (block for block in flatten(blocks) if isinstance(block, Table))


def all_texts(blocks: Iterable[AnyBlock]) -> Iterator[Text]:
    """Yield all text in document order, including headings, quotes and table headers."""
    for block in flatten(blocks, quotes=True):
        if isinstance(block, Heading | Paragraph):
            yield block.text
        elif isinstance(block, Table):
            yield from (cell for row in (block.header, *block.rows) for cell in row)


class Section(Record):
    """A heading and all blocks below it, up to the next heading of its level or a higher one.

    Attributes:
        heading: its heading.
        blocks: its blocks, including the headings of its subsections.
        own: its blocks before the first subsection.
        end: its last line, from 1.
    """

    heading: Heading
    blocks: Sequence[AnyBlock]
    own: Sequence[AnyBlock]
    end: int

    @property
    def line(self) -> int:
        """The line of the heading."""
        return self.heading.line

    @property
    def level(self) -> int:
        """The level of the heading, from 1 to 6."""
        return self.heading.level

    @property
    def has_invisible(self) -> bool:
        """True if the heading has invisible characters that writing does not need."""
        text = self.heading.text
        return text.has_invisible or strip_invisible(text.rendered) != text.rendered


def sections_of(blocks: Sequence[AnyBlock], last_line: int) -> list[Section]:
    """Return the sections of a document in order; a subsection comes after the section that contains it.

    Args:
        blocks: the document's blocks.
        last_line: the document's last line.
    """
    sections: list[Section] = []
    # For each level: the position of the next heading of this level or a higher one.
    next_heads = [len(blocks)] * 7
    for at in range(len(blocks) - 1, -1, -1):
        block = blocks[at]
        if isinstance(block, Heading):
            stop = next_heads[block.level]
            end = blocks[stop].line - 1 if stop < len(blocks) else last_line
            sections.append(Section(block, blocks[at + 1 : stop], blocks[at + 1 : next_heads[6]], end))
            next_heads[block.level :] = [at] * (7 - block.level)
    return sections[::-1]


class Row(Record):
    """A list item, a table row, a heading or a line of a paragraph, as a reader sees it.

    Attributes:
        line: its first line, from 1.
        cells: the cells of a table row; for anything else, its text as a single cell.
        header: the column titles of the table; empty outside of tables.
    """

    line: int
    cells: Sequence[str]
    header: Sequence[str] = ()

    def cell(self, title: str) -> str:
        """Return the cell below a title, or an empty string; titles match without case and outer spaces."""
        wanted = title.casefold().strip()
        titled = zip(self.cells, self.header, strict=False)
        return next((cell for cell, name in titled if name.casefold().strip() == wanted), "")

    def says(self, title: str = "") -> bool:
        """True if any cell has content; with a `title`, if the cell below it has more than a bare `none`."""
        from specguard.documents.completeness import content_of_text

        kinds = {content_of_text(cell).kind for cell in ([self.cell(title)] if title else self.cells)}
        return not kinds.isdisjoint({"content"} if title else {"content", "nothing"})


def rows(blocks: Iterable[AnyBlock]) -> Iterator[Row]:
    """Yield the rows of blocks in document order; quotes, code and HTML have no rows."""
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
                yield Row(cells[0].line, [_one_line(cell.rendered) for cell in cells], header)


def _one_line(text: str) -> str:
    return " ".join(text.split())
