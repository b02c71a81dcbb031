"""A JSON text that is changed in a few places, with every other byte of it left as it is."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from specguard.declaration.rule import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_SCALAR: Final = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_DEEPEST: Final = 100


class JsonTextError(ValueError):
    """A text that is no JSON; it says what is wrong, as a clause."""


class Place(Record):
    """A value and where it stands.

    Attributes:
        start, end: where it begins and ends in the text.
        value: what it is.
        members: the values of an object, by their keys.
        items: the values of a list.
    """

    start: int
    end: int
    value: Any
    members: Mapping[str, Place] = {}
    items: Sequence[Place] = ()


def read_places(text: str) -> Place:
    """The value that a text is, with the places of all that is in it.

    Raises:
        JsonTextError: it is no JSON: a comment, a comma at the end, a key twice, nested too deeply.
    """
    place = _value(text, _skip(text, 0), 0)
    end = _skip(text, place.end)
    if end != len(text):
        raise _wrong(text, end)
    return place


def put_member(text: str, path: Sequence[str], key: str, value: object) -> str:
    """The text with a member more in the object that a path of keys leads to; at its end.

    Raises:
        JsonTextError: the text is no JSON.
    """
    return _put(text, _at(read_places(text), path), f"{json.dumps(key)}: ", value)


def put_item(text: str, path: Sequence[str], value: object) -> str:
    """The text with an item more in the list that a path of keys leads to; at its end.

    Raises:
        JsonTextError: the text is no JSON.
    """
    return _put(text, _at(read_places(text), path), "", value)


def replace(text: str, place: Place, value: object) -> str:
    """The text with another value in the place of one."""
    return text[: place.start] + _written(text, value, _margin(text, place.start)) + text[place.end :]


def _at(place: Place, path: Sequence[str]) -> Place:
    for key in path:
        place = place.members[key]
    return place


def _put(text: str, into: Place, begins: str, value: object) -> str:
    inner = list(into.members.values()) or list(into.items)
    end = into.end - 1
    if not _unit(text):
        comma = ", " if inner else ""
        after = inner[-1].end if inner else end
        return text[:after] + comma + begins + _written(text, value, "") + text[after:]
    margin = _margin(text, into.start)
    indent = margin + _unit(text)
    after = inner[-1].end if inner else into.start + 1
    added = f"{',' if inner else ''}{_newline(text)}{indent}{begins}{_written(text, value, indent)}"
    rest = text[after:end]
    # The bracket gets a line of its own where it had none.
    tail = rest if inner and "\n" in rest else f"{_newline(text)}{margin}"
    return text[:after] + added + tail + text[end:]


def _written(text: str, value: object, margin: str) -> str:
    """A value as it is written at a margin of this text."""
    unit = _unit(text)
    if not unit:
        return json.dumps(value, ensure_ascii=False)
    written = json.dumps(value, indent=unit, ensure_ascii=False)
    return written.replace("\n", _newline(text) + margin)


def _unit(text: str) -> str:
    """By what a text indents: two spaces where it has one value alone, nothing where it has but one line."""
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    if found:
        return found[1]
    return "  " if "\n" in text.strip() or text.strip() in ("{}", "") else ""


def _margin(text: str, position: int) -> str:
    """The white space at the beginning of a position's line."""
    start = text.rfind("\n", 0, position) + 1
    found = re.match(r"[ \t]*", text[start:position])
    return found[0] if found else ""


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _value(text: str, start: int, depth: int) -> Place:
    if depth > _DEEPEST:
        raise JsonTextError("it is nested too deeply")
    begins = text[start : start + 1]
    if begins == "{":
        return _object(text, start, depth)
    if begins == "[":
        return _list(text, start, depth)
    if begins == '"':
        value, end = _string(text, start)
        return Place(start=start, end=end, value=value)
    found = _SCALAR.match(text, start)
    if found is None:
        raise _wrong(text, start)
    return Place(start=start, end=found.end(), value=json.loads(found[0]))


def _string(text: str, start: int) -> tuple[str, int]:
    try:
        value, end = json.JSONDecoder().raw_decode(text, start)
    except ValueError as error:
        raise _wrong(text, start) from error
    return str(value), end


def _object(text: str, start: int, depth: int) -> Place:
    members: dict[str, Place] = {}
    position = _skip(text, start + 1)
    while text[position : position + 1] != "}" or members:
        if text[position : position + 1] != '"':
            raise _wrong(text, position)
        key, end = _string(text, position)
        if key in members:
            raise JsonTextError(f"line {_line(text, position)} has the key {key!r} for the second time")
        position = _skip(text, end)
        if text[position : position + 1] != ":":
            raise _wrong(text, position)
        members[key] = _value(text, _skip(text, position + 1), depth + 1)
        position = _skip(text, members[key].end)
        if text[position : position + 1] == "}":
            break
        if text[position : position + 1] != ",":
            raise _wrong(text, position)
        position = _skip(text, position + 1)
    value = {key: place.value for key, place in members.items()}
    return Place(start=start, end=position + 1, value=value, members=members)


def _list(text: str, start: int, depth: int) -> Place:
    items: list[Place] = []
    position = _skip(text, start + 1)
    while text[position : position + 1] != "]" or items:
        items.append(_value(text, position, depth + 1))
        position = _skip(text, items[-1].end)
        if text[position : position + 1] == "]":
            break
        if text[position : position + 1] != ",":
            raise _wrong(text, position)
        position = _skip(text, position + 1)
    return Place(start=start, end=position + 1, value=[place.value for place in items], items=items)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _wrong(text: str, position: int) -> JsonTextError:
    line = _line(text, position)
    if text.startswith(("//", "/*"), position):
        return JsonTextError(f"line {line} has a comment, which JSON does not know")
    if position >= len(text):
        return JsonTextError("it ends too early")
    return JsonTextError(f"line {line} is no JSON")
