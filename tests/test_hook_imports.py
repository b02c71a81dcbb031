"""What a hook never imports, because a person waits for it: the start of Python is most of its time."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from specguard.model import load_extension
from specguard.testing import Case, Step
from specguard.testing.repository import clean_environment
from specguard.testing.running import command, run_here
from tests.taking import noted_processes

NEVER = {
    "argparse", "click", "contextlib", "dataclasses", "datetime", "hashlib", "importlib",
    "importlib.metadata", "inspect", "logging", "markdown_it", "pathlib", "pathspec", "pluggy",
    "pydantic", "pydantic_core", "re2", "rich", "subprocess", "tempfile", "tomllib", "typing",
    "warnings", "yaml",
}  # fmt: skip

CASE = Case.load(Path(__file__).with_suffix(".toml"))


def imported(
    arguments: Sequence[str], directory: Path, cache: Path, stdin: str = "", code: int = 0
) -> set[str]:
    """The modules that a run of Python imports, which ends with this exit code."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        cwd=directory,
        input=stdin,
        env={**clean_environment(), "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return {line.split("|")[2].strip() for line in done.stderr.split("\n") if line.startswith("import time:")}


@pytest.fixture(scope="module")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What an empty program imports."""
    folder = tmp_path_factory.mktemp("nothing")
    return imported(["-c", "pass"], folder, folder)


def hooked(case_folder: Path, name: str, tool: str, times: int = 2, **given: str) -> set[str]:
    """What the hook of Claude Code imports for a call, the last of several times."""
    repository = CASE.build(case_folder / "repository")
    session = {"session_id": "s"} if name == "PostToolUse" else {}
    event = {"hook_event_name": name, **session, "cwd": str(repository.path), "tool_name": tool}
    asked = json.dumps({**event, "tool_input": given})
    for _ in range(times):
        last = imported([command(), "hook", "claude"], repository.path, case_folder / "cache", asked)
    return last


@pytest.mark.parametrize("hook", ["--staged", "--commit-msg-file"])
def test_a_hook_with_a_cached_policy_takes_little(
    hook: str, nothing: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = CASE.build(tmp_path / "repository")
    words = [hook] if hook == "--staged" else CASE.arguments(tmp_path, repository.names)
    first = imported([command(), "check", *words], repository.path, tmp_path / "cache")
    assert "specguard.authority" in {name.rpartition(".")[0] for name in first}, "the policy was not compiled"
    again = imported([command(), "check", *words], repository.path, tmp_path / "cache") - nothing
    assert "specguard.cli.checking" in again
    assert again & {*NEVER, "json"} == set()
    processes = noted_processes(monkeypatch)
    run_here("check", *words, directory=repository.path, env={"XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert len(processes) == 4, processes


def test_a_staged_check_of_an_item_imports_no_heavy_library(tmp_path: Path) -> None:
    case = Case.load(Path(__file__).parent / "cases" / "work" / "phase-runner-staged.toml")
    document = {b"docs/plan/v1.02/phases/phase-12.md": "# Phase 12\n\nKeep the state.\n"}
    base = [replace(step, files=dict(step.files) | document) for step in case.base]
    repository = replace(case, base=base).build(tmp_path / "repository")
    check = [command(), "check", "--staged"]
    _, again = (imported(check, repository.path, tmp_path / "cache", code=1) for _ in range(2))
    assert "specguard_rules.work" in again
    assert again & {"markdown_it", "pydantic", "click", "rich", "typing", "re2", "yaml", "tomllib"} == set()


def test_a_run_imports_what_draws_only_on_a_terminal(tmp_path: Path) -> None:
    assert "rich" not in imported(["-c", "import specguard.cli.run"], tmp_path, tmp_path)


def test_a_range_under_a_policy_without_work_imports_nothing_of_work(tmp_path: Path) -> None:
    commits = [Step("feat: add a", files={"src/a.py": "x = 1\n"})]
    case = replace(CASE, staged=None, commit_message=None, commits=commits)
    repository = case.build(tmp_path / "repository")
    check = [command(), "check", *case.arguments(tmp_path, repository.names)]
    _, again = (imported(check, repository.path, tmp_path / "cache") for _ in range(2))
    assert "specguard_rules.commits.messages" in again
    assert not [name for name in again if name.startswith("specguard.work.")]


@pytest.mark.parametrize(
    "module", ["artifacts.architecture_shift", "artifacts.active_agents", "plans.forbidden_model"]
)
def test_a_rule_that_mostly_has_nothing_to_read_costs_little_to_import(module: str, tmp_path: Path) -> None:
    again = imported(["-c", f"import specguard_rules.{module}"], tmp_path, tmp_path / "cache")
    assert f"specguard_rules.{module}" in again
    assert not [name for name in again if name.startswith(("specguard.plans", "specguard.work"))]
    for name in again:
        if name.startswith(("specguard_rules.artifacts.", "specguard_rules.plans.")):
            values = vars(import_module(name)).values()
            assert not any(isinstance(value, re.Pattern) for value in values), name


def test_a_package_off_the_path_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some that are installed for editing are found by their own finders only."""
    (tmp_path / "inner.py").write_text("here = 1")
    monkeypatch.setitem(sys.modules, "elsewhere", SimpleNamespace(__path__=[str(tmp_path)], __spec__=None))
    assert load_extension("elsewhere", "inner").here == 1


@pytest.mark.parametrize("path", ["src/a.py", "docs/api/x.yaml"], ids=["allowed", "refused"])
def test_an_agents_hook_with_a_policy_imports_little(path: str, nothing: set[str], tmp_path: Path) -> None:
    again = hooked(tmp_path, "PreToolUse", "Write", file_path=path, content="x = 2\n") - nothing
    assert "specguard.integrations.hooks.judging" in again
    assert again & NEVER == set()
    # What reads commands costs as much as all else.
    assert not [name for name in again if name.startswith("specguard.integrations.hooks.shell")]
    # Nor what reads other command lines; and the policy says nothing of runs, nor of work items.
    unneeded = ("approvals", "cli.", "documents", "runs.settings", "work")
    assert not [name for name in again if name.startswith(tuple(f"specguard.{one}" for one in unneeded))]
    assert "specguard_rules.work" not in again


def test_an_agents_hook_for_a_reading_looks_at_no_policy(nothing: set[str], tmp_path: Path) -> None:
    read = "git status --short && ls -la src"
    again = hooked(tmp_path, "PreToolUse", "Bash", times=1, command=read) - nothing
    assert "specguard.integrations.hooks.shell" in again
    assert again & NEVER == set()
    # The pin of the session is in the user's cache.
    policy = ("specguard.engine", "specguard.authority.")
    assert [name for name in again if name.startswith(policy)] in ([], ["specguard.authority.cache"])
    # No git is started, and nothing of what one command in a hundred needs is read.
    assert "specguard.change.repository" not in again
    assert not [name for name in again if name.endswith((".patches", ".unified"))]


def test_an_agents_hook_after_no_change_looks_at_no_policy(nothing: set[str], tmp_path: Path) -> None:
    again = hooked(tmp_path, "PostToolUse", "Bash", times=3, command="pytest -q") - nothing
    assert "specguard.integrations.hooks.turn_end" in again
    assert again & NEVER == set()
    assert not [name for name in again if name.startswith(("specguard.engine", "specguard_rules"))]
