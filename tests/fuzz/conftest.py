"""Properties that hold of any input; `make fuzz` tries many more examples of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.approvals.conftest import alice, make_key, mallory

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["alice", "make_key", "mallory"]

# New examples each time, first those that failed before.
settings.register_profile(
    "fuzz",
    settings.get_profile("specguard"),
    max_examples=300,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an example's file is written."""
    return tmp_path_factory.mktemp("file") / "file"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an example's repository is made."""
    return tmp_path_factory.mktemp("folder") / "repository"
