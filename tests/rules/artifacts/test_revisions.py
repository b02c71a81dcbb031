"""Fields that name revisions, and fields that must say that there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.testing import Case, Step, run_case

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """
[artifacts.check]
path = "CHECK.md"
fields = {posture = ["ready", "not-ready"], blockers = "any", head = "revisions"}
none_when = {blockers = "posture.ready"}

[work.slice]
source = "slices.yaml"
branch = "wave-{id}"

[artifacts.packet]
path = "PACKET.md"

[wave]
stages = [{name = "planning", leaves = ["packet"], branch = "plan-*"}]
"""


def judged(
    directory: Path, *, head: str = "main", posture: str = "ready", blockers: str = "none", says: str = ""
) -> None:
    text = f"Posture: {posture}\nBlockers: {blockers}\nHead: {head}\n"
    case = Case(
        policy=POLICY,
        base=[Step("chore: base", files={"slices.yaml": "slices: [{id: d1}]\n"})],
        commits=[Step("docs: check", files={"CHECK.md": text})],
        branch="work",
        args=["--select=ART009"],
        expect=[{"code": "ART009", "message": says}] if says else (),
        exit_code=1 if says else 0,
    )
    run_case(case, directory, installed=False)


@pytest.mark.parametrize(
    "head",
    [
        "main", "origin/main", "`main`, work", "main..work", "main...work and main", "wave-d1 (merged)",
        "plan-it; main", "refs/heads/main", "work~1..work", "work^, origin/main", "work~1^0",
    ],
)  # fmt: skip
def test_a_revision_that_is_there(tmp_path: Path, head: str) -> None:
    judged(tmp_path, head=head)


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ("3f1c2d4", "Head has '3f1c2d4', which is no commit or branch"),
        ("whatever", "Head has 'whatever', which is no commit or branch"),
        ("main, nowhere", "'nowhere'"),
        ("main..wave-d9", "'wave-d9'"),
        ("main~99..main", "'main~99', which is no commit or branch"),
        ("nowhere^", "'nowhere^'"),
        ("main..", "a range without both its ends"),
        ("TBD", "has no value"),
    ],
)
def test_a_revision_that_is_not(tmp_path: Path, head: str, says: str) -> None:
    judged(tmp_path, head=head, says=says)


def test_what_the_base_has_was_judged_when_it_came(tmp_path: Path) -> None:
    text = "Posture: ready\nBlockers: none\nHead: gone-by-now\n"
    case = Case(
        policy=POLICY,
        base=[Step(files={"CHECK.md": text})],
        commits=[Step("docs: x", files={"x.md": "x"})],
        args=["--select=ART009", "--all"],
    )
    run_case(case, tmp_path, installed=False)


@pytest.mark.parametrize("blockers", ["none", "None: all are closed", "nothing", "None (see the review)"])
def test_ready_without_blockers(tmp_path: Path, blockers: str) -> None:
    judged(tmp_path, blockers=blockers)


@pytest.mark.parametrize("blockers", ["B1 is open", "the cache, the queue", "nonesuch"])
def test_blockers_exclude_ready(tmp_path: Path, blockers: str) -> None:
    judged(tmp_path / "1", blockers=blockers, says="Posture is 'ready', and Blockers says")
    judged(tmp_path / "2", blockers=blockers, posture="not-ready")


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("- main\n- work", ""),
        ("- main\n- gone", "'gone'"),
        ("main, gone", "'gone'"),
        ("- `main`\n\nSee there.", ""),
    ],
)
def test_a_section_of_revisions(tmp_path: Path, said: str, says: str) -> None:
    text = f"# Check\n\nPosture: ready\nBlockers: none\n\n## Head\n\n{said}\n"
    found = {"code": "ART009", "message": f"Head has {says}"}
    case = Case(
        policy=POLICY,
        base=[Step("chore: base", files={"slices.yaml": "slices: [{id: d1}]\n"})],
        commits=[Step("docs: check", files={"CHECK.md": text})],
        branch="work",
        args=["--select=ART009"],
        expect=[found] if says else (),
        exit_code=1 if says else 0,
    )
    run_case(case, tmp_path, installed=False)


def test_a_second_statement_of_blockers_counts_too(tmp_path: Path) -> None:
    judged(tmp_path, blockers="none\nBlockers: B1 is open", says="Blockers says 'B1 is open'")
