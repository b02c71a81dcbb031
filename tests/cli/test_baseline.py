"""`specguard baseline`: what it records, what it takes back, and what it asks for before it accepts more."""

from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Case, Step
from tests.outcomes import data_of
from tests.scripts import play, scripts

POLICY = '[rules.host-network-call]\nfiles = ["*.yml"]\n'
CALL = "a:\n  script:\n  - curl http://localhost:1\n"


@pytest.mark.parametrize("script", scripts(__file__))
def test_what_is_recorded(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)


def test_as_json(tmp_path: Path) -> None:
    accepted = '{"CNT002": {"a.yml": 2, "b.yml": 1}}'
    files = {".specguard/baseline.json": accepted, "a.yml": CALL, "b.yml": CALL}
    project = Case(policy=POLICY, base=(Step(files=files),), branch="main").build(tmp_path / "project")
    assert data_of(project, "baseline") == {
        "path": ".specguard/baseline.json",
        "written": True,
        "needed": True,
        "entries": [
            {"code": "CNT002", "path": "a.yml", "before": 2, "after": 1, "found": 1},
            {"code": "CNT002", "path": "b.yml", "before": 1, "after": 1, "found": 1},
        ],
        "undecided": [],
    }
    assert data_of(project, "baseline")["written"] is False
