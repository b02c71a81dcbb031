"""Helpers for tests of threats: a repository with a locked folder, and assertions about the answer."""

from collections.abc import Mapping
from pathlib import Path

from specguard.testing import Outcome, Repository, run, run_here
from specguard.testing.case import fill
from tests.outcomes import sound
from tests.rows import recorded

SETTINGS = """\
base = "main"

[rules.locked-path]
paths = ["locked/", "SPEC_AUTHORITY.md"]
"""
LOCKED = ("PTH002", "locked/p")
FILES = {"locked/p": "policy\n", "locked/q": "q\n", "src/a": "a\n"}


def authority(settings: str = "") -> str:
    """Return an authority that locks a folder and itself, with these settings added."""
    return f"# Authority\n\n```toml specguard\n{SETTINGS}{settings}\n```\n"


def guarded(repo: Repository, settings: str = "", files: Mapping[str, str | bytes] | None = None) -> None:
    """Make a published base with a locked folder, and check out the branch `work` on top of it.

    Args:
        repo: an empty repository.
        settings: settings besides those that lock the folder.
        files: files of the base besides those that all bases have.
    """
    base = {"SPEC_AUTHORITY.md": authority(settings), **FILES, **(files or {})}
    repo.commit("chore: base", files=base)
    repo.remote()
    repo.publish(head=True)
    repo.branch("work")


def check(
    repo: Repository,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    stdin: str | bytes = b"",
    installed: bool = False,
) -> Outcome:
    """Run a check with JSON output; `installed`: run the installed command, which searches for modules."""
    runner = run if installed else run_here
    return runner("check", "--output-format=json", *arguments, directory=repo.path, env=env, stdin=stdin)


def errors(outcome: Outcome) -> set[tuple[str, str | None]]:
    """Return code and path of each finding that fails the check."""
    return {
        (finding["code"], finding["location"]["path"])
        for report in outcome.reports
        for finding in report["findings"]
        if finding["severity"] == "error"
    }


def fails(outcome: Outcome, *expected: tuple[str, str | None]) -> None:
    """Assert that the change fails, by exactly these errors."""
    assert errors(outcome) == set(expected), outcome
    assert outcome.exit_code == 1, outcome


def passes(outcome: Outcome) -> None:
    """Assert that the change has no errors."""
    assert errors(outcome) == set(), outcome
    assert outcome.exit_code == 0, outcome


def undecided(outcome: Outcome, said: str) -> None:
    """Assert that the check is indeterminate, for a reason that contains this text."""
    assert outcome.exit_code == 2, outcome
    assert said in str(outcome), outcome
    assert "Traceback" not in str(outcome)
    sound(outcome)


def variables_of_git(ran: Path, objects: object) -> dict[str, str]:
    """Return variables by which git would leave `ran`, read objects elsewhere or show another change."""
    places = {"ran": str(ran), "objects": str(objects), "folder": str(ran.parent)}
    return {name: fill(text, places) for name, text in recorded(__file__, "variables").items()}
