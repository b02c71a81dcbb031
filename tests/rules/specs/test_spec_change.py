"""SPC007: code that changes without a spec."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.testing import Step
from specguard_rules.specs.coverage import in_brackets
from tests.rules.specs.setting import (
    BASE,
    CODE,
    ENTRY,
    INDEX,
    POLICY,
    SPEC,
    WITHOUT_INDEX,
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


def test_what_is_wrong_with_a_trailer_is_said(tmp_path: Path) -> None:
    found = {**FOUND, "message": "'Spec-Impact: none' is without a reason in brackets"}
    judged(tmp_path / "a", FILES, found, message="feat: run\n\nSpec-Impact: none")
    message = "feat: run\n\nSpec-Impact: none (names)\n\nIt has more to say."
    judged(tmp_path / "b", FILES, {**FOUND, "message": "in line 3 of a message"}, message=message)


def test_a_trailer_of_one_commit_or_of_the_pull_request(tmp_path: Path) -> None:
    steps = [Step("feat: run", files=FILES), Step("docs: x\n\nSpec-Impact: none (names)", files={"x": "x"})]
    judged(tmp_path / "a", commits=steps)
    body = "It runs.\n\nSpec-Impact: none (names)\n"
    judged(tmp_path / "b", commits=steps[:1], title="feat: run", body=body)
    judged(tmp_path / "c", None, FOUND, commits=steps[:1], title="feat: run", body="It runs.\n")


def test_while_nothing_is_committed_it_is_a_warning(tmp_path: Path) -> None:
    found = {**FOUND, "severity": "warning"}
    judged(tmp_path / "a", None, found, commits=[], staged=Step("", files=FILES))
    staged = Step("", files={**FILES, SPEC: spec(text="More.\n")})
    judged(tmp_path / "b", commits=[], staged=staged)


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


def test_an_index_that_cannot_be_read_is_no_answer(tmp_path: Path) -> None:
    judged(tmp_path, {**FILES, INDEX: "{"}, state="indeterminate")


def test_a_spec_that_governs_something_else_does_not_count(tmp_path: Path) -> None:
    base = {**BASE, OTHER: "# Logs\n\nThey are kept.\n", "src/logs.py": "log()\n"}
    files = {**FILES, OTHER: "# Logs\n\nThey are kept for a day.\n"}
    found = {**FOUND, "message": f"no spec did that governs it; {OTHER} does not govern it"}
    judged(tmp_path / "a", files, found, base=base)
    governs = '"src/logs.py" = ["tasks/specs/0002-*.md"]\n'
    judged(tmp_path / "b", files, found, base=base, policy=POLICY + governs)
    more = {**files, "src/logs.py": "log(1)\n"}
    judged(tmp_path / "c", more, {**FOUND, "message": f"{CODE} changed"}, base=base, policy=POLICY + governs)
    both = {**more, SPEC: spec(text="More.\n")}
    judged(tmp_path / "d", both, base=base, policy=POLICY + governs)


def test_what_a_spec_itself_says_that_it_governs(tmp_path: Path) -> None:
    policy = WITHOUT_INDEX.partition("[specs.governs]")[0]
    base = {SPEC: spec(), OTHER: "# Logs\n", CODE: "run()\n"}
    judged(tmp_path / "a", {**FILES, SPEC: spec(text="x\n")}, FOUND, base=base, policy=policy)
    files = {**FILES, SPEC: spec(text="x\n", more='governs: ["src/runs/**"]\n')}
    judged(tmp_path / "b", files, base=base, policy=policy)


def test_a_new_spec_has_the_sections_that_its_contract_asks_for(tmp_path: Path) -> None:
    policy = POLICY + '\n[artifacts.spec]\npath = "tasks/specs/*.md"\nsections = ["Why", "What"]\n'
    lacking = {**FOUND, "message": f"the new {OTHER} does not count: "}
    for name, text, wrong in (
        ("a", "# Logs\n\nThey are kept.\n\n## Why\n\nTo read them.\n", True),
        ("b", "# Logs\n\n## Why\n\nTo read them.\n\n## What\n", True),
        ("c", "# Logs\n\n## Why\n\nTo read them.\n\n## What\n\nAll.\n", False),
    ):
        judged(tmp_path / name, {**FILES, OTHER: text}, *([lacking] if wrong else []), policy=policy)


def test_the_paths_that_count_are_a_setting(tmp_path: Path) -> None:
    policy = WITHOUT_INDEX.replace("[specs]", '[specs]\nspec_paths = ["tasks/specs/0001-*"]')
    judged(tmp_path / "a", {**FILES, SPEC: spec(text="x\n")}, policy=policy)
    new = {**FILES, OTHER: "# Logs\n\nThey are kept.\n"}
    judged(tmp_path / "b", new, FOUND, policy=policy)
    policy = WITHOUT_INDEX.replace("[specs]", '[specs]\nspec_paths = ["docs/**", "src/SPEC.md"]')
    judged(tmp_path / "c", {**FILES, SPEC: spec(text="x\n")}, FOUND, policy=policy)
    judged(tmp_path / "d", {"src/SPEC.md": "x"}, policy=policy)


def test_deleted_code_counts_and_the_trailer_is_a_setting(tmp_path: Path) -> None:
    found = {"path": CODE, "side": "base", "message": "and no spec did"}
    judged(tmp_path / "a", {}, found, delete=[CODE])
    policy = POLICY.replace("[specs]", '[specs]\ntrailer = "No-Spec"')
    judged(tmp_path / "b", FILES, message="feat: run\n\nNo-Spec: none (names)", policy=policy)


def test_a_link_is_no_spec(tmp_path: Path) -> None:
    step = Step("feat: run", files=FILES, symlinks={OTHER.encode(): b"0001-runs.md"})
    judged(tmp_path, None, FOUND, commits=[step])


def test_what_would_count_is_named(tmp_path: Path) -> None:
    policy = '[specs]\nfiles = ["specs/*.md"]\ncode = ["src/**"]\n'
    found = {"path": "src/a.py", "help": "add one under specs/*.md. Or say why not"}
    judged(tmp_path / "a", {"src/a.py": "1\n"}, found, base={}, policy=policy)
    policy = policy.replace("code", 'index = "specs/index.json"\ncode')
    found = {"path": "src/a.py", "help": "add one under specs/*.md or specs/index.json. Or say why"}
    judged(tmp_path / "b", {"src/a.py": "1\n"}, found, base={}, policy=policy)
