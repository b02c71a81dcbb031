"""The fields of a platform's JSON, each read with the type that it must have."""

from __future__ import annotations

import json
import re

from specguard.change.repository import short_name
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

_OID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MOST_VALUES: Final = 10_000
_SPACE: Final = re.compile(r"[ \t\r\n]*")


def read_values(data: bytes) -> list[Any]:
    """The JSON values that stand one after another in a file; most files have one.

    Raises:
        ValueError: it is no JSON, says a field of an object twice, or has no value at all or too many.
        RecursionError: it is nested too deeply.
    """
    text = data.decode("utf-8-sig")
    decoder = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)
    values: list[Any] = []
    at = _after_space(text, 0)
    while at < len(text) or not values:
        value, end = decoder.raw_decode(text, at)
        values.append(value)
        if len(values) > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES} values")
        at = _after_space(text, end)
    return values


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a field is there twice")
    return values


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


class Fields:
    """An object of a file that a platform wrote.

    Args:
        values: the object.
        file: the file's name, for messages.
        what: what kind of file it is, such as `the event file`.
        name: what the names of its fields begin with in messages.
    """

    def __init__(self, values: Mapping[str, Any], file: str, what: str, name: str = "") -> None:
        self._values = values
        self._file = file
        self._what = what
        self._name = name

    def at(self, key: str) -> Fields:
        """The object under a key; an empty one where it is null or absent."""
        values = self._typed(key, dict, "an object") or {}
        return Fields(values, self._file, self._what, f"{self._name}{key}.")

    def text(self, key: str) -> str | None:
        """Text; None where it is null or absent."""
        value: str | None = self._typed(key, str, "text")
        return None if value is None else plain(value)

    def oid(self, key: str) -> str | None:
        """An object id; None where it is null, absent or all zeros."""
        value: str | None = self._typed(key, str, "an object id")
        if value is not None and not is_object_id(value):
            raise self.wrong(key, "an object id")
        return None if value is None or not value.strip("0") else value

    def name(self, key: str) -> str | None:
        """The name of a branch, without `refs/heads/`; None where it is null or absent."""
        value = self.text(key)
        if value is not None and any(char < " " for char in value):
            raise self.wrong(key, "a branch's name")
        return short_name(value) if value else None

    def number(self, key: str) -> int | None:
        """A number; None where it is null or absent."""
        value: int | None = self._typed(key, int, "a number")
        return value

    def has(self, key: str) -> bool:
        """Whether there is such a field, be it null."""
        return key in self._values

    def truth(self, key: str) -> bool:
        """A truth value; False where it is null or absent."""
        return bool(self._typed(key, bool, "true or false"))

    def wrong(self, key: str, what: str) -> SpecguardError:
        """The error about a field that is not what it must be."""
        return SpecguardError(
            f"{self._name}{key} in {self._what} is not {what}",
            path=self._file,
            help="Give the file as the platform wrote it.",
            code="unreadable-event",
        )

    def _typed(self, key: str, kind: type, what: str) -> Any:
        value = self._values.get(key)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise self.wrong(key, what)
        return value


def is_object_id(text: str) -> bool:
    """Whether this is a full object id of either format."""
    return bool(_OID.fullmatch(text))


def plain(text: str) -> str:
    """Text without half characters, which JSON can spell and no encoding can write."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
