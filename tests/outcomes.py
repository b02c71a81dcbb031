"""What commands must end with, and what must be there."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from specguard.testing import Outcome

Thing = TypeVar("Thing")


def ended(outcome: Outcome, code: int = 0) -> Outcome:
    """A command's outcome, which has this exit code."""
    assert outcome.exit_code == code, outcome
    return outcome


def sound(outcome: Outcome) -> None:
    """No rule and no command broke: each says so of itself."""
    assert "internal error" not in str(outcome), outcome
    assert "crashed" not in str(outcome), outcome


def there(found: Thing | None) -> Thing:
    """What was found, which is not None."""
    assert found is not None
    return found
