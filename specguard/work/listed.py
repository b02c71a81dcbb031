"""The work items that a source lists: what each entry says, with the line of everything."""

from __future__ import annotations

import re

from specguard.declaration.patterns import Covering, PatternError
from specguard.documents.data import written
from specguard.documents.fields import normal_name
from specguard.errors import MissingFact
from specguard.model import path_text
from specguard.work.naming import normal_id, number_of
from specguard.work.pointers import value_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from specguard.work.sources import Source

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
        self.number = number_of(item_id)
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
                raise MissingFact(
                    f"{place} has a file of {self} that no path matches: {error}", code="incomplete-policy"
                ) from None
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
    def branch(self) -> str:
        """What a branch of its own is called; empty where that cannot be told."""
        from specguard.work.listing import fields_of, spare_of
        from specguard.work.templates import NumberFormat, Template, Unrendered

        settings = self.source.settings
        fields = {**spare_of(self, {}), **fields_of(self, {}), "id": self.id}
        if self.number is not None:
            fields["number"] = NumberFormat(settings.number_format[0]).write(self.number)
        try:
            return Template(settings.branch).render(fields)
        except Unrendered:
            return ""

    @property
    def setting(self) -> str:
        """The key of the setting that names its source, for a citation."""
        return f"work.{self.source.kind}.source"

    def is_named(self, item_id: str) -> bool:
        """Whether an id, however its number is padded and its letters are written, is this item's."""
        return normal_id(self.id) == normal_id(item_id)

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
