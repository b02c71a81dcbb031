from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.artifacts.skeletons import instance

ITSELF = {
    "$defs": {"t": {"type": "object", "required": list("abcde"), "properties": {}}},
    "$ref": "#/$defs/t",
}
ITSELF["$defs"]["t"]["properties"] = {name: {"$ref": "#/$defs/t"} for name in "abcde"}  # type: ignore[index]  # a schema


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "TODO"),
        ({"type": ["integer", "null"], "minimum": 3}, 3),
        ({"type": "boolean"}, False),
        ({"type": "null"}, None),
        ({"const": 1}, 1),
        ({"enum": ["a", "b"]}, "a"),
        ({"type": "string", "default": "x"}, "x"),
        ({"type": "array"}, []),
        ({"type": "array", "items": {"type": "number"}}, [0]),
        ({"items": {"type": "string"}}, ["TODO"]),
        ({"properties": {"a": {"type": "integer"}, "b": {}}, "required": ["a"]}, {"a": 0}),
        ({"properties": {"a": {"type": "integer"}, "b": {}}}, {"a": 0, "b": "TODO"}),
        ({"oneOf": [{"const": 1}, {"const": 2}]}, "TODO"),
        ({"$ref": "#/definitions/x~1y", "definitions": {"x/y": {"type": "integer"}}}, 0),
        ({"$ref": "other.json"}, "TODO"),
        (ITSELF, dict.fromkeys("abcde", "TODO")),
        (True, "TODO"),
    ],
)
def test_it_has_the_shape_that_is_asked_for(schema: Any, value: Any) -> None:
    assert instance(schema) == value


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["#", "#/properties", "object", "array", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["$ref", "type", "properties", "items", "required", "allOf", "enum", "minItems", "a"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_schema_is_too_odd(schema: Any) -> None:
    instance(schema)
