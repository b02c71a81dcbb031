"""ART022: versions that go up, and forms of the index of assets."""

from __future__ import annotations

from typing import Any

import pytest

from specguard.documents.data import read_data
from specguard_rules.artifacts.assets import Assets, goes_up, read_index


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
