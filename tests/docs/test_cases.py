"""The table of attacks: it is up to date, and no case is missing from it."""

from __future__ import annotations

from tools.attacks import BEGIN, END, PAGE, Case, collect, table, written

GUARD = (
    1, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 20, 21, 22, 23, 25, 26, 27, 28, 29, 31, 32, 33,
    34,  # paths
    35, 37, 38,  # patches
    40, 41, 42, 45, 46, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 59,  # commits
    60, 61, 62, 64, 65, 67, 68, 69, 70, 71,  # facts that are missing
    72, 73, 75, 76, 77, 78, 79, 80, 82, 84,  # policy and code
    85, 86, 88, 89, 90, 92,  # documents
    104, 105, 106, 107, 108, 110, 111, 112, 113, 114, 116, 117, 118,  # runs
    119, 121, 123, 124, 125,  # reports
    126, 127, 128, 129, 130,  # agents' hooks
)  # fmt: skip
APPROVALS = (93, 94, 95, 96, 97, 98, 99, 101, 102, 103)
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
