"""Headings as people write them, and what only comes near."""

from __future__ import annotations

import pytest

from specguard.documents.document import Document
from specguard.documents.fields import find_section, find_sections, near_section, same_title


@pytest.mark.parametrize(
    "heading",
    [
        "## 2.3. Risks", "## \u00a7 4 Risks", "## (2) Risks", "## 3 - Risks", "## #3 Risks",
        "## 1\ufe0f\u20e3 Risks", "## Risks\u2026", "## Risks [open]", "## Risks: details", "## Risks | open",
        "## [Risks](#risks)", "## <a id='r'></a>Risks", "## Risks {#risks}", "## Risks <!-- omit in toc -->",
        "## 2. \u2705 **RISKS** (draft): v2", "   ## Risks", "## Risks\r",
    ],
)  # fmt: skip
def test_a_heading_is_found_as_people_write_it(heading: str) -> None:
    document = Document(f"# T\n\n{heading}\n\ntext\n")
    section = find_section(document, "Risks")
    assert section is not None, near_section(document, "Risks")
    assert section.line == 3
    assert same_title(section.heading.text.rendered, "risks")


@pytest.mark.parametrize(
    ("heading", "why"),
    [
        ("<!--\n## Risks\n-->", "in a comment"),
        ("**Risks:**\n\n<!-- ## Risks -->", "no heading there"),
        ("<div hidden>\n\n## Risks\n\n</div>", "no heading there"),
        ("####### Risks", "no heading there"),
        ("**Risks:**", "no heading there"),
        ("## Ri\u0455ks", "with letters that only look alike"),
        ("## \uff32\uff49\uff53\uff4b\uff53", "with letters that only look alike"),
        ("## Risk", "spelt differently"),
    ],
)
def test_what_is_no_such_section_is_named_with_its_reason(heading: str, why: str) -> None:
    document = Document(f"# T\n\n{heading}\n")
    assert find_section(document, "Risks") is None
    near = near_section(document, "Risks")
    assert near is not None
    assert near.why == why
    assert 3 <= near.line <= 3 + heading.count("\n")


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("## Phase 1: Planning", "Phase 1: Research"),
        ("## Options", "Option B"),
        ("## 2 Options", "3 Options"),
        ("## Notes", "Risks"),
        ("## (Risks)", "Risks and notes"),
        ("## Risk-free", "Risk"),
        ("## 12", "Risks"),
        ("## ✅", "Risks"),
    ],
)
def test_other_words_are_another_section(heading: str, title: str) -> None:
    assert find_section(Document(f"{heading}\n"), title) is None


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("## Phase 1: Research", "Phase 1: Research"),
        ("## 3 Options", "3 Options"),
        ("## 1. 3 options (draft)", "3 Options"),
        ("## What\u2019s next", "What's next"),
        ("## Risks & mitigations", "Risks and Mitigations"),
        ("## C++ and C#", "C++ and C#"),
        ("## Cafe\u0301", "Caf\u00e9"),
        ("## リスク\uff08案\uff09", "リスク"),
        ("## \u0928\u093f\u092f\u092e", "\u0928\u093f\u092f\u092e"),
        ("## Out-of-scope", "Out of scope"),
    ],
)
def test_titles_of_several_words_are_found(heading: str, title: str) -> None:
    assert find_section(Document(f"{heading}\n"), title) is not None


def test_aliases_stand_for_a_title_and_an_exact_heading_goes_first() -> None:
    document = Document("# Risks - of last year\n\n# Hazards\n\n# Risks\n")
    assert [section.line for section in find_sections(document, "Risks")] == [5, 1]
    assert [section.line for section in find_sections(document, "Danger", aliases=["Hazards"])] == [3]
    near = near_section(document, "Danger", aliases=["Hazard"])
    assert near is not None
    assert (near.text, near.why) == ("Hazards", "spelt differently")
    assert near_section(document, "Skills Introspected") is None
