"""Parsing of Markdown documents into blocks and sections.

markdown-it-py takes time in proportion to a document's length, with one exception. Every line costs extra for
each list and quote that contains it, even if it only continues a paragraph. Many short lines are therefore
expensive. Within the limits below, the worst document takes a few seconds, an ordinary one of its size one.
"""

from __future__ import annotations

import re
from functools import cache, cached_property
from itertools import accumulate

from specguard.declaration.characters import invisible_positions, kind_of
from specguard.documents.blocks import (
    Fence,
    Footnote,
    Heading,
    Html,
    List,
    ListItem,
    Paragraph,
    Quote,
    Table,
    Text,
    all_texts,
    rows,
    sections_of,
)
from specguard.documents.data import Data, Problem, UnreadableDocument, read_data, utf8_problem
from specguard.documents.inline import TAGS, UNENDING, Hidden, Hiding, LineCounter, normal_label
from specguard.model import TYPE_CHECKING, Record, grouped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, Final, Literal, Self

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    from specguard.documents.blocks import AnyBlock, Row, Section
    from specguard.documents.dates import Stamp
    from specguard.documents.fields import Field
    from specguard.documents.list_items import Ticked


class Document:
    r"""A Markdown document.

    Args:
        text: the source. Only `\n` ends a line; a byte-order mark and carriage returns are not part of the
            lines.

    Attributes:
        problem: the reason why it could not be read; None if it could.
        marked: True if it begins with a byte-order mark.
        blocks: the blocks that a reader of the rendered page sees, in order.
        hidden_blocks: the blocks inside hidden HTML.
        hidden_parts: the HTML comments, and other text that HTML hides, in order.
        definitions: the link reference definitions, in order.
        unseen_footnotes: the blocks of footnotes that no text refers to, in order.
        last_line: the number of its last line.
        source_lines: the lines of the source.

    Raises:
        UnreadableDocument: it is larger or deeper than the limits in `specguard.documents.document`.
    """

    def __init__(self, text: str) -> None:
        self.marked = text.startswith("\ufeff")
        text = text.removeprefix("\ufeff")
        lines = [line.removesuffix("\r").replace("\r", " ") for line in text.split("\n")]
        self.problem: Problem | None = None
        self.source_lines: Sequence[str] = lines
        self.last_line = len(lines) - (len(lines) > 1 and not lines[-1])
        self._front = _front_matter(lines)
        if self._front is not None:
            lines = [*[""] * (self._front.end), *lines[self._front.end :]]
        problem = limit_problem(lines)
        if problem is not None:
            raise UnreadableDocument(problem)
        self.hidden_blocks: list[AnyBlock] = []
        self.hidden_parts: list[Hidden] = []
        self.definitions: Sequence[Definition] = ()
        self.unseen_footnotes: Sequence[AnyBlock] = ()
        self.blocks: Sequence[AnyBlock] = BlockReader(self, "\n".join(lines)).read()

    @classmethod
    def unread(cls, problem: Problem) -> Self:
        """Create a document that could not be read; it has no content."""
        document = cls("")
        document.problem = problem
        return document

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Parse a file's bytes; an unreadable file gives a document with a `problem`, not an exception."""
        if b"\0" in content:
            line = content.count(b"\n", 0, content.index(b"\0")) + 1
            return cls.unread(Problem("it is a binary file: it has a NUL byte", line))
        try:
            return cls(content.decode("utf-8"))
        except UnicodeDecodeError as error:
            return cls.unread(utf8_problem(error))
        except UnreadableDocument as error:
            return cls.unread(error.problem)

    @property
    def front_matter(self) -> str | None:
        """The text of the front matter, which begins on line 2; None without front matter."""
        return self._front.text if self._front else None

    @cached_property
    def properties(self) -> Data:
        """The parsed front matter at the very beginning: YAML between `---` lines, or TOML between `+++`.

        The value is a mapping, empty without front matter, and None if it cannot be read.
        """
        if self.problem is not None:
            return Data(None, problem=self.problem)
        if self._front is None:
            return Data({})
        data = read_data(self._front.text, self._front.kind, first=2)
        if data.problem is not None or isinstance(data.value, dict):
            return data
        not_keys = Problem("its front matter is not a mapping of keys", 2)
        return Data({}) if data.value is None else Data(None, problem=not_keys)

    @cached_property
    def sections(self) -> Sequence[Section]:
        """The section of every heading in order; a section includes its subsections."""
        return sections_of(self.blocks, self.last_line)

    def commented(self) -> Iterator[tuple[int, str]]:
        """Yield the lines of HTML comments, each with the first line number of its comment."""
        for part in self.hidden_parts:
            for line in part.text.split("\n") if part.what == "comment" else ():
                yield part.line or 1, line

    @cached_property
    def ticked(self) -> Sequence[Ticked]:
        """The ticked items of the checklists, in order."""
        from specguard.documents.list_items import ticked_items

        found: list[Ticked] = []
        above: list[tuple[int, str]] = []
        for block in self.blocks:
            if isinstance(block, Heading):
                above = [(block.level, block.text.plain), *(one for one in above if one[0] < block.level)]
            found += ticked_items([block], tuple(words for _, words in above))
        return found

    def section(self, *titles: str) -> Section | None:
        """Return the first section with one of these titles; None if there is none.

        A heading with invisible characters that writing does not need never matches, because a search for the
        title does not find it either.
        """
        return next((section for section in self.entitled(*titles) if not section.has_invisible), None)

    def entitled(self, *titles: str) -> Sequence[Section]:
        """Return all sections with one of these titles; exact matches come before headings with a remark."""
        from specguard.documents.fields import find_sections

        return find_sections(self, *titles)

    def rows(self, section: Section | None = None) -> Iterator[Row]:
        """Yield the rows of the document, or of one section, in order."""
        return rows(self.blocks if section is None else section.blocks)

    def fields(self, *names: str) -> Sequence[Field]:
        """Return the fields with one of these names; fields of the front matter come first."""
        from specguard.documents.fields import find_fields, read_fields

        return find_fields(read_fields(self), *names)

    @property
    def stamps(self) -> Sequence[Stamp]:
        """The times of the document's entries."""
        from specguard.documents.dates import read_times

        return read_times(self).stamps


class _FrontMatter(Record):
    """Front matter.

    Attributes:
        kind: its data format.
        text: its lines.
        end: the number of its last line, which closes it.
    """

    kind: Literal["yaml", "toml"]
    text: str
    end: int


def _front_matter(lines: Sequence[str]) -> _FrontMatter | None:
    """Return the front matter; None if there is none, or if it is never closed."""
    first = lines[0].rstrip()
    if first not in {"---", "+++"}:
        return None
    ends = {"---", "..."} if first == "---" else {"+++"}
    for position, line in enumerate(lines[1:], start=1):
        if line.rstrip() in ends:
            text = "".join(f"{inside}\n" for inside in lines[1:position])
            return _FrontMatter("yaml" if first == "---" else "toml", text, position + 1)
    return None


class Definition(Record):
    """A link reference definition; it is invisible to a reader.

    Attributes:
        label: its normalized label.
        target: its target.
        title: its title; empty if it has none.
        line: its line, from 1.
    """

    label: str
    target: str
    title: str
    line: int


class BlockReader:
    """Parses a document's blocks, and records the document's hidden parts in it.

    Args:
        document: the document.
        text: its text without front matter, within the limits of `limit_problem`.

    Raises:
        UnreadableDocument: lists and quotes are nested too deeply to read all of it.
    """

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        self._tokens = self._parse(text)
        self._references = {one.label: one.target for one in reversed(document.definitions)}
        self._footnotes: list[Footnote] = []
        self._hiding = Hiding()

    def read(self) -> Sequence[AnyBlock]:
        """Return the blocks that a reader of the rendered page sees, in order."""
        blocks = self._blocks(self._tokens, nested=False)
        if self._footnotes:
            self._hide_footnotes(blocks)
        self._document.hidden_parts.sort(key=lambda part: part.line or 0)
        return blocks

    def _parse(self, text: str) -> Sequence[Token]:
        """Return the outermost tokens, each with the tokens between it and its closing token as children."""
        parser = _parser("[^" in text)
        environment: dict[str, Any] = {}
        tokens = parser.parse(text, environment)
        found = [(label, one) for label, one in environment.get("references", {}).items()]
        found += [(one["label"], one) for one in environment.get("duplicate_refs", ())]
        defined = (Definition(label, one["href"], one["title"], one["map"][0] + 1) for label, one in found)
        self._document.definitions = sorted(defined, key=lambda definition: definition.line)
        levels: list[list[Token]] = [[]]
        for token in tokens:
            if token.nesting == -1:
                levels.pop()
                continue
            levels[-1].append(token)
            if token.nesting == 1:
                token.children = []
                levels.append(token.children)
            if len(levels) > MAX_NESTING:
                raise UnreadableDocument(Problem("lists and quotes are nested too deeply", _line(token)))
        return levels[0]

    def _blocks(self, tokens: Sequence[Token], *, nested: bool) -> list[AnyBlock]:
        found: list[AnyBlock] = []
        outer, self._hiding = self._hiding, Hiding(self._document.hidden_parts)
        for token in tokens:
            hidden = self._hiding.element
            if token.type == "html_block":
                content = self._hiding.block(token.content, _line(token))
                if content.strip():
                    found.append(Html(content, _line(token)))
            elif (block := self._block(token, nested=nested)) is not None:
                (self._document.hidden_blocks if hidden else found).append(block)
        self._hiding = self._hiding if self._hiding.element in UNENDING else outer
        return found

    def _block(self, token: Token, *, nested: bool) -> AnyBlock | None:
        line = _line(token)
        inner = token.children or ()
        kind = token.type
        if kind == "heading_open":
            text = self._text(inner, line)
            # A heading in a list or quote is a text there, and begins no section.
            return Paragraph(text) if nested else Heading(int(token.tag[1:]), text, line)
        if kind == "paragraph_open":
            text = self._text(inner, line)
            return Paragraph(text) if text.raw.strip() else None
        if kind in {"bullet_list_open", "ordered_list_open"}:
            ordered = kind == "ordered_list_open"
            return List([self._item(one, ordered=ordered) for one in inner], ordered=ordered, line=line)
        if kind == "blockquote_open":
            return Quote(self._blocks(inner, nested=True), line)
        if kind == "footnote_reference_open":
            footnote = Footnote(token.meta["label"], self._blocks(inner, nested=True), line)
            self._footnotes.append(footnote)
            return footnote
        if kind == "table_open":
            rows = [row for part in inner for row in part.children or ()]
            header, *others = (
                [self._text(cell.children or (), _line(row)) for cell in row.children or ()] for row in rows
            )
            return Table(header, others, line)
        if kind == "fence":
            return Fence(token.info.strip(), token.content, line=line, first=line + 1, nested=nested)
        if kind == "code_block":
            return Fence("", token.content, line=line, first=line, nested=nested)
        return None

    def _item(self, token: Token, *, ordered: bool) -> ListItem:
        number = int(token.info) if ordered and token.info else None
        return ListItem(self._blocks(token.children or (), nested=True), number=number, line=_line(token))

    def _hide_footnotes(self, visible: Sequence[AnyBlock]) -> None:
        """Remove the blocks of footnotes that no visible text refers to: the page does not show them.

        A footnote that another footnote refers to is visible if that one is.
        """
        by_label = grouped((normal_label(f"^{one.label}"), (one, one.blocks)) for one in self._footnotes)
        for one in self._footnotes:
            one.blocks = ()
        pending: list[Sequence[AnyBlock]] = [visible]
        for blocks in pending:
            for label in {label for text in all_texts(blocks) for label in text.labels}:
                for one, content in by_label.pop(label, ()):
                    one.blocks = content
                    pending.append(content)
        unseen = [block for ones in by_label.values() for _, content in ones for block in content]
        self._document.unseen_footnotes = sorted(unseen, key=lambda block: block.line)

    def _text(self, inner: Sequence[Token], line: int) -> Text:
        """Return the text of a block that contains only text."""
        raw = inner[0].content
        if "<" in raw:
            # The content of a hidden element is like a document of its own.
            hiding = Hiding(self._document.hidden_parts) if self._hiding.element else self._hiding
            raw = hiding.inline(raw, line)
        return Text(raw, line, self._references)


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 1


@cache
def _parser(footnotes: bool) -> MarkdownIt:
    """Create the parser of blocks; inline content is parsed separately, from its source.

    Args:
        footnotes: True to parse footnotes, which imports a plugin.
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable("table").disable("inline")
    if footnotes:
        from mdit_py_plugins.footnote.index import footnote_def

        # Only the block rule of the plugin is used, so that footnotes stay in their place.
        parser.block.ruler.before(
            "reference", "footnote_def", footnote_def, {"alt": ["paragraph", "reference"]}
        )
    return parser


MAX_CHARACTERS: Final = 4 << 20
"""The maximum number of characters of a document."""

MAX_LINES: Final = 100_000
"""The maximum number of lines of a document."""

MAX_CELLS: Final = 200_000
"""The maximum number of bars (`|`) of a document with tables."""

MAX_NESTING: Final = 200
"""The maximum nesting depth of quotes and list items; a list and its item count as two.

Deeper documents are refused: markdown-it silently drops deeper content. Without its limit, both markdown-it
and the reader of its tokens would raise `RecursionError`.
"""

MAX_LEVELS: Final = 1_000_000
"""The maximum sum, over all lines, of the lists and quotes that contain the line.

A mark that opens a list or quote counts `MARK_COST` times, since it is that much more expensive than a
contained line.
"""

MARK_COST: Final = 8

_SAFE_SIZE: Final = (100_000, 5000)
"""A document below these numbers of characters and lines cannot exceed any limit."""

_DELIMITERS: Final = re.compile(r"(?=[^|]*+\|)[-+*>0-9.) \t]*+[-:|\s]*+")
_DEEPEST: Final = MAX_NESTING // 2
_PREFIX: Final = re.compile(r"(?:[ \t]*+(?:>|(?:[-+*]|[0-9]{1,9}[.)])(?=[ \t]|$)))*[ \t]*+")
_MARK: Final = re.compile(r"[-+*>]|[.)]")


def limit_problem(lines: Sequence[str]) -> Problem | None:
    """Return the reason why a document is too large to parse; None if it is not.

    Args:
        lines: its lines.
    """
    size = sum(map(len, lines)) + len(lines)
    if size < _SAFE_SIZE[0] and len(lines) < _SAFE_SIZE[1]:
        return None
    if len(lines) > MAX_LINES:
        return Problem(f"it has more than {MAX_LINES} lines", MAX_LINES + 1)
    if at := _line_beyond(MAX_CHARACTERS, (len(line) + 1 for line in lines)):
        return Problem(f"it has more than {MAX_CHARACTERS} characters", at)
    at = _line_beyond(MAX_CELLS, (line.count("|") for line in lines))
    if at and any(map(_DELIMITERS.fullmatch, lines)):
        return Problem(f"its tables have more than {MAX_CELLS} cells", at)
    at = _line_beyond(MAX_LEVELS, _nesting_costs(lines))
    return Problem("its lists and quotes are nested too deeply over too many lines", at) if at else None


def _line_beyond(limit: int, amounts: Iterable[int]) -> int:
    """Return the line, from 1, up to which the sum of amounts exceeds a limit; 0 if it never does."""
    return next((line for line, total in enumerate(accumulate(amounts), start=1) if total > limit), 0)


def _nesting_costs(lines: Sequence[str]) -> Iterator[int]:
    """Yield for each line the lists and quotes that contain it, as in `MAX_LEVELS`; it is an upper bound."""
    depth, after_blank = 0, True
    for line in lines:
        found = _PREFIX.match(line)
        prefix = found[0] if found else ""
        marks = len(_MARK.findall(prefix))
        is_blank = len(prefix) == len(line) and not marks
        if not is_blank:
            # Indentation keeps a line in open lists and quotes; right after a line of text, none is needed.
            line_depth = marks + min(len(prefix.expandtabs(4)) // 2, depth)
            depth = min(line_depth if after_blank else max(line_depth, depth), _DEEPEST)
        yield 0 if is_blank else depth + MARK_COST * marks
        after_blank = is_blank


_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]|\r(?![\r\n]|\Z)")
_MAY_HIDE: Final = re.compile(rb"<[a-zA-Z!?/]|&[a-zA-Z#]|(?m:^[ \t>*+0-9.)-]*+\[[^\]\n]+\]:)")
_WORDS: Final = re.compile(r"\w\w+")
# Ranges of invisible characters that spell a text: the first, the end, and the one for a zero byte.
_SPELLING: Final = ((0xE0020, 0xE007F, 0xE0000), (0xFE00, 0xFE10, 0xFE00), (0xE0100, 0xE01F0, 0xE00F0))


def find_hidden(content: bytes, document: Callable[[], Document] | None = None) -> Iterator[Hidden]:
    """Yield the hidden text of a file; hidden characters come first.

    Args:
        content: the bytes of the file, without a byte-order mark at the beginning.
        document: returns the file as a Markdown document. It is called only if the file may hide text. None
            if the file is not Markdown.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = utf8_problem(error)
        yield Hidden("unread", problem.line, problem.message)
        return
    if not content.isascii() or _CONTROL.search(content):
        yield from hidden_characters(text, 1)
    if document is not None and _MAY_HIDE.search(content):
        yield from hidden_text(document())


def hidden_characters(text: str, line: int) -> Iterator[Hidden]:
    """Yield the invisible characters of a text that writing does not need, grouped by line and kind.

    Args:
        text: the text.
        line: the line of its first character.
    """
    lines = LineCounter(text, line)
    found = grouped(((lines.line_at(at), kind_of(text[at])), text[at]) for at in invisible_positions(text))
    for (at, what), chars in found.items():
        yield Hidden(what, at, _spelled_text("".join(chars)), "".join(chars))


def _spelled_text(chars: str) -> str:
    """Return the text that tag characters and selectors spell; empty if it is not readable."""
    spelt = "".join(
        chr(ord(char) - zero) for char in chars for first, end, zero in _SPELLING if first <= ord(char) < end
    )
    return spelt if len(spelt) > 1 and spelt.isprintable() else ""


def hidden_text(document: Document) -> Iterator[Hidden]:
    """Yield the text that Markdown and HTML hide: comments, hidden elements, unreferenced parts."""
    if document.problem is not None:
        yield Hidden("unread", document.problem.line, document.problem.message)
        return
    found = [one for one in document.hidden_parts if one.what == "comment"]
    for part in document.hidden_parts:
        words = TAGS.sub(" ", part.text)
        if part.what == "html" and _WORDS.search(words):
            found.append(Hidden("html", part.line, " ".join(words.split())))
    for what, blocks in (("html", document.hidden_blocks), ("footnote", document.unseen_footnotes)):
        lines = [(block.line, document.source_lines[block.line - 1]) for block in blocks[:1]]
        found += [Hidden(what, line, " ".join(text.split())) for line, text in lines]
    found += _hidden_definitions(document)
    for text in all_texts(document.blocks):
        # The page contains characters that the source has only as the names of entities.
        if "&" in text.raw:
            found += hidden_characters(" ".join(text.rendered.split("\n")), text.line)
    yield from sorted(found, key=lambda one: one.line or 0)


def _hidden_definitions(document: Document) -> Iterator[Hidden]:
    """Yield unreferenced link definitions that seem to be written for their words."""
    if not document.definitions:
        return
    used = {label for text in all_texts(document.blocks) for label in text.labels}
    titles = {normal_label(section.heading.text.plain) for section in document.sections}
    for one in document.definitions:
        if one.label in used:
            continue
        label = "" if one.label in titles else one.label
        longest = max(one.title, label, one.target, key=lambda words: len(_WORDS.findall(words)))
        if one.title and (one.target in {"", "#"} or len(one.title.split()) > 2):
            yield Hidden("definition", one.line, one.title)
        elif len(longest.replace("%20", " ").split()) > 2:
            yield Hidden("definition", one.line, longest)
