"""Documents that repeat the statuses of specs in tables or lists."""

from __future__ import annotations

import re

from specguard.declaration.rule import Record
from specguard.documents.blocks import List, Table
from specguard.documents.content import without_box
from specguard.documents.data import data_kind
from specguard.documents.fields import normal_name, plain_value
from specguard.model import shortened
from specguard.specs.text import place_of, plain_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.documents.blocks import AnyBlock, ListItem
    from specguard.specs.spec import Spec
    from specguard.specs.specs import Specs
    from specguard.specs.text import WrittenValue

LONGEST: Final = 2000
"""So many characters of a cell or list item are read."""

_LINK: Final = re.compile(r"\]\(\s*<?([^)>\s]+)")
_NAME: Final = re.compile(r"[^\s`,;|()\[\]*]+")
# What may stand between a name and its status: the last of these begins the status.
_BEFORE_STATUS: Final = re.compile(r"\s[-\u2013\u2014]+\s|:\s|\(|\u2192|->|=>|,\s")


class Repeated(Record):
    """A status that a mirror gives a spec, and that is not the one that counts.

    Attributes:
        name: what the mirror calls the spec.
        shown: the status as the mirror has it, for a message.
        line: its line in the mirror.
        counts: the status that counts.
    """

    name: str
    shown: str
    line: int | None
    counts: WrittenValue


class UnreadMirror(Record):
    """A mirror of which nobody can tell what it repeats.

    Attributes:
        path: where it is.
        why: why it cannot be read, as a clause.
        line: the line that is to blame; None where none is.
    """

    path: bytes
    why: str
    line: int | None


class Mirrors:
    """The mirrors of a tree.

    Args:
        specs: the specs whose statuses they repeat.
    """

    def __init__(self, specs: Specs) -> None:
        self._specs = specs
        self._ways = specs.ways
        self._documents = specs.now.documents
        self._by_id: dict[str, Spec] = {}
        self._by_path: dict[bytes, Spec] = {}

    def repeated(self) -> Iterator[tuple[bytes, Sequence[Repeated]]]:
        """The mirrors that are judged, each with the statuses in it that are not those that count.

        Raises:
            MissingFact: a document or the index cannot be read.
        """
        mirrors = self._judged()
        if mirrors:
            self._by_path = {spec.path: spec for spec in self._specs.all}
            self._by_id = {normal_name(spec.id): spec for spec in self._specs.all if spec.id}
        for path in mirrors:
            document = self._documents.read(path) if data_kind(path) is None else None
            if document is not None:
                yield path, list(self._in_blocks(document.blocks, path.rpartition(b"/")[0]))

    def unread(self) -> Iterator[UnreadMirror]:
        """The mirrors that are judged and cannot be read, or are links to what is none.

        Raises:
            MissingFact: a document or the index cannot be read.
        """
        mirrors = self._judged()
        for path in self._documents.unread_links(self._specs.settings.mirrors, mirrors):
            yield UnreadMirror(path, "it is no regular file", None)
        for path in mirrors:
            if data_kind(path) is not None:
                yield UnreadMirror(
                    path, "it is data, and statuses are read in tables and lists of Markdown", None
                )
                continue
            document = self._documents.read(path)
            if document is not None and document.problem is not None:
                yield UnreadMirror(path, document.problem.message, document.problem.line)

    def _judged(self) -> Sequence[bytes]:
        specs = self._specs
        if not specs.settings.mirrors:
            return ()
        paths = self._documents.tree.paths()
        mirrors = [paths[position] for position, _ in specs.settings.mirrors.find_each(paths)]
        mirrors = [path for path in mirrors if path != specs.now.index_path]
        if not (
            specs.whole or any(map(specs.touches, specs.judged)) or specs.touches_path(specs.now.index_path)
        ):
            mirrors = [path for path in mirrors if specs.touches_path(path)]
        self._documents.prefetch(mirrors)
        return mirrors

    def _in_blocks(self, blocks: Sequence[AnyBlock], folder: bytes) -> Iterator[Repeated]:
        for block in blocks:
            if isinstance(block, Table):
                yield from self._in_table(block, folder)
            for item in block.items if isinstance(block, List) else ():
                yield from self._in_item(item, folder)
                yield from self._in_blocks(item.rest, folder)

    def _in_table(self, table: Table, folder: bytes) -> Iterator[Repeated]:
        wanted = {normal_name(self._specs.settings.status), "status", "state"}
        header = [normal_name(plain_value(cell.raw[:LONGEST])) for cell in table.header]
        column = next((position for position, name in enumerate(header) if name in wanted), None)
        for row in table.rows:
            values = [plain_value(cell.raw[:LONGEST]) for cell in row]
            # A cell names a spec by a link or path in it, or by its id and nothing else.
            names = (
                name
                for cell, value in zip(row, values, strict=True)
                for name in (*_LINK.findall(cell.raw[:LONGEST]), *cell.spans, value)
            )
            named = next((found for name in names if (found := self._named(name, folder))), None)
            if column is None:
                status = next((value for value in values if self._is_status(value)), "")
            else:
                status = values[column] if column < len(values) else ""
            if named is not None and status:
                yield from self._compare(*named, status, row[0].line)

    def _in_item(self, item: ListItem, folder: bytes) -> Iterator[Repeated]:
        raw = item.text.raw
        if "&" in raw or ("<" in raw and "](" not in raw):
            raw = item.text.rendered
        raw = without_box(raw)[:LONGEST]
        # An item begins with the spec: its link, its path or its id.
        link = _LINK.search(raw) if raw.startswith(("[", "**[")) else None
        first = _NAME.search(raw[:LONGEST])
        named = self._named(link[1], folder) if link else None
        if named is None and first is not None and first.start() <= 4:
            named = self._named(first[0].rstrip(":."), folder)
        if named is None:
            return
        status = self._trailing(raw)
        counts = self._counts(named[0])
        if status:
            yield from self._compare(*named, status, item.line)
        elif (
            counts is not None
            and item.checked is not None
            and self._ways.known(counts.text)
            and self._ways.over(counts.text) != item.checked
        ):
            shown = "done with" if item.checked else "still open"
            yield Repeated(named[1], shown, item.line, counts)

    def _named(self, text: str, folder: bytes) -> tuple[Spec, str] | None:
        """The spec of an id, or at a path from the root or the mirror's folder, and what it is called."""
        spec = self._by_id.get(normal_name(text))
        if spec is not None:
            return spec, text
        for start in (folder, b"") if text and len(text) <= LONGEST and "://" not in text else ():
            path, problem = place_of(text, self._documents.tree, start)
            if not problem and path in self._by_path:
                return self._by_path[path], self._by_path[path].id or text
        return None

    def _trailing(self, raw: str) -> str:
        """The status that an item ends with; empty where it ends with none."""
        text = plain_value(raw.split("\n", 1)[0])
        for match in reversed(list(_BEFORE_STATUS.finditer(text))):
            rest = text[match.end() :].strip(" .;)")
            label, colon, value = rest.partition(":")
            if colon and normal_name(label) in {"status", normal_name(self._specs.settings.status)}:
                return value.strip()
            if self._is_status(rest):
                return rest
        return ""

    def _is_status(self, text: str) -> bool:
        return bool(plain_status(text)) and self._ways.listed(text)

    def _counts(self, spec: Spec) -> WrittenValue | None:
        """The status that counts: the index's, or without one the document's own."""
        of_index = [said for said in spec.statuses if said.form == "index"]
        found = of_index if self._specs.settings.index else spec.statuses
        return found[0] if found else None

    def _compare(self, spec: Spec, name: str, status: str, line: int | None) -> Iterator[Repeated]:
        counts = self._counts(spec)
        if counts is not None and not self._ways.same(status, counts.text):
            yield Repeated(name, repr(shortened(status)), line, counts)
