"""The settings that pages show make of changes what the pages say: `shown/` has cases for each."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Case, run_case, run_here
from specguard.testing.case_file import split_cases
from tools.pages import ROOT, blocks, read

SHOWN = {
    name: row
    for file in sorted((ROOT / "tests" / "docs" / "shown").iterdir())
    for name, row in split_cases(tomllib.loads(file.read_text(encoding="utf-8")), file.stem)
}
RECIPES = "docs/recipes.md"


def settings(page: str, below: str) -> str:
    """The first block of settings, or the first whole authority, below a heading."""
    section = read(page).partition(f"\n## {below}\n")[2]
    return next(block.text for block in blocks(section) if block.info.startswith(("toml", "markdown")))


@pytest.mark.parametrize("name", SHOWN)
def test_a_change_is_judged_as_the_page_says(name: str, tmp_path: Path) -> None:
    row: dict[str, Any] = dict(SHOWN[name])
    policy = settings(row.pop("page"), row.pop("below")) + row.pop("more", "")
    run_case(Case.from_toml({"policy": policy, **row}, name), tmp_path, installed=False)


def test_every_recipe_is_tried() -> None:
    tried = {row["below"] for row in SHOWN.values() if row["page"] == RECIPES}
    assert tried == set(re.findall(r"(?m)^## (.+)\n(?:(?!## ).*\n)*?````markdown$", read(RECIPES)))


def test_a_recipe_about_agents_refuses_one(tmp_path: Path) -> None:
    case = Case.from_toml({"policy": settings(RECIPES, "Agents here and not there")})
    project = case.build(tmp_path / "project")
    place = str(project.path)
    call = {"file_path": f"{place}/infra/main.tf", "content": "a"}
    event = {"hook_event_name": "PreToolUse", "session_id": "one", "cwd": place, "tool_name": "Write"}
    event_text = json.dumps({**event, "tool_input": call})
    outcome = run_here("hook", "claude", directory=project.path, stdin=event_text)
    assert "PTH001" in outcome.stdout
    assert re.search(r'"permissionDecision": ?"deny"', outcome.stdout)
