"""APR002, APR003 and APR005: who may approve, what proves that they did, and where nobody can tell."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Grant, Step
from specguard.testing.case import private_key
from tests.outcomes import ended
from tests.rules.approvals.setting import (
    ALICE,
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
    refused,
)


def test_a_signature_of_another_record_proves_nothing(tmp_path: Path) -> None:
    repository = build(
        tmp_path, replace(SIGNED, id="one"), replace(ALICE, id="two", rules=["PTH002", "BRN001"])
    )
    one, two = (f"{LOG}/{repository.names[name]}.json" for name in ("one", "two"))
    repository.rename(f"{one}.sig", f"{two}.sig")
    repository.delete(one)
    repository.commit("chore: approve", amend=True)
    refused(check(repository, *ENFORCED), "APR002", "its signature is by no key of alice")


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


CLEO = "Cleo <cleo@example.org>"


def test_whoever_signs_commits_with_the_approvers_key_is_the_approver(tmp_path: Path) -> None:
    repository = build(tmp_path, commits=[])
    repository.write(LOCKED, "two\n")
    repository.stage()
    words = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={private_key('key')}"]
    environment = {"GIT_AUTHOR_NAME": "C", "GIT_AUTHOR_EMAIL": "c@x.org"}
    environment |= {"GIT_COMMITTER_NAME": "C", "GIT_COMMITTER_EMAIL": "c@x.org"}
    repository.git(*words, "commit", "-q", "-S", "-m", "feat: change", environment=environment)
    assert "gpgsig" in repository.git("cat-file", "commit", "HEAD")
    grant(repository, SIGNED)
    refused(check(repository), "APR005", "by the key that it is signed with")


def test_whoever_files_an_approval_has_no_part_in_the_change(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    alice = {"GIT_AUTHOR_EMAIL": "alice@example.org", "GIT_COMMITTER_EMAIL": "alice@example.org"}
    repository.git("reset", "-q", "--soft", "HEAD~1")
    assert check(repository, "--staged", env=alice).exit_code == 0
    repository.git("commit", "-q", "-m", "chore: approve", environment=alice)
    approved(check(repository, *ENFORCED))
    repository.commit("feat: nothing", author="Alice <alice@example.org>")
    refused(check(repository, "--ignore=CMT"), "APR005", "by the address alice@example.org")


def test_before_there_is_a_commit_it_is_whoever_would_make_it(tmp_path: Path) -> None:
    staged = Step(files={LOCKED: "two\n"})
    repository = build(tmp_path, SIGNED, commits=[], staged=staged)
    assert check(repository, "--staged").state("PTH002") == "approved"
    for name, who in (("user.email", "Alice@example.org"), ("author.name", "alice"), ("user.name", "ALICE")):
        repository.git("config", name, who)
        refused(check(repository, "--staged"), "APR005", "alice is the author of what is to be committed")
        repository.git("config", "--unset", name)
    for name in ("GIT_AUTHOR_EMAIL", "EMAIL"):
        outcome = check(repository, "--staged", env={name: "alice@example.org"})
        refused(outcome, "APR005", "the author of what is to be committed")
    # As for git, what is configured comes before the last resort.
    repository.git("config", "user.email", "cleo@example.org")
    outcome = check(repository, "--staged", env={"EMAIL": "alice@example.org"})
    assert outcome.state("PTH002") == "approved"


def test_a_squash_names_whoever_filed_the_approval_as_a_co_author(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED, policy=f'merge = "squash"\n{POLICY}')
    repository.git("reset", "-q", "--soft", "main")
    message = "feat: change\n\nCo-authored-by: Alice <alice@example.org>\n"
    repository.commit(message, author=CLEO, stage=False)
    approved(check(repository, *ENFORCED))


def test_without_a_clock_nobody_can_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = build(tmp_path, SIGNED)
    monkeypatch.setattr("specguard.engine.facts.RELEASE_YEAR", 9999)
    outcome = ended(check(repository, *ENFORCED), 2)
    assert outcome.state("APR003") == "indeterminate"
    assert errors(outcome) == ["PTH002"]
    assert "the clock" in outcome.stdout


def test_without_ssh_keygen_nobody_can_tell(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(shutil.which("git") or "")
    for arguments in ((), ENFORCED):
        outcome = ended(check(repository, *arguments, env={"PATH": str(tmp_path / "bin")}), 2)
        assert outcome.state("APR002") == "indeterminate"
        assert errors(outcome) == ["PTH002"]
        assert "ssh-keygen is not there" in outcome.stdout
