"""The plan with which a plan begins: one task, with all that a task must have but what a person owes."""

from __future__ import annotations

from specguard.artifacts.skeletons import OWED
from specguard.work.path_templates import PathTemplate
from specguard.work.templates import Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from specguard.plans.settings import PlanKind


def skeleton(kinds: Mapping[str, PlanKind], path: bytes) -> Any:
    """The value of a file that lists a plan's tasks; None for a path that is no such file.

    Args:
        kinds: the policy's kinds of plans by name.
        path: the file.
    """
    for kind in kinds.values():
        if PathTemplate(f"{kind.folder}/{kind.plan}").read(path) is not None:
            return _plan(kind)
    return None


def _plan(kind: PlanKind) -> Any:
    value: Any = [_task(kind)]
    for key in reversed(kind.tasks.split(".") if kind.tasks else ()):
        value = {key: value}
    if kind.option and isinstance(value, dict):
        top: dict[str, Any] = {}
        inner = top
        *above, last = kind.option.split(".")
        for key in above:
            inner[key] = inner = {}
        inner[last] = OWED
        value = {**top, **value}
    return value


def _task(kind: PlanKind) -> dict[str, Any]:
    template = Template(kind.id_format)
    values = {
        "id": template.render(dict.fromkeys(template.names, "001")),
        "title": OWED,
        "domain": OWED,
        "status": kind.statuses[0],
        "depends_on": [],
        "expected_files": [OWED],
        "verify": [OWED],
        "done_criteria": [OWED],
    }
    return {kind.keys_of(name)[0]: value for name, value in values.items() if name in kind.required}
