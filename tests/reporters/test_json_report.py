"""`specguard.report/1`: the names, types and order that other programs rely on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Case, Outcome, Repository, run_here
from tests.outcomes import ended

if TYPE_CHECKING:
    from pathlib import Path

RULE = {"code", "name", "state", "findings", "reason", "error", "command", "approvers", "persons"}
FINDING = {
    "code", "name", "severity", "message", "help", "location", "authority", "fingerprint", "state",
    "approval", "approvals", "baseline",
}  # fmt: skip
LOCATION = {"path", "line", "end_line", "commit", "field"}

CASE = r"""
policy = '''
extends = ["phase-runner"]
[rules.locked-path]
paths = ["b/"]
[rules.forbidden-path]
paths = ["a/", "c/"]
[rules.forbidden-content]
forbid = [{pattern = "secret"}]
'''
branch = "phase-1"

[base.files]
"a/1" = "1\n"
"a/2" = "2\n"
"b/1" = "1\n"
"configs/NEXT_PHASE.json" = '{"plan_version": "v1", "next": 1}'
"docs/plan/v1/phases/phase-1.md" = "# Phase 1"

[[commits]]
message = "feat: nothing of the kind."
files = {"b/1" = "x\nsecret\nsecret\n", "c/\\xff" = "", "a/2" = "secret\n"}
delete = ["a/1"]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with a change that breaks rules of several families."""
    return Case.from_toml(CASE).build(tmp_path_factory.mktemp("report") / "project")


def check(repository: Repository, *words: str, **options: Any) -> Outcome:
    return run_here("check", "--output-format", "json", *words, directory=repository.path, **options)


def test_every_field_is_there(project: Repository) -> None:
    outcome = check(project)
    report = outcome.report

    assert report["schema"] == "specguard.report/1"
    assert report["tool"]["name"] == "specguard"
    assert set(report["change"]) == {
        "source", "stage", "base", "head", "merge_base", "stacked_on", "branch", "commits", "entries",
        "fingerprint", "whole", "work_item",
    }  # fmt: skip
    assert set(report["authority"]) == {"documents", "blobs", "ref", "policy_id", "trusted", "plugins"}
    assert all(set(rule) == RULE for rule in report["rules"])
    assert all(set(finding) == FINDING for finding in report["findings"])
    for finding in report["findings"]:
        assert set(finding["location"]) - {"side", "path_bytes"} == LOCATION
        assert finding["state"] == "open"
        assert finding["approval"] is None
        assert finding["approvals"] == []
        assert finding["help"]
    assert report["verdict"] == "failed"
    assert report["exit_code"] == outcome.exit_code == 1
    assert report["empty"] is False
    assert "dry_run" not in report
    assert not outcome.stderr


def test_counts_are_of_all_rules(project: Repository) -> None:
    report = check(project).report
    assert list(report["counts"]) == [
        "passed", "warned", "failed", "approved", "baselined", "not-applicable", "off", "indeterminate",
    ]  # fmt: skip
    assert sum(report["counts"].values()) == len(report["rules"])
    for rule in report["rules"]:
        assert rule["findings"] == sum(one["code"] == rule["code"] for one in report["findings"])


def test_rules_are_in_the_order_of_their_codes(project: Repository) -> None:
    codes = [rule["code"] for rule in check(project).report["rules"]]
    assert codes == sorted(codes)


def test_findings_are_in_the_order_of_their_places(project: Repository) -> None:
    found = [
        (finding["location"]["path"] or "", finding["location"]["line"] or 0, finding["code"])
        for finding in check(project).report["findings"]
    ]
    assert found == sorted(found)
    # Rules take turns: what is said of one place stands together.
    assert [(path, code) for path, _, code in found if path.startswith(("a/2", "b/"))] == [
        ("a/2", "PTH001"),
        ("a/2", "CNT001"),
        ("b/1", "PTH002"),
        ("b/1", "CNT001"),
        ("b/1", "CNT001"),
    ]


def test_a_deleted_path_is_in_the_base(project: Repository) -> None:
    sides = {
        finding["location"]["path"]: finding["location"].get("side")
        for finding in check(project, "--select", "PTH001").report["findings"]
    }
    assert sides["a/1"] == "base"
    assert sides["a/2"] is None


def test_a_name_that_is_not_utf_8_is_given_as_bytes_too(project: Repository) -> None:
    [location] = [
        finding["location"]
        for finding in check(project, "--select", "PTH001").report["findings"]
        if finding["location"]["path"].startswith("c/")
    ]
    assert location["path"] == "c/\\xff"
    assert location["path_bytes"] == "Yy//"


def test_the_authority_of_a_preset_and_of_a_default(project: Repository) -> None:
    report = check(project, "--select", "CMT002,PTH005").report
    cited = {finding["code"]: finding["authority"] for finding in report["findings"]}
    assert cited["CMT002"]["path"] == "preset:phase-runner"
    assert cited["CMT002"]["line"] > 0
    assert cited["PTH005"] is None


def test_fingerprints_outlive_shifted_lines_and_new_commits(project: Repository, tmp_path: Path) -> None:
    before = check(project, "--select", "CNT001,PTH001,PTH002").report
    copy = Case.from_toml(CASE.replace(r'"x\nsecret', r'"x\nx\nx\nsecret')).build(tmp_path / "copy")
    copy.git("commit", "--amend", "-q", "-m", "another subject")
    after = check(copy, "--select", "CNT001,PTH001,PTH002").report

    def fingerprints(report: Any) -> list[str]:
        return sorted(finding["fingerprint"] for finding in report["findings"])

    assert fingerprints(before) == fingerprints(after)
    assert len(set(fingerprints(before))) == len(before["findings"]) == 7
    assert [one["location"]["line"] for one in before["findings"]] != [
        one["location"]["line"] for one in after["findings"]
    ]


def test_a_dry_run_keeps_the_verdict(project: Repository) -> None:
    outcome = check(project, "--dry-run")
    assert (outcome.exit_code, outcome.report["exit_code"]) == (0, 0)
    assert outcome.report["verdict"] == "failed"
    assert outcome.report["dry_run"] is True
    assert "would block" in run_here("check", "--exit-zero", directory=project.path).stdout


def test_nothing_to_judge(project: Repository) -> None:
    report = check(project, "--range", "main..main").report
    assert report["empty"] is True
    assert (report["verdict"], report["exit_code"]) == ("passed", 0)
    assert "nothing to judge" in run_here("check", "--range", "main..main", directory=project.path).stdout


def test_a_report_that_cannot_be_made(project: Repository) -> None:
    outcome = ended(check(project, "--base", "nowhere"), 2)
    assert set(outcome.report) == {"schema", "tool", "verdict", "errors", "exit_code"}
    assert outcome.report["verdict"] == "error"
    [error] = outcome.report["errors"]
    assert set(error) == {"code", "message", "help", "location"}
    assert error["code"] == "no-base"
    assert error["message"] in outcome.stderr


def test_two_changes_at_once(project: Repository) -> None:
    outcome = ended(check(project, "--staged", "--worktree"), 2)
    [error] = outcome.report["errors"]
    assert "--staged and --worktree" in error["message"]
    assert error["help"]


def test_the_place_of_an_error_has_the_fields_of_every_place(tmp_path: Path) -> None:
    repository = Case.from_toml('policy = "no-such-key = 1"').build(tmp_path / "project")
    [error] = check(repository).report["errors"]
    assert set(error["location"]) == LOCATION
    assert error["location"]["path"] == "SPEC_AUTHORITY.md"
    assert error["location"]["line"] == 4


def test_bytes_are_shown_wherever_text_is(tmp_path: Path) -> None:
    repository = Case.from_toml('commits = [{message = "bad \\\\xff", files = {a = "1"}}]').build(
        tmp_path / "project"
    )
    text = check(repository, "--branch", b"b\xff".decode("utf-8", "surrogateescape")).stdout
    assert "\\udc" not in text
    json.loads(text.encode("utf-8", "strict"))


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


def test_reports_in_files_beside_the_one_on_standard_output(project: Repository, tmp_path: Path) -> None:
    outcome = run_here(
        "check",
        *("--output", f"json={tmp_path}/report.json"),
        *("--output", f"concise={tmp_path}/report.txt"),
        directory=project.path,
    )
    assert "PTH001 forbidden-path" in outcome.stdout
    assert json.loads((tmp_path / "report.json").read_text())["exit_code"] == 1
    assert "PTH001" in (tmp_path / "report.txt").read_text()
