"""Validation of settings, made from the annotations of their classes when a policy is compiled.

What pydantic would make of an annotation is made here for the few forms that settings have, as schemas of
`pydantic_core`: importing pydantic costs twice what that does, and a hook waits for it when the policy has
changed. An annotation of another form is left to pydantic.
"""

from __future__ import annotations

import collections.abc
import datetime
import sys
import types
import typing
from typing import Annotated, Any, Literal, Union

from pydantic_core import core_schema

from specguard.declaration.expressions import Expression
from specguard.declaration.patterns import Covering, Guarding, Selecting
from specguard.declaration.rule import Settings
from specguard.model import SEVERITIES, STAGES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pydantic_core import CoreSchema

_PLAIN: Mapping[Any, Callable[[], CoreSchema]] = {
    str: core_schema.str_schema,
    int: core_schema.int_schema,
    bool: core_schema.bool_schema,
    float: core_schema.float_schema,
    Any: core_schema.any_schema,
    None: core_schema.none_schema,
    types.NoneType: core_schema.none_schema,
    datetime.date: core_schema.date_schema,
    datetime.datetime: core_schema.datetime_schema,
    datetime.time: core_schema.time_schema,
}

_LISTS = (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_TABLES = (dict, collections.abc.Mapping)

_SIZES = ("min_length", "max_length")
_LIMITS = ("gt", "ge", "lt", "le", "multiple_of")
_CONSTRAINTS: Mapping[str, Sequence[str]] = {
    "str": (*_SIZES, "pattern"),
    "int": _LIMITS,
    "float": _LIMITS,
    "date": _LIMITS,
    "datetime": _LIMITS,
    "list": _SIZES,
    "dict": _SIZES,
}
"""The constraints that each type of schema has by itself."""


class FieldNotes:
    """What `Field` says of a setting: constraints, and what is for readers alone.

    It stands for `pydantic.Field` where an annotation is evaluated.

    Attributes:
        constraints: limits of values, by the names that pydantic has for them.
        description: what the setting is for.
        json_schema_extra: more for tools; `tightens` says which values make a policy stricter, `names` which
            tables' entries a value names.
    """

    def __init__(
        self,
        *,
        description: str = "",
        json_schema_extra: Mapping[str, Any] | None = None,
        **constraints: Any,
    ) -> None:
        unknown = set(constraints) - {name for names in _CONSTRAINTS.values() for name in names}
        if unknown:
            raise TypeError(f"Field({', '.join(sorted(unknown))}=…) is not for settings")
        self.constraints = constraints
        self.description = description
        self.json_schema_extra = json_schema_extra or {}


class _Function:
    """A function that checks or changes a value; it stands for pydantic's validators of that name."""

    def __init__(self, func: Callable[[Any], Any]) -> None:
        self.func = func


class _After(_Function):
    """`AfterValidator`."""


class _Before(_Function):
    """`BeforeValidator`."""


class Models:
    """The schemas of settings classes, each made once."""

    def __init__(self) -> None:
        self._made: dict[type[Settings], CoreSchema] = {}
        self._nested: dict[tuple[type[Settings], str], Sequence[type[Settings]]] = {}
        self._annotations: dict[tuple[type[Settings], str], Any] = {}

    def table(self, *classes: type[Settings], fields: Mapping[str, CoreSchema] | None = None) -> CoreSchema:
        """The schema of a table with the keys of some classes, whose value has those keys that are set.

        Args:
            classes: the classes.
            fields: more keys, none of which is required.
        """
        made = {
            name: core_schema.typed_dict_field(
                self.schema(self.annotation(cls, name)), required=not hasattr(cls, name)
            )
            for cls in classes
            for name in cls._fields
        }
        for name, schema in (fields or {}).items():
            made[name] = core_schema.typed_dict_field(schema, required=False)
        return core_schema.typed_dict_schema(made, extra_behavior="forbid")

    def record(self, cls: type[Settings]) -> CoreSchema:
        """The schema of a table whose value is a record of a class."""
        if cls not in self._made:

            def make(values: dict[str, Any]) -> Settings:
                record = cls(**values)
                problem = problem_of(record)
                if problem:
                    raise ValueError(problem)
                return record

            self._made[cls] = core_schema.no_info_after_validator_function(make, self.table(cls))
        return self._made[cls]

    def nested(self, cls: type[Settings], field: str) -> Sequence[type[Settings]]:
        """The settings classes that a field's annotation names."""
        self.annotation(cls, field)
        return self._nested[cls, field]

    def annotation(self, cls: type[Settings], field: str) -> Any:
        """A field's annotation as an object.

        Raises:
            TypeError: it has a name that cannot be found.
        """
        key = (cls, field)
        if key not in self._annotations:
            names = _Names(_owner(cls, field))
            text = annotation_text(cls, field)
            try:
                # What is evaluated is the annotation of an installed class, never data.
                self._annotations[key] = eval(text, {}, names)  # noqa: S307
            except (NameError, TypeError) as error:
                raise TypeError(
                    f"{cls.__module__}.{cls.__qualname__}.{field}: {text!r} cannot be read: {error}"
                ) from None
            self._nested[key] = names.found
        return self._annotations[key]

    def schema(self, annotation: Any) -> CoreSchema:
        """The schema of an annotation."""
        if annotation in _PLAIN:
            return _PLAIN[annotation]()
        if isinstance(annotation, type):
            if issubclass(annotation, Settings):
                return self.record(annotation)
            own = getattr(annotation, "__get_pydantic_core_schema__", None)
            if own is not None and annotation in (Guarding, Covering, Selecting, Expression):
                made: CoreSchema = own(annotation, self.schema)
                return made
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is Annotated:
            return self._annotated(self.schema(arguments[0]), annotation.__metadata__, annotation)
        if origin is Literal:
            return core_schema.literal_schema(list(arguments))
        if origin in {Union, types.UnionType}:
            choices: list[Any] = [self.schema(part) for part in arguments if part is not types.NoneType]
            schema: CoreSchema = choices[0] if len(choices) == 1 else core_schema.union_schema(choices)
            return core_schema.nullable_schema(schema) if types.NoneType in arguments else schema
        if origin in _LISTS:
            return core_schema.list_schema(self.schema(arguments[0]))
        if origin in _TABLES:
            return core_schema.dict_schema(self.schema(arguments[0]), self.schema(arguments[1]))
        return _from_pydantic(annotation)

    def _annotated(self, schema: CoreSchema, metadata: Iterable[Any], annotation: Any) -> CoreSchema:
        for data in metadata:
            if isinstance(data, FieldNotes):
                schema = _constrained(schema, data.constraints)
            elif isinstance(data, _After):
                schema = core_schema.no_info_after_validator_function(data.func, schema)
            elif isinstance(data, _Before):
                schema = core_schema.no_info_before_validator_function(data.func, schema)
            else:
                return _from_pydantic(annotation)
        return schema


def problem_of(record: Settings) -> str:
    """What a table's values have against each other, where its class says so in a method `problem`."""
    problem = getattr(record, "problem", None)
    return str(problem()) if callable(problem) else ""


def description_of(annotation: Any) -> str:
    """What a field is for."""
    for data in getattr(annotation, "__metadata__", ()):
        description = getattr(data, "description", None)
        if description:
            return str(description)
    return ""


def _constrained(schema: CoreSchema, constraints: Mapping[str, Any]) -> CoreSchema:
    """A schema with limits; of alternatives each gets those that it can have."""
    if not constraints:
        return schema
    made: Any = dict(schema)
    if schema["type"] in {"nullable", "function-after", "function-before"}:
        made["schema"] = _constrained(made["schema"], constraints)
    elif schema["type"] == "union":
        made["choices"] = [_constrained(choice, constraints) for choice in made["choices"]]
    else:
        known = _CONSTRAINTS.get(schema["type"], ())
        made.update((name, value) for name, value in constraints.items() if name in known)
    result: CoreSchema = made
    return result


def _from_pydantic(annotation: Any) -> CoreSchema:
    from pydantic import TypeAdapter

    return TypeAdapter(annotation).core_schema


class _Names(dict[str, Any]):
    """The names of an annotation: of the class's module, and those that it imports for the type checker.

    Attributes:
        found: the settings classes among them.
    """

    def __init__(self, cls: type) -> None:
        super().__init__()
        self.found: list[type[Settings]] = []
        self._module = sys.modules[cls.__module__].__dict__

    def __missing__(self, name: str) -> Any:
        for names in (self._module, _KNOWN, vars(typing), vars(collections.abc), vars(datetime)):
            if name in names:
                value = names[name]
                break
        else:
            value = _elsewhere(name)
        if isinstance(value, type) and issubclass(value, Settings):
            self.found.append(value)
        return value


_KNOWN: Mapping[str, Any] = {
    "Severity": Literal[SEVERITIES],
    "Stage": Literal[STAGES],
    "Expression": Expression,
    "Guarding": Guarding,
    "Covering": Covering,
    "Selecting": Selecting,
    "Field": FieldNotes,
    "AfterValidator": _After,
    "BeforeValidator": _Before,
}


def _elsewhere(name: str) -> Any:
    """A name that pydantic or annotated-types has.

    Raises:
        KeyError: neither has it; it may be a builtin's.
    """
    import builtins

    if hasattr(builtins, name):
        raise KeyError(name)
    import annotated_types
    import pydantic

    for module in (pydantic, annotated_types):
        if hasattr(module, name):
            return getattr(module, name)
    raise KeyError(name)


def annotation_text(cls: type[Settings], field: str) -> str:
    """A field's annotation as it is written."""
    return str(_owner(cls, field).__dict__["__annotations__"][field])


def _owner(cls: type[Settings], field: str) -> type:
    """The class that declares a field."""
    for owner in cls.__mro__:
        if field in owner.__dict__.get("__annotations__", {}):
            return owner
    raise TypeError(f"{cls.__qualname__} has no field {field!r}")
