"""Patterns of two scopes that could match one path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.declaration.patterns import Covering
from specguard.executor.start_point import clash, meet
from tests.rows import rows


@pytest.mark.parametrize(("one", "other"), rows(__file__, "they_meet"))
def test_they_meet(one: str, other: str) -> None:
    assert meet(one, other)
    assert meet(other, one)


@pytest.mark.parametrize(("one", "other"), rows(__file__, "they_do_not"))
def test_they_do_not(one: str, other: str) -> None:
    assert not meet(one, other)
    assert not meet(other, one)


def test_what_clashes_is_named() -> None:
    one, other = Covering(["docs/", "src/a/"]), Covering(["x", "src/a/b.py"])
    assert clash("1", one, "2", other) == "1 may change src/a/, and 2 src/a/b.py"
    assert clash("1", one, "2", Covering(["src/c"])) == ""
    assert clash("1", one, "2", None) == "2 does not say which files it may change"


segment = st.sampled_from(["a", "b", "ab", "*", "a*", "*b", "**", "?"])
pattern = st.lists(segment, min_size=1, max_size=4).map("/".join)
path = st.lists(st.sampled_from(["a", "b", "ab", "ba"]), min_size=1, max_size=5).map("/".join)


@given(pattern, pattern, st.lists(path, max_size=20))
def test_a_path_that_both_match_is_never_missed(one: str, other: str, paths: list[str]) -> None:
    left, right = Covering([one]), Covering([other])
    both = [p for p in paths if left.find(p.encode()) is not None and right.find(p.encode()) is not None]
    if both:
        assert meet(one, other)
