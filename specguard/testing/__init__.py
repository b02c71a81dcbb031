"""The test kit for authors of rules: real repositories, cases, and a rule's own examples.

`check_rule(MyRule)` runs every example in the docstring of an installed plugin's rule. `run_case` judges the
whole small repository of a `Case`. `Repository` builds one by hand, and `run` runs the installed command in
it.
"""

from __future__ import annotations

from specguard.testing.case import Case, Grant
from specguard.testing.case_file import CaseError
from specguard.testing.repository import GitError, Repository, Step
from specguard.testing.running import Example, Outcome, check_rule, examples, run, run_case, run_here

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
