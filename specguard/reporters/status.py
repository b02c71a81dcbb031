"""A status for people: where the work stands, at a glance."""

from __future__ import annotations

import shlex
from datetime import datetime

from specguard.reporters.escape import cut, visible
from specguard.reporters.text import Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.runs.views import RunView


SHOWN: Final = 20
"""How many waves, slices, plans, tasks, agents and missing things are shown before the rest is counted."""

FEW: Final = 3
"""So many waves, and so many plans, are all shown; of more only those that are not complete."""

_MARKS: Final = {
    "complete": "good", "closed": "good", "done": "good", "open": "warning", "ready": "warning",
    "active": "warning", "waiting": "quiet", "not needed": "quiet", "blocked": "quiet", "deferred": "quiet",
    "conditional": "quiet",
}  # fmt: skip
_WIDTH: Final = 10

_LONGEST: Final = 300
"""How many characters of one thing are shown, and of one in a table a third."""


def render(status: Mapping[str, Any], *, colour: bool = False) -> str:
    """A status as text, ending in a newline.

    Args:
        status: what `specguard.engine.status` gives.
        colour: whether the reader is a terminal that wants it.
    """
    style = Style(colour)
    lines = [
        *_head(status, style),
        *_waves(status, style),
        *_items(status, style),
        *_plans(status, style),
        *_agents(status, style),
        *_others(status, style),
        *_conditional(status, style),
        *_list("next", status["next"], style),
        *_list("not known", status["unknown"], style),
        *_list("note", status["notes"], style),
    ]
    return "".join(f"{line}\n" for line in lines)


def _head(status: Mapping[str, Any], style: Style) -> Iterator[str]:
    head = (status["head"] or "")[:12] or "no commit yet"
    where = "the working tree on " if status["tree"] == "worktree" else ""
    yield _row("at", f"{where}{_seen(status['branch'] or 'no branch')} ({head})", style)
    if status["item"] is not None:
        yield from _item("item", status["item"], style)
    for one in status["current"]:
        if status["item"] is None or (one["kind"], one["id"]) != (
            status["item"]["kind"],
            status["item"]["id"],
        ):
            yield from _item("current", one, style)


def _item(label: str, item: Mapping[str, Any], style: Style) -> Iterator[str]:
    name = f"{item['kind']} {item['id']}".rstrip()
    title = f": {item['title'] or item['slug']}" if item["title"] or item["slug"] else ""
    status = f" ({item['status']})" if item["status"] else ""
    yield _row(label, _seen(f"{name}{title}{status}, named by the {item['named_by']}"), style)
    if item["problem"]:
        yield _below(_seen(item["problem"]))
    if item["document"]:
        yield _below(_seen(item["document"]))
    if item["branch"] and item["named_by"] != "branch":
        yield _below(f"on the branch {_seen(item['branch'])}")


def _waves(status: Mapping[str, Any], style: Style) -> Iterator[str]:
    waves = status["waves"]
    many = len(waves) > FEW
    for wave in _cut([wave for wave in waves if not (many and wave["complete"])]):
        if isinstance(wave, str):
            yield from ("", f"{wave} waves")
            continue
        where = "complete" if wave["complete"] else wave["stage"] or "waiting"
        yield ""
        yield _row(_seen(wave["name"]), _seen(where), style)
        for stage in wave["stages"]:
            name = _seen(stage["name"])
            yield f"  {_state(stage['state'], style)}{name}"
            if stage["state"] == "open":
                yield from (f"  {'':12}{line}" for line in _cut(_lacks(stage["missing"])))
    if many:
        yield ""
        yield _row("waves", f"{sum(wave['complete'] for wave in waves)} of {len(waves)} complete", style)


def _items(status: Mapping[str, Any], style: Style) -> Iterator[str]:
    items = status["items"]
    if not items:
        return
    closed = sum(item["state"] == "closed" for item in items)
    kinds = {f"{item['kind']}s" for item in items}
    yield ""
    yield _row(_seen(" and ".join(sorted(kinds))), f"{closed} of {len(items)} closed", style)
    rows = [
        (
            item["state"],
            _seen(item["id"]),
            _seen(item["title"] or ""),
            _seen(item["owner"]),
            f"needs {_seen(', '.join(item['needs']))}"
            if item["state"] == "blocked"
            else _seen(item["branch"] or "")
            if item["state"] in ("ready", "conditional")
            else "",
        )
        for item in items
    ]
    yield from _table(rows, style)


def _plans(status: Mapping[str, Any], style: Style) -> Iterator[str]:
    plans = status["plans"]
    many = len(plans) > FEW
    done = [bool(plan["tasks"]) and all(task["state"] == "done" for task in plan["tasks"]) for plan in plans]
    for plan in _cut([plan for plan, over in zip(plans, done, strict=True) if not (many and over)]):
        if isinstance(plan, str):
            yield from ("", f"{plan} plans")
            continue
        counts = ", ".join(f"{number} {_seen(name)}" for name, number in plan["counts"].items())
        option = f", option {_seen(plan['option'])}" if plan["option"] else ""
        yield ""
        said = counts or _seen(plan["problem"]) or "no tasks"
        yield _row("plan", f"{_seen(plan['name'])}{option}: {said}", style)
        rows = [
            (
                task["state"],
                _seen(task["id"]),
                _seen(task["title"]),
                _seen(task["status"]) if task["state"] != "done" else "",
                f"needs {_seen(', '.join(task['needs']))}" if task["needs"] else "",
            )
            for task in plan["tasks"]
        ]
        yield from _table(rows, style)
    if many:
        yield ""
        yield _row("plans", f"{sum(done)} of {len(plans)} done", style)


def _agents(status: Mapping[str, Any], style: Style) -> Iterator[str]:
    agents = status["agents"]
    if not agents:
        return
    active = [agent for agent in agents if agent["active"]]
    yield ""
    yield _row("agents", f"{len(active)} of {len(agents)} active", style)
    for agent in _cut(active):
        if isinstance(agent, str):
            yield f"  {agent}"
            continue
        since = f", since {agent['since']}, last heard {agent['last']}" if agent["since"] else ""
        yield f"  {_state('active', style)}{_seen(agent['agent'])} in {_seen(agent['folder'])}/{since}"


def _others(status: Mapping[str, Any], style: Style) -> Iterator[str]:
    specs = status["specs"]
    if specs is not None:
        counts = [f"{specs['total']} in all"]
        counts += [f"{specs[name]} {name}" for name in ("stale", "due", "unreviewed") if specs[name]]
        yield ""
        yield _row("specs", ", ".join(counts), style)
    if status["worktrees"]:
        yield ""
        dirty = sum(bool(one["dirty"]) for one in status["worktrees"])
        yield _row("worktrees", f"{dirty} of {len(status['worktrees'])} not clean", style)
        for one in status["worktrees"]:
            said = _seen(one["problem"]) or ("not clean" if one["dirty"] else "clean")
            yield f"  {_seen(one['path'])}: {said}"


def _conditional(status: Mapping[str, Any], style: Style) -> Iterator[str]:
    """What is missing and stands at no open stage above: later stages are not shown, they wait."""
    lacks = [one for one in status["missing"] if one["stage"] is None and one["wave"] is not None]
    yield from _list("missing", _lacks(lacks), style)


def _list(label: str, said: Sequence[str], style: Style) -> Iterator[str]:
    if said:
        yield ""
        for position, line in enumerate(_cut([_seen(one) for one in said])):
            yield _row("" if position else label, line, style)


def required(status: Mapping[str, Any]) -> str:
    """What `--require complete` says at the end: each thing that is missing, and one line of verdict."""
    lines = [f"missing   {line}" for line in _lacks(status["missing"])]
    if status["complete"] is None:
        why = "; ".join(map(_seen, status["unknown"])) or "there is no wave and no plan"
        lines.append(f"specguard: indeterminate: it cannot be told whether all is complete: {why}")
    elif status["complete"]:
        lines.append("specguard: passed: all is complete")
    else:
        count = len(status["missing"])
        lines.append(f"specguard: failed: {count} {'thing is' if count == 1 else 'things are'} missing")
    return "".join(f"{line}\n" for line in lines)


def _lacks(missing: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    for one in missing:
        path, said = one["path"], one["what"]
        if path and one["line"]:
            # A sentence that begins with the file gets its line there.
            begins = said.startswith(f"{path} ")
            said = said.removeprefix(path) if begins else f": {said.removeprefix(f'{path}: ')}"
            said = f"{path}:{one['line']}{said}"
        found.append(_seen(said))
    return found


def _table(rows: Sequence[tuple[str, ...]], style: Style) -> Iterator[str]:
    """Rows of a state and columns that stand below each other."""
    shown = [(state, *(cut(cell, _LONGEST // 3) for cell in cells)) for state, *cells in rows[:SHOWN]]
    widths = [max(len(row[at]) for row in shown) for at in range(1, len(shown[0]))] if shown else []
    for state, *cells in shown:
        columns = "  ".join(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True) if width)
        yield f"  {_state(state, style)}{columns}".rstrip()
    if len(rows) > SHOWN:
        yield f"  and {len(rows) - SHOWN} more"


def _cut(lines: Sequence[Any]) -> list[Any]:
    return [*lines[:SHOWN], f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else list(lines)


def _state(state: str, style: Style) -> str:
    return style(_MARKS.get(state, "quiet"), f"{state:12}")


def _row(label: str, said: str, style: Style) -> str:
    # A long name, such as a wave's, stands apart from what is said of it, too.
    label = f"{label:{_WIDTH}}" if len(label) < _WIDTH else f"{label}  "
    return f"{style('strong', label)}{said}".rstrip()


def _below(said: str) -> str:
    return f"{'':{_WIDTH}}{said}"


def _seen(text: str) -> str:
    """A text of a document, of a length that is read at a glance."""
    return visible(cut(text, _LONGEST))


HEADS: Final = ("run", "item", "state", "step", "started", "took", "heartbeat")
SCHEMA: Final = "specguard.runs/1"
"""The name of what `as_data` gives; fields are only added to it."""

_MINUTE: Final = 60
_HOUR: Final = 3600
_LONGEST_RUN_TEXT: Final = 60


def cells(run: RunView) -> Sequence[str]:
    """A run as the cells of a row."""
    return (
        visible(run.run_id),
        visible(cut(run.item, _LONGEST_RUN_TEXT)),
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
