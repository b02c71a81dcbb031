"""What a run leaves beside its work: the brief lists it, and the run asks for it."""

import json
from pathlib import Path

from tests.executor.places import DATA
from tests.executor.working import GOOD, POLICY, Workshop

_SLICES = DATA.joinpath("papers.md").read_text()
_FILES = {
    "docs/ARCHITECTURE.md": "# Architecture\n",
    "docs/d/slices.json": json.dumps({"phases": [{"number": "12", "files": ["src/"]}]}) + "\n",
}


def test_a_root_that_is_any_folder_is_told_by_an_example(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, _SLICES.replace('["/home/*/shop"]', '["**", "/srv/**"]'), _FILES)
    brief = workshop.specguard("brief", "phase", "12").stdout
    assert "any folder, as in `/path/to/the/repository/src/a.py:3` or a folder below `/srv`" in brief, brief
    assert "**" not in brief


def test_a_run_that_ends_without_its_papers_says_which(tmp_path: Path) -> None:
    ended = Workshop(tmp_path, _SLICES, _FILES).work(GOOD, "12", "--max-attempts", "1", ends=1)
    assert "\n    - docs/d/AGENT_<agent>_PLAN.md\n" in ended.stdout, ended


def test_a_run_is_asked_for_its_papers_until_the_rules_pass(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, _SLICES, _FILES)
    final = DATA / "final.md"
    script = (
        f"{GOOD}; mkdir -p docs/e; cp '{final}' docs/e/AGENT_1_FINAL_X.md; [ $ROUND = 1 ] ||"
        f" {{ rm -r docs/e; cp '{final}' docs/d/AGENT_1_FINAL_X.md; }}; [ $ROUND -lt 3 ] ||"
        " echo 'Keep it.' > docs/d/AGENT_1_PLAN.md"
    )
    workshop.work(script, "12", "--max-attempts", "2", ends=1)
    assert not workshop.commits()
    workshop.resume("--max-attempts", "3", ends=0)
    brief = workshop.told[0]
    for part in (
        "- `docs/*/AGENT_*`",
        "### `docs/d/AGENT_<agent>_PLAN.md`",
        "### `docs/d/AGENT_<agent>_FINAL_<objective>.md`",
        "- A section `Skills Introspected`, with something said in it",
        "- In `Evidence Map`, each item cites an absolute path with a line, as in `path:3`, which is there; ",
        "of this repository it begins with `/home/*/shop`",
        "Read these first, and cite each by its path: `docs/ARCHITECTURE.md`.",
    ):
        assert part in brief, brief
    assert "{" not in brief
    assert "## Papers that are missing" in workshop.told[1]
    # Papers of another wave are none of this item's.
    assert "- docs/d/AGENT_<agent>_FINAL_<objective>.md" in workshop.told[1]
    assert "- docs/d/AGENT_<agent>_FINAL_<objective>.md" not in workshop.told[2]
    assert "- docs/d/AGENT_<agent>_PLAN.md" in workshop.told[2]
    assert workshop.manifest.attempts == 3


def test_a_paper_without_a_contract_is_told_before_the_agent_works(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, _SLICES.replace('["agent-plan", "agent-final"]', '["agent-plans"]'), _FILES)
    done = workshop.work(GOOD, "12", ends=2)
    assert "agent-plans" in done.stdout + done.stderr
    assert not (tmp_path / "rounds" / "1").exists()


def test_a_document_that_a_list_names_is_shown_by_the_list(tmp_path: Path) -> None:
    policy = POLICY.replace(
        'pointer = ["configs/NEXT_PHASE.json"]\nnumber = "next"\n', 'source = "tasks.json"\n'
    )
    policy = policy.replace('"docs/phases/phase-{number}.md"', '"{path}"').replace("{number}", "{id}")
    listed = [{"number": one, "path": f"docs/phases/phase-{one}.md"} for one in ("12", "13")]
    files = {"tasks.json": json.dumps({"phases": listed}) + "\n", "docs/phases/phase-13.md": "# Phase 13\n"}
    workshop = Workshop(tmp_path, policy, files)
    brief = workshop.specguard("brief", "phase", "12").stdout
    assert "{" not in brief
    assert "- `tasks.json`, and the documents of the other items that it lists" in brief
