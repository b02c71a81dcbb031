"""Headings as people write them, and what only comes near."""

from __future__ import annotations

from specguard.documents.document import Document
from specguard.documents.fields import find_section, find_sections, near_section, same_title
from tests.outcomes import there


def test_a_heading_is_found_as_people_write_it() -> None:
    for heading in ("## 2. \u2705 **RISKS** (draft): v2", "   ## Risks", "## Risks\r"):
        document = Document(f"# T\n\n{heading}\n\ntext\n")
        section = there(find_section(document, "Risks"))
        assert section.line == 3
        assert same_title(section.heading.text.rendered, "risks")


def test_what_is_no_such_section_is_named_with_its_line_and_reason() -> None:
    for heading, line, why in (
        ("<!--\n## Risks\n-->", 4, "in a comment"),
        ("<div hidden>\n\n## Risks\n\n</div>", 5, "no heading there"),
        ("## Ri\u0455ks", 3, "with letters that only look alike"),
        ("## \uff32\uff49\uff53\uff4b\uff53", 3, "with letters that only look alike"),
        ("## Risk", 3, "spelt differently"),
    ):
        document = Document(f"# T\n\n{heading}\n")
        assert find_section(document, "Risks") is None
        near = there(near_section(document, "Risks"))
        assert (near.why, near.line) == (why, line)


def test_other_words_are_another_section() -> None:
    for heading, title in {
        "Phase 1: Planning": "Phase 1: Research",
        "Options": "Option B",
        "2 Options": "3 Options",
        "Notes": "Risks",
        "(Risks)": "Risks and notes",
        "Risk-free": "Risk",
        "12": "Risks",
        "\u2705": "Risks",
    }.items():
        assert find_section(Document(f"## {heading}\n"), title) is None


def test_titles_of_several_words_are_found() -> None:
    for heading, title in {
        "Phase 1: Research": "Phase 1: Research",
        "1. 3 options (draft)": "3 Options",
        "What\u2019s next": "What's next",
        "Risks & mitigations": "Risks and Mitigations",
        "C++ and C#": "C++ and C#",
        "Cafe\u0301": "Caf\u00e9",
        "\u30ea\u30b9\u30af\uff08\u6848\uff09": "\u30ea\u30b9\u30af",
        "\u0928\u093f\u092f\u092e": "\u0928\u093f\u092f\u092e",
        "Out-of-scope": "Out of scope",
    }.items():
        assert find_section(Document(f"## {heading}\n"), title) is not None


def test_aliases_stand_for_a_title_and_an_exact_heading_goes_first() -> None:
    document = Document("# Risks - of last year\n\n# Hazards\n\n# Risks\n")
    assert [section.line for section in find_sections(document, "Risks")] == [5, 1]
    assert [section.line for section in find_sections(document, "Danger", aliases=["Hazards"])] == [3]
    near = there(near_section(document, "Danger", aliases=["Hazard"]))
    assert (near.text, near.why) == ("Hazards", "spelt differently")
    assert near_section(document, "Skills Introspected") is None
