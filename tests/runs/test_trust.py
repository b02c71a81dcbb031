"""Words of high trust, as agents' command lines have them."""

from __future__ import annotations

import shlex

import pytest

from specguard.runs.proof import high_trust
from tests.rows import rows


@pytest.mark.parametrize(("command", "told"), rows(__file__, "words_of_high_trust_are_told"))  # fmt: skip
def test_words_of_high_trust_are_told(command: str, told: list[str]) -> None:
    words = shlex.split(command)
    assert high_trust(words) == told
    assert high_trust(words, told) == []
    assert high_trust(words, ["something else"]) == told


@pytest.mark.parametrize("command", rows(__file__, "other_words_are_not"))
def test_other_words_are_not(command: str) -> None:
    assert high_trust(shlex.split(command)) == []


@pytest.mark.parametrize(("command", "allowed"), rows(__file__, "each_is_allowed_by_its_name"))
def test_each_is_allowed_by_its_name(command: str, allowed: str) -> None:
    assert high_trust(shlex.split(command), [allowed]) == []


def test_one_that_is_allowed_allows_no_other() -> None:
    words = ["codex", "--yolo", "--sandbox", "danger-full-access"]
    assert high_trust(words, ["danger-full-access"]) == ["--yolo"]
