"""What tasks of a plan need of each other, and what a change does to a plan."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from specguard.plans.plans import find_edits, finished_tasks
from tests.plans.making import plan_of, task, told
from tests.taking import grows_with_length


def graph(*needs: list[int], **more: Any) -> Any:
    """A plan whose tasks, numbered from 1, need the tasks of these numbers."""
    tasks = [
        {"id": f"task_{number:03}", "status": "pending", "depends_on": [f"task_{one:03}" for one in wanted]}
        for number, wanted in enumerate(needs, 1)
    ]
    return plan_of(tasks, **more)


def test_a_task_that_is_not_there() -> None:
    # The padding of an id does not count.
    wanted = ["task_1", "TASK_01", "task-1"]
    plan = plan_of([{"id": "task_001", "status": "done"}, {"id": "task_002", "depends_on": wanted}])
    [near] = plan.dependency_flaws()
    assert (near.line, near.field) == (3, "tasks.1.depends_on.2")
    assert near.message == "task_002 needs 'task-1', which is not listed"
    # A finding's key is what an approval and a baseline know it by.
    [finding] = plan_of([{"id": "task_001", "depends_on": ["x" * 70]}]).dependency_flaws()
    assert finding.key == f"task_001:unknown:{'x' * 70}"


@pytest.mark.parametrize(
    ("needs", "ways"),
    [
        ([[2], [1]], ["task_001 -> task_002 -> task_001"]),
        ([[2], [3], [1], [1]], ["task_001 -> task_002 -> task_003 -> task_001"]),
        ([[2], [1], [4], [3]], ["task_001 -> task_002 -> task_001", "task_003 -> task_004 -> task_003"]),
        # Of a knot one way through its first task is named.
        ([[2, 3], [3], [1]], ["task_001 -> task_002 -> task_003 -> task_001"]),
        ([[2], [3], [2]], ["task_002 -> task_003 -> task_002"]),
    ],
)
def test_of_every_circle_the_whole_way_is_named(needs: list[list[int]], ways: list[str]) -> None:
    messages = sorted(message for _, message in told(graph(*needs).dependency_flaws()))
    assert messages == [f"tasks need each other in a circle: {way}" for way in ways]


def test_a_long_circle_is_cut() -> None:
    [message] = [one for _, one in told(graph(*[[n % 40 + 1] for n in range(1, 41)]).dependency_flaws())]
    assert message.endswith(" -> task_016 -> task_...")


def test_a_plan_that_is_one_long_line_or_one_great_circle() -> None:
    count = 6_000
    assert not list(graph([], *[[n] for n in range(1, count)]).dependency_flaws())
    [circle] = graph(*[[n % count + 1] for n in range(1, count + 1)]).dependency_flaws()
    assert len(circle.message) < 300


def test_many_names_of_no_task_take_no_longer_each() -> None:
    def unknown(count: int) -> Callable[[], object]:
        plan = graph(*[[9_000 + n] for n in range(count)])
        return lambda: list(plan.dependency_flaws())

    assert grows_with_length(unknown, 100)


@pytest.mark.parametrize("status", ["pending", "agent_done", "done", "deferred"])
@pytest.mark.parametrize("needed", ["in_progress", "done", "deferred"])
def test_a_task_is_begun_after_what_it_needs_is_done(status: str, needed: str) -> None:
    plan = plan_of(
        [
            {"id": "task_001", "status": needed},
            {"id": "task_002", "status": status, "depends_on": ["task_001"]},
        ]
    )
    early = status in {"in_progress", "agent_done", "done"} and needed != "done"
    assert told(plan.dependency_flaws()) == (
        [(3, f"task_002 is {status}, and needs task_001, which is {needed}")] if early else []
    )


# What a change does to a plan


BEFORE: list[Any] = [task(1, status="done"), task(2), task(3)]
TOP = {"goal": "A cart", "option": "B", "updated_at": "2026-01-01"}


def what(change: Callable[[list[Any], dict[str, Any]], Any], own: str = "task_002") -> list[str]:
    """What a change does to a plan, when it is for the second task."""
    tasks, top = copy.deepcopy(BEFORE), dict(TOP)
    change(tasks, top)
    return [edit.what for edit in find_edits(plan_of(BEFORE, top=TOP), plan_of(tasks, top=top), own)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        # Finishing one's own task is no edit.
        (lambda tasks, top: tasks[1].update(status="Done", verification=[{"command": "x"}]), []),
        (lambda tasks, top: tasks[1].update(status="done", verified_by="Ann", run_dir="x"), []),
        (lambda tasks, top: top.update(updated_at="2026-01-02"), ["changes 'updated_at'"]),
        (
            lambda tasks, top: tasks[1].update(status="agent_done"),
            ["moves task_002 from pending to agent_done"],
        ),
        (lambda tasks, top: tasks[1].pop("status"), ["moves task_002 from pending to no status"]),
        (lambda tasks, top: tasks[1].update(verify=["true"]), ["changes verify of task_002"]),
        (lambda tasks, top: tasks[1].update(title="x", domain="y"), ["changes domain, title of task_002"]),
        (lambda tasks, top: tasks[0].update(status="pending"), ["moves task_001 from done to pending"]),
        (lambda tasks, top: tasks[2].update(status="done"), ["moves task_003 from pending to done"]),
        (lambda tasks, top: tasks[2].update(note="x"), ["changes note of task_003"]),
        (lambda tasks, top: tasks.pop(2), ["removes task_003"]),
        (lambda tasks, top: tasks.append(task(4)), ["adds task_004"]),
        (lambda tasks, top: tasks.append(task(2, verify=[])), ["changes the list of tasks"]),
        (lambda tasks, top: tasks.reverse(), ["changes the list of tasks"]),
        (lambda tasks, top: tasks.append("task_004"), ["changes the list of tasks"]),
        (lambda tasks, top: top.update(goal="Another"), ["changes 'goal'"]),
        (lambda tasks, top: top.pop("goal"), ["removes 'goal'"]),
        (lambda tasks, top: top.update(model="gpt-4o"), ["adds 'model'"]),
    ],
)
def test_what_a_change_does_beside_finishing_its_task(change: Any, said: list[str]) -> None:
    assert what(change) == said


def test_a_plan_that_comes_or_goes_or_breaks() -> None:
    plan = plan_of(BEFORE)
    assert [edit.what for edit in find_edits(None, plan, "task_001")] == ["adds the plan"]
    assert [edit.what for edit in find_edits(plan, None, "task_001")] == ["removes the plan"]
    assert [edit.what for edit in find_edits(plan, plan_of("{"), "task_001")] == ["breaks the plan"]
    added = [edit.what for edit in find_edits(plan_of("{"), plan, "task_001")]
    assert added == ["adds task_001", "adds task_002", "adds task_003"]
    assert not list(find_edits(None, None, "task_001"))
    [edit] = find_edits(plan_of({"task_001": task(1)}), plan_of([task(1)]), "task_001")
    assert edit.what == "changes the list of tasks"
    # Edits have the line of what they change.
    tasks = copy.deepcopy(BEFORE)
    tasks[2]["status"] = "blocked"
    [edit] = find_edits(plan_of(BEFORE), plan_of(tasks), "task_002")
    assert (edit.line, edit.key) == (4, ("tasks", 2, "status"))


def test_the_tasks_that_a_change_finishes() -> None:
    after = plan_of([task(1, status="done"), task(2, status="DONE"), task(4, status="done"), task(5)])
    assert [one.id for one in finished_tasks(plan_of(BEFORE), after)] == ["task_002", "task_004"]
    assert [one.id for one in finished_tasks(None, after)] == ["task_001", "task_002", "task_004"]
    # An id that is padded otherwise is the same task.
    padded, plain = (plan_of([{"id": name, "status": "done"}]) for name in ("task_1", "task_001"))
    assert finished_tasks(padded, plain) == []


def test_what_stands_beside_nested_tasks_belongs_to_the_plan() -> None:
    def nested(goal: str, tasks: list[Any]) -> str:
        return json.dumps({"plan": {"goal": goal, "tasks": tasks}})

    before = plan_of(nested("A cart", BEFORE), tasks="plan.tasks")
    done = [BEFORE[0], {**BEFORE[1], "status": "done"}, BEFORE[2]]
    right = plan_of(nested("A cart", done), tasks="plan.tasks")
    other = plan_of(nested("No cart", done), tasks="plan.tasks")
    assert not list(find_edits(before, right, "task_002"))
    assert [edit.what for edit in find_edits(before, other, "task_002")] == ["changes 'plan'"]
