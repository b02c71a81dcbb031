"""`specguard status`: where the work stands, for people, for programs and as a condition."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Case, Outcome, Repository, Step, run_here
from tests.outcomes import ended

CASES = Path(__file__).parent.parent / "cases"
PASS = "docs/_phase-d-runtime-execution-pass-01-2026-02-22"
PLAN = "docs/_phase-d-planning-pass-01-2026-02-21"


class Stand:
    """A repository, and the status of it."""

    def __init__(self, case: Case | str, directory: Path) -> None:
        if isinstance(case, str):
            case = Case.load(CASES / f"{case}.toml")
        self.repository = case.build(directory)

    def run(self, *args: str) -> Outcome:
        return run_here("status", *args, directory=self.repository.path)

    def data(self, *args: str, code: int = 0) -> dict[str, Any]:
        done = self.run("--output-format", "json", *args)
        assert done.exit_code == code, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def stages(self, *args: str) -> dict[str, str]:
        [wave] = self.data(*args)["waves"]
        return {stage["name"]: stage["state"] for stage in wave["stages"]}


@pytest.mark.parametrize(
    ("case", "stage"),
    [
        ("runbook-planning", "drift check"),
        ("runbook-drift-check", "implementation"),
        ("runbook-slice", "implementation"),
        ("runbook-review", "structural assessment"),
        ("runbook-readiness", None),
    ],
)
def test_each_step_of_a_wave(tmp_path: Path, case: str, stage: str | None) -> None:
    [wave] = Stand(f"runbook/{case}", tmp_path / "here").data()["waves"]
    assert wave["stage"] == stage
    assert wave["complete"] is (stage is None)
    states = {one["name"]: one["state"] for one in wave["stages"]}
    names = list(states)
    at = names.index(stage) if stage else len(names)
    # Whether a realignment is needed only the drift check says.
    assert states.pop("realignment") == "not needed"
    assert {states[name] for name in names[:at] if name in states} <= {"complete"}
    assert {states[name] for name in names[at + 1 :] if name in states} <= {"waiting"}


def test_a_wave_at_a_glance(tmp_path: Path) -> None:
    stand = Stand("runbook/runbook-slice", tmp_path / "here")
    done = ended(stand.run())
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for line in (
        "item slice D1: Keep the cart (open), named by the branch",
        "wave d implementation",
        "complete planning",
        "not needed realignment",
        "open implementation",
        f"{PLAN}/PHASE_D_WORKBREAKDOWN.yaml:6: slice D1 is not closed: its status is open",
        "waiting review",
        "slices 0 of 3 closed",
        "ready D1 Keep the cart ann codex/phase-d-d1-keep-the-cart",
        "blocked D2 Open the till bob needs D1",
        "conditional D3 Make the till fast bob codex/phase-d-d3-make-the-till-fast",
        "agents 0 of 2 active",
        "next complete the stage implementation of wave d; then review opens",
        "do slice D1 (ann) on codex/phase-d-d1-keep-the-cart; submit it with `gt submit --ai`",
    ):
        assert line in lines, line
    assert "\033" not in done.stdout


def test_the_same_for_programs(tmp_path: Path) -> None:
    data = Stand("runbook/runbook-slice", tmp_path / "here").data()
    assert data["schema"] == "specguard.status/1"
    assert (data["tree"], data["branch"], data["complete"]) == (
        "HEAD",
        "codex/phase-d-d1-keep-the-cart",
        False,
    )
    assert data["authority"]["trusted"] is True
    assert data["item"]["id"] == "D1"
    assert data["item"]["submit"] == "gt submit --ai"
    assert [(item["id"], item["state"], item["wave"]) for item in data["items"]] == [
        ("D1", "ready", "wave d"), ("D2", "blocked", "wave d"), ("D3", "conditional", "wave d"),
    ]  # fmt: skip
    assert [agent["active"] for agent in data["agents"]] == [False, False]
    assert {one["stage"] for one in data["missing"]} == {
        "implementation", "review", "structural assessment", "docs and cleanup", "readiness",
    }  # fmt: skip
    assert data["unknown"] == []


def test_an_agent_is_active_until_it_has_left_its_final(tmp_path: Path) -> None:
    agents = Stand("runbook/runbook-r1-no-final", tmp_path / "here").data()["agents"]
    assert [(agent["agent"], agent["active"], agent["since"], agent["last"]) for agent in agents] == [
        ("P1", False, "2026-02-21 09:05:00", "2026-02-21 10:40:00"),
        ("1", True, "2026-02-22 10:00:00", "2026-02-22 10:45:00"),
    ]


# What is required


def test_each_thing_that_is_missing_is_named(tmp_path: Path) -> None:
    done = ended(Stand("runbook/runbook-review", tmp_path / "here").run("--require", "complete"), 1)
    contracts = "structural-assessment execution-report cleanup-manifest readiness final-handoff"
    assert all(f"missing   there is no {contract} " in done.stdout for contract in contracts.split())
    assert done.stdout.endswith("specguard: failed: 5 things are missing\n")


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ({f"{PLAN}/PHASE_D_WORKBREAKDOWN.yaml": {"AC-2]\n    status: done": "AC-2]\n    status: open"}},
         "slice D2 is not closed: its status is open"),
        ({"src/cart.ts": False, "tests/cart.test.ts": False},
         "slice D1 is not closed: its status is done, and no commit or run of it shows that"),
        ({f"{PASS}/D5_REVIEW_DISPOSITION.md": {"Status: fixed, re-verified": "Status: open"}},
         "high finding"),
        ({f"{PASS}/D7_PHASE_E_READINESS.md": {"`till-timing.json` |": "it is fast |"}},
         "puts slice D3 off without evidence"),
        ({f"{PASS}/D5A_STRUCTURAL_DISPOSITION.md": {"## Naming": "## Names"}}, "Naming"),
        ({f"{PASS}/PHASE_D_EXECUTION_REPORT.md": False}, "there is no execution-report"),
        ({f"{PLAN}/PHASE_D_WORKBREAKDOWN.yaml": {"owner: ann": "owner: [ann"}}, "cannot be read"),
    ],
)  # fmt: skip
def test_what_keeps_a_wave_from_being_complete(tmp_path: Path, edits: Any, said: str) -> None:
    text = 'like = "runbook-readiness.toml"\n'
    for path, edit in edits.items():
        text += (
            f'edits."{path}" = false\n'
            if edit is False
            else f'[edits."{path}"]\n'
            + "".join(f"{json.dumps(a)} = {json.dumps(b)}\n" for a, b in edit.items())
        )
    case = Case.from_toml(text, folder=CASES / "runbook")
    done = ended(Stand(case, tmp_path / "here").run("--require", "complete"), 1)
    assert said in done.stdout.split("missing   ", 1)[1]


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
    assert "current phase 12, named by the pointer" in lines
    assert "on the branch phase-12" in lines


def test_one_of_several_waves_may_be_asked_for(tmp_path: Path) -> None:
    text = 'like = "runbook-readiness.toml"\n[edits]\n'
    packet = "docs/_phase-e-planning-pass-01-2026-03-01/PHASE_E_EXECUTION_PACKET.md"
    text += f'"{packet}" = "Status: draft\\nAuthor: P1"\n'
    stand = Stand(Case.from_toml(text, folder=CASES / "runbook"), tmp_path / "here")
    data = stand.data()
    assert [(wave["name"], wave["stage"]) for wave in data["waves"]] == [
        ("wave d", None),
        ("wave e", "planning"),
    ]
    assert stand.data("--require", "complete", "--wave", "d")["missing"] == []
    assert stand.data("--require", "complete", "--wave", "E", code=1)["missing"] != []
    assert "there is no wave 'f'" in ended(stand.run("--wave", "f"), 2).stderr


def test_of_many_those_that_are_complete_are_counted(tmp_path: Path) -> None:
    policy = """
[plans.x]

[artifacts.proposal]
path = "changes/{change}/proposal.md"
sections = ["Why"]

[wave]
by = ["change"]

[[wave.stages]]
name = "proposal"
leaves = ["proposal"]
"""
    changes = {f"changes/add-number-{n}/proposal.md": "## Why\n\nIt helps.\n" for n in range(3)}
    changes["changes/add-what-is-not-there/proposal.md"] = "## How\n\nSoon.\n"
    tasks = '{"tasks": [{"id": "task_001", "title": "Sum up", "status": "done"}]}'
    plans = {f".plans/cart-{n}/plan.json": tasks for n in range(3)}
    plans[".plans/till/plan.json"] = tasks.replace("done", "pending")
    case = Case(policy=policy, base=[Step(files={**changes, **plans})])
    lines = Stand(case, tmp_path / "here").run().stdout.splitlines()
    assert "wave add-what-is-not-there  proposal" in lines
    assert "waves     3 of 4 complete" in lines
    assert "plans     3 of 4 done" in lines
    assert not any("add-number" in line or "cart" in line for line in lines)


# Other ways to work


def test_plans_with_their_tasks(tmp_path: Path) -> None:
    stand = Stand("plans/planner-pipeline", tmp_path / "here")
    data = stand.data()
    [plan] = data["plans"]
    assert (plan["name"], plan["option"], plan["counts"]) == ("cart", "B", {"done": 2, "pending": 1})
    assert [(task["id"], task["state"]) for task in plan["tasks"]] == [
        ("task_001", "done"), ("task_002", "done"), ("task_003", "ready"),
    ]  # fmt: skip
    assert data["items"] == []
    assert data["next"] == ["complete the stage task of wave cart", "do task_003 of cart"]
    assert stand.run("--require", "complete").exit_code == 1


def test_plans_without_a_wave(tmp_path: Path) -> None:
    one = '{"tasks": [{"id": "task_001", "status": "done"}, {"id": "task_002", "status": "deferred"}]}'
    nameless = (
        '{"tasks": [{"title": "Add a \u001b[2Jcart\u202e", "status": "pending"}, {"status": "blocked"}]}'
    )
    for name, plan, code, said in (
        ("done", one, 0, ["passed"]),
        ("open", one.replace("deferred", "pending"), 1, ["task_002 of cart is pending"]),
        (
            "nameless",
            nameless.replace("\u001b", "\\u001b"),
            1,
            [
                # What an author writes is not obeyed by a terminal.
                '"Add a \\x1b[2Jcart\\u202e" of cart is pending',
                "a task without an id of cart is blocked",
                'do "Add a \\x1b[2Jcart\\u202e" of cart',
            ],
        ),
        ("broken", "{", 1, []),
    ):
        case = Case(policy="[plans.x]\n", base=[Step(files={".plans/cart/plan.json": plan})])
        done = ended(Stand(case, tmp_path / name).run("--require", "complete"), code)
        assert [part for part in said if part not in done.stdout] == []


def test_specs_by_their_reviews(tmp_path: Path) -> None:
    policy = '[specs]\nfiles = ["specs/*.md"]\nreview = "last_review"\n'
    files = {
        "specs/a.md": "---\nlast_review: 2026-01-31\nstatus: planned\n---\n",
        "specs/b.md": "---\nlast_review: 2026-01-05\n---\n",
        "specs/c.md": "---\nlast_review: 2025-01-05\n---\n",
        "specs/d.md": "# D\n",
        "specs/e.md": "---\nstatus: done\n---\n",
    }
    stand = Stand(Case(policy=policy, base=[Step(files=files)]), tmp_path / "here")
    assert stand.data("--today", "2026-01-31")["specs"] == {
        "total": 5, "terminal": 1, "unreviewed": 1, "stale": 1, "due": 1,
    }  # fmt: skip


# What is looked at


def test_a_repository_without_a_base_or_a_branch(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "here", branch="work")
    repository.write("SPEC_AUTHORITY.md", "# A\n\n```toml specguard\n[plans.x]\n```\n")
    repository.write(".plans/cart/plan.json", '{"tasks": [{"id": "task_001", "status": "pending"}]}')
    repository.stage()
    repository.git("commit", "-q", "-m", "all")
    repository.git("checkout", "-q", "--detach")
    done = ended(run_here("status", directory=repository.path))
    assert "no branch" in done.stdout
    assert "task_001" in done.stdout


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


def test_a_pointer_that_leads_nowhere_is_said(tmp_path: Path) -> None:
    data = Stand("work/phase-runner-p1-no-pointer", tmp_path / "here").data()
    assert "none of configs/NEXT_PHASE.json" in data["current"][0]["problem"]


def test_a_status_needs_a_policy(tmp_path: Path) -> None:
    done = Stand(Case(policy="", base=[Step(files={"a": "1"})]), tmp_path / "here").run()
    assert done.exit_code == 2
    assert "there is no authority" in done.stderr
