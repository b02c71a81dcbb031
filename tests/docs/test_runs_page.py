"""The page about runs names what there is: steps, states, files, commands and exit codes."""

import os
import re
import subprocess
from pathlib import Path
from typing import get_args

from specguard.cli.run import command as group
from specguard.executor.run import ENDS
from specguard.executor.steps import STEPS
from specguard.runs.manifests import State
from specguard.testing import run_here
from tests.cli.running import GOOD, Project
from tests.integrations.hooks.asking import bash
from tests.outcomes import ended
from tools.pages import DOCS

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
    for state, (code, _) in ENDS.items():
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
    found = {re.sub(r"check-[0-9]+", "check*", one) for one in found}
    found = {re.sub(r"commands/[^/]*\.", "commands/*.", one) for one in found}
    assert named <= found
    # What is in control/ beside the heartbeat is for specguard alone.
    assert {one for one in found - named if not one.startswith("control/")} == set()


def test_a_run_can_be_committed_behind_its_item_as_the_page_and_the_report_say(tmp_path: Path) -> None:
    project = committing(tmp_path)
    project.user.git("config", "core.excludesFile", exclude := str(tmp_path / "exclude"))
    Path(exclude).write_text("/.runs/\n")
    hint = "end .gitignore with the line !/.runs/"
    ended(project.run_phase())
    assert hint in project.specguard("doctor").stdout
    Path(exclude).unlink()
    # What the report says is to be done with the run.
    remains = (project.only_run() / "report.md").read_text().partition("## What remains\n")[2]
    steps = "^- (?:To look at it here|Add the run there|Commit it behind its item): `(.*)`$"
    lines = re.findall(steps, remains, re.M)
    assert len(lines) == 3
    for line in lines:
        # An agent may type them, too.
        assert bash(project.user, line, environment=project.environment).kind == "pass", line
        words, env = ["sh", "-c", line], project.environment
        subprocess.run(words, cwd=project.user.path / "src", env=env, check=True, capture_output=True)
    ended(project.specguard("check"))
    tracked = project.user.git("ls-files", ".runs").split()
    assert ".runs/.gitignore" in tracked
    assert not [one for one in tracked if "lock" in one or ("control" in one and "heartbeat" not in one)]
    assert not project.user.git("status", "--porcelain")
    # Whoever has it from there sees the same.
    clone = tmp_path / "clone"
    project.user.git("clone", "--quiet", "--branch", "phase-12", str(project.remote.path), str(clone))
    ended(run_here("check", "--base", "origin/main", directory=clone))


def test_a_run_that_was_committed_can_be_resumed_where_it_was_begun(tmp_path: Path) -> None:
    project = committing(tmp_path)
    ended(project.run_phase("cat > /dev/null; exit 7"), 3)
    folder = project.only_run()
    project.user.git("add", ".runs")
    project.user.git("commit", "--quiet", "--message", "chore(runs): keep it")
    manifest = folder / "manifest.json"
    text = manifest.read_text()
    words = ("run", "resume", folder.name, "--", "sh", "-c", GOOD)
    manifest.write_text(text.replace('"attempts": 1', '"attempts": 0'))
    assert "a change may have brought" in ended(project.specguard(*words), 2).stderr
    manifest.write_text(text)
    ended(project.specguard(*words))


def committing(tmp_path: Path) -> Project:
    """A project whose policy is that of the page."""
    policies = re.findall(r"```toml specguard\n(.*?)```", PAGE, re.S)
    [policy] = [one for one in policies if 'keep = "tree"' in one]
    gate = '[[work.phase.gates]]\nname = "there"\nrun = "test -f src/b.py"\n'
    files = {
        ".gitignore": "build/\n",
        "configs/NEXT_PHASE.json": '{"plan_version": "v1", "next": 12}\n',
        "docs/plan/v1/phases/phase-12.md": "# Phase 12\n\n## Scope\n\n- `src/`\n",
    }
    return Project(tmp_path, f"# Authority\n\n```toml specguard\n{policy}\n{gate}```\n", files)


def test_the_commands_are_all() -> None:
    there = set(group.list_commands(group.make_context("run", ["list"], resilient_parsing=True)))
    named = set(re.findall(r"`(\w+)`", section("Looking after runs")))
    assert there - named <= {"item", "research", "review"}


def test_the_schemas_are_there() -> None:
    for link in re.findall(r"\(schemas/([a-z-]+\.schema\.json)\)", PAGE):
        assert (DOCS / "schemas" / link).is_file(), link
