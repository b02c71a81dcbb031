"""Validate settings by the annotations of their classes; list them for people, and as JSON Schema.

Settings use only a few forms of annotations, so the schemas of their values are written here, as
`pydantic_core` reads them (docs.pydantic.dev/latest/api/pydantic_core_schema). Importing that package, or
pydantic, costs several times as much, and a hook waits for it after every change of the policy.
"""

from __future__ import annotations

import collections.abc
import datetime
import json
import re
import sys
import typing
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeAlias, Union, get_args, get_origin

from specguard.authority.layers import TESTS, Merged, SettingProblem
from specguard.authority.policy import plain
from specguard.authority.settings import AuthoritySettings, RuleTable, TopLevel, find_misspelt
from specguard.declaration.patterns import Covering, Guarding, Patterns, Selecting, is_path
from specguard.declaration.registry import Registry
from specguard.declaration.regular_expressions import Expression
from specguard.declaration.rule import FieldOptions, Settings
from specguard.documents.data import dotted
from specguard.documents.toml import KeyPath, toml_value
from specguard.errors import nearest
from specguard.model import SEVERITIES, STAGES, Origin, Record, grouped, load_extension, shortened

Schema: TypeAlias = dict[str, Any]
"""A schema of values, as `pydantic_core` reads it."""

pydantic_core: Final = load_extension("pydantic_core", "_pydantic_core")

_PLAIN: Final[Mapping[Any, str]] = {str: "str", int: "int", bool: "bool", float: "float", Any: "any"}
"""The type of schema for each annotation without arguments."""

_LISTS = (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_TABLES = (dict, collections.abc.Mapping)

_SIZES = ("min_length", "max_length")
_RANGE = ("gt", "ge", "lt", "le", "multiple_of")
_LIMITS: Mapping[str, Sequence[str]] = {
    "str": (*_SIZES, "pattern"),
    "int": _RANGE,
    "float": _RANGE,
    "list": _SIZES,
    "dict": _SIZES,
}
"""The limits that each type of schema supports directly."""

_OPTIONS = {"check", "path", "tightens", "names", "dotted", "selectors", "approvers"}.union(*_LIMITS.values())
"""All options of a field."""


def table_model(*classes: type[Settings], fields: Mapping[str, Schema] | None = None) -> Schema:
    """Return the schema of a table with the fields of some classes; its value has only keys that are set.

    Args:
        classes: the settings classes.
        fields: additional keys, all optional.
    """
    made: Schema = {}
    for cls in classes:
        for name in cls._fields:
            required, about = not hasattr(cls, name), _extra(_of_field, cls, name)
            made[name] = _in_table(_field_schema(cls, name), required=required, metadata=about)  # type: ignore[arg-type]  # mypy takes the class for one of its records
    for name, schema in (fields or {}).items():
        made[name] = _in_table(schema, required=False)
    about = _extra(_of_table, classes[0]) if classes else {}
    return {"type": "typed-dict", "fields": made, "extra_behavior": "forbid", "metadata": about}


def _in_table(schema: Schema, **more: Any) -> Schema:
    """Return the schema of a key of a table."""
    return {"type": "typed-dict-field", "schema": schema, **more}


def _after(function: Callable[..., object], schema: Schema) -> Schema:
    """Return the schema of what a function makes of a value, or refuses."""
    return {"type": "function-after", "function": {"type": "no-info", "function": function}, "schema": schema}


def record_model(cls: type[Settings]) -> Schema:
    """Return the schema of a table whose value is a record of a class."""

    def make(values: dict[str, Any]) -> Settings:
        record = cls(**values)
        if problem := record.problem():
            raise ValueError(problem)
        return record

    return _after(make, table_model(cls))


def read_annotation(cls: type[Settings], field: str) -> Any:
    """Return a field's annotation as an object; its names may be imported only for the type checker."""
    owner = next(one for one in cls.__mro__ if field in one.__annotations__)
    own, *others = map(vars, (sys.modules[owner.__module__], typing, collections.abc, datetime))
    given, names = owner.__annotations__[field], ChainMap(own, _TYPE_NAMES, *others)
    # Only annotations of installed classes are evaluated, never data.
    return eval(given, {}, names) if isinstance(given, str) else given  # noqa: S307


@cache
def _field_schema(cls: type[Settings], field: str) -> Schema:
    """Return the schema of a field, with its limits, built once for all policies of this process.

    Raises:
        TypeError: the annotation has a form, or the field an option, that settings do not support.
    """
    note = cls._notes.get(field) or FieldOptions("", {})
    try:
        return _schema(read_annotation(cls, field), _options_of(note))
    except (NameError, TypeError) as error:
        raise TypeError(f"{cls.__module__}.{cls.__qualname__}.{field} cannot be read: {error}") from None


def _options_of(note: FieldOptions) -> Mapping[str, Any]:
    """Return the options of a field; `path` becomes a check, which leaves out a text that is the default."""
    options = note.options
    if unknown := options.keys() - _OPTIONS:
        raise TypeError(f"setting({', '.join(sorted(unknown))}=…) is not for settings")
    if "path" not in options:
        return options
    check: Callable[[str], object] = options.get("check", str)
    slash = "/" if options["path"] == "folder" else ""

    def refuse(text: str) -> None:
        if text not in note.default and not is_path(text.removesuffix(slash)):
            raise ValueError(f"{text!r} is not a plain path, as `git ls-files` prints one")
        check(text)

    return {**options, "check": refuse}


def _schema(annotation: Any, options: Mapping[str, Any] = {}) -> Schema:
    """Return the schema of an annotation's values, each alternative with the options that it supports."""
    if annotation in _PLAIN:
        return _of_type(_PLAIN[annotation], options)
    if isinstance(annotation, type):
        if issubclass(annotation, Settings):
            return record_model(annotation)
        if annotation is Expression:
            return _after(lambda text: Expression(text).check(), _of_type("str", options))
        if issubclass(annotation, Patterns):
            # Each pattern is checked by itself, so that an error has its index.
            items = _schema(str, {"check": annotation.translate})
            return _after(annotation, _of_type("list", options, items_schema=items))
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return {"type": "literal", "expected": list(arguments)}
    if origin in {Union, UnionType}:
        choices = [_schema(part, options) for part in arguments if part is not NoneType]
        schema = choices[0] if len(choices) == 1 else {"type": "union", "choices": choices}
        return {"type": "nullable", "schema": schema} if NoneType in arguments else schema
    if origin in _LISTS:
        items = _schema(arguments[0], {"check": options.get("check")})
        return _of_type("list", options, items_schema=items)
    if origin in _TABLES:
        keys, elements = map(_schema, arguments)
        return _of_type("dict", options, keys_schema=keys, values_schema=elements)
    raise TypeError(f"no setting has type {annotation}; use str, int, Sequence, Mapping; limits: `setting`")


def _of_type(kind: str, options: Mapping[str, Any], **inner: Schema) -> Schema:
    """Return the schema of a type's values, with the limits that it supports, and for texts a check."""
    limits = {name: options[name] for name in _LIMITS.get(kind, ()) if name in options}
    schema, check = {"type": kind, **inner, **limits}, options.get("check")
    if kind != "str" or check is None:
        return schema

    def checked(text: str) -> object:
        made = check(text)
        # A single pattern may stand without a list.
        return made if isinstance(made, Patterns) else text

    return _after(checked, schema)


_TYPE_NAMES: Final[dict[str, Any]] = {
    "Severity": Literal[SEVERITIES],
    "Stage": Literal[STAGES],
    **{cls.__name__: cls for cls in (Expression, Guarding, Covering, Selecting)},
}


_NAMED_KEY: Final = re.compile(r"`([a-z_]+(?:\.[a-z_]+)*)`")
_PATTERN: Final = "String should match pattern"
_PLAIN_MESSAGES: Final = (
    ("Input should be an object", "must be a table"),
    ("Input should be a valid dictionary", "must be a table"),
    ("Input should be a valid array", "must be a list"),
    ("Input should be a valid string", "must be a string"),
    ("Input should be a valid boolean", "must be true or false"),
    ("Input should be a valid integer", "must be a whole number"),
    ("Input should be", "must be"),
    ("String should have at least 1 character", "must not be empty"),
    ("List should have at least 1 item after validation, not 0", "must not be empty"),
    ("Field required", "is missing"),
    (f"{_PATTERN} '^[A-Za-z0-9][A-Za-z0-9._-]*$'", "must be letters, digits, '.', '_' and '-'"),
    (f"{_PATTERN} '^[1-9][0-9]*[smh]$'", "must be a number above 0 with s, m or h, such as 20m"),
    (f"{_PATTERN} '^[A-Za-z0-9][A-Za-z0-9-]*$'", "must be letters, digits and hyphens, as in Spec-Impact"),
    (f"{_PATTERN} '^([A-Za-z0-9][A-Za-z0-9-]*)?$'", "must be letters, digits and hyphens, or empty"),
)


_WORDS: Final = ("command", "sandbox", "wrapper")
"""The keys of lists whose elements are the words of a command."""

_TRUTHS: Final = {"true": "true", "yes": "true", "false": "false", "no": "false"}
"""Strings that mean a boolean, each with it as TOML."""

_MISPLACED: Final = {
    "assets.files": "take it out: `specguard rule ART022` names the keys of an index",
    "assets.sample_fields": "take it out: every text of the file of `samples` may name an asset",
    "branch-name.exclude_names": "take it out, and let `pattern` match those names, too",
    "findings.verdict": "take it out: `specguard rule ART008` names the fields of a verdict",
    "grounding.agent": "take it out, and write `{agent}` in the path of the contract",
    "missing-compaction.stale": "take it out: a sweep says `aligned`, `stale`, `closed` and `/compact`",
    **dict.fromkeys((".tool", ".specguard"), "leave `[tool.specguard]` out, which only pyproject.toml needs"),
    **dict.fromkeys(TopLevel._fields, "write it at the policy's top, above its tables"),
}
"""Misplaced settings, and removed ones like others, some with their table, each with what to write."""


def validate(merged: Merged, registry: Registry) -> tuple[dict[str, Any], list[SettingProblem]]:
    """Validate settings, and turn them into patterns, expressions and records.

    Args:
        merged: the settings.
        registry: the registered rules and declarations.

    Returns:
        The values of the keys that are set, by table, and the problems. If there are problems, the values
        must not be used. A rule's table stays a table; every other table is a record.
    """
    values, wrong = read_settings(policy_model(registry, merged.data), merged, registry)
    if wrong:
        return {}, wrong
    found: list[tuple[KeyPath, str, str]] = []
    for name, table in values.get("rules", {}).items():
        rule = registry.rules[name].rule
        if text := rule(**{field: table[field] for field in rule._fields if field in table}).problem():
            found.append((("rules", name), f"is wrong: {text}", ""))
    found += find_misspelt(values, registry)
    for declaration in registry.declarations.values():
        if declaration.problems is not None and declaration.name in values:
            found += declaration.problems(values[declaration.name])
    return values, [
        SettingProblem(f"`{dotted(path)}` {text}", _origin(path, text, merged), help)
        for path, text, help in found
    ]


def read_settings(
    schema: Schema, merged: Merged, registry: Registry | None = None
) -> tuple[dict[str, Any], list[SettingProblem]]:
    """Return the values of settings, and their problems, with which the values are empty.

    Args:
        schema: the schema of the whole.
        merged: the settings.
        registry: the rules and declarations, if the settings are those of a policy.
    """
    try:
        text = json.dumps(merged.data, default=lambda moment: str(moment.isoformat()))
        return pydantic_core.SchemaValidator(schema).validate_json(text, strict=True), []
    except pydantic_core.ValidationError as error:
        return {}, _problems(error.errors(include_url=False), merged, registry, schema)


def policy_model(registry: Registry, data: Mapping[str, Any] | None = None) -> Schema:
    """Return the schema of a policy.

    Args:
        registry: the rules and declarations.
        data: settings; the schema then has only the tables that they have. None for all tables.
    """
    tables = registry.rules if data is None else data.get("rules")
    used = tables if isinstance(tables, dict) else {}
    rules = {name: table_model(one.rule, RuleTable) for name, one in registry.rules.items() if name in used}
    fields = {"authority": record_model(AuthoritySettings), "rules": table_model(fields=rules)}
    for name, declaration in registry.declarations.items():
        if name in fields or name in TopLevel._fields:
            raise TypeError(f"the table [{name}] is specguard's own")
        if data is None or name in data:
            fields[name] = _schema(declaration.annotation)
    return table_model(TopLevel, fields=fields)


def _problems(
    errors: Sequence[Schema], merged: Merged, registry: Registry | None, schema: Schema
) -> list[SettingProblem]:
    """Return one problem for each key, however many alternatives its annotation has."""
    found = grouped((_error_path(error, merged.data), error) for error in errors)
    above = {path[:end] for path in found for end in range(len(path))}
    problems = []
    for path, several in found.items():
        if path in above:
            # An error within an alternative of the right kind is more precise.
            continue
        # So is one about the value itself: it was of the right kind.
        several = [error for error in several if error["type"] == "value_error"] or several
        said, steps = zip(*(_message(error, path, registry, schema) for error in several), strict=True)
        text, help = " or ".join(said), next(filter(None, steps), "")
        subject = f"`{dotted(path)}`"
        if several[0]["type"] not in {"extra_forbidden", "missing", "value_error"}:
            subject += f" is {shortened(toml_value(several[0]['input']))}, and"
        problems.append(SettingProblem(f"{subject} {text}", origin=_origin(path, text, merged), help=help))
    return sorted(problems, key=lambda problem: (problem.origin.path, problem.origin.line))


def _origin(path: KeyPath, text: str, merged: Merged) -> Origin:
    """Return the place of a key; for a whole table, that of the first key which the problem names."""
    named = ((*path, *key.split(".")) for key in _NAMED_KEY.findall(text))
    return merged.origin(next((key for key in named if key in merged.origins), path))


def _error_path(error: Schema, data: Mapping[str, Any]) -> KeyPath:
    """Return the key of an error, without the names of alternatives that pydantic inserts."""
    path: list[str | int] = []
    value: Any = data
    for part in error["loc"]:
        inside = isinstance(value, dict) and part in value
        if inside or (isinstance(value, list) and isinstance(part, int) and part < len(value)):
            value = value[part]
        elif error["type"] != "missing" or part != error["loc"][-1]:
            continue
        path.append(part)
    return tuple(path)


def _message(error: Schema, path: KeyPath, registry: Registry | None, schema: Schema) -> tuple[str, str]:
    """Return the problem with a key, without the key's name, and the next step."""
    kind, message = error["type"], error["msg"]
    if kind == "extra_forbidden":
        table, key = ("", *map(str, path))[-2:]
        known, otherwise = set(_table_keys(schema, path[:-1])), ""
        step = _MISPLACED.get(key) or _MISPLACED.get(f"{table}.{key}")
        if registry and len(path) == 1:
            known |= {*registry.declarations, *TESTS}
        if registry and path[:-1] == ("rules",):
            known, otherwise = set(registry.rules), "`specguard rule` lists them"
        if registry and (rule := registry.rules.get(key) or registry.by_code.get(key.upper())):
            step = f"rules go by name: [rules.{rule.rule.name}]"
        return "is not known", step or nearest(key, known, otherwise)
    if kind == "value_error":
        return f"is wrong: {error['ctx']['error']}", ""
    for before, after in _PLAIN_MESSAGES:
        if message.startswith(before):
            names = sorted(set(_table_keys(schema, path))) if after == "must be a table" else ()
            step = f"its keys are {', '.join(names)}" if names else ""
            if after == "must be a list" and any(_table_keys(schema, (*path, 0))):
                step = f"write [[{dotted(path)}]]"
            elif after == "must be a list" and isinstance(text := error["input"], str) and text:
                words = "a list of its words, each in quotes"
                step = f"write {words if path[-1] in _WORDS else toml_value([text])}"
            elif after == "must be true or false" and (truth := _TRUTHS.get(str(error["input"]))):
                step = f"write {truth}"
            return after + message.removeprefix(before), step
    return f"is wrong: {message[:1].lower()}{message[1:]}", ""


def _table_keys(schema: Any, path: KeyPath) -> Iterator[str]:
    """Yield the keys of all tables that a schema allows at a path."""
    kind = schema["type"]
    for choice in schema["choices"] if kind == "union" else [schema["schema"]] if "schema" in schema else ():
        yield from _table_keys(choice, path)
    if kind == "typed-dict" and not path:
        yield from schema["fields"]
    elif kind == "typed-dict" and path[0] in schema["fields"]:
        yield from _table_keys(schema["fields"][path[0]]["schema"], path[1:])
    elif kind in ("list", "dict") and path:
        yield from _table_keys(schema["items_schema" if kind == "list" else "values_schema"], path[1:])


class Option(Record):
    """One setting, as a reference lists it.

    Attributes:
        name: its key; that of a nested table follows the outer key and a dot, as in `outer.key`, or
            `outer[].key` if there may be several tables.
        type: its type, in words.
        default: its default as TOML; `required`, or empty if it is absent.
        description: its purpose.
    """

    name: str
    type: str
    default: str
    description: str


def policy_schema(registry: Registry) -> Mapping[str, Any]:
    """Return the JSON Schema of a whole policy, for editors."""
    from specguard.runs.manifests import DIALECT, PlainSchema

    schema = PlainSchema().generate(policy_model(registry))
    properties = schema["properties"]
    for name, declaration in registry.declarations.items():
        if declaration.shape == "list":
            properties[name]["description"] = _purpose(declaration.settings)
    for name in TESTS:
        properties[name] = {
            "type": "array",
            "items": {"type": "object"},
            "description": f"cases that {name.replace('-', ' ')}, for `specguard test`; no check reads them",
        }
    return {"$schema": DIALECT, **schema, "title": "A specguard policy"}


def _purpose(cls: type[Settings]) -> str:
    """Return the purpose of a table: the first paragraph of its class's docstring, on one line."""
    return " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())


def _extra(describe: Callable[..., dict[str, Any]], *about: Any) -> dict[str, Any]:
    """Return metadata by which a JSON Schema describes a table or key."""
    return {"pydantic_js_functions": [lambda schema, handler: describe(handler(schema), *about)]}


def _of_table(part: dict[str, Any], cls: type[Settings]) -> dict[str, Any]:
    return {**part, "title": cls.__name__, "description": _purpose(cls)}


def _of_field(part: dict[str, Any], cls: type[Settings], field: str) -> dict[str, Any]:
    described = {key: value for key, value in part.items() if key != "title"}
    described["description"] = _description(cls, field)
    default = getattr(cls, field, None)
    return described if default is None else {**described, "default": plain(default)}


def _description(cls: type[Settings], field: str) -> str:
    return cls._notes[field].description if field in cls._notes else ""


def options_of(cls: type[Settings], prefix: str = "") -> Iterator[Option]:
    """Yield the settings of a table, such as a rule's own, with a prefix before their names."""
    for field in cls._fields:
        annotation = read_annotation(cls, field)
        yield Option(
            name=prefix + field,
            type=_describe_type(annotation),
            default=_default(cls, field),
            description=_description(cls, field),
        )
        several = "[]" if get_origin(annotation) in _LISTS else ""
        for nested in _tables_in(annotation):
            yield from options_of(nested, f"{prefix}{field}{several}.")


def _tables_in(annotation: Any) -> Iterator[type[Settings]]:
    """Yield the settings classes that an annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
    for part in get_args(annotation):
        yield from _tables_in(part)


def _default(cls: type[Settings], field: str) -> str:
    if not hasattr(cls, field):
        return "required"
    value = plain(getattr(cls, field))
    return "" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def _describe_type(annotation: Any) -> str:
    """Describe an annotation in words: `strings` for a list of them, or `integer or table`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{json.dumps(value)}`" for value in arguments)
    if origin in {Union, UnionType}:
        return " or ".join(_describe_type(part) for part in arguments if part is not NoneType)
    if origin in _TABLES:
        return f"table of {_describe_type(arguments[1])}"
    if origin is not None and arguments:
        inner = _describe_type(arguments[0])
        return f"{inner}s" if inner.isalpha() else f"list of {inner}"
    if isinstance(annotation, type) and issubclass(annotation, Patterns):
        return "patterns"
    names = {str: "string", int: "integer", bool: "boolean", float: "number", Expression: "expression"}
    return names.get(annotation) or ("table" if issubclass(annotation, Settings) else "any")
