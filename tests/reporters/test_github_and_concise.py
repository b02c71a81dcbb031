"""Annotations within the runner's limits, a step summary within the platform's, and one line a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specguard.model import Finding, Judged, Origin, RuleResult, Verdict
from specguard.reporters import platforms, short_reports, text
from specguard.testing import Case, Repository, Step, run_here
from tests.outcomes import ended

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = b"a\n::error file=x::pwn\x1b[2J,`|<b>.md"


def judged(
    message: str = "m", *, severity: Any = "error", state: Any = "open", code: str = "PTH001", **where: Any
) -> Judged:
    finding = Finding(message, **where)
    origin = Origin("SPEC_AUTHORITY.md", 9)
    return Judged(
        finding,
        code=code,
        name="forbidden-path",
        severity=severity,
        authority=origin,
        fingerprint=f"{message} {where}",
        state=state,
    )


def verdict(*findings: Judged, dry_run: bool = False, **more: Any) -> Verdict:
    state: Any = "failed" if any(f.severity == "error" and f.state == "open" for f in findings) else "passed"
    results = [RuleResult("PTH001", "forbidden-path", state, findings=findings), *more.pop("results", [])]
    change = {"source": "range", "branch": "phase`1", "commits": 1, "entries": 2}
    return Verdict(change=change, authority={}, results=results, dry_run=dry_run, **more)


def test_an_annotation() -> None:
    text = platforms.render_github(
        [verdict(judged("bad: 50%", path=b"docs/a,b.md", line=3, end_line=5, help="undo it"))]
    )
    assert text.split("\n")[0] == (
        "::error file=docs/a%2Cb.md,line=3,endLine=5,title=PTH001 forbidden-path"
        "::bad: 50%25%0Aby SPEC_AUTHORITY.md:9%0Anext: undo it"
    )
    assert text.split("\n")[1].startswith(
        "specguard: failed (range, 1 commit, 2 files): 1 error in 1 file (1 rule)"
    )


def test_kinds() -> None:
    found = verdict(
        judged("a", severity="info", path=b"p"),
        judged("b", severity="warning", commit="1" * 40),
        judged("c", state="approved"),
        judged("d"),
    )
    heads = [line.split(" ")[0] for line in platforms.render_github([found]).split("\n")[:4]]
    assert heads == ["::error", "::warning", "::notice", "::notice"]
    assert "::warning title=PTH001 forbidden-path::commit 111111111111: b" in platforms.render_github([found])
    assert "(approved) c" in platforms.render_github([found])
    assert platforms.render_github([verdict(judged("d"), dry_run=True)]).startswith("::warning ")
    assert "specguard: would block" in platforms.render_github([verdict(judged("d"), dry_run=True)])


def test_an_undecided_rule_is_an_error() -> None:
    result = RuleResult(
        "BRN001", "branch-name", "indeterminate", reason="HEAD is detached", command="--branch X"
    )
    text = platforms.render_github([verdict(results=[result])])
    assert text.startswith(
        "::error title=BRN001 branch-name::could not be judged: HEAD is detached%0Anext: --branch X\n"
    )
    assert "BRN001 could not be judged: HEAD is detached (--branch X)\n" in short_reports.render_concise(
        [verdict(results=[result])]
    )
    assert "**could not be judged**" in platforms.render_markdown([verdict(results=[result])])


def test_rules_that_lack_the_same_fact_are_told_together() -> None:
    lacking = [
        RuleResult(code, "name", "indeterminate", reason="the clone is shallow", command="git fetch")
        for code in ("CMT001", "CMT002", "CMT003")
    ]
    alone = RuleResult("PRQ001", "pull-request-title", "indeterminate", reason="no title")
    found = [verdict(results=[*lacking, alone])]
    assert platforms.render_github(found).count("::error ") == 2
    assert (
        "title=3 rules (CMT001%2C CMT002%2C CMT003)::could not be judged: the clone"
        in platforms.render_github(found)
    )
    assert platforms.render_markdown(found).count("the clone is shallow") == 1
    assert text.render(found).split("\n")[:7] == [
        "3 rules (CMT001, CMT002, CMT003) could not be judged",
        "    the clone is shallow",
        "    next git fetch",
        "",
        "PRQ001 pull-request-title could not be judged",
        "    no title",
        "",
    ]
    assert short_reports.render_concise(found).count("the clone is shallow") == 3


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
        judged("no end", path=b"a", help="Mend it."),
        judged("no start", path=b"b", help="Mend it."),
        judged("no middle", path=b"c", help="Take it out."),
        judged("no name", path=b"d", help="Mend it."),
    )
    assert text.render([found]).split("\n")[1:11] == [
        "  error: a: no end",
        "  error: b: no start",
        "    by   SPEC_AUTHORITY.md:9",
        "    next Mend it.",
        "  error: c: no middle",
        "    by   SPEC_AUTHORITY.md:9",
        "    next Take it out.",
        "  error: d: no name",
        "    by   SPEC_AUTHORITY.md:9",
        "    next Mend it.",
    ]


def test_like_findings_are_told_once() -> None:
    found = verdict(
        judged("a was modified", path=b"a", help="Put it back with `git checkout x -- a`."),
        judged("b was modified", path=b"b", help="Put it back with `git checkout x -- b`."),
    )
    assert text.render([found]).split("\n")[1:4] == [
        "  error: a was modified; likewise b",
        "    by   SPEC_AUTHORITY.md:9",
        "    next Put them back with `git checkout x -- a b`.",
    ]
    assert "specguard: failed (range, 1 commit, 2 files): 2 errors in 2 files (1 rule)" in text.render(
        [found]
    )
    assert platforms.render_markdown([found]).count("\n- ") == 1
    assert platforms.render_github([found]).count("::error ") == 1


def test_what_guards_files_comes_first_and_a_rules_commits_are_one_annotation() -> None:
    found = verdict(
        results=[
            RuleResult("BRN001", "branch-name", "failed", findings=[judged("a branch", code="BRN001")]),
            RuleResult(
                "CMT002",
                "commit-message",
                "failed",
                findings=[judged(f"no type {n}", code="CMT002", commit=str(n) * 40) for n in range(1, 4)],
            ),
            RuleResult("CNT001", "content", "failed", findings=[judged("a word", code="CNT001", path=b"a")]),
            RuleResult("PTH001", "forbidden-path", "failed", findings=[judged("a file", path=b"b")]),
        ]
    )
    lines = [line for line in platforms.render_github([found]).split("\n") if line.startswith("::error")]
    assert [line.partition("title=")[2][:6] for line in lines] == ["PTH001", "CNT001", "BRN001", "CMT002"]
    assert "commit 111111111111: no type 1%0Aand so commits 222222222222, 333333333333" in lines[3]


def test_limits_of_the_runner() -> None:
    many = [judged(f"{number}{'e' * 10_000}", path=b"p%d" % number) for number in range(13)]
    many += [judged(f"w{'w' * number}", severity="warning", path=b"w%d" % number) for number in range(11)]
    lines = platforms.render_github([verdict(*many)]).splitlines()
    assert sum(line.startswith("::error ") for line in lines) == 10
    assert sum(line.startswith("::warning ") for line in lines) == 10
    assert max(len(line.partition("::")[2].partition("::")[2]) for line in lines[:20]) <= 4096
    assert (
        "specguard: GitHub shows 10 annotations of a kind; there are 3 more errors, 1 more warning" in lines
    )


def test_the_summary_is_cut_before_the_platform_drops_it() -> None:
    found = verdict(*[judged("ä" * (450 + number), path=b"p%d" % number) for number in range(700)])
    page = platforms.render_markdown([found], limit=platforms.SUMMARY_LIMIT).encode()
    assert 990_000 < len(page) <= 1_000_000
    assert 62_000 < len(platforms.render_markdown([found]).encode()) <= platforms.COMMENT_LIMIT
    assert page.endswith(b" more lines are in `--output json=FILE`.\n")


def test_the_summary_page() -> None:
    found = verdict(judged("not *this*", path=b"docs/x.md", line=3, help="undo"), notes=["judged by @base"])
    assert platforms.render_markdown([found]) == (
        "## specguard: failed (`` phase`1 ``)\n\n1 error in 1 file (1 rule).\n\n### PTH001 forbidden-path\n\n"
        "- **error** `docs/x.md:3`: not &#42;this&#42;<br>by `SPEC_AUTHORITY.md:9`<br>next: undo\n\n"
        "> judged by &#64;&#8203;base\n\n"
    )
    assert "Nothing to judge." in platforms.render_markdown([verdict(empty=True)])


def test_concise() -> None:
    counted = "specguard: failed (range, 1 commit, 2 files): 2 errors in 2 files (1 rule), 1 warning, "
    counted += "1 in the baseline"
    found = verdict(
        judged("a", path=b"x/y", line=2),
        judged("b", path=b"\xff"),
        judged("c", commit="2" * 40, field="commit.subject", severity="warning"),
        judged("d", field="branch", state="baselined"),
    )
    assert short_reports.render_concise([found]).splitlines() == [
        "x/y:2: PTH001 a",
        "\\xff: PTH001 b",
        "commit 222222222222: PTH001 c (warning)",
        "branch: PTH001 d (baselined)",
        counted,
    ]


def test_through_the_command(repository: Repository) -> None:
    policy = '# A\n\n```toml specguard\n[rules.forbidden-path]\npaths = ["locked/"]\n```\n'
    repository.commit(files={"SPEC_AUTHORITY.md": policy})
    repository.branch("work")
    repository.commit(files={b"locked/a\n::error::b": "x"})
    page = repository.path.parent / "summary.md"
    page.write_text("before\n")
    arguments = ("check", "--base=main", "--select=PTH001")
    outcome = ended(
        run_here(
            *arguments,
            "--output-format=github",
            directory=repository.path,
            env={"GITHUB_STEP_SUMMARY": str(page)},
        ),
        1,
    )
    assert outcome.stdout.startswith(
        "::error file=locked/a\\x0a%3A%3Aerror%3A%3Ab,title=PTH001 forbidden-path::"
    )
    assert len(outcome.stdout.splitlines()) == 2
    assert page.read_text().startswith("before\n## specguard: failed (`work`)\n")
    outcome = run_here(*arguments, "--output-format=concise", directory=repository.path)
    assert outcome.stdout.startswith("locked/a\\x0a::error::b: PTH001 ")


def test_a_failed_rule_beside_one_that_could_not_be_judged_is_told_as_both(tmp_path: Path) -> None:
    policy = '[rules.forbidden-path]\npaths = ["no/"]\n\n[rules.branch-name]\npattern = "^x$"\n'
    repository = Case(policy=policy, commits=[Step("feat: a", files={"no/a": "a"})]).build(tmp_path / "r")
    repository.git("checkout", "-q", "--detach")
    outcome = ended(run_here("check", "--base=main", directory=repository.path), 2)
    assert "specguard: failed, and indeterminate (" in outcome.stdout
    report = run_here("check", "--base=main", "--output-format=json", directory=repository.path).report
    assert report["verdict"] == "indeterminate"


def test_refs_without_anything_to_judge_are_counted() -> None:
    idle = [verdict(empty=True) for _ in range(3)]
    shown = text.render([*idle, verdict(judged("a file", path=b"b"))])
    assert shown.count("nothing to judge") == 1
    assert shown.endswith("\nspecguard: passed: 3 refs with nothing to judge\n")


def test_hostile_names_are_one_escaped_line() -> None:
    found = verdict(judged("see\n##[error]x\n::stop-commands::t", path=HOSTILE, line=1))
    text = platforms.render_github([found])
    assert len(text.splitlines()) == 2
    assert text.startswith("::error file=a\\x0a%3A%3Aerror file=x%3A%3Apwn\\x1b[2J%2C`|<b>.md,")
    assert "::see\\x0a\\x23#[error]x\\x0a::stop-commands::t%0Aby SPEC_AUTHORITY.md:9\n" in text
    lines = short_reports.render_concise([found]).splitlines()
    assert lines[0].startswith("a\\x0a::error file=x::pwn\\x1b[2J,`|<b>.md:1: PTH001 see\\x0a\\x23#[error]x")
    page = platforms.render_markdown([found])
    assert "<b>" not in page
    assert "\x1b" not in page
    assert "&#96;" in page
