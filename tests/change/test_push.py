"""What git and pre-commit say is pushed."""

import sys
from typing import Any

import pytest

from specguard.change.remotes import read_pushes
from specguard.change.repository import Push
from specguard.errors import NotApplicable, SpecguardError
from specguard.testing import Repository
from tests.changes import standard_input
from tests.conftest import Opener

A, B, ZERO = "a" * 40, "b" * 40, "0" * 40


def shown(push: Push) -> tuple[str, str, str | None, str | None]:
    return push.local_ref, push.remote_ref, push.new, push.old


def test_each_line_is_a_ref() -> None:
    data = (
        f"refs/heads/x {A} refs/heads/x {B}\n"
        f"HEAD {A} refs/heads/new {ZERO}\n"
        f"{A} {A} refs/heads/by-id {ZERO}\n"
        f"(delete) {ZERO} refs/heads/gone {B}\n"
        f"refs/tags/v1 {A} refs/tags/v1 {ZERO}\n"
    )
    assert [shown(push) for push in read_pushes(data.encode(), 40, "up")] == [
        ("refs/heads/x", "refs/heads/x", A, B),
        ("HEAD", "refs/heads/new", A, None),
        (A, "refs/heads/by-id", A, None),
        ("(delete)", "refs/heads/gone", None, B),
        ("refs/tags/v1", "refs/tags/v1", A, None),
    ]
    assert {push.remote for push in read_pushes(data.encode(), 40, "up")} == {"up"}
    # Names are bytes, and no line is nothing.
    [push] = read_pushes(f"refs/heads/x {A} refs/heads/? {ZERO}".encode().replace(b"?", b"\xff"), 40, "up")
    assert push.remote_ref == "refs/heads/\udcff"
    assert read_pushes(b"", 40, "up") == read_pushes(b"\n", 40, "up") == []


def test_any_other_line_is_an_error_with_its_number() -> None:
    lines = ("x", f"x {A} y", f"x {A} y {B} z", f"x main y {B}", f"x {A} y main", f"x {'a' * 39} y {B}")
    for line in (*lines, f"x {A}  y {B}"):
        with pytest.raises(SpecguardError, match="line 2 of standard input"):
            read_pushes(f"x {A} y {B}\n{line}\n".encode(), 40, "origin")


@pytest.fixture
def repo(repository: Repository) -> Repository:
    """Two commits in the base, one more on `work`."""
    repository.commit("one", files={"a": "a\n"})
    repository.commit("two", files={"b": "b\n"})
    repository.publish(head=True)
    repository.branch("work")
    repository.commit("three", files={"c": "c\n"})
    return repository


@pytest.fixture
def pushed(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> Any:
    def pushed_all(repository: Repository, *lines: str, **options: Any) -> Any:
        monkeypatch.setattr(sys, "stdin", standard_input("".join(line + "\n" for line in lines).encode()))
        return opened(repository, push=True, **options)

    return pushed_all


def test_a_new_branch_is_judged_from_where_it_left_the_base(repo: Repository, pushed: Any) -> None:
    [change] = pushed(repo, f"refs/heads/work {repo.oid()} refs/heads/phase-1 {ZERO}")
    assert (change.source, change.stage) == ("range", "push")
    assert [entry.path for entry in change.entries] == [b"c"]
    assert [commit.message.subject for commit in change.commits] == ["three"]
    assert (change.branch.name, change.branch.source) == ("phase-1", "push")
    assert (change.push.remote_ref, change.push.old) == ("refs/heads/phase-1", None)
    assert change.found.trusted
    assert change.base.start == repo.oid("main")


def test_each_ref_is_a_change_of_its_own(repo: Repository, pushed: Any) -> None:
    repo.tag("v1", "work", message="one")
    repo.checkout("main")
    repo.commit("four", files={"d": "d\n"})
    found = pushed(
        repo,
        f"refs/heads/work {repo.oid('work')} refs/heads/work {ZERO}",
        f"refs/tags/v1 {repo.oid('refs/tags/v1')} refs/tags/v1 {ZERO}",
        f"refs/heads/main {repo.oid('main')} refs/heads/main {repo.oid('refs/remotes/origin/main')}",
    )
    assert [[entry.path for entry in change.entries] for change in found] == [[b"c"], [b"c"], [b"d"]]
    assert [change.branch.name for change in (found[0], found[2])] == ["work", "main"]
    with pytest.raises(NotApplicable, match="refs/tags/v1 is not a branch"):
        _ = found[1].branch
    assert pushed(repo) == []
    with pytest.raises(SpecguardError, match="is a blob and no commit"):
        pushed(repo, f"refs/tags/b {repo.oid('HEAD:a')} refs/tags/b {ZERO}")


def test_a_deletion_has_no_entries_and_is_no_empty_change(repo: Repository, pushed: Any) -> None:
    [change] = pushed(repo, f"(delete) {ZERO} refs/heads/work {repo.oid('work')}")
    assert change.branch.name == "work"
    assert change.push.new is None
    for fact in ("entries", "commits", "head_files", "pull_request"):
        with pytest.raises(NotApplicable):
            getattr(change, fact)
    with pytest.raises(NotApplicable):
        change.messages("rebase")
    assert not change.empty
    assert change.base_files.paths() == [b"a", b"b"]
    assert change.summary()["entries"] is None


def test_a_tag_of_what_a_branch_of_the_remote_has_brings_nothing(repo: Repository, pushed: Any) -> None:
    repo.ref("refs/remotes/origin/release-1", "work")
    repo.tag("v1", "work", message="one")
    line = f"refs/tags/v1 {repo.oid('refs/tags/v1')} refs/tags/v1 {ZERO}"
    assert [(one.empty, one.push.remote_ref) for one in pushed(repo, line)] == [(True, "refs/tags/v1")]
    assert len(pushed(repo, line, enforce=True, base="main")) == 1
    assert len(pushed(repo, line.replace("refs/tags/v1 0", "refs/heads/v1 0"))) == 1
    repo.ref("refs/remotes/fork/release-1", "work")
    repo.git("update-ref", "-d", "refs/remotes/origin/release-1")
    assert [one.empty for one in pushed(repo, line)] == [False]


def test_the_first_push_of_a_first_branch_is_judged_from_the_empty_tree(
    repo: Repository, pushed: Any
) -> None:
    repo.git("symbolic-ref", "--delete", "refs/remotes/origin/HEAD")
    repo.git("update-ref", "-d", "refs/remotes/origin/main")
    [change] = pushed(repo, f"refs/heads/main {repo.oid('main')} refs/heads/main {ZERO}")
    assert [entry.path for entry in change.entries] == [b"a", b"b"]
    assert (change.found.trusted, "--no-verify" in change.notes[0]) == (False, True)
    # What the remote has must be known before it can be compared with.
    with pytest.raises(SpecguardError, match="no base to compare with"):
        pushed(repo, f"refs/heads/main {repo.oid('main')} refs/heads/main {repo.oid('main~1')}")
    # Another branch is judged against the local one.
    [change] = pushed(repo, f"refs/heads/work {repo.oid('work')} refs/heads/work {ZERO}")
    assert [entry.path for entry in change.entries] == [b"c"]


def test_a_terminal_is_no_input(repo: Repository, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    for stdin in (standard_input(tty=True), None):
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(SpecguardError, match="--push reads what git tells its hook"):
            opened(repo, push=True)


def pre_commit(**more: str) -> dict[str, str]:
    return {"PRE_COMMIT": "1", "PRE_COMMIT_REMOTE_NAME": "origin", "PRE_COMMIT_REMOTE_URL": "u", **more}


def test_pre_commit_says_what_is_pushed(repo: Repository, pushed: Any) -> None:
    env = pre_commit(
        PRE_COMMIT_FROM_REF=repo.oid("main"),
        PRE_COMMIT_TO_REF=repo.oid("work"),
        PRE_COMMIT_LOCAL_BRANCH="refs/heads/work",
        PRE_COMMIT_REMOTE_BRANCH="refs/heads/phase-1",
    )
    [change] = pushed(repo, env=env)
    assert [entry.path for entry in change.entries] == [b"c"]
    assert change.branch.name == "phase-1"
    assert (change.push.old, change.push.new) == (None, repo.oid("work"))
    repo.publish("phase-1", repo.oid("main"))
    [change] = pushed(repo, env=env)
    assert change.push.old == repo.oid("main")
    # The first push of a root branch comes without a commit.
    env = pre_commit(PRE_COMMIT_LOCAL_BRANCH="refs/heads/work", PRE_COMMIT_REMOTE_BRANCH="refs/heads/work")
    [change] = pushed(repo, env=env)
    assert (change.push.new, [entry.path for entry in change.entries]) == (repo.oid("work"), [b"c"])
    # Run by hand it names two revisions, and without either nothing is known.
    [change] = pushed(
        repo, env={"PRE_COMMIT": "1", "PRE_COMMIT_FROM_REF": "main", "PRE_COMMIT_TO_REF": "HEAD"}
    )
    assert ([entry.path for entry in change.entries], change.branch.name) == ([b"c"], "work")
    with pytest.raises(SpecguardError, match="--push reads what git tells its hook") as caught:
        pushed(repo, env={"PRE_COMMIT": "1"})
    assert "--from-ref" in caught.value.help


def test_another_remote_has_another_base(repo: Repository, pushed: Any) -> None:
    repo.publish("main", "main~1", remote="up")
    env = pre_commit(
        PRE_COMMIT_REMOTE_NAME="up",
        PRE_COMMIT_TO_REF=repo.oid("work"),
        PRE_COMMIT_LOCAL_BRANCH="refs/heads/work",
        PRE_COMMIT_REMOTE_BRANCH="refs/heads/work",
    )
    [change] = pushed(repo, env=env)
    assert [entry.path for entry in change.entries] == [b"b", b"c"]
    assert change.found.name == "up/main"
