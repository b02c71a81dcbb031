"""What a change does to the policy is told against what it started from, and how specguard is adopted.

`tests/cases/authority/adopting.toml` has more of both.
"""

import pytest

from specguard.testing import Outcome, Repository, run_here
from tests.outcomes import ended


def authority(*locks: str) -> str:
    items = "\n".join(f"- `{lock}`" for lock in locks)
    return f"# Authority\n\n## Locked zones\n\n{items}\n"


def check(repository: Repository, *arguments: str, code: int = 0) -> Outcome:
    words = ("check", "--output-format", "json", *arguments)
    return ended(run_here(*words, directory=repository.path), code)


@pytest.fixture
def locking(repository: Repository) -> Repository:
    """A branch whose base locks two folders and has a baseline."""
    files = {"SPEC_AUTHORITY.md": authority("a/", "b/"), ".specguard/baseline.json": "{}\n"}
    repository.commit("docs: authority", files=files)
    repository.branch("work")
    return repository


def test_what_a_change_loosens_is_in_the_report_whatever_document_judges_and_whatever_rules_run(
    locking: Repository,
) -> None:
    locking.commit("docs: unlock b", files={"SPEC_AUTHORITY.md": authority("a/")})
    locking.write("other.md", authority("c/"))
    for arguments, state, code in (
        ((), "failed", 1),
        (("--authority", "other.md"), "failed", 1),
        (("--ignore", "PTH004"), "off", 0),
        (("--select", "CMT003"), "off", 0),
    ):
        outcome = check(locking, *arguments, code=code)
        [one] = outcome.report["policy_change"]
        assert (one["old"], one["new"], one["effect"]) == (["a/", "b/"], ["a/"], "loosens"), outcome
        assert outcome.state("PTH004") == state


def test_that_no_policy_can_be_read_any_more_is_said_whatever_rules_run(locking: Repository) -> None:
    broken = "# Authority\n\n```toml specguard\nbase = \n```\n"
    locking.commit("docs: break it", files={"SPEC_AUTHORITY.md": broken})
    said = "After this change no policy can be read: "
    outcome = check(locking, code=1)
    assert "PTH004" in outcome.codes
    assert not [note for note in outcome.report["notes"] if note.startswith(said)]
    outcome = check(locking, "--ignore", "PTH004")
    assert "PTH004" not in outcome.codes
    assert [note for note in outcome.report["notes"] if note.startswith(said)]
    locking.delete("SPEC_AUTHORITY.md")
    locking.commit("docs: no authority")
    assert f"{said}the authority is removed" in check(locking, "--ignore", "PTH004").report["notes"]


def test_what_init_writes_passes_at_every_stage(repository: Repository) -> None:
    repository.commit("chore: start", files={"ci/run": "make\n"})
    repository.branch("adopt")
    ended(run_here("init", "--lock", "ci/", directory=repository.path))
    repository.stage()
    check(repository, "--staged", "--strict")
    repository.commit("docs: state what may change")
    check(repository)
    enforced = ended(run_here("check", "--enforce", "--base", "main", directory=repository.path), 2)
    assert "--bootstrap" in enforced.stderr
    check(repository, "--enforce", "--base", "main", "--bootstrap")
