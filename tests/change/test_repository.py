"""Where a repository is, what its HEAD is, and which of its refs are there, however it is laid out."""

import os
import subprocess
from pathlib import Path

import pytest

from specguard.change.worktree import worktrees
from specguard.errors import MissingFact, SpecguardError
from specguard.testing import Repository
from tests.changes import locate
from tests.executor.places import program


@pytest.fixture
def repo(repository: Repository) -> Repository:
    repository.commit("one", files={"src/a": "a\n"})
    return repository


def test_a_repository_is_described(repo: Repository, tmp_path: Path) -> None:
    found = locate(repo.path)
    git_dir = str(repo.path.resolve() / ".git")
    assert (found.git_dir, found.common) == (git_dir, git_dir)
    assert (found.objects, found.index) == (f"{git_dir}/objects", f"{git_dir}/index")
    assert (found.format, found.oid_digits) == ("sha1", 40)
    assert (found.shallow, found.bare) == (False, False)
    assert (found.head, found.branch) == (repo.oid(), "refs/heads/main")
    repo.commit("two")
    found = locate(repo.clone(tmp_path / "shallow", depth=1).path)
    assert found.shallow
    found = locate(repo.clone(tmp_path / "bare.git", bare=True).path)
    assert (found.bare, found.head) == (True, repo.oid())
    with pytest.raises(SpecguardError, match="no working tree"):
        found.work_tree()
    longer = Repository(tmp_path / "r", object_format="sha256")
    oid = longer.commit("one", files={"a": "a"})
    found = locate(longer.path)
    assert (found.format, found.oid_digits, found.head) == ("sha256", 64, oid)


def test_a_ref_called_head_is_not_head(repo: Repository) -> None:
    first = repo.oid()
    second = repo.commit("two")
    for ref in ("refs/heads/HEAD", "refs/tags/HEAD", "refs/remotes/HEAD/HEAD", "refs/HEAD"):
        repo.ref(ref, first)
        assert (locate(repo.path).head, locate(repo.path).branch) == (second, "refs/heads/main")
    # Before the first commit git itself takes such a ref for HEAD.
    repo.git("symbolic-ref", "HEAD", "refs/heads/unborn")
    assert (locate(repo.path).head, locate(repo.path).branch) == (None, "refs/heads/unborn")
    # A branch of that name can be checked out, and a detached head has none.
    repo.git("symbolic-ref", "HEAD", "refs/heads/HEAD")
    assert (locate(repo.path).head, locate(repo.path).branch) == (first, "refs/heads/HEAD")
    repo.git("checkout", "-q", "--detach", "refs/heads/main")
    assert (locate(repo.path).head, locate(repo.path).branch) == (second, None)


def test_worktrees_and_submodules_have_their_own_places(repo: Repository, tmp_path: Path) -> None:
    linked = repo.worktree(tmp_path / "linked", "side")
    found = locate(linked.path)
    common = str(repo.path.resolve() / ".git")
    assert (found.common, found.objects) == (common, f"{common}/objects")
    assert (found.git_dir, found.index) == (f"{common}/worktrees/linked", f"{common}/worktrees/linked/index")
    assert (found.branch, found.work_tree()) == ("refs/heads/side", str(linked.path.resolve()))
    outer = Repository(tmp_path / "outer")
    outer.commit("one")
    outer.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo.path), "sub")
    found, top = locate(outer.path / "sub"), str(outer.path.resolve())
    assert (found.git_dir, found.head) == (f"{top}/.git/modules/sub", repo.oid())
    assert [found.work_tree(), *(one.folder for one in worktrees(found))] == [f"{top}/sub"] * 2


def test_what_cannot_be_read_is_an_error(repo: Repository, tmp_path: Path) -> None:
    with pytest.raises(SpecguardError, match="is not in a git repository") as caught:
        locate(tmp_path)
    assert "-C" in caught.value.help
    with pytest.raises(SpecguardError, match="cannot change to"):
        locate(tmp_path / "missing")
    with pytest.raises(SpecguardError, match="not installed"):
        locate(repo.path, PATH="/nonexistent")
    odd = Repository(tmp_path / "a\nb")
    odd.commit("one")
    with pytest.raises(SpecguardError, match="newline"):
        locate(odd.path)
    repo.git("config", "core.repositoryformatversion", "99")
    with pytest.raises(SpecguardError, match="cannot be read"):
        locate(repo.path)


def test_git_is_not_taken_from_a_relative_folder_of_the_path(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.path)
    program(repo.path / "bin" / "git", "touch ran")
    (repo.path / "git").symlink_to("bin/git")
    assert locate(PATH=f"bin::.:{os.environ['PATH']}").head == repo.oid()
    assert not (repo.path / "ran").exists()


def test_what_git_sets_for_hooks_is_honoured(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = locate(GIT_DIR=str(repo.path / ".git"), GIT_WORK_TREE=str(repo.path))
    assert found.head == repo.oid()
    monkeypatch.chdir(repo.path)
    found = locate(GIT_INDEX_FILE=".git/next-index-1.lock")
    assert found.index == f"{os.getcwd()}/.git/next-index-1.lock"
    # A folder that is named stands above that.
    other = Repository(tmp_path / "other")
    other.commit("other")
    found = locate(repo.path, GIT_DIR=str(other.path / ".git"), GIT_WORK_TREE=str(other.path))
    assert found.head == repo.oid()


def test_no_other_variable_of_git_is_honoured(repo: Repository, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    for name, value in {
        "GIT_OBJECT_DIRECTORY": "/nonexistent",
        "GIT_COMMON_DIR": "/nonexistent",
        "GIT_CONFIG_PARAMETERS": "'core.bare=true'",
        "GIT_NAMESPACE": "evil",
        "GIT_CEILING_DIRECTORIES": "/",
        "GIT_DEFAULT_HASH": "sha256",
        "GIT_TRACE": str(trace),
        "GIT_TRACE2_EVENT": str(trace),
    }.items():
        found = locate(repo.path / "src", **{name: value})
        assert (found.head, found.format, found.bare) == (repo.oid(), "sha1", False)
        assert found.objects == str(repo.path.resolve() / ".git/objects")
    assert not trace.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository away")
def test_a_repository_of_another_user_is_refused_until_the_user_trusts_it(
    repo: Repository, tmp_path: Path
) -> None:
    oid = repo.oid()
    subprocess.run(["chown", "-R", "1234", str(repo.path)], check=True)
    with pytest.raises(SpecguardError, match="belongs to another user") as caught:
        locate(repo.path)
    assert caught.value.help.endswith(f"--add safe.directory {repo.path.resolve()}`.")
    repo.git("-c", f"safe.directory={repo.path.resolve()}", "config", "safe.directory", "*")
    with pytest.raises(SpecguardError, match="belongs to another user"):
        locate(repo.path)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f"[safe]\n\tdirectory = {repo.path.resolve()}\n")
    found = locate(repo.path, HOME=str(home))
    assert found.head == oid
    assert found.refs_named(["refs/heads/main"]) == {"refs/heads/main": oid}


def test_hostile_configuration_runs_nothing_and_changes_nothing(repo: Repository) -> None:
    for key in ("core.fsmonitor", "core.hooksPath", "core.pager", "core.sshCommand", "core.editor"):
        repo.git("config", key, "touch ran; false")
    for key, value in (("diff.renames", "bogus"), ("color.ui", "always"), ("alias.rev-parse", "!touch ran")):
        repo.git("config", key, value)
    found = locate(repo.path)
    assert (found.head, found.branch) == (repo.oid("refs/heads/main"), "refs/heads/main")
    assert [ref.name for ref in found.branches()] == ["refs/heads/main"]
    assert not (repo.path / "ran").exists()


# Refs


def test_refs_are_looked_up_by_their_full_names_alone(repo: Repository) -> None:
    first = repo.oid()
    second = repo.commit("two")
    repo.ref("refs/tags/main", first)
    repo.ref("refs/heads/origin/main", first)
    repo.ref("refs/heads/refs/heads/main", first)
    repo.publish("main", second)
    found = locate(repo.path)
    wanted = ["refs/heads/main", "refs/remotes/origin/main", "refs/heads/none", "main", "refs/heads"]
    assert found.refs_named(wanted) == {"refs/heads/main": second, "refs/remotes/origin/main": second}
    # A pattern is not a name, and an annotated tag is not peeled in place.
    repo.tag("v1", message="one")
    assert found.refs_named(["refs/heads/m*", "refs/heads/mai?", "refs/heads/[m]ain", "refs/heads/m\0"]) == {}
    assert locate(repo.path).refs_named(["refs/tags/v1"]) == {"refs/tags/v1": repo.oid("refs/tags/v1")}


def test_a_broken_ref_is_a_missing_fact_where_it_is_asked_for(repo: Repository) -> None:
    repo.ref("refs/heads/other")
    (repo.path / ".git/refs/heads/broken").write_text("garbage\n")
    found = locate(repo.path)
    assert found.refs_named(["refs/heads/other"]) == {"refs/heads/other": repo.oid()}
    with pytest.raises(MissingFact, match="refs/heads/broken is broken"):
        found.refs_named(["refs/heads/broken"])
    with pytest.raises(MissingFact, match="refs/heads/broken is broken"):
        found.branches()
    # A broken branch is not one before its first commit.
    (repo.path / ".git/refs/heads/main").write_text("garbage\n")
    with pytest.raises(SpecguardError, match="broken"):
        locate(repo.path)


def test_branches_are_local_and_of_remotes_without_their_heads(repo: Repository) -> None:
    repo.ref("refs/heads/feature/x")
    repo.publish(head=True)
    repo.publish("feature/y", "main", remote="up")
    repo.tag("v1")
    # Packed refs and bytes that are not UTF-8 are refs, too.
    repo.ref(b"refs/heads/\xff")
    repo.git("pack-refs", "--all")
    found = locate(repo.path)
    assert [(ref.name, ref.short) for ref in found.branches()] == [
        ("refs/heads/feature/x", "feature/x"),
        ("refs/heads/main", "main"),
        ("refs/heads/\udcff", "\udcff"),
        ("refs/remotes/origin/main", "main"),
        ("refs/remotes/up/feature/y", "feature/y"),
    ]
    assert {ref.oid for ref in found.branches()} == {repo.oid()}
    # A symbolic ref tells where it points, and a dangling one is none.
    assert found.target_of("refs/remotes/origin/HEAD") == "refs/remotes/origin/main"
    assert found.target_of("refs/heads/main") == "refs/heads/main"
    repo.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone")
    assert "refs/remotes/origin/HEAD" not in locate(repo.path).refs_named(["refs/remotes/origin/HEAD"])
