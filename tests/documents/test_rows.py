"""The lines of a document that say something each."""

from __future__ import annotations

from pathlib import Path

from specguard.documents.blocks import rows
from specguard.documents.document import Document

TEXT = (Path(__file__).parent / "samples" / "rows.md").read_text(encoding="utf-8")


def test_rows() -> None:
    found = [(row.line, row.cells) for row in rows(Document(TEXT).blocks)]
    assert found == [
        (1, ["Agents"]),
        (3, ["First line,"]),
        (4, ["second  line."]),
        (6, ["P1: aligned and more"]),
        (8, ["nested"]),
        (9, ["deeper"]),
        (13, ["P2", "stale"]),
        (14, ["P3", ""]),
    ]


def test_cells_are_found_by_their_column() -> None:
    row = next(row for row in rows(Document(TEXT).blocks) if row.header)
    assert row.cell(" state ") == "stale"
    assert row.cell("Other") == ""
    assert next(rows(Document("x").blocks)).cell("x") == ""
