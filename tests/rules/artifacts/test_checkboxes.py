"""What proves a ticked checkbox, and what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Step
from tests.rules.items import judge

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.testing import Outcome

LIST = "tasks/tasks-7.md"
GOOD = '{"status": "succeeded"}'
POLICY = """
[checklists]
files = ["tasks/tasks-*.md"]
evidence = [".runs/**/manifest.json", "tasks/**/*.md"]
"""
KEPT = POLICY + '\n[runs]\nkeep = "tree"\n'


def check(directory: Path, text: str, *expect: str, policy: str = KEPT, **case: Any) -> Outcome:
    """Judge a checklist that a commit brings, with a run that succeeded and one that failed."""
    files = {
        ".runs/1/manifest.json": GOOD,
        ".runs/2/manifest.json": '{"status": "failed"}',
        ".runs/3/manifest.json": "{}",
        ".runs/4/manifest.json": "{",
        "tasks/proof.md": "---\nstatus: succeeded\n---\n",
        "out/manifest.json": GOOD,
    }
    case.setdefault("base", [Step("chore: base", files={"a": "a"})])
    case.setdefault("commits", [Step("docs: tick", files={**files, LIST: text})])
    return judge("ART006", directory, policy=policy, expect=[{"message": one} for one in expect], **case)


def test_a_manifest_anywhere_in_the_item_proves_it(tmp_path: Path) -> None:
    text = """- [x] a `.runs/1/manifest.json`
- [x] b: [run](../.runs/1/manifest.json)
- [x] c

  Evidence: .runs/1/manifest.json.
1. [x] d
   - Status: `Done - .runs/1/manifest.json`
- [x] e, .runs/2/manifest.json failed, then ./.runs/1/manifest.json
- [ ] f

| Done | Task | Run |
|---|---|---|
| [x] | g | .runs/1/manifest.json |
"""
    check(tmp_path, text)


def test_a_status_that_says_completed_is_a_tick(tmp_path: Path) -> None:
    text = """1. Manager: hooks documented. **Status:** Completed; see `.runs/1/` and `a`.
2. Builder: stubs. **Status:** Completed; see `.runs/2/manifest.json`.
3. Tester: **status**: done
4. Scribe: **Status:** In progress
5. [ ] Reviewer. **Status:** Completed
6. Owner: Status: the completed part
"""
    failed = "is ticked and its evidence .runs/2/manifest.json did not succeed"
    check(tmp_path, text, failed, "Tester: status: done' is ticked and names no file")


def test_the_folder_of_a_run_stands_for_its_manifest(tmp_path: Path) -> None:
    text = "- [x] a `.runs/1`\n- [x] b: .runs/1/\n- [x] c: `.runs/2/`\n- [x] d: .runs/9/\n"
    check(
        tmp_path,
        text,
        "its evidence .runs/2/manifest.json did not succeed",
        "'d: .runs/9/' is ticked and names",
    )


def test_what_is_there_from_the_root_is_not_meant_from_the_folder(tmp_path: Path) -> None:
    policy = KEPT.replace("tasks/**/*.md", "tasks/**/*.json")
    text = "- [x] a: src/plan.json\n- [x] b: src/lost.json\n"
    check(
        tmp_path,
        text,
        "'a: src/plan.json' is ticked and names no file that matches",
        "its evidence tasks/src/lost.json does not exist",
        policy=policy,
        base=[Step("chore: base", files={"src/plan.json": "{}"})],
    )


def test_what_proves_nothing_is_named(tmp_path: Path) -> None:
    text = """- [x] none
- [x] failed .runs/2/manifest.json
- [x] silent .runs/3/manifest.json
- [x] broken .runs/4/manifest.json
- [x] gone .runs/9/manifest.json
- [x] elsewhere out/manifest.json
- [x] itself tasks/tasks-7.md
- [x] document tasks/proof.md
- [x] hidden <!-- .runs/1/manifest.json -->
- [x] absolute /home/me/.runs/1/manifest.json
- [x] climbs ../../.runs/1/manifest.json
- [x] template .runs/<id>/manifest.json
- [x] below
  - [ ] later .runs/1/manifest.json
- [\u2713] look-alike
"""
    check(
        tmp_path,
        text,
        "'none' is ticked and names no file that matches .runs/**/manifest.json",
        "did not succeed: its status is 'failed'",
        "does not say that it succeeded: it has no status",
        "cannot be read: it is no JSON",
        ".runs/9/manifest.json does not exist",
        "'elsewhere out/manifest.json' is ticked and names no file",
        "'itself tasks/tasks-7.md' is ticked and names no file",
        "tasks/proof.md cannot be read: it is no JSON, YAML or TOML",
        "'hidden' is ticked and names no file",
        "'absolute /home/me/.runs/1/manifest.json' is ticked and names no file",
        "'climbs ../../.runs/1/manifest.json' is ticked and names no file",
        "'template .runs/<id>/manifest.json' is ticked and names no file",
        "'below' is ticked and names no file",
        "'look-alike' is ticked and names no file",
    )


def test_what_was_ticked_before_is_left_alone(tmp_path: Path) -> None:
    base = [Step("chore: base", files={LIST: "- [x] old\n- [ ] new\n", "tasks/tasks-8.md": "- [x] other\n"})]
    commits = [Step("docs: tick", files={LIST: "# Moved\n\n- [x] old\n- [x] new\n- [x] old\n"})]
    outcome = check(tmp_path, "", "'new' is ticked", "'old' is ticked", base=base, commits=commits)
    assert [finding["location"]["line"] for finding in outcome.report["findings"]] == [4, 5]


def test_everything_is_judged_where_the_whole_tree_is(tmp_path: Path) -> None:
    base = [Step("chore: base", files={LIST: "- [x] old\n"})]
    commits = [Step("docs: x", files={"a": "b"})]
    check(tmp_path, "", "'old' is ticked", base=base, commits=commits, args=("--all",))


def test_an_item_is_judged_again_when_its_evidence_changes(tmp_path: Path) -> None:
    files = {LIST: "- [x] old .runs/1/manifest.json\n- [x] older\n", ".runs/1/manifest.json": GOOD}
    commits = [Step("chore: tidy", delete=[".runs/1/manifest.json"])]
    check(tmp_path, "", "does not exist", base=[Step("chore: base", files=files)], commits=commits)


@pytest.mark.parametrize("before", ['{"status": "failed"}', '{"status": '])
def test_what_proved_nothing_before_has_nothing_to_lose(tmp_path: Path, before: str) -> None:
    files = {LIST: "- [x] old .runs/9/manifest.json\n", ".runs/9/manifest.json": before}
    commits = [Step("chore: run", files={".runs/9/manifest.json": "{}"})]
    check(tmp_path, "", base=[Step("chore: base", files=files)], commits=commits)


def test_nobody_can_tell_where_runs_are_not_in_the_tree(tmp_path: Path) -> None:
    text = "- [x] run .runs/9/manifest.json\n- [x] none\n"
    outcome = check(
        tmp_path, text, "'none' is ticked", policy=POLICY, states={"ART006": "indeterminate"}, exit_code=2
    )
    [rule] = [rule for rule in outcome.report["rules"] if rule["code"] == "ART006"]
    assert ".runs/9/manifest.json cannot be seen here" in rule["reason"]


@pytest.mark.parametrize("status", ["succeeded", "failed"])
def test_runs_are_read_beside_what_is_staged(tmp_path: Path, status: str) -> None:
    check(
        tmp_path,
        "",
        *([] if status == "succeeded" else ["did not succeed"]),
        policy=POLICY,
        base=[Step("chore: base", files={".gitignore": ".runs/\n"})],
        commits=[],
        staged=Step(files={LIST: "- [x] run .runs/1/manifest.json\n"}),
        worktree=Step(files={".runs/1/manifest.json": f'{{"status": "{status}"}}'}),
    )


def test_a_policy_with_checklists_says_what_proves_them(tmp_path: Path) -> None:
    judge(
        "ART006",
        tmp_path,
        policy='[checklists]\nfiles = ["a.md"]\n',
        error="`evidence` is missing",
        exit_code=2,
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"- [x] B\xfcild\n", "it is not UTF-8"),
        (b"- [x] Build\n\0", "it is a binary file"),
        ("- [x] Build\n".encode("utf-16"), "it is a binary file"),
        (b"- [x] Build\n" + b">" * 300 + b" x\n", "nested too deeply"),
        (b"- [x] Build\n" + b"\n" * 100_001, "it has more than 100000 lines"),
    ],
)
def test_a_checklist_that_cannot_be_read_proves_nothing(tmp_path: Path, content: bytes, why: str) -> None:
    check(tmp_path, content, why)  # type: ignore[arg-type]  # a file's bytes are as good as its text


def test_a_checklist_is_no_link(tmp_path: Path) -> None:
    commits = [
        Step(
            "docs: tick",
            files={"real.md": "- [x] Build\n", "tasks/tasks-8.md": "- [ ] Build\n"},
            symlinks={LIST: "../real.md", "tasks/tasks-9.md": "tasks-8.md", "tasks/tasks-10.md": "../../x"},
        )
    ]
    base = [Step("chore: base", files={LIST: "- [ ] Build\n"})]
    check(
        tmp_path,
        "",
        "the checklist tasks/tasks-10.md cannot be read: it is no regular file",
        "the checklist tasks/tasks-7.md cannot be read: it is no regular file",
        base=base,
        commits=commits,
    )


def test_what_was_a_link_is_judged_as_a_file(tmp_path: Path) -> None:
    base = [Step("chore: base", symlinks={LIST: "- [x] Build"})]
    commits = [Step("docs: tick", delete=[LIST]), Step("docs: tick", files={LIST: "- [x] Build"})]
    check(tmp_path, "", "'Build' is ticked", base=base, commits=commits)
