"""Who speaks: told by the event itself, since agents load each other's configurations."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType
    from typing import Any, Final

    from specguard.integrations.hooks.event import Agent

_GEMINI: Final = frozenset(
    {
        "BeforeTool", "AfterTool", "BeforeAgent", "AfterAgent", "BeforeModel", "AfterModel", "PreCompress",
        "BeforeToolSelection",
    }
)  # fmt: skip
_SHARED: Final = frozenset({"SessionStart", "SessionEnd", "Notification"})
"""Names that Gemini CLI and Claude Code both have."""

_CURSOR_FIELDS: Final = ("cursor_version", "conversation_id", "generation_id", "workspace_roots")


def speaker(data: Mapping[str, Any], environment: Mapping[str, str], expected: Agent) -> Agent:
    """The agent whose event this is.

    Args:
        data: the event.
        environment: the hook's environment, which some agents mark.
        expected: the agent that the command line names; it is believed where nothing says otherwise.
    """
    name = data.get("hook_event_name")
    name = name if isinstance(name, str) else ""
    if name[:1].islower() or any(field in data for field in _CURSOR_FIELDS):
        return "cursor"
    if name in _GEMINI:
        return "gemini"
    # Only a name that both have may be told by more: an edit that nobody reads would be let through.
    if name in _SHARED and environment.get("GEMINI_SESSION_ID") and "timestamp" in data:
        return "gemini"
    if "turn_id" in data:
        return "codex"
    if expected in ("claude", "codex"):
        return expected
    # Names such as `PreToolUse` are of Claude Code and those that speak as it does.
    return "gemini" if expected == "gemini" and not name.endswith("ToolUse") else "claude"


def dialect(agent: Agent) -> ModuleType:
    """The module that reads and answers events of an agent: `read`, `say` and `refusal`."""
    # Written out, since importlib would cost a hook more than the module itself.
    if agent == "cursor":
        from specguard.integrations.hooks import cursor

        return cursor
    if agent == "gemini":
        from specguard.integrations.hooks import gemini

        return gemini
    if agent == "codex":
        from specguard.integrations.hooks import codex

        return codex
    from specguard.integrations.hooks import claude

    return claude
