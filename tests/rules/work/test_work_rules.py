"""PTH003 and the WRK rules beyond what the workflows' cases show: each way out, and each severity."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Grant, Step
from tests.rules.items import PHASES, PLAN, SUBJECT, judge, row, step

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

SCOPE = "\n## Scope\n\n- `src/`\n"
BOTH = Step(SUBJECT, files={"src/a": "1", "bin/b": "1"})


@pytest.mark.parametrize(
    ("commits", "case"),
    [
        row(
            "what is outside of the scope that the document states",
            Step(SUBJECT, files={"src/a": "1", "bin/b": "1"}, delete=["a"]),
            expect=[
                {"path": "a", "side": "base", "severity": "error", "authority": "docs/phase-12.md:5"},
                {"path": "bin/b", "severity": "error", "authority": "docs/phase-12.md:5"},
            ],
        ),
        row(
            "a scope that was not wholly understood only warns",
            Step(SUBJECT, files={"bin/b": "1"}),
            base=document(f"{SCOPE}- and what goes with `it`\n"),
            found={"path": "bin/b", "severity": "warning", "message": "line 6 of it may mean more"},
        ),
        row(
            "approvals are in every scope",
            Step(SUBJECT, files={"src/a": "1", ".specguard/approvals/1.json": "{}"}),
            state="passed",
        ),
        row(
            "the kind's scope goes before the document's",
            BOTH,
            policy=f'{PHASES}scope = ["bin/"]\n',
            found={"path": "src/a", "authority": "SPEC_AUTHORITY.md:13"},
        ),
        row(
            "a scope that the change itself widens is the base's",
            Step(SUBJECT, files={"docs/phase-12.md": f"# Phase 12\n{SCOPE}- `docs/`\n"}),
            found={"path": "docs/phase-12.md"},
        ),
    ],
)
def test_a_path_outside_of_the_scope(commits: list[Step], case: dict[str, Any], tmp_path: Path) -> None:
    judged("PTH003", tmp_path, *commits, **{"base": document(SCOPE), **case})


# WRK001

REQUIRED = f"require_work_item = true\n{PHASES}"
TEAM = f'require_work_item = ["team/*"]\n{PHASES}'
MOVED = {"configs/NEXT_PHASE.json": '{"next": 13}'}
UPKEEP = Step("x", files={**MOVED})
NAMELESS = {"field": "work_item"}


@pytest.mark.parametrize(
    ("commits", "case"),
    [
        row("one that is named is enough", DONE, branch="phase-12", state="passed"),
        row("plan upkeep needs none", UPKEEP, state="passed"),
        row("upkeep and more needs one", Step("x", files={"a": "1", **MOVED}), found=NAMELESS),
        row("the title, which is not known, could name one", UPKEEP, body="x", state="indeterminate"),
        row("of some branches alone", step(), policy=TEAM, branch="team/x", found=NAMELESS),
        row("of other branches not", step(), policy=TEAM, branch="x", state="not-applicable"),
    ],
)
def test_an_item_is_required(commits: list[Step], case: dict[str, Any], tmp_path: Path) -> None:
    judged("WRK001", tmp_path, *commits, **{"policy": REQUIRED, "branch": "plan", **case})


def test_what_a_required_item_is_named_like_is_said(tmp_path: Path) -> None:
    expect = [{"field": "work_item", "authority": "SPEC_AUTHORITY.md:4"}]
    outcome = judged("WRK001", tmp_path, step(), policy=REQUIRED, branch="work", expect=expect)
    assert "'phase-12'" in outcome.report["findings"][0]["help"]


# WRK002


def test_a_document_in_an_older_place_is_a_warning(tmp_path: Path) -> None:
    files = {name: text for name, text in PLAN.files.items() if name != "docs/phase-12.md"}
    judged(
        "WRK002",
        tmp_path,
        DONE,
        policy=f'{PHASES}legacy = ["old/phase-{{number}}.md"]\n',
        base=[Step("chore: base", files={**files, "old/phase-12.md": "# Phase 12\n"})],
        found={"path": "old/phase-12.md", "severity": "warning", "authority": "SPEC_AUTHORITY.md:13"},
    )


# WRK003


@pytest.mark.parametrize(
    ("commits", "case"),
    [
        row(
            "the pointer names another item",
            step(SUBJECT.replace("12", "11")),
            branch="phase-11",
            found={"path": "configs/NEXT_PHASE.json", "line": 1, "message": "phase 12 is the current one"},
        ),
        # That later commits name another item is WRK007's to say.
        row(
            "only the first name of a kind is compared",
            DONE,
            step("feat(phase13): implement phase 13", "b"),
            state="passed",
        ),
        row("a title that is not known cannot agree", DONE, body="x", state="indeterminate"),
    ],
)
def test_the_items_of_name_and_pointer(commits: list[Step], case: dict[str, Any], tmp_path: Path) -> None:
    judged("WRK003", tmp_path, *commits, **case)


# WRK004

MOVING = Step(SUBJECT, files={"src/a": "1", **MOVED})


@pytest.mark.parametrize(
    ("commits", "case"),
    [
        row(
            "with the item's change",
            MOVING,
            found={"path": "configs/NEXT_PHASE.json", "authority": "SPEC_AUTHORITY.md:4"},
        ),
        row("alone, for an item", Step(SUBJECT, files={**MOVED}), found={"message": "for phase 12"}),
        row(
            "with more, for none",
            Step("x", files={"b": "1", **MOVED}),
            branch="work",
            found={"message": "that names no work item"},
        ),
        row(
            "in the plan's upkeep",
            Step("x", files={"docs/phase-13.md": "# Phase 13\n", **MOVED}),
            branch="work",
            state="not-applicable",
        ),
        row("where that is allowed", MOVING, policy=f"{PHASES}protect_pointer = false\n", state="passed"),
    ],
)
def test_a_pointer_that_moves(commits: list[Step], case: dict[str, Any], tmp_path: Path) -> None:
    judged("WRK004", tmp_path, *commits, **case)


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
        found={"path": "docs/other.md", "authority": "SPEC_AUTHORITY.md:14"},
    )


EDITED = {"docs/phase-12.md": f"# Phase 12\n{SCOPE}"}
INDEX = {"docs/INDEX.md": "| 12 | [other](other.md) |\n"}
INDEXED = f'{PHASES}index = ["docs/INDEX.md"]\n'


@pytest.mark.parametrize(
    ("commits", "case"),
    [
        row("for its item", Step(SUBJECT, files={"a": "1", **EDITED}), state="passed"),
        row(
            "with more, for no item",
            Step("feat: implement cart", files={"a": "1", **EDITED}),
            branch="cart",
            expect=[
                {
                    "path": "docs/phase-12.md",
                    "message": "the document of a phase, is changed by a change of more",
                }
            ],
        ),
        row(
            "in the plan's upkeep",
            Step("docs: plan", files={"docs/phase-13.md": "# 13\n"}, delete=["configs/NEXT_PHASE.json"]),
            branch="plan",
            state="not-applicable",
        ),
        row(
            "an index, with more",
            Step("feat: cart", files={"a": "1", **INDEX}),
            policy=INDEXED,
            branch="cart",
            found={"path": "docs/INDEX.md", "message": "the index of a phase"},
        ),
        row(
            "an index, in the plan's upkeep",
            Step("docs: plan", files={**INDEX}),
            policy=INDEXED,
            branch="plan",
            state="not-applicable",
        ),
        row(
            "one of an open item that is taken away",
            Step("docs: plan", delete=["docs/phase-12.md"]),
            branch="plan",
            found={"path": "docs/phase-12.md", "message": "was removed: docs/phase-12.md"},
            exit_code=0,
        ),
    ],
)
def test_a_document_that_changes(commits: list[Step], case: dict[str, Any], tmp_path: Path) -> None:
    judged("WRK005", tmp_path, *commits, **case)


# WRK006

LANDED = Step(f"{SUBJECT} (#7)", files={"src/old": "1"}, id="landed")
REVERT = f'Revert "{SUBJECT} (#7)"'


@pytest.mark.parametrize(
    ("base", "lands"),
    [
        pytest.param([LANDED], True, id="itself"),
        pytest.param([LANDED, step(REVERT)], False, id="reverted"),
        pytest.param([LANDED, step(f"{REVERT} (#8)")], False, id="reverted by a pull request"),
        pytest.param(
            [LANDED, step(REVERT), step(f'Reapply "{SUBJECT} (#7)"', content="c\n")], True, id="reapplied"
        ),
        pytest.param([LANDED, step("feat(phase1): implement phase 1")], True, id="another's after it"),
        pytest.param([LANDED, step(f"fixup! {SUBJECT}")], True, id="a fixup after it"),
        pytest.param([step("feat(phase-12): implement phase storage")], False, id="one that resembles it"),
        pytest.param([step("Phase 12 begins")], False, id="one that only names it"),
    ],
)
def test_an_item_that_has_landed(base: list[Step], lands: bool, tmp_path: Path) -> None:
    expect = [{"field": "commit.subject", "message": "phase 12 is in the base already"}] if lands else []
    judged("WRK006", tmp_path, DONE, base=[PLAN, *base], expect=expect)


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
        found={"field": "branch", "message": "'fork/phase-12-again'"},
    )


# WRK007


def test_each_other_item_is_named_once(tmp_path: Path) -> None:
    other = "feat(phase13): implement phase 13"
    commits = (DONE, step(other, "b"), step(other, "c"), step("feat: no item", "d"))
    found = {"field": "commit.subject", "message": "works on phase 13"}
    judged("WRK007", tmp_path, *commits, found=found)


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


# What cannot be resolved


@pytest.mark.parametrize(
    "code",
    ["BRN001", "CMT001", "CMT002", "PRQ001", "PRQ002", "PTH003", "WRK002", "WRK005", "WRK006", "WRK008"],
)
def test_no_rule_passes_for_want_of_the_item(code: str, tmp_path: Path) -> None:
    files = {"docs/phase-13.md": "# Phase 13\n", "configs/NEXT_PHASE.json": "{}"}
    base = [PLAN, Step("chore: break", files=dict(files))]
    broken = partial(judged, code, base=base, title="wrong", body="x")
    named = Step("wrong", files={"src/a": "1", "docs/phase-13.md": "x"})
    broken(tmp_path / "named", named, branch="phase_12", state="indeterminate")
    outcome = broken(tmp_path / "none", Step("wrong", files={"src/a": "1"}), branch="cart")
    assert outcome.state(code) in ("passed", "not-applicable")


def test_a_lowered_finding_lets_no_wrong_branch_through(tmp_path: Path) -> None:
    policy = f'{PHASES}[rules.unresolved-work-item]\nseverity = "warning"\n'
    base = [PLAN, Step("chore: break", files={"configs/NEXT_PHASE.json": "{}"})]
    case: dict[str, Any] = {"base": base, "branch": "phase_12", "args": ("--extend-select=BRN001",)}
    found = {"severity": "warning"}
    judged("WRK001", tmp_path, step(), policy=policy, found=found, exit_code=2, **case)


def test_a_title_that_is_not_known_might_name_an_item(tmp_path: Path) -> None:
    for code in ("WRK007", "BRN001", "PTH003"):
        judged(code, tmp_path / code, step(), branch="cart", body="x", state="indeterminate")


# WRK008


def test_a_guarded_path_that_is_only_named_is_a_warning_with_the_line(tmp_path: Path) -> None:
    text = "\n- [ ] Extend the OpenAPI spec (`docs/api/x.yaml`)\n- [ ] In `docs/api/x.yaml`, add a field\n"
    policy = f'[rules.forbidden-path]\npaths = ["docs/api/"]\n{PHASES}'
    named = partial(judged, "WRK008", policy=policy)
    warned = "docs/phase-12.md:3 says 'Extend the OpenAPI spec (docs/api/x.yaml)'"
    found = {"severity": "warning", "line": 3, "message": warned}
    named(tmp_path / "named", DONE, base=document(text), found=found)
    found = {"severity": "error", "line": 5, "message": "asks to change it"}
    asked = f"{text}- [ ] `docs/api/x.yaml` should have it\n"
    named(tmp_path / "task", DONE, base=document(asked), found=found)


def test_an_approver_lifts_what_upkeep_alters_and_the_record_is_no_other_file(tmp_path: Path) -> None:
    held = PHASES.replace("\npointer", '\nupkeep = "approvers"\npointer')
    policy = f'[[approvals.approver]]\nname = "alice"\nkey = "{{key}}"\nmay = ["WRK005"]\n{held}'
    grant = Grant(rules=("WRK005",), approver="alice", expires=10, sign="key")
    case: dict[str, Any] = {"policy": policy, "branch": "plan", "approvals": [grant], "exit_code": 0}
    judged("WRK005", tmp_path, Step("docs: plan", files={**EDITED}), found={"state": "approved"}, **case)
