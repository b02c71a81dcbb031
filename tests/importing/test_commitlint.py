"""What is imported of commitlint judges messages as commitlint does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from specguard.importing.commitlint import FILES, import_commitlint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from specguard.importing.imported import Imported
    from tests.importing.conftest import Import

CONVENTIONAL = {"extends": ["@commitlint/config-conventional"]}


def made(folder: Path, config: object, name: str = ".commitlintrc.json") -> Imported:
    text = config if isinstance(config, str) else json.dumps(config)
    (folder / name).write_text(text)
    return import_commitlint(str(folder), name)


def rules(**rules: Any) -> dict[str, Any]:
    return {"rules": {name.replace("_", "-"): value for name, value in rules.items()}}


FORM = {"type-empty": [2, "never"], "subject-empty": [2, "never"]}


@pytest.fixture
def conventional(imported: Import) -> Any:
    """A project with the usual configuration."""
    return imported({".commitlintrc.json": json.dumps(CONVENTIONAL)})


def test_the_usual_configuration(conventional: Any) -> None:
    """The messages are judged as `@commitlint/config-conventional` judges them."""
    passing = [
        "feat: add a page", "fix(api)!: mend it", "feat: 2 pages", "feat: `Page` is there", "feat: x...",
        f"feat: {'x' * 94}", f"feat: a\n\n{'x' * 120} https://example.org/{'y' * 90}"[:90],
        "Merge branch 'a' into b", 'Revert "feat: x"', "revert whatever", "v1.2.3", "chore(release): 1.2.3",
        "Merged PR 12: Something", "feat: no blank line\nbehind it",
    ]  # fmt: skip
    failing = [
        "add a page", "feature: add", "Feat: add", "feat: Add a page", "feat: ADD", "feat:", "feat: add.",
        f"feat: {'x' * 95}", f"feat: a\n\n{'x y ' * 30}", "feat : x",
    ]  # fmt: skip
    assert [text for text in passing if not conventional.passes(text)] == []
    assert [text for text in failing if conventional.passes(text)] == []
    assert conventional.left.count("\n") == 4
    assert ".commitlintrc.json:1: body-leading-blank: it only warns" in conventional.left


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("package")])
def test_it_is_read_from_every_place(tmp_path: Path, name: str) -> None:
    config = {"rules": {**FORM, "type-enum": [2, "always", ["feat"]], "header-max-length": [2, "always", 50]}}
    text = json.dumps(config, indent=1)
    if name.endswith(("js", "ts")):
        text = f"module.exports = {text}" if name.endswith(("cjs", "cts")) else f"export default {text};"
    found = made(tmp_path, text, name)
    assert found.settings["rules.commit-message"]["types"] == ["feat"]
    assert found.settings["rules.commit-form"]["subject_max"] == 50
    assert found.left == []
    assert [str(place) for place in found.tables["rules.commit-message"]["types"].places] == [f"{name}:11"]


@pytest.mark.parametrize(
    ("config", "messages"),
    [
        ({**FORM, "type-enum": [2, "always", ["Feat"]]}, {"Feat: x": True, "fix: x": False}),
        ({**FORM, "type-enum": [2, "always", ["a"]], "type-case": [0]}, {"A: x": False, "a: x": True}),
        ({**FORM, "type-case": [2, "always", "lower-case"]}, {"Fix: x": False, "anything: x": True}),
        ({**FORM, "scope-enum": [2, "always", ["a", "b"]]}, {"x(a,b): y": True, "x(c): y": False}),
        ({**FORM, "scope-enum": [2, "always", []]}, {"x(c): y": True}),
        (
            {**FORM, "scope-enum": [2, "always", {"scopes": ["a"], "delimiters": [","]}]},
            {"x(a): y": True, "x(c): y": False},
        ),
        ({**FORM, "scope-empty": [2, "never"]}, {"x: y": False, "x(a): y": True}),
        ({**FORM, "scope-empty": [2, "always"]}, {"x: y": True, "x(a): y": False}),
        ({**FORM, "scope-case": [2, "always", "lower-case"]}, {"x(Ab): y": False, "x(ab): Y": True}),
        ({**FORM, "subject-case": [2, "always", "sentence-case"]}, {"x: Ab Cd": True, "x: ab": False}),
        ({**FORM, "subject-case": [2, "always", ["sentence-case"]]}, {"x: 1 a": True}),
        (
            {**FORM, "subject-case": [2, "always", "lower-case"]},
            {"x: ab cd": True, "x: ab Cd": False, "x: ab `Cd` \"E\"": True, "x: it's": True},
        ),
        ({**FORM, "subject-case": [2, "always", "upper-case"]}, {"x: AB C1": True, "x: AB c": False}),
        (
            {**FORM, "subject-max-length": [2, "always", 5], "subject-min-length": [2, "always", 3]},
            {"long(scope): abcde": True, "x: abcdef": False, "x: ab": False, "x: a:b": True},
        ),
        ({"header-min-length": [2, "always", 5]}, {"abcd": False, "abcde": True}),
        ({"header-max-length": [2, "always", 5]}, {"abcdef": False, "abcde": True}),
        ({"header-full-stop": [2, "never", "."]}, {"abc.": False, "abc": True, "abc...": True}),
        (
            {"body-max-line-length": [2, "always", 5], "footer-max-line-length": [2, "always", 5]},
            {
                "a\n\nabc de": False, "a\n\nabcde": True, "a\n\nsee https://x.org": True,
                "a\n\nsee [x](http://x.org) at the end": True, "a\n\nxhttps://x.org y": False,
                "a\n\nb\n\nCloses #1, #2": False,
            },
        ),
        (
            {"body-max-line-length": [2, "always", 5]},
            {"a\n\nb\n\nCloses #1, #2": True, "a\n\nabcde": True},
        ),
        ({"body-leading-blank": [2, "always"]}, {"a\nb": False, "a\n\nb": True}),
        ({"body-empty": [2, "never"]}, {"a": False, "a\n\nb": True}),
        ({"body-empty": [2, "always"]}, {"a": True, "a\n\nb": False}),
        ({"signed-off-by": [2, "always", "Signed-off-by:"]}, {"a": False, "a\n\nSigned-off-by: B": True}),
        ({"trailer-exists": [2, "always", "Refs: "]}, {"a": False, "a\n\nRefs: 12": True}),
        ({"header-max-length": [0, "always", 5]}, {"abcdef" * 50: True}),
        ({"header-max-length": [1, "always", 5]}, {"abcdef": True}),
        (
            {"@commitlint/config-angular": "", "header-max-length": [2, "always", 80]},
            {"feat: x": True, "chore: x": False, "feat(A): x": False, f"feat: {'x' * 73}": True},
        ),
    ],
)  # fmt: skip
def test_rules_judge_as_they_did(
    imported: Import, config: dict[str, Any], messages: Mapping[str, bool]
) -> None:
    extends = [name for name in config if name.startswith("@")]
    for name in extends:
        del config[name]
    project = imported({".commitlintrc.json": json.dumps({"extends": extends, "rules": config})})
    assert {text: project.passes(text) for text in messages} == messages


@pytest.mark.parametrize(
    ("config", "left"),
    [
        (rules(type_enum=[2, "always", ["a"]]), ":1: type-enum: without type-empty"),
        ({"rules": {**FORM, "type-enum": [2, "never", ["a"]]}}, ":1: type-enum: types can only be listed"),
        ({"rules": {**FORM, "subject-case": [2, "never", ["lower-case"]]}}, ":1: subject-case: only"),
        ({"rules": {**FORM, "scope-case": [2, "always", "camel-case"]}}, ":1: scope-case: only"),
        ({"rules": {**FORM, "subject-max-length": [2, "always", 5000]}}, ":1: subject-max-length: an expr"),
        ({"rules": {**FORM, "subject-exclamation-mark": [2, "never"]}}, ":1: subject-exclamation-mark: a br"),
        (rules(references_empty=[2, "never"]), ":1: references-empty: there is no setting for it"),
        (rules(footer_max_line_length=[2, "always", 72]), ":1: footer-max-line-length: one width"),
        (rules(body_max_line_length=[2, "always", 72]), ":1: body-max-line-length: one width"),
        (
            rules(body_max_line_length=[2, "always", 72], footer_max_line_length=[1, "always", 72]),
            ":1: body-max-line-length: one width",
        ),
        (rules(header_full_stop=[2, "always", "."]), ":1: header-full-stop: only a dot"),
        (rules(trailer_exists=[2, "never", "Refs:"]), ":1: trailer-exists: only a trailer that must"),
        (rules(header_max_length=[3, "always", 5]), ":1: header-max-length: [3, 'always', 5] is no level"),
        (rules(header_max_length=[2, "sometimes"]), ":1: header-max-length: [2, 'sometimes'] is no level"),
        ({"extends": "./missing"}, ":1: extends: there is no file './missing'"),
        ({"extends": "../../etc/x"}, ":1: extends: there is no file"),
        ({"extends": ["gitmoji"]}, ":1: extends: the rules of 'gitmoji' are in a package"),
        ({"parserPreset": {"parserOpts": {}}}, ":1: parserPreset: messages are read as"),
        ({"plugins": ["x"]}, ":1: plugins: the rules of plugins are code"),
        ({"prompt": {}}, ":1: prompt: it is for writing messages"),
        ({"helpUrl": "x"}, ":1: helpUrl: findings"),
        ({"formatter": "x"}, ":1: formatter: reports"),
        ("[]", ": .commitlintrc.json: it is no object"),
        ("{", ":1: .commitlintrc.json: it is no JSON"),
    ],
)
def test_what_has_no_setting_is_listed_with_its_line(tmp_path: Path, config: object, left: str) -> None:
    found = made(tmp_path, config)
    assert any(left in str(one) for one in found.left), [str(one) for one in found.left]


def test_warnings_beside_errors_are_left_and_alone_they_warn(tmp_path: Path) -> None:
    both = made(tmp_path, rules(header_max_length=[2, "always", 5], header_full_stop=[1, "never", "."]))
    assert "trailing_dot" not in both.settings["rules.commit-form"]
    assert ["it only warns" in str(one) for one in both.left] == [True]
    alone = made(tmp_path, rules(header_full_stop=[1, "never", "."]))
    assert alone.settings["rules.commit-form"]["severity"] == "warning"
    assert alone.left == []


def test_of_a_custom_parser_nothing_is_told_by_type(tmp_path: Path) -> None:
    found = made(tmp_path, {"parserPreset": "./mine", **CONVENTIONAL})
    assert "conventional" not in found.settings.get("rules.commit-message", {})
    assert any("type-enum: the parser" in str(one) for one in found.left)


def test_a_file_that_is_extended_is_read_and_can_be_overruled(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "base.js").write_text(
        "module.exports = {extends: ['../.commitlintrc.json', '@commitlint/config-conventional'],\n"
        " rules: {'header-max-length': [2, 'always', 60]}}"
    )
    found = made(tmp_path, {"extends": ["./config/base"], "rules": {"type-enum": [2, "always", ["a"]]}})
    assert found.settings["rules.commit-message"]["types"] == ["a"]
    assert found.settings["rules.commit-form"]["subject_max"] == 60
    assert str(found.tables["rules.commit-form"]["subject_max"].places[0]) == "config/base.js:2"


def test_code_in_a_script_is_never_run_and_named(tmp_path: Path) -> None:
    text = (
        "const {x} = require('fs').writeFileSync('run', '');\nmodule.exports = {\n  rules: {\n"
        "    'type-enum': async () => [2, 'always', x],\n    'header-max-length': [2, 'always', x()],\n"
        "    'body-full-stop': [0, x],\n  },\n  ignores: [(m) => m === ''],\n};\n"
    )
    found = made(tmp_path, text, "commitlint.config.js")
    assert not (tmp_path / "run").exists()
    assert [str(one) for one in found.left] == [
        "commitlint.config.js:4: type-enum: it is made by code, which is not run",
        "commitlint.config.js:5: header-max-length: x() is made by code, which is not run",
        "commitlint.config.js:8: ignores: which messages are left alone is told by code, which is not run",
    ]


def test_usual_ignores_can_be_switched_off(imported: Import) -> None:
    config = {**CONVENTIONAL, "defaultIgnores": False}
    project = imported({".commitlintrc.json": json.dumps(config)})
    assert not project.passes("Revert x")


def test_a_key_of_package_json(imported: Import) -> None:
    text = json.dumps({"name": "x", "commitlint": CONVENTIONAL}, indent=1)
    project = imported({"package.json": text})
    assert not project.passes("x")
    authority = project.repository.read("SPEC_AUTHORITY.md").decode()
    assert "Read from `package.json`." in authority
    assert "# package.json:5\nconventional = true" in authority
