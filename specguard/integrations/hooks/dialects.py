"""The agents' dialects: the events that their programs send, and the answers that they understand.

Claude Code: https://code.claude.com/docs/en/hooks. Codex CLI (https://developers.openai.com/codex/hooks) uses
the format of Claude Code, and treats an answer with an unknown field as a failed hook. Gemini CLI:
docs/hooks/reference.md of google-gemini/gemini-cli. Cursor (https://cursor.com/docs/agent/hooks) also loads
Claude Code's hooks; their events are answered with the fields of both.
"""

from __future__ import annotations

import json
import os

from specguard.change.check_request import unique
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final, Literal

    Agent = Literal["claude", "codex", "gemini", "cursor"]

    Moment = Literal["edit", "command", "after", "stop", "start", "other"]

    Kind = Literal["pass", "refuse", "tell"]


AGENTS: Final[Sequence[Agent]] = ("claude", "codex", "gemini", "cursor")
"""The agents with a dialect."""

LIMIT: Final = 64 << 20
"""The largest event, in bytes; an event contains the whole content of a written file."""

MOMENTS: Final = {
    "pretooluse": "before", "beforetool": "before", "beforeshellexecution": "command",
    "posttooluse": "after", "posttoolusefailure": "after", "aftertool": "after",
    "stop": "stop", "subagentstop": "stop", "afteragent": "stop", "sessionstart": "start",
    # This one comes with `preToolUse`, which judges the same call.
    "beforemcpexecution": "other",
}  # fmt: skip
"""The kind of each event, by its name in lowercase."""

_LATE_PREFIXES: Final = ("post", "after", "permission")
"""The prefixes of events after a call, or about a permission for a call."""

_GEMINI_EVENTS: Final = (
    "BeforeTool", "AfterTool", "BeforeAgent", "AfterAgent", "BeforeModel", "AfterModel", "PreCompress",
    "BeforeToolSelection",
)  # fmt: skip
_SHARED_EVENTS: Final = frozenset(["SessionStart", "SessionEnd", "Notification"])
"""The event names that both Gemini CLI and Claude Code have."""

_CURSOR_FIELDS: Final = ("cursor_version", "conversation_id", "generation_id", "workspace_roots")
PROJECTS: Final = {"claude": ("CLAUDE_PROJECT_DIR",), "gemini": ("GEMINI_PROJECT_DIR", "CLAUDE_PROJECT_DIR")}
"""The environment variables with the project's folder."""

READING_TOOLS: Final = (
    "Read", "Glob", "Grep", "LS", "NotebookRead", "WebFetch", "WebSearch", "Task", "Agent", "TodoWrite",
    "TodoRead", "TaskCreate", "TaskGet", "TaskList", "TaskUpdate", "TaskOutput", "TaskStop", "Skill",
    "AskUserQuestion", "EnterPlanMode", "ExitPlanMode", "BashOutput", "KillShell", "KillBash",
    "ToolSearch", "ListMcpResourcesTool", "ReadMcpResourceTool", "LSP",
    "read_file", "read_many_files", "list_directory", "glob", "grep_search", "search_file_content",
    "web_fetch", "google_web_search", "write_todos", "ask_user", "update_plan", "view_image",
    "web_search", "codebase_search", "list_dir", "file_search",
)  # fmt: skip
"""The tools that do not write files of the repository."""

WRITING: Final = (
    "write", "edit", "create", "delete", "remove", "move", "rename", "replace", "insert", "patch", "append",
    "save", "update", "copy", "put", "mkdir",
)  # fmt: skip
"""Words in the names of tools that write."""

COMMAND_KEYS: Final = ("command", "cmd", "chars", "script")
"""The argument names for the command in tools that run commands."""

_FOLDER_KEYS: Final = ("cwd", "working_directory", "workdir", "dir_path", "directory")
"""The argument names for the folder of a command; in Cursor the first two are also the folder of an edit."""

_SHELL_WORDS: Final = ("bash", "shell", "terminal", "exec")
"""Words in the names of tools that run shell commands."""


class UnreadableError(Exception):
    """An event that cannot be understood, with the reason as a clause."""


class HookEvent(Record):
    """One event.

    Attributes:
        environment: the environment variables of the hook's process.
        agent: the agent that sent the event, and the dialect of the answer.
        name: the event's name, as the agent sent it.
        moment: before an `edit`, before a `command`, `after` a command, the end of a turn (`stop`), the
            `start` of a session, or `other`, which is not judged.
        directory: the folder in which the call runs, as an absolute path.
        projects: the project folders that the agent's program names, as absolute paths.
        tool: the tool's name; empty without a tool.
        input: the tool's arguments.
        session: the session's id; empty if it is unknown.
        continued: True if the agent already continues because of a hook; None if it is unknown.
    """

    environment: Mapping[str, str]
    agent: Agent
    name: str
    moment: Moment
    directory: bytes
    projects: Sequence[bytes] = ()
    tool: str = ""
    input: Mapping[str, Any] = {}
    session: str = ""
    continued: bool | None = None


class Reply(Record):
    """The answer to the agent.

    Attributes:
        kind: `pass` lets the call continue, `refuse` stops it with a reason, `tell` lets it continue with a
            message.
        text: the reason or the message.
    """

    kind: Kind = "pass"
    text: str = ""


class HookOutput(Record):
    """The output of the hook process for the agent's program.

    Attributes:
        stdout, stderr: the texts on each stream.
        code: the exit code.
    """

    stdout: str = ""
    stderr: str = ""
    code: int = 0


def parse(raw: bytes) -> Mapping[str, Any]:
    """Parse the JSON object of an event.

    Raises:
        UnreadableError: the event is too large, not JSON, nested too deeply, not UTF-8, or has a duplicate
            key.
    """
    if len(raw) > LIMIT:
        raise UnreadableError(f"the event has more than {LIMIT >> 20} MiB")
    try:
        # Some programs begin with a byte order mark; the `utf-8-sig` codec would be one more import.
        data = json.loads(raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8"), object_pairs_hook=unique)
    except UnicodeDecodeError:
        raise UnreadableError("the event is not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"the event cannot be read: {error}") from None
    return dict(_check_type(data, dict, "the event is not a JSON object"))


def _check_type(value: Any, kind: type, wrong: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise UnreadableError(wrong)
    return value


def text_of(data: Mapping[str, Any], *names: str, what: str = "the event") -> str:
    """Return the text under the first of these names that is present.

    Raises:
        UnreadableError: all names are missing, or the value is not a text.
    """
    if (name := next((one for one in names if one in data), None)) is None:
        raise UnreadableError(f"{what} has no `{names[0]}`")
    return str(_check_type(data[name], str, f"`{name}` of {what} is not a text"))


def _optional(data: Mapping[str, Any], name: str) -> str:
    return "" if data.get(name) is None else text_of(data, name)


def path_bytes(text: str) -> bytes:
    """Encode a path of an event as UTF-8.

    Raises:
        UnreadableError: the path is empty, or has a NUL or a lone surrogate, which programs read differently.
    """
    if not text or "\0" in text:
        raise UnreadableError("a path is empty or has a NUL")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise UnreadableError("a path has half a character") from None


def is_shell(tool: str) -> bool:
    """True if a tool runs commands, by its name."""
    return tool in ("Monitor", "write_stdin") or any(word in tool.lower() for word in _SHELL_WORDS)


def agent_of(data: Mapping[str, Any], environment: Mapping[str, str], expected: Agent) -> Agent:
    """Determine the agent that sent an event.

    Args:
        data: the event.
        environment: the hook's environment, which some agents mark.
        expected: the agent on the command line; used unless the event shows another one.
    """
    name = str(data.get("hook_event_name"))
    if name[:1].islower() or any(field in data for field in _CURSOR_FIELDS):
        return "cursor"
    # Further signs count only for a shared name: with a wrong dialect, an edit would pass unread.
    shared = name in _SHARED_EVENTS and environment.get("GEMINI_SESSION_ID") and "timestamp" in data
    if name in _GEMINI_EVENTS or shared:
        return "gemini"
    if "turn_id" in data:
        return "codex"
    if expected in ("claude", "codex"):
        return expected
    # Names such as `PreToolUse` belong to Claude Code and agents with its format.
    return "gemini" if expected == "gemini" and not name.endswith("ToolUse") else "claude"


def read(data: Mapping[str, Any], environment: Mapping[str, str], agent: Agent) -> HookEvent:
    """Build a `HookEvent` from the data of an agent's program.

    An unknown event name may be an event before a call, and an unknown tool may write.

    Raises:
        UnreadableError: a required field is missing or has the wrong type.
    """
    name = text_of(data, "hook_event_name")
    kind = MOMENTS.get(name.lower()) or ("other" if name.lower().startswith(_LATE_PREFIXES) else "")
    tool = text_of(data, "tool_name") if kind in ("before", "after") else _optional(data, "tool_name")
    inputs: Mapping[str, Any] = {}
    moment: Any = kind
    if kind == "command":
        tool, inputs = "Shell", {"command": text_of(data, "command")}
    elif kind == "after":
        moment = "after" if is_shell(tool) else "other"
    elif kind in ("before", ""):
        moment = "other" if not tool or tool in READING_TOOLS else "command" if is_shell(tool) else "edit"
    if not inputs and moment in ("edit", "command", "after"):
        inputs = _check_type(data.get("tool_input", {}), dict, "`tool_input` of the event is not an object")
    if moment == "command" and tool[:3].lower() == "mcp" and inputs.keys().isdisjoint(COMMAND_KEYS):
        # The word for a shell may be its server's, as in `mcp__terminal__write_file`.
        moment = "edit" if any(word in tool.lower().rpartition("__")[2] for word in WRITING) else moment
    continued = data.get("stop_hook_active")
    if continued is not None:
        _check_type(continued, bool, "`stop_hook_active` of the event is neither true nor false")
    if agent == "cursor" and data.get("loop_count") is not None:
        continued = _check_type(data["loop_count"], int, "`loop_count` of the event is not a number") > 0
    projects = _projects(data, environment, agent)
    keys = _FOLDER_KEYS if moment != "edit" else _FOLDER_KEYS[:2] if agent == "cursor" else ()
    given = next(filter(None, (_optional(inputs, key) for key in keys)), "")
    return HookEvent(
        environment=environment,
        agent=agent,
        name=name,
        moment=moment,
        directory=_directory(data, given, projects, agent),
        projects=projects,
        tool=tool,
        input=inputs,
        session=(agent == "cursor" and _optional(data, "conversation_id")) or _optional(data, "session_id"),
        continued=continued,
    )


def _projects(data: Mapping[str, Any], environment: Mapping[str, str], agent: Agent) -> list[bytes]:
    """Return the project folders that the program names; relative ones are skipped."""
    if agent == "cursor":
        wrong = "`workspace_roots` of the event is not a list of texts"
        roots = _check_type(data.get("workspace_roots") or [], list, wrong)
        found = [path_bytes(_check_type(root, str, wrong)) for root in roots]
    elif agent == "codex":
        # A call may name another folder than the session's.
        found = [path_bytes(_optional(data, "cwd") or ".")]
    else:
        found = [os.fsencode(environment.get(name, "")) for name in PROJECTS.get(agent, ())]
    return [path for path in found if path.startswith(b"/")]


def _directory(data: Mapping[str, Any], given: str, projects: Sequence[bytes], agent: Agent) -> bytes:
    """Return the folder in which a call runs: the given one, or the event's; the hook's own without both."""
    cwd = _optional(data, "cwd")
    if agent == "cursor":
        start = projects[0] if projects else os.getcwdb()
        given = given or cwd
    elif cwd and not cwd.startswith("/"):
        raise UnreadableError("`cwd` of the event is not an absolute path")
    else:
        start = path_bytes(cwd) if cwd else os.getcwdb()
    return os.path.join(start, path_bytes(given)) if given else start


def write(event: HookEvent, answer: Reply) -> HookOutput:
    """Render an answer in the event's dialect: JSON for stdout or nothing; a refusal may need exit code 2."""
    agent, stops, text = event.agent, event.moment == "stop", answer.text
    if answer.kind == "refuse" and not (agent == "gemini" and event.moment == "after"):
        return refusal(agent, event.name, text)
    if agent == "cursor":
        # Empty output can count as a failed hook, and a message at the end of a turn makes the agent
        # continue.
        data: dict[str, Any] = {"permission": "allow"} if event.moment in ("edit", "command") else {}
        if answer.kind == "tell" and not stops:
            data |= {"agent_message": text, "additional_context": text}
            data |= _context(event.name, text) if event.name[:1].isupper() else {}
        return HookOutput(_to_json(data), f"{text}\n" if answer.kind == "tell" and stops else "")
    if answer.kind == "pass":
        return HookOutput()
    to_user = stops or (agent == "gemini" and event.moment not in ("after", "start"))
    # In Gemini CLI, a refusal after a tool would replace the tool's output, which the agent needs.
    return HookOutput(_to_json({"systemMessage": text} if to_user else _context(event.name, text)))


def refusal(agent: Agent, name: str, reason: str) -> HookOutput:
    """Render the refusal of an event; if the dialect has no JSON for it, text and exit code 2."""
    data = _claude_refusal(name, reason)
    if agent == "gemini":
        data = _context(name, reason) if name == "SessionStart" else {"decision": "deny", "reason": reason}
    elif agent == "cursor":
        data = _cursor_refusal(name[:1].lower() + name[1:], reason) | (data or {})
    return HookOutput(stderr=f"{reason}\n", code=2) if data is None else HookOutput(_to_json(data))


def _claude_refusal(name: str, reason: str) -> dict[str, Any] | None:
    if name == "PreToolUse":
        decided = {"permissionDecision": "deny", "permissionDecisionReason": reason}
        return {"hookSpecificOutput": {"hookEventName": name, **decided}}
    if name in ("PostToolUse", "Stop", "SubagentStop"):
        return {"decision": "block", "reason": reason}
    return _context(name, reason) if name in ("SessionStart", "PostToolUseFailure") else None


def _cursor_refusal(name: str, reason: str) -> dict[str, Any]:
    if name in ("stop", "subagentStop"):
        return {"followup_message": reason}
    if name in ("postToolUse", "sessionStart"):
        return {"additional_context": reason}
    return {"permission": "deny", "user_message": reason, "agent_message": reason}


def _context(name: str, text: str) -> dict[str, Any]:
    return {"hookSpecificOutput": {"hookEventName": name, "additionalContext": text}}


def _to_json(data: Mapping[str, Any]) -> str:
    """Render an answer as one line of ASCII JSON, which every reader accepts."""
    return json.dumps(data, ensure_ascii=True) + "\n"
