"""Records: frozen, by keyword, with their defaults."""

from __future__ import annotations

from typing import ClassVar

import pytest

from specguard.declaration.rule import Record


class Point(Record):
    kind: ClassVar[str] = "point"
    x: int
    y: int = 2
    tags: list[str] = []


class Point3(Point):
    z: int = 3


def test_fields_are_arguments_with_defaults() -> None:
    point = Point3(x=1, z=9)
    assert (point.x, point.y, point.z, point.tags) == (1, 2, 9, [])
    assert repr(point) == "Point3(x=1, y=2, tags=[], z=9)"


def test_class_variables_are_no_fields() -> None:
    with pytest.raises(TypeError, match="has no field 'kind'"):
        Point(x=1, kind="other")  # type: ignore[call-arg]


def test_a_missing_or_unknown_argument_is_refused() -> None:
    with pytest.raises(TypeError, match="needs 'x'"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="has no field 'w'"):
        Point(x=1, w=2)  # type: ignore[call-arg]


def test_a_record_is_frozen_and_its_mutable_defaults_are_its_own() -> None:
    point = Point(x=1)
    with pytest.raises(AttributeError, match="frozen"):
        point.x = 2  # type: ignore[misc]
    point.tags.append("a")
    assert Point(x=1).tags == []


def test_equality_is_by_type_and_fields() -> None:
    assert Point(x=1) == Point(x=1)
    assert Point(x=1) != Point(x=2)
    assert Point(x=1) != Point3(x=1)
    assert hash(Point(x=1)) == hash(Point(x=1))
