"""Specs with their documents and index entries, the index, and the catalogue of all specs in a tree."""

from __future__ import annotations

import json
from functools import cached_property

from specguard.declaration.patterns import Covering
from specguard.documents.completeness import content_of
from specguard.documents.data import Data, Problem, data_kind, dotted, elements, is_scalar, scalar_text
from specguard.documents.dates import parse_date, strip_dates
from specguard.documents.document import Document
from specguard.documents.fields import (
    DataEntry,
    find_fields,
    find_key,
    normal_name,
    normal_title,
    plain_value,
)
from specguard.errors import MissingFact
from specguard.model import TYPE_CHECKING, Finding, Record, cached_method, path_text, plain_path
from specguard.specs.spec_fields import (
    KEY_FORMS,
    ApprovalReader,
    StatusFlow,
    WrittenValue,
    document_essence,
    essence,
    plain_status,
    visible_lines,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.tree import Documents, Tree
    from specguard.documents.blocks import Section
    from specguard.documents.fields import Field, Place
    from specguard.specs.settings import SpecSettings
    from specguard.specs.spec_fields import SpecApproval


REMARK_WORDS: Final = 5
"""The limit of words after a date that count as a remark on it, such as the author's name."""

METADATA: Final = frozenset({"metadata", "document control", "document information"})
"""The titles of sections whose fields are about the whole document."""

STATUS_WORDS: Final = 4
"""The limit of words for the first line of a section *Status* to count as a status."""


class Spec(Record):
    """A document that is a spec.

    Attributes:
        path: the document's path.
        entry: the spec's entry in the index; None if the index has none.
        settings: `[specs]`.
        documents: the documents of the spec's tree.
    """

    path: bytes
    entry: IndexEntry | None
    settings: SpecSettings
    documents: Documents

    def __hash__(self) -> int:
        # The text of an entry contains the whole index.
        return hash(self.path)

    @cached_property
    def document(self) -> Document:
        """The parsed document; empty for structured data, which is in `data`."""
        document = None if self.structured else self.documents.read(self.path)
        return Document("") if document is None else document

    @cached_property
    def data(self) -> Data:
        """The spec's structured data, or its front matter."""
        return self.documents.data(self.path) or Data({})

    @property
    def keys(self) -> Mapping[str, Any]:
        """The top-level keys of the data or front matter, with their values."""
        return self.data.value if isinstance(self.data.value, dict) else {}

    @property
    def structured(self) -> bool:
        """True if the spec is a file of structured data, not a text."""
        return data_kind(self.path) is not None

    @property
    def problem(self) -> Problem | None:
        """The reason why the spec or its front matter cannot be read; None if both can."""
        return self.document.problem or self.data.problem

    @property
    def is_partly_readable(self) -> bool:
        """True if only the front matter is broken, and it has no key that records ids."""
        if self.structured or self.document.problem is not None or self.data.problem is None:
            return False
        lines = (self.document.front_matter or "").split("\n")
        names = {normal_name(line.partition(":")[0].strip("'\" \t")) for line in lines}
        return normal_name(self.settings.reviewed) not in names

    @cached_property
    def fields(self) -> Sequence[Field]:
        """The document's fields."""
        return self.documents.fields(self.path)

    def text_fields(self, *names: str) -> Iterator[Field]:
        """Return the fields with one of these names in the document's text, without the keys of its data."""
        return (field for field in find_fields(self.fields, *names) if field.form not in KEY_FORMS)

    def finding(
        self, message: str, help: str, key: str, line: int | None, setting: str = "review", **more: Any
    ) -> Finding:
        """Return a finding about the spec, or about a line of it, by a key of `[specs]`."""
        return Finding(message, help, self.path, line, key=key, setting=f"specs.{setting}", **more)

    @cached_property
    def id(self) -> str:
        """The id in the index, else the spec's own; empty if there is none."""
        return (self.entry.id if self.entry is not None else "") or _read_id(self.keys)

    @cached_property
    def reviews(self) -> Sequence[WrittenValue]:
        """Every date of a last review in the document or the index; the document's come first."""
        return self._find_values(*self.settings.review_names)

    @property
    def dated_reviews(self) -> Sequence[WrittenValue]:
        """The reviews with a valid date, the oldest first."""
        found = [review for review in self.reviews if review.date is not None]
        return sorted(found, key=lambda review: str(review.date))

    @property
    def review(self) -> WrittenValue | None:
        """The review that counts: the oldest valid date; None if every date is invalid or missing."""
        return next(iter(self.dated_reviews), None)

    @cached_property
    def statuses(self) -> Sequence[WrittenValue]:
        """The statuses that the document states, which should be one, and those in the index.

        A document states its status in its front matter, above its first subheading, or in a section such as
        *Metadata*. Otherwise a section with the field's name states it. If several of these state different
        statuses that the policy names, all are included, since it is unclear which one a reader uses.
        """
        found = self._find_values(self.settings.status)
        of_index = [one for one in found if one.form == "index"]
        # Keys are above any heading.
        own = [one for one in found if one.form != "index" and self._is_about_all(one)]
        own += self._status_section()
        flow = StatusFlow(self.settings)
        stated = [*own[:1], *(one for one in own[1:] if flow.is_listed(one.text))]
        unique = {plain_status(one.text): one for one in reversed(stated)}
        return [*sorted(unique.values(), key=stated.index), *of_index]

    def _is_about_all(self, value: WrittenValue) -> bool:
        """Return True if a line is about the whole document: above any subheading, or in *Metadata*."""
        line, sections = value.line or 0, self.document.sections
        about = (one for one in sections if normal_title(one.heading.text.plain) in METADATA)
        is_above = len(sections) < 2 or line < sections[1].line
        return is_above or any(one.line <= line <= one.end for one in about)

    def _status_section(self) -> Iterator[WrittenValue]:
        """Yield the first line of each section with the status field's name, unless it is a sentence."""
        for section in self.sections(self.settings.status):
            line, text = next(visible_lines(section.own[:1]), (0, ""))
            words = plain_value(text)
            if words and not words.startswith("[") and len(words.split()) <= STATUS_WORDS:
                yield WrittenValue(words, self.path, line, "section")

    @cached_property
    def approvals(self) -> Sequence[SpecApproval]:
        """Every record of an approval in the document and the index, complete or not."""
        name, fields = self.settings.approvals, self.settings.approval_fields
        found: list[SpecApproval] = []
        for value, data, place, path in self.key_values(name):
            found += ApprovalReader(fields, path).of_data(value, data, place)
        reader = ApprovalReader(fields, self.path)
        found += [reader.of_text(field.value, field.line) for field in self.text_fields(name)]
        return [*found, *(one for section in self.sections(name) for one in reader.of_blocks(section.blocks))]

    def key_values(self, name: str) -> Iterator[tuple[Any, Data, Place, bytes]]:
        """Yield a key's values in the spec's data and in the index, each with its data, place and file."""
        places = [(DataEntry(self.data, (), self.keys), self.path)]
        if self.entry is not None:
            places.append((self.entry, self.entry.index))
        for entry, file in places:
            if found := find_key(entry.value, [name]):
                yield found[1], entry.data, (*entry.key, found[0]), file

    @cached_property
    def recorded_ids(self) -> Sequence[tuple[str, WrittenValue]]:
        """The object ids that the review recorded: each path, and the id with its place."""
        return [
            (path, WrittenValue(scalar_text(oid), file, data.line((*place, path))))
            for value, data, place, file in self.key_values(self.settings.reviewed)
            for path, oid in (value.items() if isinstance(value, dict) else ())
            if is_scalar(oid)
        ]

    @cached_property
    def governs(self) -> Covering:
        """The patterns of the paths that the spec governs."""
        stated = self.settings.governs.items()
        return Covering([pattern for pattern, files in stated if files.matches(self.path)])

    @property
    def governs_lines(self) -> Sequence[int]:
        """The lines of fields and sections *Governs* of the document, where only the policy is read."""
        # Most documents do not contain this word, so they need not be parsed.
        if b"governs" not in (self.documents.content(self.path) or b"").lower():
            return ()
        lines = [field.line for field in find_fields(self.fields, "governs")]
        return lines + [section.line for section in self.sections("governs")]

    @cached_method
    def essence(self, *names: str) -> str:
        """Return the normalized content of the document, without its reviews.

        The id, review dates, recorded object ids, approvals, white space and invisible text are left out,
        and the dates of the fields with these names.
        """
        left_out = (self.settings.reviewed, self.settings.approvals)
        dates = (*self.settings.date_fields, *names)
        return essence(self.data.value, ("id", *dates, *left_out)) + document_essence(self, dates, left_out)

    def review_day_fields(self, was: Spec) -> Sequence[str]:
        """Return the names of fields that have only a review's date, and had only a date or nothing before.

        A short remark may follow the date. Longer notes on the review count as content.

        Args:
            was: the spec before.
        """
        days = {review.date for review in self.reviews} - {None}

        def is_day(text: str) -> bool:
            if parse_date(text):
                return parse_date(text) in days and len(strip_dates(text).split()) <= REMARK_WORDS
            # A date in another form than ISO 8601 is not parsed, but still only a date.
            return bool(text) and not strip_dates(text).strip()

        names = sorted({field.name for field in (self.fields if days else ()) if is_day(field.value)})
        old = {name: [one.value for one in find_fields(was.fields, name) if one.value] for name in names}
        return [name for name in names if all(map(parse_date, old[name]))]

    @property
    def is_empty(self) -> bool:
        """True if it has only headings, front matter, comments or placeholders."""
        return not self.structured and content_of(self.document.blocks).kind != "content"

    @cached_property
    def entry_essence(self) -> str:
        """The normalized index entry, without reviews; empty if the index has no entry."""
        return "" if self.entry is None else self.entry.essence(self.settings)

    def _find_values(self, *names: str) -> list[WrittenValue]:
        fields = find_fields(self.fields, *names) if names else ()
        found = [WrittenValue(field.value, self.path, field.line, field.form) for field in fields]
        return [*found, *(self.entry.values_of(*names) if self.entry is not None else ())]

    def sections(self, name: str) -> Iterator[Section]:
        """Yield the sections named like a field, without those nested in such a section."""
        end, wanted = 0, _plain_title(name.replace("_", " "))
        for section in self.document.sections:
            if section.line > end and _plain_title(section.heading.text.plain) == wanted:
                end = section.end
                yield section


def _plain_title(title: str) -> str:
    """Return a normalized heading, to compare it with a field's name: `### 4. Reviewed objects (2026)`."""
    return normal_name(normal_title(title))


PATH_KEYS: Final = ("path", "paths")
"""The keys of an entry that name its spec, or several files; those that match `files` are specs."""


class NamedPath(Record):
    """A spec's path in an entry.

    Attributes:
        text: the path as written.
        index: the index.
        place: the path's place in the index.
        path: the file that the path means; empty if it is outside the repository.
        problem: the reason why no such file exists, as a clause; empty if it exists.
        is_main: True if the key is `path`.
    """

    text: str
    index: Data
    place: Place
    path: bytes
    problem: str
    is_main: bool

    @property
    def line(self) -> int | None:
        """The path's line in the index, whose lines take long to find in a large one."""
        return self.index.line(self.place)


class IndexEntry(DataEntry):
    """One element of a list in the index.

    Attributes:
        index: the path of the index.
        id: the id as text; empty if there is none.
        named_paths: the paths of specs that the entry names.
    """

    index: bytes
    id: str
    named_paths: Sequence[NamedPath]

    @property
    def label(self) -> str:
        """The entry's name in messages: its id, else its place."""
        return self.id or self.field()

    @cached_property
    def text(self) -> str:
        """The entry as text, for comparison."""
        return json.dumps([self.id, dict(self.value)], sort_keys=True)

    @property
    def specs(self) -> Sequence[bytes]:
        """The paths of the existing specs that the entry names."""
        return [one.path for one in self.named_paths if not one.problem]

    def values_of(self, *names: str) -> Iterator[WrittenValue]:
        """Yield the values of all keys with one of these names that are a text or a number, in order."""
        wanted = {normal_name(name) for name in names}
        for key, value in self.value.items():
            if normal_name(key) in wanted and is_scalar(value):
                yield WrittenValue(scalar_text(value), self.index, self.line_of(key), "index")

    def essence(self, settings: SpecSettings) -> str:
        """Return the normalized data without reviews, approvals, the id and paths."""
        left_out = (settings.reviewed, settings.approvals, "id", *PATH_KEYS)
        return essence(self.value, (*settings.date_fields, *left_out))


class Index:
    """The entries of the index.

    Args:
        path: the path of the index.
        documents: the documents of its tree.
        settings: `[specs]`, whose `entries` are the keys of the lists with specs.

    Attributes:
        path: the path of the index.
        data: the parsed data; None if the file is missing.
        problem: the reason why the index cannot be read; None if it can, or is missing.
        entries: the elements of its lists.
        faults: the elements that are not entries: the line, and the problem as a clause.
    """

    def __init__(self, path: bytes, documents: Documents, settings: SpecSettings) -> None:
        self.path = path
        self.data: Data | None = documents.data(path)
        self.problem = self.data.problem if self.data is not None else None
        self.entries: list[IndexEntry] = []
        self.faults: list[tuple[int | None, str]] = []
        self._tree = documents.tree
        self._files = settings.files
        if self.data is None or self.problem is not None:
            return
        found = {key: self.data.get(key) for key in settings.entries}
        if all(value is None for value in found.values()):
            self.problem = Problem(f"it has no {' and no '.join(map(repr, found))}", 1)
        for key, value in found.items():
            place = tuple(key.split("."))
            if value is not None and not isinstance(value, list):
                self.faults.append((self.data.line(place), f"{key!r} is not a list"))
            for number, element in enumerate(value if isinstance(value, list) else ()):
                self._add(self.data, (*place, number), element)

    def _add(self, data: Data, place: Place, value: Any) -> None:
        """Add an element of a list."""
        if not isinstance(value, dict):
            self.faults.append((data.line(place), f"{dotted(place)} is no table with the keys of a spec"))
            return
        main, several = (find_key(value, [key]) for key in PATH_KEYS)
        found: list[tuple[Place, Any]] = [((main[0],), main[1])] if main else []
        if several:
            found += [((several[0], at), one) for at, one in elements(several[1])]
        folder, named = self.path.rpartition(b"/")[0], []
        for below, one in found:
            text, is_main = scalar_text(one), len(below) == 1
            path, problem = find_file(text, self._tree, folder)
            if text and (is_main or self._files.matches(path)):
                named.append(NamedPath(text, data, (*place, *below), path, problem, is_main))
        self.entries.append(IndexEntry(data, place, value, self.path, _read_id(value), named))


def _read_id(value: Mapping[str, Any]) -> str:
    """Return the id in the data; empty if there is none."""
    found = find_key(value, ["id"])
    return scalar_text(found[1]) if found else ""


def places_of(text: str, folder: bytes) -> list[bytes]:
    """Return the paths that a path in a document may mean: from the root, and from the document's folder.

    A leading `./` and a trailing `#anchor` are ignored.
    """
    plain = text.strip().partition("#")[0].encode("utf-8", "surrogateescape")
    return [path for start in (b"", folder) if (path := plain_path(start + b"/" + plain)) is not None]


def find_file(text: str, tree: Tree, folder: bytes) -> tuple[bytes, str]:
    """Return the file that a path in the index means, and the problem as a clause; empty if the file exists.

    Args:
        text: a path from the root or from the index's folder.
        tree: the files.
        folder: the folder of the index.
    """
    found = places_of(text, folder)
    for path in found:
        if tree.has_file(path):
            return path, ""
    if not found:
        return b"", "it climbs out of the repository"
    return found[0], "there is no such file" if tree.find(found[0]) is None else "it is not a regular file"


class Catalogue:
    """The specs of one tree, read on demand.

    Args:
        settings: `[specs]`.
        documents: the documents of the tree.
        is_judged: False for a tree that is only looked at, as that before the change. An index that cannot be
            read has no entries there.
    """

    def __init__(self, settings: SpecSettings, documents: Documents, *, is_judged: bool = True) -> None:
        self.settings = settings
        self.documents = documents
        self._is_judged = is_judged
        self.index_path = settings.index.encode("utf-8", "surrogateescape")

    @cached_property
    def index(self) -> Index | None:
        """The index; None if the policy has none.

        Raises:
            MissingFact: an object is missing.
        """
        return Index(self.index_path, self.documents, self.settings) if self.index_path else None

    @property
    def done_entries(self) -> Sequence[IndexEntry]:
        """The entries of the index whose status says that their specs were done.

        Raises:
            MissingFact: the index cannot be read.
        """
        flow = StatusFlow(self.settings)
        stated = [(entry, next(entry.values_of(self.settings.status), None)) for entry in self.entries]
        return [entry for entry, value in stated if value is not None and flow.is_done(value.text)]

    @cached_property
    def entries(self) -> Sequence[IndexEntry]:
        """The entries of the index.

        Raises:
            MissingFact: the index cannot be read, so its entries are unknown.
        """
        index = self.index
        if index is None:
            return ()
        if index.problem is not None and self._is_judged:
            why = f"the index {path_text(index.path)} cannot be read: {index.problem.message}"
            raise MissingFact(why, code="unreadable-file")
        return index.entries

    @cached_property
    def paths(self) -> Sequence[bytes]:
        """The paths of all specs in order: files that the policy names, and files that the index names."""
        found = self.settings.files.among(self.documents.tree.paths())
        return sorted({*filter(self._is_file, found), *self._by_path})

    def _is_file(self, path: bytes) -> bool:
        return path != self.index_path and self.documents.tree.has_file(path)

    @cached_method
    def at(self, path: bytes) -> Spec | None:
        """Return the spec at a path; None if there is none."""
        entry = self._by_path.get(path)
        if entry is None and not (self.settings.files.matches(path) and self._is_file(path)):
            return None
        return Spec(path, entry, self.settings, self.documents)

    @cached_property
    def all(self) -> Sequence[Spec]:
        """Every spec, by path."""
        return [spec for path in self.paths if (spec := self.at(path)) is not None]

    def governing(self, path: bytes) -> Iterator[tuple[Spec, str]]:
        """Yield the specs that govern a path, each with the matching pattern."""
        for spec in self.all:
            index = spec.governs.find(path)
            if index is not None:
                yield spec, spec.governs.patterns[index]

    @cached_property
    def _by_path(self) -> Mapping[bytes, IndexEntry]:
        """The entry of each path: the first whose first path it is, else the first that names it."""
        found = {path: entry for entry in reversed(self.entries) for path in entry.specs}
        found.update({entry.specs[0]: entry for entry in reversed(self.entries) if entry.specs})
        return found
