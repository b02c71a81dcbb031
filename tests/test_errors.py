"""What stops a check, and what goes on before it is told."""

from collections.abc import Iterator

import pytest

from specguard.errors import MissingFact, judge_each, nearest
from specguard.model import shortened


def test_the_next_step_for_a_name_that_is_not_known() -> None:
    assert nearest("limt", ["limit", "paths"]) == "did you mean 'limit'?"
    assert (nearest("zzz", ["paths", "limit"]), nearest("zzz", [])) == ("there is limit, paths", "")
    assert [nearest(one, ["on"], "see") for one in ("zzz", "on_branch")] == ["see", "did you mean 'on'?"]


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


def test_a_text_for_a_message_is_no_longer_than_is_asked_for() -> None:
    for text, shown in (("a\n b", "a b"), ("x" * 60, "x" * 60), ("x" * 61, "x" * 57 + "..."), ("", "")):
        assert shortened(text) == shown
    assert (shortened("abcdef", 5), shortened("abcde", 5)) == ("ab...", "abcde")
