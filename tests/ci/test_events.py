"""Each kind of event as the platforms tell of it: some through the action, the others in this process.

Each file in `events/` says where it is from, the exit code, and the stage, the branch and a rule that found
something; or what the error says.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Repository, run_here
from tests.ci.conftest import host
from tests.ci.jobs import RIGHT, Hosting, Job, Machine, read_outputs

pytestmark = pytest.mark.xdist_group("workflows")

EVENTS = Path(__file__).parent / "events"
NAMES = sorted(file.stem for file in EVENTS.glob("*.json"))
# One of each exit code, one without a change, and the hostile texts.
BY_THE_ACTION = {
    f"github-{name}" for name in ("hostile-base", "hostile-texts", "merge-group", "push-deleted")
}


@dataclass
class Place:
    """The commits that the events are about: a right change of phase 12, on a base that has moved on."""

    hosting: Hosting
    workspace: Repository
    oids: dict[str, str]

    def read(self, name: str) -> dict[str, Any]:
        """An event, about real commits."""
        text = (EVENTS / f"{name}.json").read_text()
        for digit, oid in self.oids.items():
            text = text.replace(digit * 40, oid)
        data: dict[str, Any] = json.loads(text)
        assert "https://docs." in data["source"]
        return data


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("events")
    hosting = host(folder)
    head = hosting.push(RIGHT)
    hosting.author.checkout("main")
    merge = hosting.author.merge("phase-12", message="Merge 1 into 2")
    hosting.author.git("push", "-q", "origin", f"{merge}:refs/pull/7/merge")
    hosting.author.ref("refs/heads/main", "main~1")
    hosting.author.checkout("phase-12")
    oids = {"1": head, "2": hosting.author.oid("main"), "3": merge}
    return Place(hosting, hosting.checkout(folder / "workspace", merge), oids)


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
def test_an_event_of_github(name: str, machine: Machine, place: Place, tmp_path: Path) -> None:
    recorded = place.read(name)
    job = Job(machine, place.hosting, tmp_path, recorded["event"], recorded["payload"])
    file = tmp_path / "report.json"
    if name in BY_THE_ACTION:
        # What is checked out is not what is judged.
        job.known.update({"github.event.pull_request.head.sha": "", "github.sha": place.oids["3"]})
        step = job.run_action(json=str(file))
        code, said, outputs = step.code, step.said, job.outputs
    else:
        place.workspace.git("checkout", "-q", "--detach", place.oids["3"])
        words = ("--enforce", "--output-format=github", f"--output=json={file}")
        event = f"--pr-event={job.env['GITHUB_EVENT_PATH']}"
        done = run_here("check", *words, event, directory=place.workspace.path, env=job.env)
        code, said = done.exit_code, done.stdout + done.stderr
        outputs = read_outputs((tmp_path / "outputs").read_text())
    assert code == recorded["exit_code"], said
    assert outputs["exit-code"] == str(code)
    assert (outputs["verdict"] == "error") is (code == 2)
    assert bool(job.summary) is bool(recorded["expected"])
    text = file.read_text()
    compare(recorded, json.loads(text) if text else None, place.oids["1"], said)
    for line in said.splitlines():
        assert not line.startswith(("::stop", "::error file=a", "::error::y", "##[")), line
    assert not (place.workspace.path / "imported").exists()


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("gitlab")])
def test_a_job_of_gitlab(name: str, place: Place) -> None:
    recorded = place.read(name)
    place.workspace.git("checkout", "-q", "--detach", recorded["variables"]["CI_COMMIT_SHA"])
    words = ("--enforce", "--output-format=json")
    done = run_here("check", *words, directory=place.workspace.path, env=recorded["variables"])
    said = done.stdout + done.stderr
    assert done.exit_code == recorded["exit_code"], said
    compare(recorded, json.loads(done.stdout) if done.exit_code != 2 else None, place.oids["1"], said)
