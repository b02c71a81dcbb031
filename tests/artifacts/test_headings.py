"""Adding the heading of a missing section."""

from __future__ import annotations

import pytest

from specguard.artifacts.contracts import Contract
from specguard.artifacts.skeletons import add_heading

CONTRACT = Contract(
    path="*.md", sections=["Summary", "Risks", "Questions"], aliases={"Questions": ["Open points"]}
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# R\n\n## Summary\n\nx\n", "# R\n\n## Summary\n\nx\n\n## Risks\n\nTODO\n"),
        ("# R\n\n### Open points\n\nx\n", "# R\n\n### Risks\n\nTODO\n\n### Open points\n\nx\n"),
        (
            "## Summary\nx\n### More\ny\n## Other\nz\n",
            "## Summary\nx\n### More\ny\n\n## Risks\n\nTODO\n\n## Other\nz\n",
        ),
        ("# R\n", "# R\n\n## Risks\n\nTODO\n"),
        ("# R\n\n## Summary\n\nx", "# R\n\n## Summary\n\nx\n\n## Risks\n\nTODO\n"),
        (
            "## Summary\r\nx\n\n## Other\nz\r\n\n\n",
            "## Summary\r\nx\n\r\n## Risks\r\n\r\nTODO\r\n\n## Other\nz\r\n\n\n",
        ),
        ("# R\r\n\r\nx", "# R\r\n\r\nx\r\n\r\n## Risks\r\n\r\nTODO\r\n"),
        ("", "## Risks\n\nTODO\n"),
        ("---\na: 1\n---\n", "---\na: 1\n---\n\n## Risks\n\nTODO\n"),
    ],
)
def test_a_heading_stands_where_its_contract_has_it(before: str, after: str) -> None:
    assert add_heading(before, CONTRACT, "Risks") == after
    # It is there now.
    assert add_heading(after, CONTRACT, "Risks") == after


@pytest.mark.parametrize("text", ["```\nno end\n", "<!--\nno end\n"])
def test_where_it_would_not_be_seen_nothing_is_altered(text: str) -> None:
    assert add_heading(text, CONTRACT, "Risks") == text
