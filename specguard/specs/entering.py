"""Adding an entry for a spec to the text of the index, in the form that the others have.

The text is only added to. What came of it is read again, and unless it says just what it said before with one
entry more, nothing is changed.
"""

from __future__ import annotations

import json
import re

from specguard.documents.data import data_kind, read_data
from specguard.documents.fields import normal_name
from specguard.specs.index import IDS, PATHS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from specguard.documents.data import Data
    from specguard.specs.settings import SpecSettings
    from specguard.specs.spec import Spec

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_NUMBERED: Final = re.compile(r"[0-9]+(?=[-_.])")


def add_entry(text: str, path: bytes, spec: Spec, settings: SpecSettings) -> str:
    """The index with an entry for a spec; the same text where none can be added for certain.

    Args:
        text: the index.
        path: where it is, which tells its form.
        spec: a spec that it does not name.
        settings: `[specs]`.
    """
    kind = data_kind(path)
    if kind is None or "\r" in text:
        return text
    data = read_data(text, kind)
    keys = [key for key in settings.entries or [""] if isinstance(_at(data, key), list)]
    if data.problem is not None or len(keys) != 1:
        return text
    place = tuple(keys[0].split(".")) if keys[0] else ()
    there: list[Any] = _at(data, keys[0])
    entry = _entry(there, spec, settings)
    if entry is None:
        return text
    add = {"json": _in_json, "yaml": _in_yaml, "toml": _in_toml}[kind]
    after = add(text, data, place, there, entry)
    if after is None:
        return text
    wanted = _same(data.value)
    inner = wanted
    for part in place:
        inner = inner[part]
    inner.append(entry)
    again = read_data(after, kind)
    return after if again.problem is None and _same(again.value) == wanted else text


def _same(value: Any) -> Any:
    """A copy of a value in which only what JSON tells apart is told apart."""
    return json.loads(json.dumps(value, default=str))


def _at(data: Data, key: str) -> Any:
    return data.get(key) if key else data.value


def _entry(there: Sequence[Any], spec: Spec, settings: SpecSettings) -> Any:
    """The entry, with the keys of the others as far as what belongs there is known; None where it is not."""
    try:
        path = spec.path.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if there and all(isinstance(one, str) for one in there):
        return path
    if not all(isinstance(one, dict) for one in there):
        return None
    name = path.rpartition("/")[2]
    number = _NUMBERED.match(name)
    own = spec.own_id or (number[0] if number else name.partition(".")[0])
    by_id, by_path = _key(there, IDS), _key(there, PATHS)
    taken = {str(one.get(by_id)) for one in there}
    if own in taken:
        return None
    entry: dict[str, Any] = {by_id: own}
    title = next((key for key in ("title", "name") if there and all(key in one for one in there)), "")
    heading = next(iter(spec.document.sections), None)
    if title and heading is not None:
        entry[title] = " ".join(heading.heading.text.plain.split())
    entry[by_path] = path
    said = next((one.text for one in spec.statuses), "")
    if said and there and all(settings.status in one for one in there):
        entry[settings.status] = said
    return entry


def _key(there: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """The first of some names that an entry uses, as it is written there; else the first name."""
    wanted = [normal_name(name) for name in names]
    for one in there:
        for key in one:
            if normal_name(key) in wanted and isinstance(one[key], str):
                return key
    return names[0]


def _in_json(text: str, _data: Data, place: tuple[str, ...], there: Sequence[Any], entry: Any) -> str | None:
    found = _list_in(text, place)
    if found is None:
        return None
    opened, last, closed = found
    if there:
        first = _TOKEN.search(text, opened + 1)
        lead = text[opened + 1 : first.start()] if first else ""
        several = "\n" in text[opened + 1 : last].strip() and isinstance(entry, dict)
        # An entry of the others that takes several lines has its keys on lines of their own.
        step = re.search(r"\{\n(\s*)\S", text[opened + 1 : last]) if several else None
        indent = lead.rpartition("\n")[2]
        if step is not None and "\n" in lead:
            said = json.dumps(entry, ensure_ascii=False, indent=step[1].removeprefix(indent) or 2)
            said = said.replace("\n", f"\n{indent}")
        else:
            said = json.dumps(entry, ensure_ascii=False)
        return f"{text[:last]},{lead if lead else ' '}{said}{text[last:]}"
    line = text[text.rfind("\n", 0, opened) + 1 : opened]
    indent = line[: len(line) - len(line.lstrip())]
    if "\n" not in text.strip():
        return f"{text[: opened + 1]}{json.dumps(entry, ensure_ascii=False)}{text[closed:]}"
    said = json.dumps(entry, ensure_ascii=False, indent=2).replace("\n", f"\n{indent}  ")
    return f"{text[: opened + 1]}\n{indent}  {said}\n{indent}{text[closed:]}"


def _list_in(text: str, place: tuple[str, ...]) -> tuple[int, int, int] | None:
    """Where a list of a JSON text begins, where its last element ends, and where it ends itself."""
    stack: list[tuple[str, int, tuple[str, ...]]] = []
    key: tuple[str, ...] = ()
    end, wants_key = 0, False
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word in ("{", "["):
            stack.append((word, token.start(), key))
            wants_key = word == "{"
            if word == "[" and key != place:
                # What is in another list has no name.
                key = (*key, "\0")
        elif word in ("}", "]"):
            _, start, key = stack.pop()
            if word == "]" and key == place:
                return start, end, token.start()
            key, wants_key = key[:-1] if stack and stack[-1][0] == "{" else key, False
        elif word == ",":
            wants_key = bool(stack) and stack[-1][0] == "{"
            continue
        elif word == ":":
            continue
        elif wants_key:
            key, wants_key = (*stack[-1][2], *(("\0",) if _in_list(stack) else ()), json.loads(word)), False
        end = token.end()
    return None


def _in_list(stack: Sequence[tuple[str, int, tuple[str, ...]]]) -> bool:
    """Whether the innermost table is an element of a list."""
    return len(stack) > 1 and stack[-2][0] == "["


def _in_yaml(text: str, data: Data, place: tuple[str, ...], there: Sequence[Any], entry: Any) -> str | None:
    if not there:
        return None
    lines = text.split("\n")
    line = data.line((*place, len(there) - 1))
    if line is None:
        return None
    # A table's line is that of its first key, which stands behind the dash.
    dash = re.match(r"( *)-( +)", lines[line - 1])
    if dash is None:
        return None
    indent = len(dash[1])
    end = line
    while end < len(lines):
        own = lines[end]
        if own.strip() and len(own) - len(own.lstrip(" ")) <= indent:
            break
        end += 1
    while not lines[end - 1].strip():
        end -= 1
    pairs = list(entry.items()) if isinstance(entry, dict) else []
    said = [f"{_plain(key)}: {_plain(value)}" for key, value in pairs] or [_plain(entry)]
    new = [f"{dash[1]}{'-' if not number else ' '}{dash[2]}{one}" for number, one in enumerate(said)]
    rest = lines[end:] or [""]
    return "\n".join([*lines[:end], *new, *rest])


def _plain(value: Any) -> str:
    """A text as YAML has it; every JSON text is one."""
    return json.dumps(value, ensure_ascii=False) if not re.fullmatch(r"[a-z][\w./-]*", str(value)) else value


def _in_toml(text: str, _data: Data, place: tuple[str, ...], there: Sequence[Any], entry: Any) -> str | None:
    if not there or not isinstance(entry, dict):
        return None
    from specguard.documents.toml import toml_key, toml_value

    header = f"[[{'.'.join(map(toml_key, place))}]]"
    said = [f"{toml_key(key)} = {toml_value(value)}" for key, value in entry.items()]
    return "\n".join([text.rstrip("\n"), "", header, *said, ""])
