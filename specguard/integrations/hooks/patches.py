"""What a patch would do to the working tree: an `apply_patch` envelope, or a unified diff.

The envelope is the format of Codex's tool: `*** Begin Patch`, then for each file a header (`*** Add File: p`,
`*** Update File: p` with an optional `*** Move to: q`, `*** Delete File: p`) and its lines, then
`*** End Patch`. A header is believed wherever it stands. What a file would hold is told where its hunks are
found as they are written. Of a diff the names of its files are told.
"""

from __future__ import annotations

import os
import re

from specguard.integrations.hooks.calls import Deeds, FileEdit
from specguard.integrations.hooks.places import as_bytes, joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

SIZE: Final = 8_000_000
"""Patches of more characters than this are not read."""

_HEADER: Final = re.compile(rb"(?m)^([ \t]*)\*\*\* (Add|Update|Delete) File:[ \t]*(.*?)[ \t\r]*$")
_MOVE: Final = re.compile(rb"\n[ \t]*\*\*\* Move to:[ \t]*(.+?)[ \t\r]*(?=\n|\Z)")
_EDGE: Final = re.compile(rb"(?m)^[ \t]*\*\*\* (?:Begin|End) Patch[ \t\r]*$")
_END: Final = b"*** End of File"


def read_patch(text: str, directory: bytes, read: Callable[[bytes], bytes | None]) -> Deeds:
    """What applying an envelope would do.

    Args:
        text: the patch.
        directory: the folder in which it would be applied.
        read: gives the content of a file by its name, joined to `directory`; None where there is no such
            file, or none that can be read.
    """
    data = as_bytes(text) if len(text) <= SIZE else b""
    found = list(_HEADER.finditer(data)) if _EDGE.search(data) else []
    edits: list[FileEdit] = []
    for header, following in zip(found, [*found[1:], None], strict=False):
        kind, path = header[2], header[3]
        body = _EDGE.split(data[header.end() : following.start() if following else len(data)])[0]
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
            move = _MOVE.match(body)
            if move and move[1] != path:
                edits.append(FileEdit(path=path))
                path = move[1]
            content = None if old is None else _updated(old, body[move.end() if move else 0 :])
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
        files = PatchSet(text if len(text) <= SIZE else "", metadata_only=True)
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
