"""JSON Schema over structured data: what fits, and what a schema cannot do."""

from collections.abc import Callable
from typing import Any

import pytest

from specguard.documents.data import read_data
from specguard.documents.schemas import MOST_MISFITS, Schema, SchemaError
from tests.rows import rows
from tests.taking import grows_with_length


def misfits(schema: Any, value: Any) -> list[tuple[list[str | int], str]]:
    return [(list(one.path), one.message) for one in Schema(schema).misfits(value)]


@pytest.mark.parametrize(("schema", "value", "expected"), rows(__file__, "misfits"))
def test_what_does_not_fit_has_its_place(schema: Any, value: Any, expected: list[Any]) -> None:
    found = misfits(schema, value)
    assert [path for path, _ in found] == [path for path, _ in expected]
    assert all(message.startswith(part) for (_, message), (_, part) in zip(found, expected, strict=True))


def test_numbers_of_yaml_are_numbers() -> None:
    value = read_data("a: 1.10\nb: 2\nc: 010\n", "yaml").value
    schema = {"properties": {"a": {"type": "number", "maximum": 1.1}, "b": {"type": "integer"}}}
    assert misfits(schema, value) == []
    assert misfits({"properties": {"c": {"type": "integer"}}}, value)[0][0] == ["c"]


@pytest.mark.parametrize(("schema", "reason"), rows(__file__, "refused"))
def test_what_is_no_schema_or_leads_out_of_it_is_refused(schema: Any, reason: str) -> None:
    with pytest.raises(SchemaError, match=reason):
        misfits(schema, {"a": 10**400})


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
