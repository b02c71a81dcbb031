"""SPC007: code that changes without a spec; `tests/cases/specs/spec-change.toml` has what is one."""

import re
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.testing import Step
from specguard_rules.specs.governed_code import bracketed_text
from tests.rules.specs.setting import BASE, CODE, ENTRY, INDEX, SPEC, index, judged_by, spec

FOUND = {"path": CODE, "severity": "error", "message": "no spec did"}
FILES = {CODE: "run(1)\n"}
OTHER = "tasks/specs/0002-logs.md"
judged = partial(judged_by, "SPC007")


def test_what_is_no_trailer_with_its_reason(tmp_path: Path) -> None:
    """Any one that did hold would do for all of the change."""
    values = [
        " none - only names", " none", " none ()", " none (TODO)", " none (REASON)", " (only names)",
        " none-needed", "", " none (only names)\nand more", " none (names)\n\nSigned-off-by: A <a@x.org>",
    ]  # fmt: skip
    commits = [Step(f"feat: run\n\nSpec-Impact:{value}", files={CODE: value}) for value in values]
    judged(tmp_path, None, FOUND, commits=commits)


@given(st.text("a1é²_-( )\r", max_size=12) | st.text(st.characters(exclude_characters="\n"), max_size=6))
def test_a_reason_stands_in_brackets_behind_a_word(value: str) -> None:
    found = re.fullmatch(r"[^(]*[^\W_][^(]*\((.*)\)[^)]*", value)
    assert bracketed_text(value) == (found[1] if found else "")


SPECS = [f"tasks/specs/0001-{number}.md" for number in range(3)]
NOTHING_NEW = {
    SPECS[0]: spec() + "\n\n  \n",
    SPECS[1]: spec().replace("kept.", "kept.<!-- x -->"),
    SPECS[2]: spec("2026-02-28"),
    "tasks/specs/0003.md": "",
    "tasks/specs/0004.md": "# Logs\n",
    "tasks/specs/0005.md": "# Logs\n\n## Why\n\n<!-- why -->\n\n## What\n",
    "tasks/specs/0006.md": "\n\u200b\n",
    "tasks/specs/0007.md": "<!-- a spec -->\n",
    INDEX: index({**ENTRY, "last_review": "2026-02-28"}, {"id": "0002", "path": OTHER}).replace("\n", "  "),
    "docs/x.md": "x",
}


@pytest.mark.parametrize(
    ("files", "delete"),
    [(NOTHING_NEW, []), ({OTHER: spec()}, [SPEC]), ({}, [SPEC]), ({INDEX: index()}, [])],
    ids=["nothing new", "moved", "gone", "out of the index"],
)
def test_what_is_no_change_of_a_spec(files: dict[str, str], delete: list[str], tmp_path: Path) -> None:
    """Any one that did count would do for all of the change."""
    base = {**BASE, **dict.fromkeys(SPECS, spec())}
    if delete:
        base[INDEX] = index({"id": "0001"})
    judged(tmp_path, {**FILES, **files}, FOUND, base=base, delete=delete)
