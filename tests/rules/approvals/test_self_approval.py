"""APR005: nobody approves their own change, whatever they call themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from specguard.testing import Step
from specguard.testing.case import private_key
from tests.rules.approvals.setting import (
    CHANGE,
    ENFORCED,
    LOCKED,
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

if TYPE_CHECKING:
    from pathlib import Path

CLEO = "Cleo <cleo@example.org>"


@pytest.mark.parametrize(
    "who",
    [
        "Alice <alice@example.org>",
        "A <ALICE@Example.ORG>",
        "A <alice+work@example.org>",
        "A <12345+Alice-at-work@users.noreply.github.com>",
        "A <alice-at-work@users.noreply.github.com>",
        "Alice <somebody@else.example>",
        "ALICE <somebody@else.example>",
    ],
)
@pytest.mark.parametrize("part", ["author", "committer", "co-author"])
def test_whoever_had_a_part_does_not_approve(who: str, part: str, tmp_path: Path) -> None:
    if part == "co-author":
        change = replace(CHANGE, message=f"feat: change\n\nco-authored-by: {who}\n")
    elif part == "author":
        change = replace(CHANGE, author=who, committer=CLEO)
    else:
        change = replace(CHANGE, committer=who)
    repository = build(tmp_path, SIGNED, commits=[change])
    for arguments in ((), ENFORCED):
        refused(
            check(repository, *arguments), "APR005", f"alice is {'a' if '-' in part else 'the'} {part} of"
        )


@pytest.mark.parametrize(
    "who", ["Alicia <alicia@example.org>", "A <malice@example.org>", "A <1+alice@users.noreply.github.com>"]
)
def test_somebody_else_may(who: str, tmp_path: Path) -> None:
    approved(judge(tmp_path, SIGNED, commits=[replace(CHANGE, author=who)], args=ENFORCED))


def test_any_commit_of_the_change_counts(tmp_path: Path) -> None:
    more = replace(CHANGE, files={"src/a": "c\n"}, author="Alice <alice@example.org>")
    refused(judge(tmp_path, SIGNED, commits=[CHANGE, more], args=ENFORCED), "APR005", "by the address")


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


def test_the_author_of_the_pull_request_does_not_approve(tmp_path: Path) -> None:
    event = {
        "action": "opened",
        "pull_request": {
            "title": "feat: change",
            "body": "",
            "user": {"login": "ALICE-at-work"},
            "base": {"ref": "main", "sha": "{base}"},
            "head": {"ref": "work", "sha": "{head}"},
        },
    }
    refused(
        judge(tmp_path, SIGNED, event=event, args=("--enforce",)), "APR005", "the author of the pull request"
    )


def test_whoever_files_an_approval_has_no_part_in_the_change(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    repository.git(
        "commit", "-q", "--amend", "--reset-author", "-m", "chore: approve",
        environment={"GIT_AUTHOR_EMAIL": "alice@example.org", "GIT_COMMITTER_EMAIL": "alice@example.org"},
    )  # fmt: skip
    approved(check(repository, *ENFORCED))
    repository.commit("feat: nothing", author="Alice <alice@example.org>")
    refused(check(repository, "--ignore=CMT"), "APR005", "by the address alice@example.org")


@pytest.mark.parametrize("arguments", [(), ENFORCED])
def test_where_nobody_can_tell_whose_a_commit_is_nothing_passes(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    outcome = judge(tmp_path, SIGNED, commits=[replace(CHANGE, author="Nobody <>")], args=arguments)
    assert outcome.exit_code == 2, outcome
    assert outcome.state("APR005") == "indeterminate"
    assert errors(outcome) == ["PTH002"]
    assert "has no address" in outcome.stdout


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
