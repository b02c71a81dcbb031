"""Adding an entry to the index of specs: nothing else in the file is altered."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.documents.document import Document
from specguard.specs.index import add_entry
from specguard.specs.settings import SpecSettings
from specguard.specs.text import Said

if TYPE_CHECKING:
    from typing import Any

    from specguard.specs.spec import Spec

SETTINGS = SpecSettings()
PATH = b"specs/0002-logs.md"


def spec(text: str = "# Logs\n", status: str = "") -> Spec:
    said = [Said(status, PATH, 2, "front matter")] if status else []
    return cast("Spec", SimpleNamespace(path=PATH, own_id="", document=Document(text), statuses=said))


def added(index: str, name: bytes = b"specs/index.json", status: str = "") -> str:
    return add_entry(index, name, spec(status=status), SETTINGS)


SEVERAL_LISTS = """{"x": [["]"], {"specs": [1]}],
 "specs": [
  {"key": "1", "file": "a.md"}
 ], "y": {"specs": []}}
"""
WITH_ONE_MORE = """{"x": [["]"], {"specs": [1]}],
 "specs": [
  {"key": "1", "file": "a.md"},
  {"key": "0002", "file": "specs/0002-logs.md"}
 ], "y": {"specs": []}}
"""
LONG = """{
  "specs": [
    {
      "id": "1",
      "title": "One",
      "path": "a.md"
    }
  ]
}
"""
LONGER = """{
  "specs": [
    {
      "id": "1",
      "title": "One",
      "path": "a.md"
    },
    {
      "id": "0002",
      "title": "Logs",
      "path": "specs/0002-logs.md"
    }
  ]
}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"specs": []}', '{"specs": [{"id": "0002", "path": "specs/0002-logs.md"}]}'),
        ('{"specs": ["a.md"]}', '{"specs": ["a.md", "specs/0002-logs.md"]}'),
        (SEVERAL_LISTS, WITH_ONE_MORE),
        (LONG, LONGER),
    ],
)
def test_an_entry_has_the_form_of_the_others(before: str, after: str) -> None:
    assert added(before) == after


def test_yaml_and_toml() -> None:
    assert added("specs:\n  - id: a\n    path: a.md\n\nmore: 1\n", b"i.yaml") == (
        'specs:\n  - id: a\n    path: a.md\n  - id: "0002"\n    path: specs/0002-logs.md\n\nmore: 1\n'
    )
    assert added('[[specs]]\nid = "a"\npath = "a.md"\n', b"i.toml") == (
        '[[specs]]\nid = "a"\npath = "a.md"\n\n[[specs]]\nid = "0002"\npath = "specs/0002-logs.md"\n'
    )


def test_a_status_is_repeated_where_all_others_have_one() -> None:
    index = '{"specs": [{"id": "1", "path": "a.md", "status": "done"}]}'
    after = added(index, status="draft")
    assert json.loads(after)["specs"][1] == {"id": "0002", "path": "specs/0002-logs.md", "status": "draft"}


@pytest.mark.parametrize(
    ("index", "name"),
    [
        ('{"specs": [{"id": "0002", "path": "other.md"}]}', b"i.json"),
        ('{"specs": [], "items": []}', b"i.json"),
        ('{"specs": {"0001": "a.md"}}', b"i.json"),
        ('{"specs": [{"id": "1"}, "a.md"]}', b"i.json"),
        ('{"specs": [', b"i.json"),
        ('{"specs": []}\r\n', b"i.json"),
        ("specs: [{id: a, path: a.md}]\n", b"i.yaml"),
        ("specs: []\n", b"i.yaml"),
        ('specs = [{id = "a", path = "a.md"}]\n', b"i.toml"),
        ("# Specs\n", b"index.md"),
    ],
)
def test_what_cannot_be_added_to_for_certain_is_left_alone(index: str, name: bytes) -> None:
    assert added(index, name) == index


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    before=st.dictionaries(st.text(max_size=4), VALUES, max_size=3),
    entries=st.lists(
        st.fixed_dictionaries({"id": st.sampled_from("abcd"), "path": st.just("a.md")}), max_size=3
    ),
    more=st.dictionaries(st.text(max_size=4), VALUES, max_size=3),
    indent=st.sampled_from([None, 0, 1, 2, 4, "\t"]),
)
def test_everything_else_stays(
    before: dict[str, Any], entries: list[Any], more: dict[str, Any], indent: int | str | None
) -> None:
    other = {**before, **more}
    other.pop("items", None)
    value = {**{key: one for key, one in other.items() if key in before}, "specs": entries}
    value.update({key: one for key, one in other.items() if key not in value})
    text = json.dumps(value, indent=indent)
    after = added(text)
    assert json.loads(after) == {**value, "specs": [*entries, {"id": "0002", "path": "specs/0002-logs.md"}]}
    # What was there is there still, in its order.
    rest = iter(after)
    assert all(char in rest for char in text if not char.isspace())
