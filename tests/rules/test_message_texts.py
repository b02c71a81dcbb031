import pytest

from specguard_rules.message_texts import QUOTED_LENGTH, alternatives, near_miss, quote
from tests.rows import rows


@pytest.mark.parametrize(("actual", "expected", "clause"), rows(__file__, "near_misses"))
def test_a_near_miss_is_named(actual: str, expected: str, clause: str) -> None:
    assert near_miss(actual, ["other", expected]) == clause


def test_names_are_quoted_and_long_ones_cut_with_a_count() -> None:
    assert quote("a" * QUOTED_LENGTH) == f"'{'a' * QUOTED_LENGTH}'"
    assert quote("a" * (QUOTED_LENGTH + 7)) == f"'{'a' * QUOTED_LENGTH}...' (7 more characters)"
    assert alternatives(["a", "b"]) == "'a' or 'b'"
