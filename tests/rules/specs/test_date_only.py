"""SPC004: dates of reviews that move without a trace."""

from functools import partial
from pathlib import Path

import pytest

from tests.rules.specs.setting import SPEC, WITHOUT_INDEX, each, judged_by, spec

WAS = spec("2026-01-31", text="Runs are kept.\n\nUpdated: 2026-01-31\n")
FOUND = {"line": 2, "message": "is 2026-02-28 now, and nothing else"}


NOTE = "the queue is gone since March, and the section on it still holds"
judged = partial(judged_by, "SPC004", policy=WITHOUT_INDEX)


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
    judged(tmp_path, each(texts), *expect, base=base)


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
    judged(tmp_path, each(texts), base=each([WAS] * len(texts)))


@pytest.mark.parametrize(
    "form", ["- **Last review:** {} (Ann)", "Owner: Ann | Last review: {}", "Last review:\n{}"]
)
def test_dates_in_the_text(form: str, tmp_path: Path) -> None:
    was, now = (f"# Runs\n\n{form.format(day)}\n" for day in ("2026-01-31", "2026-02-28"))
    judged(tmp_path / "a", {SPEC: now}, {"path": SPEC, "line": 3}, base={SPEC: was})
    if "Ann" in form:
        judged(tmp_path / "b", {SPEC: now.replace("Ann", "Bob")}, base={SPEC: was})
