"""The format `acme-table`: a line a finding, with tabs between what ACME's dashboard reads."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


def render(reports: Sequence[Mapping[str, Any]]) -> str:
    """The findings of all reports, each a `specguard.report/1`."""
    rows = [
        (finding["code"], finding["state"], finding["location"]["path"] or "-", finding["message"])
        for report in reports
        for finding in report["findings"]
    ]
    # Names come from whoever wrote the change: a tab or a newline of theirs ends no field here.
    return "".join("\t".join(ascii(field)[1:-1] for field in row) + "\n" for row in rows)
