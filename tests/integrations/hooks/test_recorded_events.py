"""Each agent's events, as its documents have them, get the right answer in its own dialect."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Repository
from tests.integrations.hooks.asking import Asked, ask
from tests.rows import rows

EVENTS = Path(__file__).parent / "events"


def recorded() -> Iterator[Any]:
    """Every event with its name, the agent and what is expected."""
    for file in sorted(EVENTS.glob("*.json")):
        data = json.loads(file.read_text())
        assert data["version"]
        assert data["source"]
        for name, one in data["events"].items():
            yield pytest.param(data["agent"], one, id=f"{data['agent']}: {name}")


@pytest.mark.parametrize(("agent", "one"), list(recorded()))
def test_an_event_gets_its_answer(agent: str, one: dict[str, Any], project: Repository) -> None:
    event = json.dumps(one["event"]).replace("{root}", str(project.path))
    asked = ask(agent, event, project.path)
    assert asked.kind == one["answer"], asked
    said = asked.refusal or asked.told
    assert one.get("says", "PTH001" if one["answer"] == "refuse" else "") in said
    assert asked.code == 0
    if one["answer"] == "refuse":
        assert "SPEC_AUTHORITY.md:" in said
        assert "next:" in said
        assert "person:" in said


def asked_of(file: str, name: str, spoken: str, repository: Repository, *, installed: bool = False) -> Asked:
    """What is answered to an event of a file."""
    event = json.dumps(json.loads((EVENTS / f"{file}.json").read_text())["events"][name]["event"])
    return ask(spoken, event.replace("{root}", str(repository.path)), repository.path, installed=installed)


@pytest.mark.parametrize(("file", "name", "key"), rows(__file__, "the_event_tells_whose_dialect_it_is"))
def test_the_event_tells_whose_dialect_it_is(file: str, name: str, key: str, project: Repository) -> None:
    for spoken in ("claude", "codex", "gemini", "cursor"):
        asked = asked_of(file, name, spoken, project, installed=spoken == file)
        assert key in asked.data
        assert asked.kind == "refuse"


def test_an_event_of_cursor_by_claudes_settings_is_answered_both_ways(project: Repository) -> None:
    asked = asked_of("cursor", "by a configuration of Claude Code", "claude", project)
    assert asked.data["permission"] == "deny"
    assert asked.data["hookSpecificOutput"]["permissionDecision"] == "deny"


@pytest.mark.parametrize(("name", "keys"), [("sessionStart", 2), ("SessionStart", 3)])
def test_what_the_start_of_a_session_tells_in_cursor(project: Repository, name: str, keys: int) -> None:
    asked = ask("cursor", {"hook_event_name": name, "workspace_roots": [str(project.path)]}, project.path)
    assert "guards this repository" in asked.data["additional_context"]
    assert len(asked.data) == keys


def test_what_a_refusal_in_codex_has_is_what_codex_knows(project: Repository) -> None:
    """PreToolUse's output schema of openai/codex has no other fields, and another one lets the tool run."""
    asked = asked_of("codex", "a patch of a guarded file", "codex", project)
    assert set(asked.data) == {"hookSpecificOutput"}
    said = asked.data["hookSpecificOutput"]
    assert set(said) == {"hookEventName", "permissionDecision", "permissionDecisionReason"}
    assert said["permissionDecisionReason"].strip()
