"""Reading a Markdown document into blocks and sections."""

from __future__ import annotations

from functools import cached_property

from specguard.documents.blocks import texts
from specguard.documents.limits import beyond_limits
from specguard.documents.problem import Problem, UnreadDocument, not_utf8
from specguard.documents.reader import Reader
from specguard.documents.sections import sections_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Literal, Self

    from specguard.documents.blocks import AnyBlock, Comment, Text
    from specguard.documents.checkboxes import Ticked
    from specguard.documents.data import Data
    from specguard.documents.html import HiddenHtml
    from specguard.documents.reader import Definition
    from specguard.documents.sections import Section


class Document:
    r"""A Markdown document.

    Args:
        text: its text; lines end at `\n` alone, and neither a byte-order mark nor a carriage return is part
            of them.

    Attributes:
        problem: why it could not be read; None where it could.
        marked: whether it begins with a byte-order mark.
        blocks: what a reader of the rendered page sees, in order.
        hidden_blocks: the blocks that stand in hidden HTML.
        hidden_html: what else is hidden by HTML, in order.
        comments: its HTML comments, in order.
        definitions: its link reference definitions, in order.
        unseen_footnotes: what the footnotes hold that no text refers to, in order.
        last_line: the number of its last line.
        source_lines: its lines as they were read.

    Raises:
        UnreadDocument: it is larger or deeper than `specguard.documents.limits` allows.
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
        reader = Reader("\n".join(lines))
        self.blocks: Sequence[AnyBlock] = reader.blocks
        self.hidden_blocks: Sequence[AnyBlock] = reader.hidden
        self.hidden_html: Sequence[HiddenHtml] = reader.hidden_html
        self.comments: Sequence[Comment] = reader.comments
        self.definitions: Sequence[Definition] = reader.definitions
        self.unseen_footnotes: Sequence[AnyBlock] = reader.unseen_footnotes

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
        """The text of its front matter, from line 2; None where there is none."""
        return self._matter.text if self._matter else None

    @cached_property
    def properties(self) -> Data:
        """Its front matter, at its very beginning: YAML between `---` and `---`, or TOML between `+++`.

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
        return sections_of(self.blocks, self.last_line)

    @cached_property
    def ticked(self) -> Sequence[Ticked]:
        """The ticked items of its checklists, in order."""
        from specguard.documents.checkboxes import ticked_items

        return list(ticked_items(self.blocks))

    def section(self, *titles: str) -> Section | None:
        """The first section with one of these titles, compared as `find_section` does."""
        from specguard.documents.titles import find_section

        return find_section(self, titles[0], aliases=titles[1:])

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
