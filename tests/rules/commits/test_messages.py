"""Forms of messages and their trailers, and messages that no case can state, as huge ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Case, Step, run_here
from specguard_rules.commits import messages
from specguard_rules.commits.messages import SubjectForm
from specguard_rules.commits.trailers import Trailers
from specguard_rules.finding_texts import reword
from tests.rows import rows
from tests.rules.items import judge, step

if TYPE_CHECKING:
    from specguard.rules import Message
    from specguard_rules.finding_texts import CommitsById

FORMS = ("feat!: send an email", "feat(api)!: send an email", "Fix: rule 15", "feat(api,ui): x", "fix: a: b")
NO_FORMS = ("", "add a page", "Add the page: now", " feat: add", "feat : add", "feat(): add", "feat!(a): add",
            "feat:add", "feat:  add", "fe\u200bat: add")  # fmt: skip


def test_the_form() -> None:
    said = [SubjectForm().subject_problem(subject)[0] for subject in (*FORMS, *NO_FORMS)]
    assert said[: len(FORMS)] == [""] * len(FORMS)
    assert all("does not begin with a type" in problem for problem in said[len(FORMS) :])


@pytest.mark.parametrize(("settings", "subject", "problem"), rows(__file__, "settings"))
def test_settings_of_the_form(settings: dict[str, Any], subject: str, problem: str) -> None:
    found = SubjectForm(**settings).subject_problem(subject)[0]
    assert (problem in found) if problem else found == ""


def test_the_next_step_has_the_form_of_the_settings() -> None:
    def step(subject: str, form: SubjectForm) -> str:
        return form.subject_step(form.subject_problem(subject)[1])

    either = "Write it as 'type(scope): description'"
    assert step("add", SubjectForm()) == either
    assert step("fix(api): x", SubjectForm(scope="forbidden")) == "Write it as 'type: description'"
    kinds = SubjectForm(types=["feat", "fix"])
    assert step("add", kinds) == f"{either}, with a type of feat, fix"
    # The problem lists them already.
    assert step("docs: x", kinds) == either


def test_beside_another_problem_a_wide_body_is_to_be_written_again(tmp_path: Path) -> None:
    commits = [Step(f"feat: {'x' * 99}\n\n{'text ' * 20}", files={"a": "1"})]
    repository = Case(policy="rules.commit-form.body_width = 72", commits=commits).build(tmp_path)
    found = run_here("check", "--select=CMT003", "--output-format=json", directory=repository.path)
    told = [one["help"] for one in found.report["findings"]]
    assert "Wrap the body: `git commit --amend --only -m MESSAGE`" in told


def test_a_huge_subject_takes_no_time() -> None:
    for piece in ("feat: x", "a(", "a-", "((", " ", ":", "!"):
        SubjectForm().subject_problem(piece * 100_000)


def read(message: str) -> list[tuple[str, str, int]]:
    return [(one.key, one.value, one.line) for one in Trailers(message.split("\n")).trailers]


def test_the_last_paragraph_is_read() -> None:
    assert read("feat: x\n\ntext\n\nWork-Item: A-1\nSigned-off-by: Ann <a@x>\n\n") == [
        ("Work-Item", "A-1", 5),
        ("Signed-off-by", "Ann <a@x>", 6),
    ]


@pytest.mark.parametrize("message", rows(__file__, "without"))
def test_a_message_without_trailers(message: str) -> None:
    assert read(message) == []


def test_a_folded_value_and_a_cherry_pick() -> None:
    message = "fix: x\n\nNote: one\n  two\n(cherry picked from commit 1234567)\nA: b"
    assert read(message) == [("Note", "one two", 3), ("A", "b", 6)]
    assert read("fix: x\n\n  two\nA: b") == []


def test_what_stands_elsewhere_is_told_apart() -> None:
    trailers = Trailers(["feat: x", "", "Work-Item: A-1", "", "Work-Item: A-2"])
    assert [one.value for one in trailers.of("work-item")] == ["A-2"]
    assert [(one.value, one.line) for one in trailers.find_misplaced("WORK-ITEM")] == [("A-1", 3)]


def test_a_divider_is_seen_where_it_changes_what_is_read() -> None:
    assert Trailers(["feat: x", "", "A: 1", "", "---", "", "A: 2"]).divider_line == 5
    assert Trailers(["feat: x", "", "A: 1", "", "--- ", ""]).divider_line == 5
    assert Trailers(["feat: x", "", "text", "", "----", "", "A: 2"]).divider_line == 0
    assert Trailers(["feat: x", "", "A: 2"]).divider_line == 0


def test_a_repositorys_configuration_is_not_heeded(tmp_path: Path) -> None:
    policy = "rules.missing-trailer.require = [{key = 'Work-Item'}]"
    repository = Case(policy=policy).build(tmp_path / "repository")
    repository.commit("feat: x\n\nWI: A-1\n", files={"a": "1"})
    repository.git("config", "trailer.wi.key", "Work-Item: ")
    repository.git("config", "trailer.separators", "=")
    outcome = run_here("check", "--select=CMT006", "--output-format=json", directory=repository.path)
    assert outcome.codes == ["CMT006"]


def test_a_huge_message_is_reported_short(tmp_path: Path) -> None:
    found = {"message": "(20900 more characters)"}
    outcome = judge("CMT003", tmp_path, commits=[step("feat: x" * 3000)], found=found)
    assert len(json.dumps(outcome.report["findings"])) < 2_000


def test_a_body_is_at_most_64_kib_unless_the_policy_says_otherwise(tmp_path: Path) -> None:
    commits = [step(f"feat: x\n\n{'w' * 70_000}")]
    judge("CMT003", tmp_path / "1", commits=commits, found={"message": "the message has 700"})
    judge("CMT003", tmp_path / "2", commits=commits, policy="rules.commit-form.message_max = 0")


def test_a_hostile_subject_takes_no_time(tmp_path: Path) -> None:
    message = 'Revert "x"\n\n' + "\n".join(
        start + piece * 20_000
        for start in ("Reverts ", "This reverts commit ", "")
        for piece in ("a", "1", "-", "/")
    )
    subjects = ["(" * 60_000 + "wi", "a" * 60_000, "feat: " + " (" * 30_000]
    commits = [step(message), *(step(subject, content=subject[:9]) for subject in subjects)]
    judge("CMT005", tmp_path, commits=commits)


@pytest.mark.parametrize("merging", [True, False])
def test_a_merge_being_concluded_is_left_alone(merging: bool, tmp_path: Path) -> None:
    policy = "rules.commit-message.pattern = '^X-'"
    repository = Case(policy=policy).build(tmp_path / "repository")
    if merging:
        (repository.git_dir / "MERGE_HEAD").write_text(f"{repository.oid()}\n")
    (tmp_path / "message").write_text("Merge branch 'main'\n")
    words = ("check", "--select=CMT002", f"--commit-msg-file={tmp_path}/message")
    outcome = run_here(*words, directory=repository.path)
    assert outcome.exit_code == (not merging), outcome


def test_only_a_message_with_a_problem_is_looked_up_among_the_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def spied(message: Message, made: CommitsById, words: Any = ()) -> str:
        asked.append(message.subject)
        return reword(message, made, words)

    monkeypatch.setattr(messages, "reword", spied)
    commits = [step("feat: one"), step("two", content="c\n"), step("fix: three", content="d\n")]
    policy = "[rules.commit-message]\nconventional = true\npattern = '^[a-z]+: '\n"
    judge("CMT002", tmp_path, policy=policy, commits=commits, expect=[{}, {}])
    assert asked == ["two", "two"]
