"""What a tool call would do: the files that it writes, its commands and patches."""

from __future__ import annotations

import os

from specguard.change.request import FileEdit
from specguard.declaration.rule import Record
from specguard.integrations.hooks.dialects import UnreadableError, path_bytes, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

    from specguard.integrations.hooks.dialects import HookEvent

__all__ = ["Deeds", "FileEdit"]

READ_LIMIT: Final = 16 << 20
"""A larger file is not read to tell what an edit makes of it, in bytes."""

COMMANDS: Final = ("command", "cmd", "chars", "script")
"""What tools that run commands call the command."""

_PATHS: Final = (
    "file_path", "notebook_path", "path", "target_file", "filePath", "filename", "file", "relative_path",
    "target_notebook", "destination", "source", "new_path", "old_path",
)  # fmt: skip
"""What tools call the file that they write."""

_CONTENTS: Final = ("content", "contents", "file_text", "text")
_OLD: Final = ("old_string", "old_str", "oldText")
_NEW: Final = ("new_string", "new_str", "newText")

_WHOLE: Final = ("Write", "write_file")
_REPLACING: Final = ("Edit", "replace", "MultiEdit", "StrReplace", "search_replace", "edit_file")
_DELETING: Final = ("Delete", "delete_file")
_NOTEBOOKS: Final = ("NotebookEdit", "EditNotebook")

WRITING: Final = (
    "write", "edit", "create", "delete", "remove", "move", "rename", "replace", "insert", "patch", "append",
    "save", "update", "copy", "put", "mkdir",
)  # fmt: skip
"""Words in the names of tools that write."""


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

    edits: list[FileEdit] = []
    messages: list[str] = []
    bypasses: list[str] = []
    refs: list[tuple[str, str]] = []
    discards: list[bytes] = []
    undecided: list[str] = []


def deeds_of(event: HookEvent) -> Deeds:
    """What the call would do; of keys that say the same in two ways, what all of them would.

    Raises:
        UnreadableError: a tool that is known lacks what it cannot do without.
    """
    tool, given = event.tool, event.input
    if event.moment == "command":
        parts = [_command(event, given[name]) for name in COMMANDS if name in given]
        if not parts:
            raise UnreadableError(f"{tool} has no command")
    elif tool.lower() in ("apply_patch", "applypatch"):
        from specguard.integrations.hooks.patches import read_patch

        names = [name for name in ("command", "input", "patch") if name in given] or ["command"]
        parts = [read_patch(text_of(given, name, what=tool), event.directory, read_file) for name in names]
    else:
        parts = [_edited(event)]
    return Deeds(*([one for part in parts for one in getattr(part, name)] for name in Deeds._fields))


def _command(event: HookEvent, value: object) -> Deeds:
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        # An argument list; of `bash -lc TEXT` the text is what the shell reads.
        shell = len(value) == 3 and value[1].startswith("-") and value[1].endswith("c")
        if not shell:
            import shlex
        value = value[2] if shell else shlex.join(value)
    if not isinstance(value, str):
        raise UnreadableError(f"{event.tool} has no command that is a text")
    if event.tool in ("PowerShell", "write_stdin"):
        # Another language, or what is typed into a program that runs.
        return Deeds()
    from specguard.integrations.hooks.shell import read_command

    return read_command(value, event.directory)


def _edited(event: HookEvent) -> Deeds:
    """What a tool that edits does to its file; which of further names the program reads is not known here."""
    tool, given = event.tool, event.input
    writes = any(word in tool.lower() for word in WRITING)
    several = given.get("paths", given.get("files", []))
    named = [given[name] for name in _PATHS if name in given]
    named += several if writes and isinstance(several, list) else []
    texts = list(dict.fromkeys(value for value in named if isinstance(value, str) and value))
    edits: list[FileEdit] = []
    undecided = []
    if tool in (*_WHOLE, *_REPLACING, *_DELETING, *_NOTEBOOKS):
        path = path_bytes(text_of(given, *_PATHS, what=tool))
        content = _whole(event) if tool in _WHOLE else _replaced(event, path) if tool in _REPLACING else None
        edits = [FileEdit(path, content, known=content is not None or tool in _DELETING)]
    else:
        undecided = [f"what the tool {tool} does is not known"]
    for text in texts if writes and undecided else texts[1:]:
        edits.append(FileEdit(path_bytes(text), known=False))
    return Deeds(edits, undecided=undecided)


def _whole(event: HookEvent) -> bytes | None:
    """The content of a file that is written as a whole; None where it cannot be told."""
    texts = [text_of(event.input, name, what=event.tool) for name in _CONTENTS if name in event.input]
    try:
        return texts[0].encode("utf-8") if len(texts) == 1 else None
    except UnicodeEncodeError:
        # Half a character: each program writes something else for it.
        return None


def _replaced(event: HookEvent, path: bytes) -> bytes | None:
    """A file in which texts are replaced, as it is on the disk now; None where that cannot be told."""
    steps = event.input.get("edits", [event.input])
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise UnreadableError(f"`edits` of {event.tool} is no list of objects")
    if "edits" in event.input and any(name in event.input for name in (*_OLD, *_NEW)):
        return None
    content = read_file(os.path.join(event.directory, path))
    for number, step in enumerate(steps):
        one = sum(name in step for name in _OLD) == 1 and sum(name in step for name in _NEW) <= 1
        if not one or (number and content is None):
            return None
        content = _replace(content, step, event.tool)
    return content


def _replace(content: bytes | None, step: Mapping[str, Any], tool: str) -> bytes | None:
    """A content after one replacement; None where it cannot be told what the tool makes of it."""
    try:
        old = text_of(step, *_OLD, what=tool).encode("utf-8")
        new = text_of(step, *_NEW, what=tool).encode("utf-8")
    except UnicodeEncodeError:
        return None
    if not old or not content:
        # With nothing to look for, a file is made.
        return new if not old and not content else None
    count = content.count(old)
    if not count and b"\r\n" in content:
        # The agent was shown the file with newlines alone.
        old, new = old.replace(b"\n", b"\r\n"), new.replace(b"\n", b"\r\n")
        count = content.count(old)
    everywhere = True in (step.get("replace_all"), step.get("allow_multiple"))
    if count and (count == 1 or everywhere or count == step.get("expected_replacements")):
        return content.replace(old, new)
    return None


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
