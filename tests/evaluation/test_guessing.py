"""Paths that a pattern covers as canaries are made of them."""

from __future__ import annotations

import pytest

from specguard.declaration.patterns import Covering, Guarding
from specguard.evaluation.canaries import apart, path_in
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
