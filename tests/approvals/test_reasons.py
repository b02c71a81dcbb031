"""Which reasons of approvals say something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from specguard.approvals.approvals import says_nothing
from tests.rows import rows


class Known:
    """A policy that knows one rule."""

    code = "PTH002"
    name = "locked-path"

    def rule(self, code: str) -> Known | None:
        return self if code in (self.code, self.name) else None


def judge(reason: str, codes: Sequence[str] = ("PTH002",)) -> str:
    policy: Any = Known()
    return says_nothing(reason, policy, codes)


def test_reasons() -> None:
    # Three signs of a script that has no letters say as much as a short sentence.
    for reason in rows(__file__, "empty"):
        assert judge(reason) == "", reason
    assert judge("PTH001 is locked elsewhere") == ""


@pytest.mark.parametrize(
    "reason",
    [
        "abcdefg", "1234 567", "LGTM, approved!", "please approve, it is needed for the override",
        "pth002 locked-path", "the locked path is required", "Locked  Path,\tLOCKED-PATH", "\u6cd5\u52a1",
        "TODO", "TBD: to be decided later", "........................",
    ],
)  # fmt: skip
def test_none(reason: str) -> None:
    assert judge(reason) == f"its reason, {' '.join(reason.split())!r}, says nothing"


def test_an_empty_one_and_a_long_one() -> None:
    assert judge("") == judge(" \n\t") == "it gives no reason"
    assert judge("-" * 99) == f"its reason, {'-' * 60!r}, says nothing"


def test_names_count_by_the_rules_that_are_meant() -> None:
    assert judge("locked path", ["CNT001"]) == ""
    assert judge("cnt001 CNT001", ["CNT001"]) != ""
