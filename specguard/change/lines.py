"""The lines that a change adds and removes, read as a stream and only when a rule asks for them.

For expressions, the contents after the change are scanned first. A line that matches there, and that the file
did not have before, is added, however lines are paired. Only files that had such a line before are diffed, in
two new trees with numbers as names. So a range, an index, a working tree and a patch are handled alike.

In such a diff every line of a hunk begins with `+`, `-` or a backslash. So a line that begins with `@@ ` or
`diff --git ` is git's own, and a file's content cannot forge it. Lines `--- ` and `+++ ` can be forged, and
are never searched for. Names are not parsed either.

All expressions form one RE2 program that runs over a megabyte at a time. Only the lines at which it stops are
checked one by one. RE2 must not match a newline there, so that a match cannot hide a line by spanning it.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections import deque
from functools import cached_property
from itertools import chain, groupby, islice

from specguard.change.object_store import SINGLE_READS, SMALL, Reading, whole_lines
from specguard.declaration.patterns import re2_options
from specguard.declaration.regular_expressions import Expression, to_utf8
from specguard.errors import MissingFact
from specguard.model import TYPE_CHECKING, Record, counted, path_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, Final, Literal

    from specguard.change.entries import Entry
    from specguard.change.git import Git


TEXT_LIMIT: Final = 256 << 20
"""The maximum size, in bytes, of a text file that is read for its lines."""

MATCHES_TO_DIFF: Final = 100
"""A modified file with this number of matches is compared by git, without a search of its old content."""

HELD_MATCHES: Final = 1000
"""The number of matches in modified files that are held before their old contents are checked."""

COMPARE_LIMIT: Final = 32 << 20
"""The maximum size, in bytes, of a file that is compared line by line for a rule that wants all its hunks."""


_PROGRAMS: Final = (
    b".bash", b".bats", b".c", b".cjs", b".cpp", b".css", b".env", b".go", b".gradle", b".h", b".html",
    b".java", b".js", b".json", b".jsx", b".kt", b".lua", b".md", b".mjs", b".mk", b".php", b".pl", b".ps1",
    b".py", b".rb", b".rs", b".sh", b".sql", b".tf", b".toml", b".ts", b".tsx", b".vue", b".yaml", b".yml",
    b"Dockerfile", b"Jenkinsfile", b"Makefile",
)  # fmt: skip
"""How names of programs and texts end, which are read in spite of a NUL: some run what is between others."""


class AddedLine(Record):
    """A line that a change adds and that an expression matches.

    Attributes:
        path: the file.
        line: its number in the file after the change, from 1.
        text: the line without its newline (and without a carriage return before it); bytes that are not UTF-8
            are surrogate escapes.
        which: the position of the expression in the caller's sequence.
    """

    path: bytes
    line: int
    text: str
    which: int


class Hunk(Record):
    """Adjacent lines that a change replaces; either side may be empty.

    Attributes:
        old_start: the number of the first removed line, from 1; without removed lines, the number of the line
            after which the others are added.
        removed: the removed lines, without newlines.
        new_start: the number of the first added line, likewise.
        added: the added lines, without newlines.
    """

    old_start: int
    removed: list[bytes]
    new_start: int
    added: list[bytes]


class Totals(Record):
    """The size of a change.

    Attributes:
        added, removed: the number of lines in text files.
    """

    added: int
    removed: int


class Lines:
    """The lines of the regular files of a change; symbolic links and submodules have none.

    Args:
        git: the repository with the contents.

    Attributes:
        skipped: the binary files that `added` has skipped so far, and texts in UTF-16, of which it finds only
            what is in ASCII.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self.skipped: set[bytes] = set()

    def account(self) -> str:
        """Return a note on skipped files, for a person: `3 binary files skipped`; empty if there are none."""
        return f"{counted(len(self.skipped), 'binary file')} skipped" if self.skipped else ""

    def added(self, expressions: Sequence[Expression], entries: Sequence[Entry]) -> Iterator[AddedLine]:
        """Yield the added lines that match.

        Those of one file come by line and then by expression, but files may come in any order. Binary files
        are skipped and counted.

        Args:
            expressions: the expressions, each matched separately.
            entries: the entries to search.

        Raises:
            MissingFact: an object is not there, a text is larger than `TEXT_LIMIT`, or a line is too long.
        """
        files = [entry for entry in entries if entry.has_new_content]
        if not expressions or not files:
            return
        scanner = Scanner(expressions)
        for entry, blocks in self._read_texts([entry for entry in files if not entry.was_file]):
            yield from scanner.file(entry.path, blocks)
        undecided: list[Entry] = []
        yield from self._find_new_lines(scanner, [entry for entry in files if entry.was_file], undecided)
        for piece in self._diff_pieces(undecided, TEXT_LIMIT, removed=False):
            if piece.side:
                yield from scanner.lines(undecided[piece.number].path, piece.block, piece.line)

    def compare(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Sequence[Hunk]]]:
        """Yield the lines that each entry removes and adds; entries without changed lines are left out.

        One process reads all of them. A binary file is read as text.

        Raises:
            MissingFact: an object is not there, or is larger than `COMPARE_LIMIT`.
        """
        files = [entry for entry in entries if _has_text(entry)]
        pieces = self._diff_pieces(files, COMPARE_LIMIT)
        for number, of_file in groupby(pieces, key=lambda piece: piece.number):
            hunks: list[Hunk] = []
            for piece in of_file:
                if not piece.side:
                    hunks.append(Hunk(piece.line, [], piece.other, []))
                else:
                    side = hunks[-1].removed if piece.side == "-" else hunks[-1].added
                    side += piece.block.split(b"\n")
            yield files[number], hunks

    def compare_known(self, entries: Sequence[Entry]) -> dict[bytes, Sequence[Hunk]]:
        """Return the hunks of those entries that can be compared, by path; the others are left out."""
        try:
            return {entry.path: hunks for entry, hunks in self.compare(entries)}
        except MissingFact:
            # At least one file is missing or too large. Comparing halves takes few processes to leave it out.
            half = len(entries) // 2
            return self.compare_known(entries[:half]) | self.compare_known(entries[half:]) if half else {}

    def totals(self, entries: Sequence[Entry]) -> Totals:
        """Count the lines that these entries add and remove.

        Raises:
            MissingFact: an object is not there, or is larger than `TEXT_LIMIT`.
        """
        files = [entry for entry in entries if _has_text(entry)]
        added = removed = 0
        if files:
            words = ("diff-tree", "--numstat", "-z", *_DIFF_OPTIONS, *self._trees(files, TEXT_LIMIT))
            for record in self._git.ask("the change's lines", *words).split(b"\0"):
                plus, minus, *_ = [*record.split(b"\t"), b""]
                # Binary files have no lines.
                if plus.isdigit():
                    added += int(plus)
                    removed += int(minus)
        return Totals(added, removed)

    def _read_texts(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Iterator[bytes]]]:
        """Yield each text file after the change, with its content in blocks of whole lines."""
        try:
            yield from self._stream(entries) if len(entries) > SINGLE_READS else self._read_small(entries)
        except MissingFact as missing:
            # The reason names an object's id, but a person knows a file by its path.
            path = next((f"{path_text(one.path)}: " for one in entries if one.new in missing.reason), "")
            raise MissingFact(f"{path}{missing.reason}", missing.command, code=missing.code) from missing

    def _read_small(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Iterator[bytes]]]:
        """Yield few files as `_read_texts` does; most need no process of their own."""
        contents = self._git.blobs([entry.new for entry in entries], limit=min(SMALL, TEXT_LIMIT))
        for entry, (_, content) in zip(entries, contents, strict=True):
            if content is None:
                yield from self._stream([entry])
            elif not self._skips(entry, content):
                yield entry, whole_lines([content], path_text(entry.path))

    def _skips(self, entry: Entry, head: bytes) -> bool:
        """Return True for a binary file, and count it; count a text in UTF-16, too."""
        # Git looks for a NUL in as many bytes (`buffer_is_binary` in its xdiff-interface.c).
        if b"\0" not in (head := head[:8000]):
            return False
        # A NUL in a comment does not stop who reads or runs the rest.
        is_binary = not (entry.path.endswith(_PROGRAMS) or head.startswith(b"#!"))
        if is_binary or head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            self.skipped.add(entry.path)
        return is_binary

    def _stream(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Iterator[bytes]]]:
        """Yield files as `_read_texts` does, from a separate process, without holding a whole content."""
        waiting = deque(entries)
        while waiting:
            streams = self._git.streams([entry.new for entry in waiting])
            for kind, size, pieces in streams:
                entry = waiting.popleft()
                if kind != "blob":
                    raise self._git.missing(f"object {entry.new}", f"it is a {kind}, and no file")
                first = next(pieces, b"")
                if not self._skips(entry, first):
                    if size > TEXT_LIMIT:
                        raise _too_large(entry, size, TEXT_LIMIT)
                    yield entry, whole_lines(chain([first], pieces), path_text(entry.path))
                if size > TEXT_LIMIT:
                    # The rest would have to be read in order to skip it, so a new process starts after it.
                    streams.close()
                    break

    def _find_new_lines(
        self, scanner: Scanner, entries: Sequence[Entry], undecided: list[Entry]
    ) -> Iterator[AddedLine]:
        """Yield matching lines of files that had none of them before; add the other files to `undecided`."""
        waiting: list[tuple[Entry, list[AddedLine]]] = []
        count = 0
        for entry, blocks in self._read_texts(entries):
            lines = list(islice(scanner.file(entry.path, blocks), MATCHES_TO_DIFF))
            if len(lines) == MATCHES_TO_DIFF:
                undecided.append(entry)
            elif lines:
                waiting.append((entry, lines))
                count += len(lines)
            if count >= HELD_MATCHES:
                yield from self._check_waiting(scanner, waiting, undecided)
                waiting, count = [], 0
        yield from self._check_waiting(scanner, waiting, undecided)

    def _check_waiting(
        self, scanner: Scanner, waiting: Sequence[tuple[Entry, list[AddedLine]]], undecided: list[Entry]
    ) -> Iterator[AddedLine]:
        """Yield lines as `_find_new_lines` does, for files whose matching lines are known."""
        contents = self._git.blobs([entry.old for entry, _ in waiting], limit=SMALL)
        for (entry, lines), (_, content) in zip(waiting, contents, strict=True):
            texts = {line.text for line in lines}
            if content is not None and texts.isdisjoint(one.text for one in scanner.file(b"", [content])):
                yield from lines
            else:
                undecided.append(entry)

    def _diff_pieces(self, entries: Sequence[Entry], limit: int, *, removed: bool = True) -> Iterator[Piece]:
        """Yield the diff of these entries in order, each numbered by its position."""
        if entries:
            command = ("diff-tree", "-p", "-U0", "--text", *_DIFF_OPTIONS)
            process = self._git.start(*command, *self._trees(entries, limit), wide=True)
            try:
                with Reading(self._git, "the change's lines"):
                    yield from parse_diff(whole_lines(process.chunks(), "the change"), removed=removed)
            finally:
                process.stop()

    def _trees(self, entries: Sequence[Entry], limit: int) -> Sequence[str]:
        """Make the two trees with the entries' files before and after, each named by its position.

        Raises:
            MissingFact: an object is not there, or is larger than the limit.
        """
        numbered = list(enumerate(entries))
        before = "".join(f"100644 blob {one.old}\t{at:08}\n" for at, one in numbered if one.was_file)
        after = "".join(f"100644 blob {one.new}\t{at:08}\n" for at, one in numbered if one.is_file)
        self._git.use_scratch()
        # An empty line ends a tree, also one without entries.
        text = f"{before}\n{after}\n".encode("ascii")
        process = self._git.start("mktree", "--batch", "--missing", stdin=text)
        self._refuse_large(entries, limit)
        return self._git.read(process, "the change's files").decode("ascii").split()

    def _refuse_large(self, entries: Sequence[Entry], limit: int) -> None:
        sides = {entry.new for entry in entries if entry.is_file}
        sides |= {entry.old for entry in entries if entry.was_file}
        sizes = self._git.sizes(sorted(sides))
        for entry in entries:
            size = max(sizes.get(entry.new, 0), sizes.get(entry.old, 0))
            if size > limit:
                raise _too_large(entry, size, limit)


_DIFF_OPTIONS: Final = ("--no-renames", "--full-index", "--no-ext-diff", "--no-textconv")


def _has_text(entry: Entry) -> bool:
    return entry.has_new_content or (entry.was_file and entry.old != entry.new)


def _too_large(entry: Entry, size: int, limit: int) -> MissingFact:
    what = f"{path_text(entry.path)} has {size} bytes, and at most {limit} are read for their lines"
    return MissingFact(f"{what}; the rule's 'exclude' takes a file out", code="size-limit")


_MARK: Final = (
    rb"\n(?:@@ -([0-9]{1,18})(?:,[0-9]+)? \+([0-9]{1,18})(?:,[0-9]+)? @@[^\n]*"
    rb"|diff --git a/([0-9]{1,18}) b/[0-9]+|\\[^\n]*)(?=\n)"
)


class Piece(Record):
    """Adjacent lines that one hunk removes or adds; a large hunk comes in several pieces.

    Attributes:
        number: the name of the compared file, as a number.
        side: `-` for removed lines, `+` for added ones; empty for a hunk's start, which has no lines.
        line: the number of the first line in its file, from 1. For a hunk's start it is that of the first
            removed line, and `other` that of the first added one. A side without lines has the number of the
            line before it.
        block: the lines, without the diff's marks before them and without the last newline.
    """

    number: int
    side: Literal["", "-", "+"]
    line: int
    block: bytes
    other: int = 0


def parse_diff(blocks: Iterable[bytes], *, removed: bool = True) -> Iterator[Piece]:
    """Parse a diff.

    Args:
        blocks: the diff, cut after newlines.
        removed: True to yield removed lines.

    Yields:
        For each hunk its start, then its removed lines if requested, then its added lines.
    """
    find = re.compile(_MARK).search
    number = old = new = 0
    inside = False
    for block in blocks:
        # Each line is searched for with the newline before it, so that the search is for one plain byte.
        text = b"\n" + block
        start, last = 0, len(text) - 1
        while True:
            mark = find(text, start)
            end = mark.start() if mark else last
            if inside and start < end:
                plus = text.find(b"\n+", start, end)
                middle = end if plus < 0 else plus
                if removed and start < middle:
                    lines = text[start + 2 : middle].replace(b"\n-", b"\n")
                    yield Piece(number, "-", old, lines)
                    # Only a hunk that continues in the next block needs its next line number.
                    old += 0 if mark else lines.count(b"\n") + 1
                if middle < end:
                    lines = text[middle + 2 : end].replace(b"\n+", b"\n")
                    yield Piece(number, "+", new, lines)
                    new += 0 if mark else lines.count(b"\n") + 1
            if mark is None:
                break
            start = mark.end()
            if mark[1]:
                inside, old, new = True, int(mark[1]), int(mark[2])
                yield Piece(number, "", old, b"", new)
            elif mark[3]:
                inside, number = False, int(mark[3])


# The anchors for the start or end of the whole text, which a program over many lines does not know.
_TEXT_ANCHOR: Final = r"\\[Az]|\(\?[a-zA-Z]*-[a-zA-Z]*m"
_EVERY_LINE: Final = "(?m)^"
_LINE_ENDS: Final = [end.encode() for end in "\x85\u2028\u2029"]
"""Where C# or JavaScript end a line, as they do at a carriage return, and git does not."""


class Scanner:
    """A set of expressions to search for in blocks of lines.

    A line is matched without its newline and without a carriage return before it, as UTF-8. Each byte that is
    not UTF-8 counts as one character, which `.` matches.

    RE2 is loaded and the expressions are compiled when a block contains a text that a match needs. In a hook,
    blocks seldom do. From then on only the program runs, which is faster than one search for each text.
    """

    def __init__(self, expressions: Sequence[Expression]) -> None:
        self._expressions = expressions
        known = [expression.literals for expression in expressions]
        literals = [literal.encode("ascii") for literals in known for literal in literals]
        self._literals = literals if all(known) else None

    @cached_property
    def _program(self) -> Any:
        """The program that stops at lines which may match."""
        self._literals = None
        return _compile_any([expression.text for expression in self._expressions])

    def file(self, path: bytes, blocks: Iterable[bytes]) -> Iterator[AddedLine]:
        """Yield the matching lines of a file's content, as `lines`."""
        first = 1
        for block in blocks:
            yield from self.lines(path, block.removesuffix(b"\n"), first)
            first += block.count(b"\n")

    def lines(self, path: bytes, block: bytes, first: int) -> Iterator[AddedLine]:
        """Yield each matching line, once for each expression that matches it.

        Args:
            path: the file.
            block: lines separated by newlines, without one after the last line.
            first: the number of the first line.
        """
        if not (self._literals is None or b"\0" in block or any(one in block for one in self._literals)):
            return
        plain = to_utf8(block.replace(b"\r\n", b"\n").removesuffix(b"\r") if b"\r" in block else block)
        found = set(self._search(plain))
        # A file's byte-order mark is in front of its text, where no expression would see a line begin.
        broken = bare = (plain.removeprefix(BOM_UTF8) if first == 1 else plain).replace(b"\0", b"")
        if bare != plain:
            found.update(self._search(bare))
        for end in _LINE_ENDS:
            broken = broken.replace(end, b"\r")
        # What runs a program may end its lines there, too, as Python does at a carriage return.
        if b"\r" in broken:
            lines = [line.split(b"\r") for line in broken.split(b"\n")]
            places = [at for at, parts in enumerate(lines) for _ in parts]
            text = b"\n".join(chain.from_iterable(lines))
            found.update((places[at], which) for at, which in self._search(text))
        original = block.split(b"\n") if found else []
        for at, which in sorted(found):
            line = original[at].removesuffix(b"\r").decode("utf-8", "surrogateescape")
            yield AddedLine(path, first + at, line, which)

    def _search(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Yield the position of each line that matches, from 0, and that of the expression."""
        number = counted = position = 0
        # The search continues at the start of the next line.
        while position <= len(text) and (match := self._program.search(text, position)):
            start = text.rfind(b"\n", 0, match.start()) + 1
            end = text.find(b"\n", match.start())
            line = text[start:] if end < 0 else text[start:end]
            number += text.count(b"\n", counted, start)
            counted = start
            yield from ((number, which) for which, one in enumerate(self._expressions) if one.search(line))
            position = start + len(line) + 1


def _compile_any(texts: Sequence[str]) -> Any:
    """Compile one expression that stops at every line at which one of these would, and perhaps at others."""
    import re2

    options = re2_options(latin1=False, never_nl=True, never_capture=True)
    if not re.search(_TEXT_ANCHOR, "\n".join(texts)):
        try:
            return re2.compile("(?m)" + "|".join(f"(?:{text})" for text in texts), options)
        except re2.error:
            # Together they are too large, or two of them use the same group name.
            pass
    return re2.compile(_EVERY_LINE, options)
