"""RUN003: runs that say they are running and have fallen silent."""

from __future__ import annotations

from specguard.rules import Finding, Rule
from specguard_rules.runs._cited import judged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Commit, RunRecords, Stage
    from specguard.runs.record import RunRecord


class StaleHeartbeat(Rule):
    r"""A run is still `running`, but its heartbeat is too old.

    `stale_after` of `[runs]` says how long it may be silent. Judged are runs that the change names or
    touches, or with `--all` every run.

    Why is this bad? It has died or hangs, and its record is incomplete.

    How to fix it: `specguard run doctor RUN` says why, and `specguard run resume RUN` continues.

    ```text
    error: .runs/phase-12/1/manifest.json:1: the run phase-12/1 is running, and its last heartbeat was
      2455 days ago
    ```

    ```toml fails
    policy = '''
    [runs]
    keep = "tree"
    gates = ["tests"]
    '''

    [[commits]]
    message = "feat: x"

    [commits.files]
    ".runs/phase-12/1/manifest.json" = '{"task_id": "12", "status": "running"}'
    ".runs/phase-12/1/control/heartbeat.json" = '{"time": "2020-03-01T10:00:00Z"}'

    [[expect]]
    code = "RUN003"
    path = ".runs/phase-12/1/manifest.json"
    message = "its last heartbeat"
    ```

    ```toml passes
    policy = '''
    [runs]
    keep = "tree"
    gates = ["tests"]
    '''

    [[commits]]
    message = "feat: x"

    [commits.files]
    ".runs/phase-12/1/manifest.json" = '{"task_id": "12", "status": "failed"}'
    ".runs/phase-12/1/control/heartbeat.json" = '{"time": "2020-03-01T10:00:00Z"}'
    ```
    """

    code: ClassVar[str] = "RUN003"
    name: ClassVar[str] = "stale-heartbeat"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = (
        "runs.require", "runs.grade", "runs.gates", "runs.quick_gates", "runs.full_gates"
    )  # fmt: skip
    condition: ClassVar[str] = "no run says that it is under way and has fallen silent"

    def check(
        self, run_records: RunRecords, whole: bool, commits: Sequence[Commit] | None = None
    ) -> Iterator[Finding]:
        """Listen for each run's heartbeat."""

        def stale(run: RunRecord, commit: Commit | None) -> Iterator[Finding]:
            if not run.running:
                return
            silence = run_records.silence(run)
            if silence is not None and silence <= run_records.stale_after:
                return
            when = (
                "it never had a heartbeat" if silence is None else f"its last heartbeat was {_ago(silence)}"
            )
            yield Finding(
                f"the run {run_records.shown(run)} is {run.state}, and {when}",
                help=f"Run `specguard run doctor {run.run_id}`: it says what became of it.",
                path=run_records.path(run),
                line=run.line("state" if "state" in run.value else "status"),
                commit=commit.oid if commit else None,
                key=f"stale {run_records.shown(run)}",
                setting="runs.stale_after",
            )

        yield from judged(commits, run_records, stale, whole=whole)


def _ago(seconds: float) -> str:
    """How long ago something was, for a person."""
    if seconds < 0:
        return "in the future"
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit} ago"
    return f"{int(seconds)} seconds ago"
