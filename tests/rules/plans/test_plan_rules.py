"""Plans in a run's own check, and in one long line; `tests/cases/plans` has the rest."""

from pathlib import Path
from typing import Any

import pytest

from specguard.change.change import Change
from specguard.testing import Step
from tests.rules.items import judge

PLAN = ".plans/cart/plan.json"
LOG = ".plans/cart/MASTER.md"
POLICY = """
[plans.default]
log = ["MASTER.md"]

[work.task]
source = ".plans/{name}/plan.json"
items = "tasks"
number = "id"
branch = "pr/{name}"
commit = "task_{number}: {text}"
"""


def test_where_an_agents_tree_is_judged_its_plan_is_not_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = '{"tasks": [{"id": "1", "status": "pending"}]}'
    files = {"src/a": "1", PLAN: plan.replace("pending", "done"), LOG: "x\n"}
    case: Any = {
        "policy": POLICY,
        "base": [Step("chore: base", files={PLAN: plan})],
        "branch": "pr/cart",
        "commits": [Step("task_1: x", files=files)],
    }
    judge("PLN009", tmp_path / "range", **case, state="passed")
    # The run's own check is made within the command that runs the agent.
    monkeypatch.setattr(Change, "stage", property(lambda _: "run", lambda _, __: None))
    expect = [
        {"path": LOG, "message": f"the agent's tree for task 1 adds {LOG}"},
        {"path": PLAN, "message": f"the agent's tree for task 1 changes {PLAN}"},
    ]
    judge("PLN009", tmp_path / "run", **case, expect=expect)


def test_a_file_of_one_long_line_is_read_in_a_moment(tmp_path: Path) -> None:
    policy = (
        '[models]\nallow = ["^gemini-3"]\n[plans.default]\n[rules.forbidden-model]\nfiles = ["scripts/**"]\n'
    )
    files = {".plans/x/a.md": "gemini -m " * 100_000, "scripts/a.sh": "gemini --model " * 50_000}
    expect = [{"path": "scripts/a.sh", "line": 1}]
    judge("PLN006", tmp_path, policy=policy, commits=[Step("docs: x", files=files)], expect=expect)
