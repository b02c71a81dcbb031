"""APR001 and APR006: the log only grows by whole records, and what an approval is bound to ends it.

`tests/cases/approvals/replaced.toml` has what takes the place of an older one.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from specguard.testing import Grant, Outcome, Repository, Step
from tests.outcomes import ended
from tests.rows import rows
from tests.rules.approvals.setting import (
    ALICE,
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
    refused,
    said,
)
from tests.rules.test_next_steps import typed

OLD = replace(SIGNED, place="base", fingerprint="0" * 64, id="old")
REVOKED = Grant(revokes="one", reason="it was a mistake", id="no")


def found(outcome: Outcome) -> set[tuple[str, str]]:
    """Path and message of what is wrong with the log."""
    return {
        (one["location"]["path"], one["message"])
        for one in outcome.report["findings"]
        if one["code"] == "APR001" and one["severity"] == "error"
    }


def test_a_record_of_the_base_is_not_touched(tmp_path: Path) -> None:
    repository = build(tmp_path, OLD)
    repository.git("rebase", "-q", "main")
    start = repository.oid("main")[:12]
    for suffix, arguments in ((".json", ENFORCED), (".json.sig", ())):
        assert check(repository, *arguments).state("APR001") == "not-applicable"
        path = f"{LOG}/{repository.names['old']}{suffix}"
        changes: list[tuple[Callable[..., None], list[bytes | str], str]] = [
            (repository.write, [path, repository.read(path) + b"\n"], "is modified"),
            (repository.rename, [path, f"{LOG}/{'0' * 64}{suffix}"], "is deleted"),
            (repository.executable, [path], "is modified"),
            (repository.symlink, [path, "../../src/a"], "is a link or executable"),
        ]
        for change, words, message in changes:
            change(*words)
            repository.commit("chore: tidy")
            outcome = check(repository, *arguments)
            able = [rule["approvers"] for rule in outcome.report["rules"] if rule["code"] == "PTH004"]
            assert (outcome.exit_code, able) == (1, [[]])
            assert any(at == path and text.startswith(f"{path} {message}") for at, text in found(outcome))
            helps = [one["help"] for one in outcome.report["findings"] if path in one["location"]["path"]]
            assert all(f"git checkout {start} -- {path}" in one or "git reset --keep" in one for one in helps)
            repository.git("reset", "-q", "--hard", "HEAD^")


def test_what_is_cut_changed_or_executable_is_seen_and_loses_no_other(tmp_path: Path) -> None:
    other = replace(ALICE, reason="another good reason", id="two")
    repository = build(tmp_path, replace(SIGNED, id="one"), other)
    path = f"{LOG}/{repository.names['two']}.json"
    whole = repository.read(path)
    for content in (b"", whole[:40], whole[:-1], *(_flipped(whole, at) for at in range(0, len(whole), 197))):
        repository.write(path, content)
        repository.commit("chore: approve", amend=True)
        outcome = check(repository, *ENFORCED)
        assert errors(outcome) == ["APR001"]
        assert outcome.state("PTH002") == "approved"
        ((at, text),) = found(outcome)
        assert (at, "it was changed, cut, renamed or formatted" in text) == (path, True)
    repository.write(path, whole)
    repository.executable(path)
    repository.commit("chore: approve", amend=True)
    assert "is a link or executable" in said(check(repository, *ENFORCED), "APR001")
    repository.executable(path, on=False)
    one = f"{LOG}/{repository.names['one']}.json"
    repository.write(one, _flipped(repository.read(one), 97))
    repository.commit("chore: approve", amend=True)
    assert {"APR001", "PTH002"} <= set(errors(check(repository, *ENFORCED)))


def _flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def test_a_revocation_says_why(tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, id="one"), REVOKED)
    outcome = check(repository, *ENFORCED)
    assert errors(outcome) == ["PTH002"]
    (lift,) = outcome.report["findings"][0]["approvals"]
    assert lift["refusals"] == ["alice revoked it: it was a mistake"]


@pytest.mark.parametrize(("how", "later"), rows(__file__, "taken_away"))
def test_a_revocation_that_was_taken_away_counts_no_more_and_is_put_back(
    how: str, later: str, tmp_path: Path
) -> None:
    repository = build(tmp_path, replace(SIGNED, id="one"), REVOKED)
    path = f"{LOG}/{repository.names['no']}.json"
    if how.startswith("lost"):
        there, other = repository.oid(), repository.oid("HEAD^")
        if how == "lost of the second parent":
            there, other = other, there
        repository.git("checkout", "-q", "-b", "side", other)
        repository.commit("feat: side", files={"side": "1\n"})
        repository.checkout("work")
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
        repository.checkout("work")
        repository.git("merge", "-q", "--no-ff" if later == "a merge" else "--ff-only", "beside")
    assert not (repository.path / path).exists()
    shape = repository.git("log", "--format=%s")
    outcome = check(repository)
    assert "APR001" in errors(outcome), outcome
    assert "is a revocation, and commit" in said(outcome, "APR001")
    assert "APR001" in errors(check(repository, *ENFORCED))
    if how in ("deleted", "edited first") and not later:
        assert outcome.state("PTH002") == "approved"
    [step] = [one["help"] for one in outcome.report["findings"] if one["code"] == "APR001"]
    typed(repository, step)
    assert check(repository).state("APR001") == "passed"
    assert (repository.path / path).exists()
    if how not in ("deleted", "edited first"):
        assert repository.git("log", "--format=%s") == shape


@pytest.mark.parametrize(("name", "codes"), [("one", set()), ("no", {"APR001"})])
def test_a_hook_lets_a_branch_take_out_its_own_approval(name: str, codes: set[str], tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, id="one"), *([REVOKED] if name == "no" else []))
    repository.git("rm", "-q", f"{LOG}/{repository.names[name]}.json*")
    assert set(errors(check(repository, "--staged"))) == codes
    repository.commit("chore: take it out")
    assert set(errors(check(repository, *ENFORCED))) == (codes or {"PTH002"})


def test_a_broken_file_of_the_working_tree_is_a_warning(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    repository.write(f"{LOG}/notes.txt", "x")
    repository.write(f"{LOG}/.{'0' * 64}.json.0123456789abcdef.partial", "{")
    outcome = ended(check(repository, *ENFORCED))
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
        (f"{path}.sig", f"{path}.sig is not a record: there is no record that it signs")
    }


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


def test_a_log_whose_change_is_not_known_is_not_taken_for_untouched(tmp_path: Path) -> None:
    repository = build(tmp_path)
    repository.orphan("elsewhere")
    repository.commit("feat: other", files={"x": "x\n"})
    outcome = ended(check(repository, "--select=APR", "--base=main"), 2)
    assert outcome.state("APR001") == "indeterminate"


PATHS = replace(SIGNED, scope="paths")
AGAIN = "it was given for another content of"


def test_one_byte_or_a_mode_ends_it(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    for path in (LOCKED, "src/a", "new", ""):
        if path:
            repository.write(path, "three\n")
        else:
            repository.executable("src/a")
        repository.commit("fix: more")
        refused(check(repository, *ENFORCED), "APR006", f"{AGAIN} the change")
        repository.git("revert", "-n", "HEAD")
        repository.commit("fix: less")
    approved(check(repository, *ENFORCED))


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


def test_what_moves_in_the_base_leaves_it_alone_but_for_the_policy(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    forward(repository, **{"docs/other.md": "x\n"})
    approved(check(repository, *ENFORCED))
    repository.git("rebase", "-q", "main")
    approved(check(repository, *ENFORCED))
    forward(repository, **{"SPEC_AUTHORITY.md": document(POLICY).replace("# Authority", "# Our authority")})
    approved(check(repository, *ENFORCED))
    forward(repository, **{"SPEC_AUTHORITY.md": document(POLICY.replace("max_days = 30", "max_days = 31"))})
    refused(check(repository, *ENFORCED), "APR006", "it was given under another policy")


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


def test_an_approval_of_the_base_is_the_past(tmp_path: Path) -> None:
    old = replace(SIGNED, place="base")
    repository = build(tmp_path, old)
    approved(check(repository, *ENFORCED))
    repository.commit("fix: more", files={LOCKED: "three\n"})
    outcome = check(repository, *ENFORCED)
    assert errors(outcome) == ["PTH002"]
    assert outcome.report["findings"][0]["approvals"] == []


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
    outcome = ended(check(repository, "--staged"))
    assert outcome.report["findings"] == []
