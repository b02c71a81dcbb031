"""Reports for people: what is told together, once and first, what is cited, and each platform's limits.

`recorded/` has what each format makes of the verdicts here.
"""

import json
import re
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.declaration.look_alikes import shell_word
from specguard.declaration.registry import FORMATS
from specguard.model import ApprovalUse, Judged, RuleResult, Verdict
from specguard.reporters import platforms
from specguard.reporters.escape import visible
from specguard.testing import Case, Outcome, Repository, Step, run_here
from specguard.testing.repository import plain_bytes
from tests.outcomes import ended
from tests.reporters.verdicts import judged, lift, recorded, verdict

FORMS = ("text", "concise", "github", "markdown")
VERDICTS = tomllib.loads(Path(__file__).with_name("verdicts.toml").read_text("utf-8"))
HOSTILE = "x\n::error::a\x1b[2J\u202e ##[error]b <b>@team</b>\u2028next: run this"


def locked(path: bytes | None, *lifts: ApprovalUse, state: Any = "open") -> Judged:
    return judged("it is locked", path=path, help="undo it", lifts=lifts, state=state)


def finding(*, path: str | None = None, lifts: Sequence[Any] = (), **row: Any) -> Judged:
    """A finding of `verdicts.toml`, of a locked file unless it says otherwise."""
    row = row if "message" in row else {"message": "it is locked", "help": "undo it", **row}
    given = [lift(*one.pop("refusals", ()), **one) for one in map(dict, lifts)]
    if path is not None:
        row["path"] = plain_bytes(path.replace("LONG", "x" * 4000))
    return judged(lifts=given, **row)


def result(*, code: str, state: Any, findings: Sequence[Any] = (), **row: Any) -> RuleResult:
    """The result of another rule."""
    return RuleResult(code, "name", state, findings=[finding(code=code, **one) for one in findings], **row)


def verdicts(row: dict[str, Any]) -> list[Verdict]:
    """The verdicts of a table of `verdicts.toml`."""
    results = [result(**one) for one in row.get("results", ())]
    shared = {"results": results, "approvers": row.get("approvers", ())}
    return [
        verdict(*(finding(**found) for found in one.pop("findings", ())), **{**shared, **one})
        for one in map(dict, row["verdicts"])
    ]


@pytest.mark.parametrize("name", VERDICTS)
def test_it_is_told_as_it_was_recorded(name: str) -> None:
    found = verdicts(VERDICTS[name])
    pages = [f"=== {form}\n{FORMATS[form].render(found)}" for form in FORMS]
    recorded(f"{name.replace(', ', ' ').replace(' ', '-')}.txt", "".join(pages))


def test_limits_of_the_runner() -> None:
    many = [judged(f"{number}{'e' * 10_000}", path=b"p%d" % number) for number in range(13)]
    many += [judged(f"w{'w' * number}", severity="warning", path=b"w%d" % number) for number in range(11)]
    lines = platforms.render_github([verdict(*many)]).splitlines()
    assert sum(line.startswith("::error ") for line in lines) == 10
    assert sum(line.startswith("::warning ") for line in lines) == 10
    assert max(len(line.partition("::")[2].partition("::")[2]) for line in lines[:20]) <= 4096
    assert "GitHub shows 10 annotations of a kind; there are 3 more errors, 1 more warning" in "".join(lines)


def test_the_summary_is_cut_before_the_platform_drops_it() -> None:
    many = [judged("ä" * (450 + number), path=b"p%d" % number) for number in range(700)]
    found = verdict(*many, results=[result(code="PTH002", state="failed", findings=[{"path": "last"}])])
    page = platforms.render_markdown([found], limit=platforms.SUMMARY_LIMIT).encode()
    assert 990_000 < len(page) <= 1_000_000
    assert 62_000 < len(platforms.render_markdown([found]).encode()) <= platforms.COMMENT_LIMIT
    assert page.endswith(b" more lines are in `--output json=FILE`.\n")


def test_through_the_command(repository: Repository) -> None:
    policy = '# A\n\n```toml specguard\n[rules.forbidden-path]\npaths = ["locked/"]\n```\n'
    repository.commit(files={"SPEC_AUTHORITY.md": policy})
    repository.branch("work")
    repository.commit(files={b"locked/a\n::error::b": "x"})
    page = repository.path.parent / "summary.md"
    page.write_text("before\n")
    words = ("check", "--base=main", "--select=PTH001", "--output-format=github")
    env = {"GITHUB_STEP_SUMMARY": str(page)}
    shown = ended(run_here(*words, directory=repository.path, env=env), 1).stdout
    assert shown.startswith("::error file=locked/a\\x0a%3A%3Aerror%3A%3Ab,title=PTH001 forbidden-path::")
    assert len(shown.splitlines()) == 2
    assert page.read_text().startswith("before\n## specguard: failed (`work`)\n")


def test_a_failed_rule_beside_one_that_could_not_be_judged_is_told_as_both(tmp_path: Path) -> None:
    policy = '[rules.forbidden-path]\npaths = ["no/"]\n\n[rules.branch-name]\npattern = "^x$"\n'
    repository = Case(policy=policy, commits=[Step("feat: a", files={"no/a": "a"})]).build(tmp_path / "r")
    repository.git("checkout", "-q", "--detach")
    outcome = ended(run_here("check", "--base=main", directory=repository.path), 2)
    assert "specguard: failed, and indeterminate (" in outcome.stdout
    report = run_here("check", "--base=main", "--output-format=json", directory=repository.path).report
    assert report["verdict"] == "indeterminate"


@given(st.binary(min_size=1, max_size=30).filter(lambda raw: b"\0" not in raw))
def test_a_word_is_one_word_to_a_shell_and_shows_all(raw: bytes) -> None:
    word = shell_word(raw)
    assert visible(f" {word}") == f" {word}"
    done = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert done.stdout == raw


@pytest.mark.parametrize("field", ["approver", "reason", "ticket", "refusal"])
def test_a_record_cannot_speak_as_specguard(field: str) -> None:
    refusals = [HOSTILE] if field == "refusal" else []
    fields = {} if field == "refusal" else {field: HOSTILE}
    found = [verdict(locked(b"a", lift(*refusals, **fields), state="open" if refusals else "approved"))]
    for form in ("text", "concise", "github", "json"):
        page = FORMATS[form].render(found)
        assert not any(sign in page for sign in ("\x1b", "\u202e", "\u2028", "##["))
        assert not any(line.lstrip().startswith("::error::a") for line in page.splitlines())
    # In an annotation only specguard begins a line.
    lines = FORMATS["github"].render(found).split("%0A")
    assert {line.split("\n")[0] for line in lines if line.startswith("next: ")} <= {"next: undo it"}
    page = platforms.render_markdown(found)
    assert "<b>" not in page
    assert "@team" not in page


CITED = """# Authority

Nobody hurries. Everything must be small, only.

```toml specguard
[plans.default]
"""


def test_each_error_cites_its_line_or_says_how_its_rule_is_turned_off(repository: Repository) -> None:
    """A change with one finding of each severity, and a rule that a declared table turns on."""
    repository.commit("docs: state what may change", files={"SPEC_AUTHORITY.md": f"{CITED}```\n"})
    repository.branch("work")
    repository.commit("feat: plan" + " the cart" * 20, files={".plans/cart/plan.json": "{"})
    for form in ("text", "markdown", "agent"):
        recorded(f"cited.{form}", ended(check(repository, form=form), 1).stdout)
    findings = check(repository, form="json").report["findings"]
    assert [one["authority"] for one in findings if one["code"] == "CMT003"] == [None]
    repository.write("other.md", f'{CITED}\n[rules.commit-form]\nseverity = "off"\n```\n')
    text = check(repository, "--authority", "other.md").stdout
    assert ("PLN001" in text, "CMT003" in text) == (True, False)


# What a change does to the policy is in every report: loosening first, and each setting said once

BEFORE = Path(__file__).with_name("policy_before.md").read_text("utf-8")
AFTER = BEFORE.replace('"squash"', '"rebase"').replace('"a/", ', "").replace('"c/"', '"c/", "d/"')


@pytest.fixture
def project(repository: Repository) -> Repository:
    """A change that loosens a setting, tightens one, and changes one of which neither can be said."""
    repository.commit("chore: base", files={"SPEC_AUTHORITY.md": BEFORE})
    repository.branch("work")
    repository.commit("chore: policy", files={"SPEC_AUTHORITY.md": AFTER})
    return repository


def check(project: Repository, *words: str, form: str = "text", page: Path | None = None) -> Outcome:
    env = {"GITHUB_STEP_SUMMARY": str(page)} if page else {}
    return run_here("check", f"--output-format={form}", *words, directory=project.path, env=env)


@pytest.mark.parametrize("form", ["text", "concise", "github", "json"])
def test_each_format_lists_what_no_finding_says(form: str, project: Repository, tmp_path: Path) -> None:
    outcome = check(project, "--select=PTH001", form=form, page=tmp_path / "page")
    if form == "json":
        recorded("policy.json", json.dumps(outcome.report["policy_change"], indent=1) + "\n")
        return
    said = ended(outcome).stdout.rpartition("specguard: ")[0]
    page = (tmp_path / "page").read_text() if form == "github" else ""
    recorded(f"policy.{form}", said + page)


def test_nothing_is_said_twice(project: Repository, tmp_path: Path) -> None:
    counted = "this change loosens 1 setting, changes 1 and tightens 1\n"
    shown = check(project).stdout
    assert f"\npolicy: {counted}\nnote: Nobody may" in shown
    for key in ("rules.locked-path.paths", "merge from", "rules.forbidden-path.paths"):
        assert shown.count(key) == 1
    assert ": policy: " not in check(project, form="concise").stdout
    assert f"title=policy::{counted}" in check(project, form="github", page=tmp_path / "page").stdout
    assert "### policy\n\nThis change loosens 1 setting" in (tmp_path / "page").read_text()
    project.commit("chore: more", files={"specguard.toml": "authority.sections.'a from b' = 'order'\n"})
    assert ": policy: " not in check(project, form="concise").stdout


def test_a_change_that_only_tightens_is_a_notice(project: Repository) -> None:
    project.write("SPEC_AUTHORITY.md", BEFORE.replace('"c/"', '"c/", "d/"'))
    project.commit("chore: tighten")
    shown = check(project, form="github").stdout
    assert "::notice file=SPEC_AUTHORITY.md,line=10,title=policy::this change tightens 1 setting\n" in shown


def test_a_change_that_leaves_the_policy_alone_says_nothing_of_it(project: Repository) -> None:
    project.write("SPEC_AUTHORITY.md", BEFORE + "\nMore prose.\n")
    project.commit("docs: prose")
    for form in ("text", "concise", "github"):
        assert "policy: " not in check(project, form=form).stdout.replace("policy-change: ", "")


def test_many_are_counted(project: Repository) -> None:
    listed = json.loads(run_here("rule", "--output-format=json", directory=project.path).stdout)
    names = [rule["name"] for rule in listed if rule["severity"] == "error"][:30]
    tables = "".join(f'\n[rules.{name}]\nseverity = "info"\n' for name in names)
    project.commit("chore: policy", files={"SPEC_AUTHORITY.md": f"# A\n\n```toml specguard\n{tables}```\n"})
    shown = check(project, "--select=PTH001").stdout
    assert re.match(
        r"policy: this change loosens \d+ settings and changes 1\n(  loosens .*\n){20}  and \d+ more\n", shown
    )


@pytest.mark.parametrize("select", ["PTH001", "PTH004"])
def test_a_policy_that_cannot_be_read_any_more_is_said_once(select: str, project: Repository) -> None:
    project.commit("chore: policy", files={"SPEC_AUTHORITY.md": "# A\n\n```toml specguard\nx = 1\n```\n"})
    for form in ("text", "github"):
        shown = check(project, f"--select={select}", form=form).stdout
        assert shown.count("`x` is not known") == (0 if (select, form) == ("PTH001", "github") else 1), shown
