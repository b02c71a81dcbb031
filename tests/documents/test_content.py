"""What counts as content: not what is hidden, not headings and labels, not placeholders."""

from __future__ import annotations

import pytest

from specguard.documents.content import has_content
from specguard.documents.document import Document


def seen(body: str, *placeholders: str) -> bool:
    document = Document(f"# T\n\n## Risks\n\n{body}\n\n## Other\n\nwords\n")
    section = document.section("Risks")
    assert section is not None
    return has_content(section.blocks, placeholders)


@pytest.mark.parametrize(
    "body",
    [
        "None.", "1. one", "| a |\n|---|\n| c |", "![](chart.png)", '<img src="chart.png">', "- [ ] do it",
        "\u2705", "<details>\n<summary>More</summary>\n</details>", "[the plan](plan.md)", "<https://x.y>",
        "`code`", "\u4e2d\u6587", "TODO\n\nbut the cache is cold", "[^1]\n\n[^1]: the footnote",
        "<p>words</p>",
    ],
)  # fmt: skip
def test_content_is_seen(body: str) -> None:
    assert seen(body)


@pytest.mark.parametrize(
    "body",
    [
        "<!-- The cache\n\nis cold. -->", "<div hidden>\n\nThe cache is cold.\n\n</div>",
        "[//]: # (The cache is cold.)", "<template>The cache is cold.</template>", "\u2800\u2800",
        "- [ ] TODO", "**TODO**", "> TBD", "```\nTODO\n```", "- Owner:\n- Impact: TBD",
        "| Risk | Owner |\n|---|---|\n| | |\n| Cache | TBD |", "| Risk | Owner |\n|---|---|",
        "The risks are:",
    ],
)  # fmt: skip
def test_what_is_hidden_or_holds_a_place_is_no_content(body: str) -> None:
    assert not seen(body)


def test_the_words_of_a_template_are_no_content() -> None:
    template = "Describe what may go wrong, and how bad it is."
    assert seen(template)
    assert not seen(template, template)
    assert not seen(f"- {template.upper()}", template)
    broken = template.replace("wrong, ", "wrong,\n")
    assert not seen(f"*{broken}*", broken)
    assert seen(f"{template} The cache is cold.", template)
    # What is owed stays so where it is a template's.
    own = ["TBD - made by archiving", "Say the purpose\nof it."]
    assert not seen("TBD - made by archiving x. Say more later.", *own)
    assert not seen("TBD - made by archiving x.\nSay the purpose\nof it.", *own)
    assert seen("TBD - made by archiving x.\nRuns are kept.", *own)
    assert seen("Say the purpose\nof it. Runs are kept.", *own)


def test_a_section_has_its_tree() -> None:
    text = "# A\n\na\n\n### B\n\nb\n\n## C\n\nc\n\n#### D\n\n# E\n"
    sections = Document(text).sections
    names = [section.heading.text.raw for section in sections]
    assert names == ["A", "B", "C", "D", "E"]
    a, b, c, d, e = sections
    assert ([a.children, c.children, e.children], [b.parent, d.parent, e.parent]) == (
        [[b, c], [d], []],
        [a, c, None],
    )
    lines = [(one.line, one.end, one.level) for one in sections]
    assert lines == [(1, 14, 1), (5, 8, 3), (9, 14, 2), (13, 14, 4), (15, 15, 1)]
    assert [len(one.own) for one in sections] == [1, 1, 1, 0, 0]
    assert [len(one.blocks) for one in sections] == [6, 1, 2, 0, 0]
