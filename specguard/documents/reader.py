"""From markdown-it's tokens to blocks."""

from __future__ import annotations

import re
from functools import cache

from specguard.documents.blocks import (
    Comment,
    Fence,
    Footnote,
    Heading,
    Html,
    Item,
    List,
    Paragraph,
    Quote,
    Table,
    Text,
    all_texts,
)
from specguard.documents.limits import MAX_NESTING
from specguard.documents.lines import LineCounter
from specguard.documents.problem import Problem, UnreadDocument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    from specguard.documents.blocks import AnyBlock
    from specguard.documents.html import HiddenHtml, HtmlState

_COMMENT: Final = re.compile(r"<!--(?:-?>|(.*?)(?:--!?>|\Z))", re.DOTALL)


class Definition:
    """A link reference definition, of which a reader sees nothing.

    Attributes:
        label: its label in normal form.
        target: where it leads.
        title: its title; empty where it has none.
        line: its line, from 1.
    """

    __slots__ = ("label", "line", "target", "title")

    def __init__(self, label: str, target: str, title: str, line: int) -> None:
        self.label = label
        self.target = target
        self.title = title
        self.line = line


class Reader:
    """Reads a document's blocks.

    Args:
        text: the document without front matter, within the limits of `beyond_limits`.

    Attributes:
        blocks: what a reader of the rendered page sees, in order.
        hidden: the blocks that stand in hidden HTML.
        hidden_html: what else is hidden by HTML, in order.
        comments: the HTML comments, in order.
        definitions: the link reference definitions, in order.
        unseen_footnotes: what the footnotes hold that no text refers to, in order.

    Raises:
        UnreadDocument: lists and quotes are nested so deep that not all of it can be read.
    """

    def __init__(self, text: str) -> None:
        self.comments: list[Comment] = []
        self.hidden: list[AnyBlock] = []
        self.hidden_html: list[HiddenHtml] = []
        self.definitions: list[Definition] = []
        self._tokens = self._parse(text)
        self._references: Mapping[str, str] = {one.label: one.target for one in reversed(self.definitions)}
        self._next = 0
        self._footnotes: list[Footnote] = []
        self.unseen_footnotes: list[AnyBlock] = []
        self.blocks: Sequence[AnyBlock] = self._blocks(nested=False)
        if self._footnotes:
            self._hide_footnotes()
        self.comments.sort(key=lambda comment: comment.line)
        self.hidden_html.sort(key=lambda hidden: hidden.line)

    def _parse(self, text: str) -> Sequence[Token]:
        parser = _parser("[^" in text)
        environment: dict[str, Any] = {}
        tokens = parser.parse(text, environment)
        deep = next(
            (token for token in tokens if token.level >= MAX_NESTING - 1 and token.nesting == 1), None
        )
        if deep is not None:
            raise UnreadDocument(Problem("lists and quotes are nested too deeply", _line(deep)))
        self._define(environment)
        return tokens

    def _define(self, environment: Mapping[str, Any]) -> None:
        found = [(label, one) for label, one in environment.get("references", {}).items()]
        found += [(one["label"], one) for one in environment.get("duplicate_refs", ())]
        self.definitions = [
            Definition(label, one["href"], one["title"], one["map"][0] + 1) for label, one in found
        ]
        self.definitions.sort(key=lambda definition: definition.line)

    def _blocks(self, *, nested: bool) -> list[AnyBlock]:
        """The blocks up to the end of what is open."""
        found: list[AnyBlock] = []
        state: HtmlState | None = None
        while self._next < len(self._tokens):
            token = self._tokens[self._next]
            self._next += 1
            if token.nesting == -1:
                break
            if token.type == "html_block":
                if state is None:
                    from specguard.documents.html import HtmlState

                    state = HtmlState()
                self._comment(token.content, _line(token))
                content = state.feed(token.content, _line(token))
                if content.strip():
                    found.append(Html(content, _line(token)))
                continue
            hidden = state is not None and state.hidden
            block = self._block(token, nested=nested)
            if block is not None:
                (self.hidden if hidden else found).append(block)
            if token.type == "paragraph_open" and not hidden:
                raw = self._tokens[self._next - 2].content
                state = _carried(raw, state) if "<" in raw else state
        self.hidden_html += state.taken if state else ()
        return found

    def _comment(self, html: str, line: int) -> None:
        """Keep the comments of HTML."""
        lines = LineCounter(html, line)
        for comment in _COMMENT.finditer(html) if "<!--" in html else ():
            self.comments.append(Comment(comment[1] or "", lines.at(comment.start())))

    def _block(self, token: Token, *, nested: bool) -> AnyBlock | None:
        line = _line(token)
        kind = token.type
        if kind == "heading_open":
            text = self._inline()
            # A heading in a list or quote is text of its own there, and divides nothing.
            return Paragraph(text) if nested else Heading(int(token.tag[1:]), text, line)
        if kind == "paragraph_open":
            text = self._inline()
            return Paragraph(text) if text.raw.strip() else None
        if kind in {"bullet_list_open", "ordered_list_open"}:
            return self._list(token)
        if kind == "blockquote_open":
            return Quote(self._blocks(nested=True), line)
        if kind == "footnote_reference_open":
            footnote = Footnote(token.meta["label"], self._blocks(nested=True), line)
            self._footnotes.append(footnote)
            return footnote
        if kind == "table_open":
            return self._table(line)
        if kind == "fence":
            return Fence(token.info.strip(), token.content, line=line, first=line + 1, nested=nested)
        if kind == "code_block":
            return Fence("", token.content, line=line, first=line, nested=nested)
        return None

    def _hide_footnotes(self) -> None:
        """Take their blocks from the footnotes that no text refers to: they are on no page.

        What a footnote refers to is seen where that one is.
        """
        from specguard.documents.inline import normal_label

        by_label: dict[str, list[tuple[Footnote, Sequence[AnyBlock]]]] = {}
        for one in self._footnotes:
            by_label.setdefault(normal_label(f"^{one.label}"), []).append((one, one.blocks))
            one.blocks = ()
        waiting: list[Sequence[AnyBlock]] = [self.blocks]
        for blocks in waiting:
            for label in {label for text in all_texts(blocks) for label in text.labels}:
                for one, held in by_label.pop(label, ()):
                    one.blocks = held
                    waiting.append(held)
        unseen = [block for ones in by_label.values() for _, held in ones for block in held]
        self.unseen_footnotes = sorted(unseen, key=lambda block: block.line)

    def _inline(self) -> Text:
        """The text of the block that was just opened; steps behind its end."""
        token = self._tokens[self._next]
        self._next += 2
        return self._text(token.content, _line(token))

    def _text(self, raw: str, line: int) -> Text:
        if "<" in raw:
            self._keep_hidden(raw, line)
        return Text(raw, line, self._references) if self._references else Text(raw, line)

    def _keep_hidden(self, raw: str, line: int) -> None:
        """Keep what a text hides: its comments, and what its elements do not show."""
        from specguard.documents.html import MAY_HIDE, HiddenHtml
        from specguard.documents.inline import Inline

        if not MAY_HIDE.search(raw):
            return
        lines = LineCounter(raw, line)
        for part in Inline(raw, {}).hidden():
            text, begins = raw[part.start : part.end], lines.at(part.start)
            if text.startswith("<!--"):
                self.comments.append(Comment(text[4:].removesuffix("-->"), begins))
            else:
                self.hidden_html.append(HiddenHtml(text, begins, part.element or "markup"))

    def _list(self, opened: Token) -> List:
        items: list[Item] = []
        ordered = opened.type == "ordered_list_open"
        while self._tokens[self._next].nesting != -1:
            token = self._tokens[self._next]
            self._next += 1
            number = int(token.info) if ordered and token.info else None
            items.append(Item(self._blocks(nested=True), number=number, line=_line(token)))
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
                rows[-1].append(self._text(token.content, row_line))
        return Table(rows[0], rows[1:], line)


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


def _carried(raw: str, state: HtmlState | None) -> HtmlState | None:
    """The state behind a paragraph, which may begin an element that hides what follows it."""
    from specguard.documents.html import BLOCK_ELEMENTS, MAY_HIDE, HtmlState
    from specguard.documents.inline import Inline

    if MAY_HIDE.search(raw):
        unclosed = next((part for part in Inline(raw, {}).hidden() if not part.closed), None)
        if unclosed is not None and unclosed.element in BLOCK_ELEMENTS:
            state = state or HtmlState()
            state.hide(unclosed.element)
    return state
