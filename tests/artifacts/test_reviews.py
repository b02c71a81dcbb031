from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.artifacts.findings import missing_words, says_open
from specguard.artifacts.reviews import Review, Severities
from specguard.documents.document import Document
from tests.taking import grows_with_length

if TYPE_CHECKING:
    from collections.abc import Callable

SEVERITIES = Severities(
    [
        ("blocking", ["blocking", "blocker", "P0"]),
        ("high", ["high"]),
        ("medium", ["medium", "major"]),
        ("low", ["low"]),
    ]
)
WORDS = [("fixed", ["fixed", "resolved"]), ("re-verified", ["re-verified"])]


def found(text: str) -> list[tuple[str, int]]:
    """The severity and line of each finding; `?` where it has none."""
    return [(one.severity or "?", one.line) for one in Review(Document(text), SEVERITIES).findings]


@pytest.mark.parametrize(
    "title",
    [
        "[HIGH] cold",
        "High: cold",
        "**High** - cold",
        "**High \u2014 cold**",
        "1) HIGH \u2014 cold",
        "1. High: cold",
        "2) [High] cold",
        "HIGH-01: cold",
        "HIGH 1 - cold",
        "F-3 (High): cold",
        "\U0001f7e0 High: cold",
        "Finding 3: cold [HIGH]",
        "cold (high)",
        "cold (High severity)",
        "High severity: cold",
        "cold - Severity: High",
        "~~Blocking~~ -> **High** cold",
        "\\[HIGH\\] cold",
    ],
)
@pytest.mark.parametrize(
    "form", ["## Findings\n\n### {}\n", "## Findings\n\n- {}\n", "- a\n- {}\n", "## Findings\n\n{}\n"]
)
def test_a_severity_is_read_where_people_write_it(title: str, form: str) -> None:
    if form.startswith("- a"):
        assert ("high", 2) in found(form.format(title))
    else:
        assert found(form.format(title)) == [("high", 3)]


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        (
            "## Findings\n\n### High\n\n- a\n- b\n\n### Low (1)\n\n1. c\n",
            [("high", 5), ("high", 6), ("low", 10)],
        ),
        ("## Issues\n\n### \U0001f534 Blocking issues\n\n#### Cache\n\nIt is cold.\n", [("blocking", 5)]),
        ("## High\n\n- a\n\n## Notes\n\n- b\n", [("high", 3)]),
        (
            "## Findings\n\n### 1. severity: major\n- a\n\n### 2. severity: major\n- b\n",
            [("medium", 3), ("medium", 6)],
        ),
        # The same heading again stands above each finding; a group has one of its own.
        (
            "# R\n\n## Severity: high\n- At: a\n- Fix: b\n\n## Severity: low\n- c\n\n## Severity: low\n- d\n",
            [("high", 3), ("low", 7), ("low", 10)],
        ),
        (
            "# R\n\n## 1\n\n### High\n\n- a\n- b\n\n## 2\n\n### High\n\n- c\n",
            [("high", 7), ("high", 8), ("high", 14)],
        ),
        ("# R\n\n## Severity: huge\n- At: a\n\n## Severity: low\n- c\n", [("?", 3), ("low", 7)]),
        # Items that each begin with their severity are findings, whatever their heading says.
        (
            "# R\n\n## Points\n\n- **severity: high** | a\n  - low\n\n- **severity: low** | b: high\n",
            [("high", 5), ("low", 8)],
        ),
        ("## Findings\n\n### 1) Cold cache\n\n- Severity: High (`P1`)\n- Impact: slow\n", [("high", 3)]),
        ("## Findings\n\n1. Cold cache\n- Severity: low\n- Fix: warm it\n", [("low", 3)]),
        (
            "## Findings\n\n1. **High - cold cache**\n- **Why:** slow\n\n2. **Low - a name**\n",
            [("high", 3), ("low", 6)],
        ),
        ("## Findings\n\n- High: a\n  - Severity candidate: blocker\n", [("blocking", 3)]),
        (
            "## Findings\n\n| Severity | At |\n|---|---|\n| **Major** | a.py:1 |\n| - | - |\n| low | b |\n",
            [("medium", 5), ("low", 7)],
        ),
        ("## Findings\n\n| Finding | Place |\n|---|---|\n| cold | a.py:1 |\n", [("?", 5)]),
        ("## Findings\n\n### High\n\n**1. Cold cache**\n\n- a.py:1\n", [("high", 5)]),
        ("## Findings\n\n### 1) Cold cache\n\nIt is cold.\n", [("?", 3)]),
        ("## Findings\n\n### [HIGH] a\n\nx\n\n### Cold cache\n\ny\n", [("high", 3), ("?", 7)]),
        ("## Findings\n\n- cold\n", [("?", 3)]),
        ("## Findings\n\n### Summary\n\nAll in all good.\n", []),
        ("# Findings of the review\n\n- a\n\n## Scope\n\n- [HIGH] b\n", [("high", 7)]),
        ("Notes\n\n- a\n- Low: b\n- High impact is likely\n", [("low", 4)]),
        ("## Positive findings\n\n- a\n", []),
        ("## Previous findings\n\n1. HIGH (a): **closed**.\n2. b\n", [("high", 3)]),
    ],
)
def test_findings_are_told_from_what_stands_around_them(text: str, findings: list[tuple[str, int]]) -> None:
    assert found(text) == findings


@pytest.mark.parametrize(
    "text",
    [
        "None.",
        "- None.",
        "1. None (`P0`/`P1`): no findings identified.",
        "No blocking or high findings.",
        "- blocking/high: none\n- low: 0",
        "- No unresolved issues.",
        "### High\n\nNone.\n\n### Low\n\n- None\n",
        "| Severity | Place |\n|---|---|\n| - | none |",
        "<!-- - [HIGH] a -->",
        "> - [HIGH] a",
        "```\n- [HIGH] a\n```",
    ],
)
def test_that_there_are_none_is_no_finding(text: str) -> None:
    assert found(f"## Findings\n\n{text}\n") == []


def test_what_cites_a_place_is_a_finding_whatever_it_begins_with() -> None:
    assert found("## Findings\n\n- No issue is raised in `a.py:3` when it fails\n") == [("?", 3)]


def test_what_stands_below_a_finding_belongs_to_it() -> None:
    text = (
        "## Findings\n\n### [HIGH] a\n\n- Evidence:\n  - `a.py:1`\n\n"
        "#### More\n\n| x |\n|---|\n| `b.py:2` |\n\n### [LOW] b\n"
    )
    first, second = Review(Document(text), SEVERITIES).findings
    assert [str(one) for one in first.cited] == ["a.py:1", "b.py:2"]
    assert not list(second.cited)


def missing(status: str) -> list[str]:
    [one] = Review(Document(f"## Findings\n\n{status}\n"), SEVERITIES).findings
    return missing_words(one, WORDS)


@pytest.mark.parametrize(
    "status",
    [
        "- [HIGH] a\n  - Status: fixed, re-verified",
        "- [HIGH] a\n  - Status: Resolved in 6b83860; re-verified by the steward",
        "- [HIGH] a (fixed) (re-verified)",
        "- [HIGH] a: **fixed** in 6b83860 - re-verified",
        "- [HIGH] a\n  - Fixed in: 6b83860\n  - Re-verified: 2026-01-31",
        "- [HIGH] a\n  - [x] Fixed\n  - [x] Re-verified",
        "### [HIGH] a\n\n**Status:** fixed\n\n**Verification:** re-verified",
        "### [HIGH] a\n\n| Status | fixed and re-verified |\n|---|---|\n| Owner | me |",
        "| Severity | Place | Status |\n|---|---|---|\n| high | a | fixed, reverified |",
        "- [HIGH] a\n  - Status: not blocking, fixed, re-verified",
    ],
)
def test_a_finding_is_closed_where_each_word_is_said(status: str) -> None:
    assert missing(status) == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("- [HIGH] a", ["fixed", "re-verified"]),
        ("- [HIGH] a\n  - Status: fixed", ["re-verified"]),
        ("- [HIGH] a\n  - Status: fixed, not re-verified", ["re-verified"]),
        ("- [HIGH] a\n  - Status: not fixed and re-verified", ["fixed", "re-verified"]),
        ("- [HIGH] a\n  - Status: unfixed, re-verified", ["fixed"]),
        ("- [HIGH] a\n  - Status: to be fixed and re-verified", ["fixed", "re-verified"]),
        ("- [HIGH] a\n  - Status: fixed, re-verified: no", ["re-verified"]),
        ("- [HIGH] a\n  - Status: ~~fixed~~, re-verified", ["fixed"]),
        ("- [HIGH] a\n  - Status: fixed, re-verified, reopened", ["fixed", "re-verified"]),
        ("- [HIGH] a\n  - Status: partially fixed, re-verified", ["fixed", "re-verified"]),
        ("- [HIGH] a\n  - Fix: it must be fixed and re-verified", ["fixed", "re-verified"]),
        ("- [HIGH] a\n  - Fixed: no\n  - Re-verified: pending", ["fixed", "re-verified"]),
        ("- [HIGH] a\n  - [ ] Fixed\n  - [x] Re-verified", ["fixed"]),
        ("- [HIGH] Fixed timeout is too short", ["fixed", "re-verified"]),
        ("- [HIGH] a\n  - Fixed size: 12", ["fixed", "re-verified"]),
        ("- [HIGH] a fixed-size buffer\n  - Status: re-verified", ["fixed"]),
        ("- [HIGH] a\n  - Status: f\u0456xed, re-verified", ["fixed"]),
        ("- [HIGH] a <!-- Status: fixed, re-verified -->", ["fixed", "re-verified"]),
        ("- [HIGH] a\n\n  ```\n  Status: fixed, re-verified\n  ```", ["fixed", "re-verified"]),
        ("- [HIGH] a\n\n  > Status: fixed, re-verified", ["fixed", "re-verified"]),
    ],
)
def test_a_finding_is_open_where_a_word_is_not_said_or_taken_back(status: str, words: list[str]) -> None:
    assert missing(status) == words


def test_a_finding_is_closed_by_its_name_elsewhere() -> None:
    text = (
        "## Findings\n\n### HIGH-01: a\n\n### HIGH-02: b\n\n"
        "## Follow-up\n\n- `HIGH-01`: fixed in 6b83860 (re-verified)\n"
    )
    first, second = Review(Document(text), SEVERITIES).findings
    assert missing_words(first, WORDS) == []
    assert missing_words(second, WORDS) == ["fixed", "re-verified"]


@pytest.mark.parametrize(
    ("value", "is_open"),
    [
        ("changes requested", True),
        ("Changes_Requested (2)", True),
        ("**approve_with_changes**", True),
        ("not_ready", True),
        ("approve", False),
        ("approved by the steward", False),
        ("opened and closed", False),
        ("", False),
    ],
)
def test_a_verdict_says_that_a_review_is_open(value: str, is_open: bool) -> None:
    assert says_open(value, ["open", "changes requested", "approve with changes", "not ready"]) is is_open


@pytest.mark.parametrize(
    "piece",
    [
        "### [HIGH] a\n\n",
        "- [HIGH] (a) - b: c\n",
        "## Findings\n\n",
        "### High\n",
        "- HIGH-01: fixed\n\n## x\n",
    ],
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    def reading(count: int) -> Callable[[], object]:
        document = Document("## Findings\n\n" + piece * count)
        assert document.sections
        return lambda: Review(document, SEVERITIES)

    assert grows_with_length(reading, 200)


@given(st.text(alphabet="highlow[](){}|-#*:~ \n1.`xF", max_size=150))
def test_any_text_is_read_and_lines_are_there(text: str) -> None:
    lines = text.count("\n") + 3
    for one in Review(Document(f"## Findings\n\n{text}"), SEVERITIES).findings:
        assert 1 <= one.line <= lines
        missing_words(one, WORDS)
