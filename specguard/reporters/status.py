"""A status for people, open branches, and runs: where the work stands, at a glance."""

from __future__ import annotations

import shlex
from datetime import datetime

from specguard.model import listed, path_text
from specguard.reporters.escape import cut, cut_path, visible
from specguard.reporters.text import Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.engine.open_branches import BranchPair, OpenBranch, OpenBranches
    from specguard.runs.views import RunView


SHOWN: Final = 20
"""How many waves, slices, plans, tasks, agents and missing things are shown before the rest is counted."""

FEW: Final = 3
"""So many waves, and so many plans, are all shown; of more only those that are not complete."""

_MARKS: Final = {
    "complete": "good", "closed": "good", "done": "good", "open": "warning", "ready": "warning",
    "active": "warning", "waiting": "quiet", "not needed": "quiet", "blocked": "quiet", "deferred": "quiet",
    "conditional": "quiet", "conflict": "error", "no conflict": "good",
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
    parts = [list(part) for part in _StatusPage(status, Style(colour)).parts()]
    return "\n".join("".join(f"{line}\n" for line in part) for part in parts if part)


class _StatusPage:
    """A status in parts, each of which is lines; those that say nothing are left out."""

    def __init__(self, status: Mapping[str, Any], style: Style) -> None:
        self._status = status
        self._style = style

    def parts(self) -> Iterator[Iterable[str]]:
        """The parts, in their order."""
        status = self._status
        yield self._head()
        yield from self._many("waves", status["waves"], self._wave, _is_complete, "complete")
        yield self._items()
        yield from self._many("plans", status["plans"], self._plan, _is_done, "done")
        yield self._agents()
        yield self._specs()
        yield self._worktrees()
        # What stands at no open stage above: later stages are not shown, they wait.
        lacks = [one for one in status["missing"] if one["stage"] is None and one["wave"] is not None]
        lists = {"missing": _lacks(lacks), "next": status["next"], "not known": status["unknown"]}
        for label, said in {**lists, "note": status["notes"]}.items():
            shown = _cut([_seen(one) for one in said])
            yield (self.row("" if at else label, line) for at, line in enumerate(shown))

    def row(self, label: str, said: str) -> str:
        """A line with a label in front."""
        # A long name, such as a wave's, stands apart from what is said of it, too.
        label = f"{label:{_WIDTH}}" if len(label) < _WIDTH else f"{label}  "
        return f"{self._style('strong', label)}{said}".rstrip()

    def state(self, state: str) -> str:
        """A state as the cell in front of a row."""
        return self._style(_MARKS.get(state, "quiet"), f"{state:12}")

    def _head(self) -> Iterator[str]:
        status = self._status
        head = (status["head"] or "")[:12] or "no commit yet"
        where = "the working tree on " if status["tree"] == "worktree" else ""
        yield self.row("at", f"{where}{_seen(status['branch'] or 'no branch')} ({head})")
        floor = status["authority"].get("floor")
        if floor:
            yield self.row("floor", _seen(floor["path"]))
        item = status["item"]
        if item is not None:
            yield from self._item("item", item)
        for one in status["current"]:
            if item is None or (one["kind"], one["id"]) != (item["kind"], item["id"]):
                yield from self._item("current", one)

    def _item(self, label: str, item: Mapping[str, Any]) -> Iterator[str]:
        name = f"{item['kind']} {item['id']}".rstrip()
        title = f": {item['title'] or item['slug']}" if item["title"] or item["slug"] else ""
        status = f" ({item['status']})" if item["status"] else ""
        yield self.row(label, _seen(f"{name}{title}{status}, named by the {item['named_by']}"))
        below = [_seen(item[name]) for name in ("problem", "document") if item[name]]
        if item["branch"] and item["named_by"] != "branch":
            below.append(f"on the branch {_seen(item['branch'])}")
        yield from (f"{'':{_WIDTH}}{line}" for line in below)

    def _many(
        self, word: str, things: Sequence[Any], told: Any, over: Any, end: str
    ) -> Iterator[Iterable[str]]:
        """Some things; of many those that are over are only counted."""
        many = len(things) > FEW
        shown = [thing for thing in things if not (many and over(thing))]
        yield from (told(thing) for thing in shown[:SHOWN])
        if len(shown) > SHOWN:
            yield [f"and {len(shown) - SHOWN} more {word}"]
        if many:
            yield [self.row(word, f"{sum(map(over, things))} of {len(things)} {end}")]

    def _wave(self, wave: Mapping[str, Any]) -> Iterator[str]:
        where = "complete" if wave["complete"] else wave["stage"] or "waiting"
        yield self.row(_seen(wave["name"]), _seen(where))
        for stage in wave["stages"]:
            yield f"  {self.state(stage['state'])}{_seen(stage['name'])}"
            if stage["state"] == "open":
                yield from (f"  {'':12}{line}" for line in _cut(_lacks(stage["missing"])))

    def _items(self) -> Iterator[str]:
        items = self._status["items"]
        if not items:
            return
        closed = sum(item["state"] == "closed" for item in items)
        kinds = " and ".join(sorted({f"{item['kind']}s" for item in items}))
        yield self.row(_seen(kinds), f"{closed} of {len(items)} closed")
        rows = []
        for item in items:
            ready = item["state"] in ("ready", "conditional")
            last = _seen(item["branch"] or "") if ready else ""
            if item["state"] == "blocked":
                last = f"needs {_seen(', '.join(item['needs']))}"
            names = (_seen(item[name] or "") for name in ("id", "title", "owner"))
            rows.append((item["state"], *names, last))
        yield from self.table(rows)

    def _plan(self, plan: Mapping[str, Any]) -> Iterator[str]:
        counts = ", ".join(f"{number} {_seen(name)}" for name, number in plan["counts"].items())
        option = f", option {_seen(plan['option'])}" if plan["option"] else ""
        said = counts or _seen(plan["problem"]) or "no tasks"
        yield self.row("plan", f"{_seen(plan['name'])}{option}: {said}")
        rows = []
        for task in plan["tasks"]:
            status = _seen(task["status"]) if task["state"] != "done" else ""
            needs = f"needs {_seen(', '.join(task['needs']))}" if task["needs"] else ""
            rows.append((task["state"], _seen(task["id"]), _seen(task["title"]), status, needs))
        yield from self.table(rows)

    def table(self, rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
        """Rows of a state and columns that stand below each other; empty columns are left out."""
        shown = [[cut(cell, _LONGEST // 3) for cell in cells] for _, *cells in rows[:SHOWN]]
        columns = [column for column in zip(*shown, strict=True) if any(column)]
        told = aligned(list(zip(*columns, strict=True))).split("\n") if columns else [""] * len(shown)
        lines = [f"{self.state(row[0])}{line}".rstrip() for row, line in zip(rows, told, strict=False)]
        lines += [f"and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
        yield from (f"  {line}" for line in lines)

    def _agents(self) -> Iterator[str]:
        agents = self._status["agents"]
        active = [agent for agent in agents if agent["active"]]
        if agents:
            yield self.row("agents", f"{len(active)} of {len(agents)} active")
        told = []
        for agent in active:
            since = f", since {agent['since']}, last heard {agent['last']}" if agent["since"] else ""
            told.append(f"{self.state('active')}{_seen(agent['agent'])} in {_seen(agent['folder'])}/{since}")
        yield from (f"  {line}" for line in _cut(told))

    def _specs(self) -> Iterator[str]:
        specs = self._status["specs"]
        if specs is not None:
            counts = [f"{specs[name]} {name}" for name in ("stale", "due", "unreviewed") if specs[name]]
            yield self.row("specs", ", ".join([f"{specs['total']} in all", *counts]))

    def _worktrees(self) -> Iterator[str]:
        trees = self._status["worktrees"]
        if trees:
            dirty = sum(bool(one["dirty"]) for one in trees)
            yield self.row("worktrees", f"{dirty} of {len(trees)} not clean")
        for one in trees or ():
            said = _seen(one["problem"]) or ("not clean" if one["dirty"] else "clean")
            yield f"  {_seen(one['path'])}: {said}"


def _is_complete(wave: Mapping[str, Any]) -> bool:
    return bool(wave["complete"])


def _is_done(plan: Mapping[str, Any]) -> bool:
    return bool(plan["tasks"]) and all(task["state"] == "done" for task in plan["tasks"])


def required(status: Mapping[str, Any]) -> str:
    """The result of `--require complete`: each thing that is missing, and one line of verdict."""
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


def _cut(lines: Sequence[str]) -> list[str]:
    return [*lines[:SHOWN], f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else list(lines)


def _seen(text: str) -> str:
    """A text of a document, of a length that is read at a glance."""
    return visible(cut(text, _LONGEST))


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as lines, each column as wide as it must be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


BRANCHES: Final = "specguard.branches/1"
"""The name of what `branches_as_data` gives; fields are only added to it."""

TOLD: Final = 100
"""So many of the paths that a pair shares are told to programs, beside the number of all."""

_STATES: Final = ("conflict", "no conflict", "not asked")


def render_branches(found: OpenBranches, *, colour: bool = False) -> str:
    """The open branches and their pairs as text, ending in a newline; pairs in conflict stand first.

    Args:
        found: the branches.
        colour: whether the reader is a terminal that wants it.
    """
    page, base = _StatusPage({}, Style(colour)), _seen(found.base.name)
    parts = [
        [page.row("base", f"{base} ({(found.base.oid or '')[:12]})")],
        [
            page.row(
                "branches", f"{len(found.branches)} open, {found.landed} with nothing that {base} lacks"
            ),
            *page.table([_cells(branch) for branch in found.branches]),
        ],
        [page.row("pairs", f"{len(found.pairs)} touch the same")],
        [page.row("note", visible(note)) for note in found.notes],
    ]
    for pair in sorted(found.pairs, key=lambda pair: _STATES.index(_state(pair))):
        said = "; ".join(_reasons(pair))
        parts[2].append(
            f"  {page.state(_state(pair))}{_seen(pair.one.name)} and {_seen(pair.other.name)}: {said}"
        )
    parts[2] = _cut(parts[2])
    return "\n".join("".join(f"{line}\n" for line in part) for part in parts if part)


def _cells(branch: OpenBranch) -> tuple[str, ...]:
    days, files = branch.age, len(branch.files)
    below = listed([_seen(name) for name in branch.stands_on], 3)
    return (
        f"{days} day{'s' * (days > 1)}" if days else "today",
        _seen(branch.name),
        _seen(branch.label),
        _seen(branch.owner.partition(" <")[0]),
        f"{files} file{'s' * (files != 1)}",
        _seen(branch.problem) or (below and f"stands on {below}"),
    )


def _state(pair: BranchPair) -> str:
    return "not asked" if pair.conflicts is None else "conflict" if pair.conflicts else "no conflict"


def _reasons(pair: BranchPair) -> Iterator[str]:
    """The reasons why two branches are a pair, and where they conflict."""
    if pair.same_item:
        yield f"both are for {_seen(pair.one.label)}"
    if pair.shared:
        yield f"both change {_some(pair.shared)}"
    for branch, other, paths in pair.outside:
        yield f"{_seen(branch.name)} changes files of {_seen(other.label)}: {_some(paths)}"
    if pair.conflicts:
        yield f"conflicts in {_some(pair.conflicts)}"


def _some(paths: Collection[bytes]) -> str:
    return listed([visible(cut_path(text)) for text in _texts(paths)], 3)


def _texts(paths: Collection[bytes]) -> list[str]:
    return [path_text(path) for path in sorted(paths)]


def branches_as_data(found: OpenBranches) -> dict[str, Any]:
    """The same as JSON can hold it."""
    branches = [
        {
            "name": _name(branch.name),
            "refs": [_name(ref) for ref in branch.refs],
            "head": branch.oid,
            "item": {"kind": branch.item.kind, "id": branch.item_id} if branch.item else None,
            "owner": _name(branch.owner),
            "age_days": branch.age,
            "files": _texts(branch.files),
            "stands_on": [_name(name) for name in branch.stands_on],
            "problem": branch.problem,
        }
        for branch in found.branches
    ]
    pairs = [
        {
            "branches": [_name(pair.one.name), _name(pair.other.name)],
            "same_item": pair.same_item,
            "shared": len(pair.shared),
            "files": _texts(pair.shared)[:TOLD],
            "outside": [
                {"branch": _name(branch.name), "item": other.label, "files": _texts(paths)}
                for branch, other, paths in pair.outside
            ],
            "conflicts": None if pair.conflicts is None else _texts(pair.conflicts),
        }
        for pair in found.pairs
    ]
    base = {"name": _name(found.base.name), "head": found.base.oid}
    told = {"branches": branches, "landed": found.landed, "pairs": pairs, "notes": list(found.notes)}
    return {"schema": BRANCHES, "base": base, **told}


def _name(text: str) -> str:
    return path_text(text.encode("utf-8", "surrogateescape"))


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
        visible(cut(run.label, _LONGEST_RUN_TEXT)),
        visible(f"{run.state} (dead)" if run.stale else run.state),
        visible(run.step) or "-",
        moment(run.started),
        span(run.took),
        span(run.heartbeat_age) if run.running else "-",
    )


def table(runs: Sequence[RunView]) -> str:
    """Several runs as lines with a head."""
    return aligned([HEADS, *map(cells, runs)])


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
    rows = {
        "run": run.run_id,
        "item": run.label,
        "state": run.state,
        "why": run.reason,
        "record": run.layout or "none",
        "problem": run.problem,
        "step": run.step,
        "started": moment(run.started),
        "took": span(run.took),
        "process": process,
        "alive": "not told" if not run.running and run.problem else alive,
        "heartbeat": "none" if age is None else f"{span(age)} ago",
        "folder": run.path,
        "log": run.log or "none",
        "again": shlex.join(run.again) or "not told",
    }
    told = [f"{name:<10} {visible(text)}" for name, text in rows.items() if text]
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
    """The metrics of runs, for a person."""
    seconds, attempts, coverage = data["seconds"], data["attempts"], data["coverage"]
    total, median, longest = (span(seconds[name]) for name in ("total", "median", "longest"))
    states = ", ".join(f"{number} {visible(state)}" for state, number in data["states"].items())
    percent = "none" if coverage["percent"] is None else f"{coverage['percent']:g} %"
    done = len(coverage["covered"]) + len(coverage["uncovered"])
    tried = "none"
    if attempts["mean"] is not None:
        tried = f"{attempts['mean']:g} a run, {attempts['most']} at most"
    lines = [
        f"runs       {data['runs']}" + (f" ({states})" if states else ""),
        f"time       {total} in all, {median} in the middle, {longest} the longest",
        f"attempts   {tried}",
        "gates" if data["gates"] else "gates      none",
    ]
    for name, one in data["gates"].items():
        lines.append(f"  {visible(name)}: {one['passed']} passed, {one['failed']} failed")
    covered = f" ({len(coverage['covered'])} of {done} done items)" if done else ""
    lines.append(f"coverage   {percent}{covered}")
    for title, items in (("covered", coverage["covered"]), ("not covered", coverage["uncovered"])):
        lines += [title] if items else []
        for item in items:
            said = " ".join(part for part in (item["commit"][:10], item["run"]) if part)
            why = f": {item['problem']}" if item["problem"] else ""
            lines.append(visible(f"  {item['label']} {said}".rstrip() + why))
    return "\n".join(lines)
