"""The project keeps within its own budgets, and they are measured as said."""

from pathlib import Path

from tools.size import BUDGETS, code_lines, measure

ROOT = Path(__file__).resolve().parent.parent


def test_no_budget_is_passed() -> None:
    _, found = measure(ROOT)
    assert {what: found[what] for what in BUDGETS if found[what] > BUDGETS[what]} == {}


def test_docstrings_comments_and_empty_lines_are_no_code() -> None:
    source = (
        '"""A module."""\n\n# a reason\nX = """one\ntwo"""\n"""What X is."""\n\n\ndef f():\n    """Doc."""\n'
    )
    assert code_lines(source) == 3
