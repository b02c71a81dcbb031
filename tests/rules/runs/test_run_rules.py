"""RUN001 to RUN006 on runs outside of the tree, and on odd ones; `tests/cases/runs` has the rest."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Case, Step, run_case
from specguard.testing.running import command, flatten, run_here
from tests.rules.items import judge
from tests.test_hook_imports import imported as modules

RULES = "RUN001,RUN002,RUN003,RUN004,RUN005,RUN006"
KEPT = Case.load_all(Path(__file__).parents[2] / "cases/runs/of-an-item.toml")[0]
POLICY = KEPT.policy or ""
WORK, RUN = KEPT.commits
FILES = {os.fsdecode(name): str(text) for name, text in RUN.files.items()}
LOG = next(name for name in FILES if name.endswith(".log"))


def test_runs_that_are_local(tmp_path: Path) -> None:
    policy = POLICY.replace('keep = "tree"', 'keep = "local"')
    states = {"RUN001": "not-applicable", "RUN002": "not-applicable", "RUN004": "not-applicable"}
    case = Case(policy=policy, commits=[WORK], args=[f"--select={RULES}"], states=states)
    run_case(case, tmp_path / "lost", installed=False)

    repository = case.build(tmp_path / "there")
    [old] = KEPT.build(tmp_path / "kept").git("rev-parse", "HEAD~1^{tree}").split()
    tree = repository.git("rev-parse", "HEAD^{tree}").strip()
    for name, text in FILES.items():
        repository.write(name, text.replace(old, tree))

    def found(rules: str) -> list[dict[str, Any]]:
        words = ("check", f"--select={rules}", "--output-format=json")
        return [*map(flatten, run_here(*words, directory=repository.path).report["findings"])]

    assert found(RULES) == []
    repository.write(LOG, "green\n")
    assert [one["path"] for one in found("RUN004")] == [LOG]
    repository.delete(LOG)
    [gone] = found("RUN004")
    assert "is gone" in gone["message"]


@pytest.mark.parametrize(("policy", "imported"), [("[runs]\nkeep = 'tree'\n", False), (POLICY, True)])
def test_nothing_is_imported_where_no_runs_are_asked_for(tmp_path: Path, policy: str, imported: bool) -> None:
    case = Case(policy=policy, staged=Step("", files={".runs/phase-12/1/control/heartbeat.json": "{}"}))
    repository = case.build(tmp_path / "repository")
    words = [command(), "check", "--staged"]
    # The second time the policy comes from the cache, as it does for a hook.
    found = [modules(words, repository.path, tmp_path / "cache") for _ in range(2)]
    own = [name for name in found[1] if name.startswith(("specguard_rules.runs", "specguard.runs.record"))]
    assert bool(own) is imported, own
    assert not found[1] & {"typing", "pydantic", "subprocess", "pathlib"}


def test_whatever_manifests_hold_they_are_judged(tmp_path: Path) -> None:
    odd: list[Any] = [
        [], {"steps": [{"name": {}}, {"name": "pull-request", "state": "done"}, 1]}, {"state": ["x"]},
        {"agent": {"name": [], "command": [1, {}], "approval_policy": 1}, "argv": {}},
        {"commands": [{"name": {}, "command": {}, "log": 1, "tree": [], "grade": {}, "response": "x"}]},
        {"items": [{}, None, "a"], "digests": {"a/../b": 1, "": "", "x\u0000": "y"}},
        {"schema": "specguard.run/1", "state": "succeeded", "item": {"kind": 1, "id": []}, "run_id": {}},
        {"schema": [], "status": "running", "started_at": 1e300, "steps": {}},
    ]  # fmt: skip
    files = {f".runs/odd/{number}/manifest.json": json.dumps(one) for number, one in enumerate(odd)}
    files |= {f".runs/odd/{number}/control/heartbeat.json": "[1]" for number in range(len(odd))}
    trailers = "".join(f"Run: odd/{number}\n" for number in range(len(odd)))
    change = Step(f"feat(phase12): odd\n\n{trailers}", files=files)
    policy = POLICY + 'grade = "re-run"\nquick_gates = ["tests"]\nfull_gates = ["tests"]\n'
    repository = Case(policy=policy, commits=[change]).build(tmp_path)
    for more in ((), ("--all",)):
        outcome = run_here("check", "--select=RUN", "--output-format=json", *more, directory=repository.path)
        assert outcome.exit_code == 1, outcome
        assert "error" not in {one["state"] for one in outcome.report["rules"]}
        assert "indeterminate" not in {one["state"] for one in outcome.report["rules"]}


HANDOFF = """
[artifacts.handoff]
path = "FINAL_{x}_HANDOFF.md"

[rules.dirty-worktree]
declared_by = ["handoff"]
"""
COMPLETE = Step("docs: complete", files={"FINAL_D_HANDOFF.md": "Done.\n"})


def test_worktrees_of_a_wave_that_is_complete(tmp_path: Path) -> None:
    repository = Case(policy=HANDOFF, commits=[COMPLETE]).build(tmp_path / "repository")
    other = repository.worktree(tmp_path / "the other", "agent-b")
    words = ("check", "--select=RUN008", "--output-format=json")
    assert run_here(*words, directory=repository.path).exit_code == 0
    other.write("left.txt", "x")
    outcome = run_here(*words, directory=repository.path)
    [found] = map(flatten, outcome.report["findings"])
    assert found["path"] == "FINAL_D_HANDOFF.md"
    assert f"-C '{other.path}' status" in found["help"]
    other.write(".gitignore", "*\n")
    assert run_here(*words, directory=repository.path).exit_code == 0
    repository.write("a", "changed")
    assert len(run_here(*words, directory=repository.path).report["findings"]) == 1
    assert run_here(*words, "--staged", directory=repository.path).exit_code == 0


@pytest.mark.parametrize(("name", "moved"), [("a", "moved"), ("a\nbare", "a\nbare"), ("a\n\nb", "a\n\nb")])
def test_a_worktree_that_is_not_found(name: str, moved: str, tmp_path: Path) -> None:
    repository = Case(policy=HANDOFF, commits=[COMPLETE]).build(tmp_path / "repository")
    repository.worktree(tmp_path / name, "agent-b").path.rename(tmp_path / moved)
    outcome = run_here("check", "--select=RUN008", "--output-format=json", directory=repository.path)
    assert (outcome.exit_code, outcome.state("RUN008")) == (2, "indeterminate")


def test_a_wave_that_is_not_complete(tmp_path: Path) -> None:
    judge("RUN008", tmp_path, policy=HANDOFF, commits=[Step("docs: x", files={"b": "c"})], state="passed")
