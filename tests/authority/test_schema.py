from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from specguard.authority.schema import (
    common_options,
    declaration_options,
    policy_schema,
    rule_options,
    top_level_options,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specguard.declaration.registry import Registry


def test_every_setting_has_a_type_and_a_description(registry: Registry) -> None:
    options = [*top_level_options(), *common_options()]
    for entry in registry.rules.values():
        options += rule_options(entry.rule)
    for declaration in registry.declarations.values():
        options += declaration_options(declaration)
    assert [option.name for option in options if not option.description or not option.type] == []


def test_options_are_told_in_words(registry: Registry) -> None:
    options = {option.name: option for option in declaration_options(registry.declarations["work"])}
    assert (options["commits"].type, options["commits"].default) == ("integer or table", "")
    assert options["gates[].when"].type == "list of patterns"
    assert options["gates[].name"].default == "required"
    assert options["number_format"].default == '`["{n}"]`'
    assert options["pointer"].type == "list of strings"
    (paths,) = rule_options(registry.rules["locked-path"].rule)
    assert (paths.name, paths.type, paths.default) == ("paths", "list of patterns", "`[]`")


def tables(part: Any) -> Iterator[Any]:
    """Every schema of a table with known keys."""
    if isinstance(part, dict):
        if "properties" in part:
            yield part
        for inner in part.values():
            yield from tables(inner)
    if isinstance(part, list):
        for inner in part:
            yield from tables(inner)


def test_the_schema_of_a_policy_is_closed_described_and_has_defaults(registry: Registry) -> None:
    schema: Any = policy_schema(registry)
    assert set(schema["properties"]["rules"]["properties"]) == set(registry.rules)
    assert all(table["additionalProperties"] is False for table in tables(schema))
    settings = [
        key for table in tables(schema) for key in table["properties"].values() if "properties" not in key
    ]
    assert len(settings) > 100
    assert [key for key in settings if not key.get("description") and "additionalProperties" not in key] == []
    locked = schema["properties"]["rules"]["properties"]["locked-path"]
    assert locked["title"] == "LockedPath"
    assert set(locked["properties"]) == {"paths", "severity", "stages", "exclude", "approvable"}
    assert locked["properties"]["paths"]["items"] == {"type": "string"}
    assert locked["properties"]["paths"]["default"] == []
    kind = schema["properties"]["work"]["additionalProperties"]["properties"]
    assert kind["number_format"]["default"] == ["{n}"]
    gate = kind["gates"]["items"]
    assert gate["properties"]["timeout"]["default"] == "20m"
    assert set(gate["required"]) == {"name", "run"}
    assert schema["properties"]["merge"]["default"] == "rebase"
    assert json.dumps(schema)
