"""SPC007: code that changes without a spec."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard_rules.specs.coverage import in_brackets
from tests.rules.specs.setting import (
    BASE,
    CODE,
    ENTRY,
    INDEX,
    SPEC,
    index,
    judged_by,
    spec,
)

if TYPE_CHECKING:
    from pathlib import Path

FOUND = {"path": CODE, "severity": "error", "message": "no spec did"}
FILES = {CODE: "run(1)\n"}
OTHER = "tasks/specs/0002-logs.md"
judged = partial(judged_by, "SPC007")


@pytest.mark.parametrize(
    ("trailer", "holds"),
    [
        ("Spec-Impact: none (only names changed)", True),
        ("spec-impact: none (only names changed)", True),
        ("Spec-Impact: none - only names changed", False),
        ("Spec-Impact: none\n (only names changed)", True),
        ("Spec-Impact: none", False),
        ("Spec-Impact: none ()", False),
        ("Spec-Impact: none (TODO)", False),
        ("Spec-Impact: none (REASON)", False),
        ("Spec-Impact: (only names changed)", False),
        ("Spec-Impact: none-needed", False),
        ("Spec-Impact:", False),
        ("Spec-Impact: none (only names changed)\nand more words", False),
        ("Spec-Impact: none (only names changed)\n\nSigned-off-by: A <a@example.org>", False),
    ],
)
def test_a_trailer_with_its_reason(trailer: str, holds: bool, tmp_path: Path) -> None:
    expect = [] if holds else [FOUND]
    judged(tmp_path, FILES, *expect, message=f"feat: run\n\n{trailer}")


@given(st.text("a1é²_-( )\r", max_size=12) | st.text(st.characters(exclude_characters="\n"), max_size=6))
def test_a_reason_stands_in_brackets_behind_a_word(value: str) -> None:
    found = re.fullmatch(r"[^(]*[^\W_][^(]*\((.*)\)[^)]*", value)
    assert in_brackets(value) == (found[1] if found else "")


def test_a_long_value_without_brackets_takes_linear_time() -> None:
    assert in_brackets("a" * 1_000_000) == ""


@pytest.mark.parametrize(
    "files",
    [
        {SPEC: spec(text="Runs are kept for 30 days.\n")},
        {SPEC: spec(status="in-progress")},
        {SPEC: spec("2026-02-28", more="approvals: [{by: Ann Example, date: 2026-02-28}]\n")},
        {OTHER: "# Logs\n\nThey are kept.\n"},
        {INDEX: index({**ENTRY, "title": "Runs"})},
    ],
    ids=range(5),
)
def test_what_is_a_change_of_a_spec(files: dict[str, str], tmp_path: Path) -> None:
    judged(tmp_path, {**FILES, **files})


@pytest.mark.parametrize(
    ("files", "delete"),
    [
        ({}, []),
        ({"docs/x.md": "x"}, []),
        ({SPEC: spec() + "\n\n  \n"}, []),
        ({SPEC: spec().replace("kept.", "kept.<!-- x -->")}, []),
        ({SPEC: spec("2026-02-28")}, []),
        ({OTHER: ""}, []),
        ({OTHER: "# Logs\n"}, []),
        ({OTHER: "# Logs\n\n## Why\n\n<!-- why -->\n\n## What\n"}, []),
        ({INDEX: index(ENTRY, {"id": "0002", "path": OTHER})}, []),
        ({OTHER: "\n\u200b\n"}, []),
        ({OTHER: "<!-- a spec -->\n"}, []),
        ({OTHER: spec()}, [SPEC]),
        ({}, [SPEC]),
        ({INDEX: index(ENTRY).replace("\n", "  ")}, []),
        ({INDEX: index({**ENTRY, "last_review": "2026-02-28"})}, []),
        ({INDEX: index()}, []),
    ],
    ids=range(16),
)
def test_what_is_no_change_of_a_spec(files: dict[str, str], delete: list[str], tmp_path: Path) -> None:
    base = BASE if SPEC not in delete else {**BASE, INDEX: index({"id": "0001"})}
    judged(tmp_path, {**FILES, **files}, FOUND, base=base, delete=delete)
