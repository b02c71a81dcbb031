"""Entries of structured data: mappings within a file, with their lines, whose keys go by several names."""

from __future__ import annotations

from specguard.declaration.rule import Record
from specguard.documents.data import dotted, written
from specguard.documents.fields import normal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from specguard.documents.data import Data

    Place = tuple[str | int, ...]


class DataEntry(Record):
    """A mapping within structured data.

    Attributes:
        data: what it stands in.
        key: its place there, as a key from the top.
        value: its keys with their values.
    """

    data: Data
    key: Place
    value: Mapping[str, Any]

    @property
    def line(self) -> int | None:
        """Its line, from 1; None where that cannot be told."""
        return self.line_of()

    def line_of(self, *below: str | int) -> int | None:
        """The line of something within it."""
        return self.data.line((*self.key, *below))

    def field(self, *below: str | int) -> str:
        """The dotted key of it, or of something within it."""
        return dotted((*self.key, *below))

    def find(self, names: Iterable[str]) -> tuple[str, Any] | None:
        """The first of some keys that it has, with its value; see `find_key`."""
        return find_key(self.value, names)


def elements(value: Any) -> Iterator[tuple[str | int, Any]]:
    """The elements of a list or mapping, each with its position or key; of any other value none."""
    if isinstance(value, (list, dict)):
        yield from value.items() if isinstance(value, dict) else enumerate(value)


def find_key(value: Mapping[str, Any], names: Iterable[str]) -> tuple[str, Any] | None:
    """The first of some keys that a mapping has, with its value; keys are compared by `normal_name`."""
    keys = {normal_name(key): key for key in reversed(list(value))}
    found = next((keys[name] for name in map(normal_name, names) if name in keys), None)
    return None if found is None else (found, value[found])


def is_scalar(value: Any) -> bool:
    """Whether a value is a text, a number, true or false."""
    return value is not None and not isinstance(value, (dict, list))


def scalar_text(value: Any) -> str:
    """A scalar as it is written, without space around it; empty for any other value."""
    return written(value).strip() if is_scalar(value) else ""
