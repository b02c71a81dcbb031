from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.documents.toml import TomlError, read_toml

if TYPE_CHECKING:
    from specguard.documents.toml import KeyPath

TEXT = r'''# comment
a = 1
"q\u0041.x" = [ # one
  "x", # ]
  'y',

  ["z", {k = 1, "l.m" = "}"}],
]
b.c.d = """
[no]
"""""
when = 1979-05-27 07:32:00 # a space
[rules.'locked-path']
paths = ["a", "b"]

[[work.phase.gates]]
name = "one"
[work.phase.gates.deep]
x = 1
[[work.phase.gates]]
name = "two"
e = {f.g = [1,
 2]}
'''


def test_every_key_has_its_line() -> None:
    _, lines = read_toml(TEXT)
    expected: dict[KeyPath, int] = {
        ("a",): 2,
        ("qA.x",): 3,
        ("qA.x", 1): 5,
        ("qA.x", 2, 0): 7,
        ("qA.x", 2, 1, "l.m"): 7,
        ("b", "c"): 9,
        ("when",): 12,
        ("rules",): 13,
        ("rules", "locked-path"): 13,
        ("rules", "locked-path", "paths", 1): 14,
        ("work", "phase", "gates", 0): 16,
        ("work", "phase", "gates", 0, "deep", "x"): 19,
        ("work", "phase", "gates", 1): 20,
        ("work", "phase", "gates", 1, "e", "f", "g", 1): 23,
    }
    assert {path: lines[path] for path in expected} == expected


def paths_of(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    found = {path} if path else set()
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= paths_of(inner, (*path, key))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            found |= paths_of(inner, (*path, index))
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
    with pytest.raises(TomlError, match="Invalid value") as caught:
        read_toml("a = 1\n\nb = ,\n")
    assert caught.value.line == 3
    with pytest.raises(TomlError) as caught:
        read_toml("a = 1\nb = [\n")
    assert caught.value.line == 2
    with pytest.raises(TomlError):
        read_toml("a = " + "[" * 5000)
