"""The lines that a change adds and removes, read as a stream and only where a rule asks for them.

For expressions the contents after the change are scanned first, and a diff is made only of files that have a
match; the files are compared under numbers for names, in two trees of their own, so that a range, an index, a
working tree and a patch are all one thing here.
"""

from __future__ import annotations

from specguard.change.blobs import BlobReader, is_binary, whole_lines
from specguard.change.process import CommandError
from specguard.change.scan import Scanner
from specguard.change.store import FEW
from specguard.errors import MissingFact
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.change.entry import Entry
    from specguard.change.git import Git
    from specguard.change.hunks import Piece
    from specguard.declaration.expressions import Expression

TEXT_LIMIT: Final = 256 << 20
"""A text file larger than this, in bytes, is not read for its lines."""

SAMPLE: Final = 32
"""So many modified files tell whether it pays to look for matches before comparing the others."""

COMPARE_LIMIT: Final = 32 << 20
"""A file larger than this, in bytes, is not compared line by line for a rule that wants all its hunks."""


class AddedLine:
    """A line that a change adds and that an expression matches.

    Attributes:
        path: the file.
        line: its number in the file after the change, from 1.
        text: the line without its newline (and without a carriage return before it); bytes that are not
            UTF-8 as surrogate escapes.
        which: the position of the expression in the sequence that was asked for.
    """

    __slots__ = ("line", "path", "text", "which")

    def __init__(self, path: bytes, line: int, text: str, which: int) -> None:
        self.path = path
        self.line = line
        self.text = text
        self.which = which


class Hunk:
    """Lines next to each other that a change replaces; either side may be empty.

    Attributes:
        old_start: the number of the first removed line, from 1; where none is removed, that of the line after
            which the others are added.
        removed: the removed lines, without newlines.
        new_start: the number of the first added line, likewise.
        added: the added lines, without newlines.
    """

    __slots__ = ("added", "new_start", "old_start", "removed")

    def __init__(self, old_start: int, removed: list[bytes], new_start: int, added: list[bytes]) -> None:
        self.old_start = old_start
        self.removed = removed
        self.new_start = new_start
        self.added = added


class Totals:
    """The size of a change.

    Attributes:
        added, removed: lines of text files.
        bytes: the sizes, after the change, of the files whose content it changes, binary ones included.
        binary: how many of the files are binary, whose lines are not counted.
    """

    __slots__ = ("added", "binary", "bytes", "removed")

    def __init__(self, *, added: int, removed: int, size: int, binary: int) -> None:
        self.added = added
        self.removed = removed
        self.bytes = size
        self.binary = binary


class Lines:
    """The lines of the regular files of a change; symbolic links and submodules have none.

    Args:
        git: where the contents are.

    Attributes:
        skipped: the binary files that `added` has passed over so far (a NUL within the first 8000 bytes).
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self.skipped: set[bytes] = set()

    def account(self) -> str:
        """What was not looked at, for a person: `3 binary files skipped`; empty where that is nothing."""
        count = len(self.skipped)
        return f"{count} binary file{'s' if count != 1 else ''} skipped" if count else ""

    def added(self, expressions: Sequence[Expression], entries: Sequence[Entry]) -> Iterator[AddedLine]:
        """The added lines that match.

        They come file by file, those of a file by line and then by expression; binary files are passed over
        and counted.

        Args:
            expressions: what to look for, each by itself.
            entries: where to look.

        Raises:
            MissingFact: an object is not there, a text is larger than `TEXT_LIMIT`, or a line too long.
        """
        files = [entry for entry in entries if entry.is_file and entry.old != entry.new]
        if not expressions or not files:
            return
        scanner = Scanner(expressions)
        for entry, blocks in self._texts([entry for entry in files if not _was_file(entry)]):
            first = 1
            for block in blocks:
                for number, text, which in scanner.lines(block.removesuffix(b"\n"), first):
                    yield AddedLine(entry.path, number, text, which)
                first += block.count(b"\n")
        modified = [entry for entry in files if _was_file(entry)]
        matching = self._matching(scanner, modified[:SAMPLE])
        if 2 * len(matching) < SAMPLE or len(modified) <= SAMPLE:
            matching += self._matching(scanner, modified[SAMPLE:])
        else:
            # Most files have a match: all are compared at once, but for those that git takes for binary.
            compared = set()
            for piece in self._pieces(modified, removed=False):
                compared.add(piece.number)
                yield from _added(scanner, piece, modified)
            left = [entry for position, entry in enumerate(modified) if position not in compared]
            matching = self._matching(scanner, left)
        for piece in self._pieces(matching, "--text", removed=False):
            yield from _added(scanner, piece, matching)

    def hunks(self, entry: Entry) -> Sequence[Hunk]:
        """What one entry removes and adds; a binary file is taken for a text.

        Raises:
            MissingFact: an object is not there, or is larger than `COMPARE_LIMIT`.
        """
        return next((hunks for _, hunks in self.compare([entry])), ())

    def compare(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Sequence[Hunk]]]:
        """The hunks of many entries, from one process for all; those that change no line are left out.

        Raises:
            MissingFact: as `hunks`.
        """
        files = [entry for entry in entries if _has_text(entry)]
        number = 0
        hunks: list[Hunk] = []
        for piece in self._pieces(files, "--text", limit=COMPARE_LIMIT):
            if not piece.side:
                if piece.number != number and hunks:
                    yield files[number], hunks
                    hunks = []
                number = piece.number
                hunks.append(Hunk(piece.line, [], piece.other, []))
            else:
                side = hunks[-1].removed if piece.side == "-" else hunks[-1].added
                side += piece.block.split(b"\n")
        if hunks:
            yield files[number], hunks

    def totals(self, entries: Sequence[Entry]) -> Totals:
        """How much these entries add and remove.

        Raises:
            MissingFact: an object is not there, or is larger than `TEXT_LIMIT`.
        """
        files = [entry for entry in entries if _has_text(entry)]
        added = removed = binary = 0
        if files:
            trees = self._trees(files, TEXT_LIMIT)
            process = self._git.start("diff-tree", "--numstat", "-z", *_PLAIN, *trees)
            for record in self._git.read(process, "the change's lines").split(b"\0"):
                plus, _, rest = record.partition(b"\t")
                minus, _, _ = rest.partition(b"\t")
                if plus == b"-":
                    binary += 1
                elif plus:
                    added += int(plus)
                    removed += int(minus)
        return Totals(added=added, removed=removed, size=self._size(entries), binary=binary)

    def _size(self, entries: Sequence[Entry]) -> int:
        new = [entry.new for entry in entries if entry.is_file and entry.old != entry.new]
        sizes = self._git.sizes(sorted(set(new)))
        return sum(sizes[oid] for oid in new)

    def _texts(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Iterator[bytes]]]:
        """Each text file after the change, with its content in blocks of whole lines."""
        if len(entries) > FEW:
            yield from self._streamed(entries)
            return
        for entry in entries:
            content = self._git.small_blob(entry.new, path_text(entry.path))
            if content is None or len(content) > TEXT_LIMIT:
                yield from self._streamed([entry])
            elif is_binary(content):
                self.skipped.add(entry.path)
            else:
                yield entry, whole_lines([content], path_text(entry.path))

    def _streamed(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Iterator[bytes]]]:
        """The same from a process of its own, which holds none of them as a whole."""
        waiting = list(entries)
        while waiting:
            reader = BlobReader(self._git, [entry.new for entry in waiting])
            try:
                for position, entry in enumerate(waiting):
                    size = reader.next(path_text(entry.path))
                    if is_binary(reader.head()):
                        self.skipped.add(entry.path)
                    elif size > TEXT_LIMIT:
                        raise _too_large(entry, size, TEXT_LIMIT)
                    else:
                        yield entry, reader.blocks()
                    if reader.left > TEXT_LIMIT:
                        # What follows would have to be read to get past it: begin again after it.
                        waiting = waiting[position + 1 :]
                        break
                    reader.skip()
                else:
                    waiting = []
            finally:
                reader.close()

    def _matching(self, scanner: Scanner, entries: Sequence[Entry]) -> list[Entry]:
        """The text files that may have a matching line after the change; each is read as far as its first."""
        return [entry for entry, blocks in self._texts(entries) if any(map(scanner.stops_at, blocks))]

    def _pieces(
        self, entries: Sequence[Entry], *options: str, limit: int = 0, removed: bool = True
    ) -> Iterator[Piece]:
        """The diff of these entries, each numbered by its position."""
        if not entries:
            return
        from specguard.change.hunks import pieces

        trees = self._trees(entries, limit or TEXT_LIMIT)
        process = self._git.start("diff-tree", "-p", "-U0", *options, *_PLAIN, *trees, wide=True)
        try:
            yield from pieces(whole_lines(process.chunks(), "the change"), removed=removed)
        except CommandError as error:
            raise self._git.missing("the change's lines", error.first_line) from error
        finally:
            process.stop()

    def _trees(self, entries: Sequence[Entry], limit: int) -> Sequence[str]:
        """Two trees that have the entries' files before and after, each named by its position.

        Raises:
            MissingFact: an object is not there, or is larger than the limit.
        """
        before, after = [], []
        for position, entry in enumerate(entries):
            if _was_file(entry):
                before.append(f"100644 blob {entry.old}\t{position:08}\n")
            if entry.is_file:
                after.append(f"100644 blob {entry.new}\t{position:08}\n")
        self._git.use_scratch()
        # An empty line ends a tree, also one without entries.
        text = "".join([*before, "\n", *after, "\n"]).encode("ascii")
        process = self._git.start("mktree", "--batch", "--missing", stdin=text)
        self._refuse_large(entries, limit)
        return self._git.read(process, "the change's files").decode("ascii").split()

    def _refuse_large(self, entries: Sequence[Entry], limit: int) -> None:
        sides = {entry.new for entry in entries if entry.is_file}
        sides |= {entry.old for entry in entries if _was_file(entry)}
        sizes = self._git.sizes(sorted(sides))
        for entry in entries:
            size = max(sizes.get(entry.new, 0), sizes.get(entry.old, 0))
            if size > limit:
                raise _too_large(entry, size, limit)


_PLAIN: Final = ("--no-renames", "--full-index", "--no-ext-diff", "--no-textconv")


def _added(scanner: Scanner, piece: Piece, entries: Sequence[Entry]) -> Iterator[AddedLine]:
    if piece.side:
        for number, text, which in scanner.lines(piece.block, piece.line):
            yield AddedLine(entries[piece.number].path, number, text, which)


def _was_file(entry: Entry) -> bool:
    """Whether the path was a regular file before the change."""
    return entry.old_mode & 0o170000 == 0o100000


def _has_text(entry: Entry) -> bool:
    return entry.old != entry.new and (entry.is_file or _was_file(entry))


def _too_large(entry: Entry, size: int, limit: int) -> MissingFact:
    return MissingFact(
        f"{path_text(entry.path)} has {size} bytes, and at most {limit} are read for their lines; "
        "the rule's 'exclude' takes a file out",
        code="size-limit",
    )
