"""Settings imported from other tools, with their lines, and a list of everything not carried over."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from specguard.change.check_request import read_bounded
from specguard.documents.data import Data, data_of
from specguard.documents.toml import toml_key, toml_value
from specguard.errors import SpecguardError
from specguard.model import Origin
from specguard.reporters.escape import visible

LIMIT: Final = 4 << 20
"""The maximum size of a file, in bytes."""


@dataclass
class Value:
    """A value of a setting, with the lines of its sources."""

    value: Any
    origins: list[Origin]


@dataclass
class Imported:
    """The settings from the sources of a repository.

    Attributes:
        top: the repository's folder.
        tables: the settings, by table header (`rules.commit-form`) and by key.
        skipped: everything that was not carried over: its line, its source text, and the reason as a clause.
    """

    top: str
    tables: dict[str, dict[str, Value]] = field(default_factory=dict)
    skipped: list[tuple[Origin, str, str]] = field(default_factory=list)

    def set(self, table: str, key: str, value: Any, *origins: Origin) -> None:
        """Set a key of a table; an existing value is replaced."""
        self.tables.setdefault(table, {})[key] = Value(value, list(origins))

    def add(self, table: str, key: str, elements: Iterable[Any], *origins: Origin) -> None:
        """Add elements to the list at a key of a table; known elements are skipped."""
        known = self.tables.setdefault(table, {}).setdefault(key, Value([], []))
        known.value = [*known.value, *(element for element in elements if element not in known.value)]
        known.origins = list(dict.fromkeys([*known.origins, *origins]))

    def skip(self, origin: Origin, what: str, why: str) -> None:
        """Record that something was not carried over."""
        self.skipped.append((origin, what, why))

    @property
    def settings(self) -> Mapping[str, Mapping[str, Any]]:
        """The settings without their lines."""
        return {
            table: {key: value.value for key, value in keys.items()} for table, keys in self.tables.items()
        }

    def toml(self) -> str:
        """Return the settings as TOML, with comments that name the sources of the keys."""
        lines: list[str] = []
        previous = ""
        for table, keys in self.tables.items():
            for key, value in keys.items():
                origins = ", ".join(dict.fromkeys(map(str, value.origins)))
                lines += [f"# {visible(origins)}"] if origins != previous else []
                previous = origins
                name = ".".join(map(toml_key, [*table.split("."), key]))
                lines.append(f"{name} = {toml_value(value.value)}")
        return "".join(f"{line}\n" for line in lines)


def read_settings(top: str, name: str) -> Data:
    """Read the settings of a JSON or YAML file; a file without an extension may be either.

    Args:
        top: the folder to which the name is relative.
        name: the name of the file.

    Raises:
        SpecguardError: it cannot be read or parsed, or is too large.
    """
    content = read_bounded(os.path.join(top, name), LIMIT, "the file")
    data = data_of(content, "json" if name.endswith(".json") else "yaml")
    if data.problem:
        raise unreadable(name, data.problem.message, data.problem.line)
    return data


def unreadable(name: str, why: str, line: int | None = None) -> SpecguardError:
    """Return the error for a file with other content than its tool reads."""
    help = "Correct it, or name the file that the tool reads."
    return SpecguardError(why, path=name, line=line, help=help, code="unreadable-file")
