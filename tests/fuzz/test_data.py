"""JSON, YAML and TOML in any state: what is accepted is what other readers read, and nothing else is."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from specguard.documents.data import Data, data_of
from specguard.documents.fields import key_fields
from tests.fuzz.damage import DRAWN, damaged, few

if TYPE_CHECKING:
    from collections.abc import Callable

    from specguard.documents.data import Kind

TEXT = st.sampled_from(
    ["", "a", "status", "done", "1.10", "no", "2026-01-01", "a.b", "\u00e9", "x: y", '"', "\\", "#"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
JSON = st.tuples(VALUES, st.sampled_from([None, 1, "\t"])).map(
    lambda pair: json.dumps(pair[0], indent=pair[1]).encode()
)
YAML = st.tuples(VALUES, st.sampled_from([True, False, None])).map(
    lambda pair: yaml.safe_dump(pair[0], default_flow_style=pair[1], allow_unicode=True).encode()
)
TOML = st.lists(
    st.sampled_from(DRAWN["toml_parts"])
).map(lambda parts: "".join(parts).encode())  # fmt: skip


def everything_has_a_line(data: Data, last: int) -> None:
    if data.problem is not None:
        assert data.value is None
        assert data.problem.line is None or 1 <= data.problem.line <= last
        return
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), data.value)]
    for path, value in waiting:
        line = data.line(path)
        assert line is not None
        assert 1 <= line <= last
        assert data.get(path) is value
        inside = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        waiting += [((*path, key), inner) for key, inner in inside]
    for field in key_fields(data, data.value):
        assert 1 <= field.line <= last


def same(mine: Any, theirs: Any) -> bool:
    """Whether two readers read the same; a date of one is the other's text."""
    if isinstance(theirs, dict):
        return isinstance(mine, dict) and same(list(mine.items()), list(theirs.items()))
    if isinstance(theirs, list | tuple):
        return isinstance(mine, list | tuple) and len(mine) == len(theirs) and all(map(same, mine, theirs))
    if hasattr(theirs, "isoformat"):
        return bool(mine == theirs.isoformat())
    return bool(mine == theirs or (mine != mine and theirs != theirs))


READ: dict[Kind, tuple[st.SearchStrategy[bytes], Callable[[str], Any]]] = {
    "json": (JSON, json.loads),
    "toml": (TOML, lambda text: tomllib.loads(text.replace("\r\n", "\n"))),
    # Its library makes numbers, dates and truth values of more words: every scalar is text to this one.
    "yaml": (YAML, lambda text: yaml.load(text, getattr(yaml, "CBaseLoader", yaml.BaseLoader))),
}


@few(150)
@given(data=st.data())
@pytest.mark.parametrize("kind", READ)
def test_data_is_what_another_reader_reads_or_a_problem(kind: Kind, data: st.DataObject) -> None:
    whole, read = READ[kind]
    content = data.draw(damaged(whole))
    found = data_of(content, kind)
    everything_has_a_line(found, content.count(b"\n") + 1)
    if found.problem is None:
        theirs = read(content.decode().removeprefix("\ufeff"))
        assert shape(found.value) == shape(theirs) if kind == "yaml" else same(found.value, theirs)


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return [(key, shape(inner)) for key, inner in value.items()]
    return [shape(inner) for inner in value] if isinstance(value, list) else None


@pytest.mark.parametrize("kind", ["json", "yaml", "toml"])
@few(60)
@given(st.data())
def test_what_is_cut_is_never_a_smaller_whole_of_json_and_never_a_crash(
    kind: Any, data: st.DataObject
) -> None:
    content = data.draw({"json": JSON, "yaml": YAML, "toml": TOML}[kind])
    cut = content[: data.draw(st.integers(0, max(0, len(content) - 1)))]
    read = data_of(cut, kind)
    everything_has_a_line(read, cut.count(b"\n") + 1)
    if kind == "json" and content[:1] in b"[{" and content.rstrip() != cut.rstrip():
        assert read.problem is not None
