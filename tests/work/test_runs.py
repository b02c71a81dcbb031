"""Work items where facts are missing, and what a hook imports for them."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from specguard.testing import Case, run_case, run_here
from specguard.testing.repository import clean_environment
from specguard.testing.running import command

CASES = Path(__file__).parent.parent / "cases" / "work"


def test_a_detached_head_leaves_the_item_unknown_which_is_no_pass(tmp_path: Path) -> None:
    repository = Case.load(CASES / "phase-runner.toml").build(tmp_path / "repository")
    repository.git("checkout", "-q", "--detach")
    outcome = run_here("check", "--output-format=json", directory=repository.path)
    assert outcome.exit_code == 2
    assert {outcome.state(code) for code in ("WRK001", "WRK003", "PTH003")} == {"indeterminate"}
    outcome = run_here("check", "--branch=phase-12", "--output-format=json", directory=repository.path)
    assert outcome.exit_code == 0
    document = "docs/plan/v1.02/phases/phase-12.md"
    item = {"kind": "phase", "id": "12", "slug": None, "document": document}
    assert outcome.report["change"]["work_item"] == item


def test_a_pull_request_without_a_title_is_not_compared(tmp_path: Path) -> None:
    body = "Implements docs/plan/v1.02/phases/phase-12.md."
    case = Case.load(CASES / "phase-runner-p4-own-document.toml")
    states = {"WRK003": "indeterminate"}
    run_case(replace(case, body=body, states=states, exit_code=2), tmp_path, installed=False)


def test_a_staged_check_of_an_item_imports_no_heavy_library(tmp_path: Path) -> None:
    case = Case.load(CASES / "phase-runner-staged.toml")
    document = {b"docs/plan/v1.02/phases/phase-12.md": "# Phase 12\n\nKeep the state.\n"}
    base = [replace(step, files=dict(step.files) | document) for step in case.base]
    repository = replace(case, base=base).build(tmp_path / "repository")
    environment = {**clean_environment(), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", command(), "check", "--staged"],
            cwd=repository.path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert "WRK005" in done.stdout
    modules = {
        line.rsplit("|", 1)[1].strip() for line in done.stderr.split("\n") if line.startswith("import time:")
    }
    assert modules & {"markdown_it", "pydantic", "click", "rich", "typing", "re2", "yaml", "tomllib"} == set()
