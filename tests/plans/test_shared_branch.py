"""A branch that holds a whole plan, one task a commit, and the plan that its first commit brings."""

import json
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Case, Outcome, Step, run_case

POLICY = """
require_work_item = ["pr/*"]

[plans.default]
required = ["id", "status"]
log = ["MASTER.md"]
unit = "commit"
trusted = "branch"

[work.task]
source = ".plans/{name}/plan.json"
items = "tasks"
number = "id"
number_format = ["{n:03}"]
branch = "pr/{name}"
commits = 1
commit = "task_{number}: {text}"
"""
PLAN = ".plans/cart/plan.json"
LOG = ".plans/cart/MASTER.md"


def plan(*done: int, **more: Any) -> str:
    """A plan of two tasks, of which the second needs the first."""
    tasks: list[dict[str, Any]] = [
        {
            "id": f"task_{number:03}",
            "status": "pending",
            "depends_on": ["task_001"] if number == 2 else [],
            "expected_files": [f"src/t{number}.py"],
            "verify": ["pytest"],
        }
        for number in (1, 2)
    ]
    for number in done:
        tasks[number - 1] |= {"status": "done", "verification": {"command": "pytest", "exit_code": 0}}
    tasks[0] |= more
    return json.dumps({"goal": "A cart", "tasks": tasks}, indent=1)


PLANNED = Step("docs: plan the cart", files={PLAN: plan(), LOG: "# Log\n"})
FIRST = Step("task_001: first", files={"src/t1.py": "1", PLAN: plan(1), LOG: "# Log\n- 1\n"})
SECOND = Step("task_002: second", files={"src/t2.py": "2", PLAN: plan(1, 2), LOG: "# Log\n- 1\n- 2\n"})
NOTE = f"The plan {PLAN} is the change's own"

UNNAMED = {"code": "WRK001", "message": "names no work item"}
BEYOND = {"code": "PLN004", "path": "lib/x.py"}
WIDER = {"lib/x.py": "1", PLAN: plan(expected_files=["lib/"])}


def judged(directory: Path, *commits: Step, expect: Any = (), **case: Any) -> Outcome:
    """Judge the branch `pr/cart` by all rules, as CI does for a pull request."""
    case.setdefault("policy", POLICY)
    case.setdefault("base", [Step("chore: base", files={"README.md": "x\n"})])
    args = ("--pr-title=Plan cart: A cart", *case.pop("args", ()))
    found = Case(args=args, branch="pr/cart", commits=commits, expect=list(expect), **case)
    return run_case(found, directory, installed=False)


def says_own(outcome: Outcome) -> bool:
    return any(note.startswith(NOTE) for note in outcome.report["notes"])


def test_the_first_commit_brings_the_plan_and_each_other_does_a_task_of_it(tmp_path: Path) -> None:
    done = {"PLN009": "passed", "CMT001": "passed", "CMT002": "passed", "PLN004": "passed"}
    assert says_own(judged(tmp_path / "plan", PLANNED, states={"WRK007": "not-applicable"}))
    assert says_own(judged(tmp_path / "all", PLANNED, FIRST, SECOND, states=done))


def test_the_plan_of_the_base_goes_before_that_of_the_branch(tmp_path: Path) -> None:
    base = [Step("docs: plan", files={PLAN: plan(), LOG: "# Log\n"})]
    assert not says_own(judged(tmp_path / "base", FIRST, SECOND, base=base))
    wider = Step("docs: plan more", files={PLAN: WIDER[PLAN]})
    work = Step("task_001: first", files={"lib/x.py": "1"})
    judged(tmp_path / "wider", wider, work, base=base, expect=[UNNAMED, BEYOND])


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (Step("docs: plan", files={PLAN: plan(), "src/more.py": "x"}), "another file beside it"),
        (Step("docs: plan", files={"notes.md": "x"}), "no plan in it"),
        (Step("docs: plan", files={".plans/other/plan.json": plan()}), "another plan"),
    ],
)
def test_a_first_commit_that_is_anything_else_brings_no_plan(tmp_path: Path, first: Step, why: str) -> None:
    second = [Step("docs: more", files={PLAN: plan()})] if PLAN not in first.files else []
    work = Step("task_001: first", files={"src/t1.py": "1"})
    told = [{"code": "WRK001", "message": "cannot be resolved"}, *[UNNAMED] * (1 + len(second))]
    assert not says_own(judged(tmp_path, first, *second, work, expect=told, exit_code=2)), why


def test_trusted_base_asks_for_a_plan_that_is_merged(tmp_path: Path) -> None:
    policy = POLICY.replace('trusted = "branch"', 'trusted = "base"')
    found = [UNNAMED, {"code": "WRK001", "message": "resolved"}]
    assert not says_own(judged(tmp_path, PLANNED, FIRST, policy=policy, expect=found, exit_code=2))


@pytest.mark.parametrize(
    ("later", "expect"),
    [
        (
            Step("task_001: first", files=WIDER),
            [{"code": "PLN009", "path": PLAN, "message": "changes expected_files"}, BEYOND],
        ),
        (
            Step("task_001: first", files={"src/t1.py": "1", ".plans/cart/CONTEXT.md": "x"}),
            [{"code": "PLN009", "path": ".plans/cart/CONTEXT.md"}],
        ),
        (Step("docs: plan more", files={PLAN: WIDER[PLAN]}), [{"code": "PLN009", "path": PLAN}, UNNAMED]),
        (Step("chore: things", files={"lib/x.py": "1"}), [UNNAMED]),
        (Step("task_009: more", files={"lib/x.py": "1"}), [{"code": "WRK001", "message": "no task 9"}]),
    ],
)
def test_no_later_commit_alters_the_plan_or_escapes_it(tmp_path: Path, later: Step, expect: Any) -> None:
    unknown = any("no task" in one.get("message", "") for one in expect)
    judged(tmp_path, PLANNED, later, expect=expect, exit_code=2 if unknown else 1)


def test_each_task_has_one_commit_beside_those_that_mark_it(tmp_path: Path) -> None:
    by_hand = Step("task_001: seen by Ann", files={PLAN: plan(1)})
    judged(tmp_path / "marked", PLANNED, Step("task_001: first", files={"src/t1.py": "1"}), by_hand)
    again = Step("task_001: again", files={"src/t1.py": "2"})
    told = [{"code": "CMT001", "message": "task_001 has exactly"}]
    judged(tmp_path / "twice", PLANNED, FIRST, again, expect=told)


def test_every_commit_has_its_own_tasks_subject(tmp_path: Path) -> None:
    wrong = Step("Task-2 the second", files=SECOND.files)
    judged(tmp_path, PLANNED, FIRST, wrong, expect=[{"code": "CMT002", "message": "task_002: "}])
