"""The plan that `specguard new` writes."""

import json

from specguard.artifacts.skeletons import nested, skeleton
from specguard.documents.data import read_data
from specguard.plans.plans import Plan
from specguard.plans.task import flaws
from specguard.work.kinds import PlanKind
from tests.plans.making import NOTHING


def test_a_new_plan_lacks_only_what_a_person_owes() -> None:
    kind = PlanKind()
    value = skeleton({"default": kind}, b".plans/cart/plan.json")
    data = read_data(json.dumps(value), "json")
    plan = Plan("default", kind, fields={}, folder=b".plans/cart", path=b".plans/cart/plan.json", data=data)
    assert sorted(finding.field or "" for finding in flaws(plan, NOTHING)) == [
        "tasks.0.done_criteria.0",
        "tasks.0.expected_files.0",
        "tasks.0.title",
    ]


def test_a_new_plan_has_the_keys_of_its_kind() -> None:
    kind = PlanKind(
        folder="plans/{name}",
        plan="tasks.yaml",
        tasks="master.tasks",
        option="master.option",
        id_format="{name}-{number}",
        statuses=["todo", "done"],
        started=["done"],
        keys={"depends_on": "dependencies"},
        required=["id", "status", "depends_on"],
    )
    assert skeleton({"other": kind}, b"plans/cart/tasks.yaml") == {
        "master": {
            "option": "TODO",
            "tasks": [{"id": "001-001", "status": "todo", "dependencies": []}],
        },
    }
    assert skeleton({"other": kind}, b"plans/tasks.yaml") is None
    assert nested({"goal": "A cart", "goal.tasks": [], "option": "A", "option.x": "B"}) == {
        "goal": {"tasks": []},
        "option": {"x": "B"},
    }
    assert skeleton({"list": PlanKind(tasks="", required=["id"])}, b".plans/x/plan.json") == [
        {"id": "task_001"}
    ]
