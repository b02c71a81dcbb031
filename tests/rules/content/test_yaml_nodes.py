"""YAML with limits and line numbers."""

from __future__ import annotations

import pytest

from specguard_rules.content._ci_files import YamlError, read


def test_aliases_are_shared_and_merged() -> None:
    top = read(b"a: &a {x: 1, y: 2}\nb: *a\nc:\n  <<: *a\n  y: 3\nd: {<<: [{x: 8}, *a]}\n")
    assert top.string("b", "x") == "1"
    assert (top.string("c", "x"), top.string("c", "y")) == ("1", "3")
    assert (top.string("d", "x"), top.string("d", "y")) == ("8", "2")


@pytest.mark.parametrize(
    ("data", "reason", "line"),
    [
        (b"a: 1\nb: 2\na: 3\n", "the key 'a' is there twice", 3),
        (b"a: &a {b: *a}\n", "found undefined alias|holds itself", 1),
        (b"[" * 500_000, "nested deeper than 50 levels", 1),
        (b"a: \xff\n", "not UTF-8", None),
        (b"a: 1\r  b: 2\n", "carriage return", 1),
        (b"a: b: c\n", "mapping values", 1),
        (b"x" * ((1 << 20) + 1), "bytes", None),
        (b"a: [\n", "did not find expected node content", 2),
    ],
)
def test_what_is_refused(data: bytes, reason: str, line: int | None) -> None:
    with pytest.raises(YamlError, match=reason) as caught:
        read(data)
    if line is not None:
        assert caught.value.line == line


def test_nothing_is_constructed() -> None:
    assert read(b"a: !!python/object/apply:os.system [x]\nb: no\nc: 010\n").string("c") == "010"
