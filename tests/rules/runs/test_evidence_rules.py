"""RUN007 to RUN010: what shows that something is done, on which tree."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Case, Step, run_case
from specguard.testing.running import flatten, run_here
from tests.rules.items import judge
from tests.rules.runs.made import TIME

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SLICES = """
[work.slice]
source = "slices.json"
branch = "slice-{id}"
closed = ["done"]

[runs]
keep = "tree"
grade = "re-run"
"""
RUN = ".runs/slice-s1/1/manifest.json"


def result(tree: str, name: str = "tests", **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "gate", "command": f"make {name}", "exit_code": 0, "tree": tree, **more}


def base_tree(directory: Path, policy: str, **case: Any) -> str:
    """The tree of the base of a case."""
    return (
        Case(policy=policy, commits=[Step("x", files={"x": "x"})], **case)
        .build(directory)
        .git("rev-parse", "main^{tree}")
        .strip()
    )


def slices(**first: Any) -> str:
    return json.dumps({"slices": [{"id": "s1", "status": "done", **first}, {"id": "s2", "status": "open"}]})


@pytest.mark.parametrize(
    ("run", "item", "said"),
    [
        (None, {}, "no run shows it"),
        ({"status": "failed", "grade": "ci"}, {}, "no run shows it"),
        ({"status": "succeeded"}, {}, "the run slice-s1/1 is claimed and not re-run"),
        ({"status": "succeeded", "grade": "observed"}, {}, "is observed and not re-run"),
        ({"status": "succeeded", "grade": "re-run"}, {}, ""),
        ({"status": "succeeded", "grade": "re-run", "tree": None}, {}, "does not tell on which tree it ran"),
        ({"status": "succeeded", "grade": "re-run", "tree": "1" * 40}, {}, "has changed since"),
        ({"status": "succeeded", "grade": "ci"}, {}, ""),
        ({"status": "succeeded", "grade": "ci", "task_id": "s2"}, {}, "no run shows it"),
        ({"status": "succeeded", "grade": "re-run", "task_id": "slice-s1"}, {"evidence": RUN}, ""),
        ({"status": "succeeded", "grade": "re-run"}, {"evidence": f"x/../{RUN}"}, ""),
        (
            {"status": "succeeded", "grade": "re-run", "task_id": "s2"},
            {"evidence": RUN},
            "to s2, and not to s1",
        ),
        ({"status": "succeeded", "grade": "proven"}, {}, "is claimed and not re-run"),
        (None, {"checks": [{"command": "make", "exit_code": 0}]}, "what shows it is claimed"),
        (None, {"checks": [{"command": "make", "exit_code": False}]}, "no run shows it"),
        (None, {"verified_by": "Ann Lee", "verified_at": "2026-01-31"}, ""),
        (None, {"verified_by": "Ann Lee"}, "no run shows it"),
    ],
)
def test_an_item_that_is_closed(
    tmp_path: Path, run: Mapping[str, Any] | None, item: Mapping[str, Any], said: str
) -> None:
    files = {"slices.json": slices(**item)}
    if run is not None:
        files[RUN] = json.dumps({"task_id": "s1", "tree": base_tree(tmp_path / "base", SLICES), **run})
    expect = [{"path": "slices.json", "message": said}] if said else []
    judge("RUN007", tmp_path / "x", policy=SLICES, commits=[Step("docs: x", files=files)], expect=expect)


def test_the_least_of_its_gates_is_what_a_run_proves(tmp_path: Path) -> None:
    gates = [result("1" * 40), result("1" * 40, "lint", grade="claimed")]
    item = {"kind": "slice", "id": "s1"}
    made = {"schema": "specguard.run/1", "state": "succeeded", "commands": gates, "item": item}
    files = {"slices.json": slices(), RUN: json.dumps(made)}
    expect = [{"message": "is claimed and not re-run"}]
    judge("RUN007", tmp_path, policy=SLICES, commits=[Step("docs: x", files=files)], expect=expect)


def test_what_was_closed_before_is_left_alone(tmp_path: Path) -> None:
    base = [Step("chore: base", files={"slices.json": slices()})]
    change = [Step("docs: x", files={"slices.json": slices(title="one")})]
    judge("RUN007", tmp_path / "a", policy=SLICES, base=base, commits=change)
    expect = [{"message": "no run shows it"}]
    judge("RUN007", tmp_path / "b", policy=SLICES, base=base, commits=change, args=["--all"], expect=expect)


def test_a_ticked_item_below_the_grade(tmp_path: Path) -> None:
    policy = """
    [checklists]
    files = ["tasks.md"]
    evidence = ".runs/**/manifest.json"

    [runs]
    keep = "tree"
    grade = "observed"
    """
    files = {
        "tasks.md": "- [x] a1: `.runs/a/1/manifest.json`\n- [x] b1: `.runs/b/1/manifest.json`\n- [x] C\n",
        ".runs/a/1/manifest.json": '{"status": "succeeded", "task": "a1"}',
        ".runs/b/1/manifest.json": json.dumps(
            {"status": "succeeded", "task": "b1", "tree": base_tree(tmp_path / "base", policy)}
        ),
        ".runs/b/1/runner.log": "x\n",
    }
    expect = [{"path": "tasks.md", "line": 1, "message": "is claimed and not observed"}]
    judge("RUN007", tmp_path / "x", policy=policy, commits=[Step("docs: x", files=files)], expect=expect)


HANDOFF = """
[artifacts.handoff]
path = "FINAL_{x}_HANDOFF.md"

[rules.dirty-worktree]
declared_by = ["handoff"]
"""
COMPLETE = Step("docs: complete", files={"FINAL_D_HANDOFF.md": "Done.\n"})


def test_worktrees_of_a_wave_that_is_complete(tmp_path: Path) -> None:
    repository = Case(policy=HANDOFF, commits=[COMPLETE]).build(tmp_path / "repository")
    other = repository.worktree(tmp_path / "other", "agent-b")
    words = ("check", "--select=RUN008", "--output-format=json")
    assert run_here(*words, directory=repository.path).exit_code == 0
    other.write("left.txt", "x")
    outcome = run_here(*words, directory=repository.path)
    [found] = map(flatten, outcome.report["findings"])
    assert found["path"] == "FINAL_D_HANDOFF.md"
    assert str(other.path) in found["message"]
    other.write(".gitignore", "*\n")
    assert run_here(*words, directory=repository.path).exit_code == 0
    repository.write("a", "changed")
    assert len(run_here(*words, directory=repository.path).report["findings"]) == 1
    assert run_here(*words, "--staged", directory=repository.path).exit_code == 0


def test_a_worktree_that_is_gone(tmp_path: Path) -> None:
    repository = Case(policy=HANDOFF, commits=[COMPLETE]).build(tmp_path / "repository")
    other = repository.worktree(tmp_path / "other", "agent-b")
    other.path.rename(tmp_path / "moved")
    outcome = run_here("check", "--select=RUN008", "--output-format=json", directory=repository.path)
    assert outcome.exit_code == 2
    assert outcome.state("RUN008") == "indeterminate"


def test_a_wave_that_is_not_complete(tmp_path: Path) -> None:
    judge(
        "RUN008", tmp_path, policy=HANDOFF, commits=[Step("docs: x", files={"b": "c"})],
        states={"RUN008": "passed"},
    )  # fmt: skip


GATES = """
[artifacts.review]
path = "REVIEW.md"

[runs]
keep = "tree"
quick_gates = ["lint"]
full_gates = ["tests"]
full_before = ["review"]
"""


def trees(directory: Path, *steps: Step, policy: str = GATES) -> list[str]:
    repository = Case(policy=policy, commits=steps).build(directory)
    return repository.git("log", "--reverse", "--format=%T", "main..HEAD").split()


def ran(*results: Mapping[str, Any]) -> Step:
    made = {"status": "succeeded", "started_at": TIME, "commands": results}
    return Step("docs: runs", files={".runs/gates-all/1/manifest.json": json.dumps(made)})


def test_gates_for_each_commit_and_at_the_end(tmp_path: Path) -> None:
    steps = [Step("feat: a", files={"a": "1"}), Step("feat: b", files={"b": "2"})]
    first, second = trees(tmp_path / "trees", *steps)
    done = [
        result(first, "lint", grade="re-run"),
        result(second, "lint", grade="re-run"),
        result(second, "tests", grade="re-run"),
    ]
    judge("RUN009", tmp_path / "all", policy=GATES, commits=[*steps, ran(*done)])
    expect = [{"message": "with which the change ends"}]
    judge("RUN009", tmp_path / "end", policy=GATES, commits=[*steps, ran(*done[:2])], expect=expect)
    other = [*done[:2], {**done[2], "tree": first}]
    judge("RUN009", tmp_path / "other", policy=GATES, commits=[*steps, ran(*other)], expect=expect)
    failed = [*done[:2], {**done[2], "exit_code": 1}]
    expect = [{"message": "has the gate tests, which ended with 1"}]
    judge("RUN009", tmp_path / "failed", policy=GATES, commits=[*steps, ran(*failed)], expect=expect)


def test_full_gates_before_a_review(tmp_path: Path) -> None:
    steps = [
        Step("feat: a", files={"a": "1"}),
        Step("docs: review", files={"REVIEW.md": "Fine.\n"}),
        Step("feat: b", files={"b": "2"}),
    ]
    first, second, third = trees(tmp_path / "trees", *steps)
    done = [result(one, "lint", grade="re-run") for one in (first, second, third)]
    done.append(result(third, "tests", grade="re-run"))
    expect = [{"message": "which writes the review, or of the one before it"}]
    judge("RUN009", tmp_path / "no", policy=GATES, commits=[*steps, ran(*done)], expect=expect)
    done.append(result(first, "tests", grade="re-run"))
    judge("RUN009", tmp_path / "yes", policy=GATES, commits=[*steps, ran(*done)])


def test_gates_that_ran_elsewhere(tmp_path: Path) -> None:
    policy = GATES.replace('keep = "tree"', "")
    steps = [Step("feat: a", files={"a": "1"})]
    case = Case(policy=policy, commits=steps, args=["--select=RUN009"])
    outcome = run_case(replace(case, states={"RUN009": "not-applicable"}), tmp_path / "a", installed=False)
    [note] = outcome.report["notes"]
    assert "No rule about runs is asked" in note


ASSETS = """
[assets]
paths = ["patterns/**"]
index = "patterns/index.json"
proofs = ["build", "test"]

[runs]
keep = "tree"
"""


@pytest.mark.parametrize(
    ("commands", "logs", "lacking"),
    [
        ([("npm run build", 0), ("npm test", 0)], 2, ""),
        ([("npm run build:all", 0), ("npm test", 0)], 2, ""),
        ([("npm run rebuild", 0), ("npm test", 0)], 2, "build"),
        ([("npm run build", 0), ("npm test", 0)], 1, "test"),
        ([("npm run build", 0), ("npm test", 0), ("npm test", 1)], 3, "test"),
        ([], 0, "build and test"),
    ],
)
def test_an_asset_that_changes(
    tmp_path: Path, commands: list[tuple[str, int]], logs: int, lacking: str
) -> None:
    said = [
        {"command": command, "exit_code": code, "log": f"{number}.log"}
        for number, (command, code) in enumerate(commands)
    ]
    files = {
        "patterns/emit.ts": "a\n",
        ".runs/a/1/manifest.json": json.dumps({"status": "succeeded", "commands": said}),
        **{f".runs/a/1/{number}.log": "x\n" for number in range(logs)},
    }
    expect = [{"path": "patterns/emit.ts", "message": f"has logged its {lacking}"}] if lacking else []
    judge("RUN010", tmp_path, policy=ASSETS, commits=[Step("feat: x", files=files)], expect=expect)


def test_an_asset_whose_run_is_of_a_lower_grade(tmp_path: Path) -> None:
    said = [{"command": name, "exit_code": 0, "log": "0.log"} for name in ("build", "test")]
    files = {
        "patterns/emit.ts": "a\n",
        ".runs/a/1/manifest.json": json.dumps({"status": "succeeded", "commands": said}),
        ".runs/a/1/0.log": "x\n",
    }
    policy = f'{ASSETS}grade = "observed"\n'
    why = "(the run a/1 has a result of the gate test for the asset that is claimed and not observed)"
    expect = [{"path": "patterns/emit.ts", "message": f"has logged its build and test {why}"}]
    judge("RUN010", tmp_path, policy=policy, commits=[Step("feat: x", files=files)], expect=expect)


@pytest.mark.parametrize(
    ("more", "patch", "lacking"),
    [
        ({"approvals": [], "highlights": ["faster"]}, True, ""),
        ({"approvals": [{"by": "Ann"}], "notes": {"summary": "faster"}}, True, ""),
        ({"approvals": [], "highlights": ["faster"]}, False, "diff.patch"),
        ({"highlights": ["faster"]}, True, "'approvals' in its manifest"),
        ({"approvals": None, "highlights": "faster"}, True, "'approvals' in its manifest"),
        ({"approvals": [], "notes": {"summary": ""}}, True, "'highlights' in its manifest"),
        ({"approvals": [], "notes": "faster"}, True, "'highlights' in its manifest"),
        ({}, False, "diff.patch and no 'approvals' in its manifest and no 'highlights' in its manifest"),
    ],
)
def test_what_the_run_of_an_asset_has_beside_its_logs(
    tmp_path: Path, more: dict[str, Any], patch: bool, lacking: str
) -> None:
    asked = 'run_files = ["diff.patch"]\nrun_keys = ["approvals", ["highlights", "notes.summary"]]\n\n[runs]'
    ran = [{"command": name, "status": "passed", "log_path": "x.log"} for name in ("build", "test")]
    files = {
        "patterns/emit.ts": "a\n",
        ".runs/a/1/manifest.json": json.dumps({"validations": ran, **more}),
        ".runs/a/1/x.log": "x\n",
        **({".runs/a/1/diff.patch": "+a\n"} if patch else {}),
    }
    message = f"the run a/1, which shows an asset, has no {lacking}"
    expect = [{"path": ".runs/a/1/manifest.json", "message": message}] if lacking else []
    policy = ASSETS.replace("[runs]", asked)
    judge("RUN010", tmp_path / "1", policy=policy, commits=[Step("feat: x", files=files)], expect=expect)
    # Another run that has all of it is enough.
    whole = {"status": "succeeded", "commands": ran, "approvals": [], "highlights": []}
    files |= {".runs/a/2/manifest.json": json.dumps(whole), ".runs/a/2/x.log": "x\n"}
    files |= {".runs/a/2/diff.patch": "+a\n"}
    judge("RUN010", tmp_path / "2", policy=policy, commits=[Step("feat: x", files=files)], expect=[])


def test_a_run_of_the_asset_as_it_was_before_its_last_change_proves_nothing(tmp_path: Path) -> None:
    before, later = {"patterns/emit.ts": "a\n", "patterns/log.ts": "a\n"}, {"patterns/emit.ts": "b\n"}
    [tree] = trees(tmp_path / "trees", Step("feat: x", files=before), policy=ASSETS)
    said = [
        {"name": name, "exit_code": 0, "log": "x.log", "tree": tree, "command": name}
        for name in ("build", "test")
    ]
    runs = {
        ".runs/a/1/manifest.json": json.dumps({"status": "succeeded", "commands": said}),
        ".runs/a/1/x.log": "x\n",
    }
    steps = [Step("feat: x", files=before), Step("docs: runs", files=runs)]
    judge("RUN010", tmp_path / "proven", policy=ASSETS, commits=steps, expect=[])
    steps.append(Step("fix: x", files=later))
    expect = [{"path": "patterns/emit.ts", "message": "has logged its build and test"}]
    judge("RUN010", tmp_path / "changed", policy=ASSETS, commits=steps, expect=expect)


def test_a_run_of_another_tree_proves_no_asset(tmp_path: Path) -> None:
    said = [
        {"name": name, "exit_code": 0, "log": "x.log", "tree": "3" * 40, "command": name}
        for name in ("build", "test")
    ]
    files = {
        "patterns/emit.ts": "a\n",
        ".runs/a/1/manifest.json": json.dumps({"status": "succeeded", "commands": said}),
        ".runs/a/1/x.log": "x\n",
    }
    expect = [{"path": "patterns/emit.ts"}]
    judge("RUN010", tmp_path, policy=ASSETS, commits=[Step("feat: x", files=files)], expect=expect)


SPECS = """
[specs]
index = "specs.json"
entries = ["specs"]
approvals = "approvals"

[runs]
keep = "tree"
grade = "observed"
"""


def test_a_done_entry_of_the_index_of_specs_needs_evidence(tmp_path: Path) -> None:
    """What was done before the change is left alone, and so is what was not done but given up."""
    before = {"specs": [{"id": "S0", "status": "done"}, {"id": "S1", "status": "planned"}]}
    after = {
        "specs": [
            {"id": "S0", "status": "done"},
            {"id": "S1", "status": "Done", "approvals": [{"by": "ann", "date": "2026-01-02"}]},
            {"id": "S2", "status": "completed", "run": ".runs/s/1/manifest.json"},
            {"id": "S3", "status": "cancelled"},
            {"id": "S4", "status": "done"},
            {"id": "S5", "status": "done", "run": ".runs/s/2/manifest.json"},
        ]
    }
    base = [Step("chore: base", files={"specs.json": json.dumps(before)})]
    tree = base_tree(tmp_path / "base", SPECS, base=base)
    files = {
        "specs.json": json.dumps(after, indent=1),
        ".runs/s/1/manifest.json": '{"status": "succeeded"}',
        ".runs/s/2/manifest.json": json.dumps({"status": "succeeded", "task_id": "S5", "tree": tree}),
        ".runs/s/2/run.log": "x",
        ".runs/S4/1/manifest.json": json.dumps({"status": "succeeded", "task_id": "S4", "tree": tree}),
        ".runs/S4/1/runner.log": "x",
    }
    expect = [
        {"path": "specs.json", "message": "S1 is Done, and no run shows it"},
        {
            "path": "specs.json",
            "message": "S2 is completed, and the run .runs/s/1/manifest.json is claimed and not observed",
        },
    ]
    judge(
        "RUN007",
        tmp_path / "x",
        policy=SPECS,
        base=base,
        commits=[Step("docs: x", files=files)],
        expect=expect,
    )


TICKS = """
[work.task]
source = "tasks.json"
branch = "task-{id}"
commit = "feat(task-{id}): {text}"
closed = ["done"]

[checklists]
files = ["TASKS.md"]
evidence = ".runs/**/manifest.json"

[runs]
keep = "tree"
"""
TASKS = json.dumps({"tasks": [{"id": "0001"}, {"id": "0002"}]})


def tick(text: str, **run: Any) -> Step:
    files = {"TASKS.md": text, ".runs/x/1/run.log": "x"}
    return Step(
        "docs: tick", files={**files, ".runs/x/1/manifest.json": json.dumps({"status": "succeeded", **run})}
    )


CITED = "`.runs/x/1/manifest.json`"


@pytest.mark.parametrize("grade", ["", "claimed", "observed"])
@pytest.mark.parametrize(
    "text",
    [
        f"- [x] 0001 works: {CITED}\n",
        f"## Task 0001\n\n- [x] it works: {CITED}\n",
        f"- [ ] 0001\n  - [x] it works: {CITED}\n",
        f"# 0002\n\n## 1 Carts\n\n- [x] it works: {CITED}\n",
    ],
)
def test_a_run_of_another_item_proves_no_tick(tmp_path: Path, grade: str, text: str) -> None:
    base = [Step("chore: base", files={"tasks.json": TASKS})]
    policy = TICKS + f'grade = "{grade}"\n'
    step = tick(text, task_id="0002")
    expect = [{"path": "TASKS.md", "message": "belongs to 0002, and not to"}]
    judge("ART006", tmp_path, policy=policy, base=base, commits=[step], expect=expect)


@pytest.mark.parametrize(
    ("run", "text", "said"),
    [
        ("first", f"- [x] 0001: {CITED}\n", ""),
        ("first", f"- [x] it works: {CITED}\n", "belongs to 0001, and the tick names no item"),
        ("second", f"- [x] 0001: {CITED}\n", ""),
        ("base", f"- [x] 0001: {CITED}\n", "what is judged has changed since"),
        ("second", f"- [x] 0002: {CITED}\n", "what is judged has changed since"),
        ("third", f"- [x] 0002: {CITED}\n", ""),
        ("fourth", f"- [x] 0002: {CITED}\n", ""),
        ("fourth", f"- [x] 0001: {CITED}\n", ""),
    ],
)
@pytest.mark.parametrize("grade", ["observed", "re-run"])
def test_a_tick_is_bound_to_a_tree_that_holds_its_items_change(
    tmp_path: Path, run: str, text: str, said: str, grade: str
) -> None:
    base = [Step("chore: base", files={"tasks.json": TASKS})]
    policy = TICKS + f'grade = "{grade}"\n'
    steps = [
        Step("feat(task-0001): a", files={"a": "1"}),
        Step("docs: b", files={"b": "1"}),
        Step("feat(task-0002): c", files={"c": "1"}),
        Step("docs: d", files={"d": "1"}),
    ]
    repository = Case(policy=policy, base=base, commits=steps).build(tmp_path / "trees")
    made = repository.git("log", "--reverse", "--format=%T", "-5").split()
    tree = dict(zip(("base", "first", "second", "third", "fourth"), made, strict=True))[run]
    item = "0002" if "0002" in text else "0001"
    step = tick(text, task_id=item, tree=tree, grade="re-run")
    expect = [{"path": "TASKS.md", "message": said}] if said else []
    if "names no item" in said:
        expect[0]["help"] = "Name the item in the tick, as '- [x] ID: ...', or in a heading above it."
    judge("RUN007", tmp_path / "x", policy=policy, base=base, commits=[*steps, step], expect=expect)


def test_that_ci_ran_it_is_no_grade(tmp_path: Path) -> None:
    repository = Case(policy=TICKS + 'grade = "ci"\n', commits=[Step("x", files={"x": "x"})]).build(tmp_path)
    outcome = run_here("check", directory=repository.path)
    assert outcome.exit_code == 2, outcome
    assert "`runs.grade` is wrong: no file tells that CI ran it" in outcome.stderr
    assert 'write grade = "re-run", and have the platform require its jobs' in outcome.stderr


ACCEPTANCE = """
[work.slice]
source = "BREAKDOWN.yaml"
branch = "slice-{id}"
commit = "feat({id}): {title}"

[[work.slice.gates]]
name = "smoke"
run = "make smoke"

[runs]
keep = "tree"
full_gates = ["tests"]

[rules.unmapped-acceptance]
documents = ["GATES.md"]
"""
BREAKDOWN = """
gates: {e2e: [make e2e]}
slices:
  - {id: D1, title: cart, acceptance: [AC-1 the cart is kept]}
  - {id: D2, title: till, acceptance: [AC-2 the till opens]}
"""
MAPPED = "| Scenario | Shown by |\n| --- | --- |\n| AC-1: it is kept | {} |\n| AC-2: it opens | `other` |\n"


@pytest.mark.parametrize(
    ("shown", "ran_too", "said"),
    [
        ("`make smoke`", (), "no run shows the gate smoke for the tree of commit"),
        ("smoke", ("smoke",), ""),
        ("`make smoke`", ("smoke",), ""),
        ("`e2e`", (), "no run shows the gate e2e"),
        ("`e2e`", ("e2e",), ""),
        ("`tests/test_cart.py`", (), ""),
        ("`tests`", (), ""),
    ],
)
def test_gates_that_the_scenarios_of_a_slice_name(
    tmp_path: Path, shown: str, ran_too: tuple[str, ...], said: str
) -> None:
    base = [Step("chore: base", files={"BREAKDOWN.yaml": BREAKDOWN, "GATES.md": MAPPED.format(shown)})]
    # A change that names no gate any more takes none away.
    work = Step("feat(D1): cart", files={"a": "1", "GATES.md": MAPPED.format("`tests/test_cart.py`")})
    case: dict[str, Any] = {"policy": ACCEPTANCE, "base": base, "branch": "slice-D1"}
    repository = Case(commits=[work], **case).build(tmp_path / "trees")
    tree = repository.git("rev-parse", "HEAD^{tree}").strip()
    step = ran(*(result(tree, name, grade="re-run") for name in ("tests", *ran_too)))
    expect = [{"message": said}] if said else []
    judge("RUN009", tmp_path / "x", commits=[work, step], expect=expect, **case)
    on_old = ran(
        result(tree, "tests", grade="re-run"), *(result("1" * 40, name, grade="re-run") for name in ran_too)
    )
    expect = [{"message": f"no run shows the gate {ran_too[0]}"}] if ran_too else expect
    judge("RUN009", tmp_path / "y", commits=[work, on_old], expect=expect, **case)


def test_planning_needs_no_gate_of_a_scenario(tmp_path: Path) -> None:
    plan = Step("docs: plan", files={"BREAKDOWN.yaml": BREAKDOWN, "GATES.md": MAPPED.format("smoke")})
    [tree] = trees(tmp_path / "trees", plan, policy=ACCEPTANCE)
    judge("RUN009", tmp_path / "x", policy=ACCEPTANCE, commits=[plan, ran(result(tree, grade="re-run"))])
