"""The documents of one tree: every blob is read once and every document parsed once."""

from __future__ import annotations

from specguard.change.entry import SYMLINK
from specguard.change.store import DOCUMENT_LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

    from specguard.change.tree import Tree
    from specguard.declaration.patterns import Selecting
    from specguard.documents.data import Data
    from specguard.documents.document import Document
    from specguard.documents.fields import Field
    from specguard.documents.hidden import Hidden
    from specguard.documents.problem import Problem

KEPT: Final = 64 << 20
"""How many bytes of contents are kept; of what is more, the oldest is read again where it is asked for."""


class Documents:
    """The documents of a tree, read and parsed when they are first asked for.

    Files with the same content are one document, so nothing in a document says where it is.

    Args:
        tree: whose files they are.

    Attributes:
        tree: the same.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._contents: dict[str, bytes | None] = {}
        self._size = 0
        self._documents: dict[str, Document] = {}
        self._data: dict[tuple[str, str], Data] = {}

    def read(self, path: bytes) -> Document | None:
        """The Markdown document at a path; None where there is no regular file.

        One that cannot be read (no UTF-8, binary, too large, nested too deeply) has a `problem` and no
        blocks, so that whatever it must hold is found missing.

        Raises:
            MissingFact: the object is not there, or is broken.
        """
        oid = self._oid(path)
        return None if oid is None else self._document(oid, path)

    def data(self, path: bytes) -> Data | None:
        """The data of a `.json`, `.yaml`, `.yml` or `.toml` file, or the front matter of any other one.

        Data that cannot be read has a `problem`, and None as its value.

        Raises:
            MissingFact: the object is not there, or is broken.
        """
        from specguard.documents.kinds import data_kind

        kind = data_kind(path)
        if kind is None:
            document = self.read(path)
            return None if document is None else document.properties
        oid = self._oid(path)
        if oid is None:
            return None
        known = self._data.get((oid, kind))
        if known is None:
            from specguard.documents.data import Data, data_of

            content = self._content(oid, path)
            self._data[oid, kind] = known = (
                Data.unread(_too_large()) if content is None else data_of(content, kind)
            )
        return known

    def fields(self, path: bytes) -> Sequence[Field]:
        """The fields of a file: the keys of data, else those of its front matter and its text.

        There are none where it is no regular file, or cannot be read.

        Raises:
            MissingFact: the object is not there, or is broken.
        """
        from specguard.documents.fields import data_fields, read_fields
        from specguard.documents.kinds import data_kind

        if data_kind(path) is not None:
            data = self.data(path)
            return [] if data is None else data_fields(data)
        document = self.read(path)
        return [] if document is None else read_fields(document)

    def content(self, path: bytes) -> bytes | None:
        """What a regular file holds; None where there is none.

        Raises:
            MissingFact: the object is not there, is broken, or is larger than `DOCUMENT_LIMIT`.
        """
        oid = self._oid(path)
        if oid is None:
            return None
        content = self._content(oid, path)
        return self.tree.read(path) if content is None else content

    def lines(self, path: bytes) -> int | None:
        """How many lines a file has, so that a line that is cited can be looked up; None: no such file.

        Raises:
            MissingFact: as for `content`.
        """
        content = self.content(path)
        if content is None:
            return None
        return content.count(b"\n") + (not content.endswith(b"\n") and bool(content))

    def hidden(self, path: bytes) -> Iterator[Hidden]:
        """What a file hides from who reads the rendered page; nothing where there is no regular file.

        Raises:
            MissingFact: as for `content`.
        """
        oid = self._oid(path)
        content = self.content(path)
        if oid is None or content is None:
            return
        from specguard.documents.hidden import hidden
        from specguard.documents.kinds import is_markdown

        yield from hidden(content, (lambda: self._document(oid, path)) if is_markdown(path) else None)

    def unread_links(self, patterns: Selecting, paths: Sequence[bytes]) -> Iterator[bytes]:
        """Of some paths those that patterns select and that are a link or a submodule: nothing there is read.

        A symbolic link to a file that the patterns select as well is left out, since that one is read.

        Args:
            patterns: what selects documents.
            paths: the paths; what is not there does not count.

        Raises:
            MissingFact: an object is not there.
        """
        for position, _ in patterns.find_each(paths):
            entry = self.tree.find(paths[position])
            if entry is None or entry.is_file or entry.is_directory:
                continue
            target = self._target(paths[position], entry.mode)
            there = self.tree.find(target) if target else None
            if there is None or not there.is_file or patterns.find(target) is None:
                yield paths[position]

    def _target(self, path: bytes, mode: int) -> bytes:
        """Where a symbolic link leads in the tree; empty where it leads out of it, or is none."""
        parts = path.split(b"/")[:-1]
        written = self.tree.read(path) or b"" if mode == SYMLINK else b""
        if not written or written.startswith(b"/"):
            return b""
        for part in written.split(b"/"):
            if part == b"..":
                if not parts:
                    return b""
                parts.pop()
            elif part not in (b"", b"."):
                parts.append(part)
        return b"/".join(parts)

    def prefetch(self, paths: Iterable[bytes]) -> None:
        """Read many files at once, where they will be asked for one by one.

        Raises:
            MissingFact: an object is not there, or is broken.
        """
        oids = {oid: path for path in paths if (oid := self._oid(path)) and oid not in self._contents}
        for oid, content in self.tree.blobs(list(oids)):
            self._keep(oid, content)

    def _document(self, oid: str, path: bytes) -> Document:
        known = self._documents.get(oid)
        if known is None:
            from specguard.documents.document import Document

            content = self._content(oid, path)
            self._documents[oid] = known = (
                Document.unread(_too_large()) if content is None else Document.of(content)
            )
        return known

    def _oid(self, path: bytes) -> str | None:
        entry = self.tree.find(path)
        return entry.oid if entry is not None and entry.is_file else None

    def _content(self, oid: str, path: bytes) -> bytes | None:
        """A blob's content; None where it is too large."""
        if oid not in self._contents:
            self.prefetch([path])
        return self._contents[oid]

    def _keep(self, oid: str, content: bytes | None) -> None:
        self._contents[oid] = content
        self._size += len(content or b"")
        while self._size > KEPT and len(self._contents) > 1:
            oldest = next(iter(self._contents))
            self._size -= len(self._contents.pop(oldest) or b"")


def _too_large() -> Problem:
    from specguard.documents.problem import Problem

    return Problem(f"it has more than {DOCUMENT_LIMIT >> 20} MiB")
