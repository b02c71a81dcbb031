"""Work items where facts are missing, and what a hook imports for them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from specguard.testing import Case
from specguard.testing.repository import clean_environment
from specguard.testing.running import Outcome, command, run

CASES = Path(__file__).parent.parent / "cases" / "work"


def check(case: Case, place: Path, *arguments: str, detached: bool = False) -> Outcome:
    repository = case.build(place / "repository")
    if detached:
        repository.git("checkout", "-q", "--detach")
    words = [*case.arguments(place, repository.names), *arguments, "--output-format=json"]
    return run("check", *words, directory=repository.path, env={"XDG_CACHE_HOME": str(place / "cache")})


def test_a_detached_head_leaves_the_item_unknown_which_is_no_pass(tmp_path: Path) -> None:
    outcome = check(Case.load(CASES / "phase-runner.toml"), tmp_path, detached=True)
    assert outcome.exit_code == 2
    assert {outcome.state(code) for code in ("WRK001", "WRK003", "PTH003")} == {"indeterminate"}


def test_a_detached_head_with_its_branch_named_is_judged(tmp_path: Path) -> None:
    outcome = check(Case.load(CASES / "phase-runner.toml"), tmp_path, "--branch=phase-12", detached=True)
    assert outcome.exit_code == 0
    assert outcome.report["change"]["work_item"] == {
        "kind": "phase",
        "id": "12",
        "slug": None,
        "document": "docs/plan/v1.02/phases/phase-12.md",
    }


def test_a_pull_request_without_a_title_is_not_compared(tmp_path: Path) -> None:
    body = tmp_path / "body.md"
    body.write_text("Implements docs/plan/v1.02/phases/phase-12.md.", encoding="utf-8")
    case = Case.load(CASES / "phase-runner-p4-own-document.toml")
    outcome = check(case, tmp_path, f"--pr-body-file={body}")
    assert outcome.exit_code == 2
    assert outcome.state("WRK003") == "indeterminate"


@pytest.mark.parametrize("name", ["phase-runner-p8-another-branch", "phase-runner-p8-landed"])
def test_a_repeated_item_cites_its_template(name: str, tmp_path: Path) -> None:
    outcome = check(Case.load(CASES / f"{name}.toml"), tmp_path)
    assert [finding["authority"]["path"] for finding in outcome.report["findings"]] == ["preset:phase-runner"]


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
