"""APR006: what an approval is bound to, what it outlives, and what ends it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from specguard.testing import Step
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


def test_the_line_of_what_is_wrong_is_named(tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, target="release"))
    (finding,) = (one for one in check(repository).report["findings"] if one["code"] == "APR006")
    place = finding["location"]
    line = repository.read(place["path"]).split(b"\n")[place["line"] - 1]
    assert line.strip() == b'"target": "release",'
    assert place["field"] == "target"


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


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (SIGNED, replace(SIGNED, sign="")),
        (replace(SIGNED, target="release"), SIGNED),
        (replace(SIGNED, repository="https://example.org/other"), SIGNED),
        (replace(SIGNED, reason="x"), SIGNED),
        (SIGNED, replace(SIGNED, approver="cleo")),
    ],
)
def test_one_that_does_not_count_takes_no_place(older: Grant, newer: Grant, tmp_path: Path) -> None:
    repository = build(tmp_path, older)
    repository.commit("fix: more", files={LOCKED: "three\n"}, author="Cleo <cleo@example.org>")
    grant(repository, newer)
    outcome = check(repository, *ENFORCED)
    assert outcome.exit_code == 1, outcome
    assert "APR006" in errors(outcome)


def test_one_that_names_more_keeps_its_error(tmp_path: Path) -> None:
    both = replace(SIGNED, rules=["PTH002"])
    repository = build(tmp_path, both)
    repository.commit("fix: more", files={"docs/api/y.yaml": "three\n"}, author="Cleo <cleo@example.org>")
    grant(repository, replace(PATHS, paths=["docs/api/y.yaml"]))
    outcome = check(repository, *ENFORCED)
    assert outcome.exit_code == 1, outcome
    assert {"APR006", "PTH002"} <= set(errors(outcome))


def test_a_mode_ends_it(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    repository.executable("src/a")
    repository.commit("fix: more")
    refused(check(repository, *ENFORCED), "APR006", AGAIN)


def test_with_its_paths_as_scope_another_file_leaves_it_alone(tmp_path: Path) -> None:
    repository = build(tmp_path, PATHS)
    repository.commit("fix: more", files={"src/a": "three\n", "new": "n\n"})
    approved(check(repository, *ENFORCED))
    repository.commit("fix: more", files={LOCKED: "three\n"})
    refused(check(repository, *ENFORCED), "APR006", f"{AGAIN} its paths")


def forward(repository: Repository, **files: str) -> None:
    """Let the base move on, by a change of somebody else."""
    repository.checkout("main")
    repository.commit("feat: other", files=files, author="Dora <dora@example.org>")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.checkout("work")


def test_a_rebase_over_other_files_leaves_it_alone(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    forward(repository, **{"docs/other.md": "x\n"})
    approved(check(repository, *ENFORCED))
    repository.git("rebase", "-q", "main")
    approved(check(repository, *ENFORCED))


def test_a_rebase_over_the_same_file_ends_it(tmp_path: Path) -> None:
    many = "".join(f"{number}\n" for number in range(20))
    base = replace(BASE, files={LOCKED: many, "src/a": "a\n"})
    change = replace(CHANGE, files={LOCKED: f"{many}more\n"})
    repository = build(tmp_path, SIGNED, base=[base], commits=[change])
    approved(check(repository, *ENFORCED))
    forward(repository, **{LOCKED: f"first\n{many}"})
    repository.git("rebase", "-q", "main")
    refused(check(repository, *ENFORCED), "APR006", AGAIN)


def test_a_squash_and_a_new_message_leave_it_alone(tmp_path: Path) -> None:
    more = Step("feat: more", files={"src/b": "b\n"}, author="Cleo <cleo@example.org>")
    repository = build(tmp_path, SIGNED, commits=[CHANGE, more])
    approved(check(repository, *ENFORCED))
    repository.git("reset", "-q", "--soft", "main")
    repository.commit("feat: all of it", stage=False)
    approved(check(repository, *ENFORCED))
    repository.commit("feat: in other words", amend=True, stage=False)
    approved(check(repository, *ENFORCED))


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


def test_a_stacked_branch_has_its_own_approvals(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    repository.git("update-ref", "refs/remotes/origin/work", "HEAD")
    repository.branch("upper")
    repository.commit("feat: upper", files={"docs/api/y.yaml": "two\n"}, author="Cleo <cleo@example.org>")
    grant(repository, SIGNED, args=("--base=work",))
    approved(check(repository, "--enforce", "--base=work"))
    # What was approved for the lower branch is not approved for the base, nor the other way round.
    outcome = check(repository, *ENFORCED)
    assert set(errors(outcome)) == {"APR006", "PTH002"}
    assert "it is for work, not for main" in said(outcome, "APR006")


def test_the_platforms_merge_queue_and_pull_request_name_the_target(tmp_path: Path) -> None:
    queue = {
        "action": "checks_requested",
        "merge_group": {
            "base_ref": "refs/heads/main",
            "base_sha": "{base}",
            "head_ref": "refs/heads/gh-readonly-queue/main/pr-1",
            "head_sha": "{head}",
        },
    }
    approved(judge(tmp_path / "1", SIGNED, event=queue, args=("--enforce",)))
    queue["merge_group"] |= {"base_ref": "refs/heads/release"}  # type: ignore[operator]  # it is a table
    refused(
        judge(tmp_path / "2", replace(SIGNED, target="main"), event=queue, args=("--enforce",)),
        "APR006",
        "it is for main, not for release",
    )


def test_the_policy_is_the_one_that_it_was_given_under(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    forward(repository, **{"SPEC_AUTHORITY.md": document(POLICY).replace("# Authority", "# Our authority")})
    approved(check(repository, *ENFORCED))
    forward(repository, **{"SPEC_AUTHORITY.md": document(POLICY.replace("max_days = 30", "max_days = 31"))})
    refused(check(repository, *ENFORCED), "APR006", "it was given under another policy")


def test_an_approval_of_the_base_is_the_past(tmp_path: Path) -> None:
    old = replace(SIGNED, place="base")
    repository = build(tmp_path, old)
    approved(check(repository, *ENFORCED))
    repository.commit("fix: more", files={LOCKED: "three\n"})
    outcome = check(repository, *ENFORCED)
    assert errors(outcome) == ["PTH002"]
    assert outcome.report["findings"][0]["approvals"] == []


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


def test_a_hook_is_not_troubled_by_the_approvals_of_the_branch(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    repository.write("ci/run", "false\n")
    repository.stage()
    outcome = check(repository, "--staged")
    assert errors(outcome) == ["PTH002"]
    repository.git("reset", "-q", "--hard")
    repository.write("src/a", "c\n")
    repository.stage()
    assert check(repository, "--staged").exit_code == 0


def test_filing_an_approval_is_no_change_that_it_could_be_for(tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, place="local"))
    repository.stage()
    outcome = check(repository, "--staged")
    assert outcome.exit_code == 0, outcome
    assert outcome.report["findings"] == []


def test_what_lies_about_for_another_change_is_not_reported(tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, place="local", fingerprint="0" * 64, findings=["1" * 64]))
    outcome = check(repository)
    assert errors(outcome) == ["PTH002"]
