"""RUN001 to RUN006: what a run of specguard records, and what it is judged by."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Case, Step, run_case
from specguard.testing.running import command, flatten, run_here
from tests.rules.items import judge
from tests.rules.runs.made import (
    FOLDER,
    LOG,
    MESSAGE,
    NAME,
    POLICY,
    RUN_ID,
    WORK,
    gate,
    kept,
    manifest,
    sha,
    tree_of,
)
from tests.test_hook_imports import imported as modules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from specguard.testing import Outcome, Repository

RULES = "RUN001,RUN002,RUN003,RUN004,RUN005,RUN006"
MANIFEST = f"{FOLDER}/manifest.json"


@pytest.fixture
def tree(tmp_path: Path) -> str:
    """The tree of the run's commit."""
    return tree_of(tmp_path / "tree", WORK)


def judged(directory: Path, made: Mapping[str, Any], *expect: Mapping[str, Any], **case: Any) -> None:
    """Judge the run's commit, and the one that brings its folder, by all rules about a run."""
    case = {"policy": POLICY, "commits": [WORK, kept(made)], "args": [f"--select={RULES}"], **case}
    run_case(Case(expect=expect, **case), directory / "case", installed=False)


def test_a_run_as_it_should_be(tmp_path: Path, tree: str) -> None:
    states = dict.fromkeys(RULES.split(","), "passed")
    judged(tmp_path, manifest(tree), states=states)


def test_a_policy_that_asks_for_no_runs(tmp_path: Path, tree: str) -> None:
    policy = POLICY.replace('require = ["phase"]\n', "")
    states = dict.fromkeys(RULES.split(","), "not-applicable")
    judged(tmp_path, manifest("3" * 40, digests={}), policy=policy, states=states)
    assert tree


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("phase-12/2026-03-01T10-00-00Z-ffff", "which is not there"),
        ("phase-12", "which is not there"),
        (f"../phase-12/{RUN_ID}", "which is not there"),
        (f"phase-12/../phase-12/{RUN_ID}", "which is not there"),
    ],
)
def test_a_trailer_that_names_no_run(tmp_path: Path, tree: str, name: str, said: str) -> None:
    work = Step(MESSAGE.replace(NAME, name), files=WORK.files)
    judge(
        "RUN001", tmp_path / "case", policy=POLICY, commits=[work, kept(manifest(tree))],
        expect=[{"message": said, "field": "commit.body"}],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"state": "done"}, "state: Input should be"),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
        ({"schema": "specguard.run/2"}, "its schema 'specguard.run/2' is not specguard.run/1"),
        ({"schema": None, "state": None}, "does not say how the run ended"),
    ],
)
def test_a_manifest_that_fits_no_schema(
    tmp_path: Path, tree: str, values: Mapping[str, Any], said: str
) -> None:
    judge(
        "RUN001", tmp_path / "case", policy=POLICY, commits=[WORK, kept(manifest(tree, **values))],
        expect=[{"message": said, "path": MANIFEST}],
    )  # fmt: skip


@pytest.mark.parametrize("text", ["[]", "{", '{"state": "failed", "state": "succeeded"}'])
def test_a_manifest_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    brought = Step("docs: run", files={MANIFEST: text})
    judge("RUN001", tmp_path, policy=POLICY, commits=[WORK, brought], expect=[{"path": MANIFEST}])


def test_a_branch_that_names_an_item_and_no_run(tmp_path: Path) -> None:
    policy = POLICY.replace("[work.phase]\n", '[work.phase]\nbranch = "phase-{number}"\n', 1)
    commits = [Step("chore: a", files={"a": "b"})]
    expect = [{"field": "branch", "message": "no commit of it names a run"}]
    judge("RUN001", tmp_path, policy=policy, branch="phase-12", commits=commits, expect=expect)


@pytest.mark.parametrize(
    ("commands", "said"),
    [
        ([], "has no result of the gate tests for the tree of commit"),
        ([{"tree": "3" * 40}], "its last one is for tree 333333333333"),
        ([{"exit_code": 2}], "has the gate tests, which ended with 2"),
        ([{"timed_out": True}], "which did not succeed"),
        ([{"problem": "it left a process behind"}], "which did not succeed"),
        ([{}, {"number": 2, "exit_code": 1}], "which ended with 1"),
        ([{"grade": "claimed"}], "is claimed and not re-run"),
        ([{"kind": "format"}], "has no result of the gate tests"),
        ([{"exit_code": 1}, {"number": 2}], ""),
        ([{"grade": "ci"}], ""),
        ([{"exit_code": 1, "tree": "3" * 40}, {"number": 2}], ""),
    ],
)
def test_the_last_result_for_the_committed_tree_counts(
    tmp_path: Path, tree: str, commands: list[dict[str, Any]], said: str
) -> None:
    made = manifest(tree, commands=[gate(tree) | one for one in commands])
    expect = [{"path": MANIFEST, "message": said}] if said else []
    judge("RUN002", tmp_path / "case", policy=POLICY, commits=[WORK, kept(made)], expect=expect)


def test_a_gate_that_the_change_does_not_ask_for(tmp_path: Path) -> None:
    work = Step(MESSAGE, files={"docs/a.md": "b\n"})
    made = manifest(tree_of(tmp_path / "tree", work), commands=[])
    judge("RUN002", tmp_path / "case", policy=POLICY, commits=[work, kept(made)])
    policy = POLICY + 'gates = ["scan"]\n'
    expect = [{"message": "no result of the gate scan"}]
    judge("RUN002", tmp_path / "more", policy=policy, commits=[work, kept(made)], expect=expect)


def test_more_gates_may_be_named_by_a_document_that_is_not_found(tmp_path: Path) -> None:
    policy = POLICY.replace("[work.phase]\n", '[work.phase]\npointer = ["NEXT.json"]\n')
    made = manifest(tree_of(tmp_path / "tree", WORK, policy=policy))
    states = {"RUN002": "indeterminate"}
    judge("RUN002", tmp_path / "case", policy=policy, commits=[WORK, kept(made)], states=states, exit_code=2)


def test_a_plan_that_was_marked_after_the_gates(tmp_path: Path, tree: str) -> None:
    made = manifest(tree, worked="3" * 40, commands=[gate("3" * 40)])
    judge("RUN002", tmp_path / "case", policy=POLICY, commits=[WORK, kept(made)])


@pytest.mark.parametrize(
    ("time", "stale"),
    [("2020-01-01T00:00:00Z", True), ("2999-01-01T00:00:00Z", False), (None, True)],
)
def test_a_run_that_is_silent(tmp_path: Path, tree: str, time: str | None, stale: bool) -> None:
    made = manifest(tree, state="running")
    beat = {"control/heartbeat.json": f'{{"time": "{time}"}}'} if time else {}
    expect = [{"path": MANIFEST, "message": "is running, and its last heartbeat"}] if stale else []
    judge("RUN003", tmp_path / "case", policy=POLICY, commits=[WORK, kept(made, **beat)], expect=expect)


@pytest.mark.parametrize(
    ("values", "files", "path", "said"),
    [
        ({}, {LOG: "all passed\n"}, f"{FOLDER}/{LOG}", "is not the file that the run has left"),
        ({}, {"commands/01-tests.json": '{"exit_code": 1}'}, MANIFEST, "ended with 0 here, and with 1 in"),
        ({}, {"commands/01-tests.json": "{"}, MANIFEST, "and with None in"),
        ({"digests": {}}, {}, MANIFEST, "has the sha256 of no file"),
        ({"run_id": "2026-03-01T10-00-00Z-ffff"}, {}, MANIFEST, "is that of the run"),
        ({"item": {"kind": "phase", "id": "13"}}, {}, MANIFEST, "is one of phase 13"),
        ({"tree": "3" * 40}, {}, MANIFEST, "is not the tree that it judged last"),
        ({"digests": {LOG: sha("passed\n"), "run.log": sha("x")}}, {}, None, ""),
        ({"digests": {LOG: sha("passed\n"), "../../a": sha("x")}}, {}, None, ""),
        ({}, {"commands/01-tests.json": '{"exit_code": 0}'}, None, ""),
        ({"state": "running", "tree": None, "digests": {}}, {}, None, ""),
    ],
)
def test_what_a_run_recorded_is_what_is_there(
    tmp_path: Path,
    tree: str,
    values: Mapping[str, Any],
    files: Mapping[str, str],
    path: str | None,
    said: str,
) -> None:
    made = kept(manifest(tree, **values), **files)
    expect = [{"path": path, "message": said}] if said else []
    judge("RUN004", tmp_path / "case", policy=POLICY, commits=[WORK, made], expect=expect)


def test_a_log_is_held_to_its_own_digest(tmp_path: Path, tree: str) -> None:
    made = manifest(tree, commands=[gate(tree, log_digest=sha("other\n"))], digests={"run.log": sha("x")})
    expect = [{"path": f"{FOLDER}/{LOG}"}]
    judge("RUN004", tmp_path / "case", policy=POLICY, commits=[WORK, kept(made)], expect=expect)


def test_a_file_that_is_changed_later_is_judged(tmp_path: Path, tree: str) -> None:
    base = [Step("chore: base"), kept(manifest(tree))]
    change = [Step("docs: x", files={f"{FOLDER}/{LOG}": "green\n"})]
    expect = [
        {"path": f"{FOLDER}/{LOG}", "message": said} for said in ("the change alters", "is not the file")
    ]
    judge("RUN004", tmp_path / "case", policy=POLICY, base=base, commits=change, expect=expect)
    other = [Step("docs: x", files={"a": "b"})]
    judge("RUN004", tmp_path / "other", policy=POLICY, base=base, commits=other)


@pytest.mark.parametrize(
    ("state", "deleted", "said"),
    [
        ("succeeded", [LOG], "deletes"),
        ("succeeded", [LOG, "manifest.json"], "deletes"),
        ("failed", [LOG, "manifest.json"], "deletes"),
        # It may have been resumed since.
        ("failed", [LOG], None),
        ("running", [LOG, "manifest.json"], None),
    ],
)
def test_a_run_of_the_base_stays_there(
    tmp_path: Path, tree: str, state: str, deleted: list[str], said: str | None
) -> None:
    base = [Step("chore: base"), kept(manifest(tree, state=state))]
    change = [Step("docs: x", delete=[f"{FOLDER}/{name}" for name in deleted])]
    expect = [{"message": said}] if said else []
    judge("RUN004", tmp_path / "case", policy=POLICY, base=base, commits=change, expect=expect)


def test_a_run_that_the_base_has_is_not_made_another_that_agrees_with_itself(
    tmp_path: Path, tree: str
) -> None:
    base = [Step("chore: base"), kept(manifest(tree))]
    forged = kept(manifest(tree, digests={LOG: sha("green\n")}), **{LOG: "green\n"})
    expect = [{"message": "alters"}]
    judge("RUN004", tmp_path / "case", policy=POLICY, base=base, commits=[forged], expect=expect)


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ({"command": ["codex", "exec", "--yolo"]}, ["had --yolo"]),
        ({"command": ["other", "--yolo"]}, ["had --yolo"]),
        ({"command": ["claude", "--dangerously-skip-permissions"]}, []),
        ({"command": ["claude", "--model", "claude-flash"]}, ["called the model 'claude-flash'"]),
        ({"command": ["codex"], "approval_policy": "never"}, ["had the approval policy 'never'"]),
    ],
)
def test_the_mode_of_an_agent(tmp_path: Path, tree: str, agent: Mapping[str, Any], said: list[str]) -> None:
    policy = f"""
    [models]
    deny = ["flash"]

    [agents.codex]
    command = ["codex"]

    [agents.claude]
    command = ["claude"]
    allow_flags = ["--dangerously-skip-permissions"]
    {POLICY}"""
    made = kept(manifest(tree, agent=agent))
    expect = [{"path": MANIFEST, "message": one} for one in said]
    judge("RUN005", tmp_path / "case", policy=policy, commits=[WORK, made], expect=expect)


@pytest.mark.parametrize("key", ["command", "cmd", "argv"])
def test_the_mode_of_an_agent_in_an_older_layout(tmp_path: Path, key: str) -> None:
    text = f'{{"status": "succeeded", "{key}": "codex exec --sandbox danger-full-access"}}'
    commits = [Step("docs: run", files={".runs/12/1/meta.json": text, ".runs/12/1/runner.log": "x"})]
    expect = [{"path": ".runs/12/1/meta.json", "message": "danger-full-access"}]
    judge("RUN005", tmp_path, policy=POLICY, commits=commits, expect=expect)


def test_one_run_for_two_commits(tmp_path: Path, tree: str) -> None:
    again = Step(MESSAGE, files={"src/a": "c\n"})
    expect = [{"path": MANIFEST, "message": "names it, too"}]
    judge(
        "RUN006", tmp_path / "case", policy=POLICY, commits=[WORK, again, kept(manifest(tree))], expect=expect
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"item": {"kind": "track", "id": "12"}}, "is one of track 12, and commit"),
        ({"item": {"kind": "phase", "id": "012"}}, ""),
        ({"schema": None, "item": None, "tasks": ["12", "13"]}, "worked on 2 items: 12, 13"),
        ({"schema": None, "item": None, "task_id": "12", "tasks": ["12"]}, ""),
    ],
)
def test_one_run_for_one_item(tmp_path: Path, tree: str, values: Mapping[str, Any], said: str) -> None:
    expect = [{"path": MANIFEST, "message": said}] if said else []
    made = kept(manifest(tree, **values))
    judge("RUN006", tmp_path / "case", policy=POLICY, commits=[WORK, made], expect=expect)


def look(repository: Repository, rules: str) -> Outcome:
    return run_here("check", f"--select={rules}", "--output-format=json", directory=repository.path)


def test_runs_that_are_local(tmp_path: Path) -> None:
    policy = POLICY.replace('keep = "tree"', 'keep = "local"')
    tree = tree_of(tmp_path / "tree", WORK, policy=policy)
    case = Case(policy=policy, commits=[WORK])
    states = {"RUN001": "not-applicable", "RUN002": "not-applicable", "RUN004": "not-applicable"}
    lost = replace(case, args=[f"--select={RULES}"], states=states)
    run_case(lost, tmp_path / "lost", installed=False)

    repository = case.build(tmp_path / "there")
    for name, text in kept(manifest(tree)).files.items():
        repository.write(name, text)
    outcome = look(repository, RULES)
    assert list(map(flatten, outcome.report["findings"])) == []
    repository.write(f"{FOLDER}/{LOG}", "green\n")
    [found] = map(flatten, look(repository, "RUN004").report["findings"])
    assert found["path"] == f"{FOLDER}/{LOG}"
    repository.delete(f"{FOLDER}/{LOG}")
    [found] = map(flatten, look(repository, "RUN004").report["findings"])
    assert "is gone" in found["message"]


@pytest.mark.parametrize(("policy", "imported"), [("[runs]\nkeep = 'tree'\n", False), (POLICY, True)])
def test_nothing_is_imported_where_no_runs_are_asked_for(tmp_path: Path, policy: str, imported: bool) -> None:
    case = Case(policy=policy, staged=Step("", files={f"{FOLDER}/control/heartbeat.json": "{}"}))
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
