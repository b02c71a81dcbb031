"""Where a repository is, what its HEAD is, and which of its refs are there, however it is laid out."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from specguard.errors import MissingFact, SpecguardError
from specguard.testing import Repository
from tests.changes import locate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repo(repository: Repository) -> Repository:
    repository.commit("one", files={"src/a": "a\n"})
    return repository


def test_a_repository_is_described(repo: Repository) -> None:
    found = locate(repo.path)
    git_dir = str(repo.path.resolve() / ".git")
    assert (found.git_dir, found.common) == (git_dir, git_dir)
    assert (found.objects, found.index) == (f"{git_dir}/objects", f"{git_dir}/index")
    assert (found.format, found.hexadecimal) == ("sha1", 40)
    assert (found.shallow, found.bare) == (False, False)
    assert (found.head, found.branch) == (repo.oid(), "refs/heads/main")


def test_a_subdirectory_and_the_working_directory_belong_to_it(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert locate(repo.path / "src").git_dir == str(repo.path.resolve() / ".git")
    monkeypatch.chdir(repo.path / "src")
    assert locate().git_dir == str(repo.path.resolve() / ".git")


def test_a_sha256_repository_says_so(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "r", object_format="sha256")
    oid = repo.commit("one", files={"a": "a"})
    found = locate(repo.path)
    assert (found.format, found.hexadecimal, found.head) == ("sha256", 64, oid)


def test_before_the_first_commit_there_is_a_branch_and_no_head(repository: Repository) -> None:
    found = locate(repository.path)
    assert (found.head, found.branch) == (None, "refs/heads/main")


def test_a_detached_head_has_no_branch(repo: Repository) -> None:
    repo.checkout("main", detach=True)
    found = locate(repo.path)
    assert (found.head, found.branch) == (repo.oid(), None)


@pytest.mark.parametrize("ref", ["refs/heads/HEAD", "refs/tags/HEAD", "refs/remotes/HEAD/HEAD", "refs/HEAD"])
def test_a_ref_called_head_is_not_head(repo: Repository, ref: str) -> None:
    first = repo.oid()
    second = repo.commit("two")
    repo.ref(ref, first)
    found = locate(repo.path)
    assert (found.head, found.branch) == (second, "refs/heads/main")
    repo.checkout("main", detach=True)
    assert (locate(repo.path).head, locate(repo.path).branch) == (second, None)
    # Before the first commit git itself takes such a ref for HEAD.
    repo.git("symbolic-ref", "HEAD", "refs/heads/unborn")
    found = locate(repo.path)
    assert (found.head, found.branch) == (None, "refs/heads/unborn")


def test_a_branch_called_head_can_be_checked_out(repo: Repository) -> None:
    repo.ref("refs/heads/HEAD")
    repo.git("symbolic-ref", "HEAD", "refs/heads/HEAD")
    found = locate(repo.path)
    assert (found.head, found.branch) == (repo.oid(), "refs/heads/HEAD")


def test_a_broken_branch_is_not_one_before_its_first_commit(repo: Repository) -> None:
    (repo.path / ".git/refs/heads/main").write_text("garbage\n")
    with pytest.raises(SpecguardError, match="broken"):
        locate(repo.path)


def test_a_bare_repository_has_no_working_tree(repo: Repository, tmp_path: Path) -> None:
    bare = repo.clone(tmp_path / "bare.git", bare=True)
    found = locate(bare.path)
    assert found.bare
    assert found.head == repo.oid()
    with pytest.raises(SpecguardError, match="no working tree"):
        found.work_tree()


def test_a_linked_worktree_shares_objects_and_has_its_own_index(repo: Repository, tmp_path: Path) -> None:
    linked = repo.worktree(tmp_path / "linked", "side")
    found = locate(linked.path)
    common = str(repo.path.resolve() / ".git")
    assert (found.common, found.objects) == (common, f"{common}/objects")
    assert found.git_dir == f"{common}/worktrees/linked"
    assert found.index == f"{common}/worktrees/linked/index"
    assert found.branch == "refs/heads/side"
    assert found.work_tree() == str(linked.path.resolve())


def test_a_submodule_is_a_repository_of_its_own(repo: Repository, tmp_path: Path) -> None:
    outer = Repository(tmp_path / "outer")
    outer.commit("one")
    outer.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo.path), "sub")
    found = locate(outer.path / "sub")
    assert found.git_dir == str(outer.path.resolve() / ".git/modules/sub")
    assert found.work_tree() == str(outer.path.resolve() / "sub")
    assert found.head == repo.oid()


def test_a_shallow_clone_says_so(repo: Repository, tmp_path: Path) -> None:
    repo.commit("two")
    found = locate(repo.clone(tmp_path / "shallow", depth=1).path)
    assert found.shallow
    assert found.missing_command == "git fetch --unshallow origin"


def test_a_folder_that_is_no_repository_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SpecguardError, match="is not in a git repository") as caught:
        locate(tmp_path)
    assert "-C" in caught.value.help
    with pytest.raises(SpecguardError, match="cannot change to"):
        locate(tmp_path / "missing")


def test_git_that_is_not_installed_is_an_error(repo: Repository) -> None:
    with pytest.raises(SpecguardError, match="not installed"):
        locate(repo.path, PATH="/nonexistent")


def test_git_is_not_taken_from_a_relative_folder_of_the_path(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.path)
    evil = repo.path / "bin"
    evil.mkdir()
    (evil / "git").write_text("#!/bin/sh\ntouch ran\n")
    (evil / "git").chmod(0o755)
    (repo.path / "git").symlink_to("bin/git")
    assert locate(PATH=f"bin::.:{os.environ['PATH']}").head == repo.oid()
    assert not (repo.path / "ran").exists()


def test_a_path_with_a_newline_is_refused(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "a\nb")
    repo.commit("one")
    with pytest.raises(SpecguardError, match="newline"):
        locate(repo.path)


def test_a_repository_of_a_later_format_is_refused(repo: Repository) -> None:
    repo.git("config", "core.repositoryformatversion", "99")
    with pytest.raises(SpecguardError, match="cannot be read"):
        locate(repo.path)


def test_what_git_sets_for_hooks_is_honoured(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = locate(GIT_DIR=str(repo.path / ".git"), GIT_WORK_TREE=str(repo.path))
    assert found.head == repo.oid()
    monkeypatch.chdir(repo.path)
    found = locate(GIT_INDEX_FILE=".git/next-index-1.lock")
    assert found.index == f"{os.getcwd()}/.git/next-index-1.lock"


def test_a_folder_that_is_named_stands_above_a_hook_s_environment(repo: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    other.commit("other")
    found = locate(repo.path, GIT_DIR=str(other.path / ".git"), GIT_WORK_TREE=str(other.path))
    assert found.head == repo.oid()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GIT_OBJECT_DIRECTORY", "/nonexistent"),
        ("GIT_COMMON_DIR", "/nonexistent"),
        ("GIT_CONFIG_PARAMETERS", "'core.bare=true'"),
        ("GIT_NAMESPACE", "evil"),
        ("GIT_CEILING_DIRECTORIES", "/"),
        ("GIT_DEFAULT_HASH", "sha256"),
    ],
)
def test_no_other_variable_of_git_is_honoured(repo: Repository, name: str, value: str) -> None:
    found = locate(repo.path / "src", **{name: value})
    assert (found.head, found.format, found.bare) == (repo.oid(), "sha1", False)
    assert found.objects == str(repo.path.resolve() / ".git/objects")


def test_a_trace_file_is_not_written(repo: Repository, tmp_path: Path) -> None:
    locate(repo.path, GIT_TRACE=str(tmp_path / "trace"), GIT_TRACE2_EVENT=str(tmp_path / "trace2"))
    assert not (tmp_path / "trace").exists()
    assert not (tmp_path / "trace2").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository away")
def test_a_repository_of_another_user_is_refused_until_the_user_trusts_it(
    repo: Repository, tmp_path: Path
) -> None:
    oid = repo.oid()
    subprocess.run(["chown", "-R", "1234", str(repo.path)], check=True)
    with pytest.raises(SpecguardError, match="belongs to another user") as caught:
        locate(repo.path)
    assert "safe.directory" in caught.value.help
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


def test_a_pattern_is_no_name(repo: Repository) -> None:
    repo.ref("refs/heads/more")
    found = locate(repo.path)
    assert found.refs_named(["refs/heads/m*", "refs/heads/mor?", "refs/heads/[m]ore", "refs/heads/m\0"]) == {}


def test_an_annotated_tag_is_not_peeled_in_place(repo: Repository) -> None:
    repo.tag("v1", message="one")
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


def test_a_symbolic_ref_tells_where_it_points_and_a_dangling_one_is_none(repo: Repository) -> None:
    repo.publish(head=True)
    found = locate(repo.path)
    assert found.target_of("refs/remotes/origin/HEAD") == "refs/remotes/origin/main"
    assert found.target_of("refs/heads/main") == "refs/heads/main"
    repo.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone")
    assert "refs/remotes/origin/HEAD" not in locate(repo.path).refs_named(["refs/remotes/origin/HEAD"])


def test_branches_are_local_and_of_remotes_without_their_heads(repo: Repository) -> None:
    repo.ref("refs/heads/feature/x")
    repo.publish(head=True)
    repo.publish("feature/y", "main", remote="up")
    repo.tag("v1")
    oid = repo.oid()
    found = [(ref.name, ref.short, ref.oid) for ref in locate(repo.path).branches()]
    assert found == [
        ("refs/heads/feature/x", "feature/x", oid),
        ("refs/heads/main", "main", oid),
        ("refs/remotes/origin/main", "main", oid),
        ("refs/remotes/up/feature/y", "feature/y", oid),
    ]


def test_packed_refs_and_bytes_that_are_not_utf8_are_refs_too(repo: Repository) -> None:
    repo.ref(b"refs/heads/\xff")
    repo.ref("refs/heads/a$(touch;x)")
    repo.git("pack-refs", "--all")
    names = [ref.short for ref in locate(repo.path).branches()]
    assert names == ["a$(touch;x)", "main", "\udcff"]
