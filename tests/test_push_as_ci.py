"""The push hook judges what CI judges, and says what is left to CI."""

from dataclasses import replace
from pathlib import Path

import pytest

from specguard.engine.check import is_ci_only
from specguard.engine.plugins import load_registry
from specguard.testing import Case, Repository
from specguard.testing.running import Outcome, run_here

CASE = Case.load(Path(__file__).with_suffix(".toml"))


def build(folder: Path, more: str = "") -> Repository:
    return replace(CASE, policy=f'base = "main"\n{more}\n{CASE.policy}').build(folder / "repository")


def pushed(repository: Repository) -> Outcome:
    line = f"refs/heads/work {repository.oid()} refs/heads/work {'0' * 40}\n"
    return run_here(
        "check", "--push", "--output-format", "json", directory=repository.path, stdin=line.encode()
    )


def failed(outcome: Outcome) -> set[str]:
    return {rule["code"] for rule in outcome.report["rules"] if rule["state"] == "failed"}


def test_a_push_asks_every_rule_that_a_branch_is_asked_in_ci() -> None:
    rules = [one.rule for one in load_registry([]).rules.values()]
    later = sorted(rule.code for rule in rules if is_ci_only(rule.stages))
    assert later == ["PRQ001", "PRQ002", "PRQ003"]


@pytest.mark.parametrize(
    ("more", "left"), [("", ""), ('merge = "squash"', ", the title as the message of the squashed commit")]
)
def test_what_ci_refuses_no_push_passes_and_it_says_what_is_left_to_ci(
    more: str, left: str, tmp_path: Path
) -> None:
    repository = build(tmp_path, more)
    in_ci = failed(run_here("check", "--output-format", "json", directory=repository.path))
    assert {code[:3] for code in in_ci} == {"ART", "PLN", "SPC"}
    outcome = pushed(repository)
    assert failed(outcome) == in_ci
    (said,) = [note for note in outcome.report["notes"] if note.startswith("Left to")]
    assert said == f"Left to the pull request's check: PRQ001{left}."


def test_stages_that_a_team_wrote_stay_and_doctor_names_them(tmp_path: Path) -> None:
    repository = build(tmp_path, '[rules.missing-section]\nstages = ["pull-request", "range"]')
    outcome = pushed(repository)
    assert "ART002" not in failed(outcome)
    assert outcome.report["notes"][-1] == "Left to the pull request's check: ART002, PRQ001."
    said = run_here("doctor", directory=repository.path)
    assert "stages: ART002 judges in CI, and not when you push" in said.stdout
