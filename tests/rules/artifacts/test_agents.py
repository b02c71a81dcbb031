"""ART014 and ART015, judged through the command."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import pytest

from specguard.authority.compile import compile_policy
from specguard.authority.load import AUTHORITY, AuthoritySource
from specguard.engine.plugins import load_registry
from specguard.errors import SpecguardError
from specguard.testing import Step
from tests.rules.items import judge

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.model import Origin

CONTRACTS = """
[artifacts.agent-plan]
path = "**/AGENT_{agent}_PLAN.md"

[artifacts.agent-final]
path = "**/AGENT_{agent}_FINAL_{objective}.md"

[artifacts.agent-scratchpad]
path = "**/AGENT_{agent}_SCRATCHPAD.md"
timestamps = "ascending"
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
ROOTS = GROUNDING + '\n[artifacts.agent-final.evidence]\nroots = ["/home/me/repo"]\n'
GROUND = {"docs/ARCHITECTURE.md": "# A\n", "prompts/spec-2.md": "# S\n", "pass/x.md": "x\n"}
FINAL = "pass/AGENT_P1_FINAL_X.md"
CITED = "`docs/ARCHITECTURE.md`"
P2 = {
    "pass/AGENT_P2_PLAN.md": f"Read {CITED} and [the spec](../prompts/spec-2.md#L1).\n",
    "pass/AGENT_P2_SCRATCHPAD.md": "- 2026-01-31T10:00:00Z: used prompts/spec-2.md\n",
}
grounded = partial(judge, "ART014")
at_once = partial(judge, "ART015")


@pytest.mark.parametrize(
    ("policy", "files", "expected"),
    [
        (GROUNDING, {FINAL: f"{CITED}\n"}, []),
        (GROUNDING, {FINAL: "See docs/ARCHITECTURE.md:3.\n"}, []),
        (GROUNDING, {FINAL: "x\n", "pass/AGENT_P1_PLAN.md": "../docs/ARCHITECTURE.md:1\n"}, []),
        (GROUNDING, {FINAL: "/home/a/repo/docs/ARCHITECTURE.md:1\n"}, []),
        (ROOTS, {FINAL: "/home/me/repo/docs/ARCHITECTURE.md:1\n"}, []),
        (ROOTS, {FINAL: "/home/a/repo/docs/ARCHITECTURE.md:1\n"}, ["P1 does not cite docs/ARCHITECTURE.md"]),
        (GROUNDING, {FINAL: "x\n"}, ["the agent P1 does not cite docs/ARCHITECTURE.md"]),
        (GROUNDING, {FINAL: f"<!-- {CITED} -->\n"}, ["does not cite"]),
        (GROUNDING, {FINAL: f"<div hidden>\n\n{CITED}\n\n</div>\n"}, ["does not cite"]),
        (GROUNDING, {FINAL: f"> {CITED}\n"}, ["does not cite"]),
        (GROUNDING, {FINAL: f"---\nread: {CITED}\n---\n"}, ["does not cite"]),
        (GROUNDING, {FINAL: "`docs/\u0410RCHITECTURE.md` and `ARCHITECTURE.md`\n"}, ["does not cite"]),
        (GROUNDING, {FINAL: "x\n", "other/AGENT_P1_PLAN.md": CITED}, ["does not cite"]),
        (GROUNDING, {"pass/AGENT_P1_SCRATCHPAD.md": "x\n"}, []),
        (GROUNDING, P2, []),
        (
            GROUNDING,
            {**P2, "pass/AGENT_P2_SCRATCHPAD.md": "- 2026-01-31T10:00:00Z: began\n"},
            ["the agent P2 cites prompts/spec-2.md in place of prompts/spec.md, and its agent-scratchpad"],
        ),
        (
            GROUNDING,
            {"pass/AGENT_P2_PLAN.md": f"{CITED}, `prompts/spec-2.md`\n"},
            ["prompts/spec-2.md in place of"],
        ),
        (GROUNDING, {"pass/AGENT_P2_PLAN.md": f"{CITED}\n"}, ["does not cite prompts/spec.md"]),
        (GROUNDING, {"pass/AGENT_P2_PLAN.md": f"{CITED}, `prompts/spec.md`\n"}, []),
        (GROUNDING, {"docs/ARCHITECTURE.md": ""}, []),
    ],
)
def test_grounding(policy: str, files: dict[str, str], expected: list[str], tmp_path: Path) -> None:
    expect = [{"message": message} for message in expected]
    base = [Step("chore: base", files=GROUND)]
    grounded(tmp_path, policy=policy, base=base, commits=[Step("x", files=files)], expect=expect)


def test_a_grounding_document_that_is_removed(tmp_path: Path) -> None:
    base = [Step("chore: base", files={**GROUND, FINAL: f"{CITED}\n"})]
    commits = [Step("x", delete=["docs/ARCHITECTURE.md", "prompts/spec-2.md"])]
    expect = [
        {"path": "docs/ARCHITECTURE.md", "message": "is not there", "authority": "SPEC_AUTHORITY.md:15"},
        {"path": "prompts/spec.md", "message": "is not there"},
    ]
    grounded(tmp_path / "a", policy=GROUNDING, base=base, commits=commits, expect=expect)


def test_all_agents_and_no_contract(tmp_path: Path) -> None:
    base = [Step("chore: base", files={**GROUND, FINAL: "x\n"})]
    case = {"base": base, "commits": [Step("x", files={"a": "b"})]}
    grounded(tmp_path / "a", policy=GROUNDING, **case)
    expect = [{"path": FINAL}]
    grounded(tmp_path / "b", policy=GROUNDING, args=["--all"], expect=expect, **case)
    grounded(tmp_path / "c", policy=GROUNDING + 'cited_by = ["finals"]\n', state="indeterminate", **case)
    without = GROUNDING.replace("agent-scratchpad", "pads")
    commits = [Step("x", files={"pass/AGENT_P2_PLAN.md": f"{CITED}, `prompts/spec-2.md`\n"})]
    grounded(
        tmp_path / "d", policy=without, base=base, commits=commits, state="indeterminate", notes=["noted_in"]
    )


def test_what_is_staged_first_is_judged_when_the_rest_is_there(tmp_path: Path) -> None:
    base = [Step("chore: base", files=GROUND)]
    plan = {"pass/AGENT_P1_PLAN.md": "x\n"}
    grounded(tmp_path / "a", policy=GROUNDING, base=base, staged=Step(files=plan))
    files = {**plan, FINAL: "x\n", "pass/AGENT_P1_SCRATCHPAD.md": "x\n"}
    staged = Step(files=files)
    grounded(tmp_path / "b", policy=GROUNDING, base=base, staged=staged, found={"message": "P1"})


def pad(first: str, last: str) -> str:
    return f"# Pad\n\n- {first}: begin\n- {last}: end\n"


def pads(*spans: tuple[str, str]) -> dict[str, str]:
    return {f"pass/AGENT_{number}_SCRATCHPAD.md": pad(*span) for number, span in enumerate(spans, 1)}


def at(hour: int) -> str:
    return f"2026-01-31T{hour:02}:00:00Z"


LOCAL = ("2026-01-31 10:00", "2026-01-31 12:00")
MAX = CONTRACTS + "\n[rules.too-many-agents]\nmax = 2\n"


@pytest.mark.parametrize(
    ("policy", "spans", "expected"),
    [
        (MAX, [(at(10), at(12))] * 2, []),
        (
            MAX,
            [(at(10), at(12))] * 3,
            ["3 agents of pass are active at once at 2026-01-31T10:00:00+00:00 (1, 2, 3)"],
        ),
        (MAX, [(at(10), at(12)), (at(11), at(13)), (at(12), at(14))], []),
        (MAX, [(at(10), at(12)), (at(11), at(13)), (at(11), at(11))], ["at 2026-01-31T11:00:00+00:00"]),
        (MAX, [(at(10), at(12)), (at(10), at(12)), (at(12), at(12))], []),
        (
            MAX,
            [(at(10), at(12)), (at(10), at(12)), ("2026-01-31T13:30:00+02:00", "2026-01-31T13:40:00+02:00")],
            ["3 agents of pass"],
        ),
        (MAX, [LOCAL, LOCAL], []),
        (MAX, [LOCAL] * 3, ["3 agents of pass are active at once at 2026-01-31T10:00:00+00:00 (1, 2, 3)"]),
        (CONTRACTS, [LOCAL] * 7, ["7 agents of pass"]),
        (MAX, [(at(1), at(2)), (at(3), at(4)), (at(5), at(6)), LOCAL], []),
        (MAX, [(at(1), at(2)), (at(1), at(4)), LOCAL], []),
        (MAX, [(at(1), at(2)), (at(1), at(4)), ("then", "later")], ["there are no times of 3"]),
        (MAX + 'offset = "-05:00"\n', [LOCAL, LOCAL, (at(10), at(12))], []),
        (CONTRACTS, [(at(10), at(12))] * 6, []),
        (CONTRACTS, [(at(10), at(12))] * 7, ["7 agents of pass"]),
    ],
)
def test_agents_at_once(
    policy: str, spans: list[tuple[str, str]], expected: list[str], tmp_path: Path
) -> None:
    expect = [{"message": message} for message in expected]
    commits = [Step("x", files=pads(*spans))]
    exit_code = 0 if not expected or "no times" in expected[0] else 1
    at_once(tmp_path, policy=policy, commits=commits, expect=expect, exit_code=exit_code)


@pytest.mark.parametrize("offset", ["", "+15:00", "-14:60", "+1:00", "UTC", "+01:00:00"])
def test_an_offset_is_one_that_a_clock_has(offset: str) -> None:
    text = f"```toml specguard\n[rules.too-many-agents]\noffset = '{offset}'\n```\n"
    with pytest.raises(SpecguardError, match=r"too-many-agents\.offset"):
        compile_policy([AuthoritySource(AUTHORITY, "", text)], registry=load_registry, read=_no_other)


def test_an_empty_offset_is_told_what_to_write_instead() -> None:
    text = "```toml specguard\n[rules.too-many-agents]\noffset = ''\n```\n"
    with pytest.raises(SpecguardError, match='write "Z" for UTC'):
        compile_policy([AuthoritySource(AUTHORITY, "", text)], registry=load_registry, read=_no_other)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('all = ["~/p.md"]', "'~/p.md' is outside of the repository: name it in `external` too"),
        ('all = ["/p.md"]', "'/p.md' is outside of the repository"),
        ('all = ["../p.md"]\nexternal = ["../p.md"]', "`external` names '../p.md', which is no absolute"),
        ('external = ["/p.md"]', "`external` names '/p.md', which is no absolute or `~/` path of `all`"),
    ],
)
def test_a_document_outside_of_the_repository_is_declared(settings: str, said: str) -> None:
    text = f"# A\n\n```toml specguard\n[grounding]\n{settings}\n```\n"
    with pytest.raises(SpecguardError, match=re.escape(said)):
        compile_policy([AuthoritySource(AUTHORITY, "", text)], registry=load_registry, read=_no_other)


def _no_other(path: str, named_by: Origin) -> AuthoritySource:
    raise AssertionError(path)


def test_passes_are_told_apart(tmp_path: Path) -> None:
    policy = MAX + '\n[artifacts.pass]\nroot = "docs/_pass-{nn}/"\nmembers = ["x.md"]\n'
    span = pad(at(10), at(12))
    files = {f"docs/_pass-1/{name}/AGENT_{name}_SCRATCHPAD.md": span for name in "abc"}
    files |= {f"docs/_pass-{number}/AGENT_x_SCRATCHPAD.md": span for number in (2, 3, 4)}
    expect = [
        {"path": "docs/_pass-1/c/AGENT_c_SCRATCHPAD.md", "line": 3, "message": "agents of docs/_pass-1 "}
    ]
    at_once(tmp_path, policy=policy, commits=[Step("x", files=files)], expect=expect)
