"""A finding of a review, with what is said of it behind labels."""

from __future__ import annotations

import re

from specguard.documents.blocks import List, Paragraph, Table
from specguard.documents.citations import citations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from specguard.documents.blocks import AnyBlock, Text
    from specguard.documents.citations import Citation

_LABEL: Final = re.compile(
    r"[\W_xX]{0,12}([A-Za-z][A-Za-z0-9 /'-]{0,30}?)[*_`]{0,4}\s?[:\uff1a][\s*_`]{0,6}(.*)"
)
_ID: Final = re.compile(r"[\W_]*(?:[0-9]{1,4}[.)][\W_]*)?([A-Z][A-Z0-9]{0,9}-?[0-9]{1,5})\b")

UNDONE: Final = "\0"
"""What a line begins with here where its checkbox is not ticked."""

STATUS_LABELS: Final = frozenset(
    {
        "status", "state", "resolution", "disposition", "outcome", "closure", "action", "action taken",
        "fix status", "verification", "re-verification", "re-review", "result", "current state",
    }
)  # fmt: skip


class Ranked:
    """A finding of a review.

    Attributes:
        title: its first words, without marks.
        line: its line, from 1.
        severity: its severity as the policy writes it; empty where it has none of these.
        said: what stands in place of a severity and is none; empty where nothing does.
        status: what stands behind `Status:` and its like, or in a column of that name.
        tails: the parts of its title, which may say what became of it, as in `(fixed)`; and its ticked items.
        labels: its other labels in small letters, with what stands behind them.
        undone: its items with a checkbox that is not ticked.
        name: what it is called, such as `HIGH-01`; empty where it has no name.
        earlier: whether it stands among those of an earlier review, or among closures.
    """

    def __init__(self, text: Text, *, severity: str, earlier: bool) -> None:
        self.title = " ".join(text.plain.split())
        self.line = text.line
        self.severity = severity
        self.said = ""
        self.status: list[str] = []
        self.tails: list[str] = []
        self.labels: list[tuple[str, str]] = []
        self.undone: list[str] = []
        self.name = name_of(text.plain)
        self.earlier = earlier
        self.blocks: list[AnyBlock] = [Paragraph(text)]

    @property
    def cited(self) -> Iterator[Citation]:
        """The places that it cites."""
        return citations(self.blocks)

    def __repr__(self) -> str:
        return f"Ranked({self.title!r}, {self.line}, {self.severity!r})"


def label_of(line: str) -> tuple[str, str]:
    """A line's label in small letters and what stands behind it; empty where it has none."""
    match = _LABEL.match(line[:600])
    return (match[1].strip().casefold(), match[2]) if match else ("", "")


def lines_of(blocks: Iterable[AnyBlock]) -> Iterator[str]:
    """The lines of paragraphs, items and cells; a ticked item keeps its mark, one not ticked is left out."""
    for block in blocks:
        if isinstance(block, Paragraph):
            yield from block.text.raw.split("\n")
        elif isinstance(block, List):
            for item in block.items:
                if item.checked is False:
                    yield f"{UNDONE}{item.text.raw}"
                    yield from lines_of(item.rest)
                else:
                    yield from lines_of(item.blocks)
        elif isinstance(block, Table) and len(block.header) == 2:
            for row in [block.header, *block.rows]:
                yield f"{row[0].raw}: {row[1].raw}"


def tails_of(raw: str) -> list[str]:
    """What a title says behind its words: in brackets, behind a colon or a dash, or before its colon."""
    line = raw.strip().partition("\n")[0][:1000]
    parts = re.split(
        r"[()\[\]]|\[[xX]\]|[:\uff1a](?=[\s*_`]|$)|\s[-\u2013\u2014]{1,2}\s|\u2705|\u2714\ufe0f?", line
    )
    return [part.strip(" *_`.") for part in parts if part.strip(" *_`.")]


def name_of(text: str) -> str:
    """What a text says first that is the name of a finding, such as `HIGH-01`; empty where it says none."""
    named = _ID.match(text[:60])
    return named[1] if named else ""
