"""APR006: what an approval is bound to, what it outlives, and what ends it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.rules.approvals.setting import (
    BASE,
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
    grant,
    judge,
    refused,
    said,
)

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.testing import Grant, Repository

PATHS = replace(SIGNED, scope="paths")
AGAIN = "it was given for another content of"


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"target": "release"}, "it is for release, not for main"),
        ({"target": ""}, "it is for no branch that is known, not for main"),
        ({"policy_id": "0" * 64}, "it was given under another policy"),
        ({"repository": "https://example.org/team/other"}, "it is for the repository https://example.org"),
        ({"fingerprint": "0" * 64}, f"{AGAIN} the change"),
        ({"scope": "paths", "fingerprint": "0" * 64}, f"{AGAIN} its paths"),
        ({"scope": "paths", "paths": [LOCKED, "docs/api/y.yaml"]}, f"{AGAIN} its paths"),
    ],
)
def test_an_approval_is_for_one_thing(other: dict[str, str], reason: str, tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, **other))  # type: ignore[arg-type]  # its fields are given
    for arguments in ((), ENFORCED):
        refused(check(repository, *arguments), "APR006", reason)


def test_a_work_item_is_part_of_it(tmp_path: Path) -> None:
    policy = f'{POLICY}\n[work.phase]\nbranch = "phase-{{number}}"\nscope = ["docs/", "src/"]\n'
    more = {"policy": policy, "branch": "phase-12"}
    approved(judge(tmp_path / "1", SIGNED, args=ENFORCED, **more))
    outcome = judge(tmp_path / "2", replace(SIGNED, work_item="phase 11"), args=ENFORCED, **more)
    refused(outcome, "APR006", "it is for phase 11, not for phase 12")


@pytest.mark.parametrize("path", [LOCKED, "src/a", "new"])
def test_one_byte_ends_it(path: str, tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    repository.commit("fix: more", files={path: "three\n"})
    refused(check(repository, *ENFORCED), "APR006", f"{AGAIN} the change")
    repository.git("revert", "-n", "HEAD")
    repository.commit("fix: less")
    approved(check(repository, *ENFORCED))


@pytest.mark.parametrize("newer", [SIGNED, replace(PATHS, paths=[LOCKED]), BOB])
def test_a_new_one_takes_its_place(newer: Grant, tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    repository.commit("fix: more", files={LOCKED: "three\n"}, author="Cleo <cleo@example.org>")
    refused(check(repository, *ENFORCED), "APR006", f"{AGAIN} the change")
    old = repository.names["approval"]
    grant(repository, newer)
    outcome = check(repository, *ENFORCED)
    approved(outcome)
    assert "APR006" not in outcome.codes
    assert any(f"Approval {old[:12]} was for an earlier state" in note for note in outcome.report["notes"])
    repository.commit("fix: more", files={LOCKED: "four\n"}, author="Cleo <cleo@example.org>")
    refused(check(repository, *ENFORCED), "APR006", f"{AGAIN} the change")


def forward(repository: Repository, **files: str) -> None:
    """Let the base move on, by a change of somebody else."""
    repository.checkout("main")
    repository.commit("feat: other", files=files, author="Dora <dora@example.org>")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.checkout("work")


def test_a_rebase_over_the_same_file_ends_it(tmp_path: Path) -> None:
    many = "".join(f"{number}\n" for number in range(20))
    base = replace(BASE, files={LOCKED: many, "src/a": "a\n"})
    change = replace(CHANGE, files={LOCKED: f"{many}more\n"})
    repository = build(tmp_path, SIGNED, base=[base], commits=[change])
    approved(check(repository, *ENFORCED))
    forward(repository, **{LOCKED: f"first\n{many}"})
    repository.git("rebase", "-q", "main")
    refused(check(repository, *ENFORCED), "APR006", AGAIN)


def test_a_force_push_is_judged_by_what_it_brings(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    record = f"{LOG}/{repository.names['approval']}.json"
    files = {name: repository.read(name) for name in (record, f"{record}.sig")}
    repository.git("reset", "-q", "--hard", "main")
    repository.commit("feat: change", files={LOCKED: "two\n", "src/a": "b\n"})
    repository.commit("chore: approve", files=files)
    approved(check(repository, *ENFORCED))
    repository.git("reset", "-q", "--hard", "main")
    repository.commit("feat: change", files={LOCKED: "evil\n", "src/a": "b\n"})
    repository.commit("chore: approve", files=files)
    refused(check(repository, *ENFORCED), "APR006", AGAIN)


def test_the_policy_is_the_one_that_it_was_given_under(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    forward(repository, **{"SPEC_AUTHORITY.md": document(POLICY).replace("# Authority", "# Our authority")})
    approved(check(repository, *ENFORCED))
    forward(repository, **{"SPEC_AUTHORITY.md": document(POLICY.replace("max_days = 30", "max_days = 31"))})
    refused(check(repository, *ENFORCED), "APR006", "it was given under another policy")


@pytest.mark.parametrize("place", ["head", "base"])
def test_a_copy_shows_by_its_nonce(place: str, tmp_path: Path) -> None:
    one = replace(SIGNED, nonce="a" * 32, place=place)
    repository = build(tmp_path, one, replace(SIGNED, nonce="a" * 32, expires=10))
    outcome = check(repository, *ENFORCED)
    assert errors(outcome) == ["APR006"]
    assert "has the nonce of" in said(outcome, "APR006")
    later = repository.names["approval2"]
    if place == "base":
        assert said(outcome, "APR006").startswith(f"record {later[:12]}")
