"""Settings as plain data that JSON can hold, and back, without anything that validates."""

from __future__ import annotations

import sys

from specguard.declaration.expressions import Expression
from specguard.declaration.patterns import Covering, Guarding, Patterns, Selecting
from specguard.declaration.rule import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

_PATTERNS: Final[dict[str, type[Patterns]]] = {
    "guarding": Guarding,
    "covering": Covering,
    "selecting": Selecting,
}


def encode(value: Any) -> Any:
    """A value as data: what JSON has stays, all else is an object with its type under `$`.

    Patterns keep their translations, so that a run translates nothing.

    Raises:
        TypeError: a type that no setting can have.
    """
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [encode(element) for element in value]
    if isinstance(value, Patterns):
        kind = type(value).__name__.lower()
        return {"$": kind, "patterns": list(value.patterns), "expressions": list(value.expressions)}
    if isinstance(value, Expression):
        return {"$": "expression", "text": value.text}
    if isinstance(value, dict):
        return {"$": "map", "items": {key: encode(element) for key, element in value.items()}}
    if isinstance(value, Record):
        fields = {name: encode(getattr(value, name)) for name in value._fields}
        return {"$": "record", "class": target_of(type(value)), "fields": fields}
    if hasattr(value, "isoformat"):
        return {"$": type(value).__name__, "text": value.isoformat()}
    raise TypeError(f"a setting cannot be a {type(value).__name__}")


def decode(data: Any) -> Any:
    """The value that `encode` made data of; classes are imported by their names."""
    if isinstance(data, list):
        return [decode(element) for element in data]
    if not isinstance(data, dict):
        return data
    kind = data["$"]
    if kind in _PATTERNS:
        return _PATTERNS[kind](data["patterns"], data["expressions"])
    if kind == "expression":
        return Expression(data["text"])
    if kind == "map":
        return {key: decode(element) for key, element in data["items"].items()}
    if kind == "record":
        fields = {name: decode(element) for name, element in data["fields"].items()}
        return load(data["class"])(**fields)
    import datetime

    return getattr(datetime, kind).fromisoformat(data["text"])


def plain(value: Any) -> Any:
    """A value as a person would write it in TOML: patterns are lists, records and maps tables."""
    if isinstance(value, Patterns):
        return list(value.patterns)
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, Record):
        return {name: plain(getattr(value, name)) for name in value._fields}
    if isinstance(value, dict):
        return {key: plain(element) for key, element in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(element) for element in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def target_of(cls: type) -> str:
    """Where a class is found again: `module:Class`."""
    return f"{cls.__module__}:{cls.__qualname__}"


def load(target: str) -> Any:
    """The class of a `module:Class`."""
    name, _, path = target.partition(":")
    if name not in sys.modules:
        __import__(name)
    value: Any = sys.modules[name]
    for part in path.split("."):
        value = getattr(value, part)
    return value
