"""Findings of open reviews; `tests/cases/artifacts/findings.toml` has the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.artifacts.contracts import Contract, Findings
from specguard.artifacts.findings import findings_of_open_review

if TYPE_CHECKING:
    from tests.artifacts.conftest import Make

OPEN = "## Findings\n\n- [HIGH] cold, `a.py:1`\n- [LOW] slow, `a.py:2`\n"


def test_an_open_review_completes_no_stage(artifacts: Make) -> None:
    contract = Contract(path="*.md", findings=Findings(severities=["high", "low"], must_close=["high"]))
    texts = [f"Disposition: changes_requested\n\n{OPEN}", f"---\nstatus: draft\n---\n{OPEN}", OPEN]
    made = artifacts({"review": contract}, {f"{number}.md": text for number, text in enumerate(texts)})
    assert [len(list(findings_of_open_review(one))) for one in made.all] == [1, 1, 0]
    for one in made.all[:2]:
        assert [finding.message for finding in one.flaws("open-finding")] == []
        assert any("the high finding" in finding.message for finding in one.flaws())


def test_a_severity_to_close_must_be_one() -> None:
    contract = Contract(path="a.md", findings=Findings(severities=["high"], must_close=["critical"]))
    assert contract.problem() == (
        "`findings.must_close` has 'critical', which is not one of its severities: there is high"
    )
    assert "no section, field or word" in Contract(path="a.md", aliases={"x": ["y"]}).problem()
