"""Rows and texts of tests that stand as data in a file beside them, `test_x.toml` beside `test_x.py`."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def _tables(file: str) -> dict[str, Any]:
    return tomllib.loads(Path(file).with_suffix(".toml").read_text())


def rows(file: str, name: str) -> list[Any]:
    """The rows of this name, for the module at `file`."""
    found: list[Any] = _tables(file)[name]
    return found


def recorded(file: str, name: str) -> Any:
    """The text or table of this name, for the module at `file`."""
    return _tables(file)[name]
