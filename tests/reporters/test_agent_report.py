"""The report for an agent: one finding a block, with whose words it is and what to do."""

import re
from pathlib import Path

import pytest

from specguard.change.check_request import Request
from specguard.engine.check import check
from specguard.reporters.concise_and_agent import finding_blocks, join_blocks, render_agent
from specguard.testing.repository import clean_environment
from tests.integrations.hooks.asking import guarded
from tests.reporters.verdicts import full


def report(path: Path, **options: object) -> str:
    request = Request(environment=clean_environment(), directory=str(path), **options)  # type: ignore[arg-type]  # by name
    return render_agent(check(request, needs={"quotes"}))


def test_a_block_has_the_rule_the_words_the_step_and_the_person(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    repository.write("docs/api/x.yaml", "b\n")
    block, person, _ = report(repository.path, worktree=True).split("\n\n")
    first, authority, step = block.split("\n")
    assert first == "PTH001 forbidden-path: docs/api/x.yaml was modified; docs/api/ is forbidden"
    assert authority == '  authority: SPEC_AUTHORITY.md:7: paths = ["docs/api/"]'
    assert step.startswith("  next: Put it back with `git checkout ")
    assert person.startswith("person: ")


def test_nothing_to_say_is_one_line(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    said = report(repository.path, worktree=True)
    assert said.startswith("specguard: passed")
    assert said.count("\n") == 1


def test_many_findings_are_counted(tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    for number in range(60):
        repository.write(f"src/{number}", "DO NOT COMMIT\n" * (number + 1))
    said = report(repository.path, worktree=True)
    assert "CNT001 forbidden-content (1830 findings): src/0:1: left over; likewise src/1:1, " in said
    assert len(said.split()) < 100


def test_what_is_too_much_is_counted() -> None:
    said = join_blocks([(f"one of {n}", "a" if n else "b", f"X{n // 9} {n}") for n in range(40)], 40, "; yes")
    assert said.split("\n\n")[:2] == ["one of 0", "one of 1"]
    assert said.endswith("more: X1 9, X1 10, X1 11, X1 12, X1 13 and 30 more; yes\n\nperson: b\nperson: a")
    assert len(said.split()) <= 40
    said = join_blocks([("many" + " many" * 90 + "\n  next: go", "a", "X")], 40)
    assert "many...\n  next: go" in said
    assert len(said.split()) <= 40


@pytest.mark.parametrize("approver", [True, False])
def test_who_may_approve_is_named(approver: bool, tmp_path: Path) -> None:
    from tests.integrations.hooks.asking import POLICY

    table = '[[approvals.approver]]\nname = "alice"\nemails = ["alice@example.org"]\nmay = ["PTH002"]\n\n'
    policy = POLICY.replace("[rules.locked-path]", f"{table if approver else ''}[rules.locked-path]")
    repository = guarded(tmp_path / "repository", policy=policy)
    repository.write("configs/c", "2\n")
    said = report(repository.path, worktree=True)
    assert ("alice may approve this" in said) is approver
    assert ("tell the person you work for" in said) is not approver


def count(block: str) -> int:
    found = re.search(r"\((\d+) findings\)", block)
    return int(found[1]) if found else 1


def test_what_is_approved_in_the_baseline_or_information_is_left_out() -> None:
    verdict = full()
    assert {one.state for one in verdict.findings} >= {"open", "approved", "baselined"}, "all kinds are there"
    blocks = [one for one, _, _ in finding_blocks(verdict) if "could not be judged" not in one]
    open_ones = [
        one for one in verdict.findings if one.state == "open" and one.severity in ("error", "warning")
    ]
    assert sum(map(count, blocks)) == len(open_ones) < len(verdict.findings)
    assert {one.split(" ")[0] for one in blocks} == {one.code for one in open_ones}
    errors = [one for one, _, _ in finding_blocks(verdict, errors=True) if "could not be judged" not in one]
    assert sum(map(count, errors)) == sum(one.severity == "error" for one in open_ones) < len(open_ones)
