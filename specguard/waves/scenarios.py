"""Acceptance scenarios, and the other lines of acceptance, as documents have them."""

from __future__ import annotations

import re
from bisect import bisect_right

from specguard.documents.blocks import List, Table, fences, texts
from specguard.documents.citations import citations
from specguard.documents.content import plain_words, without_box
from specguard.documents.titles import normal_title

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

    from specguard.documents.blocks import AnyBlock, Item, Text
    from specguard.documents.citations import Citation
    from specguard.documents.document import Document

COLUMNS: Final = frozenset({"scenario", "scenarios", "acceptance", "criterion", "criteria"})
"""What the title of a column of scenarios has a word of."""

_ID: Final = re.compile(
    r"\W{0,3}([A-Za-z]{1,10}(?:[-_][A-Za-z]{1,10})?[-_]?[0-9]{1,6}(?:[.-][0-9]{1,4}){0,3}[a-z]?)(?!\w)"
)
_SCENARIO: Final = re.compile(r"\W{0,3}scenario\b[\s:#.-]*", re.IGNORECASE)
_ARROW: Final = re.compile(r"\s(?:->|=>|\u2192|\u21d2)\s")
_QUOTED: Final = re.compile(r"[\"\u201c]([^\"\u201c\u201d\n]{3,200})[\"\u201d]")


class Scenario:
    """A scenario, or another line of acceptance, as the document has it.

    Attributes:
        text: what must hold.
        line: its line, from 1.
        names: what stands beside it in code spans, links and quotation marks: it may name gates and tests.
        cited: the places that it cites.
        words: its text in small letters, without anything but words.
    """

    __slots__ = ("cited", "line", "names", "text", "words")

    def __init__(self, text: str, line: int, names: Sequence[str], cited: Sequence[Citation]) -> None:
        self.text = text
        self.line = line
        self.names = names
        self.cited = cited
        self.words = plain_words(text)

    @property
    def id(self) -> str:
        """The id that it begins with, in small letters, such as `ac-3`; empty where it has none."""
        found = _ID.match(self.text)
        return found[1].casefold() if found else ""

    def says(self, stated: str) -> bool:
        """Whether it is what an item's acceptance says: by its id, or by the same words."""
        found = _ID.match(stated)
        if found and self.id:
            return found[1].casefold() == self.id
        other = plain_words(stated)
        return bool(other) and f" {other} " in f" {self.words} "

    def __repr__(self) -> str:
        return f"Scenario({self.text!r}, {self.line})"


class Scenarios:
    """Scenarios that are compared with many lines.

    Args:
        found: the scenarios.
    """

    def __init__(self, found: Iterable[Scenario]) -> None:
        self._ids: set[str] = set()
        self._by_word: dict[str, list[Scenario]] = {}
        for one in found:
            self._ids.add(one.id)
            for word in set(one.words.split()):
                self._by_word.setdefault(word, []).append(one)

    def say(self, stated: str) -> bool:
        """Whether one of them is what an item's acceptance says; see `Scenario.says`."""
        found = _ID.match(stated)
        if found and found[1].casefold() in self._ids:
            return True
        # Whatever has all of its words has the rarest of them.
        words = plain_words(stated).split()
        candidates = min((self._by_word.get(word, []) for word in words), key=len, default=[])
        return any(one.says(stated) for one in candidates)


class _Taken:
    """Lines that belong to something: ranges that begin one after the other, some within others."""

    def __init__(self) -> None:
        self._first: list[int] = []
        self._last: list[int] = []

    def add(self, first: int, last: int) -> None:
        """Add the lines from one to another."""
        if self._last and first <= self._last[-1] + 1:
            self._last[-1] = max(self._last[-1], last)
        else:
            self._first.append(first)
            self._last.append(last)

    def __contains__(self, line: int) -> bool:
        position = bisect_right(self._first, line) - 1
        return position >= 0 and line <= self._last[position]


def scenarios(document: Document, titles: Sequence[str]) -> list[Scenario]:
    """The scenarios of a document, in order.

    They are the rows of a table one of whose columns is called *Scenario*, *Acceptance* or *Criterion*; the
    headings that begin with *Scenario*, each with what stands below it; the list items that begin so; and
    the items of the sections with some titles.

    Args:
        document: the document.
        titles: the titles of sections whose items are scenarios.
    """
    found: dict[int, Scenario] = {}
    taken = _Taken()
    wanted = {normal_title(title) for title in titles}
    for section in document.sections:
        heading = section.heading.text.rendered
        if _SCENARIO.match(heading):
            said = _SCENARIO.sub("", heading, count=1) or heading
            found[section.line] = _scenario(said, section.line, section.blocks)
            # What stands below a scenario's heading is that scenario's.
            taken.add(section.line + 1, section.end)
    listed = [
        item
        for section in document.sections
        if normal_title(section.heading.text.plain) in wanted
        for item in _items(section.blocks)
    ]
    listed += [item for item in _items(document.blocks) if _SCENARIO.match(item.text.rendered)]
    for item in listed:
        if item.line not in taken:
            found.setdefault(item.line, _scenario(item.text.rendered, item.line, item.blocks))
    for table in _tables(document.blocks):
        for one in _rows(table):
            if one.line not in taken:
                found.setdefault(one.line, one)
    return [found[line] for line in sorted(found)]


def _scenario(text: str, line: int, blocks: Sequence[AnyBlock]) -> Scenario:
    names: list[str] = []
    for running in texts(blocks):
        names += _names(running)
    for fence in fences(blocks):
        names += [row.strip().removeprefix("$ ") for row in fence.content.split("\n") if row.strip()]
    return Scenario(without_box(" ".join(text.split())), line, names, list(citations(blocks)))


def _names(text: Text) -> list[str]:
    """What a text may name gates and tests by."""
    names = [*text.spans, *(link.target for link in text.links), *(link.text for link in text.links)]
    rendered = text.rendered
    names += [match[1] for match in _QUOTED.finditer(rendered)]
    names += [part.strip() for part in _ARROW.split(rendered)[1:]]
    return names


def _tables(blocks: Sequence[AnyBlock]) -> Iterator[Table]:
    for block in blocks:
        if isinstance(block, Table):
            yield block
        elif isinstance(block, List):
            for item in block.items:
                yield from _tables(item.blocks)


def _rows(table: Table) -> Iterator[Scenario]:
    """The scenarios of a table; none where no column is called as such a column is."""
    titles = [normal_title(cell.rendered).split() for cell in table.header]
    column = next((at for at, title in enumerate(titles) if COLUMNS.intersection(title)), None)
    if column is None or len(titles) < 2:
        return
    for row in table.rows:
        if column >= len(row) or not row[column].rendered.strip():
            continue
        said = row[column].rendered.strip()
        first = row[0].rendered.strip()
        if column and _ID.match(first):
            said = f"{first} {said}"
        others = [cell for at, cell in enumerate(row) if at != column]
        names = [name for cell in others for name in (*_names(cell), cell.rendered.strip()) if name]
        # An id in the first column is no gate.
        names = [name for name in names if not (column and name == first)]
        cited = list(citations([Table(table.header, [row], table.line)]))
        yield Scenario(" ".join(said.split()), row[0].line, [*names, *row[column].spans], cited)


def _items(blocks: Sequence[AnyBlock]) -> Iterator[Item]:
    """The items of lists, those within items left out."""
    for block in blocks:
        if isinstance(block, List):
            yield from block.items
