"""Finding a work item's document in the trusted base, and naming everything that was tried."""

from __future__ import annotations

import json
import re

from specguard.declaration.patterns import PatternError, Selecting
from specguard.declaration.rule import Record
from specguard.documents.citations import plain_path
from specguard.model import path_text
from specguard.work.templates import NumberFormat, Template, Unrendered, escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.tree import Tree
    from specguard.work.kinds import WorkKind


LARGEST_DOCUMENT: Final = 4 << 20
"""A document of more bytes is not read."""

_PADDINGS: Final = (1, 2, 3, 4)
_STEPS: Final = 3


class Located:
    """Where a work item's document is, or why it is not found.

    Attributes:
        path: the document; None where there is none, or more than one.
        tried: every place that was looked at, in order.
        problem: what is wrong, in one sentence; empty where a document was found.
        near: near misses, one sentence each.
        legacy: the canonical folder, where the document was found in an older place; empty otherwise.
    """

    __slots__ = ("legacy", "near", "path", "problem", "tried")

    def __init__(self, tried: list[Tried]) -> None:
        self.path: bytes | None = None
        self.tried = tried
        self.problem = ""
        self.near: list[str] = []
        self.legacy = ""


class Locator:
    """Looks for one item's document.

    Args:
        kind: its templates.
        fields: the item's placeholders.
        number: its number; None for an item without one.
        tree: the trusted base's files.
    """

    def __init__(self, kind: WorkKind, fields: Mapping[str, str], number: int | None, tree: Tree) -> None:
        self.kind = kind
        self.fields = fields
        self.number = number
        self.tree = tree
        self.found = Located([])

    def locate(self) -> Located:
        """Try the templates in order, then the indexes, then the older places.

        Raises:
            MissingFact: the tree or a file cannot be read.
        """
        for template in self.kind.document:
            if self._take(template):
                return self.found
        for template in self.kind.index:
            if self._take_from_index(template):
                return self.found
        for template in self.kind.legacy:
            if self._take(template):
                if self.found.path is not None:
                    self.found.legacy = self._canonical_folder()
                return self.found
        self.found.problem = "none of the places it could be in has it"
        self.found.near = list(dict.fromkeys([*self.found.near, *self._near()]))
        return self.found

    def _take(self, template: str) -> bool:
        """Whether the search ends at a template: with a document, or with something that is wrong."""
        wild = has_wildcard(template)
        patterns = self._patterns(template, _PADDINGS if wild else self._widths(), note=True)
        if not patterns:
            return False
        matches: dict[bytes, None] = {}
        for pattern in patterns:
            try:
                matches.update(dict.fromkeys(matching(self.tree, pattern)))
            except PatternError as error:
                self.found.tried.append(Tried(pattern, f"names no file: {error}"))
                return False
        if not matches:
            self.found.tried.append(
                Tried(readable(patterns[0]), "matches no file" if wild else "is not there")
            )
            return False
        if len(matches) > 1:
            names = " and ".join(path_text(path) for path in sorted(matches))
            self.found.tried.append(Tried(readable(patterns[0]), f"matches {names}"))
            self.found.problem = f"{len(matches)} files could be it: {names}"
            return True
        return self._settle(next(iter(matches)))

    def _take_from_index(self, template: str) -> bool:
        from specguard.work.outline import rows_for

        for pattern in self._patterns(template, self._widths(), note=True):
            place = readable(pattern)
            path = place.encode("utf-8", "surrogateescape")
            text = self.text_of(path)
            if text is None:
                self.found.tried.append(Tried(place, "is not there"))
                continue
            rows = rows_for(text, self.fields.get("kind", ""), self.fields.get("id", ""), self.number)
            targets: dict[bytes, None] = {}
            for row in rows:
                places = [self._existing(path, link) for link in row.links]
                targets.update(dict.fromkeys(target for target in places if target is not None))
                if row.links and not any(places):
                    self.found.near.append(
                        f"{place}:{row.line} names {row.links[0]!r} for it, which is not there"
                    )
                elif not row.links:
                    self.found.near.append(
                        f"{place}:{row.line} lists it as {row.title!r}, without the path of a document"
                    )
            self.found.tried.append(
                Tried(place, "maps it to a document" if targets else "maps it to no document")
            )
            if len(targets) > 1:
                names = " and ".join(path_text(target) for target in sorted(targets))
                self.found.problem = f"{place} maps it to {len(targets)} documents: {names}"
                return True
            if targets:
                return self._settle(next(iter(targets)))
        return False

    def _settle(self, path: bytes) -> bool:
        """Take a file for the document, or what it points to where that is all it does."""
        seen = [path]
        for _ in range(_STEPS):
            entry = self.tree.find(path)
            special = file_type(entry.mode) if entry is not None else ""
            if special:
                self.found.tried.append(Tried(path_text(path), f"is {special}"))
                self.found.problem = f"{path_text(path)} is {special}, not a document"
                return True
            text = self.text_of(path)
            if text is not None and not text.strip():
                self.found.tried.append(Tried(path_text(path), "is empty"))
                self.found.problem = f"{path_text(path)} is empty"
                return True
            link = points_to(text or "")
            if not link:
                self.found.tried.append(Tried(path_text(path), "was found"))
                self.found.path = path
                return True
            target = self._existing(path, link)
            if target is None or target in seen:
                reason = "which is not there" if target is None else "which leads back to it"
                self.found.tried.append(Tried(path_text(path), f"only points to {link!r}, {reason}"))
                self.found.problem = f"{path_text(path)} only points to {link!r}, {reason}"
                return True
            self.found.tried.append(Tried(path_text(path), f"only points to {path_text(target)}"))
            seen.append(target)
            path = target
        self.found.problem = (
            f"{path_text(seen[0])} only points to a document that only points to another, and so on"
        )
        return True

    def text_of(self, path: bytes) -> str | None:
        """The text of a file of the base; None where there is none of a size that is read."""
        return read_text(self.tree, path)

    def _existing(self, source: bytes, link: str) -> bytes | None:
        """The file that a link in another file means: relative to that file's folder, else to the root."""
        for base in (source.rpartition(b"/")[0], b""):
            path = joined(base, link)
            if path is None:
                continue
            entry = self.tree.find(path)
            if entry is not None and not file_type(entry.mode):
                return path
        return None

    def _widths(self) -> Sequence[int]:
        return [NumberFormat(text).width for text in self.kind.number_format]

    def _patterns(self, template: str, widths: Sequence[int], *, note: bool = False) -> list[str]:
        """The patterns of a template, one for each way to write the number; none where a field is missing.

        Args:
            template: the template.
            widths: how many digits the number has at least.
            note: whether a missing field is noted among what was tried.
        """
        parsed = Template(template)
        patterns: dict[str, None] = {}
        for width in widths:
            fields = dict(self.fields)
            if self.number is not None:
                fields["number"] = f"{self.number:0{width}d}"
            try:
                patterns[parsed.render(fields, escape).removeprefix("./")] = None
            except Unrendered as missing:
                if note:
                    told = f"needs {{{missing.name}}}, which is not known"
                    if not parsed.literal and missing.name in self.kind.fields:
                        told = f"is not told: there is no {' or '.join(self.kind.paths_of(missing.name))}"
                    self.found.tried.append(Tried(template, told))
                return []
        return list(patterns)

    def _canonical_folder(self) -> str:
        """The folder of the first template that is more than a field."""
        for template in self.kind.document:
            if not Template(template).literal:
                continue
            patterns = self._patterns(template.rpartition("/")[0], self._widths())
            if patterns:
                return readable(patterns[0])
        return "its canonical place"

    def _near(self) -> Iterator[str]:
        """Files that resemble what was looked for: padded otherwise, or in another folder."""
        exact: dict[bytes, str] = {}
        names: list[re.Pattern[str]] = []
        for template in self.kind.document:
            for pattern in self._patterns(template, _PADDINGS):
                name = pattern.rpartition("/")[2]
                if not has_wildcard(pattern):
                    exact[readable(pattern).encode("utf-8", "surrogateescape")] = template
                # A name that all items share, `README.md` in a folder of each, says nothing of this one.
                if "{" in template.rpartition("/")[2] and re.search("[A-Za-z0-9]", name):
                    star = re.escape(name).replace(r"\*", "[^/]*")
                    names.append(re.compile(star, re.IGNORECASE))
        found = 0
        for path in self.tree.paths():
            name = path.rpartition(b"/")[2].decode("utf-8", "surrogateescape")
            if path in exact:
                yield f"{path_text(path)} has the number padded otherwise, which number_format could allow"
            elif any(expression.fullmatch(name) for expression in names):
                yield f"{path_text(path)} has such a name in another place"
            else:
                continue
            found += 1
            if found == 5:
                return


def matching(tree: Tree, pattern: str) -> list[bytes]:
    """The paths of a tree that a pattern selects, links and submodules included.

    Raises:
        PatternError: it is no pattern.
        MissingFact: the tree cannot be read.
    """
    selecting = Selecting([pattern])
    if not has_wildcard(pattern):
        path = readable(pattern.removeprefix("/")).encode("utf-8", "surrogateescape")
        entry = tree.find(path)
        return [path] if entry is not None and entry.mode & 0o170000 != 0o040000 else []
    folder, _, name = pattern.removeprefix("/").rpartition("/")
    if not has_wildcard(folder) and name != "**":
        place = readable(folder).encode("utf-8", "surrogateescape")
        prefix = place + b"/" if place else b""
        return [
            prefix + found
            for found, entry in tree.names(place).items()
            if entry.mode & 0o170000 != 0o040000 and selecting.find(prefix + found) is not None
        ]
    return [path for path in tree.paths() if selecting.find(path) is not None]


def read_text(tree: Tree, path: bytes) -> str | None:
    """The text of a file; None where it is missing, too large, or no regular file.

    Raises:
        MissingFact: the object is not there.
    """
    entry = tree.find(path)
    if entry is None or file_type(entry.mode):
        return None
    data = tree.read(path)
    if data is None or len(data) > LARGEST_DOCUMENT:
        return None
    return data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def joined(folder: bytes, link: str) -> bytes | None:
    """The path that a link means in a folder; None where it leads out of the repository or is an address."""
    link = link.split("#", 1)[0].split("?", 1)[0]
    if not link or re.match("[a-z][a-z0-9+.-]*:", link, re.IGNORECASE):
        return None
    start = b"" if link.startswith("/") else folder
    return plain_path(start + b"/" + link.encode("utf-8", "surrogateescape"))


def has_wildcard(pattern: str) -> bool:
    """Whether a pattern or template has a wildcard that no backslash takes away."""
    return re.search(r"(?<!\\)(?:\\\\)*[*?\[]", pattern) is not None


def readable(pattern: str) -> str:
    """A pattern as the name it stands for, its backslashes taken away."""
    return re.sub(r"\\(.)", r"\1", pattern)


LARGEST: Final = 1 << 20
"""A pointer of more bytes is none."""

_ID = re.compile("(?:[A-Za-z]{1,40}[-_ ]?)?([0-9]{1,18})")
"""A number as text, alone or behind its word: `12`, `task_003`."""

_FILE_TYPES: Final = {0o120000: "a symbolic link", 0o160000: "a submodule", 0o040000: "a directory"}


class Tried(Record):
    """One place that was looked at, and what was there.

    Attributes:
        place: a path, or a template that could not be filled in.
        outcome: what came of it, e.g. `is not there`.
    """

    place: str
    outcome: str

    def __str__(self) -> str:
        return f"{self.place} {self.outcome}"

    def __repr__(self) -> str:
        return f"Tried({str(self)!r})"


class Pointer:
    """The file that an item is resolved by: one that names the current item, or one that lists all of them.

    Attributes:
        path: its path; None where there is no such file.
        data: its JSON object.
        number: the number of the item it names; None for a file that lists all.
        id: the same as text, as the file has it.
        line: the line of the number's key, or of the item's entry, from 1; None where it cannot be told.
        tried: every place that was looked at.
        problem: what is wrong, in one sentence; empty where nothing is.
    """

    __slots__ = ("data", "id", "line", "number", "path", "problem", "tried")

    def __init__(self, *, path: bytes | None, tried: Sequence[Tried], problem: str = "") -> None:
        self.path = path
        self.tried = tried
        self.problem = problem
        self.data: Any = None
        self.number: int | None = None
        self.id = ""
        self.line: int | None = None


class Shape(Exception):
    """A JSON value that is not of the shape a kind asks for."""


def read_pointer(kind: WorkKind, tree: Tree) -> Pointer:
    """The pointer of a kind.

    Args:
        kind: its `pointer` and `number`.
        tree: the trusted base's files.

    Raises:
        MissingFact: the tree or the file cannot be read.
    """
    places = kind.pointer
    tried: list[Tried] = []
    for place in places:
        path = place.encode("utf-8")
        entry = tree.find(path)
        if entry is None:
            tried.append(Tried(place, "is not there"))
            continue
        pointer = Pointer(path=path, tried=tried)
        try:
            text = _read(tree, path, entry.mode)
            pointer.data = _parse(text)
            pointer.id, pointer.number = number_in(pointer.data, kind.number)
            pointer.line = line_of(text, kind.number)
        except Shape as problem:
            tried.append(Tried(place, str(problem)))
            pointer.problem = f"{place} {problem}"
        else:
            tried.append(Tried(place, "was read"))
        return pointer
    return Pointer(path=None, tried=tried, problem=f"none of {', '.join(places)} exists" if places else "")


def number_in(data: Any, field: str) -> tuple[str, int]:
    """The number that a field of a JSON object holds, as text and as an integer.

    Raises:
        Shape: it is no object, the field is missing, or it holds no number.
    """
    if not isinstance(data, dict):
        raise Shape("holds no JSON object")
    value = value_at(data, field)
    if value is None:
        raise Shape(f"has no {field!r}, which should hold the number of the current item")
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18:
        return str(value), value
    match = _ID.fullmatch(value) if isinstance(value, str) else None
    if match:
        return value, int(match.group(1))
    raise Shape(
        f"has {json.dumps(value)[:60]} in {field!r}, which should hold the number of the current item"
    )


def value_at(data: Any, path: str) -> Any:
    """The value at a dotted path of a JSON value; None where there is none (or `null`)."""
    if not path:
        return data
    for key in path.split("."):
        if not isinstance(data, dict):
            return None
        data = data.get(key)
    return data


def text_at(data: Any, path: str) -> str | None:
    """The text or integer at a dotted path, as text; None where there is none.

    Raises:
        Shape: something else is there, or a text that no name can hold.
    """
    value = value_at(data, path)
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        if any(char < " " or char == "\x7f" for char in value) or len(value) > 500:
            raise Shape(f"has a text in {path!r} that no name can hold")
        return value
    raise Shape(f"has {json.dumps(value)[:60]} in {path!r}, which should hold a text or a number")


def same_id(one: str, other: str) -> bool:
    """Whether two ids are the same, or the same number padded differently."""
    if one.isascii() and other.isascii() and one.isdigit() and other.isdigit():
        return one.lstrip("0") == other.lstrip("0")
    return one == other


def line_of(text: str, field: str) -> int | None:
    """The line of a field's key in a JSON text, where its last key stands there only once."""
    key = json.dumps(field.rpartition(".")[2])
    lines = [
        number for number, line in enumerate(text.split("\n"), 1) if re.search(re.escape(key) + r"\s*:", line)
    ]
    return lines[0] if len(lines) == 1 else None


def file_type(mode: int) -> str:
    """What an entry of a tree is where it is no regular file; empty for one."""
    return _FILE_TYPES.get(mode & 0o170000, "")


def _read(tree: Tree, path: bytes, mode: int) -> str:
    kind = file_type(mode)
    if kind:
        raise Shape(f"is {kind}, not a file")
    data = tree.read(path) or b""
    if len(data) > LARGEST:
        raise Shape(f"has {len(data)} bytes, more than the {LARGEST} that are read")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Shape("is not UTF-8") from None


def _parse(text: str) -> Any:
    try:
        data = json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise Shape("is nested too deeply to be read") from None
    except json.JSONDecodeError as error:
        raise Shape(f"is not JSON: {error.msg} in line {error.lineno}") from None
    except ValueError as error:
        raise Shape(f"is not JSON: {error}") from None
    if not isinstance(data, (dict, list)):
        raise Shape("holds no JSON object")
    return data


def _unique(pairs: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
    """An object whose keys stand once each: which of two would count is anyone's guess."""
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands in it twice")
    return result


LONGEST_STUB: Final = 400
"""A text of more characters, headings and front matter left out, is a document of its own."""

MOST_WORDS: Final = 30
"""With more words beside the link it says something itself."""

_FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_HEADING = re.compile(r"(?m)^ {0,3}#{1,6}(?:[ \t].*)?$|^ {0,3}(?:=+|-+)[ \t]*$")
_TARGET = re.compile(
    r"\[[^\]\n]*\]\(<?([^)>\s]+)>?[^)\n]*\)|`([^`\s]+)`|(?<![\w/.-])([\w./-]+\.(?:md|markdown|rst|txt))\b"
)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,20}://\S+", re.IGNORECASE)
_ITEM = re.compile(r"(?m)^[ \t]*(?:[-*+]|[0-9]{1,9}[.)])[ \t]")
_POINTS = re.compile(
    r"\b(?:moved|relocated|renamed|superseded|replaced|canonical|redirects?|lives|now (?:at|in|under)|see"
    r"|deprecated|pointer|stub|obsolete)\b|->|=>|→",
    re.IGNORECASE,
)
_DOCUMENT = re.compile(r"\.(?:md|markdown|rst|txt)(?:#.*)?$", re.IGNORECASE)


def points_to(text: str) -> str:
    """The document that a stub points to; empty for a text that is more than a stub.

    A stub is short, names exactly one document, and says nothing else but that the document is elsewhere.
    """
    if len(text) > LONGEST_STUB * 20:
        return ""
    body = _COMMENT.sub("", _FRONT_MATTER.sub("", text.replace("\r\n", "\n")))
    body = _ADDRESS.sub("", _HEADING.sub("", body)).strip()
    if not body or len(body) > LONGEST_STUB or len(_ITEM.findall(body)) > 1:
        return ""
    targets = dict.fromkeys(
        target
        for groups in _TARGET.findall(body)
        if _DOCUMENT.search(target := next(group for group in groups if group))
    )
    names = {target.rpartition("/")[2] for target in targets}
    if len(names) != 1:
        return ""
    rest = _TARGET.sub("", body)
    words = re.findall(r"\w+", rest)
    if words and (len(words) > MOST_WORDS or not _POINTS.search(rest)):
        return ""
    # A name below a heading of its own is what that section lists.
    if not words and len(_HEADING.findall(text)) > 1:
        return ""
    # A link is written with its target as text, too; the longer form says where it is.
    longest: str = max(targets, key=len)
    return longest
