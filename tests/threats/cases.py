"""The marks of tests that build a threat: their cases are listed in `tests/threats/README.md`."""

import re

import pytest

from specguard.testing import Case


def threat(number: str, case: str, expected: str) -> pytest.MarkDecorator:
    """Mark a test, or one set of its parameters, that builds a case and checks the expected answer.

    `pytest -m threat` runs all of them; `python tools/pages.py` writes their table.

    Args:
        number: the case's id, such as `T01`; several tests may build one case, each in its own words.
        case: a short description of the attempt to get past the guard.
        expected: the exit code and the rule that reports it, such as `exit 1: PTH002`.
    """
    return pytest.mark.threat(number, case, expected)


def threats_of(case: Case, file: str) -> list[pytest.MarkDecorator]:
    """Return the mark of a TOML case with an id in its name: `T51 a trailer given twice: in one paragraph`.

    The text after the colon distinguishes it from the other cases of its row. The row expects the case's
    answer.

    Args:
        case: one of `tests/cases/threats/`, or any other, with severities, states and an exit code.
        file: its file, below `tests/`.
    """
    number, _, text = case.name.partition(" ")
    if not re.fullmatch(r"T\d{2,3}", number):
        return []
    rules = {one["code"] for one in case.expect or () if (one["state"], one["severity"]) == ("open", "error")}
    code = case.exit_code or 0
    expected = f"exit {code}: {', '.join(sorted(rules))}" if code == 1 else f"exit {code}"
    return [pytest.mark.threat(number, text.partition(": ")[0], expected, file=file)]
