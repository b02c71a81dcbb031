"""What is imported of repolinter's rulesets judges repositories as they do."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from specguard.errors import SpecguardError
from specguard.importers import Imported
from specguard.importers.required_files import import_repolinter
from tests.importers.conftest import Import, taken, told
from tests.rows import rows


def ruleset(kind: str, options: Mapping[str, Any], level: str = "error", **more: Any) -> str:
    rule = {"level": level, "rule": {"type": kind, "options": options}, **more}
    return json.dumps({"version": 2, "rules": {"a-rule": rule}}, indent=1)


def made(folder: Path, text: str, name: str = "repolinter.json") -> Imported:
    (folder / name).write_text(text)
    return taken(import_repolinter, folder, name)


@pytest.mark.parametrize("row", rows(__file__, "a_file_that_must_be_there"))
def test_a_file_that_must_be_there(imported: Import, row: Sequence[Any]) -> None:
    kind, options, right, wrong = row
    project = imported({"repolinter.json": ruleset(kind, options), wrong: "x"})
    missing = project.whole()
    assert (missing.codes, missing.exit_code) == (["ART001"], 1), missing
    project.repository.commit("docs: add", files={right: "x"})
    assert project.whole().exit_code == 0
    # Taking it away is seen without `--all`.
    gone = project.change({}, delete=[right])
    assert gone.codes == ["ART001"]
    assert gone.report["findings"][0]["authority"]["path"] == "SPEC_AUTHORITY.md"


def test_a_rule_that_warns_is_left(tmp_path: Path) -> None:
    rules = {
        level: {"level": level, "rule": {"type": "file-existence", "options": {"globsAny": [level]}}}
        for level in ("error", "warning")
    }
    found = made(tmp_path, json.dumps({"version": 2, "rules": rules}, indent=1))
    assert found.settings["artifacts.repository"]["companions"] == ["error"]
    assert told(found) == ["repolinter.json:15: warning: its level is warning; what is carried over blocks"]


@pytest.mark.parametrize("row", rows(__file__, "what_has_no_setting_is_listed_with_its_line"))
def test_what_has_no_setting_is_listed_with_its_line(tmp_path: Path, row: Sequence[Any]) -> None:
    kind, options, why = row
    found = made(tmp_path, ruleset(kind, options))
    assert found.settings == {}
    [left] = told(found)
    assert left.startswith("repolinter.json:4: a-rule: ")
    assert why in left


def test_conditions_and_what_is_extended_are_left(tmp_path: Path) -> None:
    text = ruleset("file-existence", {"globsAny": ["a"]}, where=["language=ruby"])
    assert "a-rule: it holds only where language=ruby" in told(made(tmp_path, text))[0]
    text = json.dumps({"version": 2, "extends": "https://x.org/a.json", "rules": {"b": {"level": "error"}}})
    why = "rulesets of version 1 are not read, and what is extended is elsewhere"
    assert told(made(tmp_path, text)) == [
        "repolinter.json:1: extends https://x.org/a.json: it is elsewhere; bring it here and import it too",
        "repolinter.json:1: b: it has no type; " + why,
    ]


def test_yaml(tmp_path: Path) -> None:
    text = (
        "version: 2\nrules:\n  readme:\n    level: error\n    rule:\n      type: file-existence\n"
        "      options:\n        globsAny: [README*]\n"
    )
    found = made(tmp_path, text, name="repolinter.yaml")
    value = found.tables["artifacts.repository"]["companions"]
    assert (value.value, [str(one) for one in value.origins]) == (["README*"], ["repolinter.yaml:3"])


@pytest.mark.parametrize(
    ("text", "why"), [("{", "not JSON"), *((text, "not a ruleset") for text in ("[]", "1", '{"rules": 1}'))]
)
def test_a_file_that_holds_no_ruleset_is_an_error(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(SpecguardError, match=why):
        made(tmp_path, text)


@pytest.mark.parametrize("text", ['{"rules": {"a": 1}}', '{"rules": {"all": []}}'])
def test_a_ruleset_without_rules_comes_to_nothing(tmp_path: Path, text: str) -> None:
    assert made(tmp_path, text).settings == {}
