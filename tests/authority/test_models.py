"""Settings are validated as pydantic would: the same values taken, and the same refused."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from types import ModuleType
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic_core import SchemaValidator

from specguard.authority.validate import SettingsModels
from specguard.declaration.expressions import Expression
from specguard.declaration.patterns import Guarding
from specguard.declaration.rule import Settings, required, setting
from tests.rows import rows


def shout(text: str) -> str:
    if text == "bad":
        raise ValueError("no")
    return text.upper()


def no_a(text: Any) -> Any:
    if text == "a":
        raise ValueError("not a")
    return text


# Each annotation, with the options of the field and with what they come to for pydantic.
FIELDS: Mapping[str, Sequence[tuple[dict[str, Any], Any]]] = {
    "str": [
        ({"pattern": "^[ab]+$", "max_length": 2}, Annotated[str, Field(pattern="^[ab]+$", max_length=2)]),
        (
            {"check": "shout", "refused": {"a": "not a"}, "min_length": 1},
            Annotated[str, AfterValidator(shout), Field(min_length=1), BeforeValidator(no_a)],
        ),
    ],
    "int": [({"ge": 1, "lt": 3}, Annotated[int, Field(ge=1, lt=3)])],
    "float": [({}, float)],
    "int | None": [({"gt": 0}, Annotated[int | None, Field(gt=0)])],
    "list[str]": [({"check": "shout"}, list[Annotated[str, AfterValidator(shout)]])],
    "str | list[str]": [
        (
            {"check": "shout"},
            Annotated[str, AfterValidator(shout)] | list[Annotated[str, AfterValidator(shout)]],
        )
    ],
    "Sequence[int]": [({}, Sequence[int])],
    "Mapping[str, list[str]]": [({"min_length": 1}, Annotated[Mapping[str, list[str]], Field(min_length=1)])],
    "Literal['a', 'b', 1]": [({}, Literal["a", "b", 1])],
    "bool | Guarding": [({}, bool | Guarding)],
    "list[Expression]": [({}, list[Expression])],
    "date": [({}, date)],
}
ROWS = [(annotation, *row) for annotation, rows in FIELDS.items() for row in rows]


values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-1, 4),
        st.sampled_from([0.5, "", "a", "b", "ab", "bad", "aaa", "(", "a//b", "docs/", "2026-01-31"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    ),
    max_leaves=5,
)


# A module that has none of the annotations' names, as the modules of rules have: there they are imported for
# the type checker alone.
LIGHT = ModuleType("light_settings")


@pytest.fixture(autouse=True)
def light_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, LIGHT.__name__, LIGHT)


def make(annotation: str, options: Mapping[str, Any]) -> type[Settings]:
    options = {**options, "check": shout} if "check" in options else options
    members = {
        "__annotations__": {"x": annotation},
        "__module__": LIGHT.__name__,
        "__doc__": "T.",
        "x": required("x", **options),
    }
    return type("Table", (Settings,), members)


def _kind(type_: str) -> str:
    """An error's type; behind a function pydantic no longer says that what is too short is a text."""
    return type_.removeprefix("string_") if type_.startswith("string_too_") else type_


@pytest.mark.parametrize(("annotation", "options", "pydantics"), ROWS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=values)
def test_a_field_takes_what_pydantic_takes(
    annotation: str, options: Mapping[str, Any], pydantics: Any, value: Any
) -> None:
    text = json.dumps({"x": value})
    ours = SchemaValidator(SettingsModels().table(make(annotation, options)))
    theirs = TypeAdapter[Any](pydantics)
    problems = set()
    try:
        expected = theirs.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        problems = {(one["loc"], _kind(one["type"])) for one in error.errors()}
    if problems:
        with pytest.raises(ValidationError) as caught:
            ours.validate_json(text, strict=True)
        assert {(one["loc"][1:], _kind(one["type"])) for one in caught.value.errors()} == problems
    else:
        assert ours.validate_json(text, strict=True) == {"x": expected}


class Inner(Settings):
    """An inner table."""

    low: int = setting(0, "low")
    high: int = required("high")

    def problem(self) -> str:
        """What is wrong."""
        return "low is above high" if self.low > self.high else ""


class Outer(Settings):
    """An outer table."""

    one: Inner
    many: list[Inner] = []


def test_tables_within_become_records() -> None:
    validator = SchemaValidator(SettingsModels().table(Outer))
    assert validator.validate_python({"one": {"high": 1}, "many": [{"high": 2, "low": 1}]}) == {
        "one": Inner(high=1),
        "many": [Inner(high=2, low=1)],
    }
    for wrong, kind in (
        ({}, "missing"),
        ({"one": {"high": 1}, "x": 1}, "extra_forbidden"),
        ({"one": {"high": 1, "low": 2}}, "value_error"),
        ({"one": {}}, "missing"),
    ):
        with pytest.raises(ValidationError) as caught:
            validator.validate_python(wrong)
        assert [error["type"] for error in caught.value.errors()] == [kind]
    assert SettingsModels().annotation(Outer, "many")[1] == [Inner]


@pytest.mark.parametrize(
    ("annotation", "options", "words"), rows(__file__, "a_field_that_cannot_be_read_names_its_class")
)
def test_a_field_that_cannot_be_read_names_its_class(
    annotation: str, options: Mapping[str, Any], words: str
) -> None:
    with pytest.raises(TypeError, match=re.escape(words)) as caught:
        SettingsModels().table(make(annotation, options))
    assert "Table.x" in str(caught.value)
