"""Reading a Markdown document into blocks and sections.

markdown-it-py takes time in proportion to a document's length, but for one thing: every line costs once more
for each list and quote that it stands in, also where it only continues a paragraph of one. Short lines are
the dear ones. Within these limits the worst document takes a few seconds, an ordinary one of its size one.
"""

from __future__ import annotations

import re
from functools import cache, cached_property

from specguard.declaration.rule import Record
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
    texts,
)
from specguard.documents.characters import strange
from specguard.documents.data import Data, Problem, UnreadDocument, not_utf8, read_data
from specguard.documents.inline import TAGS, Hidden, Hiding, LineCounter, normal_label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, Final, Literal, Self

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    from specguard.documents.blocks import AnyBlock, Row, Section
    from specguard.documents.completeness import Ticked
    from specguard.documents.dates import Stamp
    from specguard.documents.fields import Field


class Document:
    r"""A Markdown document.

    Args:
        text: its text; lines end at `\n` alone, and neither a byte-order mark nor a carriage return is part
            of them.

    Attributes:
        problem: why it could not be read; None if it could.
        marked: whether it begins with a byte-order mark.
        blocks: what a reader of the rendered page sees, in order.
        hidden_blocks: the blocks that stand in hidden HTML.
        hidden_parts: its HTML comments, and what else HTML hides, in order.
        definitions: its link reference definitions, in order.
        unseen_footnotes: what the footnotes hold that no text refers to, in order.
        last_line: the number of its last line.
        source_lines: its lines as they were read.

    Raises:
        UnreadDocument: it is larger or deeper than `specguard.documents.document` allows.
    """

    def __init__(self, text: str) -> None:
        self.marked = text.startswith("\ufeff")
        text = text.removeprefix("\ufeff")
        lines = [line.removesuffix("\r").replace("\r", " ") for line in text.split("\n")]
        self.problem: Problem | None = None
        self.source_lines: Sequence[str] = lines
        self.last_line = len(lines) - (len(lines) > 1 and not lines[-1])
        self._matter = _front_matter(lines)
        if self._matter is not None:
            lines = [*[""] * (self._matter.end), *lines[self._matter.end :]]
        problem = beyond_limits(lines)
        if problem is not None:
            raise UnreadDocument(problem)
        self.hidden_blocks: list[AnyBlock] = []
        self.hidden_parts: list[Hidden] = []
        self.definitions: Sequence[Definition] = ()
        self.unseen_footnotes: Sequence[AnyBlock] = ()
        self.blocks: Sequence[AnyBlock] = BlockReader(self, "\n".join(lines)).read()

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
            return cls.unread(Problem("it is a binary file: it has a NUL byte", line))
        try:
            return cls(content.decode("utf-8"))
        except UnicodeDecodeError as error:
            return cls.unread(not_utf8(error))
        except UnreadDocument as error:
            return cls.unread(error.problem)

    @property
    def front_matter(self) -> str | None:
        """The text of its front matter, from line 2; None if there is none."""
        return self._matter.text if self._matter else None

    @cached_property
    def properties(self) -> Data:
        """Its front matter, at its very beginning: YAML between `---` and `---`, or TOML between `+++`.

        The value is a mapping, empty if there is no front matter, and None if it cannot be read.
        """
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
        return sections_of(self.blocks, self.last_line)

    def commented(self) -> Iterator[tuple[int, str]]:
        """The lines of its comments, each with the number of the line on which its comment begins."""
        for part in self.hidden_parts:
            for line in part.text.split("\n") if part.what == "comment" else ():
                yield part.line or 1, line

    @cached_property
    def ticked(self) -> Sequence[Ticked]:
        """The ticked items of its checklists, in order."""
        from specguard.documents.completeness import ticked_items

        return list(ticked_items(self.blocks))

    def section(self, *titles: str) -> Section | None:
        """The first section with one of these titles, compared as `find_section` does."""
        from specguard.documents.fields import find_section

        return find_section(self, titles[0], aliases=titles[1:])

    def entitled(self, title: str, *aliases: str) -> Sequence[Section]:
        """All sections with a title or one of its aliases, first those that say just that."""
        from specguard.documents.fields import find_sections

        return find_sections(self, title, aliases=aliases)

    def rows(self, section: Section | None = None) -> Iterator[Row]:
        """The rows of its blocks, or of those of a section, in their order."""
        return rows(self.blocks if section is None else section.blocks)

    def fields(self, *names: str) -> Sequence[Field]:
        """The fields that have one of some names, those of its front matter first."""
        from specguard.documents.fields import find_fields, read_fields

        return find_fields(read_fields(self), *names)

    @property
    def stamps(self) -> Sequence[Stamp]:
        """The times of its entries."""
        from specguard.documents.dates import read_times

        return read_times(self).stamps

    @property
    def texts(self) -> Iterator[Text]:
        """All running text, quotes left out."""
        return texts(self.blocks)


class _Matter(Record):
    """Front matter.

    Attributes:
        kind: what it is written in.
        text: its lines.
        end: the number of its last line, which closes it.
    """

    kind: Literal["yaml", "toml"]
    text: str
    end: int


def _front_matter(lines: Sequence[str]) -> _Matter | None:
    """The front matter; None if there is none, or where it is never closed."""
    first = lines[0].rstrip()
    if first not in {"---", "+++"}:
        return None
    ends = {"---", "..."} if first == "---" else {"+++"}
    for position, line in enumerate(lines[1:], start=1):
        if line.rstrip() in ends:
            text = "".join(f"{inside}\n" for inside in lines[1:position])
            return _Matter("yaml" if first == "---" else "toml", text, position + 1)
    return None


class Definition(Record):
    """A link reference definition, of which a reader sees nothing.

    Attributes:
        label: its label in normal form.
        target: where it leads.
        title: its title; empty if it has none.
        line: its line, from 1.
    """

    label: str
    target: str
    title: str
    line: int


class BlockReader:
    """Reads a document's blocks, and notes in it what is hidden there.

    Args:
        document: the document.
        text: its text without front matter, within the limits of `beyond_limits`.

    Raises:
        UnreadDocument: lists and quotes are nested so deep that not all of it can be read.
    """

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        self._tokens = self._parse(text)
        self._references = {one.label: one.target for one in reversed(document.definitions)}
        self._footnotes: list[Footnote] = []
        self._hiding = Hiding()

    def read(self) -> Sequence[AnyBlock]:
        """The blocks that a reader of the rendered page sees, in order."""
        blocks = self._blocks(self._tokens, nested=False)
        if self._footnotes:
            self._hide_footnotes(blocks)
        self._document.hidden_parts.sort(key=lambda part: part.line or 0)
        return blocks

    def _parse(self, text: str) -> Sequence[Token]:
        """The outermost tokens; each has as its children those between it and the one that closes it."""
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
                raise UnreadDocument(Problem("lists and quotes are nested too deeply", _line(token)))
        return levels[0]

    def _blocks(self, tokens: Sequence[Token], *, nested: bool) -> list[AnyBlock]:
        found: list[AnyBlock] = []
        outer, self._hiding = self._hiding, Hiding(self._document.hidden_parts)
        for token in tokens:
            hidden = self._hiding.hidden
            if token.type == "html_block":
                content = self._hiding.block(token.content, _line(token))
                if content.strip():
                    found.append(Html(content, _line(token)))
            elif (block := self._block(token, nested=nested)) is not None:
                (self._document.hidden_blocks if hidden else found).append(block)
        self._hiding = outer
        return found

    def _block(self, token: Token, *, nested: bool) -> AnyBlock | None:
        line = _line(token)
        inner = token.children or ()
        kind = token.type
        if kind == "heading_open":
            text = self._text(inner, line)
            # A heading in a list or quote is text of its own there, and divides nothing.
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

    def _hide_footnotes(self, seen: Sequence[AnyBlock]) -> None:
        """Take their blocks from the footnotes that no text refers to: they are on no page.

        What a footnote refers to is seen where that one is.
        """
        by_label: dict[str, list[tuple[Footnote, Sequence[AnyBlock]]]] = {}
        for one in self._footnotes:
            by_label.setdefault(normal_label(f"^{one.label}"), []).append((one, one.blocks))
            one.blocks = ()
        waiting: list[Sequence[AnyBlock]] = [seen]
        for blocks in waiting:
            for label in {label for text in all_texts(blocks) for label in text.labels}:
                for one, held in by_label.pop(label, ()):
                    one.blocks = held
                    waiting.append(held)
        unseen = [block for ones in by_label.values() for _, held in ones for block in held]
        self._document.unseen_footnotes = sorted(unseen, key=lambda block: block.line)

    def _text(self, inner: Sequence[Token], line: int) -> Text:
        """The text that is all that stands in a block."""
        raw = inner[0].content
        if "<" in raw:
            # What stands in a hidden element is another document, as it were.
            hiding = Hiding(self._document.hidden_parts) if self._hiding.hidden else self._hiding
            raw = hiding.inline(raw, line)
        return Text(raw, line, self._references)


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 1


@cache
def _parser(footnotes: bool) -> MarkdownIt:
    """The parser of blocks; what is inside a line is read from its source.

    Args:
        footnotes: whether it reads footnotes, for which a plugin is imported.
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable("table").disable("inline")
    if footnotes:
        from mdit_py_plugins.footnote.index import footnote_def

        # Of the plugin its blocks alone: footnotes stay where they are written.
        parser.block.ruler.before(
            "reference", "footnote_def", footnote_def, {"alt": ["paragraph", "reference"]}
        )
    return parser


MAX_CHARACTERS: Final = 4 << 20
"""How many characters a document may have."""

MAX_LINES: Final = 100_000
"""How many lines a document may have."""

MAX_CELLS: Final = 200_000
"""How many bars (`|`) a document with tables may have."""

MAX_NESTING: Final = 200
"""How deep quotes and the items of lists may be nested, a list and its item counted as two.

What is deeper is refused: markdown-it drops it without a word, and without a limit it and the reader of its
tokens would end in a `RecursionError`.
"""

MAX_LEVELS: Final = 1_000_000
"""How many levels of lists and quotes all lines of a document may stand in together.

A mark that opens one counts `MARK` times, since it costs so much more than a line that only stands in it.
"""

MARK: Final = 8

_SMALL: Final = (100_000, 5000)
"""So many characters and lines cannot be beyond `MAX_LEVELS`."""

_DELIMITERS: Final = re.compile(r"(?=[^|]*+\|)[-+*>0-9.) \t]*+[-:|\s]*+")
_DEEPEST: Final = MAX_NESTING // 2
_PREFIX: Final = re.compile(r"(?:[ \t]*+(?:>|(?:[-+*]|[0-9]{1,9}[.)])(?=[ \t]|$)))*+[ \t]*+")
_MARK: Final = re.compile(r"[-+*>]|[.)]")


def beyond_limits(lines: Sequence[str]) -> Problem | None:
    """The reason why a document is not parsed; None if it can be.

    Args:
        lines: its lines.
    """
    if len(lines) > MAX_LINES:
        return Problem(f"it has more than {MAX_LINES} lines", MAX_LINES + 1)
    size = bars = full = 0
    for number, line in enumerate(lines, start=1):
        size += len(line) + 1
        if "|" in line:
            bars += line.count("|")
            full = full or (number if bars > MAX_CELLS else 0)
        if size > MAX_CHARACTERS:
            return Problem(f"it has more than {MAX_CHARACTERS} characters", number)
    if full and any(_DELIMITERS.fullmatch(line) for line in lines):
        return Problem(f"its tables have more than {MAX_CELLS} cells", full)
    return None if size < _SMALL[0] and len(lines) < _SMALL[1] else _beyond_levels(lines)


def _beyond_levels(lines: Sequence[str]) -> Problem | None:
    """The problem with lines in too many lists and quotes; the count is an upper bound."""
    total = depth = 0
    blank = True
    for number, line in enumerate(lines, start=1):
        found = _PREFIX.match(line)
        prefix = found[0] if found else ""
        marks = len(_MARK.findall(prefix)) if prefix else 0
        if len(prefix) == len(line) and not marks:
            blank = True
            continue
        # By its indentation a line stands in what is open; without a blank line it may do so with none.
        own = marks + min(len(prefix.expandtabs(4)) // 2, depth)
        depth = min(own if blank else max(own, depth), _DEEPEST)
        blank = False
        total += depth + MARK * marks
        if total > MAX_LEVELS:
            return Problem("its lists and quotes are nested too deeply over too many lines", number)
    return None


_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]|\r(?![\r\n]|\Z)")
_MAY_HIDE: Final = re.compile(rb"<[a-zA-Z!?/]|&[a-zA-Z#]|(?m:^[ \t>*+0-9.)-]*+\[[^\]\n]+\]:)")
_WORDS: Final = re.compile(r"\w\w+")


def hidden(content: bytes, document: Callable[[], Document] | None = None) -> Iterator[Hidden]:
    """Hidden text of a file, in order, its characters first.

    Args:
        content: what it holds.
        document: gives the file as a Markdown document; it is asked for only where the file has anything that
            could hide text. None if the file is no Markdown.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = not_utf8(error)
        yield Hidden("unread", problem.line, problem.message)
        return
    if not content.isascii() or _CONTROL.search(content):
        # A byte-order mark at the very beginning says how a file is encoded.
        yield from hidden_characters(text.removeprefix("\ufeff"), 1)
    if document is not None and _MAY_HIDE.search(content):
        yield from hidden_text(document())


def hidden_characters(text: str, line: int) -> Iterator[Hidden]:
    """The characters of a text that show as nothing if they have no business, by line and kind.

    Args:
        text: the text.
        line: the line of its first character.
    """
    lines = LineCounter(text, line)
    found: dict[tuple[int, str], str] = {}
    for one in strange(text):
        key = lines.at(one.position), one.what
        found[key] = found.get(key, "") + one.char
    for (at, what), chars in found.items():
        yield Hidden(what, at, _spelt(chars), chars)


def _spelt(chars: str) -> str:
    """The text that tag characters and selectors spell; empty if it cannot be read."""
    spelt = ""
    for char in chars:
        code = ord(char)
        if 0xE0020 <= code <= 0xE007E:
            spelt += chr(code - 0xE0000)
        elif 0xFE00 <= code <= 0xFE0F:
            spelt += chr(code - 0xFE00)
        elif 0xE0100 <= code <= 0xE01EF:
            spelt += chr(code - 0xE0100 + 16)
    return spelt if len(spelt) > 1 and spelt.isprintable() else ""


def hidden_text(document: Document) -> Iterator[Hidden]:
    """The text that Markdown and HTML hide: comments, hidden elements, what nothing refers to."""
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
    found += _definitions(document)
    for text in all_texts(document.blocks):
        # The page has characters that are written as entities, and the file only their names.
        if "&" in text.raw:
            found += hidden_characters(" ".join(text.rendered.split("\n")), text.line)
    yield from sorted(found, key=lambda one: one.line or 0)


def _definitions(document: Document) -> Iterator[Hidden]:
    """Link reference definitions that are there for their words: nothing refers to them."""
    if not document.definitions:
        return
    used = {label for text in all_texts(document.blocks) for label in text.labels}
    for one in document.definitions:
        if one.label in used:
            continue
        said = max(one.title, one.label, one.target, key=lambda words: len(_WORDS.findall(words)))
        if one.title and (one.target in {"", "#"} or len(one.title.split()) > 2):
            yield Hidden("definition", one.line, one.title)
        elif len(said.replace("%20", " ").split()) > 2:
            yield Hidden("definition", one.line, said)
