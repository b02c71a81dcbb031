"""What tasks need of each other."""

import time
from typing import Any

import pytest

from tests.plans.making import plan_of, told


def graph(*needs: list[int], **more: Any) -> Any:
    """A plan whose tasks, numbered from 1, need the tasks of these numbers."""
    tasks = [
        {"id": f"task_{number:03}", "status": "pending", "depends_on": [f"task_{one:03}" for one in wanted]}
        for number, wanted in enumerate(needs, 1)
    ]
    return plan_of(tasks, **more)


def test_a_task_that_is_not_there() -> None:
    # The padding of an id does not count.
    wanted = {"task_1": "", "TASK_01": "", "task-1": "did you mean 'task_001'?", "x": "Name one that is"}
    plan = plan_of([{"id": "task_001", "status": "done"}, {"id": "task_002", "depends_on": [*wanted]}])
    near, far = plan.broken()
    assert (near.line, near.field) == (3, "tasks.1.depends_on.2")
    assert near.message == "task_002 needs 'task-1', which is not listed"
    assert near.help == wanted["task-1"]
    assert far.help.startswith(wanted["x"])
    # A finding's key is what an approval and a baseline know it by.
    [finding] = plan_of([{"id": "task_001", "depends_on": ["x" * 70]}]).broken()
    assert finding.key == f"task_001:unknown:{'x' * 70}"


@pytest.mark.parametrize(
    ("needs", "ways"),
    [
        ([[2], [1]], ["task_001 -> task_002 -> task_001"]),
        ([[2], [3], [1], [1]], ["task_001 -> task_002 -> task_003 -> task_001"]),
        ([[2], [1], [4], [3]], ["task_001 -> task_002 -> task_001", "task_003 -> task_004 -> task_003"]),
        # Of a knot the shortest way through its first task is named.
        ([[2, 3], [3], [1]], ["task_001 -> task_003 -> task_001"]),
        ([[2], [3], [2]], ["task_002 -> task_003 -> task_002"]),
    ],
)
def test_of_every_circle_the_whole_way_is_named(needs: list[list[int]], ways: list[str]) -> None:
    messages = sorted(message for _, message in told(graph(*needs).broken()))
    assert messages == [f"tasks need each other in a circle: {way}" for way in ways]


def test_the_middle_of_a_long_circle_is_left_out() -> None:
    [message] = [message for _, message in told(graph(*[[n % 40 + 1] for n in range(1, 41)]).broken())]
    assert "task_006 -> ... 29 more ... -> task_036" in message
    assert message.endswith("task_040 -> task_001")


def test_a_plan_that_is_one_long_line_or_one_great_circle() -> None:
    count = 6_000
    begun = time.perf_counter()
    assert not list(graph([], *[[n] for n in range(1, count)]).broken())
    [circle] = graph(*[[n % count + 1] for n in range(1, count + 1)]).broken()
    assert f"{count - 11} more" in circle.message
    assert time.perf_counter() - begun < 20


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
    assert told(plan.broken()) == (
        [(3, f"task_002 is {status}, and needs task_001, which is {needed}")] if early else []
    )
