"""The cost of auditing whole histories: one change, a second audit, two processes, and a worker's memory."""

from __future__ import annotations

import os
import statistics
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import repositories
from measure import NoFigure, run_once
from place import PLACE
from repositories import CHANGES
from rows import Result, Row, measured

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from place import Tools

HISTORIES = (
    Row("17", "`audit` of 1,000 changes, each of them", "`check --range` of one", 0.1, 0.05),
    Row("18", "`audit` of 10,000 changes, nothing new", "the first time", 0.02, 0.005),
    Row("18s", "the same", "python -c 'import sqlite3'", 40.0, 4.0),
    Row("19", "time of `audit --jobs 2`, 4,000 changes", "one process", 1 / 1.7, 1 / 1.9),
    Row("20", "peak memory of `--jobs 2` workers, 50,000 changes", "MiB", 150.0, 80.0),
    Row("20g", "the same, at the end", "after a fifth", 1.1, 1.02),
)
"""1.7 times as fast is 0.59 of the time; 40 interpreters are 0.02 of 10,000 changes of 4 ms each."""

STORE: Final = PLACE / "audits.sqlite"


def measure_histories(
    tools: Tools, environment: Mapping[str, str], numbers: set[str], *, quick: bool
) -> list[Result]:
    """Measure rows 17 to 20, over a history of 50,000 changes, of which each audit takes the newest."""
    if not numbers & {row.number for row in HISTORIES}:
        return []
    bench = _Bench(tools, environment, quick=quick)
    measures: Mapping[str, Callable[[], Sequence[float]]] = {
        "17": bench.measure_change,
        "18": lambda: bench.repeat[0],
        "18s": lambda: bench.repeat[1],
        "19": bench.measure_jobs,
        "20": lambda: bench.memory[0],
        "20g": lambda: bench.memory[1],
    }
    return measured(HISTORIES, numbers, lambda row: measures[row.number]())


class _Bench:
    """Audits of one repository.

    Args:
        tools, environment: as for a race.
        quick: True if a few runs are enough.
    """

    def __init__(self, tools: Tools, environment: Mapping[str, str], *, quick: bool) -> None:
        self._tools, self._environment, self._quick = tools, environment, quick
        self._repository = repositories.build("history")

    def measure_change(self) -> Sequence[float]:
        """Measure row 17: the time of one change of a thousand, divided by that of a check of the last."""
        check = (self._tools.specguard, "check", "--range", "main~1..work")
        self._time(check)
        taken = []
        for _ in range(2 if self._quick else 7):
            one = statistics.median(self._time(check) for _ in range(5))
            taken.append(self._audit(1_000, new=True) / 1_000 / one)
        return taken

    @cached_property
    def repeat(self) -> tuple[Sequence[float], Sequence[float]]:
        """Row 18: the time of a second audit, divided by the first one's and a bare interpreter's."""
        bare = (self._tools.python, "-c", "import sqlite3")
        self._time(bare)
        shares, multiples = [], []
        for _ in range(1 if self._quick else 3):
            first = self._audit(10_000, new=True)
            for _ in range(3 if self._quick else 7):
                second = self._audit(10_000, new=False)
                shares.append(second / first)
                multiples.append(second / self._time(bare))
        return shares, multiples

    def measure_jobs(self) -> Sequence[float]:
        """Measure row 19: the time of two processes, divided by that of one."""
        taken = []
        for _ in range(1 if self._quick else 5):
            one = self._audit(4_000, new=True)
            taken.append(self._audit(4_000, "--jobs", "2", new=True) / one)
        return taken

    @cached_property
    def memory(self) -> tuple[Sequence[float], Sequence[float]]:
        """Row 20: each worker's peak in MiB, and its ratio to the peak at a fifth of the time."""
        if not os.path.exists("/proc/self/status"):
            raise NoFigure("there is no /proc here to read a process's peak from")
        _delete_store()
        command = self._command(CHANGES // 5 if self._quick else CHANGES, "--jobs", "2")
        discard = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
        process = os.posix_spawn(command[0], list(command), self._environment, file_actions=discard)
        peaks: dict[str, list[float]] = {}
        while not (ended := os.waitpid(process, os.WNOHANG))[0]:
            for worker, peak in _workers(process):
                peaks.setdefault(worker, []).append(peak)
            time.sleep(0.1)
        if code := os.waitstatus_to_exitcode(ended[1]):
            raise NoFigure(f"audit: exit {code} where 0 is expected")
        if len(peaks) != 2:
            raise NoFigure(f"audit: {len(peaks)} workers where 2 are expected")
        samples = list(peaks.values())
        return [one[-1] for one in samples], [one[-1] / one[len(one) // 5] for one in samples]

    def _audit(self, changes: int, *more: str, new: bool) -> float:
        """Time an audit of the newest changes in seconds, with a new store or the previous one."""
        if new:
            _delete_store()
        return self._time(self._command(changes, *more))

    def _command(self, changes: int, *more: str) -> Sequence[str]:
        store = ("--store", str(STORE))
        return (
            self._tools.specguard, "audit", str(self._repository), "--last", str(changes), *store, *more
        )  # fmt: skip

    def _time(self, command: Sequence[str]) -> float:
        return run_once(command, self._repository, self._environment)[0]


def _delete_store() -> None:
    """Delete the store of the previous audit."""
    for file in PLACE.glob(f"{STORE.name}*"):
        file.unlink()


def _workers(process: int) -> Sequence[tuple[str, float]]:
    """Return the current worker processes of a process, each with its peak so far in MiB."""
    found = []
    children = Path(f"/proc/{process}/task/{process}/children")
    for child in children.read_text("ascii").split():
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
            status = Path(f"/proc/{child}/status").read_text("ascii")
        except OSError:
            # The worker has just ended.
            continue
        _, peak, rest = status.partition("VmHWM:")
        if b"spawn_main" in command and peak:
            found.append((child, int(rest.split()[0]) / 1024))
    return found
