"""What every test starts from: an environment that says nothing, and an empty repository."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from hypothesis import settings

from specguard.change.git import Git
from specguard.change.repository import Repository as Located
from specguard.change.request import Request
from specguard.change.sources import open_changes
from specguard.testing import Repository
from specguard.testing.repository import clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from specguard.change.sources import Change

# Tests run beside each other on slow machines: what takes long is no failure. In CI the examples are the same
# each time, so that a change is judged by what it changes; anywhere else they are new ones.
settings.register_profile("specguard", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("specguard")

_AMBIENT = ("GIT_", "GITHUB_", "GITLAB_", "CI_", "PRE_COMMIT", "SPECGUARD_")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Run under a hook or a CI job as anywhere else, and keep out of the user's cache."""
    for name in list(os.environ):
        if name.startswith(_AMBIENT) or name == "CI":
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty repository on the branch `main`."""
    return Repository(tmp_path / "repository")


class Opener(Protocol):
    """Opens the changes of a repository; see `opened`."""

    def __call__(
        self, repository: Repository, *, env: Mapping[str, str] | None = None, **options: Any
    ) -> Sequence[Change]: ...


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Opens the changes that a request asks for, and keeps them readable until the test ends."""
    with ExitStack() as stack:

        def open_all(
            repository: Repository, *, env: Mapping[str, str] | None = None, **options: Any
        ) -> Sequence[Change]:
            environment = {**clean_environment(), **(env or {})}
            options.setdefault("directory", str(repository.path))
            located = Located.locate(options["directory"], environment)
            git = stack.enter_context(Git(located))
            return open_changes(git, Request(environment=environment, **options))

        yield open_all


@pytest.fixture
def change(opened: Opener) -> Any:
    """Opens the one change that a request asks for."""

    def open_one(repository: Repository, **options: Any) -> Change:
        [only] = opened(repository, **options)
        return only

    return open_one
