"""Commands, patches and events of agents in any state: told or undecided, refused or read, never a crash."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from specguard.integrations.hooks.dialects import AGENTS, Reply, UnreadableError, agent_of, parse, read, write
from specguard.integrations.hooks.shell_programs import read_command
from specguard.integrations.hooks.tool_calls import Effects, effects_of, read_diff, read_patch
from tests.fuzz.damage import DRAWN, ODD, damaged, few

if TYPE_CHECKING:
    from specguard.integrations.hooks.dialects import Agent

COMMANDS, PATCHES = (
    st.sampled_from([text.encode() for text in DRAWN[name]]) for name in ("commands", "patches")
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return os.fsencode(tmp_path_factory.getbasetemp())


def held(deeds: Effects) -> None:
    """Deeds are of the types that they state, and clauses can be printed."""
    for edit in deeds.edits:
        assert b"\0" not in (edit.path or b"\0")
        assert edit.known or edit.content is None
    assert all(clause.isprintable() for clause in (*deeds.bypasses, *deeds.unknown))
    assert all(isinstance(message, str) for _, message in deeds.messages)


@few(100)
@given(command=damaged(COMMANDS, most=4))
@example(command=b"git commit -am")
@example(command=b"\x80d sub && cat > f; unset a[\x80]; a[\x80]=1")
def test_a_damaged_command_is_told_or_undecided(command: bytes, place: bytes) -> None:
    held(read_command(command.decode("utf-8", "surrogateescape"), place, {}))


@few(200)
@given(tokens=st.lists(st.sampled_from(DRAWN["tokens"]), max_size=25), blank=st.sampled_from(["", " "]))
def test_tokens_in_any_order_are_told_or_undecided(tokens: list[str], blank: str, place: bytes) -> None:
    held(read_command(blank.join(tokens), place, {"HOME": "/nonexistent"}))


# Python warns of an escape that git does not write.
@pytest.mark.filterwarnings("ignore:invalid escape sequence", "ignore:invalid octal escape")
@few(100)
@given(
    patch=damaged(PATCHES, most=4),
    content=st.sampled_from([None, b"", b"a\nb\n", *ODD[:40]]),
    diff=st.booleans(),
)
def test_a_damaged_patch_is_told_or_undecided(patch: bytes, content: bytes | None, diff: bool) -> None:
    text = patch.decode("utf-8", "surrogateescape")
    deeds = Effects(read_diff(text)) if diff else read_patch(text, b"/w", lambda _: content)
    held(deeds)
    assert diff or deeds.edits or deeds.unknown


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
        event = read(data, {}, agent_of(data, {}, agent))
        if event.moment in ("edit", "command"):
            effects_of(event)
    except UnreadableError:
        return
    for kind in ("pass", "refuse", "tell"):
        said = write(event, Reply(kind=kind, text="why"))
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
