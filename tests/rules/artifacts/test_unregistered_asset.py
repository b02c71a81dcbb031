"""ART022: the index of assets, and the rule judged through the command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from specguard.documents.data import read_data
from specguard.testing import Step
from specguard_rules.artifacts.assets import Assets, goes_up, read_index
from tests.rules.items import judge

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """
[assets]
paths = ["patterns/**"]
index = "patterns/index.json"
table = "patterns/README.md"
samples = "tasks/index.json"
"""


def index(*assets: dict[str, Any]) -> str:
    return json.dumps({"assets": list(assets)}, indent=1)


def table(*rows: str) -> str:
    return "# Patterns\n\n| Asset | Version | Before | After |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


EMIT = {"id": "emit", "entry": "./codemods/emit.ts", "version": "1.2.0"}
FORM = {"id": "form", "path": "patterns/form", "version": "0.1"}
BASE = {
    "patterns/index.json": index(EMIT, FORM),
    "patterns/codemods/emit.ts": "a\n",
    "patterns/form/form.md": "a\n",
    "patterns/README.md": table("| `emit` | 1.2.0 | a | b |", "| [form](form/) | v0.1 | none yet | b |"),
    "tasks/index.json": '{"items": [{"assets": ["emit", "form@0.1"], "note": "lint"}]}',
}
RIGHT = {
    "patterns/codemods/emit.ts": "b\n",
    "patterns/index.json": index({**EMIT, "version": "1.3.0"}, FORM),
    "patterns/README.md": table("| emit | 1.3.0 | a | b |", "| form | 0.1 | a | b |"),
}
LINT = {"id": "lint", "file": "lint.ts", "version": "0.1.0"}
NEW = {
    "patterns/lint.ts": "x\n",
    "patterns/index.json": index(EMIT, FORM, LINT),
    "patterns/README.md": table(
        "| emit | 1.2.0 | a | b |", "| form | 0.1 | a | b |", "| lint | 0.1.0 | a | b |"
    ),
    "tasks/index.json": '{"samples": {"a": "./patterns/lint.ts"}}',
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Step("x", files=RIGHT), []),
        (Step("x", files=NEW), []),
        (Step("x", files={"patterns/README.md": "x\n", "src/a": "x\n"}), []),
        (
            Step("x", files={"patterns/codemods/emit.ts": "b\n"}),
            ["emit changes and still has the version 1.2.0"],
        ),
        (Step("x", files={"patterns/form/more.md": "b\n"}), ["form changes and still has the version 0.1"]),
        (Step("x", files={"patterns/x.ts": "b\n"}), ["patterns/x.ts is in no entry of patterns/index.json"]),
        (
            Step("x", files={**RIGHT, "patterns/index.json": index({**EMIT, "version": "1.1.9"}, FORM)}),
            ["does not go up from version 1.2.0 to 1.1.9", "has the version 1.3.0, and the index 1.1.9"],
        ),
        (
            Step(
                "x",
                files={**NEW, "patterns/index.json": index(EMIT, FORM, {"id": "lint", "file": "lint.ts"})},
            ),
            ["the entry 'lint' of patterns/index.json has no version"],
        ),
        (
            Step(
                "x",
                files={**NEW, "patterns/README.md": table("| emit | 1 | a | b |", "| linter | 0 | a | b |")},
            ),
            ["lint has no row in a table of patterns/README.md with the columns Before, After"],
        ),
        (
            Step("x", files={**RIGHT, "patterns/README.md": table("| emit | 1.3.0 | <before> | … |")}),
            ["says nothing in its column 'Before'", "says nothing in its column 'After'"],
        ),
        (
            Step(
                "x", files={**RIGHT, "patterns/README.md": f"<!--\n{table('| emit | 1.3.0 | a | b |')}-->\n"}
            ),
            ["emit has no row"],
        ),
        (
            Step(
                "x", files={**RIGHT, "patterns/README.md": f"```\n{table('| emit | 1.3.0 | a | b |')}```\n"}
            ),
            ["emit has no row"],
        ),
        (Step("x", files=RIGHT, delete=["tasks/index.json"]), ["emit has no sample use in tasks/index.json"]),
        (Step("x", files={**NEW, "tasks/index.json": '{"lint.ts": "linting"}'}), ["lint has no sample use"]),
        (Step("x", files={**NEW, "tasks/index.json": '{"a": "lint@0.0.9"}'}), ["lint has no sample use"]),
        (
            Step("x", delete=["patterns/codemods/emit.ts"]),
            ["has patterns/codemods/emit.ts, which is gone", "still has the version 1.2.0"],
        ),
        (
            Step("x", files={"patterns/index.json": index(FORM)}, delete=["patterns/codemods/emit.ts"]),
            [],
        ),
        (Step("x", files={"patterns/index.json": index(FORM)}), ["emit is no longer in patterns/index.json"]),
        (Step("x", files={"patterns/x.ts": "x", "patterns/index.json": "{"}), ["cannot be read"]),
        (
            Step("x", files={"patterns/x.ts": "x", "patterns/index.json": "{}"}),
            ["has none of the lists assets"],
        ),
        (Step("x", files={"patterns/x.ts": "x"}, delete=["patterns/index.json"]), ["is not there"]),
    ],
)
def test_assets_that_change(change: Step, expected: list[str], tmp_path: Path) -> None:
    expect = [{"message": message} for message in expected]
    base = [Step("chore: base", files=BASE)]
    judge("ART022", tmp_path, policy=POLICY, base=base, commits=[change], expect=expect)


def test_all_of_them(tmp_path: Path) -> None:
    files = {**BASE, "patterns/x.ts": "x\n", "tasks/index.json": '{"items": ["form"]}'}
    judge(
        "ART022",
        tmp_path,
        policy=POLICY,
        base=[Step("chore: base", files=files)],
        commits=[Step("x", files={"a": "b"})],
        args=["--all"],
        expect=[
            {"path": "patterns/codemods/emit.ts", "message": "no sample use"},
            {"path": "patterns/x.ts", "message": "is in no entry"},
        ],
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("1.2.0", "1.2.1", True),
        ("1.9", "1.10", True),
        ("v1.2", "2", True),
        ("1.0.0-rc.1", "1.0.0", True),
        ("2024-01", "2024-02", True),
        ("a", "b", True),
        ("", "1.0", True),
        ("1.2.0", "1.2.0", False),
        ("1.2.0", "1.2", False),
        ("1.2.0", "1.2.0-rc.1", False),
        ("1.2.0", "1.2.0+2", False),
        ("1.10", "1.9", False),
        ("a", "a", False),
    ],
)
def test_versions(before: str, after: str, *, expected: bool) -> None:
    assert goes_up(before, after) is expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("json", '{"patterns": {"a": {"version": "1.10", "files": ["x/y.md", "z"]}}}'),
        ("yaml", "items:\n- id: a\n  version: 1.10\n  files: [x/y.md, z]\n"),
        ("toml", '[[assets]]\nid = "a"\nversion = "1.10"\nfiles = ["x/y.md", "z"]\n'),
        ("json", '[{"id": "a", "version": 1.10, "path": "x/y.md"}]'),
    ],
)
def test_forms_of_an_index(kind: Any, text: str) -> None:
    [asset] = read_index(read_data(text, kind), Assets(index="p/index.json")) or []
    assert (asset.id, asset.version) == ("a", "1.10")
    assert asset.has(b"p/x/y.md")
    assert asset.has(b"x/y.md/below")
    assert not asset.has(b"p/x/y.mdx")


def test_places_that_climb_out_or_are_everything_are_none() -> None:
    text = '{"assets": [{"id": "a", "path": "../../x", "entry": ".", "file": "", "paths": ["../ok"]}]}'
    [asset] = read_index(read_data(text, "json"), Assets(index="p/index.json")) or []
    assert asset.places == [b"ok"]
    assert read_index(read_data('{"assets": 1}', "json"), Assets(index="p/i.json")) is None
