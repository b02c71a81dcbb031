"""Every directory in which two trees differ is read and compared with its id."""

from pathlib import Path

import pytest

from specguard.change.git import measure
from specguard.errors import MissingFact
from specguard.testing import Repository
from tests.changes import git_of


@pytest.fixture
def repo(repository: Repository) -> Repository:
    files = {"same/deep/x": "s\n", "other/deep/x": "x\n", "gone/deep/x": "g\n", "file/x": "f\n", "a": "a\n"}
    repository.commit("one", files=files)
    repository.ref("refs/heads/old")
    repository.delete("gone")
    repository.delete("file")
    repository.commit("two", files={"other/deep/x": "y\n", "new/deep/er/x": "n\n", "file": "now a file\n"})
    return repository


def verify(repo: Repository, old: str, new: str) -> None:
    with git_of(repo) as git:
        measure(git, [(old, new)], "the trees")


def test_honest_trees_are_what_they_say(repo: Repository) -> None:
    old, new = repo.oid("old^{tree}"), repo.oid("main^{tree}")
    for one, other in ((old, new), (new, old), (new, new), (new, "4b825dc642cb6eb9a060e54bf8d69288fbee4904")):
        verify(repo, one, other)


DIRECTORIES = (
    "main^{tree}", "main:other", "main:other/deep", "main:new", "main:new/deep/er", "old:gone/deep",
    "old:file", "old:other/deep",
)  # fmt: skip


@pytest.mark.parametrize("how", ["other content", "missing"])
def test_each_differing_directory_is_compared_with_its_id(repo: Repository, how: str) -> None:
    def place(tree: str) -> Path:
        oid = repo.oid(tree)
        return repo.path / ".git/objects" / oid[:2] / oid[2:]

    old, new = repo.oid("old^{tree}"), repo.oid("main^{tree}")
    other = place("main:same/deep").read_bytes()
    for path in [place(tree) for tree in DIRECTORIES]:
        before = path.read_bytes()
        path.unlink()
        if how != "missing":
            path.write_bytes(other)
        with pytest.raises(MissingFact):
            verify(repo, old, new)
        path.unlink(missing_ok=True)
        path.write_bytes(before)
    verify(repo, old, new)
