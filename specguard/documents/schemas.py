"""JSON Schema over structured data: nothing is fetched, and no expression or comparison takes long.

The library is `jsonschema`; it is imported where a schema is used. Patterns run as RE2, as all expressions of
a policy do, because the text they run on is a stranger's. Of the formats `date`, `email`, `ipv4`, `ipv6` and
`uuid` are checked, the others are annotations.
"""

from __future__ import annotations

import json
import re
from functools import cache

from specguard.declaration.expressions import Expression, ExpressionError
from specguard.declaration.rule import Record
from specguard.documents.data import walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

STEPS: Final = 20_000
"""So many parts of a schema are compared with a file at least, and `STEPS_EACH` more for each value in it.

What refers to itself by two ways would take twice as many for each level of a file that fits neither.
"""

STEPS_EACH: Final = 50

MOST_MISFITS: Final = 20
"""So many misfits of one file are told."""

SHOWN: Final = 160
"""So many characters of a message are shown; it may hold a value of any length."""

_BRANCHES: Final = (
    "$ref", "$dynamicRef", "$recursiveRef", "anyOf", "oneOf", "allOf", "not", "if", "contains",
)  # fmt: skip
# The keys below these are names, and what stands below those is no schema.
_NAMED: Final = ("properties", "$defs", "definitions", "dependentSchemas", "dependencies")
_VALUES: Final = ("default", "const", "enum", "examples")
_BY_PATTERN: Final = "it has patternProperties, which are not supported: use propertyNames"
_FORMATS: Final = ("date", "email", "ipv4", "ipv6", "uuid")
_CODE_POINT: Final = re.compile(r"\\u([0-9a-fA-F]{4})")


class SchemaError(ValueError):
    """A schema that cannot be used; the text says why, as a clause."""


class Misfit(Record):
    """Something in data that does not fit.

    Attributes:
        path: where it is: keys and positions from the top.
        message: what does not fit.
        keyword: the keyword of the schema that it does not fit, e.g. `required`.
    """

    path: Sequence[str | int]
    message: str
    keyword: str


class Schema:
    """A JSON Schema.

    Args:
        schema: the schema as data. Its `$schema` says which draft it is; by default the newest.

    Raises:
        SchemaError: it is no schema, or has a pattern that RE2 does not read.
    """

    def __init__(self, schema: Any) -> None:
        from jsonschema import Draft202012Validator, FormatChecker, exceptions, validators
        from referencing import Registry

        if not isinstance(schema, dict):
            raise SchemaError("it is no mapping")
        kind = validators.validator_for(schema, default=Draft202012Validator)
        try:
            kind.check_schema(schema)
        except exceptions.SchemaError as error:
            raise SchemaError(f"it is no JSON Schema: {_shortened(error.message)}") from None
        _check_patterns(schema)
        # What names a draft within it would bring the library's own checks back in.
        schema = _without_drafts(schema)
        extend: Callable[..., type[Validator]] = validators.extend
        self._steps = 0
        self._most = STEPS
        counted = {
            name: self._counted(kind.VALIDATORS[name]) for name in _BRANCHES if name in kind.VALIDATORS
        }
        # A registry of its own, and empty: the library's default one would fetch.
        self._validator: Validator = extend(kind, {**counted, **_KEYWORDS})(
            schema, registry=Registry(), format_checker=FormatChecker(_FORMATS)
        )

    def misfits(self, value: Any) -> Iterator[Misfit]:
        """Violations of the schema in data, at most `MOST_MISFITS` and one that says that there are more.

        Raises:
            SchemaError: the schema leads nowhere: to what is not within it, or to itself for ever, or so
                often that it would take too long.
        """
        from jsonschema.exceptions import best_match
        from referencing.exceptions import Unresolvable

        self._steps = 0
        self._most = STEPS + STEPS_EACH * sum(1 for _ in walk(value))
        try:
            for number, error in enumerate(self._validator.iter_errors(value)):
                if number == MOST_MISFITS:
                    yield Misfit((), "there is more that does not fit", "")
                    return
                best = best_match(iter([error])) or error
                yield Misfit(list(best.absolute_path), _shortened(best.message), str(best.validator or ""))
        except Unresolvable as error:
            raise SchemaError(f"its reference {error.ref!r} leads to nothing within it") from None
        except RecursionError:
            raise SchemaError("it refers to itself without an end") from None

    def _counted(self, keyword: Callable[..., Any]) -> Callable[..., Any]:
        """A keyword that leads on to other schemas, which counts how often it does."""

        def count(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
            self._steps += 1
            if self._steps > self._most:
                raise SchemaError("it takes too many steps to compare with this file")
            return keyword(validator, value, instance, schema)

        return count


def _shortened(message: str) -> str:
    message = " ".join(message.split())
    if len(message) <= SHOWN:
        return message
    # What is wrong stands behind the value.
    return f"{message[: SHOWN // 2]} ... {message[-SHOWN // 2 :]}"


# Expressions


@cache
def _expression(pattern: str) -> Expression:
    return Expression(_CODE_POINT.sub(r"\\x{\1}", pattern))


def _check_patterns(schema: Any) -> None:
    """Compile every pattern of a schema.

    Raises:
        SchemaError: RE2 does not read it, or it is one of names, which the library compares by itself.
    """
    if any(table.get("patternProperties") for table in _schemas(schema)):
        raise SchemaError(_BY_PATTERN)
    # What is no schema among its mappings, such as a default, does no harm.
    for table in (one for _, one in walk(schema) if isinstance(one, dict)):
        pattern = table.get("pattern")
        try:
            if isinstance(pattern, str) and pattern:
                _expression(pattern).check()
        except ExpressionError as error:
            raise SchemaError(f"its pattern {_shortened(str(pattern))!r} cannot be used: {error}") from None


def _schemas(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and those within it."""
    waiting = [schema]
    for one in waiting:
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            yield one
            for key, inner in one.items():
                named = key in _NAMED and isinstance(inner, dict)
                waiting += inner.values() if named else [inner] if key not in _VALUES else []


def _without_drafts(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_drafts(inner)
            for key, inner in value.items()
            if key != "$schema" or not isinstance(inner, str)
        }
    return [_without_drafts(inner) for inner in value] if isinstance(value, list) else value


# Keywords that the library judges with Python's expressions, or in quadratic time


def _pattern(validator: Any, pattern: str, instance: Any, _: Any) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError

    if validator.is_type(instance, "string") and pattern and not _expression(pattern).search(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(_validator: Any, patterns: Any, _instance: Any, _: Any) -> None:
    """Refuse also those that only a reference makes a schema's own, such as one into a default."""
    if patterns:
        raise SchemaError(_BY_PATTERN)


def _additional_properties(
    validator: Any, additional: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """The library says of all such properties at once that they are there, and not where."""
    from jsonschema.exceptions import ValidationError

    known = schema.get("properties", {})
    for key, value in instance.items() if validator.is_type(instance, "object") else ():
        if key not in known and validator.is_type(additional, "object"):
            yield from validator.descend(value, additional, path=key)
        elif key not in known and not additional:
            yield ValidationError(f"there is no property {key!r} in the schema", path=[key])


def _unique_items(validator: Any, unique: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError

    if unique and validator.is_type(instance, "array"):
        seen: set[str] = set()
        for position, item in enumerate(instance):
            text = json.dumps(_comparable(item), sort_keys=True)
            if text in seen:
                yield ValidationError(f"{item!r} is there twice", path=[position])
                return
            seen.add(text)


def _comparable(value: Any) -> Any:
    """A value in which equal numbers are written alike: to a schema, 1 and 1.0 are one number."""
    if isinstance(value, dict):
        return {key: _comparable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_comparable(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


_KEYWORDS: Final = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}
