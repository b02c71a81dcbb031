from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.documents.toml import TomlError, read_toml

if TYPE_CHECKING:
    from specguard.documents.toml import KeyPath

SAMPLES = Path(__file__).parent / "samples"
TEXT = (SAMPLES / "keys.toml").read_text(encoding="utf-8")


def test_every_key_has_its_line() -> None:
    _, lines = read_toml(TEXT)
    gates: KeyPath = ("work", "phase", "gates")
    expected: dict[KeyPath, int] = {
        ("a",): 2, ("qA.x",): 3, ("qA.x", 1): 5, ("qA.x", 2, 0): 7, ("qA.x", 2, 1, "l.m"): 7, ("b", "c"): 9,
        ("when",): 12, ("rules",): 13, ("rules", "locked-path"): 13, ("rules", "locked-path", "paths", 1): 14,
        (*gates, 0): 16, (*gates, 0, "deep", "x"): 19, (*gates, 1): 20, (*gates, 1, "e", "f", "g", 1): 23,
    }  # fmt: skip
    assert {path: lines[path] for path in expected} == expected


def paths_of(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    found = {path} if path else set()
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in parts:
        found |= paths_of(inner, (*path, key))
    return found


def write(value: Any) -> str:
    """A value as TOML, arrays spread over lines, strings in each of the four forms."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {write(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[\n" + "".join(f"  {write(inner)}, # ] }}\n" for inner in value) + "]"
    if isinstance(value, str):
        return value
    return "true" if value is True else "false" if value is False else str(value)


keys = st.sampled_from(["a", "b", "c-d", '"e.f"', "'g h'", '"\\u00e9\\""', "a.b", 'c."x y"'])
strings = st.sampled_from(
    ['"a\\"]"', "'}'", '"""x\n]"""', '"""q"""""', "'''y\n='''", "'''z'''''", '""', "''"]
)
inline = st.recursive(
    st.one_of(strings, st.integers(), st.booleans(), st.just("1979-05-27 07:32:00"), st.just("-inf")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=8,
)
statements = st.one_of(
    st.tuples(keys, inline).map(lambda pair: f"{pair[0]} = {write(pair[1])} # end"),
    keys.map(lambda key: f"[{key}]"),
    keys.map(lambda key: f"[[ {key} ]]"),
    st.sampled_from(["", "# [comment]"]),
)


@given(st.lists(statements, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_the_keys_found_are_those_that_tomllib_finds(parts: list[str], newline: str) -> None:
    text = "\n".join(parts).replace("\n", newline)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(TomlError):
            read_toml(text)
        return
    again, lines = read_toml(text)
    assert repr(again) == repr(data)
    assert set(lines) == paths_of(data)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


def test_an_error_has_its_line() -> None:
    for text, line in (("a = 1\n\nb = ,\n", 3), ("a = 1\nb = [\n", 2)):
        with pytest.raises(TomlError) as caught:
            read_toml(text)
        assert caught.value.line == line
    with pytest.raises(TomlError):
        read_toml("a = " + "[" * 5000)
