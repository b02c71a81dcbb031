"""BRN003: where origin leads, compared with the canonical repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.testing import Case, run_here
from tests.rules.branches.pushing import push_of
from tests.rules.items import PHASES, PLAN, SUBJECT, judge, step

if TYPE_CHECKING:
    from pathlib import Path

CANONICAL = "https://example.org/team/repo.git"
POLICY = f"remote = '{CANONICAL}'"
CASE = {"policy": POLICY, "commits": [step()], **push_of("work")}


@pytest.mark.parametrize(
    "origin", [CANONICAL, "git@example.org:team/repo", "ssh://git@EXAMPLE.org:22/team/repo/"]
)
def test_the_canonical_repository(origin: str, tmp_path: Path) -> None:
    judge("BRN003", tmp_path, **CASE, origin=origin)


def test_another_repository(tmp_path: Path) -> None:
    outcome = judge(
        "BRN003",
        tmp_path,
        **CASE,
        origin="https://ann:s3cr3t@example.org/ann/repo.git",
        expect=[
            {
                "message": "'origin' is 'https://***@example.org/ann/repo.git', and the canonical ",
                "help": f"git remote set-url origin {CANONICAL}",
                "field": "origin",
                "authority": "SPEC_AUTHORITY.md:4",
            }
        ],
    )
    assert "s3cr3t" not in outcome.stdout


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["url.https://example.org/.insteadOf=ex:", "remote.origin.url=ex:team/repo"], ""),
        (
            ["url.https://evil.net/.insteadOf=https://example.org/"],
            "'origin' is 'https://evil.net/team/repo.git'",
        ),
        (
            ["url.https://evil.net/.pushInsteadOf=https://example.org/"],
            "a push to 'origin' goes to 'https://evil",
        ),
        (["remote.origin.pushurl=https://evil.net/x"], "a push to 'origin' goes to 'https://evil.net/x'"),
        (["remote.origin.pushurl=git@example.org:team/repo"], ""),
        (["url.git@example.org:.pushInsteadOf=https://example.org/"], ""),
        (["remote.origin.url=ext::sh -c touch% ran"], "'origin' is 'ext::sh -c touch% ran'"),
    ],
)
def test_what_the_configuration_makes_of_it(settings: list[str], said: str, tmp_path: Path) -> None:
    case = Case(policy=POLICY, commits=[step()])
    repository = case.build(tmp_path / "repository")
    for setting in settings:
        repository.git("config", *setting.split("=", 1))
    stdin = push_of("work", new=repository.oid())["stdin"]
    outcome = run_here(
        "check", "--push", "--select=BRN003", "--output-format=json", directory=repository.path, stdin=stdin
    )
    messages = [finding["message"] for finding in outcome.report["findings"]]
    assert len(messages) == bool(said), outcome
    assert said in "".join(messages)
    assert not (repository.path / "ran").exists()


def test_an_item_has_a_repository_of_its_own(tmp_path: Path) -> None:
    policy = f"{POLICY}\n{PHASES}remote = 'https://example.org/team/other'\n"
    case = {
        "policy": policy,
        "base": [PLAN],
        "branch": "phase-12",
        "commits": [step(SUBJECT)],
        **push_of("phase-12"),
    }
    judge("BRN003", tmp_path / "1", **case, origin="https://example.org/team/other")
    judge("BRN003", tmp_path / "2", **case, origin=CANONICAL, expect=[{"help": "team/other"}])


def test_without_a_canonical_repository_nothing_is_asked(tmp_path: Path) -> None:
    states = {"BRN003": "not-applicable"}
    judge("BRN003", tmp_path, commits=[step()], **push_of("work"), states=states)


def test_a_missing_origin(tmp_path: Path) -> None:
    repository = Case(policy=POLICY, commits=[step()]).build(tmp_path / "repository")
    repository.git("config", "--unset", "remote.origin.url")
    stdin = push_of("work", new=repository.oid())["stdin"]
    outcome = run_here(
        "check", "--push", "--select=BRN003", "--output-format=json", directory=repository.path, stdin=stdin
    )
    [finding] = outcome.report["findings"]
    assert finding["help"] == f"Add it: `git remote add origin {CANONICAL}`"
