"""The paths that a spec lists: those it governs, and those whose object ids a review recorded."""

from __future__ import annotations

import re

from specguard.documents.blocks import List, Table
from specguard.documents.content import leading_paths
from specguard.documents.data import written
from specguard.documents.fields import find_fields, normal_name
from specguard.specs.said import Said

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

    from specguard.documents.blocks import AnyBlock
    from specguard.specs.spec import Spec

LONGEST: Final = 2000
"""So many characters of a list item or row are read for a path and an object id."""

_OID: Final = re.compile(r"\b[0-9a-fA-F]{4,64}\b")
GOVERNS: Final = "governs"
"""The field in which a spec itself says what it governs."""


def recorded_ids(spec: Spec, name: str, index: bytes) -> Iterator[tuple[str, Said]]:
    """The object ids that a review recorded: a path or pattern each, and the id with its place.

    Args:
        spec: the spec.
        name: the name of the field, or section, that holds them.
        index: where the index is.
    """
    for key, value in spec.own(name):
        form = "data" if spec.structured else "front matter"
        for path, oid, place in _pairs(value, (key,)):
            yield path, Said(oid, spec.path, spec.data.line(place), form)
    for section in spec.sections(name):
        for raw, line in _rows(section.blocks):
            paths = leading_paths(raw).paths[:1]
            ids = _OID.findall(raw.partition(paths[0])[2]) if paths else []
            if ids:
                yield paths[0], Said(ids[-1], spec.path, line, "section")
    found = spec.entry.find(name) if spec.entry is not None else None
    if spec.entry is not None and found is not None:
        for path, oid, place in _pairs(found[1], (*spec.entry.place, found[0])):
            yield path, Said(oid, index, spec.entry.line_of(place), "index")


def governed_patterns(spec: Spec, content: bytes | None) -> Iterator[Said]:
    """The patterns of paths that a spec's own text says it governs.

    Args:
        spec: the spec.
        content: what its file holds; None where there is none.
    """
    # Most documents say nothing of this, and need not be parsed for it.
    if content is None or GOVERNS.encode() not in content.lower():
        return
    for key, value in spec.own(GOVERNS):
        values = value if isinstance(value, list) else str(value or "").replace(",", " ").split()
        for position, pattern in enumerate(values):
            if isinstance(pattern, str) and pattern.strip():
                line = spec.data.line((key, position) if isinstance(value, list) else (key,))
                yield Said(pattern.strip(), spec.path, line, "front matter")
    for field in find_fields(spec.fields, GOVERNS):
        if field.form not in {"front matter", "data"}:
            for pattern in leading_paths(field.value).paths:
                yield Said(pattern, spec.path, field.line, field.form)
    for section in spec.sections(GOVERNS):
        for raw, line in _rows(section.blocks):
            for pattern in leading_paths(raw).paths:
                yield Said(pattern, spec.path, line, "section")


def _rows(blocks: Sequence[AnyBlock]) -> Iterator[tuple[str, int]]:
    """The items of lists and the rows of tables as text, with their lines."""
    for block in blocks:
        if isinstance(block, List):
            yield from ((item.text.raw[:LONGEST], item.line) for item in block.items)
        elif isinstance(block, Table):
            for row in block.rows:
                yield " ".join(cell.raw for cell in row)[:LONGEST], row[0].line


def _pairs(value: Any, place: tuple[str | int, ...]) -> Iterator[tuple[str, str, tuple[str | int, ...]]]:
    """Paths and object ids in data: a table of them, or a list of tables with `path` and `oid`."""
    if isinstance(value, dict):
        for path, oid in value.items():
            if not isinstance(oid, (dict, list)) and oid is not None:
                yield path, written(oid).strip(), (*place, path)
    elif isinstance(value, list):
        for position, element in enumerate(value):
            if isinstance(element, dict):
                named = {normal_name(key): inner for key, inner in element.items()}
                path = named.get("path", named.get("pattern"))
                oid = named.get("oid", named.get("id", named.get("object")))
                if isinstance(path, str) and oid is not None and not isinstance(oid, (dict, list)):
                    yield path, written(oid).strip(), (*place, position)
