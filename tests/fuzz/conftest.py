"""Properties that hold of any input; `make fuzz` tries many more examples of each."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from specguard.testing import Repository
from tests.approvals.conftest import alice, make_key, mallory
from tests.fuzz.damage import DRAWN

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


@pytest.fixture(scope="module")
def red(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A branch that changes what is locked, with loose objects, as `drawn.toml` has it for these tests."""
    row = DRAWN["red"][request.module.__name__.rpartition("test_")[2]]
    repository = Repository(tmp_path_factory.mktemp("red") / "repository")
    files = {"SPEC_AUTHORITY.md": row["authority"], "locked/p": "1\n", "src/a": "a\n"}
    repository.names["base"] = repository.commit("chore: base", files=files)
    repository.names["short"] = repository.names["base"][:8]
    repository.publish(head=row.get("head", False))
    repository.branch(row["branch"])
    files = {"locked/p": "2\n", "src/a": "b\n"}
    repository.names["head"] = repository.commit(row.get("message", "feat: x"), files=files)
    return repository
