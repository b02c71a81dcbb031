"""Runs for people: a table of several, and all there is to tell of one."""

from __future__ import annotations

import shlex
from datetime import datetime

from specguard.reporters.escape import cut, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from specguard.runs.views import RunView

HEADS: Final = ("run", "item", "state", "step", "started", "took", "heartbeat")
SCHEMA: Final = "specguard.runs/1"
"""The name of what `as_data` gives; fields are only added to it."""

_MINUTE: Final = 60
_HOUR: Final = 3600
_LONGEST: Final = 60


def cells(run: RunView) -> Sequence[str]:
    """A run as the cells of a row."""
    return (
        visible(run.run_id),
        visible(cut(run.item, _LONGEST)),
        visible(f"{run.state} (dead)" if run.stale else run.state),
        visible(run.step) or "-",
        moment(run.started),
        span(run.took),
        span(run.heartbeat_age) if run.open else "-",
    )


def table(runs: Sequence[RunView]) -> str:
    """Several runs as lines with a head."""
    return aligned([HEADS, *map(cells, runs)])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as lines, each column as wide as it must be."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def as_data(runs: Sequence[RunView], *, lines: int | None = None) -> dict[str, Any]:
    """Several runs as JSON can hold them.

    Args:
        runs: the runs.
        lines: how many lines of the end of each one's log are told; None: its log is left out.
    """
    told = [run.data if lines is None else {**run.data, "tail": run.tail(lines)} for run in runs]
    return {"schema": SCHEMA, "runs": told}


def all_of(run: RunView, *, lines: int = 20) -> str:
    """All there is to tell of a run.

    Args:
        run: the run.
        lines: how many lines of the end of its log are shown.
    """
    age = run.heartbeat_age
    process = {None: "not told", True: f"{run.pid} runs", False: f"{run.pid} has ended"}[run.process_runs]
    alive = "yes" if run.alive else "no: it has died" if run.stale else "no: it has ended"
    if not run.open and run.problem:
        alive = "not told"
    rows = [
        ("run", run.run_id),
        ("item", run.item),
        ("state", run.state),
        ("why", run.reason),
        ("record", run.layout or "none"),
        ("problem", run.problem),
        ("step", run.step),
        ("started", moment(run.started)),
        ("took", span(run.took)),
        ("process", process),
        ("alive", alive),
        ("heartbeat", "none" if age is None else f"{span(age)} ago"),
        ("folder", run.path),
        ("log", run.log or "none"),
        ("again", shlex.join(run.again) or "not told"),
    ]
    told = [f"{name:<10} {visible(text)}" for name, text in rows if text]
    tail = run.tail(lines)
    if tail:
        told += ["", *(f"  {visible(line)}" for line in tail.split("\n"))]
    return "\n".join(told)


def moment(at: datetime | None) -> str:
    """A time, in UTC and to the second; `-` for none."""
    return "-" if at is None else at.strftime("%Y-%m-%d %H:%M:%SZ")


def span(seconds: float | None) -> str:
    """A duration, to the second: `2h05m`, `1m30s`, `4s`; `-` for none."""
    if seconds is None:
        return "-"
    whole = int(seconds)
    if whole >= _HOUR:
        return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02d}m"
    if whole >= _MINUTE:
        return f"{whole // _MINUTE}m{whole % _MINUTE:02d}s"
    return f"{whole}s"


def metrics_text(data: Mapping[str, Any]) -> str:
    """What runs come to, for a person."""
    seconds, attempts, coverage = data["seconds"], data["attempts"], data["coverage"]
    spans = [span(seconds[name]) for name in ("total", "median", "longest")]
    states = ", ".join(f"{number} {visible(state)}" for state, number in data["states"].items())
    percent = "none" if coverage["percent"] is None else f"{coverage['percent']:g} %"
    done = len(coverage["covered"]) + len(coverage["uncovered"])
    lines = [
        f"runs       {data['runs']}" + (f" ({states})" if states else ""),
        f"time       {spans[0]} in all, {spans[1]} in the middle, {spans[2]} the longest",
        "attempts   none"
        if attempts["mean"] is None
        else f"attempts   {attempts['mean']:g} a run, {attempts['most']} at most",
        "gates" if data["gates"] else "gates      none",
    ]
    for name, one in data["gates"].items():
        lines.append(f"  {visible(name)}: {one['passed']} passed, {one['failed']} failed")
    lines.append(
        f"coverage   {percent}" + (f" ({len(coverage['covered'])} of {done} done items)" if done else "")
    )
    for title, items in (("covered", coverage["covered"]), ("not covered", coverage["uncovered"])):
        lines += [title] if items else []
        for item in items:
            said = " ".join(part for part in (item["commit"][:10], item["run"]) if part)
            why = f": {item['problem']}" if item["problem"] else ""
            lines.append(visible(f"  {item['label']} {said}".rstrip() + why))
    return "\n".join(lines)
