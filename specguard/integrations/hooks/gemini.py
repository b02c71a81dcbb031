"""Gemini CLI's dialect (docs/hooks/reference.md of google-gemini/gemini-cli)."""

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
    from typing import Any

    from specguard.integrations.hooks.calls import Answer, Moment


def read(data: Mapping[str, Any], environment: Mapping[str, str]) -> Event:
    """The event that Gemini CLI says.

    Raises:
        UnreadableError: it lacks what its kind has, or has it as something else.
    """
    name = text_of(data, "hook_event_name")
    moment: Moment = "other"
    tool = ""
    if name in ("BeforeTool", "AfterTool"):
        tool = text_of(data, "tool_name")
        moment = moment_before(tool)
        if name == "AfterTool":
            moment = "after" if is_shell(tool) else "other"
    elif name == "AfterAgent":
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
        agent="gemini",
        name=name,
        moment=moment,
        directory=directory_of(data),
        projects=projects_of(environment, "GEMINI_PROJECT_DIR", "CLAUDE_PROJECT_DIR"),
        tool=tool,
        input=input_of(data) if tool else {},
        session=optional(data, "session_id"),
        again=again,
    )


def say(event: Event, answer: Answer) -> Said:
    """An answer in this dialect: JSON on standard output and exit code 0, or nothing."""
    if answer.kind == "pass":
        return Said()
    if answer.kind == "refuse" and event.moment != "after":
        return refusal(event.name, answer.text)
    if event.moment in ("after", "start"):
        # After a tool a refusal would take the place of what the tool said, which the agent needs.
        told = {"hookEventName": event.name, "additionalContext": answer.text}
        return Said(stdout=written({"hookSpecificOutput": told}))
    return Said(stdout=written({"systemMessage": answer.text}))


def refusal(name: str, reason: str) -> Said:
    """The refusal of an event of this name."""
    if name == "SessionStart":
        told = {"hookEventName": name, "additionalContext": reason}
        return Said(stdout=written({"hookSpecificOutput": told}))
    return Said(stdout=written({"decision": "deny", "reason": reason}))
