"""JSON Schema over structured data: what fits, and what a schema cannot do."""

from collections.abc import Callable
from typing import Any

import pytest

from specguard.documents.data import read_data
from specguard.documents.schemas import MOST_MISFITS, Schema, SchemaError
from tests.taking import grows_with_length


def misfits(schema: Any, value: Any) -> list[tuple[list[str | int], str]]:
    return [(list(one.path), one.message) for one in Schema(schema).misfits(value)]


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"required": ["a"]}, {}, [([], "'a' is a required property")]),
        ({"properties": {"a": {"items": {"type": "integer"}}}}, {"a": [1, "x"]}, [(["a", 1], "'x' is not")]),
        ({"additionalProperties": False}, {"b": 1}, [(["b"], "there is no property 'b' in the schema")]),
        (
            {"propertyNames": {"pattern": "^x"}, "additionalProperties": {"type": "string"}},
            {"x1": 1, "x2": "a", "y": "a"},
            [([], "'y' does not match '^x'"), (["x1"], "1 is not of type 'string'")],
        ),
        ({"pattern": "^\\u0061+$"}, "aab", [([], "'aab' does not match '^\\\\u0061+$'")]),
        ({"uniqueItems": True}, [{"a": 1}, {"a": 2}, {"a": 1.0}], [([2], "{'a': 1.0} is there twice")]),
        ({"uniqueItems": True}, [1, True, "1", None, [1], [True]], []),
        ({"format": "date"}, "2026-02-30", [([], "'2026-02-30' is not a 'date'")]),
        (
            {"anyOf": [{"type": "string"}, {"properties": {"a": {"enum": ["x"]}}, "required": ["a"]}]},
            {"a": "y"},
            [(["a"], "'y' is not one of ['x']")],
        ),
        ({"$defs": {"n": {"minimum": 3}}, "items": {"$ref": "#/$defs/n"}}, [5, 1], [([1], "1 is less than")]),
        (
            {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 3, "exclusiveMinimum": True},
            3,
            [([], "3 is less than or equal to the minimum of 3")],
        ),
    ],
)
def test_what_does_not_fit_has_its_place(
    schema: Any, value: Any, expected: list[tuple[list[str | int], str]]
) -> None:
    found = misfits(schema, value)
    assert [path for path, _ in found] == [path for path, _ in expected]
    assert all(message.startswith(part) for (_, message), (_, part) in zip(found, expected, strict=True))


def test_numbers_of_yaml_are_numbers() -> None:
    value = read_data("a: 1.10\nb: 2\nc: 010\n", "yaml").value
    schema = {"properties": {"a": {"type": "number", "maximum": 1.1}, "b": {"type": "integer"}}}
    assert misfits(schema, value) == []
    assert misfits({"properties": {"c": {"type": "integer"}}}, value)[0][0] == ["c"]


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (None, "it is not a mapping"),
        ({"type": "strange"}, "it is not a JSON Schema"),
        ({"$ref": "#"}, "refers to itself without an end"),
        ({"$ref": "https://example.invalid/schema.json"}, "leads to nothing within it"),
        ({"$ref": "#/$defs/none"}, "leads to nothing within it"),
        ({"$ref": "#/default", "default": {"patternProperties": {"a": {}}}}, "use propertyNames"),
        ({"pattern": "(?=a)b"}, "looks ahead"),
        ({"patternProperties": {"(a": {}}}, "it is not a JSON Schema"),
        ({"items": {"patternProperties": {"a": {}}}}, "which are not supported: use propertyNames"),
    ],
)
def test_what_is_no_schema_or_leads_out_of_it_is_refused(schema: Any, reason: str) -> None:
    with pytest.raises(SchemaError, match=reason):
        misfits(schema, {"a": 1})


def test_a_property_may_have_the_name_of_a_keyword() -> None:
    schema = {"properties": {"pattern": {"type": "integer"}, "enum": {"type": "integer"}}}
    assert misfits(schema, {"pattern": 1, "enum": 1}) == []


def test_a_schema_within_itself_is_followed_with_the_same_checks() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "additionalProperties": {"$ref": "#"},
        "pattern": "^(a+)+$",
    }
    assert grows_with_length(lambda size: lambda: misfits(schema, {"x": {"y": "a" * size + "!"}}), 50)
    assert misfits(schema, {"x": {"y": "b"}})[0][0] == ["x", "y"]


def test_misfits_are_told_in_part_where_they_are_many_or_long() -> None:
    found = misfits({"items": {"type": "string"}}, list(range(1000)))
    assert len(found) == MOST_MISFITS + 1
    assert found[-1] == ([], "there is more that does not fit")

    ((_, message),) = misfits({"type": "integer"}, "x" * 10_000)
    assert len(message) < 200
    assert message.endswith("is not of type 'integer'")


def test_many_unique_items_take_no_square_of_time() -> None:
    def checking(count: int) -> Callable[[], object]:
        return lambda: misfits({"uniqueItems": True}, [{"a": number} for number in range(count)])

    assert grows_with_length(checking, 2_000)


def test_a_schema_that_leads_to_itself_by_two_ways_comes_to_an_end() -> None:
    inner = {"type": "object", "properties": {"a": {"$ref": "#/$defs/node"}}}
    node = {"anyOf": [{**inner, "required": ["a", "x"]}, {**inner, "required": ["a", "y"]}]}
    schema = {"$ref": "#/$defs/node", "$defs": {"node": node}}
    value: Any = 1
    for _ in range(45):
        value = {"a": value}
    with pytest.raises(SchemaError, match="too many steps"):
        misfits(schema, value)
    assert misfits(schema, {"a": 1})
