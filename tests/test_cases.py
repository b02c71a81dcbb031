"""Whole small repositories in `tests/cases/`; of each folder one is judged by the installed command."""

from dataclasses import replace
from pathlib import Path

import pytest

from specguard.testing import Case, run_case
from tests.threats.cases import threats_of

FOLDER = Path(__file__).parent / "cases"
FILES = sorted(FOLDER.glob("**/*.toml"))


def strict(case: Case) -> Case:
    """A case whose findings are open errors, and end the check with 1, unless it says otherwise."""
    if not case.expect:
        return case if case.exit_code is not None or not case.error else replace(case, exit_code=2)
    expect = [{"severity": "error", "state": "open", **one} for one in case.expect]
    fails = any((one["severity"], one["state"]) == ("error", "open") for one in expect)
    return replace(case, expect=expect, exit_code=int(fails) if case.exit_code is None else case.exit_code)


def name_of(path: Path, case: Case) -> str:
    """What a case is called: as its file, and by its own name where the file holds several."""
    file = str(path.relative_to(FOLDER).with_suffix(""))
    return file if case.name == path.stem else f"{file}-{case.name}"


FOUND = [(path, strict(case)) for path in FILES for case in Case.load_all(path)]
CASES = {name_of(path, case): case for path, case in FOUND}
INSTALLED = {name.rpartition("/")[0]: name for name in reversed(CASES)}.values()
ROWS = [
    pytest.param(name_of(path, case), marks=threats_of(case, path.relative_to(FOLDER.parent).as_posix()))
    for path, case in FOUND
]


def test_there_are_cases() -> None:
    assert CASES


@pytest.mark.parametrize("name", ROWS)
def test_case(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")  # what is judged once is not kept
    run_case(CASES[name], tmp_path, installed=name in INSTALLED)
