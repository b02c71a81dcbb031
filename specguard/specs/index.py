"""The index of specs: a JSON, YAML or TOML file whose lists give each spec an id, a path and more.

The text is only added to. What came of it is read again, and unless it says just what it said before with one
entry more, nothing is changed.
"""

from __future__ import annotations

import json
import re

from specguard.documents.citations import plain_path
from specguard.documents.data import Data, data_kind, dotted, read_data, written
from specguard.documents.fields import normal_name
from specguard.specs.text import Said, dates_of, essence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.tree import Tree
    from specguard.specs.settings import SpecSettings
    from specguard.specs.spec import Spec


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


_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_NUMBERED: Final = re.compile(r"[0-9]+(?=[-_.])")


def add_entry(text: str, path: bytes, spec: Spec, settings: SpecSettings) -> str:
    """The index with an entry for a spec; the same text where none can be added for certain.

    Args:
        text: the index.
        path: where it is, which tells its form.
        spec: a spec that it does not name.
        settings: `[specs]`.
    """
    kind = data_kind(path)
    if kind is None or "\r" in text:
        return text
    data = read_data(text, kind)
    keys = [key for key in settings.entries or [""] if isinstance(_at(data, key), list)]
    if data.problem is not None or len(keys) != 1:
        return text
    place = tuple(keys[0].split(".")) if keys[0] else ()
    there: list[Any] = _at(data, keys[0])
    entry = _entry(there, spec, settings)
    if entry is None:
        return text
    add = {"json": _in_json, "yaml": _in_yaml, "toml": _in_toml}[kind]
    after = add(text, data, place, there, entry)
    if after is None:
        return text
    wanted = _same(data.value)
    inner = wanted
    for part in place:
        inner = inner[part]
    inner.append(entry)
    again = read_data(after, kind)
    return after if again.problem is None and _same(again.value) == wanted else text


def _same(value: Any) -> Any:
    """A copy of a value in which only what JSON tells apart is told apart."""
    return json.loads(json.dumps(value, default=str))


def _at(data: Data, key: str) -> Any:
    return data.get(key) if key else data.value


def _entry(there: Sequence[Any], spec: Spec, settings: SpecSettings) -> Any:
    """The entry, with the keys of the others as far as what belongs there is known; None where it is not."""
    try:
        path = spec.path.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if there and all(isinstance(one, str) for one in there):
        return path
    if not all(isinstance(one, dict) for one in there):
        return None
    name = path.rpartition("/")[2]
    number = _NUMBERED.match(name)
    own = spec.own_id or (number[0] if number else name.partition(".")[0])
    by_id, by_path = _key(there, IDS), _key(there, PATHS)
    taken = {str(one.get(by_id)) for one in there}
    if own in taken:
        return None
    entry: dict[str, Any] = {by_id: own}
    title = next((key for key in ("title", "name") if there and all(key in one for one in there)), "")
    heading = next(iter(spec.document.sections), None)
    if title and heading is not None:
        entry[title] = " ".join(heading.heading.text.plain.split())
    entry[by_path] = path
    said = next((one.text for one in spec.statuses), "")
    if said and there and all(settings.status in one for one in there):
        entry[settings.status] = said
    return entry


def _key(there: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """The first of some names that an entry uses, as it is written there; else the first name."""
    wanted = [normal_name(name) for name in names]
    for one in there:
        for key in one:
            if normal_name(key) in wanted and isinstance(one[key], str):
                return key
    return names[0]


def _in_json(text: str, _data: Data, place: tuple[str, ...], there: Sequence[Any], entry: Any) -> str | None:
    found = _list_in(text, place)
    if found is None:
        return None
    opened, last, closed = found
    if there:
        first = _TOKEN.search(text, opened + 1)
        lead = text[opened + 1 : first.start()] if first else ""
        several = "\n" in text[opened + 1 : last].strip() and isinstance(entry, dict)
        # An entry of the others that takes several lines has its keys on lines of their own.
        step = re.search(r"\{\n(\s*)\S", text[opened + 1 : last]) if several else None
        indent = lead.rpartition("\n")[2]
        if step is not None and "\n" in lead:
            said = json.dumps(entry, ensure_ascii=False, indent=step[1].removeprefix(indent) or 2)
            said = said.replace("\n", f"\n{indent}")
        else:
            said = json.dumps(entry, ensure_ascii=False)
        return f"{text[:last]},{lead if lead else ' '}{said}{text[last:]}"
    line = text[text.rfind("\n", 0, opened) + 1 : opened]
    indent = line[: len(line) - len(line.lstrip())]
    if "\n" not in text.strip():
        return f"{text[: opened + 1]}{json.dumps(entry, ensure_ascii=False)}{text[closed:]}"
    said = json.dumps(entry, ensure_ascii=False, indent=2).replace("\n", f"\n{indent}  ")
    return f"{text[: opened + 1]}\n{indent}  {said}\n{indent}{text[closed:]}"


def _list_in(text: str, place: tuple[str, ...]) -> tuple[int, int, int] | None:
    """Where a list of a JSON text begins, where its last element ends, and where it ends itself."""
    stack: list[tuple[str, int, tuple[str, ...]]] = []
    key: tuple[str, ...] = ()
    end, wants_key = 0, False
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word in ("{", "["):
            stack.append((word, token.start(), key))
            wants_key = word == "{"
            if word == "[" and key != place:
                # What is in another list has no name.
                key = (*key, "\0")
        elif word in ("}", "]"):
            _, start, key = stack.pop()
            if word == "]" and key == place:
                return start, end, token.start()
            key, wants_key = key[:-1] if stack and stack[-1][0] == "{" else key, False
        elif word == ",":
            wants_key = bool(stack) and stack[-1][0] == "{"
            continue
        elif word == ":":
            continue
        elif wants_key:
            key, wants_key = (*stack[-1][2], *(("\0",) if _in_list(stack) else ()), json.loads(word)), False
        end = token.end()
    return None


def _in_list(stack: Sequence[tuple[str, int, tuple[str, ...]]]) -> bool:
    """Whether the innermost table is an element of a list."""
    return len(stack) > 1 and stack[-2][0] == "["


def _in_yaml(text: str, data: Data, place: tuple[str, ...], there: Sequence[Any], entry: Any) -> str | None:
    if not there:
        return None
    lines = text.split("\n")
    line = data.line((*place, len(there) - 1))
    if line is None:
        return None
    # A table's line is that of its first key, which stands behind the dash.
    dash = re.match(r"( *)-( +)", lines[line - 1])
    if dash is None:
        return None
    indent = len(dash[1])
    end = line
    while end < len(lines):
        own = lines[end]
        if own.strip() and len(own) - len(own.lstrip(" ")) <= indent:
            break
        end += 1
    while not lines[end - 1].strip():
        end -= 1
    pairs = list(entry.items()) if isinstance(entry, dict) else []
    said = [f"{_plain(key)}: {_plain(value)}" for key, value in pairs] or [_plain(entry)]
    new = [f"{dash[1]}{'-' if not number else ' '}{dash[2]}{one}" for number, one in enumerate(said)]
    rest = lines[end:] or [""]
    return "\n".join([*lines[:end], *new, *rest])


def _plain(value: Any) -> str:
    """A text as YAML has it; every JSON text is one."""
    return json.dumps(value, ensure_ascii=False) if not re.fullmatch(r"[a-z][\w./-]*", str(value)) else value


def _in_toml(text: str, _data: Data, place: tuple[str, ...], there: Sequence[Any], entry: Any) -> str | None:
    if not there or not isinstance(entry, dict):
        return None
    from specguard.documents.toml import toml_key, toml_value

    header = f"[[{'.'.join(map(toml_key, place))}]]"
    said = [f"{toml_key(key)} = {toml_value(value)}" for key, value in entry.items()]
    return "\n".join([text.rstrip("\n"), "", header, *said, ""])
