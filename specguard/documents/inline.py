"""The inline parts of a text: code, links and HTML; and the visible text of HTML.

The rules are CommonMark's (https://spec.commonmark.org/0.31.2/#inlines), as far as they decide between code,
links and HTML. Emphasis is left to the callers.

HTML is read as in a browser: an unclosed comment or tag hides all following text, including Markdown. Style
sheets and scripts are ignored: text hidden by a class counts as visible.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from html import unescape

from specguard.model import TYPE_CHECKING, Record, grouped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Final


LONGEST_LABEL: Final = 1000
"""The maximum number of characters of a link label; CommonMark allows 999."""

MOST_OPEN: Final = 1000
"""At least this many brackets may be open at once; beyond that, the first ones become text."""

STRUCK: Final = re.compile(r"~~[^~]{0,300}~~")
"""Text that is struck out, so that it holds no longer."""

_START: Final = re.compile(r"\\[!-/:-@\[-`{-~]|`+|<|!?\[|\]")
_RUN: Final = re.compile(r"`+")
_TAG: Final = re.compile(
    r"<(/?)([A-Za-z][A-Za-z0-9-]*+)"
    r"((?:\s++[A-Za-z_:][\w.:-]*+(?:\s*=\s*+(?:[^\s\"'=<>`]++|'[^']*+'|\"[^\"]*+\"))?)*)\s*+/?>"
)
_AUTOLINK: Final = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*+|[^\s<>@]++@[^\s<>@]++)>")
_TARGET: Final = re.compile(
    r"\(\s*+(?:<((?:[^<>\\\n]|\\.)*)>|(?!<)((?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*\))*))"
    r"(?:\s++(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\)))?\s*+\)",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_LETTER: Final = re.compile("[A-Za-z]")
_ENDS: Final = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>", "<!": ">"}


class LineCounter:
    """Converts ascending positions in a text to line numbers.

    Args:
        text: the text.
        line: the line of its first character.
    """

    def __init__(self, text: str, line: int) -> None:
        self._text = text
        self._line = line
        self._position = 0

    def line_at(self, position: int) -> int:
        """Return the line of a position, which must not be before the previous one."""
        self._line += self._text.count("\n", self._position, position)
        self._position = position
        return self._line


def replaced(text: str, parts: Iterable[tuple[int, int, str]], between: Callable[[str], str] = str) -> str:
    """Return a text with other texts in place of some parts.

    Args:
        text: the text.
        parts: the start, the end and the new text of each, in order; one inside another is ignored.
        between: changes the text between the parts.
    """
    found: list[str] = []
    end = 0
    for start, stop, new in parts:
        if start >= end:
            found += between(text[end:start]), new
            end = stop
    return "".join([*found, between(text[end:])])


class Hidden(Record):
    """Something that a file hides.

    Attributes:
        what: its kind. For characters: `bidirectional`, `tag`, `zero-width`, `blank`, `selector`, `hyphen` or
            `control`. For text: `comment`, `html`, `definition` or `footnote`. For a file that could not be
            read: `unread`.
        line: its first line, from 1; None if it has no line.
        text: the hidden text, as far as it is readable; for `unread` the reason.
        chars: the characters, if the kind is one of characters.
    """

    what: str
    line: int | None
    text: str
    chars: str = ""


class Code(Record):
    """A code span: its start and end, including the backticks, and the text between them."""

    start: int
    end: int
    content: str


class Reference(Record):
    """A link or picture: the start and end of it and of its text, and its target."""

    start: int
    end: int
    text_start: int
    text_end: int
    target: str
    picture: bool


class Tag(Record):
    """A tag; without a name, a comment or other markup that is not shown."""

    start: int
    end: int
    name: str = ""
    closing: bool = False
    attributes: str = ""

    @property
    def is_picture(self) -> bool:
        """True if a reader sees the element although it has no text."""
        return self.name in PICTURES and not self.closing


class Inline:
    """The inline parts of a text, each kind in order.

    Args:
        raw: the source.
        references: the targets of link reference definitions, by normalized label.

    Attributes:
        codes: the code spans.
        links: the links and pictures, including those inside the text of another one.
        tags: the tags and comments.
        escapes: the positions of backslashes that escape the next character.
        labels: the normalized texts of other square brackets, which may refer to a definition.
    """

    __slots__ = ("_raw", "_references", "_runs", "_unfound", "codes", "escapes", "labels", "links", "tags")

    def __init__(self, raw: str, references: Mapping[str, str]) -> None:
        self._raw = raw
        self._references = references
        self._runs: dict[int, list[int]] | None = None
        self._unfound: set[str] = set()
        self.codes: list[Code] = []
        self.links: list[Reference] = []
        self.tags: list[Tag] = []
        self.escapes: list[int] = []
        self.labels: set[str] = set()
        self._scan()
        self.links.sort(key=lambda link: link.start)

    def _scan(self) -> None:
        raw = self._raw
        position = 0
        opened: list[tuple[int, int]] = []
        linked = 0
        while found := _START.search(raw, position):
            position = found.end()
            first = found[0][0]
            if first == "\\":
                self.escapes.append(found.start())
            elif first == "`":
                position = self._code(found.start(), position)
            elif first == "<":
                position = self._markup(found.start())
            elif first != "]":
                if len(opened) == 2 * MOST_OPEN:
                    del opened[:MOST_OPEN]
                opened.append((found.start(), position))
            elif opened:
                start, text_start = opened.pop()
                # A link cannot contain another one; a picture can be in a link.
                if start >= linked or raw[start] == "!":
                    link = self._link(start, text_start, found.start())
                    if link is not None:
                        self.links.append(link)
                        position = link.end
                        linked = linked if link.picture else start

    def _code(self, start: int, content_start: int) -> int:
        if self._runs is None:
            self._runs = grouped((len(run[0]), run.start()) for run in _RUN.finditer(self._raw))
        runs = self._runs.get(content_start - start, [])
        closing = bisect_left(runs, content_start)
        if closing == len(runs):
            return content_start
        end = runs[closing]
        self.codes.append(Code(start, end + content_start - start, self._raw[content_start:end]))
        return end + content_start - start

    def _markup(self, start: int) -> int:
        raw = self._raw
        for begin, ending in _ENDS.items():
            if raw.startswith(begin, start):
                if begin == "<!" and not _LETTER.match(raw, start + 2):
                    break
                if begin == "<!--" and raw.startswith((">", "->"), start + 4):
                    end = raw.index(">", start + 4) + 1
                else:
                    end = self._find_end(ending, start + len(begin))
                if end:
                    self.tags.append(Tag(start, end))
                return end or start + 1
        tag = _TAG.match(raw, start)
        if tag is not None:
            self.tags.append(Tag(start, tag.end(), tag[2].lower(), bool(tag[1]), tag[3]))
            return tag.end()
        autolink = _AUTOLINK.match(raw, start)
        if autolink is not None:
            end = autolink.end()
            self.links.append(Reference(start, end, start + 1, end - 1, autolink[1], picture=False))
            return end
        return start + 1

    def _find_end(self, ending: str, start: int) -> int:
        """Return the position after the next `ending`; 0 if there is none, which is remembered."""
        if ending in self._unfound:
            return 0
        found = self._raw.find(ending, start)
        if found < 0:
            self._unfound.add(ending)
            return 0
        return found + len(ending)

    def _link(self, start: int, text_start: int, closing: int) -> Reference | None:
        """Return the link or picture whose text ends at a closing bracket; None if it is not a link."""
        raw = self._raw
        found = _TARGET.match(raw, closing + 1)
        if found is not None:
            target, end = found[1] if found[1] is not None else found[2], found.end()
        else:
            text = raw[text_start:closing] if closing - text_start <= LONGEST_LABEL else ""
            label, end = text, closing + 1
            if raw.startswith("[", end) and (label_end := raw.find("]", end, end + LONGEST_LABEL + 2)) > 0:
                label, end = raw[end + 1 : label_end] or label, label_end + 1
            normal = normal_label(label)
            self.labels.add(normal)
            if normal not in self._references:
                if text.startswith("^"):
                    # `[^a][^b]` are two footnotes.
                    self.labels.add(normal_label(text))
                return None
            target = self._references[normal]
        return Reference(start, end, text_start, closing, unescaped(target), picture=raw[start] == "!")


def unescaped(text: str) -> str:
    """Return text outside of code without the backslashes before marks such as `_`."""
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def normal_label(label: str) -> str:
    """Normalize a link label, as markdown-it does for definitions."""
    return " ".join(label.split()).lower().upper()


PICTURES: Final = frozenset(
    {"audio", "canvas", "embed", "iframe", "img", "object", "picture", "svg", "video"}
)
"""Elements that a reader sees although they have no text."""

_UNCLOSED: Final = "<"
UNENDING: Final = frozenset({
    _UNCLOSED, "noscript", "template", "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small",
    "strike", "strong", "tt", "u",
})  # fmt: skip
"""Elements that do not end with the list item or quote in which they begin."""

# Elements whose content is raw text up to their closing tag.
_RAW: Final = frozenset({"iframe", "noembed", "noframes", "noscript", "script", "style"})
_HIDDEN: Final = _RAW | {
    "audio", "canvas", "datalist", "dialog", "head", "meter", "progress", "template", "title", "video",
}  # fmt: skip
_VOID: Final = frozenset(
    {"br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
# Elements that reach beyond the paragraph in which they begin.
_REACHING: Final = UNENDING | {
    "address", "article", "aside", "blockquote", "center", "details", "dialog", "div", "dl", "fieldset",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "main", "nav", "ol", "p", "pre",
    "section", "summary", "table", "ul",
}  # fmt: skip
_ATTRIBUTE: Final = re.compile(r"([^\s\"'=<>/]++)(?:\s*+=\s*+(\"[^\"]*+\"|'[^']*+'|[^\s\"'=<>`]++))?")
_STYLE: Final = re.compile(
    r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden|clip\s*:"
    r"|(?:opacity|font-size)\s*:\s*+(?:0++(?:\.0*+)?|\.0++)(?:[a-z]++|%)?\s*+(?:[;!]|$))",
    re.IGNORECASE,
)
_MAY_HIDE: Final = re.compile(
    rf"<[!?]|hidden|popover|style\s*=|<(?:{'|'.join(_HIDDEN)})\b|<[A-Za-z][\w-]*\s[^<>]*[=\n]", re.IGNORECASE
)
_COMMENT: Final = re.compile(r"<!--(?:-?>|(.*?)(?:--!?>|\Z))", re.DOTALL)
_HTML_START: Final = re.compile(r"<(?:!--|[!?]|/?[A-Za-z])")
# Quotation marks enclose values; a `>` inside does not end the tag.
_HTML_TAG: Final = re.compile(r"<(/?)([A-Za-z][^\s/>]*+)((?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*)>")
_CHECKED: Final = re.compile(r"\schecked(?=[\s=/>]|$)", re.IGNORECASE)

TAGS: Final = re.compile(r"</?[A-Za-z][^<>]*>")
"""Anything like a tag in a line of source."""


class Hiding:
    """Tracks hidden text of HTML from one piece of the document to the next.

    Args:
        hidden_parts: the list to which comments and other hidden parts are added.

    Attributes:
        element: the element that hides the following text; empty if none does.
    """

    def __init__(self, hidden_parts: list[Hidden] | None = None) -> None:
        self._parts = hidden_parts if hidden_parts is not None else []
        self.element = ""
        self._depth = 0

    def block(self, html: str, line: int) -> str:
        """Return the source of the visible part of an HTML block; hidden parts keep their newlines.

        Args:
            html: its source.
            line: the line of its first character.
        """
        return self._visible(html, line, self.tags(html), inline=False)

    def inline(self, raw: str, line: int) -> str:
        """Return the source of the visible part of running text.

        A tag whose attributes have values or newlines loses its attributes, except for `checked`.
        """
        if not _MAY_HIDE.search(raw):
            return raw
        visible = self._visible(raw, line, Inline(raw, {}).tags, inline=True)
        self.element = self.element if self.element in _REACHING else ""
        return visible

    def _visible(self, text: str, line: int, tags: Iterable[Tag], *, inline: bool) -> str:
        lines = LineCounter(text, line)
        visible: list[str] = []
        end = 0

        def take(start: int, stop: int, *, hide: bool) -> None:
            part = text[start:stop]
            if hide and part.strip():
                line = lines.line_at(start + len(part) - len(part.lstrip()))
                self._parts.append(Hidden("html", line, part.strip()))
            visible.append("\n" * part.count("\n") if hide else part)

        for tag in tags:
            take(end, tag.start, hide=bool(self.element))
            end = tag.end
            markup = text[tag.start : end]
            comment = _COMMENT.fullmatch(markup)
            closed = markup.endswith(("-->", "--!>") if comment else ">")
            if comment:
                self._parts.append(Hidden("comment", lines.line_at(tag.start), (comment[1] or "").strip()))
                visible.append("\n" * markup.count("\n"))
            elif not tag.name:
                take(tag.start, end, hide=True)
            else:
                before = self.element
                self._track(tag)
                sides = [before, self.element]
                is_visible = not any(sides)
                if tag.name in PICTURES:
                    is_visible = not all(sides) and not hides("", tag.attributes)
                if inline and not tag.closing and ("=" in tag.attributes or "\n" in tag.attributes):
                    checked = tag.name == "input" and _CHECKED.search(tag.attributes)
                    markup = f"<{tag.name}{' checked' if checked else ''}>" + "\n" * markup.count("\n")
                visible.append(markup if is_visible else "\n" * markup.count("\n"))
            if not closed:
                # Unclosed markup hides all following text, including Markdown.
                self.element = _UNCLOSED
        take(end, len(text), hide=bool(self.element))
        return "".join(visible)

    def _track(self, tag: Tag) -> None:
        """Update the state for a tag that opens or closes a hidden element."""
        if self.element:
            if tag.name == self.element:
                self._depth += -1 if tag.closing else 1
                self.element = self.element if self._depth else ""
        elif not tag.closing and tag.name not in _VOID and hides(tag.name, tag.attributes):
            self.element, self._depth = tag.name, 1

    def tags(self, html: str) -> Iterator[Tag]:
        """Yield the tags, comments and other markup of an HTML block."""
        position = 0
        while self.element != _UNCLOSED:
            raw = rf"(?i:</{self.element}(?=[\s/>]))" if self.element in _RAW else _HTML_START
            found = re.compile(raw).search(html, position)
            if found is None:
                return
            start = found.start()
            if comment := _COMMENT.match(html, start):
                yield Tag(start, position := comment.end())
            elif tag := _HTML_TAG.match(html, start):
                yield Tag(start, position := tag.end(), tag[2].lower(), bool(tag[1]), tag[3])
            else:
                end = html.find(">", start) + 1 if html[start + 1] in "!?" else 0
                yield Tag(start, position := end or len(html))


def hides(name: str, attributes: str) -> bool:
    """True if an element hides all of its content.

    Args:
        name: the element's name in lower case.
        attributes: the source of its attributes.
    """
    # If an attribute occurs twice, a browser uses the first.
    values = {word.lower(): value.strip("\"'") for word, value in reversed(_ATTRIBUTE.findall(attributes))}
    named = name in _HIDDEN and not (name == "dialog" and "open" in values)
    styled = _STYLE.search(unescape(values.get("style", "")))
    return named or bool(styled or {"hidden", "popover"} & values.keys())


def html_text(html: str) -> str:
    """Return the text of HTML without hidden parts; entities stay as written."""
    return replaced(html, ((tag.start, tag.end, "") for tag in Hiding().tags(html)))
