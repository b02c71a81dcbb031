"""What commands must end with, and what must be there."""

import json
from typing import Any, TypeVar

from specguard.testing import Outcome, Repository, run_here

Thing = TypeVar("Thing")


def ended(outcome: Outcome, code: int = 0) -> Outcome:
    """A command's outcome, which has this exit code."""
    assert outcome.exit_code == code, outcome
    return outcome


def data_of(repository: Repository, *words: str, code: int = 0, **env: str) -> Any:
    """What a command that ends with this exit code says in a repository as JSON."""
    outcome = run_here(*words, "--output-format=json", directory=repository.path, env=env)
    return json.loads(ended(outcome, code).stdout)


def sound(outcome: Outcome) -> None:
    """No rule and no command broke: each says so of itself."""
    assert "internal error" not in str(outcome), outcome
    assert "crashed" not in str(outcome), outcome


def there(found: Thing | None) -> Thing:
    """What was found, which is not None."""
    assert found is not None
    return found
