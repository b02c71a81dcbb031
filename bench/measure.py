"""Timing of whole processes that take turns."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from place import PLACE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class NoFigure(Exception):
    """Something could not be measured; the text says why."""


@dataclass(frozen=True)
class Contender:
    """One command that takes part in a race.

    Attributes:
        name: its name in the figures.
        command: the absolute path of the program, and its arguments.
        directory: the working directory.
        exit_code: the exit code of a successful run; any other one is a failure without a time.
        max_runs: the most runs, for commands that take long.
        prepare: called with the run's number (warm-up included) before each run, outside of the timing.
        stdin: the file that is its standard input.
    """

    name: str
    command: Sequence[str]
    directory: Path
    exit_code: int = 0
    max_runs: int = 1000
    prepare: Callable[[int], None] | None = None
    stdin: str = os.devnull


@dataclass
class Timing:
    """The times of one contender's runs.

    Attributes:
        seconds: wall-clock time of each run, from its start to its end, in the order of the runs.
        cpu: processor time of each run in seconds, including the processes that it waited for.
        failure: the reason if the times are missing; else empty.
    """

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    failure: str = ""

    @property
    def median(self) -> float:
        """The median of the times, in seconds."""
        return statistics.median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The bounds of the middle half of the times, in seconds."""
        return quartiles(self.seconds)


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Return the first and the third quartile; of fewer than three values the minimum and the maximum."""
    if len(values) < 3:
        return min(values), max(values)
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third


def race(
    contenders: Sequence[Contender],
    *,
    runs: int,
    warm_up: int,
    environment: Mapping[str, str],
) -> dict[str, Timing]:
    """Run all contenders several times, one of each in turn, so that a slow moment affects all of them.

    Args:
        contenders: the commands that take part.
        runs: the number of timed runs of each, unless it allows fewer.
        warm_up: the number of untimed runs of each that come first; 0 for a contender that allows one run.
        environment: all environment variables of the processes.

    Returns:
        The timings by name. A contender that fails is not run again.
    """
    timings = {contender.name: Timing() for contender in contenders}
    for number in range(warm_up + runs):
        for contender in contenders:
            timing = timings[contender.name]
            timed = number >= warm_up
            if timing.failure or (number - warm_up if timed else number) >= contender.max_runs:
                continue
            if not timed and contender.max_runs == 1:
                continue
            if contender.prepare is not None:
                contender.prepare(number)
            try:
                seconds, cpu = run_once(
                    contender.command, contender.directory, environment, contender.exit_code, contender.stdin
                )
            except NoFigure as error:
                timing.failure = str(error)
                continue
            if timed:
                timing.seconds.append(seconds)
                timing.cpu.append(cpu)
    return timings


def run_once(
    command: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    exit_code: int = 0,
    stdin: str = os.devnull,
) -> tuple[float, float]:
    """Run a process to its end, and return its wall-clock seconds and processor seconds.

    Its output is discarded.

    Raises:
        NoFigure: it ended with another exit code (negative: the signal).
    """
    errors = PLACE / "stderr"
    # `posix_spawn` is the fastest way to start a process in Python; it takes no directory.
    os.chdir(directory)
    started = time.perf_counter()
    process = os.posix_spawn(
        command[0],
        list(command),
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, str(errors), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        ],
    )
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - started
    code = os.waitstatus_to_exitcode(status)
    if code != exit_code:
        said = errors.read_text("utf-8", "replace").strip().splitlines()
        last = f": {said[-1].strip()[:200]}" if said else ""
        raise NoFigure(f"{Path(command[0]).name}: exit {code} where {exit_code} is expected{last}")
    return seconds, usage.ru_utime + usage.ru_stime
