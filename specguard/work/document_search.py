"""Search for a work item's document in the trusted base, with a record of every place tried."""

from __future__ import annotations

import json
import re
from functools import lru_cache

from specguard.declaration.patterns import Selecting
from specguard.documents.data import Data, value_at
from specguard.model import TYPE_CHECKING, Record, path_text, plain_path
from specguard.work.kinds import identity, normal_id
from specguard.work.name_templates import MissingValue, Template, escape, has_wildcard, is_value, unescape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.tree import Documents, Tree
    from specguard.work.item import WorkItem
    from specguard.work.kinds import WorkKind


LARGEST_DOCUMENT: Final = 4 << 20
"""The limit in bytes; a larger document is not read."""

PADDINGS: Final = (1, 2, 3, 4)
"""The minimum numbers of digits tried for numbers in file names, if a template has a wildcard."""

_NOWHERE: Final = "none of the places for its document has it"

_FILE_TYPES: Final = {0o120000: "a symbolic link", 0o160000: "a submodule", 0o040000: "a directory"}


class DocumentSearch:
    """The place of a work item's document, or the reason why the document is not found.

    The search tries the templates in order, then the indexes, then the legacy places.

    Args:
        kind: the kind's settings, with the templates.
        fields: the item's placeholders.
        number: the item's number; None for an item without one.
        tree: the trusted base's files.

    Attributes:
        tried: every place tried, with the outcome, in order.
        path: the document; None if there is none, or more than one.
        problem: the problem, in one sentence; empty if a document was found, or the kind has none.
        legacy: the canonical folder, if the document was found in a legacy place; otherwise empty.

    Raises:
        MissingFact: the tree or a file cannot be read.
    """

    def __init__(self, kind: WorkKind, fields: Mapping[str, str], number: int | None, tree: Tree) -> None:
        self._kind, self._fields, self._number, self._tree = kind, fields, number, tree
        self.tried: list[str] = []
        self.path: bytes | None = None
        self.problem = self.legacy = ""
        self._unlinked: list[str] = []
        if any(map(self._try_template, kind.document)) or any(map(self._try_index, kind.index)):
            return
        if any(map(self._try_template, kind.legacy)):
            self.legacy = self._canonical_folder() if self.path is not None else ""
        elif kind.document or kind.index or kind.legacy:
            self.problem = _NOWHERE

    @property
    def near_misses(self) -> list[str]:
        """Files in another folder or that another padding would find, and index rows without a usable link.

        Each is one sentence. All files are searched for them.

        Raises:
            MissingFact: the tree cannot be read.
        """
        return [*self._unlinked, *dict.fromkeys(self._similar_files() if self.problem == _NOWHERE else ())]

    def _note(self, place: str, outcome: str) -> None:
        if f"{place} {outcome}" not in self.tried:
            self.tried.append(f"{place} {outcome}")

    def _try_template(self, template: str) -> bool:
        """Return True if the search ends at this template, with a document or with a problem."""
        is_glob = has_wildcard(template)
        patterns = self._patterns(template, PADDINGS if is_glob else self._kind.widths)
        matches: dict[bytes, None] = {}
        for pattern in patterns:
            if problem := Selecting.problem_in(pattern):
                self._note(pattern, f"names no file: {problem}")
                return False
            matches.update(dict.fromkeys(matching_paths(self._tree, pattern)))
        if not matches:
            for pattern in patterns[:1]:
                self._note(unescape(pattern), "matches no file" if is_glob else "is not there")
            return False
        if len(matches) > 1:
            names = _join_names(matches)
            self._note(unescape(patterns[0]), f"matches {names}")
            self.problem = f"{len(matches)} files could be its document: {names}"
            return True
        return self._accept(next(iter(matches)))

    def _try_index(self, template: str) -> bool:
        for pattern in self._patterns(template, self._kind.widths):
            place = unescape(pattern)
            path = place.encode("utf-8", "surrogateescape")
            if (text := _read_index(self._tree, path)) is None:
                self._note(place, "is not there")
                continue
            from specguard.work.stated_paths import index_rows

            targets: dict[bytes, None] = {}
            for row in index_rows(
                text, self._fields.get("kind", ""), self._fields.get("id", ""), self._number
            ):
                targets_found = [target for link in row.links if (target := self._resolve_link(path, link))]
                targets.update(dict.fromkeys(targets_found))
                problem = f"names {row.links[0]!r} for it, which is not there" if row.links else ""
                problem = problem or f"lists it as {row.title!r}, without the path of a document"
                self._unlinked += [] if targets_found else [f"{place}:{row.line} {problem}"]
            self._note(place, "maps it to a document" if targets else "maps it to no document")
            if len(targets) > 1:
                self.problem = f"{place} maps it to {len(targets)} documents: {_join_names(targets)}"
            if targets:
                return len(targets) > 1 or self._accept(next(iter(targets)))
        return False

    def _accept(self, path: bytes, *, via_stub: bool = False) -> bool:
        """Accept a file as the document, or follow it if it is only a pointer to another file."""
        entry, text = self._tree.find(path), read_text(self._tree, path)
        type_name = file_type(entry.mode) if entry is not None else ""
        link = points_to(text or "")
        target = self._resolve_link(path, link) if link else None
        lacking = "is larger than 4 MiB" if text is None else "" if text.strip() else "is empty"
        # UTF-16 has its mark first, or a NUL in the first letter; a stray one further on hides no scope.
        lacking = "is not UTF-8" if {"\0", "\udcff"} & set((text or "")[:4]) else lacking
        problem = f"is {type_name}, not a document" if type_name else lacking
        if link and (target is None or via_stub):
            problem = f"only points to {link!r}, which is not {'followed any more' if via_stub else 'there'}"
        elif target is not None and self._is_foreign(target):
            problem = f"only points to {path_text(target)}, the document of another item"
        if problem:
            self._note(path_text(path), problem)
            self.problem = f"{path_text(path)} {problem}"
        elif target is not None:
            self._note(path_text(path), f"only points to {path_text(target)}")
            self._accept(target, via_stub=True)
        else:
            self._note(path_text(path), "was found")
            self.path = path
        return True

    def _resolve_link(self, source: bytes, link: str) -> bytes | None:
        """Return the file that a link refers to: relative to the linking file's folder, else to the root."""
        return next((one for one in link_paths(source, link) if one and self._tree.has_file(one)), None)

    def _is_foreign(self, path: bytes) -> bool:
        """True if a path is only the place of another item's document; any name can be an `{id}`."""
        word = self._fields.get("id", "").rstrip(_DIGITS)
        read = [fields for one in self._kind.path_templates if (fields := one.read(path))]
        alike = [one for one in read if normal_id(one.get("id", word).rstrip(_DIGITS)) == normal_id(word)]
        numbers = {identity(one)[1] for one in alike} - {None}
        return self._number is not None and bool(numbers) and self._number not in numbers

    def _patterns(self, template: str, widths: Sequence[int]) -> list[str]:
        """Return a template's patterns, one for each way to write the number; empty if a field is missing."""
        parsed = Template(template)
        patterns: dict[str, None] = {}
        for width in widths:
            number = {} if self._number is None else {"number": f"{self._number:0{width}d}"}
            try:
                patterns[parsed.render({**self._fields, **number}, escape).removeprefix("./")] = None
            except MissingValue as missing:
                problem = f"needs {{{missing.name}}}, which is not known"
                if not parsed.literal_size and missing.name in self._kind.fields:
                    problem = f"is not known: there is no {' or '.join(self._kind.paths_of(missing.name))}"
                self._note(template, problem)
                return []
        return list(patterns)

    def _canonical_folder(self) -> str:
        """Return the folder of the first template that has literal text, with placeholders if need be."""
        folders = [f"{one.rpartition('/')[0]}/" for one in self._kind.document if Template(one).literal_size]
        patterns = (one for folder in folders for one in self._patterns(folder, self._kind.widths)[:1])
        return next(map(unescape, patterns), folders[0] if folders else "its canonical place")

    def _similar_files(self) -> Iterable[str]:
        """Yield a near miss for each file with another padding of the number, or in another folder."""
        for template in self._kind.document:
            sound = (one for one in self._patterns(template, PADDINGS) if not Selecting.problem_in(one))
            for pattern in sound:
                if not has_wildcard(pattern) and matching_paths(self._tree, pattern):
                    yield f"{unescape(pattern)} pads the number otherwise, which number_format could allow"
                # A name that all items share says nothing of this one.
                elif (name := pattern.rpartition("/")[2]) != template.rpartition("/")[2]:
                    others = matching_paths(self._tree, f"**/{name}")
                    yield from (f"{path_text(path)} is in another folder" for path in others)


def _join_names(paths: Iterable[bytes]) -> str:
    return " and ".join(path_text(path) for path in sorted(paths))


def matching_paths(tree: Tree, pattern: str) -> list[bytes]:
    """Return the paths of a tree that a pattern selects, including links and submodules.

    Raises:
        PatternError: the pattern is malformed.
        MissingFact: the tree cannot be read.
    """
    selecting = Selecting([pattern])
    folder, _, name = pattern.removeprefix("/").rpartition("/")
    if has_wildcard(folder) or name == "**":
        return [path for path in tree.paths() if selecting.matches(path)]
    place = unescape(folder).encode("utf-8", "surrogateescape")
    found = {place + b"/" * bool(place) + name: entry for name, entry in tree.names(place).items()}
    return [path for path, entry in found.items() if not entry.is_directory and selecting.matches(path)]


def read_text(tree: Tree, path: bytes) -> str | None:
    """Return the text of a file; None if it is missing, too large, or not a regular file.

    Raises:
        MissingFact: the object is missing.
    """
    data = tree.read(path) if tree.has_file(path) else None
    if data is None or len(data) > LARGEST_DOCUMENT:
        return None
    return data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


_read_index: Final = lru_cache(maxsize=4)(read_text)


def follow(folder: bytes, link: str) -> bytes | None:
    """Return the path that a link in a folder means; None if it leaves the repository or is a URL."""
    link = link.split("#", 1)[0].split("?", 1)[0]
    if not link or re.match("[a-z][a-z0-9+.-]*:", link, re.IGNORECASE):
        return None
    start = b"" if link.startswith("/") else folder
    return plain_path(start + b"/" + link.encode("utf-8", "surrogateescape"))


def link_paths(source: bytes, link: str) -> tuple[bytes | None, ...]:
    """Return the paths that a link in a file can mean: relative to the file's folder, and to the root."""
    return follow(source.rpartition(b"/")[0], link), follow(b"", link)


def file_type(mode: int) -> str:
    """Return the type of a tree entry that is not a regular file; empty for a regular file."""
    return _FILE_TYPES.get(mode & 0o170000, "")


_DIGITS: Final = "0123456789"

# A number as text, with or without a word before it: `12`, `task_003`.
_ID: Final = re.compile("(?:[A-Za-z]{1,40}[-_ ]?)?([0-9]{1,18})")


class Pointer(Record):
    """The file that an item is resolved by: it names the current item, or lists all items.

    Attributes:
        path: the file's path; None if no such file exists.
        tried: every place tried, with the outcome.
        problem: the problem, in one sentence; empty if there is none.
        data: the file's JSON value.
        number: the number of the current item; None for a file that lists all items.
        id: the current item's id as text, as the file writes it.
        line: the line of the number's key, or of the item's entry, from 1; None if unknown.
    """

    path: bytes | None
    tried: Sequence[str]
    problem: str = ""
    data: Any = None
    number: int | None = None
    id: str = ""
    line: int | None = None


class BadShape(Exception):
    """A JSON value that does not have the shape that a kind requires."""


def read_pointer(kind: WorkKind, documents: Documents) -> Pointer:
    """Read the pointer of a kind: the first of its pointer files that exists.

    Args:
        kind: the kind's settings; `pointer` and `number` are used.
        documents: the documents of the trusted base.

    Raises:
        MissingFact: the tree or the file cannot be read.
    """
    tried: list[str] = []
    for place in kind.pointer:
        path = place.encode("utf-8")
        entry = documents.tree.find(path)
        if entry is None:
            tried.append(f"{place} is not there")
            continue
        data = documents.data(path) or Data(None)
        problem = f"is {file_type(entry.mode)}, not a file" if file_type(entry.mode) else ""
        if data.problem is not None:
            where = f" in line {data.problem.line}" if data.problem.line else ""
            problem = f"cannot be read: {data.problem.message}{where}"
        try:
            item_id, number = ("", 0) if problem else read_number(data.value, kind.number)
        except BadShape as shape:
            problem = str(shape)
        tried.append(f"{place} {problem or 'was read'}")
        if problem:
            return Pointer(path, tried, tried[-1])
        line = data.line(kind.number.split("."))
        return Pointer(path, tried, data=data.value, number=number, id=item_id, line=line)
    missing = f"there is no {' or '.join(kind.pointer)} with {kind.number!r}"
    return Pointer(None, tried, missing if kind.pointer else "")


def read_number(data: Any, field: str) -> tuple[str, int]:
    """Return the number in a field of a JSON object, as text and as an integer.

    Raises:
        BadShape: the field is missing, or does not contain a number.
    """
    value = value_at(data, field)
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if (match := _ID.fullmatch(text)) is None:
        prefix = "no number in" if value is None else f"{json.dumps(value)[:60]} in"
        raise BadShape(f"has {prefix} {field!r}, which should hold the number of the current item")
    return text, int(match[1])


def text_at(data: Any, path: str) -> str | None:
    """Return the text or integer at a dotted path, as text; None if the path is missing or empty.

    Raises:
        BadShape: the value has another type, or its text cannot be part of a name.
    """
    value = value_at(data, path)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        shown = json.dumps(value)[:60]
        raise BadShape(f"has {shown} in {path!r}, which should hold a text or a whole number")
    text = str(value)
    if not is_value(text):
        raise BadShape(f"has a text in {path!r} that no name can hold")
    return text


LONGEST_STUB: Final = 400
"""The limit in characters without headings and front matter; a longer text is a document of its own."""

MOST_STUB_WORDS: Final = 30
"""The limit of words besides the link; a text with more has content of its own."""

_INVISIBLE: Final = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n|<!--.*?-->", re.DOTALL)
_HEADING: Final = re.compile(r"(?m)^ {0,3}#{1,6}(?:[ \t].*)?$")
_TARGET: Final = re.compile(
    r"\[[^\]\n]*\]\(<?([^)>\s]+)>?[^)\n]*\)|`([^`\s]+)`|(?<![\w/.:-])([\w./-]+\.(?:md|markdown|rst|txt))\b"
)
_REDIRECT: Final = re.compile(
    r"(?im)\b(?:moved|relocated|superseded|(?:renamed|replaced) (?:as|by|to|with)|canonical|redirects?|lives"
    r"|see|now (?:at|in|under)|deprecated|pointer|stub)\b|->|=>|→|(?:^|status:"
    r"|\b(?:this(?: \w+)?|it) (?:is|was|has been))\W*(?:now )?(?:obsolete\b|re(?:named|placed)\b(?! \w))"
)
_DOCUMENT: Final = re.compile(r"(?!\w+://).*\.(?:md|markdown|rst|txt)(?:#.*)?", re.IGNORECASE)


def points_to(text: str) -> str:
    """Return the document that a stub points to; empty if the text is more than a stub.

    A stub is short and names exactly one document. Its only other words say that the document is elsewhere.
    A text that has another path, a command or sections is a document of its own.
    """
    if len(text) > LONGEST_STUB * 20:
        return ""
    visible = _INVISIBLE.sub("", text.replace("\r\n", "\n"))
    body = _HEADING.sub("", visible).strip()
    named = {one for groups in _TARGET.findall(body) for one in groups if one and "://" not in one}
    targets, rest = set(filter(_DOCUMENT.fullmatch, named)), _TARGET.sub("", body)
    if len(body) > LONGEST_STUB or len({target.rpartition("/")[2] for target in targets}) != 1:
        return ""
    words = re.findall(r"\w+", rest)
    if words and (len(words) > MOST_STUB_WORDS or not _REDIRECT.search(rest)):
        return ""
    # A link's text can repeat its target; the longest form has the full path.
    longest: str = max(sorted(targets), key=len)
    # What is named below a second heading is an entry of that section, and a path or a command is work.
    sections = [title for title in _HEADING.findall(visible) if not _REDIRECT.search(title)]
    others = [one for one in named - targets if re.search("[./]", one) and not longest.startswith(one)]
    return "" if len(sections) > 1 or others or "`" in rest else longest


_MOST_WORDS: Final = 20
"""The words of an index's entry among which an item's id is looked for."""


def ids_leading_to(other: WorkItem, touched: set[bytes]) -> Iterator[str]:
    """Yield what may be the ids of items whose documents are files that no template names.

    These are the pointer's own item, and those for which its data or an index names such a file.

    Args:
        other: an item without an id, whose fields are those of every item of its kind.
        touched: the documents that the change touches. The caller takes out those whose item is found, so
            that no more ids are yielded for them.
    """
    yield other.pointer.id
    for keys, text in Data(other.pointer.data).texts():
        if follow(b"", text) in touched:
            yield from map(str, keys)
    for template in other.settings.index:
        index = other.plain(template).removeprefix("./").encode("utf-8", "surrogateescape")
        text = read_text(other.tree, index) or ""
        # Most changes touch no file of the index; this check spares a hook the Markdown parser.
        names = (path.rpartition(b"/")[2].decode("utf-8", "surrogateescape") for path in touched)
        if not any(name in text for name in names):
            continue
        from specguard.work.stated_paths import read_index

        for row in read_index(text, other.kind)[0]:
            paths = {path for link in row.links for path in link_paths(index, link) if path}
            # An entry with several files names no document.
            if not paths.isdisjoint(touched) and len([*filter(other.tree.has_file, paths)]) == 1:
                yield from (word for word in row.words.split()[:_MOST_WORDS] if any(map(str.isdigit, word)))
