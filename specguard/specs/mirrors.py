"""Documents that repeat the statuses of specs in tables or lists."""

from __future__ import annotations

import re

from specguard.declaration.rule import Record
from specguard.documents.blocks import List, Table
from specguard.documents.content import without_box
from specguard.documents.data import data_kind, written
from specguard.documents.fields import normal_name, plain_value
from specguard.model import shortened
from specguard.specs.index import IDS, PATHS, place_of
from specguard.specs.text import plain_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.documents.blocks import AnyBlock, Item, Text
    from specguard.documents.data import Data
    from specguard.specs.spec import Spec
    from specguard.specs.specs import Specs
    from specguard.specs.text import Said

LONGEST: Final = 2000
"""So many characters of a cell or list item are read."""

_LINK: Final = re.compile(r"\]\(\s*<?([^)>\s]+)")
_NAME: Final = re.compile(r"[^\s`,;|()\[\]*]+")
# What may stand between a name and its status: the last of these begins the status.
_BEFORE_STATUS: Final = re.compile(r"\s[-\u2013\u2014]+\s|:\s|\(|\u2192|->|=>|,\s")
_BRACKETED: Final = re.compile(r"[(\[]([^()\[\]]{1,60})[)\]]\s*[.;]?$")


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
    counts: Said


class Unread(Record):
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
        self._by_id: dict[str, Spec] = {}
        self._by_path: dict[bytes, Spec] = {}

    def repeated(self) -> Iterator[tuple[bytes, Sequence[Repeated]]]:
        """The mirrors that are judged, each with the statuses in it that are not those that count.

        Raises:
            MissingFact: a document or the index cannot be read.
        """
        specs = self._specs
        if not specs.settings.mirrors:
            return
        documents = specs.now.documents
        mirrors = self._judged()
        if not mirrors:
            return
        documents.prefetch(mirrors)
        for spec in specs.all:
            self._by_path[spec.path] = spec
            if spec.id:
                self._by_id[normal_name(spec.id)] = spec
        for path in mirrors:
            folder = path.rpartition(b"/")[0]
            if data_kind(path) is not None:
                data = documents.data(path)
                found = list(self._in_data(data.value, data, (), folder)) if data is not None else []
            else:
                document = documents.read(path)
                found = list(self._in_blocks(document.blocks, folder)) if document is not None else []
            yield path, found

    def unread(self) -> Iterator[Unread]:
        """The mirrors that are judged and cannot be read, or are links to what is none.

        Raises:
            MissingFact: a document or the index cannot be read.
        """
        mirrors = self._judged() if self._specs.settings.mirrors else ()
        if not mirrors:
            return
        documents = self._specs.now.documents
        documents.prefetch(mirrors)
        for path in documents.unread_links(self._specs.settings.mirrors, mirrors):
            yield Unread(path, "it is no regular file", None)
        for path in mirrors:
            content = documents.data(path) if data_kind(path) is not None else documents.read(path)
            if content is not None and content.problem is not None:
                yield Unread(path, content.problem.message, content.problem.line)

    def _judged(self) -> Sequence[bytes]:
        specs = self._specs
        paths = specs.now.documents.tree.paths()
        mirrors = [paths[position] for position, _ in specs.settings.mirrors.find_each(paths)]
        mirrors = [path for path in mirrors if path != specs.now.index_path]
        if specs.whole or any(map(specs.touches, specs.judged)) or specs.touches_path(specs.now.index_path):
            return mirrors
        return [path for path in mirrors if specs.touches_path(path)]

    # Markdown

    def _in_blocks(self, blocks: Sequence[AnyBlock], folder: bytes) -> Iterator[Repeated]:
        for block in blocks:
            if isinstance(block, Table):
                yield from self._in_table(block, folder)
            elif isinstance(block, List):
                for item in block.items:
                    yield from self._in_item(item, folder)
                    yield from self._in_blocks(item.rest, folder)

    def _in_table(self, table: Table, folder: bytes) -> Iterator[Repeated]:
        wanted = {normal_name(self._specs.settings.status), "status", "state"}
        header = [normal_name(plain_value(cell.raw[:LONGEST])) for cell in table.header]
        column = next((position for position, name in enumerate(header) if name in wanted), None)
        for row in table.rows:
            named = next((found for cell in row if (found := self._whole(cell, folder))), None)
            if named is None:
                continue
            values = [plain_value(cell.raw[:LONGEST]) for cell in row]
            if column is not None:
                status = values[column] if column < len(values) else ""
            else:
                status = next((value for value in values if self._is_status(value)), "")
            if status:
                yield from self._compare(*named, status, row[0].line)

    def _in_item(self, item: Item, folder: bytes) -> Iterator[Repeated]:
        raw = item.text.raw
        if "&" in raw or ("<" in raw and "](" not in raw):
            raw = item.text.rendered
        raw = without_box(raw)[:LONGEST]
        named = self._leading(raw, folder)
        if named is None:
            return
        status = self._trailing(raw)
        if status:
            yield from self._compare(*named, status, item.line)
        elif item.checked is not None:
            spec, name = named
            counts = self._counts(spec)
            if (
                counts is not None
                and self._ways.known(counts.text)
                and self._ways.over(counts.text) != item.checked
            ):
                shown = "done with" if item.checked else "still open"
                yield Repeated(name, shown, item.line, counts)

    def _whole(self, cell: Text, folder: bytes) -> tuple[Spec, str] | None:
        """The spec that a cell names: by a link or path in it, or by its id and nothing else."""
        raw = cell.raw[:LONGEST]
        for target in (*_LINK.findall(raw), *cell.spans):
            spec = self._at(target, folder)
            if spec is not None:
                return spec, spec.id or target
        text = plain_value(raw)
        spec = self._by_id.get(normal_name(text)) or self._at(text, folder)
        return (spec, text) if spec is not None else None

    def _leading(self, raw: str, folder: bytes) -> tuple[Spec, str] | None:
        """The spec that an item begins with: its link, its path or its id."""
        if raw.startswith(("[", "**[")):
            target = _LINK.search(raw)
            if target is not None:
                spec = self._at(target[1], folder)
                if spec is not None:
                    return spec, spec.id or target[1]
        first = _NAME.search(raw)
        if first is None or first.start() > 4:
            return None
        name = first[0].rstrip(":.")
        spec = self._by_id.get(normal_name(name)) or self._at(name, folder)
        return (spec, name) if spec is not None else None

    def _trailing(self, raw: str) -> str:
        """The status that an item ends with; empty where it ends with none."""
        text = plain_value(raw.split("\n", 1)[0])
        bracketed = _BRACKETED.search(text)
        if bracketed is not None and self._is_status(bracketed[1]):
            return bracketed[1]
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

    # Data

    def _in_data(
        self, value: Any, data: Data, place: tuple[str | int, ...], folder: bytes
    ) -> Iterator[Repeated]:
        if isinstance(value, list):
            for position, element in enumerate(value):
                yield from self._in_data(element, data, (*place, position), folder)
        elif isinstance(value, dict):
            named = self._of_table(value, folder)
            status = _key(value, self._specs.settings.status)
            if named is not None and status is not None and not isinstance(value[status], (dict, list)):
                text = written(value[status])
                yield from self._compare(*named, text, data.line((*place, status)))
            for key, element in value.items():
                spec = self._by_id.get(normal_name(key))
                if spec is not None and isinstance(element, str):
                    yield from self._compare(spec, key, element, data.line((*place, key)))
                yield from self._in_data(element, data, (*place, key), folder)

    def _of_table(self, value: Mapping[str, Any], folder: bytes) -> tuple[Spec, str] | None:
        for name in (*IDS, *PATHS):
            key = _key(value, name)
            if key is not None and not isinstance(value[key], (dict, list)) and value[key] is not None:
                text = written(value[key])
                spec = self._by_id.get(normal_name(text)) or self._at(text, folder)
                if spec is not None:
                    return spec, text
        return None

    # Comparing

    def _at(self, text: str, folder: bytes) -> Spec | None:
        """The spec at a path, from the root or from the mirror's folder."""
        if not text or len(text) > LONGEST or "://" in text:
            return None
        for start in (folder, b""):
            path, problem = place_of(text, self._specs.now.documents.tree, start)
            if not problem and path in self._by_path:
                return self._by_path[path]
        return None

    def _counts(self, spec: Spec) -> Said | None:
        """The status that counts: the index's, or without one the document's own."""
        of_index = [said for said in spec.statuses if said.form == "index"]
        if of_index or self._specs.settings.index:
            return of_index[0] if of_index else None
        return spec.statuses[0] if spec.statuses else None

    def _compare(self, spec: Spec, name: str, status: str, line: int | None) -> Iterator[Repeated]:
        counts = self._counts(spec)
        if counts is not None and not self._ways.same(status, counts.text):
            yield Repeated(name, repr(shortened(status)), line, counts)


def _key(value: Mapping[str, Any], name: str) -> str | None:
    """The key of a name."""
    wanted = normal_name(name)
    return next((key for key in value if normal_name(key) == wanted), None)
