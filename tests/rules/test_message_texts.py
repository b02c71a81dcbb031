from __future__ import annotations

import pytest

from specguard_rules.message_texts import SHOWN, alternatives, near_miss, quoted


@pytest.mark.parametrize(
    ("actual", "expected", "clause"),
    [
        (" phase-12", "phase-12", "it has white space around it, or invisible characters"),
        ("Phase-12", "phase-12", "only the case differs"),
        ("phase-012", "phase-12", "only case, padding and separators differ"),
        ("phase-12", "phase-012", "only case, padding and separators differ"),
        ("phase_12", "phase-12", "only case, padding and separators differ"),
        ("Phase 012", "phase-12", "only case, padding and separators differ"),
        ("phase\u200b-12", "phase-12", "it has white space around it, or invisible characters"),
        ("Phase 12.", "Phase 12", "it goes on with '.'"),
        ("phase-12-persistence", "phase-12", "it goes on with '-persistence'"),
        ("Draft: Phase 12", "Phase 12", "it has 'Draft: ' before it"),
        ("fix(phase12): x", "feat(phase12): x", ""),
        ("feat: x", "feat(phase12): x", ""),
        ("feat(a): x", "feat: x", ""),
        ("feat(a): x", "feat(b): x", ""),
        ("feat!: x", "feat: x", ""),
        ("phase-100", "phase-10", "it goes on with '0'"),
        ("phase-13", "phase-12", ""),
        ("phase-120", "phase-012", ""),
        ("", "phase-12", ""),
        ("x", "", ""),
    ],
)
def test_a_near_miss_is_named(actual: str, expected: str, clause: str) -> None:
    assert near_miss(actual, [expected]) == clause


def test_any_of_several_names_can_be_missed() -> None:
    assert near_miss("PHASE-012", ["phase-12", "phase-012"]) == "only case, padding and separators differ"
    assert near_miss("other", ["phase-12", "phase-012"]) == ""


def test_long_texts_are_cut_with_a_count() -> None:
    assert quoted("a" * SHOWN) == f"'{'a' * SHOWN}'"
    assert quoted("a" * (SHOWN + 7)) == f"'{'a' * SHOWN}...' (7 more characters)"


def test_alternatives() -> None:
    assert alternatives(["a"]) == "'a'"
    assert alternatives(["a", "b"]) == "'a' or 'b'"
