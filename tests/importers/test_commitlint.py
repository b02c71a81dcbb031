"""What is imported of commitlint judges messages as commitlint does."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from specguard.errors import SpecguardError
from specguard.importers import Imported
from specguard.importers.commitlint import FILES, import_commitlint
from tests.importers.conftest import Import, taken, told
from tests.rows import recorded, rows

CONVENTIONAL = {"extends": ["@commitlint/config-conventional"]}


def made(folder: Path, config: object, name: str = ".commitlintrc.json") -> Imported:
    text = config if isinstance(config, str) else json.dumps(config)
    (folder / name).write_text(text)
    return taken(import_commitlint, folder, name)


def rules(**rules: Any) -> dict[str, Any]:
    return {"rules": {name.replace("_", "-"): value for name, value in rules.items()}}


FORM = {"type-empty": [2, "never"], "subject-empty": [2, "never"]}


@pytest.fixture
def conventional(imported: Import) -> Any:
    """A project with the usual configuration."""
    return imported({".commitlintrc.json": json.dumps(CONVENTIONAL)})


def test_the_usual_configuration(conventional: Any) -> None:
    """The messages are judged as `@commitlint/config-conventional` judges them."""
    usual = recorded(__file__, "usual")
    assert [text for text in usual["passing"] if not conventional.passes(text)] == []
    assert [text for text in usual["failing"] if conventional.passes(text)] == []
    assert conventional.left.count("\n") == 5
    assert ".commitlintrc.json:1: body-leading-blank: it only warns" in conventional.left


@pytest.mark.parametrize(
    "name", [name for name in FILES if name.startswith(".") and name[-2:] not in ("js", "ts")]
)
def test_it_is_read_from_every_place(tmp_path: Path, name: str) -> None:
    config = {"rules": {**FORM, "type-enum": [2, "always", ["feat"]], "header-max-length": [2, "always", 50]}}
    found = made(tmp_path, json.dumps(config, indent=1), name)
    assert found.settings["rules.commit-message"]["types"] == ["feat"]
    assert found.settings["rules.commit-form"]["subject_max"] == 50
    assert [name for _, name, _ in found.skipped] == ["defaultIgnores"]
    assert [str(one) for one in found.tables["rules.commit-message"]["types"].origins] == [f"{name}:11"]


@pytest.mark.parametrize(("form", "config", "messages"), rows(__file__, "rules_judge_as_they_did"))
def test_rules_judge_as_they_did(
    imported: Import, form: bool, config: dict[str, Any], messages: Mapping[str, bool]
) -> None:
    project = imported({".commitlintrc.json": json.dumps({"rules": FORM | config if form else config})})
    assert {text: project.passes(text) for text in messages} == messages


@pytest.mark.parametrize(
    ("form", "config", "left"), rows(__file__, "what_has_no_setting_is_listed_with_its_line")
)
def test_what_has_no_setting_is_listed_with_its_line(
    tmp_path: Path, form: bool, config: Any, left: str
) -> None:
    if form:
        config["rules"] |= FORM
    found = made(tmp_path, config)
    assert any(left in one for one in told(found)), told(found)


@pytest.mark.parametrize(("config", "why"), [("[]", "no object"), ("{", "not JSON")])
def test_a_file_that_configures_nothing_is_an_error(tmp_path: Path, config: str, why: str) -> None:
    with pytest.raises(SpecguardError, match=why):
        made(tmp_path, config)


def test_of_a_custom_parser_nothing_is_told_by_type(tmp_path: Path) -> None:
    found = made(tmp_path, {"parserPreset": "./mine", **CONVENTIONAL})
    assert "conventional" not in found.settings.get("rules.commit-message", {})
    assert any("type-enum: the parser" in one for one in told(found))


PRINTED: dict[str, Any] = json.loads(Path(__file__).with_name("printed.json").read_text())
"""What commitlint 20.5.3 prints of a script, with `--print-config json`."""

SCRIPT = "commitlint.config.js"


@pytest.mark.parametrize("name", [SCRIPT, "tools/my-commitlint.cjs"])
def test_a_script_is_not_run_and_what_the_program_prints_of_it_is_read(tmp_path: Path, name: str) -> None:
    left = taken(import_commitlint, tmp_path, name)
    why = "specguard import commitlint=FILE reads what `commitlint --print-config json > FILE` writes"
    assert (left.settings, told(left)) == ({}, [f"{name}: {name}: it is a script, which is not run; {why}"])
    found = made(tmp_path, PRINTED, "printed.json")
    assert found.settings["rules.commit-message"]["types"] == ["a"]
    assert found.settings["rules.commit-form"]["subject_max"] == 0
    assert told(found) == ["printed.json:1: ignores: it is code, which is not run"]


def test_a_parser_of_ones_own_in_what_is_printed(tmp_path: Path) -> None:
    preset = {**PRINTED["parserPreset"], "parserOpts": {"headerPattern": {}}}
    assert "rules.commit-message" not in made(tmp_path, {**PRINTED, "parserPreset": preset}).settings


def test_usual_ignores_can_be_switched_off(imported: Import) -> None:
    config = {**CONVENTIONAL, "defaultIgnores": False}
    project = imported({".commitlintrc.json": json.dumps(config)})
    assert not project.passes("Revert x")
    assert "defaultIgnores: it holds, but the messages of merge commits are not judged" in project.left


def test_a_key_of_package_json(imported: Import) -> None:
    text = json.dumps({"name": "x", "commitlint": CONVENTIONAL}, indent=1)
    project = imported({"package.json": text})
    assert not project.passes("x")
    authority = project.repository.read("SPEC_AUTHORITY.md").decode()
    assert "Read from `package.json`." in authority
    assert "# package.json:5\nrules.commit-message.conventional = true" in authority
