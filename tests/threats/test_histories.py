"""Histories that are not what they seem, and missing facts, by the command."""

import json
import os
import subprocess
import zlib
from pathlib import Path

import pytest

from specguard.errors import MissingFact
from specguard.testing import Repository
from tests.changes import Open, loose, on_github, pull_request
from tests.outcomes import ended
from tests.threats.cases import threat
from tests.threats.guarded import LOCKED, check, fails, guarded, passes, undecided

ENFORCED = ("--enforce", "--base=main")


@pytest.fixture
def repo(repository: Repository) -> Repository:
    """A guarded repository, and a branch whose commit alters a locked file."""
    guarded(repository)
    repository.commit("feat: evil", files={"locked/p": "EVIL\n"})
    return repository


def forge(repo: Repository, name: str, kind: str, content: bytes) -> None:
    """Overwrite a loose object of the store."""
    loose(repo, name).write_bytes(zlib.compress(b"%s %d\0" % (kind.encode(), len(content)) + content))


# What git would read in place of the objects


@threat("T55", "a commit that a replace ref shows as another", "exit 1: PTH002")
def test_a_replaced_commit(repo: Repository) -> None:
    fine = repo.git("commit-tree", "-p", repo.oid("main"), "-m", "feat: fine", repo.oid("main^{tree}"))
    repo.git("replace", repo.oid(), fine)
    repo.git("config", "core.useReplaceRefs", "true")
    assert repo.git("diff", "--raw", "main", "work") == ""
    for words in ((), ENFORCED, (f"--head={repo.oid()}",)):
        fails(check(repo, *words), LOCKED)
    passes(check(repo, "--staged"))


@threat("T56", "grafts that give a commit other parents", "exit 1: PTH002")
@threat("T57", "a shallow file that cuts the history off", "exit 1: PTH002")
@pytest.mark.parametrize("file", ["info/grafts", "shallow"])
def test_a_history_that_is_cut_off(repo: Repository, file: str) -> None:
    repo.commit("feat: two", files={"src/b": "b\n"})
    (repo.path / ".git" / "info").mkdir(exist_ok=True)
    (repo.path / ".git" / file).write_text(f"{repo.oid()}\n")
    assert repo.git("rev-list", "--count", "work") == "1"
    outcome = check(repo)
    fails(outcome, LOCKED)
    assert outcome.report["change"]["commits"] == 2


@threat("T57", "a shallow clone", "exit 2")
def test_a_shallow_clone(repo: Repository, tmp_path: Path) -> None:
    repo.commit("feat: two", files={"src/b": "b\n"})
    clone = repo.clone(tmp_path / "shallow", depth=1)
    undecided(check(clone, f"--base={repo.oid('main')}"), "git fetch --unshallow origin")
    clone.git("fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
    for words in ((), ENFORCED):
        outcome = check(clone, *words)
        undecided(outcome, "git fetch --unshallow origin")
        assert outcome.state("PTH002") == "indeterminate"
    clone.git("config", "protocol.file.allow", "always")
    clone.git("fetch", "-q", "--unshallow", "origin")
    fails(check(clone), LOCKED)


@threat("T59", "the base's authority forged in the object store", "exit 2")
@pytest.mark.parametrize(
    ("name", "kind", "old", "new"),
    [
        ("main:SPEC_AUTHORITY.md", "blob", b"locked/", b"nothing"),
        ("main^{tree}", "tree", b"src", b"srd"),
        ("work~1", "commit", b"feat: evil", b"feat: fine"),
    ],
)
def test_a_forged_object(repo: Repository, name: str, kind: str, old: bytes, new: bytes) -> None:
    repo.commit("feat: two", files={"src/b": "b\n"})
    content = repo.process("cat-file", kind, name).stdout
    assert old in content
    forge(repo, name, kind, content.replace(old, new))
    for words in ((), ENFORCED):
        undecided(check(repo, *words), "forged or broken")


@threat("T59", "a tree of the head forged in the object store, where the verdict is the last word", "exit 2")
def test_a_forged_tree(repo: Repository) -> None:
    content = repo.process("cat-file", "tree", repo.oid("main:locked")).stdout
    forge(repo, "HEAD:locked", "tree", content)
    assert repo.git("diff", "--raw", "main", "work") == ""
    # Git believes it, and so does a check that is not the last word.
    fails(check(repo), ("CMT005", None))
    undecided(check(repo, *ENFORCED), "forged or broken")


def test_an_object_store_that_is_gone_is_no_empty_change(repo: Repository) -> None:
    loose(repo, "HEAD^{tree}").unlink()
    outcome = check(repo)
    undecided(outcome, "git fetch")
    assert outcome.state("PTH002") == "indeterminate"
    assert not outcome.report["empty"]


# Bases that are missing or moved


@threat("T60", "no remote and no branch that could be the base", "exit 2")
def test_no_base(repo: Repository) -> None:
    broken = repo.path / ".git/refs/remotes/origin/main"
    broken.write_text("garbage\n")
    undecided(check(repo, "--base=main"), "broken")
    broken.unlink()
    repo.git("remote", "remove", "origin")
    fails(check(repo), LOCKED)
    repo.git("branch", "-q", "-D", "main")
    undecided(check(repo), "the base that the policy names cannot be found")
    undecided(check(repo, "--enforce"), "--base")


@threat("T61", "a branch without a common ancestor", "exit 2")
def test_unrelated_histories(repo: Repository) -> None:
    repo.orphan("alone")
    repo.commit("feat: begin again", files={"locked/p": "EVIL\n"})
    outcome = check(repo)
    undecided(outcome, "no common ancestor")
    assert "specguard check --root" in str(outcome)
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
    """Return the environment variables of a job with this file about its event."""
    file = repo.path.parent / "event.json"
    file.write_bytes(content)
    ends = {"GITHUB_BASE_REF": "main", "GITHUB_HEAD_REF": "work", "GITHUB_REF": "refs/pull/7/merge"}
    return on_github(file, **ends, GITHUB_SHA=repo.oid())


@threat("T67", "the merge that a platform makes of a pull request", "exit 0")
def test_a_merge_that_the_platform_made(asked: Repository) -> None:
    env = event(asked, json.dumps(pull_request(asked.oid("main~1"), asked.oid("work"))).encode())
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
    outcome = ended(check(asked, "--enforce", env=event(asked, content)), 2)
    # What needs no event is judged all the same.
    assert outcome.state("PRQ001") == "indeterminate"
    assert outcome.state("CMT001") == outcome.state("PTH002") == "passed"


@threat("T68", "an event file of 50 MB", "exit 2")
def test_an_event_that_is_too_large(asked: Repository) -> None:
    env = event(asked, b'{"pull_request": {"title": "feat: ' + b"x" * (50 << 20) + b'"}}')
    outcome = ended(check(asked, "--enforce", env=env), 2)
    assert outcome.state("PRQ001") == "indeterminate"
    assert outcome.state("PTH002") == "passed"
    undecided(check(asked, f"--pr-event={env['GITHUB_EVENT_PATH']}"), "may have 25 MiB")


# Where the repository is


@threat("T69", "a bare repository, a linked worktree, a subfolder", "exit 1: PTH002")
def test_wherever_it_is_judged_from(repo: Repository, tmp_path: Path) -> None:
    repo.git("config", "diff.relative", "true")
    linked = repo.worktree(tmp_path / "linked", "side", "main")
    bare = repo.clone(tmp_path / "bare.git", bare=True)
    for place in (repo.path, repo.path / "src", linked.path, bare.path, repo.git_dir):
        fails(check(repo, "-C", str(place), "--base=main", "--head=work"), LOCKED)


# A partial clone is bare, since a checkout would fetch what it lacks.


@threat("T70", "a partial clone that lacks what a rule reads", "exit 2")
def test_a_partial_clone(repository: Repository, tmp_path: Path) -> None:
    guarded(repository, '[[rules.forbidden-content.forbid]]\npattern = "EVIL"\n')
    repository.commit("feat: x", files={"src/b": "EVIL\n"})
    clone = repository.clone(tmp_path / "partial", bare=True, partial="blob:none")
    clone.git("show", "main:SPEC_AUTHORITY.md")
    ran = tmp_path / "ran"
    url = clone.git("config", "remote.origin.url")
    clone.git("config", "remote.origin.url", f"ext::touch {ran}")
    clone.git("config", "protocol.ext.allow", "always")
    outcome = check(clone, "--base=main", "--head=work")
    undecided(outcome, "git fetch --refetch --no-filter origin")
    assert outcome.state("CNT001") == "indeterminate"
    assert outcome.state("PTH002") == "passed"
    assert not ran.exists()
    clone.git("config", "remote.origin.url", url)
    clone.git("fetch", "-q", "--refetch", "--no-filter", "origin")
    fails(check(clone, "--base=main", "--head=work"), ("CNT001", "src/b"))


def test_a_partial_clone_without_trees_lacks_its_entries(
    repo: Repository, change: Open, tmp_path: Path
) -> None:
    repo.commit("feat: two", files={"src/c": "c\n"})
    clone = repo.clone(tmp_path / "partial", bare=True, partial="tree:0")
    found = change(clone, base="main", head="work")
    for fact in ("entries", "commits"):
        with pytest.raises(MissingFact) as caught:
            _ = found.entries if fact == "entries" else found.commits[0].diffs
        assert caught.value.command == "git fetch --refetch --no-filter origin"


@threat("T71", "a repository that belongs to another user", "exit 2")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository away")
def test_a_repository_of_another_user(repo: Repository) -> None:
    subprocess.run(["chown", "-R", "1234", str(repo.path)], check=True)
    undecided(check(repo), "belongs to another user")
