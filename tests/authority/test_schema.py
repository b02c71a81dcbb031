import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from specguard.authority.settings import AuthoritySettings, RuleTable, TopLevel
from specguard.authority.validate import options_of, policy_schema, within_pyproject
from specguard.declaration.registry import Registry
from specguard.declaration.rule import Settings
from specguard.testing import run_here


def test_every_setting_has_a_type_and_a_description(registry: Registry) -> None:
    tables: list[type[Settings]] = [TopLevel, AuthoritySettings, RuleTable]
    tables += [entry.rule for entry in registry.rules.values()]
    tables += [declaration.settings for declaration in registry.declarations.values()]
    options = [option for table in tables for option in options_of(table)]
    assert [option.name for option in options if not option.description or not option.type] == []


def test_options_are_told_in_words(registry: Registry) -> None:
    options = {option.name: option for option in options_of(registry.declarations["work"].settings)}
    assert (options["commits"].type, options["commits"].default) == ("integer or table", "")
    assert options["gates[].when"].type == "patterns"
    assert options["gates[].name"].default == "required"
    assert options["number_format"].default == '`["{n}"]`'
    assert options["pointer"].type == "strings"
    paths, *_ = options_of(registry.rules["locked-path"].rule)
    assert (paths.name, paths.type, paths.default) == ("paths", "patterns", "`[]`")


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
    assert {"paths", "owners", "severity", "stages", "exclude", "approvable"} <= set(locked["properties"])
    assert locked["properties"]["paths"]["default"] == []
    kind = schema["properties"]["work"]["additionalProperties"]["properties"]
    assert kind["number_format"]["default"] == ["{n}"]
    gate = kind["gates"]["items"]
    assert gate["properties"]["timeout"]["default"] == "20m"
    assert set(gate["required"]) == {"name", "run"}
    assert schema["properties"]["merge"]["default"] == "rebase"
    assert json.dumps(schema)


PRESETS = sorted((Path(__file__).parents[2] / "rules" / "specguard_rules" / "presets").glob("*.toml"))


def test_the_schema_takes_what_is_a_policy_and_nothing_else(registry: Registry) -> None:
    schema: Any = policy_schema(registry)
    Draft202012Validator.check_schema(schema)
    plain, within = Draft202012Validator(schema), Draft202012Validator(within_pyproject(schema))
    assert len(PRESETS) > 5
    for preset in PRESETS:
        policy = tomllib.loads(preset.read_text())
        assert list(plain.iter_errors(policy)) == [], preset
        project = {"project": {"name": "x"}, "tool": {"ruff": {}, "specguard": policy}}
        assert list(within.iter_errors(project)) == [], preset
    for text in (
        'merge = "nonsense"',
        "nothing = 1",
        "[rules.nothing]",
        "[rules.locked-path]\npathz = []",
        "[rules.locked-path]\npaths = 3",
        '[rules.locked-path]\nseverity = "fatal"',
    ):
        wrong = tomllib.loads(text)
        assert list(plain.iter_errors(wrong)), text
        assert list(within.iter_errors({"tool": {"specguard": wrong}})), text


def test_an_editor_gets_the_schema_from_the_command(registry: Registry, tmp_path: Path) -> None:
    schema = policy_schema(registry)
    assert json.loads(run_here("policy", "--schema", directory=tmp_path).stdout) == schema
    whole = json.loads(run_here("policy", "--schema", "pyproject.toml", directory=tmp_path).stdout)
    assert whole == within_pyproject(schema)
