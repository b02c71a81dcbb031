"""Which models may be used."""

from typing import Any

import pytest

from specguard.declaration.regular_expressions import Expression
from specguard.runs.settings import Models, RoleModels
from specguard.work.kinds import PlanKind

PRESET = Models(
    allow=[Expression("^gemini-3([.-]|$)")], deny=[Expression("(?i)flash")], default="gemini-3-pro-preview"
)


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("gemini-3", ""),
        ("gemini-3.1-pro", ""),
        ("gemini-3-flash", "models.deny.0"),
        ("gemini-30-pro", "models.allow"),
        ("Gemini-3-pro", "models.allow"),
        ("my-gemini-3", "models.allow"),
        ("", "models.allow"),
    ],
)
def test_models_that_are_allowed_and_those_that_are_not(name: str, setting: str) -> None:
    assert (PRESET.refusal(name) or ("", ""))[1] == setting


def test_all_forms_of_a_name_and_the_default_are_held_to_it() -> None:
    assert PRESET.refusal("google/gemini-3-pro", "gemini-3-pro") is None
    assert PRESET.refusal("flash/gemini-3-pro", "gemini-3-pro") is not None
    # Without `allow` any model may be used that is not denied.
    assert Models(deny=PRESET.deny).refusal("gpt-4o") is None
    assert not PRESET.problem()
    assert Models(allow=PRESET.allow, default="gpt-4o").problem() == (
        "`default` is 'gpt-4o', but the models that may be used match '^gemini-3([.-]|$)'; "
        "write [models] with an `allow` and a `default` of your own"
    )


def test_a_role_has_models_of_its_own_beside_those_of_every_role() -> None:
    models = Models(
        allow=[Expression("^(gemini|claude)-")],
        deny=[Expression("flash")],
        reviewer=RoleModels(allow=PRESET.allow, default="gemini-3-pro"),
    )
    assert models.refusal("claude-opus-4") is None
    assert models.refusal("claude-opus-4", role="coder") is None
    assert models.refusal("claude-opus-4", role="reviewer") == (
        "the models of a reviewer match '^gemini-3([.-]|$)'",
        "models.reviewer.allow",
    )
    for role in ("reviewer", "researcher", "coder"):
        assert (models.refusal("gpt-5", role=role) or ("", ""))[1] == "models.allow"
        assert (models.refusal("gemini-3-flash", role=role) or ("", ""))[1] == "models.deny.0"
    assert not models.problem()
    wrong = Models(reviewer=RoleModels(allow=PRESET.allow, default="gpt-4o"))
    assert wrong.problem() == (
        "`reviewer.default` is 'gpt-4o', but the models of a reviewer match '^gemini-3([.-]|$)'; "
        "write [models.reviewer] with an `allow` and a `default` of your own"
    )


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, ""),
        ({"keys": {"depends": "x"}}, "`keys` has 'depends', which is not one of id, "),
        ({"statuses": ["todo", "done"]}, "`started` has 'in_progress', which is not one of `statuses`"),
        ({"done": ["shipped"]}, "`done` has 'shipped', which is not one of `statuses`"),
        ({"options": "A.md"}, "`options` without `option` says nothing"),
    ],
)
def test_what_tables_of_plans_have_against_themselves(settings: dict[str, Any], problem: str) -> None:
    found = PlanKind(**settings).problem()
    assert found.startswith(problem) if problem else not found
