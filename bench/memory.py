"""The peak memory of a check's own process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import repositories
from measure import NoFigure, run_once
from place import PLACE
from rows import Result, Row, measured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    Row("15a", "peak memory, `check --staged`", "MiB", 32.0, 16.0),
    Row("15b", "the same, range of 2,500 commits", "MiB", 60.0, 25.0),
    Row("15c", "the same, 1,000,000 added lines", "MiB", 40.0, 25.0),
)
_CHECKS: Mapping[str, tuple[str, Sequence[str], int]] = {
    "15a": ("hook", ("check", "--staged"), 0),
    "15b": ("range", ("check", "--range", "main..work"), 0),
    "15c": ("lines", ("check", "--range", "main..few"), 1),
}
"""For each row the repository, the arguments and the expected exit code."""


def measure_memory(tools: Tools, environment: Mapping[str, str], numbers: set[str]) -> list[Result]:
    """Measure row 15: the peak memory of specguard's own process, in MiB; the median of three runs."""
    target = PLACE / "peak"

    def measure(row: Row) -> list[float]:
        if not os.path.exists("/proc/self/status"):
            raise NoFigure("there is no /proc here to read a process's peak from")
        name, arguments, exit_code = _CHECKS[row.number]
        command = (tools.python, "-P", "-c", PROBE, str(target), *arguments)
        peaks = []
        for _ in range(3):
            target.unlink(missing_ok=True)
            run_once(command, repositories.build(name), environment, exit_code)
            peaks.append(int(target.read_text("ascii")) / 1024)
        return peaks

    return measured(MEMORY, numbers, measure)
