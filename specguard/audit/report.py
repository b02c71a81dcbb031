"""Render the report of an audit as text, JSON, CSV, Markdown, or an HTML page."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from specguard import __version__
from specguard.audit.store import MOST, MOST_FINDINGS, SOON_DAYS, Summary
from specguard.model import counted, grouped
from specguard.reporters import html
from specguard.reporters.escape import cut, json_text, markdown_templates, text_lines, visible
from specguard.reporters.json import fields_of
from specguard.reporters.status import align_rows

SCHEMA: Final = "specguard.audit/1"

_MOST_ROWS: Final = 10
_OID_DIGITS: Final = 12
_COLUMNS: Final = (
    "repository", "branch", "date", "head", "base", "merged", "subject", "verdict", "reason", "code",
    "severity", "state", "path", "line", "message", "fingerprint",
)  # fmt: skip
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""The characters that make a spreadsheet read a cell as a formula, if the cell begins with one."""

_MOST_RULES: Final = 15

_VERDICTS: Final = {
    "indeterminate": "without a full verdict",
    "no-authority": "without an authority",
    "error": "with an authority that cannot judge",
}


def _day(at: int) -> str:
    """Return the UTC date of a time in seconds since 1970."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _share(part: float, whole: float) -> str:
    """Format a part of a whole in percent; only the whole is 100 %."""
    return f"{min(100 * part / whole, 100 if part == whole else 99):.0f} %" if whole else "-"


def _headline(summary: Summary) -> str:
    """Return the number of judged changes, and the share of them that passed."""
    passed = f"{summary.passed} of {counted(summary.judged, 'judged change')} passed"
    repositories = counted(len(summary.repositories), "repository", "repositories")
    others = [f"{count} {_VERDICTS[one]}" for one, count in summary.verdicts.items() if one in _VERDICTS]
    whole = ", ".join([f"{counted(summary.changes, 'change')} of {repositories}", *others])
    return f"{passed} ({_share(summary.passed, summary.judged)}); {whole}"


def _tables(summary: Summary) -> Iterator[tuple[str, Sequence[str], list[list[str]]]]:
    """Yield the tables of text and Markdown that have rows: a title, a header, and the rows.

    With a single readable repository, the tables leave out the repositories.
    """
    several = len(summary.repositories) > 1 or any(row["state"].get("reason") for row in summary.repositories)
    known = [{**row, "without": row["state"].get("reason") or row["unclear"]} for row in summary.repositories]
    newest = [{**row, "day": _day(row["at"]), "head": row["head"][:_OID_DIGITS]} for row in summary.newest]
    approvals = [{**row, "id": row["id"][:_OID_DIGITS]} for row in summary.approvals]
    tables: dict[str, tuple[str, Sequence[Mapping[str, Any]]]] = {
        "Repositories": ("name changes passed failed without", known),
        "Authorities that cannot judge": ("repository changes reason", summary.reasons),
        "Rules": ("code errors findings changes", summary.rules),
        f"Paths that are broken most, {MOST} at most": ("repository path errors codes", summary.paths),
        "Approvals that were used": ("id code approver ends findings", approvals),
        "Look first at": ("head day repository code message", newest),
    }
    for title, (columns, rows) in tables.items():
        names = [name for name in columns.split() if several or name != "repository"]
        if rows and (several or title != "Repositories"):
            yield title, names, [[cut(str(row[name]), 100) for name in names] for row in rows]


def _text(summary: Summary) -> str:
    """Render one screen: the headline, and the first rows of each table."""
    headline, tables = _headline(summary), _tables(summary)
    lines = text_lines("audit.txt", headline=headline, tables=tables, most=_MOST_ROWS, align=align_rows)
    return "".join(f"{line}\n" for line in lines)


def _markdown(summary: Summary) -> str:
    page = markdown_templates("specguard.reporters").get_template("audit.md")
    return page.render(headline=_headline(summary), tables=_tables(summary))


def _json(summary: Summary) -> str:
    summary_fields = "months", "rules", "rules_by_month", "paths", "reasons", "approvals", "repositories"
    data = {
        "schema": SCHEMA,
        "tool": {"name": "specguard", "version": __version__},
        "changes": summary.changes,
        "verdicts": dict(summary.verdicts),
        **fields_of(summary, *summary_fields),
        "judged": list(summary.reported_changes()),
    }
    return json_text(data) + "\n"


def _csv(summary: Summary) -> str:
    """Render a row for each finding, and one for each change without findings."""
    file = io.StringIO()
    table = csv.DictWriter(file, _COLUMNS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for change in summary.reported_changes():
        row = {**change, "date": _day(change["at"])}
        for found in change["findings"] or [{}]:
            cells = {**row, **found, **(found.get("location") or {})}
            table.writerow({name: _cell(cells.get(name)) for name in _COLUMNS})
    return file.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else visible(str(value))
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _html(summary: Summary) -> str:
    """Render the page of an audit."""
    errors = {(row["month"], row["code"]): row["errors"] for row in summary.rules_by_month}
    judged = {row["month"]: row for row in summary.months}
    shares = {month: row["passed"] / row["changes"] for month, row in judged.items()}
    months = _all_months(judged)
    broken = [row for row in summary.rules if row["errors"]][:_MOST_RULES]
    codes = [row["code"] for row in broken]
    found = grouped((row["code"], row) for row in summary.newest_findings)
    share = _share(summary.passed, summary.judged)
    return html.page(
        "audit.html",
        title="Audit",
        headline=f"{share} of the changes pass" if summary.judged else "No change was judged",
        outcome="passed" if 0 < summary.passed == summary.judged else "none",
        lead=f"{_headline(summary)}. Told on {summary.today}.",
        day=_day,
        share=_share,
        passing=[(month, shares.get(month)) for month in months],
        failing=[(month, judged.get(month, {}).get("errors", 0)) for month in months],
        months=[
            (month, row["changes"], _share(row["passed"], row["changes"]), row["errors"])
            for month, row in judged.items()
        ],
        summary=summary,
        by_rule=[(row["code"], row["errors"]) for row in broken],
        by_month=[(month, [errors.get((month, code), 0) for code in codes]) for month in judged],
        codes=codes,
        soon=SOON_DAYS,
        findings=sorted(found.items()),
        most=MOST_FINDINGS,
    )


def _all_months(known: Collection[str]) -> list[str]:
    """Return the months from the first to the last, including those without changes."""
    numbers = [12 * int(month[:4]) + int(month[5:]) - 1 for month in known]
    without_gaps = range(min(numbers, default=0), max(numbers, default=-1) + 1)
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in without_gaps]


RENDERERS: Final[Mapping[str, Callable[[Summary], str]]] = {
    "text": _text, "json": _json, "csv": _csv, "markdown": _markdown, "html": _html
}  # fmt: skip
"""The renderer of each format; its output ends in a newline."""
