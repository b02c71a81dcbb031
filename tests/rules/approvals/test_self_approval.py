"""APR005: nobody approves their own change, whatever they call themselves."""

from pathlib import Path

from specguard.testing import Step
from specguard.testing.case import private_key
from tests.rules.approvals.setting import (
    ENFORCED,
    LOCKED,
    POLICY,
    SIGNED,
    approved,
    build,
    check,
    grant,
    refused,
)

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
    repository.git(
        "commit", "-q", "--amend", "--reset-author", "-m", "chore: approve",
        environment={"GIT_AUTHOR_EMAIL": "alice@example.org", "GIT_COMMITTER_EMAIL": "alice@example.org"},
    )  # fmt: skip
    approved(check(repository, *ENFORCED))
    repository.commit("feat: nothing", author="Alice <alice@example.org>")
    refused(check(repository, "--ignore=CMT"), "APR005", "by the address alice@example.org")


def test_before_there_is_a_commit_it_is_whoever_would_make_it(tmp_path: Path) -> None:
    staged = Step(files={LOCKED: "two\n"})
    repository = build(tmp_path, SIGNED, commits=[], staged=staged)
    assert check(repository, "--staged").state("PTH002") == "approved"
    for name, value in (
        ("user.email", "Alice@example.org"),
        ("author.name", "alice"),
        ("user.name", "ALICE"),
    ):
        repository.git("config", name, value)
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
