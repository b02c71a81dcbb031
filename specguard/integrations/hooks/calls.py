"""What an agent's program says that is about to happen, and what it is answered.

It is a help for `specguard doctor` and no more; where it cannot be written the hook goes on.
"""

from __future__ import annotations

import json
import os

from specguard.change.request import FileEdit
from specguard.declaration.rule import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final, Literal

    from specguard.integrations.hooks.places import WorkTree

    Agent = Literal["claude", "codex", "gemini", "cursor"]

    Moment = Literal["edit", "command", "after", "stop", "start", "other"]

    Kind = Literal["pass", "refuse", "tell"]


AGENTS: Final[Sequence[Agent]] = ("claude", "codex", "gemini", "cursor")
"""The agents whose dialects are spoken."""

LIMIT: Final = 64 << 20
"""How large an event may be, in bytes: the content of a file that is written is part of it."""


class UnreadableError(Exception):
    """An event that cannot be understood, with the reason as a clause."""


class Event(Record):
    """One event.

    Attributes:
        agent: who speaks, and in whose dialect the answer is.
        name: the event's name, as the agent gave it.
        moment: what it is: before an `edit`, before a `command`, `after` a command, the end of a turn
            (`stop`), the `start` of a session, or something `other` that is not judged.
        directory: the folder in which the call runs, as an absolute path.
        projects: the folders that the agent's program says it works in, as absolute paths.
        tool: the tool's name; empty where there is none.
        input: what the tool is called with.
        session: what tells the session from others; empty where nothing does.
        again: whether the agent goes on already because a hook asked it to; None where nothing says so.
        loops: how often it did so in a row, where the program counts that; else None.
        foreign: whether it came by another agent's configuration, so that both ways to answer are used.
    """

    agent: Agent
    name: str
    moment: Moment
    directory: bytes
    projects: Sequence[bytes] = ()
    tool: str = ""
    input: Mapping[str, Any] = {}
    session: str = ""
    again: bool | None = None
    loops: int | None = None
    foreign: bool = False


class Answer(Record):
    """What the agent is answered.

    Attributes:
        kind: `pass` lets it go on, `refuse` stops it with a reason, `tell` lets it go on and tells it
            something.
        text: the reason, or what is told.
    """

    kind: Kind = "pass"
    text: str = ""


class Said(Record):
    """What a process says to the agent's program.

    Attributes:
        stdout, stderr: the two texts.
        code: the exit code.
    """

    stdout: str = ""
    stderr: str = ""
    code: int = 0


def parse(raw: bytes) -> Mapping[str, Any]:
    """The object that an event is.

    Raises:
        UnreadableError: it is none: too large, no JSON, too deep, a key twice, not UTF-8.
    """
    if len(raw) > LIMIT:
        raise UnreadableError(f"the event has more than {LIMIT >> 20} MiB")
    try:
        # Some programs begin with a byte order mark; the codec that takes it away is one more import.
        text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableError("the event is not UTF-8") from None
    if not text.strip():
        raise UnreadableError("the event is empty")
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise UnreadableError("the event is nested too deeply") from None
    except ValueError as error:
        raise UnreadableError(f"the event is no JSON: {error}") from None
    if not isinstance(data, dict):
        raise UnreadableError("the event is no JSON object")
    return data


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are there once: two readers may take a key that is there twice differently."""
    data = dict(pairs)
    if len(data) != len(pairs):
        raise UnreadableError("the event has a key twice")
    return data


def text_of(data: Mapping[str, Any], *names: str, what: str = "the event") -> str:
    """The text under the first of these names that is there.

    Raises:
        UnreadableError: none is there, or it is no text.
    """
    for name in names:
        if name in data:
            value = data[name]
            if not isinstance(value, str):
                raise UnreadableError(f"`{name}` of {what} is no text")
            return value
    raise UnreadableError(f"{what} has no `{names[0]}`")


def optional(data: Mapping[str, Any], name: str) -> str:
    """The text under a name; empty where there is none, or null.

    Raises:
        UnreadableError: it is no text.
    """
    return "" if data.get(name) is None else text_of(data, name)


def path_bytes(text: str) -> bytes:
    """A path of an event as the system takes it.

    Raises:
        UnreadableError: it is empty, or has a NUL or half a character, which programs take differently.
    """
    if not text or "\0" in text:
        raise UnreadableError("a path is empty or has a NUL")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise UnreadableError("a path has half a character") from None


def directory_of(data: Mapping[str, Any]) -> bytes:
    """The folder in which the call runs; the hook's own where the event does not say.

    Raises:
        UnreadableError: it is no absolute path.
    """
    said = optional(data, "cwd")
    if not said:
        return os.getcwdb()
    path = path_bytes(said)
    if not path.startswith(b"/"):
        raise UnreadableError("`cwd` of the event is no absolute path")
    return path


def input_of(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a tool is called with.

    Raises:
        UnreadableError: it is no object.
    """
    value = data.get("tool_input", {})
    if not isinstance(value, dict):
        raise UnreadableError("`tool_input` of the event is no object")
    return value


def projects_of(environment: Mapping[str, str], *names: str) -> list[bytes]:
    """The project folders that variables of the agent's program name; relative ones are passed over."""
    found = [os.fsencode(environment.get(name, "")) for name in names]
    return [path for path in found if path.startswith(b"/")]


def written(data: Mapping[str, Any]) -> str:
    """An answer as one line of JSON in ASCII, which every reader takes."""
    return json.dumps(data, ensure_ascii=True) + "\n"


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


__all__ = ["Deeds", "FileEdit"]


class Deeds(Record):
    """What a tool call would do.

    Attributes:
        edits: the files that it would write or remove, in order.
        messages: the messages of the commits that it would make.
        bypasses: how it would get past hooks or the guard, each as a clause: `git commit --no-verify skips
            the hooks`.
        refs: the refs that it would move, as they are named, each with what it would point to.
        discards: files and folders whose uncommitted state it would throw away.
        undecided: what cannot be told of an edit, each as a clause: `what the tool x does is not known`.
    """

    edits: Sequence[FileEdit] = ()
    messages: Sequence[str] = ()
    bypasses: Sequence[str] = ()
    refs: Sequence[tuple[str, str]] = ()
    discards: Sequence[bytes] = ()
    undecided: Sequence[str] = ()


PROBE: Final = "specguard-doctor"
"""The session of events that `specguard doctor` sends, which count for nothing."""

_FOLDER: Final = b"specguard/fired"
_LONGEST: Final = 60


def note_firing(event: Event, tree: WorkTree) -> None:
    """Remember that an agent's hook has run, on which event."""
    if event.session == PROBE:
        return
    folder = os.path.join(tree.git_dir, _FOLDER)
    try:
        if os.path.islink(os.path.dirname(folder)) or os.path.islink(folder):
            # Git makes none there, and whoever did may want something else written to.
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(_file(folder, event.agent), flags, 0o600)
        except FileNotFoundError:
            os.makedirs(folder, exist_ok=True)
            descriptor = os.open(_file(folder, event.agent), flags, 0o600)
        try:
            os.write(descriptor, event.name[:_LONGEST].encode("ascii", "replace"))
        finally:
            os.close(descriptor)
    except OSError:
        return


def last_fired(agent: Agent, tree: WorkTree) -> tuple[float, str] | None:
    """When an agent's hook last ran in a worktree, in seconds since the epoch, and on which event."""
    try:
        descriptor = os.open(
            _file(os.path.join(tree.git_dir, _FOLDER), agent), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        )
        with os.fdopen(descriptor, "rb") as stream:
            name = stream.read(_LONGEST).decode("ascii", "replace")
            return os.fstat(stream.fileno()).st_mtime, name
    except OSError:
        return None


def _file(folder: bytes, agent: Agent) -> bytes:
    return os.path.join(folder, agent.encode("ascii"))


READ_LIMIT: Final = 16 << 20
"""A larger file is not read to tell what an edit makes of it, in bytes."""

_PATHS: Final = (
    "file_path", "notebook_path", "path", "target_file", "filePath", "filename", "file", "relative_path",
    "target_notebook", "destination", "source", "new_path", "old_path",
)  # fmt: skip
"""What tools call the file that they write."""

_CONTENTS: Final = ("content", "contents", "file_text", "text")
_OLD: Final = ("old_string", "old_str", "oldText")
_NEW: Final = ("new_string", "new_str", "newText")

WRITING: Final = (
    "write", "edit", "create", "delete", "remove", "move", "rename", "replace", "insert", "patch", "append",
    "save", "update", "copy", "put", "mkdir",
)  # fmt: skip
"""Words in the names of tools that write."""


def deeds_of(event: Event) -> Deeds:
    """What the call would do.

    Raises:
        UnreadableError: a tool that is known lacks what it cannot do without.
    """
    if event.moment == "command":
        return _commands(event)
    tool, given = event.tool, event.input
    if tool.lower() in ("apply_patch", "applypatch"):
        names = [name for name in ("command", "input", "patch") if name in given] or ["command"]
        return _joined([_patch(text_of(given, name, what=tool), event.directory) for name in names])
    return _joined([_known(event), _also_named(event)])


def _known(event: Event) -> Deeds:
    """What the call of a tool that is known by name would do; of any other what its name tells."""
    tool = event.tool
    if tool in ("Write", "write_file"):
        return _whole(event)
    if tool in ("Edit", "replace", "MultiEdit", "StrReplace", "search_replace", "edit_file"):
        return _replaced(event)
    if tool in ("Delete", "delete_file"):
        return Deeds(edits=[FileEdit(path=_path(event))])
    if tool in ("NotebookEdit", "EditNotebook"):
        return Deeds(edits=[FileEdit(path=_path(event), known=False)])
    return _unknown(event)


def _joined(parts: Sequence[Deeds]) -> Deeds:
    """What several readings of one call tell, as one."""
    return Deeds(
        edits=[edit for part in parts for edit in part.edits],
        messages=[message for part in parts for message in part.messages],
        bypasses=[clause for part in parts for clause in part.bypasses],
        refs=[ref for part in parts for ref in part.refs],
        discards=[path for part in parts for path in part.discards],
        undecided=[clause for part in parts for clause in part.undecided],
    )


def _also_named(event: Event) -> Deeds:
    """Files that the call names under further keys: which of them the program reads is not known here."""
    named = [event.input[name] for name in _PATHS if name in event.input]
    texts = dict.fromkeys(value for value in named if isinstance(value, str) and value)
    return Deeds(edits=[FileEdit(path=path_bytes(text), known=False) for text in list(texts)[1:]])


def _commands(event: Event) -> Deeds:
    """What the command of a shell's tool would do; where there are several, what all of them would."""
    given = event.input
    values = [given[name] for name in COMMANDS if name in given]
    if not values:
        raise UnreadableError(f"{event.tool} has no command")
    return _joined([_command(event, value) for value in values])


def _command(event: Event, value: object) -> Deeds:
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        # An argument list; of `bash -lc TEXT` the text is what the shell reads.
        shell = len(value) == 3 and value[1].startswith("-") and value[1].endswith("c")
        value = value[2] if shell else " ".join(map(_quoted, value))
    if not isinstance(value, str):
        raise UnreadableError(f"{event.tool} has no command that is a text")
    if event.tool in ("PowerShell", "write_stdin"):
        # Another language, or what is typed into a program that runs.
        return Deeds()
    from specguard.integrations.hooks.shell import read_command

    return read_command(value, event.directory)


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def _patch(text: str, directory: bytes) -> Deeds:
    from specguard.integrations.hooks.patches import read_patch

    return read_patch(text, directory, read_file)


def _path(event: Event) -> bytes:
    return path_bytes(text_of(event.input, *_PATHS, what=event.tool))


def _whole(event: Event) -> Deeds:
    """A file that is written as a whole."""
    path = _path(event)
    names = [name for name in _CONTENTS if name in event.input]
    texts = [text_of(event.input, name, what=event.tool) for name in names]
    if len(texts) != 1:
        return Deeds(edits=[FileEdit(path=path, known=False)])
    return Deeds(edits=[_edit(path, texts[0])])


def _edit(path: bytes, text: str) -> FileEdit:
    try:
        return FileEdit(path=path, content=text.encode("utf-8"))
    except UnicodeEncodeError:
        # Half a character: each program writes something else for it.
        return FileEdit(path=path, known=False)


def _replaced(event: Event) -> Deeds:
    """A file in which texts are replaced, as it is on the disk now."""
    path = _path(event)
    steps = event.input.get("edits", [event.input])
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise UnreadableError(f"`edits` of {event.tool} is no list of objects")
    content = read_file(os.path.join(event.directory, path))
    if "edits" in event.input and any(name in event.input for name in (*_OLD, *_NEW)):
        return Deeds(edits=[FileEdit(path=path, known=False)])
    for step in steps:
        if sum(name in step for name in _OLD) != 1 or sum(name in step for name in _NEW) > 1:
            return Deeds(edits=[FileEdit(path=path, known=False)])
        content = _replace(content, step, event.tool)
        if content is None:
            return Deeds(edits=[FileEdit(path=path, known=False)])
    return Deeds(edits=[FileEdit(path=path, content=content, known=content is not None)])


def _replace(content: bytes | None, step: Mapping[str, Any], tool: str) -> bytes | None:
    """A content after one replacement; None where it cannot be told what the tool makes of it."""
    try:
        old = text_of(step, *_OLD, what=tool).encode("utf-8")
        new = text_of(step, *_NEW, what=tool).encode("utf-8")
    except UnicodeEncodeError:
        return None
    if content is None:
        # With nothing to look for, a file is made.
        return new if not old else None
    if not old:
        return new if not content else None
    count = content.count(old)
    if not count and b"\r\n" in content:
        # The agent was shown the file with newlines alone.
        old, new = old.replace(b"\n", b"\r\n"), new.replace(b"\n", b"\r\n")
        count = content.count(old)
    everywhere = step.get("replace_all") is True or step.get("allow_multiple") is True
    if count == 1 or (count and everywhere):
        return content.replace(old, new)
    if count and count == step.get("expected_replacements"):
        return content.replace(old, new)
    return None


def _unknown(event: Event) -> Deeds:
    """A tool that is not known: the files that it names, where its own name says that it writes."""
    said = f"what the tool {event.tool} does is not known"
    words = event.tool.lower()
    if not any(word in words for word in WRITING):
        return Deeds(undecided=[said])
    named = [event.input[name] for name in _PATHS if name in event.input]
    several = event.input.get("paths", event.input.get("files", []))
    named += several if isinstance(several, list) else []
    paths: Sequence[bytes] = [path_bytes(value) for value in named if isinstance(value, str) and value]
    return Deeds(edits=[FileEdit(path=path, known=False) for path in paths], undecided=[said])


def read_file(path: bytes) -> bytes | None:
    """A file of the disk; None where there is none that can be read, or it is larger than `READ_LIMIT`."""
    try:
        # A pipe or device would be waited for.
        if not os.path.isfile(path):
            return None
        with open(path, "rb") as stream:
            data = stream.read(READ_LIMIT + 1)
    except (OSError, ValueError):
        return None
    return data if len(data) <= READ_LIMIT else None
