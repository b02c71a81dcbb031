"""Sources: files that list work items, with the content and flaws of each entry, and lookup by id."""

from __future__ import annotations

import re
from functools import cached_property

from specguard.declaration.patterns import Covering, Patterns
from specguard.documents.completeness import is_todo
from specguard.documents.data import Data, Problem, elements, scalar_text, value_at, walk, whole_text
from specguard.documents.fields import DataEntry, normal_name
from specguard.documents.list_items import without_remark
from specguard.errors import MissingFact, if_applicable
from specguard.model import TYPE_CHECKING, Finding, Record, cached_method, folders_of, grouped, path_text
from specguard.work.document_search import Pointer, matching_paths
from specguard.work.item import Unresolved, WorkItem
from specguard.work.kinds import NAME_SETTINGS, Passes, WorkKind, normal_id, number_of
from specguard.work.name_templates import PathTemplate, Template, has_wildcard, is_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.authority.policy import Policy
    from specguard.change.change import Change
    from specguard.change.tree import Documents, Tree


class Source(Record):
    """A file that lists work items, as it is in one tree.

    Attributes:
        kind: the name of the kind.
        settings: the kind's table.
        path: the file.
        path_fields: the values of the template's placeholders in this path.
        documents: the documents of the tree that the file is read from.
    """

    kind: str
    settings: WorkKind
    path: bytes
    path_fields: Mapping[str, str]
    documents: Documents

    @cached_property
    def data(self) -> Data:
        """The file's data.

        Raises:
            MissingFact: the object is missing.
        """
        return self.documents.data(self.path) or Data(None, problem=Problem("it is not a regular file"))

    @property
    def problem(self) -> str:
        """The reason why the file cannot be read, as a clause that follows its name; empty if it can.

        Raises:
            MissingFact: the object is missing.
        """
        if self.data.problem is not None:
            return f"cannot be read: {self.data.problem.message}"
        place, items = self._place
        # A mapping with values other than objects is not a list of items by id.
        by_id = place or all(isinstance(value, dict) for _, value in elements(items))
        if isinstance(items, list) or (isinstance(items, dict) and by_id):
            return ""
        name = self.settings.items or f"{self.kind}s"
        return f"has no list or object in {name!r}, which should hold the items"

    @cached_property
    def items(self) -> Sequence[Listed]:
        """The items that have an id; empty if the file cannot be read.

        Raises:
            MissingFact: the object is missing.
        """
        return [one for one in self._entries if isinstance(one, Listed)]

    @cached_property
    def by_id(self) -> Mapping[str, Listed]:
        """The first item with each id, by normalized id."""
        return {item_id: items[0] for item_id, items in self._named.items()}

    def meant_by(self, item_id: str) -> Sequence[Listed]:
        """Return the items that an id means; for a bare number, ids that end in it have precedence."""
        exact = self._named.get(normal_id(item_id), ())
        if exact or not (item_id.isascii() and item_id.isdigit()):
            return exact
        numbered = [listed for listed in self.items if str(listed.number) == (item_id.lstrip("0") or "0")]
        return [listed for listed in numbered if listed.id[-1].isdigit()] or numbered

    @cached_property
    def _named(self) -> Mapping[str, Sequence[Listed]]:
        """The items with each id, by normalized id."""
        return grouped((normal_id(item.id), item) for item in self.items)

    @property
    def malformed(self) -> Iterator[tuple[int | None, str]]:
        """The entries that are not items: the line of each, and its problem."""
        return (one for one in self._entries if not isinstance(one, Listed))

    @property
    def fields(self) -> dict[str, str]:
        """The fields that all items share: the scalars at the top of the file, and those in its path."""
        value = self.data.value
        top = scalars(value) if isinstance(value, dict) and value is not self._place[1] else {}
        return {**top, **self.path_fields}

    def pointer(self, line: int | None = None, problem: str = "") -> Pointer:
        """Return the file as the pointer that an item was resolved by.

        Args:
            line: the line of the item's entry.
            problem: the file's problem; empty if there is none.
        """
        return Pointer(self.path, [f"{path_text(self.path)} was read"], problem, line=line)

    @property
    def _place(self) -> tuple[tuple[str, ...], Any]:
        """The key of the items in the file, and the value there."""
        value, named = self.data.value, self.settings.items
        if named:
            return tuple(named.split(".")), self.data.get(named)
        known = value if isinstance(value, dict) else {}
        name = next((name for name in (f"{self.kind}s", "items") if name in known), "")
        return ((name,), known[name]) if name else ((), value)

    @cached_property
    def _entries(self) -> Sequence[Listed | tuple[int | None, str]]:
        """Each entry as an item, or as its line and its problem."""
        place, items = self._place
        found: list[Listed | tuple[int | None, str]] = []
        for at, value in elements(items) if not self.problem else ():
            key = (*place, at)
            stated = (whole_text(value_at(value, name)) for name in (self.settings.number, "id"))
            item_id = at if isinstance(at, str) else next(filter(None, stated), "")
            if not isinstance(value, dict):
                found.append((self.data.line(key), "is not an object"))
            elif item_id:
                found.append(Listed(self.data, key, value, self, item_id))
            else:
                names = " or ".join(map(repr, dict.fromkeys([self.settings.number, "id"])))
                found.append((self.data.line(key), f"has no {names}"))
        return found


class Sources(Record, frozen=False):
    """The sources of every kind, in one tree.

    Attributes:
        kinds: the policy's kinds by name.
        documents: the tree's documents.
        change: the judged change; None if none is judged.
        landed: returns True if a commit did an item; by default no item has landed.
        assumed: True if `landed` only says that a commit could do an item, as the history is not read.
        shown: returns True if a commit or a run confirms a closed status; None if the status is enough.
        passes: the folders of passes; sources in superseded ones do not count.
    """

    kinds: Mapping[str, WorkKind]
    documents: Documents
    change: Change | None = None
    landed: Callable[[Listed], bool] = lambda _: False
    assumed: bool = False
    shown: Callable[[Listed], bool] | None = None
    passes: Passes = Passes()

    @property
    def all(self) -> Sequence[Source]:
        """Every source, by kind and path.

        Raises:
            MissingFact: the tree cannot be read.
        """
        return [source for kind in self.kinds for source in self.of(kind)]

    @property
    def judged(self) -> Sequence[Source]:
        """The sources that the change adds or modifies; all sources if the whole tree is judged.

        Raises:
            MissingFact: the tree or the change cannot be read.
        """
        whole = self.change is not None and self.change.whole
        return [source for source in self.all if whole or source.path in self.touched]

    @cached_property
    def touched(self) -> frozenset[bytes]:
        """The paths that the change touches; empty if no change is judged.

        Raises:
            MissingFact: the paths cannot be read.
        """
        change = self.change
        entries = if_applicable(lambda: change.entries, ()) if change else ()
        return frozenset(entry.path for entry in entries)

    @property
    def is_touched(self) -> bool:
        """True if the change touches a path where a source is or was; this check lists no tree.

        Raises:
            MissingFact: the change cannot be read.
        """
        read = (kind.read_source(path) for kind in self.kinds.values() for path in self.touched)
        return any(fields is not None for fields in read)

    @cached_method
    def of(self, kind: str) -> Sequence[Source]:
        """Return the sources of one kind, by path.

        Raises:
            MissingFact: the tree cannot be read.
        """
        return self.find(kind, {})

    def find(self, kind: str, name_fields: Mapping[str, str]) -> Sequence[Source]:
        """Find the files that list the items of a kind: those of the first template that any file matches.

        A list in a pass is superseded by that of a later pass of the same wave.

        Args:
            kind: the kind's name.
            name_fields: values of placeholders from a name. If they fill a template without globs, only that
                file is looked up.

        Raises:
            MissingFact: the tree cannot be read.
        """
        settings, documents = self.kinds[kind], self.documents
        for text in settings.sources:
            template = PathTemplate(text)
            pattern = template.render(name_fields)
            # A path may spell a given value in another case: `d` as `D`.
            paths = matching_paths(documents.tree, template.render({}) if has_wildcard(pattern) else pattern)
            read = [(path, template.read(path)) for path in paths]
            found = [Source(kind, settings, path, own, documents) for path, own in read if own is not None]
            if found:
                over = self.passes.superseded(paths)
                return [one for one in found if over.isdisjoint(folders_of(one.path))]
        return []

    def meant_by(self, kind: str, item_id: str, name_fields: Mapping[str, str]) -> Listed | Unresolved:
        """Find the entry that a name means.

        Only sources whose own fields agree with the name are searched. So a branch `codex/phase-d-2-dedupe`
        means slice 2 of the file with `phase: D`. If several entries have the number, the entry whose fields
        agree with the name is meant. Without such, the entry of the only list that the change touches is.

        Args:
            kind: the kind's name.
            item_id: the id in the name.
            name_fields: every field that names contain.

        Raises:
            MissingFact: the tree or a file cannot be read.
        """
        all_sources = self.find(kind, name_fields)
        found = match_items(all_sources, item_id, name_fields)
        if len(found) > 1:
            found = [one for one in found if one.source.path in self.touched] or found
        if len(found) == 1:
            return found[0]
        sources = [source for source in all_sources if agree(source.fields, name_fields)]
        if found:
            where = " and ".join(f"{path_text(one.source.path)}:{one.line}" for one in found[:5])
            problem = f"{len(found)} entries could be {kind} {item_id}: {where}"
            return Unresolved(problem, found[0].source.pointer(problem=problem))
        if sources:
            broken = next((source for source in sources if source.problem), sources[0])
            problem = f"{path_text(broken.path)} {broken.problem}" if broken.problem else ""
            names = " and ".join(path_text(source.path) for source in sources[:3])
            return Unresolved(problem or f"{names} has no {kind} {item_id}", broken.pointer(problem=problem))
        patterns = [PathTemplate(text).render(name_fields) for text in self.kinds[kind].sources]
        problem = f"no file matches {' or '.join(patterns)}"
        if all_sources:
            known = {name for source in all_sources for name in source.fields} - _IDENTITY
            about = " and ".join(f"{name} {text!r}" for name, text in name_fields.items() if name in known)
            problem = f"no file that matches {' or '.join(patterns)} is about {about}"
        return Unresolved(problem, Pointer(None, [problem], problem))

    def same_as(self, listed: Listed) -> Sequence[Listed]:
        """Return the entries that an item of another tree has here, by its file and id.

        Raises:
            MissingFact: the tree or a file cannot be read.
        """
        source = self.by_path.get(listed.source.path)
        return [one for one in source.items if one.id == listed.id] if source else []

    def flaws(self, source: Source) -> Iterator[Finding]:
        """Yield the flaws in the shape of a source and its entries.

        Raises:
            MissingFact: the file is missing.
        """
        place, kind = path_text(source.path), source.kind
        step = f"Let it list the {kind}s, each with its id."
        if source.problem:
            found = _finding(source, f"{place} {source.problem}", step, "unread", source.data.line())
            found.same_as = ["ART013 unread"]
            yield found
            return
        for line, problem in source.malformed:
            message = f"{place} lists a {kind} that {problem}"
            yield _finding(source, message, "Give it an id.", f"malformed {problem}", line)
        if not source.items:
            yield _finding(source, f"{place} lists no {kind}", step, "empty")
        for item in source.items:
            yield from _entry_flaws(item)

    def broken(self, source: Source) -> Iterator[Finding]:
        """Yield the flaws of dependencies in a source: unknown ids, circles, and items done too early.

        Raises:
            MissingFact: a file or the history cannot be read.
        """
        from specguard.work.dependencies import dependency_flaws

        items = source.items
        needs = [(str(one), one.id, [(need.line, need.text) for need in one.depends_on]) for one in items]
        for at, line, message, step, key in dependency_flaws(needs, f"{source.kind}s"):
            own = key if key.startswith("circle:") else f"{items[at].id}:{key[:_LONGEST_KEY]}"
            found = _finding(source, message, step, own, line)
            found.same_as = [f"PLN001 {items[at].id} depends_on"]
            yield found
        for item in [one for one in items if one.closed]:
            yield from self.too_early(item, f"is {item.status}")

    def too_early(self, item: Listed, why: str = "is what the change is for") -> Iterator[Finding]:
        """Yield the open dependencies of an item that was begun.

        Args:
            item: the item.
            why: the evidence that it was begun, as a clause.

        Raises:
            MissingFact: the history cannot be read.
        """
        from specguard.work.dependencies import early_start

        for other in item.needed:
            is_met = other is item or other.deferred or other.conditional or self.done(other)
            if not is_met and other.branch not in (self.change.branches_below if self.change else ()):
                how = "first and set its status in the base"
                message, step = early_start(str(item), why, other.id, self.status_of(other), how)
                yield _finding(item.source, message, step, f"{item.id}:early:{other.id}", item.line, "closed")

    def open_needs(self, item: Listed, *, deferred: bool = False) -> Sequence[str]:
        """Return the ids of an item's dependencies that are not done or not listed.

        Conditional dependencies are left out, and so are placeholders.

        Args:
            item: the item.
            deferred: True if deferred dependencies count as open, as PLN002 has it for plans' tasks.

        Raises:
            MissingFact: the history cannot be read.
        """
        needed = [(need.text, item.source.by_id.get(normal_id(need.text))) for need in item.depends_on]
        return [
            other.id if other else text
            for text, other in needed
            if (deferred or other is None or not other.deferred)
            and not (is_todo(text) if other is None else other.conditional or self.done(other))
        ]

    def done(self, item: Listed) -> bool:
        """Return True if others can build on an item: its status is closed and confirmed, or a commit landed.

        Raises:
            MissingFact: the history cannot be read.
        """
        return (item.closed and (self.shown is None or self.shown(item))) or self.landed(item)

    def closed(self, item: Listed) -> bool:
        """Return True if an item is done, and its status, if it has one, does not say that it goes on.

        Raises:
            MissingFact: the history cannot be read.
        """
        return (item.closed or not item.status) and self.done(item)

    def status_of(self, item: Listed) -> str:
        """Return the status of an item that is not done, with a note if it is closed but not confirmed."""
        return f"{item.status}, and no commit or run of it shows that" if item.closed else item.status

    @cached_property
    def by_path(self) -> Mapping[bytes, Source]:
        """The sources by path.

        Raises:
            MissingFact: the tree cannot be read.
        """
        return {source.path: source for source in reversed(self.all)}


_LONGEST_KEY: Final = len("unknown:") + 60
"""The limit in characters for the part of a finding's key that identifies the dependency."""

NOTHING: Final = frozenset({"", "none", "no", "never", "n/a", "na", "null", "-", "\u2014", "false"})
"""Texts that people write if there is nothing to list, or nothing triggers an item."""

_TEXT_KEYS: Final = ("path", "file", "id", "name", "text", "title", "scenario", "description")
"""Keys of an element that is a mapping; the first one with a text gives its own: `files: [{path: a.py}]`."""


class ListElement(Record):
    """One element of an item's list, such as a file or an acceptance condition.

    Attributes:
        text: the element's text.
        line: its line in the source, from 1; None if unknown.
    """

    text: str
    line: int | None


class Listed(DataEntry):
    """A work item as a source lists it.

    Attributes:
        source: the file that lists the item.
        id: the item's id as the source writes it.
    """

    source: Source
    id: str

    @property
    def number(self) -> int | None:
        """The digits of the id as an integer; None if it has none."""
        return number_of(self.id)

    @property
    def title(self) -> str:
        """The item's title; empty if there is none."""
        return self.text("title")

    @property
    def status(self) -> str:
        """The item's status as it is written; empty if there is none."""
        return self.text("status")

    @property
    def closed(self) -> bool:
        """True if the status is a closed one."""
        return normal_name(self.status) in map(normal_name, self.source.settings.closed)

    @property
    def deferred(self) -> bool:
        """True if the status is a deferred one."""
        return normal_name(self.status) in map(normal_name, self.source.settings.deferred)

    @property
    def conditional(self) -> bool:
        """True if the item is to be done only if something triggers it."""
        value = self.get("conditional")
        return value.strip().casefold() not in NOTHING if isinstance(value, str) else bool(value)

    @property
    def files(self) -> Sequence[ListElement]:
        """The paths that the item may change, as patterns."""
        # A remark may name other paths: `src/a.ts (new, without src/b.ts, docs)`.
        named = [(without_remark(one.text), one.line) for one in self.stated("files")]
        parts = [(part, line) for text, line in named for part in text.split(", ")]
        return [ListElement(without_remark(part).removeprefix("./"), line) for part, line in parts]

    def also_allowed(self, policy: Policy) -> list[Patterns]:
        """Return the paths that a change for the item may touch besides its files.

        These paths are `also` of PLN010 and, for a conditional item, the `decisions` that PLN011 asks for.
        """
        names = {"PLN010": "also", **({"PLN011": "decisions"} if self.conditional else {})}
        rules = [(policy.active_rule(code), name) for code, name in names.items()]
        return [getattr(rule.load(), name) for rule, name in rules if rule]

    @cached_property
    def scope(self) -> Covering:
        """The `files` as one matcher.

        Raises:
            MissingFact: one of the files is not a valid pattern.
        """
        for line, problem in self.unread_files:
            place = f"{path_text(self.source.path)}:{line}"
            why = f"{place} has a file of {self} that no path matches: {problem}"
            raise MissingFact(why, code="incomplete-policy")
        return Covering(list(dict.fromkeys(file.text for file in self.files)))

    @property
    def unread_files(self) -> Iterator[tuple[int | None, str]]:
        """The files that are not valid patterns: the line of each, and its problem as a clause."""
        for file in self.files:
            if problem := Covering.problem_in(file.text):
                yield file.line, problem

    @property
    def acceptance(self) -> Sequence[ListElement]:
        """The conditions that must hold when the item is done."""
        return self.stated("acceptance")

    @property
    def depends_on(self) -> Sequence[ListElement]:
        """The ids of the items that this item depends on."""
        parts = [
            (part.strip(), one.line) for one in self.stated("depends_on") for part in one.text.split(",")
        ]
        return [ListElement(part, line) for part, line in parts if part]

    @property
    def needed(self) -> Sequence[Listed]:
        """The items of the same source that this item depends on."""
        names = dict.fromkeys(normal_id(need.text) for need in self.depends_on)
        return [self.source.by_id[name] for name in names if name in self.source.by_id]

    @cached_property
    def branch(self) -> str:
        """The name of the item's own branch; empty if unknown."""
        return next(iter(self.work_item({}, self.source.documents.tree).branches), "")

    def work_item(self, name_fields: Mapping[str, str], tree: Tree) -> WorkItem:
        """Return the work item of the entry; of an id that differs only in case, the name's spelling is used.

        Args:
            name_fields: the fields in the name that the item is resolved by.
            tree: the files that its document is looked up in.
        """
        source, settings = self.source, self.source.settings
        templates = [settings.template(key) for key in NAME_SETTINGS]
        slug = slug_of(self.title) if any("slug" in one.names for one in templates) else ""
        name = name_fields.get("id", "")
        exact = any(hole.name == "id" and hole.case for one in templates for hole in one.placeholders)
        return WorkItem(
            source.kind,
            settings,
            self.id if exact or name.casefold() != self.id.casefold() else name,
            self.number,
            given=self.fields_for(name_fields),
            spare={**({"slug": slug} if slug else {}), **name_fields},
            pointer=source.pointer(self.line),
            tree=tree,
            listed=self,
        )

    def fields_for(self, name_fields: Mapping[str, str]) -> dict[str, str]:
        """Return the placeholders that the item fills, from its path, entry and file, in this precedence.

        If the name writes a value with other capitals, the name's spelling is used.
        """
        source = self.source
        found = {**source.fields, **scalars(self.value)}
        for name in source.settings.fields:
            found[name] = self.text(name) or found.get(name, "")
        found.update(source.path_fields)
        return {
            name: name_fields[name] if name_fields.get(name, "").casefold() == text.casefold() else text
            for name, text in found.items()
            if text and is_value(text)
        }

    def get(self, name: str) -> Any:
        """Return the value of a field of the entry, looked up through the kind's `fields`; None if unset."""
        return self._find_field(name)[1]

    def text(self, name: str) -> str:
        """Return a field that contains a text or a number, as text; empty for any other value."""
        return scalar_text(self.get(name))

    def stated(self, name: str) -> Sequence[ListElement]:
        """Return the elements of a field that contains a list, or its single value."""
        path, value = self._find_field(name)
        listed = [((at,), one) for at, one in elements(value)] if isinstance(value, list) else [((), value)]
        texts = [(at, _element_text(one)) for at, one in listed]
        texts = [(at, text) for at, text in texts if text.casefold() not in NOTHING]
        return [ListElement(text, self.line_of(*path.split("."), *at)) for at, text in texts]

    def _find_field(self, name: str) -> tuple[str, Any]:
        """Return the dotted path of a field in the entry, and its value; None if it is missing."""
        for path in self.source.settings.paths_of(name):
            if (value := value_at(self.value, path)) is not None:
                return path, value
        return "", None

    def __str__(self) -> str:
        kind = self.source.kind
        return self.id if self.id.casefold().startswith(kind.casefold()) else f"{kind} {self.id}"

    def __repr__(self) -> str:
        return f"Listed({self!s})"


def scalars(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts and numbers of an entry, which fill placeholders."""
    texts = ((key, scalar_text(value)) for key, value in entry.items() if not isinstance(value, bool))
    return {key: text for key, text in texts if text}


def slug_of(title: str) -> str:
    """Return a title as a slug, without accents; empty if it has no letter or digit that a slug allows."""
    import unicodedata

    decomposed = unicodedata.normalize("NFKD", title.casefold()[:200])
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")


def _element_text(element: Any) -> str:
    if isinstance(element, dict):
        return next(filter(None, (scalar_text(element.get(name)) for name in _TEXT_KEYS)), "")
    return scalar_text(element)


_IDENTITY: Final = frozenset({"id", "kind", "number"})


def match_items(sources: Sequence[Source], item_id: str, name_fields: Mapping[str, str]) -> list[Listed]:
    """Return the entries of several sources that a name could mean."""
    matching = [source for source in sources if agree(source.fields, name_fields)]
    found = [listed for source in matching for listed in source.meant_by(item_id)]
    return [listed for listed in found if agree(scalars(listed.value), name_fields)] or found


def agree(fields: Mapping[str, str], name_fields: Mapping[str, str]) -> bool:
    """Return True if fields and a name have equal values where both have one, ignoring case and padding.

    Args:
        fields: the fields of an entry or of its source.
        name_fields: the fields in a name; id, kind and number are compared elsewhere.
    """
    common = (fields.keys() & name_fields.keys()) - _IDENTITY
    return all(normal_id(fields[name]) == normal_id(name_fields[name]) for name in common)


def _finding(
    source: Source, message: str, help: str, key: str, line: int | None = None, setting: str = "source"
) -> Finding:
    setting = f"work.{source.kind}.{setting}"
    return Finding(message, help=help, path=source.path, line=line, key=key, setting=setting)


def _entry_flaws(item: Listed) -> Iterator[Finding]:
    """Yield what is wrong with an entry's id and files, and the required fields that it lacks."""
    source = item.source
    if (first := source.by_id[normal_id(item.id)]) is not item:
        message = f"{item} is listed twice, in line {first.line} and here"
        step = "Give one of the two another id."
        yield _finding(source, message, step, f"twice {item.id}", item.line)
    if (ids := source.settings.ids) and Template("{id}", ids).read(item.id) is None:
        message = f"{item} has an id that `ids` ({ids}) does not read, so no branch or commit names it"
        step = "Give it an id that `ids` reads, or widen that first."
        yield _finding(source, message, step, f"id {item.id}", item.line, "ids")
    for line, problem in item.unread_files:
        message = f"{item} has a file that no path matches: {problem}"
        step = "Write it as a path or a pattern from the repository's root."
        yield _finding(source, message, step, f"{item.id} {problem}", line)
    # A required field at the top of the file counts for all entries.
    for which, name in enumerate(source.settings.required):
        own = item.get(name)
        value = source.data.get(name) if own is None else own
        # Lists are read from the entry, and a table of lists is not read.
        listed = name in ("acceptance", "depends_on", "files") and (own is None or isinstance(own, dict))
        read = [one.text for one in item.stated(name)] if listed else value
        is_owed = all(is_todo(scalar_text(one)) for _, one in walk(read))
        if not is_owed or (name == "depends_on" and isinstance(own, list)):
            continue
        message = f"{item} {'has no' if value is None or value in ('', []) else 'owes its'} {name}"
        step = f"Add `{source.settings.paths_of(name)[0]}` to the entry" + (", as a list." if listed else ".")
        step += " `[]` says that it needs nothing." if name == "depends_on" else ""
        yield _finding(source, message, step, f"{item.id} {name}", item.line, f"required.{which}")
