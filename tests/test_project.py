"""The project's own files say what is there."""

import re
import runpy
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import specguard
from specguard.evaluation.policy_tests import read_own
from specguard.testing import run_here

ROOT = Path(__file__).parent.parent


def test_the_version_is_one() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == specguard.__version__


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md", ".ci/run"])
def test_the_targets_that_are_written_about_are_there(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|[`$] ?)make ([a-z]+)", (ROOT / page).read_text(), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("page", ["CONTRIBUTING.md"])
def test_the_paths_that_are_written_about_are_there(page: str) -> None:
    for name in re.findall(r"`((?:specguard|rules|tests|docs|\.ci)/[\w./]*)`", (ROOT / page).read_text()):
        assert (ROOT / name).exists(), name


def test_what_decides_and_the_tests_that_mutants_are_tried_with_are_there() -> None:
    mutants = runpy.run_path(str(ROOT / "bench" / "mutants.py"))
    for pattern in (*mutants["MODULES"], *mutants["TESTS"]):
        assert list(ROOT.glob(pattern)), pattern


def test_everything_in_the_contributing_table_is_a_part() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    parts = {path.name for path in (ROOT / "specguard").iterdir() if (path / "__init__.py").exists()}
    assert parts <= set(re.findall(r"^\| `specguard/(\w+)/`", text, re.MULTILINE))


def test_hooks_judge_the_whole_change_and_set_nothing() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    stages = {hook["id"]: hook["stages"] for hook in hooks}
    assert stages == {
        "specguard": ["pre-commit"],
        "specguard-commit-msg": ["commit-msg"],
        "specguard-push": ["pre-push"],
        "specguard-ci": ["manual"],
    }
    for hook in hooks:
        assert hook["always_run"] is True
        assert hook.get("pass_filenames", True) is (hook["id"] == "specguard-commit-msg")
        assert re.fullmatch(r"specguard check [a-z -]+", hook["entry"])


def test_scripts_are_executable_and_parse() -> None:
    for script in (ROOT / ".ci").iterdir():
        assert script.stat().st_mode & 0o100, script
        subprocess.run(["bash", "-n", script], check=True)


def test_no_group_of_an_expression_is_possessive() -> None:
    """Up to Python 3.11.4, such a group takes what its last, failed repetition has read."""
    for file in (*ROOT.glob("specguard/**/*.py"), *ROOT.glob("rules/**/*.py")):
        text = file.read_text("utf-8").replace("C++", "")
        assert not re.search(r"\)(?:[*+?]|\{[\d,]*\})\+|\(\?>", text), file


def test_each_release_of_the_changelog_is_in_its_form() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    for heading in headings[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading)


# Its own authority is held to what is expected of it, as any team's is


def test_the_authority_is_as_expected() -> None:
    done = run_here("test", directory=ROOT)
    assert done.exit_code == 0, done
    assert "all as expected" in done.stdout


def test_every_locked_path_has_a_case() -> None:
    """A path that is locked from now on needs one too."""
    cases = "".join(path.read_text() for path in (ROOT / "tests" / "policy").glob("*.toml"))
    guards = [guard.pattern for guard in read_own(str(ROOT)).policy.guards.all]
    assert len(guards) >= 5
    for pattern in guards:
        assert f'path = "{pattern}' in cases, f"no case of tests/policy expects PTH002 of {pattern}"
