from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from specguard.authority.schema import (
    common_options,
    declaration_options,
    policy_schema,
    rule_options,
    top_level_options,
)

if TYPE_CHECKING:
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


def test_the_schema_of_a_policy_is_closed_and_has_defaults(registry: Registry) -> None:
    schema: Any = policy_schema(registry)
    definitions = schema["$defs"]
    assert schema["additionalProperties"] is False
    assert set(definitions["Rules"]["properties"]) == set(registry.rules)
    assert all(part["additionalProperties"] is False for part in definitions.values() if "properties" in part)
    locked = definitions["LockedPath"]
    assert set(locked["properties"]) == {"paths", "severity", "stages", "exclude", "approvable"}
    assert locked["properties"]["paths"]["items"] == {"type": "string"}
    assert locked["properties"]["paths"]["default"] == []
    assert definitions["WorkKind"]["properties"]["number_format"]["default"] == ["{n}"]
    assert definitions["Gate"]["properties"]["timeout"]["default"] == "20m"
    assert schema["properties"]["merge"]["default"] == "rebase"
    assert TypeAdapter(dict[str, Any]).dump_json(schema)
