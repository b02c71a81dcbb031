"""Documents that try to get past the guard: what a reader of the page does not see, or sees otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Outcome, Repository, run_here

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Files = Mapping[str, str | bytes]

TODAY = "--today=2026-03-31"
FIELDS = "status: planned\n"


def judged(
    repo: Repository, policy: str, base: Files, head: Files, select: str, *, delete: Sequence[str] = ()
) -> Outcome:
    """The verdict of some rules on a change of some files."""
    authority = f"# Authority\n\n```toml specguard\n{policy}\n```\n"
    repo.commit("chore: base", files={"SPEC_AUTHORITY.md": authority, **base})
    repo.branch("work")
    repo.commit("docs: change", files=head, delete=delete)
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


STATUSES = """[specs]
files = ["specs/*.md"]
statuses = ["planned", "done"]
approval_needed = ["done"]
"""
TWO = [
    "---\nstatus: planned\n---\n# Runs\n\n**Status:** done\n",
    "---\nstatus: planned\n---\n# Runs\n\n## Status\n\nDone\n",
    "---\nstatus: planned\nStatus: done\n---\n# Runs\n",
    "# Runs\n\nStatus: planned\n\n- Status: done\n",
    "# Runs\n\nStatus: planned\n\n## Metadata\n\n| Status | done |\n|-|-|\n",
]
ATTRIBUTE = "# Runs\n\n<b title='\nstatus: planned\n'>x</b>\n"


def test_a_spec_has_one_status(repository: Repository) -> None:
    """With two, nobody knows by which one a reader goes; the stricter one asks for its approval."""
    head = numbered([*TWO, ATTRIBUTE])
    outcome = judged(repository, STATUSES, {"a": "a"}, head, "SPC")
    assert found(outcome, "SPC005") == set(head)
    assert found(outcome, "SPC006") == set(numbered(TWO))


RECORDS = [
    "[{reviewer: Ann Example, date: 2026-01-31, approved: 'no'}]",
    "[{reviewer: Ann Example, date: 2026-01-31, approved: null}]",
    "[{reviewer: Ann Example, date: 2026-01-31, signed_off: false}]",
    "[{reviewer: Ann Example, date: 2026-01-31, decision: {value: rejected}}]",
    "[{reviewer: nobody, date: 2026-01-31}]",
    "['to be approved by Ann Example 2026-01-31']",
    "['Ann Example (2026-01-31): no']",
    "[{reviewer: Ann Example, date: '0001-01-01T00:00+05:00'}]",
]
SECTIONS = [
    "- ~~Ann Example 2026-01-31~~",
    "- \u274c Ann Example 2026-01-31",
    "- [-] Ann Example 2026-01-31",
    "- [\u00a0] Ann Example 2026-01-31",
    "- \\[ ] Ann Example 2026-01-31",
    "- \u2610 Ann Example 2026-01-31",
    "- [Approved](# 'Ann Example 2026-01-31')",
    "| ok | Who | When |\n|-|-|-|\n| [ ] | Ann Example | 2026-01-31 |",
    "| Reviewer | Date | Approved |\n|-|-|-|\n| Ann Example | 2026-01-31 | no |",
    "| Reviewer | Date | Approved |\n|-|-|-|\n| Ann Example | 2026-01-31 | |",
    "| Reviewer | Date | Status |\n|-|-|-|\n| Ann Example | 2026-01-31 | \u274c |",
]


def test_an_approval_that_is_not_given_is_none(repository: Repository) -> None:
    texts = [f"---\nstatus: done\napprovals: {record}\n---\n# Runs\n" for record in RECORDS]
    texts += [f"---\nstatus: done\n---\n# Runs\n\n## Approvals\n\n{text}\n" for text in SECTIONS]
    head = numbered(texts)
    assert found(judged(repository, STATUSES, {"a": "a"}, head, "SPC"), "SPC006") == set(head)


@pytest.mark.parametrize("field", ["path", "id", "status"])
def test_an_index_with_half_a_surrogate_pair_is_refused(repository: Repository, field: str) -> None:
    """JSON can spell what no file name and no report can hold."""
    base = {"specs/1.md": "# Runs\n", "index.json": '{"specs": []}'}
    head = {"index.json": f'{{"specs": [{{"id": "1", "{field}x": 1, "{field}": "x\\ud800/b.md"}}]}}'}
    policy = '[specs]\nfiles = ["specs/*.md"]\nindex = "index.json"\n'
    outcome = judged(repository, policy, base, head, "SPC001")
    assert found(outcome, "SPC001") == {"index.json"}


MIRRORS = """[specs]
files = ["specs/*.md"]
index = "index.json"
mirrors = ["m/*"]
"""


def test_a_mirror_that_nobody_can_read_hides_nothing(repository: Repository) -> None:
    index = '{"specs": [{"id": "0001", "path": "specs/1.md", "status": "planned"}]}'
    head: dict[str, str | bytes] = {
        "m/latin.md": b"- 0001: done \xe9\n",
        "m/nul.md": "- 0001: done\n\0",
        "m/broken.json": '[{"id": "0001", "status": "done"},]',
        "m/twice.json": '{"0001": "planned", "0001": "done"}',
        "m/entity.md": "- &#48;001: d&#111;ne\n",
        "real.md": "- 0001: done\n",
    }
    repository.symlink("m/link.md", "../real.md")
    base = {"specs/1.md": "# Runs\n", "index.json": index}
    outcome = judged(repository, MIRRORS, base, head, "SPC008")
    # The link was there before, and is judged as what the change touches beside it is not.
    assert found(outcome, "SPC008") == set(head) - {"real.md"}
    whole = run_here("check", "--all", "--select=SPC008", "--output-format=json", directory=repository.path)
    assert found(whole, "SPC008") == {*head, "m/link.md"} - {"real.md"}


def test_a_link_in_place_of_a_spec_is_no_spec(repository: Repository) -> None:
    repository.write("specs/1.md", reviewed("2026-03-01"))
    repository.write("specs/2.md", reviewed("2026-03-01"))
    repository.commit(
        "chore: specs", files={"SPEC_AUTHORITY.md": f"# A\n\n```toml specguard\n{SPECS}\n```\n"}
    )
    repository.branch("work")
    repository.symlink("specs/1.md", "../notes/1.txt")
    repository.symlink("specs/3.md", "2.md")
    repository.commit("docs: links")
    outcome = run_here("check", "--select=SPC", TODAY, "--output-format=json", directory=repository.path)
    assert found(outcome, "SPC001") == {"specs/1.md"}


def test_a_key_may_be_spelt_as_a_page_shows_it(repository: Repository) -> None:
    policy = '[authority]\norder = ["HIGH.md", "low/*"]\nkeys = [{name = "canonical_root"}]\n'
    head = {
        "low/a.md": "canonical\u200b_root: /x\n",
        "low/b.md": "canonical<b></b>_root: /x\n",
        "low/c.md": "c&#97;nonical_root: /x\n",
        "low/d.md": '---\n"c\\x61nonical_root": /x\n---\n',
    }
    base = {"HIGH.md": "canonical_root: /api\n"}
    assert found(judged(repository, policy, base, head, "SPC009"), "SPC009") == set(head)


EVIDENCE = """[artifacts.report]
path = "docs/*.md"

[artifacts.report.evidence]
section = "Evidence"

[artifacts.review]
path = "reviews/*.md"
findings = {severities = ["high", "low"]}
"""
NO_EVIDENCE = [
    "- docs/000.md:1",
    "- `001.md:1`, again",
    "- [claim](# 'src/a.py:1')",
    '- [claim](x "src/a.py:1")',
    "- <b title='src/a.py:1'>claim</b>",
    "- x[^1]",
    "<div style='clip:rect(0,0,0,0)'>\n\n- src/a.py:1\n\n</div>",
]


def test_an_artifact_is_no_evidence_of_itself(repository: Repository) -> None:
    """Neither is what stands in a title, an attribute, a footnote that nothing refers to, or hidden HTML."""
    head = numbered((f"# R\n\n## Evidence\n\n{text}\n\n[^2]: src/a.py:1\n" for text in NO_EVIDENCE), "docs")
    head["reviews/1.md"] = (
        "## Findings\n\n- [high] It breaks, reviews/1.md:1\n- [low] It is slow, src/a.py:1\n"
    )
    outcome = judged(repository, EVIDENCE, {"src/a.py": "a\n"}, head, "ART004,ART007")
    assert found(outcome, "ART004") == set(head) - {"reviews/1.md"}
    assert found(outcome, "ART007") == {"reviews/1.md"}


READY = """[artifacts.ready]
path = "docs/*.md"
fields = {posture = ["ready", "not-ready"]}

[artifacts.packet]
path = "packets/*.md"

[artifacts.review]
path = "reviews/*.md"
author_not = "packet.author"
"""


def test_fields_that_a_page_shows_otherwise(repository: Repository) -> None:
    head = numbered(
        [
            "---\nposture: ready\n---\n# R\n\n## Decision\n\nPosture: not-ready\n",
            "---\nposture: ready\n---\n# R\n\n## Posture\n\nnot-ready\n",
            "Posture: ready\n\n- **Posture**: not-ready\n",
            "# R\n\n<b title='\nposture: ready\n'>x</b>\n",
            "# R\n\nPosture: \u274c ready\n",
            "# R\n\nx[^1]\n\n[^2]: Posture: ready\n",
        ],
        "docs",
    )
    right = {
        "docs/html.md": "<b>Posture:</b> re&#97;dy\n",
        "docs/twice.md": "Posture: ready\n\n## R\n\nPosture: x\n",
    }
    outcome = judged(repository, READY, {"a": "a"}, {**head, **right}, "ART009")
    assert found(outcome, "ART009") == set(head)


@pytest.mark.parametrize(
    "author",
    [
        "author: An\u200bn",
        "author: \u0410nn",
        "author: \uff21nn",
        "author: &#65;nn",
        '---\nauthor: "Ann\\u200b"\n---',
        "---\nauthor: Bob\n---\nAuthor: Ann",
    ],
)
def test_an_author_by_another_spelling_is_the_same_one(repository: Repository, author: str) -> None:
    head = {"packets/1.md": "author: Ann\n", "reviews/1.md": f"{author}\n"}
    assert found(judged(repository, READY, {"a": "a"}, head, "ART009"), "ART009") == {"reviews/1.md"}


AGENTS = """[artifacts.final]
path = "**/AGENT_{agent}_FINAL.md"
companions = ["AGENT_{agent}_PLAN.md"]

[artifacts.cleanup]
path = "**/CLEANUP.md"
agrees_with = "deletions"
"""


def test_a_companion_is_there_for_a_reader(repository: Repository) -> None:
    plans = ["\ufeff\n", "\u200b\n", "<!-- a plan -->\n", "\0", "[//]: # (a plan)\n", "- <!-- a plan -->\n"]
    head = {f"{number}/AGENT_1_PLAN.md": text for number, text in enumerate(plans)}
    finals = {f"{number}/AGENT_1_FINAL.md": "# F\n" for number in range(len(plans))}
    right = {"x/AGENT_1_FINAL.md": "# F\n", "x/AGENT_1_PLAN.md": "> Plan\n"}
    outcome = judged(repository, AGENTS, {"a": "a"}, {**head, **finals, **right}, "ART001")
    assert found(outcome, "ART001") == set(finals)


def test_a_manifest_of_the_past_excuses_nothing_new(repository: Repository) -> None:
    """A plan that was cleaned up was there once; for what it brings or removes a change accounts itself."""
    manifest = (
        "# C\n\n## Removed\n\n- `AGENT_*_PLAN.md`: superseded drafts\n- `AGENT_2_PLAN.md`: superseded\n"
    )
    base = {
        "a/CLEANUP.md": manifest,
        "a/AGENT_2_FINAL.md": "# F\n",
        "a/AGENT_3_FINAL.md": "# F\n",
        "b/AGENT_2_FINAL.md": "# F\n",
        "b/AGENT_2_PLAN.md": "# P\n",
        "b/CLEANUP.md": manifest,
    }
    head = {"a/AGENT_1_FINAL.md": "# F\n", "a/AGENT_2_FINAL.md": "# F, corrected\n"}
    outcome = judged(repository, AGENTS, base, head, "ART001,ART011", delete=["b/AGENT_2_PLAN.md"])
    assert found(outcome, "ART001") == {"a/AGENT_1_FINAL.md", "b/AGENT_2_FINAL.md"}


def test_a_reason_is_seen(repository: Repository) -> None:
    manifest = "- `a.py` <span title='nobody imports it'></span>\n- `b.py` [](# 'nobody imports it')\n"
    base = {"a.py": "a\n", "b.py": "b\n"}
    outcome = judged(repository, AGENTS, base, {"CLEANUP.md": manifest}, "ART011", delete=list(base))
    said = [one["message"] for one in outcome.report["findings"]]
    assert said == ["a.py is listed without a reason", "b.py is listed without a reason"]


def test_a_document_of_the_order_is_no_link(repository: Repository) -> None:
    policy = '[authority]\norder = ["HIGH.md", "low/*"]\nkeys = [{name = "canonical_root"}]\n'
    repository.symlink("low/old.md", "../HIGH.md")
    files = {"HIGH.md": "canonical_root: /api\n", "low/a.md": "canonical_root: /api\n"}
    authority = f"# Authority\n\n```toml specguard\n{policy}\n```\n"
    repository.commit("chore: base", files={"SPEC_AUTHORITY.md": authority, **files})
    repository.branch("work")
    repository.symlink("low/a.md", "../other.md")
    repository.commit("docs: change", files={"other.md": "canonical_root: /x\n"})
    outcome = run_here("check", "--select=SPC009", "--output-format=json", directory=repository.path)
    assert found(outcome, "SPC009") == {"low/a.md"}


ACCEPTANCE = '[rules.unmapped-acceptance]\ndocuments = ["docs/*.md"]\n'


def test_a_document_of_scenarios_can_be_read(repository: Repository) -> None:
    repository.symlink("docs/link.md", "../real.md")
    head: dict[str, str | bytes] = {
        "docs/latin.md": b"- Scenario: x \xe9\n",
        "docs/nul.md": "- Scenario: x\n\0",
        "real.md": "- Scenario: x\n",
    }
    repository.commit(
        "chore: base", files={"SPEC_AUTHORITY.md": f"# A\n\n```toml specguard\n{ACCEPTANCE}\n```\n"}
    )
    repository.branch("work")
    repository.symlink("docs/new.md", "../real.md")
    repository.commit("docs: change", files=head)
    outcome = run_here("check", "--select=ART020", "--output-format=json", directory=repository.path)
    assert found(outcome, "ART020") == {"docs/latin.md", "docs/nul.md", "docs/new.md"}


MODELS = '[models]\nallow = ["^good-1"]\n\n[runs]\nkeep = "tree"\n'
NAMED: list[tuple[str, str | bytes]] = [
    ("json", '{"model": "gpt-5",}'),
    ("json", '{"model": "good-1", "model": "gpt-5"}'),
    ("json", '{"model": {"name": "gpt-5"}}'),
    ("json", '{"model": "good-1\\ngpt-5"}'),
    ("json", f'{{"model": "gpt-5 {"x" * 400}"}}'),
    ("json", '{"model": "<gpt-5>"}'),
    ("yaml", "a: &m gpt-5\nmodel: *m\n"),
    ("jsonl", '{"a": 1}\n{"model": "gpt-5"}\n'),
    ("md", b"model: gpt-5 \xe9\n"),
]


def test_a_model_is_named_in_what_cannot_be_read_as_well(repository: Repository) -> None:
    head = {f".runs/{number}/x.{kind}": text for number, (kind, text) in enumerate(NAMED)}
    right = {".runs/a/x.json": '{"model": "good-1",}', ".runs/b/x.jsonl": '{"model": "<model>"}\n'}
    outcome = judged(repository, MODELS, {"a": "a"}, {**head, **right}, "PLN006")
    assert found(outcome, "PLN006") == set(head)


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
