"""Marking tasks in the files of plans, and a person's word for one."""

import json
from datetime import date
from typing import Any

import pytest

from specguard.errors import SpecguardError
from specguard.plans.task import marked
from specguard.plans.verification import Manual, evidence_of, manual_problem
from tests.plans.making import plan_of

RAN = [{"command": "pytest -q", "exit_code": 0}]


def mark(text: str, task_id: str, evidence: Any = RAN, **settings: Any) -> str:
    task = plan_of(text, **settings).task(task_id)
    assert task is not None
    after = marked(text, task, status="done", evidence=evidence)
    again = plan_of(after, **settings).task(task_id)
    assert again is not None
    assert again.done
    assert [one.command for one in evidence_of(again).ran][-len(evidence) :] == [
        one["command"] for one in evidence
    ]
    return after


def test_all_else_of_the_file_stays_as_it_is_written() -> None:
    text = """{
  "goal": "A cart",
  "tasks": [
    {
      "id": "task_001", "title": "A \\u00e9 }", "status": "pending",
      "depends_on": [],
      "verify": ["pytest -q"]
    },
    { "id": "task_002", "status": "pending", "points": 1.10 }
  ]
}
"""
    after = mark(text, "task_001")
    assert after == text.replace('"pending",', '"done",', 1).replace(
        '["pytest -q"]\n',
        '["pytest -q"],\n      "verification": [\n'
        '        {"command": "pytest -q", "exit_code": 0}\n      ]\n',
    )
    assert '"status": "done", "points": 1.10, "verification": [' in mark(text, "task_002")


def test_evidence_is_added_to_what_is_there() -> None:
    text = json.dumps({"tasks": [{"id": "task_1", "status": "pending", "verification": RAN[0]}]})
    after = mark(text, "task_1", [{"command": "ruff", "exit_code": 0}])
    assert json.loads(after)["tasks"][0]["verification"] == [*RAN, {"command": "ruff", "exit_code": 0}]


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ('{"tasks": {"task_001": {"status": "pending"}, "task_002": {}}}', {}),
        (
            '{"master": {"x": [1, "]"], "tasks": [{"id": "task_001"}, {"id": "task_002"}]}}',
            {"tasks": "master.tasks"},
        ),
        ('[{"id": "task_000"}, [], {"id": "task_001"}, {"id": "task_002"}]', {"tasks": ""}),
        ('\ufeff{"tasks":[{"id":"task_001"},{"id":"task_002"}]}', {}),
        ('{\r\n\t"tasks": [\r\n\t\t{\r\n\t\t\t"id": "task_001"\r\n\t\t},\r\n\t\t{"id": "task_002"}]}', {}),
    ],
)
def test_tasks_wherever_they_are_kept(text: str, settings: dict[str, Any]) -> None:
    for name in ("task_001", "task_002"):
        after = mark(text, name, **settings)
        other = plan_of(after, **settings).task("task_002" if name == "task_001" else "task_001")
        assert other is not None
        assert not other.done
    if "\r\n" in text:
        assert "\n" not in after.replace("\r\n", "")


def test_a_plan_that_is_no_json_is_not_written() -> None:
    plan = plan_of('{"tasks": [{"id": "task_001"}]}')
    plan.__dict__["path"] = b".plans/cart/plan.yaml"
    with pytest.raises(SpecguardError, match="only in plans that are JSON"):
        marked("", plan.tasks[0], status="done")


def test_a_persons_word_is_not_of_the_future() -> None:
    # A clock ahead of UTC may show the day after.
    words = [Manual("device ok", "Ann", day, ()) for day in ("2026-02-02", "2026-02-03")]
    problems = [manual_problem(word, date(2026, 2, 1)) for word in words]
    assert problems == ["", "its verification by hand lacks a time that is not in the future"]
