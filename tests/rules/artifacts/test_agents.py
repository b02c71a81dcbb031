"""ART014 and ART015: what agents cite, and how many are active at once."""

from pathlib import Path

import pytest

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
PLAN, FINAL, PAD = "AGENT_P1_PLAN.md", "AGENT_P1_FINAL_X.md", "AGENT_P1_SCRATCHPAD.md"
PLAN2, PAD2 = "AGENT_P2_PLAN.md", "AGENT_P2_SCRATCHPAD.md"
CITED = "`docs/ARCHITECTURE.md`"
BOTH = f"Read {CITED} and [the spec](../prompts/spec-2.md#L1).\n"
INSTEAD = "the agent P2 cites prompts/spec-2.md in place of prompts/spec.md, and its agent-scratchpad"
CITING = [
    ({FINAL: f"{CITED}\n"}, []),
    ({FINAL: "See docs/ARCHITECTURE.md:3.\n"}, []),
    ({FINAL: "x\n", PLAN: "../docs/ARCHITECTURE.md:1\n"}, []),
    ({FINAL: "/home/a/repo/docs/ARCHITECTURE.md:1\n"}, []),
    ({FINAL: "x\n"}, ["the agent P1 does not cite docs/ARCHITECTURE.md"]),
    ({FINAL: f"<!-- {CITED} -->\n"}, ["does not cite"]),
    ({FINAL: f"<div hidden>\n\n{CITED}\n\n</div>\n"}, ["does not cite"]),
    ({FINAL: f"> {CITED}\n"}, ["does not cite"]),
    ({FINAL: f"---\nread: {CITED}\n---\n"}, ["does not cite"]),
    ({FINAL: "`docs/\u0410RCHITECTURE.md` and `ARCHITECTURE.md`\n"}, ["does not cite"]),
    ({FINAL: "x\n", f"other/{PLAN}": CITED}, ["does not cite"]),
    ({PAD: "x\n"}, []),
    ({PLAN2: BOTH, PAD2: "- 2026-01-31T10:00:00Z: used prompts/spec-2.md\n"}, []),
    ({PLAN2: BOTH, PAD2: "- 2026-01-31T10:00:00Z: began\n"}, [INSTEAD]),
    ({PLAN2: f"{CITED}, `prompts/spec-2.md`\n"}, ["prompts/spec-2.md in place of"]),
    ({PLAN2: f"{CITED}\n"}, ["does not cite prompts/spec.md"]),
    ({PLAN2: f"{CITED}, `prompts/spec.md`\n"}, []),
]


def test_grounding(tmp_path: Path) -> None:
    rows, expected = zip(*CITING, strict=True)
    said(messages_of("ART014", tmp_path / "a", rows, GROUNDING, shared=GROUND), expected)
    absolute = [{FINAL: f"/home/{name}/repo/docs/ARCHITECTURE.md:1\n"} for name in ("me", "a")]
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
                ([at(1, 2), at(1, 4), ("then", "later")], ["there are no times of 3"]),
            ],
        ),
        (MAX + 'offset = "-05:00"\n', [([LOCAL, LOCAL, at(10, 12)], [])]),
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
