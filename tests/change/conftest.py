"""Git on the repository that a test of this folder starts from."""

from collections.abc import Iterator

import pytest

from specguard.change.git import Git
from specguard.testing import Repository
from tests.changes import git_of


@pytest.fixture
def repo(repository: Repository) -> Repository:
    """The repository; modules fill it first."""
    return repository


@pytest.fixture
def git(repo: Repository) -> Iterator[Git]:
    """Git on the repository as it was filled."""
    with git_of(repo) as git:
        yield git
