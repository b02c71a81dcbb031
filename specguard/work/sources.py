"""Sources: files that list work items (`source` of `[work.<kind>]`), in one tree."""

from __future__ import annotations

from functools import cached_property

from specguard.documents.data import written
from specguard.errors import NotApplicable
from specguard.model import path_text
from specguard.work.listed import Listed, scalars
from specguard.work.locate import has_wildcard, matching
from specguard.work.path_templates import PathTemplate
from specguard.work.pointers import Shape, value_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from specguard.change.entries import Entry
    from specguard.change.tree import Documents
    from specguard.model import Finding
    from specguard.work.kinds import WorkKind


class Source:
    """A file that lists work items, as one tree has it.

    Args:
        kind: the name of the kind.
        settings: its table.
        path: the file.
        given: what the placeholders of its template are in this path.
        documents: where it is read.

    Attributes:
        kind, settings, path, given, documents: the same.
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
        self.documents = documents
        self._items: Sequence[Listed] | None = None

    @property
    def problem(self) -> str:
        """Why it cannot be read, as a clause that follows its name; empty where it can.

        Raises:
            MissingFact: the object is not there.
        """
        data = self.documents.data(self.path)
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
        data = self.documents.data(self.path)
        value = None if data is None else data.value
        top = scalars(value) if isinstance(value, dict) and value is not self._place()[1] else {}
        return {**top, **self.given}

    def line(self, key: Sequence[str | int]) -> int | None:
        """The line of a key of its data."""
        data = self.documents.data(self.path)
        return None if data is None else data.line(key)

    def top(self, name: str) -> Any:
        """A field at its top, such as `gates`; None where it has none."""
        data = self.documents.data(self.path)
        return data.value.get(name) if data is not None and isinstance(data.value, dict) else None

    def _place(self) -> tuple[tuple[str, ...], Any]:
        """Where its items are, and what is there."""
        data = self.documents.data(self.path)
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
        shown: tells whether a commit or a run shows what a status says; None where the status is enough.
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
        self.shown: Callable[[Listed], bool] | None = None
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

    def too_early(self, item: Listed) -> Iterator[Finding]:
        """What an item that a change is for needs and is not done.

        Raises:
            MissingFact: the history cannot be read.
        """
        from specguard.work.shape import too_early

        yield from too_early(item, self)

    def done(self, item: Listed) -> bool:
        """Whether an item is done with: its status says so and something shows it, or a commit did it.

        Raises:
            MissingFact: the history cannot be read.
        """
        if item.closed and (self.shown is None or self.shown(item)):
            return True
        return self.landed is not None and self.landed(item)

    def status_of(self, item: Listed) -> str:
        """The status of an item that is not done, and what it lacks where it says done."""
        return f"{item.status}, and no commit or run of it shows that" if item.closed else item.status

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
