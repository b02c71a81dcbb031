"""APR001: the log only ever grows by whole records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

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
    errors,
    grant,
    judge,
    said,
)
from tests.rules.test_next_steps import typed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from specguard.testing import Outcome, Repository

NONE = f"{LOG}/{'0' * 64}.json"
OLD = replace(SIGNED, place="base", fingerprint="0" * 64, id="old")
REVOKED = Grant(revokes="one", reason="it was a mistake", id="no")


def based(directory: Path) -> Repository:
    """A branch on top of a base whose log has a record and its signature."""
    repository = build(directory, OLD)
    repository.git("rebase", "-q", "main")
    return repository


def found(outcome: Outcome) -> set[tuple[str, str]]:
    """Path and message of what is wrong with the log."""
    return {
        (one["location"]["path"], one["message"])
        for one in outcome.report["findings"]
        if one["code"] == "APR001" and one["severity"] == "error"
    }


@pytest.mark.parametrize("suffix", [".json", ".json.sig"])
@pytest.mark.parametrize("arguments", [(), ENFORCED])
def test_a_record_of_the_base_is_not_touched(suffix: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    repository = based(tmp_path)
    assert check(repository, *arguments).state("APR001") == "not-applicable"
    path = f"{LOG}/{repository.names['old']}{suffix}"
    start = repository.oid("main")[:12]
    changes: list[tuple[Callable[[], None], str]] = [
        (lambda: repository.write(path, repository.read(path) + b"\n"), "is modified"),
        (lambda: repository.delete(path), "is deleted"),
        (lambda: repository.rename(path, f"{LOG}/{'0' * 64}{suffix}"), "is deleted"),
        (lambda: repository.executable(path), "is modified"),
        (lambda: repository.symlink(path, "../../src/a"), "is no plain file any more"),
    ]
    for change, message in changes:
        change()
        repository.commit("chore: tidy")
        outcome = check(repository, *arguments)
        assert outcome.exit_code == 1
        assert any(at == path and text.startswith(f"{path} {message}") for at, text in found(outcome))
        helps = [one["help"] for one in outcome.report["findings"] if one["location"]["path"] == path]
        assert any(f"git checkout {start} -- {path}" in text or "git reset --keep" in text for text in helps)
        repository.git("reset", "-q", "--hard", "HEAD^")


@pytest.mark.parametrize(("name", "codes"), [("one", set()), ("no", {"APR001"})])
def test_a_hook_lets_a_branch_take_out_its_own_approval(name: str, codes: set[str], tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, id="one"), *([REVOKED] if name == "no" else []))
    repository.git("rm", "-q", f"{LOG}/{repository.names[name]}.json*")
    assert set(errors(check(repository, "--staged"))) == codes
    repository.commit("chore: take it out")
    assert set(errors(check(repository, *ENFORCED))) == (codes or {"PTH002"})


@pytest.mark.parametrize(
    ("edits", "reason"),
    [
        ({'"reason": "the': '"reason": "a'}, "its name is not the sha256 of its content"),
        ({'"target": "main"': '"target": "main "'}, "its name is not the sha256 of its content"),
    ],
)
def test_an_edited_record_is_none(edits: dict[str, str], reason: str, tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, edits=edits))
    outcome = check(repository, *ENFORCED)
    assert {"APR001", "PTH002"} == set(errors(outcome))
    assert reason in said(outcome, "APR001")


@pytest.mark.parametrize("keep", [0, 1, 40, -1, -2])
def test_a_record_that_was_cut_is_seen_and_loses_no_other(keep: int, tmp_path: Path) -> None:
    repository = build(
        tmp_path, replace(SIGNED, id="one"), replace(ALICE, reason="another good reason", id="two")
    )
    path = f"{LOG}/{repository.names['two']}.json"
    repository.write(path, repository.read(path)[:keep])
    repository.commit("chore: approve", amend=True)
    outcome = check(repository, *ENFORCED)
    assert errors(outcome) == ["APR001"]
    assert outcome.state("PTH002") == "approved"
    ((at, text),) = found(outcome)
    assert at == path
    assert "it was changed, cut or renamed" in text


def test_one_byte_of_the_log_undoes_it(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    record = f"{LOG}/{repository.names['approval']}.json"
    content = repository.read(record)
    for position in range(0, len(content), 97):
        repository.write(
            record, content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
        )
        repository.commit("chore: approve", amend=True)
        assert set(errors(check(repository, *ENFORCED))) == {"APR001", "PTH002"}
    repository.write(record, content)
    repository.commit("chore: approve", amend=True)
    approved(check(repository, *ENFORCED))


@pytest.mark.parametrize(
    ("files", "symlinks", "path", "reason"),
    [
        ({f"{LOG}/README.md": "x"}, {}, f"{LOG}/README.md", "its name is not a record's"),
        ({NONE: "{}"}, {}, NONE, "its name is not the sha256"),
        (
            {f"{NONE}.sig": "x"},
            {},
            f"{NONE}.sig",
            "there is no record that it signs",
        ),
        ({f"{LOG}/more/x.json": "x"}, {}, f"{LOG}/more", "its name is not a record's"),
        ({}, {NONE: "../../src/a"}, NONE, "is no plain file"),
        ({LOG: "x"}, {}, LOG, "takes the place of the log of approvals"),
        ({}, {LOG: "../docs"}, LOG, "takes the place of the log of approvals"),
        ({}, {".specguard": "docs"}, ".specguard", "takes the place of the log of approvals"),
    ],
)
def test_nothing_else_is_in_the_folder(
    files: dict[str, str], symlinks: dict[str, str], path: str, reason: str, tmp_path: Path
) -> None:
    repository = build(tmp_path)
    for name, content in files.items():
        repository.write(name, content)
    for name, target in symlinks.items():
        repository.symlink(name, target)
    repository.commit("chore: more")
    outcome = check(repository, *ENFORCED)
    assert "APR001" in errors(outcome), outcome
    (one,) = found(outcome)
    assert one[0] == path
    assert reason in one[1]


def test_an_executable_is_no_record(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    repository.executable(f"{LOG}/{repository.names['approval']}.json")
    repository.commit("chore: approve", amend=True)
    outcome = check(repository, *ENFORCED)
    assert "is executable" in said(outcome, "APR001")
    assert outcome.exit_code == 1


def test_a_broken_file_of_the_working_tree_is_a_warning(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    repository.write(f"{LOG}/notes.txt", "x")
    repository.write(f"{LOG}/.{'0' * 64}.json.0123456789abcdef.partial", "{")
    outcome = check(repository, *ENFORCED)
    assert outcome.exit_code == 0, outcome
    (finding,) = (one for one in outcome.report["findings"] if one["code"] == "APR001")
    assert (finding["severity"], finding["location"]["path"]) == ("warning", f"{LOG}/notes.txt")


def test_what_is_broken_in_the_base_may_be_mended(tmp_path: Path) -> None:
    repository = build(tmp_path, replace(OLD, edits={"partner": "customer"}))
    repository.git("rebase", "-q", "main")
    assert check(repository, *ENFORCED).state("APR001") == "not-applicable"
    path = f"{LOG}/{repository.names['old']}.json"
    repository.write(path, repository.read(path).replace(b"customer", b"partner"))
    repository.commit("fix: mend the log")
    assert found(check(repository, *ENFORCED)) == set()
    repository.delete(path)
    repository.commit("fix: mend the log", amend=True)
    assert found(check(repository, *ENFORCED)) == {
        (f"{path}.sig", f"{path}.sig is no record: there is no record that it signs")
    }


def test_an_approval_of_the_branch_may_go_and_lifts_nothing_then(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    repository.delete(LOG)
    repository.commit("chore: think again")
    outcome = check(repository, *ENFORCED)
    assert errors(outcome) == ["PTH002"]


@pytest.mark.parametrize("sign", ["", "key"])
@pytest.mark.parametrize("place", ["head", "base", "local"])
def test_a_revocation_ends_an_approval_wherever_it_is(place: str, sign: str, tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, id="one"), replace(REVOKED, place=place, sign=sign))
    outcome = check(repository, *ENFORCED)
    assert errors(outcome) == ["PTH002"]
    (lift,) = outcome.report["findings"][0]["approvals"]
    assert lift["refusals"] == ["it was revoked: it was a mistake"]


def test_a_revocation_ends_one_of_the_base_too(tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, id="one", place="base"), REVOKED)
    assert errors(check(repository, *ENFORCED)) == ["PTH002"]


@pytest.mark.parametrize("how", ["deleted", "edited first", "lost in a merge"])
def test_a_revocation_is_not_taken_away_again(how: str, tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, id="one"), REVOKED)
    path = f"{LOG}/{repository.names['no']}.json"
    if how == "lost in a merge":
        repository.git("branch", "side", "HEAD^")
        repository.merge("side", "main", message="chore: merge", delete=[path])
    elif how == "edited first":
        repository.commit("chore: tidy", files={path: "{}"})
    if how != "lost in a merge":
        repository.delete(path)
        repository.commit("chore: tidy")
    assert not (repository.path / path).exists()
    outcome = check(repository, *ENFORCED)
    assert "APR001" in errors(outcome), outcome
    assert "is a revocation, and commit" in said(outcome, "APR001")
    assert outcome.state("PTH002") == "approved"


@pytest.mark.parametrize("later", ["", "a commit", "a merge"])
@pytest.mark.parametrize(
    "how", ["deleted", "deleted with more", "edited first", "lost in a merge", "lost of the second parent"]
)
def test_a_revocation_that_was_taken_away_is_put_back(how: str, later: str, tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, id="one"), REVOKED)
    path = f"{LOG}/{repository.names['no']}.json"
    ours = repository.git("branch", "--show-current").strip()
    if how.startswith("lost"):
        there, other = repository.oid(), repository.oid("HEAD^")
        if how == "lost of the second parent":
            there, other = other, there
        repository.git("checkout", "-q", "-b", "side", other)
        repository.commit("feat: side", files={"side": "1\n"})
        repository.checkout(ours)
        repository.git("reset", "-q", "--hard", there)
        repository.commit("feat: more", files={"more": "1\n"})
        repository.merge("side", message="chore: merge", delete=[path])
    else:
        if how == "edited first":
            repository.commit("chore: tidy", files={path: "{}"})
        repository.delete(path)
        repository.commit("chore: tidy", files={"more": "1\n"} if how == "deleted with more" else {})
    if later:
        repository.git("checkout", "-q", "-b", "beside")
        repository.commit("feat: beside", files={"beside": "1\n"})
        repository.checkout(ours)
        repository.git("merge", "-q", "--no-ff" if later == "a merge" else "--ff-only", "beside")
    shape = repository.git("log", "--format=%s")
    [step] = [one["help"] for one in check(repository).report["findings"] if one["code"] == "APR001"]
    typed(repository, step)
    assert check(repository).state("APR001") == "passed"
    assert (repository.path / path).exists()
    if how not in ("deleted", "edited first"):
        assert repository.git("log", "--format=%s") == shape


def test_with_squash_merges_only_what_lands_counts(tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, id="one"), REVOKED, policy=f'merge = "squash"\n{POLICY}')
    repository.delete(f"{LOG}/{repository.names['no']}.json")
    repository.commit("chore: tidy")
    approved(check(repository, *ENFORCED))


def test_two_branches_with_approvals_merge(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    repository.git("branch", "other", "main")
    repository.checkout("other")
    repository.commit("feat: other", files={"docs/api/y.yaml": "two\n"}, author="Dora <dora@example.org>")
    grant(repository, BOB)
    approved(check(repository, *ENFORCED))
    repository.checkout("main")
    repository.merge("other", message="feat: other (#1)")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.checkout("work")
    approved(check(repository, *ENFORCED))
    repository.merge("main", message="chore: merge main")
    outcome = check(repository, *ENFORCED)
    approved(outcome)
    assert found(outcome) == set()


def test_the_log_may_be_elsewhere(tmp_path: Path) -> None:
    policy = POLICY.replace("max_days = 30", 'log = "docs/decisions"')
    repository = build(tmp_path, SIGNED, policy=policy)
    assert repository.read(f"docs/decisions/{repository.names['approval']}.json")
    approved(check(repository, *ENFORCED))
    repository.write("docs/decisions/x.md", "x")
    repository.commit("docs: more")
    assert "APR001" in errors(check(repository, *ENFORCED))


def test_a_lock_on_the_folder_lets_records_in_and_nothing_else(tmp_path: Path) -> None:
    policy = POLICY.replace('"ci/"]', '"ci/", ".specguard/"]')
    repository = build(tmp_path, SIGNED, policy=policy)
    approved(check(repository, *ENFORCED))
    repository.write(f"{LOG}/x.json", "{}")
    repository.commit("chore: more")
    outcome = check(repository, *ENFORCED)
    assert f"{LOG}/x.json was added; .specguard/ is locked" in said(outcome, "PTH002")
    repository.git("reset", "-q", "--hard", "HEAD^")
    repository.delete(LOG)
    repository.commit("chore: think again")
    outcome = check(repository, *ENFORCED)
    assert said(outcome, "PTH002") == f"{LOCKED} was modified; docs/api/ is locked"


def test_no_approval_lifts_what_is_said_of_approvals(tmp_path: Path) -> None:
    change = replace(CHANGE, files={LOCKED: "two\n", f"{LOG}/x.json": "{}"})
    outcome = judge(tmp_path, replace(SIGNED, rules=["PTH002", "APR001"]), commits=[change], args=ENFORCED)
    assert set(errors(outcome)) == {"APR001", "APR007", "PTH002"}
    assert "no approval lifts APR001" in said(outcome, "APR007")


def test_a_log_whose_change_is_not_known_is_not_taken_for_untouched(tmp_path: Path) -> None:
    repository = build(tmp_path)
    repository.orphan("elsewhere")
    repository.commit("feat: other", files={"x": "x\n"})
    outcome = check(repository, "--select=APR", "--base=main")
    assert outcome.exit_code == 2, outcome
    assert outcome.state("APR001") == "indeterminate"
