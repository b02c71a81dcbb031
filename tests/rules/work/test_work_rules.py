"""PTH003 and the WRK rules beyond what the workflows' cases show: each way out, and each severity."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Grant, Step
from tests.rules.items import PHASES, PLAN, SUBJECT, judge, step

if TYPE_CHECKING:
    from pathlib import Path

DONE = Step(SUBJECT, files={"src/a": "1\n"})


def judged(code: str, directory: Path, *commits: Step, policy: str = PHASES, **case: Any) -> Any:
    case.setdefault("branch", "phase-12")
    case.setdefault("base", [PLAN])
    return judge(code, directory, policy=policy, commits=commits, **case)


def document(text: str, **files: str) -> list[Step]:
    plan: dict[Any, Any] = {**PLAN.files, "docs/phase-12.md": f"# Phase 12\n{text}", **files}
    return [Step("chore: base", files=plan)]


# PTH003


def test_a_path_outside_the_scope_that_the_document_states(tmp_path: Path) -> None:
    judged(
        "PTH003",
        tmp_path,
        Step(SUBJECT, files={"src/a": "1", "bin/b": "1"}, delete=["a"]),
        base=document("\n## Scope\n\n- `src/`\n"),
        expect=[
            {"path": "a", "side": "base", "severity": "error", "authority": "docs/phase-12.md:5"},
            {"path": "bin/b", "severity": "error", "authority": "docs/phase-12.md:5"},
        ],
    )


def test_a_scope_that_was_not_wholly_understood_only_warns(tmp_path: Path) -> None:
    judged(
        "PTH003",
        tmp_path,
        Step(SUBJECT, files={"bin/b": "1"}),
        base=document("\n## Scope\n\n- `src/`\n- and what goes with `it`\n"),
        expect=[{"path": "bin/b", "severity": "warning", "message": "line 6 of it may mean more"}],
        exit_code=0,
    )


def test_approvals_are_in_every_scope(tmp_path: Path) -> None:
    judged(
        "PTH003",
        tmp_path,
        Step(SUBJECT, files={"src/a": "1", ".specguard/approvals/1.json": "{}"}),
        base=document("\n## Scope\n\n- `src/`\n"),
        states={"PTH003": "passed"},
    )


def test_the_kinds_scope_goes_before_the_documents(tmp_path: Path) -> None:
    judged(
        "PTH003",
        tmp_path,
        Step(SUBJECT, files={"src/a": "1", "bin/b": "1"}),
        policy=f'{PHASES}scope = ["bin/"]\n',
        base=document("\n## Scope\n\n- `src/`\n"),
        expect=[{"path": "src/a", "authority": "SPEC_AUTHORITY.md:13"}],
    )


def test_a_scope_that_the_change_itself_widens_is_the_bases(tmp_path: Path) -> None:
    judged(
        "PTH003",
        tmp_path,
        Step(SUBJECT, files={"docs/phase-12.md": "# Phase 12\n\n## Scope\n\n- `src/`\n- `docs/`\n"}),
        base=document("\n## Scope\n\n- `src/`\n"),
        expect=[{"path": "docs/phase-12.md"}],
    )


# WRK001


def test_a_required_item_that_is_named_is_enough(tmp_path: Path) -> None:
    policy = f"require_work_item = true\n{PHASES}"
    judged("WRK001", tmp_path / "named", DONE, policy=policy, states={"WRK001": "passed"})
    outcome = judged(
        "WRK001",
        tmp_path / "unnamed",
        step(),
        policy=policy,
        branch="work",
        expect=[{"field": "work_item", "authority": "SPEC_AUTHORITY.md:4"}],
    )
    assert "'phase-12'" in outcome.report["findings"][0]["help"]


def test_plan_upkeep_needs_no_item_where_one_is_required(tmp_path: Path) -> None:
    policy = f"require_work_item = true\n{PHASES}"
    moved = {"configs/NEXT_PHASE.json": '{"next": 13}'}
    judged(
        "WRK001",
        tmp_path / "a",
        Step("x", files=moved),
        policy=policy,
        branch="plan",
        states={"WRK001": "passed"},
    )
    more = Step("x", files={"a": "1", **moved})
    judged("WRK001", tmp_path / "b", more, policy=policy, branch="plan", expect=[{"field": "work_item"}])
    # The title, which is not known, could name one.
    judged(
        "WRK001",
        tmp_path / "c",
        Step("x", files=moved),
        policy=policy,
        branch="plan",
        body="x",
        states={"WRK001": "indeterminate"},
        exit_code=2,
    )


def test_an_item_is_required_of_some_branches_alone(tmp_path: Path) -> None:
    policy = f'require_work_item = ["team/*"]\n{PHASES}'
    judged(
        "WRK001", tmp_path / "team", step(), policy=policy, branch="team/x", expect=[{"field": "work_item"}]
    )
    judged("WRK001", tmp_path / "own", step(), policy=policy, branch="x", states={"WRK001": "not-applicable"})


# WRK002


def test_a_document_in_an_older_place_is_a_warning(tmp_path: Path) -> None:
    files = {name: text for name, text in PLAN.files.items() if name != "docs/phase-12.md"}
    judged(
        "WRK002",
        tmp_path,
        DONE,
        policy=f'{PHASES}legacy = ["old/phase-{{number}}.md"]\n',
        base=[Step("chore: base", files={**files, "old/phase-12.md": "# Phase 12\n"})],
        expect=[{"path": "old/phase-12.md", "severity": "warning", "authority": "SPEC_AUTHORITY.md:13"}],
        exit_code=0,
    )


# WRK003


def test_the_pointer_names_another_item(tmp_path: Path) -> None:
    judged(
        "WRK003",
        tmp_path,
        step(SUBJECT.replace("12", "11")),
        branch="phase-11",
        expect=[{"path": "configs/NEXT_PHASE.json", "line": 1, "message": "phase 12 is the current one"}],
    )


def test_only_the_first_name_of_a_kind_is_compared(tmp_path: Path) -> None:
    # That later commits name another item is WRK007's to say.
    judged(
        "WRK003", tmp_path, DONE, step("feat(phase13): implement phase 13", "b"), states={"WRK003": "passed"}
    )


def test_a_title_that_is_not_known_cannot_agree(tmp_path: Path) -> None:
    body = {"WRK003": "indeterminate"}
    judged("WRK003", tmp_path, DONE, body="x", states=body, exit_code=2)


# WRK004


def test_the_pointer_is_left_alone_by_an_items_change(tmp_path: Path) -> None:
    moved = {"configs/NEXT_PHASE.json": '{"next": 13}'}
    judged(
        "WRK004",
        tmp_path / "both",
        Step(SUBJECT, files={"src/a": "1", **moved}),
        expect=[{"path": "configs/NEXT_PHASE.json", "authority": "SPEC_AUTHORITY.md:4"}],
    )
    judged("WRK004", tmp_path / "alone", Step(SUBJECT, files=moved), expect=[{"message": "for phase 12"}])
    other = Step("x", files={"b": "1", **moved})
    judged("WRK004", tmp_path / "more", other, branch="work", expect=[{"message": "that names no work item"}])
    upkeep = {"docs/phase-13.md": "# Phase 13\n", **moved}
    judged(
        "WRK004",
        tmp_path / "upkeep",
        Step("x", files=upkeep),
        branch="work",
        states={"WRK004": "not-applicable"},
    )
    judged(
        "WRK004",
        tmp_path / "allowed",
        Step(SUBJECT, files={"src/a": "1", **moved}),
        policy=f"{PHASES}protect_pointer = false\n",
        states={"WRK004": "passed"},
    )


# WRK005


def test_a_document_that_an_index_names_is_the_items_own_wherever_it_is(tmp_path: Path) -> None:
    policy = PHASES + 'index = ["docs/INDEX.md"]\nsiblings = ["docs/*.md"]\n'
    files = {"configs/NEXT_PHASE.json": '{"next": 12}', "docs/storage.md": "# S\n", "docs/other.md": "# O\n"}
    index = "| phase | document |\n| --- | --- |\n| 12 | [storage](storage.md) |\n"
    judged(
        "WRK005",
        tmp_path,
        Step(SUBJECT, files={"docs/storage.md": "# Storage\n", "docs/other.md": "# Other\n"}),
        policy=policy,
        base=[Step("chore: base", files={**files, "docs/INDEX.md": index})],
        expect=[{"path": "docs/other.md", "authority": "SPEC_AUTHORITY.md:14"}],
    )


def test_a_document_changes_for_its_item_or_in_the_plans_upkeep(tmp_path: Path) -> None:
    edited = {"docs/phase-12.md": "# Phase 12\n\n## Scope\n\n- `src/`\n"}
    judged("WRK005", tmp_path / "own", Step(SUBJECT, files={"a": "1", **edited}), states={"WRK005": "passed"})
    judged(
        "WRK005",
        tmp_path / "none",
        Step("feat: implement cart", files={"a": "1", **edited}),
        branch="cart",
        expect=[
            {"path": "docs/phase-12.md", "message": "the document of a phase, is changed by a change of more"}
        ],
    )
    judged(
        "WRK005",
        tmp_path / "upkeep",
        Step("docs: plan", files={"docs/phase-13.md": "# 13\n"}, delete=["configs/NEXT_PHASE.json"]),
        branch="plan",
        states={"WRK005": "not-applicable"},
    )


def test_an_index_changes_in_the_plans_upkeep_alone(tmp_path: Path) -> None:
    policy = f'{PHASES}index = ["docs/INDEX.md"]\n'
    index = {"docs/INDEX.md": "| 12 | [other](other.md) |\n"}
    judged(
        "WRK005",
        tmp_path / "none",
        Step("feat: cart", files={"a": "1", **index}),
        policy=policy,
        branch="cart",
        expect=[{"path": "docs/INDEX.md", "message": "the index of a phase"}],
    )
    judged(
        "WRK005",
        tmp_path / "upkeep",
        Step("docs: plan", files=index),
        policy=policy,
        branch="plan",
        states={"WRK005": "not-applicable"},
    )


# WRK006

LANDED = Step(f"{SUBJECT} (#7)", files={"src/old": "1"}, id="landed")


def test_an_item_that_has_landed(tmp_path: Path) -> None:
    judged(
        "WRK006",
        tmp_path,
        DONE,
        base=[PLAN, LANDED],
        expect=[{"field": "commit.subject", "message": "phase 12 is in the base already"}],
    )


@pytest.mark.parametrize(
    ("then", "lifted"),
    [
        ([f'Revert "{SUBJECT} (#7)"'], True),
        ([f'Revert "{SUBJECT} (#7)" (#8)'], True),
        ([f'Revert "{SUBJECT} (#7)"', f'Reapply "{SUBJECT} (#7)"'], False),
        (["feat(phase1): implement phase 1"], False),
        ([f"fixup! {SUBJECT}"], False),
    ],
)
def test_a_revert_lifts_it(then: list[str], lifted: bool, tmp_path: Path) -> None:
    later = [Step(message, files={"src/old": str(number)}) for number, message in enumerate(then)]
    judged(
        "WRK006",
        tmp_path,
        DONE,
        base=[PLAN, LANDED, *later],
        expect=[] if lifted else [{"message": "in the base already"}],
    )


@pytest.mark.parametrize("subject", ["feat(phase-12): implement phase storage", "Phase 12 begins"])
def test_what_only_resembles_its_message_has_not_landed(subject: str, tmp_path: Path) -> None:
    judged("WRK006", tmp_path, DONE, base=[PLAN, step(subject)])


def test_another_branch_works_on_it(tmp_path: Path) -> None:
    judged(
        "WRK006",
        tmp_path,
        DONE,
        # Its own name on a remote is no other branch, and one of another phase does not matter.
        refs={
            "refs/remotes/origin/phase-12": "base",
            "refs/heads/phase-13": "base",
            "refs/remotes/fork/phase-12-again": "base",
        },
        expect=[{"field": "branch", "message": "'fork/phase-12-again'"}],
    )


# WRK007


def test_each_other_item_is_named_once(tmp_path: Path) -> None:
    other = "feat(phase13): implement phase 13"
    judged(
        "WRK007",
        tmp_path,
        DONE,
        step(other, "b"),
        step(other, "c"),
        step("feat: no item", "d"),
        expect=[{"field": "commit.subject", "message": "works on phase 13"}],
    )


# WRK005: what upkeep alters

LISTED = """
[work.task]
source = "plan.json"
items = "tasks"
number = "id"
branch = "task-{id}"
"""
TASKS = '{"tasks": [{"id": "1", "verify": ["make test"]%s}, {"id": "2", "status": "done", "files": ["a"]}]}'


@pytest.mark.parametrize(
    ("change", "expect"),
    [
        ({"docs/phase-12.md": "# 12\n\n## Gates\n\n- `true`\n"}, "gates of phase 12, .* nothing and is true"),
        ({"docs/phase-13.md": "# 13\n\n## Scope\n\n- `bin/`\n"}, "scope of phase 13, .* src/ and is bin/"),
        ({"docs/phase-11.md": "# 11\n\n## Scope\n\n- `bin/`\n"}, ""),
        ({"docs/phase-13.md": "# 13\n\nA word.\n\n## Scope\n\n- `src/`\n"}, ""),
        ({"docs/phase-14.md": "# 14\n\n## Scope\n\n- `bin/`\n"}, ""),
        ({"docs/INDEX.md": "| 12 | [other](other.md) |\n"}, ""),
        ({"configs/NEXT_PHASE.json": '{"next": 13}'}, ""),
        ({"configs/NEXT_PHASE.json": '{"next": 12, "doc": "docs/phase-13.md"}'},
         "document of phase 12, .* was docs/phase-12.md and is docs/phase-13.md"),
        ({"plan.json": TASKS % ', "expected_files": ["b"]'}, "expected_files of task 1, .* nothing and is b"),
        ({"plan.json": TASKS.replace("make test", "true") % ""},
         "verify of task 1, .* make test and is true"),
        ({"plan.json": TASKS.replace('["a"]', '["b"]') % ""}, ""),
        ({"plan.json": '{"tasks": []}'}, "entry of task 1, which is open, was removed: 1"),
    ],
)  # fmt: skip
def test_upkeep_that_alters_an_open_item_is_told(change: dict[str, str], expect: str, tmp_path: Path) -> None:
    phases = PHASES.replace('document = ["docs', 'fields = {doc = "doc"}\ndocument = ["{doc}", "docs')
    policy = phases + 'index = ["docs/INDEX.md"]\n' + LISTED
    scope = "\n## Scope\n\n- `src/`\n"
    files: dict[Any, Any] = {f"docs/phase-{number}.md": f"# {number}\n{scope}" for number in (11, 13)}
    base = [Step("chore: base", files={**PLAN.files, **files, "plan.json": TASKS % ""})]
    step = Step("docs: plan", files=dict(change))
    found = [{"severity": "warning", "message": expect.rpartition(".* ")[2]}] if expect else []
    outcome = judged(
        "WRK005", tmp_path / "a", step, policy=policy, base=base, branch="plan", expect=found, exit_code=0
    )
    assert all(re.search(expect, finding["message"]) for finding in outcome.report["findings"])
    if expect:
        held = policy.replace("\npointer", '\nupkeep = "approvers"\npointer').replace(
            "\nsource", '\nupkeep = "approvers"\nsource'
        )
        error = [{"severity": "error"}]
        judged("WRK005", tmp_path / "b", step, policy=held, base=base, branch="plan", expect=error)


def test_a_document_of_an_open_item_that_is_taken_away_is_told(tmp_path: Path) -> None:
    judged(
        "WRK005",
        tmp_path,
        Step("docs: plan", delete=["docs/phase-12.md"]),
        branch="plan",
        expect=[{"path": "docs/phase-12.md", "message": "was removed: docs/phase-12.md"}],
        exit_code=0,
    )


# What cannot be resolved


@pytest.mark.parametrize(
    "code",
    ["BRN001", "CMT001", "CMT002", "PRQ001", "PRQ002", "PTH003", "WRK002", "WRK005", "WRK006", "WRK008"],
)
def test_no_rule_passes_for_want_of_the_item(code: str, tmp_path: Path) -> None:
    files = {"docs/phase-13.md": "# Phase 13\n", "configs/NEXT_PHASE.json": "{}"}
    case: dict[str, Any] = {
        "base": [PLAN, Step("chore: break", files=dict(files))],
        "title": "wrong",
        "body": "x",
    }
    named = Step("wrong", files={"src/a": "1", "docs/phase-13.md": "x"})
    states = {code: "indeterminate"}
    judged(code, tmp_path / "named", named, **case, branch="phase_12", states=states, exit_code=2)
    other = Step("wrong", files={"src/a": "1"})
    outcome = judged(code, tmp_path / "none", other, **case, branch="cart")
    assert outcome.state(code) in ("passed", "not-applicable")


def test_a_lowered_finding_lets_no_wrong_branch_through(tmp_path: Path) -> None:
    policy = f'{PHASES}[rules.unresolved-work-item]\nseverity = "warning"\n'
    base = [PLAN, Step("chore: break", files={"configs/NEXT_PHASE.json": "{}"})]
    args = ("--extend-select=BRN001",)
    expect = [{"severity": "warning"}]
    judged(
        "WRK001", tmp_path, step(), policy=policy, base=base, branch="phase_12", args=args, expect=expect,
        exit_code=2,
    )  # fmt: skip


def test_a_title_that_is_not_known_might_name_an_item(tmp_path: Path) -> None:
    case: dict[str, Any] = {"branch": "cart", "body": "x", "exit_code": 2}
    for code in ("WRK007", "BRN001", "PTH003"):
        judged(code, tmp_path / code, step(), **case, states={code: "indeterminate"})


# WRK008


def test_a_guarded_path_that_is_only_named_is_a_warning_with_the_line(tmp_path: Path) -> None:
    text = "\n- [ ] Extend the OpenAPI spec (`docs/api/x.yaml`)\n- [ ] In `docs/api/x.yaml`, add a field\n"
    policy = f'[rules.forbidden-path]\npaths = ["docs/api/"]\n{PHASES}'
    warned = "docs/phase-12.md:3 says 'Extend the OpenAPI spec (docs/api/x.yaml)'"
    judged(
        "WRK008",
        tmp_path / "named",
        DONE,
        policy=policy,
        base=document(text),
        expect=[{"severity": "warning", "line": 3, "message": warned}],
        exit_code=0,
    )
    asked = f"{text}- [ ] `docs/api/x.yaml` should have it\n"
    judged(
        "WRK008",
        tmp_path / "task",
        DONE,
        policy=policy,
        base=document(asked),
        expect=[{"severity": "error", "line": 5, "message": "asks to change it"}],
    )


def test_an_approver_lifts_what_upkeep_alters_and_the_record_is_no_other_file(tmp_path: Path) -> None:
    held = PHASES.replace("\npointer", '\nupkeep = "approvers"\npointer')
    policy = f'[[approvals.approver]]\nname = "alice"\nkey = "{{key}}"\nmay = ["WRK005"]\n{held}'
    edited = {"docs/phase-12.md": "# Phase 12\n\n## Scope\n\n- `src/`\n"}
    grant = Grant(rules=("WRK005",), approver="alice", expires=10, sign="key")
    judged(
        "WRK005",
        tmp_path,
        Step("docs: plan", files=dict(edited)),
        policy=policy,
        branch="plan",
        approvals=[grant],
        expect=[{"state": "approved"}],
        exit_code=0,
    )
