"""What tests of changes share: git on a repository, and a change's entries as lines."""

from collections.abc import Callable

from specguard.change.git import Git
from specguard.change.repository import Repository as Located
from specguard.change.sources import Change
from specguard.testing import Repository
from specguard.testing.repository import clean_environment

Open = Callable[..., Change]
"""The fixture `change`: opens the one change that a request asks for."""


def locate(directory: object = "", **env: str) -> Located:
    """The repository of a folder, with these variables beside those of a plain environment."""
    return Located.locate(str(directory), {**clean_environment(), **env})


def git_of(repository: Repository, **env: str) -> Git:
    """Git on a repository's objects, to be closed by the caller."""
    return Git(locate(repository.path, **env))


def rows(change: Change) -> list[str]:
    """A change's entries, each as its status and path."""
    return [f"{entry.status} {entry.path.decode('utf-8', 'backslashreplace')}" for entry in change.entries]
