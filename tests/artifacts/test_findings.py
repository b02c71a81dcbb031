from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from specguard.artifacts.contracts import Contract, Findings
from specguard.artifacts.findings import findings_of_open_review, open_findings, unranked_findings

if TYPE_CHECKING:
    from specguard.artifacts.artifacts import Artifact
    from tests.artifacts.conftest import Make

OPEN = "## Findings\n\n- [HIGH] cold, `a.py:1`\n- [LOW] slow, `a.py:2`\n"


def artifact(artifacts: Make, text: str, **findings: Any) -> Artifact:
    settings = {"severities": ["blocking", "high", "low"], "must_close": ["blocking", "high"], **findings}
    contract = Contract(path="REVIEW.md", findings=Findings(**settings), aliases={"re-verified": ["checked"]})
    found = artifacts({"review": contract}, {"REVIEW.md": text})
    one = found.at(b"REVIEW.md")
    assert one is not None
    return one


def test_each_finding_has_a_severity_and_cites_a_line(artifacts: Make) -> None:
    one = artifact(artifacts, "## Findings\n\n- [HIGH] cold, `a.py`\n- slow, `a.py:2`\n")
    assert [(finding.line, finding.message, finding.setting) for finding in unranked_findings(one)] == [
        (3, "the finding '[HIGH] cold, a.py' cites no line", "artifacts.review.findings.anchors"),
        (4, "the finding 'slow, a.py:2' has no severity", "artifacts.review.findings.severities"),
    ]


@pytest.mark.parametrize(("anchors", "count"), [("line", 2), ("path", 1), ("none", 0)])
def test_the_policy_says_what_a_finding_cites(artifacts: Make, anchors: str, count: int) -> None:
    one = artifact(artifacts, "## Findings\n\n- [HIGH] cold, `a.py`\n- [LOW] slow\n", anchors=anchors)
    assert len(list(unranked_findings(one))) == count


def test_a_severity_that_is_none_of_the_policy_is_named(artifacts: Make) -> None:
    one = artifact(artifacts, "## Findings\n\n### 1) cold\n\n- Severity: major\n- `a.py:1`\n")
    [finding] = unranked_findings(one)
    assert (
        finding.message
        == "the finding '1) cold' has the severity 'major', which is not one of blocking, high, low"
    )


@pytest.mark.parametrize(
    "text",
    [
        "## Findings\n", "## Findings\n\nTODO: each of them\n\n## Scope\n\nAll.\n",
        "## Findings\n\n<!-- none -->\n", "## Findings\n\nThe cache is cold.\n",
        # Marks without a word say nothing.
        "## Findings\n\n| Finding | Severity |\n| --- | --- |\n| | |\n", "## Findings\n\n- [ ]\n",
        "## Findings\n\n...\n", "## Findings\n\nTBD\n\n**---**\n",
    ],
)  # fmt: skip
def test_a_review_that_is_still_owed_is_none(artifacts: Make, text: str) -> None:
    [finding] = unranked_findings(artifact(artifacts, text))
    assert finding.message.startswith("REVIEW.md has no findings, and does not say that there are none")


@pytest.mark.parametrize(
    "text",
    [
        "## Findings\n\nNone.\n",
        "## Findings\n\nNo findings.\n",
        "## Issues\n\nNo issue was found. All is well.\n",
    ],
)
def test_a_review_may_find_nothing(artifacts: Make, text: str) -> None:
    assert not list(unranked_findings(artifact(artifacts, text)))


@pytest.mark.parametrize("section", ["", "Issues found"])
@pytest.mark.parametrize(
    "text", ["", "# Review\n", "# Review\n\n- [HIGH] a\n", "<!--\n## Issues found\n\n- [HIGH] a\n-->\n"]
)
def test_a_section_for_findings_must_be_there(artifacts: Make, text: str, section: str) -> None:
    [finding] = unranked_findings(artifact(artifacts, text, section=section))
    assert f"has no section {section or 'Findings'!r}" in finding.message


@pytest.mark.parametrize(
    "verdict", ["", "Disposition: approve\n", "---\nstatus: closed\n---\n", "Status: done\n"]
)
def test_a_closed_review_has_no_finding_open_that_must_be_closed(artifacts: Make, verdict: str) -> None:
    one = artifact(artifacts, f"{verdict}\n{OPEN}")
    [finding] = open_findings(one)
    assert "the high finding '[HIGH] cold, a.py:1' is not fixed and re-verified" in finding.message
    assert "while the review is open, its disposition is one such as 'open'" in finding.help
    assert finding.setting == "artifacts.review.findings.must_close"
    assert not list(findings_of_open_review(one))


@pytest.mark.parametrize(
    "text",
    [
        f"Disposition: changes_requested\n\n{OPEN}",
        f"Initial disposition: approve\n\n{OPEN}\n## Final disposition\n\n`not_ready`\n",
        f"---\nstatus: draft\n---\n{OPEN}",
        f"{OPEN}\n## Conclusion\n\nApproved.\n\n## Updated conclusion (supersedes it)\n\n- **Needs work**\n",
    ],
)
def test_an_open_review_may_have_findings_open_and_completes_no_stage(artifacts: Make, text: str) -> None:
    one = artifact(artifacts, text)
    assert not list(open_findings(one))
    assert len(list(findings_of_open_review(one))) == 1
    assert [finding.message for finding in one.flaws("open-finding")] == []
    assert any("the high finding" in finding.message for finding in one.flaws())


def test_what_a_finding_says_of_itself_is_no_verdict(artifacts: Make) -> None:
    text = "## Findings\n\n- [HIGH] cold, `a.py:1`\n  - Status: open\n"
    assert len(list(open_findings(artifact(artifacts, text)))) == 1


def test_a_status_further_down_is_not_the_reviews_own(artifacts: Make) -> None:
    text = f"{OPEN}\n## Re-check\n\n- Status: open\n"
    assert len(list(open_findings(artifact(artifacts, text)))) == 1


def test_words_of_the_policy_stand_for_others(artifacts: Make) -> None:
    text = "## Findings\n\n- [HIGH] cold, `a.py:1`\n  - Status: fixed, checked\n"
    assert not list(open_findings(artifact(artifacts, text)))


def test_an_earlier_finding_must_be_closed_too(artifacts: Make) -> None:
    one = artifact(artifacts, "## Previous findings\n\n1. HIGH (cold)\n   - Status: fixed.\n")
    [finding] = open_findings(one)
    assert "is fixed, and not re-verified" in finding.message


def test_a_severity_to_close_must_be_one() -> None:
    contract = Contract(path="a.md", findings=Findings(severities=["high"], must_close=["critical"]))
    assert contract.problem() == (
        "`findings.must_close` has 'critical', which is not one of its severities: there is high"
    )
    assert "no section, field or word" in Contract(path="a.md", aliases={"x": ["y"]}).problem()
