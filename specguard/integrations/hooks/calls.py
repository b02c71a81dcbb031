"""What the call of a tool would do, read from its name and its input."""

from __future__ import annotations

import os

from specguard.integrations.hooks.deeds import Deeds, FileEdit
from specguard.integrations.hooks.event import UnreadableError, path_bytes, text_of
from specguard.integrations.hooks.tools import COMMANDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from specguard.integrations.hooks.event import Event

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
