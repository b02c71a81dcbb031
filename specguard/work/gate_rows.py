"""Gates that a document names in the rows of a table."""

from __future__ import annotations

import re

from specguard.declaration.patterns import Covering, PatternError
from specguard.work.gate_words import UNCONDITIONAL, commands_in, kind_named, plain_command, shape
from specguard.work.gates import NotRead, PlannedGate, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.documents.blocks import Table, Text
    from specguard.work.gate_words import Kind

_COMMAND: Final = re.compile(r"\b(?:commands?|cmd|run|how|invocation|script)\b", re.IGNORECASE)
_NAME: Final = re.compile(r"\b(?:name|gate|check|step|test|what|id|verification)\b", re.IGNORECASE)
_WHEN: Final = re.compile(
    r"\b(?:when|paths?|files?|applies to|condition|trigger|only for|if)\b", re.IGNORECASE
)
_TIMEOUT: Final = re.compile(r"\b(?:timeout|time limit|limit)\b", re.IGNORECASE)
_DURATION: Final = re.compile(r"([1-9][0-9]*)\s*(s|m|h)(?:ec(?:onds?)?|in(?:utes?)?|ours?)?\Z", re.IGNORECASE)
_ALWAYS: Final = frozenset({"", "-", "\u2013", "\u2014", "always", "any", "all", "every change", "yes"})


def row_gates(table: Table, kind: Kind) -> Iterator[PlannedGate | NotRead]:
    """The gates of a table: of each row the commands in the column for them, else in its first cell with any.

    Args:
        table: the table.
        kind: what its section names.
    """
    titles = [cell.plain for cell in table.header]
    command = _column(titles, _COMMAND)
    name = _column([title if number != command else "" for number, title in enumerate(titles)], _NAME)
    for row in table.rows:
        cells = [row[command]] if command is not None and command < len(row) else row
        gates: list[PlannedGate] = []
        for cell in cells:
            found, passed = commands_in(cell, listed=True, kind=kind)
            if not found and command is not None and not cell.codes and shape(cell.plain) == "sure":
                gates = [_gate(plain_command(cell.plain), cell.line, kind)]
            gates += [_gate(one.text, one.line, one.kind) for one in found]
            yield from passed
            if gates:
                break
        if not gates:
            line = row[0].line if row else table.line
            yield NotRead(line, " | ".join(cell.plain for cell in row), "the row names no command")
            continue
        called = row[name].plain.strip() if name is not None and name < len(row) else ""
        own = kind_named(called) if kind == "gate" else kind
        when, unread = _when(titles, row)
        if unread is not None:
            yield unread
        timeout = _timeout(titles, row)
        for gate in gates:
            yield gate.but(
                name=called or gate.name,
                kind=own if own != "gate" else gate.kind,
                when=when,
                timeout=timeout,
            )


def _gate(command: str, line: int, kind: Kind) -> PlannedGate:
    return PlannedGate(
        name=name_of(command),
        run=command,
        source="document",
        line=line,
        kind=kind,
        each="{file}" in command,
    )


def _column(titles: Sequence[str], wanted: re.Pattern[str]) -> int | None:
    return next((number for number, title in enumerate(titles) if wanted.search(title)), None)


def _when(titles: Sequence[str], row: Sequence[Text]) -> tuple[Covering, NotRead | None]:
    column = _column(titles, _WHEN)
    if column is None or column >= len(row):
        return Covering(), None
    cell = row[column]
    if cell.plain.strip().casefold() in _ALWAYS:
        return Covering(), None
    spans = cell.spans
    rest = re.sub("`+[^`]*`+", "", cell.raw)
    try:
        if spans and not re.sub(r"\b(?:and|or)\b|[\s,;]", "", rest):
            return Covering(spans), None
    except PatternError:
        pass
    return Covering(), NotRead(cell.line, cell.plain, UNCONDITIONAL)


def _timeout(titles: Sequence[str], row: Sequence[Text]) -> str:
    column = _column(titles, _TIMEOUT)
    found = _DURATION.match(row[column].plain.strip()) if column is not None and column < len(row) else None
    return f"{found[1]}{found[2].lower()}" if found else ""
