"""What a patch would do to the working tree: an `apply_patch` envelope, or a unified diff.

The envelope is the format of Codex's tool: `*** Begin Patch`, then for each file a header (`*** Add File: p`,
`*** Update File: p` with an optional `*** Move to: q`, `*** Delete File: p`) and its lines, then
`*** End Patch`. Every program that applies one forgives much, so a header is believed wherever one may be
read: indented, in a second envelope, with or without an end. What a patch says of a file is told with the
content that results where its hunks are found as they are written, and by the file's name alone elsewhere.
"""

from __future__ import annotations

import re

from specguard.integrations.hooks.deeds import Deeds, FileEdit
from specguard.integrations.hooks.pathnames import as_bytes, joined
from specguard.integrations.hooks.unified import read_unified

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

SIZE: Final = 8_000_000
"""Patches of more characters than this are not read."""

_BEGIN: Final = re.compile(rb"(?m)^[ \t]*\*\*\* Begin Patch[ \t\r]*$")
_HEADER: Final = re.compile(rb"[ \t]*\*\*\* (Add|Update|Delete) File:[ \t]*(.*?)[ \t\r]*")
_MOVE: Final = re.compile(rb"[ \t]*\*\*\* Move to:[ \t]*(.*?)[ \t\r]*")
_EDGE: Final = re.compile(rb"[ \t]*\*\*\* (?:Begin|End) Patch[ \t\r]*")
_END: Final = b"*** End of File"


def read_patch(
    text: str,
    directory: bytes,
    read: Callable[[bytes], bytes | None],
    *,
    diff: bool = False,
    strip: int = 1,
) -> Deeds:
    """What applying a patch would do.

    Args:
        text: the patch.
        directory: the folder in which it would be applied; empty for the one that `read` starts from.
        read: gives the content of a file by its name, joined to `directory`; None where there is no such
            file, or none that can be read.
        diff: whether it is certainly a unified diff, as for `git apply`; else it is an envelope if it has the
            beginning of one.
        strip: how many leading folders of a diff's names are dropped.
    """
    if len(text) > SIZE:
        return Deeds(undecided=["the patch is too long to be read"])
    data = as_bytes(text)

    def content(path: bytes) -> bytes | None:
        if b"\0" in path:
            return None
        return read(joined(directory, path))

    if not diff and _BEGIN.search(data):
        edits, undecided = _Envelope(data, content).run()
    else:
        edits, undecided = read_unified(data, content, strip)
    told = [edit for edit in edits if b"\0" not in edit.path]
    if len(told) < len(edits):
        undecided = [*undecided, "the patch has a name with a NUL, which no file has"]
    if not told and not undecided:
        undecided = ["the patch names no file that can be read from it"]
    return Deeds(edits=told, undecided=undecided)


class _Envelope:
    """Reads the files of one or several envelopes."""

    def __init__(self, data: bytes, read: Callable[[bytes], bytes | None]) -> None:
        self.lines = data.split(b"\n")
        self.read = read
        self.edits: list[FileEdit] = []
        self.undecided: list[str] = []
        self.at = 0

    def run(self) -> tuple[list[FileEdit], list[str]]:
        inside = False
        while self.at < len(self.lines):
            line = self.lines[self.at]
            self.at += 1
            header = _HEADER.fullmatch(line)
            if header:
                self._file(header[1], header[2])
            elif _EDGE.fullmatch(line):
                inside = b"Begin" in line
            elif inside and line.strip():
                self._odd(line)
        return self.edits, self.undecided

    def _odd(self, line: bytes) -> None:
        shown = line.strip()[:60].decode("utf-8", "backslashreplace")
        shown = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in shown)
        clause = f"the line `{shown}` of the patch is not of its format"
        if len(self.undecided) < 20 and clause not in self.undecided:
            self.undecided.append(clause)

    def _file(self, kind: bytes, path: bytes) -> None:
        if not path:
            self.undecided.append("a header of the patch names no file")
        elif kind == b"Add":
            rows = self._taken(b"+")
            self.edits.append(FileEdit(path=path, content=b"".join(row[1:] + b"\n" for row in rows)))
        elif kind == b"Delete":
            self.edits.append(FileEdit(path=path))
        else:
            self._update(path)

    def _taken(self, marks: bytes) -> Sequence[bytes]:
        """The lines from here on that begin with one of these marks, without a carriage return."""
        start = self.at
        while self.at < len(self.lines) and self.lines[self.at][:1] and self.lines[self.at][:1] in marks:
            self.at += 1
        return [row.removesuffix(b"\r") for row in self.lines[start : self.at]]

    def _update(self, path: bytes) -> None:
        target = path
        move = _MOVE.fullmatch(self.lines[self.at]) if self.at < len(self.lines) else None
        if move:
            self.at += 1
            target = move[1] or path
        hunks = self._hunks()
        old = self.read(path)
        new = None if old is None else _applied(old, hunks)
        if target != path:
            self.edits.append(FileEdit(path=path))
        self.edits.append(FileEdit(path=target, content=new, known=new is not None))

    def _hunks(self) -> list[_Hunk]:
        """The hunks up to the next header; a blank line within one is an empty line of its context."""
        hunks: list[_Hunk] = []
        while self.at < len(self.lines):
            line = self.lines[self.at].removesuffix(b"\r")
            if line.startswith(b"@@"):
                hunks.append(_Hunk(line[2:].removeprefix(b" ")))
            elif line.strip() == _END and line[:1] not in (b"+", b"-"):
                if hunks:
                    hunks[-1].last = True
            elif self._ends(line, within=bool(hunks)):
                break
            elif hunks or line.strip():
                if not hunks:
                    hunks.append(_Hunk(b""))
                hunks[-1].add(line)
            self.at += 1
        return hunks

    def _ends(self, line: bytes, *, within: bool) -> bool:
        """Whether a line is not one of a hunk's."""
        if line[:1] in (b"+", b"-"):
            return False
        if _HEADER.fullmatch(line):
            return not (line[:1] == b" " and within and self._is_context(line))
        if _EDGE.fullmatch(line) or _MOVE.fullmatch(line):
            return True
        return bool(line) and line[:1] != b" "

    def _is_context(self, line: bytes) -> bool:
        """Take an indented header within a hunk as a line of the file's, and say that it may be a header."""
        header = _HEADER.fullmatch(line)
        if header is None or not header[2]:
            return False
        self.edits.append(FileEdit(path=header[2], known=False))
        self._odd(line)
        return True


class _Hunk:
    """One hunk: where it begins, its lines, and whether it must be at the file's end."""

    __slots__ = ("anchor", "last", "new", "old")

    def __init__(self, anchor: bytes) -> None:
        self.anchor = anchor
        self.old: list[bytes] = []
        self.new: list[bytes] = []
        self.last = False

    def add(self, line: bytes) -> None:
        mark, row = line[:1], line[1:]
        if mark != b"+":
            self.old.append(row)
        if mark != b"-":
            self.new.append(row)


def _applied(old: bytes, hunks: Sequence[_Hunk]) -> bytes | None:
    """A file's content after its hunks, each found in turn as it is written; None where one is not there."""
    text = old if not old or old.endswith(b"\n") else old + b"\n"
    parts: list[bytes] = []
    at = 0
    for hunk in hunks:
        start = at
        if hunk.anchor:
            start = _find([hunk.anchor], text, start)
            if start < 0:
                return None
            start += len(hunk.anchor) + 1
        if not hunk.old:
            # Lines without a place are put at the end.
            parts.append(text[at:])
            at = len(text)
        else:
            found = _find(hunk.old, text, start, last=hunk.last)
            if found < 0:
                return None
            parts.append(text[at:found])
            at = found + sum(len(row) + 1 for row in hunk.old)
        parts.extend(row + b"\n" for row in hunk.new)
    parts.append(text[at:])
    return b"".join(parts)


def _find(rows: Sequence[bytes], text: bytes, start: int, *, last: bool = False) -> int:
    """Where whole lines are in a text, at or after a position that begins a line; -1 where they are not."""
    wanted = b"\n".join(rows) + b"\n"
    if last:
        found = len(text) - len(wanted)
        right = found >= start and text.endswith(wanted) and (found == 0 or text[found - 1 : found] == b"\n")
        return found if right else -1
    if text.startswith(wanted, start):
        return start
    found = text.find(b"\n" + wanted, max(0, start - 1))
    return -1 if found < 0 else found + 1
