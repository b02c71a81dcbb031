"""A plan and its tasks: their shape, what they expect, how they are marked, and a new one."""

import json
from datetime import date
from typing import Any

import pytest

from specguard.artifacts.skeletons import nest_keys
from specguard.change.tree import Documents
from specguard.model import Finding
from specguard.plans.plans import Plan
from specguard.plans.task import covers_all, flaws, mark_task, parse_expected
from specguard.plans.verification import evidence_of, missing_parts
from tests.plans.making import NOTHING, plan_of, task, told, written
from tests.rows import rows
from tests.taking import grows_with_length
from tests.work.conftest import Grow


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
        ("", 1, "is not a plan: "),
        ("[1, 2", 1, "is not a plan: "),
        ('{"tasks": [],\n "tasks": []}', 2, "is not a plan: "),
        ("[" * 100000, 1, "is not a plan: it is nested more than"),
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
    assert [one.texts_of("depends_on") for one in plan.tasks] == [[(("dependencies", 0), "2")], []]
    assert told(plan.dependency_flaws()) == [(1, "task 1 is done, and needs task 2, which is todo")]


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
    [*rows(__file__, "options"), (None, "does not name the option that it was made from")],
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


# What entries of `expected_files` cover


@pytest.mark.parametrize(("text", "covered", "others"), rows(__file__, "what_entries_cover"))
def test_what_an_entry_covers(text: str, covered: list[str], others: list[str]) -> None:
    expected = parse_expected(text)
    assert not expected.problem
    assert not covers_all(expected)
    for path in covered:
        assert expected.paths.find(path.encode()) is not None, path
    for path in others:
        assert expected.paths.find(path.encode()) is None, path


@pytest.mark.parametrize("text", ["**", "*", "**/*", ".", "./", "/", "**/**"])
def test_everything_is_no_expectation(text: str) -> None:
    expected = parse_expected(text)
    assert expected.problem or covers_all(expected)


NO_PATHS = ("", "  ", "/etc/hosts", "~/x", "C:\\x", "../x", "a/../../x", "a\\b", "a\nb", "x" * 2000,
            "a//b", "a/./b", "a//b*", "{a,b}")  # fmt: skip


@pytest.mark.parametrize("text", NO_PATHS)
def test_what_is_no_path(text: str) -> None:
    expected = parse_expected(text)
    assert expected.problem
    assert not expected.paths


def test_entries_are_relative_to_the_folder_of_the_code() -> None:
    plan = plan_of([task(expected_files=["src/cart.py", "tests/", ".", "../x"])], code="shop/")
    expected = plan.tasks[0].expected_paths
    assert expected.find(b"shop/src/cart.py") is not None
    assert expected.find(b"src/cart.py") is None
    assert parse_expected(".", "shop").paths.patterns == ("shop",)
    assert parse_expected("*.py", "a[b]").paths.find(b"a[b]/x.py") is not None
    assert parse_expected("*.py", "a[b]").paths.find(b"ab/x.py") is None
    # Messages show the first pattern.
    assert parse_expected("src/*.py").paths.patterns[0] == "src/*.py"


@pytest.mark.parametrize("part", [" ", " (", "a:1", "x #", "[", "*"])
def test_no_entry_takes_long(part: str) -> None:
    assert grows_with_length(lambda count: lambda: parse_expected("x" + part * count), 300)


# Marking tasks, and a person's word for one


RAN = [{"command": "pytest -q", "exit_code": 0}]


def mark(text: str, task_id: str, evidence: Any = RAN, **settings: Any) -> str:
    task = plan_of(text, **settings).task(task_id)
    assert task is not None
    after = mark_task(text, task, status="done", evidence=evidence)
    again = plan_of(after, **settings).task(task_id)
    assert again is not None
    assert again.done
    assert [one.command for one in evidence_of(again).commands][-len(evidence) :] == [
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


def test_a_persons_word_is_not_of_the_future() -> None:
    # A clock ahead of UTC may show the day after.
    words = [{"note": "device ok", "by": "Ann", "at": day} for day in ("2026-02-02", "2026-02-03")]
    problems = [missing_parts(word, date(2026, 2, 1)) for word in words]
    assert problems == ["", "its verification by hand lacks a time that is not in the future"]


def test_a_key_below_a_text_makes_a_table_of_it() -> None:
    assert nest_keys({"goal": "A cart", "goal.tasks": [], "option": "A", "option.x": "B"}) == {
        "goal": {"tasks": []},
        "option": {"x": "B"},
    }
