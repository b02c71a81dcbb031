"""What a document still owes."""

from __future__ import annotations

import pytest

from specguard.planning.task_lists import SourcePage
from specguard.planning.validation import owed


@pytest.mark.parametrize(
    "line",
    [
        "TODO",
        "TBD.",
        "- TODO: say it",
        "The system SHALL TODO: what",
        "#### Scenario: ...",
        "- `<capability-path>`: <brief description of what this capability covers>",
        "It MUST [NEEDS CLARIFICATION: how long?]",
        "{{name}} comes first",
        "[fill in]",
        "- ...",
        "We will do this later: TBD",
        "  - verify: TODO",
        "  - files: <path>",
        "  - verify: `<command>`",
        "  - verify: `TODO: <command>`",
    ],
)
def test_what_is_owed(line: str) -> None:
    assert [number for number, _ in owed(["# Title", "", line])] == [3]


@pytest.mark.parametrize(
    "line",
    [
        "The list of TODO items is kept.",
        "It reads `<a b c>` and `TODO: x` as they are.",
        "- **WHEN** x < y and y > z",
        "A link <https://example.org/a b> stays.",
        "- [ ] 1.1 Add it",
        "**Goals:**",
        "---",
        "| a | b |",
        "List<String> of things",
        "## Purpose",
        "- verify: pytest -q",
        "[FEATURE NAME]: a link",
        "- Affected specs: `specs/cart`, `specs/till`",
        "- **AND** the configuration declares `defaultStore: <id>`",
        '- **THEN** the system SHALL display: "Added: <names>"',
    ],
)
def test_what_is_not(line: str) -> None:
    assert list(owed(["# Title", "", line, "", "More."])) == []


def test_fences_and_comments_over_several_lines_owe_nothing() -> None:
    text = "```\nTODO\n```\n<!--\nTODO\nA remark\n-->\nWords <!-- TODO: a remark --> and words\nTODO\n"
    assert [number for number, _ in owed(SourcePage(text).lines)] == [9]


def test_the_words_of_templates() -> None:
    lines = ["# Feature Specification: [FEATURE NAME]", "**Created**: [DATE]", "See [README](x) and [API]."]
    assert [number for number, _ in owed(lines, templates=True)] == [1, 2]
