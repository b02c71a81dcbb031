"""Test data in TOML: rows and texts of `test_x.py` are in `test_x.toml` beside it."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def _tables(file: str) -> dict[str, Any]:
    return tomllib.loads(Path(file).with_suffix(".toml").read_text())


def rows(file: str, name: str) -> list[Any]:
    """Return the rows of this name, for the module at `file`."""
    found: list[Any] = _tables(file)[name]
    return found


def recorded(file: str, name: str) -> Any:
    """Return the text or table of this name, for the module at `file`."""
    return _tables(file)[name]
