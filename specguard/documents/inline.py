"""What stands within running text: code spans, links, raw HTML and escapes, in linear time.

The rules are CommonMark's (https://spec.commonmark.org/0.31.2/#inlines) as far as they decide what is code,
what is a link and what is HTML. Emphasis is left to who asks.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from specguard.documents.html import PICTURES, VOID, hides

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
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


class Code:
    """A code span: where it stands with its backticks, and what is between them."""

    __slots__ = ("content", "end", "start")

    def __init__(self, start: int, end: int, content: str) -> None:
        self.start = start
        self.end = end
        self.content = content


class Reference:
    """A link or picture: where it stands, where its text does, and where it leads."""

    __slots__ = ("end", "picture", "start", "target", "text_end", "text_start")

    def __init__(
        self, start: int, end: int, text_start: int, text_end: int, target: str, *, picture: bool
    ) -> None:
        self.start = start
        self.end = end
        self.text_start = text_start
        self.text_end = text_end
        self.target = target
        self.picture = picture


class Tag:
    """A tag, or another piece of markup that is not shown."""

    __slots__ = ("closing", "end", "hides", "name", "start")

    def __init__(self, start: int, end: int, name: str = "", *, closing: bool = False, hides: bool = False):
        self.start = start
        self.end = end
        self.name = name
        self.closing = closing
        self.hides = hides

    @property
    def is_picture(self) -> bool:
        """Whether a reader sees something of the element although there is no text in it."""
        return self.name in PICTURES and not self.closing


class Part:
    """A part of a text that is not shown.

    Attributes:
        start: where it begins.
        end: where it ends.
        element: the element that hides it; empty for a comment or other markup.
        closed: whether it ends in the text, and does not go on behind it.
    """

    __slots__ = ("closed", "element", "end", "start")

    def __init__(self, start: int, end: int, element: str, *, closed: bool = True) -> None:
        self.start = start
        self.end = end
        self.element = element
        self.closed = closed


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
