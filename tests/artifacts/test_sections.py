from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from specguard.artifacts.contracts import Contract
from specguard.artifacts.sections import empty_sections, missing_sections

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


@pytest.fixture
def empty(artifacts: Make) -> Judge:
    def judge(text: str | bytes, sections: tuple[str, ...] = ("Risks",), **settings: Any) -> list[Finding]:
        contract = Contract(path="*.md", sections=list(sections), **settings)
        return list(empty_sections(artifacts({"final": contract}, {"f.md": text}).judged[0]))

    return judge


def test_a_section_is_there(each: Each) -> None:
    rows = [
        "## Risks\nx\n", "# RISKS\nx\n", "### 2.3 Risks:\nx\n", "Risks\n---\nx\n",
        "## 1) **Risks** (draft)\nx\n",
        "\ufeff## Risks\r\nx\r\n", "---\na: b\n---\n## Risks\nx\n",
    ]  # fmt: skip
    for text, one in each(rows, sections=["Risks"]):
        assert not list(missing_sections(one)), text


def test_a_section_is_not_there(each: Each) -> None:
    rows = [
        "", "Risks\n", "<!--\n## Risks\nx\n-->\n", "```\n## Risks\nx\n```\n", "~~~\n## Risks\n",
        "    ## Risks\n",
        "---\nRisks: x\n---\n", "> ## Risks\n> x\n", "- ## Risks\n  x\n", "## R\u0456sks\nx\n",
        "## Risk\nx\n",
        "<details>\n## Risks\n</details>\n", "**Risks**\n\nx\n",
    ]  # fmt: skip
    for text, one in each(rows, sections=["Risks"]):
        [finding] = missing_sections(one)
        assert finding.message.startswith(f"{one.path.decode()} has no section 'Risks'"), text
        assert (finding.key, finding.setting) == ("risks", "artifacts.final.sections.0")


def test_what_cannot_be_read_has_no_section(missing: Judge) -> None:
    [finding] = missing(b"## Risks\n\xff\n")
    assert "it is not UTF-8" in finding.message


def test_other_titles_may_stand_for_it(missing: Judge) -> None:
    assert not missing("## Hazards\nx\n", aliases={"Risks": ["Hazards"]})


def test_a_second_one_could_contradict_the_first(missing: Judge) -> None:
    [finding] = missing("## Risks\na\n\n## X\n\n## Risks\nb\n")
    assert finding.line == 6
    assert finding.message.startswith("f.md has the section 'Risks' 2 times, in lines 1, 6")
    assert not missing("## Option A\n### Risks\na\n## Option B\n### Risks\nb\n## Risks\nx\n")
    assert missing("## 1. Risks (open)\na\n\n## 4) RISKS (open)\nb\n")


def test_sections_that_are_called_otherwise_are_no_second_ones(each: Each) -> None:
    rows = ["## Risks: servers\na\n\n## Risks: clients\nb\n", "## Risks\na\n\n## Risks (closed)\nb\n",
     "## Hazards\na\n\n## Dangers\nb\n", "## Risks\na\n\n## Hazards\nb\n"]  # fmt: skip
    for text, one in each(rows, sections=["Risks"], aliases={"Risks": ["Hazards", "Dangers"]}):
        assert not list(missing_sections(one)), text


def test_a_section_may_be_forbidden(missing: Judge) -> None:
    found = missing("## Rollback plan\nx\n\n## Rollbacks\n\n## Risks\n", forbidden_sections=["Rollback"])
    assert [(one.line, one.setting) for one in found] == [(1, "artifacts.final.forbidden_sections.0")]


def test_a_section_says_something(each: Each) -> None:
    rows = [
        "The cache.", "- the cache", "### Cache\n\nIt is cold.", "None: all paths are covered by tests.",
        "N/A, nothing is deployed.", "| Risk | Answer |\n|---|---|\n| cold cache | none |",
        "```\nmake x\n```",
        "> The cache.", "1. [x] read `src/a.py`", "TODO lists are rendered wrong.\n\nThe cache is cold.",
        "None.\n\nThe paths are covered by tests.", "![the graph](x.png)",
    ]  # fmt: skip
    for text, one in each((f"## Risks\n\n{body}\n\n## Other\n\nx\n" for body in rows), sections=["Risks"]):
        assert not list(empty_sections(one)), text


def test_a_section_says_nothing(each: Each) -> None:
    rows = [
        ("", "is empty"), ("<!-- the cache -->", "is empty"), ("### Cache", "is empty"),
        ("\u3164", "is empty"),
        ("\u200b\u2060", "is empty"), ("---", "is empty"), ("[x]: y", "is empty"), ("&nbsp;", "is empty"),
        ("TODO", "placeholder: 'TODO'"), ("- TBD", "placeholder: 'TBD'"), ("<risks>", "is empty"),
        ("`<risks>`", "placeholder: '<risks>'"), ("[fill in]", "placeholder"), ("\u2026", "placeholder"),
        ("Owner: TBD", "placeholder"), ("| Risk | Answer |\n|---|---|\n| x | |\n", "placeholder"),
        ("Lorem ipsum dolor", "placeholder"), ("{{risks}}", "placeholder"), ("___", "is empty"),
        ("What could go wrong?", "placeholder: 'What could go wrong?'"), ("...", "placeholder"),
        ("None", "only says 'None', without a reason"), ("- N/A.", "only says 'N/A.'"),
        ("None\n\n<!-- because -->", "only says 'None'"),
        ("| a | b |\n|---|---|\n| None | None |", "only says"),
    ]  # fmt: skip
    texts = [f"# T\n\n## Risks\n\n{body}\n\n## Other\n\nx\n" for body, _ in rows]
    made = each(texts, sections=["Risks"], placeholders=["What could go wrong?"])
    for (text, one), (_, said) in zip(made, rows, strict=True):
        [finding] = empty_sections(one)
        assert said in finding.message, text
        assert finding.line is not None
        assert (finding.key, finding.setting) == ("risks", "artifacts.final.sections.0")


def test_one_section_is_not_anothers_content(empty: Judge) -> None:
    text = "# Evidence Map\n\n## Risks\n\nThe cache.\n"
    [finding] = empty(text, ("Evidence Map", "Risks"))
    assert (finding.key, finding.line) == ("evidence map", 1)


def test_many_sections_take_no_time(each: Each) -> None:
    parts = [
        "## Risks\n\n",
        "# Risks\n## Assumptions\n",
        "## Rollback\n",
        "- a\n",
        "## A\nPosture: not-ready\n",
    ]
    made = each(
        (f"Posture: ready\n\n{part * 3_000}" for part in parts),
        sections=["Risks", "Assumptions"],
        forbidden_sections=["Rollback"],
        fields={"posture": ["ready", "not-ready"], "owner": "any"},
    )
    for text, one in made:
        assert one.document.sections is not None
        before = time.process_time()
        assert len(list(one.flaws())) < 10
        assert time.process_time() - before < 2, text[:40]


@pytest.mark.parametrize("heading", ["Ri\u00adsks", "Risks\ufe0f", "R\u200bisks", "Risks\u2060"])
def test_a_heading_with_characters_that_cannot_be_seen_does_not_count(missing: Judge, heading: str) -> None:
    [finding] = missing(f"# F\n\n## {heading}\n\nNone yet.\n")
    assert finding.line == 3
    assert "which is with characters that cannot be seen" in finding.message
    assert not missing(f"# F\n\n## {heading}\n\nNone yet.\n\n## Risks\n\nNone.\n")


def test_a_heading_with_an_emoji_counts(missing: Judge) -> None:
    assert not missing("## \u26a0\ufe0f Risks\n\nNone yet.\n")


def test_a_forbidden_heading_is_found_whatever_is_hidden_in_it(missing: Judge) -> None:
    [finding] = missing("## Ri\u00adsks\n\nx\n", sections=(), forbidden_sections=["Risks"])
    assert "which it must not have" in finding.message
