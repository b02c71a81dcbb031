"""ART018: what rows say of agents, and the rule judged through the command."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from specguard.documents.blocks import Row
from specguard.testing import Step
from specguard_rules.artifacts.compaction import Words, about
from tests.rules.items import judge

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """
[artifacts.agent-scratchpad]
path = "**/AGENT_{agent}_SCRATCHPAD.md"

[artifacts.orchestrator]
path = "**/ORCHESTRATOR.md"

[artifacts.planning]
root = "docs/_planning-pass-{nn}-{date}/"
members = ["ORCHESTRATOR.md"]

[rules.missing-compaction]
sweep = "orchestrator"
"""


def pad(hour: int, *entries: str) -> str:
    lines = [f"- 2026-01-31T{hour:02}:{minute:02}:00Z: {text}" for minute, text in enumerate(entries)]
    return "# Pad\n\n" + "\n".join(lines) + "\n"


def sweep(*rows: str, title: str = "Agent Sweep") -> str:
    return f"# Orchestrator\n\n## {title}\n\n" + "\n".join(f"- {row}" for row in rows) + "\n\n## More\n\nx\n"


ONE, TWO = "docs/_planning-pass-01-2026-01-31", "docs/_planning-pass-02-2026-01-31"
BEFORE = {
    f"{ONE}/ORCHESTRATOR.md": sweep("no agents before this pass"),
    f"{ONE}/AGENT_P1_SCRATCHPAD.md": pad(10, "begin", "end"),
    f"{ONE}/AGENT_P2_SCRATCHPAD.md": pad(10, "begin", "end"),
}
RIGHT = {
    f"{TWO}/ORCHESTRATOR.md": sweep("P1: aligned, `/compact` sent", "P2: stale, closed"),
    f"{TWO}/AGENT_P1_SCRATCHPAD.md": pad(12, "begin", "go on"),
    f"{TWO}/AGENT_P3_SCRATCHPAD.md": pad(12, "begin"),
}


def second(**changed: str) -> dict[str, str]:
    """The second pass with other contents; `sweep`, `p1`, `p2` stand for its files."""
    names = {"sweep": "ORCHESTRATOR.md", "p1": "AGENT_P1_SCRATCHPAD.md", "p2": "AGENT_P2_SCRATCHPAD.md"}
    return {**RIGHT, **{f"{TWO}/{names[key]}": text for key, text in changed.items()}}


STALE = sweep("P1: aligned, /compact", "P2: stale")
REUSED = sweep("P1: aligned", "P2: stale, closed")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (RIGHT, []),
        (
            second(
                sweep=sweep(
                    "P1, P3: aligned; /compact sent", "2026-01-31T11:00:00Z: Agent P2 - stale - closed"
                )
            ),
            [],
        ),
        (
            second(
                sweep="# O\n\n### 0) Agent registry\n\n| Agent | State | Compact/Close |\n|---|---|---|\n"
                "| P1 (`019c`) | aligned | `/compact` |\n| P2 | stale | closed |\n"
            ),
            [],
        ),
        (second(sweep=STALE), ["the agent P2 is stale, and nothing says that it was closed"]),
        (second(sweep=STALE, p2=pad(12, "Closed: nothing left to do")), []),
        (second(sweep=sweep("P1: aligned, /compact", "P2: stale, not closed")), ["P2 is stale, and nothing"]),
        (
            second(sweep=sweep("P1: aligned, /compact", "P2: stale, to be closed")),
            ["P2 is stale, and nothing"],
        ),
        (second(sweep=REUSED), ["the agent P1, of docs/_planning-pass-01-2026-01-31, is reused in"]),
        (second(sweep=REUSED, p1=pad(12, "/compact", "begin", "end")), []),
        (second(sweep=REUSED, p1=pad(12, "begin", "`/compact`", "end")), []),
        (second(sweep=REUSED, p1=pad(12, "begin", "work", "/compact")), ["is reused in"]),
        (second(sweep=REUSED, p1=pad(12, "no /compact needed", "x")), ["is reused in"]),
        (second(sweep=REUSED, p1="<!-- /compact -->\n" + pad(12, "x", "y")), ["is reused in"]),
        (
            second(sweep=sweep("P1: aligned, /compact")),
            ["the agent P2, of docs/_planning-pass-01-2026-01-31, is not"],
        ),
        (
            second(sweep=sweep("P1: aligned, /compact", "P2: done")),
            ["the agent P2 as neither aligned nor stale"],
        ),
        (second(sweep=sweep("P1: aligned, /compact", "P2: not stale")), ["as neither aligned nor stale"]),
        (
            second(sweep=sweep("P1: aligned, /compact", "P2: aligned or stale, closed")),
            ["as both aligned and stale"],
        ),
        (second(sweep=sweep("P1: stale, closed", "P2: stale, closed")), []),
        (
            second(sweep=sweep("P3: aligned")),
            ["the agents P1, P2, of docs/_planning-pass-01-2026-01-31, are not in the sweep"],
        ),
        (second(sweep="# O\n\n<!--\n## Agent Sweep\n\n- P1: aligned\n-->\n"), ["has no sweep of its agents"]),
        (second(sweep="# O\n\n```\n## Agent Sweep\n- P1: aligned\n```\n"), ["has no sweep of its agents"]),
        (second(sweep=sweep("TODO")), ["has no sweep of its agents"]),
        (second(sweep="# O\n"), ["has no sweep of its agents"]),
        (
            second(sweep=sweep("2026-01-31T12:30:00Z: P1: aligned, /compact", "P2: stale, closed")),
            ["the agent P1 begins before the sweep", "the agent P3 begins before the sweep"],
        ),
        (second(sweep=sweep("2026-01-31T11:59:00Z: P1: aligned, /compact", "P2: stale, closed")), []),
    ],
)
def test_the_second_pass(files: dict[str, str], expected: list[str], tmp_path: Path) -> None:
    expect = [{"message": message} for message in expected]
    base = [Step("chore: base", files=BEFORE)]
    judge("ART018", tmp_path, policy=POLICY, base=base, commits=[Step("x", files=files)], expect=expect)


def test_agents_are_followed_through_passes(tmp_path: Path) -> None:
    three = "docs/_planning-pass-10-2026-02-01"
    files = {
        **BEFORE,
        **second(sweep=sweep("P1: stale, closed", "P2: aligned, idle")),
        # P1 is another one by now, and ends with its pass.
        f"{TWO}/AGENT_P1_SCRATCHPAD.md": pad(12, "begin", "closed"),
        f"{three}/ORCHESTRATOR.md": sweep("P3: stale", title="Agent Sweep (preflight)"),
        f"{three}/AGENT_P4_SCRATCHPAD.md": pad(14, "begin"),
        "other/_x-01/AGENT_P1_SCRATCHPAD.md": pad(14, "begin"),
    }
    expect = [
        {
            "path": f"{three}/ORCHESTRATOR.md",
            "message": "P2, of docs/_planning-pass-01-2026-01-31, is not in",
        },
        {"path": f"{three}/ORCHESTRATOR.md", "message": "P3 is stale", "line": 5},
        {"path": "other/_x-01/AGENT_P1_SCRATCHPAD.md", "message": "other/_x-01 has no sweep"},
    ]
    commits = [Step("x", files={"a": "b"})]
    case: dict[str, Any] = {"policy": POLICY, "base": [Step("x", files=files)], "commits": commits}
    judge("ART018", tmp_path / "a", args=["--all"], expect=expect, **case)
    judge("ART018", tmp_path / "b", **case)
    touched = [Step("x", files={f"{three}/AGENT_P4_SCRATCHPAD.md": pad(14, "begin", "more")})]
    judge("ART018", tmp_path / "c", expect=expect[:2], **{**case, "commits": touched})


def test_a_sweep_stands_in_its_pass(tmp_path: Path) -> None:
    files = {
        f"{ONE}/ORCHESTRATOR.md": sweep("none yet")
        + "\n## Agent sweep: _runtime-02\n\n- P1: stale, closed\n",
        f"{ONE}/AGENT_P1_SCRATCHPAD.md": pad(10, "begin"),
        "docs/_runtime-02/AGENT_P2_SCRATCHPAD.md": pad(12, "begin"),
    }
    expect = [{"message": "docs/_runtime-02 has no sweep", "path": "docs/_runtime-02/AGENT_P2_SCRATCHPAD.md"}]
    judge("ART018", tmp_path, policy=POLICY, commits=[Step("x", files=files)], expect=expect)


@pytest.mark.parametrize(
    "policy",
    [
        POLICY.replace('sweep = "orchestrator"', 'sweep = "conductor"'),
        '[rules.missing-compaction]\nsweep = "conductor"\n',
    ],
)
def test_a_contract_that_is_not_there(policy: str, tmp_path: Path) -> None:
    commits = [Step("x", files=BEFORE)]
    judge(
        "ART018",
        tmp_path,
        policy=policy,
        commits=commits,
        states={"ART018": "indeterminate"},
        exit_code=2,
        notes=["names the contract 'conductor'"],
    )


@pytest.mark.parametrize(
    ("agent", "row", "expected"),
    [
        ("P1", ["P1: aligned"], True),
        ("P1", ["p1 is stale"], True),
        ("P1", ["**Agent P1** - aligned"], True),
        ("P1", ["P2, P1 and P3: aligned"], True),
        ("P1", ["2026-01-31T10:00:00Z: P1: aligned"], True),
        ("P1", ["2026-01-31 10:00 UTC - P1: aligned"], True),
        ("P1", ["P1", "aligned"], True),
        ("P1", ["The work of agent P1 goes on"], True),
        ("P1", ["P2: takes over from agent P1"], True),
        ("P1", ["P2: takes over from P1"], False),
        ("P1", ["P12: aligned"], False),
        ("P1", ["X-P1: aligned"], False),
        ("FIX_S", ["fix-s: aligned"], True),
        ("1", ["Agent 1: aligned"], True),
        ("1", ["AGENT_1: aligned"], True),
        ("1", ["1: aligned"], True),
        ("1", ["1, 2 and 3: aligned"], True),
        ("1", ["Phase 1 begins: agents aligned"], False),
        ("1", ["2026-01-01 begins: aligned"], False),
        ("A", ["A: aligned"], True),
        ("A", ["A sweep of agents: aligned"], False),
        ("A", ["| agent a | aligned"], True),
        ("(a+)+$", ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"], False),
    ],
)
def test_whom_a_row_is_about(agent: str, row: list[str], *, expected: bool) -> None:
    header = ["Agent", "State"] if len(row) > 1 else []
    assert about(agent)(Row(1, row, header)) is expected


@pytest.mark.parametrize(
    ("text", "said", "begins"),
    [
        ("closed", True, True),
        ("P1: Closed.", True, True),
        ("- 2026-01-31T10:00:00Z Jan 31 UTC: closed now", True, True),
        ("it was closed", True, False),
        ("not closed", False, True),
        ("stale; not yet, closed", True, False),
        ("will be closed", False, False),
        ("closed-loop enclosed", False, False),
        ("undisclosed", False, False),
    ],
)
def test_words(text: str, *, said: bool, begins: bool) -> None:
    words = Words(["closed"])
    assert words.said(Row(1, [text])) is said
    assert words.begin(Row(1, [text])) is begins or text == "not closed"


def test_time_is_linear() -> None:
    start = time.monotonic()
    for text in ("closed " * 500_000, "x" * 3_000_000, "1:" * 1_000_000, "P1 " * 1_000_000, "- " * 1_000_000):
        row = Row(1, [text])
        words = Words(["closed", "/compact"])
        assert words.said(row) in {True, False}
        assert words.begin(row) in {True, False}
        assert about("P1")(row) in {True, False}
        assert about("1")(row) in {True, False}
    assert time.monotonic() - start < 20
