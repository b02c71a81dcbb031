"""What only brings runs is bookkeeping, but for an agent; `cases/work/commits-of-runs.toml` has the rest."""

from types import SimpleNamespace
from typing import Any, cast

from specguard.change.change import Bookkeeping


def test_what_an_agent_writes_itself_is_no_run() -> None:
    entry = SimpleNamespace(path=b".runs/phase-12/1/a", added=True, new_mode=0o100644)
    for stage, books in (("range", True), ("staged", True), ("edit", False), ("run", False)):
        change: Any = SimpleNamespace(stage=stage, entries=[entry], commits=[])
        kept = Bookkeeping(change, log=b"approvals/", runs=lambda: b".runs/", squash=False)
        assert kept.has(cast("Any", entry)) is books
