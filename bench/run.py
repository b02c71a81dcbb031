"""Measure specguard against its promises: `make bench`, or `python bench/run.py --help`.

The wheel is built and installed byte-compiled below `.bench/`, with the peers beside it. Whole processes are
timed in repositories that are built for this. `docs/speed.md` describes the method; the figures go to
`.bench/figures.json`.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

import histories
import memory
import place
import report
import repositories
import whole_run
from measure import Contender, race
from races import UNIDIFF_NAME, Race, races, write_patch
from rows import GROWTH, Result, growth, result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from measure import Timing
    from place import Tools


def main() -> int:
    """Measure the chosen rows; return 1 if a row misses its promise or has no figure."""
    options = _options()
    # A git hook and `git bisect run` set variables that would lead every git of a row to their repository.
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        del os.environ[name]
    tools = place.install(keep=options.keep)
    all_races = races(tools, quick=options.quick)
    all_rows = [row for one in all_races for row in one.rows]
    numbers = [row.number for row in (*all_rows, *memory.MEMORY, *whole_run.RUNS, *histories.HISTORIES)]
    chosen = set(options.rows.split(",")) if options.rows else set(numbers)
    unknown = chosen.difference(numbers)
    if unknown:
        print(f"there is no row {' '.join(sorted(unknown))}; there are {' '.join(numbers)}", file=sys.stderr)
        return 2
    results: list[Result] = []
    timings: dict[str, Timing] = {}
    for one in all_races:
        if chosen & {row.number for row in one.rows}:
            results += _run(one, tools, chosen, timings, quick=options.quick)
    results += memory.measure_memory(tools, place.environment(), chosen)
    results += whole_run.measure_runs(tools, place.environment(), chosen, quick=options.quick)
    results += histories.measure_histories(tools, place.environment(), chosen, quick=options.quick)
    versions = place.versions(tools)
    report.write_figures(results, timings, versions, quick=options.quick)
    lines = [
        ", ".join(f"{name} {version}" for name, version in versions.items())
        + f"; {report.describe_machine()}"
        + (", few runs." if options.quick else "."),
        "",
        *report.table(results),
    ]
    print("\n".join([*lines, "", *report.times(timings)]))
    if options.docs:
        report.write_page(lines)
    return 1 if any(one.outcome in {"missed", "no figure"} for one in results) else 0


def _run(
    one: Race, tools: Tools, chosen: set[str], timings: dict[str, Timing], *, quick: bool
) -> list[Result]:
    """Run one race, add its timings to all others, and return its rows."""
    rows = [row for row in one.rows if row.number in chosen]
    directory = repositories.build(one.repository)
    environment = place.environment()
    contenders = _needed(one, chosen)
    if any(contender.name == UNIDIFF_NAME for contender in contenders):
        write_patch(tools)
    for expected in one.expected:
        reason = expected.mismatch(tools, directory, environment)
        if reason:
            return [Result(row, note=reason) for row in rows]
    print(f"timing {', '.join(contender.name for contender in contenders)}", file=sys.stderr)
    own = race(
        contenders,
        runs=one.runs[1 if quick else 0],
        warm_up=1 if quick else 3,
        environment=environment,
    )
    for name, timing in own.items():
        # The bare interpreter takes part in several races; each race keeps its own figure.
        timings[name if name not in timings else f"{name} ({rows[0].work})"] = timing
    return [
        growth(own) if row is GROWTH else result(row, own, tools.why_no_commitlint or "took no part")
        for row in rows
    ]


def _needed(one: Race, chosen: set[str]) -> Sequence[Contender]:
    """Return the contenders of the chosen rows; if all rows are chosen, also those that are only shown."""
    rows = [row for row in one.rows if row.number in chosen]
    if len(rows) == len(one.rows):
        return one.contenders
    names = {name for row in rows for name in (row.subject, row.peer)}
    return [
        contender
        for contender in one.contenders
        if contender.name in names or (GROWTH in rows and contender.name.startswith("check --range"))
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure specguard against its promises.")
    parser.add_argument("--rows", metavar="N,N", default="", help="measure these rows alone, such as 1,2,15a")
    parser.add_argument("--quick", action="store_true", help="few runs: an impression, not a figure")
    parser.add_argument("--keep", action="store_true", help="do not build and install the wheel again")
    parser.add_argument("--docs", action="store_true", help="write the figures into docs/speed.md too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
