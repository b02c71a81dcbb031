"""SPC009: what lower documents state otherwise than higher ones."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from specguard.testing import Step
from tests.rules.specs.setting import each, judged_by

if TYPE_CHECKING:
    from pathlib import Path

HIGH = "ARCHITECTURE.md"
LOW = "work/AGENT_1_PLAN.md"
POLICY = """
[authority]
order = ["ARCHITECTURE.md", "DECISIONS.md", "config/", "**/PHASE_*_PACKET.md", "**/AGENT_*"]
keys = [{name = "canonical_root"}]
"""
BASE = {HIGH: "# Architecture\n\n- **Canonical root:** `/api/v2`\n"}
judged = partial(judged_by, "SPC009", base=BASE, policy=POLICY)


def test_what_contradicts_nothing(tmp_path: Path) -> None:
    texts = [
        "canonical_root: /api/v2\n",
        "---\ncanonical-root: /api/v2\n---\n",
        "| Key | Value |\n| - | - |\n| Canonical Root | `/api/v2`. |\n",
        '- Canonical root: **"/api/v2"**\n',
        "Canonical root: TBD\n",
        "Canonical root:\n",
        "> Canonical root: /old\n",
        "```\ncanonical_root: /old\n```\n",
        "<!-- canonical_root: /old -->\n",
        "No word of it.\n",
    ]
    judged(tmp_path, each(texts, "work", "/AGENT_1"))


def test_lower_documents_that_contradict(tmp_path: Path) -> None:
    cases = [
        (LOW, "# Plan\n\ncanonical_root: /api/orpc\n", 3),
        ("work/AGENT_2", "---\nCanonical root: /api/V2\n---\n", 2),
        ("work/PHASE_1_PACKET.md", "| Key | Value |\n| - | - |\n| canonical_root | /x |\n", 3),
        ("config/app.yaml", "app: x\ncanonical_root: /x\n", 2),
        ("config/app.json", '{"canonical_root":\n "/x"}', 1),
    ]
    message = f"{HIGH}:3, which goes before it"
    expect = [
        {"path": path, "line": line, "message": message, "authority": "SPEC_AUTHORITY.md:6"}
        for path, _, line in cases
    ]
    judged(tmp_path, {path: text for path, text, _ in cases}, *expect)


def test_the_highest_that_states_it_decides(tmp_path: Path) -> None:
    files = {
        LOW: "canonical_root: /a\n",
        "work/PHASE_1_PACKET.md": "canonical_root: /b\n",
        "DECISIONS.md": "None.\n",
    }
    found = {"path": LOW, "message": "work/PHASE_1_PACKET.md:1"}
    judged(tmp_path, files, found, base={HIGH: "Nothing.\n"})


def test_documents_of_one_pattern_have_no_order(tmp_path: Path) -> None:
    files = {LOW: "canonical_root: /a\n", "work/AGENT_2_PLAN.md": "canonical_root: /b\n"}
    judged(tmp_path / "a", files, base=None)
    packets = {f"work/PHASE_{n}_PACKET.md": f"canonical_root: /{n}\n" for n in (1, 2)}
    files = {LOW: "canonical_root: /2\n", "work/AGENT_2_PLAN.md": "canonical_root: /3\n"}
    judged(tmp_path / "b", files, {"path": "work/AGENT_2_PLAN.md"}, base=packets)


def test_either_side_is_judged(tmp_path: Path) -> None:
    base = {**BASE, LOW: "canonical_root: /a\n", "x": "x"}
    judged(tmp_path / "a", {"x": "y"}, base=base)
    judged(tmp_path / "b", {HIGH: BASE[HIGH] + "x\n"}, {"path": LOW}, base=base)
    judged(tmp_path / "c", {"x": "y"}, {"path": LOW}, base=base, args=["--all"])
    judged(tmp_path / "d", {"work/AGENT_2": "Words.\n"}, base=base)


def test_front_matter_alone(tmp_path: Path) -> None:
    policy = POLICY.replace('"canonical_root"', '"canonical_root", form = "front matter"')
    base = {HIGH: "---\ncanonical_root: /a\n---\n"}
    judged(tmp_path / "a", {LOW: "canonical_root: /b\n"}, base=base, policy=policy)
    judged(tmp_path / "b", {LOW: "---\ncanonical_root: /b\n---\n"}, {"path": LOW}, base=base, policy=policy)


def test_a_pattern_may_be_anchored_to_a_line(tmp_path: Path) -> None:
    policy = POLICY.replace('"canonical_root"', "\"root\", pattern = '^root is ([/a-z]+)$'")
    base = {HIGH: "# A\n\nroot is /a\n\nMore.\n"}
    judged(tmp_path, {LOW: "# P\n\nroot is /b\n"}, {"path": LOW, "line": 3}, base=base, policy=policy)


def test_a_pattern(tmp_path: Path) -> None:
    policy = POLICY.replace('"canonical_root"', "\"root\", pattern = '(?i)root is ([/a-z]+)'")
    base = {HIGH: "The root is /a now.\n"}
    judged(
        tmp_path / "a",
        {LOW: "# P\n\n```\nROOT is /b\n```\n"},
        {"path": LOW, "line": 4},
        base=base,
        policy=policy,
    )
    judged(tmp_path / "b", {LOW: "<!-- root is /b -->\nThe root is /a.\n"}, base=base, policy=policy)
    judged(
        tmp_path / "c", {LOW: "---\nx: root is /b\n---\n"}, {"path": LOW, "line": 2}, base=base, policy=policy
    )


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ('{name = "x", pattern = "a"}', "has 0 groups"),
        ('{name = "x", pattern = "(a)(b)"}', "has 2 groups"),
        ('{name = "x", pattern = "(a)", form = "front matter"}', "both a `form` and a `pattern`"),
        ('{name = "x", form = "heading"}', "authority.keys.0.form"),
        ('{form = "front matter"}', "authority.keys.0.name"),
    ],
)
def test_keys_that_cannot_be(key: str, message: str, tmp_path: Path) -> None:
    policy = POLICY.replace('{name = "canonical_root"}', key)
    judged(tmp_path, {LOW: ""}, policy=policy, error=message, exit_code=2)


def test_an_order_in_prose_serves_as_well(tmp_path: Path) -> None:
    policy = """# Authority

## Conflict resolution

1. `ARCHITECTURE.md`
2. `work/`

```toml specguard
[authority]
keys = [{name = "canonical_root"}]
```
"""
    found = {"path": LOW, "authority": "SPEC_AUTHORITY.md:10"}
    judged(tmp_path, {LOW: "canonical_root: /b\n"}, found, policy=policy)


def test_a_document_that_cannot_be_read_leaves_no_answer(tmp_path: Path) -> None:
    files = {LOW: "canonical_root: /b\0\n", "work/AGENT_2": "canonical_root: /c\n"}
    judged(tmp_path / "a", files, {"path": "work/AGENT_2"}, exit_code=2)
    step = Step("docs: x", symlinks={LOW.encode(): b"../DECISIONS.md"}, files={"DECISIONS.md": "x\n"})
    judged(tmp_path / "b", commits=[step])
