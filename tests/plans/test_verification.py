"""A person's word and the day it is of; `tests/cases/plans/verified*.toml` have the rest."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from specguard.plans.verification import unverified
from specguard.runs.proof import RunProof
from specguard.runs.record import RunRecords
from specguard.runs.settings import RunSettings
from tests.plans.making import NOTHING, plan_of, task

TODAY = datetime.date(2026, 2, 1)


# A clock ahead of UTC may show the day after.
@pytest.mark.parametrize(("day", "said"), [("2026-02-02", []), ("2026-02-03", ["in the future"])])
def test_a_word_is_not_of_the_future(day: str, said: list[str]) -> None:
    word: dict[str, Any] = {"verified_note": "device ok", "verified_by": "Ann", "verified_at": day}
    [one] = plan_of([task(status="done", **word)]).tasks
    records = RunRecords(
        RunSettings(keep="tree"),
        documents=NOTHING,
        root=lambda: None,
        entries=tuple,
        now=datetime.datetime.now,
    )
    git: Any = None
    runs = RunProof(
        records=records,
        git=git,
        tree=NOTHING.tree,
        head=None,
        past=lambda _: (),
        kinds={},
        paper=lambda _: False,
    )
    found = [finding.message for finding in unverified(one, runs, TODAY)]
    assert len(found) == len(said)
    assert all(part in message for part, message in zip(said, found, strict=True))
