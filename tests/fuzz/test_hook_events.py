"""Whatever an event is, reading it ends with an event or with the reason why it is none."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from specguard.integrations.hooks.calls import deeds_of
from specguard.integrations.hooks.dialects import AGENTS, Reply, UnreadableError, parse, read, say, speaker
from tests.fuzz.damage import DRAWN

if TYPE_CHECKING:
    from specguard.integrations.hooks.dialects import Agent

FIELDS = st.sampled_from(DRAWN["fields"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(DRAWN["fields"]), inner, max_size=4)
    ),
)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "hook_event_name": st.sampled_from(DRAWN["events"]) | VALUES,
        "tool_name": st.sampled_from(DRAWN["tools"]) | VALUES,
        "tool_input": st.dictionaries(FIELDS, VALUES, max_size=5) | VALUES,
        "cwd": st.just("/nonexistent") | VALUES,
        "session_id": st.just("s") | VALUES,
        "workspace_roots": st.just(["/nonexistent"]) | VALUES,
        "command": st.text(max_size=40) | VALUES,
        **dict.fromkeys(
            ("stop_hook_active", "loop_count", "turn_id", "timestamp", "conversation_id"), VALUES
        ),
    },
)


@given(data=EVENTS, agent=st.sampled_from(AGENTS))
def test_any_object_is_an_event_or_is_not(data: dict[str, Any], agent: Agent) -> None:
    try:
        event = read(data, {}, speaker(data, {}, agent))
        if event.moment in ("edit", "command"):
            deeds_of(event)
    except UnreadableError:
        return
    for kind in ("pass", "refuse", "tell"):
        said = say(event, Reply(kind=kind, text="why"))
        assert said.code in (0, 2)
        assert said.code == 0 or (said.stderr and not said.stdout)
        if said.stdout:
            assert isinstance(json.loads(said.stdout), dict)
        if kind == "refuse":
            assert "why" in said.stdout + said.stderr


@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_an_object_or_are_not(raw: bytes) -> None:
    with suppress(UnreadableError):
        assert isinstance(parse(raw), dict)
