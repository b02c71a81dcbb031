"""Histories that are not what they seem, and facts that are not there, by the command."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from specguard.testing import Repository
from tests.threats.cases import threat
from tests.threats.guarded import LOCKED, check, fails, guarded, passes, undecided
from tests.threats.test_facts_commits import forge

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repo(repository: Repository) -> Repository:
    """A guarded repository, and a branch whose commit alters a locked file."""
    guarded(repository)
    repository.commit("feat: evil", files={"locked/p": "EVIL\n"})
    return repository


# What git would read in place of the objects


@threat("T55", "a commit that a replace ref shows as another", "exit 1: PTH002")
def test_a_replaced_commit(repo: Repository) -> None:
    fine = repo.git("commit-tree", "-p", repo.oid("main"), "-m", "feat: fine", repo.oid("main^{tree}"))
    repo.git("replace", repo.oid(), fine)
    repo.git("config", "core.useReplaceRefs", "true")
    assert repo.git("diff", "--raw", "main", "work") == ""
    fails(check(repo), LOCKED)
    fails(check(repo, "--enforce", "--base=main"), LOCKED)


@threat("T56", "grafts that give a commit other parents", "exit 1: PTH002")
def test_grafts(repo: Repository) -> None:
    repo.commit("feat: two", files={"src/b": "b\n"})
    folder = repo.path / ".git" / "info"
    folder.mkdir(exist_ok=True)
    (folder / "grafts").write_text(f"{repo.oid()}\n")
    assert repo.git("rev-list", "--count", "work") == "1"
    outcome = check(repo)
    fails(outcome, LOCKED)
    assert outcome.report["change"]["commits"] == 2


@threat("T57", "a shallow file that cuts the history off", "exit 1: PTH002")
def test_a_forged_shallow_file(repo: Repository) -> None:
    repo.commit("feat: two", files={"src/b": "b\n"})
    (repo.path / ".git" / "shallow").write_text(f"{repo.oid()}\n")
    assert repo.git("rev-list", "--count", "work") == "1"
    fails(check(repo), LOCKED)


@threat("T57", "a shallow clone", "exit 2")
def test_a_shallow_clone(repo: Repository, tmp_path: Path) -> None:
    repo.commit("feat: two", files={"src/b": "b\n"})
    clone = repo.clone(tmp_path / "shallow", depth=1)
    clone.git("fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
    for words in ([], ["--enforce", "--base=main"]):
        outcome = check(clone, *words)
        undecided(outcome, "git fetch --unshallow origin")
        assert outcome.state("PTH002") == "indeterminate"


@threat("T59", "the base's authority forged in the object store", "exit 2")
def test_a_forged_authority(repo: Repository) -> None:
    forge(repo, repo.oid("main:SPEC_AUTHORITY.md"), "blob", b"# Authority\n\nNothing is locked.\n")
    assert "Nothing is locked" in repo.git("show", "main:SPEC_AUTHORITY.md")
    undecided(check(repo), "forged or broken")
    undecided(check(repo, "--enforce", "--base=main"), "forged or broken")


@threat("T59", "a tree of the head forged in the object store, where the verdict is the last word", "exit 2")
def test_a_forged_tree(repo: Repository) -> None:
    content = repo.process("cat-file", "tree", repo.oid("main:locked")).stdout
    forge(repo, repo.oid("HEAD:locked"), "tree", content)
    assert repo.git("diff", "--raw", "main", "work") == ""
    undecided(check(repo, "--enforce", "--base=main"), "forged or broken")


# Bases that are missing or moved


@threat("T60", "no remote and no branch that could be the base", "exit 2")
def test_no_base(repo: Repository) -> None:
    repo.git("remote", "remove", "origin")
    fails(check(repo), LOCKED)
    repo.git("branch", "-q", "-D", "main")
    undecided(check(repo), "the base cannot be found")
    undecided(check(repo, "--enforce"), "--base")


@threat("T61", "a branch without a common ancestor", "exit 2")
def test_unrelated_histories(repo: Repository) -> None:
    repo.orphan("alone")
    repo.commit("feat: begin again", files={"locked/p": "EVIL\n"})
    outcome = check(repo)
    undecided(outcome, "no common ancestor")
    assert outcome.state("PTH002") == "indeterminate"


@threat("T73", "the base's ref moved to the head, where the job names the base by its id", "exit 1: PTH002")
def test_a_base_that_was_moved(repo: Repository) -> None:
    base = repo.oid("main")
    for name in ("refs/remotes/origin/main", "refs/heads/main"):
        repo.ref(name, "work")
    assert check(repo).report["empty"]
    fails(check(repo, "--enforce", f"--base={base}"), LOCKED)


# What a platform gives to a job


@pytest.fixture
def asked(repository: Repository) -> Repository:
    """A checkout of the merge that a platform makes for a pull request of one commit."""
    guarded(
        repository, '[rules.commit-count]\nexactly = 1\n\n[rules.pull-request-title]\npattern = "^feat: "\n'
    )
    repository.commit("feat: one", files={"src/b": "b\n"})
    repository.checkout("main")
    repository.commit("chore: later", files={"src/later": "x\n"})
    repository.publish()
    repository.checkout("main", detach=True)
    repository.merge("work", message="Merge work into main")
    return repository


def event(repo: Repository, content: bytes) -> dict[str, str]:
    """The variables of a job with this file about its event."""
    file = repo.path.parent / "event.json"
    file.write_bytes(content)
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(file),
        "GITHUB_BASE_REF": "main",
        "GITHUB_HEAD_REF": "work",
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_SHA": repo.oid(),
    }


@threat("T67", "the merge that a platform makes of a pull request", "exit 0")
def test_a_merge_that_the_platform_made(asked: Repository) -> None:
    pull_request = {
        "number": 7,
        "title": "feat: one",
        "body": "",
        "head": {"sha": asked.oid("work"), "ref": "work"},
        "base": {"sha": asked.oid("main~1"), "ref": "main"},
    }
    env = event(asked, json.dumps({"pull_request": pull_request}).encode())
    outcome = check(asked, "--enforce", env=env)
    passes(outcome)
    assert outcome.report["change"]["head"] == asked.oid("work")
    assert outcome.report["change"]["commits"] == 1


@threat("T68", "an event file that is empty, broken, of another kind or without a title", "exit 2")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff",
        b'{"pull_request": {"title": 5}}',
        b'{"pull_request": {"head": {"sha": "HEAD", "ref": "work"}, "base": {"ref": "main"}}}',
    ],
)
def test_an_event_without_its_text(asked: Repository, content: bytes) -> None:
    content = content.replace(b"HEAD", asked.oid("work").encode())
    outcome = check(asked, "--enforce", env=event(asked, content))
    assert outcome.exit_code == 2, outcome
    # What needs no event is judged all the same.
    assert outcome.state("PRQ001") == "indeterminate"
    assert outcome.state("CMT001") == outcome.state("PTH002") == "passed"


@threat("T68", "an event file of 50 MB", "exit 2")
def test_an_event_that_is_too_large(asked: Repository) -> None:
    env = event(asked, b'{"pull_request": {"title": "feat: ' + b"x" * (50 << 20) + b'"}}')
    outcome = check(asked, "--enforce", env=env)
    assert outcome.exit_code == 2
    assert outcome.state("PRQ001") == "indeterminate"
    assert outcome.state("PTH002") == "passed"
    undecided(check(asked, f"--pr-event={env['GITHUB_EVENT_PATH']}"), "may have 25 MiB")


# Where the repository is


@threat("T69", "a bare repository, a linked worktree, a subfolder", "exit 1: PTH002")
def test_wherever_it_is_judged_from(repo: Repository, tmp_path: Path) -> None:
    repo.git("config", "diff.relative", "true")
    linked = repo.worktree(tmp_path / "linked", "side", "main")
    bare = repo.clone(tmp_path / "bare.git", bare=True)
    for place in (str(repo.path), str(repo.path / "src"), str(linked.path), str(bare.path)):
        fails(check(repo, "-C", place, "--base=main", "--head=work"), LOCKED)


@threat("T70", "a partial clone that lacks what a rule reads", "exit 2")
def test_a_partial_clone(repository: Repository, tmp_path: Path) -> None:
    guarded(repository, '[[rules.forbidden-content.forbid]]\npattern = "EVIL"\n')
    repository.commit("feat: x", files={"src/b": "EVIL\n"})
    repository.git("config", "uploadpack.allowFilter", "true")
    clone = repository.clone(tmp_path / "partial", bare=True, partial="blob:none")
    clone.git("show", "main:SPEC_AUTHORITY.md")
    ran = tmp_path / "ran"
    clone.git("config", "remote.origin.url", f"ext::touch {ran}")
    clone.git("config", "protocol.ext.allow", "always")
    outcome = check(clone, "--base=main", "--head=work")
    undecided(outcome, "git fetch --refetch --no-filter origin")
    assert outcome.state("CNT001") == "indeterminate"
    assert outcome.state("PTH002") == "passed"
    assert not ran.exists()


@threat("T71", "a repository that belongs to another user", "exit 2")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository away")
def test_a_repository_of_another_user(repo: Repository) -> None:
    subprocess.run(["chown", "-R", "1234", str(repo.path)], check=True)
    undecided(check(repo), "belongs to another user")


# Several merge bases


def crossed(repo: Repository, first: str) -> None:
    """Two branches that were merged into each other; the base's side has changed a locked file."""
    guarded(repo)
    repo.checkout("main")
    repo.commit("chore: policy", files={"locked/p": "newer\n"})
    repo.branch("ours", "main")
    repo.checkout("work")
    repo.commit("feat: b", files={"src/b": "b\n"})
    repo.branch("theirs", "work")
    for name, other in ("main", "theirs"), ("work", "ours"):
        repo.checkout(name)
        repo.git("merge", "-q", "--no-ff", "-m", f"Merge {other}", other, environment=dated(name == first))
    repo.ref("refs/remotes/origin/main", "main")
    assert len(repo.git("merge-base", "--all", "work", "main").split()) == 2


def dated(first: bool) -> dict[str, str]:
    """A date before or after those of all other commits."""
    date = "2001-01-01T00:00:00Z" if first else "2035-01-01T00:00:00Z"
    return {"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date}


@pytest.mark.parametrize("first", ["main", "work"])
@pytest.mark.parametrize("moved", [False, True])
def test_what_the_base_has_is_no_change_where_there_are_several_merge_bases(
    repository: Repository, first: str, moved: bool
) -> None:
    repo = repository
    crossed(repo, first)
    if moved:
        repo.checkout("main")
        repo.commit("docs: more", files={"docs/more": "x\n"})
        repo.ref("refs/remotes/origin/main", "main")
        repo.checkout("work")
    repo.commit("feat: c", files={"src/c": "c\n"})
    outcome = check(repo, "--enforce", "--base=origin/main")
    passes(outcome)
    assert outcome.report["change"]["entries"] == 1
    repo.commit("feat: d", files={"locked/p": "mine\n", "src/b": "mine\n"})
    fails(check(repo), LOCKED)


def test_what_only_one_merge_base_has_may_be_left_out_where_nothing_guards_it(repository: Repository) -> None:
    crossed(repository, "work")
    repository.delete("src/b")
    repository.commit("refactor: without b")
    passes(check(repository))


def crossed_again(repo: Repository, more: bool = False) -> None:
    """The base changes a locked file, is crossed with the work, and changes the file again."""
    guarded(repo)
    repo.checkout("main")
    repo.commit("chore: m1", files={"locked/p": "m1\n"})
    tips = ["main-1"]
    repo.branch("main-1", "main")
    repo.checkout("work")
    repo.commit("feat: w1", files={"src/w1": "w1\n"})
    if more:
        repo.branch("side", "main~1")
        repo.commit("feat: side", files={"src/side": "side\n"})
        tips.append("side")
    repo.branch("work-1", "work")
    repo.checkout("main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge work", "work-1", *tips[1:])
    repo.commit("chore: m2", files={"locked/p": "m2\n"})
    repo.ref("refs/remotes/origin/main", "main")
    repo.checkout("work")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge main", *tips)
    assert len(repo.git("merge-base", "--all", "work", "main").split()) == 2 + more


@pytest.mark.parametrize("more", [False, True])
def test_what_one_merge_base_changed_and_the_base_changed_again_is_no_change(
    repository: Repository, more: bool
) -> None:
    repo = repository
    crossed_again(repo, more)
    repo.commit("feat: c", files={"src/c": "c\n"})
    outcome = check(repo, "--enforce", "--base=origin/main")
    passes(outcome)
    assert outcome.report["change"]["entries"] == 1


@pytest.mark.parametrize("content", ["policy\n", "mine\n", None])
@pytest.mark.parametrize("more", [False, True])
def test_what_undoes_one_merge_base_is_a_change_however_many_there_are(
    repository: Repository, more: bool, content: str | None
) -> None:
    repo = repository
    crossed_again(repo, more)
    if content is None:
        repo.delete("locked/p")
    repo.commit("feat: d", files={"locked/p": content} if content else {})
    fails(check(repo, "--enforce", "--base=origin/main"), LOCKED)


def test_a_merge_base_that_takes_back_what_another_has_is_not_undone(repository: Repository) -> None:
    repo = repository
    guarded(repo)
    repo.branch("bad", "main")
    repo.commit("chore: bad", files={"locked/p": "bad\n"})
    repo.branch("fixed", "bad")
    repo.commit("chore: fix", files={"locked/p": "policy\n"})
    repo.checkout("bad")
    repo.commit("docs: later", files={"docs/later": "x\n"})
    repo.branch("third", "main")
    repo.commit("docs: third", files={"docs/third": "x\n"})
    tips = ["bad", "fixed", "third"]
    repo.checkout("main")
    for name in tips:
        repo.git("merge", "-q", "--no-ff", "-m", f"Merge {name}", name)
    repo.commit("chore: newer", files={"locked/p": "newer\n"})
    repo.ref("refs/remotes/origin/main", "main")
    repo.checkout("work")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge them", *tips)
    repo.commit("feat: b", files={"src/b": "b\n"})
    assert len(repo.git("merge-base", "--all", "work", "main").split()) == 3
    passes(check(repo, "--enforce", "--base=origin/main"))
    repo.commit("feat: bad again", files={"locked/p": "bad\n"})
    fails(check(repo, "--enforce", "--base=origin/main"), LOCKED)


def test_merge_bases_in_conflict_each_count(repository: Repository) -> None:
    repo = repository
    guarded(repo)
    for name in ("one", "two"):
        repo.branch(name, "main")
        repo.commit(f"chore: {name}", files={"locked/p": f"{name}\n"})
    repo.checkout("main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge one", "one")
    repo.merge("two", files={"locked/p": "both\n"})
    repo.ref("refs/remotes/origin/main", "main")
    repo.checkout("work")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge one", "one")
    repo.merge("two", files={"locked/p": "two\n"})
    fails(check(repo, "--enforce", "--base=origin/main"), LOCKED)
    # Then as the base has it: nothing of that is the change's.
    repo.commit("Merge two", files={"locked/p": "both\n"}, amend=True)
    repo.commit("feat: b", files={"src/b": "b\n"})
    outcome = check(repo, "--enforce", "--base=origin/main")
    passes(outcome)
    assert outcome.report["change"]["entries"] == 1
