"""Codex CLI's dialect (https://developers.openai.com/codex/hooks): Claude Code's, taken more strictly.

An answer with a field that Codex does not know for the event makes the hook a failed one, and the tool runs.
A refusal therefore has what its schema names and nothing else, and its reason is never empty.
"""

from __future__ import annotations

from specguard.integrations.hooks import claude

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from specguard.integrations.hooks.calls import Answer, Event, Said


def read(data: Mapping[str, Any], environment: Mapping[str, str]) -> Event:
    """The event that Codex says.

    Raises:
        UnreadableError: it lacks what its kind has, or has it as something else.
    """
    return claude.read(data, environment, "codex")


def say(event: Event, answer: Answer) -> Said:
    """An answer in this dialect."""
    return claude.say(event, answer)


def refusal(name: str, reason: str) -> Said:
    """The refusal of an event of this name."""
    return claude.refusal(name, reason)
