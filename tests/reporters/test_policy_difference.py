"""What a change does to the policy is in every report: loosening first, and each setting said once."""

import json
import re
from pathlib import Path

import pytest

from specguard.testing import Outcome, Repository, run_here
from tests.outcomes import ended
from tests.reporters.verdicts import recorded

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
    assert f"\npolicy: {counted}\nspecguard: failed" in shown
    for key in ("rules.locked-path.paths", "merge from", "rules.forbidden-path.paths"):
        assert shown.count(key) == 1
    assert ": policy: " not in check(project, form="concise").stdout
    assert f"title=policy::{counted}" in check(project, form="github", page=tmp_path / "page").stdout
    assert "### policy\n\nThis change loosens 1 setting" in (tmp_path / "page").read_text()


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
