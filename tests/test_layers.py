"""Imports point one way, and no part of the package has been left out of that contract."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
# What stands above the command line: the kit runs it, and `python -m specguard` is it.
ABOVE = {"testing", "__main__"}


def test_the_contracts_of_the_import_graph_hold() -> None:
    done = subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_part_has_its_layer() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = {name.partition(".")[2] for name in contracts[0]["layers"]}
    parts = {
        path.stem
        for path in (ROOT / "specguard").iterdir()
        if path.suffix == ".py" or (path.is_dir() and (path / "__init__.py").exists())
    }
    assert parts - {"__init__"} - ABOVE == layers
    outside = set(contracts[1]["forbidden_modules"])
    assert {f"specguard.{name}" for name in layers - {"rules", "declaration", "model", "errors"}} == outside
