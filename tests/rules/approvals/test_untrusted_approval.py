"""APR002: who may approve, and what proves that they did."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Grant
from tests.rules.approvals.setting import (
    ALICE,
    BOB,
    CHANGE,
    ENFORCED,
    LOCKED,
    LOG,
    POLICY,
    SIGNED,
    approved,
    build,
    check,
    document,
    errors,
    judge,
    refused,
    said,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_an_unsigned_approval_holds_here_and_not_in_ci(tmp_path: Path) -> None:
    repository = build(tmp_path, ALICE)
    outcome = check(repository)
    approved(outcome)
    (note,) = (note for note in outcome.report["notes"] if "Nothing proves" in note)
    assert "alice" in note
    assert "--enforce" in note
    outcome = check(repository, *ENFORCED)
    refused(outcome, "APR002", "nothing proves it: it is not signed")
    (finding,) = (finding for finding in outcome.report["findings"] if finding["code"] == "APR002")
    assert finding["location"]["path"] == f"{LOG}/{repository.names['approval']}.json"
    assert "specguard approvals sign" in finding["help"]
    assert finding["authority"]["path"] == "SPEC_AUTHORITY.md"
    assert finding["authority"]["line"] == POLICY.split("\n").index('name = "alice"') + 2


def test_a_signed_one_holds_in_ci(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    for arguments in ((), ENFORCED):
        outcome = check(repository, *arguments)
        approved(outcome)
        assert not any("Nothing proves" in note for note in outcome.report["notes"])
        (finding,) = outcome.report["findings"]
        assert finding["approval"]["proof"] == "signature"
        assert finding["approval"]["approver"] == "alice"


@pytest.mark.parametrize("arguments", [(), ENFORCED])
def test_a_signature_by_another_key_is_worse_than_none(arguments: tuple[str, ...], tmp_path: Path) -> None:
    outcome = judge(tmp_path, replace(ALICE, sign="other"), args=arguments)
    refused(outcome, "APR002", "its signature is by no key of alice")


def test_a_signature_of_another_record_proves_nothing(tmp_path: Path) -> None:
    repository = build(
        tmp_path, replace(SIGNED, id="one"), replace(ALICE, id="two", rules=["PTH002", "BRN001"])
    )
    one, two = (f"{LOG}/{repository.names[name]}.json" for name in ("one", "two"))
    repository.rename(f"{one}.sig", f"{two}.sig")
    repository.delete(one)
    repository.commit("chore: approve", amend=True)
    refused(check(repository, *ENFORCED), "APR002", "its signature is by no key of alice")


@pytest.mark.parametrize(
    ("grant", "reason"),
    [
        (replace(SIGNED, approver="mallory"), "mallory is no approver"),
        (replace(SIGNED, approver="Alice"), "Alice is no approver"),
        (replace(BOB, rules=["PTH002", "BRN001"]), "bob may not approve BRN001"),
    ],
)
def test_nobody_approves_what_they_may_not(grant: Grant, reason: str, tmp_path: Path) -> None:
    repository = build(tmp_path, grant)
    for arguments in ((), ENFORCED):
        refused(check(repository, *arguments), "APR002", reason)


@pytest.mark.parametrize("may", ["PTH002", "PTH", "locked-path"])
def test_what_one_may_is_a_code_a_family_or_a_name(may: str, tmp_path: Path) -> None:
    policy = POLICY.replace('may = ["PTH"]', f'may = ["{may}"]')
    approved(judge(tmp_path, BOB, policy=policy, args=ENFORCED))


def test_the_changes_own_policy_names_nobody(tmp_path: Path) -> None:
    files = {LOCKED: "two\n", "SPEC_AUTHORITY.md": document(POLICY.replace("alice", "mallory"))}
    change = replace(CHANGE, files=files)
    outcome = judge(tmp_path, replace(SIGNED, approver="mallory"), commits=[change], args=ENFORCED)
    assert "mallory is no approver" in said(outcome, "APR002")
    assert set(errors(outcome)) == {"APR002", "PTH002", "PTH004"}


def test_what_is_in_the_base_already_needs_no_signature(tmp_path: Path) -> None:
    repository = build(tmp_path, replace(ALICE, place="base"))
    outcome = check(repository, *ENFORCED)
    approved(outcome)
    (finding,) = outcome.report["findings"]
    assert finding["approval"]["proof"] == "base"


def test_what_is_signed_and_not_committed_does_not_count_in_ci(tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, place="local"))
    approved(check(repository))
    refused(check(repository, *ENFORCED), "APR002", "it is not committed")


def review(state: str = "APPROVED", login: str = "Alice-at-work", commit: str = "{head}") -> dict[str, Any]:
    """A review as the platform lists it."""
    return {"user": {"login": login}, "state": state, "commit_id": commit}


def test_the_platform_may_prove_an_approval(tmp_path: Path) -> None:
    outcome = judge(tmp_path, ALICE, reviews=[review()], args=ENFORCED)
    approved(outcome)
    assert outcome.report["findings"][0]["approval"]["proof"] == "platform"


@pytest.mark.parametrize(
    "reviews",
    [
        [],
        [review(login="bob")],
        [review(commit="{base}")],
        [review(state="COMMENTED")],
        [review(), review(state="CHANGES_REQUESTED")],
        [review(), review(state="DISMISSED")],
    ],
)
def test_the_platform_proves_what_it_says_of_this_head(reviews: list[dict[str, Any]], tmp_path: Path) -> None:
    refused(judge(tmp_path, ALICE, reviews=reviews, args=ENFORCED), "APR002", "nothing proves it")


def test_two_persons_are_two(tmp_path: Path) -> None:
    policy = POLICY.replace("max_days = 30", 'max_days = 30\ntwo_persons = ["PTH002"]')
    lone = judge(tmp_path / "1", SIGNED, policy=policy, args=ENFORCED)
    assert lone.exit_code == 1
    assert errors(lone) == ["PTH002"]
    assert "needs the approvals of 2 persons" in str(lone.report["findings"][0]["approvals"])
    twice = judge(tmp_path / "2", SIGNED, replace(SIGNED, reason="the same once more"), policy=policy)
    assert errors(twice) == ["PTH002"]
    approved(judge(tmp_path / "3", SIGNED, BOB, policy=policy, args=ENFORCED))
    forged = judge(tmp_path / "4", SIGNED, replace(BOB, sign="key"), policy=policy, args=ENFORCED)
    assert sorted(errors(forged)) == ["APR002", "PTH002"]


PTH004 = Grant(rules=["PTH004"], paths=["SPEC_AUTHORITY.md"], sign="key")


def unlock(directory: Path, grant: Grant, *arguments: str) -> tuple[int, list[str], str]:
    """What comes of a change of the policy with an approval: exit code, errors and the reasons of APR002."""
    change = replace(CHANGE, files={"SPEC_AUTHORITY.md": document(POLICY.replace(', "ci/"', ""))})
    outcome = judge(directory, grant, commits=[change], args=arguments)
    assert 'loosens the policy: rules.locked-path.paths drops "ci/"' in said(outcome, "PTH004")
    return outcome.exit_code, sorted(errors(outcome)), said(outcome, "APR002")


def test_the_policy_is_changed_on_a_green_run(tmp_path: Path) -> None:
    assert unlock(tmp_path, PTH004, *ENFORCED) == (0, [], "")


@pytest.mark.parametrize(
    ("grant", "reason"),
    [
        (replace(PTH004, sign=""), "it is not signed, and only a signature lifts this rule"),
        (replace(PTH004, sign="", place="base"), "it is not signed, and only a signature lifts this rule"),
        (replace(PTH004, approver="bob", sign="other"), "bob may not approve PTH004 by that name"),
    ],
)
@pytest.mark.parametrize("arguments", [(), ENFORCED])
def test_the_policy_is_changed_by_nothing_less(
    grant: Grant, reason: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    code, found, said_ = unlock(tmp_path, grant, *arguments)
    assert (code, found) == (1, ["APR002", "PTH004"])
    assert reason in said_


def test_an_approval_matches_by_rule_finding_and_path(tmp_path: Path) -> None:
    change = replace(CHANGE, files={LOCKED: "two\n", "docs/api/y.yaml": "two\n"})
    outcome = judge(tmp_path, replace(SIGNED, paths=[LOCKED]), commits=[change], args=ENFORCED)
    assert errors(outcome) == ["PTH002"]
    states = {f["location"]["path"]: f["state"] for f in outcome.report["findings"]}
    assert states == {LOCKED: "approved", "docs/api/y.yaml": "open"}
