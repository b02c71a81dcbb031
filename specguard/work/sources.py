"""Sources: files that list work items (`source` of `[work.<kind>]`), and the items that they list."""

from __future__ import annotations

import re
from functools import cached_property

from specguard.declaration.globs import PatternError
from specguard.declaration.patterns import Covering
from specguard.documents.data import written
from specguard.documents.fields import normal_name
from specguard.errors import MissingFact, NotApplicable
from specguard.model import path_text
from specguard.work.locate import has_wildcard, matching
from specguard.work.naming import identity
from specguard.work.path_templates import PathTemplate
from specguard.work.pointers import Shape, same_id, value_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.documents import Documents
    from specguard.change.entry import Entry
    from specguard.model import Finding
    from specguard.work.kinds import WorkKind

_NOTHING: Final = frozenset({"", "none", "no", "n/a", "na", "null", "-", "\u2014", "false"})
"""What people write where there is nothing to list."""

_NO: Final = frozenset({"", "none", "no", "never", "false", "null", "n/a"})
_INNER: Final = ("path", "file", "id", "name", "text", "title", "scenario", "description")
"""The keys of which the first gives the text of an element that is a mapping: `files: [{path: a.py}]`."""


class Stated:
    """One element of a list of an item, such as a file or a line of its acceptance.

    Attributes:
        text: what it says.
        line: its line in the source, from 1; None where that cannot be told.
        value: the element as the source has it: the text, or a mapping.
    """

    __slots__ = ("line", "text", "value")

    def __init__(self, text: str, line: int | None, value: Any) -> None:
        self.text = text
        self.line = line
        self.value = value

    def __repr__(self) -> str:
        return f"Stated({self.text!r}, {self.line})"


class Listed:
    """A work item as a source lists it.

    Attributes:
        source: the file that lists it.
        id: its id as it is written there; empty where it has none.
        number: the digits of the id as an integer; None where it has none.
        value: its entry.
        key: where the entry is in the source's data.
    """

    __slots__ = ("id", "key", "number", "source", "value")

    def __init__(
        self, source: Source, item_id: str, value: Mapping[str, Any], key: tuple[str | int, ...]
    ) -> None:
        self.source = source
        self.id = item_id
        self.number = identity({"id": item_id})[1]
        self.value = value
        self.key = key

    @property
    def line(self) -> int | None:
        """The line on which its entry begins."""
        return self.source.line(self.key)

    @property
    def title(self) -> str:
        """What it is called; empty where that is not said."""
        return self.text("title")

    @property
    def owner(self) -> str:
        """Whose it is; empty where that is not said."""
        return self.text("owner")

    @property
    def status(self) -> str:
        """Its status as it is written; empty where there is none."""
        return self.text("status")

    @property
    def closed(self) -> bool:
        """Whether its status says that it is done with."""
        return normal_name(self.status) in {normal_name(word) for word in self.source.settings.closed}

    @property
    def deferred(self) -> bool:
        """Whether its status says that it is put off."""
        return normal_name(self.status) in {normal_name(word) for word in self.source.settings.deferred}

    @property
    def conditional(self) -> bool:
        """Whether it is to be done only where something triggers it."""
        value = self.get("conditional")
        return value.strip().casefold() not in _NO if isinstance(value, str) else bool(value)

    @property
    def files(self) -> Sequence[Stated]:
        """The paths that it may change, as patterns."""
        return self.stated("files")

    @property
    def scope(self) -> Covering:
        """The same as one matcher.

        Raises:
            MissingFact: one of them is no pattern.
        """
        patterns = []
        for file in self.files:
            pattern = file.text.removeprefix("./")
            try:
                Covering.translate(pattern)
            except PatternError as error:
                place = f"{path_text(self.source.path)}:{file.line}"
                raise MissingFact(f"{place} has a file of {self} that no path matches: {error}") from None
            patterns.append(pattern)
        return Covering(patterns)

    @property
    def acceptance(self) -> Sequence[Stated]:
        """What must hold once it is done."""
        return self.stated("acceptance")

    @property
    def depends_on(self) -> Sequence[Stated]:
        """The ids of the items that it needs."""
        return [
            Stated(part.strip(), one.line, one.value)
            for one in self.stated("depends_on")
            for part in one.text.split(",")
            if part.strip()
        ]

    @property
    def setting(self) -> str:
        """The key of the setting that names its source, for a citation."""
        return f"work.{self.source.kind}.source"

    def is_named(self, item_id: str) -> bool:
        """Whether an id, however its number is padded and its letters are written, is this item's."""
        return same_id(self.id, item_id) or self.id.casefold() == item_id.casefold()

    def get(self, name: str) -> Any:
        """The value of a field of its entry, found where its kind's `fields` says; None where it has none."""
        for path in self.source.settings.paths_of(name):
            value = value_at(self.value, path.replace("{number}", self.id))
            if value is not None:
                return value
        return None

    def text(self, name: str) -> str:
        """A field that holds a text or a number, as text; empty where it does not."""
        value = self.get(name)
        return written(value) if isinstance(value, (str, int, float)) else ""

    def stated(self, name: str) -> Sequence[Stated]:
        """The elements of a field that holds a list, or a single one."""
        value = self.get(name)
        if value is None or value is False:
            return []
        path = next(
            path for path in self.source.settings.paths_of(name) if value_at(self.value, path) is not None
        )
        key = (*self.key, *path.split("."))
        elements = list(enumerate(value)) if isinstance(value, list) else [(-1, value)]
        found = []
        for position, element in elements:
            text = _element(element)
            if text.strip().casefold() not in _NOTHING:
                line = self.source.line(key if position < 0 else (*key, position))
                found.append(Stated(text.strip(), line, element))
        return found

    def __str__(self) -> str:
        kind = self.source.kind
        return self.id if self.id.casefold().startswith(kind.casefold()) else f"{kind} {self.id}"

    def __repr__(self) -> str:
        return f"Listed({self!s})"


class Source:
    """A file that lists work items, as one tree has it.

    Args:
        kind: the name of the kind.
        settings: its table.
        path: the file.
        given: what the placeholders of its template are in this path.
        documents: where it is read.
    """

    def __init__(
        self,
        kind: str,
        settings: WorkKind,
        *,
        path: bytes,
        given: Mapping[str, str],
        documents: Documents,
    ) -> None:
        self.kind = kind
        self.settings = settings
        self.path = path
        self.given = given
        self._documents = documents
        self._items: Sequence[Listed] | None = None

    @property
    def problem(self) -> str:
        """Why it cannot be read, as a clause that follows its name; empty where it can.

        Raises:
            MissingFact: the object is not there.
        """
        data = self._documents.data(self.path)
        if data is None:
            return "is not a file"
        if data.problem is not None:
            return f"cannot be read: {data.problem.message}"
        try:
            self._entries()
        except Shape as problem:
            return str(problem)
        return ""

    @property
    def items(self) -> Sequence[Listed]:
        """The items that have an id; none where it cannot be read.

        Raises:
            MissingFact: the object is not there.
        """
        if self._items is None:
            found = []
            if not self.problem:
                for key, item_id, value in self._entries():
                    if item_id and isinstance(value, dict):
                        found.append(Listed(self, item_id, value, key))
            self._items = found
        return self._items

    @property
    def malformed(self) -> Iterator[tuple[int | None, str]]:
        """The entries that are no items: their lines, and what is wrong with each."""
        if self.problem:
            return
        for key, item_id, value in self._entries():
            if not isinstance(value, dict):
                yield self.line(key), "is no object"
            elif not item_id:
                yield self.line(key), f"has neither {self.settings.number!r} nor 'id'"

    @property
    def fields(self) -> dict[str, str]:
        """What it says of all its items: the scalars at its top, and what its own path tells."""
        data = self._documents.data(self.path)
        value = None if data is None else data.value
        top = scalars(value) if isinstance(value, dict) and value is not self._place()[1] else {}
        return {**top, **self.given}

    def line(self, key: Sequence[str | int]) -> int | None:
        """The line of a key of its data."""
        data = self._documents.data(self.path)
        return None if data is None else data.line(key)

    def top(self, name: str) -> Any:
        """A field at its top, such as `gates`; None where it has none."""
        data = self._documents.data(self.path)
        return data.value.get(name) if data is not None and isinstance(data.value, dict) else None

    def _place(self) -> tuple[tuple[str, ...], Any]:
        """Where its items are, and what is there."""
        data = self._documents.data(self.path)
        value = None if data is None else data.value
        if self.settings.items:
            return tuple(self.settings.items.split(".")), value_at(value, self.settings.items)
        if isinstance(value, dict):
            for name in (f"{self.kind}s", "items"):
                if name in value:
                    return (name,), value[name]
        return (), value

    def _entries(self) -> list[tuple[tuple[str | int, ...], str, Any]]:
        """Each entry: its key, its id, its value.

        Raises:
            Shape: there is neither a list nor an object of them.
        """
        place, items = self._place()
        # A file that holds more than items by id is none of these.
        if isinstance(items, dict) and (place or all(isinstance(value, dict) for value in items.values())):
            return [((*place, key), key, value) for key, value in items.items()]
        if isinstance(items, list):
            return [((*place, number), self._id(value), value) for number, value in enumerate(items)]
        name = self.settings.items or f"{self.kind}s"
        raise Shape(f"has no list or object in {name!r}, which should hold the items")

    def _id(self, value: Any) -> str:
        if not isinstance(value, dict):
            return ""
        for name in (self.settings.number, "id"):
            found = value_at(value, name)
            if isinstance(found, (str, int)) and not isinstance(found, bool) and written(found).strip():
                return written(found).strip()
        return ""

    def __repr__(self) -> str:
        return f"Source({path_text(self.path)!r})"


class Sources:
    """The sources of every kind, in one tree.

    Args:
        kinds: the policy's kinds by name.
        documents: the tree's.
        entries: what the change touches; None where no change is judged.
        whole: whether the whole tree is judged.

    Attributes:
        kinds: the same.
        documents: the same.
        landed: tells whether a commit did an item; None where no commit can tell.
    """

    def __init__(
        self,
        kinds: Mapping[str, WorkKind],
        *,
        documents: Documents,
        entries: Callable[[], Sequence[Entry]] | None = None,
        whole: bool = False,
    ) -> None:
        self.kinds = kinds
        self.documents = documents
        self.landed: Callable[[Listed], bool] | None = None
        self._entries = entries
        self._whole = whole
        self._known: dict[str, Sequence[Source]] = {}

    @property
    def all(self) -> Sequence[Source]:
        """Every source, by kind and path.

        Raises:
            MissingFact: the tree cannot be read.
        """
        return [source for kind in self.kinds for source in self.of(kind)]

    @property
    def judged(self) -> Sequence[Source]:
        """Those that the change adds or modifies; all of them where the whole tree is judged.

        Raises:
            MissingFact: the tree or the change cannot be read.
        """
        return [source for source in self.all if self._whole or source.path in self.touched]

    @cached_property
    def touched(self) -> frozenset[bytes]:
        """The paths that the change touches; none where no change is judged.

        Raises:
            MissingFact: they cannot be read.
        """
        try:
            return frozenset(entry.path for entry in (self._entries() if self._entries else ()))
        except NotApplicable:
            return frozenset()

    @property
    def is_touched(self) -> bool:
        """Whether the change touches a path at which a source is or was; no tree is listed for it.

        Raises:
            MissingFact: the change cannot be read.
        """
        texts = [text for kind in self.kinds.values() for text in kind.sources] if self.touched else []
        return any(PathTemplate(text).read(path) is not None for text in texts for path in self.touched)

    def of(self, kind: str) -> Sequence[Source]:
        """The sources of one kind, by path.

        Raises:
            MissingFact: the tree cannot be read.
        """
        if kind not in self._known:
            self._known[kind] = find_sources(kind, self.kinds[kind], self.documents)
        return self._known[kind]

    def flaws(self, source: Source) -> Iterator[Finding]:
        """What is wrong with the shape of a source and its entries; see `specguard.work.shape`.

        Raises:
            MissingFact: the file is not there.
        """
        from specguard.work.shape import flaws

        yield from flaws(source)

    def broken(self, source: Source) -> Iterator[Finding]:
        """What is wrong with what the items of a source need of each other.

        Raises:
            MissingFact: something that must be read is not there.
        """
        from specguard.work.shape import broken

        yield from broken(source, self)

    def done(self, item: Listed) -> bool:
        """Whether an item is done with: its status says so, or a commit did it.

        Raises:
            MissingFact: the history cannot be read.
        """
        return item.closed or (self.landed is not None and self.landed(item))

    def at(self, path: bytes) -> Source | None:
        """The source that a file is; None where it is none."""
        return next((source for source in self.all if source.path == path), None)


def find_sources(
    kind: str, settings: WorkKind, documents: Documents, told: Mapping[str, str] | None = None
) -> Sequence[Source]:
    """The files that list the items of a kind: those of the first template that any file matches.

    Args:
        kind: the kind's name.
        settings: its table.
        documents: of the tree that they are looked for in.
        told: values of placeholders; where they fill a template without globs, that file alone is looked for.

    Raises:
        MissingFact: the tree cannot be read.
    """
    for text in settings.sources:
        template = PathTemplate(text)
        pattern = template.render(told or {})
        if has_wildcard(pattern):
            # What is told may be written otherwise in a path: `d` as `D`.
            pattern = template.render({})
        found = []
        for path in matching(documents.tree, pattern):
            given = template.read(path)
            if given is not None:
                found.append(Source(kind, settings, path=path, given=given, documents=documents))
        if found:
            return found
    return []


def scalars(entry: Mapping[str, Any]) -> dict[str, str]:
    """The texts and numbers of an entry: its fields are placeholders."""
    return {
        key: written(value)
        for key, value in entry.items()
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != ""
    }


def slug_of(title: str) -> str:
    """A title as a slug; empty where nothing of it can stand in one."""
    return re.sub("[^a-z0-9]+", "-", title.casefold()[:200]).strip("-")[:60].strip("-")


def _element(element: Any) -> str:
    if isinstance(element, dict):
        for name in _INNER:
            if isinstance(element.get(name), (str, int, float)):
                return written(element[name])
        return ""
    return written(element) if isinstance(element, (str, int, float)) else ""
