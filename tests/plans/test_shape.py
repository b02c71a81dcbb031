"""The shape of a plan: everything that is wrong with it, with its line and key."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from specguard.change.tree import Documents, Tree
from specguard.model import Finding
from specguard.plans.plans import Plan
from specguard.plans.task import flaws
from tests.plans.making import NOTHING, plan_of, task, told, written

Grow = Callable[[Mapping[str, str | bytes]], Tree]


def found(plan: Plan) -> list[Finding]:
    """What is wrong with a plan that stands alone."""
    return list(flaws(plan, NOTHING))


def test_a_plan_as_it_should_be() -> None:
    assert not found(plan_of([task(1), task(2, depends_on=["task_001"], domain="shop", note="mine")]))


def test_tasks_may_be_kept_by_id_or_the_file_be_their_list() -> None:
    plan = plan_of({"task_001": task(id=None), "task_002": task(id=None)})
    assert [one.id for one in plan.tasks] == ["task_001", "task_002"]
    assert not found(plan)
    plan = plan_of('[{"id": "task_001", "status": "done"}]', tasks="", required=["id", "status"])
    assert not found(plan)
    assert plan.tasks[0].done


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "is no plan: "),
        ("[1, 2", 1, "is no plan: "),
        ('{"tasks": [],\n "tasks": []}', 2, "is no plan: "),
        ("[" * 100000, 1, "is no plan: it is nested more than"),
        ("{}", 1, "lists no task in 'tasks'"),
        ('{\n"tasks": "none"}', 2, "lists no task in 'tasks'"),
        ('{\n"tasks": []}', 2, "lists no task"),
        ('{"tasks": [\n"task_001"]}', 2, "tasks.0 is a text, where a task should be"),
    ],
)
def test_what_is_no_plan(text: str, line: int | None, message: str) -> None:
    [finding] = found(plan_of(text))
    assert finding.line == line
    assert message in finding.message


def test_what_other_tools_write_can_be_read() -> None:
    plan = plan_of(
        '{"master": {"tasks": [{"id": 1, "name": "x", "status": "done", "dependencies": [2]},'
        ' {"id": 2, "name": "y", "status": "todo", "dependencies": []}]}}',
        tasks="master.tasks",
        keys={"title": "name", "depends_on": "dependencies"},
        id_format="{number}",
        statuses=["todo", "done"],
        started=["done"],
        required=["id", "title", "status", "depends_on"],
    )
    assert not found(plan)
    assert [one.depends_on for one in plan.tasks] == [["2"], []]
    assert told(plan.broken()) == [(1, "task 1 is done, and needs task 2, which is todo")]


def test_keys_never_hold_lines_and_tell_findings_apart() -> None:
    text = written([task(1, status="x", verify="y"), task(2, status="x"), task(3, title="")])
    keys = [finding.key for finding in found(plan_of(text))]
    assert len(set(keys)) == len(keys) == 4
    assert keys == [finding.key for finding in found(plan_of("\n\n" + text))]


OPTIONS = (
    "# Options\n\n## Option A - small\n\nLittle.\n\n## Option B - larger\n\nMore.\n\n## Option C\n\nTODO\n"
)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("A", ""),
        ("b", ""),
        ("Option B \u2014 larger", "does not describe the option 'Option B"),
        ("C", "does not describe the option 'C'"),
        ("", "does not name the option that it was made from"),
        (None, "does not name the option that it was made from"),
        (["A"], "does not name the option that it was made from"),
    ],
)
def test_the_option_that_was_chosen_is_one_that_is_described(tree: Grow, option: Any, message: str) -> None:
    files = {".plans/cart/preplan/PLAN_OPTIONS.md": OPTIONS}
    plan = plan_of([task()], top={"option": option}, option="option", options="preplan/PLAN_OPTIONS.md")
    findings = list(flaws(plan, Documents(tree(files))))
    assert [message in finding.message for finding in findings] == ([True] if message else [])
    for finding in findings:
        assert finding.line == 1


def test_a_plan_of_many_megabytes_is_read_in_one_go() -> None:
    many = [
        task(number, expected_files=["src/" + " " * 200 + "x"], verify=["x " * 50]) for number in range(2000)
    ]
    assert not found(plan_of(many))
