"""The recipes: each authority refuses what its text says, and lets an honest change through."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from specguard.testing import Case, run_case, run_here
from tests.docs.pages import read

if TYPE_CHECKING:
    from pathlib import Path

SIGNED = "feat: x\n\nSigned-off-by: "
SPEC = "# Cart\n\nlast_review: {}\n"
PHASE = "feat(phase12): implement phase 12"
PLAN = {
    "configs/NEXT_PHASE.json": '{"plan_version": "v1", "next": 12}',
    "docs/plan/v1/phases/phase-12.md": "# Phase 12: the cart",
}

AUTHOR = "Ann <ann@example.org>"


def change(files: dict[str, str], message: str = "feat: x") -> dict[str, object]:
    return {"message": message, "files": files, "author": AUTHOR}


# Of each recipe: changes, each with the codes that are found in it.
CHANGES: dict[str, list[tuple[dict[str, object], list[str]]]] = {
    "An open-source library": [
        ({"base": {"files": {"LICENSE": "a"}}, "commits": change({"LICENSE": "b"})}, ["PTH002"]),
        ({"commits": change({f"src/{n}.py": "a" for n in range(61)})}, ["PTH008"]),
        ({"commits": change({"src/a.py": "a"})}, []),
    ],
    "Documents that nobody edits by hand": [
        (
            {
                "base": {"files": {"docs/api/index.html": "a"}},
                "commits": {"message": "feat: x", "delete": ["docs/api/index.html"]},
            },
            ["PTH001"],
        ),
        ({"commits": change({"docs/decisions/0007.md": "a"})}, ["PTH002"]),
        ({"commits": change({"docs/guide.md": "a"})}, []),
    ],
    "Sign-off on every commit": [
        ({"commits": change({"a": "a"})}, ["CMT006"]),
        ({"commits": change({"a": "a"}, SIGNED + "Else <else@example.org>")}, ["CMT006"]),
        ({"commits": change({"a": "a"}, SIGNED + AUTHOR)}, []),
    ],
    "A changelog entry with every change of code": [
        ({"commits": change({"src/a.py": "a"})}, ["PTH007"]),
        ({"commits": change({"src/a.py": "a", "CHANGELOG.md": "a"})}, []),
        ({"commits": change({"src/a.py": "a"}, "feat: x\n\nChangelog: none, only comments")}, []),
    ],
    "Names of branches, commits and pull requests": [
        ({"branch": "fix/empty-cart", "commits": change({"a": "a"}, "update stuff")}, ["CMT002"]),
        ({"branch": "my-work", "commits": change({"a": "a"})}, ["BRN001"]),
        ({"branch": "fix/empty-cart", "commits": change({"a": "a"})}, []),
    ],
    "A monorepo": [
        ({"commits": change({"packages/cart/src/a.js": "a"})}, ["PTH007"]),
        ({"commits": change({"packages/till/api/a.json": "a"})}, ["PTH002"]),
        ({"commits": change({"packages/till/src/a.js": "a", "packages/till/package.json": "{}"})}, []),
    ],
    "Protected branches": [
        ({"branch": "main", "base": {"files": {"a": "a"}}, "staged": {"files": {"a": "b"}}}, ["BRN004"]),
        ({"base": {"files": {"a": "a"}}, "staged": {"files": {"a": "b"}}}, []),
    ],
    "Dependencies that are pinned": [
        ({"commits": change({"package.json": '{"left-pad": "^1.3.0"}\n'})}, ["CNT001", "PTH007"]),
        ({"commits": change({"package.json": '{"left-pad": "1.3.0"}\n', "package-lock.json": "{}"})}, []),
    ],
    "Agents here and not there": [({"commits": change({"infra/main.tf": "a"})}, [])],
    "Phases, one commit each": [
        (
            {
                "branch": "phase-12",
                "base": {"files": PLAN},
                "commits": [change({"a": n}, PHASE) for n in "ab"],
            },
            ["CMT001"],
        ),
        ({"branch": "phase-12", "base": {"files": PLAN}, "commits": change({"a": "a"})}, ["CMT002"]),
        ({"branch": "phase-12", "base": {"files": PLAN}, "commits": change({"a": "a"}, PHASE)}, []),
    ],
    "Specs that stay fresh": [
        (
            {
                "base": {"files": {"specs/cart.md": SPEC.format("2026-01-01")}},
                "commits": change({"src/cart/a.py": "a"}),
                "args": ["--today", "2026-02-01"],
            },
            ["SPC003", "SPC007"],
        ),
        (
            {
                "base": {"files": {"specs/cart.md": SPEC.format("2026-01-01")}},
                "commits": change(
                    {"src/cart/a.py": "a", "specs/cart.md": SPEC.format("2026-01-01") + "More.\n"}
                ),
                "args": ["--today", "2026-01-02"],
            },
            [],
        ),
    ],
}


def recipes() -> dict[str, str]:
    """The authority of each recipe, by its heading."""
    found, title = {}, ""
    for token in MarkdownIt("commonmark").parse(read("docs/recipes.md")):
        if token.type == "inline" and token.level == 1 and not title:
            title = token.content
        elif token.type == "fence" and token.info == "markdown":
            found[title] = token.content
        elif token.type == "heading_open":
            title = ""
    return found


def test_every_recipe_is_tried() -> None:
    assert recipes().keys() == CHANGES.keys()


@pytest.mark.parametrize(
    ("title", "number"),
    [
        pytest.param(title, n, id=f"{title} {n}")
        for title, changes in CHANGES.items()
        for n in range(len(changes))
    ],
)
def test_a_recipe_finds_what_it_says(title: str, number: int) -> None:
    keys, codes = CHANGES[title][number]
    case = Case.from_toml({"policy": recipes()[title], "origin": "https://github.com/acme/shop", **keys})
    outcome = run_case(replace(case, name=title, expect=None, exit_code=1 if codes else 0), installed=False)
    assert (
        sorted({finding["code"] for finding in outcome.report["findings"] if finding["severity"] == "error"})
        == codes
    )


def test_a_recipe_about_agents_refuses_one(tmp_path: Path) -> None:
    case = Case.from_toml({"policy": recipes()["Agents here and not there"], "commits": change({"a": "a"})})
    project = case.build(tmp_path / "project")
    event = {
        "hook_event_name": "PreToolUse",
        "session_id": "one",
        "cwd": str(project.path),
        "tool_name": "Write",
        "tool_input": {"file_path": str(project.path / "infra/main.tf"), "content": "a"},
    }
    outcome = run_here("hook", "claude", directory=project.path, stdin=json.dumps(event))
    assert "PTH001" in outcome.stdout
    assert re.search(r'"permissionDecision": ?"deny"', outcome.stdout)
