"""Whatever a head adds or its author says: under `--enforce` no red change turns green."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.damage import few
from tests.fuzz.loosening import ENVIRONMENT, HARMLESS, LOOSENING, situations
from tests.fuzz.verdicts import approvals, build, edits, judged, red, stays_red

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENTS = st.sampled_from(ENVIRONMENT)


@few(40)
@given(data=st.data(), amend=st.booleans())
def test_no_file_that_is_added_turns_a_red_change_green(
    folder: Path, data: st.DataObject, amend: bool
) -> None:
    situation = data.draw(situations(approvals()))
    before = red(folder, situation)
    after = judged(build(folder, situation, data.draw(edits(situation)), amend=amend))
    stays_red(before, after)


@few(40)
@given(data=st.data())
def test_no_variable_folder_or_harmless_flag_turns_a_red_change_green(
    folder: Path, data: st.DataObject
) -> None:
    situation = data.draw(situations(approvals()))
    before = red(folder, situation)
    repository = build(folder, situation)
    # Such variables could name a file that lies in the working directory.
    repository.write("free.toml", "merge = 'squash'\n")
    several = data.draw(st.lists(ENVIRONMENTS, max_size=3))
    env = {name: value for one in several for name, value in one.items()}
    at = data.draw(st.sampled_from([".", "src", "docs", ".git"]))
    stays_red(before, judged(repository, *data.draw(st.sampled_from(HARMLESS)), env=env, at=at))


@few(30)
@given(data=st.data())
def test_every_flag_that_could_loosen_is_refused(folder: Path, data: st.DataObject) -> None:
    repository = build(folder, data.draw(situations(approvals())))
    repository.write("free.toml", "merge = 'squash'\n")
    words = [*data.draw(st.sampled_from(LOOSENING)), *data.draw(st.sampled_from(HARMLESS))]
    outcome = judged(repository, *words, env=data.draw(ENVIRONMENTS))
    assert outcome.exit_code == 2
    assert "--enforce" in outcome.stderr


MODULES = ("yaml", "re", "specguard_rules", "sitecustomize", "usercustomize", "click", "tomllib", "evil")


@few(8)
@given(data=st.data())
def test_the_installed_command_is_not_fooled_either(folder: Path, data: st.DataObject) -> None:
    situation = data.draw(situations(approvals()))
    before = red(folder, situation)
    repository = build(folder, situation, data.draw(edits(situation)), amend=True)
    for name in MODULES:
        repository.write(f"{name}.py", "import os\nos._exit(0)\n")
    stays_red(before, judged(repository, env=data.draw(ENVIRONMENTS), installed=True))
