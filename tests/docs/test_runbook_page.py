"""The settings that the page about waves shows for names of a team's own."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha1
from typing import TYPE_CHECKING

from specguard.testing import Case, Step, run_case
from tests.docs.pages import blocks, read

if TYPE_CHECKING:
    from pathlib import Path

POLICY = next(
    block.text
    for block in blocks(read("docs/runbook.md").partition("## Make it your own")[2])
    if "toml" in block.info
)
PACKET = """\
# Packet

Status: ready
Author: ann

| Scenario | Shown by |
| --- | --- |
| AC-1: it is kept | `tests/test_a.py` |
"""
BLOB = sha1(f"blob {len(PACKET)}\0{PACKET}".encode(), usedforsecurity=False).hexdigest()
BREAKDOWN = {"work": [{"id": "a1", "owner": "ann", "paths": ["src/a", "tests/"], "accept": ["AC-1"]}]}
FILES = {
    "tests/test_a.py": "def test(): ...\n",
    "waves/7/PACKET.md": PACKET,
    "waves/7/breakdown.json": json.dumps(BREAKDOWN),
    "waves/7/REVIEW.md": (
        "Reviewer: bob\nDisposition: approved\nInputs: `waves/7/PACKET.md`\n\n## Findings\n\nNone.\n"
    ),
    "waves/7/AGENT_1_NOTES.md": "Notes.\n",
    "waves/7/DRIFT.md": (
        f"Steward: carol\nBranches: main\nHead: main\nPacket: {BLOB[:12]}\n"
        "Invariants: they hold\nOverlap: there is one slice\nAmbiguity: none is left\nDrift: none\n"
    ),
}
CASE = Case(
    policy=POLICY,
    base=[Step(files=FILES)],
    commits=[Step("feat: a", files={"src/a": "1"})],
    branch="wave-7/a1",
    states={"WRK001": "passed", "BRN001": "passed", "PLN008": "passed", "PLN010": "passed"},
)


def test_a_slice_under_other_names(tmp_path: Path) -> None:
    run_case(CASE, tmp_path / "right")
    wrong = [Step("feat: a", files={"src/b": "1"})]
    expect = [{"code": "PLN010", "path": "src/b"}]
    run_case(replace(CASE, commits=wrong, states={}, expect=expect, exit_code=1), tmp_path / "file")
    early = [Step(files={path: text for path, text in FILES.items() if "DRIFT" not in path})]
    expect = [{"code": "PLN008", "field": "work_item", "message": "the stage drift check is not complete"}]
    run_case(replace(CASE, base=early, states={}, expect=expect, exit_code=1), tmp_path / "early")


def test_the_planning_branch_under_another_name(tmp_path: Path) -> None:
    planned = {
        path: text for path, text in FILES.items() if path.startswith("waves/") and "DRIFT" not in path
    }
    case = replace(
        CASE,
        base=[Step(files={"tests/test_a.py": "x"})],
        commits=[Step("docs: plan", files=planned)],
        branch="plan-wave-7",
        states={"PLN001": "passed", "PLN008": "passed", "ART020": "passed"},
    )
    run_case(case, tmp_path / "right")
    more = [Step("docs: plan", files={**planned, "src/a": "1"})]
    expect = [{"code": "PLN008", "path": "src/a"}]
    run_case(replace(case, commits=more, states={}, expect=expect, exit_code=1), tmp_path / "wrong")
