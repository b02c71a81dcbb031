"""Times in the future; `tests/cases/artifacts/timestamps.toml` has their order and their forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.artifacts.contracts import Contract
from specguard.artifacts.fields import unordered_timestamps

if TYPE_CHECKING:
    from typing import Literal

    from specguard.model import Finding
    from tests.artifacts.conftest import Make


def found(
    artifacts: Make, texts: list[str], timestamps: Literal["present", "ascending"] = "ascending"
) -> list[list[Finding]]:
    """What is wrong with each of some scratchpads, which are judged on 31 January 2026."""
    contract = Contract(path="{n}.md", timestamps=timestamps)
    made = artifacts({"pad": contract}, {f"{number:02}.md": text for number, text in enumerate(texts)})
    return [list(unordered_timestamps(one)) for one in made.all]


@pytest.mark.parametrize("kind", ["present", "ascending"])
def test_no_time_is_in_the_future(artifacts: Make, kind: Literal["present", "ascending"]) -> None:
    texts = {
        "- 2026-02-01T13:59:00Z a\n": [],
        "- 2026-02-01T14:01:00Z a\n": [1],
        "- 2026-02-01 13:59 a\n": [],
        "- 2026-02-02 00:01 a\n": [1],
        "- 2026-01-31 12:00 a\n\n## 2026-02-05\n": [3],
    }
    for findings, lines in zip(found(artifacts, list(texts), kind), texts.values(), strict=True):
        assert [finding.line for finding in findings] == lines
        assert all("in the future" in finding.message for finding in findings)
