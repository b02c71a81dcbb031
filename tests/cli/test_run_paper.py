"""`specguard run research` and `specguard run review`: documents of a plan, under their contracts."""

import json
from pathlib import Path

import pytest

from specguard.runs.store import RunStore
from specguard.testing import Outcome
from tests.cli.planning import OPTIONS, POLICY, RESEARCH, REVIEW
from tests.cli.running import Project
from tests.outcomes import ended

MODEL = ("--model", "gemini-3-pro-preview")
RESEARCH_FILE = ".plans/cart/research/RESEARCH.md"
REVIEW_FILE = ".plans/cart/preplan/GEMINI_PLAN_REVIEW.md"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, POLICY)


def run(project: Project, kind: str, script: str, *words: str, model: tuple[str, ...] = MODEL) -> Outcome:
    """Let a shell script write a document; it gets the model as words that it does not read."""
    return project.specguard("run", kind, "cart", *words, "--", "sh", "-c", script, "sh", *model)


def writes(file: str, text: str, then: str = "") -> str:
    return f"cat > /dev/null; mkdir -p $(dirname {file})\ncat > {file} <<'END'\n{text}END\n{then}"


def research(project: Project, script: str = "", **more: tuple[str, ...]) -> Outcome:
    words = ("--goal", "Find out how shops keep carts", "--timeout-minutes", "45")
    return run(project, "research", script or writes(RESEARCH_FILE, RESEARCH), *words, **more)


def log(project: Project) -> list[str]:
    return project.remote.git("log", "--format=%s", "main..plan-cart").split("\n")


class TestResearch:
    def test_the_document_is_committed_on_the_branch_of_the_plans_papers(self, project: Project) -> None:
        # A list of reviewers is not a list of researchers.
        ended(research(project, model=("--model", "gpt-5")))
        assert log(project) == ["docs: research for cart"]
        assert project.remote.git("show", f"plan-cart:{RESEARCH_FILE}") + "\n" == RESEARCH
        [manifest] = project.manifests()
        assert (manifest["item"]["kind"], manifest["item"]["document"]) == ("research", RESEARCH_FILE)
        assert manifest["timeout"] == 45 * 60
        brief = (project.only_run() / "brief.md").read_text()
        assert "The goal: Find out how shops keep carts" in brief
        assert "- A section `External research`" in brief

    def test_what_does_not_fulfil_its_contract_goes_back_and_nothing_else_may_change(
        self, project: Project
    ) -> None:
        short = RESEARCH.replace("## Risks\n\nTwo tabs.\n\n", "")
        ended(research(project, writes(RESEARCH_FILE, short, "echo x >> src/a.py")), 1)
        mend = (project.only_run() / "mend-2.md").read_text()
        assert "ART002 missing-section" in mend
        assert "- src/a.py was changed" in mend
        ended(research(project, "cat > /dev/null; echo x > other.md"), 1)
        assert "plan-cart" not in project.remote.git("branch")

    @pytest.mark.parametrize("role", ["reviewer", "researcher"])
    def test_the_model_is_looked_at_before_the_call(self, tmp_path: Path, role: str) -> None:
        own = '[models.researcher]\nallow = ["^gemini-3"]\n' if role == "researcher" else ""
        policy = POLICY.replace("\n```\n", f"\n\n{own}```\n")
        project = Project(tmp_path, policy, {".plans/cart/preplan/PLAN_OPTIONS.md": OPTIONS})
        kind = "research" if own else "review"
        words = ("--goal", "x") if own else ()
        for model, said in (
            ((), "have the command name one that is allowed"),
            (("--model", "gemini-3-flash-preview"), "'(?i)flash' denies it"),
            (("--model", "gpt-5"), "may not be used"),
        ):
            assert said in ended(run(project, kind, "touch called", *words, model=model), 2).stderr
        typed = project.specguard("run", kind, "cart", *words, "--", "gemini")
        assert "the agent's command names no model" in ended(typed, 2).stderr
        assert not project.runs.exists()

    def test_the_plan_has_to_be_named(self, project: Project) -> None:
        outcome = ended(project.specguard("run", "research", "--goal", "x", "--", "true", *MODEL), 2)
        assert "as a branch can be named: specguard run research NAME" in outcome.stderr
        outcome = project.specguard("run", "research", "--goal", "x", "a/b", "--", "true", *MODEL)
        assert "no single plan is meant; tried: .plans/<name>; found: none" in outcome.stderr
        # A dry run prints the steps and touches nothing.
        words = ("--goal", "x", "--dry-run", "cart", "--", "touch", "called", *MODEL)
        assert "has no branch plan-cart" in ended(project.specguard("run", "research", *words)).stdout
        assert not project.runs.exists()
        assert "plan-cart" not in project.remote.git("branch")


class TestReview:
    def test_it_reads_the_options_of_the_branch_and_names_their_object_id(self, project: Project) -> None:
        assert research(project).exit_code == 0
        absent = "PLAN_OPTIONS.md, which a review is about, is neither on plan-cart nor in the base"
        assert absent in ended(run(project, "review", "true"), 2).stderr
        project.take("plan-cart")
        project.user.commit("docs: options", files={".plans/cart/preplan/PLAN_OPTIONS.md": OPTIONS})
        project.user.git("push", "-q", "origin", "plan-cart")
        options = project.user.git("rev-parse", "HEAD:.plans/cart/preplan/PLAN_OPTIONS.md")
        ended(run(project, "review", writes(REVIEW_FILE, REVIEW.replace("{options}", "0" * 40))), 1)
        ended(run(project, "review", writes(REVIEW_FILE, REVIEW.replace("{options}", options))))
        assert log(project) == [
            "docs: review the options for cart",
            "docs: options",
            "docs: research for cart",
        ]
        folder = Path(RunStore(str(project.runs)).runs()[-1].path)
        assert f"`.plans/cart/preplan/PLAN_OPTIONS.md`: `{options}`" in (folder / "brief.md").read_text()
        meta = json.loads((folder / "meta.json").read_text())
        assert (meta["kind"], meta["status"]) == ("review", "succeeded")
