from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from specguard.artifacts.contracts import Contract
from specguard.artifacts.sections import missing_sections

if TYPE_CHECKING:
    from collections.abc import Callable

    from specguard.model import Finding
    from tests.artifacts.conftest import Each, Make

    Judge = Callable[..., list[Finding]]


@pytest.fixture
def missing(artifacts: Make) -> Judge:
    def judge(text: str | bytes, sections: tuple[str, ...] = ("Risks",), **settings: Any) -> list[Finding]:
        contract = Contract(path="*.md", sections=list(sections), **settings)
        return list(missing_sections(artifacts({"final": contract}, {"f.md": text}).judged[0]))

    return judge


def test_what_cannot_be_read_has_no_section(missing: Judge) -> None:
    [finding] = missing(b"## Risks\n\xff\n")
    assert "it is not UTF-8" in finding.message


def test_many_sections_take_no_time(each: Each) -> None:
    parts = [
        "## Risks\n\n",
        "# Risks\n## Assumptions\n",
        "## Rollback\n",
        "- a\n",
        "## A\nPosture: not-ready\n",
    ]
    made = each(
        (f"Posture: ready\n\n{part * 1_000}" for part in parts),
        sections=["Risks", "Assumptions"],
        forbidden_sections=["Rollback"],
        fields={"posture": ["ready", "not-ready"], "owner": "any"},
    )
    for text, one in made:
        assert one.document.sections is not None
        before = time.process_time()
        assert len(list(one.flaws())) < 10
        assert time.process_time() - before < 2, text[:40]
