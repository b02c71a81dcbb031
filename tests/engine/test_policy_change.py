"""What a change does to the policy is told against what it started from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import run_here

if TYPE_CHECKING:
    from specguard.testing import Outcome, Repository


def authority(*locks: str, prose: str = "") -> str:
    items = "\n".join(f"- `{lock}`" for lock in locks)
    return f"# Authority\n\n{prose}\n\n## Locked zones\n\n{items}\n"


def changes(outcome: Outcome) -> list[dict[str, Any]]:
    assert outcome.report["rules"], outcome
    found: list[dict[str, Any]] = outcome.report["policy_change"]
    return found


def check(repository: Repository, *arguments: str) -> Outcome:
    return run_here("check", "--output-format", "json", *arguments, directory=repository.path)


def test_a_lock_that_the_base_added_since_is_not_the_changes_doing(repository: Repository) -> None:
    repository.write("SPEC_AUTHORITY.md", authority("a/"))
    repository.write("a/x", "x")
    repository.commit("docs: authority")
    repository.branch("work")
    repository.write("SPEC_AUTHORITY.md", authority("a/", prose="Said better."))
    repository.commit("docs: say it better")
    repository.checkout("main")
    repository.write("SPEC_AUTHORITY.md", authority("a/", "b/"))
    repository.commit("docs: lock b")
    repository.checkout("work")
    outcome = check(repository)
    assert changes(outcome) == []
    assert [one["severity"] for one in outcome.report["findings"] if one["code"] == "PTH004"] == ["info"]


def test_a_lock_that_is_taken_away_loosens_whatever_document_judges(repository: Repository) -> None:
    repository.write("SPEC_AUTHORITY.md", authority("a/", "b/"))
    repository.commit("docs: authority")
    repository.branch("work")
    repository.write("SPEC_AUTHORITY.md", authority("a/"))
    repository.commit("docs: unlock b")
    repository.write("other.md", authority("c/"))
    for arguments in ((), ("--authority", "other.md")):
        outcome = check(repository, *arguments)
        assert [(one["old"], one["new"], one["effect"]) for one in changes(outcome)] == [
            (["a/", "b/"], ["a/"], "loosens")
        ], outcome
        assert outcome.state("PTH004") == "failed"


def test_a_first_authority_alters_nothing(repository: Repository) -> None:
    repository.write("a", "a")
    repository.commit("chore: start")
    repository.branch("work")
    repository.write("SPEC_AUTHORITY.md", authority("b/"))
    repository.commit("docs: authority")
    outcome = check(repository)
    assert changes(outcome) == []
    assert any("no authority yet" in note for note in outcome.report["notes"])
    assert not outcome.report["authority"]["trusted"]


@pytest.fixture
def locking(repository: Repository) -> Repository:
    """A branch whose base locks two folders and has a baseline."""
    repository.write("SPEC_AUTHORITY.md", authority("a/", "b/"))
    repository.write(".specguard/baseline.json", "{}\n")
    repository.commit("docs: authority")
    repository.branch("work")
    return repository


def test_what_a_change_loosens_is_in_the_report_whatever_rules_run(locking: Repository) -> None:
    locking.write("SPEC_AUTHORITY.md", authority("a/"))
    locking.commit("docs: unlock b")
    for arguments in ((), ("--ignore", "PTH004"), ("--select", "CMT003")):
        assert [one["effect"] for one in changes(check(locking, *arguments))] == ["loosens"], arguments


def test_that_no_policy_can_be_read_any_more_is_said_whatever_rules_run(locking: Repository) -> None:
    locking.write("SPEC_AUTHORITY.md", "# Authority\n\n```toml specguard\nbase = \n```\n")
    locking.commit("docs: break it")
    said = "After this change no policy can be read: "
    outcome = check(locking)
    assert "PTH004" in outcome.codes
    assert not [note for note in outcome.report["notes"] if note.startswith(said)]
    outcome = check(locking, "--ignore", "PTH004")
    assert "PTH004" not in outcome.codes
    assert [note for note in outcome.report["notes"] if note.startswith(said)]
    locking.delete("SPEC_AUTHORITY.md")
    locking.commit("docs: no authority")
    outcome = check(locking, "--ignore", "PTH004")
    assert f"{said}the authority is removed" in outcome.report["notes"]
