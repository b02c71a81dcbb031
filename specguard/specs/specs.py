"""The specs that a change is judged by, before and after it, the paths they govern, and their mirrors."""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property

from specguard.change.entries import OBJECT_ID, Entry
from specguard.change.tree import Documents
from specguard.declaration.patterns import Covering, Selecting
from specguard.documents.blocks import AnyBlock, List, ListItem, Table, Text
from specguard.documents.data import Problem, data_kind
from specguard.documents.fields import normal_name, plain_value
from specguard.documents.inline import STRUCK
from specguard.documents.list_items import is_ticked, without_box
from specguard.errors import if_applicable
from specguard.model import TYPE_CHECKING, Finding, Record, cached_method, listed, path_text, shortened
from specguard.specs.settings import SpecSettings
from specguard.specs.spec import Catalogue, IndexEntry, Spec, places_of
from specguard.specs.spec_fields import SpecApproval, StatusFlow, WrittenValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from typing import Final

    from specguard.change.change import Change


class Specs(Record, frozen=False):
    """The specs after a change, next to those before it.

    Attributes:
        settings: `[specs]`.
        change: the judged change.
        today: returns the UTC date.
    """

    settings: SpecSettings
    change: Change
    today: Callable[[], date]

    @cached_property
    def now(self) -> Catalogue:
        """The specs after the change."""
        return Catalogue(self.settings, self.change.documents)

    @cached_property
    def ways(self) -> StatusFlow:
        """The statuses of the policy and the transitions between them."""
        return StatusFlow(self.settings)

    def account(self) -> str:
        """Return the number of judged specs, for `--explain`; empty if none were judged yet."""
        return f"{len(self.judged)} judged" if "judged" in vars(self) else ""

    @cached_property
    def earlier(self) -> Catalogue:
        """The specs before the change; an index that could not be read has no entries."""
        nothing = Documents(self.change.git.tree_at(None))
        documents = if_applicable(lambda: self.change.start_documents, nothing)
        return Catalogue(self.settings, documents, is_judged=False)

    @cached_property
    def judged(self) -> Sequence[Spec]:
        """The specs that the change touches, or that govern what it touches; every spec with `--all`.

        Raises:
            MissingFact: the index or a document cannot be read.
        """
        whole = self.change.whole
        if not whole and not self._touched:
            return ()
        if whole or not self.settings.governs:
            self.change.documents.prefetch(self.now.paths)
        return [spec for spec in self.now.all if whole or self.touches(spec) or self.governed_by(spec)]

    @property
    def counted(self) -> Sequence[Spec]:
        """The judged specs, without those whose findings do not count."""
        paths = self.change.counted
        return self.judged if paths is None else [one for path in sorted(paths) if (one := self.now.at(path))]

    @property
    def done(self) -> Sequence[IndexEntry]:
        """The index entries that are done and were not before the change; every done entry with `--all`.

        Raises:
            MissingFact: the index cannot be read.
        """
        if not (self.change.whole or self.now.index_path in self._touched):
            return ()
        before = set() if self.change.whole else {entry.label for entry in self.earlier.done_entries}
        return [entry for entry in self.now.done_entries if entry.label not in before]

    # Paths that the change touches

    @cached_property
    def _touched(self) -> Mapping[bytes, Entry]:
        """The entries of the change by path, sorted."""
        return {entry.path: entry for entry in sorted(self.change.entries, key=lambda entry: entry.path)}

    @cached_method
    def touches(self, spec: Spec) -> bool:
        """Return True if the change alters a spec's document or its index entry."""
        if spec.path in self._touched or self.now.index_path not in self._touched:
            return spec.path in self._touched
        now, was = (one.entry if one else None for one in (spec, self.earlier.at(spec.path)))
        return (now and now.text) != (was and was.text)

    def touches_entry(self, entry: IndexEntry) -> bool:
        """Return True if the change alters an index entry, or a file that the entry names."""
        folder = self.now.index_path.rpartition(b"/")[0]
        if any(path in self._touched for one in entry.named_paths for path in places_of(one.text, folder)):
            return True
        return self.now.index_path in self._touched and entry.text in self._added_entries

    @cached_property
    def _added_entries(self) -> Counter[str]:
        """The entries that the index has more often than before the change, as text."""
        now, before = (Counter(entry.text for entry in one.entries) for one in (self.now, self.earlier))
        return now - before

    def touches_path(self, path: bytes) -> bool:
        """Return True if the change adds, modifies or deletes a path."""
        return path in self._touched

    def links(self) -> Iterator[bytes]:
        """Return links and submodules at paths of specs that the change touches; all of them with `--all`.

        Raises:
            MissingFact: a tree or an object cannot be read.
        """
        paths = self.change.head_files.paths() if self.change.whole else list(self._touched)
        return self.change.documents.unread_links(self.settings.files, paths)

    # Specs before the change

    @cached_method
    def before(self, spec: Spec) -> Spec | None:
        """Return the spec before the change, at its path or the one it was moved from; None for a new spec.

        A spec was moved if the change deletes a spec with its id, or with its content but for the status.
        Several specs of one entry have its id.
        """
        was = self.earlier.at(spec.path)
        if was is not None or spec.path not in self._touched:
            return was
        same = [one for one in self._deleted if spec.id and normal_name(one.id) == normal_name(spec.id)]
        if len(same) != 1:
            # A spec may move to another folder because it is done; what a text says takes long to compare.
            status = self.settings.status
            alike = [one for one in same or self._deleted if one.essence(status) == spec.essence(status)]
            exact = [one for one in alike if one.essence() == spec.essence()] if len(alike) > 1 else []
            same = exact or alike or same
        return next(iter(same), None)

    def had_status(self, spec: Spec, status: str) -> bool:
        """Return True if the index entry of a spec had a status before the change, for other specs."""
        values = (one.values_of(self.settings.status) for one in self.earlier.entries if one.id == spec.id)
        return bool(spec.id) and any(self.ways.same(one.text, status) for each in values for one in each)

    @cached_property
    def _deleted(self) -> Sequence[Spec]:
        """The specs that the change deletes, as they were."""
        return [old for path, one in self._touched.items() if one.deleted and (old := self.earlier.at(path))]

    def says_more(self, spec: Spec, was: Spec) -> bool:
        """Return True if a spec has new content other than dates, or a new approval."""
        # The review's date can be in several fields with any names.
        names = spec.review_day_fields(was)
        if spec.essence(*names) != was.essence(*names):
            return True
        return spec.entry_essence not in {"", was.entry_essence} or self._newly_approved(spec, was)

    def entry_says_more(self, spec: Spec) -> bool:
        """Return True if any spec that the index entry of a spec names has new content."""
        named = [one for path in (spec.entry.specs if spec.entry else ()) if (one := self.now.at(path))]
        return any((was := self.before(one)) is not None and self.says_more(one, was) for one in named)

    def _newly_approved(self, spec: Spec, was: Spec) -> bool:
        """Return True if the change adds a valid approval that is not older than the previous review."""
        known = {approval.key for approval in was.approvals}
        since = was.review.date if was.review else None
        new = (one for one in spec.approvals if self.holds(one) and one.key not in known)
        return any(since is None or one.when is None or one.when >= since for one in new)

    def holds(self, approval: SpecApproval) -> bool:
        """Return True if an approval is complete and is not dated in the future."""
        return approval.complete and not approval.is_ahead(self.today())

    # Governed paths

    def governed_by(self, spec: Spec) -> Sequence[bytes]:
        """Return the paths that the change touches and a spec governs, except the spec itself."""
        return [path for path in self._touched_among(spec.governs) if path != spec.path]

    @cached_method
    def _touched_among(self, patterns: Covering) -> Sequence[bytes]:
        return patterns.among(list(self._touched))

    def governed_files(self, spec: Spec) -> Sequence[bytes]:
        """Return the files of the tree that a spec governs, except the spec itself and the index."""
        found = spec.governs.among(self.change.head_files.paths())
        return [path for path in found if path not in {spec.path, self.now.index_path}]

    def drifts(self, spec: Spec) -> Iterator[tuple[bytes, WrittenValue | None, str]]:
        """Yield governed files that changed since the review, were not recorded by it, or cannot be compared.

        Yields:
            The path, its record if there is one, and the problem as a clause.
        """
        files = self.governed_files(spec)
        recorded: set[bytes] = set()
        for written, record in spec.recorded_ids:
            path = written.strip().removeprefix("./").strip("/").encode("utf-8", "surrogateescape")
            expected = record.text.strip().lower()
            found, entry, why = self.change.head_files.find(path), self._touched.get(path), ""
            if not OBJECT_ID.fullmatch(expected):
                why = f"is recorded with {record.text!r}, which is not an object id"
            elif found is None or found.is_directory:
                why = "is recorded, and is no file here"
            elif not found.oid.startswith(expected):
                why = f"was {expected[:12]}, and is {found.oid[:12]} now"
            elif entry and entry.old != entry.new and entry.old.startswith(expected):
                why = f"is recorded with {expected}, which is its content both before and after the change"
            recorded.add(path)
            if why:
                yield path, record, why
        yield from ((path, None, "is not recorded") for path in files if path not in recorded)

    def current_ids(self, paths: Iterable[bytes]) -> str:
        """Return the first ids of files, after their paths; empty if no path is a file's."""
        found = [(path, self.change.head_files.find(path)) for path in paths]
        ids = [f'"{path_text(path)}": {one.oid}' for path, one in found if one and not one.is_directory]
        return listed(ids, 10)

    def unmet(self) -> Iterator[tuple[str, Selecting, bytes]]:
        """Yield the patterns of governed paths that lack their specs, each with a path that needs one."""
        for pattern, files in self.settings.governs.items():
            if next(files.find_each(self.now.paths), None) is not None:
                continue
            gone = any(not one.is_file and files.matches(one.path) for one in self._touched.values())
            present = [path for path, one in self._touched.items() if not one.deleted]
            paths = self.change.head_files.paths() if self.change.whole or gone else present
            for path in Covering([pattern]).among(paths)[:1]:
                yield pattern, files, path

    @property
    def gone_with_specs(self) -> set[bytes]:
        """The deleted paths that a deleted spec governed, and that no other spec governs."""
        found = {path for was in self._deleted for path in self.governed_by(was)}
        governed = Covering(
            [text for spec in self.now.all for text in spec.governs.patterns] if found else []
        )
        return {path for path in found if self._touched[path].deleted and not governed.matches(path)}

    def terminal(self, spec: Spec) -> bool:
        """Return True if every stated status of a spec is a terminal one.

        If the change touches what the spec governs, the status that it had before counts, too.
        """
        both = [spec, self.before(spec)] if self.governed_by(spec) else [spec]
        stated = [one.statuses if one else () for one in both]
        return all(found and all(self.ways.is_terminal(value.text) for value in found) for found in stated)

    @cached_property
    def mirrors(self) -> Mirrors:
        """The documents that repeat the statuses of specs."""
        return Mirrors(self)

    # Changes that count as a change of a spec

    def is_spec_path(self, path: bytes) -> bool:
        """Return True if a path counts as part of a spec: by `spec_paths`, else by `files` and the index."""
        if self.settings.spec_paths:
            return self.settings.spec_paths.matches(path)
        return path == self.now.index_path or self.settings.files.matches(path)

    @cached_property
    def altered(self) -> Sequence[Spec]:
        """The specs with new content in their documents or in the index.

        A deletion, a move, white space, comments and dates do not count as content.

        Raises:
            MissingFact: a document cannot be read.
        """
        return [spec for spec in self.now.all if self._alters_meaning(spec)]

    def is_new(self, spec: Spec) -> bool:
        """Return True if the change adds a spec, and does not only move it."""
        return spec.path in self._touched and self.before(spec) is None

    def _alters_meaning(self, spec: Spec) -> bool:
        places = (spec.path, self.now.index_path)
        touched = any(place in self._touched and self.is_spec_path(place) for place in places)
        if not (touched and self.touches(spec)):
            return False
        was = self.before(spec)
        return bool(spec.essence()) if was is None else self.says_more(spec, was)


LONGEST_ROW: Final = 2000
"""The limit in characters of a cell or list item; the rest is ignored."""

_LINK: Final = re.compile(r"\]\(\s*<?([^)>\s]+)")
_MIRRORED: Final = re.compile(r"(?:spec +)?[^\s`,;|()\[\]*~]+", re.IGNORECASE)
# The separators between a name and its status; the last one precedes the status.
_BEFORE_STATUS: Final = re.compile(r"\s[-\u2013\u2014]+\s|:\s|[(\[]|\u2192|->|=>|,\s")
# What begins a remark behind a status.
_REMARK: Final = re.compile(r"\s[-\u2013\u2014]+\s|[(),;\[\]]|\.\s")


class Mirrors(Record, frozen=False):
    """The mirrors of a tree: documents that repeat the statuses of specs.

    Attributes:
        specs: the specs whose statuses the mirrors repeat.
    """

    specs: Specs

    @cached_property
    def _by_name(self) -> Mapping[str, Spec]:
        """The specs by id, and by file name if that is unique."""
        specs = self.specs.now.all
        named = [(normal_name(path_text(spec.path).rpartition("/")[2]), spec) for spec in specs]
        counts = Counter(name for name, _ in named)
        by_id = {normal_name(spec.id): spec for spec in specs if spec.id}
        return {name: spec for name, spec in named if counts[name] == 1} | by_id

    def flaws(self) -> Iterator[Finding]:
        """Yield judged mirrors that cannot be read, and statuses in mirrors that differ from the specs'.

        Raises:
            MissingFact: a document or the index cannot be read.
        """
        mirrors = self._find_judged()
        data = Problem("it is data, and statuses are read in tables and lists of Markdown")
        unread = dict(self.specs.change.documents.unread(self.specs.settings.mirrors, mirrors))
        unread |= {path: data for path in mirrors if data_kind(path) is not None}
        for path, problem in unread.items():
            message = f"{path_text(path)}, which repeats statuses, cannot be read: {problem.message}"
            step = "Correct it; until then nobody can tell what it says."
            yield Finding(message, step, path, problem.line, key="unread", setting="specs.mirrors")
        for path in mirrors:
            if path not in unread and (document := self.specs.change.documents.read(path)):
                yield from self._check_blocks(document.blocks, path)

    def _find_judged(self) -> Sequence[bytes]:
        specs, index = self.specs, self.specs.now.index_path
        if not specs.settings.mirrors:
            return ()
        mirrors = specs.settings.mirrors.among(specs.change.head_files.paths())
        mirrors = [path for path in mirrors if path != index]
        if not (specs.change.whole or any(map(specs.touches, specs.judged)) or specs.touches_path(index)):
            mirrors = [path for path in mirrors if specs.touches_path(path)]
        specs.change.documents.prefetch(mirrors)
        return mirrors

    def _check_blocks(self, blocks: Sequence[AnyBlock], mirror: bytes) -> Iterator[Finding]:
        for block in blocks:
            if isinstance(block, Table):
                yield from self._check_table(block, mirror)
            for item in block.items if isinstance(block, List) else ():
                yield from self._check_item(item, mirror)
                yield from self._check_blocks(item.rest, mirror)

    def _check_table(self, table: Table, mirror: bytes) -> Iterator[Finding]:
        wanted = {normal_name(self.specs.settings.status), "status", "state"}
        header = [normal_name(plain_value(cell.raw[:LONGEST_ROW])) for cell in table.header]
        column = next((position for position, name in enumerate(header) if name in wanted), None)
        for row in table.rows:
            # The name of a spec that is done may be struck out, and so may its former status.
            values = [plain_value(cell.raw[:LONGEST_ROW].replace("~~", "")) for cell in row]
            # A cell names a spec by a link or path in it, or is only its id; the first begins with it.
            names = (
                name.rstrip(":.")
                for cell, value in zip(row, values, strict=True)
                for first in [_MIRRORED.findall(value)[:1] if cell is row[0] else ()]
                for name in (*_LINK.findall(cell.raw[:LONGEST_ROW]), *cell.spans, value, *first)
            )
            states = [plain_value(without_box(STRUCK.sub("", cell.raw[:LONGEST_ROW]))) for cell in row]
            listed = filter(self.specs.ways.is_listed, states)
            status = self._plain(next(listed, "") if column is None else states[column])
            yield from self._compare(names, mirror, status, row[column or 0])

    def _check_item(self, item: ListItem, mirror: bytes) -> Iterator[Finding]:
        raw = item.text.raw
        if "&" in raw or ("<" in raw and "](" not in raw):
            raw = item.text.rendered
        raw = without_box(raw)[:LONGEST_ROW]
        # An item begins with the spec: its link, its path or its id.
        link = _LINK.search(raw) if raw.startswith(("[", "**[")) else None
        first = _MIRRORED.search(raw)
        names = [link[1]] if link else []
        names += [first[0].rstrip(":.")] if first and first.start() <= 4 else []
        yield from self._compare(names, mirror, self._last_status(STRUCK.sub("", raw)), item.text)

    def _compare(self, names: Iterable[str], mirror: bytes, status: str, box: Text) -> Iterator[Finding]:
        """Yield a finding if the spec that one of some texts names has another status than a row or item.

        Args:
            names: texts that may name a spec.
            mirror: the document.
            status: what the row or item says; if it is empty, the checkbox counts.
            box: the text that may begin with a checkbox.
        """
        name, official = self._find_status(names, mirror)
        if official is None:
            return
        ways, known, where = self.specs.ways, shortened(official.text), path_text(mirror)
        ticked = is_ticked(box) or box.checked
        if status:
            shown, differs = repr(shortened(status)), not ways.same(status, self._plain(official.text))
        else:
            shown = "done with" if ticked else "still open"
            differs = ways.is_known(official.text) and ticked not in (None, ways.is_terminal(official.text))
        if differs:
            message = f"{where} says that {name} is {shown}, and {official.place} that it is {known!r}"
            step, key = f"Write {known!r} here, or correct the other.", f"status of {name}"
            yield Finding(message, step, mirror, box.line, key=key, setting="specs.mirrors")

    def _find_status(self, names: Iterable[str], mirror: bytes) -> tuple[str, WrittenValue | None]:
        """Return the first of some texts that names a spec, and the spec's status.

        Such a text has an id, a file name, or a path from the root or from the mirror.
        """
        for text in names:
            name = normal_name(text)
            bare = name.removeprefix("spec")
            # `#12` alone is an issue.
            bare = bare.lstrip("#") if bare != name or bare.startswith("#0") else bare
            for one in (name, bare, f"{bare}.md" if bare[:1].isdigit() else name):
                if spec := self._by_name.get(one):
                    return text, self._true_status(spec, mirror)
            is_path = text and len(text) <= LONGEST_ROW and "://" not in text
            # A link leads from the mirror's folder; only a path that is not there is one from the root.
            for path in reversed(places_of(text, mirror.rpartition(b"/")[0])) if is_path else ():
                if spec := self.specs.now.at(path):
                    return spec.id or text, self._true_status(spec, mirror)
        return "", None

    def _last_status(self, raw: str) -> str:
        """Return the status at the end of an item, or else the first before a remark; empty without one."""
        text = plain_value(raw.split("\n", 1)[0])
        parts = [text[match.end() :] for match in _BEFORE_STATUS.finditer(text)]
        for rest in (*(part.strip(" .;)]") for part in reversed(parts)), *map(self._plain, parts)):
            label, colon, value = rest.partition(":")
            if colon and normal_name(label) in {"status", normal_name(self.specs.settings.status)}:
                return self._plain(value)
            if self.specs.ways.is_listed(rest):
                return rest
        return ""

    def _plain(self, text: str) -> str:
        """Return a status that the policy names as it is, and another one without the remark behind it."""
        before_remark = _REMARK.split(text.lstrip(" (["), maxsplit=1)[0].strip(" .;)]")
        return text if self.specs.ways.is_listed(text) else before_remark

    def _true_status(self, spec: Spec, mirror: bytes) -> WrittenValue | None:
        """Return the status that counts: the index's if it has one, else the document's own.

        None if there is none, or if the change touches neither the spec nor the mirror nor the index.
        """
        paths = (spec.path, mirror, self.specs.now.index_path)
        is_judged = self.specs.change.whole or any(map(self.specs.touches_path, paths))
        return max(spec.statuses, key=lambda one: one.form == "index", default=None) if is_judged else None
