"""The page about runs names what there is: steps, states, files, commands and exit codes."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, get_args

import pytest

from specguard.cli.run import command as group
from specguard.executor.ending import EXITS
from specguard.executor.run import STEPS
from specguard.runs.model import State
from tests.cli.running import Project
from tests.docs.pages import DOCS

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (DOCS / "runs.md").read_text()


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The rows of the first table of a section, without its head."""
    lines = [line for line in section(title).split("\n") if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_steps_are_all_and_in_their_order() -> None:
    assert [row[0].strip("`") for row in rows("Steps")] == list(STEPS)


def test_the_states_are_all_with_their_exit_codes() -> None:
    told = [(row[0].strip("`"), row[2]) for row in rows("How a run ends")]
    assert {state for state, _ in told} | {"pending", "running"} == set(get_args(State))
    for state, code in EXITS.items():
        assert any(name == state and said.startswith(str(code)) for name, said in told), state


def test_the_files_are_those_that_runs_leave(tmp_path: Path) -> None:
    named = {re.sub("NN-name|-N", "*", row[0].strip("`")) for row in rows("What a run leaves")}
    project = Project(tmp_path)
    found = set()
    for number, script in enumerate(("exit 1", "echo b > src/b.py")):
        root = str(tmp_path / f"runs-{number}")
        project.run_phase(f"cat > /dev/null; {script}", "--run-root", root)
        for folder, _, files in os.walk(root):
            inside = re.sub(r".*/[^/]*Z-[0-9a-f]{4}/?", "", folder)
            found |= {os.path.join(inside, name) for name in files if not name.startswith(".")}
    found = {
        re.sub(r"commands/[^/]*\.", "commands/*.", re.sub(r"check-[0-9]+", "check*", one)) for one in found
    }
    assert named <= found
    # What is in control/ beside the heartbeat is for specguard alone.
    assert {one for one in found - named if not one.startswith("control/")} == set()


def test_a_run_can_be_committed_behind_its_item_as_the_page_says(tmp_path: Path) -> None:
    [policy] = [
        one for one in re.findall(r"```toml specguard\n(.*?)```", PAGE, re.S) if 'keep = "tree"' in one
    ]
    gate = '[[work.phase.gates]]\nname = "there"\nrun = "test -f src/b.py"\n'
    files = {
        "configs/NEXT_PHASE.json": '{"plan_version": "v1", "next": 12}\n',
        "docs/plan/v1/phases/phase-12.md": "# Phase 12\n\n## Scope\n\n- `src/`\n",
    }
    project = Project(tmp_path, f"# Authority\n\n```toml specguard\n{policy}\n{gate}```\n", files)
    assert project.run_phase().exit_code == 0
    user = project.user
    user.git("fetch", "--quiet")
    user.git("switch", "--quiet", "--track", "origin/phase-12")
    user.git("add", "--force", ".runs")
    user.git("commit", "--quiet", "--message", "chore(runs): keep the run of phase 12")
    outcome = project.specguard("check")
    assert outcome.exit_code == 0, outcome


def test_the_commands_are_all() -> None:
    named = {re.sub("`specguard run (\\w+)`", r"\1", row[0]) for row in rows("Looking after runs")}
    there = set(group.list_commands(group.make_context("run", ["list"], resilient_parsing=True)))
    assert named <= there
    assert there - named <= {"item", "research", "review"}


@pytest.mark.parametrize("link", re.findall(r"\(schemas/([a-z-]+\.schema\.json)\)", PAGE))
def test_the_schemas_are_there(link: str) -> None:
    assert (DOCS / "schemas" / link).is_file()
