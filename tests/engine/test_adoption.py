"""Adopting specguard: a first authority may come in, and locks itself from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.testing import run_here

if TYPE_CHECKING:
    from specguard.testing import Repository

AUTHORITY = "# Authority\n\n## Locked zones\n\n- `SPEC_AUTHORITY.md`\n- `ci/`\n"


@pytest.fixture
def adopting(repository: Repository) -> Repository:
    """A branch that brings what `init` wrote to a base without an authority."""
    repository.write("ci/run", "make\n")
    repository.commit("chore: start")
    repository.branch("adopt")
    assert run_here("init", "--lock", "ci/", directory=repository.path).exit_code == 0
    repository.stage()
    return repository


def test_it_passes_at_every_stage(adopting: Repository) -> None:
    staged = run_here("check", "--staged", "--strict", directory=adopting.path)
    assert staged.exit_code == 0, staged
    adopting.commit("docs: state what may change")
    assert run_here("check", directory=adopting.path).exit_code == 0
    enforced = run_here("check", "--enforce", "--base", "main", directory=adopting.path)
    assert enforced.exit_code == 2
    assert "--bootstrap" in enforced.stderr
    outcome = run_here("check", "--enforce", "--base", "main", "--bootstrap", directory=adopting.path)
    assert outcome.exit_code == 0, outcome


def test_what_it_locks_is_locked_for_the_adopting_change_too(adopting: Repository) -> None:
    adopting.write("ci/run", "true\n")
    adopting.commit("docs: state what may change")
    outcome = run_here("check", "--output-format", "json", directory=adopting.path)
    assert [(one["code"], one["location"]["path"]) for one in outcome.report["findings"]] == [
        ("PTH002", "ci/run")
    ]


def test_a_first_commit_brings_its_own(repository: Repository) -> None:
    repository.write("SPEC_AUTHORITY.md", AUTHORITY)
    repository.stage()
    assert run_here("check", "--staged", directory=repository.path).exit_code == 0
    assert run_here("check", "--staged", "--enforce", directory=repository.path).exit_code == 2
    assert run_here("check", "--staged", "--enforce", "--bootstrap", directory=repository.path).exit_code == 0
    repository.commit("docs: state what may change")
    assert run_here("check", "--root", directory=repository.path).exit_code == 0


def test_once_it_is_there_it_is_locked(adopting: Repository) -> None:
    adopting.commit("docs: state what may change")
    adopting.checkout("main")
    adopting.git("merge", "--ff-only", "adopt")
    adopting.branch("late", at="main~1")
    adopting.write("SPEC_AUTHORITY.md", "# Authority\n\nAll is fine.\n")
    adopting.commit("docs: another authority")
    outcome = run_here("check", "--bootstrap", "--output-format", "json", directory=adopting.path)
    assert "PTH002" in outcome.codes, outcome


def test_only_what_the_authority_is_made_of_may_be_added_to_what_it_locks(adopting: Repository) -> None:
    adopting.write("ci/new", "make\n")
    outcome = run_here("check", "--staged", "--output-format", "json", directory=adopting.path)
    assert outcome.codes == []
    adopting.stage()
    outcome = run_here("check", "--staged", "--output-format", "json", directory=adopting.path)
    assert [(one["code"], one["location"]["path"]) for one in outcome.report["findings"]] == [
        ("PTH002", "ci/new")
    ]


def test_a_document_that_was_there_before_is_not_added(repository: Repository) -> None:
    repository.write("zones/all.md", "# Zones\n")
    repository.commit("chore: start")
    repository.branch("adopt")
    repository.write("zones/more.md", "## Locked zones\n\n- `zones/`\n")
    repository.write("zones/all.md", "## Locked zones\n\n- `ci/`\n")
    documents = 'documents = ["zones/all.md", "zones/more.md"]'
    repository.write("SPEC_AUTHORITY.md", f"# Authority\n\n```toml specguard\n{documents}\n```\n")
    repository.commit("docs: state what may change")
    outcome = run_here("check", "--select=PTH002", "--output-format", "json", directory=repository.path)
    assert [(one["code"], one["location"]["path"]) for one in outcome.report["findings"]] == [
        ("PTH002", "zones/all.md")
    ]
