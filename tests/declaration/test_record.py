"""Records: their constructors, defaults and equality."""

from __future__ import annotations

from typing import ClassVar

import pytest

from specguard.declaration.rule import Rule, Settings
from specguard.model import Record


class Point(Record):
    kind: ClassVar[str] = "point"
    x: int
    y: int = 2
    tags: list[str] = []


class Point3(Point):
    z: int = 3


class Table(Settings):
    limit: int = 1
    text: str


def test_fields_are_arguments_with_defaults() -> None:
    point = Point3(x=1, z=9)
    assert (point.x, point.y, point.z, point.tags) == (1, 2, 9, [])
    assert repr(point) == "Point3(x=1, y=2, tags=[], z=9)"


def test_class_variables_are_no_fields() -> None:
    with pytest.raises(TypeError, match="'kind'"):
        Point(x=1, kind="other")  # type: ignore[call-arg]  # the error is what is tried


def test_a_missing_or_unknown_argument_is_refused() -> None:
    with pytest.raises(TypeError, match="'x'"):
        Point()  # type: ignore[call-arg]  # the error is what is tried
    with pytest.raises(TypeError, match="'w'"):
        Point(x=1, w=2)  # type: ignore[call-arg]  # the error is what is tried


def test_fields_are_given_by_position_too() -> None:
    assert Point3(1, 3, ["a"], 9) == Point3(x=1, y=3, tags=["a"], z=9)
    assert Table(text="a", limit=1).text == "a"
    with pytest.raises(TypeError, match="positional"):
        Table(1, "a")  # type: ignore[call-arg]  # the error is what is tried


def test_mutable_defaults_are_a_records_own() -> None:
    Point(x=1).tags.append("a")
    assert Point(x=1).tags == []


def test_equality_is_by_type_and_fields() -> None:
    assert Point(x=1) == Point(x=1)
    assert Point(x=1) != Point(x=2)
    assert Point(x=1) != Point3(x=1)
    assert hash(Point(x=1)) == hash(Point(x=1))


class WideChange(Rule):
    pass


class WiderChange(WideChange):
    pass


class Tall(Rule):
    name = "my-rule"


class Taller(Tall):
    pass


def test_a_rule_is_named_after_its_class_unless_it_or_a_base_says_a_name() -> None:
    names = [one.name for one in (WideChange, WiderChange, Tall, Taller)]
    assert names == ["wide-change", "wider-change", "my-rule", "my-rule"]
