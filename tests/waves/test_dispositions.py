"""Conditional items: done with a decision, or put off in the readiness document with evidence."""

from pathlib import Path
from typing import Any

from specguard.testing import Step
from tests.rules.items import judge

POLICY = """
[artifacts.readiness]
path = "docs/{x}7_READINESS.md"

[artifacts.agent-final]
path = "docs/AGENT_{agent}_FINAL.md"

[artifacts.agent-final.evidence]
roots = ["/home/*/shop"]

[work.slice]
source = "docs/{x}_BREAKDOWN.yaml"
branch = "{x}-{number}"
"""
BREAKDOWN = """\
slices:
  - {id: D1, status: done}
  - {id: D4, title: Tighten the decisions, conditional: true}
"""


def judged(directory: Path, readiness: str, message: str = "", **more: Any) -> None:
    found = [{"path": "docs/D7_READINESS.md", "message": message}] if message else []
    values: dict[str, Any] = {
        "policy": POLICY,
        "base": [Step(files={"docs/D_BREAKDOWN.yaml": BREAKDOWN, "scans/d4.json": "{}\n"})],
        "commits": [Step("docs: x", files={"docs/D7_READINESS.md": readiness})],
        "expect": found,
        **more,
    }
    judge("PLN011", directory, exit_code=1 if values["expect"] else 0, **values)


def test_an_item_with_a_number_alone_goes_by_its_kind(tmp_path: Path) -> None:
    base = [Step(files={"docs/D_BREAKDOWN.yaml": "slices: [{id: 4, conditional: true}]\n", "a.json": "{}"})]
    judged(tmp_path / "1", "Slice 4: trigger: no (`a.json`)\n", base=base)
    judged(tmp_path / "2", "There are 4 of them, trigger: no (`a.json`)\n", "does not answer", base=base)


def test_what_is_done_need_not_be_put_off(tmp_path: Path) -> None:
    done = BREAKDOWN.replace("conditional: true", "conditional: true, status: merged")
    judged(tmp_path / "1", "All is well.\n", base=[Step(files={"docs/D_BREAKDOWN.yaml": done})])
    unconditional = BREAKDOWN.replace("conditional: true", "conditional: false")
    judged(tmp_path / "2", "All is well.\n", base=[Step(files={"docs/D_BREAKDOWN.yaml": unconditional})])


def test_a_commit_may_say_that_an_item_was_done(tmp_path: Path) -> None:
    policy = POLICY + 'commit = "feat({id}): {text}"\n'
    base = [Step(files={"docs/D_BREAKDOWN.yaml": BREAKDOWN}), Step("feat(d4): tighten", files={"a": "1"})]
    judged(tmp_path / "1", "All is well.\n", base=base, policy=policy)
    reverted = [*base, Step('Revert "feat(d4): tighten"', files={"a": "0"})]
    judged(tmp_path / "2", "All is well.\n", "is conditional", base=reverted, policy=policy)
    two = {"docs/E_BREAKDOWN.yaml": BREAKDOWN}
    ambiguous = [Step(files={"docs/D_BREAKDOWN.yaml": BREAKDOWN, **two}), base[1]]
    judged(tmp_path / "3", "All is well.\n", "is conditional", base=ambiguous, policy=policy)


def test_a_readiness_document_is_about_the_items_of_its_own_wave(tmp_path: Path) -> None:
    base = [Step(files={"docs/E_BREAKDOWN.yaml": BREAKDOWN})]
    judged(tmp_path, "All is well.\n", base=base)


def test_a_breakdown_that_changes_is_compared_with_the_readiness_that_is_there(tmp_path: Path) -> None:
    base = [Step(files={"docs/D7_READINESS.md": "All is well.\n"})]
    commits = [Step("docs: x", files={"docs/D_BREAKDOWN.yaml": BREAKDOWN})]
    expect = [{"path": "docs/D7_READINESS.md"}]
    judged(tmp_path / "1", "", base=base, commits=commits, expect=expect)
    other = [Step("docs: x", files={"README.md": "x"})]
    both = [Step(files={"docs/D7_READINESS.md": "All is well.\n", "docs/D_BREAKDOWN.yaml": BREAKDOWN})]
    judged(tmp_path / "2", "", base=both, commits=other)
    judged(tmp_path / "3", "", base=both, commits=other, args=["--all"], expect=expect)


def test_the_change_of_a_conditional_item_decides_something(tmp_path: Path) -> None:
    base = [Step(files={"docs/D_BREAKDOWN.yaml": BREAKDOWN, "docs/DECISIONS.md": "- open\n"})]
    work = {"src/a": "1"}
    expect = [{"field": "work_item", "message": "slice D4 is conditional"}]
    more: dict[str, Any] = {"base": base, "branch": "D-4"}
    commits = [Step("feat: x", files=work)]
    judged(tmp_path / "1", "", commits=commits, expect=expect, **more)
    decided = [Step("feat: x", files={**work, "docs/DECISIONS.md": "- locked\n"})]
    judged(tmp_path / "2", "", commits=decided, **more)
    judged(tmp_path / "3", "", commits=commits, base=base, branch="D-1")
    policy = POLICY + "[rules.undisposed-slice]\ndecisions = []\n"
    judged(tmp_path / "4", "", commits=commits, policy=policy, **more)
