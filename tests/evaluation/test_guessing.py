"""Paths that a pattern covers and lines that an expression matches, as canaries are made of them."""

from __future__ import annotations

import pytest

from specguard.declaration.expressions import Expression
from specguard.declaration.patterns import Covering, Guarding
from specguard.evaluation.canaries import apart, line_of, path_in
from tests.rows import rows


@pytest.mark.parametrize("pattern", rows(__file__, "a_path_is_one_that_the_pattern_covers"))
def test_a_path_is_one_that_the_pattern_covers(pattern: str) -> None:
    patterns = Guarding(["other", pattern])
    path = path_in(patterns, 1)
    assert path is not None
    assert Guarding([pattern]).find(path) == 0
    assert b"*" not in path


def test_a_path_is_none_that_is_excluded() -> None:
    patterns = Guarding(["docs/"])
    assert path_in(patterns, 0, Covering(["**"])) is None
    other = path_in(patterns, 0, Covering(["docs/canary"]))
    assert other is not None
    assert other != b"docs/canary"


def test_paths_of_one_tree_are_no_folders_of_each_other() -> None:
    assert apart([b"a", b"a/b", b"A", b"ab", b"c/d", b"C"]) == [b"a", b"ab", b"c/d"]


@pytest.mark.parametrize("expression", rows(__file__, "a_line_is_one_that_the_expression_matches"))
def test_a_line_is_one_that_the_expression_matches(expression: str) -> None:
    line = line_of(Expression(expression))
    assert line is not None
    assert Expression(expression).search(line)
    assert "\n" not in line


@pytest.mark.parametrize("expression", [r"a\b\Bb", r"^\n$", "a$b"])
def test_what_cannot_be_guessed_is_nothing(expression: str) -> None:
    assert line_of(Expression(expression)) is None
