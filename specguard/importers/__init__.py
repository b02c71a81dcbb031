"""Settings that come of other tools', with their lines, and what could not be carried over."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from specguard.change.check_request import read_bounded
from specguard.documents.data import Data, data_of
from specguard.documents.toml import toml_key, toml_value
from specguard.model import Origin
from specguard.reporters.escape import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIMIT: Final = 4 << 20
"""The most bytes of a file that are read."""

WIDTH: Final = 100
"""A list on a longer line is written with one element a line."""


@dataclass
class Value:
    """A value of a setting, with the lines that it comes from."""

    value: Any
    origins: list[Origin]


@dataclass
class Imported:
    """The settings from one source, or several.

    Attributes:
        tables: the settings, by table as its header has it (`rules.commit-form`) and by key.
        left: what could not be carried over: its line, what is written there, and why, as a clause.
    """

    tables: dict[str, dict[str, Value]] = field(default_factory=dict)
    left: list[tuple[Origin, str, str]] = field(default_factory=list)

    def set(self, table: str, key: str, value: Any, *origins: Origin) -> None:
        """Set a key of a table; one that is set already is replaced."""
        self.tables.setdefault(table, {})[key] = Value(value, list(origins))

    def add(self, table: str, key: str, elements: Iterable[Any], *origins: Origin) -> None:
        """Add elements to a list that a key of a table has."""
        known = self.tables.setdefault(table, {}).setdefault(key, Value([], []))
        known.value = [*known.value, *(element for element in elements if element not in known.value)]
        known.origins = list(dict.fromkeys([*known.origins, *origins]))

    def leave(self, origin: Origin, what: str, why: str) -> None:
        """Say that something could not be carried over."""
        self.left.append((origin, what, why))

    def take(self, other: Imported) -> None:
        """Add another source, which has tables of its own."""
        self.tables |= other.tables
        self.left += other.left

    @property
    def settings(self) -> Mapping[str, Mapping[str, Any]]:
        """The settings without their lines."""
        return {
            table: {key: value.value for key, value in keys.items()} for table, keys in self.tables.items()
        }

    def toml(self) -> str:
        """The settings as TOML, each key below a comment that says where it comes from."""
        lines: list[str] = []
        said = ""
        for table, keys in self.tables.items():
            for key, value in keys.items():
                origins = ", ".join(dict.fromkeys(map(str, value.origins)))
                lines += [f"# {visible(origins)}"] if origins != said else []
                said = origins
                name = ".".join(map(toml_key, [*table.split("."), key]))
                line = f"{name} = {toml_value(value.value)}"
                if len(line) > WIDTH and isinstance(value.value, list):
                    line = "\n".join([f"{name} = [", *(f"  {toml_value(one)}," for one in value.value), "]"])
                lines.append(line)
        return "".join(f"{line}\n" for line in lines)


def read_settings(top: str, name: str) -> Data:
    """The settings of a JSON or YAML file; a file without an ending is either.

    Args:
        top: the folder that names are seen from.
        name: the file's.

    Raises:
        SpecguardError: it cannot be read, or is too large.
    """
    content = read_bounded(os.path.join(top, name), LIMIT, "the file")
    return data_of(content, "json" if name.endswith(".json") else "yaml")
