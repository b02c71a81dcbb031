"""What `new` writes satisfies its contract, but for what a person owes."""

from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Repository, run_here
from tests.outcomes import ended
from tests.rows import rows
from tests.scripts import DATA, play, scripts

# What a person owes: words, also below a heading, values, evidence, options and findings.
OWED = {"ART001", "ART003", "ART004", "ART007", "ART009", "ART011", "ART021", "PLN001", "PLN007"}


@pytest.mark.parametrize("script", scripts(__file__))
def test_what_is_written(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)


def test_only_what_a_person_owes_is_found(repository: Repository) -> None:
    texts = {name: (DATA / name).read_text() for name in ("artifacts.md", "workbreakdown.json")}
    files = {
        "SPEC_AUTHORITY.md": texts["artifacts.md"],
        "schemas/workbreakdown.json": texts["workbreakdown.json"],
    }
    repository.commit("docs: state what is written", files=files)
    repository.branch("work")
    repository.write(".plans/x/PLAN_OPTIONS.md", "- A: one\n- B: two\n")
    for words in rows(__file__, "only_owed"):
        ended(run_here("new", *words, directory=repository.path))
        repository.stage()
        report = run_here("check", "--staged", "--output-format", "json", directory=repository.path).report
        assert {one["state"] for one in report["rules"]} <= {"passed", "failed", "warned", "not-applicable"}
        assert {one["code"] for one in report["findings"]} <= OWED, words
        repository.commit("docs: write")
