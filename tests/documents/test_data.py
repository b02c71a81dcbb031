"""Structured data: values, the lines of keys, and what is refused."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.documents.data import (
    DATA_LIMIT,
    MAX_DEPTH,
    Data,
    DataError,
    Number,
    as_text,
    data_kind,
    data_of,
    is_markdown,
    read_data,
)
from specguard.documents.document import Document
from specguard.documents.toml import read_toml
from tests.outcomes import there
from tests.rows import rows

if TYPE_CHECKING:
    from specguard.documents.data import Kind
    from specguard.documents.toml import KeyPath

SAMPLES = Path(__file__).parent / "samples"
JSON = (SAMPLES / "data.json").read_text(encoding="utf-8")
YAML = (SAMPLES / "data.yaml").read_text(encoding="utf-8")
TOML = (SAMPLES / "data.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "kind", "lines"),
    [
        (JSON, "json", {"items": 2, "items.0.id": 3, "items.1": 4, "items.1.id": 5, "x.z.2": 9, "x.y": 8}),
        (YAML, "yaml", {"items": 2, "items.0": 3, "items.1.id": 5, "items.1.text": 6, "x": 9, "x.z.2": 10}),
        (TOML, "toml", {"title": 1, "x.y.z.0": 4, "x.y.z.1": 5, "items": 7, "items.1.id": 11, "x": 3}),
    ],
)
@pytest.mark.parametrize("first", [1, 5])
def test_every_key_and_element_has_its_line(text: str, kind: Kind, lines: dict[str, int], first: int) -> None:
    for ending in ("\n", "\r\n"):
        data = read_data("\ufeff" + text.replace("\n", ending), kind, first=first)
        assert data.problem is None
        found = {path: data.line(path.split(".")) for path in lines}
        assert found == {path: line + first - 1 for path, line in lines.items()}


def test_values_and_lines_are_found_by_dotted_keys() -> None:
    data = read_data(JSON, "json")
    assert data.line(["items", 1, "none", "x"]) == 4
    assert data.line(["items", 9]) == 2
    assert data.line(["items", "one"]) == 2
    assert data.line(["none"]) == data.line() == 1
    assert Data({}).line(["a"]) is None
    data = read_data(YAML, "yaml")
    assert (data.get("items.1.id"), data.get("x.z.2"), data.get("items.2.id", "?")) == ("b", 3, "?")
    assert data.get(["x", "y"], 1) is None
    assert data.get("items.0.id.x") is None


def test_yaml_keeps_as_text_what_reads_in_two_ways() -> None:
    text = "a: [no, on, 010, 0x1f, 1_000, 1e5, +1, 2026-01-31, 12:30, .5, '1', ~, true, -7, 2.50, =]\n1: y\n"
    data = read_data(text, "yaml")
    assert data.value == {
        "a": [
            "no", "on", "010", "0x1f", "1_000", "1e5", "+1", "2026-01-31", "12:30", ".5", "1",
            None, True, -7, 2.5, "=",
        ],
        "1": "y",
    }  # fmt: skip
    assert [as_text(value) for value in data.value["a"][-5:-1]] == ["null", "true", "-7", "2.50"]


def test_toml_dates_are_text_and_numbers_know_how_they_are_written() -> None:
    data = read_data("a = 2026-01-31\nb = 1.10\nc = 07:30:00\nd = [[1, 2.0]]\n", "toml")
    assert data.value == {"a": "2026-01-31", "b": 1.1, "c": "07:30:00", "d": [[1, 2.0]]}
    assert as_text(data.value["b"]) == "1.10"
    assert as_text(read_data("[1.10]", "json").value[0]) == "1.10"


@pytest.mark.parametrize(
    ("text", "kind", "message", "line"),
    [
        *rows(__file__, "refused"),
        ("[1,\n-" + "9" * 5000 + "]", "json", "a number that is too long", 2),
        ("[" + "9" * 5000 + "x", "json", "nested more than 50 levels", None),
        ("[" * 100_000, "json", "nested more than 50 levels", 1),
        ('[[],\n"[[",' + "[" * 49 + "\n[" + "]" * 51, "json", "nested more than 50 levels", 3),
        ("- " * 1000, "yaml", "nested more than 50 levels", 1),
        ("\na = " + "[" * 60 + "]" * 60, "toml", "it is nested more than 50 levels deep", 2),
        (".".join("a" * 60) + " = 1", "toml", "it is nested more than 50 levels deep", 1),
        ("a\n" * (DATA_LIMIT // 2 + 1), "yaml", f"more than {DATA_LIMIT} characters", DATA_LIMIT // 2 + 1),
    ],
)
def test_what_is_refused_has_a_reason_and_a_line(
    text: str, kind: Kind, message: str, line: int | None
) -> None:
    data = read_data(text, kind)
    problem = there(data.problem)
    assert message in problem.message
    assert (data.value, problem.line, data.line(["a"])) == (None, line, line)


def test_bytes_tags_and_numbers() -> None:
    problem = there(data_of(b'{"a":\n"\xff"}', "json").problem)
    assert (problem.message, problem.line) == ("it is not UTF-8", 2)
    assert read_data("a: !!str 1\nb: ! 2\n", "yaml").value == {"a": "1", "b": "2"}
    number = Number("1.10")
    assert (number + 1, math.isclose(number, 1.1), number.text) == (2.1, True, "1.10")


def test_front_matter_is_data_with_lines_of_the_document() -> None:
    document = Document("---\ntitle: x\ntags:\n  - a\n---\n# T\n")
    assert document.properties.value == {"title": "x", "tags": ["a"]}
    assert (document.properties.line(["tags", 0]), document.properties.line(["title"])) == (4, 2)
    toml = Document("+++\ntitle = 'x'\n\n[review]\nlast = 2026-01-31\n+++\n# T\n")
    assert toml.properties.get("review.last") == "2026-01-31"
    assert (toml.properties.line(["review", "last"]), toml.sections[0].line) == (5, 7)
    assert Document("# T\n").properties.value == {}
    assert Document("---\n---\n").properties.value == {}
    # A second block is none.
    second = Document("---\nstatus: draft\n---\n\n---\nstatus: done\n---\n")
    assert second.properties.value == {"status": "draft"}


def test_front_matter_that_cannot_be_read_is_a_problem() -> None:
    matters = {"---\na: 1\na: 2\n---\n": 3, "---\nstatus: [\n---\n": 3, "---\njust words\n---\n": 2}
    for text, line in {**matters, "+++\na = \n+++\n": 2}.items():
        properties = Document(text + "# T\n").properties
        assert (properties.value, there(properties.problem).line) == (None, line)


def test_limits_are_what_they_say() -> None:
    for kind in ("json", "yaml"):
        read = [read_data("[" * depth + "]" * depth, kind) for depth in (MAX_DEPTH, MAX_DEPTH + 1)]
        assert [one.problem is None for one in read] == [True, False]


def test_only_a_pair_of_surrogates_is_a_character() -> None:
    for text in ('["\\uD83D x"]', '{"\\udcff": 1}', '[[{"a": ["\\uDE00"]}]]'):
        data = read_data(text, "json")
        assert data.value is None
        assert there(data.problem).message == "it has half of a pair of surrogates"
    read = read_data('{"a": "\\ud83d\\ude00", "b": "\\\\ud800"}', "json")
    assert read.value == {"a": "\U0001f600", "b": "\\ud800"}


def test_kinds_of_files_are_told_by_a_name() -> None:
    kinds = {"plan.json": "json", "a/b.YAML": "yaml", "a.yml": "yaml", "x.TOML": "toml", ".json": "json"}
    others = dict.fromkeys(("json", "a.json/b", "a.jsonl", "a.json.md"))
    for path, kind in {**kinds, **others}.items():
        assert data_kind(path) == data_kind(path.encode()) == kind
    for name in ("a.md", "A.MD", "b.markdown", "c.mdx", "rules.mdc"):
        assert (is_markdown(name), is_markdown(name.encode()), is_markdown(f"{name}.txt")) == (
            True,
            True,
            False,
        )


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
        with pytest.raises(DataError):
            read_toml(text)
        return
    again, lines = read_toml(text)
    assert repr(again) == repr(data)
    assert set(lines) == paths_of(data)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


def test_an_error_has_its_line() -> None:
    for text, line in (("a = 1\n\nb = ,\n", 3), ("a = 1\nb = [\n", 2)):
        with pytest.raises(DataError) as caught:
            read_toml(text)
        assert caught.value.line == line
    with pytest.raises(DataError):
        read_toml("a = " + "[" * 5000)
