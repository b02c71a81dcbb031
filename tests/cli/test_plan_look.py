"""`specguard plan validate`, `status` and `next`, also with folders of spec-kit."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from specguard.testing import Outcome, Repository, run_here
from tests.cli.planning import PLAN, Planned, task
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


def planned(folder: Path, tasks: Sequence[dict[str, Any]] = TASKS) -> Planned:
    return Planned(folder, list(tasks))


def top(project: Planned) -> Path:
    return Path(project.user.path)


def plan(project: Planned, *words: str) -> Outcome:
    return project.specguard("plan", *words)


class TestValidate:
    def test_findings_with_their_lines(self, tmp_path: Path) -> None:
        project = planned(tmp_path)
        change(top(project), "add-cart")
        outcome = plan(project, "validate", "add-cart")
        assert (outcome.exit_code, outcome.stdout) == (
            0,
            "openspec/changes/add-cart: valid (0 errors, 0 warnings)\n",
        )
        spec = top(project) / "openspec/changes/add-cart/specs/cart/spec.md"
        spec.write_text(spec.read_text() + "\n## Notes\n\n#### Scenario: hidden\n\n- nobody reads it\n")
        tasks = top(project) / "openspec/changes/add-cart/tasks.md"
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
        self, tmp_path: Path
    ) -> None:
        project = planned(tmp_path)
        change(top(project), "add-cart")
        folder = top(project) / "openspec/changes/add-cart"
        (folder / "tasks.md").write_text("- [ ] 1.1 Add it\n")
        ended(plan(project, "validate", "add-cart"))
        ended(plan(project, "validate", "add-cart", "--strict"), 1)
        (folder / "tasks.md").write_text("- [ ] 1.1 TODO: \x1b[31mred\n")
        assert "\x1b" not in ended(plan(project, "validate", "add-cart"), 1).stdout
        file = folder / "proposal.md"
        file.write_bytes(file.read_bytes() + b"\n\xff\n")
        outcome = ended(plan(project, "validate", "add-cart"), 2)
        assert "proposal.md:21: it is not UTF-8" in outcome.stderr
        file.unlink()
        file.symlink_to("/etc/passwd")
        assert "it is no regular file" in plan(project, "validate", "add-cart").stderr

    def test_a_feature_of_spec_kit(self, tmp_path: Path) -> None:
        project = planned(tmp_path)
        write(top(project), SPEC_KIT)
        assert plan(project, "validate", "001-gift-cards").exit_code == 0
        write(
            top(project),
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
    def test_the_plans_of_the_working_tree(self, tmp_path: Path) -> None:
        project = planned(tmp_path)
        change(top(project), "add-till")
        write(top(project), SPEC_KIT)
        outcome = ended(plan(project, "status"))
        till, gifts = (f"specguard plan create {name} --name NAME" for name in ("add-till", "001-gift-cards"))
        assert [line.rstrip() for line in outcome.stdout.split("\n")][:4] == [
            "plan                       done  begun  ready  waiting  blocked  deferred  next",
            "cart                       1     1      1      2        1        1         task_005",
            f"openspec/changes/add-till  0     0      1      0        0        0         {till}",
            f"specs/001-gift-cards       1     0      2      1        0        0         {gifts}",
        ]
        data = json.loads(plan(project, "status", "--output-format", "json").stdout)
        assert data["schema"] == "specguard.plans/1"
        cart = data["plans"][0]
        assert {one["id"]: one["waits"] for one in cart["tasks"] if one["state"] == "waiting"} == {
            "task_003": ["task_002, which is in_progress"],
            "task_004": ["a command in `verify`"],
        }
        assert [one["form"] for one in data["plans"]] == ["plan", "openspec", "spec-kit"]
        assert "001" not in plan(project, "status", "--plan", ".plans/cart").stdout
        assert plan(project, "status", "--plan", FEATURE).stdout.count("\n") >= 2
        ended(plan(project, "status", "--plan", ".plans/till"), 2)
        ended(plan(project, "status", "--plan", str(tmp_path)), 2)
        # Of a change that is done no plan is to be made.
        tasks = top(project) / "openspec/changes/add-till/tasks.md"
        tasks.write_text(tasks.read_text().replace("- [ ]", "- [x]"))
        [row] = [line for line in plan(project, "status").stdout.split("\n") if "add-till" in line]
        assert row.split() == ["openspec/changes/add-till", "1", *"00000", "-"]
        # A plan that is broken is told.
        (top(project) / PLAN).write_text("{\n  1}")
        for command in ("status", "next"):
            assert f"{PLAN}:2: the plan cannot be read" in ended(plan(project, command), 2).stderr

    def test_where_nothing_is_planned_it_says_what_was_looked_for(self, repository: Repository) -> None:
        repository.commit("docs: start", files={"SPEC_AUTHORITY.md": "# Authority\n\n- `a/`: locked\n"})
        for verb in ("status", "next"):
            outcome = ended(run_here("plan", verb, directory=repository.path), 2)
            assert outcome.stderr.startswith(
                "specguard: error: the policy describes no plans; nor is there a change in openspec/changes, "
                "or a feature in specs [unknown-name]\n  next: specguard plan proposal SLUG "
            ), outcome

    def test_nothing_waits_for_what_was_put_off(self, tmp_path: Path) -> None:
        tasks = [task(1, status="deferred"), task(2, depends_on=["task_001"])]
        outcome = plan(planned(tmp_path, tasks), "next")
        assert outcome.stdout.startswith("task_002 "), outcome


class TestNext:
    def test_the_task_that_can_be_begun(self, tmp_path: Path) -> None:
        project = planned(tmp_path)
        outcome = ended(plan(project, "next"))
        line = (top(project) / PLAN).read_text().split("\n").index('      "id": "task_005",') + 1
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
        project = planned(tmp_path, [*TASKS[:4], TASKS[5]])
        outcome = plan(project, "next")
        assert (outcome.exit_code, outcome.stdout) == (1, "")
        assert "no task can be begun\n" in outcome.stderr
        assert "task_003 waits for task_002, which is in_progress\n" in outcome.stderr
        assert "task_004 waits for a command in `verify`\n" in outcome.stderr
        assert "task_006 is blocked\n" in outcome.stderr
        assert json.loads(plan(project, "next", "--output-format", "json").stdout)["next"] == []


def test_a_plan_is_made_of_a_feature(tmp_path: Path) -> None:
    project = planned(tmp_path)
    write(top(project), {**SPEC_KIT, PLAN: None})
    assert plan(project, "next").stdout == (
        "T002 Add the card in src/gift/card.py\n"
        f"  at      {FEATURE}/tasks.md:16\n"
        "  verify  python3 src/gift/card.py\n"
        "  next    specguard plan create 001-gift-cards --name NAME\n"
    )
    outcome = ended(plan(project, "create", "001-gift-cards", "--name", "cart", "--option", "B"))
    made = json.loads((top(project) / PLAN).read_text())
    assert made["source"] == FEATURE
    assert [
        (one["id"], one["source"], one["domain"], one["depends_on"], one["expected_files"])
        for one in made["tasks"]
    ] == [tuple(row) for row in rows(__file__, "a_plan_is_made_of_a_feature")]
    assert "task_003 (T003) has no command in `verify`" in outcome.stderr
    assert "specs/001" not in plan(project, "status").stdout, "it is the plan now"
