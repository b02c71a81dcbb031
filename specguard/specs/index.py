"""The index of specs: a JSON, YAML or TOML file whose lists give each spec an id, a path and more."""

from __future__ import annotations

import re

from specguard.declaration.rule import Record
from specguard.documents.citations import plain_path
from specguard.documents.data import Data, dotted
from specguard.documents.fields import DataEntry, elements, find_key, is_scalar, normal_name, scalar_text
from specguard.specs.text import WrittenValue, dates_of, essence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.tree import Documents, Tree
    from specguard.documents.fields import Place
    from specguard.specs.settings import SpecSettings


IDS: Final = ("id", "key", "spec_id", "slug")
"""The keys of an entry that may hold its id, the first that is there."""

PATHS: Final = ("path", "file", "spec", "doc", "document")
"""The keys of an entry, or of its `paths`, that name the spec itself."""

GROUPS: Final = ("paths", "files", "documents", "docs")
"""The keys of an entry that hold several paths by name, as in `paths = {spec = ..., tasks = ...}`."""

_EXTENSION: Final = re.compile(r"\w\.[A-Za-z][A-Za-z0-9]{0,9}(?:#.*)?$")


class NamedPath(Record):
    """A path as an entry gives it.

    Attributes:
        text: the path as written.
        place: its key within the index.
        main: whether its key says that it is the spec; otherwise it is one where `files` has it.
        path: the file that it means; empty where it leads out of the repository.
        problem: why there is no such file, as a clause; empty where there is one.
    """

    text: str
    place: Place
    main: bool
    path: bytes
    problem: str


class IndexEntry(DataEntry):
    """One element of a list of the index.

    Attributes:
        index: where the index is.
        id: its id as text; empty where it has none.
        paths: the paths it names, those of the spec itself first.
        files: the specs it is about, which the catalogue finds.
    """

    index: bytes
    id: str
    paths: Sequence[NamedPath]
    files: list[bytes]

    @property
    def label(self) -> str:
        """What messages call it: its id, else its place."""
        return self.id or self.field()

    def said(self, *names: str) -> Iterator[WrittenValue]:
        """The values of all keys with one of these names that are a text or a number, in order."""
        wanted = {normal_name(name) for name in names}
        for key, value in self.value.items():
            if normal_name(key) in wanted and is_scalar(value):
                yield WrittenValue(scalar_text(value), self.index, self.line_of(key), "index")

    def essence(self, settings: SpecSettings) -> str:
        """What it says apart from reviews, approvals and paths."""
        left_out = (*dates_of(settings), settings.reviewed, settings.approvals, *PATHS, *GROUPS)
        return essence(self.value, left_out)


class Index:
    """What the index holds.

    Args:
        path: where it is.
        documents: those of the tree that it is in.
        lists: the lists that hold specs, as dotted keys; none: the file as a whole.

    Attributes:
        path: where it is.
        data: what was read there; None where there is no such file.
        problem: why it cannot be read, with the line; None where it can.
        entries: the elements of its lists.
        faults: what stands among them and is no entry: its line, and what it is as a clause.
    """

    def __init__(self, path: bytes, documents: Documents, lists: Sequence[str]) -> None:
        self.path = path
        self.data: Data | None = documents.data(path)
        self.problem: tuple[str, int | None] | None = None
        self.entries: list[IndexEntry] = []
        self.faults: list[tuple[int | None, str]] = []
        self._tree = documents.tree
        if self.data is None:
            return
        if self.data.problem is not None:
            self.problem = (self.data.problem.message, self.data.problem.line)
            return
        found = {key: self.data.get(key) if key else self.data.value for key in lists or [""]}
        if all(value is None for value in found.values()):
            names = " and no ".join(map(repr, lists)) or "'list'"
            self.problem = (f"it has no {names}", 1)
        for key, value in found.items():
            place = tuple(key.split(".")) if key else ()
            if is_scalar(value):
                self.faults.append((self.line(place), f"{key!r} is neither a list nor a table"))
            for name, element in elements(value):
                self._add(self.data, (*place, name), element)

    def line(self, place: Sequence[str | int]) -> int | None:
        """The line of a key."""
        return self.data.line(place) if self.data is not None else None

    def _add(self, data: Data, place: Place, element: Any) -> None:
        """Add an element of a list, or of a table by its name."""
        name = place[-1] if isinstance(place[-1], str) else ""
        if isinstance(element, dict):
            stated = (find_key(element, [one]) for one in IDS)
            ids = [scalar_text(found[1]) for found in stated if found]
            paths = [self._path(*one) for one in _paths(element, place)]
            paths.sort(key=lambda one: not one.main)
            own = next(filter(None, ids), name)
            self.entries.append(IndexEntry(data, place, element, self.path, own, paths, []))
        elif isinstance(element, str) and looks_like_file(element):
            paths = [self._path(element, place, main=True)]
            self.entries.append(IndexEntry(data, place, {}, self.path, name, paths, []))
        elif isinstance(element, str):
            self.faults.append((self.line(place), f"{element!r} in {dotted(place[:-1])} is no path"))
        else:
            self.faults.append((self.line(place), f"{dotted(place)} is no table with the keys of a spec"))

    def _path(self, text: str, place: Place, main: bool) -> NamedPath:
        path, problem = place_of(text, self._tree, self.path.rpartition(b"/")[0])
        return NamedPath(text, place, main, path, problem)


_MAIN: Final = frozenset(map(normal_name, PATHS))
_GROUPED: Final = frozenset(map(normal_name, GROUPS))


def _paths(element: Mapping[str, Any], place: Place) -> Iterator[tuple[str, Place, bool]]:
    """The paths that an element of the index names: text, key, and whether it is the spec itself."""
    for key, value in element.items():
        if normal_name(key) not in _MAIN | _GROUPED:
            continue
        inner = (
            [((key,), value)] if isinstance(value, str) else [((key, at), one) for at, one in elements(value)]
        )
        for below, one in inner:
            if isinstance(one, str) and looks_like_file(one):
                name = below[-1] if isinstance(below[-1], str) else key
                yield one, (*place, *below), normal_name(name) in _MAIN


def looks_like_file(text: str) -> bool:
    """Whether a value can be a file's path: it has an extension, or a slash and no spaces, and is no URL."""
    text = text.strip()
    if len(text) > 1000 or "://" in text or "\n" in text:
        return False
    return bool(_EXTENSION.search(text)) or ("/" in text and " " not in text)


def place_of(text: str, tree: Tree, folder: bytes) -> tuple[bytes, str]:
    """The file that an index means, and why it is none as a clause; empty where there is one.

    Args:
        text: a path from the root, or from the index's own folder; `./` before it and `#anchor` behind it do
            not count.
        tree: the files.
        folder: the folder of the index.
    """
    plain = text.strip().partition("#")[0].encode("utf-8", "surrogateescape")
    found = [path for start in (b"", folder) if (path := plain_path(start + b"/" + plain)) is not None]
    for path in found:
        entry = tree.find(path)
        if entry is not None and entry.is_file:
            return path, ""
    if not found:
        return b"", "it climbs out of the repository"
    entry = tree.find(found[0])
    if entry is None:
        return found[0], "there is no such file"
    return found[0], "it is a folder" if entry.is_directory else "it is a link or a submodule"
