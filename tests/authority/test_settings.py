"""Settings: values that pydantic would take, names of other tables' entries, and the schema for editors."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import AfterValidator, Field, GetPydanticSchema, TypeAdapter, ValidationError
from pydantic_core import SchemaValidator

from specguard.authority import validate
from specguard.authority.settings import AuthoritySettings, RuleTable, TopLevel
from specguard.declaration.patterns import Guarding
from specguard.declaration.registry import Registry
from specguard.declaration.regular_expressions import Expression
from specguard.declaration.rule import Settings, required, setting
from specguard.errors import SeveralErrors
from specguard.testing import run_here
from tests.fuzz.policies import load
from tests.rows import recorded, rows


# Called as the function is that `validate` makes, as the errors of a union name it.
def checked(text: str) -> str:
    if text == "bad":
        raise ValueError("no")
    return text


def own_schema(cls: type) -> GetPydanticSchema:
    """What pydantic takes for a class of specguard's own, which knows nothing of it."""
    return GetPydanticSchema(lambda source, handler: validate._schema(cls))


# Each annotation, with the options of the field and with what they come to for pydantic.
FIELDS: Mapping[str, Sequence[tuple[dict[str, Any], Any]]] = {
    "str": [
        ({"pattern": "^[ab]+$", "max_length": 2}, Annotated[str, Field(pattern="^[ab]+$", max_length=2)]),
        ({"check": "checked", "min_length": 1}, Annotated[str, AfterValidator(checked), Field(min_length=1)]),
    ],
    "int": [({"ge": 1, "lt": 3}, Annotated[int, Field(ge=1, lt=3)])],
    "float": [({}, float)],
    "int | None": [({"gt": 0}, Annotated[int | None, Field(gt=0)])],
    "list[str]": [({"check": "checked"}, list[Annotated[str, AfterValidator(checked)]])],
    "str | list[str]": [
        (
            {"check": "checked"},
            Annotated[str, AfterValidator(checked)] | list[Annotated[str, AfterValidator(checked)]],
        )
    ],
    "Sequence[int]": [({}, Sequence[int])],
    "Mapping[str, list[str]]": [({"min_length": 1}, Annotated[Mapping[str, list[str]], Field(min_length=1)])],
    "Literal['a', 'b', 1]": [({}, Literal["a", "b", 1])],
    "bool | Guarding": [({}, bool | Annotated[Guarding, own_schema(Guarding)])],
    "list[Expression]": [({}, list[Annotated[Expression, own_schema(Expression)]])],
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
    options = {**options, "check": checked} if "check" in options else options
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
    ours = SchemaValidator(validate.table_model(make(annotation, options)))
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
    many: Sequence[Inner] = []


def test_tables_within_become_records() -> None:
    validator = SchemaValidator(validate.table_model(Outer))
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
    assert validate.read_annotation(Outer, "many") == Sequence[Inner]


@pytest.mark.parametrize(
    ("annotation", "options", "words"), rows(__file__, "a_field_that_cannot_be_read_names_its_class")
)
def test_a_field_that_cannot_be_read_names_its_class(
    annotation: str, options: Mapping[str, Any], words: str
) -> None:
    with pytest.raises(TypeError, match=re.escape(words)) as caught:
        validate.table_model(make(annotation, options))
    assert "Table.x" in str(caught.value)


KNOWN = recorded(__file__, "known")


def problems(text: str) -> list[tuple[str, int, str]]:
    """What is wrong with settings behind the known ones: each with its line among them, and its next step."""
    try:
        load({"specguard.toml": KNOWN + text, "a.md": "# Another document\n"})
    except SeveralErrors as error:
        first = KNOWN.count("\n")
        return [(one.message, (one.line or 0) - first, one.help) for one in error.errors()]
    return []


TYPOS = recorded(__file__, "typos")
STAGE = '[[wave.stages]]\nname = "a"\n'
REVIEW = '[artifacts.review]\npath = "R.md"\n'


@pytest.mark.parametrize(("above", "text", "key"), rows(__file__, "a_name_that_is_nearly_right_is_told"))
def test_a_name_that_is_nearly_right_is_told(above: str, text: str, key: str) -> None:
    [name] = [typo for typo in TYPOS if f'"{typo}"' in text or f'"{typo}.' in text]
    said = f"`{key}` names {name!r}, which the policy does not have"
    line = above.count("\n") + 1
    assert problems(f"{above}{text}\n") == [(said, line, f"did you mean {TYPOS[name]!r}?")]


@pytest.mark.parametrize(
    ("above", "text", "said"),
    rows(__file__, "what_values_have_against_each_other_is_told_on_the_line_of_one"),
)
def test_what_values_have_against_each_other_is_told_on_the_line_of_one(
    above: str, text: str, said: str
) -> None:
    [(message, line, _)] = problems(f"{above}{text}\n")
    assert said in message
    assert line == above.count("\n") + 1


def test_an_owner_who_may_not_approve_is_told() -> None:
    above = '[[approvals.approver]]\nname = "dora"\nmay = ["PTH"]\n[rules.locked-path]\npaths = ["docs/"]\n'
    owners = '[rules.locked-path.owners]\n"docs/" = [\n    "dora",\n    {}\n]\n'
    said = "`rules.locked-path.owners.docs/.1` names {!r}, who is no `[[approvals.approver]]`"
    assert problems(above + owners.format('"dorra"')) == [(said.format("dorra"), 9, "did you mean 'dora'?")]
    step = "add a table [[approvals.approver]] for this person"
    assert problems(above + owners.format('"eve"')) == [(said.format("eve"), 9, step)]
    assert problems(above + owners.format("")) == []


@pytest.mark.parametrize("text", rows(__file__, "a_name_that_is_right_or_like_none_is_left_alone"))
def test_a_name_that_is_right_or_like_none_is_left_alone(text: str) -> None:
    assert problems(text) == []


def test_every_setting_has_a_type_and_a_description(registry: Registry) -> None:
    tables: list[type[Settings]] = [TopLevel, AuthoritySettings, RuleTable]
    tables += [entry.rule for entry in registry.rules.values()]
    tables += [declaration.settings for declaration in registry.declarations.values()]
    options = [option for table in tables for option in validate.options_of(table)]
    assert [option.name for option in options if not option.description or not option.type] == []


def test_options_are_told_in_words(registry: Registry) -> None:
    work, locked = registry.declarations["work"].settings, registry.rules["locked-path"].rule
    named = make("Mapping[str, int]", {})
    options = {one.name: one for table in (work, locked, named, Outer) for one in validate.options_of(table)}
    types = {"commits": "integer or table", "pointer": "strings", "x": "table of integer"}
    assert {name: options[name].type for name in types} == types
    defaults = {"commits": "", "many[].high": "required", "paths": "`[]`"}
    assert {name: options[name].default for name in defaults} == defaults


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
    schema: Any = validate.policy_schema(registry)
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
    assert gate["properties"]["timeout"]["default"] == ""
    assert set(gate["required"]) == {"name", "run"}
    assert schema["properties"]["merge"]["default"] == "rebase"
    assert json.dumps(schema)


PRESETS = sorted((Path(__file__).parents[2] / "rules" / "specguard_rules" / "presets").glob("*.toml"))


def test_the_schema_takes_what_is_a_policy_and_nothing_else(registry: Registry) -> None:
    schema: Any = validate.policy_schema(registry)
    Draft202012Validator.check_schema(schema)
    plain = Draft202012Validator(schema)
    assert len(PRESETS) > 5
    for preset in PRESETS:
        policy = tomllib.loads(preset.read_text())
        assert list(plain.iter_errors(policy)) == [], preset
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


def test_an_editor_gets_the_schema_from_the_command(registry: Registry, tmp_path: Path) -> None:
    schema = validate.policy_schema(registry)
    assert json.loads(run_here("policy", "--schema", directory=tmp_path).stdout) == schema
