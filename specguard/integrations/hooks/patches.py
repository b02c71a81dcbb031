"""What a patch would do to the working tree: an `apply_patch` envelope, or a unified diff.

The envelope is the format of Codex's tool: `*** Begin Patch`, then for each file a header (`*** Add File: p`,
`*** Update File: p` with an optional `*** Move to: q`, `*** Delete File: p`) and its lines, then
`*** End Patch`. Every program that applies one forgives much, so a header is believed wherever one may be
read: indented, in a second envelope, with or without an end. What a patch says of a file is told with the
content that results where its hunks are found as they are written, and by the file's name alone elsewhere.

A diff's headers can disagree with each other, and a diff can stand where nobody looks for one, such as in
the message of a mail: every name that any header has is told. Lines within a hunk, by its own counts, are
never headers.
"""

from __future__ import annotations

import re

from specguard.integrations.hooks.calls import Deeds, FileEdit
from specguard.integrations.hooks.places import as_bytes, joined

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


_HUNK: Final = re.compile(rb"@@ -([0-9]{1,9})(?:,([0-9]{1,9}))? \+([0-9]{1,9})(?:,([0-9]{1,9}))? @@")
_MOVED: Final = re.compile(rb"(rename|copy) (from|to) (.+)")
_ESCAPE: Final = re.compile(rb"\\([0-3][0-7]{2}|.)", re.DOTALL)
_ESCAPES: Final = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
_NOTHING: Final = b"/dev/null"


def read_unified(
    data: bytes, read: Callable[[bytes], bytes | None], strip: int = 1
) -> tuple[list[FileEdit], list[str]]:
    """The files that a diff would write or remove, in order, and clauses of what cannot be told.

    Args:
        data: the diff; anything may stand around it.
        read: a file's content by its name; None where there is none.
        strip: how many leading folders of the names are dropped, as with `-p`.
    """
    return _Diff(data, read, strip).run()


class _Change:
    """One file of a diff, of which each header may name another."""

    __slots__ = ("binary", "copied", "gone", "hunks", "names", "new", "old", "whole")

    def __init__(self) -> None:
        self.names: list[bytes] = []
        self.old = b""
        self.new = b""
        self.gone = False
        self.copied = b""
        self.binary = False
        self.hunks: list[tuple[int, list[bytes], list[bytes]]] = []
        self.whole = True


class _Diff:
    def __init__(self, data: bytes, read: Callable[[bytes], bytes | None], strip: int) -> None:
        self.lines = data.split(b"\n")
        self.read = read
        self.strip = strip
        self.at = 0
        self.edits: list[FileEdit] = []
        self.undecided: list[str] = []
        self.change: _Change | None = None

    def run(self) -> tuple[list[FileEdit], list[str]]:
        while self.at < len(self.lines):
            line = self.lines[self.at]
            self.at += 1
            if line.startswith(b"diff --git "):
                self._end()
                self.change = _Change()
                self._both(line[11:].removesuffix(b"\r"))
            elif line.startswith(b"--- ") and self._next().startswith(b"+++ "):
                self._pair(line[4:], self._next()[4:])
                self.at += 1
            elif line.startswith(b"@@ ") and self.change is not None:
                self._hunk(line)
            elif self.change is not None:
                self._extended(line.removesuffix(b"\r"))
        self._end()
        return self.edits, self.undecided

    def _next(self) -> bytes:
        return self.lines[self.at] if self.at < len(self.lines) else b""

    def _both(self, rest: bytes) -> None:
        """Take the names of a `diff --git` line, in which nothing separates them but a blank."""
        change = self.change
        assert change is not None  # noqa: S101 -- only called right after it was made
        if rest.startswith(b'"'):
            first, rest = _quoted(rest)
            second = _name(rest.strip())
        else:
            first, second = _halves(rest)
        for name, old in ((first, True), (second, False)):
            shorter = _stripped(name, self.strip)
            if shorter:
                change.names.append(shorter)
                if old:
                    change.old = shorter
                else:
                    change.new = shorter

    def _pair(self, old: bytes, new: bytes) -> None:
        change = self.change
        if change is None or change.hunks:
            self._end()
            change = self.change = _Change()
        for text, is_old in ((old, True), (new, False)):
            name = _name(text.removesuffix(b"\r"))
            if name == _NOTHING:
                change.gone = change.gone or not is_old
                if is_old:
                    change.old = b""
                continue
            shorter = _stripped(name, self.strip)
            if not shorter:
                change.whole = False
                continue
            change.names.append(shorter)
            if is_old:
                change.old = shorter
            else:
                change.new = shorter

    def _extended(self, line: bytes) -> None:
        change = self.change
        assert change is not None  # noqa: S101 -- asked by the caller
        moved = _MOVED.fullmatch(line)
        if moved:
            # These names are written without the leading `a/` and `b/`.
            name = _name(moved[3])
            change.names.append(name)
            if moved[2] == b"from":
                change.old = name
                change.copied = name if moved[1] == b"copy" else change.copied
            else:
                change.new = name
        elif line.startswith(b"deleted file mode"):
            change.gone = True
        elif line.startswith((b"GIT binary patch", b"Binary files ")):
            change.binary = True

    def _hunk(self, line: bytes) -> None:
        change = self.change
        head = _HUNK.match(line)
        assert change is not None  # noqa: S101 -- asked by the caller
        if head is None:
            change.whole = False
            return
        left = int(head[2] or b"1")
        right = int(head[4] or b"1")
        old: list[bytes] = []
        new: list[bytes] = []
        while (left > 0 or right > 0) and self.at < len(self.lines):
            row = self.lines[self.at]
            mark = row[:1]
            if mark not in (b" ", b"+", b"-", b"\\", b""):
                break
            self.at += 1
            if mark == b"\\":
                self._cut(old, new)
                continue
            if mark in (b" ", b"-", b""):
                left -= 1
                old.append(row[1:] + b"\n")
            if mark in (b" ", b"+", b""):
                right -= 1
                new.append(row[1:] + b"\n")
        if left or right:
            change.whole = False
        if self._next().startswith(b"\\"):
            self._cut(old, new, self.lines[self.at - 1][:1])
            self.at += 1
        change.hunks.append((int(head[1]), old, new))

    def _cut(self, old: list[bytes], new: list[bytes], mark: bytes = b"") -> None:
        """Take the newline off the line before the mark for a missing newline at a file's end."""
        mark = mark or self.lines[self.at - 2][:1]
        for rows, marks in ((old, b" -"), (new, b" +")):
            if rows and mark and mark in marks:
                rows[-1] = rows[-1].removesuffix(b"\n")

    def _end(self) -> None:
        change, self.change = self.change, None
        if change is None:
            return
        if not change.names:
            self.undecided.append("a header of the patch names no file")
            return
        content = self._content(change)
        target = b"" if change.gone else change.new
        for name in dict.fromkeys(change.names):
            if name == target:
                self.edits.append(FileEdit(path=name, content=content, known=content is not None))
            elif name == change.copied:
                continue
            elif change.gone or name == change.old:
                self.edits.append(FileEdit(path=name))
            else:
                self.edits.append(FileEdit(path=name, known=False))

    def _content(self, change: _Change) -> bytes | None:
        """The content that results, where the hunks stand at the lines that they state."""
        if change.gone or change.binary or not change.whole:
            return None
        source = change.old or (change.new if change.hunks and change.hunks[0][0] else b"")
        before = self.read(source) if source else b""
        if before is None:
            return None
        rows = before.split(b"\n")
        lines = [row + b"\n" for row in rows[:-1]] + ([rows[-1]] if rows[-1] else [])
        made: list[bytes] = []
        at = 0
        for start, old, new in change.hunks:
            begin = start - 1 if old else start
            if begin < at or lines[begin : begin + len(old)] != old:
                return None
            made += lines[at:begin]
            made += new
            at = begin + len(old)
        return b"".join(made + lines[at:])


def _halves(rest: bytes) -> tuple[bytes, bytes]:
    """The names of a `diff --git` line: two equal ones where it has such, else split at the last blank."""
    middle = len(rest) // 2
    if rest[middle : middle + 1] == b" ":
        first, second = rest[:middle], rest[middle + 1 :]
        if first.partition(b"/")[2] == second.partition(b"/")[2]:
            return first, second
    marked = rest.rfind(b" b/")
    first, _, second = rest.rpartition(b" ") if marked < 0 else (rest[:marked], b" ", rest[marked + 1 :])
    return _name(first), _name(second)


def _name(text: bytes) -> bytes:
    """A name as a header has it: quoted, or up to the tab before a time."""
    if text.startswith(b'"'):
        return _quoted(text)[0]
    return text.partition(b"\t")[0].rstrip(b" ") if b"\t" in text else text


def _quoted(text: bytes) -> tuple[bytes, bytes]:
    """A name in quotes as git writes them, and what follows it."""
    end = 1
    while end < len(text) and text[end : end + 1] != b'"':
        end += 2 if text[end : end + 1] == b"\\" else 1
    return _ESCAPE.sub(_plain, text[1:end]), text[end + 1 :]


def _plain(match: re.Match[bytes]) -> bytes:
    mark = match[1]
    return bytes([int(mark, 8)]) if len(mark) == 3 else _ESCAPES.get(mark, mark)


def _stripped(name: bytes, count: int) -> bytes:
    """A name without its leading folders; whole where it has fewer."""
    rest: Sequence[bytes] = [part for part in name.split(b"/") if part]
    if len(rest) <= count:
        return rest[-1] if rest and count else name
    return name if count == 0 else b"/".join(rest[count:])
