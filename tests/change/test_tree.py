"""Trees: what is at a path, in a directory, below the root; and a change of the index laid over one."""

from collections.abc import Sequence

import pytest

from specguard.change.entries import Entry
from specguard.change.git import Git
from specguard.change.tree import DIRECTORY, Tree, TreeEntry
from specguard.errors import MissingFact
from specguard.testing import Repository
from tests.outcomes import there

ZERO = "0" * 40


@pytest.fixture
def repo(repository: Repository) -> Repository:
    files: dict[str | bytes, str | bytes] = {
        "a": "a\n",
        "a-b": "ab\n",
        "a.d/f": "f\n",
        "dir/sub/deep": "deep\n",
        "dir/x": "x\n",
        b"dir/\xff": "bytes\n",
    }
    repository.symlink("link", "dir")
    repository.commit("one", files=files)
    repository.submodule("module")
    repository.commit("two", stage=False)
    return repository


@pytest.fixture
def tree(repo: Repository, git: Git) -> Tree:
    return Tree(git, repo.oid("HEAD^{tree}"))


def test_what_is_at_a_path_is_found(repo: Repository, tree: Tree) -> None:
    assert tree.find(b"a") == TreeEntry(0o100644, repo.oid("HEAD:a"))
    assert tree.find(b"dir/sub/deep") == TreeEntry(0o100644, repo.oid("HEAD:dir/sub/deep"))
    assert tree.find(b"dir") == TreeEntry(DIRECTORY, repo.oid("HEAD:dir"))
    assert tree.find(b"link") == TreeEntry(0o120000, repo.blob("dir"))
    assert tree.find(b"module") == TreeEntry(0o160000, "1" * 40)
    for path in (b"none", b"a/b", b"dir/none", b"link/x", b"module/x", b"dir/", b"/a", b"dir//x", b"A"):
        assert tree.find(path) is None
    root = there(tree.find(b""))
    assert root.is_directory


def test_the_names_of_a_directory_are_listed(tree: Tree) -> None:
    assert set(tree.names(b"")) == {b"a", b"a-b", b"a.d", b"dir", b"link", b"module"}
    assert set(tree.names(b"dir")) == {b"sub", b"x", b"\xff"}
    assert tree.names(b"none") == {}
    assert tree.names(b"a") == {}
    assert tree.names(b"module") == {}


def test_contents_are_read_and_what_has_none_is_none(tree: Tree) -> None:
    assert tree.read(b"dir/\xff") == b"bytes\n"
    assert tree.read(b"link") == b"dir"
    for path in (b"none", b"dir", b"module", b"link/x"):
        assert tree.read(path) is None
    with pytest.raises(MissingFact, match="2 bytes"):
        tree.read(b"a", limit=1)


def test_all_paths_are_listed_in_the_order_of_their_bytes(tree: Tree) -> None:
    paths = [b"a", b"a-b", b"a.d/f", b"dir/sub/deep", b"dir/x", b"dir/\xff", b"link", b"module"]
    assert tree.paths() == paths == sorted(paths)


def test_a_tree_that_is_not_there_is_a_missing_fact(repo: Repository, git: Git) -> None:
    tree = Tree(git, None)
    assert (tree.find(b"a"), tree.names(b""), tree.read(b"a"), tree.paths()) == (None, {}, None, [])
    tree = Tree(git, "1" * 40)
    for ask in (lambda: tree.find(b"a"), lambda: tree.names(b""), lambda: tree.read(b"a"), tree.paths):
        with pytest.raises(MissingFact):
            ask()
    with pytest.raises(MissingFact, match="it is a blob"):
        Tree(git, repo.oid("HEAD:a")).names(b"")


# A change laid over


@pytest.mark.parametrize(
    "commands",
    [
        [],
        [("write", "n/e/w", "new"), ("delete", "dir/sub")],
        [("delete", "dir")],
        [("delete", "a"), ("write", "a/b", "x"), ("delete", "dir/sub"), ("write", "dir/sub", "x")],
        [("delete", "dir"), ("symlink", "dir", "a"), ("delete", "link"), ("write", "link/x", "x")],
        [("write", "dir/x", "changed"), ("executable", "a"), ("rename", "dir", "moved/deeper")],
    ],
)
def test_an_overlaid_tree_is_the_tree_of_the_index(
    repo: Repository, git: Git, commands: Sequence[tuple[str, ...]]
) -> None:
    for command, *arguments in commands:
        getattr(repo, command)(*arguments)
    repo.git("add", "-A", ".")
    tree = Tree(git, repo.oid("HEAD^{tree}"), git.index_diff(repo.oid()))
    # It answers as the tree that git makes of the index does.
    true = Tree(git, repo.git("write-tree"))
    assert tree.paths() == true.paths()
    directories = [b"", b"none"]
    for directory in directories:
        mine, theirs = tree.names(directory), true.names(directory)
        assert set(mine) == set(theirs)
        for name, entry in theirs.items():
            path = directory + b"/" + name if directory else name
            assert (mine[name].mode, tree.find(path)) == (entry.mode, mine[name])
            if entry.is_directory:
                directories.append(path)
            else:
                assert (mine[name].oid, tree.read(path)) == (entry.oid, true.read(path))
    for path in (b"a", b"a/b", b"dir", b"dir/sub", b"dir/sub/deep", b"link", b"link/x", b"n/e/w"):
        assert (tree.find(path) is None) == (true.find(path) is None)
        assert set(tree.names(path)) == set(true.names(path))


def test_an_entry_of_a_nested_repository_shows_as_a_submodule(repo: Repository, git: Git) -> None:
    tree = Tree(git, repo.oid("HEAD^{tree}"), [Entry(b"dir/nested", "A", 0, 0o160000, ZERO, ZERO)])
    found = there(tree.find(b"dir/nested"))
    assert found.mode == 0o160000
    assert tree.read(b"dir/nested") is None
