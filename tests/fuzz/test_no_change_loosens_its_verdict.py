"""Whatever a head adds or its author says: under `--enforce` no red change turns green."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.testing import Repository
from tests.fuzz.damage import few
from tests.fuzz.loosening import ENVIRONMENT, HARMLESS, LOOSENING, situations
from tests.fuzz.verdicts import approvals, build, edits, judged, red, stays_red

ENVIRONMENTS = st.sampled_from(ENVIRONMENT)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(tmp_path_factory.mktemp("loosening") / "repository")


@few(60)
@given(data=st.data(), amend=st.booleans())
def test_no_file_that_is_added_turns_a_red_change_green(
    repository: Repository, data: st.DataObject, amend: bool
) -> None:
    situation = data.draw(situations(approvals()))
    before = red(repository, situation)
    build(repository, situation, data.draw(edits(situation)), amend=amend)
    after = judged(repository)
    stays_red(before, after)


@few(60)
@given(data=st.data())
def test_no_variable_folder_or_harmless_flag_turns_a_red_change_green(
    repository: Repository, data: st.DataObject
) -> None:
    situation = data.draw(situations(approvals()))
    before = red(repository, situation)
    # Where the working directory has files that such variables could name.
    repository.write("free.toml", "merge = 'squash'\n")
    env = {
        name: value for one in data.draw(st.lists(ENVIRONMENTS, max_size=3)) for name, value in one.items()
    }
    words = data.draw(st.sampled_from(HARMLESS))
    folder = data.draw(st.sampled_from([".", "src", "docs", ".git"]))
    stays_red(before, judged(repository, *words, env=env, folder=folder))


@few(40)
@given(data=st.data())
def test_every_flag_that_could_loosen_is_refused(repository: Repository, data: st.DataObject) -> None:
    situation = data.draw(situations(approvals()))
    red(repository, situation)
    repository.write("free.toml", "merge = 'squash'\n")
    words = [*data.draw(st.sampled_from(LOOSENING)), *data.draw(st.sampled_from(HARMLESS))]
    outcome = judged(repository, *words, env=data.draw(ENVIRONMENTS))
    assert outcome.exit_code == 2
    assert "--enforce" in outcome.stderr or "_SPECGUARD" in outcome.stderr


@few(8)
@given(data=st.data())
def test_the_installed_command_is_not_fooled_either(repository: Repository, data: st.DataObject) -> None:
    situation = data.draw(situations(approvals()))
    before = red(repository, situation)
    build(repository, situation, data.draw(edits(situation)), amend=True)
    for name in (
        "yaml.py",
        "re.py",
        "specguard_rules.py",
        "sitecustomize.py",
        "usercustomize.py",
        "click/__init__.py",
    ):
        repository.write(name, "import os\nos._exit(0)\n")
    env = data.draw(ENVIRONMENTS)
    stays_red(before, judged(repository, env=env, installed=True))
