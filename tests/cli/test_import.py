"""`specguard import`: what it finds, prints and adds, and what it leaves alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Repository
from tests.outcomes import data_of
from tests.scripts import play, scripts


@pytest.mark.parametrize("script", scripts(__file__))
def test_what_is_imported(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)


def test_as_json(repository: Repository) -> None:
    repository.commit(files={".commitlintrc.json": json.dumps({"rules": {"body-case": [2, "always"]}})})
    data = data_of(repository, "import")
    assert data["left"] == [
        {"path": ".commitlintrc.json", "line": 1, "what": "body-case", "why": "there is no setting for it"}
    ]
    assert data["settings"]["rules.commit-form"] == {"subject_max": 0, "blank_line": "optional"}
    assert "```toml specguard" in data["section"]
