"""What commands must end with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specguard.testing import Outcome


def ended(outcome: Outcome, code: int = 0) -> Outcome:
    """A command's outcome, which has this exit code."""
    assert outcome.exit_code == code, outcome
    return outcome
