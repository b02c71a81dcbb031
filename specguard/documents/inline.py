"""What stands within running text: code spans, links, HTML and escapes; and what a reader sees of HTML.

The rules are CommonMark's (https://spec.commonmark.org/0.31.2/#inlines) as far as they decide what is code,
what is a link and what is HTML. Emphasis is left to who asks.

HTML is read as a browser does: a comment or tag that is never closed takes all that follows with it, also
Markdown. Style sheets and scripts are not followed: what a class hides is seen.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from specguard.declaration.rule import Record
from specguard.documents.blocks import LineCounter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final


LONGEST_LABEL: Final = 1000
"""How many characters the label of a link may have; CommonMark allows 999."""

MOST_OPEN: Final = 1000
"""At least so many brackets may be open at once; of more the first ones are text."""

_START: Final = re.compile(r"\\[!-/:-@\[-`{-~]|`+|<|!?\[|\]")
_RUN: Final = re.compile(r"`+")
_TAG: Final = re.compile(
    r"<(/?)([A-Za-z][A-Za-z0-9-]*+)"
    r"((?:\s++[A-Za-z_:][\w.:-]*+(?:\s*=\s*+(?:[^\s\"'=<>`]++|'[^']*+'|\"[^\"]*+\"))?)*+)\s*+/?>"
)
_AUTOLINK: Final = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*+|[^\s<>@]++@[^\s<>@]++)>")
_TARGET: Final = re.compile(
    r"\(\s*+(?:<((?:[^<>\\\n]|\\.)*+)>|(?!<)((?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*+\))*+))"
    r"(?:\s++(?:\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'|\((?:[^()\\]|\\.)*+\)))?\s*+\)",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_LETTER: Final = re.compile("[A-Za-z]")
_ENDS: Final = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>", "<!": ">"}


class Code(Record):
    """A code span: where it stands with its backticks, and what is between them."""

    start: int
    end: int
    content: str


class Reference(Record):
    """A link or picture: where it stands, where its text does, and where it leads."""

    start: int
    end: int
    text_start: int
    text_end: int
    target: str
    picture: bool


class Tag(Record):
    """A tag, or another piece of markup that is not shown."""

    start: int
    end: int
    name: str = ""
    closing: bool = False
    hides: bool = False

    @property
    def is_picture(self) -> bool:
        """Whether a reader sees something of the element although there is no text in it."""
        return self.name in PICTURES and not self.closing


class Part(Record):
    """A part of a text that is not shown.

    Attributes:
        start: where it begins.
        end: where it ends.
        element: the element that hides it; empty for a comment or other markup.
        closed: whether it ends in the text, and does not go on behind it.
    """

    start: int
    end: int
    element: str
    closed: bool = True


class Inline:
    """What a text is made of, each kind in order.

    Args:
        raw: the text as it is written.
        references: the targets of link reference definitions, by their labels in normal form.

    Attributes:
        codes: its code spans.
        links: its links and pictures, also those within the text of another one.
        tags: its tags and comments.
        escapes: the positions of backslashes that stand for the character behind them.
        labels: what else stands in square brackets, as it may refer to a definition.
    """

    __slots__ = ("_no", "_raw", "_references", "_runs", "codes", "escapes", "labels", "links", "tags")

    def __init__(self, raw: str, references: Mapping[str, str]) -> None:
        self._raw = raw
        self._references = references
        self._runs: dict[int, list[int]] | None = None
        self._no: set[str] = set()
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
                # No link stands in another one; a picture may.
                if start >= linked or raw[start] == "!":
                    link = self._link(start, text_start, found.start())
                    if link is not None:
                        self.links.append(link)
                        position = link.end
                        linked = linked if link.picture else start

    def _code(self, start: int, behind: int) -> int:
        if self._runs is None:
            self._runs = {}
            for run in _RUN.finditer(self._raw):
                self._runs.setdefault(run.end() - run.start(), []).append(run.start())
        runs = self._runs.get(behind - start, [])
        closing = bisect_left(runs, behind)
        if closing == len(runs):
            return behind
        end = runs[closing]
        self.codes.append(Code(start, end + behind - start, self._raw[behind:end]))
        return end + behind - start

    def _markup(self, start: int) -> int:
        raw = self._raw
        for begin, ending in _ENDS.items():
            if raw.startswith(begin, start):
                if begin == "<!" and not _LETTER.match(raw, start + 2):
                    break
                if begin == "<!--" and raw.startswith((">", "->"), start + 4):
                    end = raw.index(">", start + 4) + 1
                else:
                    end = self._find(ending, start + len(begin))
                if end:
                    self.tags.append(Tag(start, end))
                return end or start + 1
        tag = _TAG.match(raw, start)
        if tag is not None:
            name = tag[2].lower()
            hidden = not tag[1] and hides(name, tag[3])
            self.tags.append(Tag(start, tag.end(), name, closing=bool(tag[1]), hides=hidden))
            return tag.end()
        autolink = _AUTOLINK.match(raw, start)
        if autolink is not None:
            end = autolink.end()
            self.links.append(Reference(start, end, start + 1, end - 1, autolink[1], picture=False))
            return end
        return start + 1

    def _find(self, ending: str, start: int) -> int:
        """The position behind the next ending; 0 where there is none, which is looked for only once."""
        if ending in self._no:
            return 0
        found = self._raw.find(ending, start)
        if found < 0:
            self._no.add(ending)
            return 0
        return found + len(ending)

    def _link(self, start: int, text_start: int, closing: int) -> Reference | None:
        """The link or picture that a closing bracket ends the text of."""
        raw = self._raw
        found = _TARGET.match(raw, closing + 1)
        if found is not None:
            target, end = found[1] if found[1] is not None else found[2], found.end()
        else:
            short = closing - text_start <= LONGEST_LABEL
            label, end = raw[text_start:closing] if short else "", closing + 1
            if raw.startswith("[", end):
                behind = raw.find("]", end, end + LONGEST_LABEL + 2)
                if behind > 0:
                    label, end = raw[end + 1 : behind] or label, behind + 1
            normal = normal_label(label)
            self.labels.add(normal)
            if normal not in self._references:
                return None
            target = self._references[normal]
        target = _ESCAPE.sub(r"\1", target)
        return Reference(start, end, text_start, closing, target, picture=raw[start] == "!")

    def hidden(self) -> list[Part]:
        """The parts that are not shown, in order."""
        parts: list[Part] = []
        tags = iter(self.tags)
        for tag in tags:
            if not tag.name:
                parts.append(Part(tag.start, tag.end, ""))
            elif tag.hides and tag.name not in VOID:
                end = len(self._raw)
                depth = 1
                for other in tags:
                    if other.name == tag.name:
                        depth += -1 if other.closing else 1
                        if not depth:
                            end = other.end
                            break
                start = tag.end if tag.name in PICTURES else tag.start
                parts.append(Part(start, end, tag.name, closed=not depth))
        return parts


def normal_label(label: str) -> str:
    """A link label for comparison, as markdown-it keeps those of definitions."""
    return " ".join(label.split()).lower().upper()


PICTURES: Final = frozenset(
    {"audio", "canvas", "embed", "iframe", "img", "object", "picture", "svg", "video"}
)
"""Elements that a reader sees something of, although there is no text in them."""

HIDDEN_ELEMENTS: Final = frozenset(
    {
        "audio", "canvas", "datalist", "head", "iframe", "noembed", "noframes", "noscript", "rp", "script",
        "select", "style", "template", "title", "video", "xmp",
    }
)  # fmt: skip
"""Elements that show nothing of the text in them, or that no Markdown renderer lets through."""

BLOCK_ELEMENTS: Final = frozenset(
    {
        "address", "article", "aside", "blockquote", "center", "details", "dialog", "dir", "div", "dl",
        "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
        "hgroup", "main", "menu", "nav", "ol", "p", "pre", "search", "section", "summary", "table", "ul",
    }
)  # fmt: skip
"""Elements that end a paragraph in which they begin, and so reach beyond it."""

# Elements whose content is text up to their end, whatever stands in it.
_RAW: Final = frozenset({"iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp"})
VOID: Final = frozenset(
    {
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
        "track", "wbr",
    }
)  # fmt: skip
"""Elements that have no content."""

_ATTRIBUTE: Final = re.compile(r"([^\s\"'=<>/]++)(?:\s*+=\s*+(\"[^\"]*+\"|'[^']*+'|[^\s\"'=<>`]++))?")
_ZERO: Final = r"\s*:\s*\+?0*\.?0+(?:px|r?em|pt|%|v[hw])?\s*(?:!|;|$)"
_AWAY: Final = r"\s*:\s*-[0-9]{3,}"
_NOTHING: Final = r"\(\s*[+-]?0*\.?0*(?:px|%)?\s*[,)\s]"
_STYLE: Final = re.compile(
    r"(?:^|[;\s])(?:display\s*:\s*none|(?:content-)?visibility\s*:\s*(?:hidden|collapse)"
    rf"|opacity{_ZERO}|font-size{_ZERO}|font\s*:[^;]{{0,40}}(?<![\w.])0(?:px|r?em|pt|%)?[\s/]"
    rf"|(?:max-)?(?:height|width|(?:block|inline)-size){_ZERO}|zoom{_ZERO}"
    rf"|text-indent{_AWAY}|(?:left|right|top|bottom|inset|margin(?:-(?:left|right|top|bottom))?){_AWAY}"
    rf"|(?:transform\s*:[^;]{{0,80}}\b)?scale(?:[xyz]|3d)?{_NOTHING}|scale{_ZERO}"
    r"|transform\s*:[^;]{0,80}\btranslate(?:[xyz]|3d)?\(\s*-[0-9]{3,}"
    rf"|filter\s*:[^;]{{0,80}}\bopacity{_NOTHING}"
    rf"|clip\s*:\s*rect{_NOTHING}|clip-path\s*:\s*(?:inset\(\s*(?:[5-9][0-9]|100)(?:\.[0-9]+)?%|circle{_NOTHING})"
    r"|(?:-webkit-text-fill-)?color\s*:\s*(?:transparent|(?:rgb|hsl)a?\(\s*"
    r"(?:[^(),/\s]{1,20}(?:\s*,\s*|\s+)){2}[^(),/\s]{1,20}\s*[,/]\s*0*\.?0*%?\s*\)"
    r"|#(?:[0-9a-f]{3}0|[0-9a-f]{6}00)\b))",
    re.IGNORECASE,
)
_CSS_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
_CSS_ESCAPE: Final = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|([^\n]))")
MAY_HIDE: Final = re.compile(
    r"<[!?]|hidden|popover|style\s*=|<dialog|<(?:" + "|".join(sorted(HIDDEN_ELEMENTS)) + r")\b",
    re.IGNORECASE,
)
"""What a text has that hides something of it; most have none of it."""

_HTML_START: Final = re.compile(r"<(?:!--|[!?]|/?[A-Za-z])")
# Quotation marks belong to values; a `>` between them ends no tag.
_HTML_TAG: Final = re.compile(r"<(/?)([A-Za-z][^\s/>]*+)((?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+)>")
_COMMENT_END: Final = re.compile(r"--!?>")


class HiddenHtml(Record):
    """Text that HTML hides.

    Attributes:
        text: its source.
        line: the line on which it begins, from 1.
        element: the element that hides it, or `tag` for one that is not closed, or `markup`.
    """

    text: str
    line: int
    element: str

    def __repr__(self) -> str:
        return f"HiddenHtml({self.text!r}, {self.line}, {self.element!r})"


class HtmlState:
    """How far into hidden HTML a document is, from one piece of HTML to the next.

    Attributes:
        pending: what was begun and is not ended: `comment` or `tag`; empty where nothing is.
        taken: what was hidden so far, but for comments.
    """

    __slots__ = ("_depth", "_element", "_lines", "pending", "taken")

    def __init__(self) -> None:
        self.pending = ""
        self.taken: list[HiddenHtml] = []
        self._lines = LineCounter("", 1)
        self._element = ""
        self._depth = 0

    @property
    def hidden(self) -> bool:
        """Whether what follows is hidden."""
        return bool(self.pending or self._element)

    def hide(self, element: str) -> None:
        """Have what follows be in an element that is hidden."""
        self._element = element
        self._depth = 1

    def feed(self, html: str, line: int = 1) -> str:
        """What is seen of the next piece of HTML, as source; of what is hidden the newlines are kept.

        Args:
            html: its source.
            line: the line of its first character.
        """
        seen: list[str] = []
        position = 0
        self._lines = LineCounter(html, line)
        if self.pending == "tag":
            # Which quotation mark would end the value it stands in cannot be told: all of it is hidden.
            self._take_away(html, 0, len(html), "tag")
            return "\n" * html.count("\n")
        if self.pending == "comment":
            position = self._after_comment(html, 0)
            seen.append("\n" * html.count("\n", 0, position))
        while position < len(html):
            found = self._next_start(html, position)
            start = found.start() if found else len(html)
            self._pass(html, position, start, seen)
            if found is None:
                break
            position = self._markup(html, start, seen)
        return "".join(seen)

    def _next_start(self, html: str, position: int) -> re.Match[str] | None:
        if self._element in _RAW:
            return re.compile(rf"</{re.escape(self._element)}(?=[\s/>])", re.IGNORECASE).search(
                html, position
            )
        return _HTML_START.search(html, position)

    def _pass(self, html: str, start: int, end: int, seen: list[str]) -> None:
        """Take a part as seen, or hidden if it is in what is hidden."""
        if self.hidden:
            self._take_away(html, start, end, self._element or self.pending)
            seen.append("\n" * html.count("\n", start, end))
        else:
            seen.append(html[start:end])

    def _take_away(self, html: str, start: int, end: int, element: str) -> None:
        text = html[start:end].strip()
        if text:
            begins = html.index(text[0], start)
            self.taken.append(HiddenHtml(text, self._lines.at(begins), element))

    def _markup(self, html: str, start: int, seen: list[str]) -> int:
        """Take the markup at a position; the position behind it."""
        if html.startswith("<!--", start):
            short = next((end for end in ("<!-->", "<!--->") if html.startswith(end, start)), "")
            end = start + len(short) if short else self._after_comment(html, start + 4)
            seen.append("\n" * html.count("\n", start, end))
            return end
        if html[start + 1] in "!?":
            end = html.find(">", start) + 1
            if not end:
                self.pending = "tag"
                end = len(html)
            self._take_away(html, start, end, "markup")
            seen.append("\n" * html.count("\n", start, end))
            return end
        tag = _HTML_TAG.match(html, start)
        if tag is None:
            self.pending = "tag"
            self._take_away(html, start, len(html), "tag")
            seen.append("\n" * html.count("\n", start))
            return len(html)
        hidden = self.hidden
        self._take(tag)
        if hidden or (self.hidden and tag[2].lower() not in PICTURES):
            seen.append("\n" * tag[0].count("\n"))
        else:
            seen.append(tag[0])
        return tag.end()

    def _take(self, tag: re.Match[str]) -> None:
        name = tag[2].lower()
        if self._element:
            if name == self._element and name not in VOID:
                self._depth += -1 if tag[1] else 1
                if not self._depth:
                    self._element = ""
        elif not tag[1] and name not in VOID and hides(name, tag[3]):
            self.hide(name)

    def _after_comment(self, html: str, start: int) -> int:
        end = _COMMENT_END.search(html, start)
        self.pending = "" if end else "comment"
        return end.end() if end else len(html)


def hides(name: str, attributes: str) -> bool:
    """Whether an element shows nothing of what is in it.

    Args:
        name: the element's name in lower case.
        attributes: the source of its attributes.
    """
    if name in HIDDEN_ELEMENTS:
        return True
    given: dict[str, str] = {}
    for word, value in _ATTRIBUTE.findall(attributes):
        # Of an attribute that is there twice, a browser takes the first.
        given.setdefault(word.lower(), value.strip("\"'"))
    if name == "dialog" and "open" not in given:
        return True
    # What is hidden until it is found or called for is not on the page that a reader has before them.
    return (
        "hidden" in given or "popover" in given or bool(_STYLE.search(_declarations(given.get("style", ""))))
    )


def _declarations(style: str) -> str:
    """What a `style` says, as a browser reads it: entities and escapes resolved, comments taken out."""
    if "&" in style:
        from html import unescape

        style = unescape(style)
    if "/*" in style:
        style = _CSS_COMMENT.sub(" ", style)
    return _CSS_ESCAPE.sub(_unescaped, style) if "\\" in style else style


def _unescaped(found: re.Match[str]) -> str:
    code = int(found[1], 16) if found[1] else 0
    return found[2] or (chr(code) if 0 < code <= 0x10FFFF else "")


def has_pictures(html: str) -> bool:
    """Whether HTML without hidden parts shows a picture."""
    return any(tag[2].lower() in PICTURES for tag in _tags(html))


def text_of(html: str) -> str:
    """The text of HTML without hidden parts; entities stand as they are."""
    kept: list[str] = []
    end = 0
    for tag in _tags(html):
        kept.append(html[end : tag.start()])
        end = tag.end()
    return "".join(kept) + html[end:]


def _tags(html: str) -> Iterator[re.Match[str]]:
    """The tags of HTML, up to one that is not closed."""
    position = 0
    while (found := _HTML_START.search(html, position)) and (tag := _HTML_TAG.match(html, found.start())):
        yield tag
        position = tag.end()
