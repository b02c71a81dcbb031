"""SPC005 and SPC006: statuses, the moves between them, and approvals."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.rules.specs.setting import (
    WITHOUT_INDEX,
    each,
    found_in,
    judged_by,
    spec,
)

if TYPE_CHECKING:
    from pathlib import Path

OTHER = "tasks/specs/0002-logs.md"
CHAIN = WITHOUT_INDEX.replace(
    '["planned", "in-progress", "done"]\n', '["planned", "in-progress", "review", "done"]\n', 1
).replace(
    'transitions = {planned = ["in-progress", "done"], in-progress = ["done"]}\n',
    'transitions = {planned = ["in-progress"], in-progress = ["review"], review = ["done"]}\n',
)
NEEDING = CHAIN.replace('approval_needed = ["in-progress", "done"]', 'approval_needed = ["review"]')
stated = partial(judged_by, "SPC005")
allowed = partial(judged_by, "SPC006")


def test_ways_to_write_a_status(tmp_path: Path) -> None:
    ways = ["in-progress", "In progress", "IN_PROGRESS", "\u2705 in-progress.", "In-Progress (May)"]
    stated(tmp_path, each(spec(status=f'"{way}"') for way in ways), policy=WITHOUT_INDEX)


def test_a_status_that_is_not_known(tmp_path: Path) -> None:
    statuses = ["nearly", "in progress, not reviewed", "d\u043ene", "done " * 40, '""', "[x]"]
    files = each(spec(status=status) for status in statuses)
    expect = [{"path": path, "line": 3, "help": "planned, in-progress, done"} for path in files]
    stated(tmp_path, files, *expect, policy=WITHOUT_INDEX)


def test_moves(tmp_path: Path) -> None:
    moves = [
        ("planned", "in_progress", ""),
        ("planned", "done", ""),
        ("In Progress", "done", ""),
        ("done", "done", ""),
        ("nearly", "planned", ""),
        ("in-progress", "planned", "from in-progress to planned"),
        ("done", "in-progress", "from done to in-progress"),
        ("planned", "archived", "from planned to archived"),
        ("archived", "planned", "from archived to planned"),
        ("nearly", "archived", "begins as archived"),
    ]
    base = each(spec(status=before) for before, _, _ in moves)
    files = each(spec(status=after, text="x\n") for _, after, _ in moves)
    expect = [
        {"path": path, "line": 3, "message": message}
        for path, (_, _, message) in zip(files, moves, strict=True)
        if message
    ]
    stated(tmp_path, files, *expect, base=base, policy=WITHOUT_INDEX)


def test_how_a_new_spec_begins(tmp_path: Path) -> None:
    files = each(spec(status=status) for status in ("planned", "in-progress", "review", "done", "archived"))
    expect = [{"path": path, "message": "begins as", "help": "planned."} for path in list(files)[3:]]
    stated(tmp_path, files, *expect, policy=NEEDING)


# Approvals


def test_what_is_no_approval(tmp_path: Path) -> None:
    cases = [
        ("", "", "no approval is recorded", 3),
        ("approvals: []\n", "", "no approval is recorded", 3),
        ("approvals: [{reviewer: Ann Example}]\n", "", "does not say when", 4),
        ("approvals: [{date: 2026-02-20}]\n", "", "does not say who", 4),
        ("approvals: [{by: '<name>', date: 2026-02-20}]\n", "", "does not say who", 4),
        ("approvals: [{by: Ann Example, date: 2026-03-04}]\n", "", "in the future: 2026-03-04", 4),
        ("approvals: {docs: {by: Ann Example, date: 2026-02-20, status: rejected}}\n", "", "is not given", 4),
        ("", "## Approvals\n\n- Ann Example: pending\n", "is not given", 10),
        ("", "## Approvals\n\n<!-- Ann Example (2026-02-20) -->\n", "no approval", 3),
        ("", "```\n## Approvals\n\n- Ann Example (2026-02-20)\n```\n", "no approval", 3),
        ("", "> ## Approvals\n>\n> - Ann Example (2026-02-20)\n", "no approval", 3),
        ("", "## Reviews\n\n- Ann Example (2026-02-20)\n", "no approval", 3),
    ]
    files = each(spec(status="in_progress", more=more, text=text) for more, text, _, _ in cases)
    expect = ({"line": line, "message": message} for _, _, message, line in cases)
    allowed(tmp_path, files, *found_in(files, expect), policy=WITHOUT_INDEX)
