"""Headings as people write them: which words make a title."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from specguard.documents.document import Document, Section

_NUMBERING: Final = re.compile(r"(?:§\s*)?(?:[0-9]+(?:\.[0-9]+)*[a-z]?[.):]?|(?:[a-z]|[ivxl]+)[.):])\s+")
_BRACKETS: Final = re.compile(r"[(\uff08\[【][^()\uff08\uff09\[\]【】]*[)\uff09\]】]")
_SUFFIX: Final = re.compile(r"\s[-\u2013—]+\s.*|[—:\uff1a].*")


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


class Near:
    """Something that comes near to a section that is not there.

    Attributes:
        line: where it stands, from 1.
        text: its words.
        why: why it is not the section: `in a code block`, `in a comment`, `spelt differently`.
    """

    __slots__ = ("line", "text", "why")

    def __init__(self, line: int, text: str, why: str) -> None:
        self.line = line
        self.text = text
        self.why = why

    def __repr__(self) -> str:
        return f"Near({self.line}, {self.text!r}, {self.why!r})"


def find_section(
    document: Document, title: str, *, aliases: Iterable[str] = (), bold: bool = False
) -> Section | None:
    """The first section with a title, compared as people write headings.

    Args:
        document: where it is looked for.
        title: the title.
        aliases: other titles that stand for it.
        bold: whether a paragraph that is bold as a whole counts as a heading.
    """
    return document.section(title, *aliases)


def near_section(document: Document, title: str, *, aliases: Iterable[str] = ()) -> Near | None:
    """What comes nearest to a section that is not there; None where nothing does."""
    return None
