"""`specguard status`: where the work stands, for people, for programs and as a condition."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Case, Outcome, Repository, Step, run_here
from tests.outcomes import data_of, ended
from tests.rows import recorded, rows

CASES = Path(__file__).parent.parent / "cases"
DATA = Path(__file__).parent / "data"
PLAN = "docs/_phase-d-planning-pass-01-2026-02-21"


class Stand:
    """A repository, and the status of it."""

    def __init__(self, case: Case | str | dict[str, Any], directory: Path) -> None:
        if isinstance(case, str):
            case = Case.load(CASES / f"{case}.toml")
        elif not isinstance(case, Case):
            case = Case.from_toml(case, folder=CASES / "runbook")
        self.repository = case.build(directory)

    def run(self, *args: str) -> Outcome:
        return run_here("status", *args, directory=self.repository.path)

    def data(self, *args: str, code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = data_of(self.repository, "status", *args, code=code)
        return found

    def stages(self, *args: str) -> dict[str, str]:
        [wave] = self.data(*args)["waves"]
        return {stage["name"]: stage["state"] for stage in wave["stages"]}


@pytest.mark.parametrize(("case", "stage"), rows(__file__, "steps"))
def test_each_step_of_a_wave(tmp_path: Path, case: str, stage: str) -> None:
    [wave] = Stand(f"runbook/{case}", tmp_path / "here").data()["waves"]
    assert (wave["stage"] or "") == stage
    assert wave["complete"] is (not stage)
    states = {one["name"]: one["state"] for one in wave["stages"]}
    names = list(states)
    at = names.index(stage) if stage else len(names)
    # Whether a realignment is needed only the drift check says.
    assert states.pop("realignment") == "not needed"
    assert {states[name] for name in names[:at] if name in states} <= {"complete"}
    assert {states[name] for name in names[at + 1 :] if name in states} <= {"waiting"}


@pytest.mark.parametrize(
    ("name", "case"), [("wave", "runbook/runbook-slice"), ("plan", "plans/planner-pipeline")]
)
def test_the_whole_of_it_for_people_and_for_programs(tmp_path: Path, name: str, case: str) -> None:
    stand = Stand(case, tmp_path / "here")
    data = stand.data()
    text = ended(stand.run()).stdout.replace(data.pop("head")[:12], "HEAD")
    assert text == (DATA / f"status-of-a-{name}.txt").read_text()
    assert len(data["authority"].pop("ref")) == 40
    assert len(data["authority"].pop("policy_id")) == 64
    assert data == json.loads((DATA / f"status-of-a-{name}.json").read_text())
    assert stand.run("--require", "complete").exit_code == 1


def test_an_agent_is_active_until_it_has_left_its_final(tmp_path: Path) -> None:
    agents = Stand("runbook/runbook-r1-no-final", tmp_path / "here").data()["agents"]
    assert [(agent["agent"], agent["active"], agent["since"], agent["last"]) for agent in agents] == [
        ("P1", False, "2026-02-21 09:05:00", "2026-02-21 10:40:00"),
        ("1", True, "2026-02-22 10:00:00", "2026-02-22 10:45:00"),
    ]
    [agent] = Stand(recorded(__file__, "in_folders"), tmp_path / "there").data()["agents"]
    assert (agent["folder"], agent["active"]) == ("docs/pass-1", False)
    assert agent["since"] == "2026-01-31 13:00:00+01:00"


# What is required


def test_each_thing_that_is_missing_is_named(tmp_path: Path) -> None:
    done = ended(Stand("runbook/runbook-review", tmp_path / "here").run("--require", "complete"), 1)
    contracts = "structural-assessment execution-report cleanup-manifest readiness final-handoff"
    assert all(f"missing   there is no {contract} " in done.stdout for contract in contracts.split())
    assert done.stdout.endswith("specguard: failed: 5 missing things\n")


@pytest.mark.parametrize("row", rows(__file__, "missing"))
def test_what_keeps_a_wave_from_being_complete(tmp_path: Path, row: dict[str, Any]) -> None:
    stand = Stand({"like": "runbook-readiness.toml", "edits": row["edits"]}, tmp_path / "here")
    missing = ended(stand.run("--require", "complete"), 1).stdout.split("\nmissing   ", 1)[1]
    assert [row["said"] in missing, stand.data()["waves"][0]["complete"]] == [True, False]


def test_a_worktree_with_changes_is_missing_its_commit(tmp_path: Path) -> None:
    stand = Stand("runbook/runbook-readiness", tmp_path / "here")
    done = ended(stand.run("--require", "complete"))
    assert done.stdout.endswith("specguard: passed: all is complete\n")
    assert [item["state"] for item in stand.data()["items"]] == ["closed", "closed", "deferred"]
    there = tmp_path / "there"
    stand.repository.git("worktree", "add", "-q", "-b", "other", str(there))
    data = stand.data("--require", "complete")
    assert [(Path(one["path"]).name, one["branch"], one["dirty"]) for one in data["worktrees"]] == [
        ("here", "codex/phase-d-closure", False), ("there", "other", False),
    ]  # fmt: skip
    (there / "new.txt").write_text("x")
    assert "there has changes that are not committed" in ended(stand.run("--require", "complete"), 1).stdout
    # One that cannot be read leaves it open.
    (there / ".git").write_text("gitdir: /nowhere\n")
    assert "specguard: indeterminate: " in ended(stand.run("--require", "complete"), 2).stdout
    shutil.rmtree(there)
    assert "-existent location: git worktree prune\n" in ended(stand.run("--require", "complete"), 2).stdout


def test_the_current_phase_and_its_document(tmp_path: Path) -> None:
    stand = Stand("work/phase-runner", tmp_path / "here")
    assert "there is no wave and no plan" in ended(stand.run("--require", "complete"), 2).stdout
    stand.repository.git("switch", "-q", "main")
    data = stand.data()
    assert data["item"] is None
    [phase] = data["current"]
    assert (phase["kind"], phase["id"], phase["branch"]) == ("phase", "12", "phase-12")
    assert phase["document"] == "docs/plan/v1.02/phases/phase-12.md"
    lines = [" ".join(line.split()) for line in stand.run().stdout.splitlines()]
    assert {"current phase 12, named by the pointer", "on the branch phase-12"} <= {*lines}


def test_of_the_tasks_of_a_branch_the_last_one_is_the_item(tmp_path: Path) -> None:
    stand = Stand("plans/planner-pipeline", tmp_path / "here")
    plan = {"tasks": [{"id": "task_003", "title": "Print a receipt", "status": "done"}]}
    stand.repository.commit("task_003: print", files={".plans/cart/plan.json": json.dumps(plan)})
    assert {"title": "Print a receipt", "status": "done"}.items() <= stand.data()["item"].items()


def test_each_of_several_waves_is_reported(tmp_path: Path) -> None:
    packet = "docs/_phase-e-planning-pass-01-2026-03-01/PHASE_E_EXECUTION_PACKET.md"
    edits = {packet: "Status: draft\nAuthor: P1"}
    stand = Stand({"like": "runbook-readiness.toml", "edits": edits}, tmp_path / "here")
    data = stand.data()
    assert [(wave["name"], wave["stage"]) for wave in data["waves"]] == [
        ("wave d", None),
        ("wave e", "planning"),
    ]
    missing = stand.data("--require", "complete", code=1)["missing"]
    assert {one["wave"] for one in missing} == {"wave e"}
    assert "there is no option --wave" in ended(stand.run("--wave", "d"), 2).stderr


def test_of_many_those_that_are_complete_are_counted(tmp_path: Path) -> None:
    many, specs = rows(__file__, "counted")
    lines = Stand(many, tmp_path / "many").run().stdout.splitlines()
    assert "wave add-what-is-not-there  proposal" in lines
    assert "waves     3 of 4 complete" in lines
    assert "plans     3 of 4 done" in lines
    assert not any("add-number" in line or "cart" in line for line in lines)
    stand = Stand(specs, tmp_path / "specs")
    found = stand.data("--today", "2026-01-31")["specs"]
    assert found == {"total": 7, "terminal": 1, "unreviewed": 2, "stale": 2, "due": 1}
    assert "specs     7 in all, 2 stale, 1 due, 2 unreviewed\n" in stand.run("--today", "2026-01-31").stdout


# Other ways to work


@pytest.mark.parametrize(("plan", "code", "said"), rows(__file__, "plans"))
def test_plans_without_a_wave(tmp_path: Path, plan: str, code: int, said: list[str]) -> None:
    """What an author writes is not obeyed by a terminal."""
    case = Case(policy="[plans.x]\n", base=[Step(files={".plans/cart/plan.json": plan})])
    done = ended(Stand(case, tmp_path / "here").run("--require", "complete"), code)
    assert [part for part in said if part not in done.stdout] == []


# What is looked at


def test_a_repository_without_a_base_or_a_branch(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "here", branch="work")
    plan = '{"tasks": [{"id": "task_001", "status": "pending"}]}'
    repository.commit("all", files={"specguard.toml": "[plans.x]\n", ".plans/cart/plan.json": plan})
    repository.git("checkout", "-q", "--detach")
    done = ended(run_here("status", directory=repository.path))
    assert "no branch" in done.stdout
    assert "task_001" in done.stdout


def test_an_author_is_compared_with_an_owner_without_a_branch_too(tmp_path: Path) -> None:
    policy = """
wave = {stages = [{name = "drift", leaves = ["drift"]}]}
[work.slice]
source = ["SLICES.json"]
branch = "feat/{id}"
[artifacts.drift]
path = "DRIFT.md"
author_not = "slice.owner"
"""
    slices = '{"slices": [{"id": "s1", "owner": "Ann"}]}'
    repository = Repository(tmp_path / "here", branch="main")
    repository.commit("all", files={"specguard.toml": policy, "SLICES.json": slices})
    repository.git("checkout", "-q", "--detach")
    repository.commit("drift", files={"DRIFT.md": "Author: Ann\nSlice: s1\n"})
    [wave] = data_of(repository, "status")["waves"]
    [missing] = wave["stages"][0]["missing"]
    assert missing["what"] == "its author 'Ann' is the owner of slice s1"


def test_every_field_is_on_its_page(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "status.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (`[a-z_`, ]+`) \| (.*) \|$", page.partition("## For programs")[2])
    told = {name: text for names, text in rows for name in re.findall("`([a-z_]+)`", names)}
    data = Stand("runbook/runbook-slice", tmp_path / "one").data("--require", "complete", code=1)
    plans = Stand("plans/planner-pipeline", tmp_path / "two").data()
    assert set(data) == set(told)
    nested = {
        **{name: data[name][0] for name in ("items", "agents", "worktrees", "missing", "waves")},
        **{name: data[name] for name in ("item", "authority")},
        "plans": plans["plans"][0],
    }
    for name, value in nested.items():
        assert set(value) <= set(re.findall("`([a-z_]+)`", told[name])), name


def test_slices_wait_for_their_stage_and_the_working_tree_may_be_looked_at(tmp_path: Path) -> None:
    stand = Stand("runbook/runbook-planning", tmp_path / "here")
    data = stand.data()
    assert [item["state"] for item in data["items"]] == ["waiting", "blocked", "conditional"]
    assert data["next"] == ["complete the stage drift check of wave d; then implementation opens"]
    packet = stand.repository.path / PLAN / "PHASE_D_EXECUTION_PACKET.md"
    packet.write_text(packet.read_text().replace("Status: ready", "Status: draft"))
    assert stand.stages()["planning"] == "complete"
    assert stand.stages("--worktree")["planning"] == "open"
    breakdown = packet.with_name("PHASE_D_WORKBREAKDOWN.yaml")
    breakdown.write_text(breakdown.read_text().replace("status: open", "status: Blocked", 1))
    assert stand.data("--worktree")["items"][0]["state"] == "blocked"


def test_a_pointer_that_leads_nowhere_is_said(tmp_path: Path) -> None:
    for case, said in (("p1-no-pointer", "there is no configs"), ("p2-padded", "none of the places for")):
        data = Stand(f"work/phase-runner-{case}", tmp_path / case).data()
        assert said in data["current"][0]["problem"]


def test_a_title_stays_in_its_row(tmp_path: Path) -> None:
    titles = ["A\n  done        forged", "B\x0b\u2028\u202e", "C"]
    tasks = [{"id": title[0], "title": title, "status": "pending", "verify": ["x"]} for title in titles]
    tasks[2]["verify"] = []
    here = Repository(tmp_path / "here")
    plan = {".plans/a\nb 9/plan.json": json.dumps({"tasks": tasks})}
    here.commit("plan", files={"specguard.toml": "[plans.x]\n", **plan})
    told = run_here("plan", "status", directory=here.path).stdout.splitlines()
    assert [line.split("  ")[0] for line in told[:2]] == ["plan", "a\\x0ab 9"]
    said = run_here("status", directory=here.path).stdout.splitlines()
    states = [line.split()[:2] for line in said if line.startswith("  ")]
    assert states == [["ready", "A"], ["ready", "B"], ["waiting", "C"]]
