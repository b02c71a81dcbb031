"""`specguard plan`: plans and what was done for their tasks."""

import json
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Outcome
from tests.cli.planning import PLAN, Planned, does, task
from tests.outcomes import ended

TASKS = [
    task(1, status="in_progress"),
    task(2, status="in_progress"),
    task(3),
    task(4, status="done"),
    task(5, status="in_progress"),
]


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    return Planned(tmp_path, TASKS)


def tasks(planned: Planned) -> dict[str, dict[str, Any]]:
    """The tasks as the user's checkout has them."""
    return {one["id"]: one for one in json.loads(Path(planned.user.path, PLAN).read_text())["tasks"]}


def older_run(planned: Planned, number: int, status: str, name: str = "meta.json") -> None:
    """A run of a layout of another tool."""
    folder = planned.runs / f"task_{number:03}" / f"2026-01-0{number}"
    folder.mkdir(parents=True)
    record = {"task_id": f"task_{number:03}", "status": status, "started_at": "2026-01-01T00:00:00Z"}
    (folder / name).write_text(json.dumps(record))


def sync(planned: Planned, *words: str) -> Outcome:
    return planned.specguard("plan", "sync", *words)


class TestSync:
    def test_what_drifted_apart_is_shown_first_and_then_brought_together(self, planned: Planned) -> None:
        older_run(planned, 1, "failed")
        older_run(planned, 2, "success")
        older_run(planned, 4, "failed")
        before = tasks(planned)
        assert ended(sync(planned), 1).stdout == (
            f"{PLAN}: task_001  in_progress -> pending: its last run 2026-01-01 ended: failed\n"
            f"{PLAN}: task_002  in_progress -> done: its run 2026-01-02 succeeded\n"
            f"{PLAN}: task_004  done: its last run 2026-01-04 ended: failed; left for you to decide\n"
            f"{PLAN}: task_005  in_progress: no run of it is kept here; left for you to decide\n"
            "nothing is written yet: specguard plan sync --write\n"
        )
        assert tasks(planned) == before
        outcome = sync(planned, "--write")
        assert outcome.exit_code == 1, "two are left"
        after = tasks(planned)
        assert after["task_001"] == {**before["task_001"], "status": "pending"}
        assert after["task_002"] == {
            **before["task_002"],
            "status": "done",
            "verification": [{"manifest": ".runs/task_002/2026-01-02/meta.json"}],
        }
        assert {name: after[name] for name in ("task_003", "task_004", "task_005")} == {
            name: before[name] for name in ("task_003", "task_004", "task_005")
        }
        again = json.loads(sync(planned, "--output-format", "json").stdout)
        assert [(one["task"], one["becomes"]) for one in again["drifts"]] == [
            ("task_004", None),
            ("task_005", None),
        ]

    def test_a_run_counts_once_its_commit_is_in_the_history(self, tmp_path: Path) -> None:
        planned = Planned(tmp_path)
        assert planned.run_task("task_001").exit_code == 0
        assert sync(planned).stdout == "plans and runs agree\n"
        planned.user.git("fetch", "-q", "origin", "pr/cart")
        planned.user.git("merge", "-q", "--ff-only", "FETCH_HEAD")
        assert sync(planned).exit_code == 0
        Path(planned.user.path, PLAN).write_text(planned.there("main", PLAN))
        ended(sync(planned, "--write"))
        [manifest] = planned.manifests()
        assert tasks(planned)["task_001"]["verification"] == [
            {"command": "python3 src/t1.py", "exit_code": 0, "run_id": manifest["run_id"]}
        ]
        assert tasks(planned)["task_001"]["status"] == "done"
        # What shows it already is not recorded twice.
        file = Path(planned.user.path, PLAN)
        before = file.read_text()
        file.write_text(before.replace('"status": "done"', '"status": "agent_done"'))
        ended(sync(planned, "--write"))
        assert file.read_text() == before

    def test_a_run_that_failed_is_no_reason_to_move_what_was_not_begun(self, tmp_path: Path) -> None:
        planned = Planned(tmp_path)
        script = does(then="echo 1 > elsewhere")
        assert planned.run_task("task_001", "--max-attempts", "1", script=script).exit_code == 1
        assert sync(planned).stdout == "plans and runs agree\n"

    def test_without_plans_and_with_one_that_is_broken(self, planned: Planned) -> None:
        Path(planned.user.path, PLAN).write_text("{")
        outcome = sync(planned)
        assert (outcome.exit_code, "cannot be read" in outcome.stderr) == (2, True)
        outcome = sync(planned, "--plan", ".plans/till")
        assert "there is no plan .plans/till" in outcome.stderr


class TestVerify:
    def test_note_person_and_time_are_recorded(self, planned: Planned) -> None:
        ended(planned.specguard("plan", "verify", "task_003", "--note", "works on the device"))
        entry = tasks(planned)["task_003"]["verification"][0]
        assert (entry["note"], entry["by"]) == ("works on the device", "Uma User")
        assert tasks(planned)["task_003"]["status"] == "done"
        planned.user.git("switch", "-q", "-c", "planning")
        planned.user.git("commit", "-q", "-am", "docs: say what was seen")
        checked = planned.specguard("check", "--select", "PLN003", "--base", "origin/main")
        assert "task_003" not in checked.stdout

    def test_what_is_nobodys_word_is_refused(self, planned: Planned) -> None:
        before = Path(planned.user.path, PLAN).read_text()
        for words, said in (
            (["task_003", "--note", " "], "lacks a note"),
            (["task_003", "--note", "TODO"], "lacks a note"),
            (["task_003", "--note", "ok", "--by", "the agent"], "lacks a person"),
            (["task_009", "--note", "ok"], "no plan has the task task_009"),
        ):
            assert said in ended(planned.specguard("plan", "verify", *words), 2).stderr
        assert Path(planned.user.path, PLAN).read_text() == before

    def test_a_task_of_several_plans_needs_the_plan(self, tmp_path: Path) -> None:
        other = json.dumps({"tasks": [task(1)]})
        planned = Planned(tmp_path, files={".plans/till/plan.json": other})
        outcome = planned.specguard("plan", "verify", "task_001", "--note", "ok")
        assert "several plans have the task task_001" in outcome.stderr
        ended(planned.specguard("plan", "verify", "task_001", "--note", "ok", "--plan", ".plans/till"))
        assert tasks(planned)["task_001"]["status"] == "pending"
