"""Output of the figures: a table, and a file for other programs."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from place import PLACE, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from measure import Timing
    from rows import Result

FIGURES = PLACE / "figures.json"
PAGE = ROOT / "docs" / "speed.md"
START, END = "<!-- figures: made by bench/run.py --docs -->", "<!-- end of figures -->"


def table(results: Sequence[Result]) -> list[str]:
    """Return the rows as a Markdown table."""
    cells = [("row", "work", "against", "must", "reach", "measured", "middle half", "outcome")]
    cells += [
        (
            result.row.number,
            result.row.work,
            result.row.against,
            f"{result.row.must:.3g}",
            f"{result.row.reach:.3g}",
            "" if result.value is None else f"{result.value:.3g}",
            "" if result.spread is None else f"{result.spread[0]:.3g}-{result.spread[1]:.3g}",
            result.outcome + (f": {result.note}" if result.note else ""),
        )
        for result in results
    ]
    return _align(cells)


def times(timings: Mapping[str, Timing]) -> list[str]:
    """Return the times of the contenders as a Markdown table."""
    cells = [("command", "runs", "median ms", "middle half", "processor ms")]
    for name, timing in timings.items():
        if timing.failure:
            cells.append((name, "0", timing.failure, "", ""))
        elif timing.seconds:
            low, high = (1000 * bound for bound in timing.quartiles)
            cpu = sorted(timing.cpu)[len(timing.cpu) // 2] * 1000
            runs = str(len(timing.seconds))
            cells.append(
                (name, runs, f"{1000 * timing.median:.1f}", f"{low:.1f} to {high:.1f}", f"{cpu:.1f}")
            )
    return _align(cells)


def describe_machine() -> str:
    """Describe the measuring machine and its load."""
    return f"{platform.system()}, {os.cpu_count()} cores, {os.getloadavg()[1]:.1f} processes running"


def write_figures(
    results: Sequence[Result], timings: Mapping[str, Timing], versions: Mapping[str, str], *, quick: bool
) -> None:
    """Write all figures to `FIGURES`: times in seconds, memory in MiB."""
    data = {
        "schema": "specguard.bench/1",
        "machine": {"system": platform.platform(), "cores": os.cpu_count(), "load": os.getloadavg()},
        "versions": versions,
        "quick": quick,
        "rows": [
            {
                "row": result.row.number,
                **{name: getattr(result.row, name) for name in ("work", "against", "must", "reach")},
                **{name: getattr(result, name) for name in ("value", "spread", "outcome", "note")},
            }
            for result in results
        ],
        "times": {name: asdict(timing) for name, timing in timings.items()},
    }
    FIGURES.write_text(json.dumps(data, indent=1) + "\n", "utf-8")


def write_page(lines: Sequence[str]) -> None:
    """Write these lines between the two marks of `docs/speed.md`.

    Raises:
        ValueError: the page does not have the marks.
    """
    page = Path(PAGE).read_text("utf-8")
    before, start, rest = page.partition(START)
    _, end, behind = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{PAGE} has no {START} with {END} behind it")
    PAGE.write_text("\n".join((before + START, "", *lines, "", END + behind)), "utf-8")


def _align(cells: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return lines
