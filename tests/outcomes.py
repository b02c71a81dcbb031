"""Assertions about the outcomes of commands."""

import json
from typing import Any, TypeVar

from specguard.testing import Outcome, Repository, run_here

Thing = TypeVar("Thing")


def ended(outcome: Outcome, code: int = 0) -> Outcome:
    """Return a command's outcome, after asserting its exit code."""
    assert outcome.exit_code == code, outcome
    return outcome


def data_of(repository: Repository, *words: str, code: int = 0, **env: str) -> Any:
    """Return the JSON output of a command that ends with this exit code in a repository."""
    outcome = run_here(*words, "--output-format=json", directory=repository.path, env=env)
    return json.loads(ended(outcome, code).stdout)


def sound(outcome: Outcome) -> None:
    """Assert that neither a rule nor the command crashed: both report a crash themselves."""
    assert "internal error" not in str(outcome), outcome
    assert "crashed" not in str(outcome), outcome


def there(found: Thing | None) -> Thing:
    """Return a value, after asserting that it is not None."""
    assert found is not None
    return found
