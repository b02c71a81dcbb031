"""SPC005 and SPC006: statuses, the moves between them, and approvals."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.rules.specs.setting import (
    BASE,
    CODE,
    ENTRY,
    INDEX,
    SPEC,
    WITHOUT_INDEX,
    each,
    found_in,
    index,
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


def test_a_status_behind_a_comment_is_what_is_read(tmp_path: Path) -> None:
    stated(tmp_path, {SPEC: spec(status="done # draft")}, policy=WITHOUT_INDEX)


def test_a_status_twice_is_none(tmp_path: Path) -> None:
    text = spec(more="status: done\n")
    stated(
        tmp_path,
        {SPEC: text},
        {"path": SPEC, "line": 4, "message": "front matter has the key"},
        policy=WITHOUT_INDEX,
    )


def test_where_the_status_stands(tmp_path: Path) -> None:
    text = "# Runs\n\n**Status:** nearly\n\n## Tasks\n\n- Status: planned\n"
    stated(tmp_path / "a", {SPEC: text}, {"path": SPEC, "line": 3}, policy=WITHOUT_INDEX)
    for name, text in (
        ("d", "# Runs\n\n## Metadata\n\n- **Status**: nearly\n\n## Tasks\n\n- Status: planned\n"),
        ("e", "# Runs\n\nThe runs.\n\n## 2. Status\n\n*Nearly*\n\nMore of it.\n"),
    ):
        stated(tmp_path / name, {SPEC: text}, {"path": SPEC, "help": "one of"}, policy=WITHOUT_INDEX)
    text = "# Runs\n\n## Status\n\n- [x] It runs\n\n## Tasks\n\n- Status: planned\n"
    found = {"path": SPEC, "message": "the one in line 9 stands below a heading"}
    stated(tmp_path / "f", {SPEC: text}, found, policy=WITHOUT_INDEX)
    text = "---\nstatus: planned\n---\n\n- Status: nearly\n"
    stated(tmp_path / "b", {SPEC: text}, policy=WITHOUT_INDEX)
    files = {INDEX: index({**ENTRY, "status": "nearly"})}
    stated(tmp_path / "c", files, {"path": SPEC, "line": None, "message": "in tasks/index.json:2"})


def test_statuses_that_are_over_are_known_too(tmp_path: Path) -> None:
    policy = WITHOUT_INDEX.replace("transitions = {", "transitions = {} # {")
    stated(tmp_path, {SPEC: spec(status="superseded")}, policy=policy)


def test_a_spec_without_a_status(tmp_path: Path) -> None:
    stated(tmp_path / "a", {OTHER: "# Logs\n"}, {"path": OTHER}, policy=WITHOUT_INDEX)
    policy = WITHOUT_INDEX.replace('statuses = ["planned"', 'statuses = [] # ["planned"')
    stated(tmp_path / "b", {OTHER: "# Logs\n"}, policy=policy)
    gone = spec().replace("status: planned\n", "")
    stated(tmp_path / "c", {SPEC: gone}, {"path": SPEC, "message": "had 'planned'"}, policy=policy)


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


def test_a_move_in_the_index(tmp_path: Path) -> None:
    base = {**BASE, SPEC: "# Runs\n", INDEX: index({**ENTRY, "status": "done"})}
    files = {INDEX: index({**ENTRY, "status": "planned"})}
    moved = "from done to planned in tasks/index.json:2"
    expect = {"path": SPEC, "message": moved, "help": "Nothing comes behind"}
    stated(tmp_path / "a", files, expect, base=base)
    # From one place to the other it is the same move.
    files = {INDEX: index(ENTRY), SPEC: spec()}
    stated(tmp_path / "b", files, {"path": SPEC, "message": "from done to planned"}, base=base)


def test_a_spec_with_a_new_name_keeps_its_history(tmp_path: Path) -> None:
    base = {SPEC: spec(status="done", more="id: R-1\n")}
    files = {OTHER: spec(status="planned", more="id: r-1\n", text="Other words.\n")}
    found = {"path": OTHER, "message": "from done to planned"}
    stated(tmp_path, files, found, base=base, delete=[SPEC], policy=WITHOUT_INDEX)


def test_how_a_new_spec_begins(tmp_path: Path) -> None:
    files = each(spec(status=status) for status in ("planned", "in-progress", "review", "done", "archived"))
    expect = [{"path": path, "message": "begins as", "help": "planned."} for path in list(files)[3:]]
    stated(tmp_path, files, *expect, policy=NEEDING)


def test_a_status_is_judged_where_the_spec_governs_what_changes(tmp_path: Path) -> None:
    base = {**BASE, SPEC: spec(status="nearly"), OTHER: spec(status="nearly")}
    stated(tmp_path / "a", {"docs/x.md": "x"}, base=base)
    stated(tmp_path / "b", None, {"path": SPEC}, base=base)
    stated(tmp_path / "c", None, {"path": SPEC}, {"path": OTHER}, base=base, args=["--all"])


# Approvals


def test_a_status_that_needs_no_approval(tmp_path: Path) -> None:
    allowed(tmp_path, {SPEC: spec(text="x\n")})


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


def test_an_approval_in_the_index(tmp_path: Path) -> None:
    entry: dict[str, Any] = {**ENTRY, "status": "In progress"}
    allowed(tmp_path / "a", {INDEX: index(entry)}, {"path": SPEC, "line": None})
    entry["approvals"] = {
        "docs_review": {"reviewer": "Ann Example", "date": "2026-02-20", "status": "succeeded"}
    }
    allowed(tmp_path / "b", {INDEX: index(entry)})
    entry["approvals"] = {"docs_review": {"date": "2026-02-20"}}
    allowed(tmp_path / "c", {INDEX: index(entry)}, {"path": SPEC, "message": "in tasks/index.json:2"})


def test_a_terminal_status_is_not_exempt(tmp_path: Path) -> None:
    base = {**BASE, SPEC: spec(status="done")}
    allowed(tmp_path, None, {"path": SPEC, "message": "is done, and no"}, base=base, policy=WITHOUT_INDEX)


def test_the_names_of_fields_are_a_setting(tmp_path: Path) -> None:
    policy = WITHOUT_INDEX.replace(
        "[specs]", '[specs]\napprovals = "sign_off"\napproval_fields = {who = ["name"], when = ["signed"]}'
    )
    files = {
        SPEC: spec(
            status="done", text="## Sign off\n\n| Name | Signed |\n| - | - |\n| Ann Example | 2026-02-20 |\n"
        )
    }
    allowed(tmp_path, files, policy=policy)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ('transitions = {planed = ["done"]}', "`transitions` has the status 'planed'"),
        ('approval_needed = ["approved"]', "`approval_needed` has the status 'approved'"),
        ('index = "tasks/index.md"', "neither JSON nor YAML"),
        ('governs = {"src/[" = ["a.md"]}', "of a key of `governs`"),
        ('governs = {"src/" = ["docs/"]}', "selects no file"),
    ],
)
def test_settings_that_cannot_be(setting: str, message: str, tmp_path: Path) -> None:
    policy = f'[specs]\nfiles = ["x/*.md"]\nstatuses = ["planned", "done"]\n{setting}\n'
    stated(tmp_path, {CODE: ""}, policy=policy, error=message, exit_code=2)
