"""A tree of a real repository, made of files."""

from collections.abc import Iterator, Mapping

import pytest

from specguard.change.git import Git
from specguard.change.tree import Tree
from specguard.testing import Repository
from tests.changes import git_of
from tests.work.trees import Grow


@pytest.fixture
def tree(repository: Repository) -> Iterator[Grow]:
    """Makes the tree of a commit with these files; what a repository has staged already is in it, too."""
    opened: list[Git] = []

    def grow(files: Mapping[str, str | bytes]) -> Tree:
        for path, content in files.items():
            repository.write(path, content)
        repository.stage()
        repository.git("commit", "-q", "--allow-empty", "-m", "base")
        git = git_of(repository)
        opened.append(git)
        return Tree(git, repository.oid("HEAD^{tree}"))

    yield grow
    for git in opened:
        git.close()
