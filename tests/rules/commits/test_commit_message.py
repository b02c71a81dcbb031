"""CMT002: the item's message, the policy's pattern, or the form of Conventional Commits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from specguard.testing import Case, Step, run_here
from specguard_rules.commits import messages
from specguard_rules.next_steps import reword
from tests.rules.items import PHASES, PLAN, SUBJECT, judge, step

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.rules import Commit, Message

RECORD = f".specguard/approvals/{'1' * 64}.json"
PRESET = 'extends = ["conventional-commits"]'
judged = partial(judge, "CMT002")
for_item = partial(judged, policy=PHASES, base=[PLAN], branch="phase-12")


@pytest.mark.parametrize(
    ("subject", "near"),
    [
        ("feat(phase12): Implement phase 12", "only the case differs"),
        ("feat(phase12): implement phase 012", "only case, padding and separators differ"),
        ("fix(phase12): implement phase 12", f"and phase 12 has '{SUBJECT}'"),
        ("feat(phase12): implement phase 12.", "it goes on with '.'"),
        ("feat(phase12): implement phase 12 and more", "it goes on with ' and more'"),
        ("feat: something else", f"and phase 12 has '{SUBJECT}'"),
    ],
)
def test_the_items_message_is_meant_exactly(subject: str, near: str, tmp_path: Path) -> None:
    found = {"message": near, "help": f"Write '{SUBJECT}'", "field": "commit.subject", "commit": "{head}"}
    for_item(tmp_path, commits=[step(subject)], found=found)


def test_the_items_message_may_have_a_body_unless_that_is_forbidden(tmp_path: Path) -> None:
    commits = [step(f"{SUBJECT}\n\nIt has text.\n")]
    for_item(tmp_path / "1", commits=commits)
    policy = f"[rules.commit-message]\nbody = 'forbidden'\n{PHASES}"
    expect = [{"message": "has a body", "field": "commit.body"}]
    for_item(tmp_path / "2", policy=policy, commits=commits, expect=expect)


def test_the_item_comes_before_the_pattern(tmp_path: Path) -> None:
    policy = f"[rules.commit-message]\npattern = '^X-'\n{PHASES}"
    case = {"policy": policy, "base": [PLAN]}
    judged(tmp_path / "1", **case, branch="phase-12", commits=[step(SUBJECT)])
    judged(tmp_path / "2", **case, branch="other", commits=[step("X-1")])
    expect = [{"message": "does not match '^X-'"}]
    judged(tmp_path / "3", **case, branch="other", commits=[step("Y-1")], expect=expect)


@pytest.mark.parametrize(
    ("message", "state"),
    [
        (SUBJECT, "passed"),
        (f"{SUBJECT}\n# a comment\n", "passed"),
        ("feat: else\n", "failed"),
        ("Merge branch 'main'\n", "failed"),
    ],
)
def test_a_message_being_written(message: str, state: str, tmp_path: Path) -> None:
    expect = [{"commit": None}] if state == "failed" else []
    for_item(tmp_path, commit_message=message, state=state, expect=expect)


@pytest.mark.parametrize("merging", [True, False])
def test_a_merge_being_concluded_is_left_alone(merging: bool, tmp_path: Path) -> None:
    case = Case(policy=PHASES, base=[PLAN], branch="phase-12", commit_message="Merge branch 'main'\n")
    repository = case.build(tmp_path / "repository")
    if merging:
        (repository.git_dir / "MERGE_HEAD").write_text(f"{repository.oid()}\n")
    (tmp_path / "message").write_text("Merge branch 'main'\n")
    outcome = run_here(
        "check", "--select=CMT002", "--output-format=json", f"--commit-msg-file={tmp_path}/message",
        directory=repository.path,
    )  # fmt: skip
    assert outcome.exit_code == (not merging), outcome


def test_commits_of_others_are_left_alone(tmp_path: Path) -> None:
    commits = [
        step(SUBJECT, id="one"),
        step(SUBJECT, "side", parents=["base"], id="side"),
        Step("Merge side", parents=["one", "side"]),
        Step("Approve it", files={RECORD: "{}"}),
    ]
    for_item(tmp_path, commits=commits)


@pytest.mark.parametrize("approval", [RECORD, "a", ".specguard/approvals/1.json"])
def test_only_a_commit_that_adds_approvals_alone_is_bookkeeping(approval: str, tmp_path: Path) -> None:
    files = {approval: "{}", f"{RECORD}.sig": "{}"}
    expect = [] if approval == RECORD else [{"message": "'Approve it'"}]
    for_item(tmp_path, commits=[step(SUBJECT), Step("Approve it", files=files)], expect=expect)


@pytest.mark.parametrize(
    ("title", "said"),
    [
        (SUBJECT, ""),
        (f"{SUBJECT} (#7)", ""),
        ("feat: else", f"and phase 12 has '{SUBJECT}'"),
        ("Phase 12", "which a squash lands as the commit's message"),
    ],
)
def test_with_squash_the_title_is_the_message(title: str, said: str, tmp_path: Path) -> None:
    for_item(
        tmp_path,
        policy=f"merge = 'squash'\n{PHASES}",
        commits=[step("wip")],
        title=title,
        expect=[{"message": said, "field": "pull_request.title", "commit": None}] if said else [],
    )


def test_with_squash_nothing_is_judged_before_there_is_a_title(tmp_path: Path) -> None:
    policy = f"merge = 'squash'\n{PRESET}"
    judged(tmp_path, policy=policy, commits=[step("wip")], state="not-applicable")


def test_contradicting_templates_are_named(tmp_path: Path) -> None:
    outcome = for_item(
        tmp_path, policy=f"merge = 'squash'\n{PHASES}", commits=[step("wip")], title="Phase 12", expect=[{}]
    )
    assert "work.phase.pull_request and work.phase.commit differ" in outcome.report["findings"][0]["help"]


@pytest.mark.parametrize(
    ("message", "findings"),
    [
        ("feat: add a page", []),
        ("feat(pages)!: add a page\n\nText.\n\nBREAKING CHANGE: the old one is gone", []),
        ('Revert "feat: add a page"', []),
        ("fixup! feat: add a page", []),
        ("Feat: add a page", ["types are in lower case"]),
        ("page: add", ["its type 'page' is not one of build, "]),
        ("add a page", ["does not begin with a type"]),
        ("feat: add\n\nbreaking change: all", ["line 3 of the message"]),
    ],
)
def test_the_preset(message: str, findings: list[str], tmp_path: Path) -> None:
    expect = [{"message": said} for said in findings]
    judged(tmp_path, policy=PRESET, commits=[step(message)], expect=expect)


def test_only_a_message_with_a_problem_is_looked_up_among_the_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def spied(message: Message, made: dict[str, Commit], text: str = "") -> str:
        asked.append(message.subject)
        return reword(message, made, text)

    monkeypatch.setattr(messages, "reword", spied)
    commits = [step("feat: one"), step("two", content="c\n"), step("fix: three", content="d\n")]
    policy = "[rules.commit-message]\nconventional = true\npattern = '^[a-z]+: '\n"
    judged(tmp_path, policy=policy, commits=commits, expect=[{}, {}])
    assert asked == ["two", "two"]


def test_without_item_pattern_or_form_nothing_is_judged(tmp_path: Path) -> None:
    judged(tmp_path, commits=[step("anything")], state="not-applicable")


def test_the_line_that_is_cited_is_that_of_the_setting_that_asks(tmp_path: Path) -> None:
    policy = '[rules.commit-message]\nconventional = true\ntypes = ["feat"]\nscopes = ["cli"]\n'
    for subject, line in (("style: x", 6), ("feat(api): x", 7), ("x", 5)):
        outcome = judged(tmp_path / subject[:5], policy=policy, commits=[step(subject)], expect=[{}])
        [finding] = outcome.report["findings"]
        assert finding["authority"] == {"path": "SPEC_AUTHORITY.md", "line": line}
