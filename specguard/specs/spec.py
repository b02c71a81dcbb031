"""Specs: each with its document and its entry in the index, and all those of one tree."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property

from specguard.declaration.patterns import Covering, PatternError
from specguard.documents.data import Data, data_kind, written
from specguard.documents.dates import parse_date, undated
from specguard.documents.document import Document
from specguard.documents.fields import find_fields, near_field, normal_name, plain_value
from specguard.documents.titles import normal_title
from specguard.errors import MissingFact
from specguard.model import path_text
from specguard.specs.approvals import Reader
from specguard.specs.index import FOLDERS, Index, folders_of, place_of
from specguard.specs.text import (
    GOVERNS,
    Review,
    Said,
    Ways,
    dates_of,
    essence,
    governed_patterns,
    plain_status,
    recorded_ids,
    review_names,
    shown_text,
    visible_lines,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.tree import Documents
    from specguard.documents.blocks import Section
    from specguard.documents.fields import Field
    from specguard.documents.titles import Near
    from specguard.specs.approvals import Approval
    from specguard.specs.index import IndexEntry, NamedPath
    from specguard.specs.settings import SpecSettings


REMARK: Final = 5
"""So many words behind a day are a remark on it, such as who wrote it."""

METADATA: Final = frozenset(
    {
        "about this document", "details", "document control", "document details", "document info",
        "document information", "document metadata", "front matter", "header", "info", "information", "meta",
        "metadata", "properties",
    }
)  # fmt: skip
"""The titles of sections whose fields are about the whole document."""

WORDS: Final = 4
"""So many words the first line of a section *Status* has at most, where it is one."""


class Spec:
    """A document that is a spec.

    Attributes:
        path: where it is.
        entry: what the index says of it; None where the index does not know it.
    """

    def __init__(
        self,
        path: bytes,
        entry: IndexEntry | None,
        settings: SpecSettings,
        documents: Documents,
        index: bytes,
    ) -> None:
        self.path = path
        self.entry = entry
        self._settings = settings
        self._documents = documents
        self._index = index

    @cached_property
    def document(self) -> Document:
        """The document; for structured data, which is `data`, an empty one."""
        if self.structured:
            return Document("")
        document = self._documents.read(self.path)
        return Document("") if document is None else document

    @cached_property
    def data(self) -> Data:
        """The structured data that it is, or its front matter."""
        return self._documents.data(self.path) or Data({})

    @property
    def structured(self) -> bool:
        """Whether it is a file of structured data, and no text."""
        return data_kind(self.path) is not None

    @property
    def problem(self) -> tuple[str, int | None] | None:
        """Why it, or its front matter, cannot be read, and the line; None where it can."""
        problem = self.document.problem or self.data.problem
        if problem is None:
            return None
        message = problem.message
        if problem is self.data.problem and not self.structured and self.document.problem is None:
            message = (
                f"its front matter {message.removeprefix('it ')}" if message.startswith("it ") else message
            )
        return message, problem.line

    @property
    def read_in_part(self) -> bool:
        """Whether only its front matter is broken, and nothing is in it that nobody would miss."""
        if self.structured or self.document.problem is not None or self.data.problem is None:
            return False
        lines = (self.document.front_matter or "").split("\n")
        names = {normal_name(line.partition(":")[0].strip("'\" \t")) for line in lines}
        return names.isdisjoint((GOVERNS, normal_name(self._settings.reviewed)))

    @cached_property
    def fields(self) -> Sequence[Field]:
        """The fields that the document has."""
        return self._documents.fields(self.path)

    def near(self, name: str) -> Near | None:
        """What comes nearest to a field that the document does not have; None where nothing does."""
        return None if self.structured else near_field(self.document, self.fields, name)

    @cached_property
    def id(self) -> str:
        """The id that the index gives it, else its own; empty where it has none."""
        if self.entry is not None and self.entry.id:
            return self.entry.id
        return self.own_id

    @cached_property
    def own_id(self) -> str:
        """The id that the document itself states, in its front matter or data."""
        for name in ("id", "spec_id"):
            value = self._own_keys.get(normal_name(name))
            if value is not None and not isinstance(value, (dict, list)):
                return written(value).strip()
        return ""

    # What is said of it

    @cached_property
    def reviews(self) -> Sequence[Review]:
        """Every date of a last review that it or the index gives, those of the document first."""
        return [Review(said) for said in self._said(review_names(self._settings.review))]

    @property
    def review(self) -> Review | None:
        """The review that counts: of several dates the oldest; None where none is a date."""
        dated = [review for review in self.reviews if review.date is not None]
        return min(dated, key=lambda review: str(review.date)) if dated else None

    @cached_property
    def statuses(self) -> Sequence[Said]:
        """The statuses that the document states, which should be one, and those that the index gives it.

        A document states its status in its front matter, or else above its first subheading or in a section
        such as *Metadata*, or else in a section that is called so. Where several of these state another one
        that the policy names, all of them are there: nobody can tell which one a reader goes by.
        """
        found = self._said((self._settings.status,))
        keys = [said for said in found if said.form in {"front matter", "data"}]
        text = [said for said in found if said.form not in {"front matter", "data", "index"}]
        own = [*keys, *(said for said in text if self._about_all(said.line or 0)), *self._status_section()]
        others = {plain_status(said.text): said for said in reversed(own[1:])}
        if others:
            first = plain_status(own[0].text)
            named = Ways(self._settings)
            own[1:] = [one for name, one in others.items() if name != first and named.listed(one.text)]
        return [*own, *(said for said in found if said.form == "index")]

    @property
    def other_status(self) -> Said | None:
        """What is called a status further down in the document, where it is no statement about all of it."""
        found = self._said((self._settings.status,))
        below = [said for said in found if said.form != "index" and not self._about_all(said.line or 0)]
        return below[0] if below else None

    def _about_all(self, line: int) -> bool:
        """Whether a line is about the whole document: above its subheadings, or in a section *Metadata*."""
        sections = self.document.sections
        return len(sections) < 2 or line < sections[1].line or line in self._metadata

    @cached_property
    def _metadata(self) -> frozenset[int]:
        """The lines of the sections whose fields are about the whole document."""
        return frozenset(
            line
            for section in self.document.sections
            if normal_title(section.heading.text.plain) in METADATA
            for line in range(section.line, section.end + 1)
        )

    def _status_section(self) -> Iterator[Said]:
        """The first line of each section that has the name of the status, where it is no sentence."""
        for section in self.sections(self._settings.status):
            for line, text in visible_lines(section.own[:1]):
                words = plain_value(text)
                if words and not words.startswith("[") and len(words.split()) <= WORDS:
                    yield Said(words, self.path, line, "section")
                break

    @cached_property
    def approvals(self) -> Sequence[Approval]:
        """Every record of an approval, in the document and in the index, complete or not."""
        return list(self._approvals())

    @cached_property
    def recorded(self) -> Sequence[tuple[str, Said]]:
        """The object ids that the review recorded: a path or pattern each, and the id with its place."""
        return list(recorded_ids(self, self._settings.reviewed, self._index))

    @cached_property
    def listed(self) -> Sequence[Said]:
        """The patterns of paths that the document itself says it governs."""
        return list(governed_patterns(self, self._documents.content(self.path)))

    @cached_property
    def essence(self) -> str:
        """What its document says apart from its reviews.

        Dates of reviews, object ids recorded by them, approvals, white space, comments and what no reader
        sees do not count.
        """
        return self.essence_without(())

    def essence_without(self, names: Sequence[str]) -> str:
        """The same where some more fields say nothing with their dates."""
        left_out = (self._settings.reviewed, self._settings.approvals)
        sections = [section for name in left_out for section in self.sections(name)]
        dates = (*dates_of(self._settings), *names)
        return essence(self.document, self.data, self.fields, dates, left_out, sections)

    def same_day(self, was: Spec) -> Sequence[str]:
        """The names of its fields that say the day of a review alone, and said nothing or another day before.

        A short remark may stand behind the day; notes on what the review found say more than the day.

        Args:
            was: the same spec before.
        """
        days = {review.date for review in self.reviews} - {None}
        found = {
            field.name
            for field in (self.fields if days else ())
            if parse_date(field.value) in days and len(undated(field.value).split()) <= REMARK
        }
        return [
            name
            for name in sorted(found)
            if all(not field.value or parse_date(field.value) for field in find_fields(was.fields, name))
        ]

    @property
    def has_text(self) -> bool:
        """Whether anything stands under one of its headings; data without headings has what it holds."""
        return self.structured or any(map(shown_text, (section.own for section in self.document.sections)))

    @cached_property
    def entry_essence(self) -> str:
        """What the index says of it, in the same way; empty where the index does not know it."""
        return "" if self.entry is None else self.entry.essence(self._settings)

    def _said(self, names: Sequence[str]) -> list[Said]:
        if not names:
            return []
        found = [
            Said(field.value, self.path, field.line, field.form) for field in find_fields(self.fields, *names)
        ]
        return [*found, *(self.entry.every(*names) if self.entry is not None else ())]

    def _approvals(self) -> Iterator[Approval]:
        name = self._settings.approvals
        reader = Reader(self._settings.approval_fields, self.path)
        for key, value in self.own(name):
            form = "data" if self.structured else "front matter"
            yield from reader.of_data(value, self.data, (key,), form)
        for field in find_fields(self.fields, name):
            if field.form not in {"front matter", "data"}:
                yield reader.of_line(field.value, field.line, field.form)
        for section in self.sections(name):
            yield from reader.of_blocks(section.blocks)
        found = self.entry.find(name) if self.entry is not None else None
        if self.entry is not None and found is not None:
            of_index = Reader(self._settings.approval_fields, self._index)
            data = EntryLines(self.entry)
            yield from of_index.of_data(found[1], data, (*self.entry.place, found[0]), "index")

    def sections(self, name: str) -> Iterator[Section]:
        """The sections with the name of a field, without those in such a section."""
        end = 0
        for section in self.document.sections:
            if section.line > end and _titled(section.heading.text.plain, name):
                end = section.end
                yield section

    def own(self, name: str) -> Iterator[tuple[str, Any]]:
        """The key of a name in the front matter or data, with its value."""
        value = self.data.value
        if isinstance(value, dict):
            wanted = normal_name(name)
            yield from ((key, inner) for key, inner in value.items() if normal_name(key) == wanted)

    @property
    def _own_keys(self) -> Mapping[str, Any]:
        value = self.data.value
        return {normal_name(key): inner for key, inner in value.items()} if isinstance(value, dict) else {}

    def __repr__(self) -> str:
        return f"Spec({self.path!r})"


class EntryLines(Data):
    """The lines of an entry's part of the index."""

    def __init__(self, entry: IndexEntry) -> None:
        super().__init__(entry.value)
        self._entry = entry

    def line(self, path: Sequence[str | int] = ()) -> int | None:
        """The line of a key of the index."""
        return self._entry.line_of(path)


def _titled(title: str, name: str) -> bool:
    """Whether a heading has the name of a field: `## Approvals`, `### 4. Reviewed objects (2026)`."""
    return normal_name(normal_title(title)) == normal_name(normal_title(name.replace("_", " ")))


class Catalogue:
    """The specs of one tree, read as they are asked for.

    Args:
        settings: `[specs]`.
        documents: the documents of the tree.
    """

    def __init__(self, settings: SpecSettings, documents: Documents) -> None:
        self.settings = settings
        self.documents = documents
        self._specs: dict[bytes, Spec] = {}
        self._governs: dict[bytes, Covering] = {}

    @cached_property
    def index(self) -> Index | None:
        """The index; None where the policy has none.

        Raises:
            MissingFact: an object is not there.
        """
        if not self.settings.index:
            return None
        path = self.settings.index.encode("utf-8", "surrogateescape")
        return Index(path, self.documents.data(path), self.settings.entries)

    @property
    def index_path(self) -> bytes:
        """Where the index is; empty where there is none."""
        return self.settings.index.encode("utf-8", "surrogateescape")

    @property
    def done(self) -> Sequence[IndexEntry]:
        """The entries of the index whose status says that they were done.

        Raises:
            MissingFact: the index cannot be read.
        """
        ways = Ways(self.settings)
        said = ((entry, entry.said(self.settings.status)) for entry in self.entries)
        return [entry for entry, status in said if status is not None and ways.done(status.text)]

    @cached_property
    def entries(self) -> Sequence[IndexEntry]:
        """The entries of the index, each with the specs it is about.

        Raises:
            MissingFact: the index cannot be read, so nothing is known of what it says.
        """
        index = self.index
        if index is None:
            return ()
        if index.problem is not None:
            raise MissingFact(
                f"the index {path_text(index.path)} cannot be read: {index.problem[0]}",
                code="unreadable-file",
            )
        folder = index.path.rpartition(b"/")[0]
        for entry in index.entries:
            for named in entry.paths:
                named.path, named.problem = place_of(named.text, self.documents.tree, folder)
                if not named.problem and self.means_spec(named):
                    entry.files.append(named.path)
            if not entry.paths:
                entry.files += self._in_folder(entry, folder)
        self._find_by_id(
            [entry for entry in index.entries if entry.id and not entry.paths and not entry.files]
        )
        return index.entries

    def _in_folder(self, entry: IndexEntry, above: bytes) -> Sequence[bytes]:
        """The specs in the folder that an entry names, by path: one from the root or from `above`."""
        named = entry.find(*FOLDERS)
        if named is None or not isinstance(named[1], str):
            return []
        for folder in folders_of(named[1], above):
            found = [path for path in self.files if path.startswith(folder + b"/")]
            if found:
                return found
        return []

    def means_spec(self, named: NamedPath) -> bool:
        """Whether a path in the index is to be a spec: by its key, or because `files` has it."""
        return named.main or self.settings.files.find(named.path) is not None

    @cached_property
    def paths(self) -> Sequence[bytes]:
        """The paths of all specs in order: the files that the policy names, and those that the index does."""
        found = {path for entry in self.entries for path in entry.files}
        found.update(self.files)
        return sorted(found)

    @cached_property
    def files(self) -> Sequence[bytes]:
        """The regular files that the policy's `files` has, in order."""
        paths = self.documents.tree.paths()
        found = [paths[position] for position, _ in self.settings.files.find_each(paths)]
        found = [path for path in found if path != self.index_path]
        return [path for path in found if (entry := self.documents.tree.find(path)) and entry.is_file]

    def at(self, path: bytes) -> Spec | None:
        """The spec at a path; None where no spec is there."""
        if path in self._specs:
            return self._specs[path]
        entry = self._by_path.get(path)
        if entry is None:
            there = self.documents.tree.find(path)
            is_spec = there is not None and there.is_file and self.settings.files.find(path) is not None
            if not is_spec or path == self.index_path:
                return None
        spec = self._specs[path] = self._spec(path, entry)
        return spec

    @cached_property
    def all(self) -> Sequence[Spec]:
        """Every spec, by path."""
        return [spec for path in self.paths if (spec := self.at(path)) is not None]

    def governs(self, spec: Spec) -> Covering:
        """The patterns of the paths that a spec governs, by the policy or else by its own text."""
        if spec.path not in self._governs:
            if self.settings.governs:
                patterns = [
                    pattern
                    for pattern, files in self.settings.governs.items()
                    if files.find(spec.path) is not None
                ]
            else:
                written = dict.fromkeys(said.text for said in spec.listed)
                patterns = [text for text in written if not pattern_problem(text)]
            self._governs[spec.path] = Covering(patterns)
        return self._governs[spec.path]

    def governing(self, path: bytes) -> Iterator[tuple[Spec, str]]:
        """The specs that govern a path, each with the pattern by which it does."""
        if not self.settings.governs:
            self.documents.prefetch(self.paths)
        for spec in self.all:
            patterns = self.governs(spec)
            index = patterns.find(path)
            if index is not None:
                yield spec, patterns.patterns[index]

    @cached_property
    def _by_path(self) -> Mapping[bytes, IndexEntry]:
        """The entry of each path: the first that names it as its spec, else the first that names it."""
        main: dict[bytes, IndexEntry] = {}
        other: dict[bytes, IndexEntry] = {}
        for entry in self.entries:
            for position, path in enumerate(entry.files):
                (main if not position else other).setdefault(path, entry)
        return {**other, **main}

    def _spec(self, path: bytes, entry: IndexEntry | None) -> Spec:
        return Spec(path, entry, settings=self.settings, documents=self.documents, index=self.index_path)

    def _find_by_id(self, entries: Sequence[IndexEntry]) -> None:
        """Give entries without a path the one spec that has their id, or whose name begins with it."""
        if not entries:
            return
        by_id: dict[str, list[bytes]] = {}
        for path in self.files:
            spec = self._spec(path, None)
            stem = path.rpartition(b"/")[2].rpartition(b".")[0].decode("utf-8", "replace")
            for name in {spec.own_id or stem, stem}:
                by_id.setdefault(normal_name(name), []).append(path)
        names = sorted(by_id)
        for entry in entries:
            wanted = normal_name(entry.id)
            found = by_id.get(wanted) or _beginning(by_id, names, wanted)
            if len(found) == 1:
                entry.files.append(found[0])


def _beginning(by_id: Mapping[str, Sequence[bytes]], names: Sequence[str], prefix: str) -> Sequence[bytes]:
    """The paths of the names that begin with an id which ends there: `2runs` with `2`, but not `21`.

    Of several no more than two are given, since none of them is meant then.

    Args:
        by_id: the paths by their names in normal form.
        names: these names, sorted.
        prefix: the id in normal form.
    """
    found: dict[bytes, None] = {}
    for position in range(bisect_left(names, prefix), len(names)):
        name = names[position]
        if not prefix or not name.startswith(prefix) or len(found) > 1:
            break
        if not (name[len(prefix) : len(prefix) + 1].isdigit() and prefix[-1].isdigit()):
            found.update(dict.fromkeys(by_id[name]))
    return list(found)


def pattern_problem(pattern: str) -> str:
    """What is wrong with a pattern; empty where nothing is."""
    try:
        Covering.translate(pattern)
    except PatternError as error:
        return str(error)
    return ""
