import pytest

from specguard_rules.message_texts import SHOWN, alternatives, near_miss, quoted
from tests.rows import rows


@pytest.mark.parametrize(("actual", "expected", "clause"), rows(__file__, "near_misses"))
def test_a_near_miss_is_named(actual: str, expected: str, clause: str) -> None:
    assert near_miss(actual, ["other", expected]) == clause


def test_names_are_quoted_and_long_ones_cut_with_a_count() -> None:
    assert quoted("a" * SHOWN) == f"'{'a' * SHOWN}'"
    assert quoted("a" * (SHOWN + 7)) == f"'{'a' * SHOWN}...' (7 more characters)"
    assert alternatives(["a", "b"]) == "'a' or 'b'"
