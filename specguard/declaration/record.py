"""Frozen records whose annotated fields are their arguments: the base of settings and rules.

They serve in place of dataclasses because importing `dataclasses` costs a hook 1.6 times a bare start of
Python. The pydantic model of a record is built from the same annotations when a policy is compiled.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, dataclass_transform
else:

    def dataclass_transform(**_: object):  # noqa: D103
        return lambda cls: cls


def field_names(cls: type) -> tuple[str, ...]:
    """The names of a record's fields in the order of their declaration, inherited ones first."""
    names: dict[str, None] = {}
    for base in reversed(cls.__mro__):
        for name, annotation in base.__dict__.get("__annotations__", {}).items():
            if not name.startswith("_") and not str(annotation).startswith("ClassVar"):
                names[name] = None
    return tuple(names)


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Record:
    """A frozen value with keyword arguments; a field with a class attribute of its name has that default.

    Annotations must be postponed (`from __future__ import annotations`), so that the names in them may be
    imported for the type checker alone.

    Raises:
        TypeError: an argument that is no field, or a field with neither argument nor default.
    """

    _fields: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        cls._fields = field_names(cls)

    def __init__(self, **values: Any) -> None:
        store = self.__dict__
        for name in self._fields:
            if name in values:
                store[name] = values.pop(name)
            elif hasattr(type(self), name):
                default = getattr(type(self), name)
                # A mutable default belongs to each record alone.
                store[name] = default.copy() if isinstance(default, (list, dict)) else default
            else:
                raise TypeError(f"{type(self).__name__} needs {name!r}")
        if values:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(map(repr, values))}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name!r} cannot be set")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), repr(self)))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self._fields)
        return f"{type(self).__name__}({fields})"
