"""SPC004: dates of reviews that move without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.rules.specs.setting import BASE, INDEX, SPEC, WITHOUT_INDEX, each, index, judged, spec

if TYPE_CHECKING:
    from pathlib import Path

WAS = spec("2026-01-31", text="Runs are kept.\n\nUpdated: 2026-01-31\n")
FOUND = {"line": 2, "message": "is 2026-02-28 now, and nothing else"}


NOTE = "the queue is gone since March, and the section on it still holds"


def bump(text: str) -> str:
    return text.replace("last_review: 2026-01-31", "last_review: 2026-02-28")


def test_a_date_alone_is_no_review(tmp_path: Path) -> None:
    texts = [
        bump(WAS),
        bump(WAS).replace("kept.", "kept.\n\n\n   "),
        bump(WAS).replace("Updated: 2026-01-31", "Updated: 2026-02-28T10:00Z"),
        bump(WAS) + "\n<!-- reviewed, all fine -->\n",
        bump(WAS).replace("Runs are", "Runs\u200b are"),
        bump(WAS).replace("kept", "**kept**"),
        bump(WAS).replace("\n", "\r\n"),
        bump(WAS).replace("status: planned", "# looked at\nstatus: 'planned'"),
        bump(WAS).replace("status: planned\n", "").replace("---\n\n", "status: planned\n---\n\n"),
        bump(WAS).replace("status", "updated: 2026-02-28\nreviewed_objects: {src/a.py: 1234567}\nstatus"),
        bump(WAS).replace("status", "approvals: []\nstatus"),
        bump(WAS).replace("status", "checked: 2026-02-28 (by Ann)\nstatus"),
        bump(WAS) + "\n## Approvals\n\n- Ann Example: pending 2026-02-28\n",
        bump(WAS) + "\n## Approvals\n\n- [ ] Ann Example (2026-02-28)\n",
        bump(WAS) + "\n## Approvals\n\n- TBD (2026-02-28)\n",
        bump(WAS) + "\n## Approvals\n\n- Ann Example (2025-12-24)\n",
        bump(WAS) + "\n## Approvals\n\n- Ann Example (2026-12-24)\n",
    ]
    expect = [{**FOUND, "path": path} for path in each(texts)]
    base = each([WAS] * len(texts))
    judged("SPC004", tmp_path, each(texts), *expect, base=base, policy=WITHOUT_INDEX)


def test_what_is_a_review_or_no_bump(tmp_path: Path) -> None:
    texts = [
        WAS,
        WAS.replace("2026-01-31", "2026-01-20"),
        bump(WAS).replace("kept", "kept for 30 days"),
        bump(WAS).replace("planned", "in-progress"),
        bump(WAS) + "\n## Approvals\n\n- Ann Example (2026-02-28)\n",
        bump(WAS).replace("status", "approvals: [{by: Ann Example, date: 2026-02-27}]\nstatus"),
        bump(WAS).replace("status", f"review_notes:\n  - 2026-02-28: {NOTE}\nstatus"),
    ]
    judged("SPC004", tmp_path, each(texts), base=each([WAS] * len(texts)), policy=WITHOUT_INDEX)


def test_dates_in_the_index(tmp_path: Path) -> None:
    entry = {"id": "0001", "path": SPEC, "last_review": "2026-01-31", "status": "planned"}
    base = {**BASE, SPEC: "# Runs\n", INDEX: index(entry)}
    later = {**entry, "last_review": "2026-02-28"}
    found = {"path": SPEC, "line": None, "message": "now, in tasks/index.json:2"}
    judged("SPC004", tmp_path / "a", {INDEX: index(later)}, found, base=base)
    judged("SPC004", tmp_path / "b", {INDEX: index({**later, "status": "done"})}, base=base)
    approved = {**later, "approvals": {"docs": {"reviewer": "Ann Example", "date": "2026-02-28"}}}
    judged("SPC004", tmp_path / "c", {INDEX: index(approved)}, base=base)
    judged("SPC004", tmp_path / "d", {INDEX: index(later), SPEC: "# Runs\n\nKept.\n"}, base=base)
    judged("SPC004", tmp_path / "e", {INDEX: index(later), SPEC: "# Runs\n\n\n"}, found, base=base)
    keys = dict(reversed(later.items()))
    judged(
        "SPC004",
        tmp_path / "f",
        {INDEX: index({"id": "0000"}, keys)},
        {**found, "message": "json:3"},
        base=base,
    )
