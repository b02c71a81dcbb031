"""What a rule author tests with: real repositories, cases, and a rule's own examples.

`check_rule(MyRule)` runs every example in the docstring of an installed plugin's rule; `Case` and `run_case`
judge a whole small repository; `Repository` builds one by hand, and `run` runs the installed command in it.
"""

from __future__ import annotations

from specguard.testing.case import Case
from specguard.testing.examples import Example, check_rule, examples
from specguard.testing.grants import Grant
from specguard.testing.reading import CaseError
from specguard.testing.repository import GitError, Repository
from specguard.testing.running import Outcome, run, run_case, run_here
from specguard.testing.stream import Step

__all__ = [
    "Case",
    "CaseError",
    "Example",
    "GitError",
    "Grant",
    "Outcome",
    "Repository",
    "Step",
    "check_rule",
    "examples",
    "run",
    "run_case",
    "run_here",
]
