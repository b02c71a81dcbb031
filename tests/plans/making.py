"""Plans for tests, made of their tasks or of the text of their file."""

import json
from collections.abc import Iterable
from typing import Any, cast

from specguard.change.git import Git
from specguard.change.tree import Documents, Tree
from specguard.documents.data import read_data
from specguard.model import Finding
from specguard.plans.plans import Plan
from specguard.work.kinds import PlanKind

FULL = {
    "title": "Add the cart",
    "status": "pending",
    "depends_on": [],
    "expected_files": ["src/cart.py"],
    "verify": ["pytest -q"],
    "done_criteria": ["the cart holds items"],
}


NOTHING = Documents(Tree(cast("Git", None), None))
"""The documents of an empty tree, for which no repository is read."""


def plan_of(tasks: Any, /, *, top: dict[str, Any] | None = None, **settings: Any) -> Plan:
    """A plan with these tasks, or of this text; each task that is a mapping stands on a line of its own."""
    text = tasks if isinstance(tasks, str) else written(tasks, top)
    return Plan(
        "default",
        PlanKind(**settings),
        fields={"name": "cart"},
        path=b".plans/cart/plan.json",
        data=read_data(text, "json"),
    )


def written(tasks: Any, top: dict[str, Any] | None = None) -> str:
    """A plan as JSON: its first task stands in line 2, and each other in a line of its own."""
    head = "".join(f"{json.dumps(key)}: {json.dumps(value)}, " for key, value in (top or {}).items())
    if isinstance(tasks, list):
        inner = "[\n" + ",\n".join(map(json.dumps, tasks)) + "\n]"
    else:
        inner = json.dumps(tasks)
    return f'{{{head}"tasks": {inner}}}'


def task(number: int = 1, **keys: Any) -> dict[str, Any]:
    """A task that is as it should be, but for these keys; one whose value is None is left out."""
    whole = {"id": f"task_{number:03}", **FULL, **keys}
    return {key: value for key, value in whole.items() if value is not None}


def told(findings: Iterable[Finding]) -> list[tuple[int | None, str]]:
    """The line and the message of each finding."""
    return [(finding.line, finding.message) for finding in findings]
