"""What settings there are, made from their classes: option tables for people, JSON Schema for editors."""

from __future__ import annotations

import json
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from specguard.authority.layers import TESTS
from specguard.authority.policy import plain
from specguard.authority.settings import AuthoritySettings, RuleTable, TopLevel
from specguard.authority.validate import SettingsModels, policy_model
from specguard.declaration.expressions import Expression
from specguard.declaration.patterns import Patterns
from specguard.declaration.rule import Record, Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.declaration.registry import Registry
    from specguard.declaration.rule import Declaration, Rule

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Option(Record):
    """One setting, as a reference lists it.

    Attributes:
        name: its key; that of a table within has a dot, and `[]` where there may be several.
        type: what it may be, in words.
        default: its default as TOML; `required`, or empty where it is absent.
        description: what it is for.
    """

    name: str
    type: str
    default: str
    description: str


def rule_options(rule: type[Rule]) -> Sequence[Option]:
    """A rule's own settings, without those that every rule has."""
    return list(_options(rule, SettingsModels()))


def common_options() -> Sequence[Option]:
    """The settings that every rule's table has."""
    return list(_options(RuleTable, SettingsModels()))


def declaration_options(declaration: Declaration) -> Sequence[Option]:
    """The settings of a declared table."""
    return list(_options(declaration.settings, SettingsModels()))


def top_level_options() -> Sequence[Option]:
    """The settings that stand at the top, and those of `[authority]`."""
    models = SettingsModels()
    return [*_options(TopLevel, models), *_options(AuthoritySettings, models, "authority.")]


def policy_schema(registry: Registry) -> Mapping[str, Any]:
    """The JSON Schema of a whole policy, for editors."""
    from pydantic.json_schema import GenerateJsonSchema

    models = SettingsModels()
    schema = GenerateJsonSchema().generate(policy_model(registry, models))
    _describe(schema, TopLevel, models)
    properties = schema["properties"]
    _describe(properties["authority"], AuthoritySettings, models)
    for name, table in properties["rules"]["properties"].items():
        _describe(table, RuleTable, models)
        _describe(table, registry.rules[name].rule, models)
    for name, declaration in registry.declarations.items():
        part = properties[name]
        if declaration.shape == "list":
            part["description"] = _purpose(declaration.settings)
        part = {"table": part, "tables": part.get("additionalProperties"), "list": part.get("items")}
        _describe(part[declaration.shape], declaration.settings, models)
    for name in TESTS:
        properties[name] = {
            "type": "array",
            "items": {"type": "object"},
            "description": f"cases that {name.replace('-', ' ')}, for `specguard test`; no check reads them",
        }
    return {"$schema": SCHEMA_DIALECT, **schema, "title": "A specguard policy"}


def within_pyproject(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON Schema of a `pyproject.toml` whose table `[tool.specguard]` is a policy.

    Args:
        schema: that of a policy, which has no references.
    """
    policy = {key: value for key, value in schema.items() if key != "$schema"}
    tool = {"type": "object", "properties": {"specguard": policy}}
    return {"$schema": SCHEMA_DIALECT, "type": "object", "properties": {"tool": tool}}


def _purpose(cls: type[Settings]) -> str:
    """What a table is for: the first paragraph of its docstring, on one line."""
    return " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())


def _describe(table: dict[str, Any], cls: type[Settings], models: SettingsModels) -> None:
    """Add to the schema of a table what it and its keys are for, and their defaults."""
    table["title"] = cls.__name__
    table["description"] = _purpose(cls)
    for field in cls._fields:
        part = table["properties"][field]
        for nested in models.nested(cls, field):
            for inner in _tables_in(part):
                if set(inner["properties"]) == set(nested._fields):
                    _describe(inner, nested, models)
        part.pop("title", None)
        part["description"] = _description(cls, field)
        default = getattr(cls, field, None)
        if default is not None:
            part["default"] = plain(default)


def _description(cls: type[Settings], field: str) -> str:
    return cls._notes[field].description if field in cls._notes else ""


def _tables_in(part: Any) -> Iterator[dict[str, Any]]:
    """The schemas of tables that a field may hold: itself, of a list or of one of several alternatives."""
    if isinstance(part, dict):
        if "properties" in part:
            yield part
        for inner in (part.get("items"), part.get("additionalProperties"), *part.get("anyOf", ())):
            yield from _tables_in(inner)


def _options(cls: type[Settings], models: SettingsModels, prefix: str = "") -> Iterator[Option]:
    for field in cls._fields:
        annotation = models.annotation(cls, field)
        yield Option(
            name=prefix + field,
            type=_words(annotation),
            default=_default(cls, field),
            description=_description(cls, field),
        )
        several = "[]" if get_origin(annotation) is list else ""
        for nested in models.nested(cls, field):
            yield from _options(nested, models, f"{prefix}{field}{several}.")


def _default(cls: type[Settings], field: str) -> str:
    if not hasattr(cls, field):
        return "required"
    value = plain(getattr(cls, field))
    return "" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def _words(annotation: Any) -> str:
    """An annotation in words: `strings`, which are a list, or `integer or table`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{json.dumps(value)}`" for value in arguments)
    if origin in {Union, UnionType}:
        return " or ".join(_words(part) for part in arguments if part is not NoneType)
    if origin is dict:
        return f"table of {_words(arguments[1])}"
    if origin is not None and arguments:
        inner = _words(arguments[0])
        return f"{inner}s" if inner.isalpha() else f"list of {inner}"
    if isinstance(annotation, type) and issubclass(annotation, Patterns):
        return "patterns"
    if annotation is Expression:
        return "expression"
    names = {str: "string", int: "integer", bool: "boolean", float: "number"}
    if annotation in names:
        return names[annotation]
    return "table" if issubclass(annotation, Settings) else str(annotation.__name__)
