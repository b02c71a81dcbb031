"""The files of a unified diff, as `git apply` and `patch` may take them.

A diff's headers can disagree with each other, and a diff can stand where nobody looks for one, such as in
the message of a mail: every name that any header has is told. Lines within a hunk, by its own counts, are
never headers.
"""

from __future__ import annotations

import re

from specguard.integrations.hooks.deeds import FileEdit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

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
