"""What every test starts from: an environment that says nothing, and an empty repository."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from specguard.testing import Repository

if TYPE_CHECKING:
    from pathlib import Path

# Tests run beside each other on slow machines: what takes long is no failure.
settings.register_profile("specguard", deadline=None)
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
