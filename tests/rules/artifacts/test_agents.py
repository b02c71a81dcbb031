"""ART014, ART015 and ART018: what agents cite, how many are active at once, and what sweeps say of them."""

import time
from pathlib import Path

import pytest

from specguard.documents.blocks import Row
from specguard_rules.artifacts.active_agents import entry_words, words_about
from tests.rows import rows
from tests.rules.artifacts.setting import messages_of, said

CONTRACTS = """
artifacts.agent-plan.path = "**/AGENT_{agent}_PLAN.md"
artifacts.agent-final.path = "**/AGENT_{agent}_FINAL_{objective}.md"
artifacts.agent-scratchpad = {path = "**/AGENT_{agent}_SCRATCHPAD.md", timestamps = "ascending"}
"""
GROUNDING = (
    CONTRACTS
    + """
[grounding]
all = ["docs/ARCHITECTURE.md"]
by_agent = {p2 = ["prompts/spec.md"]}
equivalents = {"prompts/spec.md" = ["prompts/spec-2.md", "prompts/spec-3.md"]}
"""
)
ROOTS = 'artifacts.agent-final.evidence.roots = ["/home/me/repo"]\n' + GROUNDING
GROUND = {"docs/ARCHITECTURE.md": "# A\n", "prompts/spec-2.md": "# S\n"}


def test_grounding(tmp_path: Path) -> None:
    files, expected = zip(*rows(__file__, "citing"), strict=True)
    said(messages_of("ART014", tmp_path / "a", files, GROUNDING, shared=GROUND), expected)
    absolute = [
        {"AGENT_P1_FINAL_X.md": f"/home/{name}/repo/docs/ARCHITECTURE.md:1\n"} for name in ("me", "a")
    ]
    found = messages_of("ART014", tmp_path / "b", absolute, ROOTS, shared=GROUND)
    said(found, [[], ["P1 does not cite docs/ARCHITECTURE.md"]])


LOCAL = ("2026-01-31 10:00", "2026-01-31 12:00")
MAX = CONTRACTS + "\n[rules.too-many-agents]\nmax = 2\n"
THREE = "are active at once at 2026-01-31T10:00:00+00:00 (1, 2, 3)"


def at(first: int, last: int) -> tuple[str, str]:
    return (f"2026-01-31T{first:02}:00:00Z", f"2026-01-31T{last:02}:00:00Z")


@pytest.mark.parametrize(
    ("policy", "rows"),
    [
        (
            MAX,
            [
                ([at(10, 12)] * 2, []),
                ([at(10, 12)] * 3, [f"3 agents of 01 {THREE}"]),
                ([at(10, 12), at(11, 13), at(12, 14)], []),
                ([at(10, 12), at(11, 13), at(11, 11)], ["at 2026-01-31T11:00:00+00:00"]),
                ([at(10, 12), at(10, 12), at(12, 12)], []),
                (
                    [at(10, 12), at(10, 12), ("2026-01-31T13:30:00+02:00", "2026-01-31T13:40:00+02:00")],
                    ["3 agents of"],
                ),
                ([LOCAL, LOCAL], []),
                ([LOCAL] * 3, [f"3 agents of 07 {THREE}"]),
                ([at(1, 2), at(3, 4), at(5, 6), LOCAL], []),
                ([at(1, 2), at(1, 4), LOCAL], []),
                ([at(1, 2), at(1, 4), ("then", "later")], []),
            ],
        ),
        (CONTRACTS, [([at(10, 12)] * 6, []), ([at(10, 12)] * 7, ["7 agents"]), ([LOCAL] * 7, ["7 agents"])]),
    ],
)
def test_agents_at_once(
    policy: str, rows: list[tuple[list[tuple[str, str]], list[str]]], tmp_path: Path
) -> None:
    pads = [
        {
            f"AGENT_{number}_SCRATCHPAD.md": f"# Pad\n\n- {first}: begin\n- {last}: end\n"
            for number, (first, last) in enumerate(spans, 1)
        }
        for spans, _ in rows
    ]
    said(messages_of("ART015", tmp_path, pads, policy), [expected for _, expected in rows])


POLICY = """
[artifacts.agent-scratchpad]
path = "**/AGENT_{agent}_SCRATCHPAD.md"

[artifacts.orchestrator]
path = "**/ORCHESTRATOR.md"

[artifacts.planning]
root = "{row}/_pass-{nn}-{date}/"
members = ["ORCHESTRATOR.md"]

[rules.missing-compaction]
sweep = "orchestrator"
"""


def pad(hour: int, *entries: str) -> str:
    lines = [f"- 2026-01-31T{hour:02}:{minute:02}:00Z: {text}" for minute, text in enumerate(entries)]
    return "# Pad\n\n" + "\n".join(lines) + "\n"


def sweep(*rows: str) -> str:
    return (
        "# Orchestrator\n\n## Agent Sweep\n\n" + "\n".join(f"- {row}" for row in rows) + "\n\n## More\n\nx\n"
    )


REGISTRY = """# O

### 0) Agent registry

| Agent | State | Compact/Close |
|---|---|---|
| P1 (`019c`) | aligned | `/compact` |
| P2 | stale | closed |
"""
BEGUN = pad(12, "begin", "go on")
STALE = sweep("P1: aligned, /compact", "P2: stale")
REUSED = sweep("P1: aligned", "P2: stale, closed")
NO_SWEEP = "has no sweep of its agents"
# The sweep of a second pass, what P1 and P2 write in it, and what it lacks.
SECOND = [
    (sweep("P1: aligned, `/compact` sent", "P2: stale, closed"), BEGUN, "", []),
    (
        sweep("P1, P3: aligned; /compact sent", "2026-01-31T11:00:00Z: Agent P2 - stale - closed"),
        BEGUN,
        "",
        [],
    ),
    (REGISTRY, BEGUN, "", []),
    (STALE, BEGUN, "", ["the agent P2 is stale, and nothing says that it was closed"]),
    (STALE, BEGUN, pad(12, "Closed, nothing left to do"), []),
    (STALE, BEGUN, pad(12, "closed: no"), ["P2 is stale, and nothing"]),
    (STALE, BEGUN, pad(12, "it was closed"), ["P2 is stale, and nothing"]),
    (sweep("P1: aligned, /compact", "P2: stale, closed-loop"), BEGUN, "", ["P2 is stale, and nothing"]),
    (sweep("P1: aligned, /compact", "P2: stale, not closed"), BEGUN, "", ["P2 is stale, and nothing"]),
    (sweep("P1: aligned, will /compact", "P2: stale, closed"), BEGUN, "", ["is reused in"]),
    (REUSED, BEGUN, "", ["is reused in"]),
    (REUSED, pad(12, "begin", "`/compact`", "end"), "", []),
    (REUSED, pad(12, "begin", "work", "/compact"), "", ["is reused in"]),
    (REUSED, pad(12, "no /compact needed", "x"), "", ["is reused in"]),
    (REUSED, "<!-- /compact -->\n" + pad(12, "x", "y"), "", ["is reused in"]),
    (sweep("P1: aligned, /compact"), BEGUN, "", ["lacks agents of "]),
    (sweep("P1: aligned, /compact", "P2: done"), BEGUN, "", ["the agent P2 as either aligned or stale"]),
    (sweep("P1: aligned, /compact", "P2: not stale"), BEGUN, "", ["as either aligned or stale"]),
    (
        sweep("P1: aligned, /compact", "P2: aligned or stale, closed"),
        BEGUN,
        "",
        ["as either aligned or stale"],
    ),
    (sweep("P3: aligned"), BEGUN, "", ["-01-2026-01-31: "]),
    ("# O\n\n<!--\n## Agent Sweep\n\n- P1: aligned\n-->\n", BEGUN, "", [NO_SWEEP]),
    ("# O\n\n```\n## Agent Sweep\n- P1: aligned\n```\n", BEGUN, "", [NO_SWEEP]),
    ("# O\n", BEGUN, "", [NO_SWEEP]),
    (
        sweep("2026-01-31T12:30:00Z: P1: aligned, /compact", "P2: stale, closed"),
        BEGUN,
        "",
        ["the agent P1 begins before the sweep", "the agent P3 begins before the sweep"],
    ),
    (sweep("2026-01-31T11:59:00Z: P1: aligned, /compact", "P2: stale, closed"), BEGUN, "", []),
]


def test_the_second_pass(tmp_path: Path) -> None:
    first, second = (f"_pass-{number}-2026-01-31" for number in ("01", "02"))
    before = {f"{first}/AGENT_{name}_SCRATCHPAD.md": pad(10, "begin", "end") for name in ("P1", "P2")}
    before[f"{first}/ORCHESTRATOR.md"] = sweep("no agents before this pass")
    rows = []
    for swept, p1, p2, _ in SECOND:
        pads = {"P1": p1, "P2": p2, "P3": pad(12, "begin")}
        files = {f"{second}/AGENT_{name}_SCRATCHPAD.md": text for name, text in pads.items() if text}
        rows.append({f"{second}/ORCHESTRATOR.md": swept, **files})
    said(messages_of("ART018", tmp_path, rows, POLICY, before), [expected for *_, expected in SECOND])


@pytest.mark.parametrize(("agent", "row", "expected"), rows(__file__, "about"))
def test_whom_a_row_is_about(agent: str, row: list[str], *, expected: bool) -> None:
    header = ["Agent", "State"] if len(row) > 1 else []
    assert bool(words_about(agent, [Row(1, row, header)])[0]) is expected


def test_time_is_linear() -> None:
    start = time.monotonic()
    for text in ("closed " * 500_000, "x" * 3_000_000, "1:" * 1_000_000, "P1 " * 1_000_000, "- " * 1_000_000):
        row = Row(1, [text])
        assert entry_words(row)
        assert words_about("P1", [row])[0] < 2
    assert time.monotonic() - start < 20
