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


def test_entries_need_times(artifacts: Make) -> None:
    texts = {
        "": "has no entry with a time",
        "# Log\n\n- looked\n": "has no entry with a time",
        "- 2026-01-31: looked\n": "2026-01-31 is a day",
        "- 12:00 looked\n": "'12:00' has no date",
        "- 2026-02-30 12:00 looked\n": "is no day of the calendar",
        "<!-- 2026-01-31 12:00 looked -->\n": "has no entry with a time",
        "```\n2026-01-31 12:00 looked\n```\n": "has no entry with a time",
        "---\ntime: 2026-01-31 12:00\n---\n": "has no entry with a time",
        "\u200b": "has no entry with a time",
    }
    for findings, said in zip(found(artifacts, list(texts)), texts.values(), strict=True):
        [finding] = findings
        assert said in finding.message
        assert finding.setting == "artifacts.pad.timestamps"


def test_times_ascend(artifacts: Make) -> None:
    texts = {
        "- 2026-01-30 12:00 a\n- 2026-01-30 11:59 b\n": [2],
        "- 2026-01-30 12:00 a\n- 2026-01-30 12:00 b\n- 2026-01-30 12:00:05 c\n": [],
        "- 2026-01-30 12:01 a\n- 2026-01-30 12:00 b\n- 2026-01-30 12:00 c\n": [2],
        "- 2026-01-30 12:01 a\n- 2026-01-30 12:00 b\n- 2026-01-30 11:59 c\n": [2, 3],
        "- 2026-01-30 12:00:xx a\n- 2026-01-30 11:58:xx b\n": [2],
        "- Time: 2026-01-30 12:30\n\n## Log\n\n- 2026-01-30 12:00 a\n- 2026-01-30 11:00 b\n": [6],
        "- Time: 2026-01-30 12:30\n- Time: 2026-01-30 12:00\n": [2],
        "## 2026-01-30\n\n- 09:00 a\n\n## 2026-01-29\n\n- 10:00 b\n": [5],
        "- 2026-01-30T12:00:00Z a\n- 2026-01-30T12:30:00+02:00 b\n": [2],
        "- 2026-01-30T12:00Z a\n- 2026-01-30 08:00 b\n- 2026-01-30T12:01Z c\n- 2026-01-30 09:00 d\n": [],
        "- 2026-01-30T12:00Z a\n- 2026-01-29 08:00 b\n": [2],
    }
    for findings, lines in zip(found(artifacts, list(texts)), texts.values(), strict=True):
        assert [finding.line for finding in findings] == lines
        assert all("is earlier" in finding.message for finding in findings)


def test_where_the_policy_asks_for_times_alone_their_order_is_free(artifacts: Make) -> None:
    assert found(artifacts, ["- 2026-01-30 12:00 a\n- 2026-01-30 11:00 b\n"], "present") == [[]]


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


def test_an_entry_without_a_time_and_a_time_that_is_unclear_are_named(artifacts: Make) -> None:
    text = "- 2026-01-30 12:00 a\n- b\n- 2026-02-30 12:00 c\n"
    [findings] = found(artifacts, [text])
    assert [(finding.line, finding.key) for finding in findings] == [
        (3, "unclear time"),
        (2, "entry without a time"),
    ]
