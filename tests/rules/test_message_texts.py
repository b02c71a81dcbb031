import pytest

from specguard_rules.message_texts import SHOWN, alternatives, near_miss, quoted


@pytest.mark.parametrize(
    ("actual", "expected", "clause"),
    [
        (" phase-12", "phase-12", ": it has white space around it, or invisible characters"),
        ("phase\u200b-12", "phase-12", ": it has white space around it, or invisible characters"),
        ("Phase-12", "phase-12", ": only case, padding and separators differ"),
        ("Phase 012", "phase-12", ": only case, padding and separators differ"),
        ("phase_12", "phase-012", ": only case, padding and separators differ"),
        ("phase-12-persistence", "phase-12", ": it goes on with '-persistence'"),
        ("Draft: Phase 12", "Phase 12", ": it has 'Draft: ' before it"),
        ("feat(a): x", "feat: x", ""),
        ("phase-120", "phase-012", ""),
        ("", "phase-12", ""),
        ("x", "", ""),
    ],
)
def test_a_near_miss_is_named(actual: str, expected: str, clause: str) -> None:
    assert near_miss(actual, ["other", expected]) == clause


def test_names_are_quoted_and_long_ones_cut_with_a_count() -> None:
    assert quoted("a" * SHOWN) == f"'{'a' * SHOWN}'"
    assert quoted("a" * (SHOWN + 7)) == f"'{'a' * SHOWN}...' (7 more characters)"
    assert alternatives(["a", "b"]) == "'a' or 'b'"
