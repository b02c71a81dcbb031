"""Changes that try to get past the rules about commits, branches and pushes, by the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.testing import Outcome, Repository, run_here
from tests.threats.cases import threat

if TYPE_CHECKING:
    from pathlib import Path

AUTHORITY = """\
# Authority

```toml specguard
base = "main"

[rules.locked-path]
paths = ["locked/", "SPEC_AUTHORITY.md"]

[rules.commit-count]
exactly = 1

[rules.commit-message]
conventional = true

[rules.commit-form]
authors = ["@example[.]org>$"]

[rules.protected-branch]
branches = ["main"]

[[rules.missing-trailer.require]]
key = "Work-Item"
value = "^A-[0-9]+$"
```
"""
MESSAGE = "feat: change\n\nWork-Item: A-1\n"
ZERO = "0" * 40


@pytest.fixture
def repo(repository: Repository) -> Repository:
    """A base with a locked folder, published, and a branch to work on."""
    files = {"SPEC_AUTHORITY.md": AUTHORITY, "locked/p": "policy\n", "src/a": "a\n"}
    repository.commit("chore: base", files=files)
    repository.remote()
    repository.publish(head=True)
    repository.branch("work")
    return repository


def check(repo: Repository, *arguments: str, stdin: str = "") -> Outcome:
    return run_here("check", "--output-format=json", *arguments, directory=repo.path, stdin=stdin)


def errors(outcome: Outcome) -> set[str]:
    """The codes of the findings that fail the check."""
    return {
        finding["code"]
        for report in outcome.reports
        for finding in report["findings"]
        if finding["severity"] == "error"
    }


def fails(repo: Repository, *codes: str) -> Outcome:
    """The branch fails with errors of exactly these rules."""
    outcome = check(repo)
    assert errors(outcome) == set(codes), outcome
    assert outcome.exit_code == 1
    return outcome


def passes(repo: Repository, *arguments: str) -> Outcome:
    outcome = check(repo, *arguments)
    assert outcome.exit_code == 0, outcome
    return outcome


def rewrite(repo: Repository, old: bytes, new: bytes) -> str:
    """Make the last commit again with other bytes, which git itself would not write."""
    raw = repo.process("cat-file", "commit", "HEAD").stdout
    assert old in raw
    oid = repo.git(
        "hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=raw.replace(old, new, 1)
    )
    repo.git("reset", "-q", "--soft", oid)
    return oid


def test_what_is_right_passes(repo: Repository) -> None:
    repo.commit(MESSAGE, files={"src/a": "b\n"})
    passes(repo)


# T40 to T42: what commits hide


@threat("T40", "a locked file altered within a merge", "exit 1: PTH002, CMT004")
def test_t40_content_hidden_in_a_merge(repo: Repository) -> None:
    repo.branch("side", "main")
    repo.commit("feat: side", files={"src/side": "s\n"})
    repo.branch("other", "main")
    repo.commit("feat: other", files={"src/other": "o\n"})
    repo.merge("side", files={"locked/p": "EVIL\n"})
    outcome = check(repo, "--ignore=CMT001,CMT006")
    found = {(one["code"], one["location"]["path"]) for one in outcome.report["findings"]}
    assert {("PTH002", "locked/p"), ("CMT004", "locked/p")} <= found
    assert outcome.exit_code == 1


def test_t40_an_evil_merge_that_is_undone_later(repo: Repository) -> None:
    repo.branch("side", "main")
    repo.commit(MESSAGE, files={"src/side": "s\n"})
    repo.branch("other", "main")
    repo.commit(MESSAGE, files={"src/other": "o\n"})
    repo.merge("side", files={"src/a": "EVIL\n"})
    repo.commit(MESSAGE, files={"src/a": "a\n"})
    outcome = check(repo)
    assert "CMT004" in errors(outcome)
    assert outcome.exit_code == 1


@threat("T41", "a locked file touched and put back later", "exit 1: CMT001, PTH002")
def test_t41_touched_and_reverted(repo: Repository) -> None:
    repo.commit(MESSAGE, files={"locked/p": "EVIL\n"})
    repo.commit(MESSAGE, files={"locked/p": "policy\n"})
    # Each commit is judged too, so the path is found although the net change is empty.
    outcome = fails(repo, "CMT001", "PTH002")
    assert outcome.report["change"]["entries"] == 0


@threat("T42", "the base merged into the branch, where one commit is asked for", "exit 1: CMT001")
def test_t42_the_base_merged_into_the_branch(repo: Repository) -> None:
    repo.commit(MESSAGE, files={"src/a": "b\n"})
    repo.checkout("main")
    repo.commit("feat: later", files={"src/later": "l\n"})
    repo.publish()
    repo.checkout("work")
    repo.merge("main")
    outcome = fails(repo, "CMT001")
    assert "and this one has 2: " in outcome.report["findings"][0]["message"]


# T45 to T50: messages


@threat("T45", "an empty commit with an empty message", "exit 1: CMT002, CMT003, CMT005, CMT006")
def test_t45_an_empty_commit_with_an_empty_message(repo: Repository) -> None:
    repo.commit("")
    fails(repo, "CMT002", "CMT003", "CMT005", "CMT006")


@pytest.mark.parametrize("word", ["fixup", "squash", "amend"])
@threat("T46", "a commit `fixup!`, `squash!` or `amend!`", "exit 1: CMT005")
def test_t46_a_commit_that_waits_to_be_squashed(repo: Repository, word: str) -> None:
    repo.commit(f"{word}! {MESSAGE}", files={"src/a": "b\n"})
    outcome = check(repo)
    assert "CMT005" in errors(outcome)
    assert outcome.exit_code == 1


@pytest.mark.parametrize("text", [b"feat: \xe9", b"feat: x"])
@threat("T48", "a message in an encoding that does not exist", "exit 1: CMT003")
def test_t48_an_encoding_that_does_not_exist(repo: Repository, text: bytes) -> None:
    repo.commit(text + b"\n\nWork-Item: A-1\n", files={"src/a": "b\n"})
    rewrite(repo, b"\n\nfeat", b"\nencoding BOGUS-7\n\nfeat")
    repo.git("config", "i18n.logOutputEncoding", "UTF-16")
    outcome = fails(repo, "CMT003")
    assert "BOGUS-7" in outcome.stdout


@threat("T48", "a message that is not UTF-8", "exit 1: CMT003")
def test_t48_bytes_that_are_no_text(repo: Repository) -> None:
    repo.commit("feat: bytes\n\nWork-Item: A-1\n", files={"src/a": "b\n"})
    # Git itself would take the bytes for Latin-1 and write them as UTF-8.
    rewrite(repo, b"feat: bytes", b"feat: \xff\xfe")
    outcome = fails(repo, "CMT003")
    assert "\\\\xff" in outcome.stdout


@pytest.mark.parametrize("size", [3_000, 100_000])
@threat("T50", "a subject of many thousand characters", "exit 1: CMT003")
def test_t50_a_huge_message(repo: Repository, size: int) -> None:
    repo.commit("feat: x" * size + "\n\nWork-Item: A-1\n", files={"src/a": "b\n"})
    outcome = fails(repo, "CMT003")
    assert "more characters" in outcome.stdout
    assert len(outcome.stdout) < 100_000


# T51: trailers


@pytest.mark.parametrize(
    "body",
    [
        "Work-Item: A-1\n\nWork-Item: A-2",
        "Work-Item: A-1\nWork-Item: A-2",
        "Work-Item: A-1\n---\nWork-Item: A-2",
        "Work-Item: A-1\n\n---\n\nsrc/a | 2 +-",
        "WI: A-1",
        "Work-Item: A-1\n\nand more",
    ],
)
@threat("T51", "a trailer given twice, behind a divider, or by another name", "exit 1: CMT006")
def test_t51_a_trailer_that_can_be_read_twice(repo: Repository, body: str) -> None:
    repo.git("config", "trailer.wi.key", "Work-Item: ")
    repo.git("config", "trailer.separators", "")
    repo.commit(f"feat: change\n\n{body}\n", files={"src/a": "b\n"})
    fails(repo, "CMT006")


# T52 to T54: who and when


@threat("T52", "an author whom a mailmap makes another", "exit 1: CMT003")
def test_t52_an_author_that_a_mailmap_would_rename(repo: Repository) -> None:
    mailmap = "Ann Example <ann@example.org> <root@evil.net>\n"
    repo.commit(MESSAGE, files={".mailmap": mailmap}, author="Root <root@evil.net>")
    repo.git("config", "log.mailmap", "true")
    outcome = fails(repo, "CMT003")
    assert "root@evil.net" in outcome.stdout


@threat("T53", "commits dated long ago or ahead", "exit 1: PTH002")
def test_t53_dates_have_no_say(repo: Repository) -> None:
    repo.commit(MESSAGE, files={"locked/p": "EVIL\n"}, date=978_307_200)
    fails(repo, "PTH002")
    repo.commit(MESSAGE, files={"locked/p": "policy\n", "src/a": "b\n"}, date=4_000_000_000, amend=True)
    passes(repo)


@threat("T54", "a signed commit, and a program that would check it", "exit 0")
def test_t54_a_signature_runs_nothing(repo: Repository, tmp_path: Path) -> None:
    program = tmp_path / "gpg"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    repo.git("config", "log.showSignature", "true")
    repo.git("config", "gpg.program", str(program))
    repo.commit(MESSAGE, files={"src/a": "b\n"})
    signature = b"\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\nfeat"
    rewrite(repo, b"\n\nfeat", signature)
    # The program would be run by a plain `git log`, so the case is a real one.
    repo.process("log", "-1")
    assert (tmp_path / "ran").exists()
    (tmp_path / "ran").unlink()
    passes(repo)
    assert not (tmp_path / "ran").exists()


# T62 to T65: branches and pushes


@threat("T62", "a detached head", "exit 2")
def test_t62_a_detached_head_has_no_branch(repo: Repository) -> None:
    repo.commit(MESSAGE, files={"src/a": "b\n"})
    repo.checkout("work", detach=True)
    outcome = check(repo)
    assert outcome.exit_code == 2
    assert outcome.state("BRN001") == "indeterminate"
    passes(repo, "--branch=work")


@threat("T62", "a detached head beside a branch called HEAD", "exit 2")
def test_t62_a_branch_that_is_called_head(repo: Repository) -> None:
    repo.commit(MESSAGE, files={"src/a": "b\n"})
    repo.checkout("work", detach=True)
    repo.ref("refs/heads/HEAD")
    assert check(repo).exit_code == 2


@pytest.mark.parametrize(
    "name",
    [b"a$(touch${IFS}ran)", "a\u202egnp".encode(), b"a\xff", b"--output=ran", b"-n", b"a`touch${IFS}ran`"],
)
@threat("T64", "a branch named like a command, an option or another name", "exit 1: BRN001")
def test_t64_hostile_names_of_branches(repo: Repository, name: bytes) -> None:
    repo.commit(MESSAGE, files={"src/a": "b\n"})
    oid = repo.oid()
    repo.ref(b"refs/heads/" + name)
    repo.git("symbolic-ref", "HEAD", b"refs/heads/" + name)
    fails(repo, "BRN001")
    line = b"refs/heads/%s %s refs/heads/%s %s\n" % (name, oid.encode(), name, ZERO.encode())
    pushed = run_here("check", "--output-format=json", "--push", directory=repo.path, stdin=line)
    assert errors(pushed) == {"BRN001"}, pushed
    assert {path.name for path in repo.path.iterdir()} == {".git", "SPEC_AUTHORITY.md", "locked", "src"}


@threat("T65", "a push of a new branch, from a branch, HEAD or an object id", "exit 1: CMT001, PTH002")
def test_t65_a_new_branch_is_judged_from_its_merge_base(repo: Repository) -> None:
    oid = repo.commit(MESSAGE, files={"src/a": "b\n"})
    for local in ("refs/heads/work", "HEAD", oid):
        outcome = check(repo, "--push", stdin=f"{local} {oid} refs/heads/new {ZERO}\n")
        assert outcome.exit_code == 0, outcome
        assert outcome.report["change"]["commits"] == 1
    evil = repo.commit(MESSAGE, files={"locked/p": "EVIL\n"})
    outcome = check(repo, "--push", stdin=f"HEAD {evil} refs/heads/new {ZERO}\n")
    assert errors(outcome) == {"CMT001", "PTH002"}
    assert outcome.exit_code == 1


@threat("T65", "a push that deletes a protected branch", "exit 1: BRN004")
def test_t65_a_deletion_fails_where_the_branch_is_protected(repo: Repository) -> None:
    oid = repo.oid("main")
    outcome = check(repo, "--push", stdin=f"(delete) {ZERO} refs/heads/work {oid}\n")
    assert outcome.exit_code == 0, outcome
    outcome = check(repo, "--push", stdin=f"(delete) {ZERO} refs/heads/main {oid}\n")
    assert errors(outcome) == {"BRN004"}
    assert outcome.exit_code == 1


@threat("T65", "a push to the protected base", "exit 1: BRN004")
def test_t65_a_push_to_the_base(repo: Repository) -> None:
    oid = repo.commit(MESSAGE, files={"src/a": "b\n"})
    old = repo.oid("main")
    outcome = check(repo, "--push", stdin=f"refs/heads/work {oid} refs/heads/main {old}\n")
    assert errors(outcome) == {"BRN004"}
    assert outcome.exit_code == 1


@threat("T65", "a push of a tag", "exit 1: PTH002")
def test_t65_a_tag_is_judged_or_not_decided(repo: Repository) -> None:
    oid = repo.commit(MESSAGE, files={"locked/p": "EVIL\n"})
    outcome = check(repo, "--push", stdin=f"refs/tags/v1 {oid} refs/tags/v1 {ZERO}\n")
    assert "PTH002" in errors(outcome)
    assert outcome.exit_code == 1


@threat("T65", "a push of a good and of a bad branch", "exit 1: PTH002")
def test_t65_many_refs_and_none(repo: Repository) -> None:
    good = repo.commit(MESSAGE, files={"src/a": "b\n"})
    evil = repo.commit(MESSAGE, files={"locked/p": "EVIL\n"})
    lines = f"refs/heads/a {good} refs/heads/a {ZERO}\nrefs/heads/b {evil} refs/heads/b {ZERO}\n"
    outcome = check(repo, "--push", stdin=lines)
    assert [report["exit_code"] for report in outcome.reports] == [0, 1]
    assert "PTH002" in errors(outcome)
    assert outcome.exit_code == 1
    assert check(repo, "--push", stdin="").exit_code == 0


@threat("T65", "a push of an object that is not there", "exit 2")
def test_t65_an_object_that_is_not_there(repo: Repository) -> None:
    outcome = check(repo, "--push", stdin=f"HEAD {'1' * 40} refs/heads/new {ZERO}\n")
    assert outcome.exit_code == 2
