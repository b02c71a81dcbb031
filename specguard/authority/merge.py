"""Merging the settings of presets and documents into one, with the origin of each."""

from __future__ import annotations

from specguard.authority.problems import Problem
from specguard.documents.data import dotted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Final

    from specguard.authority.layers import Layer
    from specguard.documents.toml import KeyPath
    from specguard.model import Origin

UNITED: Final[frozenset[KeyPath]] = frozenset(
    {
        ("rules", "forbidden-path", "paths"),
        ("rules", "locked-path", "paths"),
        ("rules", "protected-branch", "branches"),
        ("authority", "normative"),
    }
)
"""The lists that add up over presets and documents, because each guards or names on its own."""


class Merged:
    """Settings from several places as one.

    Attributes:
        data: the settings.
        origins: where each key and each element of a list comes from.
        problems: values that two places of the project give differently.
    """

    def __init__(self, layers: Iterable[Layer]) -> None:
        """Merge layers; a project's values go before a preset's, a later preset's before an earlier one's."""
        self.data: dict[str, Any] = {}
        self.origins: dict[KeyPath, Origin] = {}
        self.problems: list[Problem] = []
        self._from_preset: set[KeyPath] = set()
        for layer in layers:
            self._table(self.data, layer.data, (), layer)

    def _table(self, target: dict[str, Any], source: Mapping[str, Any], path: KeyPath, layer: Layer) -> None:
        for key, value in source.items():
            self._key(target, key, value, (*path, key), layer)

    def _key(self, target: dict[str, Any], key: str, value: Any, path: KeyPath, layer: Layer) -> None:
        known = target.get(key)
        if path in UNITED and isinstance(value, list) and isinstance(known, (list, type(None))):
            self._unite(target.setdefault(key, []), value, path, layer)
        elif isinstance(value, dict) and isinstance(known, dict):
            if not layer.preset and path in self._from_preset:
                self._mark(path, layer)
            self._table(known, value, path, layer)
        elif key in target and path not in self._from_preset and not layer.preset:
            if not _same(known, value):
                self._conflict(path, layer)
        elif key not in target or path in self._from_preset:
            self._replace(target, key, value, path, layer)

    def _replace(self, target: dict[str, Any], key: str, value: Any, path: KeyPath, layer: Layer) -> None:
        if key in target:
            for known in [known for known in self.origins if known[: len(path)] == path]:
                del self.origins[known]
                self._from_preset.discard(known)
        self._mark(path, layer)
        if isinstance(value, dict):
            target[key] = {}
            self._table(target[key], value, path, layer)
        else:
            target[key] = value
            self._mark_below(value, path, layer)

    def _mark_below(self, value: Any, path: KeyPath, layer: Layer) -> None:
        """Mark the elements of a list, and what is in them."""
        if not isinstance(value, (dict, list)):
            return
        for key, element in value.items() if isinstance(value, dict) else enumerate(value):
            self._mark((*path, key), layer)
            self._mark_below(element, (*path, key), layer)

    def _unite(self, known: list[Any], value: list[Any], path: KeyPath, layer: Layer) -> None:
        if path not in self.origins:
            self._mark(path, layer)
        names = {element for element in known if isinstance(element, str)}
        for index, element in enumerate(value):
            if element not in (names if isinstance(element, str) else known):
                self.origins[*path, len(known)] = layer.origin((*path, index))
                known.append(element)
                if isinstance(element, str):
                    names.add(element)

    def _mark(self, path: KeyPath, layer: Layer) -> None:
        self.origins[path] = layer.origin(path)
        if layer.preset:
            self._from_preset.add(path)
        else:
            self._from_preset.discard(path)

    def _conflict(self, path: KeyPath, layer: Layer) -> None:
        first, second = self.origins[path], layer.origin(path)
        self.problems.append(
            Problem(
                f"`{dotted(path)}` has another value than in {first}",
                origin=second,
                help=f"keep one of them: {first} or {second}",
            )
        )

    def origin(self, path: KeyPath) -> Origin:
        """Where a key comes from, or the nearest key above it."""
        from specguard.model import Origin

        while path and path not in self.origins:
            path = path[:-1]
        return self.origins.get(path, Origin("", 0))


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same in TOML, where `1`, `1.0` and `true` are three."""
    return type(one) is type(other) and repr(one) == repr(other)
