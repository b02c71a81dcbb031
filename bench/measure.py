"""Timing whole processes, the competitors taking turns."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Contender:
    """One command that takes part in a race.

    Attributes:
        name: what the figures call it.
        command: the program, by its absolute path, and its arguments.
        directory: where it runs.
        expect: the exit code of a run that did its work; any other one is a failure and no time.
        most: at most so many runs, for commands that take long.
        before: called with the run's number (warm-up included) before each run, off the clock.
        stdin: the file that is its standard input.
    """

    name: str
    command: Sequence[str]
    directory: Path
    expect: int = 0
    most: int = 1000
    before: Callable[[int], None] | None = None
    stdin: str = os.devnull


@dataclass
class Timing:
    """What the runs of one contender took.

    Attributes:
        seconds: wall-clock time of each run, from its start to its end, in the order of the runs.
        cpu: processor time of each run in seconds, its own and that of the processes it waited for.
        failure: why there are no times; empty if there are.
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
        """Between these two lies the middle half of the times, in seconds."""
        return quartiles(self.seconds)


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """The first and the third quartile; of fewer than three values the least and the greatest."""
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
    errors: Path,
) -> dict[str, Timing]:
    """Run every contender so many times, one of each in turn, so that a slow moment meets all of them.

    Args:
        contenders: who takes part.
        runs: how many timed runs of each, unless it allows fewer.
        warm_up: how many runs of each come first and are not timed; none of a contender that allows one run.
        environment: all variables that the processes see.
        errors: a file that takes a process's standard error; standard output is thrown away.

    Returns:
        The timings by name. A contender that fails is not run again.
    """
    timings = {contender.name: Timing() for contender in contenders}
    for number in range(warm_up + runs):
        for contender in contenders:
            timing = timings[contender.name]
            timed = number >= warm_up
            if timing.failure or (number - warm_up if timed else number) >= contender.most:
                continue
            if not timed and contender.most == 1:
                continue
            if contender.before is not None:
                contender.before(number)
            seconds, cpu, code = run_once(
                contender.command, contender.directory, environment, errors, contender.stdin
            )
            if code != contender.expect:
                timing.failure = f"exit {code} where {contender.expect} is expected{_last_line(errors)}"
            elif timed:
                timing.seconds.append(seconds)
                timing.cpu.append(cpu)
    return timings


def run_once(
    command: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    errors: Path,
    stdin: str = os.devnull,
) -> tuple[float, float, int]:
    """Run a process to its end: wall-clock seconds, processor seconds, exit code (negative: the signal)."""
    # `posix_spawn` is the cheapest start that Python has; it takes no directory.
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
    return seconds, usage.ru_utime + usage.ru_stime, os.waitstatus_to_exitcode(status)


def _last_line(errors: Path) -> str:
    """The end of what a process said on standard error, to stand behind its exit code."""
    lines = errors.read_text("utf-8", "replace").strip().splitlines()
    return f": {lines[-1].strip()[:200]}" if lines else ""
