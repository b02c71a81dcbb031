"""`specguard.report/1`: the names, types and order that other programs rely on."""

import json
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Case, Outcome, Repository, run_here
from tests.outcomes import ended

RULE = {"code", "name", "state", "findings", "reason", "error", "command", "approvers", "persons"}
FINDING = {
    "code", "name", "severity", "message", "help", "location", "authority", "fingerprint", "state",
    "approval", "approvals", "baseline",
}  # fmt: skip
LOCATION = {"path", "line", "end_line", "commit", "field"}

CASE = Path(__file__).with_name("report.toml").read_text("utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with a change that breaks rules of several families."""
    return Case.from_toml(CASE).build(tmp_path_factory.mktemp("report") / "project")


@pytest.fixture(scope="module")
def outcome(project: Repository) -> Outcome:
    """What is said of it."""
    return check(project)


def check(repository: Repository, *words: str, **options: Any) -> Outcome:
    return run_here("check", "--output-format", "json", *words, directory=repository.path, **options)


def test_every_field_is_there(outcome: Outcome) -> None:
    report = outcome.report
    assert report["schema"] == "specguard.report/1"
    assert report["tool"]["name"] == "specguard"
    assert set(report["change"]) == {
        "source", "stage", "base", "head", "merge_base", "stacked_on", "branch", "commits", "entries",
        "fingerprint", "whole", "work_item",
    }  # fmt: skip
    assert set(report["authority"]) == {"documents", "blobs", "ref", "policy_id", "trusted", "plugins"}
    assert all(set(rule) == RULE for rule in report["rules"])
    for finding in report["findings"]:
        assert set(finding) == FINDING
        assert set(finding["location"]) - {"side", "path_bytes"} == LOCATION
        assert (finding["state"], finding["approval"], finding["approvals"]) == ("open", None, [])
        assert finding["help"]
    assert (report["verdict"], report["exit_code"], report["empty"]) == ("failed", 1, False)
    assert "dry_run" not in report
    assert (outcome.exit_code, outcome.stderr) == (1, "")
    assert list(report["counts"]) == [
        "passed", "warned", "failed", "approved", "baselined", "not-applicable", "off", "indeterminate",
    ]  # fmt: skip
    assert sum(report["counts"].values()) == len(report["rules"])
    for rule in report["rules"]:
        assert rule["findings"] == sum(one["code"] == rule["code"] for one in report["findings"])


def test_rules_are_in_the_order_of_their_codes_and_findings_in_that_of_their_places(outcome: Outcome) -> None:
    codes = [rule["code"] for rule in outcome.report["rules"]]
    assert codes == sorted(codes)
    places = [{**one["location"], "code": one["code"]} for one in outcome.report["findings"]]
    found = [(one["path"] or "", one["line"] or 0, one["code"]) for one in places]
    assert found == sorted(found)
    # Rules take turns: what is said of one place stands together.
    told = [f"{path} {code}" for path, _, code in found if path.startswith(("a/2", "b/"))]
    assert told == ["a/2 PTH001", "a/2 CNT001", "b/1 PTH002", "b/1 CNT001", "b/1 CNT001"]
    # A deleted path is in the base, and a name that is not UTF-8 is given as bytes too.
    deleted, changed, odd = (one for one in places if one["code"] == "PTH001")
    assert (deleted["path"], deleted["side"]) == ("a/1", "base")
    assert (changed["path"], changed.get("side")) == ("a/2", None)
    assert (odd["path"], odd["path_bytes"]) == ("c/\\xff", "Yy//")


def test_the_authority_of_a_preset_and_of_a_default(outcome: Outcome) -> None:
    cited = {finding["code"]: finding["authority"] for finding in outcome.report["findings"]}
    assert cited["CMT002"]["path"] == "preset:phase-runner"
    assert cited["CMT002"]["line"] > 0
    assert cited["PTH005"] is None


def test_fingerprints_outlive_shifted_lines_and_new_commits(project: Repository, tmp_path: Path) -> None:
    copy = Case.from_toml(CASE.replace(r'"x\nsecret', r'"x\nx\nx\nsecret')).build(tmp_path / "copy")
    copy.git("commit", "--amend", "-q", "-m", "another subject")
    before, after = (
        check(place, "--select", "CNT001,PTH001,PTH002").report["findings"] for place in (project, copy)
    )
    prints = [sorted(finding["fingerprint"] for finding in found) for found in (before, after)]
    assert prints[0] == prints[1]
    assert len(set(prints[0])) == len(before) == 7
    lines = [[finding["location"]["line"] for finding in found] for found in (before, after)]
    assert lines[0] != lines[1]


def test_a_dry_run_and_nothing_to_judge(project: Repository) -> None:
    outcome = check(project, "--dry-run")
    assert (outcome.exit_code, outcome.report["exit_code"]) == (0, 0)
    assert (outcome.report["verdict"], outcome.report["dry_run"]) == ("failed", True)
    assert "would block" in run_here("check", "--exit-zero", directory=project.path).stdout

    report = check(project, "--range", "main..main").report
    assert (report["empty"], report["verdict"], report["exit_code"]) == (True, "passed", 0)
    assert "nothing to judge" in run_here("check", "--range", "main..main", directory=project.path).stdout


def test_a_report_that_cannot_be_made(project: Repository, tmp_path: Path) -> None:
    outcome = ended(check(project, "--base", "nowhere"), 2)
    assert set(outcome.report) == {"schema", "tool", "verdict", "errors", "exit_code"}
    assert outcome.report["verdict"] == "error"
    [error] = outcome.report["errors"]
    assert set(error) == {"code", "message", "help", "location"}
    assert error["code"] == "no-base"
    assert error["message"] in outcome.stderr
    # The place of an error has the fields of every place.
    repository = Case.from_toml('policy = "no-such-key = 1"').build(tmp_path / "project")
    [error] = check(repository).report["errors"]
    assert set(error["location"]) == LOCATION
    assert (error["location"]["path"], error["location"]["line"]) == ("SPEC_AUTHORITY.md", 4)


def test_bytes_are_shown_wherever_text_is(tmp_path: Path) -> None:
    case = Case.from_toml('commits = [{message = "bad \\\\xff", files = {a = "1"}}]')
    repository = case.build(tmp_path / "project")
    text = check(repository, "--branch", b"b\xff".decode("utf-8", "surrogateescape")).stdout
    # A surrogate that stands for a byte is not a text.
    json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "strict")


def test_several_refs_are_one_report_a_line(project: Repository) -> None:
    good, bad = project.oid("main"), project.oid("phase-1")
    pushed = "".join(
        f"refs/heads/{name} {oid} refs/heads/{name} {'0' * 40}\n"
        for name, oid in (("phase-1", bad), ("other", good))
    )
    outcome = check(project, "--push", stdin=pushed)
    lines = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert [line["change"]["branch"] for line in lines] == ["phase-1", "other"]
    assert [line["exit_code"] for line in lines] == [1, 0]
    assert outcome.exit_code == 1
