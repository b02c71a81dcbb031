from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from specguard.artifacts.contracts import Contract
from specguard.artifacts.sections import missing_options
from specguard.documents.document import Document

if TYPE_CHECKING:
    from tests.artifacts.conftest import Make

CONTRACT = Contract(path="*.md", options=["A", "B", "C"])
OTHERS = "\n\n## Option B: b\n\nIt is new.\n\n## Option C: c\n\nIt is none.\n"


@pytest.mark.parametrize(
    "text",
    [
        "## Option A: keep it\n\nIt works.", "### 1. Option A\n\nIt works.", "# A) keep it\n\nIt works.",
        "## A\n\n- It works.", "## Alternative A \u2014 keep it\n\nIt works.", "- **Option A**: keep it",
        "- A: keep it", "1. A) keep it", "**Option A: keep it**\n\nIt works.", "**A.** It works.",
        "| Option | What |\n|---|---|\n| A | keep it |",
        "- ways\n  - Option A: keep it", "## OPTION #A\n\n### Cost\n\nIt works.",
        "Options\n===\n\n- Option A\n\n  It works.",
    ],
)  # fmt: skip
def test_an_option_is_described(artifacts: Make, text: str) -> None:
    assert not list(missing_options(artifacts({"plan": CONTRACT}, {"f.md": text + OTHERS}).judged[0]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "f.md has no option A"), ("A plan for all.", "has no option A"), ("- A plan", "has no option A"),
        ("<!-- ## Option A\n\nx -->", "has no option A"), ("```\n## Option A\nx\n```", "has no option A"),
        ("> ## Option A\n> It works.", "has no option A"),
        ("## Option \u0410\n\nIt works.", "has no option A"),
        ("## Option AB\n\nIt works.", "has no option A"), ("## Optional\n\nIt works.", "has no option A"),
        ("## Option A: keep it", "option A is named, and nothing is said of it"),
        ("## Option A\n\nTBD", "option A is named"), ("- A: <what>", "option A is named"),
        ("## Option A\n\n<!-- It works. -->", "option A is named"),
        ("| A | |\n|---|---|\n| A | TBD |", "A is named"),
    ],
)  # fmt: skip
def test_an_option_is_missing(artifacts: Make, text: str, said: str) -> None:
    [finding] = missing_options(artifacts({"plan": CONTRACT}, {"f.md": text + OTHERS}).judged[0])
    assert said in finding.message
    assert (finding.key, finding.setting) == ("option A", "artifacts.plan.options.0")


def test_an_option_is_no_copy(artifacts: Make) -> None:
    text = "## Option A: a\n\nIt  *works*.\n\n## Option B: b\n\nit works.\n\n## Option C: c\n\nIt is none.\n"
    [finding] = missing_options(artifacts({"plan": CONTRACT}, {"f.md": text}).judged[0])
    assert finding.message == "option B is option A, word for word"


def test_options_may_have_names(artifacts: Make) -> None:
    contract = Contract(path="*.md", options=["Redis", "no cache"])
    text = "## Redis\n\nFast.\n\n## Approach: No  cache at all\n\nSimple.\n"
    assert not list(missing_options(artifacts({"plan": contract}, {"f.md": text}).judged[0]))


@pytest.mark.parametrize("part", ["## Option A\n\n", "**Option A**\n\n", "- A:\n", "| A |", "A "])
def test_many_take_no_time(artifacts: Make, part: str) -> None:
    artifact = artifacts({"plan": CONTRACT}, {"f.md": part * 5_000}).judged[0]
    assert isinstance(artifact.document, Document)
    before = time.process_time()
    list(missing_options(artifact))
    assert time.process_time() - before < 2
