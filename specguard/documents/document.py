"""Reading a Markdown document into blocks and sections."""

from __future__ import annotations

import re

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
from specguard.errors import MissingFact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from markdown_it.token import Token

    from specguard.documents.blocks import AnyBlock

MAX_NESTING: Final = 200
"""How deep quotes and the items of lists may be nested, a list and its item counted as two.

What is deeper is refused: markdown-it drops it without a word, and without a limit it and the reader below
would end in a `RecursionError`.
"""

_NUMBERING: Final = re.compile(r"(?:§\s*)?(?:[0-9]+(?:\.[0-9]+)*[a-z]?[.):]?|(?:[a-z]|[ivxl]+)[.):])\s+")
_BRACKETS: Final = re.compile(r"[(\uff08\[【][^()\uff08\uff09\[\]【】]*[)\uff09\]】]")
_SUFFIX: Final = re.compile(r"\s[-\u2013—]+\s.*|[—:\uff1a].*")


class Section:
    """A heading and all below it up to the next heading of its level or a higher one.

    Attributes:
        heading: its heading.
        blocks: what it holds, the headings of its subsections among it.
        end: the last line, from 1.
    """

    __slots__ = ("blocks", "end", "heading")

    def __init__(self, heading: Heading, blocks: Sequence[AnyBlock], end: int) -> None:
        self.heading = heading
        self.blocks = blocks
        self.end = end

    @property
    def line(self) -> int:
        """The heading's line."""
        return self.heading.line

    @property
    def empty(self) -> bool:
        """Whether a reader sees nothing below the heading but headings."""
        return all(isinstance(block, Heading) for block in self.blocks)


class Document:
    r"""A Markdown document.

    Args:
        text: its text; lines end at `\n` alone, and neither a byte-order mark nor a carriage return is part
            of them.

    Attributes:
        front_matter: the YAML between `---` at its very beginning, from line 2; None where there is none.
        blocks: what stands in it, in order.
        last_line: the number of its last line.

    Raises:
        MissingFact: lists and quotes are nested so deep that not all of it can be read.
    """

    __slots__ = ("blocks", "front_matter", "last_line")

    def __init__(self, text: str) -> None:
        text = text.removeprefix("\ufeff")
        lines = [line.removesuffix("\r").replace("\r", " ") for line in text.split("\n")]
        self.last_line = len(lines) - (len(lines) > 1 and not lines[-1])
        self.front_matter = _front_matter(lines)
        if self.front_matter is not None:
            count = self.front_matter.count("\n") + 2
            lines[:count] = [""] * count
        self.blocks = _Reader(_tokens("\n".join(lines))).blocks(nested=False)

    @property
    def sections(self) -> Iterator[Section]:
        """Every heading's section; that of a lower heading lies within that of the higher one."""
        for position, block in enumerate(self.blocks):
            if not isinstance(block, Heading):
                continue
            inside: list[AnyBlock] = []
            end = self.last_line
            for following in self.blocks[position + 1 :]:
                if isinstance(following, Heading) and following.level <= block.level:
                    end = following.line - 1
                    break
                inside.append(following)
            yield Section(block, inside, end)

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


def normal_title(title: str) -> str:
    """A heading's words alone, for comparison.

    Case, numbering, what stands in brackets or behind a dash or colon, and punctuation do not count:
    `3. LOCKED ZONES (immutable)` and `Locked zones - do not modify` are both `locked zones`.
    """
    words = _BRACKETS.sub(" ", title.casefold()).strip()
    numbering = _NUMBERING.match(words)
    words = words[numbering.end() :] if numbering else words
    words = _SUFFIX.sub("", words)
    return " ".join("".join(char if char.isalnum() or char.isspace() else " " for char in words).split())


def _front_matter(lines: Sequence[str]) -> str | None:
    """The front matter's text; None where there is none, or where it is never closed."""
    if lines[0].rstrip() != "---":
        return None
    for position, line in enumerate(lines[1:], start=1):
        if line.rstrip() in {"---", "..."}:
            return "".join(f"{inside}\n" for inside in lines[1:position])
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
