"""Whole small repositories in `tests/cases/`; of each folder one is judged by the installed command."""

from __future__ import annotations

from pathlib import Path

import pytest

from specguard.testing import Case, run_case

FOLDER = Path(__file__).parent / "cases"
FILES = sorted(FOLDER.glob("**/*.toml"))
CASES = {
    f"{path.relative_to(FOLDER).with_suffix('')}{f'-{case.name}' if case.name != path.stem else ''}": case
    for path in FILES
    for case in Case.load_all(path)
}
INSTALLED = {name.rpartition("/")[0]: name for name in reversed(CASES)}.values()


def test_there_are_cases() -> None:
    assert CASES


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, tmp_path: Path) -> None:
    run_case(CASES[name], tmp_path, installed=name in INSTALLED)
