"""Whole small repositories in `tests/cases/`; of each folder one is judged by the installed command."""

from __future__ import annotations

from pathlib import Path

import pytest

from specguard.testing import Case, run_case

FOLDER = Path(__file__).parent / "cases"
CASES = sorted(FOLDER.glob("**/*.toml"))
INSTALLED = {path.parent: path for path in reversed(CASES)}.values()


def test_there_are_cases() -> None:
    assert CASES


@pytest.mark.parametrize("path", CASES, ids=lambda path: str(path.relative_to(FOLDER).with_suffix("")))
def test_case(path: Path, tmp_path: Path) -> None:
    run_case(Case.load(path), tmp_path, installed=path in INSTALLED)
