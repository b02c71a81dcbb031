"""What an audit answers, as text, JSON, CSV, Markdown, or a page of HTML."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from specguard import __version__
from specguard.audit.summary import SOON
from specguard.reporters.escape import cut, cut_path, json_text, markdown_text, visible
from specguard.reporters.status import aligned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from specguard.audit.summary import Summary

SCHEMA: Final = "specguard.audit/1"

_FEW: Final = 10
_SHORT: Final = 12
_COLUMNS: Final = (
    "repository", "branch", "date", "head", "base", "merged", "subject", "verdict", "reason", "code",
    "severity", "state", "path", "line", "message", "fingerprint",
)  # fmt: skip
_CELL: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the start of a cell."""


def day(at: int) -> str:
    """The UTC date of a time in seconds since 1970."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def share(part: int, whole: int) -> str:
    """A part of a whole in percent."""
    return f"{100 * part / whole:.0f} %" if whole else "-"


def _text(summary: Summary) -> str:
    """One screen: what was judged, the rules by findings, and what to look at first."""
    return "\n".join(_lines(summary)) + "\n"


def _lines(summary: Summary) -> Iterator[str]:
    repositories = summary.repositories
    yield (
        f"{counted(summary.changes, 'change')} of "
        f"{counted(len(repositories), 'repository', 'repositories')}: "
        f"{summary.passed} of {summary.judged} that were judged passed"
        f" ({share(summary.passed, summary.judged)})"
    )
    others = [
        f"{count} {_VERDICTS[verdict]}" for verdict, count in summary.verdicts.items() if verdict in _VERDICTS
    ]
    if others:
        yield f"  {', '.join(others)}"
    if len(repositories) > 1 or any(row["state"].get("reason") for row in repositories):
        yield from _titled("Repositories", [_repository(row) for row in repositories])
    yield from _titled(
        "Authorities that cannot judge",
        [
            (counted(row["changes"], "change"), visible(cut(row["reason"], 200)), _where(row, repositories))
            for row in summary.reasons
        ],
    )
    yield from _titled(
        "Rules, by open errors",
        [
            (row["code"], counted(row["errors"], "error"), f"in {counted(row['changes'], 'change')}")
            for row in summary.rules
            if row["errors"]
        ],
    )
    yield from _titled(
        "Paths that are broken most",
        [
            (
                visible(cut_path(row["path"])),
                counted(row["errors"], "error"),
                row["codes"],
                _where(row, repositories),
            )
            for row in summary.paths
        ],
    )
    yield from _titled(
        "Approvals",
        [
            (
                one.code,
                visible(one.approver),
                f"until {one.ends}{_soon(one.soon)}",
                counted(one.findings, "finding"),
            )
            for one in summary.approvals
        ],
    )
    yield from _titled(
        "Look first at",
        [
            (
                row["head"][:_SHORT],
                day(row["at"]),
                visible(cut(f"{row['code']} {row['message']}", 100)),
                _where(row, repositories),
            )
            for row in summary.newest()
        ],
    )


def _titled(title: str, rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield f"{title}:"
    for line in aligned(rows[:_FEW]).split("\n"):
        yield f"  {line}"
    if len(rows) > _FEW:
        yield f"  and {len(rows) - _FEW} more"


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


def counted(number: int, one: str, many: str = "") -> str:
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
        row = {**change, "date": day(change["at"])}
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
        f"{summary.passed} of {counted(summary.judged, 'judged change')} passed "
        f"({share(summary.passed, summary.judged)}); {counted(summary.changes, 'change')} in all."
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
        ("rule", "errors", "findings", "changes"),
        [(row["code"], row["errors"], row["findings"], row["changes"]) for row in summary.rules],
    )
    yield from _table(
        "Months",
        ("month", "changes", "passed"),
        [(row["month"], row["changes"], share(row["passed"], row["changes"])) for row in summary.months],
    )
    yield from _table(
        "Paths",
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


def _html(summary: Summary) -> str:
    from specguard.audit.page import page

    return page(summary)


ANSWERS: Final[Mapping[str, Callable[[Summary], str]]] = {
    "text": _text, "json": _json, "csv": _csv, "markdown": _markdown, "html": _html
}  # fmt: skip
"""What makes each form of the answer, which ends in a newline."""
