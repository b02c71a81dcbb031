"""Commits and histories that are not what they seem: what is read is what their objects hold."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import pytest

from specguard.errors import MissingFact, SpecguardError
from specguard.testing import Repository
from tests.changes import rows

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.change.sources import Change
    from tests.changes import Open


@pytest.fixture
def repo(repository: Repository) -> Repository:
    repository.commit("chore: base", files={"locked/p": "policy\n", "src/a": "a\n", "POLICY": "strict\n"})
    repository.publish(head=True)
    repository.branch("work")
    return repository


def subjects(change: Change) -> list[str]:
    return [commit.message.subject for commit in change.commits]


def commit_object(
    repo: Repository, *, headers: bytes = b"", message: bytes = b"feat: x\n", tree: str = ""
) -> str:
    """A commit object byte for byte, on top of `main`."""
    who = b"A <a@x> 1767225600 +0000"
    data = b"tree %s\nparent %s\nauthor %s\ncommitter %s\n%s\n%s" % (
        (tree or repo.oid("HEAD^{tree}")).encode(), repo.oid("main").encode(), who, who, headers, message,
    )  # fmt: skip
    return repo.git("hash-object", "-w", "--literally", "-t", "commit", "--stdin", stdin=data)


def forge(repo: Repository, oid: str, kind: str, content: bytes) -> None:
    """Overwrite a loose object of the store."""
    path = repo.path / ".git/objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    path.write_bytes(zlib.compress(b"%s %d\0" % (kind.encode(), len(content)) + content))


def test_t40_what_only_a_merge_brings_is_seen(repo: Repository, change: Open) -> None:
    repo.branch("side")
    repo.commit("feat: side", files={"src/s": "s\n"})
    repo.checkout("work")
    repo.commit("feat: work", files={"src/w": "w\n"})
    repo.merge("side", files={"locked/p": "EVIL\n"})
    found = change(repo)
    assert rows(found) == ["M locked/p", "A src/s", "A src/w"]
    merge = found.commits[-1]
    assert merge.is_merge
    assert [entry.path for entry in merge.own_entries] == [b"locked/p"]
    assert [[entry.path for entry in diff] for diff in merge.diffs] == [
        [b"locked/p", b"src/s"],
        [b"locked/p", b"src/w"],
    ]


def test_t41_what_is_touched_and_taken_back_is_in_the_commits(repo: Repository, change: Open) -> None:
    repo.commit("feat: evil", files={"locked/p": "EVIL\n"})
    repo.commit("revert", files={"locked/p": "policy\n"})
    found = change(repo)
    assert rows(found) == []
    assert [[entry.path for entry in commit.own_entries] for commit in found.commits] == [[b"locked/p"]] * 2
    assert not found.empty


def test_t42_a_merge_of_the_base_counts_and_its_commits_do_not(repo: Repository, change: Open) -> None:
    repo.commit("feat: one", files={"src/b": "b\n"})
    repo.checkout("main")
    repo.commit("chore: later", files={"src/c": "c\n"})
    repo.publish()
    repo.checkout("work")
    repo.merge("main")
    found = change(repo)
    assert subjects(found) == ["feat: one", "Merge branch"]
    assert rows(found) == ["A src/b"]


def test_t45_an_empty_commit_with_an_empty_message_is_one(repo: Repository, change: Open) -> None:
    repo.commit("")
    [commit] = change(repo).commits
    assert (commit.message.raw, commit.message.subject, commit.is_empty) == (b"", "", True)


@pytest.mark.parametrize("name", [b"BOGUS-7", b"UTF-16", b"ISO-8859-1", b"", b"\xff"])
def test_t48_a_message_is_its_bytes_whatever_encoding_it_claims(
    repo: Repository, change: Open, name: bytes
) -> None:
    repo.git("config", "i18n.logOutputEncoding", "UTF-16")
    head = commit_object(repo, headers=b"encoding " + name + b"\n", message=b"feat: \xe9\n")
    [commit] = change(repo, head=head).commits
    assert commit.message.raw == b"feat: \xe9\n"
    assert commit.message.encoding == name.decode("utf-8", "surrogateescape")
    assert not commit.message.valid


def test_t48_what_follows_a_nul_is_not_cut_off(repo: Repository, change: Open) -> None:
    head = commit_object(repo, message=b"feat: x\n\nok\n\0hidden\n")
    [commit] = change(repo, head=head).commits
    assert commit.message.text.endswith("\0hidden\n")


def test_t50_a_huge_message_is_read_whole(repo: Repository, change: Open) -> None:
    head = commit_object(repo, message=b"feat: x " * 200_000)
    [commit] = change(repo, head=head).commits
    assert len(commit.message.raw) == 1_600_000


def test_t52_names_are_those_of_the_object_whatever_a_mailmap_says(repo: Repository, change: Open) -> None:
    repo.git("config", "log.mailmap", "true")
    repo.git("config", "mailmap.file", ".mailmap")
    repo.commit(
        "feat: x",
        files={".mailmap": "Real <real@x> <root@x>\n"},
        author="Root <root@x>",
        committer="Cee <cee@x>",
    )
    [commit] = change(repo).commits
    assert (commit.author, commit.committer) == ("Root <root@x>", "Cee <cee@x>")


@pytest.mark.parametrize(
    "line", [b"author", b"author <", b"author A <a> x <b> 1 +0000", b"author \xff\x1b <a@x>"]
)
def test_t52_a_malformed_author_is_no_crash(repo: Repository, change: Open, line: bytes) -> None:
    tree, parent = repo.oid("HEAD^{tree}").encode(), repo.oid("main").encode()
    data = b"tree %s\nparent %s\n%s\ncommitter C <c@x> 1 +0000\n\nfeat: x\n" % (tree, parent, line)
    head = repo.git("hash-object", "-w", "--literally", "-t", "commit", "--stdin", stdin=data)
    [commit] = change(repo, head=head).commits
    assert isinstance(commit.author, str)
    assert commit.message.subject == "feat: x"


def test_t53_dates_hide_no_commit(repo: Repository, change: Open) -> None:
    repo.commit("feat: old", files={"src/b": "b\n"}, date=978_307_200)
    repo.commit("feat: future", files={"src/c": "c\n"}, date=4_000_000_000)
    repo.commit("feat: older still", files={"src/d": "d\n"}, date=978_307_100)
    assert subjects(change(repo)) == ["feat: old", "feat: future", "feat: older still"]


def test_t54_a_signature_runs_nothing(repo: Repository, change: Open, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {ran}\n")
    evil.chmod(0o755)
    repo.git("config", "gpg.program", str(evil))
    repo.git("config", "log.showSignature", "true")
    headers = b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n parent of nothing\n -----END PGP SIGNATURE-----\n"
    head = commit_object(repo, headers=headers)
    [commit] = change(repo, head=head).commits
    assert commit.message.raw == b"feat: x\n"
    assert not ran.exists()


def test_t55_a_replaced_commit_tree_or_blob_is_read_as_it_is(repo: Repository, change: Open) -> None:
    repo.commit("feat: evil", files={"locked/p": "EVIL\n"})
    evil = repo.oid()
    fine = repo.git("commit-tree", "-p", repo.oid("main"), "-m", "feat: fine", repo.oid("main^{tree}"))
    before = change(repo).summary()
    repo.git("replace", evil, fine)
    repo.git("replace", repo.oid("main"), fine)
    repo.git("config", "core.useReplaceRefs", "true")
    found = change(repo)
    assert found.summary() == before
    assert subjects(found) == ["feat: evil"]
    assert rows(found) == ["M locked/p"]
    assert rows(change(repo, head=evil)) == ["M locked/p"]
    assert rows(change(repo, staged=True)) == []


def test_t56_grafts_are_not_read(repo: Repository, change: Open) -> None:
    repo.commit("feat: evil", files={"locked/p": "EVIL\n"})
    repo.commit("feat: two", files={"src/b": "b\n"})
    before = change(repo).summary()
    info = repo.path / ".git/info"
    info.mkdir(exist_ok=True)
    for text in (repo.oid(), f"{repo.oid()} {repo.oid('main')}"):
        (info / "grafts").write_text(f"{text}\n")
        assert change(repo).summary() == before


def test_t57_a_forged_shallow_file_is_not_read(repo: Repository, change: Open) -> None:
    repo.commit("feat: evil", files={"locked/p": "EVIL\n"})
    repo.commit("feat: two", files={"src/b": "b\n"})
    before = change(repo).summary()
    (repo.path / ".git/shallow").write_text(f"{repo.oid()}\n")
    assert change(repo).summary() == before
    assert change(repo, root=True).summary()["commits"] == 3


def test_t57_a_shallow_clone_lacks_its_merge_base_and_says_so(
    repo: Repository, change: Open, tmp_path: Path
) -> None:
    repo.commit("feat: one", files={"src/b": "b\n"})
    repo.commit("feat: two", files={"src/c": "c\n"})
    clone = repo.clone(tmp_path / "shallow", depth=1)
    clone.git("fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
    found = change(clone, base="main")
    for fact in ("base", "entries", "commits"):
        with pytest.raises(MissingFact) as caught:
            getattr(found, fact)
        assert caught.value.command == "git fetch --unshallow origin"
    # What is there is still told: the policy's files and the branch.
    assert found.policy_files.read(b"POLICY") == b"strict\n"
    assert found.branch.name == "work"
    assert not found.empty
    clone.git("config", "protocol.file.allow", "always")
    clone.git("fetch", "-q", "--unshallow", "origin")
    assert rows(change(clone, base="main")) == ["A src/b", "A src/c"]


def test_t57_a_base_that_was_not_fetched_is_an_error_with_the_command(
    repo: Repository, change: Open, tmp_path: Path
) -> None:
    repo.commit("feat: one", files={"src/b": "b\n"})
    clone = repo.clone(tmp_path / "shallow", depth=1)
    with pytest.raises(SpecguardError) as caught:
        change(clone, base=repo.oid("main"))
    assert caught.value.help == "git fetch --unshallow origin"


def test_t59_a_forged_policy_is_not_believed(repo: Repository, change: Open) -> None:
    forge(repo, repo.oid("main:POLICY"), "blob", b"allow all\n")
    assert repo.git("show", "main:POLICY") == "allow all"
    repo.commit("feat: x", files={"src/b": "b\n"})
    for options in ({}, {"staged": True}):
        with pytest.raises(MissingFact, match="forged or broken"):
            change(repo, **options).policy_files.read(b"POLICY")


def test_t59_a_forged_tree_of_the_base_is_not_believed(repo: Repository, change: Open) -> None:
    repo.commit("feat: x", files={"src/b": "b\n"})
    evil = repo.blob("allow all\n")
    content = b"100644 POLICY\0" + bytes.fromhex(evil)
    forge(repo, repo.oid("main^{tree}"), "tree", content)
    with pytest.raises(MissingFact, match="forged or broken"):
        change(repo).policy_files.read(b"POLICY")


def test_t59_a_forged_commit_is_not_believed(repo: Repository, change: Open) -> None:
    evil = repo.commit("feat: evil", files={"locked/p": "EVIL\n"})
    repo.commit("feat: two", files={"src/b": "b\n"})
    content = repo.process("cat-file", "commit", evil).stdout.replace(b"feat: evil", b"feat: fine")
    forge(repo, evil, "commit", content)
    with pytest.raises(MissingFact, match="forged or broken"):
        _ = change(repo).commits
    with pytest.raises(SpecguardError, match="forged or broken"):
        change(repo, head=evil)


def test_t59_a_forged_tree_of_the_head_hides_nothing_where_the_verdict_is_final(
    repo: Repository, change: Open
) -> None:
    repo.commit("feat: evil", files={"locked/p": "EVIL\n", "src/deep/er/b": "b\n"})
    true = rows(change(repo, base="main", enforce=True))
    assert true == ["M locked/p", "A src/deep/er/b"]
    content = repo.process("cat-file", "tree", repo.oid("main:locked")).stdout
    forge(repo, repo.oid("HEAD:locked"), "tree", content)
    # Git believes it, and so does a check that is not the last word.
    assert rows(change(repo, base="main")) == ["A src/deep/er/b"]
    with pytest.raises(MissingFact, match="forged or broken"):
        _ = change(repo, base="main", enforce=True).entries
