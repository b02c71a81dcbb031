"""JSON Schema for structured data, without network access and without slow patterns or comparisons.

The library is `jsonschema`, which is slow to import, so only a schema imports this module. Patterns run as
RE2, like all expressions of a policy, because the text they match may come from strangers. Only the formats
`date`, `email`, `ipv4`, `ipv6` and `uuid` are checked; other formats are annotations.
"""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator, FormatChecker, exceptions, validators
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

from specguard.declaration.regular_expressions import Expression, ExpressionError
from specguard.documents.data import map_scalars, walk
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from jsonschema.protocols import Validator

STEPS: Final = 20_000
"""The basic limit of comparisons between parts of a schema and one file.

`STEPS_EACH` is added for each value in the file. A schema that refers to itself in two ways would otherwise
double the comparisons with each level of a file that matches neither.
"""

STEPS_EACH: Final = 50

MOST_MISFITS: Final = 20
"""The maximum number of misfits reported for one file."""

LONGEST_MESSAGE: Final = 160
"""The maximum number of characters of a message; it may contain a value of any length."""

_BRANCHES: Final = (
    "$ref", "$dynamicRef", "$recursiveRef", "anyOf", "oneOf", "allOf", "not", "if", "contains",
)  # fmt: skip
_FORMATS: Final = ("date", "email", "ipv4", "ipv6", "uuid")


class SchemaError(ValueError):
    """A schema that cannot be used; the message is the reason, as a clause."""


class Misfit(Record):
    """Something in the data that violates the schema.

    Attributes:
        path: its place: keys and positions from the top.
        message: the violation.
        keyword: the violated keyword of the schema, e.g. `required`.
    """

    path: Sequence[str | int]
    message: str
    keyword: str


class Schema:
    """A JSON Schema.

    Args:
        schema: the schema as data. Its `$schema` selects the draft; the default is the newest.

    Raises:
        SchemaError: it is not a valid schema, or has a pattern that RE2 cannot compile.
    """

    def __init__(self, schema: Any) -> None:
        if not isinstance(schema, dict):
            raise SchemaError("it is not a mapping")
        kind = validators.validator_for(schema, default=Draft202012Validator)
        try:
            kind.check_schema(schema)
        except exceptions.SchemaError as error:
            raise SchemaError(f"it is not a JSON Schema: {_shortened(error.message)}") from None
        _check_patterns(schema)
        # An inner `$schema` would bring the library's own keyword checks back.
        schema = _without_drafts(schema)
        extend: Callable[..., type[Validator]] = validators.extend
        self._steps_left = STEPS
        known = kind.VALIDATORS
        counting = {name: self._count_steps(known[name]) for name in _BRANCHES if name in known}
        # The library's default registry would fetch schemas; this one is empty.
        self._validator: Validator = extend(kind, {**counting, **_KEYWORDS})(
            schema, registry=Registry(), format_checker=FormatChecker(_FORMATS)
        )

    def misfits(self, value: Any) -> Iterator[Misfit]:
        """Yield the violations of the schema in data, at most `MOST_MISFITS`.

        If there are more, a last `Misfit` says so.

        Raises:
            SchemaError: a reference is unresolvable or endless, a number is too large, or the comparison
                takes too many steps.
        """
        self._steps_left = STEPS + STEPS_EACH * sum(1 for _ in walk(value))
        try:
            for number, error in enumerate(self._validator.iter_errors(value)):
                if number == MOST_MISFITS:
                    yield Misfit((), "there is more that does not fit", "")
                    return
                best = best_match(iter([error])) or error
                yield Misfit(list(best.absolute_path), _shortened(best.message), str(best.validator or ""))
        except Unresolvable as error:
            raise SchemaError(f"its reference {error.ref!r} leads to nothing within it") from None
        except (OverflowError, RecursionError):
            raise SchemaError("it refers to itself without an end, or a number is too large for it") from None

    def _count_steps(self, keyword: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a keyword that leads to other schemas, to count its uses."""

        def count(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
            self._steps_left -= 1
            if self._steps_left < 0:
                raise SchemaError("it takes too many steps to compare with this file")
            return keyword(validator, value, instance, schema)

        return count


def _shortened(message: str) -> str:
    message = " ".join(message.split())
    if len(message) <= LONGEST_MESSAGE:
        return message
    # The reason follows the value.
    return f"{message[: LONGEST_MESSAGE // 2]} ... {message[-LONGEST_MESSAGE // 2 :]}"


def _check_patterns(schema: Any) -> None:
    """Compile every pattern of a schema.

    Raises:
        SchemaError: RE2 cannot compile it, or it is a `patternProperties` key, which the library matches by
            itself.
    """
    # Mappings that are not schemas, such as a default, are checked too; this does no harm.
    for table in (one for _, one in walk(schema) if isinstance(one, dict)):
        if table.get("patternProperties"):
            raise SchemaError("it has patternProperties, which are not supported: use propertyNames")
        pattern = table.get("pattern")
        try:
            if isinstance(pattern, str) and pattern:
                Expression(pattern).check()
        except ExpressionError as error:
            raise SchemaError(f"its pattern {_shortened(str(pattern))!r} cannot be used: {error}") from None


def _without_drafts(value: Any) -> Any:
    if isinstance(value, dict):
        drafts = {"$schema"} if isinstance(value.get("$schema"), str) else set()
        return {key: _without_drafts(inner) for key, inner in value.items() if key not in drafts}
    return [_without_drafts(inner) for inner in value] if isinstance(value, list) else value


# Keywords for which the library uses Python's regular expressions, or quadratic time


def _pattern(validator: Any, pattern: str, instance: Any, _: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and pattern and not Expression(pattern).search(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _additional_properties(
    validator: Any, additional: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """Report each additional property with its place; the library reports all at once, without places."""
    known = schema.get("properties", {})
    for key, value in instance.items() if validator.is_type(instance, "object") else ():
        if key not in known and validator.is_type(additional, "object"):
            yield from validator.descend(value, additional, path=key)
        elif key not in known and not additional:
            yield ValidationError(f"there is no property {key!r} in the schema", path=[key])


def _unique_items(validator: Any, unique: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    if unique and validator.is_type(instance, "array"):
        seen: set[str] = set()
        for position, item in enumerate(instance):
            text = json.dumps(map_scalars(item, _comparable), sort_keys=True)
            if text in seen:
                yield ValidationError(f"{item!r} is there twice", path=[position])
                return
            seen.add(text)


def _comparable(value: Any) -> Any:
    """Return the one form of equal numbers: for a schema, 1 and 1.0 are equal."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_KEYWORDS: Final = {
    "pattern": _pattern,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}
