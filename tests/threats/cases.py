"""What a test of a case says of it: the cases that are listed in `tests/threats/README.md`."""

from __future__ import annotations

import pytest


def threat(number: str, case: str, expected: str) -> pytest.MarkDecorator:
    """Say that a test, or one set of its parameters, builds a case for real and holds what is expected of it.

    `pytest -m threat` runs all of them; `python tests/docs/pages.py` writes their table.

    Args:
        number: the case's id, such as `T01`; several tests may build one case, each in its own words.
        case: what somebody does to get past the guard, in a few words.
        expected: the exit code and the rule that says it, such as `exit 1: PTH002`.
    """
    return pytest.mark.threat(number, case, expected)
