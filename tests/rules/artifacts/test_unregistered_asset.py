"""ART022: forms of the index of assets."""

from typing import Any

import pytest

from specguard.documents.data import read_data
from specguard_rules.artifacts.asset_index import Assets, entries_at, entries_by_place, read_index


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("json", '{"assets": [{"id": "a", "version": "1.10", "entry": "./x/y.md"}]}'),
        ("yaml", "assets:\n- id: a\n  version: '1.10'\n  files: [x/y.md, z]\n"),
        ("toml", '[[assets]]\nid = "a"\nversion = "1.10"\nfiles = ["x/y.md", "z"]\n'),
    ],
)
def test_forms_of_an_index(kind: Any, text: str) -> None:
    [asset] = read_index(read_data(text, kind), Assets(index="p/index.json")) or []
    assert (asset.id, asset.version) == ("a", "1.10")
    places = [b"p/x/y.md", b"x/y.md/below", b"p/x/y.mdx"]
    assert [entries_at(place, entries_by_place([asset])) for place in places] == [[0], [0], []]


def test_places_that_climb_out_or_are_everything_are_none() -> None:
    text = '{"assets": [{"id": "a", "entry": ".", "files": ["../../x", "", "../ok"]}]}'
    [asset] = read_index(read_data(text, "json"), Assets(index="p/index.json")) or []
    assert asset.paths == [b"ok"]
    assert read_index(read_data('{"assets": 1}', "json"), Assets(index="p/i.json")) is None
