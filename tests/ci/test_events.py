"""Each kind of event as the platforms tell of it, replayed through the action and through a job of GitLab."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing.repository import clean_environment
from tests.ci.jobs import RIGHT, Hosting, Job

if TYPE_CHECKING:
    from specguard.testing import Repository
    from tests.ci.jobs import Machine

pytestmark = pytest.mark.xdist_group("workflows")

EVENTS = Path(__file__).parent / "events"
NAMES = sorted(file.stem for file in EVENTS.glob("*.json"))

EXPECTED: dict[str, tuple[int, str]] = {
    "github-pull-request-opened": (0, "pull-request phase-12"),
    "github-pull-request-edited": (1, "pull-request phase-12 PRQ001"),
    "github-pull-request-synchronize": (0, "pull-request phase-12"),
    "github-pull-request-ready": (0, "pull-request phase-12"),
    "github-pull-request-closed": (0, "pull-request phase-12"),
    "github-pull-request-fork": (0, "pull-request phase-12"),
    "github-pull-request-fork-deleted": (0, "pull-request phase-12"),
    "github-pull-request-review": (0, "pull-request phase-12"),
    "github-merge-group": (0, "range None"),
    "github-push-new-branch": (0, "range phase-12"),
    "github-push-forced": (0, "range phase-12"),
    "github-push-deleted": (0, ""),
    "github-push-tag": (0, "range None"),
    "github-push-default": (1, "range main"),
    "github-workflow-dispatch": (2, "is another kind"),
    "github-schedule": (2, "is another kind"),
    "github-hostile-texts": (1, "pull-request"),
    "github-hostile-head": (2, "not an object id"),
    "github-hostile-base": (2, "not a branch's name"),
    "github-hostile-types": (2, "not text"),
    "github-hostile-base-that-is-not-there": (2, "5555"),
    "github-hostile-push": (2, "not a branch's name"),
    "gitlab-merge-request": (0, "pull-request phase-12"),
    "gitlab-merge-request-fork": (0, "pull-request phase-12"),
    "gitlab-merged-results": (0, "pull-request phase-12"),
    "gitlab-merge-train": (0, "range None"),
    "gitlab-branch": (2, "--enforce judges against a base that is given"),
    "gitlab-hostile-texts": (1, "pull-request"),
    "gitlab-hostile-head": (0, "pull-request phase-12"),
}
"""The exit code, and the stage, the branch and a rule that found something; or what the error says."""


def test_every_event_is_replayed_and_names_its_source() -> None:
    assert set(EXPECTED) == set(NAMES)
    for name in NAMES:
        assert "https://docs." in json.loads((EVENTS / f"{name}.json").read_text())["source"]


@pytest.fixture
def oids(hosting: Hosting) -> dict[str, str]:
    """The commits that the events are about: a right change of phase 12, on a base that has moved on."""
    head = hosting.push(RIGHT)
    hosting.author.checkout("main")
    merge = hosting.author.merge("phase-12", message="Merge 1 into 2")
    hosting.author.git("push", "-q", "origin", f"{merge}:refs/pull/7/merge")
    hosting.author.ref("refs/heads/main", "main~1")
    hosting.author.checkout("phase-12")
    return {"1": head, "2": hosting.author.oid("main"), "3": merge}


def read(name: str, oids: dict[str, str]) -> dict[str, Any]:
    """An event, about real commits."""
    text = (EVENTS / f"{name}.json").read_text()
    for digit, oid in oids.items():
        text = text.replace(digit * 40, oid)
    data: dict[str, Any] = json.loads(text)
    return data


def compare(name: str, report: dict[str, Any] | None, head: str, said: str) -> None:
    """Compare what was judged with what was expected."""
    code, wanted = EXPECTED[name]
    assert "Traceback" not in said
    assert "\x1b" not in said
    if code == 2:
        assert wanted in said
        return
    if not wanted:
        assert not report
        return
    assert report is not None
    assert report["change"]["head"] == head
    assert report["authority"]["trusted"] is True
    found = [finding["code"] for finding in report["findings"]]
    shown = " ".join([report["change"]["stage"], str(report["change"]["branch"]), *found])
    assert shown.startswith(wanted), shown


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("github")])
def test_an_event_of_github(
    name: str, machine: Machine, hosting: Hosting, oids: dict[str, str], tmp_path: Path
) -> None:
    recorded = read(name, oids)
    job = Job(machine, hosting, tmp_path, recorded["event"], recorded["payload"])
    # What is checked out is not what is judged.
    job.known["github.event.pull_request.head.sha"] = ""
    job.known["github.sha"] = oids["3"]
    done = job.run_action(json=str(tmp_path / "report.json"))
    code, wanted = EXPECTED[name]
    assert done.code == code, done.said
    assert job.outputs["exit-code"] == str(code)
    assert (job.outputs["verdict"] == "error") is (code == 2)
    assert bool(job.summary) is bool(wanted)
    text = (tmp_path / "report.json").read_text()
    compare(name, json.loads(text) if text else None, oids["1"], done.said)
    for line in done.said.splitlines():
        assert not line.startswith(("::stop", "::error file=a", "::error::y", "##[")), line
    assert not (tmp_path / "workspace" / "imported").exists()


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("gitlab")])
def test_a_job_of_gitlab(name: str, hosting: Hosting, oids: dict[str, str], tmp_path: Path) -> None:
    workspace = hosting.checkout(tmp_path / "workspace", read(name, oids)["variables"]["CI_COMMIT_SHA"])
    done = check(workspace, read(name, oids)["variables"])
    code, _ = EXPECTED[name]
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    compare(name, json.loads(done.stdout) if code != 2 else None, oids["1"], said)
    assert not (workspace.path / "imported").exists()


def check(workspace: Repository, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Judge with a job's variables."""
    return subprocess.run(
        [f"{os.path.dirname(sys.executable)}/specguard", "check", "--enforce", "--output-format", "json"],
        cwd=workspace.path,
        env={**clean_environment(), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
