"""The agents' tools by name: which run commands, which only look, and all others may write."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from specguard.integrations.hooks.event import Moment

SHELLS: Final = frozenset(
    {
        "Bash", "Shell", "Terminal", "PowerShell", "Monitor",  # Claude Code, Codex, Cursor
        "shell", "local_shell", "exec_command", "write_stdin", "unified_exec",  # Codex
        "run_shell_command",  # Gemini CLI
        "run_terminal_cmd",  # Cursor
    }
)  # fmt: skip
"""Tools that run commands of a shell."""

LOOKING: Final = frozenset(
    {
        "Read", "Glob", "Grep", "LS", "NotebookRead", "WebFetch", "WebSearch", "Task", "Agent", "TodoWrite",
        "TodoRead", "TaskCreate", "TaskGet", "TaskList", "TaskUpdate", "TaskOutput", "TaskStop", "Skill",
        "AskUserQuestion", "EnterPlanMode", "ExitPlanMode", "BashOutput", "KillShell", "KillBash",
        "ToolSearch", "ListMcpResourcesTool", "ReadMcpResourceTool", "LSP",
        "read_file", "read_many_files", "list_directory", "glob", "grep_search", "search_file_content",
        "web_fetch", "google_web_search", "write_todos", "ask_user", "update_plan", "view_image",
        "web_search", "codebase_search", "list_dir", "file_search",
    }
)  # fmt: skip
"""Tools that write no file of the repository."""

COMMANDS: Final = ("command", "cmd", "chars", "script")
"""What tools that run commands call the command."""

_SHELL_WORDS: Final = ("bash", "shell", "terminal", "exec")


def is_shell(tool: str) -> bool:
    """Whether a tool runs commands, by its name, also one that is not known."""
    name = tool.lower()
    return tool in SHELLS or any(word in name for word in _SHELL_WORDS)


def moment_before(tool: str) -> Moment:
    """What is about to happen when a tool is called.

    A tool of another name may write as well, so it is taken for an edit of which little is known.
    """
    if tool in LOOKING:
        return "other"
    return "command" if is_shell(tool) else "edit"


_LATER: Final = ("post", "after", "permission")
"""How the names of events begin at which a call is over, or asked about."""


def moment_of(name: str, tool: str) -> Moment:
    """What an event of a name that is not known is about.

    Args:
        name: the event's name.
        tool: the tool that it names; empty where it names none. Its call may be about to happen.
    """
    return "other" if not tool or name.lower().startswith(_LATER) else moment_before(tool)
