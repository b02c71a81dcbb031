"""The parts of a Markdown document, each with the line it begins on: blocks, sections and rows."""

from __future__ import annotations

import re

from specguard.declaration.rule import Record
from specguard.documents.characters import visible
from specguard.documents.inline import Code, Hiding, Inline, LineCounter, Reference, has_pictures, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Final


# A full stop ends a sentence where no small letter follows ("e.g. this" goes on); the ideographic one always.
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])[)\"'*_`]*+\s+(?![a-z])|(?<=[。\uff01\uff1f])\s*")
# An escaped character is no mark, and stands for itself.
_EMPHASIS: Final = re.compile(r"\\([!-/:-@\[-`{-~])|\*{1,3}|(?<!\w)_{1,3}|_{1,3}(?!\w)")
_CHECKBOX: Final = re.compile(r"\[([ xX])\](?:\s|$)")
_NO_REFERENCES: Final[Mapping[str, str]] = {}


class Text:
    """Running text: a paragraph's, a table cell's or a heading's.

    Attributes:
        raw: the source, its lines without indentation, quote and list marks; what a reader does not see is
            taken out: comments, hidden HTML, and characters that show as nothing if they have no business.
        line: the line of its first character, from 1.
        strange: whether such characters were in it.
    """

    __slots__ = ("_inline", "_references", "line", "raw", "strange")

    def __init__(self, raw: str, line: int, references: Mapping[str, str] = _NO_REFERENCES) -> None:
        self.line = line
        self._references = references
        self._inline: Inline | None = None
        # Newlines stay where something is hidden, so that what follows keeps its line.
        shown = Hiding().inline(raw, 1) if "<" in raw else raw
        self.raw = visible(shown)
        self.strange = self.raw != shown

    @property
    def _parts(self) -> Inline:
        if self._inline is None:
            self._inline = Inline(self.raw, self._references)
        return self._inline

    @property
    def codes(self) -> Sequence[Code]:
        """Its code spans, in order, with their places in `raw`."""
        return self._parts.codes if "`" in self.raw else ()

    @property
    def references(self) -> Sequence[Reference]:
        """Its links and pictures with their places in `raw`, also `<url>`, in order."""
        return self._parts.links if "[" in self.raw or "<" in self.raw else ()

    @property
    def plain(self) -> str:
        """The text without the marks of emphasis, code and escapes; code keeps all its characters."""
        plain: list[str] = []
        end = 0
        for span in self.codes:
            plain += _unmarked(self.raw[end : span.start]), span.content.strip()
            end = span.end
        plain.append(_unmarked(self.raw[end:]))
        return "".join(plain)

    @property
    def rendered(self) -> str:
        """The text as a reader sees it: without marks, of a link its words, of a picture its description."""
        raw = self.raw
        if not _MARKED.search(raw):
            return raw
        parts = self._parts
        cuts = [(span.start, span.end, span.content.strip()) for span in parts.codes]
        cuts += [(tag.start, tag.end, "\n" if tag.name == "br" else "") for tag in parts.tags]
        cuts += [(position, position + 2, raw[position + 1]) for position in parts.escapes]
        for link in parts.links:
            cuts += [(link.start, link.text_start, ""), (link.text_end, link.end, "")]
        rendered: list[str] = []
        end = 0
        for start, stop, instead in sorted(cuts):
            if start >= end:
                rendered += _plain(raw[end:start]), instead
                end = stop
        return "".join([*rendered, _plain(raw[end:])])

    @property
    def spans(self) -> list[str]:
        """The contents of its code spans, in order."""
        return [span.content.strip().replace("\n", " ") for span in self.codes]

    @property
    def links(self) -> list[Link]:
        """Its links and pictures in order, also `<url>` and those that refer to a definition elsewhere."""
        lines = LineCounter(self.raw, self.line)
        return [
            Link(_plain(self.raw[one.text_start : one.text_end]), one.target, lines.at(one.start))
            for one in self.references
        ]

    @property
    def labels(self) -> set[str]:
        """Texts in square brackets without a target, in normal form: they may name a definition."""
        return self._parts.labels if "[" in self.raw else set()

    @property
    def pictures(self) -> bool:
        """True if it shows a picture."""
        if any(link.picture for link in self.references):
            return True
        return "<" in self.raw and any(tag.is_picture for tag in self._parts.tags)

    def sentences(self) -> Iterator[Text]:
        """Its sentences, each with its own line."""
        start = 0
        lines = LineCounter(self.raw, self.line)
        for end in [*_SENTENCE_END.finditer(self.raw), None]:
            part = self.raw[start : end.start() if end else None]
            stripped = part.lstrip()
            if stripped.strip():
                line = lines.at(start + len(part) - len(stripped))
                yield Text(stripped.rstrip(), line, self._references)
            start = end.end() if end else start

    def __repr__(self) -> str:
        return f"Text({self.raw!r}, {self.line})"


class Link(Record):
    """A link.

    Attributes:
        text: what it says.
        target: where it leads, as written.
        line: its line, from 1.
    """

    text: str
    target: str
    line: int


class Heading(Record):
    """A heading that stands in nothing else.

    Attributes:
        level: from 1 to 6.
        text: what it says.
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
        ordered: whether its items are numbered.
        items: its own items; a list within one of them is a block of that item.
    """

    items: Sequence[ListItem]
    ordered: bool
    line: int


class ListItem(Record):
    """An item of a list.

    Attributes:
        number: the number it is written with; None in a list that has none.
        blocks: what it holds; its own text is the first one where that is a paragraph.
    """

    blocks: Sequence[AnyBlock]
    number: int | None
    line: int

    @property
    def checked(self) -> bool | None:
        """True if its checkbox is ticked; None if it has none."""
        box = _CHECKBOX.match(self.text.raw)
        return None if box is None else box[1] != " "

    @property
    def text(self) -> Text:
        """The text it begins with, its checkbox included; empty if it begins with something else."""
        first = self.blocks[0] if self.blocks else None
        return first.text if isinstance(first, Paragraph) else Text("", self.line)

    @property
    def rest(self) -> Sequence[AnyBlock]:
        """The blocks behind the text it begins with."""
        return self.blocks[1:] if self.blocks and isinstance(self.blocks[0], Paragraph) else self.blocks


class Table(Record):
    """A table; every cell has the line of its row."""

    header: Sequence[Text]
    rows: Sequence[Sequence[Text]]
    line: int


class Fence(Record):
    """A block of code, fenced or (with no info) indented.

    Attributes:
        info: what stands behind the fence, e.g. `toml specguard`.
        content: its text, with a newline at the end of each line.
        line: the line of the fence.
        first: the line of the content's first line.
        nested: whether it stands in a list or a quote.
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
    """HTML that a reader sees something of; a comment alone is none.

    Attributes:
        content: its source without what is hidden.
    """

    content: str
    line: int

    @property
    def text(self) -> str:
        """The text that a reader sees."""
        return _entities(text_of(self.content))

    @property
    def pictures(self) -> bool:
        """True if it shows a picture."""
        return has_pictures(self.content)


class Footnote(Record, frozen=False):
    """The text of a footnote; a reader sees it at the end of the page.

    Attributes:
        label: how the text refers to it, without brackets and caret.
        blocks: what it holds; nothing if no text refers to it, and so no reader sees it.
    """

    label: str
    blocks: Sequence[AnyBlock]
    line: int


if TYPE_CHECKING:
    AnyBlock = Heading | Paragraph | List | Table | Fence | Quote | Html | Footnote


_MARKED: Final = re.compile(r"[`<\\\[*_&]")


def _plain(text: str) -> str:
    """Text without the marks of emphasis, and with the characters that entities stand for."""
    return _entities(_unmarked(text))


def _unmarked(text: str) -> str:
    """Text without the marks of emphasis; of what is escaped, the character that is meant."""
    return _EMPHASIS.sub(_meant if "\\" in text else "", text)


def _meant(mark: re.Match[str]) -> str:
    return mark[1] or ""


def _entities(text: str) -> str:
    if "&" not in text:
        return text
    # The table of all names is large, and few texts need it.
    from html import unescape

    return unescape(text)


def flat(blocks: Iterable[AnyBlock], *, quotes: bool = False) -> Iterator[AnyBlock]:
    """Blocks in document order, with what stands in the items of lists and in footnotes in place of these.

    Args:
        blocks: the blocks.
        quotes: whether what stands in quotes is among it, which are left out else.
    """
    for block in blocks:
        if isinstance(block, List):
            for item in block.items:
                yield from flat(item.blocks, quotes=quotes)
        elif isinstance(block, Footnote) or (quotes and isinstance(block, Quote)):
            yield from flat(block.blocks, quotes=quotes)
        elif not isinstance(block, Quote):
            yield block


def texts(blocks: Iterable[AnyBlock]) -> Iterator[Text]:
    """All running text in document order: paragraphs, items and cells, quotes left out."""
    for block in flat(blocks):
        if isinstance(block, Paragraph):
            yield block.text
        elif isinstance(block, Table):
            yield from (cell for row in block.rows for cell in row)


def fences(blocks: Iterable[AnyBlock]) -> Iterator[Fence]:
    """All blocks of code in document order, also in lists; those in quotes are left out."""
    return (block for block in flat(blocks) if isinstance(block, Fence))


def tables(blocks: Iterable[AnyBlock]) -> Iterator[Table]:
    """All tables in document order, also in lists; those in quotes are left out."""
    return (block for block in flat(blocks) if isinstance(block, Table))


def all_texts(blocks: Iterable[AnyBlock]) -> Iterator[Text]:
    """All text in document order, also that of headings, quotes and the headers of tables."""
    for block in flat(blocks, quotes=True):
        if isinstance(block, Heading | Paragraph):
            yield block.text
        elif isinstance(block, Table):
            yield from (cell for row in (block.header, *block.rows) for cell in row)


class Section(Record):
    """A heading and all below it up to the next heading of its level or a higher one.

    Attributes:
        heading: its heading.
        blocks: its blocks, with the headings of its subsections.
        own: its blocks before the first subsection.
        end: the last line, from 1.
    """

    heading: Heading
    blocks: Sequence[AnyBlock]
    own: Sequence[AnyBlock]
    end: int

    @property
    def line(self) -> int:
        """The heading's line."""
        return self.heading.line

    @property
    def level(self) -> int:
        """The heading's level, from 1 to 6."""
        return self.heading.level


def sections_of(blocks: Sequence[AnyBlock], last_line: int) -> list[Section]:
    """The sections that headings divide blocks into, in order, those within others behind these.

    Args:
        blocks: a document's blocks.
        last_line: its last line.
    """
    sections: list[Section] = []
    # Where the next heading stands that is at most so low.
    following = [len(blocks)] * 7
    for at in range(len(blocks) - 1, -1, -1):
        block = blocks[at]
        if isinstance(block, Heading):
            stop = following[block.level]
            end = blocks[stop].line - 1 if stop < len(blocks) else last_line
            sections.append(Section(block, blocks[at + 1 : stop], blocks[at + 1 : following[6]], end))
            following[block.level :] = [at] * (7 - block.level)
    return sections[::-1]


class Row(Record):
    """An item, a row of a table, a heading or a line of a paragraph, as a reader sees it.

    Attributes:
        line: where it begins, from 1.
        cells: its cells; of what is no row of a table the one text.
        header: the titles of the table's columns; none for what is no row of a table.
    """

    line: int
    cells: Sequence[str]
    header: Sequence[str] = ()

    def cell(self, title: str) -> str:
        """The cell below a title, compared without case and spaces around it; empty if there is none."""
        wanted = title.casefold().strip()
        named = zip(self.cells, self.header, strict=False)
        return next((cell for cell, name in named if name.casefold().strip() == wanted), "")

    def says(self, title: str = "") -> bool:
        """True if a cell says something, or the one below a title does."""
        from specguard.documents.completeness import is_content

        return any(map(is_content, [self.cell(title)] if title else self.cells))


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
