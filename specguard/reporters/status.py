"""Overviews for people: the status of the work, open branches, and runs."""

from __future__ import annotations

import shlex
from datetime import datetime

from specguard.model import TYPE_CHECKING, counted, listed, path_text
from specguard.reporters.escape import cut, cut_path, text_lines, visible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.engine.open_branches import BranchPair, OpenBranch, OpenBranches
    from specguard.runs.store import RunView

    Data = Mapping[str, Any]


SHOWN: Final = 20
"""The number of waves, slices, plans, tasks, agents and missing things that are listed; the rest is counted.
"""

ALL_SHOWN_UP_TO: Final = 3
"""Up to this number of waves, or plans, all are shown; of more, only those that are not complete."""

_LONGEST: Final = 300
"""The number of characters of one item that are shown; in a table, a third of it."""


def render(status: Data) -> str:
    """Return a status, as `specguard.engine.status` makes it, as text that ends in a newline."""
    own = [status["item"]] if status["item"] is not None else []
    known = [(one["kind"], one["id"]) for one in own]
    others = [one for one in status["current"] if (one["kind"], one["id"]) not in known]
    # Missing things of a wave as a whole: those of an open stage are shown above, and later stages wait.
    # With `--require`, which lists worktrees, all missing things follow at the end.
    lacks = [one for one in status["missing"] if one["wave"] and not (one["stage"] or status["worktrees"])]
    lists = {"missing": _missing_lines(lacks), "next": status["next"], "not known": status["unknown"]}
    return _text(
        "status.txt",
        status=status,
        heads=[*(("item", one) for one in own), *(("current", one) for one in others)],
        items=_table([_columns(item, item["owner"], item["branch"]) for item in status["items"]]),
        undone=[plan for plan in status["plans"] if {one["state"] for one in plan["tasks"]} != {"done"}],
        tasks=_tasks,
        lists={label: _cut_list([*texts]) for label, texts in {**lists, "note": status["notes"]}.items()},
        missing=lambda stage: _cut_list([*_missing_lines(stage["missing"])]),
        most=_LONGEST,
        shown=SHOWN,
        all_up_to=ALL_SHOWN_UP_TO,
    )


def _text(template: str, **values: Any) -> str:
    """Return the text that a template makes, each of its lines as a terminal may show it."""
    return "".join(f"{visible(line.rstrip())}\n" for line in text_lines(template, **values))


def _tasks(plan: Data) -> Iterator[str]:
    # Of a long plan the done tasks are only counted.
    tasks = [one for one in plan["tasks"] if one["state"] != "done" or len(plan["tasks"]) <= SHOWN]
    return _table([_columns(task, task["status"] if task["state"] != "done" else "") for task in tasks])


def _columns(thing: Data, detail: str | None, branch: str | None = None) -> tuple[str | None, ...]:
    """Return an item or task as cells: its state first, and last what it needs or the branch for it."""
    last = branch if thing["state"] in ("ready", "conditional") else ""
    if thing["state"] == "blocked" and thing["needs"]:
        last = f"needs {', '.join(thing['needs'])}"
    return thing["state"], thing["id"], thing["title"], detail, last


def _table(rows: Sequence[tuple[str | None, ...]]) -> Iterator[str]:
    """Yield rows of a state and aligned columns; empty columns are left out."""
    shown = [[cut(cell or "", _LONGEST // 3) for cell in cells] for _, *cells in rows[:SHOWN]]
    columns = [column for column in zip(*shown, strict=True) if any(column)]
    lines = align_rows(list(zip(*columns, strict=True))) if columns else [""] * len(shown)
    yield from (f"  {row[0]:12}{line}" for row, line in zip(rows, lines, strict=False))
    if len(rows) > SHOWN:
        yield f"  and {len(rows) - SHOWN} more"


def required(status: Data) -> str:
    """Return the result of `--require complete`: the missing things, and a verdict line."""
    missing = list(_missing_lines(status["missing"]))
    return "".join(f"{line}\n" for line in text_lines("required.txt", **{**status, "missing": missing}))


def _missing_lines(missing: Sequence[Data]) -> Iterator[str]:
    for one in missing:
        path, text = one["path"], one["what"]
        if path and one["line"]:
            # In a sentence that begins with the file name, the line number goes behind the name.
            begins = text.startswith(f"{path} ")
            text = text.removeprefix(path) if begins else f": {text.removeprefix(f'{path}: ')}"
            text = f"{path}:{one['line']}{text}"
        yield cut(text, _LONGEST)


def _cut_list(lines: Sequence[str]) -> list[str]:
    return [*lines[:SHOWN], f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else list(lines)


def align_rows(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines with columns that a terminal shows aligned, also of wide characters."""
    from rich.cells import cell_len, set_cell_size

    # A line end within a cell would start a false row.
    rows = [list(map(visible, row)) for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(set_cell_size, row, widths)).rstrip() for row in rows]


BRANCHES_SCHEMA: Final = "specguard.branches/1"
"""The schema name of `branches_as_data`; fields are only added to it."""

PATHS_LISTED: Final = 100
"""The number of a pair's shared paths that the data lists; their total number is a field of its own."""

_STATES: Final = ("conflict", "no conflict", "not asked")


def render_branches(found: OpenBranches) -> str:
    """Return the open branches and their pairs as text, ending in a newline; pairs in conflict come first."""
    pairs = sorted(found.pairs, key=lambda pair: _STATES.index(_state(pair)))
    lines = _table([_branch_cells(branch) for branch in found.branches])
    values = {"state_of": _state, "names": lambda paths: listed(list(map(cut_path, _path_texts(paths))), 3)}
    return _text("branches.txt", found=found, branches=lines, pairs=pairs, most=SHOWN, **values)


def _branch_cells(branch: OpenBranch) -> tuple[str, ...]:
    below = listed(list(branch.based_on), 3)
    return (
        counted(branch.age, "day") if branch.age else "today",
        branch.name,
        branch.label,
        branch.owner.partition(" <")[0],
        counted(len(branch.files), "file"),
        branch.problem or (below and f"starts from {below}"),
    )


def _state(pair: BranchPair) -> str:
    return "not asked" if pair.conflicts is None else "conflict" if pair.conflicts else "no conflict"


def _path_texts(paths: Collection[bytes]) -> list[str]:
    return [path_text(path) for path in sorted(paths)]


def branches_as_data(found: OpenBranches) -> dict[str, Any]:
    """Return the open branches and their pairs as JSON data."""
    branches = [
        {
            "name": branch.name,
            "refs": list(branch.refs),
            "head": branch.oid,
            "item": {"kind": branch.item.kind, "id": branch.item_id} if branch.item else None,
            "owner": branch.owner,
            "age_days": branch.age,
            "files": _path_texts(branch.files),
            "stands_on": list(branch.based_on),
            "problem": branch.problem,
        }
        for branch in found.branches
    ]
    pairs = [
        {
            "branches": [pair.one.name, pair.other.name],
            "same_item": pair.same_item,
            "shared": len(pair.shared),
            "files": _path_texts(pair.shared)[:PATHS_LISTED],
            "outside": [
                {"branch": branch.name, "item": other.label, "files": _path_texts(paths)}
                for branch, other, paths in pair.outside
            ],
            "conflicts": None if pair.conflicts is None else _path_texts(pair.conflicts),
        }
        for pair in found.pairs
    ]
    base = {"name": found.base.name, "head": found.base.oid}
    fields = {"branches": branches, "landed": found.landed, "pairs": pairs, "notes": list(found.notes)}
    return {"schema": BRANCHES_SCHEMA, "base": base, **fields}


HEADERS: Final = ("run", "item", "state", "step", "started", "took", "heartbeat")
RUNS_SCHEMA: Final = "specguard.runs/1"
"""The schema name of `as_data`; fields are only added to it."""

_LONGEST_RUN_TEXT: Final = 60


def cells(run: RunView) -> Sequence[str]:
    """Return a run as the cells of a row."""
    return (
        visible(run.run_id),
        visible(cut(run.label, _LONGEST_RUN_TEXT)),
        visible(f"{run.state} ({'hangs' if run.is_process_alive else 'dead'})" if run.stale else run.state),
        visible(run.step) or "-",
        moment(run.started),
        duration(run.duration),
        duration(run.heartbeat_age) if run.running else "-",
    )


def table(runs: Sequence[RunView]) -> str:
    """Return several runs as lines with a header."""
    return "\n".join(align_rows([HEADERS, *map(cells, runs)]))


def as_data(runs: Sequence[RunView], *, lines: int | None = None) -> dict[str, Any]:
    """Return several runs as JSON data.

    Args:
        runs: the runs.
        lines: the number of lines from the end of each log to include; None leaves the logs out.
    """
    run_data = [run.data if lines is None else {**run.data, "tail": run.tail(lines)} for run in runs]
    return {"schema": RUNS_SCHEMA, "runs": run_data}


def describe(run: RunView, *, lines: int) -> str:
    """Return all information about a run as text.

    Args:
        run: the run.
        lines: the number of lines from the end of its log to show.
    """
    values = {"run": run, "again": shlex.join(run.rerun), "tail": run.tail(lines)}
    return "\n".join(map(visible, text_lines("run.txt", **values, moment=moment, duration=duration)))


def moment(at: datetime | None) -> str:
    """Return a time in UTC, to the second; `-` for None."""
    return "-" if at is None else at.strftime("%Y-%m-%d %H:%M:%SZ")


def duration(seconds: float | None) -> str:
    """Return a duration to the second, as `2h05m`, `1m30s` or `4s`; `-` for None."""
    if seconds is None:
        return "-"
    minutes, left = divmod(int(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60}h{minutes % 60:02d}m"
    return f"{minutes}m{left:02d}s" if minutes else f"{left}s"
