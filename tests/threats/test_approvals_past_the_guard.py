"""Ways past the rules about approvals that were found by trying, each built and held."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.threats.cases import threat
from tests.threats.test_approvals import (
    AUTHOR,
    LOG,
    approved,
    fails,
    holds,
    record,
)

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.testing import Repository


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """A branch whose change of a locked file alice approved, and signed."""
    return approved(tmp_path)


def file_of(data: dict[str, Any]) -> dict[str, str | bytes]:
    """A record as it is filed, by its path."""
    content = (json.dumps(data, indent=2, sort_keys=True) + "\n").encode()
    return {f"{LOG}/{hashlib.sha256(content).hexdigest()}.json": content}


def revocation(approver: str = "alice") -> dict[str, Any]:
    return {
        "schema": "specguard.approval/1",
        "kind": "revoke",
        "revokes": "0" * 64,
        "approver": approver,
        "reason": "it is no longer wanted",
        "issued_at": "2026-01-01T10:00:00Z",
        "nonce": "1" * 32,
    }


# An approval is for one content


def touch_and_put_back(repo: Repository) -> None:
    repo.branch("evil", "main")
    content = repo.read("locked/p")
    repo.commit("feat: x", files={"locked/p": "EVIL\n"}, author=AUTHOR)
    repo.commit("feat: y", files={"locked/p": content}, author=AUTHOR)


@threat("T93", "an approval for a change that comes to nothing but records", "exit 1: APR006, PTH002")
def test_a_change_that_only_adds_records_is_bound_as_any_other(repo: Repository) -> None:
    approval = {name: repo.read(name) for name in (record(repo), f"{record(repo)}.sig")}
    touch_and_put_back(repo)
    repo.commit("chore: approve", files=approval, author=AUTHOR)
    fails(repo, "APR006")


def test_an_approval_of_the_base_lifts_nothing_that_comes_with_another_record(repo: Repository) -> None:
    holds(repo)
    for ref in ("refs/heads/main", "refs/remotes/origin/main"):
        repo.ref(ref)
    touch_and_put_back(repo)
    repo.commit("chore: revoke", files=file_of(revocation()), author=AUTHOR)
    fails(repo)
