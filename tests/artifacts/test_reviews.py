"""Findings of reviews and evidence that no case states shortly; cases and the page of forms have the rest."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.artifacts.contracts import Contract, Evidence, Findings
from specguard.artifacts.evidence import dangling_evidence, missing_evidence
from specguard.artifacts.findings import (
    Review,
    Severities,
    findings_of_open_review,
    findings_sections,
    is_open_verdict,
    verdict_of,
)
from specguard.documents.citations import citations
from specguard.documents.document import Document
from tests.artifacts.conftest import Each, Make
from tests.rows import rows
from tests.taking import grows_with_length

SEVERITIES = Severities(
    {"blocking": ["blocking", "P0"], "high": ["high"], "medium": ["medium", "major"], "low": ["low"]}
)
WORDS = {"fixed": ["fixed", "resolved"], "re-verified": ["re-verified"]}


def read(text: str) -> Review:
    return Review(list(findings_sections(Document(text), SEVERITIES)), SEVERITIES)


def found(text: str) -> list[list[str | int]]:
    """The severity and line of each finding; `?` where it has none."""
    return [[one.severity or "?", one.line] for one in read(text).findings]


@pytest.mark.parametrize("row", rows(__file__, "findings"))
def test_findings_are_told_from_what_stands_around_them(row: dict[str, Any]) -> None:
    assert found(row["text"]) == row["findings"]


def test_what_stands_below_a_finding_belongs_to_it() -> None:
    text = (
        "## Findings\n\n### [HIGH] a\n\n- Evidence:\n  - `a.py:1`\n\n"
        "#### More\n\n| x |\n|---|\n| `b.py:2` |\n\n### [LOW] b\n"
    )
    first, second = read(text).findings
    assert list(map(str, citations(first.blocks))) == ["a.py:1", "b.py:2"]
    assert not list(citations(second.blocks))


@pytest.mark.parametrize(("status", "words"), rows(__file__, "closed"))
def test_a_finding_is_closed_where_its_status_says_each_word(status: str, words: list[str]) -> None:
    [one] = read(f"## Findings\n\n{status}\n").findings
    assert one.missing_words(WORDS) == words


def test_a_verdict_says_that_a_review_is_open() -> None:
    openings = ["open", "changes requested", "approve with changes", "not ready"]
    for value in ("changes requested", "Changes_Requested (2)", "**approve_with_changes**", "not_ready"):
        assert is_open_verdict(value, openings)
    for value in ("approve", "approved by the steward", "opened and closed", ""):
        assert not is_open_verdict(value, openings)


def test_an_open_review_completes_no_stage(each: Each) -> None:
    found = "## Findings\n\n- [HIGH] cold, `a.py:1`\n- [LOW] slow, `a.py:2`\n"
    texts = [f"Disposition: changes_requested\n\n{found}", f"---\nstatus: draft\n---\n{found}", found]
    texts += ["## Findings\n\nNone.\n\nVerdict: open\n", f"# Review verdict\n\nOpen it.\n\n{found}"]
    made = [one for _, one in each(texts, findings=Findings(severities=["high", "low"], must_close=["high"]))]
    assert [len(list(findings_of_open_review(one))) for one in made] == [2, 2, 0, 1, 0]
    assert not any(list(one.flaws("open-finding")) for one in made[:2])
    assert all(any("the high finding" in found.message for found in one.flaws()) for one in made[:2])
    # Where nothing must be closed, the document is not even read.
    one = next(one for _, one in each(texts, findings=Findings(severities=["high"])))
    assert not [*one.flaws("open-finding"), *(name for name in vars(one) if "review" in name)]


@pytest.mark.parametrize(
    ("root", "place"), [("/home/me/x/", "/home/me/x"), ("/home/*/x", "/path/to/the/repository")]
)
def test_the_form_that_would_do_is_written_as_the_root_is(each: Each, root: str, place: str) -> None:
    [(_, one)] = each(["Nothing.\n"], evidence=Evidence(paths="absolute", roots=[root]))
    [finding] = missing_evidence(one)
    assert finding.help == f"Cite a file with its line, as {place}/src/a.py:12."


def test_a_link_is_no_file_with_lines(artifacts: Make) -> None:
    contract = Contract(path="docs/final.md", evidence=Evidence(section=""))
    files = {"docs/final.md": "- `link.py:1`\n- `docs/x.d:1`\n", "src/a.py": "1\n", "docs/x.d/y": ""}
    made = artifacts({"final": contract}, files, symlinks={"link.py": "src/a.py"})
    messages = [finding.message for finding in dangling_evidence(made.all[0])]
    assert messages == [f"{a}:1 has no lines: {a} is not a regular file" for a in ("link.py", "docs/x.d")]


@pytest.mark.parametrize(
    "piece",
    ["### [HIGH] a\n\n", "- [HIGH] (a) - b: c\n", "## Findings\n\n", "### High\n", "- HIGH-01: x\n\n# x\n"],
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    def reading(count: int) -> Callable[[], object]:
        one: Any = SimpleNamespace(document=Document("## Findings\n\n" + piece * count), values=())
        sections = list(findings_sections(one.document, SEVERITIES))
        return lambda: verdict_of(one, Review(sections, SEVERITIES))

    assert grows_with_length(reading, 400)


@given(st.text(alphabet="highlow[](){}|-#*:~ \n1.`xF", max_size=150))
def test_any_text_is_read_and_lines_are_there(text: str) -> None:
    lines = text.count("\n") + 3
    for one in read(f"## Findings\n\n{text}").findings:
        assert 1 <= one.line <= lines
        one.missing_words(WORDS)
