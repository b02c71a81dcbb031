"""Cursor's dialect (https://cursor.com/docs/agent/hooks).

Cursor also loads Claude Code's hooks where it is told to, under either way of writing an event's name. An
event that came so is answered with the fields of both, since each reader passes over those of the other.
"""

from __future__ import annotations

import os

from specguard.integrations.hooks.calls import (
    Event,
    Said,
    UnreadableError,
    input_of,
    is_shell,
    moment_before,
    moment_of,
    optional,
    path_bytes,
    text_of,
    written,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

    from specguard.integrations.hooks.calls import Answer, Moment

COMMAND: Final = "beforeShellExecution"
AFTER: Final = "afterShellExecution"


def read(data: Mapping[str, Any], environment: Mapping[str, str]) -> Event:  # noqa: ARG001 - as in the others
    """The event that Cursor says.

    Raises:
        UnreadableError: it lacks what its kind has, or has it as something else.
    """
    name = text_of(data, "hook_event_name")
    plain = name[:1].lower() + name[1:]
    moment: Moment = "other"
    tool = ""
    given: Mapping[str, Any] = {}
    if plain in ("preToolUse", "postToolUse"):
        tool = text_of(data, "tool_name")
        given = input_of(data)
        moment = moment_before(tool)
        if plain == "postToolUse":
            moment = "after" if is_shell(tool) else "other"
    elif plain in (COMMAND, AFTER):
        tool, moment = "Shell", "command" if plain == COMMAND else "after"
        given = {"command": text_of(data, "command")}
    elif plain in ("stop", "subagentStop"):
        moment = "stop"
    elif plain == "sessionStart":
        moment = "start"
    elif plain != "beforeMCPExecution":
        # That one comes with `preToolUse`, by which the same call is judged.
        moment = moment_of(name, optional(data, "tool_name"))
        if moment != "other":
            tool, given = optional(data, "tool_name"), input_of(data)
    loops = data.get("loop_count")
    if loops is not None and (not isinstance(loops, int) or isinstance(loops, bool)):
        raise UnreadableError("`loop_count` of the event is no number")
    again = data.get("stop_hook_active")
    if again is not None and not isinstance(again, bool):
        raise UnreadableError("`stop_hook_active` of the event is neither true nor false")
    projects = _projects(data)
    return Event(
        agent="cursor",
        name=name,
        moment=moment,
        directory=_directory(data, given, projects),
        projects=projects,
        tool=tool,
        input=given,
        session=optional(data, "conversation_id") or optional(data, "session_id"),
        again=again,
        loops=loops,
        foreign=name != plain,
    )


def _projects(data: Mapping[str, Any]) -> list[bytes]:
    roots = data.get("workspace_roots") or []
    if not isinstance(roots, list) or not all(isinstance(root, str) for root in roots):
        raise UnreadableError("`workspace_roots` of the event is no list of texts")
    return [path for path in map(path_bytes, roots) if path.startswith(b"/")]


def _directory(data: Mapping[str, Any], given: Mapping[str, Any], projects: list[bytes]) -> bytes:
    """The folder in which the call runs: its own, the event's, or the first workspace."""
    said = optional(given, "cwd") or optional(given, "working_directory") or optional(data, "cwd")
    start = projects[0] if projects else os.getcwdb()
    return os.path.join(start, path_bytes(said)) if said else start


def say(event: Event, answer: Answer) -> Said:
    """An answer in this dialect: always JSON, since to say nothing can count as a failed hook."""
    if answer.kind == "refuse":
        return refusal(event.name, answer.text)
    data: dict[str, Any] = {}
    if event.moment in ("edit", "command"):
        data["permission"] = "allow"
    if answer.kind == "tell" and event.moment == "stop":
        # Anything that is said to the agent there would make it go on.
        return Said(stdout=written({}), stderr=answer.text + "\n")
    if answer.kind == "tell":
        data["agent_message"] = data["additional_context"] = answer.text
        if event.foreign:
            data["hookSpecificOutput"] = {"hookEventName": event.name, "additionalContext": answer.text}
    return Said(stdout=written(data))


def refusal(name: str, reason: str) -> Said:
    """The refusal of an event of this name."""
    plain = name[:1].lower() + name[1:]
    data: dict[str, Any] = {}
    if plain in ("stop", "subagentStop"):
        data = {"followup_message": reason}
    elif plain in ("postToolUse", AFTER, "sessionStart"):
        data = {"additional_context": reason}
    elif plain == "beforeSubmitPrompt":
        data = {"continue": False, "user_message": reason}
    else:
        data = {"permission": "deny", "user_message": reason, "agent_message": reason}
    if name != plain:
        from specguard.integrations.hooks import claude

        as_claude = claude.refusal(name, reason)
        if as_claude.stdout:
            import json

            data.update(json.loads(as_claude.stdout))
    return Said(stdout=written(data))
