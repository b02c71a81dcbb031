"""An audit as one page of HTML, with charts that are drawn in it and a table behind each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from specguard.audit.answers import counted, day, share
from specguard.audit.summary import SOON
from specguard.declaration.rule import Record
from specguard.model import listed
from specguard.reporters.html import page as in_house

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from specguard.audit.summary import Summary

_MOST: Final = 2000
"""So many findings are on a page, the newest first; the CSV has all."""

_WIDTH: Final = 720
_HEIGHT: Final = 120
_WIDEST: Final = 48
_LABELS: Final = 12
_RULES: Final = 15


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


def page(summary: Summary) -> str:
    """The page of an audit."""
    errors: dict[str, int] = {}
    for row in summary.rules_by_month:
        errors[row["month"]] = errors.get(row["month"], 0) + row["errors"]
    judged = {row["month"]: row for row in summary.months}
    months = _all_months(judged)
    broken = [row for row in summary.rules if row["errors"]]
    return in_house(
        "audit.html.j2",
        title="Audit",
        headline=f"{share(summary.passed, summary.judged)} of the changes pass",
        outcome="passed" if summary.passed == summary.judged else "none",
        lead=(
            f"{summary.judged} of {counted(summary.changes, 'change')} in "
            f"{counted(len(summary.repositories), 'repository', 'repositories')} were judged, and "
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
            (row["month"], row["changes"], share(row["passed"], row["changes"]), errors.get(row["month"], 0))
            for row in summary.months
        ],
        rules=summary.rules,
        by_rule=_bars([(row["code"], row["errors"]) for row in broken[:_RULES]]),
        by_month=_by_month(summary, [row["code"] for row in broken[:_RULES]]),
        codes=[row["code"] for row in broken[:_RULES]],
        repositories=[_repository(row) for row in summary.repositories],
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


def _repository(row: Mapping[str, Any]) -> dict[str, Any]:
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
        "last": day(row["at"]) if row["at"] is not None else "-",
        "changes": row["changes"],
        "passed": share(row["passed"], row["changes"] - row["unclear"]),
    }


def _findings(summary: Summary) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """The newest open errors by rule."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in summary.newest_findings(_MOST):
        found.setdefault(row["code"], []).append({**row, "day": day(row["at"])})
    return sorted(found.items())
