"""The example that publishes reports of forks: what a stranger puts into the artifact goes no further."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ci.jobs import ROOT, SHELL, Hosting, Machine, Step, expression, pull_request
from tests.executor.places import program

pytestmark = [
    pytest.mark.xdist_group("workflows"),
    pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed"),
]

EXAMPLES = ROOT / "docs" / "examples"
JUDGE = yaml.safe_load((EXAMPLES / "spec-guard.yml").read_text())
PUBLISH = yaml.safe_load((EXAMPLES / "spec-guard-publish.yml").read_text())
HEAD = "1" * 40
REPORT = {"verdict": "failed", "findings": [{}, {}]}
SARIF = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "specguard"}}, "results": []}]}
PULLS = [{"number": 6, "head": {"sha": "2" * 40}}, {"number": 7, "head": {"sha": HEAD}}]
STEPS = {step["name"]: step for step in PUBLISH["jobs"]["publish"]["steps"] if "run" in step}


class Publishing:
    """The steps of the job that publishes, with a stand-in for `gh` that writes down what it is asked."""

    def __init__(self, machine: Machine, place: Path) -> None:
        self.machine, self.place = machine, place
        self.untrusted = place / "untrusted"
        self.untrusted.mkdir()
        self.give(REPORT, SARIF)
        self.answer(pulls=PULLS, comments=[[]])

    def give(self, report: object, sarif: object) -> None:
        """Put two reports into the artifact, of which nothing has been read yet."""
        shutil.rmtree(self.place / "read", ignore_errors=True)
        (self.untrusted / "report.json").write_text(json.dumps(report))
        (self.untrusted / "report.sarif").write_text(json.dumps(sarif))

    def answer(self, *, pulls: object, comments: object) -> None:
        """Let the platform answer."""
        (self.place / "pulls.json").write_text(json.dumps(pulls))
        (self.place / "comments.json").write_text(json.dumps(comments))
        program(
            self.place / "programs/gh",
            f'printf "<%s>" "$@" >> {self.place}/asked\necho >> {self.place}/asked\n'
            f'case "$*" in *pulls*) cat {self.place}/pulls.json;; '
            f"*slurp*) cat {self.place}/comments.json;; esac",
        )

    @property
    def asked(self) -> str:
        """What `gh` was asked so far."""
        return (self.place / "asked").read_text()

    def run(self, name: str, **known: str) -> Step:
        """Run a step."""
        step = STEPS[name]
        event = "github.event.workflow_run"
        values = {
            "github.token": "t",
            f"{event}.head_repository.owner.login": "dave",
            f"{event}.head_branch": "x&state=all$(touch imported)",
            f"{event}.head_sha": HEAD,
            f"{event}.html_url": "https://github.com/acme/shop/actions/runs/1",
            "steps.pull.outputs.number": "7",
            **known,
        }
        env = {key: expression(value, values) for key, value in step.get("env", {}).items()}
        env.update(
            GITHUB_REPOSITORY="acme/shop",
            GITHUB_OUTPUT=str(self.place / "outputs"),
            RUNNER_TEMP=str(self.place),
            UNTRUSTED=str(self.untrusted),
            PATH=f"{self.place}/programs:/usr/bin:/bin",
        )
        return self.machine.run(step["run"], self.place, env, *SHELL)


@pytest.fixture
def publishing(machine: Machine, tmp_path: Path) -> Publishing:
    return Publishing(machine, tmp_path)


def test_the_job_with_rights_has_nothing_of_the_change() -> None:
    job = PUBLISH["jobs"]["publish"]
    assert PUBLISH["permissions"] == {}
    assert not any(step.get("uses", "").startswith("actions/checkout") for step in job["steps"])
    for step in job["steps"]:
        assert "${{" not in step.get("run", "")
    assert JUDGE["permissions"] == {"contents": "read"}
    # The trigger names the other workflow, and the artifact is the one that it leaves.
    triggers: Any = PUBLISH[True]  # how YAML 1.1 reads the key `on`
    assert triggers["workflow_run"]["workflows"] == [JUDGE["name"]]
    [upload] = [step for step in JUDGE["jobs"]["spec-guard"]["steps"] if "upload" in step.get("uses", "")]
    assert upload["with"]["name"] == job["steps"][0]["with"]["name"]


def test_the_job_that_judges_writes_what_is_published(
    machine: Machine, hosting: Hosting, tmp_path: Path
) -> None:
    [action] = [step for step in JUDGE["jobs"]["spec-guard"]["steps"] if "specguard" in step.get("uses", "")]
    head = hosting.push({"docs/api/x.yaml": "b\n"})
    job = pull_request(machine, hosting, tmp_path, head)
    (tmp_path / "spec-guard").mkdir()
    inputs = {
        name: expression(value, {"runner.temp": str(tmp_path)}) for name, value in action["with"].items()
    }
    job.run_action(**inputs).ended(1)
    place = tmp_path / "publishing"
    place.mkdir()
    publishing = Publishing(machine, place)
    for name in ("report.json", "report.sarif"):
        (publishing.untrusted / name).write_bytes((tmp_path / "spec-guard" / name).read_bytes())
    publishing.run("Read the reports").ended()
    assert (place / "read" / "comment").read_text().startswith("specguard: **failed**, ")


def test_the_pull_request_is_the_one_of_the_judged_head(publishing: Publishing) -> None:
    publishing.run("Find the pull request").ended()
    assert (publishing.place / "outputs").read_text() == "number=7\n"
    assert "<head=dave:x&state=all$(touch imported)>" in publishing.asked
    (publishing.place / "outputs").unlink()
    publishing.answer(pulls=PULLS[:1], comments=[])
    publishing.run("Find the pull request").ended()
    assert (publishing.place / "outputs").read_text() == "number=\n"
    assert not (publishing.place / "imported").exists()


def test_a_comment_is_made_once_and_then_changed(publishing: Publishing) -> None:
    publishing.run("Read the reports").ended()
    publishing.run("Comment").ended()
    body = "<!-- specguard -->\nspecguard: **failed**, 2 findings. [All of it](https://github.com/acme/shop/actions/runs/1)"
    assert publishing.asked.endswith(
        f"<api><--method><POST><repos/acme/shop/issues/7/comments><-f><body={body}>\n"
    )
    own = {"id": 5, "user": {"login": "github-actions[bot]"}, "body": body}
    # Somebody else's comment is left alone, whatever it begins with.
    publishing.answer(pulls=PULLS, comments=[[{**own, "id": 4, "user": {"login": "dave"}}], [own]])
    publishing.run("Comment").ended()
    assert "<--method><PATCH><repos/acme/shop/issues/comments/5>" in publishing.asked


def test_what_is_no_report_goes_no_further(publishing: Publishing) -> None:
    for report, sarif in (
        ({"verdict": "passed** @team [x](http://x)", "findings": []}, SARIF),
        ({"verdict": ["passed"], "findings": []}, SARIF),
        ({"verdict": "passed", "findings": "![x](http://x)"}, SARIF),
        ([], SARIF),
        (REPORT, {"runs": [{"tool": {"driver": {"name": "other"}}}]}),
        (REPORT, {"runs": []}),
        (REPORT, "x"),
    ):
        publishing.give(report, sarif)
        assert publishing.run("Read the reports").code != 0, report


def test_alerts_are_kept_where_there_is_no_verdict(publishing: Publishing) -> None:
    written = ""
    for verdict in ("passed", "accepted", "failed", "indeterminate", "error"):
        publishing.give({"verdict": verdict, "findings": []}, SARIF)
        publishing.run("Read the reports").ended()
        written += f"whole={str(verdict not in ('indeterminate', 'error')).lower()}\n"
        assert (publishing.place / "outputs").read_text() == written
    [upload] = [step for step in PUBLISH["jobs"]["publish"]["steps"] if "sarif" in step.get("uses", "")]
    assert upload["if"] == "steps.read.outputs.whole == 'true'"


def test_a_link_and_a_large_file_are_not_read(publishing: Publishing) -> None:
    file = publishing.untrusted / "report.json"
    text = file.read_text()
    file.write_text(text + " " * 10_000_001)
    assert "too large" in publishing.run("Read the reports").said
    (publishing.place / "secret").write_text(text)
    file.unlink()
    file.symlink_to(publishing.place / "secret")
    assert "there is no report.json" in publishing.run("Read the reports").said
