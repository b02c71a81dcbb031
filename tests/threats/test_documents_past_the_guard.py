"""Documents that show otherwise than they read; others are in `tests/cases/threats/pages.toml`."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from specguard.testing import Outcome, Repository, run_here

Files = Mapping[str, str | bytes]

TODAY = "--today=2026-03-31"


def judged(repo: Repository, policy: str, base: Files, head: Files, select: str) -> Outcome:
    """The verdict of some rules on a change of some files."""
    authority = f"# Authority\n\n```toml specguard\n{policy}\n```\n"
    repo.commit("chore: base", files={"SPEC_AUTHORITY.md": authority, **base})
    repo.branch("work")
    repo.commit("docs: change", files=head)
    return run_here("check", f"--select={select}", TODAY, "--output-format=json", directory=repo.path)


def found(outcome: Outcome, code: str) -> set[str]:
    """The paths of the errors of one code; any rule that cannot tell is a failure of the test."""
    rules: list[dict[str, Any]] = outcome.report["rules"]
    assert [
        rule for rule in rules if rule["state"] not in {"passed", "failed", "not-applicable", "off"}
    ] == []
    findings = outcome.report["findings"]
    return {one["location"]["path"] for one in findings if one["code"] == code and one["severity"] == "error"}


def numbered(texts: Iterable[str], folder: str = "specs") -> dict[str, str]:
    """Each text in a file of its own, so that one repository serves them all."""
    return {f"{folder}/{number:03}.md": text for number, text in enumerate(texts)}


def reviewed(day: str, body: str = "Runs are kept for 30 days.", more: str = "") -> str:
    return f"---\nlast_review: {day}\n{more}---\n\n# Runs\n\n{body}\n"


SAME = "Runs are kept for 30 days."
BODIES = [
    SAME,
    "Runs are\nkept for 30 days.",
    "Runs are <span class='x'>kept</span> for 30 days.<br>",
    "Runs are kept for 30 days&#46;&nbsp;",
    "Runs are kept for 30 days\\.",
    "Runs are [kept]() for 30 days.",
    "Runs \u0430re \u212aept for 30 days\u2024",
    "RUNS are kept for 30 days",
    SAME + " .\ue000",
    SAME + "\n\n<p align=center>\n\n</p>",
    SAME + "\n\n<span style='display&colon;none'>Reviewed.</span>",
    SAME + "\n\n[^1]: Reviewed.",
    SAME + "\n\n<!-- Reviewed. -->\n\n[Reviewed]: x",
    SAME + "\n\nReviewed: 2026-03-30",
    SAME + "\n\n| Reviewed on | 2026-03-30 |\n|-|-|",
]
MORE = [
    "updated: 2026-03-30\n",
    "checked_on: 30 March 2026\n",
    "next_review: 2026-04-30\n",
    "note:\nother: '\u200b'\n",
]
WHOLE = [
    f"# Runs\n\nLast review: 2026-03-30\n\n{SAME}\n",
    f"# Runs\n\n{SAME}\n\n| Last review | 2026-03-30 |\n|-|-|\n",
    f"+++\nlast_review = 2026-03-30\n+++\n# Runs\n\n{SAME}\n",
]
SPECS = '[specs]\nfiles = ["specs/*.md"]\nreview = "last_review"'


def test_a_date_that_moves_with_what_no_reader_sees_is_no_review(repository: Repository) -> None:
    """Layout, look-alikes, hidden text and the same day in other fields are no trace of a review."""
    texts = [reviewed("2026-03-30", body) for body in BODIES]
    texts += [reviewed("2026-03-30", more=more) for more in MORE] + WHOLE
    head = numbered(texts)
    base = dict.fromkeys(head, reviewed("2026-01-31"))
    assert found(judged(repository, SPECS, base, head, "SPC"), "SPC004") == set(head)


def test_a_correction_is_a_trace_of_a_review(repository: Repository) -> None:
    head = numbered(
        reviewed("2026-03-30", body)
        for body in (
            "Runs are kept for 90 days.",
            "Runs are kept for 30 days, and logs.",
            SAME + "\n\n![Its states](states.png)",
            SAME + "[^1]\n\n[^1]: Logs are not.",
            SAME + "\n\n```\nkeep(days=30)\n```",
        )
    )
    base = dict.fromkeys(head, reviewed("2026-01-31"))
    assert found(judged(repository, SPECS, base, head, "SPC"), "SPC004") == set()


UNREADABLE = """[specs]
files = ["specs/*.md"]
index = "index.json"
mirrors = ["m/*"]

[rules.unmapped-acceptance]
documents = ["docs/*.md"]

[models]
allow = ["^good-1"]

[runs]
keep = "tree"
"""


def test_what_is_not_utf8_or_too_long_hides_nothing(repository: Repository) -> None:
    index = '{"specs": [{"id": "0001", "path": "specs/1.md", "status": "planned"}]}'
    base = {"specs/1.md": "# Runs\n", "index.json": index}
    head = {
        "m/latin.md": b"- 0001: done \xe9\n",
        "docs/latin.md": b"- Scenario: x \xe9\n",
        ".runs/1/x.md": b"model: gpt-5 \xe9\n",
        ".runs/2/x.json": b'{"model": "gpt-5 %s"}' % (b"x" * 400),
    }
    outcome = judged(repository, UNREADABLE, base, head, "SPC008,ART020,PLN006")
    assert found(outcome, "SPC008") == {"m/latin.md"}
    assert found(outcome, "ART020") == {"docs/latin.md"}
    assert found(outcome, "PLN006") == {".runs/1/x.md", ".runs/2/x.json"}


PLANS = '[plans.pipeline]\ntasks = "plan.tasks"\n\n[runs]\nkeep = "tree"\n'
VERIFIED: list[Any] = [
    {"commands": ["pytest -q"], "exit_code": 0, "code": 1},
    {"commands": ["pytest -q"], "exit": 0, "exitCode": 1},
    {"commands": ["pytest -q"], "exit_code": 0, "code": None},
    {"note": "it works", "by": "Cl\u0430ude", "at": "2026-01-31"},
    {"note": "it works", "by": "the agent", "at": "2026-01-31"},
    {"note": "it works", "by": "Claude Code", "at": "2026-01-31"},
    {"note": "it works", "by": "AI Agent 3", "at": "2026-01-31"},
]


def test_a_task_is_verified_by_what_counts_against_it_too(repository: Repository) -> None:
    def plan(verification: Any) -> str:
        task = {
            "id": "task_1", "title": "Cart", "status": "done", "depends_on": [], "expected_files": ["src/"],
            "verify": ["pytest -q"], "done_criteria": ["it holds items"], "verification": verification,
        }  # fmt: skip
        return json.dumps({"plan": {"tasks": [task]}})

    head = {f".plans/{number}/plan.json": plan(one) for number, one in enumerate(VERIFIED)}
    right = {".plans/a/plan.json": plan({"note": "it works", "by": "Claude Monet", "at": "2026-01-31"})}
    outcome = judged(repository, PLANS, {"a": "a"}, {**head, **right}, "PLN003")
    assert found(outcome, "PLN003") == set(head)
