"""What a test of a run begins with, where nothing about it is its own."""

from pathlib import Path

import pytest

from specguard.executor.run import Run
from tests.executor.one_run import one_run
from tests.executor.places import Setting
from tests.executor.remotes import Hosted, Team
from tests.executor.working import Workshop


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return one_run(tmp_path)


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path)


@pytest.fixture
def hosted(tmp_path: Path) -> Hosted:
    return Hosted(tmp_path)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)
