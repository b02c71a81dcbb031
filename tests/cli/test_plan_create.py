"""`specguard plan init`, `proposal` and `create`: from an idea to a plan that fulfils its own rules."""

import json
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Outcome
from tests.cli.planning import OPTIONS, PLAN, POLICY
from tests.cli.planning import papers as documents
from tests.cli.running import Project
from tests.outcomes import ended
from tests.planning.filling import change, write
from tests.rows import recorded, rows

PAPERS = (".plans/cart/research/RESEARCH.md", ".plans/cart/preplan/PLAN_OPTIONS.md")
REVIEWED = ".plans/cart/preplan/GEMINI_PLAN_REVIEW.md"
TASKS = Path(__file__).with_name("papers").joinpath("tasks.md").read_text("utf-8")


class Fresh(Project):
    """A project with all papers of the plan `cart` but the plan itself."""

    def __init__(self, folder: Path, *, papers: bool = True, policy: str = POLICY) -> None:
        super().__init__(folder, policy, documents() if papers else {})

    def create(self, *words: str, slug: str = "add-cart") -> Outcome:
        return self.specguard("plan", "create", slug, "--name", "cart", *words)

    def plan(self) -> Any:
        return json.loads((self.top / PLAN).read_text())

    def files(self) -> dict[str, str]:
        """All files that are there, but for git's own."""
        return {
            path.relative_to(self.top).as_posix(): path.read_text()
            for path in sorted(self.top.rglob("*"))
            if path.is_file() and ".git" not in path.parts
        }


@pytest.fixture
def fresh(tmp_path: Path) -> Fresh:
    project = Fresh(tmp_path)
    change(project.top, "add-cart")
    write(project.top, {"openspec/changes/add-cart/tasks.md": TASKS})
    return project


class TestInit:
    def test_folders_and_a_brief_made_of_the_policy(self, tmp_path: Path) -> None:
        project = Fresh(tmp_path, papers=False)
        assert ended(project.specguard("plan", "init")).stdout == (
            ".plans/PLANNER.md is written\n"
            "openspec/changes/.gitkeep is written\n"
            "openspec/specs/.gitkeep is written\n"
        )
        brief = (project.top / ".plans/PLANNER.md").read_text()
        for said in rows(__file__, "folders_and_a_brief_made_of_the_policy"):
            assert said in brief, said
        project.user.git("add", ".")
        assert project.specguard("check", "--staged").exit_code == 0
        (project.top / ".plans/PLANNER.md").write_text("My own.\n")
        outcome = project.specguard("plan", "init")
        assert outcome.stdout.startswith(".plans/PLANNER.md is there already, and stays as it is\n")
        assert (project.top / ".plans/PLANNER.md").read_text() == "My own.\n"

    def test_a_policy_without_plans(self, tmp_path: Path) -> None:
        project = Fresh(tmp_path, papers=False, policy="# A\n\n```toml specguard\nbase = 'main'\n```\n")
        assert "the policy describes no plans" in ended(project.specguard("plan", "init"), 2).stderr


class TestProposal:
    def test_the_folder_of_a_change(self, tmp_path: Path) -> None:
        project = Fresh(tmp_path)
        words = ("--capability", "cart", "--capability", "shop/till")
        assert ended(project.specguard("plan", "proposal", "add-cart", *words)).stdout.split() == rows(
            __file__, "the_folder_of_a_change"
        )
        before = project.files()
        outcome = ended(project.specguard("plan", "proposal", "add-cart"), 2)
        assert "is there already, and is never overwritten" in outcome.stderr
        refused = ended(project.create(), 2)
        assert "proposal.md:5: no plan is made of it yet: a placeholder is left: 'TODO" in refused.stderr
        assert project.files() == before

        # A capability that is there is modified.
        write(project.top, {"openspec/specs/cart/spec.md": "# Cart\n"})
        changes = project.top / "openspec/changes"
        project.specguard("plan", "proposal", "more-cart", "--capability", "cart")
        assert "### Modified Capabilities\n\n- `cart`" in (changes / "more-cart/proposal.md").read_text()
        assert "## Purpose" not in (changes / "more-cart/specs/cart/spec.md").read_text()
        found = project.specguard("plan", "validate", "more-cart", "--output-format", "json")
        assert {one["openspec"] for one in json.loads(found.stdout)["findings"]} == {None}

    def test_other_names_are_refused_and_no_link_leads_out_of_the_repository(self, tmp_path: Path) -> None:
        project = Fresh(tmp_path, papers=False)
        for slug, said in rows(__file__, "other_names"):
            assert said in ended(project.specguard("plan", "proposal", slug), 2).stderr
            assert not (project.top / "openspec").exists()
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (project.top / "openspec").symlink_to(elsewhere)
        outcome = ended(project.specguard("plan", "proposal", "add-cart"), 2)
        assert "in a folder that is one" in outcome.stderr
        assert list(elsewhere.iterdir()) == []


class TestCreate:
    def test_each_box_becomes_one_task(self, fresh: Fresh) -> None:
        outcome = ended(fresh.create("--option", "B"))
        assert outcome.stdout == (
            ".plans/cart/CONTEXT.md is written\n"
            ".plans/cart/MASTER.md is written\n"
            ".plans/cart/plan.json: 5 tasks from openspec/changes/add-cart/tasks.md\n"
        )
        plan = fresh.plan()
        assert {key: plan[key] for key in ("goal", "source", "option")} == recorded(
            __file__, "head_of_the_plan"
        )
        where = "openspec/changes/add-cart/tasks.md"
        assert plan["tasks"][0] == {
            "id": "task_001",
            "title": "Add the cart",
            "domain": "The cart",
            "status": "pending",
            "depends_on": [],
            "expected_files": ["src/cart.py", "tests/"],
            "verify": ["python3 src/cart.py", "git --version"],
            "done_criteria": ["the cart holds items", "the cart survives a restart"],
            "source": f"{where}#1.1",
            "notes": ["Look at the session first."],
        }
        assert [(one["source"], one["depends_on"], one["expected_files"]) for one in plan["tasks"][1:]] == [
            (f"{where}#1.2", ["task_001"], ["src/till.py"]),
            (f"{where}#2.1", ["task_001", "task_002"], ["src/receipt.py"]),
            (f"{where}#2.2", [], ["docs/receipts.md"]),
            (f"{where}#2.2.1", ["task_004"], ["docs/index.md"]),
        ]
        assert (
            "no command in `verify` that can fail, and no run without it: task_004 (2.2), task_005"
            in outcome.stderr
        )
        assert outcome.stderr.count("plan verify task_002 --plan .plans/cart/plan.json --note ") == 1

        page = (fresh.top / ".plans/cart/CONTEXT.md").read_text()
        assert page.startswith("# Context of cart\n\nMade from `openspec/changes/add-cart`")
        assert "## Why\n\nWhoever wants two things has to pay twice today" in page
        assert "## Requirements of cart\n\n# " in page
        assert "The shop SHALL keep what was put into the cart." in page

    def test_it_fulfils_its_own_rules_and_its_first_task_runs(self, fresh: Fresh) -> None:
        fresh.create("--option", "B")
        git = fresh.user.git
        git("switch", "-q", "-c", "planning")
        git("add", ".")
        git("commit", "-q", "-m", "docs: plan the cart")
        outcome = fresh.specguard("check", "--base", "origin/main")
        assert (outcome.exit_code, "indeterminate" in outcome.stdout) == (0, False), outcome
        ended(fresh.specguard("check", "--base", "origin/main", "--select", "PLN,ART"))
        fresh.land()
        git("switch", "-q", "main")
        git("merge", "-q", "--ff-only", "origin/main")
        script = (
            "mkdir -p src; echo 'items = []' > src/cart.py;"
            'echo \'{"task": "task_001", "status": "done", "summary": "There."}\' > SPECGUARD_RESULTS.json'
        )
        told = fresh.specguard("plan", "next")
        assert told.stdout.startswith("task_001 Add the cart\n  at      .plans/cart/plan.json:7\n")
        assert "  verify  git --version\n" in told.stdout
        refused = fresh.specguard("run", "task", "task_004", "--", "sh", "-c", script)
        assert "task_004 has no command in `verify`" in refused.stderr
        ended(fresh.specguard("run", "task", "task_001", "--", "sh", "-c", script))
        fresh.user.git("fetch", "-q")
        fresh.user.git("merge", "-q", "--ff-only", "origin/pr/cart")
        assert [one["status"] for one in fresh.plan()["tasks"]] == ["done"] + ["pending"] * 4
        assert fresh.specguard("plan", "next").stdout.startswith("task_002 Add the till\n")

    def test_what_comes_before_the_option_is_asked_for_first(self, tmp_path: Path) -> None:
        fresh = Fresh(tmp_path, papers=False)
        change(fresh.top, "add-cart")
        asked = fresh.create()
        assert (
            "no plan is made yet: the stage research is not complete: there is no research" in asked.stderr
        ), asked
        assert "next: complete it first: specguard new research name=cart\n" in asked.stderr
        printed = fresh.create("--print")
        assert f"{PLAN} does not name the option that it was made from" in printed.stderr, printed

    def test_stages_that_do_not_come_before_the_plan_are_not_asked_for(self, tmp_path: Path) -> None:
        own = """
[[wave.stages]]
name = "license"
leaves = ["license"]

[[wave.stages]]
name = "brief"
leaves = ["brief", "notes"]

[[wave.stages]]
name = "plan"
opens_after = ["brief"]
requires = ["plan"]

[plans.pipeline]
folder = ".plans/{name}"
plan = "plan.json"

[artifacts.license]
path = ".plans/{name}/LICENSE"

[artifacts.brief]
path = ".plans/{name}/BRIEF.md"
sections = ["Goal"]

[artifacts.notes]
path = ".plans/{name}/NOTES.md"

[artifacts.plan]
path = ".plans/{name}/{file}.json"

[wave]
by = ["name"]
"""
        fresh = Fresh(tmp_path, papers=False, policy=f"# A\n\n```toml specguard{own}```\n")
        change(fresh.top, "add-cart")
        asked = fresh.create()
        assert "the stage brief is not complete: there is no brief" in asked.stderr, asked
        assert "next: complete it first: specguard new brief name=cart\n" in asked.stderr
        ended(fresh.specguard("new", "brief", "name=cart"))
        broken = fresh.create().stderr
        assert "the stage brief is not complete" in broken
        assert "next: complete it first; specguard status --worktree" in broken
        write(fresh.top, {".plans/cart/NOTES.md": "# Notes\n"})
        write(fresh.top, {".plans/cart/BRIEF.md": "# Brief\n\n## Goal\n\nA cart for two things.\n"})
        ended(fresh.create())

    def test_stages_without_artifacts(self, tmp_path: Path) -> None:
        own = """
[plans.pipeline]
folder = ".plans/{name}"
plan = "plan.json"

[wave]
stages = [{name = "build", items = "tasks"}]
by = ["name"]
"""
        fresh = Fresh(tmp_path, papers=False, policy=f"# A\n\n```toml specguard{own}```\n")
        change(fresh.top, "add-cart")
        ended(fresh.create())
        assert "cart" in ended(fresh.specguard("plan", "status")).stdout

    def test_what_a_plan_needs_is_asked_for(self, fresh: Fresh) -> None:
        before = fresh.files()
        unready = "[plan-unready]\n  next: --option OPTION"
        for words, said in (
            ((), f"{PLAN} does not name the option that it was made from ('option') {unready}"),
            (("--option", "D"), f"PLAN_OPTIONS.md does not describe the option 'D' {unready}"),
            (("--option", "B", "--kind", "pipelin"), "next: --kind pipeline"),
        ):
            assert said in ended(fresh.create(*words), 2).stderr
        for name in ("a/b", "..", "a b", "a\nb"):
            outcome = fresh.specguard("plan", "create", "add-cart", "--name", name, "--option", "B")
            assert "is not a name of a plan" in ended(outcome, 2).stderr
        assert fresh.files() == before
        write(fresh.top, {PAPERS[1]: "> " * 300})
        outcome = ended(fresh.create("--option", "B", "--print"), 2)
        assert "the option 'B' [plan-unready]\n  next: --option OPTION" in outcome.stderr

    def test_what_no_plan_can_be_made_of(self, fresh: Fresh) -> None:
        for old, new, said in rows(__file__, "what_no_plan_can_be_made_of"):
            assert old in TASKS
            write(fresh.top, {"openspec/changes/add-cart/tasks.md": TASKS.replace(old, new, 1)})
            before = fresh.files()
            assert said in ended(fresh.create("--option", "B"), 2).stderr
            assert fresh.files() == before

    def test_no_plan_before_its_stage_is_open(self, fresh: Fresh) -> None:
        (fresh.top / REVIEWED).unlink()
        outcome = ended(fresh.create("--option", "B"), 2)
        assert f"the stage review is not complete: there is no plan-review ({REVIEWED})" in outcome.stderr
        assert not (fresh.top / PLAN).exists()
        for paper in PAPERS:
            (fresh.top / paper).unlink()
        write(fresh.top, {PAPERS[1]: OPTIONS})
        assert "the stage research is not complete" in fresh.create("--option", "B").stderr

    def test_a_plan_that_is_there_stays(self, fresh: Fresh, tmp_path: Path) -> None:
        fresh.specguard("new", "plan", "name=cart")
        context = (fresh.top / ".plans/cart/CONTEXT.md").read_text()
        before = (fresh.top / PLAN).read_text()
        outcome = ended(fresh.create("--option", "B"), 2)
        assert f"{PLAN}: it is there already, and is never overwritten" in outcome.stderr
        assert (fresh.top / PLAN).read_text() == before
        (fresh.top / PLAN).unlink()
        outcome = ended(fresh.create("--option", "B"))
        assert ".plans/cart/CONTEXT.md is there already, and stays as it is" in outcome.stdout
        assert (fresh.top / ".plans/cart/CONTEXT.md").read_text() == context
        (fresh.top / PLAN).unlink()
        (fresh.top / PLAN).symlink_to(tmp_path / "elsewhere.json")
        assert fresh.create("--option", "B").exit_code == 2
        assert not (tmp_path / "elsewhere.json").exists()

    def test_names_of_changes(self, fresh: Fresh) -> None:
        outcome = fresh.create(slug="ad-cart")
        assert (outcome.exit_code, "did you mean 'add-cart'?" in outcome.stderr) == (2, True)
        shown = fresh.create("--option", "B", "--print", slug="openspec/changes/add-cart/")
        assert json.loads(shown.stdout)["goal"] == "add cart"
        assert not (fresh.top / PLAN).exists()
