"""The lines that a change adds and removes, read as a stream and only where a rule asks for them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.change.entry import Entry
    from specguard.change.git import Git
    from specguard.declaration.expressions import Expression


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

    def __init__(self, *, added: int = 0, removed: int = 0, bytes: int = 0, binary: int = 0) -> None:
        self.added = added
        self.removed = removed
        self.bytes = bytes
        self.binary = binary


class Lines:
    """The lines of the regular files of a change; symbolic links and submodules have none.

    Attributes:
        skipped: the binary files that were passed over so far (a NUL within the first 8000 bytes).
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self.skipped: set[bytes] = set()

    def added(self, expressions: Sequence[Expression], entries: Sequence[Entry]) -> Iterator[AddedLine]:
        """The added lines that match, file by file in the order of `entries`, by line and then expression.

        Raises:
            MissingFact: an object is not there, or a file is too large to be read line by line.
        """
        raise NotImplementedError

    def hunks(self, entry: Entry) -> Sequence[Hunk]:
        """What one entry removes and adds; empty for a binary file.

        Raises:
            MissingFact: as `added`.
        """
        raise NotImplementedError

    def compare(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Sequence[Hunk]]]:
        """The hunks of many entries, in one process for all of them.

        Raises:
            MissingFact: as `added`.
        """
        raise NotImplementedError

    def totals(self, entries: Sequence[Entry]) -> Totals:
        """How much these entries add and remove.

        Raises:
            MissingFact: as `added`.
        """
        raise NotImplementedError
