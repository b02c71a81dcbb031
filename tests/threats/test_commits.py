"""Commits and branches that git would not make; the others are in `tests/cases/threats/commits.toml`."""

from pathlib import Path

import pytest

from specguard.testing import Repository
from tests.changes import Open
from tests.executor.places import program
from tests.outcomes import ended
from tests.threats.cases import threat
from tests.threats.guarded import LOCKED, check, errors, fails, guarded, passes

SETTINGS = """
[rules.commit-message]
conventional = true

[rules.commit-form]
authors = ["@example[.]org>$"]

[rules.branch-name]
pattern = "^work$"

[[rules.missing-trailer.require]]
key = "Work-Item"
value = "^A-[0-9]+$"
"""
MESSAGE = "feat: change\n\nWork-Item: A-1\n"


@pytest.fixture
def repo(repository: Repository) -> Repository:
    guarded(repository, SETTINGS)
    return repository


def crafted(
    repo: Repository, message: bytes, headers: bytes = b"", author: bytes = b"author A <a@x> 1 +0"
) -> str:
    """Write a commit object byte for byte, on top of `main`."""
    tree, parent = repo.oid("HEAD^{tree}").encode(), repo.oid("main").encode()
    data = b"tree %s\nparent %s\n%s\ncommitter C <c@example.org> 1 +0000\n%s\n%s" % (
        tree,
        parent,
        author,
        headers,
        message,
    )
    return repo.git("hash-object", "-w", "--literally", "-t", "commit", "--stdin", stdin=data)


# Messages


@pytest.mark.parametrize("name", [b"BOGUS-7", b"UTF-16", b"ISO-8859-1", b"", b"\xff"])
def test_a_message_is_its_bytes_whatever_encoding_it_claims(
    repo: Repository, change: Open, name: bytes
) -> None:
    repo.git("config", "i18n.logOutputEncoding", "UTF-16")
    head = crafted(repo, b"feat: \xe9\n\0hidden\n" * 100_000, b"encoding " + name + b"\n")
    [commit] = change(repo, head=head).commits
    assert commit.message.raw == b"feat: \xe9\n\0hidden\n" * 100_000
    assert commit.message.encoding == name.decode("utf-8", "surrogateescape")
    assert not commit.message.valid


@threat("T50", "a subject of many thousand characters", "exit 1: CMT003")
def test_a_huge_message(repo: Repository) -> None:
    repo.commit("feat: x" * 100_000 + "\n\nWork-Item: A-1\n", files={"src/a": "b\n"})
    outcome = check(repo)
    fails(outcome, ("CMT003", None))
    assert "more characters" in outcome.stdout
    assert len(outcome.stdout) < 100_000


@threat("T51", "a trailer given twice, behind a divider, or by another name", "exit 1: CMT006")
def test_a_trailer_that_can_be_read_twice(repo: Repository) -> None:
    repo.git("config", "trailer.wi.key", "Work-Item: ")
    repo.git("config", "trailer.separators", "")
    commits = {
        repo.commit(f"feat: change\n\n{body}\n")
        for body in (
            "Work-Item: A-1\n\nWork-Item: A-2",
            "Work-Item: A-1\nWork-Item: A-2",
            "Work-Item: A-1\n---\nWork-Item: A-2",
            "Work-Item: A-1\n\n---\n\nsrc/a | 2 +-",
            "WI: A-1",
            "Work-Item: A-1\n\nand more",
        )
    }
    outcome = ended(check(repo, "--select=CMT006"), 1)
    assert {one["location"]["commit"] for one in outcome.report["findings"]} == commits


# Who and when


@threat("T52", "an author whom a mailmap makes another", "exit 1: CMT003")
def test_an_author_that_a_mailmap_would_rename(repo: Repository) -> None:
    mailmap = "Ann Example <ann@example.org> <root@evil.net>\n"
    repo.commit(MESSAGE, files={".mailmap": mailmap}, author="Root <root@evil.net>")
    repo.git("config", "log.mailmap", "true")
    repo.git("config", "mailmap.file", ".mailmap")
    outcome = check(repo)
    fails(outcome, ("CMT003", None))
    assert "root@evil.net" in outcome.stdout


@pytest.mark.parametrize(
    "line", [b"author", b"author <", b"author A <a> x <b> 1 +0000", b"author \xff\x1b <a@x>"]
)
def test_a_malformed_author_is_no_crash(repo: Repository, change: Open, line: bytes) -> None:
    [commit] = change(repo, head=crafted(repo, b"feat: x\n", author=line)).commits
    assert isinstance(commit.author, str)
    assert (commit.committer, commit.message.subject) == ("C <c@example.org>", "feat: x")


@threat("T53", "commits dated long ago or ahead", "exit 1: PTH002")
def test_dates_have_no_say(repo: Repository) -> None:
    repo.commit(MESSAGE, files={"src/b": "b\n"}, date=978_307_200)
    repo.commit(MESSAGE, files={"src/c": "c\n"}, date=4_000_000_000)
    repo.commit(MESSAGE, files={"locked/p": "EVIL\n"}, date=978_307_100)
    outcome = check(repo)
    fails(outcome, LOCKED)
    assert outcome.report["change"]["commits"] == 3


@threat("T54", "a signed commit, and a program that would check it", "exit 0")
def test_a_signature_runs_nothing(repo: Repository, tmp_path: Path) -> None:
    signing = program(tmp_path / "gpg", f"touch {tmp_path}/ran")
    repo.git("config", "log.showSignature", "true")
    repo.git("config", "gpg.program", str(signing))
    repo.commit(MESSAGE, files={"src/a": "b\n"})
    signature = b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n parent of nothing\n -----END PGP SIGNATURE-----\n"
    author = b"author A <a@example.org> 1 +0000"
    repo.git("reset", "-q", "--soft", crafted(repo, MESSAGE.encode(), signature, author))
    # The program would be run by a plain `git log`, so the case is a real one.
    repo.process("log", "-1")
    assert (tmp_path / "ran").exists()
    (tmp_path / "ran").unlink()
    passes(check(repo))
    assert not (tmp_path / "ran").exists()


# Branches


def test_a_push_of_nothing(repo: Repository) -> None:
    repo.commit("x", files={"locked/p": "EVIL\n"})
    assert check(repo, "--push").exit_code == 0


@threat("T62", "a detached head", "exit 2")
@threat("T62", "a detached head beside a branch called HEAD", "exit 2")
def test_a_detached_head_has_no_branch(repo: Repository) -> None:
    repo.commit(MESSAGE, files={"src/a": "b\n"})
    repo.checkout("work", detach=True)
    for _ in range(2):
        outcome = ended(check(repo), 2)
        assert outcome.state("BRN001") == "indeterminate"
        passes(check(repo, "--branch=work"))
        repo.ref("refs/heads/HEAD")


@threat("T64", "a branch named like a command, an option or another name", "exit 1: BRN001")
@pytest.mark.parametrize(
    "name",
    [
        b"a$(touch${IFS}ran)", b"a`touch${IFS}ran`", b"a;b&c|d", b"'\"", b"--output=ran", b"-n", b"@",
        "a\u202egnp".encode(), b"a\xff",
    ],
)  # fmt: skip
def test_hostile_names_of_branches(repo: Repository, name: bytes) -> None:
    oid = repo.commit(MESSAGE, files={"src/a": "b\n"})
    # Git's own commands refuse some of these; whoever writes below .git is not asked.
    packed = repo.path / ".git/packed-refs"
    packed.write_bytes(b"%s refs/heads/%s\n" % (oid.encode(), name))
    repo.git("symbolic-ref", "HEAD", b"refs/heads/" + name)
    fails(check(repo), ("BRN001", None))
    line = b"refs/heads/%s %s refs/heads/%s %s\n" % (name, oid.encode(), name, b"0" * 40)
    pushed = check(repo, "--push", stdin=line)
    assert errors(pushed) == {("BRN001", None)}, pushed
    named = check(repo, f"--head=refs/heads/{name.decode('utf-8', 'surrogateescape')}")
    assert named.report["change"]["head"] == oid
    assert {path.name for path in repo.path.iterdir()} == {".git", "SPEC_AUTHORITY.md", "locked", "src"}
