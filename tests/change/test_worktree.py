"""The working tree as it is, whatever an index or a nested repository would have one believe."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from specguard.authority.load import find_nested
from specguard.change import worktree
from specguard.change.check_request import read_unlinked
from specguard.change.tree import TreeEntry
from specguard.errors import MissingFact, SpecguardError
from specguard.testing import Repository
from tests.changes import Open, git_of, rows
from tests.rows import recorded


@pytest.fixture
def repo(repository: Repository) -> Repository:
    files = {"locked/p": "p\n", "src/a": "a\n", "src/b": "b\n", ".gitignore": "ignored/\n*.log\n"}
    repository.commit("one", files=files)
    repository.branch("work")
    return repository


def state(repo: Repository) -> Any:
    """Everything below the git directory, and the index byte for byte."""
    found = sorted((root, sorted(names), sorted(files)) for root, names, files in os.walk(repo.path / ".git"))
    index = repo.path / ".git/index"
    return found, index.read_bytes(), index.stat().st_mtime_ns


def test_what_was_written_deleted_and_staged_is_one_change(repo: Repository, change: Open) -> None:
    assert change(repo, worktree=True).empty
    repo.write("src/a", "changed\n")
    repo.delete("src/b")
    repo.write("new/file", "new\n")
    repo.write("staged", "staged\n")
    repo.git("add", "staged")
    repo.symlink("link", "src")
    before = state(repo)
    found = change(repo, worktree=True, env={"TMPDIR": str(repo.path)})
    assert (found.source, found.stage) == ("worktree", "staged")
    assert rows(found) == ["A link", "A new/file", "M src/a", "D src/b", "A staged"]
    assert found.head_files.read(b"src/a") == b"changed\n"
    assert found.head_files.paths() == [
        b".gitignore", b"link", b"locked/p", b"new/file", b"src/a", b"staged",
    ]  # fmt: skip
    assert found.base.start == repo.oid()
    assert rows(change(repo, directory=str(repo.path / "new"), worktree=True)) == rows(found)
    assert state(repo) == before


def test_the_mode_is_the_one_that_git_would_commit(repo: Repository, change: Open) -> None:
    repo.executable("locked/p")
    assert rows(change(repo, worktree=True)) == ["M locked/p"]
    repo.git("config", "core.fileMode", "false")
    assert rows(change(repo, worktree=True)) == []
    repo.git("update-index", "--chmod=+x", "locked/p")
    [entry] = change(repo, worktree=True).entries
    assert (entry.status, entry.old_mode, entry.new_mode, entry.old) == ("M", 0o100644, 0o100755, entry.new)


def test_what_a_sparse_checkout_leaves_out_is_not_deleted(repo: Repository, change: Open) -> None:
    repo.git("update-index", "--skip-worktree", "locked/p")
    repo.delete("locked/p")
    assert rows(change(repo, worktree=True)) == []
    # A staged change of it is one.
    repo.git("update-index", "--cacheinfo", f"100644,{repo.blob('EVIL')},locked/p")
    repo.git("update-index", "--skip-worktree", "locked/p")
    assert rows(change(repo, worktree=True)) == ["M locked/p"]
    repo.git("update-index", "--no-skip-worktree", "locked/p")
    assert rows(change(repo, worktree=True)) == ["D locked/p"]


def test_the_lists_of_the_tree_and_of_its_user_alone_ignore_files(repo: Repository, change: Open) -> None:
    repo.commit("two", files={"kept.log": "kept\n"})
    repo.write("kept.log", "changed\n")
    repo.write("forced.log", "forced\n")
    repo.git("add", "-f", "forced.log")
    repo.write("ignored/x", "x")
    repo.write("src/y.log", "y")
    repo.write("evil.sh", "z")
    repo.write("git/ignore", "*.sh\n/git\n")
    repo.git("config", "core.excludesFile", str(repo.path / "git/ignore"))
    hidden, seen = ["A evil.sh", "A git/ignore"], ["A forced.log", "M kept.log"]
    assert rows(change(repo, worktree=True)) == [hidden[0], seen[0], hidden[1], seen[1]]
    env = {"XDG_CONFIG_HOME": str(repo.path)}
    assert rows(change(repo, worktree=True, env=env)) == seen
    by_agent = rows(change(repo, worktree=True, env=env, by_agent=True))
    assert by_agent == [hidden[0], seen[0], hidden[1], seen[1]]


@pytest.mark.parametrize(("gone", "new", "expected"), recorded(__file__, "changed_places"))
def test_files_links_and_directories_change_places(
    repo: Repository, change: Open, gone: str, new: str, expected: list[str]
) -> None:
    # Where a link leads there is a file of the same name, which is not the one that was there.
    repo.commit("two", files={"src/p": "other\n"})
    repo.delete(gone)
    if new == "link":
        repo.symlink(gone, "src" if gone == "locked" else "../src/p")
    else:
        repo.write(gone if new == "file" else f"{gone}/q", "file\n")
    assert rows(change(repo, worktree=True)) == expected


def test_names_may_be_any_bytes(repo: Repository, change: Open) -> None:
    repo.write(b"src/\xff\n\t", "x")
    repo.write("-x", "x")
    repo.write(":(top)x", "x")
    found = [entry.path for entry in change(repo, worktree=True).entries]
    assert found == [b"-x", b":(top)x", b"src/\xff\n\t"]


def test_a_linked_worktree_is_its_own(repo: Repository, change: Open, tmp_path: Path) -> None:
    linked = repo.worktree(tmp_path / "linked", "side")
    linked.write("src/a", "changed\n")
    assert rows(change(linked, worktree=True)) == ["M src/a"]
    assert rows(change(repo, worktree=True)) == []
    # A new one has all of its files, and a bare one none.
    fresh = Repository(tmp_path / "fresh")
    fresh.write("a", "a\n")
    found = change(fresh, worktree=True)
    assert (rows(found), found.found.how, found.base.start) == (["A a"], "none", None)
    assert found.policy_files.read(b"a") == b"a\n"
    with pytest.raises(SpecguardError, match="no working tree"):
        change(repo.clone(tmp_path / "bare.git", bare=True), worktree=True)


def test_line_endings_that_the_tree_asks_for_are_no_change(repo: Repository, change: Open) -> None:
    repo.commit("two", files={".gitattributes": "*.txt text eol=crlf\n", "x.txt": "a\r\nb\r\n"})
    assert repo.git("cat-file", "-p", "HEAD:x.txt") == "a\nb"
    assert rows(change(repo, worktree=True)) == []
    # Other ones than a checkout makes are read all the same.
    repo.write(".gitattributes", "* eol=crlf\n")
    repo.write("src/a", "b\n")
    assert rows(change(repo, worktree=True)) == ["M .gitattributes", "M src/a"]


def test_a_too_large_file_is_named(repo: Repository, change: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worktree, "FILE_LIMIT", 1000)
    repo.write("ignored/big", "x" * 1001)
    assert rows(change(repo, worktree=True)) == []
    repo.write("big", "x" * 1001)
    with pytest.raises(SpecguardError, match="big is larger than"):
        change(repo, worktree=True)


@pytest.mark.parametrize("name", ["src/.gitignore", "src/.gitattributes"])
@pytest.mark.parametrize("make", [lambda path: path.symlink_to("a"), os.mkfifo], ids=["link", "pipe"])
def test_what_git_reads_is_a_plain_file(repo: Repository, change: Open, name: str, make: Any) -> None:
    make(repo.path / name)
    step = f"rm {repo.path}/{name}" if make is os.mkfifo else "plain file"
    repo.write("src/b", "other\n")
    with pytest.raises(SpecguardError, match=name) as refused:
        change(repo, worktree=True)
    assert (refused.value.code, step in str(refused.value.help)) == ("unreadable-file", True)
    with git_of(repo) as git, pytest.raises(MissingFact, match=name) as missing:
        worktree.read_uncommitted(git)
    assert step in missing.value.command


def test_the_files_of_a_folder_that_became_a_link_are_gone(repo: Repository) -> None:
    repo.delete("src")
    repo.symlink("src", "locked")
    with git_of(repo) as git:
        tracked, _, new = worktree.read_uncommitted(git)
    assert (sorted(tracked), sorted(new)) == ([b"src/a", b"src/b"], [b"src"])


def test_pipes_and_sockets_are_no_files(repo: Repository, change: Open) -> None:
    # A sandbox puts a device there, which ends; a socket needs no privileges.
    os.mknod(repo.path / ".gitmodules", stat.S_IFSOCK | 0o600)
    with git_of(repo) as git:
        assert not any(worktree.read_uncommitted(git))
    os.mkfifo(repo.path / "pipe")
    repo.delete("src/a")
    os.mkfifo(repo.path / "src/a")
    assert rows(change(repo, worktree=True)) == ["D src/a"]


def test_what_is_no_regular_file_is_never_read_and_leaves_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    before = os.listdir("/dev/fd")
    found = {name: read_unlinked(str(tmp_path / name), 3) for name in ("file", "link", "pipe", ".", "gone")}
    assert found == {"file": b"tex", "link": None, "pipe": None, ".": None, "gone": None}
    assert len(os.listdir("/dev/fd")) == len(before)


# Repositories within


def nest(repo: Repository, path: str, ran: Path) -> Repository:
    """A repository whose configuration would have a program run."""
    nested = Repository(repo.path / path)
    nested.commit("inner", files={"inner": "inner\n"})
    for key in ("core.fsmonitor", "core.hooksPath", "core.pager"):
        nested.git("config", key, f"touch {ran}; false #")
    return nested


def test_a_nested_repository_is_a_submodule_that_was_not_entered(
    repo: Repository, change: Open, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    nest(repo, "src/nested", ran)
    repo.write("src/c", "c\n")
    found = change(repo, worktree=True)
    assert rows(found) == ["A src/c", "A src/nested"]
    [_, nested] = found.entries
    assert (nested.is_submodule, nested.new) == (True, "0" * 40)
    assert found.head_files.find(b"src/nested").mode == 0o160000  # type: ignore[union-attr]  # it is there
    assert not ran.exists()


@pytest.mark.parametrize("name", [".git", ".GIT"])
def test_a_repository_over_tracked_files_hides_none_of_them(
    repo: Repository, change: Open, tmp_path: Path, name: str
) -> None:
    ran = tmp_path / "ran"
    nested = nest(repo, "locked", ran)
    os.rename(nested.path / ".git", nested.path / name)
    repo.write("locked/p", "EVIL\n")
    assert {"A locked", "M locked/p"} <= set(rows(change(repo, worktree=True)))
    assert not ran.exists()


def test_ignored_repositories_are_left_alone(repo: Repository, change: Open, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    nest(repo, "ignored/nested", ran)
    assert rows(change(repo, worktree=True)) == []
    nest(repo, "seen/nested", ran)
    repo.write("file/.git", "gitdir: /elsewhere\n")
    assert rows(change(repo, worktree=True)) == ["A file", "A seen/nested"]
    assert not ran.exists()


def with_submodule(repo: Repository, ran: Path) -> Repository:
    nested = nest(repo, "module", ran)
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{nested.oid()},module")
    repo.commit("two", stage=False)
    return nested


def test_a_submodule_that_is_removed_moved_or_replaced_is_seen(
    repo: Repository, change: Open, tmp_path: Path
) -> None:
    nested = with_submodule(repo, tmp_path / "ran")
    nested.write("inner", "changed\n")
    assert rows(change(repo, worktree=True)) == []
    assert not (tmp_path / "ran").exists()
    repo.delete("module")
    assert rows(change(repo, worktree=True)) == ["D module"]
    (repo.path / "module").mkdir()
    assert rows(change(repo, worktree=True)) == [], "it is not checked out"
    repo.submodule("module")
    assert rows(change(repo, worktree=True)) == ["M module"]
    repo.submodule("moved")
    repo.delete("module")
    repo.write("module", "a file\n")
    assert rows(change(repo, worktree=True)) == ["T module", "A moved"]
    repo.git("update-index", "--force-remove", "moved", "module")
    repo.delete("module")
    repo.write("module/inner", "of this repository\n")
    assert rows(change(repo, worktree=True)) == ["D module", "A module/inner"]


# The files of a folder as they are on the disk


def test_it_has_what_a_commit_of_it_would_have_and_texts_that_are_not_written(
    repository: Repository, tmp_path: Path
) -> None:
    repository.commit("chore: one", files={"a.md": "one\n", "docs/b.md": "two\n"})
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "c.md").write_text("three\n")
    repository.symlink("link", str(tmp_path / "outside"))
    files = worktree.FolderTree(str(repository.path), {"docs/b.md": "other\n", "new/d.md": "four\n"})
    oid = repository.git("rev-parse", "HEAD:a.md").strip()
    assert files.find(b"a.md") == TreeEntry(0o100000, oid)
    assert files.find(b"docs") == TreeEntry(0o040000, "")
    assert (files.read(b"a.md"), files.read(b"docs/b.md"), files.read(b"new/d.md")) == (
        b"one\n",
        b"other\n",
        b"four\n",
    )
    assert files.find(b"new/d.md") is not None
    # Nothing is there beyond a link, as git has nothing there.
    assert (files.find(b"link/c.md"), files.find(b"nowhere/x")) == (None, None)


def test_each_of_its_folders_is_listed_once(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"packages/{name}/SPEC_AUTHORITY.md" for name in "abc"]
    repository.commit("chore: one", files=dict.fromkeys(names, "# A\n"))
    listed: list[bytes] = []
    scandir = os.scandir

    def list_folder(path: bytes) -> Any:
        listed.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", list_folder)
    assert list(find_nested(worktree.FolderTree(str(repository.path)), ["packages/*"])) == names
    assert len(listed) == len(set(listed)) == 5


def test_a_folder_that_nobody_may_read_says_what_to_do(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: bytes) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(MissingFact, match="cannot be read: Permission denied") as refused:
        worktree.FolderTree(str(repository.path)).names(b"")
    assert refused.value.command == f"chmod -R u+rX {repository.path}/"
