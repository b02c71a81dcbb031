"""The peak memory of a check's own process."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import repositories
from place import PLACE
from rows import Result, Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from place import Tools

PROBE = """\
import sys
from specguard.cli import main
target, sys.argv = sys.argv[1], ["specguard", *sys.argv[2:]]
code = main()
status = open("/proc/self/status").read()
open(target, "w").write(status.split("VmHWM:")[1].split()[0])
sys.exit(code)
"""
"""A check that writes the peak memory of its own process in KiB, without the git processes that it starts.

`VmHWM` starts anew with each program; `ru_maxrss` of a child would count its parent and its children too.
"""

MEMORY = (
    ("15a", "peak memory, `check --staged`", 32.0, 16.0, "hook", ("check", "--staged"), 0),
    ("15b", "the same, range of 2,500 commits", 60.0, 25.0, "range", ("check", "--range", "main..work"), 0),
    ("15c", "the same, 1,000,000 added lines", 40.0, 25.0, "lines", ("check", "--range", "main..few"), 1),
)
"""Number, work, `must` and `reach` in MiB, repository, arguments and the expected exit code."""


def measure_memory(tools: Tools, environment: Mapping[str, str], numbers: set[str]) -> list[Result]:
    """Measure row 15: the peak memory of specguard's own process, in MiB; the median of three runs."""
    results = []
    for number, work, must, reach, name, arguments, expect in MEMORY:
        if number not in numbers:
            continue
        row = Row(number, work, "MiB", must, reach)
        peaks, failure = [], ""
        for _ in range(3):
            peak, failure = _measure_peak(tools, repositories.build(name), arguments, expect, environment)
            if failure:
                break
            peaks.append(peak)
        if failure:
            results.append(Result(row, note=failure))
        else:
            results.append(Result(row, sorted(peaks)[1], (min(peaks), max(peaks))))
    return results


def _measure_peak(
    tools: Tools, directory: Path, arguments: Sequence[str], expect: int, environment: Mapping[str, str]
) -> tuple[float, str]:
    target = PLACE / "peak"
    target.unlink(missing_ok=True)
    if not os.path.exists("/proc/self/status"):
        return 0.0, "there is no /proc here to read a process's peak from"
    done = subprocess.run(
        [tools.python, "-P", "-c", PROBE, str(target), *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != expect or not target.exists():
        said = done.stderr.strip().splitlines()
        return 0.0, f"exit {done.returncode} where {expect} is expected: {said[-1] if said else ''}"
    return int(target.read_text("ascii")) / 1024, ""
