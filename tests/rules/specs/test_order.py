"""SPC009: what lower documents state otherwise than higher ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.testing import Step
from tests.rules.specs.setting import each, judged

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
    judged("SPC009", tmp_path, each(texts, "work", "/AGENT_1"), base=BASE, policy=POLICY)


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
    judged("SPC009", tmp_path, {path: text for path, text, _ in cases}, *expect, base=BASE, policy=POLICY)


def test_either_side_is_judged(tmp_path: Path) -> None:
    base = {**BASE, LOW: "canonical_root: /a\n", "x": "x"}
    judged("SPC009", tmp_path / "a", {"x": "y"}, base=base, policy=POLICY)
    judged("SPC009", tmp_path / "b", {HIGH: BASE[HIGH] + "x\n"}, {"path": LOW}, base=base, policy=POLICY)
    judged("SPC009", tmp_path / "c", {"x": "y"}, {"path": LOW}, base=base, policy=POLICY, args=["--all"])
    judged("SPC009", tmp_path / "d", {"work/AGENT_2": "Words.\n"}, base=base, policy=POLICY)


def test_a_pattern(tmp_path: Path) -> None:
    policy = POLICY.replace('"canonical_root"', "\"root\", pattern = '(?i)root is ([/a-z]+)'")
    base = {HIGH: "The root is /a now.\n"}
    judged(
        "SPC009",
        tmp_path / "a",
        {LOW: "# P\n\n```\nROOT is /b\n```\n"},
        {"path": LOW, "line": 4},
        base=base,
        policy=policy,
    )
    judged(
        "SPC009", tmp_path / "b", {LOW: "<!-- root is /b -->\nThe root is /a.\n"}, base=base, policy=policy
    )
    judged(
        "SPC009",
        tmp_path / "c",
        {LOW: "---\nx: root is /b\n---\n"},
        {"path": LOW, "line": 2},
        base=base,
        policy=policy,
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
    judged("SPC009", tmp_path, {LOW: ""}, policy=policy, error=message, exit_code=2)


def test_a_document_that_cannot_be_read_leaves_no_answer(tmp_path: Path) -> None:
    files = {LOW: "canonical_root: /b\0\n", "work/AGENT_2": "canonical_root: /c\n"}
    judged("SPC009", tmp_path / "a", files, {"path": "work/AGENT_2"}, base=BASE, policy=POLICY, exit_code=2)
    step = Step("docs: x", symlinks={LOW.encode(): b"../DECISIONS.md"}, files={"DECISIONS.md": "x\n"})
    judged("SPC009", tmp_path / "b", base=BASE, policy=POLICY, commits=[step])
