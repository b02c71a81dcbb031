"""What a spec's document and the index state: text, statuses, reviews and governed paths; and the index."""

from __future__ import annotations

import json
import re

from specguard.declaration.rule import Record
from specguard.documents.blocks import Fence, Footnote, Heading, Html, List, Paragraph, Quote, Table
from specguard.documents.characters import visible
from specguard.documents.citations import plain_path
from specguard.documents.content import has_content, leading_paths
from specguard.documents.data import dotted, written
from specguard.documents.dates import date_problem, is_ahead, parse_date, undated
from specguard.documents.fields import (
    DataEntry,
    elements,
    find_fields,
    find_key,
    is_scalar,
    normal_name,
    scalar_text,
)
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.tree import Documents, Tree
    from specguard.documents.blocks import AnyBlock, Section, Text
    from specguard.documents.data import Data
    from specguard.documents.document import Document
    from specguard.documents.fields import Field, Place
    from specguard.specs.settings import SpecSettings
    from specguard.specs.spec import Spec


class WrittenValue(Record):
    """A value and the place it stands in.

    Attributes:
        text: the value as text, without marks of emphasis and code.
        path: the file that states it.
        line: its line there, from 1; None where it is no line's.
        form: how it is written: `front matter`, `line`, `bullet`, `bold`, `table`, `data`, `index` or
            `section`.
    """

    text: str
    path: bytes
    line: int | None
    form: str

    @property
    def place(self) -> str:
        """The file and line, as messages name them."""
        return f"{path_text(self.path)}:{self.line}" if self.line else path_text(self.path)

    @property
    def keyed(self) -> bool:
        """Whether it is the value of a key in the document's own data."""
        return self.form in KEYED

    def line_in(self, path: bytes) -> int | None:
        """Its line, where it stands in a given file."""
        return self.line if self.path == path else None

    def elsewhere(self, path: bytes) -> str:
        """Where it stands, as the end of a clause about a given file; empty where that is this file."""
        return "" if self.path == path else f" in {self.place}"


KEYED: Final = ("front matter", "data")
"""The forms of a key in a document's own data."""

# Signs beside a space or an end of the text, and those to which each font gives its own look.
_STOP: Final = "[.,;:!?\u3002\"'\u2018-\u201f]"
_STOPS: Final = re.compile(f"(?:(?<=\\s)|^){_STOP}++|(?<!{_STOP}){_STOP}++(?=\\s|$)|[\ue000-\uf8ff]")


def essence(value: Any, left_out: Iterable[str] = ()) -> str:
    """What data says, in a form in which the same is equal; a key without a value says nothing.

    Layout does not count, and neither do letters that only look alike, their case, and how a value is quoted.

    Args:
        value: the data.
        left_out: the names of keys at its top that do not count.
    """
    if isinstance(value, dict):
        names = {normal_name(name) for name in left_out}
        pairs = sorted((key, inner) for key, inner in value.items() if normal_name(key) not in names)
        said = "".join(f"{key}:{inner};" for key, one in pairs if (inner := essence(one)))
        return f"{{{said}}}" if said else ""
    if isinstance(value, list):
        said = "".join(f"{inner};" for one in value if (inner := essence(one)))
        return f"[{said}]" if said else ""
    return "" if value is None else without_space(_read(written(value)))


def document_essence(
    document: Document, fields: Sequence[Field], dates: Sequence[str], sections: Sequence[Section]
) -> str:
    """What the text of a document says, in the same way.

    Args:
        document: the document.
        fields: its fields.
        dates: the names of fields whose dates do not count, and which say nothing with a date alone.
        sections: sections that do not count with all they hold.
    """
    names = {normal_name(name) for name in dates}
    dated = [field.line for field in find_fields(fields, *dates) if field.form not in KEYED]
    # What stands behind a label may stand on the next line.
    lines = {*dated, *(line + 1 for line in dated)}
    passed = {line for section in sections for line in range(section.line, section.end + 1)}
    said = []
    for line, text, code in _lines(document.blocks):
        if line in lines:
            text = undated(text)
            text = "" if normal_name(text.strip(" \t:*_`|-")) in names else text
        if line not in passed:
            said.append(without_space(text if code else _read(text)))
    return "".join(said)


def shown_text(blocks: Sequence[AnyBlock]) -> str:
    """What a reader of the rendered page reads, in a form in which the same is equal; see `essence`."""
    return "".join(without_space(text if code else _read(text)) for _, text, code in _lines(blocks))


def canonical(value: Any) -> str:
    """Data as text, in which the order of keys and the layout do not count."""
    return without_space(json.dumps(value, sort_keys=True, ensure_ascii=False))


def visible_lines(blocks: Sequence[AnyBlock]) -> Iterator[tuple[int, str]]:
    """The lines that a reader of the rendered page sees as they are written, with their numbers."""
    return ((line, text) for line, text, _ in _lines(blocks, rendered=False))


def without_space(text: str) -> str:
    """A text without white space and without what no reader sees."""
    return "".join(visible(text).split())


def _read(text: str) -> str:
    """A text as an eye reads it; what only ends a sentence or a part of one says nothing."""
    if text.isascii():
        text = text.lower()
    else:
        from specguard.declaration.look_alikes import reading

        text = reading(text)
    return _STOPS.sub("", text)


def _lines(blocks: Sequence[AnyBlock], *, rendered: bool = True) -> Iterator[tuple[int, str, bool]]:
    """The lines of what a page shows, each with its number, and whether it is code."""
    for block in blocks:
        if isinstance(block, (Heading, Paragraph)):
            yield from _of_text(block.text, rendered)
        elif isinstance(block, List):
            for item in block.items:
                yield from _lines(item.blocks, rendered=rendered)
        elif isinstance(block, (Quote, Footnote)):
            yield from _lines(block.blocks, rendered=rendered)
        elif isinstance(block, Table):
            for cell in (cell for row in (block.header, *block.rows) for cell in row):
                yield from _of_text(cell, rendered)
        elif isinstance(block, Fence):
            for number, line in enumerate(block.content.split("\n"), block.first):
                yield number, line, True
        elif isinstance(block, Html) and (rendered or has_content([block], ())):
            yield block.line, block.text if rendered and not block.pictures else block.content, False


def _of_text(text: Text, rendered: bool) -> Iterator[tuple[int, str, bool]]:
    """The lines of a text; where links and pictures of a rendered one lead is said, too."""
    shown = text.rendered if rendered else text.raw
    if shown.count("\n") == text.raw.count("\n"):
        for number, line in enumerate(shown.split("\n"), text.line):
            yield number, line, False
    else:
        yield text.line, shown, False
    for link in text.links if rendered else ():
        if link.target and link.target not in shown:
            yield link.line, link.target, True


CHANGED: Final = (
    "updated", "last_updated", "updated_at", "modified", "last_modified", "date_modified", "next_review",
    "next_review_date", "review_by", "review_due", "due_for_review",
)  # fmt: skip
"""Fields that say when a document was last written to, or is due again: bumping one says no more than bumping
the review."""


class ReviewDate(Record):
    """A date of a last review as it is written.

    Attributes:
        said: what is written, and where.
        date: the day; None where it is none.
        problem: why it is none, as a clause; empty where it is one.
    """

    said: WrittenValue
    date: datetime.date | None
    problem: str

    def is_ahead(self, today: datetime.date) -> bool:
        """Whether the day is still to come."""
        return self.date is not None and is_ahead(self.date, self.said.text, today)


def review_of(said: WrittenValue) -> ReviewDate:
    """The review that a value states."""
    date = parse_date(said.text)
    return ReviewDate(said, date, "" if date else "is empty" if not said.text else date_problem(said.text))


def dates_of(settings: SpecSettings) -> Sequence[str]:
    """The fields whose dates say no more than that somebody was there."""
    return (*review_names(settings.review), *CHANGED)


def review_names(name: str) -> tuple[str, ...]:
    """The names of the field for the last review: `last_review` is also written `last_reviewed`."""
    if not normal_name(name).endswith(("review", "reviewed")):
        return (name,) if name else ()
    return (name, name.removesuffix("ed") if normal_name(name).endswith("ed") else f"{name}ed")


LONGEST_STATUS: Final = 100
"""A longer text, in characters, is no status."""

_DONE: Final = frozenset({"done", "closed", "complete", "completed", "merged", "landed"})
"""Of the statuses of what is done with those that say that it was done, and not given up."""

_QUALIFIER: Final = re.compile(r"\s*[(\[][^()\[\]]*[)\]]$")
_AROUND: Final = re.compile(r"\A[\W_]+|[\W_]+\Z")


def plain_status(text: str) -> str:
    """A status for comparison, as `normal_name` has it; symbols around it and brackets behind do not count.

    `In progress`, `in_progress` and `in-progress (since May)` are the same.
    """
    if len(text) > LONGEST_STATUS:
        return ""
    return normal_name(_AROUND.sub("", _QUALIFIER.sub("", visible(text).strip())))


class Ways:
    """The statuses of a policy and the ways between them.

    Every status that is asked for is compared by `plain_status`.

    Args:
        settings: `[specs]`.
    """

    def __init__(self, settings: SpecSettings) -> None:
        following = [name for names in settings.transitions.values() for name in names]
        self._any = not settings.statuses
        self._written: dict[str, str] = {}
        for name in (*settings.statuses, *settings.transitions, *following, *settings.terminal):
            self._written.setdefault(plain_status(name), name)
        self._next: Mapping[str, Sequence[str]] = {
            plain_status(name): [plain_status(after) for after in names]
            for name, names in settings.transitions.items()
        }
        self._needing = {plain_status(name) for name in settings.approval_needed}
        self._over = {plain_status(name) for name in settings.terminal}
        listed = [plain_status(name) for name in settings.statuses] or list(self._next)
        later = self._over.union(*self._next.values())
        self._first = [name for name in listed if name not in later] or listed[:1]

    def known(self, status: str) -> bool:
        """Whether the policy has a status; where it lists none, it has all."""
        return bool(status.strip()) if self._any else self.listed(status)

    def listed(self, status: str) -> bool:
        """Whether a text is a status that the policy names somewhere."""
        return plain_status(status) in self._written

    def same(self, one: str, other: str) -> bool:
        """Whether two texts are the same status."""
        return plain_status(one) == plain_status(other)

    def needs_approval(self, status: str) -> bool:
        """Whether a status needs an approval."""
        return plain_status(status) in self._needing

    def over(self, status: str) -> bool:
        """Whether a spec with this status is done with."""
        return plain_status(status) in self._over

    def done(self, status: str) -> bool:
        """Whether a spec with this status was done, and not given up or put aside."""
        return self.over(status) and plain_status(status) in _DONE

    @property
    def first(self) -> Sequence[str]:
        """The statuses that follow no other, as they are written in the policy."""
        return [self._written[name] for name in self._first]

    def after(self, status: str) -> Sequence[str]:
        """The statuses that may follow, as they are written in the policy."""
        return [self._written[name] for name in self._next.get(plain_status(status), ())]

    def may_follow(self, before: str, after: str) -> bool:
        """Whether a spec may move from one status to another."""
        old, new = plain_status(before), plain_status(after)
        return not self._next or old == new or new in self._next.get(old, ())

    def may_begin(self, status: str) -> bool:
        """Whether a new spec may have a status.

        It may have the ones that follow no other, and those to which the ways lead from there without passing
        one that needs an approval; that one itself is asked for its approval.
        """
        reached = list(self._first)
        for name in reached:
            if name not in self._needing:
                reached += [after for after in self._next.get(name, ()) if after not in reached]
        return not self._next or plain_status(status) in reached


LONGEST_PATH: Final = 2000
"""So many characters of a list item or row are read for a path and an object id."""

GOVERNS: Final = "governs"
"""The field in which a spec itself says what it governs."""

_OID: Final = re.compile(r"\b[0-9a-fA-F]{4,64}\b")


def recorded_ids(spec: Spec, name: str) -> Iterator[tuple[str, WrittenValue]]:
    """The object ids that a review recorded: a path or pattern each, and the id with its place.

    Args:
        spec: the spec.
        name: the name of the field, or section, that holds them.
    """
    own = find_key(spec.keys, [name])
    for path, oid, place in _pairs(own[1], (own[0],)) if own else ():
        yield path, WrittenValue(oid, spec.path, spec.data.line(place), spec.key_form)
    for section in spec.sections(name):
        for raw, line in _rows(section.blocks):
            paths = leading_paths(raw).paths[:1]
            ids = _OID.findall(raw.partition(paths[0])[2]) if paths else []
            if ids:
                yield paths[0], WrittenValue(ids[-1], spec.path, line, "section")
    entry = spec.entry
    found = entry.find([name]) if entry is not None else None
    if entry is not None and found is not None:
        for path, oid, place in _pairs(found[1], (found[0],)):
            yield path, WrittenValue(oid, entry.index, entry.line_of(*place), "index")


def governed_patterns(spec: Spec) -> Iterator[WrittenValue]:
    """The patterns of paths that a spec's own text says it governs."""
    found = find_key(spec.keys, [GOVERNS])
    if found is not None:
        key, value = found
        values = value if isinstance(value, list) else str(value or "").replace(",", " ").split()
        for position, pattern in enumerate(values):
            if isinstance(pattern, str) and pattern.strip():
                line = spec.data.line((key, position) if isinstance(value, list) else (key,))
                yield WrittenValue(pattern.strip(), spec.path, line, "front matter")
    texts: list[tuple[str, int, str]] = [
        (field.value, field.line, field.form)
        for field in find_fields(spec.fields, GOVERNS)
        if field.form not in KEYED
    ]
    for section in spec.sections(GOVERNS):
        texts += [(raw, line, "section") for raw, line in _rows(section.blocks)]
    for text, line, form in texts:
        for pattern in leading_paths(text).paths:
            yield WrittenValue(pattern, spec.path, line, form)


def _rows(blocks: Sequence[AnyBlock]) -> Iterator[tuple[str, int]]:
    """The items of lists and the rows of tables as text, with their lines."""
    for block in blocks:
        if isinstance(block, List):
            yield from ((item.text.raw[:LONGEST_PATH], item.line) for item in block.items)
        for row in block.rows if isinstance(block, Table) else ():
            yield " ".join(cell.raw for cell in row)[:LONGEST_PATH], row[0].line


def _pairs(value: Any, place: Place) -> Iterator[tuple[str, str, Place]]:
    """Paths and object ids in data, which is a table of them."""
    for key, oid in value.items() if isinstance(value, dict) else ():
        if is_scalar(oid):
            yield key, scalar_text(oid), (*place, key)


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
