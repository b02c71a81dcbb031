"""What a document still owes."""

import pytest

from specguard.planning.proposal_validation import owed
from specguard.planning.task_lists import SourcePage
from tests.rows import rows


@pytest.mark.parametrize("line", rows(__file__, "what_is_owed"))
def test_what_is_owed(line: str) -> None:
    assert [number for number, _ in owed(["# Title", "", line])] == [3]


@pytest.mark.parametrize("line", rows(__file__, "what_is_not"))
def test_what_is_not(line: str) -> None:
    assert list(owed(["# Title", "", line, "", "More."])) == []


def test_fences_and_comments_over_several_lines_owe_nothing() -> None:
    text = "```\nTODO\n```\n<!--\nTODO\nA remark\n-->\nWords <!-- TODO: a remark --> and words\nTODO\n"
    assert [number for number, _ in owed(SourcePage(text).lines)] == [9]


def test_the_words_of_templates() -> None:
    lines = ["# Feature Specification: [FEATURE NAME]", "**Created**: [DATE]", "See [README](x) and [API]."]
    assert [number for number, _ in owed(lines, templates=True)] == [1, 2]
