"""PLN001 to PLN006 and PLN009 beyond what the planner pipeline's cases show."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from specguard.change.change import Change
from specguard.testing import Step
from tests.rules.items import judge

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """
[plans.default]
required = ["id", "status"]

[work.task]
source = ".plans/{name}/plan.json"
items = "tasks"
number = "id"
number_format = ["{n:03}"]
branch = "pr/{name}"
commit = "task_{number}: {text}"
"""
PLAN = ".plans/cart/plan.json"
COMMITS = POLICY.replace("[plans.default]", '[plans.default]\nunit = "commit"')


def plan(*tasks: Any, **top: Any) -> str:
    """A plan of these tasks: a status each, or a mapping."""
    listed = [
        {
            "id": f"task_{number:03}",
            "expected_files": ["src/"],
            **({"status": one} if isinstance(one, str) else one),
        }
        for number, one in enumerate(tasks, 1)
    ]
    return json.dumps({**top, "tasks": listed}, indent=1)


def done(verify: str = "pytest") -> dict[str, Any]:
    return {"status": "done", "verify": [verify], "verification": {"command": verify, "exit_code": 0}}


def base(*tasks: Any, **files: str) -> list[Step]:
    named = {path.replace("__", "/"): text for path, text in files.items()}
    return [Step("chore: base", files={PLAN: plan(*tasks), **named})]


def judged(code: str, directory: Path, *commits: Step, **case: Any) -> Any:
    case.setdefault("branch", "pr/cart")
    case.setdefault("policy", POLICY)
    return judge(code, directory, commits=commits, **case)


# PLN001, PLN002, PLN003: which plans are judged


def test_a_plan_that_the_change_leaves_alone_is_judged_with_all(tmp_path: Path) -> None:
    other = Step("feat: x", files={"src/a": "1"})
    wrong = base("waiting", {"status": "done", "depends_on": ["task_009"]})
    for code in ("PLN001", "PLN002", "PLN003"):
        judged(code, tmp_path / code, other, base=wrong, branch="work", states={code: "passed"})
        judged(
            code,
            tmp_path / f"{code}-all",
            other,
            base=wrong,
            branch="work",
            args=("--all",),
            expect=[{"path": PLAN}],
        )


def test_a_change_anywhere_in_its_folder_has_a_plan_judged(tmp_path: Path) -> None:
    step = Step("docs: x", files={".plans/cart/notes/x.md": "x"})
    judged("PLN001", tmp_path, step, base=base("waiting"), branch="work", expect=[{"path": PLAN}])


def test_a_plan_that_is_a_link_is_none(tmp_path: Path) -> None:
    step = Step("docs: x", symlinks={PLAN: "../../other.json"}, files={"other.json": plan("pending")})
    judged(
        "PLN001", tmp_path, step, branch="work", expect=[{"path": PLAN, "message": "it is no regular file"}]
    )


def test_a_folder_without_a_plan_is_none_yet(tmp_path: Path) -> None:
    step = Step("docs: x", files={".plans/cart/research/RESEARCH.md": "x"})
    judged("PLN001", tmp_path, step, branch="work", states={"PLN001": "passed"})


def test_a_plan_that_is_removed_is_not_judged(tmp_path: Path) -> None:
    judged(
        "PLN001",
        tmp_path,
        Step("docs: x", delete=[PLAN]),
        base=base("waiting"),
        branch="work",
        states={"PLN001": "passed"},
    )


def test_plans_in_yaml_and_in_folders_of_several_kinds(tmp_path: Path) -> None:
    policy = """
    [plans.web]
    folder = "web/plans/{name}"
    plan = "tasks.yaml"
    required = ["id", "status"]

    [plans.any]
    folder = "**/todo/{name}"
    plan = "plan.toml"
    tasks = "task"
    required = ["id", "status"]
    """
    files = {
        "web/plans/a/tasks.yaml": "tasks:\n  - id: task_001\n    status: no\n",
        "x/y/todo/b/plan.toml": '[[task]]\nid = "task_001"\nstatus = "never"\n',
        "todo/c/plan.toml": '[[task]]\nid = "1"\nstatus = "done"\n',
    }
    judged(
        "PLN001",
        tmp_path,
        Step("docs: x", files=files),
        branch="work",
        policy=policy,
        expect=[
            {"path": "todo/c/plan.toml", "line": 2},
            {"path": "web/plans/a/tasks.yaml", "line": 3, "message": "'no'"},
            {"path": "x/y/todo/b/plan.toml", "line": 3, "field": "task.0.status"},
        ],
    )


def test_a_run_that_is_removed_has_every_plan_judged(tmp_path: Path) -> None:
    proven = {"status": "done", "verify": ["pytest"], "verification": ".runs/1/manifest.json"}
    files = {".runs/1/manifest.json": '{"status": "success"}'}
    policy = f'{POLICY}\n[runs]\nkeep = "tree"\n'
    judged(
        "PLN003",
        tmp_path,
        Step("chore: tidy", delete=[".runs/1/manifest.json"]),
        policy=policy,
        branch="work",
        base=[Step("chore: base", files={PLAN: plan(proven), **files})],
        expect=[{"path": PLAN, "message": "the run '.runs/1/manifest.json' does not exist"}],
    )


# PLN002: the change's own task


def test_a_dependency_that_the_branch_itself_finished_is_done(tmp_path: Path) -> None:
    waiting = {"status": "pending", "depends_on": ["task_001"]}
    first = Step("task_001: x", files={"src/a": "1", PLAN: plan(done(), waiting)})
    second = Step("task_002: y", files={"src/b": "1"})
    judged(
        "PLN002",
        tmp_path / "one",
        first,
        second,
        base=base("pending", waiting),
        policy=COMMITS,
        states={"PLN002": "passed"},
    )
    judged(
        "PLN002",
        tmp_path / "two",
        second,
        base=base("pending", waiting),
        policy=COMMITS,
        expect=[{"path": PLAN, "field": "tasks.1.depends_on.0", "message": "task_002 is what commit"}],
    )


# PLN004


@pytest.mark.parametrize("unit", [POLICY, COMMITS])
def test_files_that_are_removed_and_linked_are_expected_or_not(tmp_path: Path, unit: str) -> None:
    step = Step(
        "task_001: x",
        delete=["lib/a"],
        symlinks={"lib/b": "../src"},
        executable=["src/c"],
        files={"src/c": "1"},
    )
    judged(
        "PLN004",
        tmp_path,
        step,
        base=base("pending", lib__a="1"),
        policy=unit,
        expect=[{"path": "lib/a", "side": "base"}, {"path": "lib/b"}],
    )


def test_a_task_that_expects_nothing_says_so_once(tmp_path: Path) -> None:
    step = Step("task_001: x", files={"src/a": "1", "src/b": "1"})
    judged(
        "PLN004",
        tmp_path,
        step,
        base=base({"status": "pending", "expected_files": []}),
        expect=[
            {"path": PLAN, "message": "task_001 expects no files, and the change touches 2: src/a, src/b"}
        ],
    )


def test_runs_approvals_and_the_plan_are_left_alone(tmp_path: Path) -> None:
    files = {".runs/1/manifest.json": "{}", ".specguard/approvals/1.json": "{}", PLAN: plan(done())}
    judged(
        "PLN004",
        tmp_path / "none",
        Step("task_001: x", files=files),
        base=base("pending"),
        states={"PLN004": "passed"},
    )
    others = {".runs2/x": "1", ".plans/other/x.md": "x", ".plans/cart2/x": "x"}
    judged(
        "PLN004",
        tmp_path / "others",
        Step("task_001: x", files=others),
        base=base("pending"),
        expect=[{"path": path} for path in others],
    )


def test_each_commit_is_for_its_own_task(tmp_path: Path) -> None:
    tasks = ({"status": "pending", "expected_files": ["a"]}, {"status": "pending", "expected_files": ["b"]})
    judged(
        "PLN004",
        tmp_path,
        Step("task_001: x", files={"a": "1", "b": "1"}),
        Step("chore: z", files={"c": "1"}),
        Step("task_002: y", files={"a": "2", "b": "2"}),
        base=base(*tasks),
        policy=COMMITS,
        expect=[{"path": "a", "message": "for task_002"}, {"path": "b", "message": "for task_001"}],
    )


def test_a_change_that_names_no_task_is_for_none(tmp_path: Path) -> None:
    for code in ("PLN004", "PLN005", "PLN009"):
        none = Step("feat: x", files={"a": "1"})
        state = "passed" if code == "PLN005" else "not-applicable"
        judged(code, tmp_path / "none" / code, none, base=base("pending"), states={code: state})
        # Which task is meant is not known, so that it keeps to its files is not known either.
        other = Step("task_009: x", files={"a": "1"})
        judged(
            code,
            tmp_path / "unknown" / code,
            other,
            base=base("pending"),
            states={code: "indeterminate"},
            exit_code=2,
        )


def test_a_branch_that_names_the_task_is_enough_while_it_is_staged(tmp_path: Path) -> None:
    policy = POLICY.replace('"pr/{name}"', '"pr/{name}/{number}"')
    judged(
        "PLN004",
        tmp_path,
        branch="pr/cart/001",
        policy=policy,
        base=base("pending"),
        staged=Step("", files={"lib/a": "1", "src/a": "1"}),
        expect=[{"path": "lib/a"}],
    )


# PLN005


def test_statuses_that_become_done_are_counted_in_every_plan(tmp_path: Path) -> None:
    other = PLAN.replace("cart", "till")
    files = {PLAN: plan(done(), "pending"), other: plan(done(), done())}
    start = [Step("chore: base", files={PLAN: plan("pending", "pending"), other: plan("pending", "done")})]
    judged(
        "PLN005",
        tmp_path,
        Step("docs: x", files=files),
        base=start,
        branch="work",
        expect=[{"path": other, "message": "finishes task_001 of cart and task_001 of till"}],
    )


def test_many_tasks_are_not_all_named(tmp_path: Path) -> None:
    judged(
        "PLN005",
        tmp_path,
        Step("docs: x", files={PLAN: plan(*[done()] * 20)}),
        base=base(*["pending"] * 20),
        branch="work",
        expect=[{"message": "task_005 and 15 more"}],
    )


def test_with_a_commit_a_task_a_branch_may_hold_several(tmp_path: Path) -> None:
    one = Step("task_001: x", files={PLAN: plan(done(), "pending", "pending")})
    two = Step("task_002: x", files={PLAN: plan(done(), done(), "pending")})
    judged(
        "PLN005",
        tmp_path / "each",
        one,
        two,
        base=base(*["pending"] * 3),
        policy=COMMITS,
        states={"PLN005": "passed"},
    )
    both = Step("task_001: x", files={PLAN: plan(done(), done(), "pending")})
    judged(
        "PLN005",
        tmp_path / "both",
        both,
        base=base(*["pending"] * 3),
        policy=COMMITS,
        expect=[{"path": PLAN, "message": "finishes task_001 and task_002"}],
    )
    judged(
        "PLN005",
        tmp_path / "staged",
        base=base(*["pending"] * 3),
        policy=COMMITS,
        staged=both,
        expect=[{"path": PLAN, "message": "the change finishes task_001 and task_002"}],
    )


# PLN009


def test_where_an_agents_tree_is_judged_its_plan_is_not_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Step(
        "task_001: x", files={"src/a": "1", PLAN: plan(done(), "pending"), ".plans/cart/MASTER.md": "x\n"}
    )
    policy = POLICY.replace("[plans.default]", '[plans.default]\nlog = ["MASTER.md"]')
    case: Any = {"base": base({**done(), "status": "pending"}, "pending"), "policy": policy}
    judged("PLN009", tmp_path / "range", step, **case, states={"PLN009": "passed"})
    # The run's own check is made within the command that runs the agent.
    monkeypatch.setattr(Change, "stage", "run")
    judged(
        "PLN009",
        tmp_path / "run",
        step,
        **case,
        expect=[
            {
                "path": ".plans/cart/MASTER.md",
                "message": "the agent's tree for task_001 adds .plans/cart/MASTER.md",
            },
            {"path": PLAN, "message": "the agent's tree for task_001 changes .plans/cart/plan.json"},
        ],
    )


@pytest.mark.parametrize(
    ("before", "after", "grows"),
    [
        ("# Log\n", "# Log\n- x\n", True),
        (None, "# Log\n", True),
        ("# Log", "# Log\nx", True),
        ("# Log", "# Log, and more", False),
        ("# Log\n", "", False),
        ("# Log\n- y\n", "# Log\n- x\n- y\n", False),
    ],
)
def test_a_log_only_grows(tmp_path: Path, before: str | None, after: str, grows: bool) -> None:
    log = ".plans/cart/MASTER.md"
    start = [
        Step("chore: base", files={PLAN: plan("pending"), **({log: before} if before is not None else {})})
    ]
    judged(
        "PLN009",
        tmp_path,
        Step("task_001: x", files={log: after}),
        base=start,
        policy=POLICY.replace("[plans.default]", '[plans.default]\nlog = ["MASTER.md"]'),
        expect=[] if grows else [{"path": log}],
    )


def test_a_plan_that_is_removed_or_renamed_by_its_task(tmp_path: Path) -> None:
    judged(
        "PLN009",
        tmp_path,
        Step("task_001: x", delete=[PLAN], files={".plans/cart/plan2.json": "{}"}),
        base=base("pending"),
        expect=[
            {"path": PLAN, "side": "base", "message": "removes the plan"},
            {"path": ".plans/cart/plan2.json"},
        ],
    )


def test_commits_of_the_planner_may_edit_the_plan_between_those_of_tasks(tmp_path: Path) -> None:
    one = Step("task_001: x", files={PLAN: plan({**done(), "status": "done"}, "pending")})
    planned = Step("docs: plan", files={PLAN: plan(done(), "pending", "pending")})
    case: Any = {"base": base({**done(), "status": "pending"}, "pending")}
    judged("PLN009", tmp_path / "commit", one, planned, policy=COMMITS, **case, states={"PLN009": "passed"})
    judged(
        "PLN009",
        tmp_path / "change",
        one,
        planned,
        **case,
        expect=[{"path": PLAN, "message": "adds task_003"}],
    )
