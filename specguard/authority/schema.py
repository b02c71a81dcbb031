"""What settings there are, made from their classes: option tables for people, JSON Schema for editors."""

from __future__ import annotations

import json
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin

from specguard.authority.models import Models
from specguard.authority.settings import AuthoritySettings, RuleTable, TopLevel
from specguard.authority.validate import declared_type
from specguard.authority.values import plain
from specguard.declaration.expressions import Expression
from specguard.declaration.patterns import Patterns
from specguard.declaration.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.declaration.registry import Registry
    from specguard.declaration.rule import Declaration, Rule, Settings

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
    return list(_options(rule, Models()))


def common_options() -> Sequence[Option]:
    """The settings that every rule's table has."""
    return list(_options(RuleTable, Models()))


def declaration_options(declaration: Declaration) -> Sequence[Option]:
    """The settings of a declared table."""
    return list(_options(declaration.settings, Models()))


def top_level_options() -> Sequence[Option]:
    """The settings that stand at the top, and those of `[authority]`."""
    models = Models()
    return [*_options(TopLevel, models), *_options(AuthoritySettings, models, "authority.")]


def policy_schema(registry: Registry) -> Mapping[str, Any]:
    """The JSON Schema of a whole policy, for editors."""
    from pydantic import TypeAdapter

    models = Models()
    rules = {name: models.table(entry.rule, RuleTable) for name, entry in sorted(registry.rules.items())}
    fields: dict[str, Any] = {
        "authority": models.record(AuthoritySettings),
        "rules": models.dictionary("Rules", rules),
    }
    for name, declaration in sorted(registry.declarations.items()):
        fields[name] = declared_type(declaration, models)
    schema = TypeAdapter(models.table(TopLevel, fields=fields)).json_schema()
    _add_defaults(schema, schema, TopLevel, models)
    properties = schema["properties"]
    tables = _resolve(schema, properties["rules"])["properties"]
    for name, entry in registry.rules.items():
        table = _resolve(schema, tables[name])
        _add_defaults(schema, table, entry.rule, models)
        _add_defaults(schema, table, RuleTable, models)
    for name, declaration in registry.declarations.items():
        inner = properties[name]
        inner = inner.get("additionalProperties") or inner.get("items") or inner
        _add_defaults(schema, _resolve(schema, inner), declaration.settings, models)
    _add_defaults(schema, _resolve(schema, properties["authority"]), AuthoritySettings, models)
    return {"$schema": SCHEMA_DIALECT, **schema, "title": "A specguard policy"}


def _resolve(schema: Mapping[str, Any], part: Any) -> Any:
    reference = part.get("$ref")
    return schema["$defs"][reference.rpartition("/")[2]] if reference else part


def _add_defaults(
    schema: Mapping[str, Any], table: dict[str, Any], cls: type[Settings], models: Models
) -> None:
    for field in cls._fields:
        default = getattr(cls, field, None)
        if default is not None:
            table["properties"][field]["default"] = plain(default)
        for nested in models.nested(cls, field):
            inner = _find_table(schema, table["properties"][field], nested)
            if inner is not None:
                _add_defaults(schema, inner, nested, models)


def _find_table(schema: Mapping[str, Any], part: Any, cls: type[Settings]) -> dict[str, Any] | None:
    """The schema of a class somewhere in that of a field."""
    if not isinstance(part, dict):
        return None
    part = _resolve(schema, part)
    if part.get("title") == cls.__name__ and "properties" in part:
        found: dict[str, Any] = part
        return found
    for inner in (part.get("items"), part.get("additionalProperties"), *part.get("anyOf", ())):
        found_inside = _find_table(schema, inner, cls)
        if found_inside is not None:
            return found_inside
    return None


def _options(cls: type[Settings], models: Models, prefix: str = "") -> Iterator[Option]:
    for field in cls._fields:
        annotation = models.annotation(cls, field)
        yield Option(
            name=prefix + field,
            type=_words(annotation),
            default=_default(cls, field),
            description=_description(annotation),
        )
        several = "[]" if get_origin(_bare(annotation)) is list else ""
        for nested in models.nested(cls, field):
            yield from _options(nested, models, f"{prefix}{field}{several}.")


def _default(cls: type[Settings], field: str) -> str:
    if not hasattr(cls, field):
        return "required"
    value = plain(getattr(cls, field))
    return "" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def _description(annotation: Any) -> str:
    described = [getattr(data, "description", None) for data in getattr(annotation, "__metadata__", ())]
    return next((text for text in described if text), "")


def _bare(annotation: Any) -> Any:
    while get_origin(annotation) in {Annotated, NotRequired, Required}:
        annotation = get_args(annotation)[0]
    return annotation


def _words(annotation: Any) -> str:
    """An annotation in words: `list of strings`, `integer or table`."""
    annotation = _bare(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{json.dumps(value)}`" for value in arguments)
    if origin in {Union, UnionType}:
        return " or ".join(_words(part) for part in arguments if part is not NoneType)
    if origin is dict:
        return f"table of {_words(arguments[1])}"
    if origin is not None and arguments:
        inner = _words(arguments[0])
        return f"list of {inner}s" if inner.isalpha() else f"list of {inner}"
    if isinstance(annotation, type) and issubclass(annotation, Patterns):
        return "list of patterns"
    if annotation is Expression:
        return "expression"
    names = {str: "string", int: "integer", bool: "boolean", float: "number"}
    if annotation in names:
        return names[annotation]
    return "table" if hasattr(annotation, "__total__") else str(annotation.__name__)
