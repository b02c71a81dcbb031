"""Documents that try to get past the guard: what a reader of the page does not see, or sees otherwise."""

from __future__ import annotations

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
    repository.commit("chore: specs", files={"SPEC_AUTHORITY.md": f"# A\n\n```toml specguard\n{SPECS}\n```\n"})
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
