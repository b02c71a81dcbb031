"""The answers of an audit, as text, JSON, CSV, Markdown, or a page of HTML."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from specguard import __version__
from specguard.audit.store import SOON
from specguard.declaration.rule import Record
from specguard.model import listed
from specguard.reporters import html
from specguard.reporters.escape import cut, cut_path, json_text, markdown_text, visible
from specguard.reporters.status import aligned

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from typing import Any

    from specguard.audit.store import Summary


SCHEMA: Final = "specguard.audit/1"

_FEW: Final = 10
_SHORT: Final = 12
_COLUMNS: Final = (
    "repository", "branch", "date", "head", "base", "merged", "subject", "verdict", "reason", "code",
    "severity", "state", "path", "line", "message", "fingerprint",
)  # fmt: skip
_CELL: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the start of a cell."""

_MOST: Final = 2000
"""So many findings are on a page, the newest first; the CSV has all."""

_WIDTH: Final = 720
_HEIGHT: Final = 120
_WIDEST: Final = 48
_LABELS: Final = 12
_RULES: Final = 15


def _day(at: int) -> str:
    """The UTC date of a time in seconds since 1970."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _share(part: int, whole: int) -> str:
    """A part of a whole in percent."""
    return f"{100 * part / whole:.0f} %" if whole else "-"


def _text(summary: Summary) -> str:
    """One screen: what was judged, the rules by findings, and what to look at first."""
    return "\n".join(_lines(summary)) + "\n"


def _lines(summary: Summary) -> Iterator[str]:
    repositories = summary.repositories
    passed = f"{summary.passed} of {summary.judged} that were judged passed"
    if summary.judged:
        said = f"{passed} ({_share(summary.passed, summary.judged)})"
    else:
        said = "none was judged"
    yield (
        f"{_counted(summary.changes, 'change')} of "
        f"{_counted(len(repositories), 'repository', 'repositories')}: {said}"
    )
    others = [
        f"{count} {_VERDICTS[verdict]}" for verdict, count in summary.verdicts.items() if verdict in _VERDICTS
    ]
    if others:
        yield f"  {', '.join(others)}"
    if list(summary.verdicts) == ["no-authority"]:
        yield "  --by FILE judges them by an authority that you think of"
    if len(repositories) > 1 or any(row["state"].get("reason") for row in repositories):
        yield from _titled("Repositories", [_repository(row) for row in repositories])
    yield from _titled(
        "Authorities that cannot judge",
        [
            (_counted(row["changes"], "change"), visible(cut(row["reason"], 200)), _where(row, repositories))
            for row in summary.reasons
        ],
    )
    yield from _titled(
        "Rules, by open errors",
        [
            (row["code"], _counted(row["errors"], "error"), f"in {_counted(row['changes'], 'change')}")
            for row in summary.rules
            if row["errors"]
        ],
    )
    yield from _titled(
        "Paths that are broken most",
        [
            (
                visible(cut_path(row["path"])),
                _counted(row["errors"], "error"),
                row["codes"],
                _where(row, repositories),
            )
            for row in summary.paths
        ],
        summary.broken_paths,
    )
    yield from _titled(
        "Approvals",
        [
            (
                one.code,
                visible(one.approver),
                f"until {one.ends}{_soon(one.soon)}",
                _counted(one.findings, "finding"),
            )
            for one in summary.approvals
        ],
    )
    yield from _titled(
        "Look first at",
        [
            (
                row["head"][:_SHORT],
                _day(row["at"]),
                visible(cut(f"{row['code']} {row['message']}", 100)),
                _where(row, repositories),
            )
            for row in summary.newest()
        ],
    )


def _titled(title: str, rows: Sequence[tuple[str, ...]], number: int = 0) -> Iterator[str]:
    """The first rows, and how many more there are of all, of which a number may be known that is greater."""
    if not rows:
        return
    yield ""
    yield f"{title}:"
    for line in aligned(rows[:_FEW]).split("\n"):
        yield f"  {line}"
    if len(rows) > _FEW:
        yield f"  and {max(number, len(rows)) - _FEW} more"


_VERDICTS: Final = {
    "indeterminate": "without a full verdict",
    "no-authority": "before there was an authority",
    "error": "with an authority that cannot judge",
}


def _repository(row: Mapping[str, Any]) -> tuple[str, ...]:
    if row["state"].get("reason"):
        return visible(row["name"]), f"not read: {visible(row['state']['reason'])}"
    judged = row["changes"] - row["unclear"]
    said = (
        f"{row['passed']} of {judged} passed"
        if judged
        else "no authority"
        if row["changes"]
        else "no changes"
    )
    return visible(row["name"]), said


def _where(row: Mapping[str, Any], repositories: Sequence[object]) -> str:
    """The repository of a row, where there are several."""
    return visible(row["repository"]) if len(repositories) > 1 else ""


def _soon(soon: bool) -> str:
    return f", within {SOON} days" if soon else ""


def _counted(number: int, one: str, many: str = "") -> str:
    """A number of things, in words that fit it."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def _json(summary: Summary) -> str:
    data = {
        "schema": SCHEMA,
        "tool": {"name": "specguard", "version": __version__},
        "changes": summary.changes,
        "verdicts": dict(summary.verdicts),
        "months": list(summary.months),
        "rules": list(summary.rules),
        "rules_by_month": list(summary.rules_by_month),
        "paths": list(summary.paths),
        "reasons": list(summary.reasons),
        "approvals": [{name: getattr(one, name) for name in one._fields} for one in summary.approvals],
        "repositories": list(summary.repositories),
        "judged": list(summary.changes_told()),
    }
    return json_text(data) + "\n"


def _csv(summary: Summary) -> str:
    """A row for each finding, and one for each change that has none."""
    file = io.StringIO()
    table = csv.DictWriter(file, _COLUMNS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for change in summary.changes_told():
        row = {**change, "date": _day(change["at"])}
        for found in change["findings"] or [{}]:
            place: Mapping[str, Any] = found.get("location") or {}
            cells = {**row, **found, "path": place.get("path"), "line": place.get("line")}
            table.writerow({name: _cell(cells.get(name)) for name in _COLUMNS})
    return file.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else visible(str(value))
    return f"'{text}" if text.startswith(_CELL) else text


def _markdown(summary: Summary) -> str:
    return "\n".join(_paragraphs(summary)) + "\n"


def _paragraphs(summary: Summary) -> Iterator[str]:
    yield "# Audit"
    yield ""
    yield (
        f"{summary.passed} of {_counted(summary.judged, 'judged change')} passed "
        f"({_share(summary.passed, summary.judged)}); {_counted(summary.changes, 'change')} in all."
    )
    yield from _table(
        "Repositories",
        ("repository", "changes", "passed", "failed", "not judged"),
        [
            (
                row["name"],
                row["changes"],
                row["passed"],
                row["failed"],
                row["state"].get("reason") or row["unclear"],
            )
            for row in summary.repositories
        ],
    )
    yield from _table(
        "Authorities that cannot judge",
        ("repository", "changes", "reason"),
        [(row["repository"], row["changes"], row["reason"]) for row in summary.reasons],
    )
    yield from _table(
        "Rules",
        ("rule", "errors", "in changes", "findings"),
        [(row["code"], row["errors"], row["changes"], row["findings"]) for row in summary.rules],
    )
    yield from _table(
        "Months",
        ("month", "changes", "passed"),
        [(row["month"], row["changes"], _share(row["passed"], row["changes"])) for row in summary.months],
    )
    yield from _table(
        "Paths that are broken most",
        ("repository", "path", "errors", "rules"),
        [(row["repository"], row["path"], row["errors"], row["codes"]) for row in summary.paths],
    )
    yield from _table(
        "Approvals",
        ("rule", "approver", "until", "findings"),
        [(one.code, one.approver, f"{one.ends}{_soon(one.soon)}", one.findings) for one in summary.approvals],
    )


def _table(title: str, head: Sequence[str], rows: Sequence[tuple[object, ...]]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield f"## {title}"
    yield ""
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(markdown_text(cut(str(cell), 200)) for cell in row)} |"


class ChartBar(Record):
    """One bar of a chart.

    Attributes:
        label: what it is of.
        shown: whether the label is drawn below it, where it has room.
        x, width: where it stands, and how wide it is.
        height: how high it is.
        value: what it stands for, as text.
    """

    label: str
    shown: bool
    x: float
    width: float
    height: float
    value: str


def _html(summary: Summary) -> str:
    """The page of an audit."""
    errors: dict[str, int] = {}
    for row in summary.rules_by_month:
        errors[row["month"]] = errors.get(row["month"], 0) + row["errors"]
    judged = {row["month"]: row for row in summary.months}
    months = _all_months(judged)
    broken = [row for row in summary.rules if row["errors"]][:_RULES]
    codes = [row["code"] for row in broken]
    return html.page(
        "audit.html.j2",
        title="Audit",
        headline=(
            f"{_share(summary.passed, summary.judged)} of the changes pass"
            if summary.judged
            else "No change was judged"
        ),
        outcome="passed" if 0 < summary.passed == summary.judged else "none",
        lead=(
            f"{summary.judged} of {_counted(summary.changes, 'change')} in "
            f"{_counted(len(summary.repositories), 'repository', 'repositories')} were judged, and "
            f"{summary.passed} passed. Told on {summary.today}."
        ),
        width=_WIDTH,
        height=_HEIGHT,
        passing=_bars(
            [
                (month, judged[month]["passed"] / judged[month]["changes"] if month in judged else 0)
                for month in months
            ],
            percent=True,
        ),
        highest=max(errors.values(), default=0),
        failing=_bars([(month, errors.get(month, 0)) for month in months]),
        months=[
            (row["month"], row["changes"], _share(row["passed"], row["changes"]), errors.get(row["month"], 0))
            for row in summary.months
        ],
        rules=summary.rules,
        by_rule=_bars([(row["code"], row["errors"]) for row in broken]),
        by_month=_by_month(summary, codes),
        codes=codes,
        repositories=[_repository_shown(row) for row in summary.repositories],
        paths=summary.paths,
        approvals=summary.approvals,
        soon=SOON,
        findings=_findings(summary),
        most=_MOST,
        total=sum(row["errors"] for row in summary.rules),
        reasons=summary.reasons,
    )


def _all_months(some: Collection[str]) -> list[str]:
    """The months from the first to the last, those without changes too."""
    if not some:
        return []
    first, last = (12 * int(month[:4]) + int(month[5:]) - 1 for month in (min(some), max(some)))
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(first, last + 1)]


def _bars(values: Sequence[tuple[str, float]], *, percent: bool = False) -> list[ChartBar]:
    """Bars side by side, the highest as high as the chart, or as its hundred percent."""
    highest = 1.0 if percent else max((value for _, value in values), default=0) or 1
    width = _WIDTH / max(1, len(values))
    step = -(-len(values) // _LABELS)
    return [
        ChartBar(
            label,
            at % max(1, step) == 0 and at * width <= _WIDTH - _WIDEST,
            round(at * width, 2),
            round(min(width * 0.8, _WIDEST), 2),
            round(_HEIGHT * value / highest, 2),
            f"{100 * value:.0f} %" if percent else f"{value:g}",
        )
        for at, (label, value) in enumerate(values)
    ]


def _by_month(summary: Summary, codes: Sequence[str]) -> list[tuple[str, list[int]]]:
    """For each month the errors of some rules."""
    known = {(row["month"], row["code"]): row["errors"] for row in summary.rules_by_month}
    return [(row["month"], [known.get((row["month"], code), 0) for code in codes]) for row in summary.months]


def _repository_shown(row: Mapping[str, Any]) -> dict[str, Any]:
    state = row["state"]
    preset = state.get("preset")
    return {
        "name": row["name"],
        "reason": state.get("reason") or "",
        "authority": state.get("problem") or listed(state.get("authority") or [], 2) or "none",
        "preset": listed([preset] if isinstance(preset, str) else preset or [], 2),
        "runs_in": listed(state.get("runs_in") or [], 3) or "nowhere",
        "locked": state.get("locked", 0),
        "unenforced": state.get("unenforced", 0),
        "stale": "-" if state.get("stale") is None else state["stale"],
        "last": _day(row["at"]) if row["at"] is not None else "-",
        "changes": row["changes"],
        "passed": _share(row["passed"], row["changes"] - row["unclear"]),
    }


def _findings(summary: Summary) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """The newest open errors by rule."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in summary.newest_findings(_MOST):
        found.setdefault(row["code"], []).append({**row, "day": _day(row["at"])})
    return sorted(found.items())


ANSWERS: Final[Mapping[str, Callable[[Summary], str]]] = {
    "text": _text, "json": _json, "csv": _csv, "markdown": _markdown, "html": _html
}  # fmt: skip
"""What makes each form of the answer, which ends in a newline."""
