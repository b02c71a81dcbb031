"""Reading a Markdown document into blocks and sections."""

from __future__ import annotations

from functools import cached_property

from specguard.documents.blocks import (
    Fence,
    Heading,
    Html,
    Item,
    List,
    Paragraph,
    Quote,
    Table,
    Text,
    texts,
    without_comments,
)
from specguard.documents.problem import Problem
from specguard.documents.titles import normal_title
from specguard.errors import MissingFact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final, Literal, Self

    from markdown_it.token import Token

    from specguard.documents.blocks import AnyBlock
    from specguard.documents.data import Data

MAX_NESTING: Final = 200
"""How deep quotes and the items of lists may be nested, a list and its item counted as two.

What is deeper is refused: markdown-it drops it without a word, and without a limit it and the reader below
would end in a `RecursionError`.
"""

class Section:
    """A heading and all below it up to the next heading of its level or a higher one.

    Attributes:
        heading: its heading.
        end: the last line, from 1.
        parent: the section it lies in; None at the top.
        children: the sections that lie in it, without those that lie in one of them.
    """

    __slots__ = ("_blocks", "_own", "_start", "_stop", "children", "end", "heading", "parent")

    def __init__(
        self, heading: Heading, blocks: Sequence[AnyBlock], start: int, parent: Section | None
    ) -> None:
        self.heading = heading
        self.end = 0
        self.parent = parent
        self.children: list[Section] = []
        self._blocks = blocks
        self._start = start
        self._own = self._stop = len(blocks)
        if parent is not None:
            parent.children.append(self)

    @property
    def line(self) -> int:
        """The heading's line."""
        return self.heading.line

    @property
    def level(self) -> int:
        """The heading's level, from 1 to 6."""
        return self.heading.level

    @property
    def blocks(self) -> Sequence[AnyBlock]:
        """What it holds, the headings of its subsections among it."""
        return self._blocks[self._start : self._stop]

    @property
    def own(self) -> Sequence[AnyBlock]:
        """What it holds up to its first subsection."""
        return self._blocks[self._start : self._own]

    @property
    def empty(self) -> bool:
        """Whether a reader sees nothing below the heading but headings."""
        return all(isinstance(block, Heading) for block in self.blocks)

    def seen(self, placeholders: Sequence[str] = ()) -> bool:
        """Whether a reader sees content in it: more than headings, what is hidden, and placeholders.

        Args:
            placeholders: texts that are no content, next to those that are none anywhere.
        """
        from specguard.documents.hidden import has_content

        return has_content(self.blocks, placeholders)

    def __repr__(self) -> str:
        return f"Section({self.heading!r}, {self.line}-{self.end})"


class Document:
    r"""A Markdown document.

    Args:
        text: its text; lines end at `\n` alone, and neither a byte-order mark nor a carriage return is part
            of them.

    Attributes:
        front_matter: the YAML between `---` at its very beginning, from line 2; None where there is none.
        problem: why it could not be read; None where it could.
        blocks: what stands in it, in order.
        last_line: the number of its last line.
        source_lines: its lines as they were read.

    Raises:
        MissingFact: lists and quotes are nested so deep that not all of it can be read.
    """

    def __init__(self, text: str) -> None:
        text = text.removeprefix("\ufeff")
        lines = [line.removesuffix("\r").replace("\r", " ") for line in text.split("\n")]
        self.problem: Problem | None = None
        self.source_lines: Sequence[str] = lines
        self.last_line = len(lines) - (len(lines) > 1 and not lines[-1])
        self._matter = _front_matter(lines)
        if self._matter is not None:
            lines = [*[""] * (self._matter.end), *lines[self._matter.end :]]
        self.blocks: Sequence[AnyBlock] = _Reader(_tokens("\n".join(lines))).blocks(nested=False)

    @classmethod
    def unread(cls, problem: Problem) -> Self:
        """A document that cannot be read: it has nothing in it."""
        document = cls("")
        document.problem = problem
        return document

    @classmethod
    def of(cls, content: bytes) -> Self:
        """The document that a file holds; with a `problem` where that is none, and never an exception."""
        if b"\0" in content:
            line = content.count(b"\n", 0, content.index(b"\0")) + 1
            return cls.unread(Problem("it is a binary file", line))
        try:
            return cls(content.decode("utf-8"))
        except UnicodeDecodeError as error:
            return cls.unread(Problem("it is not UTF-8", content.count(b"\n", 0, error.start) + 1))
        except MissingFact as missing:
            return cls.unread(Problem(missing.reason))

    @property
    def front_matter(self) -> str | None:
        """The text of its front matter, from line 2; None where there is none."""
        return self._matter.text if self._matter else None

    @cached_property
    def properties(self) -> Data:
        """Its front matter: YAML between lines of `---` at its very beginning, or TOML between lines of `+++`.

        The value is a mapping, empty where there is no front matter, and None where it cannot be read.
        """
        from specguard.documents.data import Data, read_data

        if self.problem is not None:
            return Data.unread(self.problem)
        if self._matter is None:
            return Data({})
        data = read_data(self._matter.text, self._matter.kind, first=2)
        if data.problem is None and data.value is None:
            return Data({})
        if data.problem is None and not isinstance(data.value, dict):
            return Data.unread(Problem("its front matter is no mapping of keys", 2))
        return data

    @cached_property
    def sections(self) -> Sequence[Section]:
        """Every heading's section in order; that of a lower heading lies within that of the higher one."""
        sections: list[Section] = []
        above: list[Section] = []
        for position, block in enumerate(self.blocks):
            if not isinstance(block, Heading):
                continue
            if above:
                above[-1]._own = min(above[-1]._own, position)
            while above and above[-1].level >= block.level:
                closed = above.pop()
                closed.end = block.line - 1
                closed._stop = position
            section = Section(block, self.blocks, position + 1, above[-1] if above else None)
            sections.append(section)
            above.append(section)
        for section in above:
            section.end = self.last_line
        return sections

    def section(self, *titles: str) -> Section | None:
        """The first section with one of these titles, compared as `normal_title` does."""
        wanted = {normal_title(title) for title in titles}
        for section in self.sections:
            if normal_title(section.heading.text.plain) in wanted:
                return section
        return None

    @property
    def texts(self) -> Iterator[Text]:
        """All running text, quotes left out."""
        return texts(self.blocks)


class _Matter:
    """Front matter.

    Attributes:
        kind: what it is written in.
        text: its lines.
        end: the number of its last line, which closes it.
    """

    __slots__ = ("end", "kind", "text")

    def __init__(self, kind: Literal["yaml", "toml"], text: str, end: int) -> None:
        self.kind = kind
        self.text = text
        self.end = end


def _front_matter(lines: Sequence[str]) -> _Matter | None:
    """The front matter; None where there is none, or where it is never closed."""
    first = lines[0].rstrip()
    if first not in {"---", "+++"}:
        return None
    ends = {"---", "..."} if first == "---" else {"+++"}
    for position, line in enumerate(lines[1:], start=1):
        if line.rstrip() in ends:
            text = "".join(f"{inside}\n" for inside in lines[1:position])
            return _Matter("yaml" if first == "---" else "toml", text, position + 1)
    return None


def _tokens(text: str) -> list[Token]:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable("table")
    # Only blocks are read here; what is inside a line is read from its source.
    parser.disable("inline")
    tokens = parser.parse(text)
    deep = next((token for token in tokens if token.level >= MAX_NESTING - 1 and token.nesting == 1), None)
    if deep is not None:
        raise MissingFact(f"lists and quotes are nested too deeply in line {_line(deep)}")
    return tokens


class _Reader:
    """Turns markdown-it's flat list of tokens into blocks."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def blocks(self, *, nested: bool) -> list[AnyBlock]:
        """The blocks up to the end of what is open."""
        found: list[AnyBlock] = []
        while self._next < len(self._tokens):
            token = self._tokens[self._next]
            self._next += 1
            if token.nesting == -1:
                break
            block = self._block(token, nested=nested)
            if block is not None:
                found.append(block)
        return found

    def _block(self, token: Token, *, nested: bool) -> AnyBlock | None:
        line = _line(token)
        if token.type == "heading_open":
            text = self._inline()
            # A heading in a list or quote is text of its own there, and divides nothing.
            return Paragraph(text) if nested else Heading(int(token.tag[1:]), text, line)
        if token.type == "paragraph_open":
            return Paragraph(self._inline())
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            return self._list(token)
        if token.type == "blockquote_open":
            return Quote(self.blocks(nested=True), line)
        if token.type == "table_open":
            return self._table(line)
        if token.type == "fence":
            return Fence(token.info.strip(), token.content, line=line, first=line + 1, nested=nested)
        if token.type == "code_block":
            return Fence("", token.content, line=line, first=line, nested=nested)
        if token.type == "html_block":
            content = without_comments(token.content)
            return Html(content, line) if content.strip() else None
        return None

    def _inline(self) -> Text:
        """The text of the block that was just opened; steps behind its end."""
        token = self._tokens[self._next]
        self._next += 2
        return Text(token.content, _line(token))

    def _list(self, opened: Token) -> List:
        items: list[Item] = []
        ordered = opened.type == "ordered_list_open"
        while self._tokens[self._next].nesting != -1:
            token = self._tokens[self._next]
            self._next += 1
            number = int(token.info) if ordered and token.info else None
            items.append(Item(self.blocks(nested=True), number=number, line=_line(token)))
        self._next += 1
        return List(items, ordered=ordered, line=_line(opened))

    def _table(self, line: int) -> Table:
        rows: list[list[Text]] = []
        row_line = line
        while True:
            token = self._tokens[self._next]
            self._next += 1
            if token.type == "table_close":
                break
            if token.type == "tr_open":
                row_line = _line(token)
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(Text(token.content, row_line))
        return Table(rows[0], rows[1:], line)


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 1
