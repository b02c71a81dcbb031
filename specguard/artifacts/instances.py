"""A value of the shape that a JSON Schema asks for, with `TODO` for what only a person knows."""

from __future__ import annotations

import copy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

OWED: Final = "TODO"

DEEPEST: Final = 12
"""So deep a value is made."""

MOST: Final = 5
"""So many elements a list gets where a schema asks for more."""


def instance(schema: Any, root: Any = None, above: tuple[str, ...] = ()) -> Any:
    """A value that a schema describes: the properties that it requires, else all; lists with one element.

    What cannot be known from the schema (a pattern, a reference to another file) is left to whoever fills it
    in, and to the check that says so.

    Args:
        schema: a JSON Schema.
        root: the whole of it, to which `$ref` refers; the same where it is not given.
        above: what the values refer to within which this one stands; a schema may refer to itself.
    """
    root = schema if root is None else root
    if not isinstance(schema, dict) or len(above) > DEEPEST:
        return OWED
    reference = schema.get("$ref")
    if reference and reference in above:
        return OWED
    above = (*above, reference if isinstance(reference, str) else "")
    schema = _merged(schema, root, len(above))
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("enum", "examples"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    return _of_type(schema, root, above)


def _of_type(schema: dict[str, Any], root: Any, above: tuple[str, ...]) -> Any:
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    kind = kind if isinstance(kind, str) else None
    if kind == "object" or (kind is None and "properties" in schema):
        properties = _mapping(schema.get("properties"))
        names = [name for name in _list(schema.get("required")) or properties if isinstance(name, str)]
        return {name: instance(properties.get(name), root, above) for name in names}
    if kind == "array" or (kind is None and "items" in schema):
        element = instance(schema.get("items"), root, above)
        most = schema.get("maxItems")
        least = min(MOST, max(1, _number(schema.get("minItems"), 1)))
        return [] if most == 0 else [copy.deepcopy(element) for _ in range(least)]
    if kind in {"integer", "number"}:
        return _number(schema.get("minimum"), 0)
    if kind == "boolean":
        return False
    return None if kind == "null" else OWED


def _merged(schema: dict[str, Any], root: Any, depth: int) -> dict[str, Any]:
    """A schema with what it refers to and is composed of; of alternatives the first."""
    for _ in range(DEEPEST):
        target = schema.get("$ref")
        if not isinstance(target, str) or not target.startswith("#"):
            break
        found = _at(root, target)
        if not isinstance(found, dict):
            break
        schema = {**found, **{key: value for key, value in schema.items() if key != "$ref"}}
    parts = [part for part in _list(schema.get("allOf")) if isinstance(part, dict)]
    for key in ("oneOf", "anyOf"):
        parts += [part for part in _list(schema.get(key))[:1] if isinstance(part, dict)]
    for part in parts if depth < DEEPEST else ():
        inner = _merged(part, root, depth + 1)
        properties = {**_mapping(inner.get("properties")), **_mapping(schema.get("properties"))}
        required = [*_list(schema.get("required")), *_list(inner.get("required"))]
        schema = {**inner, **schema}
        schema.update({"properties": properties} if properties else {})
        schema.update({"required": required} if required else {})
    return schema


def _at(root: Any, reference: str) -> Any:
    """What a JSON pointer in a reference points to; None where there is nothing."""
    value = root
    for part in filter(None, reference.removeprefix("#").split("/")):
        name = part.replace("~1", "/").replace("~0", "~")
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any, otherwise: int) -> int:
    return int(value) if isinstance(value, (int, float)) and abs(value) < 1e15 else otherwise
