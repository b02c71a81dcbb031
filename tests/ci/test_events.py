"""Each kind of event as the platforms tell of it, replayed through the action and through a job of GitLab.

Each file in `events/` says where it is from, the exit code, and the stage, the branch and a rule that found
something; or what the error says.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import run_here
from tests.ci.jobs import RIGHT, Hosting, Job

if TYPE_CHECKING:
    from tests.ci.jobs import Machine

pytestmark = pytest.mark.xdist_group("workflows")

EVENTS = Path(__file__).parent / "events"
NAMES = sorted(file.stem for file in EVENTS.glob("*.json"))


def test_every_event_names_its_source() -> None:
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


def compare(recorded: dict[str, Any], report: dict[str, Any] | None, head: str, said: str) -> None:
    """Compare what was judged with what was expected."""
    code, wanted = recorded["exit_code"], recorded["expected"]
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
    code, wanted = recorded["exit_code"], recorded["expected"]
    assert done.code == code, done.said
    assert job.outputs["exit-code"] == str(code)
    assert (job.outputs["verdict"] == "error") is (code == 2)
    assert bool(job.summary) is bool(wanted)
    text = (tmp_path / "report.json").read_text()
    compare(recorded, json.loads(text) if text else None, oids["1"], done.said)
    for line in done.said.splitlines():
        assert not line.startswith(("::stop", "::error file=a", "::error::y", "##[")), line
    assert not (tmp_path / "workspace" / "imported").exists()


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("gitlab")])
def test_a_job_of_gitlab(name: str, hosting: Hosting, oids: dict[str, str], tmp_path: Path) -> None:
    recorded = read(name, oids)
    workspace = hosting.checkout(tmp_path / "workspace", recorded["variables"]["CI_COMMIT_SHA"])
    words = ("--enforce", "--output-format=json")
    done = run_here("check", *words, directory=workspace.path, env=recorded["variables"])
    said = done.stdout + done.stderr
    assert done.exit_code == recorded["exit_code"], said
    compare(recorded, json.loads(done.stdout) if done.exit_code != 2 else None, oids["1"], said)
