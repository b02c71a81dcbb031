"""APR003, APR004, APR007 and APR008: for how long, for what, for how much and why."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.rules.approvals.setting import (
    ALICE,
    CHANGE,
    ENFORCED,
    LOCKED,
    POLICY,
    SIGNED,
    approved,
    build,
    check,
    errors,
    judge,
    refused,
    said,
)

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.testing import Grant


@pytest.mark.parametrize(
    ("issued", "expires", "reason", "field"),
    [
        (-10, -1, "it held until", "expires_at"),
        (0, 31, "longer than 30 days", "expires_at"),
        (-40, 5, "longer than 30 days", "expires_at"),
        (2, 10, "which is to come", "issued_at"),
    ],
)
def test_an_approval_has_its_time(issued: int, expires: int, reason: str, field: str, tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, issued=issued, expires=expires))
    for arguments in ((), ENFORCED):
        outcome = check(repository, *arguments)
        refused(outcome, "APR003", reason)
        (finding,) = (one for one in outcome.report["findings"] if one["code"] == "APR003")
        assert finding["location"]["field"] == field
        text = repository.read("SPEC_AUTHORITY.md").decode().split("\n")
        assert text[finding["authority"]["line"] - 1] == "max_days = 30"


@pytest.mark.parametrize(("issued", "expires"), [(0, 0), (0, 30), (-30, 0), (-3, 27)])
def test_the_first_and_the_last_day_count(issued: int, expires: int, tmp_path: Path) -> None:
    approved(judge(tmp_path, replace(SIGNED, issued=issued, expires=expires), args=ENFORCED))


def test_the_day_may_be_said_for_a_look_back(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    refused(check(repository, "--today=2099-01-01"), "APR003", "it held until")
    refused(check(repository, "--today=2026-01-02"), "APR003", "which is to come")


def test_what_is_past_in_the_base_lifts_nothing(tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, issued=-10, expires=-1, place="base"))
    refused(check(repository, *ENFORCED), "APR003", "it held until")


def test_what_lifts_nothing_is_a_warning(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED, replace(SIGNED, paths=["ci/run"]))
    outcome = check(repository, *ENFORCED)
    assert outcome.exit_code == 0, outcome
    assert outcome.state("APR004") == "warned"
    assert "matches no finding of PTH002" in said(outcome, "APR004")
    assert check(repository, "--select=APR").state("APR004") == "passed"
    assert check(repository, "--strict", *ENFORCED).exit_code == 1


@pytest.mark.parametrize(
    "grant", [replace(ALICE, paths=["ci/run"]), replace(SIGNED, paths=["ci/run"], expires=-1, issued=-5)]
)
def test_what_does_not_count_is_not_unused_as_well(grant: Grant, tmp_path: Path) -> None:
    outcome = judge(tmp_path, grant, args=ENFORCED)
    assert outcome.state("APR004") == "passed"
    assert outcome.exit_code == 1


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"paths": [LOCKED, "docs/api/*"]}, "it names docs/api/*, which is no file"),
        ({"paths": [LOCKED, "docs/"]}, "it names docs/, which is no file"),
        ({"paths": [LOCKED, "**"]}, "it names **, which is no file"),
        ({"rules": ["PTH002", "PTH"]}, "it names PTH, which is no rule's code"),
        ({"rules": ["PTH002", "locked-path"]}, "it names locked-path, which is no rule's code"),
        ({"rules": ["PTH002", "*"]}, "it names *, which is no rule's code"),
        ({"rules": ["PTH002", "PTH001"]}, "no approval lifts PTH001"),
        ({"rules": ["PTH002", "APR006"]}, "no approval lifts APR006"),
    ],
)
def test_an_approval_names_findings(other: dict[str, list[str]], reason: str, tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, **other))  # type: ignore[arg-type]  # its fields are given
    for arguments in ((), ENFORCED):
        refused(check(repository, *arguments), "APR007", reason)


def test_a_file_whose_name_has_a_star_is_a_file(tmp_path: Path) -> None:
    change = replace(CHANGE, files={"docs/api/[*].md": "x"})
    approved(judge(tmp_path, SIGNED, commits=[change], args=ENFORCED))


def test_what_is_forbidden_stays_forbidden(tmp_path: Path) -> None:
    change = replace(CHANGE, files={"frozen/f": "g"})
    grant = replace(SIGNED, rules=["PTH001"], approver="bob", sign="other")
    outcome = judge(tmp_path, grant, commits=[change], args=ENFORCED)
    assert sorted(errors(outcome)) == ["APR007", "PTH001"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[rules.locked-path]", "[rules.locked-path]\napprovable = false", "no approval lifts PTH002"),
        ("max_days = 30", 'scopes = ["paths"]', "it is bound to the whole change"),
    ],
)
def test_the_policy_lets_less_be_approved(old: str, new: str, reason: str, tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED, policy=POLICY.replace(old, new))
    refused(check(repository, *ENFORCED), "APR007", reason)


@pytest.mark.parametrize(
    "reason",
    ["", " ", "TBD", "n/a", "...", "PTH002", "locked-path", "Approved: locked path", "please", "ok ok"],
)
def test_a_reason_says_something(reason: str, tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, reason=reason))
    for arguments in ((), ENFORCED):
        outcome = check(repository, *arguments)
        refused(outcome, "APR008", "reason")
        (finding,) = (one for one in outcome.report["findings"] if one["code"] == "APR008")
        assert finding["location"]["field"] == "reason"


@pytest.mark.parametrize(
    "reason", ["the vendor's file is wrong", "\u5408\u4f5c\u65b9\u8981\u6c42", "fixes the ticket ABC-12"]
)
def test_a_reason_need_not_be_long(reason: str, tmp_path: Path) -> None:
    approved(judge(tmp_path, replace(SIGNED, reason=reason), args=ENFORCED))


def test_without_a_clock_nobody_can_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = build(tmp_path, SIGNED)
    monkeypatch.setattr("specguard.engine.facts.OLDEST", 9999)
    outcome = check(repository, *ENFORCED)
    assert outcome.exit_code == 2
    assert outcome.state("APR003") == "indeterminate"
    assert errors(outcome) == ["PTH002"]
    assert "the clock" in outcome.stdout


def test_without_ssh_keygen_nobody_can_tell(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(shutil.which("git") or "")
    for arguments in ((), ENFORCED):
        outcome = check(repository, *arguments, env={"PATH": str(tmp_path / "bin")})
        assert outcome.exit_code == 2
        assert outcome.state("APR002") == "indeterminate"
        assert errors(outcome) == ["PTH002"]
        assert "ssh-keygen is not there" in outcome.stdout
