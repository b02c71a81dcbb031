"""The table of attacks: it is up to date, and no case is missing from it."""

from tests.rows import rows
from tools.attacks import BEGIN, END, PAGE, Case, collect, table, written

GUARD, APPROVALS = rows(__file__, "guard"), rows(__file__, "approvals")
IDS = {f"T{number:02}" for number in GUARD + APPROVALS}
"""The cases that a test may hold."""


def test_the_table_is_up_to_date_and_has_every_case() -> None:
    cases = collect()
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    assert written(page, cases) == page, "run: make docs"
    numbers = {case.number for case in cases}
    assert {f"T{number:02}" for number in GUARD} <= numbers <= IDS
    for case in cases:
        assert case.text, case
        assert case.expected.startswith(("exit 0", "exit 1: ", "exit 2", "exit 3", "refused", "said")), case


def test_a_case_that_fails_is_not_held_and_a_bar_is_no_column() -> None:
    rows = table([Case("T02", "a|b", "exit 0", False, "tests/x.py::test_y")]).split("\n")
    assert "| T02 | a&#124;b | exit 0 | no | `x.py::test_y` |" in rows
