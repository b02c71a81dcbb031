"""The index of specs: a JSON, YAML or TOML file whose lists give each spec an id, a path and more."""

from __future__ import annotations

import re

from specguard.documents.citations import plain_path
from specguard.documents.data import Data, dotted, written
from specguard.documents.fields import normal_name
from specguard.specs.reviews import dates_of
from specguard.specs.said import Said
from specguard.specs.text import essence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.tree import Tree
    from specguard.specs.settings import SpecSettings

IDS: Final = ("id", "key", "spec_id", "slug")
"""The keys of an entry that may hold its id, the first that is there."""

PATHS: Final = ("path", "file", "spec", "doc", "document", "file_path", "spec_path", "spec_file")
"""The keys of an entry, or of its `paths`, that name the spec itself."""

GROUPS: Final = ("paths", "files", "documents", "docs")
"""The keys of an entry that hold several paths by name, as in `paths = {spec = ..., tasks = ...}`."""

FOLDERS: Final = ("dir", "folder", "directory")
"""The keys of an entry without a path that name the folder in which its spec is."""

_EXTENSION: Final = re.compile(r"\w\.[A-Za-z][A-Za-z0-9]{0,9}(?:#.*)?$")


class NamedPath:
    """A path as an entry gives it.

    Attributes:
        text: the path as written.
        main: whether its key says that it is the spec; otherwise it is one where `files` has it.
        place: its key within the index.
        path: the file that it means, which the catalogue finds; empty where it leads out of the repository.
        problem: why there is no such file, as a clause; empty where there is one.
    """

    __slots__ = ("main", "path", "place", "problem", "text")

    def __init__(self, text: str, place: tuple[str | int, ...], *, main: bool) -> None:
        self.text = text
        self.place = place
        self.main = main
        self.path = b""
        self.problem = ""


class IndexEntry:
    """One element of a list of the index.

    Attributes:
        id: its id as text; empty where it has none.
        value: its keys.
        place: where it stands in the index, as a key from the top.
        paths: the paths it names.
        files: the specs it is about, which the catalogue finds.
    """

    __slots__ = ("_index", "files", "id", "paths", "place", "value")

    def __init__(
        self,
        index: Index,
        place: tuple[str | int, ...],
        value: Mapping[str, Any],
        *,
        name: str,
        paths: Sequence[NamedPath],
    ) -> None:
        self._index = index
        self.place = place
        self.value = value
        self.id = name
        self.paths = paths
        self.files: list[bytes] = []

    @property
    def label(self) -> str:
        """What messages call it: its id, else its place."""
        return self.id or dotted(self.place)

    @property
    def line(self) -> int | None:
        """Its line in the index."""
        return self._index.line(self.place)

    def line_of(self, place: Sequence[str | int]) -> int | None:
        """The line of something within it."""
        return self._index.line(place)

    def find(self, *names: str) -> tuple[str, Any] | None:
        """The first of some keys that it has, with its value; keys are compared by `normal_name`."""
        keys = {normal_name(key): key for key in reversed(list(self.value))}
        for name in names:
            key = keys.get(normal_name(name))
            if key is not None:
                return key, self.value[key]
        return None

    def said(self, *names: str) -> Said | None:
        """The value of the first of some keys that it has, if that is text or a number, with its line."""
        found = self.find(*names)
        return None if found is None else self._said(*found)

    def every(self, *names: str) -> Iterator[Said]:
        """The values of all keys with one of these names, as for `said`: there may be several."""
        wanted = {normal_name(name) for name in names}
        for key, value in self.value.items():
            if normal_name(key) in wanted and (said := self._said(key, value)) is not None:
                yield said

    def _said(self, key: str, value: Any) -> Said | None:
        if isinstance(value, (dict, list)) or value is None:
            return None
        return Said(written(value).strip(), self._index.path, self.line_of((*self.place, key)), "index")

    def essence(self, settings: SpecSettings) -> str:
        """What it says apart from reviews, approvals and paths."""
        left_out = (settings.reviewed, settings.approvals, *PATHS, *GROUPS)
        return essence(None, Data(self.value), (), dates_of(settings), left_out)


class Index:
    """What the index holds.

    Args:
        path: where it is.
        data: what was read there; None where there is no such file.
        lists: the lists that hold specs, as dotted keys; none: the file as a whole.

    Attributes:
        path: where it is.
        there: whether there is such a file.
        problem: why it cannot be read, with the line; None where it can.
        entries: the elements of its lists.
        faults: what stands among them and is no entry: its line, and what it is as a clause.
    """

    def __init__(self, path: bytes, data: Data | None, lists: Sequence[str]) -> None:
        self.path = path
        self.there = data is not None
        self.problem: tuple[str, int | None] | None = None
        self.entries: list[IndexEntry] = []
        self.faults: list[tuple[int | None, str]] = []
        self._data = data
        if data is None:
            return
        if data.problem is not None:
            self.problem = (data.problem.message, data.problem.line)
            return
        found = [(key, data.get(key)) for key in lists] if lists else [("", data.value)]
        if all(value is None for _, value in found):
            names = " and no ".join(repr(key) for key in lists) or "'list'"
            self.problem = (f"it has no {names}", 1)
        for key, value in found:
            place = tuple(key.split(".")) if key else ()
            if isinstance(value, list):
                for position, element in enumerate(value):
                    self._add((*place, position), element, "")
            elif isinstance(value, dict):
                for name, element in value.items():
                    self._add((*place, name), element, name)
            elif value is not None:
                self.faults.append((self.line(place), f"{key!r} is neither a list nor a table"))

    def line(self, place: Sequence[str | int]) -> int | None:
        """The line of a key."""
        return self._data.line(place) if self._data is not None else None

    @property
    def value(self) -> Any:
        """The whole of it as data."""
        return self._data.value if self._data is not None else None

    def _add(self, place: tuple[str | int, ...], element: Any, name: str) -> None:
        """Add an element of a list, or of a table by its name."""
        if isinstance(element, str):
            looks = looks_like_file(element)
            if not looks and not name:
                self.faults.append((self.line(place), f"{element!r} in {dotted(place[:-1])} is no path"))
                return
            paths = [NamedPath(element, place, main=True)] if looks else []
            # `{"0002-runs": "done"}` gives an id its status.
            value = {} if looks else {"status": element}
            self.entries.append(IndexEntry(self, place, value, name=name, paths=paths))
            return
        if not isinstance(element, dict):
            self.faults.append((self.line(place), f"{dotted(place)} is no table with the keys of a spec"))
            return
        entry = IndexEntry(self, place, element, name=name, paths=list(_paths(element, place)))
        said = next((one for one in map(entry.said, IDS) if one is not None and one.text), None)
        if said is not None:
            entry.id = said.text
        self.entries.append(entry)


def _paths(element: Mapping[str, Any], place: tuple[str | int, ...]) -> Iterator[NamedPath]:
    """The paths that an element of the index names, those of the spec itself first."""
    main = {normal_name(name) for name in PATHS}
    groups = {normal_name(name) for name in GROUPS}
    found: list[NamedPath] = []
    for key, value in element.items():
        name = normal_name(key)
        if isinstance(value, str) and (name in main or name in groups) and looks_like_file(value):
            found.append(NamedPath(value, (*place, key), main=name in main))
        elif isinstance(value, dict) and name in groups:
            found += [
                NamedPath(inner, (*place, key, below), main=normal_name(below) in main)
                for below, inner in value.items()
                if isinstance(inner, str) and looks_like_file(inner)
            ]
        elif isinstance(value, list) and (name in groups or name in main):
            found += [
                NamedPath(inner, (*place, key, position), main=name in main)
                for position, inner in enumerate(value)
                if isinstance(inner, str) and looks_like_file(inner)
            ]
    return iter(sorted(found, key=lambda one: not one.main))


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
    first, problem = b"", ""
    for start in (b"", folder):
        path = plain_path(start + b"/" + plain)
        if path is None:
            problem = problem or "it climbs out of the repository"
            continue
        entry = tree.find(path)
        if entry is not None and entry.is_file:
            return path, ""
        if not first:
            first = path
            kind = "" if entry is None else "a folder" if entry.is_directory else "a link or a submodule"
            problem = f"it is {kind}" if kind else "there is no such file"
    return first, problem


def folders_of(text: str, folder: bytes) -> Sequence[bytes]:
    """The folders that an index may mean by a name: one from the root, and one from its own folder."""
    name = text.strip().encode("utf-8", "surrogateescape")
    found = [plain_path(start + b"/" + name) for start in (b"", folder)]
    return [path for path in dict.fromkeys(found) if path is not None]
