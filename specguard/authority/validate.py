"""Validating merged settings against the models of rules and declarations, all errors at once."""

from __future__ import annotations

import json
import re

from pydantic_core import SchemaValidator, ValidationError, core_schema

from specguard.authority.layers import TESTS
from specguard.authority.models import Models, problem_of
from specguard.authority.problems import Problem
from specguard.authority.references import misspelt
from specguard.authority.settings import AuthoritySettings, RuleTable, TopLevel
from specguard.documents.data import dotted
from specguard.errors import nearest
from specguard.model import shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from pydantic_core import CoreSchema, ErrorDetails

    from specguard.authority.merge import Merged
    from specguard.declaration.registry import Registry
    from specguard.declaration.rule import Declaration, Settings
    from specguard.documents.toml import KeyPath
    from specguard.model import Origin

_NAMED: Final = re.compile(r"`([a-z_]+(?:\.[a-z_]+)*)`")
_WORDS: Final = (
    ("Input should be an object", "must be a table"),
    ("Input should be a valid dictionary", "must be a table"),
    ("Input should be a valid array", "must be a list"),
    ("Input should be a valid string", "must be a string"),
    ("Input should be a valid boolean", "must be true or false"),
    ("Input should be a valid integer", "must be a whole number"),
    ("Input should be", "must be"),
)


def validate(merged: Merged, registry: Registry) -> tuple[dict[str, Any], list[Problem]]:
    """Check settings, and make patterns, expressions and records of them.

    Args:
        merged: the settings.
        registry: the rules and declarations there are.

    Returns:
        The values of the keys that are set, by table; and what is wrong, in which case the values are
        not to be used. A rule's table stays a table; every other one is a record.
    """
    problems: list[Problem] = []
    data = _known(merged, registry, problems)
    models = Models()
    validator = SchemaValidator(policy_model(registry, models, data))
    values: dict[str, Any] = {}
    try:
        values = validator.validate_json(json.dumps(data, default=_text), strict=True)
    except ValidationError as error:
        problems.extend(_problems(error.errors(include_url=False), data, merged, registry, models))
    else:
        for name, table in values.get("rules", {}).items():
            rule = registry.rules[name].rule
            own = {field: value for field, value in table.items() if field in rule._fields}
            text = problem_of(rule(**own))
            if text:
                origin = _origin(("rules", name), text, merged)
                problems.append(Problem(f"[rules.{name}]: {text}", origin=origin))
        problems.extend(
            Problem(f"`{dotted(path)}` {text}", origin=merged.origin(path), help=help)
            for path, text, help in misspelt(values, registry, models)
        )
        for declaration in registry.declarations.values():
            if declaration.problems is not None and declaration.name in values:
                problems.extend(
                    Problem(f"`{dotted(path)}` {text}", origin=merged.origin(path), help=help)
                    for path, text, help in declaration.problems(values[declaration.name])
                )
    return values, problems


def _known(merged: Merged, registry: Registry, problems: list[Problem]) -> dict[str, Any]:
    """The settings without tables and rules that do not exist, each of which is a problem."""
    tables = {"authority", "rules", *registry.declarations}
    data: dict[str, Any] = {}
    for key, value in merged.data.items():
        if key in tables or key in TopLevel._fields:
            data[key] = value
            continue
        name = f"the table [{key}]" if isinstance(value, dict) else f"the setting {key!r}"
        problems.append(
            Problem(
                f"{name} is not known",
                origin=merged.origin((key,)),
                help=nearest(key, TESTS, nearest(key, {*tables, *TopLevel._fields})),
            )
        )
    rules = data.get("rules")
    if isinstance(rules, dict):
        data["rules"] = {name: table for name, table in rules.items() if name in registry.rules}
        for name in rules:
            if name not in registry.rules:
                by_code = registry.by_code(name.upper())
                help = (
                    f"rules go by name: [rules.{by_code.rule.name}]"
                    if by_code
                    else nearest(name, registry.rules)
                )
                problems.append(
                    Problem(f"there is no rule {name!r}", origin=merged.origin(("rules", name)), help=help)
                )
    return data


def policy_model(registry: Registry, models: Models, data: Mapping[str, Any] | None = None) -> CoreSchema:
    """The schema of a policy.

    Args:
        registry: the rules and declarations.
        models: makes the schemas of tables.
        data: settings, for a model with only the tables that they have; None: with all.
    """
    fields: dict[str, CoreSchema] = {}
    if data is None or "authority" in data:
        fields["authority"] = models.record(AuthoritySettings)
    if data is None or "rules" in data:
        names = registry.rules if data is None else data["rules"]
        names = names if isinstance(names, dict) else {}
        tables = {name: models.table(registry.rules[name].rule, RuleTable) for name in names}
        fields["rules"] = models.table(fields=tables)
    for name, declaration in registry.declarations.items():
        if data is None or name in data:
            fields[name] = _declared(declaration, models)
    return models.table(TopLevel, fields=fields)


def _declared(declaration: Declaration, models: Models) -> CoreSchema:
    """The schema of a declared table, of the tables in it, or of the list of them."""
    record = models.record(declaration.settings)
    if declaration.shape == "table":
        return record
    if declaration.shape == "tables":
        return core_schema.dict_schema(core_schema.str_schema(), record)
    return core_schema.list_schema(record)


def _problems(
    errors: Sequence[ErrorDetails],
    data: Mapping[str, Any],
    merged: Merged,
    registry: Registry,
    models: Models,
) -> list[Problem]:
    """One problem for each key, whatever number of alternatives its annotation has."""
    found: dict[KeyPath, list[ErrorDetails]] = {}
    for error in errors:
        found.setdefault(_path(error, data), []).append(error)
    problems = []
    for path, several in found.items():
        if any(other[: len(path)] == path and other != path for other in found):
            # An alternative that fits in kind says more than one that does not.
            continue
        text, help = "", ""
        for error in several:
            said, help = _sentence(error, path, registry, models)
            text = f"{text} or {said}" if text else said
        what = f"`{dotted(path)}`"
        if several[0]["type"] not in {"extra_forbidden", "missing", "value_error"}:
            what += f" is {_shown(several[0]['input'])}, and"
        problems.append(Problem(f"{what} {text}", origin=_origin(path, text, merged), help=help))
    return sorted(problems, key=lambda problem: (problem.origin.path, problem.origin.line))


def _origin(path: KeyPath, text: str, merged: Merged) -> Origin:
    """Where a key is written; of a table as a whole, where the first key is that the problem names."""
    for named in _NAMED.findall(text):
        inner = (*path, *named.split("."))
        if inner in merged.origins:
            return merged.origin(inner)
    return merged.origin(path)


def _path(error: ErrorDetails, data: Mapping[str, Any]) -> KeyPath:
    """The key that an error is about, without the names of alternatives that pydantic puts between."""
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


def _sentence(error: ErrorDetails, path: KeyPath, registry: Registry, models: Models) -> tuple[str, str]:
    """What is wrong with a key, without its name, and the next step."""
    if error["type"] == "extra_forbidden":
        return "is not known", nearest(str(path[-1]), _names(path[:-1], registry, models))
    if error["type"] == "missing":
        return "is missing", ""
    if error["type"] == "value_error":
        return f"is wrong: {error['ctx']['error']}", ""
    message = error["msg"]
    for before, after in _WORDS:
        if message.startswith(before):
            return after + message.removeprefix(before), _keys(after, path, registry, models)
    return f"is wrong: {message[:1].lower()}{message[1:]}", ""


def _keys(wanted: str, path: KeyPath, registry: Registry, models: Models) -> str:
    """For an element that must be a table: the keys that it has."""
    names = _names(path, registry, models) if wanted == "must be a table" else set()
    return f"its keys are {', '.join(sorted(names))}" if names and isinstance(path[-1], int) else ""


def _names(path: KeyPath, registry: Registry, models: Models) -> set[str]:
    """The keys of the table at a path."""
    names = [part for part in path if isinstance(part, str)]
    if not names:
        return set(TopLevel._fields)
    classes: list[type[Settings]] = []
    if names[0] == "rules" and len(names) > 1:
        classes, names = [registry.rules[names[1]].rule, RuleTable], names[2:]
    elif names[0] == "authority":
        classes, names = [AuthoritySettings], names[1:]
    elif names[0] in registry.declarations:
        declaration = registry.declarations[names[0]]
        classes, names = [declaration.settings], names[2 if declaration.shape == "tables" else 1 :]
    for name in names:
        classes = [nested for cls in classes if name in cls._fields for nested in models.nested(cls, name)]
    return {field for cls in classes for field in cls._fields}


def _shown(value: Any) -> str:
    text = json.dumps(value, default=_text, ensure_ascii=False)
    return shortened(text)


def _text(value: Any) -> str:
    """A date or time as TOML writes it."""
    text: str = value.isoformat()
    return text
