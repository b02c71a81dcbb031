"""`specguard run metrics` and `migrate`, on real runs and real histories."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Repository
from specguard.testing.running import run_here
from tests.cli.planning import Planned, task
from tests.cli.running import GOOD, POLICY, Project
from tests.outcomes import ended
from tests.rows import recorded, rows


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def metrics(project: Project, *words: str) -> tuple[int, dict[str, Any]]:
    outcome = project.specguard("run", "metrics", "--output-format", "json", *words)
    assert outcome.stdout, outcome
    return outcome.exit_code, json.loads(outcome.stdout)


def test_runs_their_ends_and_their_gates_are_counted(project: Project) -> None:
    code, told = metrics(project, "--fail-under-coverage", "95")
    assert (code, told["runs"], told["coverage"]["percent"]) == (2, 0, None)
    assert "coverage   none: no item is done in the base\n" in project.specguard("run", "metrics").stdout
    mending = "cat > /dev/null; test -e src/c && echo b > src/b.py; touch src/c; echo x >> src/a.py"
    ended(project.run_phase(mending))
    project.specguard("run", "gates")
    (project.runs / "phase-12" / "broken").mkdir()
    (project.runs / "phase-12" / "broken" / "manifest.json").write_text("{")
    code, told = metrics(project)
    assert code == 0
    assert (told["runs"], told["unreadable"]) == (3, 1)
    assert told["states"] == {"failed": 1, "succeeded": 1, "unreadable": 1}
    assert told["gates"]["there"] == {"passed": 1, "failed": 2}
    assert told["attempts"] == {"mean": 2.0, "most": 2}


def test_an_item_is_covered_by_the_run_that_made_its_commit_and_by_no_other(tmp_path: Path) -> None:
    policy = POLICY.replace("[rules.locked-path]", '[runs]\ngrade = "re-run"\n\n[rules.locked-path]')
    project = Project(tmp_path, policy)
    ended(project.run_phase())
    assert metrics(project)[1]["coverage"]["percent"] is None
    project.user.git("fetch", "-q", "origin")
    project.land("origin/phase-12")
    code, told = metrics(project, "--fail-under-coverage", "100")
    assert (code, told["coverage"]["percent"]) == (0, 100.0)
    [item] = told["coverage"]["covered"]
    assert (item["label"], item["run"]) == ("phase 12", f"phase-12/{project.manifests()[0]['run_id']}")
    assert "coverage   100 % (1 of 1 done items)" in project.specguard("run", "metrics").stdout

    run = project.only_run()
    (run / "diff.patch").unlink()
    data = json.loads((run / "manifest.json").read_text()) | {"tree": None}
    observed = [one | {"grade": "observed"} for one in data["commands"]]
    without = {key: value for key, value in data.items() if key != "item"}
    for value, problem in (
        (data | {"state": "failed"}, "did not succeed: its status is 'failed'"),
        (without | {"schema": "specguard.run/1"}, "does not fit its schema"),
        (data | {"commands": observed}, "is observed and not re-run"),
    ):
        (run / "manifest.json").write_text(json.dumps(value))
        [item] = metrics(project)[1]["coverage"]["uncovered"]
        assert problem in item["problem"]
    shutil.rmtree(run)
    code, told = metrics(project, "--fail-under-coverage", "95")
    assert (code, told["coverage"]["percent"]) == (1, 0.0)
    assert told["coverage"]["uncovered"][0]["problem"] == "there is no such run"


def test_the_same_change_is_the_runs_also_after_a_rebase_and_a_squash(project: Project) -> None:
    project.run_phase()
    user = project.user
    user.git("fetch", "-q", "origin")
    user.commit("docs: another", files={"NOTES.md": "n\n"})
    user.git("cherry-pick", "origin/phase-12")
    # A squash on the platform puts the trailer further up.
    user.git("commit", "-q", "--amend", "-m", user.git("log", "-1", "--format=%B"), "-m", "* docs: more")
    project.land()
    assert metrics(project)[1]["coverage"]["percent"] == 100.0
    # Without the change and a tree there is nothing to compare.
    run = project.only_run()
    (run / "diff.patch").unlink()
    data = json.loads((run / "manifest.json").read_text())
    data |= {"commit": "0" * 40, "tree": None, "commands": []}
    (run / "manifest.json").write_text(json.dumps(data))
    [item] = metrics(project)[1]["coverage"]["uncovered"]
    assert "does not say on which tree it ran" in item["problem"]


def test_a_commit_that_cites_no_run_covers_nothing(project: Project) -> None:
    outside = project.folder / "outside"
    outside.mkdir()
    (outside / "manifest.json").write_text('{"status": "succeeded"}')
    for cited in ("../../outside", "phase-12/none", "/etc", "", ".."):
        project.user.git("reset", "-q", "--hard", project.base)
        message = f"feat(phase12): implement phase 12\n\nRun: {cited}\n"
        project.user.commit(message, files={"src/b.py": "b\n"})
        project.land()
        [item] = metrics(project)[1]["coverage"]["uncovered"]
        assert item["problem"] in ("there is no such run", "no run shows it"), cited


def test_a_done_entry_of_a_list_may_cite_the_manifest(tmp_path: Path) -> None:
    policy = POLICY.replace(
        'pointer = ["NEXT_PHASE.json"]\nnumber = "next"', 'source = "phases.json"\nnumber = "id"'
    )
    entries = [{"id": 12, "title": "a"}, {"id": 13, "title": "b", "status": "done"}]
    project = Project(tmp_path, policy, {"phases.json": json.dumps({"phases": entries})})
    assert project.run_phase().exit_code == 0
    commit, run_id = (project.manifests()[0][key] for key in ("commit", "run_id"))
    project.user.git("fetch", "-q", "origin")
    project.user.git("reset", "-q", "--hard", commit)
    project.user.git("commit", "-q", "--amend", "-m", "feat(phase12): implement phase 12")
    done = {"status": "done", "evidence": {"manifest": f".runs/phase-12/{run_id}/manifest.json"}}
    entries[0] |= done
    project.user.commit("docs: phase 12 is done", files={"phases.json": json.dumps({"phases": entries})})
    project.land()
    coverage = metrics(project)[1]["coverage"]
    assert [item["label"] for item in coverage["covered"]] == ["phase 12"]
    assert [item["problem"] for item in coverage["uncovered"]] == ["no run shows it"]


def test_a_task_is_counted_once_and_covered_by_the_run_of_its_own_plan(tmp_path: Path) -> None:
    planned = Planned(tmp_path)
    ended(planned.run_task("task_001"))
    planned.merge("pr/cart")
    planned.user.git("fetch", "-q", "origin")
    code, told = metrics(planned, "--fail-under-coverage", "100")
    assert [item["label"] for item in told["coverage"]["covered"]] == ["task_001"], told
    assert (code, told["coverage"]["percent"], told["coverage"]["uncovered"]) == (0, 100.0, [])
    # Another plan has a task 1 too.
    other = json.dumps({"goal": "Tills", "option": "B", "tasks": [task(1)]})
    planned.user.git("reset", "-q", "--hard", "origin/main")
    planned.user.commit("docs: plan the tills", files={".plans/till/plan.json": other})
    planned.land()
    coverage = metrics(planned)[1]["coverage"]
    assert [(item["label"], item["problem"]) for item in coverage["covered"]] == [("task_001", "")]
    assert coverage["uncovered"] == []
    # What a plan itself states is no run.
    done = {"status": "done", "verification": [{"command": "true x", "exit_code": 0}]}
    other = json.dumps({"goal": "Tills", "option": "B", "tasks": [task(1) | done]})
    planned.user.commit("task_001: it is done", files={".plans/till/plan.json": other})
    planned.land()
    assert [one["problem"] for one in metrics(planned)[1]["coverage"]["uncovered"]] == ["no run shows it"]


def test_done_entries_of_the_index_of_specs_count(tmp_path: Path) -> None:
    policy = POLICY.replace("[rules.locked-path]", '[specs]\nindex = "specs.json"\n\n[rules.locked-path]')
    entries = rows(__file__, "index_of_specs")
    project = Project(tmp_path, policy, {"specs.json": json.dumps({"specs": entries})})
    tree = project.user.git("rev-parse", "origin/main^{tree}").strip()
    for number, status in ((1, "succeeded"), (2, "failed")):
        folder = project.runs / "s" / str(number)
        folder.mkdir(parents=True)
        told = {"status": status, "task_id": f"S{number}", "tree": tree}
        (folder / "manifest.json").write_text(json.dumps(told))
        (folder / "run.log").write_text("x")
    coverage = metrics(project)[1]["coverage"]
    assert [item["label"] for item in coverage["covered"]] == ["S1", "S5"]
    assert {item["label"]: item["problem"] for item in coverage["uncovered"]} == {
        "S2": "did not succeed: its status is 'failed'",
        "S3": "no run shows it",
    }


def old(project: Project, run_id: str, record: Any) -> Path:
    folder = project.runs / "local-mcp" / run_id
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(record if isinstance(record, str) else json.dumps(record))
    (folder / "runner.log").write_text("x\n")
    return folder


def test_older_folders_are_moved_and_old_paths_resolve(project: Project) -> None:
    folder = old(project, "20250102", {"status": "success", "task": "task_003"})
    for words in (("--dry-run",), ()):
        outcome = project.specguard("run", "migrate", *words, given="n\n")
        assert "local-mcp/20250102 -> task_003/mcp/20250102\n" in outcome.stdout, outcome
        assert not folder.is_symlink()
    nobody = project.specguard("run", "migrate")
    assert (nobody.exit_code, "next: specguard run migrate --yes\n" in nobody.stderr) == (2, True)
    outcome = ended(project.specguard("run", "migrate", "--yes"))
    assert folder.is_symlink()
    assert (folder / "runner.log").read_text() == "x\n"
    assert (project.runs / "task_003" / "mcp" / "20250102" / "manifest.json").is_file()
    assert project.specguard("run", "list").stdout.count("20250102") == 1
    assert "task_003" in project.specguard("run", "status", "local-mcp/20250102").stdout
    assert "no run folder has an older layout" in ended(project.specguard("run", "migrate", "--yes")).stderr
    ended(project.run_phase(GOOD))


def test_what_cannot_be_moved_stays_and_is_named(project: Project) -> None:
    old(project, "r1", {"status": "success"})
    old(project, "r2", "{")
    old(project, "r3", {"status": "success", "task": "../../x"})
    old(project, "r4", {"status": "success", "task": "t"})
    (project.runs / "t" / "mcp" / "r4").mkdir(parents=True)
    outcome = ended(project.specguard("run", "migrate", "--yes"), 1)
    assert "local-mcp/r1 stays: its record does not say what it worked on" in outcome.stdout
    assert "local-mcp/r2 stays: manifest.json: it is not JSON" in outcome.stdout
    assert "local-mcp/r3 -> ..%2F..%2Fx/mcp/r3" in outcome.stdout
    assert "local-mcp/r4 stays: t/mcp/r4 is there already" in outcome.stdout
    assert (project.runs / "..%2F..%2Fx" / "mcp" / "r3").is_dir()
    assert not (project.runs / "local-mcp" / "r4").is_symlink()


def test_a_migrated_repository_checks_green(repository: Repository) -> None:
    """What cites an old path is proved by where its link leads, and moving a run is not altering it."""
    policy = recorded(__file__, "policy_of_migrated")
    run = ".runs/local-mcp/r1"
    record = json.dumps({"task_id": "0002", "status": "succeeded"})
    tick = f"- [x] 0002: `{run}/manifest.json`\n"
    files = {"SPEC_AUTHORITY.md": policy, f"{run}/manifest.json": record, f"{run}/runner.log": "x\n"}
    repository.commit("chore: base", files={**files, "TASKS.md": tick})
    repository.branch("moved")
    assert run_here("run", "migrate", "--yes", directory=repository.path).exit_code == 0
    repository.git("add", "-A")
    repository.git("commit", "-qm", "chore: move runs")
    for words in ((), ("--all",)):
        ended(run_here("check", "--select=ART006,RUN", *words, directory=repository.path))
    # A run that is altered on the way is told.
    (repository.path / ".runs/0002/mcp/r1/runner.log").write_text("y\n")
    repository.git("commit", "-qam", "chore: alter it")
    assert run_here("check", "--select=RUN004", directory=repository.path).exit_code == 1
    # A link out of the folder of runs is not followed.
    (repository.path / run).unlink()
    (repository.path / run).symlink_to("../../elsewhere")
    repository.write("elsewhere/manifest.json", record)
    repository.git("add", "-A")
    repository.git("commit", "-qm", "chore: elsewhere")
    assert run_here("check", "--select=ART006", "--all", directory=repository.path).exit_code == 1
