"""Contents of any size, read in blocks of whole lines."""

from __future__ import annotations

from specguard.change.process import CommandError
from specguard.errors import MissingFact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

    from specguard.change.git import Git

LINE_LIMIT: Final = 8 << 20
"""A longer line, in bytes, is not read: a block holds at least one line, and memory is bounded."""

BINARY_HEAD: Final = 8000
"""How many bytes git looks at to tell a binary file (`buffer_is_binary` in its xdiff-interface.c)."""


def is_binary(head: bytes) -> bool:
    """Whether a content that begins like this is binary, by git's own test."""
    return b"\0" in head[:BINARY_HEAD]


def whole_lines(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """A content in blocks that end with a newline, but for the last one.

    Args:
        chunks: the content in any pieces.
        name: what it is, for the sentence about its failure.

    Raises:
        MissingFact: a line is longer than `LINE_LIMIT`.
    """
    rest = b""
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        if end:
            yield rest + chunk[:end]
            rest = chunk[end:]
        else:
            rest += chunk
        if len(rest) > LINE_LIMIT:
            raise MissingFact(
                f"{name} has a line of more than {LINE_LIMIT} bytes, which is not read; "
                "the rule's 'exclude' takes a file out",
                code="size-limit",
            )
    if rest:
        yield rest


class BlobReader:
    """Blobs from one `git cat-file`, one after the other, none of them held as a whole.

    Args:
        git: where they are.
        oids: their full object ids.

    Attributes:
        left: how many bytes of the present one were not taken yet.
    """

    def __init__(self, git: Git, oids: Sequence[str]) -> None:
        self._git = git
        self._oids = iter(oids)
        text = "".join(f"{oid}\n" for oid in oids).encode("ascii")
        self._process = git.start("cat-file", "--batch", "--buffer", stdin=text, wide=True)
        self._data = b""
        self._at = 0
        self._name = ""
        self.left = 0

    def next(self, name: str) -> int:
        """Go on to the next blob, all of the present one having been taken or skipped.

        Args:
            name: what it is, for the sentences about its failure.

        Returns:
            Its size in bytes.

        Raises:
            MissingFact: it is not there, or is no blob.
        """
        self._name = name
        oid = next(self._oids)
        while (end := self._data.find(b"\n", self._at)) < 0:
            self._fill()
        fields = self._data[self._at : end].split(b" ")
        self._at = end + 1
        if len(fields) != 3 or fields[0] != oid.encode("ascii") or fields[1] != b"blob":
            raise self._git.missing(name, f"the blob {oid} is not in the object store")
        self.left = int(fields[2])
        return self.left

    def head(self) -> bytes:
        """The beginning of the present blob, which stays to be taken."""
        wanted = min(BINARY_HEAD, self.left)
        while len(self._data) - self._at < wanted:
            self._fill()
        return self._data[self._at : self._at + wanted]

    def blocks(self) -> Iterator[bytes]:
        """What is left of the present blob, in blocks of whole lines.

        Raises:
            MissingFact: a line is longer than `LINE_LIMIT`, or the content ends too early.
        """
        return whole_lines(self._chunks(), self._name)

    def skip(self) -> None:
        """Pass over what is left of the present blob, and over the newline that follows it."""
        for _ in self._chunks():
            pass
        while self._at == len(self._data):
            self._fill()
        self._at += 1

    def close(self) -> None:
        """End the process."""
        self._process.stop()

    def _chunks(self) -> Iterator[bytes]:
        while self.left:
            if self._at == len(self._data):
                self._fill()
            chunk = self._data[self._at : self._at + self.left]
            self._at += len(chunk)
            self.left -= len(chunk)
            yield chunk

    def _fill(self) -> None:
        """Read on; what was not taken yet stays."""
        more = self._process.chunk()
        if not more:
            try:
                self._process.check()
            except CommandError as error:
                raise self._git.missing(self._name, error.first_line) from error
            raise self._git.missing(self._name, "git's output ended too early")
        self._data = self._data[self._at :] + more
        self._at = 0
