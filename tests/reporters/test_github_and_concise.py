"""Annotations within the runner's limits, a step summary within the platform's, and one line a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specguard.model import Finding, Judged, Origin, RuleResult, Verdict
from specguard.reporters import concise, github, markdown, text
from specguard.testing import Case, Repository, Step, run
from specguard.testing.running import run_here

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = b"a\n::error file=x::pwn\x1b[2J,`|<b>.md"


def judged(message: str = "m", *, severity: Any = "error", state: Any = "open", **where: Any) -> Judged:
    finding = Finding(message, **where)
    origin = Origin("SPEC_AUTHORITY.md", 9)
    return Judged(
        finding,
        code="PTH001",
        name="forbidden-path",
        severity=severity,
        authority=origin,
        fingerprint="f",
        state=state,
    )


def verdict(*findings: Judged, dry_run: bool = False, **more: Any) -> Verdict:
    state: Any = "failed" if any(f.severity == "error" and f.state == "open" for f in findings) else "passed"
    results = [RuleResult("PTH001", "forbidden-path", state, findings=findings), *more.pop("results", [])]
    change = {"source": "range", "branch": "phase`1", "commits": 1, "entries": 2}
    return Verdict(change=change, authority={}, results=results, dry_run=dry_run, **more)


def test_an_annotation() -> None:
    text = github.render(
        [verdict(judged("bad: 50%", path=b"docs/a,b.md", line=3, end_line=5, help="undo it"))]
    )
    assert text.split("\n")[0] == (
        "::error file=docs/a%2Cb.md,line=3,endLine=5,title=PTH001 forbidden-path"
        "::bad: 50%25%0Aby SPEC_AUTHORITY.md:9%0Anext: undo it"
    )
    assert text.split("\n")[1].startswith("specguard: failed (range, 1 commit, 2 files): rules: 1 failed")


def test_kinds() -> None:
    found = verdict(
        judged("a", severity="info", path=b"p"),
        judged("b", severity="warning", commit="1" * 40),
        judged("c", state="approved"),
        judged("d"),
    )
    heads = [line.split(" ")[0] for line in github.render([found]).split("\n")[:4]]
    assert heads == ["::error", "::warning", "::notice", "::notice"]
    assert "::warning title=PTH001 forbidden-path::commit 111111111111: b" in github.render([found])
    assert "(approved) c" in github.render([found])
    assert github.render([verdict(judged("d"), dry_run=True)]).startswith("::warning ")
    assert "specguard: would block" in github.render([verdict(judged("d"), dry_run=True)])


def test_an_undecided_rule_is_an_error() -> None:
    result = RuleResult(
        "BRN001", "branch-name", "indeterminate", reason="HEAD is detached", command="--branch X"
    )
    text = github.render([verdict(results=[result])])
    assert text.startswith(
        "::error title=BRN001 branch-name::could not be judged: HEAD is detached%0Anext: --branch X\n"
    )
    assert "BRN001 could not be judged: HEAD is detached (--branch X)\n" in concise.render(
        [verdict(results=[result])]
    )
    assert "**could not be judged**" in markdown.render([verdict(results=[result])])


def test_rules_that_lack_the_same_fact_are_told_together() -> None:
    lacking = [
        RuleResult(code, "name", "indeterminate", reason="the clone is shallow", command="git fetch")
        for code in ("CMT001", "CMT002", "CMT003")
    ]
    alone = RuleResult("PRQ001", "pull-request-title", "indeterminate", reason="no title")
    found = [verdict(results=[*lacking, alone])]
    assert github.render(found).count("::error ") == 2
    assert "title=3 rules (CMT001%2C CMT002%2C CMT003)::could not be judged: the clone" in github.render(
        found
    )
    assert markdown.render(found).count("the clone is shallow") == 1
    assert text.render(found).split("\n")[:7] == [
        "3 rules (CMT001, CMT002, CMT003) could not be judged",
        "    the clone is shallow",
        "    next git fetch",
        "",
        "PRQ001 pull-request-title could not be judged",
        "    no title",
        "",
    ]
    assert concise.render(found).count("the clone is shallow") == 3


def test_a_file_is_named_once() -> None:
    found = [
        verdict(
            judged("docs/a loses line 3: x", path=b"docs/a", line=3),
            judged("docs/a was deleted", path=b"docs/a"),
            judged("docs/ab is near", path=b"docs/a"),
            judged("docs/a, the document, is changed", path=b"docs/a"),
            judged("commit 111111111111 'x' works on two", commit="1" * 40),
            judged("was not read", path=b"SPEC_AUTHORITY.md", line=9),
        )
    ]
    assert text.render(found).split("\n")[1:9] == [
        "  error: docs/a:3: loses line 3: x",
        "  error: docs/a was deleted",
        "  error: docs/a: docs/ab is near",
        "  error: docs/a, the document, is changed",
        "  error: commit 111111111111 'x' works on two",
        "    by   SPEC_AUTHORITY.md:9",
        "  error: SPEC_AUTHORITY.md:9: was not read",
        "",
    ]


def test_what_findings_have_in_common_is_said_below_the_last_of_them() -> None:
    found = verdict(
        judged("a", path=b"a", help="Mend it."),
        judged("b", path=b"b", help="Mend it."),
        judged("c", path=b"c", help="Take it out."),
        judged("d", path=b"d", help="Mend it."),
    )
    assert text.render([found]).split("\n")[1:11] == [
        "  error: a: a",
        "  error: b: b",
        "    by   SPEC_AUTHORITY.md:9",
        "    next Mend it.",
        "  error: c: c",
        "    by   SPEC_AUTHORITY.md:9",
        "    next Take it out.",
        "  error: d: d",
        "    by   SPEC_AUTHORITY.md:9",
        "    next Mend it.",
    ]


def test_hostile_names_are_one_escaped_line() -> None:
    found = verdict(judged("see\n##[error]x\n::stop-commands::t", path=HOSTILE, line=1))
    text = github.render([found])
    assert len(text.splitlines()) == 2
    assert text.startswith("::error file=a\\x0a%3A%3Aerror file=x%3A%3Apwn\\x1b[2J%2C`|<b>.md,")
    assert "::see\\x0a\\x23#[error]x\\x0a::stop-commands::t%0Aby SPEC_AUTHORITY.md:9\n" in text
    lines = concise.render([found]).splitlines()
    assert lines[0].startswith("a\\x0a::error file=x::pwn\\x1b[2J,`|<b>.md:1: PTH001 see\\x0a\\x23#[error]x")
    page = markdown.render([found])
    assert "<b>" not in page
    assert "\x1b" not in page
    assert "&#96;" in page


def test_limits_of_the_runner() -> None:
    many = [judged("e" * 10_000, path=b"p%d" % number) for number in range(13)]
    many += [judged("w", severity="warning", path=b"w%d" % number) for number in range(11)]
    lines = github.render([verdict(*many)]).splitlines()
    assert sum(line.startswith("::error ") for line in lines) == 10
    assert sum(line.startswith("::warning ") for line in lines) == 10
    assert max(len(line.partition("::")[2].partition("::")[2]) for line in lines[:20]) <= 4096
    assert (
        "specguard: GitHub shows 10 annotations of a kind; there are 3 more errors, 1 more warning" in lines
    )


def test_the_summary_is_cut_before_the_platform_drops_it() -> None:
    found = verdict(*[judged("ä" * 1000, path=b"p%d" % number) for number in range(700)])
    page = markdown.render([found], limit=markdown.SUMMARY_LIMIT).encode()
    assert 990_000 < len(page) <= 1_000_000
    assert 62_000 < len(markdown.render([found]).encode()) <= markdown.COMMENT_LIMIT
    assert page.endswith(b" more lines are in `--output json=FILE`.\n")


def test_the_summary_page() -> None:
    found = verdict(judged("not *this*", path=b"docs/x.md", line=3, help="undo"), notes=["judged by @base"])
    assert markdown.render([found]) == (
        "## specguard: failed (`` phase`1 ``)\n\nRules: 1 failed.\n\n### PTH001 forbidden-path\n\n"
        "- **error** `docs/x.md:3`: not &#42;this&#42;<br>by `SPEC_AUTHORITY.md:9`<br>next: undo\n\n"
        "> judged by &#64;&#8203;base\n\n"
    )
    assert "Nothing to judge." in markdown.render([verdict(empty=True)])


def test_concise() -> None:
    found = verdict(
        judged("a", path=b"x/y", line=2),
        judged("b", path=b"\xff"),
        judged("c", commit="2" * 40, field="commit.subject", severity="warning"),
        judged("d", field="branch", state="baselined"),
    )
    assert concise.render([found]).splitlines() == [
        "x/y:2: PTH001 a",
        "\\xff: PTH001 b",
        "commit 222222222222: PTH001 c (warning)",
        "branch: PTH001 d (baselined)",
        "specguard: failed (range, 1 commit, 2 files): rules: 1 failed",
    ]


def test_through_the_command(repository: Repository) -> None:
    policy = '# A\n\n```toml specguard\n[rules.forbidden-path]\npaths = ["locked/"]\n```\n'
    repository.commit(files={"SPEC_AUTHORITY.md": policy})
    repository.branch("work")
    repository.commit(files={b"locked/a\n::error::b": "x"})
    page = repository.path.parent / "summary.md"
    page.write_text("before\n")
    arguments = ("check", "--base=main", "--select=PTH001")
    outcome = run(
        *arguments,
        "--output-format=github",
        directory=repository.path,
        env={"GITHUB_STEP_SUMMARY": str(page)},
    )
    assert outcome.exit_code == 1
    assert outcome.stdout.startswith(
        "::error file=locked/a\\x0a%3A%3Aerror%3A%3Ab,title=PTH001 forbidden-path::"
    )
    assert len(outcome.stdout.splitlines()) == 2
    assert page.read_text().startswith("before\n## specguard: failed (`work`)\n")
    outcome = run(*arguments, "--output-format=concise", directory=repository.path)
    assert outcome.stdout.startswith("locked/a\\x0a::error::b: PTH001 ")


def test_a_failed_rule_beside_one_that_could_not_be_judged_is_told_as_both(tmp_path: Path) -> None:
    policy = '[rules.forbidden-path]\npaths = ["no/"]\n\n[rules.branch-name]\npattern = "^x$"\n'
    repository = Case(policy=policy, commits=[Step("feat: a", files={"no/a": "a"})]).build(tmp_path / "r")
    repository.git("checkout", "-q", "--detach")
    outcome = run_here("check", "--base=main", directory=repository.path)
    assert outcome.exit_code == 2
    assert "specguard: failed, and indeterminate (" in outcome.stdout
    report = run_here("check", "--base=main", "--output-format=json", directory=repository.path).report
    assert report["verdict"] == "indeterminate"
