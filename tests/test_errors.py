"""What stops a check, and what goes on before it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.errors import MissingFact, judge_each, nearest
from specguard.model import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("name", "known", "step"),
    [
        ("limt", ["limit", "paths"], "did you mean 'limit'?"),
        ("zzz", ["paths", "limit"], "there is limit, paths"),
        ("zzz", [], ""),
    ],
)
def test_the_next_step_for_a_name_that_is_not_known(name: str, known: list[str], step: str) -> None:
    assert nearest(name, known) == step


def test_another_step_where_no_name_is_near() -> None:
    assert nearest("zzz", ["limit"], "look there") == "look there"
    assert nearest("limi", ["limit"], "look there") == "did you mean 'limit'?"


def test_what_is_found_comes_before_a_fact_that_is_missing() -> None:
    def judge(number: int) -> Iterator[int]:
        yield number
        if number % 2:
            raise MissingFact(f"number {number}")
        yield -number

    found: list[int] = []
    with pytest.raises(MissingFact, match="number 1"):
        found.extend(judge_each([1, 2, 3, 4], judge))
    # A list that is extended keeps what came before the error.
    assert found == [1, 2, -2, 3, 4, -4]
    assert list(judge_each([2, 4], judge)) == [2, -2, 4, -4]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\n b", "a b"), ("x" * 60, "x" * 60), ("x" * 61, "x" * 57 + "..."), ("", "")],
)
def test_a_text_for_a_message(text: str, shown: str) -> None:
    assert shortened(text) == shown


def test_a_text_is_no_longer_than_is_asked_for() -> None:
    assert shortened("abcdef", 5) == "ab..."
    assert shortened("abcde", 5) == "abcde"
