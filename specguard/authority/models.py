"""Validation of settings, made from the annotations of their classes when a policy is compiled.

A table becomes a `TypedDict` that pydantic validates: only the keys that are written are in the result, no
key can clash with a method of a model, and pydantic builds nothing for tables that are not set.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any, NotRequired, Required

from pydantic import AfterValidator, ConfigDict
from typing_extensions import TypedDict

from specguard.declaration.rule import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Models:
    """The models of settings classes, each made once."""

    def __init__(self) -> None:
        self._made: dict[type[Settings], Any] = {}
        self._nested: dict[tuple[type[Settings], str], list[type[Settings]]] = {}

    def table(
        self, cls: type[Settings], *also: type[Settings], fields: Mapping[str, Any] | None = None
    ) -> Any:
        """A model with the fields of a class, and of more classes whose keys the same table takes.

        Args:
            cls: the class, whose first paragraph describes the table.
            also: more classes.
            fields: more keys, each with its annotation, none of which is required.
        """
        annotations: dict[str, Any] = {
            name: NotRequired[annotation] for name, annotation in (fields or {}).items()
        }
        for owner in (cls, *also):
            for name, annotation in annotations_of(owner).items():
                kind: Any = NotRequired if hasattr(owner, name) else Required
                annotations[name] = kind[self._evaluate(owner, name, annotation)]
        model = _typed_dict(cls.__name__, annotations)
        model.__doc__ = (cls.__doc__ or "").strip().split("\n\n")[0]
        return model

    def dictionary(self, name: str, fields: Mapping[str, Any]) -> Any:
        """A model with these keys, none of which is required."""
        return _typed_dict(name, {key: NotRequired[annotation] for key, annotation in fields.items()})

    def record(self, cls: type[Settings]) -> Any:
        """An annotation that validates a table of a class and makes a record of it."""
        if cls not in self._made:

            def made(values: dict[str, Any]) -> Settings:
                record = cls(**values)
                problem = getattr(record, "problem", None)
                text = problem() if callable(problem) else ""
                if text:
                    raise ValueError(text)
                return record

            self._made[cls] = Annotated[self.table(cls), AfterValidator(made)]
        return self._made[cls]

    def nested(self, cls: type[Settings], field: str) -> Sequence[type[Settings]]:
        """The settings classes that a field's annotation names."""
        return self._nested.get((cls, field), ())

    def annotation(self, cls: type[Settings], field: str) -> Any:
        """A field's annotation, with settings classes in it made models."""
        return self._evaluate(cls, field, annotations_of(cls)[field])

    def _evaluate(self, cls: type[Settings], field: str, annotation: str) -> Any:
        found: list[type[Settings]] = []
        names = _Names(_owner(cls, field), self, found)
        try:
            # What is evaluated is the annotation of an installed class, never data.
            value = eval(annotation, {}, names)  # noqa: S307
        except NameError as error:
            raise TypeError(
                f"{cls.__module__}.{cls.__qualname__}.{field}: {annotation!r} has a name that cannot be "
                f"found when a policy is compiled: {error}"
            ) from None
        self._nested[cls, field] = found
        return value


def _typed_dict(name: str, annotations: dict[str, Any]) -> Any:
    # Called through a name without a type: a type checker knows no keys that are made at run time.
    make: Any = TypedDict
    model = make(name, annotations)
    model.__pydantic_config__ = ConfigDict(extra="forbid", title=name)
    return model


class _Names(dict[str, Any]):
    """The names of an annotation: of the class's module, and those that it imports for the type checker."""

    def __init__(self, cls: type, models: Models, found: list[type[Settings]]) -> None:
        super().__init__()
        self._module = sys.modules[cls.__module__].__dict__
        self._models = models
        self._found = found

    def __missing__(self, name: str) -> Any:
        for names in (self._module, *_sources()):
            if name in names:
                value = names[name]
                break
        else:
            raise KeyError(name)
        if isinstance(value, type) and issubclass(value, Settings):
            self._found.append(value)
            return self._models.record(value)
        return value


_known: list[Mapping[str, Any]] = []


def _sources() -> Sequence[Mapping[str, Any]]:
    """Where the names come from that a module of settings imports for the type checker alone."""
    if not _known:
        import collections.abc
        import datetime
        import typing

        import annotated_types
        import pydantic

        from specguard.declaration import expressions, patterns
        from specguard.model import SEVERITIES, STAGES

        own = {
            "Severity": typing.Literal[SEVERITIES],
            "Stage": typing.Literal[STAGES],
            "Expression": expressions.Expression,
            "Guarding": patterns.Guarding,
            "Covering": patterns.Covering,
            "Selecting": patterns.Selecting,
        }
        lazily = {
            "Field": pydantic.Field,
            "AfterValidator": pydantic.AfterValidator,
            "BeforeValidator": pydantic.BeforeValidator,
            "StringConstraints": pydantic.StringConstraints,
        }
        _known.extend(
            (own, vars(typing), lazily, vars(collections.abc), vars(datetime), vars(annotated_types))
        )
    return _known


def annotations_of(cls: type[Settings]) -> dict[str, str]:
    """The annotation of each field as it is written, inherited ones included."""
    return {field: str(_owner(cls, field).__dict__["__annotations__"][field]) for field in cls._fields}


def _owner(cls: type[Settings], field: str) -> type:
    """The class that declares a field."""
    for owner in cls.__mro__:
        if field in owner.__dict__.get("__annotations__", {}):
            return owner
    raise TypeError(f"{cls.__qualname__} has no field {field!r}")
