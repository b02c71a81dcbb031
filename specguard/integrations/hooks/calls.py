"""What a tool call would do: the files that it writes, its commands and patches.

A patch is an `apply_patch` envelope, or a unified diff. The envelope is the format of Codex's tool:
`*** Begin Patch`, then for each file a header (`*** Add File: p`, `*** Update File: p` with an optional
`*** Move to: q`, `*** Delete File: p`) and its lines, then `*** End Patch`. A header is believed wherever it
stands. What a file would hold is told where its hunks are found as they are written. Of a diff the names of
its files are told.
"""

from __future__ import annotations

import os
import re

from specguard.change.request import FileEdit
from specguard.declaration.rule import Record
from specguard.integrations.hooks.dialects import UnreadableError, path_bytes, text_of
from specguard.integrations.hooks.file_names import as_bytes, joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
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


PATCH_SIZE: Final = 8_000_000
"""Patches of more characters than this are not read."""

# Compiled by their first use: most calls have no patch.
_HEADER: Final = rb"(?m)^([ \t]*)\*\*\* (Add|Update|Delete) File:[ \t]*(.*?)[ \t\r]*$"
_MOVE: Final = b"*** Move to:"
_EDGE: Final = rb"(?m)^[ \t]*\*\*\* (?:Begin|End) Patch[ \t\r]*$"
_END: Final = b"*** End of File"


def read_patch(text: str, directory: bytes, read: Callable[[bytes], bytes | None]) -> Deeds:
    """What applying an envelope would do.

    Args:
        text: the patch.
        directory: the folder in which it would be applied.
        read: gives the content of a file by its name, joined to `directory`; None where there is no such
            file, or none that can be read.
    """
    data = as_bytes(text) if len(text) <= PATCH_SIZE else b""
    edge = re.compile(_EDGE)
    found = list(re.finditer(_HEADER, data)) if edge.search(data) else []
    edits: list[FileEdit] = []
    for header, following in zip(found, [*found[1:], None], strict=False):
        kind, path = header[2], header[3]
        body = edge.split(data[header.end() : following.start() if following else len(data)])[0]
        if not path or b"\0" in path:
            continue
        if kind == b"Delete":
            edits.append(FileEdit(path=path))
            continue
        if kind == b"Add":
            rows = [row.removesuffix(b"\r") for row in body.split(b"\n")]
            content: bytes | None = b"".join(row[1:] + b"\n" for row in rows if row.startswith(b"+"))
        else:
            old = read(joined(directory, path))
            first, _, rest = body[1:].partition(b"\n")
            line = first.strip(b" \t\r")
            target = line.removeprefix(_MOVE).lstrip(b" \t") if line.startswith(_MOVE) else b""
            if target and target != path:
                edits.append(FileEdit(path=path))
                path = target
            content = None if old is None else _updated(old, b"\n" + rest if target else body)
            if following and following[1]:
                # An indented header may be a line of the file.
                content = None
        edits.append(FileEdit(path=path, content=content, known=content is not None))
    return Deeds(edits=edits, undecided=[] if edits else ["the patch names no file that can be read from it"])


def _updated(text: bytes, body: bytes) -> bytes | None:
    """A file's content after its hunks, each found in turn as it is written; None where one is not there."""
    text = text if not text or text.endswith(b"\n") else text + b"\n"
    made: list[bytes] = []
    at = 0
    for hunk in re.split(rb"(?m)^(?=@@)", body):
        anchor, _, rest = hunk.partition(b"\n") if hunk.startswith(b"@@") else (b"", b"", hunk[1:])
        lines = rest.removesuffix(b"\n").split(b"\n") if rest.strip() else []
        rows = [row.removesuffix(b"\r") for row in lines if row.rstrip(b"\r") != _END]
        last = len(rows) < len(lines)
        if any(row[:1] not in (b"", b" ", b"+", b"-") for row in rows):
            return None
        start = at
        if anchor[2:].strip():
            start = _find([anchor[2:].removeprefix(b" ").rstrip(b"\r")], text, at)
            start = text.index(b"\n", start) + 1 if start >= 0 else -1
        old = [row[1:] for row in rows if not row.startswith(b"+")]
        found = len(text) if not old else _find(old, text, start, last=last)
        if start < 0 or found < at:
            return None
        if rows:
            made += [text[at:found], *(row[1:] + b"\n" for row in rows if not row.startswith(b"-"))]
            at = found + sum(len(row) + 1 for row in old)
    return b"".join([*made, text[at:]])


def _find(rows: Sequence[bytes], text: bytes, start: int, *, last: bool = False) -> int:
    """Where whole lines are in a text, at or after a position that begins a line; -1 where they are not."""
    wanted = b"\n" + b"\n".join(rows) + b"\n"
    within = b"\n" + text
    if not last:
        return within.find(wanted, start)
    found = len(within) - len(wanted)
    return found if found >= start and within.endswith(wanted) else -1


def read_diff(text: str, strip: int = 1) -> Deeds:
    """The files that a unified diff would write or remove, by their names.

    Args:
        text: the diff; anything may stand around it.
        strip: how many leading folders of the names are dropped, as with `-p`.
    """
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    try:
        files = PatchSet(text if len(text) <= PATCH_SIZE else "", metadata_only=True)
    except (UnidiffParseError, ValueError):
        return Deeds(undecided=["the patch cannot be read"])
    edits = []
    for file in files:
        old, new = (name.partition("/")[2] for name in (file.source_file, file.target_file))
        copied = any(line.startswith("copy from ") for line in file.patch_info or ())
        if file.source_file != os.devnull and not copied:
            edits.append(
                FileEdit(path=_name(file.source_file, strip), known=file.is_removed_file or old != new)
            )
        if file.target_file != os.devnull:
            edits.append(FileEdit(path=_name(file.target_file, strip), known=False))
    edits = [edit for edit in dict.fromkeys(edits) if edit.path and b"\0" not in edit.path]
    return Deeds(edits=edits, undecided=[] if edits else ["the patch names no file"])


def _name(text: str, strip: int) -> bytes:
    """A name as a header has it, in quotes as git writes them or plain, without its leading folders."""
    import codecs

    name = as_bytes(text)
    if name.startswith(b'"'):
        name = codecs.escape_decode(name.strip(b'"'))[0]
    parts = [part for part in name.split(b"/") if part]
    return name if not strip else b"/".join(parts[strip:] or parts[-1:])
