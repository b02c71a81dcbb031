"""Claude Code's dialect (https://code.claude.com/docs/en/hooks)."""

from __future__ import annotations

from specguard.integrations.hooks.calls import (
    Event,
    Said,
    UnreadableError,
    directory_of,
    input_of,
    is_shell,
    moment_before,
    moment_of,
    optional,
    projects_of,
    text_of,
    written,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

    from specguard.integrations.hooks.calls import Agent, Answer, Moment

STOPS: Final = ("Stop", "SubagentStop")
"""The ends of turns."""


def read(data: Mapping[str, Any], environment: Mapping[str, str], agent: Agent = "claude") -> Event:
    """The event that Claude Code, or a program that speaks as it does, says.

    Raises:
        UnreadableError: it lacks what its kind has, or has it as something else.
    """
    name = text_of(data, "hook_event_name")
    moment: Moment = "other"
    tool = ""
    if name in ("PreToolUse", "PostToolUse", "PermissionRequest"):
        tool = text_of(data, "tool_name")
        if name == "PostToolUse":
            moment = "after" if is_shell(tool) else "other"
        elif name == "PreToolUse":
            moment = moment_before(tool)
    elif name in STOPS:
        moment = "stop"
    elif name == "SessionStart":
        moment = "start"
    else:
        moment = moment_of(name, optional(data, "tool_name"))
        tool = optional(data, "tool_name") if moment != "other" else ""
    again = data.get("stop_hook_active")
    if again is not None and not isinstance(again, bool):
        raise UnreadableError("`stop_hook_active` of the event is neither true nor false")
    return Event(
        agent=agent,
        name=name,
        moment=moment,
        directory=directory_of(data),
        projects=projects_of(environment, "CLAUDE_PROJECT_DIR") if agent == "claude" else [],
        tool=tool,
        input=input_of(data) if tool else {},
        session=optional(data, "session_id"),
        again=again,
    )


def say(event: Event, answer: Answer) -> Said:
    """An answer in this dialect: JSON on standard output and exit code 0, or nothing."""
    if answer.kind == "pass":
        return Said()
    if answer.kind == "refuse":
        return refusal(event.name, answer.text)
    if event.moment == "stop":
        return Said(stdout=written({"systemMessage": answer.text}))
    told = {"hookEventName": event.name, "additionalContext": answer.text}
    return Said(stdout=written({"hookSpecificOutput": told}))


def refusal(name: str, reason: str) -> Said:
    """The refusal of an event of this name; where the dialect has no JSON for it, text and exit code 2."""
    if name == "PreToolUse":
        decided = {
            "hookEventName": name,
            "permissionDecision": "deny",
            "permissionDecisionReason": reason,
        }
        return Said(stdout=written({"hookSpecificOutput": decided}))
    if name in ("PostToolUse", "UserPromptSubmit", *STOPS):
        return Said(stdout=written({"decision": "block", "reason": reason}))
    if name == "SessionStart":
        told = {"hookEventName": name, "additionalContext": reason}
        return Said(stdout=written({"hookSpecificOutput": told}))
    return Said(stderr=reason + "\n", code=2)
