"""Commands and patches of agents in any state: told or undecided, and never a crash."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.integrations.hooks.calls import read_diff, read_patch
from specguard.integrations.hooks.shell import read_command
from tests.fuzz.damage import DRAWN, ODD, damaged, few

if TYPE_CHECKING:
    from specguard.integrations.hooks.calls import Deeds

COMMANDS, PATCHES = (
    st.sampled_from([text.encode() for text in DRAWN[name]]) for name in ("commands", "patches")
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return os.fsencode(tmp_path_factory.getbasetemp())


def held(deeds: Deeds) -> None:
    """Deeds are of the types that they state, and clauses can be printed."""
    for edit in deeds.edits:
        assert edit.path
        assert b"\0" not in edit.path
        assert edit.known or edit.content is None
    for clause in (*deeds.bypasses, *deeds.undecided):
        assert clause.isprintable()
    assert all(isinstance(message, str) for message in deeds.messages)


@few(100)
@given(command=damaged(COMMANDS, most=4))
def test_a_damaged_command_is_told_or_undecided(command: bytes, place: bytes) -> None:
    held(read_command(command.decode("utf-8", "surrogateescape"), place, {}))


@few(200)
@given(tokens=st.lists(st.sampled_from(DRAWN["tokens"]), max_size=25), blank=st.sampled_from(["", " "]))
def test_tokens_in_any_order_are_told_or_undecided(tokens: list[str], blank: str, place: bytes) -> None:
    held(read_command(blank.join(tokens), place, {"HOME": "/nonexistent"}))


@few(50)
@given(text=st.text(st.characters(exclude_categories=[]), max_size=60))
def test_any_text_is_told_or_undecided(text: str) -> None:
    held(read_command(text, b"/nonexistent", {}))
    held(read_patch(text, b"/nonexistent", lambda _: b""))


@few(100)
@given(
    patch=damaged(PATCHES, most=4),
    content=st.sampled_from([None, b"", b"a\nb\n", *ODD[:40]]),
    diff=st.booleans(),
)
def test_a_damaged_patch_is_told_or_undecided(patch: bytes, content: bytes | None, diff: bool) -> None:
    text = patch.decode("utf-8", "surrogateescape")
    deeds = read_diff(text) if diff else read_patch(text, b"/w", lambda _: content)
    held(deeds)
    assert deeds.edits or deeds.undecided
