"""`specguard plan` but for making one: `validate`, `status`, `next`, `sync` and `verify`."""

import json
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Outcome, Repository, run_here
from tests.cli.planning import PLAN, Planned, does, task
from tests.outcomes import ended
from tests.planning.filling import change, write
from tests.rows import recorded, rows

FEATURE = "specs/001-gift-cards"
SPEC_KIT = recorded(__file__, "spec_kit")
TASKS = [
    task(1, status="done", verification=[{"command": "python3 src/t1.py", "exit_code": 0}]),
    task(2, status="in_progress"),
    task(3, depends_on=["task_002"]),
    task(4, verify=["<fill in>"]),
    task(5, depends_on=["task_001"]),
    task(6, status="blocked"),
    task(7, status="deferred"),
]
STATUSES = ("in_progress", "in_progress", "pending", "done", "in_progress")


@pytest.fixture
def project(tmp_path: Path) -> Planned:
    return Planned(tmp_path, TASKS)


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    """A project with tasks that may have drifted from their runs."""
    drifted = [task(number, status=status) for number, status in enumerate(STATUSES, 1)]
    return Planned(tmp_path, [*drifted, task(6, depends_on=["task_004", "task_005"])])


def plan(project: Planned, *words: str) -> Outcome:
    return project.specguard("plan", *words)


def tasks(planned: Planned) -> dict[str, dict[str, Any]]:
    """The tasks as the user's checkout has them."""
    return {one["id"]: one for one in json.loads((planned.top / PLAN).read_text())["tasks"]}


def older_run(planned: Planned, number: int, status: str) -> None:
    """A run of a layout of another tool."""
    folder = planned.runs / f"task_{number:03}" / f"2026-01-0{number}"
    folder.mkdir(parents=True)
    record = {"task_id": f"task_{number:03}", "status": status, "started_at": "2026-01-01T00:00:00Z"}
    (folder / "meta.json").write_text(json.dumps(record))


class TestValidate:
    def test_findings_with_their_lines(self, project: Planned) -> None:
        change(project.top, "add-cart")
        said = ended(plan(project, "validate", "add-cart")).stdout
        assert said == "openspec/changes/add-cart: valid (0 errors, 0 warnings)\n"
        spec = project.top / "openspec/changes/add-cart/specs/cart/spec.md"
        spec.write_text(spec.read_text() + "\n## Notes\n\n#### Scenario: hidden\n\n- nobody reads it\n")
        tasks = project.top / "openspec/changes/add-cart/tasks.md"
        tasks.write_text(tasks.read_text().replace("  - verify: python3 src/cart.py\n", ""))
        assert ended(plan(project, "validate", "add-cart"), 1).stdout == (
            recorded(__file__, "findings_with_their_lines")
        )
        data = json.loads(plan(project, "validate", "add-cart", "--output-format", "json").stdout)
        assert (data["schema"], data["form"], data["valid"]) == ("specguard.validation/1", "openspec", False)
        assert [(one["path"], one["line"], one["level"], one["openspec"]) for one in data["findings"]] == [
            ("openspec/changes/add-cart/specs/cart/spec.md", 18, "error", None),
            ("openspec/changes/add-cart/tasks.md", 10, "warning", None),
        ]

    def test_warnings_count_where_that_is_asked_for_and_what_is_hostile_is_shown(
        self, project: Planned
    ) -> None:
        change(project.top, "add-cart")
        folder = project.top / "openspec/changes/add-cart"
        (folder / "tasks.md").write_text("- [ ] 1.1 Add it\n  - files: a.py, `b/`\n")
        words = ("status", "--output-format", "json")
        assert json.loads(plan(project, *words).stdout)["plans"][-1]["next"] == "1.1"
        ended(plan(project, "validate", "add-cart"))
        ended(plan(project, "validate", "add-cart", "--strict"), 1)
        (folder / "tasks.md").write_text("- [ ] 1.1 TODO: \x1b[31mred\n")
        assert "\x1b" not in ended(plan(project, "validate", "add-cart"), 1).stdout
        assert "its text, which is a placeholder" in plan(project, *words).stdout
        file = folder / "proposal.md"
        file.write_bytes(file.read_bytes() + b"\n\xff\n")
        assert "proposal.md:21: it is not UTF-8" in ended(plan(project, "validate", "add-cart"), 2).stderr
        file.unlink()
        file.symlink_to("/etc/passwd")
        assert "it is not a regular file" in plan(project, "validate", "add-cart").stderr

    def test_a_feature_of_spec_kit(self, project: Planned) -> None:
        write(project.top, SPEC_KIT)
        assert plan(project, "validate", "001-gift-cards").exit_code == 0
        write(
            project.top,
            {
                f"{FEATURE}/spec.md": "# Feature Specification: [FEATURE NAME]\n\n- **FR-001**: It MUST "
                "[NEEDS CLARIFICATION: sell or give?]\n",
                f"{FEATURE}/plan.md": None,
            },
        )
        data = json.loads(plan(project, "validate", FEATURE, "--output-format", "json").stdout)
        assert [
            (one["path"], one["line"], one["message"]) for one in data["findings"] if one["level"] == "error"
        ] == [
            (f"{FEATURE}/plan.md", None, "the feature has none"),
            (f"{FEATURE}/spec.md", 1, "a placeholder is left: '[FEATURE NAME]'"),
            (f"{FEATURE}/spec.md", 3, "a placeholder is left: '[NEEDS CLARIFICATION: sell or give?]'"),
        ]


class TestStatus:
    def test_the_plans_of_the_working_tree(self, project: Planned) -> None:
        change(project.top, "add-till")
        write(project.top, SPEC_KIT)
        outcome = ended(plan(project, "status"))
        till, gifts = (f"specguard plan create {name} --name NAME" for name in ("add-till", "001-gift-cards"))
        assert [line.rstrip() for line in outcome.stdout.split("\n")][:4] == [
            "plan                       done  begun  ready  waiting  blocked  deferred  next",
            "cart                       1     1      1      2        1        1         task_005",
            f"openspec/changes/add-till  0     0      1      0        0        0         {till}",
            f"specs/001-gift-cards       1     0      2      2        0        0         {gifts}",
        ]
        data = json.loads(plan(project, "status", "--output-format", "json").stdout)
        assert data["schema"] == "specguard.plans/1"
        cart = data["plans"][0]
        assert {one["id"]: one["waits"] for one in cart["tasks"] if one["state"] == "waiting"} == {
            "task_003": ["task_002, which is in_progress"],
            "task_004": ["a command in `verify` that can fail"],
        }
        assert [one["form"] for one in data["plans"]] == ["plan", "openspec", "spec-kit"]
        assert "001" not in plan(project, "status", "--plan", ".plans/cart").stdout
        ended(plan(project, "status", "--plan", ".plans/till"), 2)
        ended(plan(project, "status", "--plan", str(project.folder)), 2)
        # Of a change that is done no plan is to be made.
        tasks = project.top / "openspec/changes/add-till/tasks.md"
        tasks.write_text(tasks.read_text().replace("- [ ]", "- [x]"))
        [row] = [line for line in plan(project, "status").stdout.split("\n") if "add-till" in line]
        assert row.split() == ["openspec/changes/add-till", "1", *"00000", "-"]
        # A plan that is broken is told.
        (project.top / PLAN).write_text("{\n  1}")
        for command in ("status", "next"):
            assert f"{PLAN}:2: the plan cannot be read" in ended(plan(project, command), 2).stderr

    def test_where_nothing_is_planned_it_says_what_was_looked_for(self, repository: Repository) -> None:
        repository.commit("docs: start", files={"SPEC_AUTHORITY.md": "# Authority\n\n- `a/`: locked\n"})
        for verb in ("status", "next"):
            outcome = ended(run_here("plan", verb, directory=repository.path), 2)
            assert outcome.stderr.startswith(
                "specguard: error: the policy describes no plans; nor is there a change in openspec/changes, "
                "or a feature in specs [incomplete-policy]\n  next: specguard plan proposal SLUG "
            ), outcome

    def test_stages_that_the_tree_itself_does_away_with_hold_nothing(self, repository: Repository) -> None:
        repository.commit("chore: begin", files={"a": "a"})
        repository.branch("topic")
        policy = '# A\n\n```toml specguard\nextends = ["planner-pipeline"]\n```\n'
        written = json.dumps({"title": "t", "tasks": [task(1)]})
        repository.commit("docs: plan", files={"SPEC_AUTHORITY.md": policy, PLAN: written})
        # No base has an authority, so HEAD's says where plans are, and the tree's what waits.
        bare = "# A\n\n```toml specguard\n[plans.pipeline]\n```\n"
        repository.write("SPEC_AUTHORITY.md", bare)
        outcome = ended(run_here("plan", "status", directory=repository.path))
        assert "task_001" in outcome.stdout

    def test_a_task_waits_for_what_was_put_off(self, tmp_path: Path) -> None:
        project = Planned(tmp_path, [task(1, status="deferred"), task(2, depends_on=["task_001"])])
        assert "task_002 waits for task_001, which is deferred\n" in plan(project, "next").stderr
        for words in ((), ("task_002",)):
            assert "task_002 waits for task_001 [" in project.run_task(*words).stderr


class TestNext:
    def test_the_task_that_can_be_begun(self, project: Planned) -> None:
        outcome = ended(plan(project, "next"))
        line = (project.top / PLAN).read_text().split("\n").index('      "id": "task_005",') + 1
        assert outcome.stdout == (
            "task_005 Add part 5\n"
            f"  at      {PLAN}:{line}\n"
            "  files   src/t5.py\n"
            "  verify  python3 src/t5.py\n"
            "  done    part 5 is there\n"
            f"  next    specguard run task task_005 --plan {PLAN} -- AGENT\n"
        )
        [found] = json.loads(plan(project, "next", "--output-format", "json").stdout)["next"]
        assert (found["plan"], found["id"], found["verify"]) == ("cart", "task_005", ["python3 src/t5.py"])

    def test_none_and_what_the_others_wait_for(self, tmp_path: Path) -> None:
        project = Planned(tmp_path, [*TASKS[:4], TASKS[5]])
        outcome = plan(project, "next")
        assert (outcome.exit_code, outcome.stdout) == (1, "")
        assert "no task can be begun\n" in outcome.stderr
        assert "task_003 waits for task_002, which is in_progress\n" in outcome.stderr
        assert "task_004 waits for a command in `verify` that can fail\n" in outcome.stderr
        assert "task_006 is blocked\n" in outcome.stderr
        assert json.loads(plan(project, "next", "--output-format", "json").stdout)["next"] == []


def test_a_plan_is_made_of_a_feature(project: Planned) -> None:
    write(project.top, {**SPEC_KIT, PLAN: None})
    assert plan(project, "next").stdout == (
        "T002 Add the card in src/gift/card.py\n"
        f"  at      {FEATURE}/tasks.md:16\n  files   src/gift/card.py\n"
        "  verify  python3 src/gift/card.py\n"
        "  next    specguard plan create 001-gift-cards --name NAME\n"
    )
    outcome = ended(plan(project, "create", "001-gift-cards", "--name", "cart", "--option", "B"))
    made = json.loads((project.top / PLAN).read_text())
    assert made["source"] == FEATURE
    assert [
        (one["id"], one["source"], one["domain"], one["depends_on"], one["expected_files"])
        for one in made["tasks"]
    ] == [tuple(row) for row in rows(__file__, "a_plan_is_made_of_a_feature")]
    assert "no command in `verify` that can fail, and no run without it: task_003 (T003)" in outcome.stderr
    assert "specs/001" not in plan(project, "status").stdout, "it is the plan now"


class TestSync:
    def test_what_drifted_apart_is_shown_first_and_then_brought_together(self, planned: Planned) -> None:
        older_run(planned, 1, "failed")
        older_run(planned, 2, "success")
        older_run(planned, 4, "failed")
        before = tasks(planned)
        assert ended(plan(planned, "sync", "--plan", ".plans/cart"), 1).stdout == (
            f"{PLAN}: task_001  in_progress -> pending: its last run 2026-01-01 ended: failed\n"
            f"{PLAN}: task_002  in_progress -> done: its run 2026-01-02 succeeded\n"
            f"{PLAN}: task_004  done: its last run 2026-01-04 ended: failed; left for you to decide\n"
            f"{PLAN}: task_005  in_progress: no run of it is kept here; left for you to decide\n"
            "nothing is written yet: specguard plan sync --plan .plans/cart --write\n"
        )
        assert tasks(planned) == before
        outcome = plan(planned, "sync", "--write")
        assert (outcome.exit_code, "commit each by itself" in outcome.stdout) == (1, True), "two are left"
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
        again = json.loads(plan(planned, "sync", "--output-format", "json").stdout)
        assert [(one["task"], one["becomes"]) for one in again["drifts"]] == [
            ("task_004", None),
            ("task_005", None),
        ]

    def test_a_run_counts_once_its_commit_is_in_the_history(self, tmp_path: Path) -> None:
        planned = Planned(tmp_path)
        assert planned.run_task("task_001").exit_code == 0
        file, at_first = planned.top / PLAN, planned.there("main", PLAN)
        for status in ("in_progress", "done", "pending"):
            file.write_text(at_first.replace("pending", status, 1))
            assert plan(planned, "sync").stdout == "plans and runs agree\n", status
        planned.user.git("restore", PLAN)
        planned.user.git("fetch", "-q", "origin", "pr/cart")
        planned.user.git("merge", "-q", "--ff-only", "FETCH_HEAD")
        assert plan(planned, "sync").exit_code == 0
        file.write_text(at_first.replace("python3 src/t1.py", "make other"))
        told = "ran no command that verifies it; left for you to decide\n"
        assert told in ended(plan(planned, "sync"), 1).stdout
        file.write_text(at_first)
        ended(plan(planned, "sync", "--write"))
        [manifest] = planned.manifests()
        assert tasks(planned)["task_001"]["verification"] == [
            {"command": "python3 src/t1.py", "exit_code": 0, "run_id": manifest["run_id"]}
        ]
        assert tasks(planned)["task_001"]["status"] == "done"
        # What shows it already is not recorded twice.
        before = file.read_text()
        file.write_text(before.replace('"status": "done"', '"status": "agent_done"'))
        ended(plan(planned, "sync", "--write"))
        assert file.read_text() == before

    def test_a_run_that_failed_is_no_reason_to_move_what_was_not_begun(self, tmp_path: Path) -> None:
        planned = Planned(tmp_path)
        script = does(then="echo 1 > elsewhere")
        assert planned.run_task("task_001", "--max-attempts", "1", script=script).exit_code == 1
        assert plan(planned, "sync").stdout == "plans and runs agree\n"

    def test_without_plans_and_with_one_that_is_broken(self, planned: Planned) -> None:
        (planned.top / PLAN).write_text("{")
        assert "cannot be read" in ended(plan(planned, "sync"), 2).stderr
        told = ".plans/till [unknown-name]\n  next: specguard plan status, or go to its branch\n"
        assert told in plan(planned, "sync", "--plan", ".plans/till").stderr


class TestVerify:
    def test_note_person_and_time_are_recorded(self, planned: Planned) -> None:
        said = ended(plan(planned, "verify", "task_003", "--note", "works on the device")).stdout
        assert said.endswith("commit it by itself, or on its branch with task_003\n")
        one = {**tasks(planned)["task_003"]["verification"][0], **tasks(planned)["task_003"]}
        assert (one["status"], one["note"], one["by"]) == ("done", "works on the device", "Uma User")
        planned.user.git("switch", "-q", "-c", "planning")
        planned.user.git("commit", "-q", "-am", "docs: say what was seen")
        checked = planned.specguard("check", "--select", "PLN003", "--base", "origin/main")
        assert "task_003" not in checked.stdout

    def test_what_is_nobodys_word_is_refused(self, planned: Planned) -> None:
        before = (planned.top / PLAN).read_text()
        for words, said in rows(__file__, "what_is_nobodys_word_is_refused"):
            assert said in ended(plan(planned, "verify", *words), 2).stderr
        assert (planned.top / PLAN).read_text() == before

    def test_a_task_of_several_plans_needs_the_plan(self, tmp_path: Path) -> None:
        other = json.dumps({"tasks": [task(1)]})
        planned = Planned(tmp_path, files={".plans/till/plan.json": other})
        outcome = plan(planned, "verify", "task_001", "--note", "ok")
        assert "plans have the task task_001 [unknown-name]\n  next: name one of the plans" in outcome.stderr
        ended(plan(planned, "verify", "task_001", "--note", "ok", "--plan", ".plans/till"))
        assert tasks(planned)["task_001"]["status"] == "pending"
