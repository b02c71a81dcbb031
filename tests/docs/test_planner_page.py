"""The page about the planner pipeline: its rules, and its settings for plans of another tool."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from specguard.engine.plugins import load_registry
from specguard.testing import Case, Step, run_case
from tests.docs.pages import blocks, read

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "docs/planner-pipeline.md"


def test_the_page_names_every_rule_about_plans_and_links_to_it() -> None:
    text = read(PAGE)
    for entry in load_registry().rules.values():
        if entry.rule.family() == "PLN" and entry.rule.code < "PLN010":
            assert f"[{entry.rule.code}](rules/{entry.rule.name}.md)" in text, entry.rule.code


def test_the_page_has_every_setting_that_the_preset_makes() -> None:
    text = read(PAGE)
    preset = load_registry().presets["planner-pipeline"]
    for table in re.findall(r"^\[+([a-z.-]+)\]+$", preset, re.MULTILINE):
        if not table.endswith(".aliases"):
            name = table.partition(".")[0] if table.startswith("wave") else table
            assert f"[{name}]" in text or table.startswith("artifacts.change-"), table


def own() -> str:
    """The block of settings below the heading *Make it your own*."""
    later = read(PAGE).partition("## Make it your own")[2]
    return next(block.text for block in blocks(later) if "toml" in block.info)


def tasks(*statuses: str) -> str:
    """A plan as that tool writes it, each task after the one before it."""
    listed: list[Any] = [
        {
            "id": number,
            "title": f"Step {number}",
            "status": status,
            "dependencies": [number - 1] if number > 1 else [],
            "files": [f"src/{number}.py"],
            "testStrategy": ["pytest"],
            **({"verification": {"command": "pytest", "exit_code": 0}} if status == "done" else {}),
        }
        for number, status in enumerate(statuses, 1)
    ]
    return json.dumps({"master": {"tasks": listed}}, indent=1)


def test_plans_of_another_tool_are_judged_commit_by_commit(tmp_path: Path) -> None:
    plan = "plans/cart/tasks.json"
    papers = {"plans/cart/CONTEXT.md": "# Context\n\nOf the cart.\n"}
    one = Step("task_1: begin", files={"src/1.py": "1", plan: tasks("done", "pending")})
    two = Step("task_2: go on", files={"src/2.py": "2", plan: tasks("done", "done")})
    case = Case(
        policy=own() + "\n[wave]\nstages = []\n",
        base=[Step("chore: base", files={plan: tasks("pending", "pending"), **papers})],
        commits=[one, two],
        branch="plan/cart",
        states=dict.fromkeys(
            ("PLN001", "PLN002", "PLN003", "PLN004", "PLN005", "PLN009", "WRK001"), "passed"
        ),
    )
    run_case(case, tmp_path / "right")
    more = Step("task_2: go on", files={"src/1.py": "2", "src/2.py": "2", plan: tasks("done", "done")})
    expect = [
        {"code": "PLN005", "path": plan, "message": "finishes task 1 and task 2"},
        {"code": "PLN004", "path": "src/1.py", "message": "for task 2 touches src/1.py; expected: src/2.py"},
        {"code": "PLN009", "path": plan, "message": "for task 2 moves task 1 from pending to done"},
        {"code": "PLN009", "path": plan, "message": "for task 1 moves task 2 from done to pending"},
    ]
    run_case(replace(case, commits=[more, one], states={}, expect=expect, exit_code=1), tmp_path / "wrong")
