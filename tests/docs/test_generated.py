"""The pages that are made from the code are up to date, and the check of that finds what is not."""

import json
import sys
from pathlib import Path

import pytest

from specguard.engine.plugins import load_registry
from specguard.testing import run_here
from tests.rows import rows
from tools.attacks import BEGIN, END, PAGE, Case, collect, table, with_table
from tools.pages import DOCS, ROOT


def test_the_pages_of_this_project_are_up_to_date() -> None:
    outcome = run_here("docs", "--check", directory=ROOT)
    assert (outcome.exit_code, outcome.stdout) == (0, ""), f"run: specguard docs\n{outcome}"


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """The pages, written anew."""
    outcome = run_here("docs", "--directory", "pages", directory=tmp_path)
    assert outcome.exit_code == 0, outcome
    return tmp_path / "pages"


def check(pages: Path, env: dict[str, str] | None = None) -> tuple[int, list[str]]:
    outcome = run_here("docs", "--check", "--directory", "pages", directory=pages.parent, env=env or {})
    return outcome.exit_code, sorted(outcome.stdout.splitlines())


def test_every_rule_has_a_page(pages: Path) -> None:
    names = {entry.rule.name for entry in load_registry().rules.values()}
    assert {page.stem for page in (pages / "rules").iterdir()} == {*names, "index"}
    index = (pages / "rules" / "index.md").read_text()
    for entry in load_registry().rules.values():
        assert f"- {entry.rule.code} [{entry.rule.name}]({entry.rule.name}.md): " in index
        page = (pages / "rules" / f"{entry.rule.name}.md").read_text()
        assert page == run_here("rule", entry.rule.code, directory=pages).stdout
        for one in {name.split(".")[0] for name in entry.rule.tables}:
            assert f"](../settings.md#{one})" in page, entry.rule.code


def test_it_is_the_same_twice_and_whatever_the_terminal(pages: Path) -> None:
    for env in ({}, {"COLUMNS": "40"}, {"COLUMNS": "300", "LC_ALL": "C.UTF-8"}, {"PYTHONHASHSEED": "7"}):
        assert check(pages, env) == (0, []), env


def test_a_page_that_was_altered_or_is_of_no_rule_is_named_and_mended(pages: Path) -> None:
    names = ["rules/forbidden-path.md", "rules/index.md", "settings.md", "commands.md", "policy.schema.json"]
    before = {name: (pages / name).read_text() for name in names}
    said = sorted(f"pages/{name} is out of date" for name in [*names, "rules/gone-rule.md"])
    for name in names:
        (pages / name).write_text(before[name] + "\n")
    (pages / "rules" / "gone-rule.md").write_text("# gone-rule (PTH099)\n")
    assert check(pages) == (1, said)
    for name in names[:-1]:
        (pages / name).unlink()
    assert check(pages) == (1, said)
    assert run_here("docs", "--directory", "pages", directory=pages.parent).exit_code == 0
    assert {name: (pages / name).read_text() for name in names} == before
    assert check(pages) == (0, [])


def test_pages_not_written_are_an_error_and_need_no_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pages").write_text("")
    monkeypatch.setitem(sys.modules, "anyio", None)
    monkeypatch.delitem(sys.modules, "specguard.integrations.mcp", raising=False)
    outcome = run_here("docs", "--directory", "pages", directory=tmp_path)
    assert (outcome.exit_code, outcome.stderr[:23]) == (2, "specguard: error: Inval")


def test_pages_of_somebody_else_are_neither_altered_nor_removed(pages: Path) -> None:
    (pages / "policy.schema.json").unlink()
    for one in (pages / "settings.md", pages / "rules" / "mine.md"):
        one.write_text("mine")
        outcome = run_here("docs", "--directory", "pages", directory=pages.parent)
        assert (outcome.exit_code, one.read_text()) == (2, "mine"), outcome


def test_the_schema_is_one_and_knows_every_rule() -> None:
    schema = json.loads((DOCS / "policy.schema.json").read_text())
    rules = schema["properties"]["rules"]
    while "$ref" in rules:
        rules = schema["$defs"][rules["$ref"].rpartition("/")[2]]
    assert set(rules["properties"]) == {entry.rule.name for entry in load_registry().rules.values()}


# The table of attacks

GUARD, APPROVALS = rows(__file__, "guard"), rows(__file__, "approvals")
IDS = {f"T{number:02}" for number in GUARD + APPROVALS}
"""The cases that a test may hold."""


def test_the_table_is_up_to_date_and_has_every_case() -> None:
    cases = collect()
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    assert with_table(page, cases) == page, "run: make docs"
    numbers = {case.number for case in cases}
    assert {f"T{number:02}" for number in GUARD} <= numbers <= IDS
    for case in cases:
        assert case.text, case
        assert case.expected.startswith(("exit 0", "exit 1: ", "exit 2", "exit 3", "refused", "said")), case


def test_a_case_that_fails_is_not_held_and_a_bar_is_no_column() -> None:
    shown = table([Case("T02", "a|b", "exit 0", False, "tests/x.py::test_y")]).split("\n")
    assert "| T02 | a&#124;b | exit 0 | no | `x.py::test_y` |" in shown
