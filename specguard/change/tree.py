"""The files of one tree and its documents: every blob is read once and every document parsed once."""

from __future__ import annotations

from codecs import BOM_UTF8
from functools import cached_property, lru_cache, partial

from specguard.change.entries import DIRECTORY, SUBMODULE, SYMLINK, Entry
from specguard.change.object_store import DOCUMENT_LIMIT
from specguard.errors import MissingFact
from specguard.model import TYPE_CHECKING, Record, cached_method, plain_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeVar

    from specguard.change.git import Git
    from specguard.declaration.patterns import Selecting
    from specguard.documents.data import Data, Kind, Problem
    from specguard.documents.document import Document
    from specguard.documents.fields import Field
    from specguard.documents.inline import Hidden
    from specguard.documents.secrets import CredentialFinder

    _Read = TypeVar("_Read")


class TreeEntry(Record):
    """The entry of a tree under one name.

    Attributes:
        mode: e.g. `0o100644`; `0o040000` for a directory.
        oid: the object id of the blob, tree or submodule commit; empty for a directory that a change alters.
    """

    mode: int
    oid: str

    @property
    def is_directory(self) -> bool:
        """True if the entry is a directory."""
        return self.mode == DIRECTORY

    @property
    def is_file(self) -> bool:
        """True if the entry is a regular file."""
        return self.mode & 0o170000 == 0o100000

    @property
    def is_submodule(self) -> bool:
        """True if the entry is a submodule."""
        return self.mode == SUBMODULE


_shared_entry = lru_cache(maxsize=1 << 14)(TreeEntry)
"""Trees of successive commits share most of their entries."""


class Tree:
    """The files of a tree, read as rules ask for them; every object's content is compared with its id.

    Args:
        git: the repository to read.
        root: the tree's object id; None: an empty tree.
        changes: entries that are applied to the tree, such as those between `HEAD` and the index.

    Attributes:
        git: the repository.
    """

    def __init__(self, git: Git, root: str | None, changes: Sequence[Entry] = ()) -> None:
        self.git = git
        self._root = root
        self._changes = changes

    def find(self, path: bytes) -> TreeEntry | None:
        """Return the entry at a path; None if there is none.

        Raises:
            MissingFact: a tree object is not there.
        """
        if not path:
            return TreeEntry(DIRECTORY, self._root or "")
        directory, slash, name = path.rpartition(b"/")
        return None if slash and not directory else self.names(directory).get(name)

    def has_file(self, path: bytes) -> bool:
        """True if the path is a regular file.

        Raises:
            MissingFact: a tree object is not there.
        """
        entry = self.find(path)
        return entry is not None and entry.is_file

    def has(self, entry: Entry) -> bool:
        """True if the tree has at an entry's path what the entry leaves there.

        Raises:
            MissingFact: a tree object is not there.
        """
        found = self.find(entry.path)
        if found is None or found.is_directory:
            return entry.deleted
        return (found.mode, found.oid) == (entry.new_mode, entry.new)

    @cached_method
    def names(self, directory: bytes) -> Mapping[bytes, TreeEntry]:
        """Return the entries of a directory, by name; empty if the directory does not exist.

        Args:
            directory: its path without a slash at the end; empty for the root.

        Raises:
            MissingFact: a tree object is not there.
        """
        return self._overlay(directory, self._stored_names(directory))

    def read(self, path: bytes, limit: int = DOCUMENT_LIMIT) -> bytes | None:
        """Return the content of a file, or the target of a symbolic link; None if the path is neither.

        Args:
            path: the path from the root.
            limit: the maximum size in bytes.

        Raises:
            MissingFact: the object is not there, is larger than `limit`, or does not match its id.
        """
        entry = self.find(path)
        if entry is None or entry.is_directory or entry.is_submodule:
            return None
        kind, content = self.git.object(entry.oid, limit=limit)
        if kind != "blob":
            what = f"object {entry.oid} is a {kind}, where a file is expected"
            raise MissingFact(what, "git fsck", code="missing-object")
        return content

    @cached_method
    def paths(self) -> Sequence[bytes]:
        """Return the paths of all files, symbolic links and submodules, sorted by bytes.

        Raises:
            MissingFact: a tree object is not there, or the limit of paths is exceeded.
        """
        found: list[bytes] = []
        if self._root:
            found = self.git.list_tree(self._root, "the list of files", "--name-only")
        if self._changes:
            removed = {entry.path for entry in self._changes if entry.deleted}
            new = [entry.path for entry in self._changes if entry.added]
            found = [path for path in found if path not in removed] + new
        return sorted(found)

    def _stored_names(self, directory: bytes) -> Mapping[bytes, TreeEntry]:
        """Return the entries of a directory before the changes are applied."""
        oid = self._root
        for part in directory.split(b"/") if directory else ():
            entry = self._read_folder(oid).get(part) if oid else None
            if entry is None or not entry.is_directory:
                return {}
            oid = entry.oid
        return self._read_folder(oid) if oid else {}

    @cached_method
    def _read_folder(self, oid: str) -> Mapping[bytes, TreeEntry]:
        key, parsed = (oid, "tree"), self.git.parsed
        if key not in parsed:
            names: dict[bytes, TreeEntry] = {}
            kind, content = self.git.object(oid, limit=1 << 30)
            for name, mode, inner in self.git.tree_entries(oid, kind, content):
                # If a name occurs twice, git uses the first.
                names.setdefault(name, _shared_entry(_canonical_mode(mode), inner))
            parsed.add(key, names, len(content))
        known: Mapping[bytes, TreeEntry] = parsed[key]
        return known

    def _overlay(self, directory: bytes, stored: Mapping[bytes, TreeEntry]) -> Mapping[bytes, TreeEntry]:
        changed = self._changed_names.get(directory)
        if changed is None:
            return stored
        names = dict(stored)
        entries, directories = changed
        for entry in entries:
            if entry.deleted:
                names.pop(entry.path.rpartition(b"/")[2], None)
        for name in directories:
            if self.names(directory + b"/" + name if directory else name):
                names[name] = TreeEntry(DIRECTORY, "")
            elif name in names and names[name].is_directory:
                del names[name]
        for entry in entries:
            if not entry.deleted:
                names[entry.path.rpartition(b"/")[2]] = TreeEntry(entry.new_mode, entry.new)
        return names

    @cached_property
    def _changed_names(self) -> Mapping[bytes, tuple[list[Entry], set[bytes]]]:
        """The changed entries in each directory, and its subdirectories that have changed entries."""
        below: dict[bytes, tuple[list[Entry], set[bytes]]] = {}
        for entry in self._changes:
            directory = entry.path.rpartition(b"/")[0]
            known = directory in below
            below.setdefault(directory, ([], set()))[0].append(entry)
            while directory and not known:
                parent, _, name = directory.rpartition(b"/")
                known = parent in below and bool(parent)
                below.setdefault(parent, ([], set()))[1].add(name)
                directory = parent
        return below


def _canonical_mode(mode: int) -> int:
    """Return the mode as git reads it, whatever bits the tree object has."""
    kind = mode & 0o170000
    if kind == 0o100000:
        return 0o100755 if mode & 0o100 else 0o100644
    return kind if kind in (SYMLINK, DIRECTORY) else SUBMODULE


class SizedCache:
    """Values with a size in bytes; beyond a total size, the oldest are dropped.

    Args:
        limit: the maximum total size; one value may be larger.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._held: dict[object, tuple[Any, int]] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._held

    def __getitem__(self, key: object) -> Any:
        return self._held[key][0]

    def add(self, key: object, value: object, size: int) -> None:
        """Keep a new value."""
        self._held[key] = value, size
        self._size += size
        while self._size > self._limit and len(self._held) > 1:
            self._size -= self._held.pop(next(iter(self._held)))[1]


class Documents:
    """The documents of a tree, read and parsed when they are first needed.

    Files with the same content are one document, so a document does not know its path.

    Args:
        tree: the tree with the files.

    Attributes:
        tree: the tree.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._known: dict[tuple[str, str], Any] = {}

    def read(self, path: bytes) -> Document | None:
        """Return the Markdown document at a path; None if the path is not a regular file.

        A document that cannot be read (not UTF-8, binary, too large, nested too deeply) has a `problem` and
        an empty list of blocks. So everything that it must contain is reported as missing.

        Raises:
            MissingFact: the object is not there, or is broken.
        """
        oid = self._oid(path)
        return None if oid is None else self._parse_once(oid, path, "", _parse_document)

    def data(self, path: bytes) -> Data | None:
        """Return the data of a `.json`, `.yaml`, `.yml` or `.toml` file, or the front matter of another.

        Data that cannot be read has a `problem`, and None as its value. The result is None if the path is not
        a regular file.

        Raises:
            MissingFact: the object is not there, or is broken.
        """
        from specguard.documents.data import data_kind

        kind = data_kind(path)
        if kind is None:
            document = self.read(path)
            return None if document is None else document.properties
        oid = self._oid(path)
        return None if oid is None else self._parse_once(oid, path, kind, partial(_parse_data, kind))

    def fields(self, path: bytes) -> Sequence[Field]:
        """Return the fields of a file: the keys of data, or those of its front matter and its text.

        Empty if the path is not a regular file or cannot be read.

        Raises:
            MissingFact: the object is not there, or is broken.
        """
        from specguard.documents.data import data_kind
        from specguard.documents.fields import key_fields, read_fields

        if data_kind(path) is not None:
            data = self.data(path)
            return [] if data is None else list(key_fields(data, data.value))
        document = self.read(path)
        return [] if document is None else read_fields(document)

    def content(self, path: bytes) -> bytes | None:
        """Return the content of a regular file, without a byte-order mark; None if the path is not one.

        Raises:
            MissingFact: the object is not there, is broken, or is larger than `DOCUMENT_LIMIT`.
        """
        oid = self._oid(path)
        if oid is None:
            return None
        return (self._content(oid, path) or self.tree.read(path) or b"").removeprefix(BOM_UTF8)

    def lines(self, path: bytes) -> int | None:
        """Return the number of lines in a file, for cited lines; None if the path is not a regular file.

        Raises:
            MissingFact: as for `content`.
        """
        content = self.content(path)
        if content is None:
            return None
        return content.count(b"\n") + (not content.endswith(b"\n") and bool(content))

    def hidden(self, path: bytes) -> Iterator[Hidden]:
        """Yield text of a file that the rendered page does not show; nothing if the file is not regular.

        Raises:
            MissingFact: as for `content`.
        """
        oid = self._oid(path)
        content = self.content(path)
        if oid is None or content is None:
            return
        from specguard.documents.data import is_markdown
        from specguard.documents.document import find_hidden

        document = partial(self._parse_once, oid, path, "", _parse_document)
        yield from find_hidden(content, document if is_markdown(path) else None)

    @property
    def credentials(self) -> CredentialFinder:
        """The finder of credentials in contents."""
        from specguard.documents.secrets import CredentialFinder

        return CredentialFinder()

    def unread_links(self, patterns: Selecting, paths: Sequence[bytes]) -> Iterator[bytes]:
        """Yield the selected paths that are a link or a submodule, so that no document is read there.

        A symbolic link to a file that the patterns also select is left out, because that file is read.

        Args:
            patterns: the patterns that select documents.
            paths: the paths; those that do not exist are skipped.

        Raises:
            MissingFact: an object is not there.
        """
        for path in patterns.among(paths):
            entry = self.tree.find(path)
            if entry is None or entry.is_file or entry.is_directory:
                continue
            target = self._link_target(path, entry.mode)
            linked = self.tree.find(target) if target else None
            if linked is None or not linked.is_file or not patterns.matches(target):
                yield path

    def unread(self, patterns: Selecting, paths: Sequence[bytes]) -> Iterator[tuple[bytes, Problem]]:
        """Yield the selected paths of which no document can be read, each with the reason.

        Args:
            patterns: as for `unread_links`.
            paths: as there.

        Raises:
            MissingFact: an object is not there.
        """
        from specguard.documents.data import Problem

        for path in self.unread_links(patterns, paths):
            yield path, Problem("it is not a regular file")
        for path in patterns.among(paths):
            document = self.read(path)
            if document is not None and document.problem is not None:
                yield path, document.problem

    def _link_target(self, path: bytes, mode: int) -> bytes:
        """Return the target of a symbolic link; empty if it leads outside, or if this is not a link."""
        written = self.tree.read(path) if mode == SYMLINK else None
        if not written or written.startswith(b"/"):
            return b""
        return plain_path(path.rpartition(b"/")[0] + b"/" + written) or b""

    def prefetch(self, paths: Iterable[bytes]) -> None:
        """Read many files at once, before they are read one by one.

        Raises:
            MissingFact: an object is not there, or is broken.
        """
        oids = {oid: path for path in paths if (oid := self._oid(path)) and oid not in self.tree.git.contents}
        for oid, content in self.tree.git.blobs(list(oids)):
            self.tree.git.contents.add(oid, content, len(content or b""))

    def _parse_once(self, oid: str, path: bytes, kind: str, parse: Callable[[bytes | None], _Read]) -> _Read:
        """Parse a content once for each kind; `parse` gets None for a content that is too large."""
        key, parsed = (oid, kind), self.tree.git.parsed
        if key not in self._known:
            if key not in parsed:
                content = self._content(oid, path)
                parsed.add(key, parse(content), len(content or b""))
            self._known[key] = parsed[key]
        known: _Read = self._known[key]
        return known

    def _oid(self, path: bytes) -> str | None:
        entry = self.tree.find(path)
        return entry.oid if entry is not None and entry.is_file else None

    def _content(self, oid: str, path: bytes) -> bytes | None:
        """Return a blob's content; None if it is too large."""
        if oid not in self.tree.git.contents:
            self.prefetch([path])
        content: bytes | None = self.tree.git.contents[oid]
        return content


def _parse_document(content: bytes | None) -> Document:
    from specguard.documents.document import Document

    return Document.unread(_size_problem()) if content is None else Document.of(content)


def _parse_data(kind: Kind, content: bytes | None) -> Data:
    from specguard.documents.data import Data, data_of

    return Data(None, problem=_size_problem()) if content is None else data_of(content, kind)


def _size_problem() -> Problem:
    from specguard.documents.data import Problem

    return Problem(f"it has more than {DOCUMENT_LIMIT >> 20} MiB")
