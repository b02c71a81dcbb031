"""What an import comes to: settings with the lines they come from, and what could not be carried over."""

from __future__ import annotations

from specguard.declaration.toml_text import toml_key, toml_value
from specguard.reporters.escape import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Final

WIDTH: Final = 100
"""Longer lines of settings are broken where they are lists."""


class Place:
    """A line of the file that is imported."""

    __slots__ = ("line", "path")

    def __init__(self, path: str, line: int | None = None) -> None:
        self.path = path
        self.line = line

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


class Left:
    """Something that could not be carried over.

    Attributes:
        place: where it is written.
        what: what is written there, in short.
        why: why there is no setting for it, as a clause.
    """

    __slots__ = ("place", "what", "why")

    def __init__(self, place: Place, what: str, why: str) -> None:
        self.place = place
        self.what = what
        self.why = why

    def __str__(self) -> str:
        return f"{self.place}: {self.what}: {self.why}"


class Value:
    """A value of a setting, with the places that it comes from."""

    __slots__ = ("places", "value")

    def __init__(self, value: Any, places: Iterable[Place]) -> None:
        self.value = value
        self.places = list(places)


class Imported:
    """What one source, or several, come to.

    Attributes:
        tables: the settings, by table as its header has it (`rules.commit-form`) and by key.
        left: what could not be carried over, in the order of its discovery.
    """

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Value]] = {}
        self.left: list[Left] = []

    def set(self, table: str, key: str, value: Any, *places: Place) -> None:
        """Set a key of a table; one that is set already is replaced."""
        self.tables.setdefault(table, {})[key] = Value(value, places)

    def add(self, table: str, key: str, elements: Iterable[Any], *places: Place) -> None:
        """Add elements to a list that a key of a table has."""
        known = self.tables.setdefault(table, {}).setdefault(key, Value([], ()))
        known.value = [*known.value, *(element for element in elements if element not in known.value)]
        known.places += [place for place in places if str(place) not in map(str, known.places)]

    def leave(self, place: Place, what: str, why: str) -> None:
        """Say that something could not be carried over."""
        self.left.append(Left(place, what, why))

    def take(self, other: Imported) -> None:
        """Add what another source comes to.

        Of a key that both have, lists are joined; of any other value the one that is there stays.
        """
        for table, keys in other.tables.items():
            for key, value in keys.items():
                known = self.tables.get(table, {}).get(key)
                if isinstance(value.value, list):
                    self.add(table, key, value.value, *value.places)
                elif known is None:
                    self.set(table, key, value.value, *value.places)
                elif known.value != value.value:
                    self.leave(value.places[0], key, f"{known.places[0]} has another value for it")
        self.left += other.left

    def __bool__(self) -> bool:
        return bool(self.tables)

    @property
    def settings(self) -> Mapping[str, Mapping[str, Any]]:
        """The settings without their places."""
        return {
            table: {key: value.value for key, value in keys.items()} for table, keys in self.tables.items()
        }

    def toml(self) -> str:
        """The settings as TOML, each key behind a comment that says where it comes from."""
        lines: list[str] = []
        for table, keys in self.tables.items():
            lines += [*([""] if lines else []), f"[{_header(table)}]"]
            said = ""
            for key, value in keys.items():
                places = ", ".join(_grouped(value.places))
                if places and places != said:
                    lines.append(f"# {places}")
                said = places
                lines += _setting(key, value.value)
        return "\n".join(lines) + "\n" if lines else ""


def _header(table: str) -> str:
    return ".".join(map(toml_key, table.split(".")))


def _grouped(places: Iterable[Place]) -> Iterator[str]:
    """The places, several lines of one file together."""
    lines: dict[str, list[int]] = {}
    for place in places:
        known = lines.setdefault(place.path, [])
        if place.line and place.line not in known:
            known.append(place.line)
    for path, numbers in lines.items():
        name = visible(path)
        yield f"{name}:{', '.join(map(str, sorted(numbers)))}" if numbers else name


def _setting(key: str, value: Any) -> list[str]:
    line = f"{toml_key(key)} = {toml_value(value)}"
    if len(line) <= WIDTH or not isinstance(value, list):
        return [line]
    lines = [""]
    for element in value:
        text = f"{toml_value(element)},"
        if lines[-1] and len(lines[-1]) + len(text) >= WIDTH:
            lines.append("")
        lines[-1] += f" {text}" if lines[-1] else f"  {text}"
    return [f"{toml_key(key)} = [", *lines, "]"]
