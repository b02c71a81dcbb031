"""APR002: who may approve, and what proves that they did."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Grant
from tests.rules.approvals.setting import (
    ALICE,
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
    assert finding["authority"]["line"] == POLICY.split("\n").index('name = "alice"') + 3


def test_a_signature_of_another_record_proves_nothing(tmp_path: Path) -> None:
    repository = build(
        tmp_path, replace(SIGNED, id="one"), replace(ALICE, id="two", rules=["PTH002", "BRN001"])
    )
    one, two = (f"{LOG}/{repository.names[name]}.json" for name in ("one", "two"))
    repository.rename(f"{one}.sig", f"{two}.sig")
    repository.delete(one)
    repository.commit("chore: approve", amend=True)
    refused(check(repository, *ENFORCED), "APR002", "its signature is by no key of alice")


def test_the_changes_own_policy_names_nobody(tmp_path: Path) -> None:
    files = {LOCKED: "two\n", "SPEC_AUTHORITY.md": document(POLICY.replace("alice", "mallory"))}
    change = replace(CHANGE, files=files)
    outcome = judge(tmp_path, replace(SIGNED, approver="mallory"), commits=[change], args=ENFORCED)
    assert "mallory is no approver" in said(outcome, "APR002")
    assert set(errors(outcome)) == {"APR002", "PTH002", "PTH004"}


REVIEW = {"user": {"login": "Alice-at-work"}, "state": "APPROVED", "commit_id": "{head}"}


@pytest.mark.parametrize(
    ("grant", "more", "proof"),
    [
        (SIGNED, {}, "signature"),
        (replace(ALICE, place="base"), {}, "base"),
        (ALICE, {"reviews": [REVIEW]}, "platform"),
    ],
)
def test_what_proves_an_approval_is_told(
    grant: Grant, more: dict[str, Any], proof: str, tmp_path: Path
) -> None:
    outcome = judge(tmp_path, grant, args=ENFORCED, **more)
    approved(outcome)
    assert not any("Nothing proves" in note for note in outcome.report["notes"])
    (finding,) = outcome.report["findings"]
    assert (finding["approval"]["approver"], finding["approval"]["proof"]) == ("alice", proof)


def test_one_of_two_persons_is_not_enough(tmp_path: Path) -> None:
    policy = POLICY.replace("max_days = 30", 'two_persons = ["PTH002"]')
    outcome = judge(tmp_path, SIGNED, policy=policy, args=ENFORCED)
    assert errors(outcome) == ["PTH002"]
    assert "needs the approvals of 2 persons" in str(outcome.report["findings"][0]["approvals"])
