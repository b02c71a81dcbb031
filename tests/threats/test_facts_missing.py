"""Facts that are missing or have two meanings: they are never taken for nothing."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from specguard.errors import MissingFact, SpecguardError
from specguard.testing import Repository
from tests.changes import rows

if TYPE_CHECKING:
    from pathlib import Path

    from tests.changes import Open


@pytest.fixture
def repo(repository: Repository) -> Repository:
    repository.commit("chore: base", files={"locked/p": "policy\n", "src/a": "a\n"})
    repository.remote()
    repository.publish(head=True)
    repository.branch("work")
    repository.commit("feat: one", files={"src/b": "b\n"})
    return repository


def test_t60_without_a_base_nothing_is_guessed(repo: Repository, change: Open) -> None:
    repo.git("remote", "remove", "origin")
    assert rows(change(repo)) == ["A src/b"]
    repo.git("branch", "-q", "-D", "main")
    with pytest.raises(SpecguardError, match="there is no base") as caught:
        change(repo)
    assert caught.value.help == "Name it with `--base REF`."


def test_t61_unrelated_histories_have_no_range(repo: Repository, change: Open) -> None:
    repo.orphan("un")
    repo.commit("feat: other", files={"x": "x\n"})
    found = change(repo)
    for fact in ("base", "entries", "commits"):
        with pytest.raises(MissingFact, match="no common ancestor") as caught:
            getattr(found, fact)
        assert caught.value.command == "specguard check --root"
    assert not found.empty
    assert rows(change(repo, root=True)) == ["A x"]


def test_t62_a_detached_head_has_no_branch(repo: Repository, change: Open) -> None:
    repo.ref("refs/heads/HEAD", "main")
    repo.checkout("work", detach=True)
    found = change(repo)
    assert rows(found) == ["A src/b"]
    with pytest.raises(MissingFact, match="HEAD is detached"):
        _ = found.branch
    assert change(repo, branch="work").branch.name == "work"


@pytest.mark.parametrize(
    "name", [b"a$(touch;x)", "x\u202ey".encode(), b"\xff", b"--output=x", b"-x", b"a;b&c|d", b"@", b"'\"`"]
)
def test_t64_a_branch_s_name_is_never_an_option_or_a_command(
    repo: Repository, change: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    text = name.decode("utf-8", "surrogateescape")
    before = sorted(os.listdir(tmp_path))
    # Git's own commands refuse some of these; whoever writes below .git is not asked.
    (repo.path / ".git/packed-refs").write_bytes(b"%s refs/heads/%s\n" % (repo.oid().encode(), name))
    repo.git("symbolic-ref", "HEAD", b"refs/heads/" + name)
    found = change(repo)
    assert found.branch.name == text
    assert rows(found) == ["A src/b"]
    assert [ref.short for ref in found.refs if ref.short == text] == [text]
    if not name.startswith(b"-") and name != b"@":
        assert rows(change(repo, head=text)) == ["A src/b"]
    else:
        assert rows(change(repo, head=f"refs/heads/{text}")) == ["A src/b"]
    assert sorted(os.listdir(tmp_path)) == before


def github(repo: Repository, tmp_path: Path, payload: bytes, **more: str) -> dict[str, str]:
    (tmp_path / "event.json").write_bytes(payload)
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_BASE_REF": "main",
        "GITHUB_HEAD_REF": "work",
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_SHA": repo.oid(),
        **more,
    }


def synthetic_merge(repo: Repository) -> tuple[str, str]:
    """Check out what a platform checks out for a pull request; the merge and the true head."""
    head = repo.oid()
    repo.checkout("main")
    repo.commit("chore: later", files={"src/later": "x\n"})
    repo.publish()
    repo.checkout("main", detach=True)
    return repo.merge("work", message="Merge work into main"), head


def test_t67_a_merge_that_the_platform_made_is_not_judged(
    repo: Repository, change: Open, tmp_path: Path
) -> None:
    merge, head = synthetic_merge(repo)
    payload = {
        "pull_request": {
            "title": "One",
            "head": {"sha": head, "ref": "work"},
            "base": {"sha": repo.oid("main~1"), "ref": "main"},
        }
    }
    found = change(repo, env=github(repo, tmp_path, json.dumps(payload).encode()))
    assert (found.base.head, found.base.tip) == (head, repo.oid("refs/remotes/origin/main"))
    assert [commit.message.subject for commit in found.commits] == ["feat: one"]
    assert rows(found) == ["A src/b"]
    assert merge == repo.oid()


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"{}", b'{"pull_request": {"title": 5}}', b"\xff" * 100]
)
def test_t68_without_the_event_only_its_text_is_missing(
    repo: Repository, change: Open, tmp_path: Path, payload: bytes
) -> None:
    _, head = synthetic_merge(repo)
    found = change(repo, env=github(repo, tmp_path, payload))
    assert found.stage == "pull-request"
    assert found.base.head == head
    assert rows(found) == ["A src/b"]
    assert found.branch.name == "work"
    request = found.pull_request
    assert (request.title, request.body, request.base) == (None, None, "main")
    with pytest.raises(MissingFact):
        found.messages("squash")


def test_t68_a_file_of_fifty_megabytes_is_not_read(repo: Repository, change: Open, tmp_path: Path) -> None:
    payload = b'{"pull_request": {"title": "' + b"x" * (50 << 20) + b'"}}'
    assert change(repo, env=github(repo, tmp_path, payload)).pull_request.title is None
    with pytest.raises(SpecguardError, match="may have 25 MiB"):
        change(repo, event_file=str(tmp_path / "event.json"))


def test_t69_the_same_facts_in_a_bare_repository_a_worktree_and_a_subfolder(
    repo: Repository, change: Open, tmp_path: Path
) -> None:
    repo.commit("feat: two", files={"locked/p": "EVIL\n"})
    repo.git("config", "diff.relative", "true")
    expected = change(repo, base="main", head="work").summary()
    linked = repo.worktree(tmp_path / "linked", "side", "main")
    bare = repo.clone(tmp_path / "bare.git", bare=True)
    for place in (str(repo.path / "src"), str(linked.path), str(bare.path), str(repo.path / ".git")):
        assert change(repo, directory=place, base="main", head="work").summary() == expected


def partial(repo: Repository, path: Path, kind: str) -> Repository:
    """A clone that lacks what a filter leaves out; a bare one, or a checkout would fetch it."""
    repo.git("config", "uploadpack.allowFilter", "true")
    return repo.clone(path, bare=True, partial=kind)


def test_t70_in_a_partial_clone_a_missing_blob_is_not_fetched(
    repo: Repository, change: Open, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    clone = partial(repo, tmp_path / "p", "blob:none")
    clone.git("config", "remote.origin.url", f"ext::touch {ran}")
    clone.git("config", "protocol.ext.allow", "always")
    found = change(clone, base="main", head="work")
    assert rows(found) == ["A src/b"]
    assert [entry.path for commit in found.commits for entry in commit.own_entries] == [b"src/b"]
    with pytest.raises(MissingFact, match="not in the object store") as caught:
        found.head_files.read(b"src/b")
    assert caught.value.command == "git fetch --refetch --no-filter origin"
    with pytest.raises(MissingFact):
        change(clone, base="main", head="work").git.sizes([found.entries[0].new])
    assert not ran.exists()


def test_t70_the_command_that_is_named_supplies_the_blobs(
    repo: Repository, change: Open, tmp_path: Path
) -> None:
    clone = partial(repo, tmp_path / "p", "blob:none")
    with pytest.raises(MissingFact) as caught:
        change(clone, base="main", head="work").base_files.read(b"locked/p")
    clone.git(*caught.value.command.removeprefix("git ").split())
    assert change(clone, base="main", head="work").base_files.read(b"locked/p") == b"policy\n"


def test_t70_a_partial_clone_without_trees_lacks_its_entries(
    repo: Repository, change: Open, tmp_path: Path
) -> None:
    repo.commit("feat: two", files={"src/c": "c\n"})
    clone = partial(repo, tmp_path / "p", "tree:0")
    found = change(clone, base="main", head="work")
    with pytest.raises(MissingFact) as caught:
        _ = found.entries
    assert caught.value.command == "git fetch --refetch --no-filter origin"
    with pytest.raises(MissingFact):
        _ = found.commits[0].diffs


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository away")
def test_t71_a_repository_of_another_user_is_not_an_empty_change(repo: Repository, change: Open) -> None:
    subprocess.run(["chown", "-R", "1234", str(repo.path)], check=True)
    with pytest.raises(SpecguardError, match="belongs to another user"):
        change(repo)


def test_t79_another_repository_in_the_environment_is_not_judged(
    repo: Repository, change: Open, tmp_path: Path
) -> None:
    other = Repository(tmp_path / "other")
    other.commit("feat: other", files={"other": "x\n"})
    env = {"GIT_DIR": str(other.path / ".git"), "GIT_WORK_TREE": str(other.path)}
    assert rows(change(repo, env=env)) == ["A src/b"]


def test_a_broken_ref_is_not_a_missing_base(repo: Repository, change: Open) -> None:
    (repo.path / ".git/refs/remotes/origin/main").write_text("garbage\n")
    with pytest.raises(SpecguardError, match="broken"):
        change(repo, base="main")


def test_an_object_store_that_is_gone_is_not_an_empty_change(repo: Repository, change: Open) -> None:
    tree = repo.oid("HEAD^{tree}")
    (repo.path / ".git/objects" / tree[:2] / tree[2:]).unlink()
    found = change(repo)
    with pytest.raises(MissingFact):
        _ = found.entries
    assert not found.empty
